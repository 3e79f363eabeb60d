"""Choosing records to sign, the review, waiting for the phone, and the result row by row."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from sandbox import web
from sandbox.domain.lifecycle import RecordState, Role
from sandbox.domain.report_card import Slot
from sandbox.portal import selection
from sandbox.portal.context import Actor, Reason, Stopped
from sandbox.portal.model import ItemStatus, RecordLine, RequestRow, Subject
from sandbox.portal.pages_frame import Frame, new_router, page_of, way
from sandbox.portal.pages_records import show_choice
from sandbox.portal.selection import Choice
from sandbox.portal.service import PortalService
from sandbox.portal.signings import BEFORE, SIGNER, WAITS_FOR, Preview, RequestView, hindrance


@dataclass(frozen=True, slots=True)
class Task:
    """One of the three signing menus of a school."""

    name: str
    slot: Slot

    @property
    def role(self) -> Role:
        """Who signs here."""
        return SIGNER[self.slot]

    @property
    def former(self) -> Role:
        """Who must have signed before: the one to remind (E10)."""
        return Role.GVCN if self.slot is Slot.CBQL else Role.CBQL


TASKS = {
    task.name: task
    for task in (
        Task("gvcn", Slot.GVCN),
        Task("duyet", Slot.CBQL),
        Task("phat-hanh", Slot.KY_PHAT_HANH),
    )
}


def task_named(name: str) -> Task:
    """Return a signing menu. Raises `Stopped` for a name there is none of."""
    if name not in TASKS:
        raise Stopped(Reason.NOT_FOUND, target=name)
    return TASKS[name]


def router(service: PortalService) -> APIRouter:
    """Return the pages."""
    routes, frame = new_router(), Frame(service)
    _classes(routes, frame)
    _choose(routes, frame)
    _review(routes, frame)
    _sign(routes, frame)
    _wait(routes, frame)
    _result(routes, frame)
    return routes


def _classes(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/ky/{name}")
    async def classes(request: Request, name: str, tu: int = 1) -> Response:
        task = task_named(name)
        actor = await frame.actor(request, roles=(task.role,))
        rows = await web.off_loop(frame.service.records.classes, web.space_of(request), actor)
        listed = [
            (row, _readiness(task, counts, total), way(f"/cong/ky/{name}/chon", lop=row.name))
            for row, counts, total in rows
        ]
        shown, more = page_of(listed, tu)
        return await frame.show(
            request,
            "portal/sign_classes.html",
            page=f"portal.lop_{name.replace('-', '_')}",
            actor=actor,
            task=task,
            rows=shown,
            more=more,
        )

    @routes.post("/cong/nhac")
    async def remind(request: Request) -> Response:
        actor = await frame.actor(request, roles=(Role.CBQL, Role.VAN_THU))

        async def work(form: web.Form) -> str:
            task = task_named(form.get("viec"))
            class_name = form.get("lop")
            space = web.space_of(request)
            await web.off_loop(frame.service.records.class_row, space, actor, class_name)
            await web.off_loop(frame.service.schools.remind, space, actor, class_name, task.former)
            ready = await _only_ready(frame, request, actor, task, class_name)
            to = "xem-lai" if ready else "chon"
            raise web.Stale(
                way(f"/cong/ky/{task.name}/{to}", lop=class_name),
                web.say("cau", f"portal.remind.done.{task.former.value}", lop=class_name),
            )

        return await frame.submit(request, action="portal.remind", work=work, again="/cong")


def _readiness(task: Task, counts: dict[RecordState, int], total: int) -> dict[str, int]:
    """Return how many of a class wait for this signature, lack a former one, are signed."""
    ready = counts.get(WAITS_FOR[task.slot], 0)
    before = sum(counts.get(state, 0) for state in BEFORE[task.slot])
    made = sum(counts.values())
    return {"ready": ready, "missing": before, "total": total, "signed": made - ready - before}


async def _only_ready(
    frame: Frame, request: Request, actor: Actor, task: Task, class_name: str
) -> list[str]:
    """Untick what cannot be signed; return what is left."""
    lines = await web.off_loop(
        frame.service.records.lines, web.space_of(request), actor, class_name
    )
    ticked = set(await selection.chosen(request, task.name, class_name))
    ready = [
        line.record_id
        for line in lines
        if line.record_id in ticked and hindrance(line, task.slot) is None
    ]
    await selection.keep(request, task.name, class_name, ready)
    return ready


async def _choices(
    frame: Frame, request: Request, actor: Actor, task: Task, class_name: str
) -> list[Choice]:
    space = web.space_of(request)
    await web.off_loop(frame.service.records.class_row, space, actor, class_name)
    lines = await web.off_loop(frame.service.records.lines, space, actor, class_name)
    if not lines:
        raise Stopped(Reason.NOT_FOUND, target=class_name)
    return [
        Choice(line.record_id, line.pupil_name, line.number, hindrance(line, task.slot))
        for line in lines
    ]


def _choose(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/ky/{name}/chon")
    async def choose(request: Request, name: str, lop: str, tu: int = 1) -> Response:
        task = task_named(name)
        actor = await frame.actor(request, roles=(task.role,))
        await frame.service.signings.look_at_live(
            web.space_of(request), signer_id=actor.identity.person_id
        )
        choices = await _choices(frame, request, actor, task, lop)
        ticked = await selection.chosen(request, task.name, lop)
        back = way("/cong/lop", lop=lop) if task.slot is Slot.GVCN else f"/cong/ky/{name}"
        return await show_choice(
            frame,
            request,
            actor,
            task=task.name.replace("-", "_"),
            class_name=lop,
            choices=choices,
            ticked=ticked,
            first=tu,
            back=back,
            to=way(f"/cong/ky/{name}/chon", lop=lop),
        )

    @routes.post("/cong/ky/{name}/chon")
    async def keep(request: Request, name: str, lop: str, buoc: str = "") -> Response:
        task = task_named(name)
        actor = await frame.actor(request, roles=(task.role,))
        choices = await _choices(frame, request, actor, task, lop)

        async def work(form: web.Form) -> str:
            return await selection.step(
                request,
                form,
                task.name,
                lop,
                choices,
                here=f"/cong/ky/{name}/chon",
                review=f"/cong/ky/{name}/xem-lai",
            )

        return await frame.submit(
            request,
            action=f"portal.choose:{task.name.replace('-', '_')}:{lop}:{buoc}",
            work=work,
            again=way(f"/cong/ky/{name}/chon", lop=lop),
        )

    @routes.post("/cong/ky/{name}/bo-chua-du")
    async def untick(request: Request, name: str, lop: str) -> Response:
        task = task_named(name)
        actor = await frame.actor(request, roles=(task.role,))

        async def work(_form: web.Form) -> str:
            ready = await _only_ready(frame, request, actor, task, lop)
            to = "xem-lai" if ready else "chon"
            return way(f"/cong/ky/{name}/{to}", lop=lop)

        return await frame.submit(
            request,
            action=f"portal.untick:{name}:{lop}",
            work=work,
            again=way(f"/cong/ky/{name}/chon", lop=lop),
        )


async def _wanted(
    frame: Frame, request: Request, actor: Actor, task: Task, lop: str | None, em: str | None
) -> list[str]:
    """Return the records a review is about: one, or those ticked in a class, in list order."""
    if em:
        return [em]
    choices = await _choices(frame, request, actor, task, lop or "")
    ticked = set(await selection.chosen(request, task.name, lop or ""))
    return [c.value for c in choices if c.value in ticked]


def _review(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/ky/{name}/xem-lai")
    async def review(
        request: Request, name: str, lop: str | None = None, em: str | None = None, tu: int = 1
    ) -> Response:
        task = task_named(name)
        actor = await frame.actor(request, roles=(task.role,))
        wanted = await _wanted(frame, request, actor, task, lop, em)
        preview = await frame.service.signings.preview(
            web.space_of(request), actor, task.slot, wanted
        )
        if preview.left_out:
            return await _stop(frame, request, actor, task, preview, lop)
        shown, more = page_of(list(preview.ready), tu)
        return await frame.show(
            request,
            "portal/confirm.html",
            page="portal.xac_nhan",
            actor=actor,
            records=[line.record_id for line in shown],
            task=task,
            preview=preview,
            rows=shown,
            more=None if more is None else way(request.url.path, lop=lop, tu=more),
            lop=lop,
            em=em,
            back=f"/cong/hoc-ba/{em}" if em else way(f"/cong/ky/{name}/chon", lop=lop),
        )


async def _stop(
    frame: Frame, request: Request, actor: Actor, task: Task, preview: Preview, lop: str | None
) -> Response:
    """Show what cannot be signed yet and why, with the button that mends it (E10, E15, …)."""
    words = {word for _line, word in preview.left_out}
    why = "thieu_truoc" if "thieu_truoc" in words else min(words)
    first: RecordLine = preview.left_out[0][0]
    shown, _more = page_of([line for line, word in preview.left_out if word == why], 1)
    return await frame.show(
        request,
        "portal/not_ready.html",
        page="portal.chua_du",
        actor=actor,
        records=[line.record_id for line in shown],
        task=task,
        why=why,
        rows=shown,
        count=sum(word == why for _line, word in preview.left_out),
        left=len(preview.ready),
        class_name=lop or first.class_name,
        first=first,
        single=lop is None,
        wrong=True,
        back=way(f"/cong/ky/{task.name}/chon", lop=lop or first.class_name),
    )


def _sign(routes: APIRouter, frame: Frame) -> None:
    @routes.post("/cong/ky/{name}/xem-lai")
    async def sign(
        request: Request, name: str, lop: str | None = None, em: str | None = None
    ) -> Response:
        task = task_named(name)
        actor = await frame.actor(request, roles=(task.role,))
        unit = actor.identity.unit_name

        async def work(_form: web.Form) -> str:
            wanted = await _wanted(frame, request, actor, task, lop, em)
            request_id = await frame.service.signings.sign_records(
                web.space_of(request),
                actor,
                task.slot,
                wanted,
                purpose=web.text(request, "cau", f"portal.purpose.{task.name}", n=len(wanted)),
                portal=web.text(request, "nhan", "portal.asks", unit=unit),
                return_path="/cong/yeu-cau/{id}",
            )
            if lop:
                await selection.forget(request, task.name, lop)
            return f"/cong/yeu-cau/{request_id}"

        about = em or lop or ""
        return await frame.submit(
            request,
            action=f"portal.sign:{name}:{about}",
            work=work,
            again=way(f"/cong/ky/{name}/xem-lai", lop=lop, em=em),
        )


async def _view(frame: Frame, request: Request, request_id: str) -> tuple[Actor, RequestView]:
    """Return a request of the visitor's own unit, as it stands now.

    A teacher sees what concerns their own class; other classes' names are none of their business.
    """
    actor = await frame.actor(request)
    space = web.space_of(request)
    view = await frame.service.signings.look(space, request_id)
    asked, me = view.request, actor.identity
    if asked.unit_code != me.unit_code:
        raise Stopped(Reason.NOT_FOUND, target=request_id)
    if me.role is Role.GVCN and asked.signer_id != me.person_id:
        await web.off_loop(frame.service.records.class_row, space, actor, asked.class_name or "")
    return actor, view


def back_from(row: RequestRow) -> str:
    """Return where the work goes on when a request has ended."""
    if row.subject is Subject.PACKAGE:
        return "/cong/goi"
    if row.subject is Subject.REGISTRATION:
        return "/cong/chung-thu"
    if row.slot is Slot.GVCN:
        return way("/cong/lop", lop=row.class_name)
    name = "duyet" if row.slot is Slot.CBQL else "phat-hanh"
    return f"/cong/ky/{name}"


def _wait(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/yeu-cau/{request_id}")
    async def wait(request: Request, request_id: str, hoi: int = 0) -> Response:
        actor, view = await _view(frame, request, request_id)
        if not view.live:
            to = web.visit(request).url(f"/cong/yeu-cau/{request_id}/ket-qua")
            return RedirectResponse(to, 303)
        mine = view.request.signer_id == actor.identity.person_id
        phone = (
            await frame.service.signings.phone(web.space_of(request), view.request.signer_id)
            if mine and not view.away
            else None
        )
        return await frame.show(
            request,
            "portal/wait.html",
            page="portal.cho",
            actor=actor,
            records=[item.target_id for item in view.items],
            passing={"transaction": view.request.transaction_id or ""},
            view=view,
            mine=mine,
            phone=phone,
            asked=bool(hoi),
            back=back_from(view.request) if mine else "/cong",
        )

    @routes.get("/cong/yeu-cau/{request_id}/tinh-trang")
    async def state(request: Request, request_id: str) -> Response:
        _actor, view = await _view(frame, request, request_id)
        words = "" if view.live else web.text(request, "cau", "portal.wait.confirmed")
        return JSONResponse({"xong": not view.live, "chu": words})

    @routes.post("/cong/yeu-cau/{request_id}/gui-lai")
    async def resend(request: Request, request_id: str) -> Response:
        actor, view = await _view(frame, request, request_id)
        here = f"/cong/yeu-cau/{request_id}"

        async def work(_form: web.Form) -> str:
            kind = view.request.slot.value if view.request.slot else view.request.subject.value
            await frame.service.signings.send(
                web.space_of(request),
                request_id,
                purpose=web.text(request, "cau", f"portal.purpose.again.{kind}", n=len(view.items)),
                portal=web.text(request, "nhan", "portal.asks", unit=actor.identity.unit_name),
                return_path=here,
            )
            return here

        return await frame.submit(
            request, action=f"portal.resend:{request_id}", work=work, again=here
        )

    @routes.post("/cong/yeu-cau/{request_id}/huy")
    async def withdraw(request: Request, request_id: str) -> Response:
        actor, _request_view = await _view(frame, request, request_id)

        async def work(_form: web.Form) -> str:
            await frame.service.signings.withdraw(web.space_of(request), actor, request_id)
            return f"/cong/yeu-cau/{request_id}/ket-qua"

        return await frame.submit(
            request,
            action=f"portal.withdraw:{request_id}",
            work=work,
            again=f"/cong/yeu-cau/{request_id}",
        )


def _result(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/yeu-cau/{request_id}/ket-qua")
    async def result(request: Request, request_id: str, tu: int = 1) -> Response:
        actor, view = await _view(frame, request, request_id)
        if view.live:
            return RedirectResponse(web.visit(request).url(f"/cong/yeu-cau/{request_id}"), 303)
        failed = [item for item in view.items if item.status is not ItemStatus.SIGNED]
        rows = [*failed, *(i for i in view.items if i.status is ItemStatus.SIGNED)]
        shown, more = page_of(rows, tu)
        package = view.items[0].target_id if view.request.subject is Subject.PACKAGE else None
        mine = view.request.signer_id == actor.identity.person_id
        onward = back_from(view.request) if mine else "/cong"
        return await frame.show(
            request,
            "portal/result.html",
            page="portal.ket_qua",
            actor=actor,
            records=[item.target_id for item in shown],
            view=view,
            rows=shown,
            more=more,
            failed=len(failed),
            mine=mine,
            onward=f"/cong/goi/{package}" if package else onward,
            wrong=view.signed == 0,
        )

    @routes.post("/cong/yeu-cau/{request_id}/ky-lai")
    async def again(request: Request, request_id: str) -> Response:
        actor, view = await _view(frame, request, request_id)
        slot, class_name = view.request.slot, view.request.class_name
        if slot is None or class_name is None:
            raise Stopped(Reason.MOVED, target=request_id)
        task = next(t for t in TASKS.values() if t.slot is slot)

        async def work(_form: web.Form) -> str:
            failed = [i.target_id for i in view.items if i.status is not ItemStatus.SIGNED]
            await selection.keep(request, task.name, class_name, failed)
            ready = await _only_ready(frame, request, actor, task, class_name)
            if not ready:
                raise web.Stale(
                    back_from(view.request), web.say("cau", "portal.result.nothing_left")
                )
            return way(f"/cong/ky/{task.name}/xem-lai", lop=class_name)

        return await frame.submit(
            request,
            action=f"portal.again:{request_id}",
            work=work,
            again=f"/cong/yeu-cau/{request_id}/ket-qua",
        )
