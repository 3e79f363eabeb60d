"""The pupils of one class, with the odd cases every class must hold (spec/README.md §5.1)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.domain.identifiers import PersonalId, make_pupil_code, school_serial
from sandbox.domain.report_card import Sex
from sandbox.synthetic.chance import draw
from sandbox.synthetic.model import Pupil
from sandbox.synthetic.ordering import list_key
from sandbox.synthetic.people import CLAN_GROUPS, people
from sandbox.synthetic.schools import MOST_CLASSES, MOST_PUPILS, Site, personal_number

# Seats of the odd cases; a class smaller than the seat goes without.
_LONG_NAME_SEAT = 6
_SHORT_NAME_SEAT = 11
_CLAN_NAME_SEAT = 18
_NO_FATHER_SEAT = 22

_PUPILS_PER_SCHOOL = 8_000
"""Pupil codes set aside for one school (MA_HOC_SINH has seven digits for them)."""


@dataclass(frozen=True, slots=True)
class Family:
    """A pupil with what the record says about the family."""

    pupil: Pupil
    seat: int
    """Place in the class before the list was put in order; keys everything drawn."""
    years_late: int
    """Years older than usual for the grade."""
    father: str | None
    mother: str


def families_of(site: Site, *, grade: int, class_number: int, size: int) -> tuple[Family, ...]:
    """Return the *size* pupils of one class in the order of its list (by given name)."""
    drawn = [_family(site, grade, class_number, seat) for seat in range(size)]
    drawn.sort(key=lambda family: (list_key(family.pupil.name), family.seat))
    return tuple(_numbered(family, number) for number, family in enumerate(drawn, start=1))


def _family(site: Site, grade: int, class_number: int, seat: int) -> Family:
    source = draw(site.seed, "pupil", site.code, grade, class_number, seat)
    names = people(source)
    sex = Sex.MALE if source.random() < 0.52 else Sex.FEMALE
    group = names.vn_ethnic_group(site.province.region)
    if seat == _CLAN_NAME_SEAT and class_number == 1:
        # H' in the odd grades, Y in the even ones.
        sex = Sex.FEMALE if grade % 2 else Sex.MALE
        group = "Ê Đê"
    surname = names.vn_surname(site.province.region, group)
    if seat == _LONG_NAME_SEAT:
        name = names.vn_long_name(surname)
    elif seat == _SHORT_NAME_SEAT:
        name = names.vn_short_name(sex, surname)
    else:
        name = names.vn_child_name(sex, surname, group)
    other = names.vn_surname(site.province.region, group)
    # Ê Đê and Gia Rai children carry the mother's clan.
    of_father, of_mother = (other, surname) if group in CLAN_GROUPS else (surname, other)
    father = names.vn_adult_name(Sex.MALE, of_father, group)
    mother = names.vn_adult_name(Sex.FEMALE, of_mother, group)
    late = source.choices((0, 1, 2), (95, 4, 1))[0]
    born = _birth_date(source, site.begins - grade - 5 - late)
    return Family(
        pupil=Pupil(
            number=seat + 1,
            name=name,
            sex=sex,
            birth_date=born,
            personal_id=_personal_id(site, class_number, seat, sex, born, late),
            code=_pupil_code(site, grade, class_number, seat),
            ethnic_group=group,
        ),
        seat=seat,
        years_late=late,
        father=None if seat == _NO_FATHER_SEAT else father,
        mother=mother,
    )


def _birth_date(source: random.Random, year: int) -> date:
    first, last = date(year, 1, 1), date(year, 12, 31)
    return first + timedelta(days=source.randint(0, (last - first).days))


def _personal_id(site: Site, class_number: int, seat: int, sex: Sex, born: date, late: int) -> str:
    # Pupils of one birth year sit in up to three grades; `late` tells these apart.
    slot = (late * MOST_CLASSES + class_number - 1) * MOST_PUPILS + seat
    return PersonalId.make(
        province=site.birth_province,
        sex=sex,
        birth_year=born.year,
        serial=personal_number(school_serial(site.number), slot),
    )


def _pupil_code(site: Site, grade: int, class_number: int, seat: int) -> str:
    place = ((grade - 1) * MOST_CLASSES + class_number - 1) * MOST_PUPILS + seat
    first = (school_serial(site.number) - 1) * _PUPILS_PER_SCHOOL
    return make_pupil_code(site.birth_province, first + place + 1)


def _numbered(family: Family, number: int) -> Family:
    old = family.pupil
    pupil = Pupil(
        number=number,
        name=old.name,
        sex=old.sex,
        birth_date=old.birth_date,
        personal_id=old.personal_id,
        code=old.code,
        ethnic_group=old.ethnic_group,
    )
    return Family(pupil, family.seat, family.years_late, family.father, family.mother)
