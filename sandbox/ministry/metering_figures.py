"""The figures of an installation as somebody looks at them: added up, with rates and estimates.

Whoever shows no token sees the desks of one space and what belongs to no space (steps, caches,
processes); an id of another space opens that space, so it is shown to the installation's own
tools only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sandbox.clock import Clock
from sandbox.ministry import metering_store as kept
from sandbox.ministry.metering import BUCKET, FAMILIES, OVERFLOW, STEPS, SUM, Labels, Series
from sandbox.web.store import Database

ALIVE_S = 45.0
"""A process that reported within this many machine seconds is shown as alive."""
SHOWN_S = 30 * 60.0
"""How far back the samples reach that are shown."""
RATE_S = 60.0
"""The stretch over which a rate is taken, machine seconds."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A histogram added up: cumulative counts per bound, the sum of all values."""

    buckets: tuple[tuple[str, float], ...]
    total: float

    @property
    def count(self) -> float:
        """How many values there were."""
        return self.buckets[-1][1]

    @property
    def mean(self) -> float:
        """Their mean; 0 when there was none."""
        return self.total / self.count if self.count else 0.0

    def quantile(self, share: float) -> float | None:
        """Return the bound below which *share* of the values lie; None above the last bound."""
        for bound, count in self.buckets[:-1]:
            if self.count and count >= share * self.count:
                return float(bound)
        return None


@dataclass(frozen=True, slots=True)
class Rates:
    """What a desk does a second."""

    received: float = 0.0
    settled: float = 0.0
    records: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """What one desk does a second, over about the last minute, and what waits there."""

    space: str
    desk: str
    open: int
    oldest_s: float
    received_per_s: float = 0.0
    settled_per_s: float = 0.0
    records_per_s: float = 0.0

    @property
    def drained_s(self) -> float | None:
        """Seconds until all that is open has its result, at this pace; None when nothing moves."""
        if not self.open:
            return 0.0
        return self.open / self.settled_per_s if self.settled_per_s > 0 else None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything there is to see, at one machine second."""

    epoch: float
    totals: Mapping[Series, float]
    queues: tuple[kept.QueueRow, ...]
    processes: tuple[kept.ProcessRow, ...]
    samples: tuple[kept.Sample, ...]
    database_bytes: int

    def of_space(self, space: str) -> Figures:
        """Return what may be shown in *space*: nothing of any other."""
        return replace(
            self,
            totals={
                (name, labels): value
                for (name, labels), value in self.totals.items()
                if dict(labels).get("space", space) == space
            },
            queues=tuple(row for row in self.queues if row.space == space),
            samples=tuple(
                kept.Sample(taken.epoch, tuple(d for d in taken.desks if d.space == space))
                for taken in self.samples
            ),
        )

    def counter(self, name: str) -> dict[Labels, float]:
        """Return a counter's value by its labels."""
        return {labels: value for (said, labels), value in self.totals.items() if said == name}

    def by(self, name: str, label: str) -> dict[str, float]:
        """Return a counter added up by one of its labels."""
        found: dict[str, float] = {}
        for labels, value in self.counter(name).items():
            key = dict(labels)[label]
            found[key] = found.get(key, 0.0) + value
        return found

    def spreads(self, name: str) -> dict[Labels, Spread]:
        """Return a histogram by its labels."""
        counts: dict[Labels, dict[str, float]] = {}
        for labels, value in self.counter(name + BUCKET).items():
            counts.setdefault(labels[:-1], {})[labels[-1][1]] = value
        sums = self.counter(name + SUM)
        bounds = (*(f"{bound:g}" for bound in FAMILIES[name].bounds), OVERFLOW)
        return {
            labels: Spread(_cumulated(bounds, found), sums.get(labels, 0.0))
            for labels, found in sorted(counts.items(), key=lambda item: _in_order(item[0]))
        }

    @property
    def disk_free(self) -> int | None:
        """Free bytes on the disk of the data folder, by whoever reported last."""
        latest = max(self.processes, key=lambda row: row.at_epoch, default=None)
        return None if latest is None else latest.disk_free

    def paces(self) -> tuple[Pace, ...]:
        """Return every desk that has a queue or did something lately, in order of names."""
        queues = {(row.space, row.desk): row for row in self.queues}
        rates = self._rates()
        found = []
        for place in sorted(queues.keys() | rates.keys()):
            queue, rate = queues.get(place), rates.get(place, Rates())
            found.append(
                Pace(
                    *place,
                    open=0 if queue is None else queue.waiting + queue.claimed,
                    oldest_s=0.0 if queue is None else max(0.0, self.epoch - queue.oldest_epoch),
                    received_per_s=rate.received,
                    settled_per_s=rate.settled,
                    records_per_s=rate.records,
                )
            )
        return tuple(found)

    def _rates(self) -> dict[tuple[str, str], Rates]:
        lately = [s for s in self.samples if s.epoch >= self.epoch - RATE_S - 2 * kept.SLOT_S]
        if len(lately) < 2:
            return {}
        first, last = lately[0], lately[-1]
        before = {(desk.space, desk.desk): desk for desk in first.desks}
        return {
            (desk.space, desk.desk): rates_between(
                before.get((desk.space, desk.desk)), desk, seconds=last.epoch - first.epoch
            )
            for desk in last.desks
        }


def rates_between(before: kept.DeskSample | None, now: kept.DeskSample, *, seconds: float) -> Rates:
    """Return what a desk did a second between two samples."""
    base = before or kept.DeskSample(now.space, now.desk)
    spent = max(seconds, 1.0)
    records = now.accepted + now.refused - base.accepted - base.refused
    return Rates(
        received=max(0.0, now.received - base.received) / spent,
        settled=max(0.0, now.settled - base.settled) / spent,
        records=max(0.0, records) / spent,
    )


def together(paces: Iterable[Pace]) -> Pace:
    """Return several desks as one: the whole of a space."""
    found = list(paces)
    return Pace(
        space="",
        desk="",
        open=sum(pace.open for pace in found),
        oldest_s=max((pace.oldest_s for pace in found), default=0.0),
        received_per_s=sum(pace.received_per_s for pace in found),
        settled_per_s=sum(pace.settled_per_s for pace in found),
        records_per_s=sum(pace.records_per_s for pace in found),
    )


def read_figures(database: Database, clock: Clock) -> Figures:
    """Read what all processes have put down. What this process has not written yet is left out."""
    epoch = clock.epoch()
    with database.read() as connection:
        return Figures(
            epoch=epoch,
            totals=kept.totals(connection),
            queues=tuple(kept.queues(connection)),
            processes=tuple(kept.processes(connection, since=epoch - ALIVE_S)),
            samples=tuple(kept.samples(connection, since=epoch - SHOWN_S)),
            database_bytes=kept.database_bytes(connection),
        )


def _in_order(labels: Labels) -> tuple[int, Labels]:
    """Return where a series stands: steps as they are made, everything else by name."""
    step = dict(labels).get("step")
    return (STEPS.index(step) if step in STEPS else 0, labels)


def _cumulated(
    bounds: tuple[str, ...], counts: Mapping[str, float]
) -> tuple[tuple[str, float], ...]:
    sofar, found = 0.0, []
    for bound in bounds:
        sofar += counts.get(bound, 0.0)
        found.append((bound, sofar))
    return tuple(found)
