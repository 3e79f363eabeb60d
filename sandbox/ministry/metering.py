"""What a process counts about its own work: in memory, thread-safe, some microseconds a package.

A `Meter` belongs to one process. `metering_writer` puts its figures into the database every few
seconds, `metering_figures` adds those of all processes up, for the page and for Prometheus.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Labels: TypeAlias = tuple[tuple[str, str], ...]
Series: TypeAlias = tuple[str, Labels]
"""Name of a figure, without prefix and suffix, and its labels in the family's order."""

STEPS = ("1", "2", "3", "4", "5", "5-6", "6", "7", "8", "9", "10", "rest")
"""The numbered steps of checking (architecture §5), where two are timed as one both, and what a
package takes beside them: reading the desk's registers, waiting for its turn to write, the disk."""
BUCKET = "_bucket"
SUM = "_sum"
OVERFLOW = "+Inf"

_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
_STEP = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)
_WAIT = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)


@dataclass(frozen=True, slots=True)
class Family:
    """One figure: what it is, its labels, and for a histogram the bounds of its buckets."""

    kind: Literal["counter", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


FAMILIES: Mapping[str, Family] = {
    "packages_received": Family("counter", "Packages acknowledged", ("space", "desk")),
    "received_bytes": Family("counter", "Bytes of acknowledged packages", ("space", "desk")),
    "packages_settled": Family(
        "counter", "Packages with a final result", ("space", "desk", "outcome")
    ),
    "records_accepted": Family("counter", "Records accepted", ("space", "desk")),
    "records_refused": Family(
        "counter", "Records refused, by the stage that refused", ("space", "desk", "stage")
    ),
    "put_back": Family("counter", "Packages given back to the queue", ("reason",)),
    "claims_lost": Family("counter", "Claims that another worker took over"),
    "faults": Family("counter", "Checks that failed by the sandbox's own fault"),
    "cache_hits": Family("counter", "Found in a cache", ("cache",)),
    "cache_misses": Family("counter", "Looked for in a cache and not found", ("cache",)),
    "answers": Family("counter", "Answers of the desks' services", ("service", "status", "error")),
    "checking_busy_seconds": Family("counter", "Seconds spent on packages"),
    "process_cpu_seconds": Family("counter", "CPU seconds, user and system", ("role",)),
    "intake_seconds": Family(
        "histogram", "Seconds from a call's first byte to its answer", ("service",), _QUICK
    ),
    "step_seconds": Family(
        "histogram", "Seconds a package spends in a step of checking", ("step",), _STEP
    ),
    "package_seconds": Family("histogram", "Seconds of checking a package", (), _STEP),
    "package_wait_seconds": Family(
        "histogram", "Seconds from receipt until a worker takes a package", (), _WAIT
    ),
}
"""All that is counted here; the gauges of `metering_figures` come on top."""


class _Histogram:
    """Counts per bucket, each value in exactly one of them, and the sum of all values."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count *value* in the first bucket whose bound it does not exceed."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def figures(self, name: str, labels: Labels) -> dict[Series, float]:
        """Return the buckets that are not empty, and the sum."""
        bounds = (*(f"{bound:g}" for bound in self.bounds), OVERFLOW)
        found = {
            (name + BUCKET, (*labels, ("le", bound))): float(count)
            for bound, count in zip(bounds, self.counts, strict=True)
            if count
        }
        return {**found, (name + SUM, labels): self.total}


@dataclass(slots=True)
class Meter:
    """The figures of this process since it started. Every method may be called by any thread."""

    _counters: dict[Series, float] = field(default_factory=dict)
    _histograms: dict[Series, _Histogram] = field(default_factory=dict)
    _caches: dict[str, Callable[[], tuple[int, int]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def received(self, space: str, desk: str, *, size: int) -> None:
        """Count a package that was acknowledged, *size* bytes long."""
        where = (("space", space), ("desk", desk))
        with self._lock:
            self._count("packages_received", where)
            self._count("received_bytes", where, size)

    def answered(self, service: str, *, status: int, error: str, seconds: float) -> None:
        """Count an answer of a desk's service and how long it took."""
        kind = (("service", service),)
        with self._lock:
            self._count("answers", (*kind, ("status", str(status)), ("error", error)))
            self._observe("intake_seconds", kind, max(0.0, seconds))

    def package(
        self,
        space: str,
        desk: str,
        timings: Mapping[str, float],
        *,
        accepted: int = 0,
        refused: Mapping[str, int] | None = None,
        package_refused: bool = False,
        waited_s: float = 0.0,
        busy_s: float = 0.0,
    ) -> None:
        """Count a package with its final result.

        *timings* are seconds per step, of `STEPS`; *refused* counts records by the stage that
        refused them; *waited_s* is the time from receipt to the claim, *busy_s* that of checking.
        """
        where = (("space", space), ("desk", desk))
        outcome = "refused" if package_refused else "done"
        with self._lock:
            self._count("packages_settled", (*where, ("outcome", outcome)))
            self._count("records_accepted", where, accepted)
            for stage, records in (refused or {}).items():
                self._count("records_refused", (*where, ("stage", stage)), records)
            self._count("checking_busy_seconds", (), busy_s)
            self._observe("package_seconds", (), busy_s)
            self._observe("package_wait_seconds", (), max(0.0, waited_s))
            for step, seconds in timings.items():
                self._observe("step_seconds", (("step", step),), seconds)

    def put_back(self, reason: str) -> None:
        """Count a package that was given back to the queue."""
        with self._lock:
            self._count("put_back", (("reason", reason),))

    def lost(self) -> None:
        """Count a claim that another worker took over."""
        with self._lock:
            self._count("claims_lost", ())

    def fault(self) -> None:
        """Count a check that failed by the sandbox's own fault."""
        with self._lock:
            self._count("faults", ())

    def cache(self, name: str, *, hit: bool) -> None:
        """Count one look into the cache *name*."""
        with self._lock:
            self._count("cache_hits" if hit else "cache_misses", (("cache", name),))

    def watch_cache(self, name: str, counts: Callable[[], tuple[int, int]]) -> None:
        """Ask a cache that counts for itself (hits, misses) whenever the figures are read."""
        with self._lock:
            self._caches[name] = counts

    def figures(self) -> dict[Series, float]:
        """Return every figure as it stands, histograms taken apart into buckets and sum."""
        with self._lock:
            found = dict(self._counters)
            for (name, labels), histogram in self._histograms.items():
                found |= histogram.figures(name, labels)
            caches = dict(self._caches)
        for name, read in caches.items():
            hits, misses = read()
            label = (("cache", name),)
            found["cache_hits", label] = found.get(("cache_hits", label), 0.0) + hits
            found["cache_misses", label] = found.get(("cache_misses", label), 0.0) + misses
        return found

    def _count(self, name: str, labels: Labels, amount: float = 1.0) -> None:
        key = (name, labels)
        self._counters[key] = self._counters.get(key, 0.0) + amount

    def _observe(self, name: str, labels: Labels, value: float) -> None:
        key = (name, labels)
        histogram = self._histograms.get(key)
        if histogram is None:
            histogram = self._histograms[key] = _Histogram(FAMILIES[name].bounds)
        histogram.add(value)
