"""A report card held against Thông tư 27 (spec/assessment-rules.md §4–7).

A year result is never taken on trust: it is recomputed from levels, ratings and scores, and what
cannot be computed is refused with its reasons, never defaulted.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from sandbox.domain.circular27 import (
    AWARD_EXCELLENT,
    AWARD_MODEL,
    CIRCULAR,
    COMPETENCES,
    EXEMPT,
    FIRST_SCHOOL_YEAR,
    QUALITIES,
    RATED_FROM_GRADE_3,
    SUBJECT_BY_CODE,
    SUBJECTS,
    Schooling,
    Subject,
    YearResult,
    completion_text,
    electives,
    in_force,
    ratings_due,
    scores_due,
    subjects_due,
    year_result,
)
from sandbox.domain.report_card import ReportCard, Summary
from sandbox.domain.report_card_2026 import ReportCard2026, Summary2026
from sandbox.errors import Finding

__all__ = [
    "AWARD_EXCELLENT",
    "AWARD_MODEL",
    "CIRCULAR",
    "COMPETENCES",
    "EXEMPT",
    "FIRST_SCHOOL_YEAR",
    "QUALITIES",
    "RATED_FROM_GRADE_3",
    "SUBJECTS",
    "SUBJECT_BY_CODE",
    "Schooling",
    "Subject",
    "YearResult",
    "completion_text",
    "electives",
    "in_force",
    "ratings_due",
    "scores_due",
    "subjects_due",
    "year_result",
    "YearOutcome",
    "check_rules",
    "recompute",
]

AnyCard = ReportCard | ReportCard2026
"""What the rules judge is said the same way in both profiles."""

_EXCELLENT_TITLE = "học sinh xuất sắc"
_MODEL_TITLE = "tiêu biểu"


@dataclass(frozen=True, slots=True)
class YearOutcome:
    """What the rules make of one record."""

    result: YearResult | None
    """None when not computable (see `faults`) or not assessed."""
    faults: tuple[Finding, ...]
    """SBX-4001, SBX-4002, SBX-4006: why the result cannot be computed."""


def recompute(card: AnyCard, *, schooling: Schooling = Schooling.ORDINARY) -> YearOutcome:
    """Return the year result of *card* by the rules, or the faults that prevent it.

    Exempt subjects (level M) count neither as levels nor as scores.
    """
    faults = (
        *_subject_faults(card),
        *_score_faults(card, schooling),
        *_rating_faults(card, schooling),
    )
    if faults:
        return YearOutcome(None, faults)
    if schooling is Schooling.NOT_ASSESSED:
        return YearOutcome(None, ())
    taken = [s for s in card.summary.subjects if s.level != EXEMPT]
    result = year_result(
        (s.level for s in taken),
        (rating for _, rating in card.summary.ratings),
        (s.score for s in taken if s.score is not None),
    )
    return YearOutcome(result, ())


def check_rules(card: AnyCard, *, schooling: Schooling = Schooling.ORDINARY) -> list[Finding]:
    """Return everything in *card* that the circular does not allow, warnings included.

    A record outside the circular (grade and year) gets SBX-4007 alone. A record whose result
    cannot be computed gets only the reasons; otherwise result, promotion and awards are compared
    with the recomputed result. A card of the 2026 profile says itself how its pupil is schooled:
    *schooling* is `card.schooling`.
    """
    general = card.general
    if not in_force(general.grade, general.school_year):
        begins = FIRST_SCHOOL_YEAR.get(general.grade)
        expected = None if begins is None else f"≥ {begins}-{begins + 1}"
        return [Finding("SBX-4007", "MA_KHOI", value=f"{general.grade:02}", expected=expected)]
    outcome = recompute(card, schooling=schooling)
    if outcome.result is None:
        return list(outcome.faults)
    return [
        *_result_faults(card.summary, outcome.result),
        *_promotion_faults(card.summary, outcome.result, general.grade),
        *_award_faults(card.summary, outcome.result),
    ]


def _result_faults(summary: Summary | Summary2026, result: YearResult) -> list[Finding]:
    if summary.result == result:
        return []
    return [Finding("SBX-4003", "KET_QUA_XEP_LOAI", value=summary.result, expected=result.value)]


def _promotion_faults(
    summary: Summary | Summary2026, result: YearResult, grade: int
) -> list[Finding]:
    completed = result is not YearResult.NOT_COMPLETED
    faults = []
    # A pupil who has not completed may be promoted by the head (art. 11.1c), never out of grade 5.
    promotions = {True} if completed else {False} if grade == 5 else {False, True}
    if summary.promoted not in promotions:
        faults.append(_flag("DUOC_LEN_LOP", summary.promoted))
    if summary.class_completed != completed:
        faults.append(_flag("DA_HOAN_THANH_CHUONG_TRINH_LOP_HOC", summary.class_completed))
    primary = completed and grade == 5
    if summary.primary_completed is not None and summary.primary_completed != primary:
        faults.append(_flag("DA_HOAN_THANH_CHUONG_TRINH_TIEU_HOC", summary.primary_completed))
    if summary.completion_text is not None:
        promoted = summary.promoted and grade < 5
        text = completion_text(result, grade, promoted=promoted)
        if summary.completion_text.removesuffix(".") != text.removesuffix("."):
            faults.append(
                Finding(
                    "SBX-4004",
                    "NOI_DUNG_HOAN_THANH_CHUONG_TRINH",
                    value=summary.completion_text,
                    expected=text,
                )
            )
    return faults


def _flag(tag: str, found: bool) -> Finding:
    return Finding("SBX-4004", tag, value=str(int(found)), expected=str(int(not found)))


def _award_faults(summary: Summary | Summary2026, result: YearResult) -> list[Finding]:
    award = unicodedata.normalize("NFC", summary.award or "").casefold()
    faults = []
    misplaced = (_EXCELLENT_TITLE in award and result is not YearResult.EXCELLENT) or (
        _MODEL_TITLE in award and result is not YearResult.GOOD
    )
    if misplaced:
        faults.append(Finding("SBX-4005", "NOI_DUNG_KHEN_THUONG", value=summary.award))
    if result is YearResult.EXCELLENT and _EXCELLENT_TITLE not in award:
        faults.append(Finding("SBX-4090", "NOI_DUNG_KHEN_THUONG", value=summary.award))
    return faults


def _subject_faults(card: AnyCard) -> list[Finding]:
    grade = card.general.grade
    found = {s.code for s in card.summary.subjects}
    faults = [
        Finding("SBX-4001", "MA_MON_HOC", value=subject.code)
        for subject in card.summary.subjects
        if subject.code in SUBJECT_BY_CODE and not _taught(subject.code, grade)
    ]
    faults += [
        Finding("SBX-4001", "BANG_DIEM", expected=f"{due.code} {due.name}")
        for due in subjects_due(grade)
        if due.code not in found
    ]
    return faults


def _taught(code: str, grade: int) -> bool:
    subject = SUBJECT_BY_CODE[code]
    return subject.is_compulsory(grade) or subject.is_elective(grade)


def _score_faults(card: AnyCard, schooling: Schooling) -> list[Finding]:
    due = scores_due(card.general.grade, schooling=schooling)
    faults = []
    for subject in card.summary.subjects:
        wanted = subject.code in due and subject.level != EXEMPT
        if wanted and subject.score is None:
            faults.append(Finding("SBX-4002", "DIEM_KIEM_TRA_DINH_KY", expected=subject.code))
        elif not wanted and subject.score is not None:
            where = f"{subject.code}: {subject.score}"
            faults.append(Finding("SBX-4002", "DIEM_KIEM_TRA_DINH_KY", value=where))
    return faults


def _rating_faults(card: AnyCard, schooling: Schooling) -> list[Finding]:
    due = ratings_due(card.general.grade)
    found = {tag for tag, _ in card.summary.ratings}
    if schooling is Schooling.NOT_ASSESSED and not found:
        return []
    missing = [Finding("SBX-4006", tag, expected=tag) for tag in due if tag not in found]
    extra = [
        Finding("SBX-4006", tag, value=rating)
        for tag, rating in card.summary.ratings
        if tag in RATED_FROM_GRADE_3 and tag not in due
    ]
    return missing + extra
