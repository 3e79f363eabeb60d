"""One whole volume run: plan, Locust, wait until everything is settled, compare, judge."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from loadtests.generator import start_locust
from loadtests.processes import end_group
from loadtests.profile import Profile, load_objectives, load_profile
from loadtests.volume.corpus import Corpus, open_corpus
from loadtests.volume.judging import Counted, report_of
from loadtests.volume.plan import (
    PoisonLine,
    Progress,
    VolumeOutcome,
    VolumePlan,
)
from loadtests.volume.poison import Poison, make_poison
from loadtests.volume.report import VolumeReport
from loadtests.volume.target import Target
from loadtests.volume.watching import Watch
from sandbox.clock import MachineClock
from sandbox.errors import Misuse
from sandbox.wire.admin import AdminClient
from sandbox.wire.http import refuse_outside

if TYPE_CHECKING:
    from loadtests.stand import Stand

GRACE_S = 30.0
"""Seconds Locust may take beyond the profile's time to start and to leave."""
LOOK_EVERY_S = 0.5
MEMORY_EVERY = 10
"""Of so many looks one is at memory, which costs the most."""
STEPS = 400
"""Points of the run's curve."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a run is, for whoever shows it."""

    acknowledged: int
    """Records."""
    planned: int
    waiting: int
    """Packages without a final result."""
    seconds: float


OnStanding = Callable[[Standing], object]


def run_volume(
    stand: Stand,
    *,
    records: int | None = None,
    objectives: str | Path | None = None,
    poison_every: int = 0,
    per_s: float | None = None,
    users: int | None = None,
    on_standing: OnStanding = lambda standing: None,
) -> VolumeReport:
    """Send *records* records of the stand's corpus (all, unless said) and return the report.

    A corpus is sent once: what a desk holds already it refuses. Raises `Misuse` when the corpus
    holds fewer records, `Unavailable` when the desk is away before or after.
    """
    return measure(
        stand,
        open_corpus(stand.corpus, pool_folder=stand.pool),
        records=records,
        objectives=objectives,
        poison_every=poison_every,
        per_s=per_s,
        users=users,
        on_standing=on_standing,
    )


def measure(
    target: Target,
    corpus: Corpus,
    *,
    scenario: str = "volume",
    records: int | None = None,
    packages: int | None = None,
    time_s: int | None = None,
    objectives: str | Path | None = None,
    poison_every: int = 0,
    per_s: float | None = None,
    users: int | None = None,
    on_standing: OnStanding = lambda standing: None,
) -> VolumeReport:
    """Run the profile *scenario* with *corpus* against *target* and return the report.

    *packages* and *time_s* lower the profile's bounds, never raise them.
    """
    refuse_outside(target.desk)
    profile = _profile(scenario, packages=packages, time_s=time_s, per_s=per_s, users=users)
    wanted = load_objectives(objectives if objectives is not None else profile.objectives)
    clock = MachineClock()
    with (
        tempfile.TemporaryDirectory(prefix="hocba-volume-") as name,
        AdminClient(target.desk, token=target.admin_token, read_s=120.0) as admin,
    ):
        folder = Path(name)
        poison = _poison(corpus, folder) if poison_every else None
        if poison is not None:
            admin.add_schools(target.desk, [poison.school])
        plans = _plans(
            profile,
            corpus,
            target,
            folder,
            records=records,
            poison=poison.lines if poison else [],
            poison_every=poison_every,
        )
        planned = _Planned(
            packages=sum(plan.packages for plan, _ in plans), records=sum(n for _, n in plans)
        )
        watch = Watch(target)
        began, load = clock.epoch(), os.getloadavg()
        held = _pace(admin, target, since=began, step=1.0)["stored"]
        size, cpu = target.database_bytes(), watch.cpu()
        run = _Run(target, admin, watch, planned.records, on_standing)
        log = run.drive([plan for plan, _ in plans], profile, folder=folder)
        open_ = run.drain(profile)
        after, size_after = watch.cpu(), target.database_bytes()
        step = max(0.1, (clock.epoch() - began) / STEPS)
        counted = Counted(
            pace=_pace(
                admin,
                target,
                since=began,
                step=step,
                without=poison.school.ma_truong if poison else "",
            ),
            since=began,
            step=step,
            stored_before=held,
            still_open=open_,
            cpu_s={role: after[role] - cpu.get(role, 0.0) for role in after},
            peaks=watch.peaks(),
            grown=None if size is None or size_after is None else size_after - size,
            load=(load, os.getloadavg()),
            machine=f"{platform.machine()}, {os.cpu_count()} cores",
            log=log,
        )
        outcomes = [_outcome(Path(plan.outcome_file)) for plan, _ in plans]
    return report_of(
        target, corpus, profile, wanted.objectives, outcomes, counted, planned=planned.packages
    )


@dataclass(frozen=True, slots=True)
class _Planned:
    packages: int
    records: int


def _profile(
    scenario: str,
    *,
    packages: int | None,
    time_s: int | None,
    per_s: float | None,
    users: int | None,
) -> Profile:
    profile = load_profile(scenario)
    if profile.corpus is None:
        raise Misuse(f"{scenario}: sends no corpus", remedy="hocba load volume")
    bounds = profile.bounds.model_copy(
        update={
            "packages": min(packages or profile.bounds.packages, profile.bounds.packages),
            "time_s": min(time_s or profile.bounds.time_s, profile.bounds.time_s),
        }
    )
    shape = profile.shape.model_dump()
    if users is not None:
        shape["users"] = users
    if per_s is not None:
        shape |= {"kind": "open", "per_s": per_s}
    try:
        said = profile.model_dump() | {"shape": shape, "bounds": bounds.model_dump()}
        return Profile.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        raise Misuse("/".join(map(str, first["loc"])) + f": {first['msg']}") from error


