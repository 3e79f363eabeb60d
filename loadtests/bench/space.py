"""The practice space in which everything measured is checked."""

from __future__ import annotations

from datetime import datetime

from sandbox.clock import SpaceTime
from sandbox.web import Space


def space_at(at: datetime) -> Space:
    """Return the space whose clock stood at *at* when the machine's did at 0."""
    return Space(
        id="bench",
        code="0000",
        title="bench",
        seed="bench",
        era="63",
        topology="A",
        school_year="2024-2025",
        time=SpaceTime(at, 0.0),
    )
