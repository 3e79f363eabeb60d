"""Metrics from samples: exact, from every single sample, never from a histogram's buckets."""

from __future__ import annotations

import math
from collections.abc import Sequence

from loadtests.plan import Outcome, Sample
from loadtests.profile import OF_VOLUME, Objective


def percentile(values: Sequence[float], rank: float) -> float | None:
    """Return the smallest value at or below which *rank* percent of *values* lie; None of none."""
    if not values:
        return None
    place = max(1, math.ceil(rank / 100 * len(values)))
    return sorted(values)[place - 1]


def measure(objective: Objective, outcome: Outcome) -> float | None:
    """Return what *objective* measures, in its unit; None when there is nothing to measure."""
    if objective.metric in OF_VOLUME:
        return None
    chosen = [s for s in outcome.samples if objective.of in ("all", s.call)]
    if objective.metric == "calls":
        return float(len(chosen))
    if objective.metric == "failures":
        return 100 * sum(s.failed for s in chosen) / len(chosen) if chosen else None
    if objective.metric == "accepted":
        sent = outcome.records_sent
        return 100 * outcome.records_accepted / sent if sent else None
    if objective.metric == "turnaround_p95":
        return percentile(outcome.turnarounds_s, 95)
    rank = {"p50": 50, "p95": 95, "p99": 99, "max": 100}[objective.metric]
    return percentile([s.ms for s in chosen], rank)


def per_call(samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """Return count, failures, p50, p95 and max (ms) of each call, in order of first use."""
    rows: dict[str, list[Sample]] = {}
    for sample in samples:
        rows.setdefault(sample.call, []).append(sample)
    return {
        call: {
            "count": len(chosen),
            "failures": sum(s.failed for s in chosen),
            **{
                name: round(percentile([s.ms for s in chosen], rank) or 0.0, 2)
                for name, rank in (("p50", 50), ("p95", 95), ("max", 100))
            },
        }
        for call, chosen in rows.items()
    }
