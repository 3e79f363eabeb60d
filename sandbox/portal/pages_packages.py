"""Packing, signing the package, sending it, and the answer record by record with its remedy."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.domain.lifecycle import RecordState, Role
from sandbox.errors import Unavailable
from sandbox.portal import display, selection
from sandbox.portal.context import Actor, Reason, Stopped
from sandbox.portal.means import Held
from sandbox.portal.model import PackageLine, PackageRow, PackageState, RecordLine
from sandbox.portal.pages_frame import Frame, new_router, page_of, way
from sandbox.portal.pages_means import attention, sure_of, with_door
from sandbox.portal.pages_records import show_choice
from sandbox.portal.selection import Choice
from sandbox.portal.service import PortalService

PACKERS = (Role.VAN_THU, Role.QUAN_TRI)


def router(service: PortalService) -> APIRouter:
    """Return the pages."""
    routes, frame = new_router(), Frame(service)
    _classes(routes, frame)
    _choose(routes, frame)
    _pack(routes, frame)
    _packages(routes, frame)
    _work(routes, frame)
    _rows(routes, frame)
    return routes


def packing_hindrance(line: RecordLine) -> str | None:
    """Return why a record cannot be packed now, as a word of `portal.why.*`."""
    if line.state is RecordState.ISSUE_SIGNED:
        return None if line.package_id is None else "trong_goi"
    if line.state in (RecordState.SENT, RecordState.CIRCULATING, RecordState.REPORTED):
        return "da_gui"
    return "bi_tra" if line.state is RecordState.REJECTED else "thieu_truoc"


async def _choices(frame: Frame, request: Request, actor: Actor, class_name: str) -> list[Choice]:
    space = web.space_of(request)
    await web.off_loop(frame.service.records.class_row, space, actor, class_name)
    lines = await web.off_loop(frame.service.records.lines, space, actor, class_name)
    found = [
        Choice(line.record_id, line.pupil_name, line.number, packing_hindrance(line))
        for line in lines
    ]
    if not found:
        raise Stopped(Reason.NOT_FOUND, target=class_name)
    return found


def _classes(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/dong-goi")
    async def classes(request: Request, tu: int = 1) -> Response:
        actor = await frame.actor(request, roles=PACKERS)
        rows = await web.off_loop(frame.service.records.classes, web.space_of(request), actor)
        listed = [
            (
                row,
                counts.get(RecordState.ISSUE_SIGNED, 0),
                sum(counts.values()),
                way("/cong/dong-goi/chon", lop=row.name),
            )
            for row, counts, _total in rows
        ]
        shown, more = page_of(listed, tu)
        return await frame.show(
            request,
            "portal/pack_classes.html",
            page="portal.dong_goi",
            actor=actor,
            rows=shown,
            more=more,
        )


def _choose(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/dong-goi/chon")
    async def choose(request: Request, lop: str, tu: int = 1) -> Response:
        actor = await frame.actor(request, roles=PACKERS)
        choices = await _choices(frame, request, actor, lop)
        return await show_choice(
            frame,
            request,
            actor,
            task="dong_goi",
            class_name=lop,
            choices=choices,
            ticked=await selection.chosen(request, "dong_goi", lop),
            first=tu,
            back="/cong/dong-goi",
            to=way("/cong/dong-goi/chon", lop=lop),
        )

    @routes.post("/cong/dong-goi/chon")
    async def keep(request: Request, lop: str, buoc: str = "") -> Response:
        actor = await frame.actor(request, roles=PACKERS)
        choices = await _choices(frame, request, actor, lop)

        async def work(form: web.Form) -> str:
            return await selection.step(
                request,
                form,
                "dong_goi",
                lop,
                choices,
                here="/cong/dong-goi/chon",
                review="/cong/dong-goi/xac-nhan",
                only_ready=True,
            )

        return await frame.submit(
            request,
            action=f"portal.choose:dong_goi:{lop}:{buoc}",
            work=work,
            again=way("/cong/dong-goi/chon", lop=lop),
        )


def _pack(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/dong-goi/xac-nhan")
    async def review(request: Request, lop: str) -> Response:
        actor = await frame.actor(request, roles=PACKERS)
        choices = await _choices(frame, request, actor, lop)
        ready = await selection.ready(request, "dong_goi", lop, choices)
        return await frame.show(
            request,
            "portal/pack_confirm.html",
            page="portal.dong_goi_xac_nhan",
            actor=actor,
            class_name=lop,
            ready=ready,
        )

    @routes.post("/cong/dong-goi/xac-nhan")
    async def pack(request: Request, lop: str) -> Response:
        actor = await frame.actor(request, roles=PACKERS)

        async def work(_form: web.Form) -> str:
            ticked = await selection.chosen(request, "dong_goi", lop)
            package_id = await web.off_loop(
                frame.service.packages.pack, web.space_of(request), actor, ticked
            )
            await selection.forget(request, "dong_goi", lop)
            return f"/cong/goi/{package_id}"

        return await frame.submit(
            request,
            action=f"portal.pack:{lop}",
            work=work,
            again=way("/cong/dong-goi/chon", lop=lop),
        )


def _packages(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/goi")
    async def listed(request: Request, tu: int = 1) -> Response:
        actor = await frame.actor(request, roles=PACKERS)
        found = await web.off_loop(frame.service.packages.all, web.space_of(request), actor)
        numbered = list(zip(range(len(found), 0, -1), found, strict=True))
        shown, more = page_of(numbered, tu)
        return await frame.show(
            request,
            "portal/packages.html",
            page="portal.goi_danh_sach",
            actor=actor,
            rows=shown,
            more=more,
        )

    @routes.get("/cong/goi/{package_id}")
    async def show(request: Request, package_id: str, hoi: int = 0) -> Response:
        actor = await frame.actor(request, roles=PACKERS)
        package, lines, away = await _looked(frame, request, actor, package_id)
        await _drill(frame, request, actor, lines)
        clerk = actor.role is Role.VAN_THU
        held = None
        if clerk and package.state is PackageState.DRAFT:
            held = await _at_hand(frame, request, actor)
        if held is not None:
            here = f"/cong/goi/{package_id}"
            called = await attention(frame, request, actor, held, seal=True, here=here)
            if called is not None:
                return called
        return await frame.show(
            request,
            f"portal/package_{TEMPLATES[package.state]}.html",
            page="portal.goi",
            actor=actor,
            records=[line.record_id for line in lines],
            passing={"package": package_id},
            package=package,
            count=len(lines),
            accepted=sum(line.result == 1 for line in lines),
            refused=sum(line.result == 0 for line in lines),
            away=away,
            asked=bool(hoi),
            clerk=clerk,
            held=held,
            refusal=display.refusal(package.code, web.visit(request).language),
        )


TEMPLATES = {
    PackageState.DRAFT: "draft",
    PackageState.SIGNED: "signed",
    PackageState.SENT: "sent",
    PackageState.ACCEPTED: "answer",
    PackageState.RETURNED: "answer",
}


async def _drill(
    frame: Frame, request: Request, actor: Actor, lines: Sequence[PackageLine]
) -> None:
    """Note that somebody saw a returned package (E13b), or one that was taken whole after it."""
    drills, person = frame.service.drills, actor.identity.person_id
    space = web.space_of(request)
    if any(line.result == 0 for line in lines):
        await web.off_loop(drills.met_by_mistake, space, person, "E13b")
    elif lines and all(line.result == 1 for line in lines):
        await web.off_loop(drills.recover, space, person, ("E13b",))


async def _at_hand(frame: Frame, request: Request, actor: Actor) -> Held | None:
    """Return what the clerk seals with; None while that cannot be told: signing will say why."""
    try:
        return await frame.service.means.held(web.space_of(request), actor, unit=True)
    except (Unavailable, Stopped):
        return None


async def _looked(
    frame: Frame, request: Request, actor: Actor, package_id: str
) -> tuple[PackageRow, list[PackageLine], bool]:
    """Return a package as it stands now; a sent one is asked about once, on this very load."""
    space = web.space_of(request)
    packages = frame.service.packages
    package, lines = await web.off_loop(packages.open, space, actor, package_id)
    if package.state is not PackageState.SENT:
        return package, lines, False
    try:
        await packages.look(space, package)
    except Unavailable:
        return package, lines, True
    package, lines = await web.off_loop(packages.open, space, actor, package_id)
    return package, lines, False


def _work(routes: APIRouter, frame: Frame) -> None:
    @routes.post("/cong/goi/{package_id}/ky")
    async def sign(request: Request, package_id: str) -> Response:
        actor = await frame.actor(request, roles=(Role.VAN_THU,))

        async def work(_form: web.Form) -> str:
            space = web.space_of(request)
            instrument = await web.off_loop(frame.service.means.chosen, space, actor)
            try:
                request_id = await frame.service.packages.sign(
                    space,
                    actor,
                    package_id,
                    purpose=web.text(request, "cau", "portal.purpose.package", n=1),
                    portal=web.text(request, "nhan", "portal.asks", unit=actor.identity.unit_name),
                    return_path="/cong/yeu-cau/{id}",
                    sure_of=await sure_of(request),
                )
            except Stopped as stopped:
                raise await with_door(
                    frame, request, actor, stopped, instrument, here=f"/cong/goi/{package_id}"
                ) from stopped
            return f"/cong/yeu-cau/{request_id}"

        return await frame.submit(
            request,
            action=f"portal.sign_package:{package_id}",
            work=work,
            again=f"/cong/goi/{package_id}",
        )

    @routes.post("/cong/goi/{package_id}/nop")
    async def send(request: Request, package_id: str) -> Response:
        actor = await frame.actor(request, roles=PACKERS)
        here = f"/cong/goi/{package_id}"

        async def work(_form: web.Form) -> str:
            package = await frame.service.packages.send(web.space_of(request), actor, package_id)
            if package.state is PackageState.SENT:
                raise web.Stale(here, web.say("cau", "portal.send.done"))
            return here

        return await frame.submit(
            request, action=f"portal.send:{package_id}", work=work, again=here
        )

    @routes.post("/cong/goi/{package_id}/bo")
    async def unpack(request: Request, package_id: str) -> Response:
        actor = await frame.actor(request, roles=PACKERS)

        async def work(_form: web.Form) -> str:
            await web.off_loop(
                frame.service.packages.unpack, web.space_of(request), actor, package_id
            )
            raise web.Stale("/cong/dong-goi", web.say("cau", "portal.unpack.done"))

        return await frame.submit(
            request,
            action=f"portal.unpack:{package_id}",
            work=work,
            again=f"/cong/goi/{package_id}",
        )


def _rows(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/goi/{package_id}/ket-qua")
    async def results(request: Request, package_id: str, tu: int = 1) -> Response:
        actor = await frame.actor(request, roles=PACKERS)
        package, lines, _away = await _looked(frame, request, actor, package_id)
        ordered = sorted(lines, key=lambda line: (line.result == 1, line.number))
        shown, more = page_of(ordered, tu)
        await _drill(frame, request, actor, lines)
        language = web.visit(request).language
        return await frame.show(
            request,
            "portal/results.html",
            page="portal.ket_qua_tung_em",
            actor=actor,
            records=[line.record_id for line in shown],
            package=package,
            rows=[(line, display.refusal(line.code, language)) for line in shown],
            more=more,
            refused=sum(line.result == 0 for line in lines),
            count=len(lines),
        )

    @routes.get("/cong/goi/{package_id}/ket-qua/{number}")
    async def reason(request: Request, package_id: str, number: int) -> Response:
        actor = await frame.actor(request, roles=PACKERS)
        space = web.space_of(request)
        package, lines = await web.off_loop(frame.service.packages.open, space, actor, package_id)
        line = next((row for row in lines if row.number == number), None)
        if line is None or line.result != 0:
            raise Stopped(Reason.NOT_FOUND, target=str(number))
        row, _made, _kept = await web.off_loop(
            frame.service.records.open, space, actor, line.record_id
        )
        return await frame.show(
            request,
            "portal/reason.html",
            page="portal.ly_do",
            actor=actor,
            records=[line.record_id],
            package=package,
            row=line,
            line=row.line,
            refusal=display.refusal(line.code, web.visit(request).language),
            still=row.line.state is RecordState.REJECTED and row.line.package_id == package_id,
            wrong=True,
        )
