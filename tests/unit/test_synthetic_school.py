"""Invented schools are lawful, complete and the same every time."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import unicodedata
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from sandbox.clock import DEFAULT_SPACE_START
from sandbox.domain.assessment import AWARD_EXCELLENT, check_rules, scores_due, subjects_due
from sandbox.domain.consistency import check_consistency, check_practice_marks
from sandbox.domain.identifiers import PersonalId, is_practice_id, is_uuid4
from sandbox.domain.lifecycle import Role
from sandbox.synthetic import make_class, make_school, practice_department
from sandbox.synthetic.marks import COMPETENCE_OF
from tests.builders.people import practice

GOLDEN = "bbde448b3890f628dabcce74860aeb9c1540f8463b4d81bd1a00440deab65458"


def card_hash(seed: str) -> str:
    cards = [card for c in make_school(seed).classes for card in c.cards]
    return hashlib.sha256("\n".join(map(repr, cards)).encode()).hexdigest()


@pytest.fixture(scope="module")
def cards():
    """All cards of eight schools in three regions: about 1,200."""
    found = []
    for province, number in (("48", 401), ("48", 402), ("01", 401), ("64", 407), ("14", 411)):
        for c in make_school("lawful", province=province, number=number).classes:
            found.extend(c.cards)
    big = make_school("lawful", number=499, classes_per_grade=3, pupils=35)
    found.extend(card for c in big.classes for card in c.cards)
    return found


def test_every_card_keeps_every_rule_without_a_warning(cards):
    """G1–G15: no error, no warning, practice marks everywhere."""
    for card in cards:
        assert check_rules(card) == []
        assert check_consistency(card) == []
        assert check_practice_marks(card) == []


def test_subject_rows_stand_in_the_order_of_the_form(cards):
    """G1, G2: compulsory rows and electives in order; scores 1–10 exactly where due."""
    for card in cards:
        found = [row.code for row in card.summary.subjects]
        assert found == sorted(found)
        assert {s.code for s in subjects_due(card.general.grade)} <= set(found)
        scored = [row for row in card.summary.subjects if row.score is not None]
        assert tuple(row.code for row in scored) == scores_due(card.general.grade)
        assert all(1 <= row.score <= 10 for row in scored)


def test_levels_and_scores_agree(cards):
    """G3: T goes with 7–10, H with 5–8, C with 1–4."""
    bounds = {"T": (7, 10), "H": (5, 8), "C": (1, 4)}
    for card in cards:
        for row in card.summary.subjects:
            low, high = bounds[row.level]
            assert row.score is None or low <= row.score <= high


def test_competences_follow_their_subjects_in_four_of_five_cases(cards):
    """G4: below T in a subject mostly means below T in its competence."""
    follows, weak = 0, 0
    for card in cards:
        rated = dict(card.summary.ratings)
        for row in card.summary.subjects:
            tag = COMPETENCE_OF.get(row.code)
            if row.level != "T" and tag in rated:
                weak += 1
                follows += rated[tag] != "T"
    assert weak > 300
    assert 0.72 < follows / weak < 0.9


def test_results_mix_as_announced(cards):
    """G6: about 30, 34 and 35 per cent, and one pupil a school who did not complete."""
    mix = Counter(card.summary.result for card in cards)
    total = len(cards)
    assert abs(mix["Hoàn thành xuất sắc"] / total - 0.30) < 0.05
    assert abs(mix["Hoàn thành tốt"] / total - 0.34) < 0.05
    assert abs(mix["Hoàn thành"] / total - 0.36) < 0.05
    assert mix["Chưa hoàn thành"] == 6


def test_awards_follow_results(cards):
    """G5: the excellent title for each result 1, the model title for some of result 2."""
    awards = {result: Counter() for result in {card.summary.result for card in cards}}
    for card in cards:
        awards[card.summary.result][card.summary.award] += 1
    assert set(awards["Hoàn thành xuất sắc"]) == {AWARD_EXCELLENT}
    assert len(awards["Hoàn thành tốt"]) == 2
    assert set(awards["Hoàn thành"]) == {None}


def test_ages_and_ids_fit_the_grade(cards):
    """G7, G8: mostly grade + 5 on 31 December; ID tells sex, year and practice range."""
    late = Counter()
    for card in cards:
        general = card.general
        late[2024 - general.birth_date.year - general.grade - 5] += 1
        assert is_practice_id(general.pupil_id)
        assert PersonalId.parse(general.pupil_id).sex is general.sex
    assert set(late) == {0, 1, 2}
    assert late[0] / len(cards) > 0.92


def test_histories_end_with_the_current_class_and_fall_by_one_grade_a_year(cards):
    """G9: one grade down for each earlier year, unless the pupil stayed down."""
    repeated = 0
    for card in cards:
        grades = [int(row.class_name[0]) for row in card.history]
        assert card.history[-1].class_name == card.general.class_name
        assert grades == sorted(grades)
        assert grades[0] == 1
        assert set(grades) == set(range(1, card.general.grade + 1))
        repeated += len(grades) > card.general.grade
    assert 0 < repeated < len(cards) * 0.06


def test_bodies_and_absences_are_those_of_children(cards):
    """G10: 14–60 kg, 100–160 cm rising with grade, absences 0–6."""
    heights = {grade: [] for grade in range(1, 6)}
    for card in cards:
        general = card.general
        assert Decimal(14) <= general.weight_kg <= Decimal(60)
        assert Decimal(100) <= general.height_cm <= Decimal(160)
        assert 0 <= general.absent_with_leave <= 6
        assert 0 <= general.absent_without_leave <= 2
        heights[general.grade].append(general.height_cm)
    means = [sum(heights[grade]) / len(heights[grade]) for grade in range(1, 6)]
    assert means == sorted(means)


def test_comments_have_the_lengths_of_the_form(cards):
    """G11: 20–300 characters."""
    for card in cards:
        summary = card.summary
        for text in (
            summary.teacher_comment,
            summary.comment_qualities,
            summary.comment_general,
            summary.comment_specific,
        ):
            assert 20 <= len(text) <= 300, text


def test_dates_let_the_first_signing_day_be_the_planned_one(cards):
    """G13: made before the space clock starts, planned for its first day (no SBX-3061)."""
    for card in cards:
        assert card.general.created_on == date(2025, 5, 26)
        assert card.general.issue_planned_on == DEFAULT_SPACE_START.date()


def test_every_text_is_nfc_and_names_are_names(cards):
    """Only letters, marks, space, apostrophe, hyphen and full stop; U+0027, never U+2019."""
    for card in cards:
        assert unicodedata.is_normalized("NFC", repr(card))
        general = card.general
        for name in (general.pupil_name, general.father, general.mother, general.teacher_name):
            if name is not None:
                assert all(c in " '-." or unicodedata.category(c)[0] in "LM" for c in name), name
                assert name == " ".join(name.split())


def test_the_practice_department_is_what_lessons_count_on():
    """One Sở, two schools, ten classes; class 1 of school 1 has exactly 30 pupils."""
    department = practice()
    assert (department.code, department.name) == (
        "48",
        "Sở Giáo dục và Đào tạo Đà Nẵng (giả lập)",
    )
    assert [s.code for s in department.schools] == ["48999401", "48999402"]
    assert [c.name for s in department.schools for c in s.classes] == [
        "1A1", "2A1", "3A1", "4A1", "5A1", "1A1", "2A1", "3A1", "4A1", "5A1",
    ]  # fmt: skip
    assert len(department.schools[0].classes[0].pupils) == 30
    assert 290 <= sum(len(c.pupils) for s in department.schools for c in s.classes) <= 310
    assert department.officer.role is Role.SO


def test_the_first_class_has_nobody_who_waits():
    """All 30 of class 1 of school 1 completed the year, so that 30 of 30 can be accepted."""
    first = practice().schools[0].classes[0]
    assert "Chưa hoàn thành" not in {card.summary.result for card in first.cards}


def test_each_school_has_its_staff():
    """Leader, clerk, administrator and one teacher per class, all different people."""
    for school in practice().schools:
        assert [p.role for p in school.staff[:3]] == [Role.CBQL, Role.VAN_THU, Role.QUAN_TRI]
        assert (school.leader, school.clerk, school.administrator) == school.staff[:3]
        assert school.staff[3:] == tuple(c.teacher for c in school.classes)
        for c in school.classes:
            for card in c.cards:
                general = card.general
                assert (general.teacher_name, general.teacher_id) == (
                    c.teacher.name,
                    c.teacher.personal_id,
                )
                assert (general.leader_name, general.leader_id, general.leader_title) == (
                    school.leader.name,
                    school.leader.personal_id,
                    "Hiệu trưởng",
                )


def test_nobody_shares_an_id_a_code_or_a_record_number():
    """Personal IDs, pupil codes and record ids are unique across schools, staff included."""
    schools = [*practice().schools, make_school("hoc-ba-so", number=403, classes_per_grade=7)]
    pupils = [p for s in schools for c in s.classes for p in c.pupils]
    people = [p.personal_id for p in pupils] + [p.personal_id for s in schools for p in s.staff]
    people.append(practice().officer.personal_id)
    records = [card.record_id for s in schools for c in s.classes for card in c.cards]
    for ids in (people, [p.code for p in pupils], records):
        assert len(set(ids)) == len(ids)
    assert all(map(is_uuid4, records))


def test_no_two_classmates_share_a_name():
    """Lessons name pupils; in the practice classes a name means one pupil."""
    for school in practice().schools:
        for c in school.classes:
            names = [p.name for p in c.pupils]
            assert len(set(names)) == len(names)


def test_pupils_and_cards_go_together_in_the_order_of_the_list():
    """`cards[i]` belongs to `pupils[i]`; numbers run from 1."""
    for c in practice().schools[1].classes:
        assert [p.number for p in c.pupils] == list(range(1, len(c.pupils) + 1))
        assert [p.personal_id for p in c.pupils] == [card.general.pupil_id for card in c.cards]


def test_the_mandatory_odd_cases_are_in_every_practice_school():
    """Name of 30 letters, H' and Y names, no middle name, no father."""
    for school in practice().schools:
        names = [p.name for c in school.classes for p in c.pupils]
        assert any(sum(ch.isalpha() for ch in name) >= 30 for name in names)
        assert any(name.startswith("H'") for name in names)
        assert any(name.startswith("Y ") for name in names)
        assert any(len(name.split()) == 2 for name in names)
        fathers = [card.general.father for c in school.classes for card in c.cards]
        assert None in fathers


