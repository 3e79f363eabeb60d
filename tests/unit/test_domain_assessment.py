"""Thông tư 27/2020/TT-BGDĐT, branch by branch."""

from __future__ import annotations

import unicodedata

import pytest

from sandbox.domain.assessment import (
    AWARD_EXCELLENT,
    AWARD_MODEL,
    SUBJECTS,
    Schooling,
    YearResult,
    check_rules,
    completion_text,
    electives,
    in_force,
    ratings_due,
    recompute,
    scores_due,
    subjects_due,
    year_result,
)
from tests.builders.people import (
    SAMPLE_LEVELS,
    SAMPLE_SCORES,
    a_card,
    codes,
    ratings,
    rows,
    subject,
    with_general,
    with_summary,
)

T12, T15 = "T" * 12, "T" * 15
VECTORS = {
    "V1": (T12, T15, (9, 9, 10, 9, 9, 9, 10), "Hoàn thành xuất sắc"),
    "V2": (T12, T15, (9, 9, 10, 9, 9, 8, 10), "Hoàn thành tốt"),
    "V3": (T12, T15, (9, 9, 10, 9, 9, 6, 10), "Hoàn thành"),
    "V4": ("H" + "T" * 11, T15, (9,) * 7, "Hoàn thành"),
    "V5": (T12, "Đ" + "T" * 14, (10,) * 7, "Hoàn thành"),
    "V6": (T12, T15, (9, 9, 4, 9, 9, 9, 9), "Chưa hoàn thành"),
    "V7": ("C" + "T" * 11, T15, (10,) * 7, "Chưa hoàn thành"),
    "V8": (T12, "C" + "T" * 14, (10,) * 7, "Chưa hoàn thành"),
    "V9": ("H" * 12, "Đ" * 15, (5,) * 7, "Hoàn thành"),
    "V10": (T12, T15, (7,) * 7, "Hoàn thành tốt"),
    "V12": ("T" * 8, "T" * 13, (9, 10), "Hoàn thành xuất sắc"),
    "V13": ("T" * 8, "T" * 13, (9, 7), "Hoàn thành tốt"),
    "V14": (T12, T15, (5,) * 7, "Hoàn thành"),
}


@pytest.mark.parametrize("name", list(VECTORS))
def test_the_year_result_follows_article_9(name):
    """Each vector of spec/assessment-rules.md §4.1 gets the result the circular gives."""
    levels, rated, scores, expected = VECTORS[name]
    assert year_result(levels, rated, scores) == expected


def test_a_score_of_six_makes_good_marks_only_completed():
    """All T with a 6 is "Hoàn thành": rule 2 needs every score at 7, rule 3 at 5."""
    assert year_result(T12, T15, (6,) * 7) is YearResult.COMPLETED


def test_an_exempt_subject_counts_neither_way():
    """V11: eleven T and one exempt unscored subject give the best result."""
    card = a_card(4, subjects=rows(4, {"S10": "M"}))
    assert recompute(card).result is YearResult.EXCELLENT


def test_an_exempt_scored_subject_owes_no_score():
    """A pupil exempt from Tin học has no score there, and a score there would be one too many."""
    without = tuple(
        subject("S06", "M") if row.code == "S06" else row for row in rows(4, {"S06": "M"})
    )
    assert recompute(a_card(4, subjects=without)).result is YearResult.EXCELLENT
    assert codes(recompute(a_card(4, subjects=rows(4, {"S06": "M"}))).faults) == ["SBX-4002"]


def test_the_ministrys_own_sample_pupil_completes():
    """Golden sample of 2088-PL2: two H, one Đ, lowest score 6 give "Hoàn thành"."""
    card = a_card(
        4,
        subjects=rows(4, SAMPLE_LEVELS, SAMPLE_SCORES),
        ratings=ratings(4, {"NANG_LUC_TIN_HOC": "Đ"}),
        result="Hoàn thành",
        award="Giải nhì cuộc thi an toàn giao thông cấp huyện",
        completion_text="Hoàn thành chương trình lớp 4; Được lên lớp 5.",
    )

    assert recompute(with_general(card, school_year="2023-2024")).result == "Hoàn thành"
    assert check_rules(card) == []


