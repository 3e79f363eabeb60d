"""The nation's school year: distributions of the table of shares, words that agree with marks."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal

import pytest

from sandbox.domain.assessment import check_rules
from sandbox.domain.circular27 import (
    AWARD_EXCELLENT,
    AWARD_MODEL,
    COMPETENCES,
    QUALITIES,
    YearResult,
    scores_due,
    subjects_due,
    year_result,
)
from sandbox.domain.consistency import check_consistency
from sandbox.synthetic import remarks
from sandbox.synthetic.chance import path_key, rolled
from sandbox.synthetic.forms import LEANS, form_of, leaning
from sandbox.synthetic.marks import COMPETENCE_OF
from sandbox.synthetic.model import Reason
from sandbox.synthetic.shares import SHARES
from tests.builders.nation import nation, sample

FORMS = [
    form_of(grade, english=english, own_language=own)
    for grade in range(1, 6)
    for english in (False, True)
    for own in (False, True)
]


@pytest.fixture(scope="module")
def cards():
    """About 2,200 cards of all provinces and grades."""
    return [card for made in sample() for card in made.cards]


def drawn(form, count: int, *, key: str = "marks"):
    for number in range(count):
        dice = rolled(path_key("test", key, form.grade, form.codes), number)
        yield leaning(dice[20] << 8 | dice[21]), dice


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.grade}-{len(form.codes)}")
def test_results_are_those_the_circular_computes(form):
    """Every drawn result equals the rule's, and marks lean to what was drawn."""
    for lean, dice in drawn(form, 1_500):
        marks = form.marks(lean, dice)
        assert marks.result is year_result(marks.levels, marks.ratings, marks.scores)
        assert marks.result is lean


def test_results_mix_as_the_table_says():
    """300, 340, 350 and 10 per mille over all two-byte draws."""
    mix = Counter(leaning(chance) for chance in range(65_536))
    shares = [SHARES["results"][n] for n in ("excellent", "good", "completed", "not_completed")]
    assert [round(mix[lean] / 65.536) for lean in LEANS] == shares


def test_results_of_the_sample_mix_as_announced(cards):
    """G6 in real classes: within three points of 30, 34, 35 and 1 per cent."""
    mix = Counter(card.summary.result for card in cards)
    total = len(cards)
    for result, share in zip(YearResult, (0.30, 0.34, 0.35, 0.01), strict=True):
        assert abs(mix[result.value] / total - share) < 0.03


def test_scores_agree_with_levels(cards):
    """G2, G3: integers 1–10 where due; T with 7–10, H with 5–8, C with 1–4."""
    bounds = {"T": (7, 10), "H": (5, 8), "C": (1, 4)}
    for card in cards:
        rows = card.summary.subjects
        assert tuple(r.code for r in rows if r.score is not None) == scores_due(card.general.grade)
        assert [row.code for row in rows] == sorted(row.code for row in rows)
        assert {s.code for s in subjects_due(card.general.grade)} <= {row.code for row in rows}
        for row in rows:
            low, high = bounds[row.level]
            assert row.score is None or low <= row.score <= high


def test_competences_follow_their_subjects_in_four_of_five_cases():
    """G4: 800 per mille of weak subjects show in their competence."""
    followed = weak = 0
    form = form_of(4, english=True, own_language=False)
    for lean, dice in drawn(form, 6_000):
        if lean is not YearResult.COMPLETED:
            continue
        marks = form.marks(lean, dice)
        rated = dict(zip(form.tags, marks.ratings, strict=True))
        below = [c for c, level in zip(form.codes, marks.levels, strict=True) if level != "T"]
        alone = [c for c in below if COMPETENCE_OF.get(c) in rated]
        if len(alone) == 1:
            weak += 1
            followed += rated[COMPETENCE_OF[alone[0]]] != "T"
    assert weak > 400
    assert abs(followed / weak - 0.8) < 0.06


def test_somebody_who_only_completed_has_something_below_t():
    """Whoever leans to "Hoàn thành" has an H, a Đ, or both."""
    form = form_of(1, english=False, own_language=False)
    for lean, dice in drawn(form, 3_000, key="below"):
        marks = form.marks(lean, dice)
        if lean is YearResult.COMPLETED:
            assert "H" in marks.levels or "Đ" in marks.ratings


def test_awards_follow_results(cards):
    """G5: the excellent title always with result 1, the model title for about 700 of 1,000."""
    awards = defaultdict(Counter)
    for card in cards:
        awards[card.summary.result][card.summary.award] += 1
    assert set(awards[YearResult.EXCELLENT.value]) == {AWARD_EXCELLENT}
    good = awards[YearResult.GOOD.value]
    assert set(good) == {AWARD_MODEL, None}
    assert abs(good[AWARD_MODEL] / sum(good.values()) - 0.7) < 0.06
    assert set(awards[YearResult.COMPLETED.value]) == {None}
    ad_hoc = sum(card.summary.ad_hoc_award is not None for card in cards)
    assert 0.015 < ad_hoc / len(cards) < 0.05


