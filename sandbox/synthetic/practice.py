"""Schools, classes and the practice department, each keyed by number.

A class made alone equals the same class inside its school, and a school made alone equals the
same school inside its department.
"""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.domain.circular27 import YearResult, in_force
from sandbox.domain.divisions import province_of
from sandbox.domain.lifecycle import Role
from sandbox.synthetic.cards import ClassFrame, card_of, class_name
from sandbox.synthetic.chance import draw
from sandbox.synthetic.model import Department, School, SchoolClass
from sandbox.synthetic.pupils import families_of
from sandbox.synthetic.schools import (
    MOST_CLASSES,
    MOST_PUPILS,
    Site,
    department_name,
    site_of,
    staff_member,
    staff_of,
    teacher_of,
)

DEFAULT_SEED = "hoc-ba-so"
DEFAULT_SCHOOL_YEAR = "2024-2025"
PRACTICE_PROVINCE = "48"
PRACTICE_SCHOOLS = (401, 402)

_SMALLEST_VARIED = 18
"""Classes are given sizes around the one asked for only when that is at least this large."""
_NOT_COMPLETED_SEAT = 5


def make_school(
    seed: str,
    *,
    province: str = PRACTICE_PROVINCE,
    number: int = PRACTICE_SCHOOLS[0],
    grades: Sequence[int] = (1, 2, 3, 4, 5),
    classes_per_grade: int = 1,
    pupils: int = 30,
    name: str | None = None,
    school_year: str = DEFAULT_SCHOOL_YEAR,
) -> School:
    """Return school *number* (401–4999) of *province* with its staff, classes and report cards.

    Class 1 of grade 1 has exactly *pupils* pupils, the others about as many. Every card is
    lawful under Thông tư 27 and carries no warning; at most one pupil of the school did not
    complete the year, and the head has decided about that pupil.

    Raises:
        ValueError: province, number, year or sizes out of range, or a grade that did not follow
            the circular in that year.
    """
    site = site_of(seed, province=province, number=number, school_year=school_year, name=name)
    _check_sizes(grades, classes_per_grade, pupils, school_year)
    classes = tuple(
        _make_class(site, grade, class_number, pupils)
        for grade in grades
        for class_number in range(1, classes_per_grade + 1)
    )
    return School(
        code=site.code,
        name=site.name,
        commune=site.commune,
        district=site.district,
        province=site.province.name,
        department_code=site.province.code,
        department_name=site.department_name,
        staff=(*staff_of(site), *(c.teacher for c in classes)),
        classes=classes,
    )


def make_class(
    seed: str,
    *,
    grade: int,
    class_number: int = 1,
    province: str = PRACTICE_PROVINCE,
    number: int = PRACTICE_SCHOOLS[0],
    pupils: int = 30,
    name: str | None = None,
    school_year: str = DEFAULT_SCHOOL_YEAR,
) -> SchoolClass:
    """Return one class alone; the arguments mean what they mean for `make_school`.

    Raises:
        ValueError: as `make_school`.
    """
    site = site_of(seed, province=province, number=number, school_year=school_year, name=name)
    _check_sizes((grade,), class_number, pupils, school_year)
    return _make_class(site, grade, class_number, pupils)


def practice_department(seed: str = DEFAULT_SEED) -> Department:
    """Return the practice Sở with its officer and two schools: ten classes, about 300 pupils."""
    province = province_of(PRACTICE_PROVINCE, DEFAULT_SCHOOL_YEAR)
    assert province is not None
    return Department(
        code=province.code,
        name=department_name(province),
        province=province.name,
        officer=staff_member(
            seed,
            province=province,
            birth_province=province.code,
            block=0,
            slot=0,
            role=Role.SO,
        ),
        schools=tuple(make_school(seed, number=number) for number in PRACTICE_SCHOOLS),
    )


def _check_sizes(
    grades: Sequence[int], classes_per_grade: int, pupils: int, school_year: str
) -> None:
    if not 1 <= classes_per_grade <= MOST_CLASSES:
        raise ValueError(f"classes per grade: 1 to {MOST_CLASSES}, not {classes_per_grade}")
    if not 1 <= pupils <= MOST_PUPILS:
        raise ValueError(f"pupils per class: 1 to {MOST_PUPILS}, not {pupils}")
    for grade in grades:
        if not in_force(grade, school_year):
            raise ValueError(f"grade {grade} did not follow the circular in {school_year}")


def _make_class(site: Site, grade: int, class_number: int, pupils: int) -> SchoolClass:
    leader, _, _ = staff_of(site)
    teacher = teacher_of(site, grade=grade, class_number=class_number)
    frame = ClassFrame(site, grade, class_number, leader, teacher)
    families = families_of(
        site, grade=grade, class_number=class_number, size=_size(site, grade, class_number, pupils)
    )
    waits = _held_back(site) == (grade, class_number)
    return SchoolClass(
        name=class_name(grade, class_number),
        grade=grade,
        teacher=teacher,
        pupils=tuple(family.pupil for family in families),
        cards=tuple(
            card_of(
                frame,
                family,
                lean=(
                    YearResult.NOT_COMPLETED
                    if waits and family.seat == _NOT_COMPLETED_SEAT
                    else None
                ),
            )
            for family in families
        ),
    )


def _size(site: Site, grade: int, class_number: int, pupils: int) -> int:
    if (grade, class_number) == (1, 1) or pupils < _SMALLEST_VARIED:
        return pupils
    source = draw(site.seed, "class", site.code, grade, class_number)
    return min(MOST_PUPILS, pupils + source.randint(-3, 3))


def _held_back(site: Site) -> tuple[int, int]:
    """Return grade and class of the school's one pupil who did not complete the year."""
    return draw(site.seed, "held back", site.code).choice((2, 3)), 1
