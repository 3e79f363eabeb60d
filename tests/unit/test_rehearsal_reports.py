"""Results and reports: one closed set of words, one content in three dresses."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from rich.console import Console

from sandbox.rehearsal import keep_run, print_report, write_json, write_junit
from sandbox.rehearsal.results import Fault, Result, RunReport, StepReport, overall
from sandbox.rehearsal.service import RUNS_KEPT, RehearsalDesk
from sandbox.rehearsal.words import Words


def step(result: Result, *, fault: Fault = Fault.NONE, name: str = "b", reason: str = ""):
    return StepReport(id=name, title="Bước", result=result, fault=fault, reason=reason)


def run(*steps: StepReport, run: str = "tap-1", output: str = "", language: str = "vi"):
    result, fault = overall(list(steps))
    return RunReport(
        run=run,
        scenario="basics/x",
        title="Một",
        language=language,
        client="python client.py",
        base="http://127.0.0.1:8080",
        started=datetime(2025, 5, 28, tzinfo=UTC),
        seconds=1.5,
        result=result,
        fault=fault,
        steps=list(steps),
        client_output=output,
    )


PASS, FAIL = step(Result.PASS), step(Result.FAIL, fault=Fault.PROVIDER)
ERROR = step(Result.ERROR, fault=Fault.ENVIRONMENT)


@pytest.mark.parametrize(
    ("steps", "result", "fault", "code"),
    [
        ([PASS, PASS], Result.PASS, Fault.NONE, 0),
        ([PASS, step(Result.OMIT)], Result.PASS, Fault.NONE, 0),
        ([PASS, FAIL, step(Result.SKIP)], Result.FAIL, Fault.PROVIDER, 1),
        ([FAIL, ERROR], Result.ERROR, Fault.ENVIRONMENT, 3),
        ([PASS, step(Result.WAIT, fault=Fault.ENVIRONMENT)], Result.WAIT, Fault.ENVIRONMENT, 3),
        ([PASS, step(Result.CANCEL)], Result.CANCEL, Fault.NONE, 3),
    ],
)
def test_a_run_ends_as_its_gravest_step(steps, result, fault, code):
    """Error before cancel before fail before wait; pass only when nothing is left open."""
    report = run(*steps)

    assert (report.result, report.fault, report.exit_code) == (result, fault, code)


def test_a_run_in_which_nothing_passed_is_no_pass():
    """Leaving every step out proves nothing."""
    assert run(step(Result.OMIT)).exit_code == 3


def test_junit_tells_failures_errors_and_skipped_apart(tmp_path):
    """A build server reads fail as failure, error and wait as error, skip as skipped."""
    report = run(PASS, FAIL, ERROR, step(Result.SKIP), output="bell \x07 ring")
    write_junit(report, tmp_path / "r.xml")

    suite = ElementTree.parse(tmp_path / "r.xml").getroot().find("testsuite")

    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == list("4111")
    assert suite.findall("testcase")[1].find("failure").get("type") == "fail/provider"


def test_json_holds_the_whole_report(tmp_path):
    """What is written reads back as the same report."""
    report = run(PASS, FAIL)
    write_json(report, tmp_path / "deep" / "r.json")

    read = RunReport.model_validate(json.loads((tmp_path / "deep" / "r.json").read_text()))

    assert read == report


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_console_names_the_step_its_reason_and_the_exit_code(language):
    """A person reads what happened in either language, brackets and all."""
    console = Console(file=io.StringIO(), width=200)
    reason = "mã [bold]SBX-3002[/bold]"
    failed = step(Result.FAIL, fault=Fault.PROVIDER, name="submit-good", reason=reason)
    print_report(run(failed, language=language), console=console)

    printed = console.file.getvalue()
    assert reason in printed
    assert Words(language).say("result.fail") in printed


def test_every_word_is_there_in_both_languages():
    """No key is missing in one catalogue."""
    vi, en = (Words(language) for language in ("vi", "en"))

    assert vi.keys() == en.keys()
    assert len(vi.keys()) > 50


def test_a_run_that_was_kept_is_found_again(tmp_path):
    """The page lists what the command kept, newest first."""
    for name in ("tap-1", "tap-2"):
        keep_run(run(PASS, run=name), folder=tmp_path)
    desk = RehearsalDesk(tmp_path / "none", tmp_path)

    assert desk.run("tap-1").run == "tap-1"
    assert {report.run for report in desk.runs()} == {"tap-1", "tap-2"}


def test_no_more_runs_are_kept_than_the_folder_should_hold(tmp_path):
    """The oldest leave."""
    for number in range(RUNS_KEPT + 3):
        keep_run(run(PASS, run=f"r-{number}"), folder=tmp_path)

    assert len(list(tmp_path.glob("*.json"))) == RUNS_KEPT


@pytest.mark.parametrize("name", ["../secrets", "a/b", "", "A", "x" * 80])
def test_a_run_is_named_by_an_id_and_nothing_else(tmp_path, name):
    """No address leads out of the folder of reports."""
    assert RehearsalDesk(tmp_path, tmp_path).run(name) is None


def test_a_file_that_is_no_report_is_passed_over(tmp_path):
    """Half a file on disk breaks no page."""
    (tmp_path / "x.json").write_text("{")

    assert RehearsalDesk(tmp_path, tmp_path).runs() == []