def test_no_comment_contradicts_a_mark(cards):
    """Each phrase of each of the four comments stands under the level the pupil has."""
    for card in cards:
        summary, grade = card.summary, card.general.grade
        rated = dict(summary.ratings)
        fields = (
            (summary.comment_qualities, QUALITIES),
            (summary.comment_general, COMPETENCES[:3]),
            (summary.comment_specific, COMPETENCES[3:]),
        )
        for text, tags in fields:
            marked = tuple((tag, rated[tag]) for tag in tags if tag in rated)
            assert remarks.sentences_said(text, marked, grade), text
        closings = remarks.CLOSINGS[YearResult(summary.result)]
        closing = next(c for c in closings if summary.teacher_comment.endswith(f" {c}"))
        said = summary.teacher_comment.removesuffix(f" {closing}")
        assert remarks.sentences_said(said, remarks.marks_of(summary.subjects), grade), said


def test_whoever_has_a_weakness_is_told_of_the_worst(cards):
    """A C or Đ in a field is spoken of in that field: praise alone is no help."""
    weak = 0
    for card in cards:
        rated = dict(card.summary.ratings)
        levels = [(tag, rated[tag]) for tag in QUALITIES]
        if {level for _, level in levels} == {"T"}:
            continue
        weak += 1
        praised = tuple(pair for pair in levels if pair[1] == "T")
        assert not remarks.sentences_said(
            card.summary.comment_qualities, praised, card.general.grade
        )
    assert weak > 100


@pytest.mark.parametrize("grade", range(1, 6))
def test_each_field_has_at_least_200_sentences(grade):
    """G11, for the pupil without any weakness alone; 20 to 300 characters."""
    codes = form_of(grade, english=True, own_language=False).codes
    for named in (False, True):
        fields = (*remarks.rating_fields(grade, named=named),
                  remarks.teacher_field(codes, grade, named=named))  # fmt: skip
        lengths = (3, len(form_of(grade, english=True, own_language=False).tags) - 8, 5, len(codes))
        for field, count in zip(fields, lengths, strict=True):
            step = (1 << 32) // 3_000
            said = {field.sentence("T" * count, n * step) for n in range(3_000)}
            assert len(said) >= 200
            assert all(20 <= len(text) <= 300 for text in said)


def test_comments_have_the_lengths_of_the_form(cards):
    """G11: 20 to 300 characters in every card."""
    for card in cards:
        s = card.summary
        for text in (s.teacher_comment, s.comment_qualities, s.comment_general, s.comment_specific):
            assert 20 <= len(text) <= 300, text


def test_the_youngest_are_not_praised_for_what_they_do_not_learn(cards):
    """Phrases with a grade of their own are not used below it."""
    from_grade = {"giải được bài toán nhiều bước": 3, "cần học lại bảng cộng trừ, nhân chia": 3}
    for card in cards:
        for phrase, grade in from_grade.items():
            if card.general.grade < grade:
                assert phrase not in card.summary.comment_specific


def test_ages_are_those_of_the_table(cards):
    """G7: grade + 5 on 31 December for about 95 %, then one year more, then two and three."""
    late = Counter(2024 - c.general.birth_date.year - c.general.grade - 5 for c in cards)
    assert set(late) <= {0, 1, 2, 3}
    assert 0.925 < late[0] / len(cards) < 0.975
    assert late[1] > late[2]


def test_bodies_grow_with_the_grade_and_absences_are_few(cards):
    """G10: 14–60 kg, 100–160 cm, means rise; mostly 0–6 half-days absent."""
    heights, weights = defaultdict(list), defaultdict(list)
    for card in cards:
        general = card.general
        assert Decimal(14) <= general.weight_kg <= Decimal(60)
        assert Decimal(100) <= general.height_cm <= Decimal(160)
        heights[general.grade].append(general.height_cm)
        weights[general.grade].append(general.weight_kg)
    for figures in (heights, weights):
        means = [sum(figures[grade]) / len(figures[grade]) for grade in range(1, 6)]
        assert means == sorted(means)
        assert means[4] - means[0] > 5
    few = sum(card.general.absent_with_leave <= 6 for card in cards)
    assert few / len(cards) > 0.94


def test_histories_are_as_long_as_the_years_at_school(cards):
    """G9: one row a year, grade by grade; some stayed down, moved, or came in January."""
    kinds = Counter()
    for card in cards:
        grade, rows = card.general.grade, card.history
        kinds["stayed down"] += len(rows) > grade
        kinds["moved"] += rows[0].school_name != card.general.school_name
        kinds["came in January"] += any(row.arrived_on.month == 1 for row in rows)
        kinds["this year"] += rows[-1].arrived_on.month == 1
        assert rows[-1].class_name == card.general.class_name
        assert {int(row.class_name[0]) for row in rows} == set(range(1, grade + 1))
    total = len(cards)
    assert 0.005 < kinds["stayed down"] / total < 0.03
    assert 0.01 < kinds["moved"] / total < 0.05
    assert kinds["came in January"] > kinds["this year"] > 0