def test_there_are_fourteen_subjects_in_the_order_of_the_form():
    """The table has S01 to S14, first Tiếng Việt, last Tiếng dân tộc."""
    assert [s.code for s in SUBJECTS] == [f"S{n:02}" for n in range(1, 15)]
    assert (SUBJECTS[0].name, SUBJECTS[13].name) == ("Tiếng Việt", "Tiếng dân tộc")


@pytest.mark.parametrize(
    ("grade", "compulsory", "chosen", "scored", "rated"),
    [(1, 8, 2, 2, 13), (2, 8, 2, 2, 13), (3, 11, 1, 5, 15), (4, 12, 1, 7, 15), (5, 12, 1, 7, 15)],
)
def test_each_grade_has_its_subjects_scores_and_ratings(grade, compulsory, chosen, scored, rated):
    """Counts of compulsory rows, electives, scores and ratings per grade (§1, §2)."""
    assert len(subjects_due(grade)) == compulsory
    assert len(electives(grade)) == chosen
    assert len(scores_due(grade)) == scored
    assert len(ratings_due(grade)) == rated


def test_grade_three_is_tested_in_english_and_computing_but_not_in_science():
    """Scores of grade 3: S01, S02, S03, S06, S07."""
    assert scores_due(3) == ("S01", "S02", "S03", "S06", "S07")


def test_a_class_for_disabled_pupils_is_tested_in_two_subjects_only():
    """Art. 8: only Toán and Tiếng Việt are tested there."""
    assert scores_due(5, schooling=Schooling.DISABLED_CLASS) == ("S01", "S02")
    card = a_card(
        5, subjects=tuple(subject(r.code, "T", 9 if r.code < "S03" else None) for r in rows(5))
    )
    assert recompute(card, schooling=Schooling.DISABLED_CLASS).result is YearResult.EXCELLENT


def test_a_pupil_who_is_not_assessed_has_no_result_and_no_fault():
    """The flag of the 2026 dictionary lets result, scores and ratings be missing."""
    card = a_card(4, subjects=tuple(subject(r.code) for r in rows(4)), ratings=())
    outcome = recompute(card, schooling=Schooling.NOT_ASSESSED)
    assert (outcome.result, outcome.faults) == (None, ())
    assert check_rules(card, schooling=Schooling.NOT_ASSESSED) == []


@pytest.mark.parametrize("grade", [1, 2, 3, 4, 5])
def test_a_lawful_card_of_each_grade_passes(grade):
    """The builder's card breaks no rule in any grade."""
    assert check_rules(a_card(grade)) == []


# -- SBX-4007


@pytest.mark.parametrize(
    ("grade", "begins"), [(1, 2020), (2, 2021), (3, 2022), (4, 2023), (5, 2024)]
)
def test_the_circular_reaches_each_grade_in_its_own_year(grade, begins):
    """Grade 1 from 2020-2021, then one grade a year up to grade 5 from 2024-2025."""
    assert in_force(grade, f"{begins}-{begins + 1}")
    assert not in_force(grade, f"{begins - 1}-{begins}")


def test_a_record_before_the_circular_is_refused_for_that_alone():
    """Grade 5 of 2023-2024 gets SBX-4007 and nothing else, whatever else is wrong."""
    card = with_summary(
        with_general(a_card(5), school_year="2023-2024"), result="Hoàn thành", subjects=()
    )
    assert codes(check_rules(card)) == ["SBX-4007"]


# -- SBX-4001, 4002, 4006: preconditions


def test_a_subject_that_the_grade_does_not_have_is_refused():
    """Khoa học in grade 3 is SBX-4001."""
    card = a_card(3, subjects=(*rows(3), subject("S05")))
    findings = check_rules(card)
    assert codes(findings) == ["SBX-4001"]
    assert findings[0].value == "S05"


def test_a_missing_compulsory_subject_is_refused_and_no_result_is_guessed():
    """Without Đạo đức the result is not computable: SBX-4001 alone, no SBX-4003."""
    card = a_card(4, subjects=tuple(r for r in rows(4) if r.code != "S08"), result="Hoàn thành")
    findings = check_rules(card)
    assert codes(findings) == ["SBX-4001"]
    assert findings[0].expected == "S08 Đạo đức"


