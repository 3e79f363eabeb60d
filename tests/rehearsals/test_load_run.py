"""The Locust scenario against a whole sandbox: PASS when healthy, FAIL when slowed on purpose."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.corpus import make_plan
from loadtests.profile import CALLS, load_profile
from loadtests.run import load
from loadtests.verdict import Verdict, broken, verdict_line
from sandbox.errors import Misuse
from sandbox.wire.admin import FaultPlan
from tests.builders.running import PROJECT


def run(sandbox, **changes):
    token = sandbox.secrets["admin_token"]
    return load("pipeclean", target=sandbox.base_url, admin_token=token, **changes)


def test_a_healthy_repository_passes_and_every_call_was_made(sandbox_up):
    """One of each call, all records accepted, every objective kept."""
    report = run(sandbox_up)

    assert report.verdict is Verdict.PASS, report.model_dump_json(indent=1)
    assert (report.exit_code, set(report.calls)) == (0, set(CALLS))
    assert report.records_accepted == report.records_sent == 8


def test_a_repository_slowed_on_purpose_fails_and_the_objective_is_named(sandbox_up):
    """Exit 1; the verdict names metric, call, value, limit and unit."""
    report = run(
        sandbox_up,
        packages=1,
        prepared=lambda admin, space: admin.set_faults(space.dia_chi.cong, FaultPlan(slow_ms=1700)),
    )

    assert report.verdict is Verdict.FAIL, report.model_dump_json(indent=1)
    assert report.exit_code == 1
    assert "p95 hoc-ba" in {row.name for row in broken(report)}
    assert "≤ 1500 ms" in verdict_line(report)


def test_a_repository_under_maintenance_fails_by_its_failures(sandbox_up):
    """Refused calls are failures, and failures have an objective."""
    report = run(
        sandbox_up,
        packages=1,
        time_s=15,
        prepared=lambda admin, space: admin.set_faults(
            space.dia_chi.cong, FaultPlan(unavailable_percent=100, seed="load")
        ),
    )

    assert report.verdict is Verdict.FAIL
    assert "failures all" in {row.name for row in broken(report)}


def test_bounds_can_be_lowered_and_never_raised(sandbox_up):
    """--packages 9999 sends no more than the profile allows."""
    report = run(sandbox_up, packages=9999)

    assert report.packages_sent == load_profile("pipeclean").bounds.packages


def test_the_same_seed_signs_the_same_load(sandbox_up, tmp_path):
    """Message ids, packages and their order come from the profile's seed alone."""
    space = sandbox_up.open_space(hat_giong="load", ho_so="so")
    profile = load_profile("pipeclean")

    plans = [make_plan(profile, space=space, folder=tmp_path) for _ in range(2)]

    assert plans[0] == plans[1]


def test_a_run_leaves_no_space_behind(sandbox_up):
    """The practice space of a run is forgotten."""
    report = run(sandbox_up, packages=1)

    with sandbox_up.admin() as admin:
        rows = admin.call("GET", f"{sandbox_up.base_url}/quan-tri/v1/khong-gian")
    assert report.space not in {row["khong_gian"] for row in rows}


@pytest.mark.parametrize(
    "target",
    ["http://192.0.2.1:8080", "http://example.invalid", "http://10.0.0.1", "http://[2001:db8::1]"],
)
def test_a_target_outside_loopback_is_refused(target):
    """Nothing is sent; the command leaves with 2."""
    with pytest.raises(Misuse, match="loopback"):
        load("pipeclean", target=target, admin_token="none")


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "loadtests", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_the_command_prints_the_verdict_and_writes_the_report(sandbox_up, tmp_path: Path):
    """`python -m loadtests` leaves with the verdict's exit code."""
    file = tmp_path / "report.json"
    done = command(
        "pipeclean",
        *("--target", sandbox_up.base_url, "--data", str(sandbox_up.data)),
        *("--packages", "4", "--json", str(file)),
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS pipeclean" in done.stdout
    assert json.loads(file.read_text())["verdict"] == "PASS"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("no-such",), 2),
        (("pipeclean", "--data", "/nowhere"), 2),
        (("pipeclean", "--target", "http://192.0.2.1"), 2),
    ],
)
def test_a_wrong_command_is_misuse(arguments, code, tmp_path):
    """Exit 2 without a traceback."""
    if "--data" not in arguments:
        (tmp_path / "secrets.json").write_text('{"admin_token": "x"}')
        arguments = (*arguments, "--data", str(tmp_path))

    done = command(*arguments)

    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
