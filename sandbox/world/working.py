"""The checking process: packages are checked, results fetched, circulating records forwarded.

One process, three loops that share nothing but the database: the ministry's checking in the main
thread, the portal's background and the second verifier in others. Killed at any moment, nothing
is lost: each finds its work in the tables again.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from sandbox.ministry.checking import Worker
from sandbox.portal.forwarding import Forwarder
from sandbox.world.build import build_skin
from sandbox.world.crosschecking import look_again
from sandbox.world.watching import watch

if TYPE_CHECKING:
    from sandbox.world.build import World


def work(world: World, stop: threading.Event) -> None:
    """Work until *stop* is set; the package in hand is finished first."""
    build_skin()  # the words of requests the portal makes by itself
    watch(world, role="checker")
    helpers: list[threading.Thread] = []
    if "portal" in world.settings.systems:
        helpers.append(threading.Thread(target=_forward, args=(world, stop), name="forwarder"))
    if "ministry" in world.settings.systems:
        again = threading.Thread(target=look_again, args=(world, stop), name="second verifier")
        helpers.append(again)
    for helper in helpers:
        helper.start()
    if "ministry" in world.settings.systems:
        Worker(world.ministry).run(stop)
    else:
        stop.wait()
    for helper in helpers:
        helper.join()


def _forward(world: World, stop: threading.Event) -> None:
    async def run() -> None:
        told = asyncio.Event()
        loop = asyncio.get_running_loop()
        waiter = loop.run_in_executor(None, _tell, stop, loop, told)
        await Forwarder(world.portal).run(told)
        await waiter

    asyncio.run(run())


def _tell(stop: threading.Event, loop: asyncio.AbstractEventLoop, told: asyncio.Event) -> None:
    stop.wait()
    loop.call_soon_threadsafe(told.set)
