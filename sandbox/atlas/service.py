"""The nation as its pages need it: one opened per school year, asked by one visitor at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final, TypeVar

from sandbox.documents import render_record_2026
from sandbox.domain.circular27 import scores_due
from sandbox.domain.report_card import ReportCard
from sandbox.domain.report_card_2026 import ReportCard2026
from sandbox.synthetic.model import Employee, Reason, SchoolClass, UnrecordedPupil
from sandbox.synthetic.nation import Nation
from sandbox.synthetic.plans import ClassPlan, ProvincePlan, SchoolPlan

SCHOOLS_A_PAGE: Final = 40
YEARS: Final = ("2023-2024", "2024-2025", "2025-2026")
"""School years that can be looked at: pilot, practice, 34 provinces."""

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class ProvinceView:
    """One province with one page of its schools."""

    plan: ProvincePlan
    schools: tuple[SchoolPlan, ...]
    more: bool
    """Whether another page follows."""


@dataclass(frozen=True, slots=True)
class SchoolView:
    """One school with who works there; class teachers stand with their classes."""

    plan: SchoolPlan
    office: tuple[Employee, ...]


@dataclass(frozen=True, slots=True)
class ClassView:
    """One class with its pupils, those without a record of profile v1.0 included."""

    school: SchoolPlan
    plan: ClassPlan
    made: SchoolClass
    unrecorded: tuple[UnrecordedPupil, ...]


@dataclass(frozen=True, slots=True)
class RecordView:
    """One record as card and as the bytes that would be signed."""

    school: SchoolPlan
    plan: ClassPlan
    card: ReportCard
    xml: bytes


@dataclass(frozen=True, slots=True)
class CaseView:
    """One pupil whom v1.0 cannot carry: why, and the record of the 2026 profile, unsigned."""

    school: SchoolPlan
    plan: ClassPlan
    reason: Reason
    card: ReportCard2026
    xml: bytes

    @property
    def scored(self) -> tuple[str, ...]:
        """Codes of the subjects with a year-end test."""
        return scores_due(self.plan.grade)


class Atlas:
    """Answers questions about the nation; blocking, tens of milliseconds, a second at first."""

    def __init__(self) -> None:
        self._nations: dict[str, Nation] = {}
        self._one_at_a_time = Lock()

    def provinces(self, school_year: str) -> tuple[ProvincePlan, ...]:
        """Return the provinces of *school_year*, none for a year that cannot be looked at."""
        return self._asked(school_year, lambda nation: nation.provinces) or ()

    def province(self, school_year: str, code: str, *, page: int) -> ProvinceView | None:
        """Return one page, from 1, of a province's schools."""

        def look(nation: Nation) -> ProvinceView | None:
            plan = next((each for each in nation.provinces if each.code == code), None)
            if plan is None or page < 1:
                return None
            numbers = [number for numbers in plan.schools for number in numbers]
            first = (page - 1) * SCHOOLS_A_PAGE
            shown = numbers[first : first + SCHOOLS_A_PAGE]
            schools = tuple(nation.school(number) for number in shown)
            more = first + SCHOOLS_A_PAGE < len(numbers)
            return ProvinceView(plan, schools, more) if schools else None

        return self._asked(school_year, look)

    def school(self, school_year: str, number: int) -> SchoolView | None:
        """Return school *number* with its leaders and office."""

        def look(nation: Nation) -> SchoolView:
            office = tuple(e for e in nation.staff(number) if not e.subjects)
            return SchoolView(nation.school(number), office)

        return self._asked(school_year, look)

    def school_class(self, school_year: str, number: int, index: int) -> ClassView | None:
        """Return class *index* of school *number*."""

        def look(nation: Nation) -> ClassView:
            made = nation.school_class(number, index)
            school = nation.school(number)
            without = nation.unrecorded(number, index)
            return ClassView(school, school.classes[index], made, without)

        return self._asked(school_year, look)

    def record(self, school_year: str, number: int, index: int, seat: int) -> RecordView | None:
        """Return the record of pupil *seat*, from 1, of a class."""

        def look(nation: Nation) -> RecordView | None:
            records = nation.class_records(number, index)
            if not 1 <= seat <= len(records):
                return None
            card = nation.school_class(number, index).cards[seat - 1]
            school = nation.school(number)
            return RecordView(school, school.classes[index], card, records[seat - 1])

        return self._asked(school_year, look)

    def case(self, school_year: str, number: int, index: int, place: int) -> CaseView | None:
        """Return the 2026 record of pupil *place*, from 1, of those without one of v1.0."""

        def look(nation: Nation) -> CaseView | None:
            pupils = nation.unrecorded(number, index)
            if not 1 <= place <= len(pupils):
                return None
            pupil = pupils[place - 1]
            if pupil.card_2026 is None:
                return None
            school = nation.school(number)
            xml = render_record_2026(pupil.card_2026)
            return CaseView(school, school.classes[index], pupil.reason, pupil.card_2026, xml)

        return self._asked(school_year, look)

    def _asked(self, school_year: str, look: Callable[[Nation], Found]) -> Found | None:
        """Return what *look* finds, None for a year, school or class that does not exist."""
        if school_year not in YEARS:
            return None
        # the nation keeps the school it opened last, so it is not for several threads at once
        with self._one_at_a_time:
            nation = self._nations.get(school_year)
            if nation is None:
                nation = self._nations[school_year] = Nation(school_year=school_year)
            try:
                return look(nation)
            except ValueError:
                return None
