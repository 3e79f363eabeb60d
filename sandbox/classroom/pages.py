"""Pages of the classroom: join, task list, map of a lesson, the way back, the end."""

from __future__ import annotations

import re

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox import web
from sandbox.classroom.lesson import Lesson
from sandbox.classroom.service import LEVELS, Attempt, ClassroomService, hint_action

NAME = re.compile(r"[^\W\d_][\w .'\-]{0,59}\Z")
"""A name to be called by: letters, spaces, ' - . only; kept as typed, at most 60."""
MOST_SEATS = 99


def routers(service: ClassroomService) -> list[APIRouter]:
    """Return the classroom's pages."""
    return [_joining(service), _starting(service), _running(service)]


def _joining(service: ClassroomService) -> APIRouter:
    router = APIRouter()

    @router.get("/lop")
    async def front(request: Request) -> Response:
        """Lead a known learner to the task list, everybody else to the name page."""
        who = web.visit(request)
        known = await web.off_loop(service.learner, who.space, who.key)
        return RedirectResponse(who.url("/lop/nha" if known else "/lop/vao/ten"), 303)

    @router.get("/lop/vao/ten")
    async def ask_name(request: Request) -> Response:
        """Ask for a name to be called by and the machine's number."""
        who = web.visit(request)
        known = await web.off_loop(service.learner, who.space, who.key)
        return web.page(request, "classroom/join.html", known=known)

    @router.post("/lop/vao/ten")
    async def join(request: Request) -> Response:
        """Write the learner down."""
        who = web.visit(request)

        async def handle(form: web.Form) -> str:
            name = re.sub(r"\s+", " ", form.get("ten"))
            if not NAME.match(name):
                raise web.Invalid({"ten": web.say("loi_lam", "classroom.join.name")})
            await web.off_loop(
                service.join, who.space, who.key, name=name, seat=_seat(form.get("may"))
            )
            return "/lop/nha"

        return await web.submit(
            request, action="classroom.join", handle=handle, again="/lop/vao/ten"
        )

    @router.get("/lop/nha")
    async def home(request: Request) -> Response:
        """Show the task list."""
        who = web.visit(request)
        learner = await web.off_loop(service.learner, who.space, who.key)
        if learner is None:
            return RedirectResponse(who.url("/lop/vao/ten"), 303)
        progress = await web.off_loop(service.progress, who.space, who.key)
        return web.page(
            request,
            "classroom/home.html",
            learner=learner,
            lessons=list(service.lessons.values()),
            progress=progress,
            seat=learner["seat"],
        )

    return router


def _seat(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_SEATS:
        raise web.Invalid({"may": web.say("loi_lam", "classroom.join.seat")})
    return int(text)


def _starting(service: ClassroomService) -> APIRouter:
    router = APIRouter()

    @router.get("/lop/bai/{number}")
    async def show_map(request: Request, number: int) -> Response:
        """Show the four pictures that open a lesson."""
        return web.page(request, "classroom/map.html", lesson=_lesson(service, number))

    @router.post("/lop/bai/{number}/bat-dau")
    async def begin(request: Request, number: int) -> Response:
        """Open an attempt in a school of its own."""
        who, lesson = web.visit(request), _lesson(service, number)

        async def handle(form: web.Form) -> str:
            if await web.off_loop(service.learner, who.space, who.key) is None:
                return "/lop/vao/ten"
            level = form.get("muc", LEVELS[0])
            if level not in LEVELS:
                raise web.Invalid({"muc": web.say("loi_lam", "classroom.level")})
            attempt = await service.begin(who.space, who.key, lesson=lesson, level=level)
            await web.session(request).set("classroom.learner", True)
            return f"/lop/bai/{number}/lan/{attempt.number}"

        return await web.submit(
            request,
            action=f"classroom.begin:{number}",
            handle=handle,
            again=f"/lop/bai/{number}",
        )

    return router


def _running(service: ClassroomService) -> APIRouter:
    router = APIRouter()

    @router.get("/lop/bai/{number}/lan/{attempt_number}")
    async def show_attempt(request: Request, number: int, attempt_number: int) -> Response:
        """Show card and way into the portal, or the end when the lesson is passed."""
        who, lesson = web.visit(request), _lesson(service, number)
        attempt = await _own(service, request, attempt_number)
        judgement = await service.judge(who.space, attempt)
        card = await service.card(who.space, attempt)
        template = "done" if judgement.passed or attempt.passed else "attempt"
        return web.page(
            request,
            f"classroom/{template}.html",
            lesson=lesson,
            attempt=attempt,
            card=card,
            judgement=judgement,
        )

    @router.post("/lop/lan/{attempt_number}/goi-y/{step}")
    async def hint(request: Request, attempt_number: int, step: int) -> Response:
        """Show the hint of a step on the page one came from."""
        who = web.visit(request)
        attempt = await _own(service, request, attempt_number)
        home = f"/lop/bai/{attempt.lesson}/lan/{attempt_number}"

        async def handle(form: web.Form) -> str:
            await service.hint(who.space, attempt, step=step)
            return web.local_path(form.get("ve"), otherwise=home)

        action = hint_action(attempt_number, step)
        return await web.submit(request, action=action, handle=handle, again=home)

    return router


def _lesson(service: ClassroomService, number: int) -> Lesson:
    lesson = service.lesson(number)
    if lesson is None:
        raise HTTPException(404)
    return lesson


async def _own(service: ClassroomService, request: Request, number: int) -> Attempt:
    """Return the visitor's own attempt; another's is as if it were not there."""
    who = web.visit(request)
    mine = await web.off_loop(service.attempts, who.space, who.key)
    for attempt in mine:
        if attempt.number == number:
            return attempt
    raise HTTPException(404)