def _plans(
    profile: Profile,
    corpus: Corpus,
    target: Target,
    folder: Path,
    *,
    records: int | None,
    poison: list[PoisonLine],
    poison_every: int,
) -> list[tuple[VolumePlan, int]]:
    """Return each process's plan with its records: the schools go to them in turn."""
    assert profile.corpus is not None
    count = min(profile.corpus.generators, profile.shape.users)
    files = [folder / f"sources-{number}.jsonl" for number in range(count)]
    packages, held = [0] * count, [0] * count
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(file.open("w", encoding="utf-8")) for file in files]
        sources = corpus.sources(packages=profile.bounds.packages, records=records)
        for number, source in enumerate(sources):
            place = number % count
            streams[place].write(source.model_dump_json() + "\n")
            packages[place] += len(source.records)
            held[place] += sum(source.records)
    if records is not None and sum(held) < records and sum(packages) < profile.bounds.packages:
        raise Misuse(f"{sum(held):,} records, not {records:,}", file=str(corpus.folder))
    users, more = divmod(profile.shape.users, count)
    per_s = profile.shape.per_s
    return [
        (
            VolumePlan(
                profile=profile,
                desk=target.desk,
                school_year=corpus.school_year,
                users=users + (number < more),
                packages=packages[number],
                sources_file=str(files[number]),
                per_s=None if per_s is None else per_s / count,
                poison=poison,
                poison_every=poison_every,
                progress_file=str(folder / f"progress-{number}.json"),
                outcome_file=str(folder / f"outcome-{number}.json"),
            ),
            held[number],
        )
        for number in range(count)
    ]


def _poison(corpus: Corpus, folder: Path) -> Poison:
    into = folder / "poison"
    into.mkdir()
    return make_poison(corpus, into)


class _Run:
    """Drives the Locust processes and looks at the target meanwhile."""

    def __init__(
        self,
        target: Target,
        admin: AdminClient,
        watch: Watch,
        planned: int,
        on_standing: OnStanding,
    ) -> None:
        self._target, self._admin, self._watch = target, admin, watch
        self._planned, self._on_standing = planned, on_standing
        self._clock = MachineClock()
        self._acknowledged = 0
        self._began = self._clock.monotonic()

    def drive(self, plans: list[VolumePlan], profile: Profile, *, folder: Path) -> str:
        """Run Locust to its end and return the end of its log."""
        end = self._clock.monotonic() + profile.bounds.time_s + GRACE_S
        self._began = self._clock.monotonic()
        looks = 0
        with _generators(plans, folder) as processes:
            while any(process.poll() is None for process in processes):
                if self._clock.monotonic() > end:
                    break
                self._tell(plans)
                if looks % MEMORY_EVERY == 0:
                    self._watch.look_at_memory()
                looks += 1
                _pause(processes, LOOK_EVERY_S)
        self._tell(plans)
        self._watch.look_at_memory()
        logs = (folder / f"locust-{n}.log" for n in range(len(plans)))
        return "\n".join(log.read_text(encoding="utf-8", errors="replace") for log in logs)[-4000:]

    def drain(self, profile: Profile) -> int:
        """Wait until the desk has settled everything; returns what is left after `drain_s`."""
        assert profile.corpus is not None
        end = self._clock.monotonic() + profile.corpus.drain_s
        while (waiting := self._waiting()) and self._clock.monotonic() < end:
            self._show(waiting)
            _pause([], LOOK_EVERY_S)
        self._watch.look_at_memory()
        self._show(waiting)
        return waiting

    def _tell(self, plans: list[VolumePlan]) -> None:
        self._acknowledged = sum(_progress(Path(plan.progress_file)) for plan in plans)
        self._show(self._waiting())

    def _show(self, waiting: int) -> None:
        seconds = self._clock.monotonic() - self._began
        self._on_standing(Standing(self._acknowledged, self._planned, waiting, seconds))

    def _waiting(self) -> int:
        said = self._admin.call("GET", f"{self._target.desk}/quan-tri/v1/hang-doi")
        return int(said["waiting"])


def _pause(processes: list[subprocess.Popen[bytes]], seconds: float) -> None:
    """Wait *seconds*, or until the first of *processes* is gone."""
    running = [process for process in processes if process.poll() is None]
    if running:
        with contextlib.suppress(subprocess.TimeoutExpired):
            running[0].wait(seconds)
    else:
        time.sleep(seconds)


def _pace(
    admin: AdminClient, target: Target, *, since: float, step: float, without: str = ""
) -> dict[str, Any]:
    asked = f"tu={since}&buoc={step}&tru={without}"
    said = admin.call("GET", f"{target.desk}/quan-tri/v1/nhip?{asked}")
    return dict(said)


def _progress(file: Path) -> int:
    try:
        return Progress.model_validate_json(file.read_text(encoding="utf-8")).records
    except (OSError, ValidationError):
        return 0


def _outcome(file: Path) -> VolumeOutcome | None:
    """Read what a process saw; None when it left nothing (it crashed, or never began)."""
    try:
        return VolumeOutcome.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None


@contextmanager
def _generators(plans: list[VolumePlan], folder: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run one headless Locust per plan, each in a process group of its own."""
    processes = []
    try:
        for number, plan in enumerate(plans):
            processes.append(_start(plan, number, folder))
        yield processes
    finally:
        for process in processes:
            end_group(process, within_s=10)


def _start(plan: VolumePlan, number: int, folder: Path) -> subprocess.Popen[bytes]:
    here = Path(__file__).resolve().parent
    return start_locust(
        plan,
        locustfile=here / "locustfile.py",
        host=plan.desk,
        folder=folder,
        name=f"locust-{number}",
    )
