"""The closed set of results a rehearsal can end in, and whose fault a bad one is."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class Result(StrEnum):
    """How a step, or a whole run, ended. There is no other word."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    """What reached the desk is what the step expects."""
    FAIL = "fail"
    """The client did something else, or nothing in time."""
    SKIP = "skip"
    """Not run, because a step it needs did not pass."""
    OMIT = "omit"
    """Does not apply to this space (another topology), or left out by the caller."""
    WAIT = "wait"
    """The client did its part; the desk had no final answer when the time was up."""
    CANCEL = "cancel"
    """The run was stopped from outside."""
    ERROR = "error"
    """The harness, the sandbox or the machine broke: no verdict about the client."""


class Fault(StrEnum):
    """Who must mend it."""

    NONE = "none"
    PROVIDER = "provider"
    SANDBOX = "sandbox"
    ENVIRONMENT = "environment"


PASSED, FAILED, MISUSED, BROKEN = 0, 1, 2, 3
"""Exit codes of `hocba rehearse`: passed, the client failed, command or file wrong, no verdict."""


class Report(BaseModel):
    """Base of all parts of a report; unknown fields are an error, so that reports stay honest."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CheckReport(Report):
    """One named check of a step: `met` says whether the desk's evidence satisfied it."""

    check: str
    arguments: dict[str, Any] = {}
    met: bool
    reason: str = ""


class ExchangeReport(Report):
    """One line of the desk's journal, kept as evidence."""

    number: int
    at: str = ""
    service: str
    type: str | None = None
    messageid: str | None = None
    status: int
    error: str | None = None


class StepReport(Report):
    """One step: its result, whose fault, why, and the evidence from the desk."""

    id: str
    title: str
    result: Result
    fault: Fault = Fault.NONE
    reason: str = ""
    remedy: str = ""
    seconds: float = 0.0
    checks: list[CheckReport] = []
    exchanges: list[ExchangeReport] = []


class RunReport(Report):
    """A whole run. `run` is the id of the space it had to itself."""

    format: int = 1
    run: str
    scenario: str
    title: str
    language: str
    client: str
    base: str
    started: datetime
    seconds: float
    result: Result
    fault: Fault
    steps: list[StepReport]
    client_exit: int | None = None
    client_output: str = ""
    """The last lines the client printed."""
    sandbox_version: str = ""

    @property
    def exit_code(self) -> int:
        """0 passed, 1 the client failed, 3 no verdict (sandbox, environment, stopped)."""
        if self.result is Result.PASS:
            return PASSED
        if self.result is Result.FAIL:
            return FAILED
        return BROKEN


def overall(steps: list[StepReport]) -> tuple[Result, Fault]:
    """Return the run's result: the gravest of its steps, and whose fault that one is.

    `error` comes before `fail`: when the sandbox broke on the way, nothing is said about the
    client. A run in which nothing passed is never `pass`.
    """
    for result in (Result.ERROR, Result.CANCEL, Result.FAIL, Result.WAIT):
        for step in steps:
            if step.result is result:
                return result, step.fault
    if any(step.result is Result.PASS for step in steps) and not any(
        step.result is Result.SKIP for step in steps
    ):
        return Result.PASS, Fault.NONE
    return Result.ERROR, Fault.SANDBOX
