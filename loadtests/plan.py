"""The plan handed to the Locust process, and what it hands back: two JSON files."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from loadtests.profile import Profile

PLAN_VARIABLE = "LOADTEST_PLAN"
"""Environment variable naming the plan file."""


class Part(BaseModel):
    """Base of both files."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Submission(Part):
    """One package, signed before the run began."""

    messageid: str
    content: str
    records: int


class Registration(Part):
    """One certificate registration, signed before the run began."""

    messageid: str
    serial_number: str
    ngay_hieu_luc: str
    nha_phat_hanh: str
    content: str


class Sender(Part):
    """One account with what it will send."""

    user_name: str
    password: str
    """As it travels: SHA-256, hex."""
    unit_code: str
    registration: Registration
    submissions: list[Submission]


class Plan(Part):
    """Everything a run needs; made by `corpus`, read by the Locust process."""

    profile: Profile
    desk: str
    """Address of the receiving desk, on loopback."""
    school_year: int
    senders: list[Sender]
    samples_file: str


class Sample(Part):
    """One call: when it began (seconds since the run began), how long it took, what came."""

    call: str
    at: float
    ms: float
    status: int
    error: str | None = None
    failed: bool = False


class Outcome(Part):
    """What the Locust process saw."""

    samples: list[Sample]
    turnarounds_s: list[float]
    """From a package's receipt asked for to its final result known, one per package."""
    records_sent: int
    records_accepted: int
    packages_sent: int
    ended_by: Literal["done", "time", "calls", "signal"]
    generator_overloaded: bool
