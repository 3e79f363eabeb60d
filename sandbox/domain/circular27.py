"""What Thông tư 27/2020/TT-BGDĐT says about primary pupils (spec/assessment-rules.md §1–6).

Tables and formulas only; `assessment` holds a record against them. The year result follows the
circular's order (art. 9.2a).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from sandbox.domain import tables
from sandbox.domain.divisions import first_year

CIRCULAR = "27/2020/TT-BGDĐT"
FIRST_SCHOOL_YEAR: Mapping[int, int] = MappingProxyType(
    {1: 2020, 2: 2021, 3: 2022, 4: 2023, 5: 2024}
)
"""Grade to the calendar year in which its first school year under the circular begins."""

EXEMPT = "M"
"""Level and score of an exempt pupil: the 2026 profile only."""


class YearResult(StrEnum):
    """KET_QUA_XEP_LOAI, best first (art. 9.2a)."""

    EXCELLENT = "Hoàn thành xuất sắc"
    GOOD = "Hoàn thành tốt"
    COMPLETED = "Hoàn thành"
    NOT_COMPLETED = "Chưa hoàn thành"


class Schooling(StrEnum):
    """How a pupil is schooled (art. 8); v1.0 records are always ORDINARY."""

    ORDINARY = "ordinary"
    """Also a disabled pupil in an inclusive class: same rules, single subjects may be exempt."""
    DISABLED_CLASS = "disabled_class"
    """Comments, and tests in Tiếng Việt and Toán only."""
    NOT_ASSESSED = "not_assessed"
    """`cokhuyettatkhongdanhgia = 1`: result, levels and ratings may be missing."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One row of the học bạ form; `status` has C, E or - for the grades 1 to 5."""

    code: str
    name: str
    status: tuple[str, ...]
    scored_grades: frozenset[int]

    def is_compulsory(self, grade: int) -> bool:
        """True when every pupil of *grade* takes it."""
        return self.status[grade - 1] == "C"

    def is_elective(self, grade: int) -> bool:
        """True when a pupil of *grade* may take it."""
        return self.status[grade - 1] == "E"


def _subjects() -> tuple[Subject, ...]:
    return tuple(
        Subject(
            row["code"],
            row["name"],
            tuple(row[f"grade_{grade}"] for grade in range(1, 6)),
            frozenset(int(grade) for grade in row["scored_grades"].split()),
        )
        for row in tables.rows("subjects.csv")
    )


SUBJECTS: tuple[Subject, ...] = _subjects()
"""The 14 rows in the order of the form (2088-PL2)."""

SUBJECT_BY_CODE: Mapping[str, Subject] = MappingProxyType({s.code: s for s in SUBJECTS})

COMPETENCES: tuple[str, ...] = (
    "NANG_LUC_TU_CHU_TU_HOC",
    "NANG_LUC_GIAO_TIEP_HOC_TAC",
    "NANG_LUC_GIAI_QUYET_VAN_DE_SANG_TAO",
    "NANG_LUC_NGON_NGU",
    "NANG_LUC_TINH_TOAN",
    "NANG_LUC_KHOA_HOC",
    "NANG_LUC_CONG_NGHE",
    "NANG_LUC_TIN_HOC",
    "NANG_LUC_THAM_MI",
    "NANG_LUC_THE_CHAT",
)
QUALITIES: tuple[str, ...] = (
    "PHAM_CHAT_YEU_NUOC",
    "PHAM_CHAT_NHAN_AI",
    "PHAM_CHAT_CHAM_CHI",
    "PHAM_CHAT_TRUNG_THUC",
    "PHAM_CHAT_TRACH_NHIEM",
)
RATED_FROM_GRADE_3: frozenset[str] = frozenset({"NANG_LUC_CONG_NGHE", "NANG_LUC_TIN_HOC"})

AWARD_EXCELLENT = "Đạt danh hiệu Học sinh Xuất sắc"
AWARD_MODEL = "Đạt danh hiệu Học sinh Tiêu biểu hoàn thành tốt trong học tập và rèn luyện"


def subjects_due(grade: int) -> tuple[Subject, ...]:
    """Return the compulsory subjects of *grade* in the form's order: 8, 8, 11, 12, 12."""
    return tuple(s for s in SUBJECTS if s.is_compulsory(grade))


def electives(grade: int) -> tuple[Subject, ...]:
    """Return what a pupil of *grade* may take besides."""
    return tuple(s for s in SUBJECTS if s.is_elective(grade))


def scores_due(grade: int, *, schooling: Schooling = Schooling.ORDINARY) -> tuple[str, ...]:
    """Return the codes of the subjects with a year-end test in *grade* (art. 7.1b, 8)."""
    if schooling is Schooling.NOT_ASSESSED:
        return ()
    due = tuple(s.code for s in SUBJECTS if grade in s.scored_grades)
    if schooling is Schooling.DISABLED_CLASS:
        return tuple(code for code in due if code in ("S01", "S02"))
    return due


def ratings_due(grade: int) -> tuple[str, ...]:
    """Return the tags of the ratings due in *grade*, in record order: 13 or 15."""
    due = COMPETENCES + QUALITIES
    return due if grade >= 3 else tuple(tag for tag in due if tag not in RATED_FROM_GRADE_3)


def in_force(grade: int, school_year: str) -> bool:
    """Tell whether *grade* followed the circular in *school_year*; False when malformed."""
    begins = first_year(school_year)
    return begins is not None and grade in FIRST_SCHOOL_YEAR and begins >= FIRST_SCHOOL_YEAR[grade]


def year_result(levels: Iterable[str], ratings: Iterable[str], scores: Iterable[int]) -> YearResult:
    """Return the year result (art. 9.2a), evaluated in the circular's order.

    *levels* are T, H or C of all subjects taken, *ratings* T, Đ or C of all qualities and
    competences, *scores* the year-end tests; exempt ones are left out by the caller.
    """
    s, q, p = tuple(levels), tuple(ratings), tuple(scores)
    if all(level == "T" for level in s) and all(rating == "T" for rating in q):
        if all(score >= 9 for score in p):
            return YearResult.EXCELLENT
        if all(score >= 7 for score in p):
            return YearResult.GOOD
    if (
        all(level in ("T", "H") for level in s)
        and all(rating in ("T", "Đ") for rating in q)
        and all(score >= 5 for score in p)
    ):
        return YearResult.COMPLETED
    return YearResult.NOT_COMPLETED


def completion_text(result: YearResult | str, grade: int, *, promoted: bool) -> str:
    """Return the sentence of item 6 of the form (TT27-PL1, spec/assessment-rules.md §5)."""
    if result != YearResult.NOT_COMPLETED:
        if grade == 5:
            return "Hoàn thành chương trình tiểu học."
        return f"Hoàn thành chương trình lớp {grade}; Được lên lớp {grade + 1}."
    if promoted:
        return f"Chưa hoàn thành chương trình lớp {grade}; Được lên lớp {grade + 1}."
    return f"Chưa hoàn thành chương trình lớp {grade}; Chưa được lên lớp."
