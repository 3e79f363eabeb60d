"""A small application that counts what it is asked to do: the form rules seen from outside."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from sandbox import web
from sandbox.clock import Clock, MachineClock
from sandbox.errors import Finding, Refused, Unavailable
from tests.builders.web import House, build_house

TEMPLATE = """{% extends "web/base.html" %}
{% set heading = _('nhan', 'web.phone') %}
{% block content %}
{% call form('count:' ~ thing, '/viec/' ~ thing) %}
{{ kit.field('ten', _('nhan', 'web.enter.code')) }}
{{ kit.pin_field(label=_('nhan', 'web.phone')) }}
{{ kit.choices('lop', _('nhan', 'web.life'), [('1', 'một'), ('2', 'hai')], many=True) }}
{{ kit.button(_('nut', 'web.enter.go')) }}
{% endcall %}
{% endblock %}
"""
PAUSE_SECONDS = 0.2


def counting_router(counter: Path) -> APIRouter:
    """Return `/viec/{thing}`: a form whose every piece of work adds one line to *counter*.

    What is typed into `ten` decides how it goes: "sai" (the form again), "cu" (stale), "tuchoi"
    (refused), "loi" (a problem of its own), "ban" (neighbour away), "hong" (a fault of ours).
    """
    router = APIRouter()

    @router.get("/viec/{thing}")
    def show(request: Request, thing: str) -> Response:
        return web.page(request, "counting/thing.html", thing=thing)

    @router.post("/viec/{thing}")
    async def work(request: Request, thing: str) -> Response:
        async def handle(form: web.Form) -> str:
            with counter.open("a", encoding="utf-8") as lines:
                lines.write(f"{thing} {form.get('ten')} {form.all('lop')}\n")
            await asyncio.sleep(PAUSE_SECONDS)
            _go_wrong(form.get("ten"), thing)
            return f"/xong/{thing}"

        return await web.submit(
            request, action=f"count:{thing}", handle=handle, again=f"/viec/{thing}"
        )

    return router


def _go_wrong(typed: str, thing: str) -> None:
    match typed:
        case "sai":
            raise web.Invalid({"ten": web.say("loi_lam", "web.enter.digits")})
        case "cu":
            raise web.Stale(f"/viec/{thing}", web.say("cau", "web.hand.raised"))
        case "tuchoi":
            raise Refused(Finding("SBX-1104"))
        case "loi":
            raise web.Problem(
                web.say("tieu_de", "web.problem.409.title"),
                meaning=web.say("loi_nghia", "web.problem.409.meaning"),
                remedy=web.say("loi_lam", "web.problem.409.remedy"),
                button=web.say("nut", "web.continue"),
                to="/xong/di",
                code="E7",
            )
        case "ban":
            raise Unavailable("the neighbour is away", retry_after=7)
        case "hong":
            raise RuntimeError("a secret of the inside")


def counting_house(
    folder: Path, *, clock: Clock | None = None, database: str | None = None
) -> House:
    """Return a house with the counting form; lines go to `folder/count.txt`."""
    templates = folder / "templates"
    templates.mkdir(exist_ok=True)
    (templates / "thing.html").write_text(TEMPLATE, encoding="utf-8")
    return build_house(
        folder,
        clock=clock,
        routers=[counting_router(folder / "count.txt")],
        templates={"counting": templates},
        database=database,
    )


def counted(folder: Path) -> list[str]:
    """Return one line for every piece of work that was done."""
    counter = folder / "count.txt"
    return counter.read_text(encoding="utf-8").splitlines() if counter.exists() else []


def app() -> FastAPI:
    """Return the application for a process of its own (`uvicorn --factory`)."""
    return counting_house(
        Path(os.environ["COUNTING_FOLDER"]),
        clock=MachineClock(),
        database=os.environ.get("COUNTING_DATABASE") or None,
    ).app
