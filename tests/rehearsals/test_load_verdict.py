"""Objectives, measures and verdicts of a load run, without a load."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.measures import measure, per_call, percentile
from loadtests.plan import Outcome, Sample
from loadtests.profile import (
    CALLS,
    Objective,
    load_objectives,
    load_profile,
    profile_names,
)
from loadtests.verdict import EXIT_CODES, Verdict, judge
from sandbox.errors import Misuse


def sample(call="hoc-ba", ms=10.0, **changes):
    return Sample(call=call, at=0.0, ms=ms, status=200, error="0").model_copy(update=changes)


def outcome(*samples, **changes):
    seen = Outcome(
        samples=list(samples),
        turnarounds_s=[1.0, 2.0],
        records_sent=4,
        records_accepted=4,
        packages_sent=2,
        ended_by="done",
        generator_overloaded=False,
    )
    return seen.model_copy(update=changes)


def objective(metric, limit, unit="ms", of="all"):
    return Objective(metric=metric, of=of, limit=limit, unit=unit)


@pytest.mark.parametrize(
    ("rank", "value"), [(50, 50), (95, 95), (99, 99), (100, 100), (1, 1), (0.5, 1)]
)
def test_percentiles_are_exact(rank, value):
    """The p-th percentile of 1…100 is p: no buckets, no rounding."""
    assert percentile([float(n) for n in range(100, 0, -1)], rank) == value


def test_a_percentile_of_nothing_is_nothing():
    """No sample, no figure."""
    assert percentile([], 95) is None


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        (objective("p95", 1, of="hoc-ba"), 30.0),
        (objective("max", 1), 500.0),
        (objective("failures", 1, "percent"), 25.0),
        (objective("failures", 1, "percent", of="hoc-ba"), 0.0),
        (objective("accepted", 1, "percent"), 100.0),
        (objective("turnaround_p95", 1, "s"), 2.0),
        (objective("calls", 1, "count", of="hoc-ba"), 3.0),
    ],
)
def test_each_metric_measures_what_it_says(wanted, value):
    """A metric looks at the calls its objective names, and at no others."""
    seen = outcome(
        sample(ms=10), sample(ms=20), sample(ms=30), sample("token", ms=500, failed=True)
    )

    assert measure(wanted, seen) == value


def test_every_call_has_its_own_row_in_the_report():
    """Count, failures and percentiles stand per call."""
    rows = per_call([sample(ms=1), sample(ms=3), sample("token", ms=7, failed=True)])

    assert rows["hoc-ba"] == {"count": 2, "failures": 0, "p50": 1, "p95": 3, "max": 3}
    assert rows["token"]["failures"] == 1


def test_every_objective_kept_is_pass():
    """PASS leaves with 0."""
    verdict, rows, reasons = judge([objective("p95", 100)], outcome(sample()), planned=2)

    assert (verdict, EXIT_CODES[verdict], reasons) == (Verdict.PASS, 0, [])
    assert rows[0].value == 10.0


def test_one_objective_broken_is_fail_and_named():
    """FAIL names the objective, its limit and the value."""
    verdict, rows, _ = judge(
        [objective("p95", 100), objective("p95", 5, of="hoc-ba")], outcome(sample()), planned=2
    )

    assert (verdict, EXIT_CODES[verdict]) == (Verdict.FAIL, 1)
    assert [row.line for row in rows if not row.kept] == ["p95 hoc-ba: 10.0 ms (≤ 5 ms)"]


def test_a_floor_is_broken_from_below():
    """`accepted` and `calls` must not fall below their limit."""
    seen = outcome(sample(), records_accepted=3)

    verdict, rows, _ = judge([objective("accepted", 100, "percent")], seen, planned=2)

    assert (verdict, rows[0].line) == (
        Verdict.FAIL,
        "accepted all: 75.0 percent (≥ 100 percent)",
    )


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (None, "no_outcome"),
        (outcome(sample(), generator_overloaded=True), "overloaded"),
        (outcome(sample(status=0, error=None)), "unanswered"),
        (outcome(sample(), packages_sent=1), "incomplete"),
        (outcome(sample("token")), "nothing_measured:p95 hoc-ba"),
    ],
)
def test_a_run_that_says_nothing_is_invalid_never_pass(seen, reason):
    """INVALID leaves with 3 and says why."""
    verdict, _, reasons = judge([objective("p95", 100, of="hoc-ba")], seen, planned=2)

    assert (verdict, EXIT_CODES[verdict]) == (Verdict.INVALID, 3)
    assert reason in reasons


def test_an_overloaded_generator_is_invalid_even_when_objectives_broke():
    """A machine too busy to measure proves nothing against the repository either."""
    seen = outcome(sample(ms=9999), generator_overloaded=True)

    assert judge([objective("p95", 5)], seen, planned=2)[0] is Verdict.INVALID


def test_the_profiles_that_ship_can_be_read_with_their_objectives():
    """Every profile names an objectives file that is there."""
    assert [
        len(load_objectives(load_profile(n).objectives).objectives) > 0 for n in profile_names()
    ]
    assert "pipeclean" in profile_names()


def test_an_unknown_profile_is_answered_with_those_there_are():
    """Whoever mistypes reads the right names."""
    with pytest.raises(Misuse, match="pipeclean"):
        load_profile("pipeclaen")


BAD = {
    "a unit that is not the metric's": ("unit: ms", "unit: s", "p95 is given in ms"),
    "a metric that does not exist": ("metric: p95", "metric: p96", "p95"),
    "a call that does not exist": ("of: hoc-ba", "of: hoc-baa", "hoc-ba/trang-thai"),
    "a limit that is no number": ("limit: 5", "limit: five", "number"),
    "an unknown key": ("limit: 5", "limit: 5\n    when: x > 3", "Extra"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_objectives_file_is_answered_with_its_line(tmp_path: Path, case):
    """File, line and what was expected."""
    good, bad, expected = BAD[case]
    text = "format: 1\nobjectives:\n  - metric: p95\n    of: hoc-ba\n    limit: 5\n    unit: ms\n"
    file = tmp_path / "o.yaml"
    file.write_text(text.replace(good, bad))

    with pytest.raises(Misuse) as caught:
        load_objectives(file)

    assert caught.value.file == str(file)
    assert caught.value.line in range(3, 8)
    assert expected in str(caught.value)


def test_every_call_and_metric_is_documented():
    """loadtests/README.md names what an objectives file may say."""
    guide = (Path(__file__).parents[2] / "loadtests" / "README.md").read_text(encoding="utf-8")

    assert [call for call in CALLS if f"`{call}`" not in guide] == []
