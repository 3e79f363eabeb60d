"""Choosing something to go wrong, so that one meets it calmly and mends it alone."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.domain.faults import FAULTS, SCENARIOS, FaultKind, Scenario
from sandbox.domain.lifecycle import Role
from sandbox.portal.context import Actor, Reason, Stopped
from sandbox.portal.pages_frame import Frame, new_router, page_of, way
from sandbox.portal.service import PortalService
from sandbox.wire.signing import Fault, FaultState, Instrument

PEOPLE = (Role.GVCN, Role.CBQL, Role.VAN_THU, Role.QUAN_TRI)
STARTS = {Role.GVCN: "/cong", Role.CBQL: "/cong/ky/duyet", Role.VAN_THU: "/cong/ky/phat-hanh"}
"""Where a role's own work begins."""


def router(service: PortalService) -> APIRouter:
    """Return the pages."""
    routes, frame = new_router(), Frame(service)
    _choose(routes, frame)
    _one(routes, frame)
    _subject_teachers(routes, frame)
    _scenarios(routes, frame)
    return routes


def _for(role: Role) -> list[FaultKind]:
    return [kind for kind in FAULTS.values() if role.value in kind.roles]


def word_of(code: str, plan: list[FaultState]) -> str:
    """Return how far somebody is with a fault: chua, dang_tap, da_gap or da_sua."""
    rows = [row for row in plan if row.ma == code]
    if not rows:
        return "chua"
    last = rows[-1]
    if last.recovered is not None:
        return "da_sua"
    return "dang_tap" if last.met is None else "da_gap"


def _choose(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/su-co")
    async def choose(request: Request, tu: int = 1) -> Response:
        actor = await frame.actor(request, roles=PEOPLE)
        plan = await frame.service.drills.plan(web.space_of(request), actor.identity.person_id)
        shown, more = page_of(_for(actor.role), tu)
        return await frame.show(
            request,
            "portal/drills.html",
            page="portal.su_co",
            actor=actor,
            rows=[(kind, word_of(kind.code, plan)) for kind in shown],
            more=None if more is None else way("/cong/su-co", tu=more),
            back="/cong",
        )


def _kind(code: str, actor: Actor) -> FaultKind:
    kind = FAULTS.get(code)
    if kind is None or actor.role.value not in kind.roles:
        raise Stopped(Reason.NOT_FOUND, target=code)
    return kind


def _one(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/su-co/{code}")
    async def one(request: Request, code: str) -> Response:
        actor = await frame.actor(request, roles=PEOPLE)
        kind, space = _kind(code, actor), web.space_of(request)
        plan = await frame.service.drills.plan(space, actor.identity.person_id)
        chosen = await web.off_loop(frame.service.means.chosen, space, actor)
        fit = not kind.instruments or chosen.value in kind.instruments
        return await frame.show(
            request,
            "portal/drill.html",
            page="portal.su_co_mot",
            actor=actor,
            kind=kind,
            word=word_of(code, plan),
            chosen=chosen.value,
            fit=fit or kind.place == "the",
            wanted=[one.value for one in Instrument if one.value in kind.instruments],
            start=STARTS.get(actor.role, "/cong"),
            here=f"/cong/su-co/{code}",
            back="/cong/su-co",
        )

    @routes.post("/cong/su-co/{code}")
    async def arm(request: Request, code: str) -> Response:
        actor = await frame.actor(request, roles=PEOPLE)
        kind, space = _kind(code, actor), web.space_of(request)
        here, person = f"/cong/su-co/{code}", actor.identity.person_id

        async def work(_form: web.Form) -> str:
            drills = frame.service.drills
            if word_of(code, await drills.plan(space, person)) in ("chua", "da_sua"):
                await drills.arm(space, person, [Fault(ma=code, boi="self")])
            if kind.place == "the":  # read and told: nothing else is to be met
                await web.off_loop(drills.take, space, person, code)
                await web.off_loop(drills.recover, space, person, (code,))
                raise web.Stale(here, web.say("cau", "portal.drill.told"))
            raise web.Stale(here, web.say("cau", "portal.drill.armed"))

        return await frame.submit(request, action=f"portal.drill:{code}", work=work, again=here)


def _subject_teachers(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/bo-mon")
    async def missing(request: Request, ve: str = "/cong") -> Response:
        actor = await frame.actor(request, roles=(Role.GVCN,))
        open_now = await web.off_loop(
            frame.service.drills.open, web.space_of(request), actor.identity.person_id, "E11"
        )
        return await frame.show(
            request,
            "portal/subject_teachers.html",
            page="portal.bo_mon",
            actor=actor,
            waiting=open_now is not None,
            back=web.local_path(ve, otherwise="/cong"),
        )

    @routes.post("/cong/bo-mon")
    async def remind(request: Request, ve: str = "/cong") -> Response:
        actor = await frame.actor(request, roles=(Role.GVCN,))
        back = web.local_path(ve, otherwise="/cong")

        async def work(_form: web.Form) -> str:
            # The subject teacher is played by script: reminded, they have signed by the next page.
            await web.off_loop(
                frame.service.drills.recover,
                web.space_of(request),
                actor.identity.person_id,
                ("E11",),
            )
            raise web.Stale(back, web.say("cau", "portal.subject_teachers.signed"))

        return await frame.submit(
            request, action="portal.subject_teachers", work=work, again=way("/cong/bo-mon", ve=back)
        )


def _scenarios(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/tinh-huong")
    async def scenarios(request: Request, tu: int = 1) -> Response:
        actor = await frame.actor(request, roles=PEOPLE)
        shown, more = page_of(list(SCENARIOS), tu)
        return await frame.show(
            request,
            "portal/scenarios.html",
            page="portal.tinh_huong",
            actor=actor,
            rows=shown,
            more=None if more is None else way("/cong/tinh-huong", tu=more),
            back="/cong/su-co",
        )

    @routes.get("/cong/tinh-huong/{number}")
    async def scenario(request: Request, number: int) -> Response:
        actor = await frame.actor(request, roles=PEOPLE)
        found = next((one for one in SCENARIOS if one.number == number), None)
        if found is None:
            raise Stopped(Reason.NOT_FOUND, target=str(number))
        return await frame.show(
            request,
            "portal/scenario.html",
            page="portal.tinh_huong_mot",
            actor=actor,
            scenario=found,
            codes=_mine(found, actor),
            back="/cong/tinh-huong",
        )


def _mine(scenario: Scenario, actor: Actor) -> list[str]:
    return [code for code in scenario.codes if actor.role.value in FAULTS[code].roles]
