"""The figures of the installation as a page (`/kho/so-lieu`) and as text (`/kho/so-lieu.txt`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.ministry import metering_figures as seen
from sandbox.ministry.metering_store import DeskSample, Sample
from sandbox.ministry.metering_text import CONTENT_TYPE, in_text
from sandbox.ministry.service import MinistryService

PAGE = "/kho/so-lieu"
TEXT = "/kho/so-lieu.txt"
WIDTH, HEIGHT = 600, 120
"""Of a curve's drawing; it is stretched to the width of the page."""
TONES = (
    "#083b68", "#ffd54d", "#595959", "#f2f2f2", "#0b4f8a",
    "#fff4d6", "#00602b", "#ffffff", "#5c3a00",
)  # fmt: skip
"""Neighbouring parts of a bar differ in lightness too; the table below says the same."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A figure over the last half hour: points for an SVG polyline, highest and latest value."""

    points: str
    highest: float
    latest: float


@dataclass(frozen=True, slots=True)
class Step:
    """A step of checking: its share of all time, and of one package's in milliseconds."""

    number: str
    seconds: float
    share: float
    mean_ms: float
    start: float
    """Where its part of the stacked bar begins, 0 to 1."""
    tone: str


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """One of the desk's services: how often it was called and how long it takes."""

    name: str
    calls: float
    failed: float
    mean_ms: float
    p95_ms: float | None


def router(service: MinistryService) -> APIRouter:
    """Return the page and the text."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(PAGE)
    async def page(request: Request) -> Response:
        return await _page(request, service)

    @routes.get(TEXT)
    async def text(request: Request) -> Response:
        figures = await _figures(request, service)
        return Response(await web.off_loop(in_text, figures), media_type=CONTENT_TYPE)

    return routes


async def _figures(request: Request, service: MinistryService) -> seen.Figures:
    """Return all figures for the installation's token, those of the space without a token."""
    figures = await web.off_loop(seen.read_figures, service.database, service.clock)
    if "authorization" in request.headers:
        web.require_admin(request)
        return figures
    return figures.of_space(web.space_of(request).id)


async def _page(request: Request, service: MinistryService) -> Response:
    space = web.space_of(request)
    figures = await web.off_loop(seen.read_figures, service.database, service.clock)
    figures = figures.of_space(space.id)
    paces = figures.paces()
    desks = {desk.desk: desk.name or desk.desk for desk in await web.off_loop(service.desks, space)}
    hits, misses = figures.by("cache_hits", "cache"), figures.by("cache_misses", "cache")
    return web.page(
        request,
        "ministry/metrics.html",
        wide=True,
        at=service.clock.now(),
        whole=seen.together(paces),
        paces=paces,
        names=desks,
        text=TEXT,
        queue=curve(figures.samples, figures.epoch, lambda _, desk: desk.open),
        pace=curve_of_rate(figures.samples, figures.epoch),
        minutes=int(seen.SHOWN_S // 60),
        steps=steps_of(figures),
        services=services_of(figures),
        refused=sorted(figures.by("records_refused", "stage").items()),
        accepted=sum(figures.counter("records_accepted").values()),
        caches=[
            (name, hits.get(name, 0.0), hits.get(name, 0.0) + misses.get(name, 0.0))
            for name in sorted(hits.keys() | misses.keys())
        ],
        processes=figures.processes,
        epoch=figures.epoch,
        database_mb=figures.database_bytes / 1e6,
        disk_gb=None if figures.disk_free is None else figures.disk_free / 1e9,
        troubles=troubles_of(figures),
        width=WIDTH,
        height=HEIGHT,
    )


def curve(
    samples: Sequence[Sample], epoch: float, value: Callable[[Sample, DeskSample], float]
) -> Curve:
    """Return the sum over all desks of *value*, sample by sample."""
    rows = [(taken.epoch, sum(value(taken, desk) for desk in taken.desks)) for taken in samples]
    return _drawn(rows, epoch)


def curve_of_rate(samples: Sequence[Sample], epoch: float) -> Curve:
    """Return records checked a second, from one sample to the next."""
    rows = []
    for first, last in pairwise(samples):
        before = {(desk.space, desk.desk): desk for desk in first.desks}
        seconds = last.epoch - first.epoch
        rates = (
            seen.rates_between(before.get((desk.space, desk.desk)), desk, seconds=seconds)
            for desk in last.desks
        )
        rows.append((last.epoch, sum(rate.records for rate in rates)))
    return _drawn(rows, epoch)


def _drawn(rows: Sequence[tuple[float, float]], epoch: float) -> Curve:
    highest = max((value for _, value in rows), default=0.0)
    scale = HEIGHT / highest if highest else 0.0
    begun = epoch - seen.SHOWN_S
    points = " ".join(
        f"{WIDTH * (at - begun) / seen.SHOWN_S:.1f},{HEIGHT - value * scale:.1f}"
        for at, value in rows
    )
    return Curve(points, highest, rows[-1][1] if rows else 0.0)


def steps_of(figures: seen.Figures) -> list[Step]:
    """Return the steps in which time was spent, in their order."""
    spreads = {labels[0][1]: found for labels, found in figures.spreads("step_seconds").items()}
    whole = sum(spread.total for spread in spreads.values())
    found: list[Step] = []
    start = 0.0
    for number, spread in spreads.items():
        share = spread.total / whole if whole else 0.0
        tone = TONES[len(found) % len(TONES)]
        found.append(Step(number, spread.total, share, 1e3 * spread.mean, start, tone))
        start += share
    return found


def services_of(figures: seen.Figures) -> list[ServiceRow]:
    """Return the services that were called, the busiest first."""
    failed: dict[str, float] = {}
    for labels, value in figures.counter("answers").items():
        said = dict(labels)
        if said["status"] != "200":
            failed[said["service"]] = failed.get(said["service"], 0.0) + value
    rows = []
    for labels, spread in figures.spreads("intake_seconds").items():
        name, p95 = labels[0][1], spread.quantile(0.95)
        rows.append(
            ServiceRow(
                name,
                spread.count,
                failed.get(name, 0.0),
                1e3 * spread.mean,
                None if p95 is None else 1e3 * p95,
            )
        )
    return sorted(rows, key=lambda row: (-row.calls, row.name))


def troubles_of(figures: seen.Figures) -> dict[str, float]:
    """Return what went wrong in checking without anybody being refused for it."""
    return {
        name: sum(figures.counter(name).values()) for name in ("put_back", "claims_lost", "faults")
    }
