"""What a volume run says: figures, verdict, and how both are shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loadtests.verdict import EXIT_CODES, ObjectiveReport, Verdict, print_verdict
from loadtests.volume.chart import chart

NATION_RECORDS = 8_919_198
SHOWN = 4
"""Processes of one role that are listed by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeReport:
    """One measured run. Rates are wall time, costs CPU time of everything on this machine."""

    started: str
    target: str
    database: str
    algorithm: str
    """`p256`, `rsa` or `mixed`: the keys of the corpus's schools."""
    settings: Mapping[str, str]
    machine: str
    load_average: Mapping[str, Sequence[float]]
    """Before and after: what else the machine did."""
    version: str
    seed: int

    packages_sent: int
    records_sent: int
    packages_acknowledged: int
    records_acknowledged: int
    packages_settled: int
    records_settled: int
    records_accepted: int
    records_stored: int
    """Rows the desk has more than before the run, those of hostile packages not counted."""

    seconds: float
    """From the first submission to the last final result."""
    records_per_s: float
    tenths_records_per_s: Sequence[float]
    intake_ms: Mapping[str, float]
    result_s: Mapping[str, float]
    """From handing in to the result known, as the sender saw it (of those asked about)."""
    settled_s: Mapping[str, float]
    """From receipt to final state, as the desk kept it (of all)."""
    calls: Mapping[str, Mapping[str, float]]
    answers: Mapping[str, Mapping[str, int]]
    """Of each service: HTTP status and code, and how often."""
    cpu_us_per_record: Mapping[str, float]
    """By role, and `all`."""
    generator_body_us_per_record: float
    """Of `generator`: reading lines and joining bodies."""
    peak_mb: Mapping[str, Sequence[float]]
    """Proportional memory (PSS) of each process, by role, the largest first."""
    database_bytes_per_record: float | None
    nation_minutes: float
    nation_gb: float | None
    poison: Mapping[str, Mapping[str, Any]]

    verdict: Verdict
    reasons: Sequence[str]
    objectives: Sequence[ObjectiveReport]
    step_s: float
    settled_per_step: Sequence[int]
    """Records."""
    waiting_per_step: Sequence[int]
    """Packages that wait or are being checked at the end of each step."""
    generator_log: str = field(repr=False, default="")

    @property
    def exit_code(self) -> int:
        """0 PASS, 1 FAIL, 3 INVALID (2 is misuse and never gets this far)."""
        return EXIT_CODES[self.verdict]

    @property
    def scenario(self) -> str:
        """Name of what was run."""
        return "volume"

    @property
    def flatness_percent(self) -> float | None:
        """Rate of the last tenth of the records in percent of the first's."""
        if len(self.tenths_records_per_s) < 2:
            return None
        return round(100 * self.tenths_records_per_s[-1] / self.tenths_records_per_s[0], 1)

    def told(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        said = asdict(self)
        said["verdict"] = self.verdict.value
        said["objectives"] = [row.model_dump() for row in self.objectives]
        return {
            "format": 1,
            "scenario": "volume",
            **said,
            "flatness_percent": self.flatness_percent,
        }

    def chart(self) -> str:
        """Return the picture of rate and queue over the run, as SVG."""
        return chart(
            f"volume, {self.algorithm}, {self.database}: {self.records_per_s:,.0f} records/s",
            rates=[records / self.step_s for records in self.settled_per_step],
            waiting=[float(packages) for packages in self.waiting_per_step],
            seconds=self.step_s * len(self.settled_per_step),
        )


def write_report(report: VolumeReport, file: Path) -> Path:
    """Write the report as JSON and its picture beside it; returns where the picture lies."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(report.told(), indent=1) + "\n", encoding="utf-8")
    picture = file.with_suffix(".svg")
    picture.write_text(report.chart(), encoding="utf-8")
    return picture


def print_report(report: VolumeReport, *, console: Console) -> None:
    """Print the figures, each objective, and the verdict with what broke it."""
    calls = Table("call", "count", "failures", "non-2xx", "p50 ms", "p95 ms", "p99 ms")
    for call, row in report.calls.items():
        names = ("count", "failures", "non_2xx", "p50", "p95", "p99")
        calls.add_row(escape(call), *(f"{row.get(name, 0):g}" for name in names))
    console.print(calls)
    costs = Table("role", "core-µs/record", "peak MB (PSS) of each process")
    for role, cost in report.cpu_us_per_record.items():
        held = report.peak_mb.get(role, ())
        peaks = ", ".join(f"{size:.0f}" for size in held[:SHOWN])
        peaks += f" … ({len(held)}, together {sum(held):.0f})" if len(held) > SHOWN else ""
        costs.add_row(escape(role), f"{cost:,.1f}", peaks)
    console.print(costs)
    for call, said in report.answers.items():
        if set(said) - {"200 0", "200 SBX-1201"}:
            console.print(f"{call}: {json.dumps(said)}", markup=False, highlight=False)
    for name, seen in report.poison.items():
        console.print(f"poison {name}: {json.dumps(seen)}", markup=False, highlight=False)
    for line in _lines(report):
        console.print(line, markup=False, highlight=False)
    print_verdict(report, console=console)


def _lines(report: VolumeReport) -> list[str]:
    size = report.database_bytes_per_record
    waiting = report.waiting_per_step
    return [
        f"sent {report.records_sent:,}, acknowledged {report.records_acknowledged:,}, "
        f"settled {report.records_settled:,}, accepted {report.records_accepted:,}, "
        f"stored {report.records_stored:,} records in {report.packages_settled:,} packages",
        f"{report.records_per_s:,.1f} records/s over {report.seconds:,.1f} s; tenths "
        + " ".join(f"{rate:,.0f}" for rate in report.tenths_records_per_s)
        + f" (last/first {report.flatness_percent or 0:g} %)",
        f"result known s {_ranks(report.result_s)}; settled s {_ranks(report.settled_s)}",
        f"packages waiting: most {max(waiting, default=0)}, "
        f"mean {sum(waiting) / max(1, len(waiting)):.1f}",
        f"generator bodies {report.generator_body_us_per_record:.2f} µs/record",
        f"the nation at this rate: {report.nation_minutes:,.1f} min"
        + (f", {report.nation_gb:,.1f} GB ({size:,.0f} bytes/record)" if size else ""),
        f"load average {report.load_average}",
    ]


def _ranks(said: Mapping[str, float]) -> str:
    return " ".join(f"{name} {value:g}" for name, value in said.items()) or "–"
