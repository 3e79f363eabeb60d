"""The seal's certificate, and the Sở officer's desk."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.domain.lifecycle import Role
from sandbox.errors import Unavailable
from sandbox.portal import display
from sandbox.portal.certificates import ALLOWED, CertificateView
from sandbox.portal.context import Actor, Stopped
from sandbox.portal.model import CertificateState
from sandbox.portal.pages_frame import ROWS, Frame, new_router, way
from sandbox.portal.pages_means import with_door
from sandbox.portal.service import PortalService

PACKERS = (Role.VAN_THU, Role.QUAN_TRI)


def router(service: PortalService) -> APIRouter:
    """Return the pages."""
    routes, frame = new_router(), Frame(service)
    _certificate(routes, frame)
    _inbox(routes, frame)
    return routes


async def _looked(frame: Frame, request: Request, actor: Actor) -> tuple[CertificateView, bool]:
    """Return the unit's certificate; a waiting registration is asked about on this very load."""
    space = web.space_of(request)
    certificates = frame.service.certificates
    view = await certificates.view(space, actor)
    if view.row is None or view.row.state is not CertificateState.SENT:
        return view, False
    try:
        await certificates.look(space, view.row)
    except Unavailable:
        return view, True
    return await certificates.view(space, actor), False


def _certificate(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/chung-thu")
    async def show(request: Request, hoi: int = 0) -> Response:
        actor = await frame.actor(request, roles=ALLOWED)
        view, away = await _looked(frame, request, actor)
        if actor.role is Role.SO:
            request.state.audience = "professional"
        row = view.row
        return await frame.show(
            request,
            "portal/certificate.html",
            page="portal.chung_thu",
            actor=actor,
            view=view,
            row=row,
            away=away,
            asked=bool(hoi),
            signed=row is not None and row.xml is not None,
            refusal=display.refusal(row.code if row else None, web.visit(request).language),
        )

    @routes.post("/cong/chung-thu/ky")
    async def sign(request: Request) -> Response:
        actor = await frame.actor(request, roles=ALLOWED)

        async def work(_form: web.Form) -> str:
            space = web.space_of(request)
            instrument = await web.off_loop(frame.service.means.chosen, space, actor)
            try:
                request_id = await frame.service.certificates.begin(
                    space,
                    actor,
                    purpose=web.text(request, "cau", "portal.purpose.registration"),
                    portal=web.text(request, "nhan", "portal.asks", unit=actor.identity.unit_name),
                    return_path="/cong/yeu-cau/{id}",
                )
            except Stopped as stopped:
                raise await with_door(
                    frame, request, actor, stopped, instrument, here="/cong/chung-thu"
                ) from stopped
            return "/cong/chung-thu" if request_id is None else f"/cong/yeu-cau/{request_id}"

        return await frame.submit(
            request,
            action=f"portal.register:{actor.identity.unit_code}",
            work=work,
            again="/cong/chung-thu",
        )

    @routes.post("/cong/chung-thu/gui")
    async def send(request: Request) -> Response:
        actor = await frame.actor(request, roles=ALLOWED)

        async def work(_form: web.Form) -> str:
            row = await frame.service.certificates.send(web.space_of(request), actor)
            if row.state is CertificateState.SENT:
                raise web.Stale("/cong/chung-thu", web.say("cau", "portal.certificate.sent"))
            return "/cong/chung-thu"

        return await frame.submit(
            request,
            action=f"portal.send_registration:{actor.identity.unit_code}",
            work=work,
            again="/cong/chung-thu",
        )


def _inbox(routes: APIRouter, frame: Frame) -> None:
    @routes.get("/cong/so")
    async def inbox(request: Request) -> Response:
        actor = await _officer(frame, request)
        space = web.space_of(request)
        away = False
        try:
            await frame.service.officer.collect(space, actor)
        except Unavailable:
            away = True
        found = await web.off_loop(frame.service.officer.inbox, space, actor)
        return await frame.show(
            request, "portal/inbox.html", page="portal.so", actor=actor, inbox=found, away=away
        )

    @routes.get("/cong/so/hoc-ba")
    async def rows(request: Request, tu: int = 1) -> Response:
        actor = await _officer(frame, request)
        first = max(1, tu)
        found = await web.off_loop(
            frame.service.officer.rows,
            web.space_of(request),
            actor,
            offset=first - 1,
            limit=ROWS + 1,
        )
        more = way("/cong/so/hoc-ba", tu=first + ROWS) if len(found) > ROWS else None
        language = web.visit(request).language
        return await frame.show(
            request,
            "portal/inbox_rows.html",
            page="portal.so_hoc_ba",
            actor=actor,
            rows=[(row, display.refusal(row["code"], language)) for row in found[:ROWS]],
            more=more,
        )

    @routes.post("/cong/so/tu-dong")
    async def switch(request: Request) -> Response:
        actor = await _officer(frame, request)

        async def work(form: web.Form) -> str:
            on = form.get("viec") == "bat"
            await web.off_loop(
                frame.service.officer.set_forwarding, web.space_of(request), actor, on=on
            )
            return "/cong/so"

        return await frame.submit(request, action="portal.forwarding", work=work, again="/cong/so")

    @routes.post("/cong/so/chuyen")
    async def forward(request: Request) -> Response:
        actor = await _officer(frame, request)

        async def work(_form: web.Form) -> str:
            space = web.space_of(request)
            await frame.service.officer.collect(space, actor)
            sent = await frame.service.officer.forward(
                space, actor, purpose=web.text(request, "cau", "portal.forward.purpose")
            )
            raise web.Stale("/cong/so", web.say("chuyen_mon", "portal.forward.done", n=sent))

        return await frame.submit(request, action="portal.forward", work=work, again="/cong/so")


async def _officer(frame: Frame, request: Request) -> Actor:
    request.state.audience = "professional"
    return await frame.actor(request, roles=(Role.SO,))