def test_an_elective_may_be_taken_or_left():
    """English in grade 1 is lawful, without a score."""
    assert check_rules(a_card(1, subjects=(*rows(1), subject("S03")))) == []


def test_an_elective_counts_towards_the_result():
    """An H in an elective makes an excellent pupil a completed one."""
    card = a_card(1, subjects=(*rows(1), subject("S03", "H")))
    assert recompute(card).result is YearResult.COMPLETED


def test_a_missing_score_is_refused():
    """A tested subject without score is SBX-4002 and names the subject."""
    card = a_card(4, subjects=tuple(subject("S02") if r.code == "S02" else r for r in rows(4)))
    findings = check_rules(card)
    assert (codes(findings), findings[0].expected) == (["SBX-4002"], "S02")


def test_a_score_where_none_is_due_is_refused():
    """Đạo đức has no test; so has English in grade 1."""
    with_ethics = tuple(subject("S08", "T", 9) if r.code == "S08" else r for r in rows(4))
    assert codes(check_rules(a_card(4, subjects=with_ethics))) == ["SBX-4002"]
    with_english = (*rows(1), subject("S03", "T", 9))
    assert codes(check_rules(a_card(1, subjects=with_english))) == ["SBX-4002"]


def test_computing_is_rated_from_grade_three_on():
    """A rating of Tin học in grade 2, or none in grade 3, is SBX-4006."""
    extra = (*ratings(2), ("NANG_LUC_TIN_HOC", "T"))
    assert codes(check_rules(a_card(2, ratings=extra))) == ["SBX-4006"]
    missing = tuple(pair for pair in ratings(3) if pair[0] != "NANG_LUC_TIN_HOC")
    findings = check_rules(a_card(3, ratings=missing))
    assert (codes(findings), findings[0].field) == (["SBX-4006"], "NANG_LUC_TIN_HOC")


def test_all_preconditions_are_reported_together():
    """Subject, score and rating faults come in this order in one answer."""
    broken = tuple(subject("S02") if r.code == "S02" else r for r in rows(4) if r.code != "S08")
    card = a_card(4, subjects=broken, ratings=ratings(4)[1:])
    assert codes(check_rules(card)) == ["SBX-4001", "SBX-4002", "SBX-4006"]


# -- SBX-4003


def test_a_result_that_differs_from_the_recomputed_one_is_refused():
    """SBX-4003 says what was written and what the rules give."""
    card = a_card(4, result="Hoàn thành tốt", award=AWARD_EXCELLENT)
    findings = check_rules(card)
    assert codes(findings) == ["SBX-4003"]
    assert (findings[0].value, findings[0].expected) == ("Hoàn thành tốt", "Hoàn thành xuất sắc")


# -- §5: promotion


def not_completed(grade: int, **changes: object):
    defaults: dict[str, object] = {
        "subjects": rows(grade, {"S02": "C"}, {"S02": 3}),
        "result": "Chưa hoàn thành",
        "award": None,
        "class_completed": False,
        "primary_completed": False,
        "promoted": False,
        "completion_text": f"Chưa hoàn thành chương trình lớp {grade}; Chưa được lên lớp.",
    }
    return a_card(grade, **(defaults | changes))


def test_not_completed_and_not_promoted_is_lawful():
    """The head decided that the pupil stays: flags 0, 0, 0."""
    assert check_rules(not_completed(3)) == []
    assert check_rules(not_completed(5)) == []


def test_not_completed_but_promoted_by_the_head_is_lawful_below_grade_five():
    """Art. 11.1c: the head may promote a pupil who has not completed."""
    text = "Chưa hoàn thành chương trình lớp 3; Được lên lớp 4."
    assert check_rules(not_completed(3, promoted=True, completion_text=text)) == []


def test_nobody_is_promoted_out_of_grade_five_without_completing():
    """In grade 5 it is SBX-4004."""
    findings = check_rules(not_completed(5, promoted=True))
    assert [(f.code, f.field) for f in findings] == [("SBX-4004", "DUOC_LEN_LOP")]


