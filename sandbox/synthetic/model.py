"""What an invented school consists of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sandbox.domain.lifecycle import Role
from sandbox.domain.report_card import ReportCard, Sex


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
