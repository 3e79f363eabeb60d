"""Putting the skin on an application."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from sandbox.clock import Clock
from sandbox.errors import Refused, Unavailable
from sandbox.web import problems
from sandbox.web.bodies import BODIES_IN_MEMORY, Bodies
from sandbox.web.forms import TAP_SECONDS, Desk
from sandbox.web.gate import Gate, MaskTokens
from sandbox.web.guards import Unauthorised
from sandbox.web.skin import Skin
from sandbox.web.spaces import Spaces
from sandbox.web.store import Database

BODY_LIMIT = 11 * 1024 * 1024
"""Bytes of a request body that are read at all; services bound theirs lower (SBX-1104)."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What the skin works with; found at `app.state.web`."""

    skin: Skin
    database: Database
    spaces: Spaces
    clock: Clock
    desk: Desk
    body_limit: int
    bodies: Bodies


def application() -> FastAPI:
    """Return a FastAPI application without the framework's own documentation pages."""
    return FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


def install(
    app: FastAPI,
    *,
    skin: Skin,
    database: Database,
    spaces: Spaces,
    clock: Clock,
    secret: str | bytes,
    body_limit: int = BODY_LIMIT,
    bodies_in_memory: int = BODIES_IN_MEMORY,
    tap_seconds: float = TAP_SECONDS,
) -> None:
    """Put gate, problem pages and static files on *app*, and create the skin's tables.

    *secret* signs form tokens: the same in every process of an installation, and kept over
    restarts. *tap_seconds* is the time in which a second POST of an action counts as the same tap.
    *bodies_in_memory* is how many bytes of request bodies this process holds at once; beyond it
    senders are asked to come again.
    """
    spaces.prepare()
    key = secret.encode() if isinstance(secret, str) else secret
    desk = Desk(database, clock, key, tap_seconds=tap_seconds)
    house = Installation(skin, database, spaces, clock, desk, body_limit, Bodies(bodies_in_memory))
    app.state.web = house
    for error, handler in (
        (Refused, problems.on_refused),
        (problems.Problem, problems.on_problem),
        (Unavailable, problems.on_unavailable),
        (Unauthorised, problems.on_unauthorised),
        (HTTPException, problems.on_http),
        (RequestValidationError, problems.on_validation),
    ):
        app.add_exception_handler(error, handler)
    app.mount("/tinh", skin.assets, name="tinh")
    app.add_middleware(Gate, house=house)
    app.add_middleware(GZipMiddleware, minimum_size=600, compresslevel=5)
    logging.getLogger("uvicorn.access").addFilter(MaskTokens())
