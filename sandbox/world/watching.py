"""What every serving process does beside its work: it reports figures and tells what it does."""

from __future__ import annotations

import atexit
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from sandbox.logs import configure
from sandbox.ministry.metering_writer import Recorder
from sandbox.web import off_loop

if TYPE_CHECKING:
    from sandbox.world.build import World


def watch(world: World, *, role: str) -> Recorder:
    """Report the figures of this process, `web` or `checker`, until it ends; set its log lines."""
    configure(world.settings.logging)
    recorder = Recorder(world.ministry, role=role, folder=world.settings.data)
    recorder.start()
    atexit.register(recorder.stop)
    return recorder


def watched(app: FastAPI, world: World) -> FastAPI:
    """Return *app*, which reports figures from now on, and a last time when it is shut down.

    A process of a web server with several dies by the signal that ended it, without any exit
    handler: only the shutting down of the application is told.
    """
    recorder = watch(world, role="web")
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def until_shut(application: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with inner(application) as state:
            yield state or {}
        await off_loop(recorder.stop)

    app.router.lifespan_context = until_shut
    return app
