"""The checking process: packages are checked, results fetched, circulating records forwarded.

Three loops that share nothing but the database: the ministry's checking in the main thread; in the
first process the portal's background and the second verifier in others. Killed at any moment,
nothing is lost: each finds its work in the tables again.
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


def work(world: World, stop: threading.Event, *, only_checking: bool = False) -> None:
    """Work until *stop* is set; the packages in hand are finished first.

    *only_checking*: this is not an installation's first checking process; what must run once only
    (fetching results, forwarding) is left to that one.
    """
    build_skin()  # the words of requests the portal makes by itself
    watch(world, role="checker")
    helpers: list[threading.Thread] = []
    if "portal" in world.settings.systems and not only_checking:
        helpers.append(threading.Thread(target=_forward, args=(world, stop), name="forwarder"))
    if "ministry" in world.settings.systems and not only_checking:
        again = threading.Thread(target=look_again, args=(world, stop), name="second verifier")
        helpers.append(again)
    for helper in helpers:
        helper.start()
    if "ministry" in world.settings.systems:
        Worker(world.ministry, batch=world.settings.claim).run(stop)
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
