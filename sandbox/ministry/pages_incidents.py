"""What the second verifier found, for the ministry's officer: figures, incidents, explanations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.clock import VIETNAM
from sandbox.domain.rejections import title
from sandbox.ministry.crosscheck_store import Incident, Standing
from sandbox.ministry.model import Desk, path_of_desk
from sandbox.ministry.pages_desk import DeskPages

SHOWN = 10
NOTE_CHARACTERS = 2_000
_TONES = {Standing.OPEN: "bad", Standing.EXPLAINED: "good"}


def router(pages: DeskPages, *, prefix: str) -> APIRouter:
    """Return the pages about incidents of the desks under *prefix*."""
    routes = APIRouter(include_in_schema=False)
    _add_pages(routes, pages, f"{prefix}/su-co")
    _add_explaining(routes, pages, f"{prefix}/su-co")
    return routes


def _add_pages(routes: APIRouter, pages: DeskPages, base: str) -> None:
    incidents = pages.service.incidents

    @routes.get(base)
    async def listed(request: Request, tu: int = 0) -> Response:
        desk, space, start = await pages.desk(request), web.space_of(request), max(0, tu)
        figures = await web.off_loop(incidents.figures, space, desk.desk)
        rows = await web.off_loop(incidents.listed, space, desk.desk, limit=SHOWN + 1, skip=start)
        here = _list_of(desk)
        return web.page(
            request,
            "ministry/incidents.html",
            desk=desk,
            base=path_of_desk(desk.desk),
            figures=figures,
            lag=_lag(figures.oldest_epoch, pages.service.moment(space).epoch),
            open=(await web.off_loop(incidents.counts, space, desk.desk))[Standing.OPEN],
            listed=[_view(row, web.visit(request).language) for row in rows[:SHOWN]],
            more=f"{here}?tu={start + SHOWN}" if len(rows) > SHOWN else None,
            first=here if start else None,
        )

    @routes.get(base + "/{number}")
    async def one(request: Request, number: int) -> Response:
        desk = await pages.desk(request)
        found = await web.off_loop(incidents.find, web.space_of(request), desk.desk, number)
        if found is None:
            raise HTTPException(404)
        return web.page(
            request,
            "ministry/incident.html",
            desk=desk,
            base=path_of_desk(desk.desk),
            row=_view(found, web.visit(request).language),
        )


def _add_explaining(routes: APIRouter, pages: DeskPages, base: str) -> None:
    @routes.post(base + "/{number}/giai-thich")
    async def explain(request: Request, number: int) -> Response:
        desk = await pages.desk(request)
        here = f"{_list_of(desk)}/{number}"

        async def handle(form: web.Form) -> str:
            note = form.get("ghi_chu").strip()[:NOTE_CHARACTERS]
            if not note:
                raise web.Invalid(
                    {"ghi_chu": web.say("chuyen_mon", "ministry.incident.note_missing")}
                )
            call = pages.service.call(
                web.space_of(request),
                desk,
                address=request.client.host if request.client else "",
                language=web.visit(request).language,
                service="can-bo",
            )
            if not await web.off_loop(pages.service.incidents.explain, call, number, note=note):
                raise web.Stale(here, web.say("chuyen_mon", "ministry.incident.stale"))
            return here

        action = f"ministry.explain:{desk.desk}:{number}"
        return await web.submit(request, action=action, handle=handle, again=here)


def _list_of(desk: Desk) -> str:
    return f"{path_of_desk(desk.desk)}/su-co"


def _lag(oldest_epoch: float | None, epoch: float) -> int:
    """Return for how many machine seconds the oldest record has waited to be looked at."""
    return 0 if oldest_epoch is None else round(max(0.0, epoch - oldest_epoch))


@dataclass(frozen=True, slots=True)
class View:
    """An incident in the officer's words."""

    number: int
    uuid: str
    messageid: str
    place: int
    first: str
    """Codes with their titles; empty for an accepted record."""
    codes: str
    second: str
    """Key of the words."""
    slot: str
    detail: str
    at: str
    state: str
    tone: str
    note: str
    explained: str


def _view(row: Incident, language: str) -> View:
    codes = row.first_said.split()
    return View(
        number=row.number,
        uuid=row.uuid or "–",
        messageid=row.messageid,
        place=row.place,
        first=". ".join(f"{code} {title(code, language)}" for code in codes),
        codes=row.first_said,
        second=row.second_said,
        slot=row.slot,
        detail=row.detail,
        at=_moment(row.at),
        state=row.state.value,
        tone=_TONES[row.state],
        note=row.note or "–",
        explained=_moment(row.explained_at),
    )


def _moment(iso: str | None) -> str:
    if not iso:
        return "–"
    return datetime.fromisoformat(iso).astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M")
