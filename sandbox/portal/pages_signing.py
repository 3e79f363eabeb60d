"""Choosing records to sign, and the review before they are signed."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.domain.lifecycle import RecordState, Role
from sandbox.domain.report_card import Slot
from sandbox.portal import selection
from sandbox.portal.context import Actor, Reason, Stopped
from sandbox.portal.drills import HELD_BY_ANOTHER, SUBJECT_TEACHERS
from sandbox.portal.model import RecordLine
from sandbox.portal.pages_frame import Frame, new_router, page_of, way
from sandbox.portal.pages_means import READ, TABLE, attention, door_of, sure_of, with_door
from sandbox.portal.pages_records import show_choice
from sandbox.portal.selection import Choice
from sandbox.portal.service import PortalService
from sandbox.portal.signings import BEFORE, SIGNER, WAITS_FOR, Preview, hindrance


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
            await web.off_loop(
                frame.service.drills.recover, space, actor.identity.person_id, ("E10",)
            )
            ready = await only_ready(frame, request, actor, task, class_name)
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


async def only_ready(
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
            ready = await only_ready(frame, request, actor, task, lop)
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
        space = web.space_of(request)
        preview = await frame.service.signings.preview(space, actor, task.slot, wanted, seen=True)
        if preview.left_out:
            if all(word == "dang_cho" for _line, word in preview.left_out):
                await frame.service.signings.refuse_second(space, actor)
            return await _stop(frame, request, actor, task, preview, lop)
        return await _confirm(frame, request, actor, task, preview, About(lop, em, tu))


@dataclass(frozen=True, slots=True)
class About:
    """What a review is about: the ticked of a class from row *first* on, or one record."""

    lop: str | None
    em: str | None
    first: int = 1

    def here(self, name: str) -> str:
        """Return the address of the review."""
        return way(f"/cong/ky/{name}/xem-lai", lop=self.lop, em=self.em)


async def _confirm(
    frame: Frame, request: Request, actor: Actor, task: Task, preview: Preview, about: About
) -> Response:
    """Show who signs what and how many, with which certificate, before the yes (L5)."""
    held, here = preview.held, about.here(task.name)
    seal = task.slot is Slot.KY_PHAT_HANH
    called = await attention(frame, request, actor, held, seal=seal, here=here)
    if called is not None:
        return called
    shown, more = page_of(list(preview.ready), about.first)
    token = held.instrument.token
    return await frame.show(
        request,
        "portal/confirm.html",
        page="portal.xac_nhan",
        actor=actor,
        records=[line.record_id for line in shown],
        task=task,
        preview=preview,
        held=held,
        rows=shown,
        more=None if more is None else way(here, tu=more) if about.em else f"{here}&tu={more}",
        lop=about.lop,
        em=about.em,
        here=here,
        door=await door_of(
            frame,
            request,
            actor,
            held.instrument,
            here=here,
            page=TABLE if held.certificate else READ,
        )
        if token
        else None,
        back=f"/cong/hoc-ba/{about.em}"
        if about.em
        else way(f"/cong/ky/{task.name}/chon", lop=about.lop),
    )


FIRST = ("thieu_truoc", SUBJECT_TEACHERS, HELD_BY_ANOTHER)
"""What is told first when several things stand in the way."""
ERRORS = {"thieu_truoc": "E10", SUBJECT_TEACHERS: "E11", HELD_BY_ANOTHER: "E15"}
"""Codes of what a teacher meets here."""


async def _stop(
    frame: Frame, request: Request, actor: Actor, task: Task, preview: Preview, lop: str | None
) -> Response:
    """Show what cannot be signed yet and why, with the button that mends it (E10, E15, …)."""
    words = {word for _line, word in preview.left_out}
    why = next((word for word in FIRST if word in words), None) or min(words)
    if why == "thieu_truoc":
        met = frame.service.drills.met_by_mistake
        await web.off_loop(met, web.space_of(request), actor.identity.person_id, "E10")
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
        code=ERRORS.get(why),
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
        unit, means = actor.identity.unit_name, frame.service.means
        here = About(lop, em).here(name)

        async def work(_form: web.Form) -> str:
            wanted = await _wanted(frame, request, actor, task, lop, em)
            instrument = await web.off_loop(means.chosen, web.space_of(request), actor)
            now = wanted[: instrument.most]
            try:
                request_id = await frame.service.signings.sign_records(
                    web.space_of(request),
                    actor,
                    task.slot,
                    now,
                    purpose=web.text(request, "cau", f"portal.purpose.{task.name}", n=len(now)),
                    portal=web.text(request, "nhan", "portal.asks", unit=unit),
                    return_path="/cong/yeu-cau/{id}",
                    sure_of=await sure_of(request),
                )
            except Stopped as stopped:
                raise await with_door(
                    frame, request, actor, stopped, instrument, here=here
                ) from stopped
            if lop:
                await selection.keep(request, task.name, lop, wanted[instrument.most :])
            return f"/cong/yeu-cau/{request_id}"

        about = em or lop or ""
        return await frame.submit(
            request,
            action=f"portal.sign:{name}:{about}",
            work=work,
            again=here,
        )
