"""The one call behind `hocba load`: open a space, sign a corpus, run Locust, judge, report."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from loadtests.corpus import make_plan
from loadtests.generator import start_locust
from loadtests.measures import per_call
from loadtests.plan import Outcome, Plan
from loadtests.processes import end_group
from loadtests.profile import load_objectives, load_profile
from loadtests.verdict import EXIT_CODES, ObjectiveReport, Verdict, judge
from sandbox import __version__
from sandbox.clock import Clock, MachineClock
from sandbox.errors import SandboxError
from sandbox.wire.admin import AdminClient, OpenedSpace, OpenSpaceRequest
from sandbox.wire.http import refuse_outside

GRACE_S = 30.0
"""Seconds Locust may take beyond the profile's time to start and to leave, then it is ended."""


class LoadReport(BaseModel):
    """One run: what was asked, what was seen, what it means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = 1
    scenario: str
    target: str
    desk: str
    space: str
    seed: int
    started: datetime
    seconds: float
    verdict: Verdict
    reasons: list[str]
    """Why a run is INVALID; see loadtests/README.md."""
    objectives: list[ObjectiveReport]
    calls: dict[str, dict[str, float]]
    packages_sent: int = 0
    records_sent: int = 0
    records_accepted: int = 0
    ended_by: str = ""
    generator_log: str = ""
    """Last lines Locust printed."""
    sandbox_version: str = ""

    @property
    def exit_code(self) -> int:
        """0 PASS, 1 FAIL, 3 INVALID (2 is misuse and never gets this far)."""
        return EXIT_CODES[self.verdict]


def load(
    scenario: str,
    *,
    target: str,
    admin_token: str,
    objectives: str | Path | None = None,
    packages: int | None = None,
    time_s: int | None = None,
    clock: Clock | None = None,
    prepared: Callable[[AdminClient, OpenedSpace], None] | None = None,
) -> LoadReport:
    """Run the load *scenario* (a profile, e.g. `pipeclean`) against the sandbox at *target*.

    *target* is the base address of a running installation on loopback. *packages* and *time_s*
    lower the profile's bounds, never raise them. *prepared* may act on the space before the load
    begins (a fault plan, for rehearsing a FAIL).

    Raises `Misuse` for an unknown scenario, a bad file, a wrong token or a target outside
    loopback; `Unavailable` when the installation does not answer.
    """
    refuse_outside(target)
    profile = load_profile(scenario)
    wanted = load_objectives(objectives if objectives is not None else profile.objectives)
    bounds = profile.bounds.model_copy(
        update={
            "packages": min(packages or profile.bounds.packages, profile.bounds.packages),
            "time_s": min(time_s or profile.bounds.time_s, profile.bounds.time_s),
        }
    )
    profile = profile.model_copy(update={"bounds": bounds})
    clock = clock or MachineClock()
    with (
        tempfile.TemporaryDirectory(prefix="hocba-load-") as folder,
        AdminClient(target, token=admin_token) as admin,
        _space(admin, scenario, seed=profile.seed) as space,
    ):
        plan = make_plan(profile, space=space, folder=Path(folder))
        refuse_outside(plan.desk)
        if prepared is not None:
            prepared(admin, space)
        started, began = clock.now(), clock.monotonic()
        log = _run_locust(plan, folder=Path(folder))
        seconds = clock.monotonic() - began
        outcome = _outcome(Path(plan.samples_file))
    verdict, rows, reasons = judge(wanted.objectives, outcome, planned=bounds.packages)
    return LoadReport(
        scenario=scenario,
        target=target,
        desk=plan.desk,
        space=space.khong_gian,
        seed=profile.seed,
        started=started,
        seconds=round(seconds, 3),
        verdict=verdict,
        reasons=reasons,
        objectives=rows,
        calls=per_call(outcome.samples) if outcome else {},
        packages_sent=outcome.packages_sent if outcome else 0,
        records_sent=outcome.records_sent if outcome else 0,
        records_accepted=outcome.records_accepted if outcome else 0,
        ended_by=outcome.ended_by if outcome else "",
        generator_log=log,
        sandbox_version=__version__,
    )


@contextlib.contextmanager
def _space(admin: AdminClient, scenario: str, *, seed: int) -> Iterator[OpenedSpace]:
    """Open a space for the run (limits of the profile `so`) and forget it afterwards."""
    request = OpenSpaceRequest(
        ke_hoach="rehearsal", tieu_de=f"load {scenario}", hat_giong=str(seed), ho_so="so"
    )
    space = admin.open_space(request)
    try:
        yield space
    finally:
        with contextlib.suppress(SandboxError):
            admin.delete_space(space.khong_gian)


def _run_locust(plan: Plan, *, folder: Path) -> str:
    """Run Locust headless in a process group of its own and return the end of its log."""
    here = Path(__file__).resolve().parent
    process = start_locust(
        plan, locustfile=here / "locustfile.py", host=plan.desk, folder=folder, name="locust"
    )
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=plan.profile.bounds.time_s + GRACE_S)
    finally:
        end_group(process, within_s=5)
    return (folder / "locust.log").read_text(encoding="utf-8", errors="replace")[-4000:]


def _outcome(file: Path) -> Outcome | None:
    """Read what Locust saw; None when it left nothing (it crashed, or never began)."""
    try:
        return Outcome.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None
