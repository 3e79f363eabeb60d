"""Doors between services, and work that must not block the loop."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio.to_thread
from starlette.requests import HTTPConnection, Request

from sandbox.errors import SandboxError

P = ParamSpec("P")
R = TypeVar("R")


class Unauthorised(SandboxError):
    """A service route was asked without its bearer token: 401, always JSON."""


async def off_loop(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run blocking *work* (database, keys, parsing) in a thread and return its result."""
    return await anyio.to_thread.run_sync(functools.partial(work, *args, **kwargs))


def require_internal(request: Request) -> None:
    """Let only our own services through: `Authorization: Bearer` with `app.state.internal_token`.

    Use it as a route dependency. Raises `Unauthorised`.
    """
    _require(request, "internal_token")


def require_admin(request: Request) -> None:
    """Let only trainer's and test tools through: bearer token `app.state.admin_token`.

    Use it as a route dependency. Raises `Unauthorised`.
    """
    _require(request, "admin_token")


def _require(request: HTTPConnection, name: str) -> None:
    expected = getattr(request.app.state, name, None)
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if not expected or scheme.lower() != "bearer":
        raise Unauthorised(name)
    if not secrets.compare_digest(given.strip().encode(), str(expected).encode()):
        raise Unauthorised(name)
