"""Keeps every sample of a run in memory and hands them back as one file when Locust leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from loadtests.plan import Outcome, Plan, Sample

EndedBy = Literal["done", "time", "calls", "signal"]


class Recorder:
    """What happened, call by call. Bounded by the profile's `bounds.calls`."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._samples: list[Sample] = []
        self._turnarounds: list[float] = []
        self._sent = self._accepted = self._packages = 0
        self.ended_by: EndedBy = "time"

    @property
    def full(self) -> bool:
        """True once the run has made as many calls as it may."""
        return len(self._samples) >= self._plan.profile.bounds.calls

    @property
    def finished(self) -> bool:
        """True once every planned package has been sent and answered, or given up."""
        return self._packages >= self._plan.profile.bounds.packages

    def call(self, sample: Sample) -> None:
        """Keep one call."""
        self._samples.append(sample)

    def package(self, *, records: int, accepted: int, turnaround_s: float | None) -> None:
        """Keep the end of one package; *turnaround_s* is None when no result came in time."""
        self._packages += 1
        self._sent += records
        self._accepted += accepted
        if turnaround_s is not None:
            self._turnarounds.append(turnaround_s)

    def write(self, *, overloaded: bool) -> None:
        """Write the outcome where the plan says."""
        outcome = Outcome(
            samples=self._samples,
            turnarounds_s=self._turnarounds,
            records_sent=self._sent,
            records_accepted=self._accepted,
            packages_sent=self._packages,
            ended_by=self.ended_by,
            generator_overloaded=overloaded,
        )
        Path(self._plan.samples_file).write_text(outcome.model_dump_json(), encoding="utf-8")
