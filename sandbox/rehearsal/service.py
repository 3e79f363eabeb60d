"""The rehearsal desk as its pages need it: the scenarios that lie here and the runs there were."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from sandbox.errors import Misuse
from sandbox.rehearsal.results import RunReport
from sandbox.rehearsal.scenario import Scenario, load_scenario, scenario_names

LOG = logging.getLogger(__name__)

RUNS_KEPT = 200
RUNS_SHOWN = 50
RUN_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")


@dataclass(frozen=True, slots=True)
class Named:
    """A scenario with the name it is run by."""

    name: str
    scenario: Scenario


class RehearsalDesk:
    """Reads scenarios and run reports from two folders; keeps nothing in memory."""

    def __init__(self, scenarios: Path, runs: Path) -> None:
        self._scenarios = scenarios
        self._runs = runs

    def scenarios(self) -> list[Named]:
        """Return every scenario that can be read; one that cannot is logged with its line."""
        found = []
        for name in scenario_names(self._scenarios):
            try:
                found.append(Named(*load_scenario(name, folder=self._scenarios)))
            except Misuse as error:
                LOG.warning("%s", error)
        return found

    def scenario(self, name: str) -> Named | None:
        """Return one scenario, or None."""
        try:
            return Named(*load_scenario(name, folder=self._scenarios))
        except Misuse:
            return None

    def runs(self) -> list[RunReport]:
        """Return the last runs, newest first."""
        files = sorted(self._runs.glob("*.json"), key=lambda f: f.stat().st_mtime, reverse=True)
        reports = (_read(file) for file in files[:RUNS_SHOWN])
        return [report for report in reports if report is not None]

    def run(self, run_id: str) -> RunReport | None:
        """Return one run, or None."""
        return _read(self._runs / f"{run_id}.json") if RUN_ID.match(run_id) else None


def keep_run(report: RunReport, *, folder: Path) -> Path:
    """Write *report* into *folder*, where the page finds it; the oldest beyond 200 are dropped."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{report.run}.json"
    file.write_text(report.model_dump_json(indent=1), encoding="utf-8")
    kept = sorted(folder.glob("*.json"), key=lambda f: f.stat().st_mtime, reverse=True)
    for old in kept[RUNS_KEPT:]:
        old.unlink(missing_ok=True)
    return file


def _read(file: Path) -> RunReport | None:
    try:
        return RunReport.model_validate_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        LOG.warning("%s is no report of a run: %s", file, error)
        return None
