"""The invented nation: 14,661 schools, 8,919,198 records, any part of it alone.

Everything is keyed by number: seed, province, school, entry year, group, seat. Nothing is kept
between calls but what makes the next one cheaper, so any school or class made alone equals the
same inside the whole, in any order and any number of processes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from sandbox.domain.circular27 import in_force
from sandbox.domain.divisions import MERGED_INTO, Era, era_of, first_year, provinces_of
from sandbox.synthetic.chance import path_key, rolled
from sandbox.synthetic.classrooms import OpenSchool, class_style
from sandbox.synthetic.geography import place_of
from sandbox.synthetic.layout import (
    SCHOOLS,
    ProvinceLayout,
    lay_out,
    province_rows,
    slot_of,
    slot_totals,
)
from sandbox.synthetic.model import Employee, School, SchoolClass, Staff, UnrecordedPupil
from sandbox.synthetic.plans import (
    GRADES,
    ClassNames,
    ClassPlan,
    ProvincePlan,
    SchoolPlan,
    classes_of,
)
from sandbox.synthetic.practice import DEFAULT_SCHOOL_YEAR, DEFAULT_SEED
from sandbox.synthetic.schools import department_name
from sandbox.synthetic.staffing import officers_of


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the nation; every condition narrows it."""

    province: str | None = None
    """Code of a province of the nation's era."""
    schools: tuple[int, int] | None = None
    """First and last school number."""
    class_index: int | None = None
    """Place of one class in its school."""
    grade: int | None = None
    per_mille: int = 1_000
    """Share of classes, chosen by number: the same ones in every process and every order."""
    part: tuple[int, int] = (0, 1)
    """Schools whose number leaves this remainder (first) when divided (second): one process's."""


EVERYTHING = Slice()


