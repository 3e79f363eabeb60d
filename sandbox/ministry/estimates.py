"""When a waiting package will be settled: what is before it, by the pace of the last half minute.

Counted in bytes of content, since packages differ in size. A process looks at the whole queue at
most every few seconds, not at each question, so that asking stays cheap with any backlog.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate

from sqlalchemy import Connection, func, select

from sandbox.clock import Clock
from sandbox.ministry import tables_store as t
from sandbox.ministry.model import Package

LOOK_EVERY_S = 2.0
LOOKING_SHARE = 20
"""A look is not repeated before twenty times its own length."""
LATELY_S = 30.0
"""The stretch of machine time over which the pace is measured."""
SHORTEST_S = 1.0
"""A pace is never told from less than this."""
LONGEST_S = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Queue:
    """All that waits, and how fast it goes."""

    ranks: tuple[int, ...]
    """Every rank that waits, lowest first: checking goes in this order."""
    before: tuple[int, ...]
    """Bytes that wait before each rank, then of everything."""
    per_second: float
    """Bytes settled per second lately; 0 when nothing was."""

    def seconds_until(self, package: Package) -> int | None:
        """Return in how many seconds *package* will be settled; None when nothing tells it."""
        if not self.per_second:
            return None
        place = bisect_left(self.ranks, package.rank)
        ahead = self.before[place]
        if place < len(self.ranks) and self.ranks[place] == package.rank:
            ahead += (self.before[place + 1] - ahead) // 2  # somewhere among its equals
        return min(LONGEST_S, max(1, round((ahead + package.size) / self.per_second)))


def queue_of(connection: Connection, *, epoch: float) -> Queue:
    """Return the queue of all desks at machine second *epoch*."""
    rank, size, finished = t.package.c.rank, t.package.c.size, t.package.c.finished_epoch
    rows = connection.execute(
        select(rank, func.sum(size)).where(t.IS_OPEN).group_by(rank).order_by(rank)
    ).all()
    settled, first = connection.execute(
        select(func.coalesce(func.sum(size), 0), func.min(finished)).where(
            finished > epoch - LATELY_S, finished <= epoch
        )
    ).one()
    per_second = float(settled) / max(SHORTEST_S, epoch - first) if settled else 0.0
    sizes = (int(waits) for _, waits in rows)
    return Queue(tuple(row[0] for row in rows), tuple(accumulate(sizes, initial=0)), per_second)


class Estimates:
    """Estimates of one process. Its look at the queue is shared by all who ask."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._queue: Queue | None = None
        self._next_look = float("-inf")

    def seconds_until(self, connection: Connection, package: Package) -> int | None:
        """Return in how many seconds *package* will be settled; None when nothing tells it."""
        with self._lock:
            began = self._clock.monotonic()
            if self._queue is None or began >= self._next_look:
                self._queue = queue_of(connection, epoch=self._clock.epoch())
                ended = self._clock.monotonic()
                self._next_look = ended + max(LOOK_EVERY_S, LOOKING_SHARE * (ended - began))
            queue = self._queue
        return queue.seconds_until(package)
