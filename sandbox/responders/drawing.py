"""A certificate's life as a drawing: where its bars and marks stand on a line of time.

Lengths are in the drawing's own units: `WIDTH` from the first moment to the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.clock import VIETNAM
from sandbox.pki import Certificate, CertificateHistory

WIDTH = 320.0
_THINNEST = 4.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """What stands where; a mark outside the line is None."""

    first: datetime
    last: datetime
    valid: Bar | None
    held: tuple[Bar, ...]
    revoked: float | None
    now: float | None
    signed: float | None
    ticks: tuple[float, ...]
    """The turns of the years, or of the days on a line of less than a month."""


def draw(
    certificate: Certificate,
    history: CertificateHistory | None,
    *,
    first: datetime,
    last: datetime,
    now: datetime,
    signed_at: datetime,
) -> Drawing:
    """Return the drawing of *certificate* between *first* and *last*."""

    def place(moment: datetime) -> float:
        share = (moment - first) / (last - first)
        return round(min(max(share, 0.0), 1.0) * WIDTH, 1)

    def mark(moment: datetime | None) -> float | None:
        return None if moment is None or not first <= moment <= last else place(moment)

    revoked_at = None if history is None else history.revoked_at
    until = min(certificate.not_after, revoked_at or certificate.not_after)
    periods = () if history is None else history.suspensions
    held = [_bar(place(p.since), place(p.until or min(now, last))) for p in periods]
    starts, ends = place(certificate.not_before), place(until)
    return Drawing(
        first=first,
        last=last,
        valid=Bar(starts, round(ends - starts, 1)) if ends > starts else None,
        held=tuple(held),
        revoked=mark(revoked_at),
        now=mark(now),
        signed=mark(signed_at),
        ticks=tuple(place(moment) for moment in _turns(first, last)),
    )


def _bar(start: float, end: float) -> Bar:
    """Return a bar wide enough to be seen, within the line."""
    width = max(end - start, _THINNEST)
    return Bar(round(min(start, WIDTH - width), 1), round(width, 1))


def _turns(first: datetime, last: datetime) -> list[datetime]:
    if (last - first).days > 31:
        years = range(first.year + 1, last.astimezone(VIETNAM).year + 1)
        return [datetime(year, 1, 1, tzinfo=VIETNAM) for year in years]
    day = first.astimezone(VIETNAM).replace(hour=0, minute=0, second=0, microsecond=0)
    seconds = range(86_400, int((last - day).total_seconds()), 86_400)
    return [datetime.fromtimestamp(day.timestamp() + one, UTC) for one in seconds]
