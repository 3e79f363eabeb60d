"""Choosing whom one plays, and the first page of each role."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.domain.faults import FAULTS
from sandbox.domain.lifecycle import RecordState, Role
from sandbox.portal.context import Actor, Reason, Stopped
from sandbox.portal.model import Identity
from sandbox.portal.pages_frame import ADMITTED, IDENTITY, Frame, Nobody, new_router, page_of, way
from sandbox.portal.service import PortalService

SCHOOL_ROLES = (Role.GVCN, Role.CBQL, Role.VAN_THU, Role.QUAN_TRI)


def router(service: PortalService) -> APIRouter:
    """Return the pages."""
    routes, frame = new_router(), Frame(service)
    _code(routes, frame)
    _choice(routes, frame)
    _home(routes, frame)
    return routes


def _code(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/ma-lop")
    async def ask(request: Request, ve: str = "/cong") -> Response:
        return await frame.show(
            request, "portal/code.html", page="portal.ma_lop", to=web.local_path(ve)
        )

    @routes.post("/cong/ma-lop")
    async def admit(request: Request) -> Response:
        space = web.space_of(request)

        async def work(form: web.Form) -> str:
            typed = "".join(form.get("ma").split())
            if not typed:
                raise web.Invalid({"ma": web.say("loi_lam", "portal.code.empty")})
            if typed != space.code:
                raise web.Invalid({"ma": web.say("loi_lam", "portal.code.wrong")})
            await web.session(request).set(ADMITTED, True)
            return web.local_path(form.get("ve"), otherwise="/cong")

        return await frame.submit(request, action="portal.code", work=work, again="/cong/ma-lop")


async def _admitted(request: Request) -> None:
    """Ask for the space's code before its people are shown; the practice space needs none."""
    if web.space_of(request).id == web.PRACTICE_SPACE:
        return
    if not await web.session(request).get(ADMITTED):
        raise Nobody("/cong/ma-lop")


def _choice(routes: APIRouter, frame: Frame) -> None:
    schools = frame.service.schools

    @routes.get("/cong/vai")
    async def units(request: Request, tu: int = 1) -> Response:
        await _admitted(request)
        space = web.space_of(request)
        departments = await web.off_loop(schools.departments, space)
        found = [(s.code, s.name) for s in await web.off_loop(schools.schools, space)]
        rows, more = page_of([*found, *departments], tu)
        return await frame.show(
            request, "portal/units.html", page="portal.don_vi", rows=rows, more=more
        )

    @routes.get("/cong/vai/{unit}")
    async def roles(request: Request, unit: str) -> Response:
        await _admitted(request)
        people = await web.off_loop(schools.staff, web.space_of(request), unit)
        there = [role for role in (*SCHOOL_ROLES, Role.SO) if any(p.role is role for p in people)]
        return await frame.show(
            request, "portal/roles.html", page="portal.vai", unit=people[0], roles=there
        )

    @routes.get("/cong/vai/{unit}/{role}")
    async def people(request: Request, unit: str, role: str, tu: int = 1) -> Response:
        await _admitted(request)
        found = await _people(frame, request, unit, role)
        taught = await web.off_loop(schools.classes_taught, web.space_of(request), unit)
        rows, more = page_of(found, tu)
        return await frame.show(
            request,
            "portal/people.html",
            page="portal.nguoi",
            unit=found[0],
            people=rows,
            taught=taught,
            more=more,
        )

    @routes.post("/cong/vai/{unit}/{role}")
    async def take(request: Request, unit: str, role: str) -> Response:
        await _admitted(request)
        found = await _people(frame, request, unit, role)

        async def work(form: web.Form) -> str:
            chosen = next((p for p in found if p.person_id == form.get("nguoi")), None)
            if chosen is None:
                raise web.Invalid({"nguoi": web.say("loi_lam", "portal.people.none")})
            await web.off_loop(schools.take_role, web.space_of(request), Actor(chosen))
            await web.session(request).set(IDENTITY, identity_key(chosen))
            return "/cong"

        return await frame.submit(
            request,
            action=f"portal.take:{unit}:{role}",
            work=work,
            again=f"/cong/vai/{unit}/{role}",
        )


async def _people(frame: Frame, request: Request, unit: str, role: str) -> list[Identity]:
    people = await web.off_loop(frame.service.schools.staff, web.space_of(request), unit)
    found = [person for person in people if person.role.value == role]
    if not found:
        raise Stopped(Reason.NOT_FOUND, target=role)
    return found


def identity_key(person: Identity) -> dict[str, str]:
    """Return what the session keeps of who is played."""
    return {"id": person.person_id, "unit": person.unit_code, "role": person.role.value}


