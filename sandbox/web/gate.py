"""The gate every request passes: space, visitor, language, text size, limits, headers.

Pure ASGI, one layer, so that a load test pays for it once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.clock import DEFAULT_SPACE_START, SpaceTime
from sandbox.errors import Unavailable
from sandbox.web.forms import unpacked
from sandbox.web.guards import off_loop
from sandbox.web.problems import incident_page, status_page, unavailable_page
from sandbox.web.sessions import EVERYWHERE, Session
from sandbox.web.spaces import PRACTICE_SPACE, Space
from sandbox.web.visits import (
    LANGUAGE_COOKIE,
    LANGUAGE_QUERY,
    RETRY_QUERY,
    SIZE_COOKIE,
    SIZE_QUERY,
    VISIT_SECONDS,
    VISITOR_COOKIE,
    VISITOR_QUERY,
    CameBy,
    Visit,
    bare_path,
    chosen_language,
    chosen_size,
    is_visitor,
    masked,
    new_visitor,
)

if TYPE_CHECKING:
    from sandbox.web.install import Installation

POLICY = "default-src 'self'; form-action 'self'; frame-ancestors 'none'"


SERVICE_PATH = "/sandbox/v1/"
"""Part of every address of a receiving desk's services."""


class TooLarge(HTTPException):
    """The body is longer than this installation reads: 413."""

    def __init__(self) -> None:
        super().__init__(status_code=413)


class Gate:
    """ASGI middleware of the shared skin; `install` puts it in place."""

    def __init__(self, app: ASGIApp, house: Installation) -> None:
        self._app, self._house = app, house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit one request, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _finish_headers(MutableHeaders(scope=message), scope)
            await send(message)

        if scope["path"].startswith("/tinh/"):
            await self._app(scope, receive, sending)
            return
        # The services bound their bodies themselves and answer in the printed fields (SBX-1104).
        own_bounds = SERVICE_PATH in scope["path"]
        body = self._house.bodies.body(receive)
        bounded = body.receive if own_bounds else _bounded(body.receive, self._house.body_limit)
        try:
            answer = await self._admit(scope, state)
            if answer is None:
                await self._app(scope, bounded, sending)
                return
        except Exception as error:
            if started or "visit" not in state:
                raise
            request = Request(scope, bounded)
            if isinstance(error, Unavailable):
                answer = unavailable_page(request, error)
            else:
                answer = incident_page(request, error)
        finally:
            body.release()
        await answer(scope, receive, sending)

    async def _admit(self, scope: Scope, state: dict[str, Any]) -> Response | None:
        """Fill the request's state; return an answer when the request goes no further."""
        query, cookies = Request(scope).query_params, Request(scope).cookies
        try:
            known = await self._find_space(scope, state)
        finally:
            who = _visit(state["space"], scope, query, cookies)
            state["visit"] = who
        request = Request(scope)
        if not known:
            return status_page(request, 404)
        length = request.headers.get("content-length", "")
        too_long = length.isdecimal() and int(length) > self._house.body_limit
        if too_long and SERVICE_PATH not in scope["path"]:
            return status_page(request, 413)
        proven = who.came_by is CameBy.COOKIE and who.other is None
        if proven and scope["method"] == "GET" and VISITOR_QUERY in query:
            return RedirectResponse(_without_token(who, query), status_code=303)
        state["visit"] = who = await self._preferences(who, query, cookies, state)
        if number := query.get(RETRY_QUERY):
            kept = await self._session(who, who.space.id).get(f"web.lai.{number[:40]}")
            state["retry"] = unpacked(kept)
        return None

    async def _find_space(self, scope: Scope, state: dict[str, Any]) -> bool:
        name = PRACTICE_SPACE
        if scope["path"].startswith("/s/"):
            name, _, rest = scope["path"][3:].partition("/")
            scope["path"] = "/" + rest
            scope["raw_path"] = scope["path"].encode()
        spaces = self._house.spaces
        space, last = spaces.fresh(name), spaces.last(name)
        self._enter(state, space or last)
        if space is None:
            try:
                space = await off_loop(spaces.get, name[:64])
            except Unavailable:
                if last is None:
                    raise
                space = last  # the database is away: the services say so in their own fields
            self._enter(state, space)
        return space is not None

    def _enter(self, state: dict[str, Any], space: Space | None) -> None:
        state["space"] = space or self._nowhere()
        state["space_id"] = state["space"].id

    def _nowhere(self) -> Space:
        """Return a stand-in for a space that does not exist, so that the page saying so renders."""
        time = SpaceTime(DEFAULT_SPACE_START, self._house.clock.epoch())
        return Space(PRACTICE_SPACE, "", "", "", "63", "A", "2024-2025", time)

    async def _preferences(
        self,
        who: Visit,
        query: Mapping[str, str],
        cookies: Mapping[str, str],
        state: dict[str, Any],
    ) -> Visit:
        """Return the visit with language and text size chosen now, remembered, or the default.

        The choice is kept with the visitor's token as well as in a cookie, so that it survives a
        browser without cookies and coming back on another device (T2).
        """
        language, size = chosen_language(query, cookies), chosen_size(query, cookies)
        house = self._session(who, EVERYWHERE)
        if language and LANGUAGE_QUERY in query:
            await house.set("web.language", language)
        if size and SIZE_QUERY in query:
            await house.set("web.text_size", size)
        if who.came_by is not CameBy.NEW and (language is None or size is None):
            kept = await house.several("web.language", "web.text_size")
            language = language or kept.get("web.language")
            size = size or kept.get("web.text_size")
        state["choices"] = {LANGUAGE_COOKIE: language, SIZE_COOKIE: size}
        return replace(who, language=language or "vi", text_size=size or 100)

    def _session(self, who: Visit, space: str) -> Session:
        return Session(self._house.database, self._house.clock, space=space, visitor=who.key)


