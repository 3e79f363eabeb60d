"""The one place that reads the time.

Two clocks (spec/lifecycle.md §4): the *space clock* can be moved and governs signing times,
certificates, school year, locks; the *machine clock* is monotonic and governs tokens, cookies,
claims, limits and retention. Moving the space clock logs nobody out.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

VIETNAM = timezone(timedelta(hours=7), "+07:00")
DEFAULT_SPACE_START = datetime(2025, 5, 28, 8, 0, tzinfo=VIETNAM)


class Clock(Protocol):
    """What an app is handed to tell the time; nothing else reads it."""

    def now(self) -> datetime:
        """Wall-clock time of the machine, aware, in UTC: for audit lines only."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back: tokens, limits, claims within one process."""
        ...

    def epoch(self) -> float:
        """Seconds since 1970 by the machine: expiry that must survive a restart."""
        ...


class MachineClock:
    """The real clock."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def epoch(self) -> float:
        """Return seconds since 1970."""
        return time.time()


@dataclass(slots=True)
class FixedClock:
    """A clock that moves only when told; for tests and golden data."""

    at: datetime = field(default_factory=lambda: datetime(2025, 5, 28, 1, 0, tzinfo=UTC))

    def now(self) -> datetime:
        """Return the set moment."""
        return self.at

    def monotonic(self) -> float:
        """Return the set moment as seconds."""
        return self.at.timestamp()

    def epoch(self) -> float:
        """Return the set moment as seconds since 1970."""
        return self.at.timestamp()

    def advance(self, seconds: float) -> None:
        """Move on by *seconds*."""
        self.at += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class SpaceTime:
    """A space's own time: `base` at machine epoch `anchor`, running on at normal speed."""

    base: datetime
    anchor: float

    def at(self, epoch: float) -> datetime:
        """Return the space's moment at machine second *epoch*, whole seconds, +07:00."""
        moment = self.base + timedelta(seconds=max(0.0, epoch - self.anchor))
        return moment.astimezone(VIETNAM).replace(microsecond=0)
