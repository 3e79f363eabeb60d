"""Drawn pupils and years → report cards, or straight to the canonical bytes of their records.

Both come from the same drawn values. The bytes are put together from fragments made once per
class out of the tag table that `documents.render_record` follows; tests hold the two equal byte
for byte. Values need no escaping: every text comes from the nation's own tables, which hold
neither markup nor anything that is not NFC.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sandbox.domain.report_card import (
    General,
    ReportCard,
    SubjectResult,
    Summary,
    YearAtSchool,
)
from sandbox.synthetic import fragments
from sandbox.synthetic.fragments import HistoryRow
from sandbox.synthetic.persons import Person
from sandbox.synthetic.years import Year


@dataclass(frozen=True, slots=True)
class ClassFrame:
    """What the records of one class share."""

    general: General
    """A pattern: the fields of the pupil in it are never used."""
    addresses: tuple[str, ...]
    history_of: Callable[[Person], tuple[HistoryRow, ...]]


class ClassWriter:
    """Writes the cards and records of one class."""

    def __init__(self, frame: ClassFrame) -> None:
        self._frame = frame
        fixed = fragments.fixed_pieces(frame.general)
        self._pieces = [b""] * (2 * len(fixed) - 1)
        self._pieces[::2] = fixed
        self._histories: dict[tuple[HistoryRow, ...], bytes] = {}

    def card(self, person: Person, year: Year) -> ReportCard:
        """Return the report card of *person*."""
        g = self._frame.general
        general = General(
            record_id=year.record_id,
            school_year=g.school_year,
            department_code=g.department_code,
            department_name=g.department_name,
            school_code=g.school_code,
            school_name=g.school_name,
            district=g.district,
            commune=g.commune,
            province=g.province,
            register_number=_register(person),
            pupil_name=person.name,
            pupil_id=person.personal_id,
            pupil_code=person.code,
            sex=person.sex,
            birth_date=_day(person.born),
            weight_kg=Decimal(_weight(year)),
            height_cm=Decimal(year.height),
            absent_with_leave=year.with_leave,
            absent_without_leave=year.without_leave,
            birth_place=person.birth_place,
            native_place=person.native_place,
            address=self._address(person),
            ethnic_group=person.ethnic_group,
            father=person.father,
            mother=person.mother,
            leader_name=g.leader_name,
            leader_id=g.leader_id,
            issue_place=g.issue_place,
            created_on=g.created_on,
            issue_planned_on=g.issue_planned_on,
            leader_title=g.leader_title,
            teacher_name=g.teacher_name,
            teacher_id=g.teacher_id,
            grade=g.grade,
            class_name=g.class_name,
        )
        history = tuple(
            YearAtSchool(school_year, class_name, school, _day(arrived))
            for school_year, class_name, school, arrived in self._frame.history_of(person)
        )
        return ReportCard(general, history, _summary(year))

    def record(self, person: Person, year: Year) -> bytes:
        """Return the unsigned record of *person*: what `render_record` makes of the card."""
        rows = self._frame.history_of(person)
        history = self._histories.get(rows)
        if history is None:
            history = self._histories[rows] = fragments.history_of(rows)
        uuid = year.record_id.encode()
        form, marks = year.form, year.marks
        father, award = person.father, year.ad_hoc_award
        values = (
            uuid,
            uuid,
            uuid,
            _register(person).encode(),
            person.name.encode(),
            person.personal_id.encode(),
            person.code.encode(),
            fragments.SEXES[person.sex],
            person.born.encode(),
            _weight(year).encode(),
            b"%d" % year.height,
            b"%d" % year.with_leave,
            b"%d" % year.without_leave,
            person.birth_place.encode(),
            person.native_place.encode(),
            self._address(person).encode(),
            person.ethnic_group.encode(),
            b"" if father is None else fragments.FATHER % father.encode(),
            person.mother.encode(),
            history,
            fragments.year_end(form.grade, marks.result, year.promoted, year.titled),
            b"" if award is None else fragments.AD_HOC_AWARD % award.encode(),
            year.by_teacher.encode(),
            fragments.rows_of(form, marks.levels, marks.scores),
            fragments.ratings_of(form, marks.ratings),
            year.on_qualities.encode(),
            year.on_general.encode(),
            year.on_specific.encode(),
        )
        pieces = self._pieces.copy()
        pieces[1::2] = values
        return b"".join(pieces)

    def _address(self, person: Person) -> str:
        addresses = self._frame.addresses
        return addresses[person.address * len(addresses) >> 8]


def _register(person: Person) -> str:
    return f"{person.register:04}/{person.entered}"


def _weight(year: Year) -> str:
    return f"{year.weight // 10}.{year.weight % 10}"


def _day(text: str) -> date:
    return date(int(text[6:]), int(text[3:5]), int(text[:2]))


def _summary(year: Year) -> Summary:
    form, marks = year.form, year.marks
    scores = (*marks.scores, *[None] * (len(form.subjects) - form.scored))
    outcome = fragments.outcome_of(form.grade, marks.result, year.promoted, year.titled)
    return Summary(
        **outcome,  # type: ignore[arg-type]
        ad_hoc_award=year.ad_hoc_award,
        teacher_comment=year.by_teacher,
        subjects=tuple(
            SubjectResult(subject.code, subject.name, level, score)
            for subject, level, score in zip(form.subjects, marks.levels, scores, strict=True)
        ),
        ratings=tuple(zip(form.tags, marks.ratings, strict=True)),
        comment_qualities=year.on_qualities,
        comment_general=year.on_general,
        comment_specific=year.on_specific,
    )
