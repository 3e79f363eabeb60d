"""The desk's own pages: its door, and how far the handing in has come.

Every page exists for the Kho and for each Cổng; the officer's, verification and API pages have
files of their own.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.ministry import (
    pages_api,
    pages_incidents,
    pages_metrics,
    pages_officer,
    pages_signature_view,
    pages_verify,
)
from sandbox.ministry.crosscheck_store import Standing
from sandbox.ministry.model import Desk, DeskKind, SchoolProgress, path_of_desk
from sandbox.ministry.pages_desk import DeskPages
from sandbox.ministry.service import MinistryService

SCHOOLS_SHOWN = 50
"""Rows of the progress table on one page."""
BARS_SHOWN = 70
"""Bars of the chart: one per Sở, and there were 63."""


def routers(service: MinistryService) -> list[APIRouter]:
    """Return the page routes of all desks."""
    found = [
        pages_api.router(service),
        pages_verify.router(service),
        pages_metrics.router(service),
        pages_signature_view.router(service),
    ]
    for prefix in ("/kho", "/kho/so/{code}"):
        pages = DeskPages(service)
        found.append(pages_signature_view.package_router(pages, prefix=prefix))
        found.append(pages_officer.router(pages, prefix=prefix))
        found.append(pages_incidents.router(pages, prefix=prefix))
        found.append(_router(pages, prefix))
    return found


def _router(pages: DeskPages, prefix: str) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get(prefix)
    async def home(request: Request) -> Response:
        desk = await pages.desk(request)
        return await _home(request, pages.service, desk)

    @router.get(f"{prefix}/tien-do")
    async def progress(request: Request, tu: int = 0) -> Response:
        desk = await pages.desk(request)
        return await _progress(request, pages.service, desk, start=max(0, tu))

    return router


async def _home(request: Request, service: MinistryService, desk: Desk) -> Response:
    space = web.space_of(request)
    rows = await web.off_loop(service.progress, space, desk.desk)
    incidents = await web.off_loop(service.incidents.counts, space, desk.desk)
    others = [
        (other.name or other.desk, path_of_desk(other.desk))
        for other in await web.off_loop(service.desks, space)
        if other.desk != desk.desk
    ]
    return web.page(
        request,
        "ministry/home.html",
        desk=desk,
        base=path_of_desk(desk.desk),
        accepted=sum(row.accepted for row in rows),
        expected=sum(row.unit.so_hoc_ba for row in rows),
        schools=len(rows),
        queue=await web.off_loop(service.queue, space, desk.desk),
        others=others,
        incidents=incidents[Standing.OPEN],
    )


async def _progress(
    request: Request, service: MinistryService, desk: Desk, *, start: int
) -> Response:
    space = web.space_of(request)
    rows = await web.off_loop(service.progress, space, desk.desk)
    base = path_of_desk(desk.desk)
    shown = rows[start : start + SCHOOLS_SHOWN]
    following = start + SCHOOLS_SHOWN
    return web.page(
        request,
        "ministry/progress.html",
        desk=desk,
        base=base,
        now=service.moment(space).at,
        schools=rows,
        accepted=sum(row.accepted for row in rows),
        expected=sum(row.unit.so_hoc_ba for row in rows),
        sent=sum(row.packages > 0 for row in rows),
        queue=await web.off_loop(service.queue, space, desk.desk),
        departments=bars_of(rows, desk)[:BARS_SHOWN],
        table=shown,
        more=f"{base}/tien-do?tu={following}" if following < len(rows) else None,
        first=f"{base}/tien-do" if start else None,
    )


def bars_of(rows: list[SchoolProgress], desk: Desk) -> list[tuple[str, int, int]]:
    """Return (name, accepted, expected): one bar per Sở at the Kho, per school at a Cổng."""
    totals: dict[str, tuple[str, int, int]] = {}
    for row in rows:
        unit = row.unit
        if desk.kind is DeskKind.KHO:
            key, name = unit.ma_so_giao_duc, f"{unit.ma_so_giao_duc} · {unit.ten_so_gd}"
        else:
            key, name = unit.ma_truong, unit.ten_truong
        _, accepted, expected = totals.get(key, (name, 0, 0))
        totals[key] = (name, accepted + row.accepted, expected + unit.so_hoc_ba)
    return list(totals.values())
