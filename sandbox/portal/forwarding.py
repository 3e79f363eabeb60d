"""The portal's background work: what happens while nobody looks at a page.

Open signing requests are completed, results of sent packages and approvals are fetched, and in
spaces where it is switched on, circulating records are forwarded to the Kho. Pages never refresh
by themselves (L6): whoever reloads finds what this loop has found.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from sandbox.domain.lifecycle import Role
from sandbox.errors import SandboxError, Unavailable
from sandbox.portal import package_store, request_store, store
from sandbox.portal.context import Actor, Stopped
from sandbox.portal.model import PackageRow
from sandbox.portal.service import PortalService
from sandbox.web.guards import off_loop
from sandbox.web.spaces import Space
from sandbox.wire.ministry import POLL_AFTER_S

LOG = logging.getLogger("sandbox.portal")
PAUSE_S = 2.0
"""Machine seconds between two rounds."""
PURPOSE = "chuyen_tiep"
"""What the signing service's ledger says about a signature nobody asked for by hand."""

T = TypeVar("T")


class Forwarder:
    """Works through what is due; several may run at once without doing anything twice."""

    def __init__(self, service: PortalService) -> None:
        self._service, self._context = service, service.context
        self._next_look: dict[tuple[str, str], tuple[float, int]] = {}
        self._next_collect: dict[str, tuple[float, int]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Work until *stop* is set; a neighbour that is away is asked again later."""
        while not stop.is_set():
            try:
                await self.run_once()
            except Unavailable as away:  # the database: what is to be done stands in its tables
                LOG.warning("portal background waits: %s", away)
            except Exception:
                LOG.exception("portal background round failed")
            try:
                await asyncio.wait_for(stop.wait(), PAUSE_S)
            except TimeoutError:
                continue

    async def run_once(self) -> bool:
        """Do everything that is due now; return whether anything moved."""
        moved = await self._requests()
        moved |= await self._packages()
        moved |= await self._service.certificates.look_at_all() > 0
        moved |= await self._departments()
        return moved

    async def _requests(self) -> bool:
        moved = False
        now = self._context.clock.epoch()
        open_now = await off_loop(self._live_requests)
        for space_id, request_id in open_now:
            due, tries = self._next_look.get((space_id, request_id), (0.0, 0))
            if now < due:
                continue
            pause = POLL_AFTER_S[min(tries, len(POLL_AFTER_S) - 1)]
            self._next_look[space_id, request_id] = (now + pause, tries + 1)
            space = await off_loop(self._context.spaces.get, space_id)
            if space is not None:
                view = await _calmly(self._service.signings.look(space, request_id))
                moved |= view is not None and not view.live
        gone = set(self._next_look) - set(open_now)
        for key in gone:
            del self._next_look[key]
        return moved

    def _live_requests(self) -> list[tuple[str, str]]:
        with self._context.database.read() as connection:
            rows = request_store.live_requests(connection)
        return [(space, request.request_id) for space, request in rows]

    async def _packages(self) -> bool:
        moved = False
        for space_id, package in await off_loop(self._due_packages):
            space = await off_loop(self._context.spaces.get, space_id)
            if space is None:
                continue
            final = await _calmly(self._service.packages.look(space, package))
            if final is None:
                await off_loop(self._service.packages.postpone, space, package)
            if final:
                moved = True
                self._next_collect.pop(space_id, None)  # something may circulate: look at once
        return moved

    def _due_packages(self) -> list[tuple[str, PackageRow]]:
        with self._context.database.read() as connection:
            return package_store.due_packages(connection, epoch=self._context.clock.epoch())

    async def _departments(self) -> bool:
        moved = False
        now = self._context.clock.epoch()
        for space_id in await off_loop(self._space_ids):
            due, quiet = self._next_collect.get(space_id, (0.0, 0))
            if now < due:
                continue
            space = await off_loop(self._context.spaces.get, space_id)
            if space is None:
                continue
            found = await self._department_work(space)
            quiet = 0 if found else quiet + 1
            pause = POLL_AFTER_S[min(quiet, len(POLL_AFTER_S) - 1)]
            self._next_collect[space_id] = (now + pause, quiet)
            moved |= found
        return moved

    async def _department_work(self, space: Space) -> bool:
        """Collect and forward in one space; return whether there was anything."""
        moved = False
        for officer, forwarding in await off_loop(self._officers, space):
            fresh = await _calmly(self._service.officer.collect(space, officer))
            moved |= bool(fresh)
            if forwarding:
                sent = await _calmly(self._service.officer.forward(space, officer, purpose=PURPOSE))
                moved |= bool(sent)
        return moved

    def _space_ids(self) -> list[str]:
        with self._context.database.read() as connection:
            return store.spaces_with_departments(connection)

    def _officers(self, space: Space) -> list[tuple[Actor, bool]]:
        with self._context.database.read() as connection:
            return [
                (Actor(person), forwarding)
                for code, _name, forwarding, _seen in store.departments(connection, space.id)
                for person in store.staff(connection, space.id, code)
                if person.role is Role.SO
            ]


async def _calmly(work: Awaitable[T]) -> T | None:
    """Return the result of *work*; None when a neighbour is away or the step is not possible."""
    try:
        return await work
    except (SandboxError, Stopped) as away:
        LOG.info("portal background: %s", away)
        return None
