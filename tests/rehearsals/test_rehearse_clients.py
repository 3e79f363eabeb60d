"""Rehearsals of whole client programs against a whole sandbox, judged at the receiving desk."""

from __future__ import annotations

import threading
import time

import pytest

from sandbox.rehearsal import Fault, Limits, Result
from tests.builders.rehearsing import (
    CLIENTS,
    latest_space,
    lay_faults,
    results,
    run,
    shipped,
    written,
)


def test_the_reference_client_passes_every_step(sandbox_up):
    """Connect, register, submit, be refused, mend, be accepted: all by evidence of the desk."""
    report = run(sandbox_up, shipped("reference"))

    assert set(results(report).values()) == {"pass"}, report.model_dump_json(indent=1)
    assert (report.result, report.fault, report.exit_code) == (Result.PASS, Fault.NONE, 0)
    assert report.client_exit == 0


BROKEN = [
    ("broken_wrong_unit", "connect", "SBX-1117"),
    ("broken_signs_too_early", "submit-good", "SBX-3002"),
    ("broken_never_polls", "submit-good", "loại 2"),
    ("broken_reuses_messageid", "mend", "SBX-1107"),
]


@pytest.mark.parametrize(("client", "step", "reason"), BROKEN)
def test_a_broken_client_fails_at_the_step_its_fault_shows(sandbox_up, client, step, reason):
    """The steps before pass, the right one fails and says why, the steps after are skipped."""
    report = run(sandbox_up, shipped(client), limits=Limits(step_s=12))

    found = results(report)
    assert found[step] == "fail", report.model_dump_json(indent=1)
    order = list(found)
    assert {found[name] for name in order[: order.index(step)]} <= {"pass"}
    assert {found[name] for name in order[order.index(step) + 1 :]} <= {"skip"}
    failed = next(row for row in report.steps if row.id == step)
    assert reason in failed.reason
    assert failed.remedy
    assert (report.fault, report.exit_code) == (Fault.PROVIDER, 1)


def test_every_broken_client_that_ships_is_proved_to_fail():
    """No planted client lies about untested."""
    assert sorted(file.stem for file in CLIENTS.glob("broken_*.py")) == sorted(
        name for name, *_ in BROKEN
    )


def test_a_client_that_mends_the_planted_fault_by_itself_is_found_out(sandbox_up, tmp_path):
    """What is to be submitted as it is must not be repaired in secret."""
    client = written(
        tmp_path,
        """
        import reference

        class Repairs(reference.Client):
            def submit(self, record):
                if record.stem == "faulty":
                    record = record.with_name("mended.xml")
                super().submit(record)

        sys.exit(reference.main(Repairs))
        """,
    )

    report = run(sandbox_up, client)

    assert results(report)["submit-faulty"] == "fail"
    assert "SBX-4003" in next(s for s in report.steps if s.id == "submit-faulty").reason


def test_a_client_that_says_it_did_everything_and_did_nothing_fails_at_once(sandbox_up, tmp_path):
    """Nothing the program prints counts; when it leaves, its step is over."""
    began = time.monotonic()

    report = run(sandbox_up, written(tmp_path, "print('PASS PASS PASS')"))

    assert results(report)["connect"] == "fail"
    assert "0" in report.steps[0].reason
    assert report.client_output.strip() == "PASS PASS PASS"
    assert time.monotonic() - began < 15


def test_a_client_that_does_nothing_fails_when_its_time_is_up(sandbox_up, tmp_path):
    """Every step is bounded in time."""
    report = run(
        sandbox_up, written(tmp_path, "import time; time.sleep(600)"), limits=Limits(step_s=2)
    )

    assert (results(report)["connect"], report.exit_code) == ("fail", 1)
    assert report.steps[0].seconds < 10


def test_the_whole_run_is_bounded_in_time_too(sandbox_up, tmp_path):
    """The run's own limit ends a step early."""
    client = written(tmp_path, "import time; time.sleep(600)")

    report = run(sandbox_up, client, limits=Limits(step_s=60, run_s=2))

    assert report.seconds < 20


def test_a_desk_under_maintenance_is_no_fault_of_the_client(sandbox_up):
    """503 during the whole step: error, environment, exit 3; never fail."""

    def after(step):
        if step.id == "see-approval":
            space = latest_space(sandbox_up)
            lay_faults(sandbox_up, space, unavailable_percent=100, seed="rehearsal")

    report = run(sandbox_up, shipped("reference"), on_step=after, limits=Limits(step_s=6))

    assert results(report)["submit-good"] == "error", report.model_dump_json(indent=1)
    assert (report.fault, report.exit_code) == (Fault.ENVIRONMENT, 3)


def test_a_run_that_is_stopped_ends_as_cancel_and_leaves_nothing_behind(sandbox_up, tmp_path):
    """Stopping is neither pass nor fail."""
    stop = threading.Event()
    threading.Timer(1.5, stop.set).start()

    report = run(sandbox_up, written(tmp_path, "import time; time.sleep(600)"), stop=stop)

    assert results(report)["connect"] == "cancel"
    assert report.exit_code == 3


def test_a_step_left_out_is_omit_and_those_after_it_run(sandbox_up):
    """--omit says so in the report."""
    report = run(sandbox_up, shipped("reference"), omit=("submit-good",))

    found = results(report)
    assert (found["submit-good"], found["mend"], report.exit_code) == ("omit", "pass", 0)


def test_the_space_of_a_run_is_forgotten_after_it(sandbox_up):
    """A run leaves no space behind."""
    report = run(sandbox_up, shipped("broken_wrong_unit"), limits=Limits(step_s=5))

    with sandbox_up.admin() as admin:
        rows = admin.call("GET", f"{sandbox_up.base_url}/quan-tri/v1/khong-gian")
    assert report.run not in {row["khong_gian"] for row in rows}


def test_the_pack_can_be_kept_and_holds_what_the_guide_says(sandbox_up, tmp_path):
    """--keep leaves the pack: keys for the owner's eyes only, records, and no hint of the plant."""
    run(sandbox_up, shipped("broken_wrong_unit"), keep=tmp_path, limits=Limits(step_s=5))

    pack = tmp_path / "pack"
    names = {file.relative_to(pack).as_posix() for file in pack.rglob("*") if file.is_file()}
    assert {"pack.json", "unit/key.pem", "unit/certificate.pem", "step.json"} <= names
    assert {f"records/{name}.xml" for name in ("good", "faulty", "mended")} <= names
    assert (pack / "unit" / "key.pem").stat().st_mode & 0o077 == 0
    assert "plant" not in (pack / "pack.json").read_text()
    assert (pack / "records/faulty.xml").read_bytes() != (pack / "records/mended.xml").read_bytes()
