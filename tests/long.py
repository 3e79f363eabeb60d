"""`make test-long`: run the long suite, print each figure, keep the last result in a file.

The figures are what the tests themselves print. Exit code: pytest's.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

RESULTS = Path(__file__).with_name("long-results.md")


class Keeper:
    """Collects outcome, duration and printed figures of every test."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, float, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the call of a test, or the phase that broke."""
        if report.when == "call" or report.failed:
            figures = report.capstdout.strip()
            self.rows.append((report.nodeid, report.outcome, report.duration, figures))
            sys.stdout.write(f"\n{report.nodeid}: {report.outcome} {report.duration:.0f} s\n")
            if figures:
                sys.stdout.write(figures + "\n")

    def as_text(self) -> str:
        """Return the page that is kept."""
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip()
        lines = [
            "# Last result of the long suite",
            "",
            f"Run on {datetime.now(UTC):%Y-%m-%d} at {commit or 'an unknown commit'}, "
            f"{os.cpu_count()} cores, Python {platform.python_version()}, "
            f"{platform.system()}. Made by `make test-long`.",
            "",
            "| test | outcome | seconds |",
            "|---|---|---|",
            *(f"| `{name}` | {outcome} | {spent:.0f} |" for name, outcome, spent, _ in self.rows),
        ]
        for name, _, _, figures in self.rows:
            if figures:
                lines += ["", f"## `{name}`", "", "```", figures, "```"]
        return "\n".join(lines) + "\n"


def main() -> int:
    """Run the long suite and write its page."""
    keeper = Keeper()
    code = pytest.main(["-m", "long", "-q", *sys.argv[1:]], plugins=[keeper])
    if keeper.rows:
        RESULTS.write_text(keeper.as_text(), encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
