"""How much waits at all desks together, and how fast it goes: read from two small indexes."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, literal_column, select

from sandbox.ministry import tables_store as t

LATELY_S = 300.0
"""The stretch of machine time over which the pace is measured."""
SHORTEST_S = 10.0
"""A pace is never told from less than this."""
_OPEN = t.package.c.state.in_([literal_column("'cho'"), literal_column("'dang_kiem'")])
"""Literal, not bound: SQLite takes a partial index only for words it sees in the statement."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is acknowledged and has no final result yet, at all desks of all spaces."""

    packages: int
    size: int
    """Bytes of their contents as sent."""
    per_second: float
    """Packages settled per second lately; 0 when none was."""


def backlog(connection: Connection, *, epoch: float) -> Backlog:
    """Return the backlog at machine second *epoch*."""
    size = t.package.c.size
    count, total = connection.execute(
        select(func.count(size), func.coalesce(func.sum(size), 0)).where(_OPEN)
    ).one()
    finished = t.package.c.finished_epoch
    settled, first = connection.execute(
        select(func.count(finished), func.min(finished)).where(finished > epoch - LATELY_S)
    ).one()
    pace = 0.0
    if settled:
        pace = settled / max(SHORTEST_S, min(LATELY_S, epoch - first))
    return Backlog(int(count), int(total), pace)
