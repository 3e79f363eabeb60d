"""From everything counted to the report and its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from loadtests.profile import Objective, Profile
from loadtests.verdict import ObjectiveReport, Verdict, judged
from loadtests.volume import figures as f
from loadtests.volume.corpus import Corpus
from loadtests.volume.plan import SUBMIT, VolumeOutcome
from loadtests.volume.report import NATION_RECORDS, VolumeReport
from loadtests.volume.target import CHECKERS, WEB, Target
from sandbox import __version__

GENERATOR = "generator"
MICRO = 1e6


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted outside Locust."""

    pace: Mapping[str, Any]
    """The desk's own answer of `nhip`, hostile packages left out."""
    since: float
    step: float
    stored_before: int
    still_open: int
    cpu_s: Mapping[str, float]
    peaks: Mapping[str, Sequence[float]]
    grown: int | None
    load: tuple[tuple[float, float, float], tuple[float, float, float]]
    machine: str
    log: str


def report_of(
    target: Target,
    corpus: Corpus,
    profile: Profile,
    objectives: Sequence[Objective],
    outcomes: Sequence[VolumeOutcome | None],
    counted: Counted,
    *,
    planned: int,
) -> VolumeReport:
    """Return the report of a run; *planned* is the number of packages it was to send."""
    seen = f.together([outcome for outcome in outcomes if outcome is not None])
    poison = f.poison_counted(seen.poison)
    aside = sum(row["accepted"] for row in poison.values())
    pace, step = counted.pace, counted.step
    packages = sum(pace["packages"].values())
    settled, accepted = pace["records"], pace["accepted"]
    stored = pace["stored"] - counted.stored_before - aside
    first = min((call[1] for call in seen.calls if call[0] == SUBMIT), default=counted.since)
    seconds = max(step / 10, (pace["last_finished"] or first) - first)
    rate = settled / seconds
    costs = _costs(counted.cpu_s, seen.cpu_s, settled)
    size = counted.grown / settled if counted.grown is not None and settled else None
    rates = f.tenths(pace["steps"], step, began=first - counted.since)
    calls = f.per_call(seen.calls)
    values = {
        "rate": rate,
        "flatness": 100 * rates[-1] / rates[0] if len(rates) > 1 else None,
        "cost": costs.get("all"),
        "generator": costs.get(GENERATOR),
        "memory": max(
            (m for role in (WEB, CHECKERS) for m in counted.peaks.get(role, ())), default=None
        ),
        "non_2xx": float(sum(row["non_2xx"] for row in calls.values())) if calls else None,
        "accepted": 100 * accepted / seen.records_sent if seen.records_sent else None,
        "stored": agreement(
            (packages, seen.packages_acknowledged),
            (settled, seen.records_acknowledged),
            (stored, accepted),
        ),
        "turnaround_p95": f.percentiles(seen.turnarounds_s).get("p95"),
    }
    rows = [
        judged(objective, f.measured(objective, figures=values, calls=seen.calls))
        for objective in objectives
    ]
    verdict, reasons = _verdict(
        rows, seen, crashed=None in outcomes, still_open=counted.still_open, planned=planned
    )
    return VolumeReport(
        started=datetime.fromtimestamp(counted.since, UTC).isoformat(timespec="seconds"),
        target=target.desk,
        database=target.database,
        algorithm=corpus.algorithm,
        settings=dict(target.settings),
        machine=counted.machine,
        load_average={"before": _rounded(counted.load[0]), "after": _rounded(counted.load[1])},
        version=__version__,
        seed=profile.seed,
        packages_sent=seen.packages_sent,
        records_sent=seen.records_sent,
        packages_acknowledged=seen.packages_acknowledged,
        records_acknowledged=seen.records_acknowledged,
        packages_settled=packages - counted.still_open,
        records_settled=settled,
        records_accepted=accepted,
        records_stored=stored,
        seconds=round(seconds, 2),
        records_per_s=round(rate, 1),
        tenths_records_per_s=rates,
        intake_ms={k: v for k, v in calls.get(SUBMIT, {}).items() if k in f.RANKS},
        result_s=f.percentiles(seen.turnarounds_s),
        settled_s=pace["waited_s"],
        calls=calls,
        answers=f.answers(seen.calls),
        cpu_us_per_record=costs,
        generator_body_us_per_record=round(MICRO * seen.body_cpu_s / max(1, seen.records_sent), 3),
        peak_mb=counted.peaks,
        database_bytes_per_record=None if size is None else round(size, 1),
        nation_minutes=round(NATION_RECORDS / rate / 60, 1) if rate else 0.0,
        nation_gb=None if size is None else round(NATION_RECORDS * size / 1e9, 2),
        poison=poison,
        verdict=verdict,
        reasons=reasons,
        objectives=rows,
        step_s=round(step, 4),
        settled_per_step=[row[2] for row in pace["steps"]],
        waiting_per_step=f.depth(pace["steps"]),
        generator_log=counted.log,
    )


def _costs(cpu_s: Mapping[str, float], generator_s: float, records: int) -> dict[str, float]:
    """Return core-µs per record of each role and of all; Locust's start is not counted."""
    if not records:
        return {}
    spent = {**cpu_s, GENERATOR: generator_s}
    costs = {role: round(MICRO * seconds / records, 2) for role, seconds in spent.items()}
    return {**costs, "all": round(MICRO * sum(spent.values()) / records, 2)}


def agreement(*pairs: tuple[int, int]) -> float | None:
    """Return how well what is there agrees with what must be: 100 only when each pair is equal.

    More than must be is as wrong as less.
    """
    wanted = [(found, due) for found, due in pairs if due]
    if not wanted:
        return None
    worst = min(100 * (1 - abs(found - due) / due) for found, due in wanted)
    return worst if worst == 100 else min(worst, 99.9)


def _verdict(
    rows: Sequence[ObjectiveReport],
    seen: f.Seen,
    *,
    crashed: bool,
    still_open: int,
    planned: int,
) -> tuple[Verdict, list[str]]:
    """Return the verdict and why a run is INVALID (loadtests/README.md)."""
    if crashed:
        return Verdict.INVALID, ["no_outcome"]
    reasons = []
    if seen.overloaded:
        reasons.append("overloaded")
    if seen.calls and all(call[3] == 0 for call in seen.calls):
        reasons.append("unanswered")
    if any(not row.kept and row.value is not None for row in rows) and not reasons:
        return Verdict.FAIL, []
    reasons += [f"nothing_measured:{row.name}" for row in rows if row.value is None]
    if seen.packages_sent < planned:
        reasons.append("incomplete")
    if still_open:
        reasons.append("undrained")
    if not all(one.final for one in seen.poison):
        reasons.append("poison_unanswered")
    return (Verdict.INVALID if reasons else Verdict.PASS), reasons


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 2) for value in values]
