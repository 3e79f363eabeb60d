"""Drawn pupils and years → report cards, or straight to the canonical bytes of their records.

Both come from the same drawn values. The bytes are put together from fragments made once per
class out of the tag table that `documents.render_record` follows; tests hold the two equal byte
for byte. Values need no escaping: every text comes from the nation's own tables, which hold
neither markup nor anything that is not NFC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from sandbox.documents.render import element
from sandbox.documents.tags import (
    ASSESSMENT,
    COMMENTS,
    DATA,
    GENERAL,
    HISTORY,
    HISTORY_ROW,
    RECORD,
    SUBJECT_ROW,
    SUBJECTS,
    SUMMARY,
    YEAR_END,
    Leaf,
)
from sandbox.domain.circular27 import AWARD_EXCELLENT, AWARD_MODEL, YearResult, completion_text
from sandbox.domain.report_card import (
    General,
    ReportCard,
    Sex,
    SubjectResult,
    Summary,
    YearAtSchool,
)
from sandbox.synthetic.forms import Form
from sandbox.synthetic.persons import Person
from sandbox.synthetic.years import Year

HistoryRow = tuple[str, str, str, str]
"""School year, class, school, dd/MM/yyyy of arrival."""

_OPENINGS = {leaf.attribute: f"<{leaf.tag}>" for leaf in (*YEAR_END, *COMMENTS)}
_CLOSINGS = {leaf.attribute: f"</{leaf.tag}>" for leaf in (*YEAR_END, *COMMENTS)}


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
        self._template = _template(frame.general)
        self._histories: dict[tuple[HistoryRow, ...], str] = {}

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
            history = self._histories[rows] = _history(rows)
        uuid = year.record_id
        form, marks = year.form, year.marks
        father = person.father
        return (
            self._template
            % (
                uuid,
                uuid,
                uuid,
                _register(person),
                person.name,
                person.personal_id,
                person.code,
                "Nam" if person.sex is Sex.MALE else "Nữ",
                person.born,
                f"{year.weight // 10}.{year.weight % 10}",
                year.height,
                year.with_leave,
                year.without_leave,
                person.birth_place,
                person.native_place,
                self._address(person),
                person.ethnic_group,
                "" if father is None else f"<HO_VA_TEN_CHA>{father}</HO_VA_TEN_CHA>",
                person.mother,
                history,
                _year_end(form.grade, marks.result, year.promoted, year.titled),
                _optional("ad_hoc_award", year.ad_hoc_award),
                year.by_teacher,
                _rows_text(form, marks.levels, marks.scores),
                _ratings_text(form, marks.ratings),
                year.on_qualities,
                year.on_general,
                year.on_specific,
            )
        ).encode()

    def _address(self, person: Person) -> str:
        addresses = self._frame.addresses
        return addresses[person.address * len(addresses) >> 8]


def _register(person: Person) -> str:
    return f"{person.register:04}/{person.entered}"


def _weight(year: Year) -> str:
    return f"{year.weight // 10}.{year.weight % 10}"


def _day(text: str) -> date:
    return date(int(text[6:]), int(text[3:5]), int(text[:2]))


def award_of(result: YearResult, *, titled: bool) -> str | None:
    """Return NOI_DUNG_KHEN_THUONG."""
    if not titled:
        return None
    return {YearResult.EXCELLENT: AWARD_EXCELLENT, YearResult.GOOD: AWARD_MODEL}[result]


def _outcome(grade: int, result: YearResult, promoted: bool, titled: bool) -> dict[str, object]:
    completed = result is not YearResult.NOT_COMPLETED
    return {
        "result": result.value,
        "promoted": promoted,
        "completion_text": completion_text(result, grade, promoted=promoted),
        "class_completed": completed,
        "primary_completed": completed and grade == 5,
        "award": award_of(result, titled=titled),
    }


def _summary(year: Year) -> Summary:
    form, marks = year.form, year.marks
    scores = (*marks.scores, *[None] * (len(form.subjects) - form.scored))
    outcome = _outcome(form.grade, marks.result, year.promoted, year.titled)
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


# ---- fragments ----------------------------------------------------------------------------

_OF_THE_PUPIL = frozenset(
    {
        "record_id", "register_number", "pupil_name", "pupil_id", "pupil_code", "sex",
        "birth_date", "weight_kg", "height_cm", "absent_with_leave", "absent_without_leave",
        "birth_place", "native_place", "address", "ethnic_group", "mother",
    }
)  # fmt: skip
_SLOT = "%s"


def _template(general: General) -> str:
    parts = (
        _wrapped(GENERAL.tag, _general_parts(general)),
        _wrapped(HISTORY.tag, (_SLOT,)),
        _wrapped(
            SUMMARY.tag,
            (
                _SLOT,
                _SLOT,
                _between("teacher_comment"),
                _wrapped(SUBJECTS.tag, (_SLOT,)),
                _wrapped(ASSESSMENT.tag, (_SLOT, *(_between(leaf.attribute) for leaf in COMMENTS))),
            ),
        ),
    )
    data = _wrapped(DATA.tag, parts, identity=f"data-{_SLOT}")
    return _wrapped(RECORD.tag, (data,), identity=f"hocba-{_SLOT}")


def _general_parts(general: General) -> Iterable[str]:
    for leaf in GENERAL.children:
        if not isinstance(leaf, Leaf) or leaf.attribute is None:
            continue
        if leaf.attribute in _OF_THE_PUPIL:
            yield f"<{leaf.tag}>{_SLOT}</{leaf.tag}>"
        elif leaf.attribute == "father":
            yield _SLOT
        else:
            value = getattr(general, leaf.attribute)
            if value is not None:
                yield element(leaf.tag, leaf.form.write(value)).replace("%", "%%")


def _between(attribute: str | None) -> str:
    return f"{_OPENINGS[attribute]}{_SLOT}{_CLOSINGS[attribute]}"


def _optional(attribute: str, value: str | None) -> str:
    return "" if value is None else f"{_OPENINGS[attribute]}{value}{_CLOSINGS[attribute]}"


def _wrapped(tag: str, parts: Iterable[str], *, identity: str | None = None) -> str:
    opening = f'<{tag} id="{identity}">' if identity else f"<{tag}>"
    return f"{opening}{''.join(parts)}</{tag}>"


def _history(rows: tuple[HistoryRow, ...]) -> str:
    return "".join(
        _wrapped(
            HISTORY_ROW.tag,
            (element(leaf.tag, text) for leaf, text in zip(HISTORY_ROW.children, row, strict=True)),
        )
        for row in rows
    )


@cache
def _year_end(grade: int, result: YearResult, promoted: bool, titled: bool) -> str:
    """Return the tags of TONG_KET up to the award."""
    outcome = _outcome(grade, result, promoted, titled)
    return "".join(
        element(leaf.tag, leaf.form.write(outcome[leaf.attribute]))
        for leaf in YEAR_END
        if leaf.attribute in outcome and outcome[leaf.attribute] is not None
    )


@cache
def _row(code: str, name: str, level: str, score: int | None) -> str:
    values = (code, name, level, score)
    return _wrapped(
        SUBJECT_ROW.tag,
        (
            element(leaf.tag, str(value))
            for leaf, value in zip(SUBJECT_ROW.children, values, strict=True)
            if value is not None
        ),
    )


@cache
def _rows_of(form: Form) -> tuple[list[dict[tuple[str, int], str]], dict[str, str]]:
    """Return the rows with a score by level and score, and all other rows by their levels."""
    scored = [
        {
            (level, score): _row(subject.code, subject.name, level, score)
            for level in "THC"
            for score in range(1, 11)
        }
        for subject in form.subjects[: form.scored]
    ]
    return scored, {}


def _rows_text(form: Form, levels: str, scores: bytes) -> str:
    scored, others = _rows_of(form)
    rest = levels[form.scored :]
    text = others.get(rest)
    if text is None:
        text = others[rest] = "".join(
            _row(subject.code, subject.name, level, None)
            for subject, level in zip(form.subjects[form.scored :], rest, strict=True)
        )
    return (
        "".join(
            [
                rows[pair]
                for rows, pair in zip(scored, zip(levels, scores, strict=False), strict=True)
            ]
        )
        + text
    )


@cache
def _known_ratings(form: Form) -> dict[str, str]:
    return {}


def _ratings_text(form: Form, ratings: str) -> str:
    known = _known_ratings(form)
    text = known.get(ratings)
    if text is None:
        text = "".join(element(tag, letter) for tag, letter in zip(form.tags, ratings, strict=True))
        if len(known) < 4_096:
            known[ratings] = text
    return text
