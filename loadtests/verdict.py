"""Objectives against measures: PASS, FAIL, or INVALID when the run says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.markup import escape

from loadtests.measures import measure
from loadtests.plan import Outcome
from loadtests.profile import AT_LEAST, Objective


class Verdict(StrEnum):
    """PASS: every objective kept. FAIL: one was not. INVALID: the run cannot be judged."""

    PASS = "PASS"
    FAIL = "FAIL"
    INVALID = "INVALID"


EXIT_CODES = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INVALID: 3}
"""2 is misuse: a wrong command, file or target."""


STYLES = {Verdict.PASS: "bold green", Verdict.FAIL: "bold red", Verdict.INVALID: "bold magenta"}
"""How each is shown on a terminal (rich)."""


class ObjectiveReport(BaseModel):
    """One objective with what was measured."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    limit: float
    unit: str
    at_least: bool
    value: float | None
    kept: bool

    @property
    def line(self) -> str:
        """The objective in one line: name, value, limit, unit."""
        sign = "≥" if self.at_least else "≤"
        value = "–" if self.value is None else f"{self.value:.1f}"
        return f"{self.name}: {value} {self.unit} ({sign} {self.limit:g} {self.unit})"


def judge(
    objectives: list[Objective], outcome: Outcome | None, *, planned: int
) -> tuple[Verdict, list[ObjectiveReport], list[str]]:
    """Return the verdict, every objective with its value, and why a run is INVALID.

    *planned* is the number of packages the run was to send. The reasons are keys: `no_outcome`,
    `overloaded`, `unanswered`, `incomplete` or `nothing_measured:{objective}`.
    """
    if outcome is None:
        return Verdict.INVALID, [], ["no_outcome"]
    rows = [judged(objective, measure(objective, outcome)) for objective in objectives]
    reasons = []
    if outcome.generator_overloaded:
        reasons.append("overloaded")
    if outcome.samples and all(sample.status == 0 for sample in outcome.samples):
        reasons.append("unanswered")
    if any(not row.kept and row.value is not None for row in rows) and not reasons:
        return Verdict.FAIL, rows, []
    reasons += [f"nothing_measured:{row.name}" for row in rows if row.value is None]
    if outcome.packages_sent < planned:
        reasons.append("incomplete")
    return (Verdict.INVALID if reasons else Verdict.PASS), rows, reasons


def judged(objective: Objective, value: float | None) -> ObjectiveReport:
    """Return *objective* with what was measured; nothing measured is never kept."""
    at_least = objective.metric in AT_LEAST
    kept = value is not None and (
        value >= objective.limit if at_least else value <= objective.limit
    )
    return ObjectiveReport(
        name=objective.name,
        limit=objective.limit,
        unit=objective.unit,
        at_least=at_least,
        value=None if value is None else round(value, 3),
        kept=kept,
    )


class Judged(Protocol):
    """A report of any load run, as far as its verdict goes."""

    @property
    def scenario(self) -> str:
        """Name of what was run."""

    @property
    def verdict(self) -> Verdict:
        """What it came to."""

    @property
    def reasons(self) -> Sequence[str]:
        """Why it is INVALID."""

    @property
    def objectives(self) -> Sequence[ObjectiveReport]:
        """Each with what was measured."""

    @property
    def generator_log(self) -> str:
        """Last lines of Locust."""


def broken(report: Judged) -> list[ObjectiveReport]:
    """Return the objectives that were not kept."""
    return [row for row in report.objectives if not row.kept]


def verdict_line(report: Judged) -> str:
    """Return the verdict in one line: `FAIL pipeclean: p95 hoc-ba: 3010.2 ms (≤ 1500 ms)`."""
    if report.verdict is Verdict.INVALID:
        why = ", ".join(report.reasons)
    else:
        why = "; ".join(row.line for row in broken(report))
    return f"{report.verdict.value} {report.scenario}" + (f": {why}" if why else "")


def print_verdict(report: Judged, *, console: Console) -> None:
    """Print each objective, and the verdict with what broke it."""
    for objective in report.objectives:
        style = "green" if objective.kept else "bold red"
        console.print(f"[{style}]{'✓' if objective.kept else '✗'} {escape(objective.line)}[/]")
    console.print(f"[{STYLES[report.verdict]}]{escape(verdict_line(report))}[/]")
    if report.verdict is Verdict.INVALID:
        console.print(escape(report.generator_log[-1500:]), highlight=False)
