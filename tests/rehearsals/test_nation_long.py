"""The invented nation at length: 100,000 records of all provinces checked, one province whole.

Prints its figures; run with `make test-long`.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

import pytest

from sandbox.documents import check_schema, parse_record, read_report_card, render_record
from sandbox.domain.assessment import check_rules
from sandbox.domain.consistency import check_consistency, check_practice_marks
from sandbox.synthetic.nation import Nation, Slice
from sandbox.synthetic.peoples import school_weights
from tests.builders.nation import SEED

pytestmark = pytest.mark.long

PER_MILLE = 12
"""Share of the nation's classes: about 107,000 records."""


def test_a_hundred_thousand_records_of_all_provinces_are_lawful():
    """Form, contradictions, rules and marks: nothing; each record is its card's own bytes."""
    nation = Nation(SEED)
    checked, made = 0, 0.0
    mix: Counter = Counter()
    groups: Counter = Counter()
    expected: Counter = Counter()
    provinces: set[str] = set()
    ids: set[str] = set()
    for school, plan in nation.classes(Slice(per_mille=PER_MILLE)):
        began = time.perf_counter()
        records = nation.class_records(school.number, plan.index)
        made += time.perf_counter() - began
        assert len(records) == plan.records
        home = school.place.home_code
        provinces.add(home)
        first = next(p for p in nation.provinces if p.code == home).schools[0].start
        weights = school_weights(home, school.number - first + 1)
        for group, weight in weights.items():
            expected[group] += plan.records * weight / sum(weights.values())
        for record in records:
            parsed = parse_record(record)
            assert check_schema(parsed) == []
            card = read_report_card(parsed)
            assert check_consistency(card) == []
            assert check_rules(card) == []
            assert check_practice_marks(card) == []
            assert render_record(card) == record
            mix[card.summary.result] += 1
            groups[card.general.ethnic_group] += 1
            ids.add(card.general.pupil_id)
        checked += len(records)
    assert checked >= 100_000
    assert len(ids) == checked
    for result, share in zip(
        ("Hoàn thành xuất sắc", "Hoàn thành tốt", "Hoàn thành", "Chưa hoàn thành"),
        (0.30, 0.34, 0.35, 0.01),
        strict=True,
    ):
        assert abs(mix[result] / checked - share) < 0.006
    assert len(provinces) == 63
    # A sample of whole classes is lumpy: it is held against the mix of the schools drawn.
    assert all(abs(groups[group] - due) < 0.003 * checked for group, due in expected.items())
    say(
        f"nation: {checked} records of all provinces lawful; made at {checked / made:,.0f} "
        f"records/s ({made / checked * 1e6:.0f} µs); "
        + ", ".join(f"{name} {count / checked:.2%}" for name, count in mix.most_common())
        + f"; {len(groups)} peoples"
    )


def say(line: str) -> None:
    """Put *line* where `make test-long` keeps the figures."""
    sys.stdout.write(f"\n{line}\n")


@pytest.mark.parametrize(
    ("school_year", "total"),
    [("2023-2024", 7_100_388), ("2024-2025", 8_919_198), ("2025-2026", 8_919_198)],
)
def test_all_plans_of_the_nation_sum_to_its_total(school_year, total):
    """14,661 schools, every class counted, province by province."""
    nation = Nation(SEED, school_year=school_year)
    began = time.perf_counter()
    schools = classes = records = 0
    for province in nation.provinces:
        own = 0
        for numbers in province.schools:
            for number in numbers:
                plan = nation.school(number)
                schools += 1
                classes += len(plan.classes)
                own += plan.records
        assert own == province.records
        records += own
    assert (schools, records) == (14_661, total)
    say(
        f"nation {school_year}: {schools} schools, {classes} classes, {records} records "
        f"planned in {time.perf_counter() - began:.1f} s"
    )


def test_nobody_in_the_largest_province_shares_a_number():
    """Hà Nội whole: 762,198 records, each with a personal ID, a pupil code and an id of its own."""
    nation = Nation(SEED)
    began = time.perf_counter()
    ids, codes, uuids = set(), set(), set()
    count = size = 0
    for record in nation.records_in(Slice(province="01")):
        count += 1
        size += len(record)
        ids.add(int(_between(record, b"SO_CCCD")))
        codes.add(int(_between(record, b"MA_HOC_SINH")))
        uuids.add(int(_between(record, b"MA_TRA_CUU_UUID").replace(b"-", b""), 16))
    assert count == len(ids) == len(codes) == len(uuids) == 762_198
    took = time.perf_counter() - began
    size //= count
    say(f"Hà Nội whole: {count} records of {size} bytes, {count / took:,.0f} records/s")


def _between(record: bytes, tag: bytes) -> bytes:
    start = record.index(b"<" + tag + b">") + len(tag) + 2
    return record[start : record.index(b"</", start)]
