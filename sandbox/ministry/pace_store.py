"""How fast a desk took in and settled packages, counted from the rows themselves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from sandbox.ministry import tables_store as t

RANKS = {"p50": 50, "p95": 95, "p99": 99, "max": 100}
MOST_STEPS = 20_000


@dataclass(frozen=True, slots=True)
class Pace:
    """What happened at a desk since a moment, and what it holds altogether."""

    packages: dict[str, int]
    """Packages received since then, by state."""
    records: int
    """Records of the settled ones."""
    accepted: int
    stored: int
    """Record rows of the desk, whenever and from whomever they came."""
    first_received: float | None
    last_finished: float | None
    waited_s: dict[str, float]
    """From receipt to final state: p50, p95, p99, max of every settled package."""
    steps: list[tuple[int, int, int]]
    """Per step: packages received, packages settled, records settled."""


def pace_since(
    connection: Connection,
    since: float,
    *,
    space: str,
    desk: str,
    step: float,
    without: str = "",
) -> Pace:
    """Return the pace of *desk* since machine second *since*, in steps of *step* seconds.

    Packages of the unit *without* are left out. Reads every package received since then: for a
    look after a run, not during one.
    """
    columns = (
        t.package.c.state,
        t.package.c.received_epoch,
        t.package.c.finished_epoch,
        t.package.c.records,
        t.package.c.accepted,
    )
    query = select(*columns).where(
        t.package.c.space == space,
        t.package.c.desk == desk,
        t.package.c.received_epoch >= since,
        t.package.c.unit_code != without,
    )
    states: Counter[str] = Counter()
    received: Counter[int] = Counter()
    settled: Counter[int] = Counter()
    records: Counter[int] = Counter()
    waited: list[float] = []
    accepted, first, last = 0, math.inf, -math.inf
    for state, came, ended, held, good in connection.execute(query).yield_per(5_000):
        states[state] += 1
        received[_step(came - since, step)] += 1
        first = min(first, came)
        if ended is None:
            continue
        place = _step(ended - since, step)
        settled[place] += 1
        records[place] += held
        accepted += good
        waited.append(ended - came)
        last = max(last, ended)
    stored = connection.execute(
        select(func.count())
        .select_from(t.record)
        .where(t.record.c.space == space, t.record.c.desk == desk)
    ).scalar_one()
    steps = range(1 + max((*received, *settled), default=-1))
    return Pace(
        packages=dict(states),
        records=records.total(),
        accepted=accepted,
        stored=int(stored),
        first_received=None if first == math.inf else first,
        last_finished=None if last == -math.inf else last,
        waited_s={name: round(_ranked(waited, rank), 3) for name, rank in RANKS.items()},
        steps=[(received[n], settled[n], records[n]) for n in steps],
    )


def _step(seconds: float, step: float) -> int:
    return min(MOST_STEPS, max(0, int(seconds / step)))


def _ranked(values: Sequence[float], rank: float) -> float:
    if not values:
        return 0.0
    return sorted(values)[max(1, math.ceil(rank / 100 * len(values))) - 1]
