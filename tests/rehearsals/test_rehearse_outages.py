"""When the sandbox breaks during a rehearsal, nothing is said about the client."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import psutil
import pytest

from sandbox.rehearsal import Fault, Limits, Result
from tests.builders.rehearsing import results, run, shipped
from tests.builders.running import RunningSandbox, running


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """A sandbox of its own, to be broken."""
    with running(tmp_path_factory.mktemp("fragile")) as sandbox:
        yield sandbox


def checking_processes(sandbox: RunningSandbox) -> list[psutil.Process]:
    """Return what works beside the web process."""
    assert sandbox.process is not None
    return psutil.Process(sandbox.process.pid).children(recursive=True)


def test_a_queue_that_stands_still_is_wait_and_never_fail(fragile):
    """The client submitted and asks; the desk has no answer when the time is up."""
    held = []

    def after(step):
        if step.id == "see-approval":
            held.extend(checking_processes(fragile))
            for process in held:
                os.kill(process.pid, signal.SIGSTOP)

    try:
        report = run(fragile, shipped("reference"), on_step=after, limits=Limits(step_s=6))
    finally:
        for process in held:
            os.kill(process.pid, signal.SIGCONT)

    assert held
    assert results(report)["submit-good"] == "wait", report.model_dump_json(indent=1)
    assert (report.result, report.fault, report.exit_code) == (
        Result.WAIT,
        Fault.ENVIRONMENT,
        3,
    )


def test_a_sandbox_that_dies_during_a_run_is_error_and_never_fail(fragile):
    """The report still comes, and says whose fault it is."""

    def after(step):
        if step.id == "connect":
            fragile.kill()

    report = run(fragile, shipped("reference"), on_step=after)

    assert results(report)["register"] == "error", report.model_dump_json(indent=1)
    assert (report.result, report.fault, report.exit_code) == (
        Result.ERROR,
        Fault.ENVIRONMENT,
        3,
    )
