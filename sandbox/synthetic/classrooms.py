"""One school of the nation opened: its classes with pupils, cards, records and staff."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cached_property

from sandbox.domain.circular27 import YearResult
from sandbox.domain.divisions import Era
from sandbox.domain.report_card import General, ReportCard, Sex
from sandbox.domain.report_card_2026 import ReportCard2026
from sandbox.synthetic.cases import CaseWriter
from sandbox.synthetic.chance import path_key, rolled, spread
from sandbox.synthetic.histories import Histories
from sandbox.synthetic.layout import LARGEST_CLASS, SMALLEST_CLASS, SchoolLayout
from sandbox.synthetic.model import Pupil, Reason, School, SchoolClass, UnrecordedPupil
from sandbox.synthetic.ordering import list_key
from sandbox.synthetic.persons import Home, Person
from sandbox.synthetic.plans import ClassNames, ClassPlan, Cohorts, Group, SchoolPlan
from sandbox.synthetic.shares import SHARES, threshold, thresholds
from sandbox.synthetic.staffing import Faculty
from sandbox.synthetic.writing import ClassFrame, ClassWriter
from sandbox.synthetic.years import Classroom, Year

CREATED, ISSUE_PLANNED = (5, 26), (5, 28)
"""Month and day: before, and on, the first day of the space clock (no SBX-3061 on that day)."""
CREATED_AFTER_SUMMER, ISSUE_PLANNED_AFTER_SUMMER = (8, 6), (8, 12)
"""Before the second lock, 15 August."""

_ELECTIVES = SHARES["electives"]
_ENGLISH = threshold(_ELECTIVES["english_in_grades_1_2"])
_OWN_LANGUAGE = threshold(_ELECTIVES["own_language_schools"])
_UNRECORDED = SHARES["unrecorded"]
_PER_GROUP = thresholds(_UNRECORDED["per_group"])
_SUMMER = thresholds(_UNRECORDED["summer_per_group"])
_COMPLETED_AFTER_SUMMER = threshold(_UNRECORDED["completed_after_summer"])
_REASONS = spread(
    [Reason(name) for name in _UNRECORDED["reasons"]],
    list(_UNRECORDED["reasons"].values()),
    cells=256,
)
_SMALL_GROUP = 2
"""Pupils without a record that a group of a mixed room may have: three such groups meet in
grade 5, and no class passes 45."""
_NEWCOMERS, _UNCOUNTED = 4, 3
_FIRST_UNCOUNTED_SEAT = 200


class OpenSchool:
    """Draws what a plan only counts."""

    def __init__(
        self, seed: str, plan: SchoolPlan, layout: SchoolLayout, *, number: int, capacity: int
    ) -> None:
        """*number*: inside the old province, from 1; *capacity*: of its pupil numbers."""
        self.plan = plan
        self._seed = seed
        self._cohorts = Cohorts(layout)
        self._begins = int(plan.school_year[:4])
        era = Era.SIXTY_THREE if plan.place.district else Era.THIRTY_FOUR
        self._home = Home(
            seed, plan.place, self._cohorts, school=plan.number, number=number,
            capacity=capacity, era=era,
        )  # fmt: skip
        self.faculty = Faculty(
            seed,
            home_code=plan.place.home_code,
            school=plan.number,
            number=number,
            classes=plan.classes,
        )
        dice = rolled(path_key(seed, "school", plan.number), 0)
        self._names = ClassNames(layout, class_style(seed, plan.number))
        self.english = (dice[0] << 8 | dice[1]) < _ENGLISH
        self._own_language = (dice[2] << 8 | dice[3]) < _OWN_LANGUAGE

    def school_class(self, index: int) -> SchoolClass:
        """Return class *index* with its pupils and their cards, in the order of its list."""
        plan = self.plan.classes[index]
        writer = ClassWriter(self._frame(plan))
        people = self._people(plan)
        return SchoolClass(
            name=plan.name,
            grade=plan.grade,
            teacher=self.faculty.teacher(plan),
            pupils=tuple(_pupil(person, at) for at, (person, _) in enumerate(people, start=1)),
            cards=tuple(writer.card(person, year) for person, year in people),
        )

    def records(self, index: int) -> tuple[bytes, ...]:
        """Return the unsigned records of class *index*, in the order of its list."""
        plan = self.plan.classes[index]
        write = ClassWriter(self._frame(plan)).record
        return tuple([write(person, year) for person, year in self._people(plan)])

    def unrecorded(self, index: int) -> tuple[UnrecordedPupil, ...]:
        """Return the pupils of class *index* who have no record of profile v1.0."""
        plan = self.plan.classes[index]
        return tuple(pupil for group in plan.groups for pupil in self._unrecorded_of(plan, group))

    def whole(self) -> School:
        """Return the school with all its classes."""
        plan = self.plan
        classes = tuple(self.school_class(each.index) for each in plan.classes)
        office = [e.staff for e in self.faculty.everybody(english=self.english) if not e.subjects]
        leader = self.faculty.signer
        office.sort(key=lambda member: member != leader)
        return School(
            code=plan.code,
            name=plan.name,
            commune=plan.place.commune,
            district=plan.place.district,
            province=plan.place.province.name,
            department_code=plan.department_code,
            department_name=plan.department_name,
            staff=(*office, *(c.teacher for c in classes)),
            classes=classes,
        )

    # ---- pupils -------------------------------------------------------------------------

    def _people(self, plan: ClassPlan) -> list[tuple[Person, Year]]:
        room = self._room(plan)
        found = []
        for group in plan.groups:
            key = self._year_key(group)
            found += [
                (person, room.year(person, key))
                for person in self._home.records_of(group, plan.grade)
            ]
        found.sort(key=_in_list_order)
        return found

    def _room(self, plan: ClassPlan) -> Classroom:
        dice = rolled(path_key(self._seed, "hand", self.plan.number), plan.post)
        return Classroom(
            plan.grade,
            english=self.english,
            own_language=self._own_language,
            named=dice[0] < 128,
        )

    def _year_key(self, group: Group) -> bytes:
        return path_key(
            self._seed, "year", self.plan.school_year, self.plan.number, group.entered, group.place
        )

    def _unrecorded_of(self, plan: ClassPlan, group: Group) -> Iterator[UnrecordedPupil]:
        room = LARGEST_CLASS - group.size if group.size >= SMALLEST_CLASS else _SMALL_GROUP
        key = self._home.key_of(group)
        dice = rolled(key, 1 << 33)
        lasting = min(room, bisect_right(_PER_GROUP, dice[0] << 8 | dice[1]))
        for place in range(lasting):
            person = self._home.person(
                key,
                group,
                _FIRST_UNCOUNTED_SEAT + place,
                turn=0,
                number=group.size + _NEWCOMERS + place,
            )
            reason = _REASONS[dice[8 + place]]
            card = self._card_of_case(plan, group, person, reason)
            yield _without_record(person, reason, card_2026=card)
        dice = rolled(key, (1 << 33) + plan.grade)
        for place in range(min(room - lasting, bisect_right(_SUMMER, dice[0] << 8 | dice[1]))):
            seat = _UNCOUNTED + 2 * (plan.grade - 1) + place
            person = self._home.person(
                key,
                group,
                _FIRST_UNCOUNTED_SEAT + seat,
                turn=0,
                number=group.size + _NEWCOMERS + seat,
            )
            completed = (dice[8 + place] << 8 | dice[10 + place]) < _COMPLETED_AFTER_SUMMER
            late = self._card_after_summer(plan, group, person, completed=completed)
            yield _without_record(person, Reason.NEEDS_SUMMER, card_after_summer=late)

    def _card_of_case(
        self, plan: ClassPlan, group: Group, person: Person, reason: Reason
    ) -> ReportCard2026:
        room, key = self._room(plan), self._year_key(group)
        others = self.faculty.subject_teachers(plan, english=self.english)
        writer = CaseWriter(
            ClassWriter(self._frame(plan)),
            subject_teachers={code: teacher.name for code, teacher in others.items()},
            named=room.named,
        )
        return writer.card(person, room.year(person, key), reason, key)

    def _card_after_summer(
        self, plan: ClassPlan, group: Group, person: Person, *, completed: bool
    ) -> ReportCard:
        lean = YearResult.COMPLETED if completed else YearResult.NOT_COMPLETED
        year = self._room(plan).year(person, self._year_key(group), lean=lean)
        frame = self._frame(plan)
        general = replace(
            frame.general,
            created_on=date(self._begins + 1, *CREATED_AFTER_SUMMER),
            issue_planned_on=date(self._begins + 1, *ISSUE_PLANNED_AFTER_SUMMER),
        )
        return ClassWriter(replace(frame, general=general)).card(person, year)

    # ---- what a class shares --------------------------------------------------------------

    def _frame(self, plan: ClassPlan) -> ClassFrame:
        return ClassFrame(
            general=self._general(plan),
            addresses=self._addresses,
            history_of=Histories(plan, self._names, self._cohorts, self.plan.name).of,
        )

    def _general(self, plan: ClassPlan) -> General:
        school, leader = self.plan, self.faculty.signer
        teacher = self.faculty.teacher(plan)
        return General(
            record_id="",
            school_year=school.school_year,
            department_code=school.department_code,
            department_name=school.department_name,
            school_code=school.code,
            school_name=school.name,
            district=school.place.district,
            commune=school.place.commune,
            province=school.place.province.name,
            register_number="",
            pupil_name="",
            pupil_id="",
            pupil_code="",
            sex=Sex.MALE,
            birth_date=date(self._begins, 1, 1),
            weight_kg=Decimal(0),
            height_cm=Decimal(0),
            absent_with_leave=0,
            absent_without_leave=0,
            birth_place="",
            native_place="",
            address="",
            leader_name=leader.name,
            leader_id=leader.personal_id,
            leader_title=leader.title,
            issue_place=school.place.province.name,
            created_on=date(self._begins + 1, *CREATED),
            issue_planned_on=date(self._begins + 1, *ISSUE_PLANNED),
            teacher_name=teacher.name,
            teacher_id=teacher.personal_id,
            grade=plan.grade,
            class_name=plan.name,
        )

    @cached_property
    def _addresses(self) -> tuple[str, ...]:
        """Where the school's pupils live: sixteen parts of its commune."""
        area = self.plan.place.area
        return tuple(f"{hamlet}, {area}" for hamlet in self.plan.place.hamlets())


