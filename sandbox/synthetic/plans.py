"""Schools and classes of the nation as they are planned for one school year, without a pupil."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.domain.divisions import Province
from sandbox.synthetic.geography import Place
from sandbox.synthetic.layout import SPARE_NUMBERS, SchoolLayout, slot_of

GRADES = (1, 2, 3, 4, 5)
_MIXED_GRADES = (1, 2, 3, 4)
"""Grades taught in mixed classes at satellite sites: 1 with 2, 3 with 4; fifth grades meet."""

_LETTERS = "ABCDEGHIKLMNPQRSTUVXY"
"""Class letters, without those a Vietnamese class does not carry."""


@dataclass(frozen=True, slots=True)
class Group:
    """Pupils who entered a school together and stay together."""

    entered: int
    """Calendar year in which they entered grade 1."""
    place: int
    """Place among the groups of that year, from 0."""
    size: int
    """Records."""
    first_number: int
    """Where its pupil numbers begin inside province and entry year."""
    before: int
    """Pupils of the groups before it in that year's register."""


@dataclass(frozen=True, slots=True)
class ClassPlan:
    """One class of one school year."""

    index: int
    """Place in the school, from 0: by grade, then by number."""
    grade: int
    number: int
    """1 for the first class of the grade."""
    name: str
    """TEN_LOP."""
    groups: tuple[Group, ...]
    site: int
    """0 for the main site, 1 and more for satellites (điểm trường)."""
    post: int
    """Which post of the school teaches it; two classes of a mixed room have the same."""

    @property
    def records(self) -> int:
        """Records of profile v1.0."""
        return sum(group.size for group in self.groups)


@dataclass(frozen=True, slots=True)
class SchoolPlan:
    """One school of the nation; cheap, no pupil is drawn for it."""

    number: int
    """1 to 14,661."""
    code: str
    """MA_TRUONG by the rule of the era."""
    name: str
    place: Place
    satellites: int
    classes: tuple[ClassPlan, ...]
    school_year: str
    department_code: str
    department_name: str

    @property
    def records(self) -> int:
        """Records of the school year, in the grades the nation was asked for."""
        return sum(plan.records for plan in self.classes)

    def taught_with(self, plan: ClassPlan) -> tuple[ClassPlan, ...]:
        """Return the classes of other grades that sit in one room with *plan* (lớp ghép)."""
        return tuple(
            other for other in self.classes if other.post == plan.post and other.grade != plan.grade
        )


@dataclass(frozen=True, slots=True)
class ProvincePlan:
    """One province of the era with the numbers of its schools."""

    province: Province
    home_codes: tuple[str, ...]
    """Old codes of the provinces it is made of."""
    schools: tuple[range, ...]
    """School numbers, one range per home code."""
    records: int

    @property
    def code(self) -> str:
        """MA_SO_GIAO_DUC of its Sở."""
        return self.province.code

    @property
    def name(self) -> str:
        """TEN_TINH_THANH_PHO."""
        return self.province.name

    @property
    def school_count(self) -> int:
        """How many schools it has."""
        return sum(map(len, self.schools))


class ClassNames:
    """How one school calls its classes, the same in every year."""

    def __init__(self, layout: SchoolLayout, style: int) -> None:
        self._layout = layout
        self._style = style

    def number(self, slot: int, group: int, grade: int) -> int:
        """Return the number of the class in which *group* of *slot* sits in *grade*."""
        main = self._layout.at_main_site(slot)
        if group < main or grade < GRADES[-1] or not self._layout.satellites[group - main]:
            return group + 1
        return main + self._layout.satellites.index(True) + 1

    def text(self, grade: int, number: int) -> str:
        """Return the name of class *number* of *grade*."""
        letter = _LETTERS[number - 1] if number <= len(_LETTERS) else ""
        if self._style == 0 and letter:
            return f"{grade}{letter}"
        if self._style == 1:
            return f"{grade}/{number}"
        if self._style == 2:
            return f"{grade}.{number}"
        return f"{grade}A{number}"


class Cohorts:
    """The groups of one school by the year in which they entered it."""

    def __init__(self, layout: SchoolLayout) -> None:
        self._layout = layout
        self._known: dict[int, tuple[Group, ...]] = {}

    def entered_in(self, entered: int) -> tuple[Group, ...]:
        """Return the groups that entered grade 1 in the year *entered*, by place."""
        known = self._known.get(entered)
        if known is None:
            known = self._known[entered] = tuple(self._drawn(entered))
        return known

    def beside(self, group: Group, *, years: int) -> Group | None:
        """Return the group at the same place of the same site that entered *years* later."""
        entered = group.entered + years
        mine, theirs = (
            self._layout.at_main_site(slot_of(year)) for year in (group.entered, entered)
        )
        if group.place >= mine:
            return self.entered_in(entered)[group.place - mine + theirs]
        return self.entered_in(entered)[group.place] if group.place < theirs else None

    def _drawn(self, entered: int) -> Iterator[Group]:
        slot = slot_of(entered)
        number, before = self._layout.first_number[slot], 0
        for place, size in enumerate(self._layout.groups[slot]):
            yield Group(entered, place, size, number, before)
            number += group_numbers(size)
            before += size


def classes_of(
    layout: SchoolLayout, names: ClassNames, *, begins: int, grades: tuple[int, ...]
) -> tuple[ClassPlan, ...]:
    """Return the classes of the school year that begins in *begins*, by grade and number."""
    found: list[ClassPlan] = []
    cohorts = Cohorts(layout)
    for grade in grades:
        entered = begins - grade + 1
        for number, groups in _by_class(cohorts.entered_in(entered), names, grade).items():
            site = max(0, groups[0].place - layout.at_main_site(slot_of(entered)) + 1)
            met = grade == GRADES[-1] and site > 0 and layout.satellites[site - 1]
            found.append(
                ClassPlan(
                    index=len(found),
                    grade=grade,
                    number=number,
                    name=names.text(grade, number),
                    groups=tuple(groups),
                    # Fifth grades of mixed satellites meet at the main site.
                    site=0 if met else site,
                    post=_post(layout, grade, number, site),
                )
            )
    return tuple(found)


MOST_CLASSES = 40
"""Classes of one grade that posts are set aside for."""
FIRST_TEACHER = 20
"""Posts below belong to leaders and office; then come the class teachers by grade and number."""
_ROOMS = FIRST_TEACHER + len(GRADES) * MOST_CLASSES
"""Posts of teachers who have a mixed room at a satellite: two per site."""
FIRST_SUBJECT_TEACHER = _ROOMS + 10
POSTS_PER_SCHOOL = 256


def _post(layout: SchoolLayout, grade: int, number: int, site: int) -> int:
    if site and grade in _MIXED_GRADES and layout.satellites[site - 1]:
        return _ROOMS + 2 * (site - 1) + (grade - 1) // 2
    return FIRST_TEACHER + (grade - 1) * MOST_CLASSES + number - 1


def _by_class(groups: tuple[Group, ...], names: ClassNames, grade: int) -> dict[int, list[Group]]:
    classes: dict[int, list[Group]] = {}
    for group in groups:
        number = names.number(slot_of(group.entered), group.place, grade)
        classes.setdefault(number, []).append(group)
    return classes


def group_numbers(size: int) -> int:
    """Return how many pupil numbers a group of *size* records holds."""
    return size + SPARE_NUMBERS
