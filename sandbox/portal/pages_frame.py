"""What every portal page shares: who is playing whom, the coach strip, and calm refusals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox import web
from sandbox.domain.lifecycle import Role
from sandbox.errors import SandboxError
from sandbox.portal.context import Actor, Reason, Stopped
from sandbox.portal.service import PortalService
from sandbox.wire.classroom import CoachClient, CoachQuestion, Strip

IDENTITY = "portal.vai"
"""Session key: `{"id", "unit", "role"}` of who the visitor plays."""
ADMITTED = "portal.duoc_vao"
"""Session key: the visitor gave this space's code, or came in by a lesson."""
LEARNER = "portal.hoc_vien"
"""Session key: the visitor is in a lesson, so pages ask the classroom for a coach strip."""
ROWS = 10
"""Rows on one page (learner-experience L2)."""

T = TypeVar("T")


class Nobody(SandboxError):
    """A page that needs an identity was opened by somebody who has none yet."""

    def __init__(self, to: str) -> None:
        self.to = to
        super().__init__(to)


class PortalRoute(APIRoute):
    """A route that turns "not possible now" into a page, and "who are you" into the choice."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with the portal's own refusals around it."""
        handler = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await handler(request)
            except Nobody as nobody:
                here = web.visit(request).path
                return RedirectResponse(web.visit(request).url(nobody.to, ve=here), 303)
            except Stopped as stopped:
                return problem_of(stopped).answer(request)

        return guarded


