"""Who works at the nation's schools and departments: every post filled by its number.

A post keeps its holder through the years. Personal IDs hold ``school * 256 + post``, which is
unique inside a province whatever sex and birth year; nobody here was born when pupils are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property

from sandbox.domain.circular27 import SUBJECTS
from sandbox.domain.divisions import PROVINCES_63
from sandbox.domain.identifiers import PersonalId
from sandbox.domain.lifecycle import Role
from sandbox.domain.report_card import Sex
from sandbox.synthetic.chance import path_key, rolled
from sandbox.synthetic.model import Employee, Staff
from sandbox.synthetic.naming import kin_of
from sandbox.synthetic.peoples import province_mix
from sandbox.synthetic.plans import (
    FIRST_SUBJECT_TEACHER,
    POSTS_PER_SCHOOL,
    ClassPlan,
)
from sandbox.synthetic.schools import personal_number
from sandbox.synthetic.shares import SHARES, threshold

LEADER, DEPUTY, SECOND_DEPUTY, CLERK, ADMINISTRATOR = range(5)
OFFICERS = 5
"""Officers of a Sở who know the pilot."""
_FIRST_OFFICER = 700_000
"""Numbers from here belong to the departments; schools need fewer."""
_TWO_DEPUTIES_FROM = 28
"""Classes of a school that has two deputies."""

_STAFF = SHARES["staff"]
_DEPUTY_SIGNS = threshold(_STAFF["deputy_signs"])
_KINH = threshold(_STAFF["kinh_anyway"])
_SUBJECT_POSTS = POSTS_PER_SCHOOL - FIRST_SUBJECT_TEACHER

_KINDS = {
    "leader": (Role.CBQL, "Hiệu trưởng"),
    "deputy": (Role.CBQL, "Phó Hiệu trưởng"),
    "clerk": (Role.VAN_THU, "Văn thư"),
    "administrator": (Role.QUAN_TRI, "Quản trị viên"),
    "class_teacher": (Role.GVCN, "Giáo viên chủ nhiệm"),
    "subject_teacher": (Role.GVBM, "Giáo viên bộ môn"),
    "officer": (Role.SO, "Chuyên viên"),
}


class Faculty:
    """The people of one school in one school year."""

    def __init__(
        self, seed: str, *, home_code: str, school: int, number: int, classes: tuple[ClassPlan, ...]
    ) -> None:
        """*school*: number in the nation; *number*: inside the province, from 1."""
        self._key = path_key(seed, "staff", school)
        self._home = home_code
        self._first = number * POSTS_PER_SCHOOL
        self._classes = classes

    @cached_property
    def signer(self) -> Staff:
        """Who signs the report cards: the head, at some schools a deputy."""
        dice = rolled(self._key, 1 << 32)
        deputy = (dice[0] << 8 | dice[1]) < _DEPUTY_SIGNS
        return self._at(DEPUTY, "deputy") if deputy else self._at(LEADER, "leader")

    def teacher(self, plan: ClassPlan) -> Staff:
        """Return the class teacher of *plan*."""
        return self._at(plan.post, "class_teacher")

    def subject_teachers(self, plan: ClassPlan, *, english: bool) -> dict[str, Staff]:
        """Return who else teaches in class *plan*, by code of the one subject each teaches there.

        Classes go to the teachers of a subject in their order, as many to each as are enough; a
        subject for which the school has no post left is the class teacher's.
        """
        found: dict[str, Staff] = {}
        before = 0
        for code, enough, classes in self._specialities(english):
            if plan in classes:
                place = before + classes.index(plan) // enough
                if place < _SUBJECT_POSTS:
                    found[code] = self._at(FIRST_SUBJECT_TEACHER + place, "subject_teacher")
            before += -(-len(classes) // enough)
        return found

    def everybody(self, *, english: bool) -> tuple[Employee, ...]:
        """Return the staff: leaders, office, class teachers, subject teachers.

        *english*: whether the school teaches English in grades 1 and 2, too.
        """
        deputies = (DEPUTY, SECOND_DEPUTY)[: 1 + (len(self._classes) >= _TWO_DEPUTIES_FROM)]
        return (
            self._employed(LEADER, "leader"),
            *(self._employed(post, "deputy") for post in deputies),
            self._employed(CLERK, "clerk"),
            self._employed(ADMINISTRATOR, "administrator"),
            *self._class_teachers(english),
            *self._subject_teachers(english),
        )

    def _class_teachers(self, english: bool) -> list[Employee]:
        rooms: defaultdict[int, list[ClassPlan]] = defaultdict(list)
        for plan in self._classes:
            rooms[plan.post].append(plan)
        specialists = set(_STAFF["classes_per_teacher"])
        found = []
        for post, plans in rooms.items():
            taught = tuple(
                subject.code
                for subject in SUBJECTS
                if subject.code not in specialists
                and any(subject.is_compulsory(plan.grade) for plan in plans)
            )
            names = tuple(plan.name for plan in plans)
            found.append(self._employed(post, "class_teacher", subjects=taught, classes=names))
        return found

    def _subject_teachers(self, english: bool) -> list[Employee]:
        found: list[Employee] = []
        for code, enough, classes in self._specialities(english):
            for _ in range(-(-len(classes) // enough)):
                if len(found) < _SUBJECT_POSTS:
                    post = FIRST_SUBJECT_TEACHER + len(found)
                    found.append(self._employed(post, "subject_teacher", subjects=(code,)))
        return found

    def _specialities(self, english: bool) -> Iterator[tuple[str, int, list[ClassPlan]]]:
        """Yield each subject with teachers of its own: how many classes are enough, and which."""
        by_code = {subject.code: subject for subject in SUBJECTS}
        for code, enough in _STAFF["classes_per_teacher"].items():
            classes = [
                plan
                for plan in self._classes
                if by_code[code].is_compulsory(plan.grade) or (code == "S03" and english)
            ]
            yield code, enough, classes

    def _at(self, post: int, kind: str) -> Staff:
        return self._employed(post, kind).staff

    def _employed(
        self,
        post: int,
        kind: str,
        *,
        subjects: tuple[str, ...] = (),
        classes: tuple[str, ...] = (),
    ) -> Employee:
        dice = rolled(self._key, post)
        return _hired(
            dice, self._home, self._first + post, kind, subjects=subjects, classes=classes
        )


def officers_of(seed: str, home_code: str) -> tuple[Staff, ...]:
    """Return the officers of the Sở that stands in the old province *home_code*."""
    key = path_key(seed, "officers", home_code)
    return tuple(
        _hired(rolled(key, place), home_code, _FIRST_OFFICER + place, "officer").staff
        for place in range(OFFICERS)
    )


def _hired(
    dice: bytes,
    home_code: str,
    number: int,
    kind: str,
    *,
    subjects: tuple[str, ...] = (),
    classes: tuple[str, ...] = (),
) -> Employee:
    women, eldest, youngest = _STAFF[kind]
    role, title = _KINDS[kind]
    sex = Sex.FEMALE if dice[0] * 100 >> 8 < women else Sex.MALE
    bounds, groups = province_mix(home_code)
    people = "Kinh"
    if (dice[1] << 8 | dice[2]) >= _KINH:
        people = groups[bisect_right(bounds, int.from_bytes(dice[3:7], "big"))]
    kin = kin_of(people, PROVINCES_63[home_code].region)
    pool = kin.women if sex is Sex.FEMALE else kin.men
    born = eldest + (dice[11] << 8 | dice[12]) * (youngest - eldest + 1) // 65_536
    staff = Staff(
        personal_id=PersonalId.make(
            province=home_code,
            sex=sex,
            birth_year=born,
            serial=personal_number(0, 999_999 - number),
        ),
        name=kin.full_name(
            kin.surnames[(dice[7] << 8 | dice[8]) >> 4], pool[(dice[9] << 8 | dice[10]) >> 4]
        ),
        sex=sex,
        role=role,
        title=title,
    )
    return Employee(staff, born, subjects, classes)
