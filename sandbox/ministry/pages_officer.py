"""The officer's desk: approve or refuse certificates, see packages and who sent what.

Approving is a person's act (2088-PL1 §III.1, §IV.1): it has a page and a button, and no service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.clock import VIETNAM
from sandbox.domain.rejections import CATALOGUE
from sandbox.ministry import findings as kept
from sandbox.ministry.crosscheck_store import Standing
from sandbox.ministry.model import (
    CertificateState,
    Desk,
    Package,
    PackageState,
    RegisteredCertificate,
    ResultLine,
    path_of_desk,
)
from sandbox.ministry.pages_desk import DeskPages
from sandbox.ministry.receipt import Call

PROVIDERS = ("GIA_LAP_CA", "GIA_LAP_CO_YEU")
OTHER_PROVIDER = "khac"
PENDING_SHOWN = 10
DECIDED_SHOWN = 10
PACKAGES_SHOWN = 10
LINES_SHOWN = 50

_TONES = {
    CertificateState.PENDING: "wait",
    CertificateState.APPROVED: "good",
    CertificateState.REFUSED: "bad",
    CertificateState.REPLACED: "open",
    PackageState.WAITING: "wait",
    PackageState.CLAIMED: "wait",
    PackageState.DONE: "good",
    PackageState.REFUSED: "bad",
}


def router(pages: DeskPages, *, prefix: str) -> APIRouter:
    """Return the officer's pages of the desks under *prefix*."""
    routes = APIRouter(include_in_schema=False)
    _add_certificates(routes, pages, f"{prefix}/can-bo")
    _add_decisions(routes, pages, f"{prefix}/can-bo")
    _add_packages(routes, pages, f"{prefix}/can-bo")
    return routes


def _add_certificates(routes: APIRouter, pages: DeskPages, base: str) -> None:
    @routes.get(base)
    async def inbox(request: Request) -> Response:
        desk = await pages.desk(request)
        listed = await web.off_loop(
            pages.service.registrations.listed, web.space_of(request), desk.desk
        )
        incidents = await web.off_loop(
            pages.service.incidents.counts, web.space_of(request), desk.desk
        )
        pending = [row for row in listed if row.state is CertificateState.PENDING]
        decided = [row for row in reversed(listed) if row.state is not CertificateState.PENDING]
        return web.page(
            request,
            "ministry/officer.html",
            desk=desk,
            base=path_of_desk(desk.desk),
            pending=[_view(row) for row in pending[:PENDING_SHOWN]],
            pending_more=max(0, len(pending) - PENDING_SHOWN),
            decided=[_view(row) for row in decided[:DECIDED_SHOWN]],
            incidents=incidents[Standing.OPEN],
        )

    @routes.get(base + "/cts/{messageid}")
    async def registration(request: Request, messageid: str) -> Response:
        desk = await pages.desk(request)
        found = await web.off_loop(
            pages.service.registrations.find, web.space_of(request), desk.desk, messageid.lower()
        )
        if found is None:
            raise HTTPException(404)
        return web.page(
            request,
            "ministry/registration.html",
            desk=desk,
            base=path_of_desk(desk.desk),
            row=_view(found),
            details=kept.details(found.findings, web.visit(request).language),
        )


def _add_decisions(routes: APIRouter, pages: DeskPages, base: str) -> None:
    @routes.post(base + "/cts/{messageid}/duyet")
    async def approve(request: Request, messageid: str) -> Response:
        desk = await pages.desk(request)
        inbox = f"{path_of_desk(desk.desk)}/can-bo"

        async def handle(_form: web.Form) -> str:
            call = _call(request, pages, desk)
            if not await web.off_loop(pages.service.registrations.approve, call, messageid.lower()):
                raise web.Stale(inbox, web.say("chuyen_mon", "ministry.officer.stale"))
            return inbox

        action = f"ministry.approve:{desk.desk}:{messageid}"
        return await web.submit(request, action=action, handle=handle, again=inbox)

    @routes.post(base + "/cts/{messageid}/tu-choi")
    async def refuse(request: Request, messageid: str) -> Response:
        desk = await pages.desk(request)
        inbox = f"{path_of_desk(desk.desk)}/can-bo"

        async def handle(form: web.Form) -> str:
            reason = form.get("ly_do")
            if not reason:
                raise web.Invalid(
                    {"ly_do": web.say("chuyen_mon", "ministry.refuse.reason_missing")}
                )
            call = _call(request, pages, desk)
            if not await web.off_loop(
                pages.service.registrations.refuse, call, messageid.lower(), reason=reason
            ):
                raise web.Stale(inbox, web.say("chuyen_mon", "ministry.officer.stale"))
            return inbox

        action = f"ministry.refuse:{desk.desk}:{messageid}"
        again = f"{inbox}/cts/{messageid}"
        return await web.submit(request, action=action, handle=handle, again=again)


