"""The nation's records: lawful, canonical, the same bytes alone and inside the whole."""

from __future__ import annotations

import ast
import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from sandbox import synthetic
from sandbox.documents import check_schema, parse_record, read_report_card, render_record
from sandbox.domain.assessment import check_rules
from sandbox.domain.consistency import check_consistency, check_practice_marks
from sandbox.domain.identifiers import is_uuid4
from sandbox.synthetic.model import School
from sandbox.synthetic.nation import Nation, Slice
from tests.builders.nation import SEED, nation, one_class_per_province, sample

GOLDEN_SCHOOL = 7_342
GOLDEN = "b3e5bc3c3630f8723dfa237cec4d1a7554ed0d90b3813cfc737a9f1fff8f523a"
GOLDEN_OF_YEARS = {
    "2023-2024": "d1bb4b5aa66c27cd16ce8bdc1071e2a26b946df6b6cdd97635d25adb5721cdc7",
    "2025-2026": "7faaaa2f6e9681fcf15add7dbe6c2ed3da8c1bbe152239857c812d4a6ecc478f",
}

HASH_A_SCHOOL = """
import hashlib, sys
from sandbox.synthetic.nation import Nation, Slice
number = int(sys.argv[1])
found = hashlib.sha256()
for record in Nation("hoc-ba-so").records_in(Slice(schools=(number, number))):
    found.update(record)
print(found.hexdigest())
"""


def hash_of(opened: Nation, part: Slice) -> str:
    found = hashlib.sha256()
    for record in opened.records_in(part):
        found.update(record)
    return found.hexdigest()


def test_two_thousand_cards_of_all_provinces_are_lawful():
    """XSD form, contradictions, rules, practice marks: nothing to find, not even a warning."""
    opened = nation()
    checked = 0
    for number, index in (*one_class_per_province(), *[(n, 2) for n in range(7, 14_661, 1_100)]):
        for record in opened.class_records(number, index):
            parsed = parse_record(record)
            assert check_schema(parsed) == []
            card = read_report_card(parsed)
            assert check_consistency(card) == []
            assert check_rules(card) == []
            assert check_practice_marks(card) == []
            checked += 1
    assert checked >= 2_000


@pytest.mark.parametrize("school_year", ["2023-2024", "2024-2025", "2025-2026"])
def test_records_are_byte_for_byte_what_the_renderer_makes_of_the_cards(school_year):
    """The quick way and the plain way write the same canonical bytes, in every province."""
    opened = nation(school_year)
    for number, index in one_class_per_province(school_year):
        cards = opened.school_class(number, index).cards
        assert opened.class_records(number, index) == tuple(render_record(c) for c in cards)


@pytest.mark.parametrize("school_year", ["2023-2024", "2025-2026"])
def test_cards_of_other_years_are_lawful_too(school_year):
    """The replay with four grades, and the 34 provinces without districts."""
    opened = nation(school_year)
    for number, index in one_class_per_province(school_year)[::3]:
        for card in opened.school_class(number, index).cards:
            assert check_consistency(card) == []
            assert check_rules(card) == []
            assert card.general.school_year == school_year


def test_a_record_read_back_is_its_card():
    """Nothing is lost between card, bytes and card."""
    opened = nation()
    cards = opened.school_class(9_000, 4).cards
    records = opened.class_records(9_000, 4)
    assert tuple(read_report_card(parse_record(record)) for record in records) == cards


def test_a_class_is_as_large_as_its_plan():
    """Plans count what is drawn."""
    opened = nation()
    for number in (1, 777, 5_555, 14_661):
        plan = opened.school(number)
        for each in plan.classes:
            made = opened.school_class(number, each.index)
            assert len(made.cards) == len(made.pupils) == each.records
            assert (made.name, made.grade) == (each.name, each.grade)
        assert plan.records == sum(each.records for each in plan.classes)


def test_class_lists_stand_in_vietnamese_order():
    """By given name; the pupils' numbers count them; cards belong to their pupils."""
    for made in sample()[::9]:
        assert [pupil.number for pupil in made.pupils] == list(range(1, len(made.pupils) + 1))
        for pupil, card in zip(made.pupils, made.cards, strict=True):
            assert (pupil.name, pupil.personal_id, pupil.code) == (
                card.general.pupil_name, card.general.pupil_id, card.general.pupil_code,
            )  # fmt: skip


