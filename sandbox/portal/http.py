"""State for lessons and schools for learners, service to service (`wire.portal`)."""

from __future__ import annotations

from fastapi import APIRouter, Depends, HTTPException
from starlette.requests import Request

from sandbox import web
from sandbox.errors import Misuse
from sandbox.portal.context import Stopped
from sandbox.portal.pages_frame import ADMITTED, IDENTITY, LEARNER
from sandbox.portal.pages_identity import identity_key
from sandbox.portal.service import PortalService
from sandbox.web.sessions import Session
from sandbox.wire import portal as wire
from sandbox.wire.signing import FaultState


def routers(service: PortalService) -> list[APIRouter]:
    """Return the routes under `/cong/v1`; only the installation's own services are let in."""
    router = APIRouter(
        prefix="/cong/v1", dependencies=[Depends(web.require_internal)], tags=["portal"]
    )
    _records(router, service)
    _schools(router, service)
    _faults(router, service)
    admin = APIRouter(
        prefix="/cong/quan-tri/v1", dependencies=[Depends(web.require_admin)], tags=["portal"]
    )
    _trainer(admin, service)
    return [router, admin]


def _faults(router: APIRouter, service: PortalService) -> None:
    @router.post("/su-co")
    async def arm(request: Request, body: wire.FaultOrder) -> list[FaultState]:
        """Arm a fault plan for one person; return the whole plan."""
        return await _armed(service, web.space_of(request), body)

    @router.get("/su-co/{person_id}")
    async def plan(request: Request, person_id: str) -> list[FaultState]:
        """Return somebody's fault plan with what was met and mended."""
        return await service.drills.plan(web.space_of(request), person_id)


def _trainer(router: APIRouter, service: PortalService) -> None:
    @router.post("/su-co")
    async def arm(request: Request, body: wire.FaultOrder) -> list[FaultState]:
        """Let something go wrong for one learner, or (without `nguoi`) for everybody once."""
        return await _armed(service, web.space_of(request), body)


async def _armed(
    service: PortalService, space: web.Space, order: wire.FaultOrder
) -> list[FaultState]:
    """Arm an order for one person; one for everybody goes into the space's switch."""
    try:
        if order.nguoi is not None:
            await service.drills.arm(space, order.nguoi, order.su_co)
            return await service.drills.plan(space, order.nguoi)
        await web.off_loop(service.drills.arm_everybody, space, order.su_co)
    except Misuse as misuse:
        raise HTTPException(422, str(misuse)) from None
    except Stopped:
        raise HTTPException(404) from None
    return []


def _records(router: APIRouter, service: PortalService) -> None:
    @router.get("/hoc-ba/{record_id}")
    def record(request: Request, record_id: str) -> wire.RecordReply:
        """Return one record with its signatures, former versions and bytes."""
        found = service.lessons.record(web.space_of(request), record_id)
        if found is None:
            raise HTTPException(404)
        return found

    @router.get("/truong/{code}/hoc-ba")
    def records(request: Request, code: str, lop: str | None = None) -> list[wire.RecordReply]:
        """Return the records of a school, or of one class."""
        return service.lessons.records(web.space_of(request), code, lop)


def _schools(router: APIRouter, service: PortalService) -> None:
    @router.get("/truong/{code}")
    def school(request: Request, code: str) -> wire.SchoolReply:
        """Return a school with its people and the PINs of their practice cards."""
        found = service.lessons.school(web.space_of(request), code)
        if found is None:
            raise HTTPException(404)
        return found

    @router.post("/truong")
    async def add(request: Request, body: wire.NewSchool) -> wire.SchoolReply:
        """Add an invented school; repeating the same request is harmless."""
        try:
            return await service.lessons.add_school(web.space_of(request), body)
        except Stopped:
            raise HTTPException(409) from None

    @router.post("/vao")
    async def enter(request: Request, body: wire.Enter) -> wire.PersonReply:
        """Let a learner play somebody: the portal then knows them without asking."""
        space = web.space_of(request)
        try:
            found = await web.off_loop(service.lessons.enter, space, body)
        except Stopped:
            raise HTTPException(404) from None
        house = request.app.state.web
        session = Session(house.database, house.clock, space=space.id, visitor=body.nguoi_hoc)
        await session.set(IDENTITY, identity_key(found))
        await session.set(ADMITTED, True)
        await session.set(LEARNER, True)
        reply = await web.off_loop(service.lessons.school, space, found.unit_code)
        people = reply.nguoi if reply else []
        return next((p for p in people if p.id == body.id), _bare(body, found.name))


def _bare(body: wire.Enter, name: str) -> wire.PersonReply:
    return wire.PersonReply(id=body.id, ten=name, vai=body.vai, don_vi=body.don_vi)
