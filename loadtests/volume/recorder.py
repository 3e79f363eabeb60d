"""What one Locust process of a volume run has seen so far."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from loadtests.volume.plan import (
    Call,
    EndedBy,
    PoisonSeen,
    Progress,
    VolumeOutcome,
    VolumePlan,
)
from sandbox.clock import MachineClock

CLOCK = MachineClock()


class Recorder:
    """Keeps every call, bounded by the profile's `bounds.calls`; hands it back as one file."""

    def __init__(self, plan: VolumePlan) -> None:
        self._plan = plan
        self._most = plan.profile.bounds.calls
        self._calls: list[Call] = []
        self._results: list[tuple[float, float]] = []
        self._sent = [0, 0]
        self._acknowledged = [0, 0]
        self._asked = [0, 0]
        self._unanswered = 0
        self._poison: list[PoisonSeen] = []
        self._cpu: tuple[float, float] | None = None
        self.body_cpu_s = 0.0
        self.ended_by: EndedBy = "time"

    @property
    def full(self) -> bool:
        """True once the run has made as many calls as it may."""
        return len(self._calls) >= self._most

    @property
    def sent(self) -> int:
        """Packages sent so far."""
        return self._sent[0]

    def call(self, said: Call) -> None:
        """Keep one call, and what this process has cost until now."""
        now = time.process_time()
        self._cpu = (self._cpu[0] if self._cpu else now, now)
        self._calls.append(said)

    def sending(self, records: int) -> None:
        """One more package is about to be sent."""
        _add(self._sent, records)

    def acknowledged(self, records: int) -> None:
        """One more package has its receipt."""
        _add(self._acknowledged, records)

    def answered(self, *, sent_at: float, seconds: float, records: int, accepted: int) -> None:
        """The result of a package is known."""
        self._results.append((round(sent_at, 3), round(seconds, 3)))
        self._asked[0] += records
        self._asked[1] += accepted

    def unanswered(self) -> None:
        """A package was asked about in vain."""
        self._unanswered += 1

    def poisoned(self, seen: PoisonSeen) -> None:
        """One hostile package has met its end."""
        self._poison.append(seen)

    def tell_progress(self) -> None:
        """Write how far this process is."""
        said = Progress(packages=self._acknowledged[0], records=self._acknowledged[1])
        _write(Path(self._plan.progress_file), said.model_dump_json())

    def write(self, *, overloaded: bool) -> None:
        """Write the outcome where the plan says."""
        began, ended = self._cpu or (0.0, 0.0)
        outcome = VolumeOutcome(
            calls=self._calls,
            results=self._results,
            packages_sent=self._sent[0],
            records_sent=self._sent[1],
            packages_acknowledged=self._acknowledged[0],
            records_acknowledged=self._acknowledged[1],
            records_asked=self._asked[0],
            records_accepted=self._asked[1],
            unanswered=self._unanswered,
            poison=self._poison,
            cpu_s=round(ended - began, 4),
            body_cpu_s=round(self.body_cpu_s, 4),
            ended_by=self.ended_by,
            overloaded=overloaded,
        )
        _write(Path(self._plan.outcome_file), outcome.model_dump_json())


def _add(pair: list[int], records: int) -> None:
    pair[0] += 1
    pair[1] += records


def _write(file: Path, text: str) -> None:
    """Write *file* whole, so that a reader never meets half of it."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):  # the run's folder is gone: nobody listens
        draft.write_text(text, encoding="utf-8")
        draft.replace(file)
