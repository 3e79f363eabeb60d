"""What an invented school consists of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sandbox.domain.lifecycle import Role
from sandbox.domain.report_card import ReportCard, Sex
from sandbox.domain.report_card_2026 import ReportCard2026


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody who works at a school or a department."""

    personal_id: str
    name: str
    sex: Sex
    role: Role
    title: str
    """Vietnamese title, e.g. Hiệu trưởng: CHUC_VU_GIAM_HIEU_KY_HOC_BA for the leader."""


@dataclass(frozen=True, slots=True)
class Pupil:
    """One pupil of a class; what a record says about the year stands in its card."""

    number: int
    """Place on the class list, from 1."""
    name: str
    sex: Sex
    birth_date: date
    personal_id: str
    code: str
    """MA_HOC_SINH."""
    ethnic_group: str


@dataclass(frozen=True, slots=True)
class SchoolClass:
    """One class; `cards[i]` belongs to `pupils[i]`."""

    name: str
    grade: int
    teacher: Staff
    pupils: tuple[Pupil, ...]
    cards: tuple[ReportCard, ...]


@dataclass(frozen=True, slots=True)
class School:
    """One invented primary school."""

    code: str
    name: str
    commune: str
    district: str | None
    """None from school year 2025-2026: there are no districts any more."""
    province: str
    department_code: str
    department_name: str
    staff: tuple[Staff, ...]
    """Leader, clerk, administrator, then the class teachers in the order of `classes`."""
    classes: tuple[SchoolClass, ...]

    @property
    def leader(self) -> Staff:
        """The head who signs report cards."""
        return self._first(Role.CBQL)

    @property
    def clerk(self) -> Staff:
        """Văn thư: keeper of the school's seal certificate."""
        return self._first(Role.VAN_THU)

    @property
    def administrator(self) -> Staff:
        """Quản trị viên."""
        return self._first(Role.QUAN_TRI)

    def _first(self, role: Role) -> Staff:
        return next(person for person in self.staff if person.role is role)


@dataclass(frozen=True, slots=True)
class Department:
    """One invented Sở with its schools."""

    code: str
    name: str
    province: str
    officer: Staff
    schools: tuple[School, ...]


class Reason(StrEnum):
    """Why a pupil has no record of profile v1.0 (spec/assessment-rules.md §7)."""

    EXEMPT = "exempt"
    """From a subject: v1.0 has no M."""
    GUARDIAN_ONLY = "guardian_only"
    """No mother on file: v1.0 demands one."""
    NO_PERSONAL_ID = "no_personal_id"
    NOT_ASSESSED = "not_assessed"
    """Disabled, by the individual plan."""
    NEEDS_SUMMER = "needs_summer"
    """Waits for the assessment after the summer's help (TT27 art. 11.1b): no record yet."""


@dataclass(frozen=True, slots=True)
class UnrecordedPupil:
    """A pupil of the nation who sits in a class and is not counted among its records."""

    pupil: Pupil
    """`personal_id` is empty where the reason says so."""
    reason: Reason
    father: str | None
    mother: str | None
    guardian: str | None
    card_after_summer: ReportCard | None
    """For `NEEDS_SUMMER`: the lawful card of August; None for all others."""
    card_2026: ReportCard2026 | None
    """For whom v1.0 cannot carry: the card of the 2026 profile; None for `NEEDS_SUMMER`."""


@dataclass(frozen=True, slots=True)
class Employee:
    """Somebody who works at a school of the nation, with what the work is."""

    staff: Staff
    birth_year: int
    subjects: tuple[str, ...]
    """Codes of the subjects taught; empty for leaders and office."""
    classes: tuple[str, ...]
    """Names of the classes of which the teacher is in charge: one, two for a mixed room."""