def _call(request: Request, pages: DeskPages, desk: Desk) -> Call:
    return pages.service.call(
        web.space_of(request),
        desk,
        address=request.client.host if request.client else "",
        language=web.visit(request).language,
        service="can-bo",
    )


def _add_packages(routes: APIRouter, pages: DeskPages, base: str) -> None:
    @routes.get(base + "/goi")
    async def packages(request: Request, tu: int = 0) -> Response:
        desk = await pages.desk(request)
        start = max(0, tu)
        listed = await web.off_loop(
            pages.service.packages,
            web.space_of(request),
            desk.desk,
            limit=PACKAGES_SHOWN + 1,
            skip=start,
        )
        here = f"{path_of_desk(desk.desk)}/can-bo/goi"
        more = f"{here}?tu={start + PACKAGES_SHOWN}" if len(listed) > PACKAGES_SHOWN else None
        return web.page(
            request,
            "ministry/packages.html",
            desk=desk,
            base=path_of_desk(desk.desk),
            listed=[_package(row) for row in listed[:PACKAGES_SHOWN]],
            more=more,
            first=here if start else None,
        )

    @routes.get(base + "/goi/{messageid}")
    async def package(request: Request, messageid: str, tu: int = 0) -> Response:
        desk = await pages.desk(request)
        found = await web.off_loop(
            pages.service.package, web.space_of(request), desk.desk, messageid.lower()
        )
        if found is None:
            raise HTTPException(404)
        row, lines = found
        start = max(0, tu)
        here = f"{path_of_desk(desk.desk)}/can-bo/goi/{row.messageid}"
        following = start + LINES_SHOWN
        language = web.visit(request).language
        return web.page(
            request,
            "ministry/package.html",
            desk=desk,
            base=path_of_desk(desk.desk),
            row=_package(row),
            details=kept.details(row.findings, language),
            lines=_lines(request, lines[start:following]),
            timings=[(step, f"{1000 * spent:.1f}") for step, spent in row.timings.items()],
            more=f"{here}?tu={following}" if following < len(lines) else None,
            first=here if start else None,
        )


def _lines(request: Request, lines: Sequence[ResultLine]) -> list[tuple[Any, ...]]:
    language = web.visit(request).language
    return [_line(request, line, language) for line in lines]


def _line(request: Request, line: ResultLine, language: str) -> tuple[Any, ...]:
    name = line.pupil_name or line.uuid or "–"
    if line.accepted:
        return line.number, name, web.text(request, "chuyen_mon", "ministry.row.accepted"), ""
    code, where, _ = kept.error_words(line.findings)
    first = kept.first_error(kept.from_json(row) for row in line.findings)
    place = (first.xpath if first else None) or where
    return line.number, name, f"{code} {CATALOGUE[code].title[language]}", place


@dataclass(frozen=True, slots=True)
class View:
    """A registration in the officer's words."""

    messageid: str
    unit_code: str
    subject: str
    serial: str
    issuer: str
    valid: str
    provider: str
    kind: str
    state: str
    tone: str
    registered: str
    decided: str
    reason: str


def _view(row: RegisteredCertificate) -> View:
    valid = f"{_day(row.not_before)} – {_day(row.not_after)}"
    return View(
        messageid=row.messageid,
        unit_code=row.unit_code,
        subject=row.subject or "–",
        serial=row.serial,
        issuer=row.issuer or "–",
        valid=valid,
        provider=row.provider if row.provider in PROVIDERS else OTHER_PROVIDER,
        kind=row.kind,
        state=row.state.value,
        tone=_TONES[row.state],
        registered=_moment(row.registered_at),
        decided=_moment(row.decided_at),
        reason=row.reason or "–",
    )


@dataclass(frozen=True, slots=True)
class PackageView:
    """A package in the officer's words."""

    messageid: str
    user_name: str
    unit_code: str
    received: str
    state: str
    tone: str
    records: int
    accepted: int
    size: int
    attempts: int
    reason: str


def _package(row: Package) -> PackageView:
    return PackageView(
        messageid=row.messageid,
        user_name=row.user_name,
        unit_code=row.unit_code,
        received=_moment(row.received_at),
        state=row.state.value,
        tone=_TONES[row.state],
        records=row.records,
        accepted=row.accepted,
        size=row.size,
        attempts=row.attempts,
        reason=row.reason or "–",
    )


def _moment(iso: str | None) -> str:
    if not iso:
        return "–"
    return datetime.fromisoformat(iso).astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M")


def _day(iso: str) -> str:
    return f"{datetime.fromisoformat(iso):%d/%m/%Y}" if iso else "–"
