"""What happens to a package is counted and told, in one call each: `received` to `settled`.

The log lines carry the package's id, space and desk, counts and seconds; never a name, a number
of a person, or anything else out of a record.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

from sandbox.clock import Clock
from sandbox.ministry.metering import Meter
from sandbox.ministry.model import Claim, Package

if TYPE_CHECKING:
    from sandbox.ministry.checking.verdict import PackageVerdict

LOG = logging.getLogger("sandbox.ministry.package")


def tell_received(meter: Meter, package: Package) -> None:
    """A package was acknowledged: its receipt is on its way."""
    meter.received(package.space, package.desk, size=package.size)
    LOG.info("received", extra={**_of(package), "bytes": package.size})


class PackageWatch:
    """Counts and tells what one worker does.

    Packages that are settled together share the time from the first one's beginning to their
    common end evenly.
    """

    def __init__(self, meter: Meter, clock: Clock, *, worker: str) -> None:
        self._meter, self._clock, self._worker = meter, clock, worker
        self._begun_at: dict[str, float] = {}
        self._batch = 0.0
        """Until when what was claimed together is claimed."""
        self._first = 0.0
        self._each: float | None = None

    def begun(self, claimed: Claim) -> None:
        """Checking of a claimed package begins."""
        if self._batch != claimed.until_epoch or self._each is not None or not self._begun_at:
            self._batch, self._begun_at, self._each = claimed.until_epoch, {}, None
            self._first = self._clock.monotonic()
        self._begun_at[claimed.package.messageid] = self._clock.epoch()
        LOG.info("claimed", extra={**self._said(claimed), "attempt": claimed.package.attempts + 1})

    def settled(self, claimed: Claim, verdict: PackageVerdict) -> None:
        """The package has its final result, and it is committed."""
        package = claimed.package
        busy = self._share()
        begun = self._begun_at.get(package.messageid, package.received_epoch)
        waited = max(0.0, begun - package.received_epoch)
        refused = Counter(str(r.stage) for r in verdict.records if r.stage is not None)
        accepted = len(verdict.records) - refused.total()
        self._meter.package(
            package.space,
            package.desk,
            {**verdict.timings, "rest": max(0.0, busy - sum(verdict.timings.values()))},
            accepted=accepted,
            refused=refused,
            package_refused=verdict.refused,
            waited_s=waited,
            busy_s=busy,
        )
        LOG.info(
            "refused" if verdict.refused else "settled",
            extra={
                **self._said(claimed),
                "records": len(verdict.records),
                "accepted": accepted,
                "refused": refused.total(),
                "codes": sorted({f.code for f in verdict.findings}),
                "seconds": round(busy, 6),
                "waited": round(waited, 3),
            },
        )

    def _share(self) -> float:
        """Return the seconds of each package that is settled now."""
        if self._each is None:
            spent = self._clock.monotonic() - self._first
            self._each = spent / max(1, len(self._begun_at))
        return self._each

    def given_up(self, claimed: Claim, code: str) -> None:
        """The package was answered with *code* because checking it never came to an end."""
        self._left(claimed)
        package = claimed.package
        self._meter.package(package.space, package.desk, {}, package_refused=True)
        LOG.error("given up", extra={**self._said(claimed), "codes": [code]})

    def put_back(self, claimed: Claim, *, reason: str | None, after: float) -> None:
        """The package was given back to the queue for *after* seconds."""
        self._left(claimed)
        cause = reason or "-"
        self._meter.put_back(cause if cause.startswith("SBX-") else cause.partition(" ")[0])
        LOG.warning("put back", extra={**self._said(claimed), "reason": cause, "seconds": after})

    def lost(self, claimed: Claim) -> None:
        """Another worker holds the package now."""
        self._left(claimed)
        self._meter.lost()
        LOG.warning("lost", extra=self._said(claimed))

    def fault(self, claimed: Claim) -> None:
        """Checking failed by the sandbox's own fault; to be called where it is being handled."""
        self._meter.fault()
        LOG.exception("fault", extra=self._said(claimed))

    def _left(self, claimed: Claim) -> None:
        """The package has no part in the others' time any more."""
        self._begun_at.pop(claimed.package.messageid, None)

    def _said(self, claimed: Claim) -> dict[str, object]:
        return {**_of(claimed.package), "worker": self._worker}


def _of(package: Package) -> dict[str, object]:
    return {"space": package.space, "desk": package.desk, "messageid": package.messageid}
