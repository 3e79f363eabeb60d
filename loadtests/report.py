"""Reports of a load run: console (rich) and JSON."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loadtests.run import LoadReport
from loadtests.verdict import print_verdict


def print_report(report: LoadReport, *, console: Console) -> None:
    """Print each call's figures, each objective, and the verdict with what broke it."""
    calls = Table("call", "count", "failures", "p50 ms", "p95 ms", "max ms")
    for call, row in report.calls.items():
        cells = (f"{row[name]:g}" for name in ("count", "failures", "p50", "p95", "max"))
        calls.add_row(escape(call), *cells)
    console.print(calls)
    console.print(
        f"packages {report.packages_sent}, records {report.records_sent}, "
        f"accepted {report.records_accepted}, seconds {report.seconds:.1f}, seed {report.seed}"
    )
    print_verdict(report, console=console)


def write_json(report: LoadReport, file: Path) -> None:
    """Write the whole report as JSON (UTF-8)."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(report.model_dump_json(indent=1), encoding="utf-8")
