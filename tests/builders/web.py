"""Real applications with the shared skin on: in this process, on a port, or in two processes."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import web
from sandbox.clock import Clock, FixedClock
from sandbox.web.pages import routers as own_pages

SECRET = "a secret of the tests"


@dataclass
class House:
    """One installation of the skin."""

    app: FastAPI
    database: web.Database
    spaces: web.Spaces
    clock: Clock
    clients: list[TestClient] = field(default_factory=list)

    def browser(self, *, cookies: bool = True, page: bool = True) -> TestClient:
        """Return a visitor who follows no redirect by itself."""
        app: ASGIApp = self.app if cookies else without_cookies(self.app)
        client = TestClient(app, follow_redirects=False)
        if page:
            client.headers["accept"] = "text/html"
        self.clients.append(client)
        return client


def build_house(
    folder: Path,
    *,
    clock: Clock | None = None,
    routers: Sequence[APIRouter] = (),
    templates: Mapping[str, Path] | None = None,
    locales: Sequence[Path] = (),
    database: str | None = None,
    tap_seconds: float = 0.6,
    body_limit: int = 100_000,
) -> House:
    """Return an application with the spaces `tap` (code 1234) and `lop-a` (code 2468)."""
    store = web.Database(database or f"sqlite:///{folder / 'web.db'}")
    time_by = clock or FixedClock()
    spaces = web.Spaces(store, time_by)
    spaces.prepare()
    spaces.open("tap", code="1234", title="Không gian tập")
    spaces.open("lop-a", code="2468", title="Lớp tập huấn A")
    app = web.application()
    app.state.internal_token = "internal"
    web.install(
        app,
        skin=web.Skin(templates, locales, strict=True),
        database=store,
        spaces=spaces,
        clock=time_by,
        secret=SECRET,
        tap_seconds=tap_seconds,
        body_limit=body_limit,
    )
    for router in (*routers, *own_pages()):
        app.include_router(router)
    return House(app, store, spaces, time_by)


def form_token(html: str, action: str) -> str:
    """Return the one-time token of the form that posts to the bare path *action*."""
    space, rest = r"(?:/s/[a-z0-9-]+)?", r"(?:\?[^\"]*)?"
    form = rf'action="{space}{re.escape(action)}{rest}"[^>]*>'
    found = re.search(form + r'\s*<input type="hidden" name="f" value="([^"]+)"', html)
    assert found, f"no form posts to {action}"
    return found.group(1)


def without_cookies(app: ASGIApp) -> ASGIApp:
    """Return *app* as a browser without cookies sees it: none is ever set or sent."""

    async def bare(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message["headers"] if pair[0].lower() != b"set-cookie"]
                message = {**message, "headers": kept}
            await send(message)

        await app(scope, receive, sending)

    return bare


@contextlib.contextmanager
def serve(app: ASGIApp) -> Iterator[str]:
    """Serve *app* on a free port of this machine; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(200):
        if server.started:
            break
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
