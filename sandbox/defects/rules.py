"""Faults against Thông tư 27: well formed, well signed, and not what the circular allows."""

from __future__ import annotations

import dataclasses
from typing import Any

from sandbox.defects.delivery import Delivery
from sandbox.defects.kit import GRADE, Kit
from sandbox.defects.registry import defect
from sandbox.defects.xpaths import ALONE, ASSESSMENT, SUBJECTS, SUMMARY
from sandbox.domain.circular27 import (
    AWARD_EXCELLENT,
    AWARD_MODEL,
    YearResult,
    completion_text,
    ratings_due,
    scores_due,
    subjects_due,
)
from sandbox.domain.report_card import ReportCard, SubjectResult


def _card(
    kit: Kit,
    *,
    score: int = 9,
    result: YearResult = YearResult.EXCELLENT,
    award: str | None = AWARD_EXCELLENT,
    **summary: Any,
) -> ReportCard:
    """Return a lawful card with T in everything and *score* in every test."""
    scored = scores_due(GRADE)
    lawful: dict[str, Any] = {
        "subjects": tuple(
            SubjectResult(due.code, due.name, "T", score if due.code in scored else None)
            for due in subjects_due(GRADE)
        ),
        "ratings": tuple((tag, "T") for tag in ratings_due(GRADE)),
        "result": str(result),
        "promoted": True,
        "class_completed": True,
        "primary_completed": False,
        "completion_text": completion_text(result, GRADE, promoted=True),
        "award": award,
    }
    card = kit.card(1)
    changed = dataclasses.replace(card.summary, **{**lawful, **summary})
    return dataclasses.replace(card, summary=changed)


def _subjects(card: ReportCard, *rows: SubjectResult) -> ReportCard:
    return dataclasses.replace(card, summary=dataclasses.replace(card.summary, subjects=rows))


@defect(provokes="SBX-4001", at=SUBJECTS)
def compulsory_subject_missing(kit: Kit) -> Delivery:
    """Đạo đức, compulsory in every grade, has no row."""
    card = _card(kit)
    rows = (row for row in card.summary.subjects if row.code != "S08")
    return kit.deliver_card(_subjects(card, *rows))


@defect(provokes="SBX-4001", at=f"{SUBJECTS}/MON_HOC[13]/MA_MON_HOC")
def subject_of_another_grade(kit: Kit) -> Delivery:
    """Tự nhiên và Xã hội, taught up to grade 3, stands in a grade 4 record."""
    card = _card(kit)
    extra = SubjectResult("S09", "Tự nhiên và Xã hội", "T")
    return kit.deliver_card(_subjects(card, *card.summary.subjects, extra))


@defect(provokes="SBX-4002", at=f"{SUBJECTS}/MON_HOC[4]")
def score_missing(kit: Kit) -> Delivery:
    """Lịch sử và Địa lí has no year-end score, though grade 4 is tested in it."""
    card = _card(kit)
    rows = list(card.summary.subjects)
    rows[3] = dataclasses.replace(rows[3], score=None)
    return kit.deliver_card(_subjects(card, *rows))


@defect(provokes="SBX-4002", at=f"{SUBJECTS}/MON_HOC[8]/DIEM_KIEM_TRA_DINH_KY")
def score_in_a_subject_without_tests(kit: Kit) -> Delivery:
    """Đạo đức has a score, though no grade is tested in it."""
    card = _card(kit)
    rows = list(card.summary.subjects)
    rows[7] = dataclasses.replace(rows[7], score=9)
    return kit.deliver_card(_subjects(card, *rows))


@defect(provokes="SBX-4003", at=f"{SUMMARY}/KET_QUA_XEP_LOAI")
def result_too_good(kit: Kit) -> Delivery:
    """Every score is 8, yet the result says Hoàn thành xuất sắc, which needs 9 everywhere."""
    card = _card(kit, score=8, result=YearResult.GOOD, award=AWARD_MODEL)
    summary = dataclasses.replace(card.summary, result=str(YearResult.EXCELLENT))
    return kit.deliver_card(dataclasses.replace(card, summary=summary))


