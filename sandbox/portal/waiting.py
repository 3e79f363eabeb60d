"""How long the computer waits, and what else happens to a request on purpose.

The computer may stop waiting (E2) while the phone's request stays alive (`het_gio_may`,
curriculum §4.2). A yes that comes later is counted, or dropped where the class says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.errors import Misuse, Unavailable
from sandbox.portal import record_store, request_store
from sandbox.portal.context import Context
from sandbox.portal.drills import Drills
from sandbox.portal.model import RequestRow
from sandbox.web.guards import off_loop
from sandbox.web.spaces import Space
from sandbox.wire.signing import Item, NewTransaction, SigningRefused, Status

WINDOW, LATE = "signing_pc_window", "signing_late"
"""Switches of a space: seconds the computer waits (none: as long as the phone); nhan or bo."""
USUAL_WINDOW = timedelta(seconds=100)
AT_ONCE = "ngay"
"""Subject of an E2 entry whose window closes with the first look."""
STRANGER = "yeu_cau_la"


def window_of(switches: Mapping[str, Any]) -> timedelta | None:
    """Return how long the computer waits. Raises `Misuse` for what is no number of seconds."""
    said = switches.get(WINDOW)
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int) or said < 1:
        raise Misuse(f"{WINDOW}: {said!r}", remedy="seconds, or none")
    return timedelta(seconds=said)


def late_is_dropped(switches: Mapping[str, Any]) -> bool:
    """Tell whether a yes counts for nothing once the computer has stopped waiting (`ky_muon`)."""
    said = switches.get(LATE, "nhan")
    if said not in ("nhan", "bo"):
        raise Misuse(f"{LATE}: {said!r}", remedy="nhan, bo")
    return bool(said == "bo")


class Waiting:
    """The computer's side of a request that waits."""

    def __init__(self, context: Context, drills: Drills) -> None:
        self._context, self._drills = context, drills

    async def began(self, space: Space, request: RequestRow) -> None:
        """Set the window of a request that was just sent, and play what is armed for the moment."""
        await off_loop(self._set_window, space, request)
        stranger = await off_loop(self._drills.armed, space, request.signer_id, STRANGER)
        if stranger is not None:
            await self._ask_as_stranger(space, request)

    def close_if_due(self, space: Space, request: RequestRow) -> bool:
        """Stop waiting when the window is over; return whether the computer waits no more."""
        if request.pc_gone or request.pc_until is None:
            return request.pc_gone
        if self._context.now(space) < datetime.fromisoformat(request.pc_until):
            return False
        self.close(space, request)
        return True

    def close(self, space: Space, request: RequestRow) -> None:
        """Stop waiting now: the records are let go, the phone's request stays alive."""
        with self._context.database.write() as connection:
            request_store.set_request(connection, space.id, request.request_id, pc_gone=True)
            record_store.release(connection, space.id, request_id=request.request_id)

    def extend(self, space: Space, request: RequestRow) -> None:
        """Give the computer another 100 seconds; one that has stopped stays so."""
        if request.pc_until is None or request.pc_gone:
            return
        until = datetime.fromisoformat(request.pc_until) + USUAL_WINDOW
        with self._context.database.write() as connection:
            request_store.set_request(
                connection, space.id, request.request_id, pc_until=until.isoformat()
            )

    def seconds_left(self, space: Space, request: RequestRow) -> int | None:
        """Return how long the computer still waits, in seconds; None: no window."""
        if request.pc_until is None:
            return None
        left = datetime.fromisoformat(request.pc_until) - self._context.now(space)
        return max(0, int(left.total_seconds()))

    async def follow_stranger(self, space: Space, signer_id: str) -> None:
        """Note that a stranger's request was refused, once it was."""
        drill = await off_loop(self._drills.open, space, signer_id, STRANGER)
        if drill is None or not drill.note:
            return
        try:
            answer = await self._context.signing.in_space(space.id).transaction(drill.note)
        except (Unavailable, SigningRefused):
            return
        if answer.status is Status.REJECTED:
            await off_loop(self._drills.recover, space, signer_id, (STRANGER,))

    def _set_window(self, space: Space, request: RequestRow) -> None:
        window = window_of(space.switches)
        if not request.instrument.token:
            drill = self._drills.take(space, request.signer_id, "E2")
            if drill is not None:
                window = timedelta(0) if drill.subject == AT_ONCE else window or USUAL_WINDOW
        if window is None:
            return
        until = self._context.now(space) + window
        with self._context.database.write() as connection:
            request_store.set_request(
                connection, space.id, request.request_id, pc_until=until.isoformat()
            )

    async def _ask_as_stranger(self, space: Space, request: RequestRow) -> None:
        """Send a request nobody knows to the same phone (curriculum §6, Bài 5)."""
        name = f"{request.request_id}:{STRANGER}"
        new = NewTransaction(
            idempotency=name,
            signer_id=request.signer_id,
            serial=request.serial,
            purpose="?",
            portal="?",
            stranger=True,
            instrument=request.instrument,
            items=[
                Item(
                    key=STRANGER,
                    record_uuid=self._context.uuid(),
                    slot="?",
                    digest=hashlib.sha256(name.encode()).hexdigest(),
                    label="?",
                )
            ],
        )
        try:
            answer = await self._context.signing.in_space(space.id).request(new)
        except (Unavailable, SigningRefused):
            return  # it stays armed, and comes with the next request
        await off_loop(self._drills.take, space, request.signer_id, STRANGER, note=answer.id)
