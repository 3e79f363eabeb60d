"""`make test-long`: run the long suite, print each figure, keep the last result in a file.

The figures are what the tests themselves print. Exit code: pytest's.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

RESULTS = Path(__file__).with_name("long-results.md")
KEPT = Path(__file__).with_name("long-results.json")
"""The same rows for the next run: a part that is run again replaces its own rows only."""

Row = dict[str, str | float]


class Keeper:
    """Collects outcome, duration and printed figures of every test."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self._there: set[str] = set()
        self._commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip()

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Note every test of the files that were looked into, run or not."""
        self._there.add(item.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the call of a test, or the phase that broke."""
        if report.when == "call" or report.failed:
            figures = report.capstdout.strip()
            self.rows[report.nodeid] = {
                "outcome": report.outcome,
                "seconds": round(report.duration),
                "figures": figures,
                "at": f"{datetime.now(UTC):%Y-%m-%d} {self._commit or 'unknown'}",
            }
            sys.stdout.write(f"\n{report.nodeid}: {report.outcome} {report.duration:.0f} s\n")
            if figures:
                sys.stdout.write(figures + "\n")

    def all_rows(self) -> dict[str, Row]:
        """Return this run's rows beside those of tests that it did not run.

        A test that is gone from its file takes its row with it.
        """
        before = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
        seen = {name.partition("::")[0] for name in self._there}
        gone = {
            name for name in before if name.partition("::")[0] in seen and name not in self._there
        }
        rows = {**before, **self.rows}
        return {name: rows[name] for name in sorted(rows) if name not in gone}


def as_text(rows: dict[str, Row]) -> str:
    """Return the page that is kept."""
    lines = [
        "# Last result of the long suite",
        "",
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}. "
        "Made by `make test-long`; each row says on which day and at which commit it was run.",
        "",
        "| test | outcome | seconds | run |",
        "|---|---|---|---|",
        *(
            f"| `{name}` | {row['outcome']} | {row['seconds']} | {row['at']} |"
            for name, row in rows.items()
        ),
    ]
    for name, row in rows.items():
        if row["figures"]:
            lines += ["", f"## `{name}`", "", "```", str(row["figures"]), "```"]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the long suite and write its page."""
    keeper = Keeper()
    code = pytest.main(["-m", "long", "-q", *sys.argv[1:]], plugins=[keeper])
    if keeper.rows:
        rows = keeper.all_rows()
        KEPT.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        RESULTS.write_text(as_text(rows), encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