def _home(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong")
    async def home(request: Request) -> Response:
        actor = await frame.actor(request)
        if actor.role is Role.SO:
            request.state.audience = "professional"
        space = web.space_of(request)
        pin = await web.off_loop(frame.service.schools.card_pin, space, actor.identity.person_id)
        reminders = [
            class_name
            for class_name, role in await web.off_loop(
                frame.service.schools.reminders, space, actor
            )
            if role is actor.role and await _concerns(frame, request, actor, class_name)
        ]
        return await frame.show(
            request,
            "portal/home.html",
            page="portal.nha",
            actor=actor,
            tasks=await _tasks(frame, request, actor),
            pin=pin,
            means=await _means(frame, request, actor),
            mended=await _mended(frame, request, actor),
            reminders=reminders,
        )

    @routes.get("/cong/so-bo")
    async def overview(request: Request, tu: int = 1) -> Response:
        actor = await frame.actor(request, roles=(Role.QUAN_TRI, Role.CBQL))
        rows = await web.off_loop(frame.service.records.classes, web.space_of(request), actor)
        shown, more = page_of(rows, tu)
        return await frame.show(
            request,
            "portal/overview.html",
            page="portal.so_bo",
            actor=actor,
            rows=[(row, _progress(counts), total) for row, counts, total in shown],
            more=more,
        )


async def _means(frame: Frame, request: Request, actor: Actor) -> str | None:
    """Return what somebody signs with; None for roles that sign nothing."""
    if actor.role in (Role.QUAN_TRI, Role.SO):
        return None
    chosen = await web.off_loop(frame.service.means.chosen, web.space_of(request), actor)
    return chosen.value


async def _mended(frame: Frame, request: Request, actor: Actor) -> list[str]:
    """Return what somebody set out to meet, met and mended: codes, or names where there is none."""
    if actor.role is Role.SO:
        return []
    plan = await frame.service.drills.plan(web.space_of(request), actor.identity.person_id)
    codes = dict.fromkeys(row.ma for row in plan if row.recovered is not None)
    return [
        code if code[0] == "E" else web.text(request, "nhan", f"portal.fault.{code}")
        for code in codes
        if code in FAULTS
    ]


async def _concerns(frame: Frame, request: Request, actor: Actor, class_name: str) -> bool:
    if actor.role is not Role.GVCN:
        return True
    taught = await web.off_loop(
        frame.service.schools.classes_taught, web.space_of(request), actor.identity.unit_code
    )
    return taught.get(actor.identity.person_id) == class_name


def _progress(counts: dict[RecordState, int]) -> dict[str, int]:
    """Return how many records of a class have come how far."""
    order = list(RecordState)
    signed = {RecordState.SIGNED_GVCN, RecordState.SIGNED_CBQL, RecordState.ISSUE_SIGNED}
    sent = {RecordState.SENT, RecordState.CIRCULATING, RecordState.REPORTED}
    done = {RecordState.CIRCULATING, RecordState.REPORTED}
    return {
        "made": sum(counts.get(state, 0) for state in order),
        "signed": sum(counts.get(state, 0) for state in signed | sent),
        "done": sum(counts.get(state, 0) for state in done),
        "refused": counts.get(RecordState.REJECTED, 0),
    }


async def _tasks(frame: Frame, request: Request, actor: Actor) -> list[tuple[str, str, int]]:
    """Return (key of the menu's words, path, how many wait) of the role's own tasks."""
    if actor.role is Role.SO:
        return [("hop_thu", "/cong/so", 0), ("chung_thu_so", "/cong/chung-thu", 0)]
    space = web.space_of(request)
    classes = await web.off_loop(frame.service.records.classes, space, actor)
    counts: dict[RecordState, int] = {}
    for _row, states, _total in classes:
        for state, number in states.items():
            counts[state] = counts.get(state, 0) + number
    if actor.role is Role.GVCN:
        waiting = counts.get(RecordState.DRAFT, 0) + counts.get(RecordState.CHECKED, 0)
        return [("ky_lop", way("/cong/lop", lop=row.name), waiting) for row, _c, _n in classes]
    if actor.role is Role.CBQL:
        asked = await web.off_loop(frame.service.repairs.asked, space, actor)
        return [
            ("ky_duyet", "/cong/ky/duyet", counts.get(RecordState.SIGNED_GVCN, 0)),
            ("xin_huy", "/cong/xin-huy", len(asked)),
            ("so_bo", "/cong/so-bo", 0),
        ]
    return _office_tasks(actor, counts, await _packs(frame, request, actor))


async def _packs(frame: Frame, request: Request, actor: Actor) -> bool:
    school = await web.off_loop(
        frame.service.schools.school, web.space_of(request), actor.identity.unit_code
    )
    return school is not None and school.packed_by is actor.role


def _office_tasks(
    actor: Actor, counts: dict[RecordState, int], packs: bool
) -> list[tuple[str, str, int]]:
    sealed = counts.get(RecordState.ISSUE_SIGNED, 0)
    packing = [
        ("khoi_tao", "/cong/khoi-tao", 0),
        ("dong_goi", "/cong/dong-goi", sealed),
        ("goi", "/cong/goi", 0),
    ]
    if actor.role is Role.QUAN_TRI:
        return [*(packing if packs else []), ("so_bo", "/cong/so-bo", 0)]
    seal = [("phat_hanh", "/cong/ky/phat-hanh", counts.get(RecordState.SIGNED_CBQL, 0))]
    rest = packing[1:] if packs else [("goi", "/cong/goi", 0)]
    start = packing[:1] if packs else []
    return [
        *start,
        *seal,
        *rest,
        ("chung_thu", "/cong/chung-thu", 0),
        ("gieo_loi", "/cong/gieo-loi", 0),
    ]