@defect(provokes="SBX-4003", at=f"{SUMMARY}/KET_QUA_XEP_LOAI")
def result_of_last_term(kit: Kit) -> Delivery:
    """One score is 4: Chưa hoàn thành, but the result and the texts stayed as they were.

    What follows from the result (promotion, texts) is refused along with it.
    """
    card = _card(kit, score=7, result=YearResult.GOOD, award=None)
    rows = list(card.summary.subjects)
    rows[1] = dataclasses.replace(rows[1], score=4)
    return kit.deliver_card(_subjects(card, *rows))


@defect(provokes="SBX-4004", at=f"{SUMMARY}/DUOC_LEN_LOP")
def completed_but_not_promoted(kit: Kit) -> Delivery:
    """The pupil completed the year, and DUOC_LEN_LOP is 0."""
    return kit.deliver_card(_card(kit, promoted=False, completion_text=None))


@defect(provokes="SBX-4004", at=f"{SUMMARY}/NOI_DUNG_HOAN_THANH_CHUONG_TRINH")
def completion_text_of_another_grade(kit: Kit) -> Delivery:
    """The text of item 6 promotes from grade 3 to grade 4, copied from last year."""
    text = completion_text(YearResult.EXCELLENT, GRADE - 1, promoted=True)
    return kit.deliver_card(_card(kit, completion_text=text))


@defect(provokes="SBX-4004", at=f"{SUMMARY}/DA_HOAN_THANH_CHUONG_TRINH_TIEU_HOC")
def primary_school_completed_in_grade_4(kit: Kit) -> Delivery:
    """The flag of primary school completed is set in grade 4."""
    return kit.deliver_card(_card(kit, primary_completed=True))


@defect(provokes="SBX-4005", at=f"{SUMMARY}/NOI_DUNG_KHEN_THUONG")
def title_too_high(kit: Kit) -> Delivery:
    """The title Học sinh Xuất sắc goes with result Hoàn thành xuất sắc only; scores are 8."""
    card = _card(kit, score=8, result=YearResult.GOOD, award=AWARD_EXCELLENT)
    return kit.deliver_card(card)


@defect(provokes="SBX-4005", at=f"{SUMMARY}/NOI_DUNG_KHEN_THUONG")
def title_without_the_result(kit: Kit) -> Delivery:
    """The title Học sinh Tiêu biểu with result Hoàn thành; scores are 6."""
    card = _card(kit, score=6, result=YearResult.COMPLETED, award=AWARD_MODEL)
    return kit.deliver_card(card)


@defect(provokes="SBX-4006", at=ASSESSMENT)
def competence_in_computing_not_rated(kit: Kit) -> Delivery:
    """NANG_LUC_TIN_HOC is left out, as in grade 2; from grade 3 on it is rated."""
    ratings = tuple((tag, "T") for tag in ratings_due(GRADE) if tag != "NANG_LUC_TIN_HOC")
    return kit.deliver_card(_card(kit, ratings=ratings))


@defect(provokes="SBX-4007", at=f"{ALONE}/MA_KHOI")
def grade_not_yet_under_the_circular(kit: Kit) -> Delivery:
    """A grade 5 record of 2023-2024: the circular reached grade 5 a year later."""
    card = kit.card(1, grade=5, school_year="2023-2024")
    history = tuple(
        dataclasses.replace(
            row,
            school_year=f"{int(row.school_year[:4]) - 1}-{row.school_year[:4]}",
            arrived_on=row.arrived_on.replace(year=row.arrived_on.year - 1),
        )
        for row in card.history
    )
    record = kit.signed(kit.record(dataclasses.replace(card, history=history)))
    return kit.deliver_alone(record, nam_hoc=2023)


@defect(provokes="SBX-4090", at=f"{SUMMARY}/NOI_DUNG_KHEN_THUONG")
def excellent_without_the_title(kit: Kit) -> Delivery:
    """Result Hoàn thành xuất sắc, and an award text without its title: accepted, with a warning."""
    return kit.deliver_card(_card(kit, award="Giải nhì thi vẽ cấp trường"))
