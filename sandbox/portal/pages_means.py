"""What somebody signs with: choosing it, and looking at a token's certificate before signing."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.domain.lifecycle import Role
from sandbox.portal.context import Actor, Reason, Stopped
from sandbox.portal.means import Flaw, Held
from sandbox.portal.pages_frame import Frame, new_router, way
from sandbox.portal.service import PortalService
from sandbox.wire.signing import Instrument

SIGNERS = (Role.GVCN, Role.CBQL, Role.VAN_THU)
SURE = "portal.dung_ten_truong"
"""Session key: the serial of the certificate the visitor said is the school's (E9)."""


def router(service: PortalService) -> APIRouter:
    """Return the pages."""
    routes, frame = new_router(), Frame(service)
    _choose(routes, frame)
    _sure(routes)
    return routes


def _choose(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/cach-ky")
    async def ways(request: Request, ve: str = "/cong") -> Response:
        actor = await frame.actor(request, roles=SIGNERS)
        means = frame.service.means
        chosen = await web.off_loop(means.chosen, web.space_of(request), actor)
        return await frame.show(
            request,
            "portal/means.html",
            page="portal.cach_ky",
            actor=actor,
            ways=list(Instrument),
            possible=means.possible(actor),
            chosen=chosen,
            back=web.local_path(ve, otherwise="/cong"),
        )

    @routes.post("/cong/cach-ky")
    async def choose(request: Request, ve: str = "/cong") -> Response:
        actor = await frame.actor(request, roles=SIGNERS)
        back = web.local_path(ve, otherwise="/cong")

        async def work(form: web.Form) -> str:
            said = form.get("cach")
            if said not in tuple(Instrument):
                raise web.Invalid({"cach": web.say("loi_lam", "portal.means.none")})
            await web.off_loop(
                frame.service.means.choose, web.space_of(request), actor, Instrument(said)
            )
            return back

        return await frame.submit(
            request, action="portal.means", work=work, again=way("/cong/cach-ky", ve=back)
        )


def _sure(routes: APIRouter) -> None:
    @routes.post("/cong/dung-ten-truong")
    async def sure(request: Request) -> Response:
        async def work(form: web.Form) -> str:
            await web.session(request).set(SURE, form.get("so")[:64])
            return web.local_path(form.get("ve"), otherwise="/cong")

        return await web.submit(request, action="portal.sure", handle=work, again="/cong")


async def sure_of(request: Request) -> str | None:
    """Return the serial the visitor said is the school's."""
    said = await web.session(request).get(SURE)
    return said if isinstance(said, str) else None


READ, TABLE = "/lay-chung-thu", "/ban"
"""Pages of the practice computer: reading the certificate, and the tokens on the table."""


async def door_of(
    frame: Frame,
    request: Request,
    actor: Actor,
    instrument: Instrument,
    *,
    here: str,
    page: str = READ,
) -> str:
    """Return where *instrument* is at hand, from where one comes back to *here*.

    *page* is that of the practice computer, for a token.
    """
    door = await frame.service.means.door(
        web.space_of(request), actor.identity.person_id, instrument
    )
    if door is None:
        return "/cong"
    if instrument.in_app:  # nothing waits there yet that would tell which app is meant
        return way(door, ung_dung=instrument.value, ve=here)
    return way(door + page if instrument.token else door, ve=here)


async def attention(
    frame: Frame, request: Request, actor: Actor, held: Held, *, seal: bool, here: str
) -> Response | None:
    """Return the page a token's certificate calls for before signing; None when it is fit.

    E8 for one past its time or somebody else's; for the seal the question whose it is, which is
    E9 when it names no school. *here* is the page one comes back to.
    """
    certificate = held.certificate
    if certificate is None or not held.instrument.token:
        return None
    certain = not seal or await sure_of(request) == certificate.serial_hex
    if held.flaw in (None, Flaw.PERSONAL) and certain:
        return None
    door = await door_of(frame, request, actor, held.instrument, here=here, page=TABLE)
    return await frame.show(
        request,
        "portal/token.html",
        page="portal.xem_the",
        actor=actor,
        held=held,
        certificate=certificate,
        unit_code=certificate.uid.removeprefix("MDV:") if held.unit else None,
        door=door,
        here=here,
        wrong=held.flaw is not None,
    )


async def with_door(
    frame: Frame,
    request: Request,
    actor: Actor,
    stopped: Stopped,
    instrument: Instrument,
    *,
    here: str,
) -> Stopped:
    """Return *stopped* with a button that leads to the instrument it is about."""
    if stopped.reason not in _AT_THE_INSTRUMENT:
        return stopped
    page = READ if stopped.reason is Reason.NOT_FETCHED else TABLE
    to = await door_of(frame, request, actor, instrument, here=here, page=page)
    return Stopped(stopped.reason, target=stopped.target, request_id=stopped.request_id, to=to)


_AT_THE_INSTRUMENT = (
    Reason.NOT_FETCHED,
    Reason.WRONG_CERTIFICATE,
    Reason.NOT_THE_SCHOOL,
    Reason.NO_CREDENTIAL,
)
"""What is mended at the token or on the phone, not in the portal."""