def _visit(
    space: Space, scope: Scope, query: Mapping[str, str], cookies: Mapping[str, str]
) -> Visit:
    cookie, link = cookies.get(VISITOR_COOKIE, ""), query.get(VISITOR_QUERY, "")
    other = None
    if is_visitor(cookie):
        visitor, came_by = cookie, CameBy.COOKIE
        other = link if is_visitor(link) and link != cookie else None
    elif is_visitor(link):
        visitor, came_by = link, CameBy.LINK
    else:
        visitor, came_by = new_visitor(), CameBy.NEW
    path = bare_path(scope["path"], scope.get("query_string", b"").decode("latin-1"))
    return Visit(space, "vi", visitor, 100, came_by, path, other)


def _without_token(who: Visit, query: Mapping[str, str]) -> str:
    """Return this page's address without `m`; every other part stays, a carried form too."""
    marks = {
        name: query[name] for name in (SIZE_QUERY, LANGUAGE_QUERY, RETRY_QUERY) if name in query
    }
    address = who.url(who.path)
    return address + (("&" if "?" in address else "?") + urlencode(marks) if marks else "")


def _bounded(receive: Receive, limit: int) -> Receive:
    read = 0

    async def bounded() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > limit:
            raise TooLarge
        return message

    return bounded


def _finish_headers(headers: MutableHeaders, scope: Scope) -> None:
    headers["x-content-type-options"] = "nosniff"
    headers["referrer-policy"] = "no-referrer"
    headers["content-security-policy"] = POLICY
    headers.setdefault("cache-control", "no-store")
    state = scope["state"]
    if not state.get("visit_used"):
        return
    who: Visit = state["visit"]
    who = replace(who, visitor=state.get("become", who.visitor))
    # Preferences nobody chose are not written: coming back on this device, a learner's own win.
    for name, value in {VISITOR_COOKIE: who.visitor, **state.get("choices", {})}.items():
        if value:
            headers.append("set-cookie", _cookie(name, str(value)))


def _cookie(name: str, value: str) -> str:
    # No Secure: in a training room the site is plain http on the local network.
    return f"{name}={value}; Max-Age={VISIT_SECONDS}; Path=/; HttpOnly; SameSite=Lax"


class MaskTokens(logging.Filter):
    """Strikes visitor tokens out of access log lines (learner-experience §8.2, secrecy)."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask every text argument of *record*; never drops it."""
        if isinstance(record.args, tuple):
            record.args = tuple(masked(a) if isinstance(a, str) else a for a in record.args)
        return True