@pytest.mark.parametrize(
    ("grade", "change", "tag"),
    [
        (4, {"promoted": False}, "DUOC_LEN_LOP"),
        (4, {"class_completed": False}, "DA_HOAN_THANH_CHUONG_TRINH_LOP_HOC"),
        (4, {"primary_completed": True}, "DA_HOAN_THANH_CHUONG_TRINH_TIEU_HOC"),
        (5, {"primary_completed": False}, "DA_HOAN_THANH_CHUONG_TRINH_TIEU_HOC"),
        (5, {"promoted": False}, "DUOC_LEN_LOP"),
        (
            4,
            {"completion_text": "Hoàn thành chương trình lớp 4; Được lên lớp 4."},
            "NOI_DUNG_HOAN_THANH_CHUONG_TRINH",
        ),
    ],
)
def test_each_promotion_field_that_does_not_fit_is_named(grade, change, tag):
    """SBX-4004 names the field that contradicts result and grade."""
    findings = check_rules(a_card(grade, **change))
    assert [(f.code, f.field) for f in findings] == [("SBX-4004", tag)]


def test_a_not_completed_pupil_has_not_completed_the_class():
    """The completion flag 1 with result "Chưa hoàn thành" is SBX-4004."""
    findings = check_rules(not_completed(3, class_completed=True))
    assert [f.field for f in findings] == ["DA_HOAN_THANH_CHUONG_TRINH_LOP_HOC"]


def test_optional_promotion_fields_may_be_left_out():
    """Text of item 6 and the primary flag are compared only when present."""
    assert check_rules(a_card(4, completion_text=None, primary_completed=None)) == []


def test_the_sentence_of_item_six_is_taken_with_and_without_its_full_stop():
    """TT27-PL1 prints the full stop only in its example."""
    text = "Hoàn thành chương trình lớp 4; Được lên lớp 5"
    assert check_rules(a_card(4, completion_text=text)) == []


@pytest.mark.parametrize(
    ("result", "grade", "promoted", "text"),
    [
        ("Hoàn thành tốt", 1, True, "Hoàn thành chương trình lớp 1; Được lên lớp 2."),
        ("Hoàn thành", 5, True, "Hoàn thành chương trình tiểu học."),
        ("Chưa hoàn thành", 2, True, "Chưa hoàn thành chương trình lớp 2; Được lên lớp 3."),
        ("Chưa hoàn thành", 5, False, "Chưa hoàn thành chương trình lớp 5; Chưa được lên lớp."),
    ],
)
def test_item_six_has_one_sentence_for_each_case(result, grade, promoted, text):
    """The table of spec/assessment-rules.md §5."""
    assert completion_text(result, grade, promoted=promoted) == text


# -- §6: awards


def good(**changes: object):
    scores = {"S02": 7}
    defaults = {"subjects": rows(4, None, scores), "result": "Hoàn thành tốt", "award": None}
    return a_card(4, **(defaults | changes))


def test_an_excellent_pupil_without_the_title_is_only_a_warning():
    """Result 1 without "Học sinh Xuất sắc" is SBX-4090."""
    assert codes(check_rules(a_card(4, award=None))) == ["SBX-4090"]


def test_the_excellent_title_needs_the_excellent_result():
    """The title with result 2 is SBX-4005."""
    assert codes(check_rules(good(award=AWARD_EXCELLENT))) == ["SBX-4005"]


def test_the_model_pupil_title_is_possible_but_not_due_with_result_two():
    """Result 2 is necessary for the title, not sufficient."""
    assert check_rules(good(award=AWARD_MODEL)) == []
    assert check_rules(good(award=None)) == []


def test_the_model_pupil_title_needs_result_two():
    """With result 1 it is SBX-4005, and the due title is missing besides."""
    assert codes(check_rules(a_card(4, award=AWARD_MODEL))) == ["SBX-4005", "SBX-4090"]


def test_titles_are_found_in_any_case_and_normal_form():
    """The title in capitals, decomposed, is still the title."""
    award = unicodedata.normalize("NFD", "đạt danh hiệu HỌC SINH XUẤT SẮC năm học")
    assert check_rules(a_card(4, award=award)) == []
    assert codes(check_rules(good(award=award))) == ["SBX-4005"]


def test_an_ad_hoc_award_goes_with_any_result():
    """Awards for an achievement during the year are free text."""
    assert check_rules(good(ad_hoc_award="Học sinh Xuất sắc của cuộc thi vẽ")) == []