def new_router() -> APIRouter:
    """Return a router for pages."""
    return APIRouter(route_class=PortalRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Frame:
    """Identity, pages and forms for one visitor after another."""

    service: PortalService

    async def actor(self, request: Request, *, roles: Iterable[Role] | None = None) -> Actor:
        """Return who the visitor plays.

        Raises `Nobody` when nobody was chosen yet (or a reset took them away), `Stopped` when
        the role is none of *roles*.
        """
        space = web.space_of(request)
        session = web.session(request)
        kept = await session.several(IDENTITY, ADMITTED)
        if space.id != web.PRACTICE_SPACE and not kept.get(ADMITTED):
            raise Nobody("/cong/ma-lop")
        said = kept.get(IDENTITY)
        if not isinstance(said, dict):
            raise Nobody("/cong/vai")
        found = await web.off_loop(
            self.service.schools.person,
            space,
            person_id=str(said.get("id")),
            unit_code=str(said.get("unit")),
            role=str(said.get("role")),
        )
        if found is None:
            raise Nobody("/cong/vai")
        if roles is not None and found.role not in tuple(roles):
            raise Stopped(Reason.NOT_YOURS, target=found.role.value)
        return Actor(found, _address(request), request.headers.get("user-agent", "")[:200])

    async def show(
        self,
        request: Request,
        template: str,
        *,
        page: str,
        actor: Actor | None = None,
        records: Sequence[str] = (),
        passing: dict[str, str] | None = None,
        **context: Any,
    ) -> Response:
        """Return a page. *page* is its name for lessons, *records* the records it is about."""
        state = {"page": page, "records": list(records)}
        told = dict(passing or {})
        if len(records) == 1:
            told["record"] = records[0]
        strip = await self._strip(request, page, told)
        where = None
        if strip is not None:
            where = web.text(
                request,
                "nhan",
                "web.coach.where",
                lesson=strip.lesson,
                step=strip.step,
                steps=strip.steps,
                card=strip.card,
            )
        return web.page(
            request,
            template,
            me=None if actor is None else actor.identity,
            strip=strip,
            told=None if strip is None else strip.heading,
            where=where,
            coach_state=state,
            **context,
        )

    async def _strip(self, request: Request, page: str, passing: dict[str, str]) -> Strip | None:
        coach: CoachClient | None = getattr(request.app.state, "coach", None)
        if coach is None or not await web.session(request).get(LEARNER):
            return None
        who = web.visit(request)
        question = CoachQuestion(learner=who.key, page=page, language=who.language, passing=passing)
        return await coach.strip(who.space.prefix, question)

    async def submit(
        self,
        request: Request,
        *,
        action: str,
        work: Callable[[web.Form], Awaitable[str]],
        again: str,
    ) -> Response:
        """Process a form once; a step that is not possible becomes a page, not an error."""

        async def handle(form: web.Form) -> str:
            try:
                return await work(form)
            except Stopped as stopped:
                await self._met(request, stopped)
                if stopped.reason is Reason.MOVED:
                    raise web.Stale(again, web.say("cau", "portal.moved")) from stopped
                raise problem_of(stopped, again=again) from stopped

        return await web.submit(request, action=action, handle=handle, again=again)

    async def _met(self, request: Request, stopped: Stopped) -> None:
        """Note a mistake's page for somebody who set out to meet it."""
        said = await web.session(request).get(IDENTITY)
        if isinstance(said, dict) and (code := code_of(stopped)):
            met = self.service.drills.met_by_mistake
            await web.off_loop(met, web.space_of(request), str(said.get("id")), code)


def code_of(stopped: Stopped) -> str:
    """Return the teacher's code of a refusal (E1–E15), or "": most have none."""
    value = stopped.reason.value
    return value.split("_")[0] if value.startswith("E") else ""


def problem_of(stopped: Stopped, *, again: str = "/cong") -> web.Problem:
    """Return the page for a step that was not taken: what, why, and a button that mends it."""
    reason = stopped.reason
    key = f"portal.stop.{reason.value}"
    to = again
    if reason is Reason.NOT_YOURS:
        to = "/cong/vai"
    elif stopped.to is not None:
        to = stopped.to
    elif reason is Reason.ALREADY_WAITING and stopped.request_id:
        to = f"/cong/yeu-cau/{stopped.request_id}"
    elif reason in (Reason.NOT_FOUND, Reason.NO_ACCOUNT, Reason.NO_CREDENTIAL):
        to = "/cong"
    elif reason is Reason.NOT_APPROVED:
        to = "/cong/chung-thu"
    elif reason in (Reason.PACKAGE_UNSIGNED, Reason.NETWORK_AWAY) and stopped.target:
        to = f"/cong/goi/{stopped.target}"
    elif reason in _ABOUT_RECORD and stopped.target:
        to = f"/cong/hoc-ba/{stopped.target}"
    status = 404 if reason is Reason.NOT_FOUND else 403 if reason is Reason.NOT_YOURS else 409
    return web.Problem(
        web.say("tieu_de", f"{key}.title"),
        meaning=web.say("loi_nghia", f"{key}.meaning"),
        remedy=web.say("loi_lam", f"{key}.remedy"),
        button=web.say("nut", f"{key}.button"),
        to=to,
        quote=web.say("that", f"{key}.quote") if reason in _QUOTED else None,
        code=code_of(stopped),
        status=status,
    )


_ABOUT_RECORD = (Reason.SIGNED, Reason.POINTS_LEFT, Reason.WRONG_REPORTED, Reason.REASON_EMPTY)
_QUOTED = (
    Reason.ALREADY_WAITING,
    Reason.WAITING_AT_PC,
    Reason.RESTING,
    Reason.NOT_FETCHED,
    Reason.WRONG_CERTIFICATE,
    Reason.NOT_THE_SCHOOL,
    Reason.TURNS_USED_UP,
    Reason.FORMER_MISSING,
    Reason.REASON_EMPTY,
    Reason.PACKAGE_UNSIGNED,
    Reason.NETWORK_AWAY,
    Reason.NO_CREDENTIAL,
    Reason.HELD_BY_OTHER,
)


def page_of(rows: Sequence[T], first: int) -> tuple[list[T], int | None]:
    """Return at most `ROWS` of *rows* from number *first* (from 1), and where the next begin."""
    start = max(1, first)
    if start > len(rows):
        start = 1
    shown = list(rows[start - 1 : start - 1 + ROWS])
    following = start + ROWS
    return shown, following if following <= len(rows) else None


def way(path: str, **query: object) -> str:
    """Return *path* with *query* (values that are None are left out), still without space."""
    pairs = {name: str(value) for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _address(request: Request) -> str | None:
    return request.client.host if request.client else None
