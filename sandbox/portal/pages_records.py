"""Making records, reading them, ticking the four points, reporting what is wrong."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.domain.lifecycle import RecordState, Role
from sandbox.domain.report_card import Slot
from sandbox.portal import display, selection
from sandbox.portal.context import Actor, Reason, Stopped
from sandbox.portal.model import POINTS, RecordLine
from sandbox.portal.pages_frame import Frame, new_router, page_of, way
from sandbox.portal.selection import Choice
from sandbox.portal.service import PortalService
from sandbox.portal.signings import hindrance

PACKERS = (Role.VAN_THU, Role.QUAN_TRI)
READERS = (Role.GVCN, Role.CBQL, Role.VAN_THU, Role.QUAN_TRI)


def router(service: PortalService) -> APIRouter:
    """Return the pages."""
    routes, frame = new_router(), Frame(service)
    _make(routes, frame)
    _make_confirm(routes, frame)
    _list(routes, frame)
    _record(routes, frame)
    _check(routes, frame)
    _copies(routes, frame)
    return routes


async def _pupil_choices(
    frame: Frame, request: Request, actor: Actor, class_name: str
) -> list[Choice]:
    pupils = await web.off_loop(
        frame.service.records.pupils, web.space_of(request), actor, class_name
    )
    if not pupils:
        raise Stopped(Reason.NOT_FOUND, target=class_name)
    return [
        Choice(
            value=str(pupil.number),
            name=pupil.name,
            number=pupil.number,
            word=None if pupil.record_id is None else "da_tao",
        )
        for pupil in pupils
    ]


def _make(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/khoi-tao")
    async def classes(request: Request, tu: int = 1) -> Response:
        actor = await frame.actor(request, roles=PACKERS)
        rows = await web.off_loop(frame.service.records.classes, web.space_of(request), actor)
        shown, more = page_of(rows, tu)
        listed = [
            (row.name, total, sum(counts.values()), way("/cong/khoi-tao/chon", lop=row.name))
            for row, counts, total in shown
        ]
        return await frame.show(
            request,
            "portal/make_classes.html",
            page="portal.khoi_tao",
            actor=actor,
            rows=listed,
            more=more,
        )

    @routes.get("/cong/khoi-tao/chon")
    async def choose(request: Request, lop: str, tu: int = 1) -> Response:
        actor = await frame.actor(request, roles=PACKERS)
        choices = await _pupil_choices(frame, request, actor, lop)
        ticked = await selection.chosen(request, "khoi_tao", lop)
        return await show_choice(
            frame,
            request,
            actor,
            task="khoi_tao",
            class_name=lop,
            choices=choices,
            ticked=ticked,
            first=tu,
            back="/cong/khoi-tao",
        )

    @routes.post("/cong/khoi-tao/chon")
    async def keep(request: Request, lop: str, buoc: str = "") -> Response:
        actor = await frame.actor(request, roles=PACKERS)
        choices = await _pupil_choices(frame, request, actor, lop)

        async def work(form: web.Form) -> str:
            return await selection.step(
                request,
                form,
                "khoi_tao",
                lop,
                choices,
                here="/cong/khoi-tao/chon",
                review="/cong/khoi-tao/xac-nhan",
                only_ready=True,
            )

        return await frame.submit(
            request,
            action=f"portal.choose:khoi_tao:{lop}:{buoc}",
            work=work,
            again=way("/cong/khoi-tao/chon", lop=lop),
        )


def _make_confirm(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/khoi-tao/xac-nhan")
    async def review(request: Request, lop: str) -> Response:
        actor = await frame.actor(request, roles=PACKERS)
        choices = await _pupil_choices(frame, request, actor, lop)
        ready = await selection.ready(request, "khoi_tao", lop, choices)
        return await frame.show(
            request,
            "portal/make_confirm.html",
            page="portal.khoi_tao_xac_nhan",
            actor=actor,
            class_name=lop,
            ready=ready,
        )

    @routes.post("/cong/khoi-tao/xac-nhan")
    async def make(request: Request, lop: str) -> Response:
        actor = await frame.actor(request, roles=PACKERS)

        async def work(_form: web.Form) -> str:
            numbers = [int(n) for n in await selection.chosen(request, "khoi_tao", lop)]
            made = await web.off_loop(
                frame.service.records.initialise, web.space_of(request), actor, lop, numbers
            )
            await selection.forget(request, "khoi_tao", lop)
            raise web.Stale(
                way("/cong/lop", lop=lop), web.say("cau", "portal.make.done", n=len(made))
            )

        return await frame.submit(
            request,
            action=f"portal.make:{lop}",
            work=work,
            again=way("/cong/khoi-tao/chon", lop=lop),
        )


async def show_choice(
    frame: Frame,
    request: Request,
    actor: Actor,
    *,
    task: str,
    class_name: str,
    choices: list[Choice],
    ticked: list[str],
    first: int,
    back: str,
    to: str | None = None,
) -> Response:
    """Return the page on which rows are ticked for *task*."""
    rows, more = page_of(choices, first)
    start = first if rows and rows[0] == choices[min(first, len(choices)) - 1] else 1
    return await frame.show(
        request,
        "portal/choose.html",
        page=f"portal.chon_{task}",
        actor=actor,
        records=[c.value for c in rows] if task != "khoi_tao" else [],
        task=task,
        class_name=class_name,
        rows=rows,
        more=more,
        first=start,
        ticked=ticked,
        ready=sum(c.word is None for c in choices),
        to=to or way("/cong/khoi-tao/chon", lop=class_name),
        back=back,
    )


def _list(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/lop")
    async def records(request: Request, lop: str, tu: int = 1) -> Response:
        actor = await frame.actor(request, roles=READERS)
        space = web.space_of(request)
        row = await web.off_loop(frame.service.records.class_row, space, actor, lop)
        await frame.service.signings.look_at_live(space, signer_id=actor.identity.person_id)
        lines = await web.off_loop(frame.service.records.lines, space, actor, lop)
        shown, more = page_of(lines, tu)
        return await frame.show(
            request,
            "portal/class.html",
            page="portal.lop",
            actor=actor,
            records=[line.record_id for line in shown],
            row=row,
            rows=[(line, display.status_word(line, actor.role)) for line in shown],
            total=len(lines),
            more=more,
            signable=sum(hindrance(line, Slot.GVCN) is None for line in lines),
        )


def _record(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/hoc-ba/{record_id}")
    async def read(request: Request, record_id: str) -> Response:
        actor = await frame.actor(request, roles=READERS)
        space = web.space_of(request)
        row, made, kept = await web.off_loop(frame.service.records.open, space, actor, record_id)
        return await frame.show(
            request,
            "portal/record.html",
            page="portal.hoc_ba",
            actor=actor,
            records=[record_id],
            line=row.line,
            card=row.card,
            marks=display.marks(row.card),
            signatures=made,
            versions=len(kept),
            step=display.step_of(row.line.state),
            word=display.status_word(row.line, actor.role),
            can=abilities(row.line, actor),
            points=POINTS,
            refusal=display.refusal(row.line.code, web.visit(request).language),
        )

    @routes.get("/cong/hoc-ba/{record_id}/lich-su")
    async def history(request: Request, record_id: str) -> Response:
        actor = await frame.actor(request, roles=READERS)
        row, made, kept = await web.off_loop(
            frame.service.records.open, web.space_of(request), actor, record_id
        )
        return await frame.show(
            request,
            "portal/history.html",
            page="portal.lich_su",
            actor=actor,
            records=[record_id],
            line=row.line,
            signatures=made,
            versions=list(reversed(kept)),
        )


def abilities(line: RecordLine, actor: Actor) -> set[str]:
    """Return what the actor may do with a record as it stands: names the page knows."""
    free = line.request_id is None and line.cancel_reason is None
    unsigned = line.state in (RecordState.DRAFT, RecordState.CHECKED)
    signed = line.state in (
        RecordState.SIGNED_GVCN,
        RecordState.SIGNED_CBQL,
        RecordState.ISSUE_SIGNED,
    )
    found = set()
    if actor.role is Role.GVCN and free:
        if line.state is RecordState.DRAFT and not line.wrong:
            found.add("check")
        if line.state is RecordState.CHECKED and not line.wrong:
            found.add("sign")
        if unsigned:
            found.update({"edit", "report"})
        if signed:
            found.add("cancel")
    if actor.role is Role.CBQL and line.cancel_reason is not None:
        found.add("answer")
    if line.state is RecordState.REJECTED:
        found.add("mend")
    if actor.role is Role.VAN_THU and unsigned and free:
        found.add("profile")
    if actor.role is Role.VAN_THU and line.state is RecordState.ISSUE_SIGNED:
        found.add("plant")
    return found


def _check(routes: APIRouter, frame: Frame) -> None:
    @routes.post("/cong/hoc-ba/{record_id}/kiem")
    async def check(request: Request, record_id: str) -> Response:
        actor = await frame.actor(request, roles=(Role.GVCN,))
        here = f"/cong/hoc-ba/{record_id}"

        async def work(form: web.Form) -> str:
            if form.get("viec") == "bao_sai":
                return f"{here}/bao-sai"
            ticked = form.all("diem")
            if set(ticked) < set(POINTS):
                raise web.Invalid({"diem": web.say("loi_lam", "portal.check.points")})
            line = await web.off_loop(
                frame.service.records.check, web.space_of(request), actor, record_id, ticked
            )
            if form.get("viec") == "ky":
                return way("/cong/ky/gvcn/xem-lai", em=record_id)
            raise web.Stale(
                way("/cong/lop", lop=line.class_name),
                web.say("cau", "portal.check.done", name=line.pupil_name),
            )

        return await frame.submit(
            request, action=f"portal.check:{record_id}", work=work, again=here
        )

    @routes.get("/cong/hoc-ba/{record_id}/bao-sai")
    async def ask(request: Request, record_id: str) -> Response:
        actor = await frame.actor(request, roles=(Role.GVCN,))
        row, _made, _kept = await web.off_loop(
            frame.service.records.open, web.space_of(request), actor, record_id
        )
        return await frame.show(
            request,
            "portal/wrong.html",
            page="portal.bao_sai",
            actor=actor,
            records=[record_id],
            line=row.line,
            points=POINTS,
        )

    @routes.post("/cong/hoc-ba/{record_id}/bao-sai")
    async def report(request: Request, record_id: str) -> Response:
        actor = await frame.actor(request, roles=(Role.GVCN,))

        async def work(form: web.Form) -> str:
            points = [point for point in form.all("diem") if point in POINTS]
            if not points:
                raise web.Invalid({"diem": web.say("loi_lam", "portal.wrong.none")})
            line = await web.off_loop(
                frame.service.records.report_wrong,
                web.space_of(request),
                actor,
                record_id,
                points,
            )
            raise web.Stale(
                f"/cong/hoc-ba/{record_id}",
                web.say("cau", "portal.wrong.done", name=line.pupil_name),
            )

        return await frame.submit(
            request,
            action=f"portal.wrong:{record_id}",
            work=work,
            again=f"/cong/hoc-ba/{record_id}/bao-sai",
        )


def _copies(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/hoc-ba/{record_id}/in")
    async def printable(request: Request, record_id: str) -> Response:
        actor = await frame.actor(request, roles=READERS)
        row, made, _kept = await web.off_loop(
            frame.service.records.take_copy, web.space_of(request), actor, record_id, "in"
        )
        return await frame.show(
            request,
            "portal/print.html",
            page="portal.in",
            actor=actor,
            records=[record_id],
            line=row.line,
            card=row.card,
            marks=display.marks(row.card),
            signatures=made,
        )

    @routes.get("/cong/hoc-ba/{record_id}/xml")
    async def xml(request: Request, record_id: str) -> Response:
        actor = await frame.actor(request, roles=READERS)
        row, _made, _kept = await web.off_loop(
            frame.service.records.take_copy, web.space_of(request), actor, record_id, "tai_xml"
        )
        if row.xml is None:
            raise Stopped(Reason.NOT_FOUND, target=record_id)
        headers = {"Content-Disposition": f'attachment; filename="hocba-{record_id}.xml"'}
        return Response(row.xml, media_type="application/xml", headers=headers)