def test_whoever_stayed_down_is_older(cards):
    """One year more at school means one year more of age at least."""
    stayed = [card for card in cards if len(card.history) > card.general.grade]
    assert stayed
    for card in stayed:
        assert 2024 - card.general.birth_date.year - card.general.grade - 5 >= 1


def test_pupils_are_the_same_a_year_later():
    """The replay's class is this year's class a grade lower: names, numbers, growth, history."""
    before = nation("2023-2024").school_class(4_321, 1)
    now = nation("2024-2025").school(4_321).classes
    after = next(
        nation("2024-2025").school_class(4_321, plan.index)
        for plan in now
        if (plan.grade, plan.number) == (before.grade + 1, 2)
    )
    old = {card.general.pupil_code: card for card in before.cards}
    new = {card.general.pupil_code: card for card in after.cards}
    stayed = old.keys() & new.keys()
    assert len(stayed) >= len(before.cards) - 4
    for code in stayed:
        a, b = old[code].general, new[code].general
        assert (a.pupil_name, a.pupil_id, a.birth_date, a.mother, a.ethnic_group) == (
            b.pupil_name, b.pupil_id, b.birth_date, b.mother, b.ethnic_group,
        )  # fmt: skip
        assert a.record_id != b.record_id
        assert b.height_cm >= a.height_cm + 3
        assert new[code].history[:-1] == old[code].history


def test_the_era_switch_keeps_pupils_and_renames_places():
    """2025-2026: the same people a grade higher, in the new province, without a district."""
    number = nation().provinces[9].schools[0][3]
    old = nation("2024-2025").school_class(number, 0)
    new = next(
        nation("2025-2026").school_class(number, plan.index)
        for plan in nation("2025-2026").school(number).classes
        if (plan.grade, plan.number) == (2, 1)
    )
    before = {c.general.pupil_id: c.general for c in old.cards}
    after = {c.general.pupil_id: c.general for c in new.cards}
    both = before.keys() & after.keys()
    assert len(both) >= len(old.cards) - 4
    for number_ in both:
        a, b = before[number_], after[number_]
        assert (a.pupil_name, a.pupil_code, a.school_name) == (
            b.pupil_name, b.pupil_code, b.school_name,
        )  # fmt: skip
        assert (a.province, b.province) == ("Yên Bái", "Lào Cai")
        assert a.district is not None
        assert b.district is None
        assert "huyện" not in b.address + b.native_place


def test_whoever_needs_the_summer_has_a_lawful_card_in_august():
    """Dated between the locks; mostly completed then, else the head decided (TT27 art. 11.1c)."""
    opened = nation()
    late = [
        each.card_after_summer
        for number in range(11_000, 11_012)
        for plan in opened.school(number).classes
        for each in opened.unrecorded(number, plan.index)
        if each.reason is Reason.NEEDS_SUMMER
    ]
    results = Counter(card.summary.result for card in late)
    assert results["Hoàn thành"] > results["Chưa hoàn thành"] > 0
    assert set(results) == {"Hoàn thành", "Chưa hoàn thành"}
    for card in late:
        assert card.general.created_on == date(2025, 8, 6)
        assert card.general.issue_planned_on == date(2025, 8, 12)
        assert check_rules(card) == []
        assert check_consistency(card) == []


@pytest.mark.parametrize(
    ("before", "after"), [("2023-2024", "2024-2025"), ("2024-2025", "2025-2026")]
)
def test_whoever_was_not_promoted_sits_in_the_same_grade_a_year_later(before, after):
    """The same pupil and numbers, one row more; everybody else who stays is a grade higher."""
    stayed = 0
    for number in (*range(4_000, 4_012), *range(900, 904)):
        old, new = (
            {
                card.general.pupil_code: card
                for plan in nation(year).school(number).classes
                for card in nation(year).school_class(number, plan.index).cards
            }
            for year in (before, after)
        )
        for code, card in old.items():
            later = new.get(code)
            if not card.summary.promoted:
                stayed += 1
                assert card.summary.result == YearResult.NOT_COMPLETED.value
                assert later is not None
            if later is None:
                continue
            a, b = card.general, later.general
            assert b.grade == a.grade + card.summary.promoted
            assert (a.pupil_name, a.pupil_id, a.birth_date, a.register_number, a.mother) == (
                b.pupil_name, b.pupil_id, b.birth_date, b.register_number, b.mother,
            )  # fmt: skip
            assert [(r.school_year, r.class_name) for r in later.history[:-1]] == [
                (r.school_year, r.class_name) for r in card.history
            ]
            assert b.height_cm > a.height_cm
    assert stayed > 10


def test_about_one_pupil_in_two_hundred_stays_down():
    """As many as the circular's own figure of those not completed allows, in every grade."""
    kinds = Counter()
    for number in range(50, 14_600, 900):
        for plan in nation().school(number).classes:
            for card in nation().school_class(number, plan.index).cards:
                kinds[card.summary.promoted] += 1
                kinds[plan.grade, card.summary.promoted] += 1
    assert 0.003 < kinds[False] / (kinds[True] + kinds[False]) < 0.009
    assert all(kinds[grade, False] for grade in range(1, 6))
