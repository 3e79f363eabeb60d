"""Report cards for tests: right defaults, so that a test shows only what is different."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import lru_cache

from sandbox.domain.circular27 import SUBJECT_BY_CODE, ratings_due, subjects_due
from sandbox.domain.report_card import (
    General,
    ReportCard,
    Sex,
    SubjectResult,
    Summary,
    YearAtSchool,
)
from sandbox.synthetic import Department, practice_department

SCHOOL = "Trường Tiểu học Giả Lập số 1"

SAMPLE_LEVELS = {"S06": "H", "S11": "H"}
SAMPLE_SCORES = dict(
    zip(("S01", "S02", "S03", "S04", "S05", "S06", "S07"), (9, 10, 9, 8, 8, 6, 9), strict=True)
)
"""Levels and scores of the ministry's sample pupil (spec/assessment-rules.md §4.2)."""


@lru_cache(maxsize=1)
def practice() -> Department:
    """Return the practice department, made once per test run."""
    return practice_department()


def rows(
    grade: int, levels: Mapping[str, str] | None = None, scores: Mapping[str, int] | None = None
) -> tuple[SubjectResult, ...]:
    """Return the compulsory rows of *grade*: T and 9 where nothing else is said."""
    return tuple(
        SubjectResult(
            subject.code,
            subject.name,
            (levels or {}).get(subject.code, "T"),
            (scores or {}).get(subject.code, 9) if grade in subject.scored_grades else None,
        )
        for subject in subjects_due(grade)
    )


def ratings(grade: int, changed: Mapping[str, str] | None = None) -> tuple[tuple[str, str], ...]:
    """Return the ratings due in *grade*: T where nothing else is said."""
    return tuple((tag, (changed or {}).get(tag, "T")) for tag in ratings_due(grade))


def subject(code: str, level: str = "T", score: int | None = None) -> SubjectResult:
    """Return one subject row with its right name."""
    return SubjectResult(code, SUBJECT_BY_CODE[code].name, level, score)


def a_card(grade: int = 4, **summary: object) -> ReportCard:
    """Return a lawful card of 2024-2025: "Hoàn thành xuất sắc" in every grade."""
    begins = 2024
    history = tuple(
        YearAtSchool(f"{year}-{year + 1}", f"{g}A1", SCHOOL, date(year, 9, 5))
        for g, year in zip(range(1, grade + 1), range(begins - grade + 1, begins + 1), strict=True)
    )
    card = ReportCard(_general(grade), history, _summary(grade))
    return with_summary(card, **summary)


def with_general(card: ReportCard, **changes: object) -> ReportCard:
    """Return *card* with fields of THONG_TIN_CHUNG changed."""
    return replace(card, general=replace(card.general, **changes))


def with_summary(card: ReportCard, **changes: object) -> ReportCard:
    """Return *card* with fields of TONG_KET changed."""
    return replace(card, summary=replace(card.summary, **changes))


def codes(findings: Iterable[object]) -> list[str]:
    """Return the codes of *findings* in order."""
    return [finding.code for finding in findings]


def _general(grade: int) -> General:
    return General(
        record_id=f"9000000{grade}-0000-4000-8000-000000000001",
        school_year="2024-2025",
        department_code="48",
        department_name="Sở Giáo dục và Đào tạo Đà Nẵng (giả lập)",
        school_code="48999401",
        school_name=SCHOOL,
        district="Quận Giả Lập",
        commune="Phường Thử Nghiệm",
        province="Đà Nẵng",
        register_number="0017/2021",
        pupil_name="Nguyễn Mẫu Giả Lập",
        pupil_id=f"9483{(2024 - grade - 5) % 100:02}000017",
        pupil_code="489990000017",
        sex=Sex.FEMALE,
        birth_date=date(2024 - grade - 5, 3, 9),
        weight_kg=Decimal("29.5"),
        height_cm=Decimal(134),
        absent_with_leave=3,
        absent_without_leave=0,
        birth_place="Bệnh viện Giả Lập, thành phố Đà Nẵng",
        native_place="Xã Thử Nghiệm, huyện Giả Lập, tỉnh Quảng Nam",
        address="Tổ 9, phường Thử Nghiệm, quận Giả Lập, thành phố Đà Nẵng",
        father="Nguyễn Văn Mẫu Hai",
        mother="Trần Thị Mẫu Ba",
        leader_name="Lê Văn Mẫu Bốn",
        leader_id="948075000032",
        issue_place="Đà Nẵng",
        created_on=date(2025, 5, 26),
        issue_planned_on=date(2025, 5, 28),
        teacher_name="Phạm Thị Mẫu Năm",
        teacher_id="948185000021",
        grade=grade,
        class_name=f"{grade}A1",
    )


def _summary(grade: int) -> Summary:
    text = f"Hoàn thành chương trình lớp {grade}; Được lên lớp {grade + 1}."
    return Summary(
        result="Hoàn thành xuất sắc",
        promoted=True,
        completion_text="Hoàn thành chương trình tiểu học." if grade == 5 else text,
        class_completed=True,
        primary_completed=grade == 5,
        award="Đạt danh hiệu Học sinh Xuất sắc",
        teacher_comment="Em học đều các môn, viết bài sạch sẽ, tính nhanh.",
        subjects=rows(grade),
        ratings=ratings(grade),
        comment_qualities="Em lễ phép, giữ lời hứa, hay giúp bạn trực nhật.",
        comment_general="Em tự chuẩn bị bài ở nhà, biết chia việc khi học nhóm.",
        comment_specific="Em đọc trôi chảy, giải được bài toán nhiều bước.",
    )
