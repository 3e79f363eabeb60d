"""`python -m loadtests.bench`: print the figures and keep them in loadtests/bench/results/."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtests.bench import elements, nation, start
from loadtests.bench.corpus import make_corpus
from sandbox import __version__
from sandbox.clock import MachineClock

RESULTS = Path(__file__).parent / "results"
BESIDE = "signxml_verify"


def main() -> int:
    """Measure, print, write. Returns 0, or raises when a measurement could not be made."""
    console = Console()
    begun, load = MachineClock().now(), _load()
    with console.status("hocba up"):
        started = start.measure()
    with console.status("records/s"):
        rates = elements.measure(make_corpus())
    with console.status("nation"):
        whole = nation.measure() | nation.written()
        profile = nation.profile()
    ratios = {
        name: round(rate / rates[BESIDE], 2) for name, rate in rates.items() if name != BESIDE
    }
    report: dict[str, Any] = {
        "measured": begun.isoformat(timespec="seconds"),
        "version": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load_average": {"before": load, "after": _load()},
        "start": started,
        "records_per_s": rates,
        "ratio_to_signxml_verify": ratios,
        "nation": whole,
    }
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{begun:%Y%m%dT%H%M%SZ}.json"
    file.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    beside = file.with_name(f"{file.stem}-nation-profile.txt")
    beside.write_text(profile, encoding="utf-8")
    _print(console, started, rates, ratios)
    for name, value in whole.items():
        console.print(f"{name}: {value:,}", highlight=False)
    for written in (file, beside):
        console.print(str(written), highlight=False)
    return 0


def _load() -> list[float]:
    """Return how many processes wanted a core, on average of 1, 5 and 15 minutes."""
    return [round(value, 1) for value in os.getloadavg()]


def _print(
    console: Console, started: dict[str, float], rates: dict[str, float], ratios: dict[str, float]
) -> None:
    for name, value in started.items():
        console.print(f"{name}: {value}", highlight=False)
    table = Table("step", "records/s", "× signxml verify")
    for name, rate in rates.items():
        table.add_row(name, f"{rate:,.1f}", f"{ratios.get(name, 1.0):.2f}")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