def test_record_ids_are_uuids_of_their_own():
    """Version 4; none twice in the sample, none the same in another year or under another seed."""
    ids = [card.record_id for made in sample() for card in made.cards]
    assert all(map(is_uuid4, ids))
    assert len(set(ids)) == len(ids)
    other_seed = {c.record_id for c in Nation("other").school_class(7_342, 0).cards}
    other_year = {c.record_id for c in nation("2023-2024").school_class(7_342, 0).cards}
    assert not set(ids) & (other_seed | other_year)


def test_a_school_alone_equals_the_same_school_inside_its_province():
    """A nation that has answered about others gives the same bytes as a fresh one."""
    busy = Nation(SEED)
    inside = Counter()
    for school, plan in busy.classes(Slice(province="46", per_mille=60)):
        inside[school.number, plan.index] = busy.class_records(school.number, plan.index)
    assert len(inside) > 50
    for (number, index), records in list(inside.items())[::9]:
        assert Nation(SEED).class_records(number, index) == records


def test_order_makes_no_difference():
    """Backwards, forwards, and after other questions: the same cards and plans."""
    forwards, backwards = Nation(SEED), Nation(SEED)
    numbers = [12, 8_000, 13, 7_342]
    one = {n: (forwards.school(n), forwards.school_class(n, 1)) for n in numbers}
    backwards.unrecorded(7_342, 2)
    backwards.staff(12)
    other = {n: (backwards.school_class(n, 1), backwards.school(n)) for n in reversed(numbers)}
    assert all(one[n] == other[n][::-1] for n in numbers)


def test_parts_of_eight_processes_make_the_whole():
    """Schools by remainder: together the same records, none twice."""
    part = {"province": "58", "grade": 5, "per_mille": 300}
    whole = Counter(nation().records_in(Slice(**part)))
    shared = Counter(
        record for n in range(8) for record in Nation(SEED).records_in(Slice(**part, part=(n, 8)))
    )
    assert whole == shared
    assert set(whole.values()) == {1}


def test_the_records_of_a_school_are_golden():
    """The same bytes as when this test was written: a change of the nation shows here."""
    assert hash_of(nation(), Slice(schools=(GOLDEN_SCHOOL, GOLDEN_SCHOOL))) == GOLDEN


@pytest.mark.parametrize("school_year", list(GOLDEN_OF_YEARS))
def test_the_other_years_of_that_school_are_golden(school_year):
    """The replay and the year of the 34 provinces, byte for byte."""
    found = hash_of(nation(school_year), Slice(schools=(GOLDEN_SCHOOL, GOLDEN_SCHOOL)))
    assert found == GOLDEN_OF_YEARS[school_year]


@pytest.mark.parametrize("hash_seed", ["1", "4711"])
def test_no_process_and_no_hash_seed_makes_other_records(hash_seed):
    """A fresh interpreter under another PYTHONHASHSEED and time zone writes the same bytes."""
    done = subprocess.run(
        [sys.executable, "-c", HASH_A_SCHOOL, str(GOLDEN_SCHOOL)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": "Pacific/Kiritimati"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == GOLDEN


def test_nothing_of_the_nation_knows_what_day_it_is():
    """No module of the package imports a clock, the operating system or numbers from a library."""
    for module in Path(synthetic.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not {"time", "os", "sandbox.clock", "math", "numpy", "secrets"} & set(names)


def test_another_seed_gives_other_people_in_the_same_places():
    """The seed changes pupils and sizes, not names and codes of schools."""
    one, other = nation().school(GOLDEN_SCHOOL), Nation("other").school(GOLDEN_SCHOOL)
    assert (one.code, one.name, one.place) == (other.code, other.name, other.place)
    assert Nation("other").school_class(GOLDEN_SCHOOL, 0) != nation().school_class(GOLDEN_SCHOOL, 0)


def test_a_whole_school_is_what_other_systems_take():
    """A `School` like a practice school: leader first, teachers in the order of the classes."""
    school = nation().whole_school(6_100)
    assert isinstance(school, School)
    assert school.leader == nation().signer(6_100)
    assert school.clerk.title == "Văn thư"
    assert school.administrator.title == "Quản trị viên"
    plan = nation().school(6_100)
    assert (school.code, school.name) == (plan.code, plan.name)
    assert [c.name for c in school.classes] == [each.name for each in plan.classes]
    assert school.staff[-1] == school.classes[-1].teacher


def test_a_class_that_does_not_exist_is_refused():
    """Class numbers run from 0 to the last class of the plan."""
    count = len(nation().school(1).classes)
    for index in (-1, count):
        with pytest.raises(ValueError, match="has classes 0 to"):
            nation().school_class(1, index)