def test_a_class_alone_is_the_class_inside_its_school():
    """Keyed by number: making fewer grades or classes changes nothing in those made."""
    school = make_school("keyed", number=417, classes_per_grade=2)
    alone = make_class("keyed", number=417, grade=3, class_number=2)
    assert alone == school.classes[5]
    assert (
        make_school("keyed", number=417, grades=(3,), classes_per_grade=2).classes
        == (school.classes[4:6])
    )


def test_a_school_alone_is_the_school_inside_its_department():
    """The second practice school can be made without the first."""
    assert make_school("hoc-ba-so", number=402) == practice().schools[1]


def test_another_seed_gives_other_people():
    """The seed changes names and marks, not codes."""
    one, other = make_school("a", grades=(1,)), make_school("b", grades=(1,))
    assert one.code == other.code
    assert [p.name for p in one.classes[0].pupils] != [p.name for p in other.classes[0].pupils]


def test_the_cards_of_a_school_are_golden():
    """The same bytes as when this test was written: a change of the generator shows here."""
    assert card_hash("hoc-ba-so") == GOLDEN


@pytest.mark.parametrize("hash_seed", ["1", "4711"])
def test_no_process_makes_other_cards(hash_seed):
    """PYTHONHASHSEED makes no difference."""
    code = (
        "import hashlib\nfrom sandbox.synthetic import make_school\n"
        "cards = [card for c in make_school('hoc-ba-so').classes for card in c.cards]\n"
        "print(hashlib.sha256('\\n'.join(map(repr, cards)).encode()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == GOLDEN


def test_earlier_and_later_school_years_are_possible():
    """The pilot's 2023-2024 has grades 1–4; 2025-2026 has no district."""
    pilot = make_school("years", grades=(1, 4), school_year="2023-2024")
    assert pilot.classes[0].cards[0].general.created_on == date(2024, 5, 26)
    later = make_school("years", grades=(1, 5), school_year="2025-2026")
    assert later.district is None
    for card in (*pilot.classes[1].cards, *later.classes[1].cards):
        assert check_rules(card) == []
        assert check_consistency(card) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"province": "03"}, "province"),
        ({"province": "49", "school_year": "2025-2026"}, "province"),
        ({"school_year": "2024"}, "school year"),
        ({"number": 17}, "primary school"),
        ({"number": 41000}, "school numbers"),
        ({"classes_per_grade": 8}, "classes per grade"),
        ({"pupils": 46}, "pupils per class"),
        ({"grades": (5,), "school_year": "2023-2024"}, "circular"),
    ],
)
def test_a_school_that_cannot_be_is_refused(arguments, message):
    """Arguments out of range raise ValueError naming what is wrong."""
    with pytest.raises(ValueError, match=message):
        make_school("seed", **arguments)


def test_the_department_follows_its_seed():
    """Two departments of one seed are equal, of two seeds not."""
    assert practice_department("x") == practice_department("x")
    assert practice_department("x").officer != practice_department("y").officer