class Nation:
    """The nation under one seed in one school year.

    Opening it costs milliseconds; the first question about a province costs up to a tenth of a
    second, the first names about a second.
    """

    def __init__(
        self,
        seed: str = DEFAULT_SEED,
        *,
        school_year: str = DEFAULT_SCHOOL_YEAR,
        era: str | None = None,
    ) -> None:
        """Open the nation of *school_year*; *era* may be said but must be the year's own.

        2024-2025 has the grades 1 to 5, the pilot's 2023-2024 the grades 1 to 4 (Thông tư 27
        reached grade 5 a year later), 2025-2026 the 34 provinces. The pupils of one year are
        those of the year before, a grade higher.

        Raises:
            ValueError: malformed year, a year before the circular, or another year's era.
        """
        begins = first_year(school_year)
        if begins is None:
            raise ValueError(f"not a school year: {school_year!r}")
        self.seed = seed
        self.school_year = school_year
        self.era = era_of(school_year)
        if era is not None and era != self.era.value:
            raise ValueError(f"{school_year} is written with the {self.era.value} provinces")
        self.grades = tuple(grade for grade in GRADES if in_force(grade, school_year))
        if not self.grades:
            raise ValueError(f"no grade followed the circular in {school_year}")
        self._begins = begins
        self._layouts: dict[str, ProvinceLayout] = {}
        self._opened: OpenSchool | None = None
        self._codes = tuple(province_rows())
        ends = accumulate(row.schools for row in province_rows().values())
        self._firsts = (1, *(1 + end for end in ends))

    @cached_property
    def provinces(self) -> tuple[ProvincePlan, ...]:
        """The provinces of the era by code."""
        homes: dict[str, list[str]] = {}
        for code in self._codes:
            new = MERGED_INTO[code] if self.era is Era.THIRTY_FOUR else code
            homes.setdefault(new, []).append(code)
        known = provinces_of(self.era)
        return tuple(
            ProvincePlan(
                province=known[code],
                home_codes=tuple(homes[code]),
                schools=tuple(self._numbers(home) for home in homes[code]),
                records=sum(map(self._records_of, homes[code])),
            )
            for code in sorted(homes)
        )

    @property
    def records(self) -> int:
        """How many records of profile v1.0 the school year has."""
        return sum(plan.records for plan in self.provinces)

    def school(self, number: int) -> SchoolPlan:
        """Return the plan of school *number*, 1 to 14,661; no pupil is drawn.

        Raises:
            ValueError: no such school.
        """
        home, inside = self._locate(number)
        layout = self._layout(home).schools[inside - 1]
        place = place_of(home, inside, self.era)
        names = ClassNames(layout, class_style(self.seed, number))
        return SchoolPlan(
            number=number,
            code=place.code,
            name=place.name,
            place=place,
            satellites=len(layout.satellites),
            classes=classes_of(layout, names, begins=self._begins, grades=self.grades),
            school_year=self.school_year,
            department_code=place.province.code,
            department_name=department_name(place.province),
        )

    def school_class(self, school_number: int, class_index: int) -> SchoolClass:
        """Return one class with pupils, teacher and lawful cards, in the order of its list.

        Raises:
            ValueError: no such school or class.
        """
        return self._open_class(school_number, class_index).school_class(class_index)

    def class_records(self, school_number: int, class_index: int) -> tuple[bytes, ...]:
        """Return the unsigned records of one class: the bytes `render_record` gives its cards.

        Raises:
            ValueError: no such school or class.
        """
        return self._open_class(school_number, class_index).records(class_index)

    def unrecorded(self, school_number: int, class_index: int) -> tuple[UnrecordedPupil, ...]:
        """Return the pupils of one class without a record of profile v1.0, with the reasons.

        Raises:
            ValueError: no such school or class.
        """
        return self._open_class(school_number, class_index).unrecorded(class_index)

    def whole_school(self, number: int) -> School:
        """Return one school with all its classes and staff.

        Raises:
            ValueError: no such school.
        """
        return self._open(number).whole()

    def staff(self, number: int) -> tuple[Employee, ...]:
        """Return who works at school *number*: leaders, office, class and subject teachers.

        Raises:
            ValueError: no such school.
        """
        school = self._open(number)
        return school.faculty.everybody(english=school.english)

    def signer(self, number: int) -> Staff:
        """Return who signs the cards of school *number*: the head or a deputy.

        Raises:
            ValueError: no such school.
        """
        return self._open(number).faculty.signer

    def teacher(self, school_number: int, class_index: int) -> Staff:
        """Return the teacher of one class without drawing its pupils.

        Raises:
            ValueError: no such school or class.
        """
        school = self._open_class(school_number, class_index)
        return school.faculty.teacher(school.plan.classes[class_index])

    def subject_teachers(self, school_number: int, class_index: int) -> dict[str, Staff]:
        """Return who teaches in one class beside its class teacher, by subject code.

        Raises:
            ValueError: no such school or class.
        """
        school = self._open_class(school_number, class_index)
        plan = school.plan.classes[class_index]
        return school.faculty.subject_teachers(plan, english=school.english)

    def officers(self, code: str) -> tuple[Staff, ...]:
        """Return the officers of the Sở of province *code* of the era.

        Raises:
            ValueError: no such province.
        """
        return officers_of(self.seed, self._province(code).home_codes[0])

    # ---- slices --------------------------------------------------------------------------

    def school_numbers(self, part: Slice = EVERYTHING) -> Iterator[int]:
        """Yield the numbers of the schools in *part*, ascending.

        Raises:
            ValueError: the slice names a province, schools or a part that do not exist.
        """
        ranges = [range(1, SCHOOLS + 1)]
        if part.province is not None:
            ranges = sorted(self._province(part.province).schools, key=lambda r: r.start)
        first, last = part.schools or (1, SCHOOLS)
        self._locate(first)
        self._locate(last)
        remainder, divisor = part.part
        if not 0 <= remainder < divisor:
            raise ValueError(f"parts of {divisor} are numbered 0 to {divisor - 1}: {remainder}")
        for numbers in ranges:
            for number in range(max(first, numbers.start), min(last + 1, numbers.stop)):
                if number % divisor == remainder:
                    yield number

    def classes(self, part: Slice = EVERYTHING) -> Iterator[tuple[SchoolPlan, ClassPlan]]:
        """Yield the classes in *part* by school and index; only plans are made.

        Raises:
            ValueError: as `school_numbers`.
        """
        key = path_key(self.seed, "share")
        for number in self.school_numbers(part):
            school = self.school(number)
            for plan in school.classes:
                if part.class_index is not None and plan.index != part.class_index:
                    continue
                if part.grade is not None and plan.grade != part.grade:
                    continue
                if part.per_mille < 1_000:
                    dice = rolled(key, number << 16 | plan.grade << 8 | plan.number)
                    if int.from_bytes(dice[:4], "big") * 1_000 >> 32 >= part.per_mille:
                        continue
                yield school, plan

    def records_in(self, part: Slice = EVERYTHING) -> Iterator[bytes]:
        """Yield the unsigned records in *part*, class by class, in the order of the lists.

        Raises:
            ValueError: as `school_numbers`.
        """
        for school, plan in self.classes(part):
            yield from self.class_records(school.number, plan.index)

    # ---- inside ----------------------------------------------------------------------------

    def _numbers(self, home: str) -> range:
        place = self._codes.index(home)
        return range(self._firsts[place], self._firsts[place + 1])

    def _records_of(self, home: str) -> int:
        totals = slot_totals()[home]
        return sum(totals[slot_of(self._begins - grade + 1)] for grade in self.grades)

    def _locate(self, number: int) -> tuple[str, int]:
        """Return the old province of school *number* and the school's number inside it."""
        if not 1 <= number <= SCHOOLS:
            raise ValueError(f"schools are numbered 1 to {SCHOOLS}: {number}")
        place = bisect_right(self._firsts, number) - 1
        return self._codes[place], number - self._firsts[place] + 1

    def _province(self, code: str) -> ProvincePlan:
        for plan in self.provinces:
            if plan.code == code:
                return plan
        raise ValueError(f"no province {code!r} in {self.school_year}")

    def _layout(self, home: str) -> ProvinceLayout:
        layout = self._layouts.get(home)
        if layout is None:
            layout = self._layouts[home] = lay_out(self.seed, home)
        return layout

    def _open(self, number: int) -> OpenSchool:
        if self._opened is None or self._opened.plan.number != number:
            home, inside = self._locate(number)
            layout = self._layout(home)
            self._opened = OpenSchool(
                self.seed,
                self.school(number),
                layout.schools[inside - 1],
                number=inside,
                capacity=layout.numbers,
            )
        return self._opened

    def _open_class(self, number: int, index: int) -> OpenSchool:
        school = self._open(number)
        if not 0 <= index < len(school.plan.classes):
            raise ValueError(f"school {number} has classes 0 to {len(school.plan.classes) - 1}")
        return school
