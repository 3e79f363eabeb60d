"""What one Locust process of a volume run is told, and what it hands back: two JSON files."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from loadtests.profile import Profile

SUBMIT, RESULT, TOKEN = "hoc-ba", "hoc-ba/trang-thai", "token"
EndedBy = Literal["done", "time", "calls", "signal"]
Call = tuple[str, float, float, int, str | None]
"""Service, when it began (machine seconds), milliseconds, HTTP status (0: none), code."""


class Part(BaseModel):
    """Base of both files."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PoisonLine(Part):
    """One hostile package, ready to send under any messageid."""

    kind: str
    unit: str
    user_name: str
    password: str
    file: str
    """Its content, base64, in a file of its own."""


class VolumePlan(Part):
    """One process's part of a run."""

    profile: Profile
    desk: str
    """Address of the receiving desk, on loopback."""
    school_year: int
    users: int
    packages: int
    """How many this process sends."""
    sources_file: str
    """JSON lines of `corpus.Source`, read one by one."""
    per_s: float | None = None
    """Packages per second of this process in an open loop."""
    poison: list[PoisonLine] = []
    poison_every: int = 0
    """One hostile package after so many good ones; 0: none."""
    progress_file: str
    outcome_file: str


class Progress(Part):
    """How far a process is; written about twice a second."""

    packages: int
    records: int


class PoisonSeen(Part):
    """What became of one hostile package."""

    kind: str
    status: int
    error: str | None
    """Code of the answer at the door, or of the result."""
    acknowledged: bool
    final: bool
    accepted: int
    records: int


class VolumeOutcome(Part):
    """What one Locust process saw."""

    calls: list[Call]
    results: list[tuple[float, float]]
    """Of each package asked about: when it was sent, and seconds until its result was known."""
    packages_sent: int
    records_sent: int
    packages_acknowledged: int
    records_acknowledged: int
    records_asked: int
    records_accepted: int
    """Of those asked about."""
    unanswered: int
    """Asked about, and no result came in time."""
    poison: list[PoisonSeen]
    cpu_s: float
    """Of this process, from the first call to the last."""
    body_cpu_s: float
    """Thereof reading lines and joining bodies."""
    ended_by: EndedBy
    overloaded: bool
