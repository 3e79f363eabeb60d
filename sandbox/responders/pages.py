"""The authority's page: what it is, where its files are, its clock and what it records."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from sandbox import web
from sandbox.clock import VIETNAM
from sandbox.pki import Certificate
from sandbox.responders import pages_gallery
from sandbox.responders.pages_gallery import KIND, record_event
from sandbox.responders.service import RespondersService
from sandbox.responders.store import EventRow

STEPS = (1, 30, 400)
"""Days the space's clock may be moved on by a button."""
BACK = "dau"
LAST_EVENTS = 20
"""Events the page shows, the latest ones."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One CA certificate as the page shows it."""

    name: str
    serial: str
    valid: tuple[object, object]
    fingerprint: str
    to: str


def routers(service: RespondersService) -> list[APIRouter]:
    """Return the pages under `/ca`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/ca")
    async def authority(request: Request) -> Response:
        lists = await web.off_loop(service.published, web.space_of(request))
        events = await web.off_loop(service.events, web.space_of(request))
        certificates = [_shown(service.root, "/ca/goc.crt")]
        certificates += [
            _shown(one.issuer.certificate, f"/ca/chung-thu/{one.issuer.code}.crt") for one in lists
        ]
        return web.page(
            request,
            "responders/authority.html",
            lists=lists,
            certificates=certificates,
            now=service.now(web.space_of(request)),
            events=bool(events),
            recorded=[_row(request, event) for event in events[-LAST_EVENTS:]],
        )

    _add_clock(router, service)
    _add_events(router, service)
    return [router, pages_gallery.router(service)]


def _add_clock(router: APIRouter, service: RespondersService) -> None:
    @router.post("/ca/gio")
    async def move(request: Request) -> Response:
        async def handle(form: web.Form) -> str:
            chosen = form.get("ngay")
            if chosen not in (*map(str, STEPS), BACK):
                raise web.Invalid({"ngay": web.say(KIND, "responders.clock.which")})
            days = None if chosen == BACK else int(chosen)
            await web.off_loop(service.move_clock, web.space_of(request), days=days)
            return "/ca"

        return await web.submit(request, action="responders.clock", handle=handle, again="/ca")


def _add_events(router: APIRouter, service: RespondersService) -> None:
    @router.post("/ca/su-kien")
    async def happen(request: Request) -> Response:
        async def handle(form: web.Form) -> str:
            serial = "".join(form.get("so_hieu").split())
            if not re.fullmatch(r"[0-9A-Fa-f]{1,40}", serial):
                raise web.Invalid({"so_hieu": web.say(KIND, "responders.event.serial_form")})
            issuer = service.issuer_of(serial)
            if issuer is None:
                raise web.Invalid({"so_hieu": web.say(KIND, "responders.event.serial_unknown")})
            await record_event(request, service, issuer, serial, form, again="/ca")
            return "/ca"

        return await web.submit(request, action="responders.event", handle=handle, again="/ca")


def _row(request: Request, event: EventRow) -> tuple[str, ...]:
    what = web.text(request, KIND, f"responders.event.{event.kind}")
    at = event.at.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M")
    return (at, what, event.serial, event.issuer)


def _shown(certificate: Certificate, to: str) -> Shown:
    digest = hashlib.sha256(certificate.der).hexdigest().upper()
    return Shown(
        name=certificate.common_name,
        serial=certificate.serial_hex,
        valid=(certificate.not_before, certificate.not_after),
        # in groups of four, so that two people can compare it aloud and it wraps on a phone
        fingerprint=" ".join(digest[i : i + 4] for i in range(0, len(digest), 4)),
        to=to,
    )