def class_style(seed: str, number: int) -> int:
    """Return how school *number* writes its classes: 4A, 4/1, 4.1 or, mostly, 4A1."""
    return rolled(path_key(seed, "school", number), 1)[0] >> 5


def _in_list_order(entry: tuple[Person, Year]) -> tuple[object, int]:
    return list_key(entry[0].name), entry[0].dice_number


def _pupil(person: Person, number: int, *, personal_id: str | None = None) -> Pupil:
    day, month, year = person.born.split("/")
    return Pupil(
        number=number,
        name=person.name,
        sex=person.sex,
        birth_date=date(int(year), int(month), int(day)),
        personal_id=person.personal_id if personal_id is None else personal_id,
        code=person.code,
        ethnic_group=person.ethnic_group,
    )


def _without_record(
    person: Person,
    reason: Reason,
    *,
    card_after_summer: ReportCard | None = None,
    card_2026: ReportCard2026 | None = None,
) -> UnrecordedPupil:
    guardian_only = reason is Reason.GUARDIAN_ONLY
    return UnrecordedPupil(
        pupil=_pupil(person, 0, personal_id="" if reason is Reason.NO_PERSONAL_ID else None),
        reason=reason,
        father=None if guardian_only else person.father,
        mother=None if guardian_only else person.mother,
        # Brought up by a grandmother: the mother's name stands in for hers.
        guardian=person.mother if guardian_only else None,
        card_after_summer=card_after_summer,
        card_2026=card_2026,
    )
