"""Figures of a volume run from what Locust saw and what the desk counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from loadtests.measures import percentile
from loadtests.profile import Objective
from loadtests.volume.plan import Call, PoisonSeen, VolumeOutcome

TENTHS = 10
RANKS = {"p50": 50, "p95": 95, "p99": 99, "max": 100}


@dataclass(frozen=True, slots=True)
class Seen:
    """All processes of a run together."""

    calls: list[Call]
    turnarounds_s: list[float]
    packages_sent: int
    records_sent: int
    packages_acknowledged: int
    records_acknowledged: int
    records_asked: int
    records_asked_accepted: int
    unanswered: int
    poison: list[PoisonSeen]
    cpu_s: float
    body_cpu_s: float
    ended_by: str
    overloaded: bool


def together(outcomes: Sequence[VolumeOutcome]) -> Seen:
    """Return what all processes saw."""
    ends = {outcome.ended_by for outcome in outcomes}
    return Seen(
        calls=[call for outcome in outcomes for call in outcome.calls],
        turnarounds_s=[seconds for outcome in outcomes for _, seconds in outcome.results],
        packages_sent=sum(o.packages_sent for o in outcomes),
        records_sent=sum(o.records_sent for o in outcomes),
        packages_acknowledged=sum(o.packages_acknowledged for o in outcomes),
        records_acknowledged=sum(o.records_acknowledged for o in outcomes),
        records_asked=sum(o.records_asked for o in outcomes),
        records_asked_accepted=sum(o.records_accepted for o in outcomes),
        unanswered=sum(o.unanswered for o in outcomes),
        poison=[seen for outcome in outcomes for seen in outcome.poison],
        cpu_s=sum(o.cpu_s for o in outcomes),
        body_cpu_s=sum(o.body_cpu_s for o in outcomes),
        ended_by=next(iter(ends - {"done"}), "done"),
        overloaded=any(o.overloaded for o in outcomes),
    )


def failed(call: Call) -> bool:
    """Tell whether a call was neither done, nor not ready yet, nor asked to wait."""
    _, _, _, status, code = call
    if status in (429, 503):
        return False
    return status != 200 or code not in ("0", "SBX-1201")


def percentiles(values: Sequence[float], digits: int = 2) -> dict[str, float]:
    """Return p50, p95, p99 and max; nothing of nothing."""
    if not values:
        return {}
    ordered = sorted(values)
    return {name: round(percentile(ordered, rank) or 0.0, digits) for name, rank in RANKS.items()}


def per_call(calls: Sequence[Call]) -> dict[str, dict[str, float]]:
    """Return count, failures, non-2xx and percentiles (ms) of each service."""
    rows: dict[str, list[Call]] = {}
    for call in calls:
        rows.setdefault(call[0], []).append(call)
    return {
        name: {
            "count": len(chosen),
            "failures": sum(map(failed, chosen)),
            "non_2xx": sum(not 200 <= call[3] < 300 for call in chosen),
            **percentiles([call[2] for call in chosen]),
        }
        for name, chosen in rows.items()
    }


def answers(calls: Sequence[Call]) -> dict[str, dict[str, int]]:
    """Return how often each service gave each answer: HTTP status and code."""
    found: dict[str, dict[str, int]] = {}
    for name, _, _, status, code in calls:
        row = found.setdefault(name, {})
        said = f"{status} {code}"
        row[said] = row.get(said, 0) + 1
    return found


def tenths(steps: Sequence[Sequence[int]], step: float, *, began: float) -> list[float]:
    """Return records per second of each tenth of the finished records, in order.

    *steps* tell, per *step* seconds, what was received and settled; *began* is the second of the
    first submission on their scale. Inside a step settling is taken as even.
    """
    total = sum(row[2] for row in steps)
    if not total:
        return []
    ends, passed, wanted = [began], 0, 1
    for place, (_, _, records) in enumerate(steps):
        while wanted <= TENTHS and records and passed + records >= total * wanted / TENTHS:
            inside = (total * wanted / TENTHS - passed) / records
            ends.append(max(ends[-1], (place + inside) * step))
            wanted += 1
        passed += records
    share = total / TENTHS
    return [round(share / max(step / 10, after - before), 1) for before, after in pairwise(ends)]


def depth(steps: Sequence[Sequence[int]]) -> list[int]:
    """Return how many packages waited at the end of each step."""
    waiting, found = 0, []
    for received, settled, _ in steps:
        waiting += received - settled
        found.append(waiting)
    return found


def poison_counted(seen: Sequence[PoisonSeen]) -> dict[str, dict[str, Any]]:
    """Return, per kind, how many were sent, acknowledged and final, and which codes answered."""
    found: dict[str, dict[str, Any]] = {}
    for one in seen:
        row = found.setdefault(
            one.kind,
            {"sent": 0, "acknowledged": 0, "final": 0, "records": 0, "accepted": 0, "codes": {}},
        )
        row["sent"] += 1
        row["acknowledged"] += one.acknowledged
        row["final"] += one.final
        row["records"] += one.records
        row["accepted"] += one.accepted
        code = str(one.error)
        row["codes"][code] = row["codes"].get(code, 0) + 1
    return found


def measured(
    objective: Objective, *, figures: Mapping[str, float | None], calls: Sequence[Call]
) -> float | None:
    """Return what *objective* measures; None when there is nothing to measure."""
    if objective.metric in figures:
        return figures[objective.metric]
    chosen = [call for call in calls if objective.of in ("all", call[0])]
    if objective.metric == "calls":
        return float(len(chosen))
    if objective.metric == "failures":
        return 100 * sum(map(failed, chosen)) / len(chosen) if chosen else None
    return percentile([call[2] for call in chosen], RANKS[objective.metric])
