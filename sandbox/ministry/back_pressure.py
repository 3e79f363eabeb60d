"""Saying "not now" before disk or memory runs out: 503 with the time after which there is room.

What is acknowledged is safe whatever happens; so nothing may be acknowledged for which there is
no room. Only what adds to the backlog is held off: senders still get tokens and results, and the
checking goes on making room.
"""

from __future__ import annotations

import math
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

from sandbox.clock import Clock
from sandbox.errors import Finding
from sandbox.ministry import backlog_store
from sandbox.ministry.answers import Busy
from sandbox.ministry.backlog_store import Backlog
from sandbox.web.store import Database

CODE = "SBX-1118"
GIB = 1_073_741_824
MIN_FREE_DISK = GIB
SHARE_FREE = 20
"""Unless it was set, a twentieth of the disk is kept free, but at most `MIN_FREE_DISK`."""

LOOK_EVERY_S = 1.0
LOOKING_SHARE = 20
"""A look is not repeated before twenty times its own length: at most 5 % of the time is looking."""

ROOM_AGAIN = 0.9
"""A sender told to wait comes back when the backlog is a tenth below its limit."""
SHORTEST_S, LONGEST_S = 5, 3_600
UNKNOWN_S = 60
"""Retry-After where nothing tells how long it takes: a full disk, a queue that stands still."""


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """How much may wait. Sizes in bytes."""

    min_free_disk: int | None = None
    """Free space below which nothing more is taken in; None: by `MIN_FREE_DISK` and the disk."""
    waiting: int = 500_000
    """Open packages of all senders at all desks."""
    waiting_bytes: int = 64 * GIB
    """Bytes of their contents."""


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    """Monotonic second."""
    took: float
    backlog: Backlog
    free: int
    needed: int


class BackPressure:
    """Tells whether one more package has room. One object per process."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        limits: IntakeLimits | None = None,
        *,
        folders: tuple[Path, ...] = (),
    ) -> None:
        self._database, self._clock = database, clock
        self._limits = limits or IntakeLimits()
        own = database.url.database if database.dialect == "sqlite" else None
        self._folders = (*folders, Path(own).parent) if own else folders
        self._last: _Look | None = None
        self._looking = threading.Lock()

    @property
    def is_due(self) -> bool:
        """Tell whether `look` is worth a thread now: what is known is old, and nobody looks."""
        return self._is_old() and not (self._last and self._looking.locked())

    def look(self) -> None:
        """Read backlog and disk anew if it is time. Blocking; one thread of a process at a time."""
        with self._looking:
            if not self._is_old():
                return
            start = self._clock.monotonic()
            with self._database.read() as connection:
                found = backlog_store.backlog(connection, epoch=self._clock.epoch())
            self.see(found, took=self._clock.monotonic() - start)

    def see(self, found: Backlog, *, took: float = 0.0) -> None:
        """Take *found* for the present backlog, and read the disk."""
        self._last = _Look(self._clock.monotonic(), took, found, *self._disk())

    def _is_old(self) -> bool:
        last = self._last
        if last is None:
            return True
        return self._clock.monotonic() - last.at >= max(LOOK_EVERY_S, LOOKING_SHARE * last.took)

    def _disk(self) -> tuple[int, int]:
        """Return free and needed bytes of the fullest of the disks."""
        worst = (0, 0)
        for number, folder in enumerate(self._folders):
            usage = shutil.disk_usage(folder)
            asked = self._limits.min_free_disk
            needed = min(MIN_FREE_DISK, usage.total // SHARE_FREE) if asked is None else asked
            found = (usage.free, needed)
            if number == 0 or found[0] - found[1] < worst[0] - worst[1]:
                worst = found
        return worst

    def require_room(self) -> None:
        """Let one more package in, by what the last look saw.

        Raises:
            Busy: SBX-1118, with the seconds after which there should be room.
        """
        last = self._last
        if last is None:
            return
        if last.free < last.needed:
            raise _busy("dung_luong_trong", last.free, f">= {last.needed}", UNKNOWN_S)
        backlog, limits = last.backlog, self._limits
        if backlog.packages >= limits.waiting:
            wait = self._until(backlog, backlog.packages - ROOM_AGAIN * limits.waiting)
            raise _busy("goi_dang_cho", backlog.packages, f"< {limits.waiting}", wait)
        if backlog.size >= limits.waiting_bytes:
            mean = backlog.size / backlog.packages
            over = (backlog.size - ROOM_AGAIN * limits.waiting_bytes) / mean
            wait = self._until(backlog, over)
            raise _busy("byte_dang_cho", backlog.size, f"< {limits.waiting_bytes}", wait)

    def _until(self, backlog: Backlog, packages: float) -> int:
        """Return the seconds in which *packages* more will be settled at the present pace."""
        if not backlog.per_second:
            return UNKNOWN_S
        return int(min(LONGEST_S, max(SHORTEST_S, math.ceil(packages / backlog.per_second))))


def _busy(field: str, value: int, expected: str, wait: int) -> Busy:
    return Busy(Finding(CODE, field=field, value=str(value), expected=expected), retry_after=wait)
