"""Training cases: report cards of the 2026 profile for pupils whom v1.0 cannot carry.

Each starts from the card the pupil would have; its reason changes what it must and nothing else
(spec/assessment-rules.md §7). What is drawn besides comes from dice of the case's own, so that no
other record of the nation depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from sandbox.domain.circular27 import EXEMPT, SUBJECT_BY_CODE, YearResult, year_result
from sandbox.domain.report_card import SubjectResult
from sandbox.domain.report_card_2026 import BirthDate, ReportCard2026, Sheet, card_of_2026
from sandbox.synthetic import fragments, remarks, tables
from sandbox.synthetic.chance import rolled, spread
from sandbox.synthetic.marks import COMPETENCE_OF
from sandbox.synthetic.model import Reason
from sandbox.synthetic.persons import Person
from sandbox.synthetic.shares import threshold
from sandbox.synthetic.writing import ClassWriter
from sandbox.synthetic.years import Year

_TABLE: dict[str, Any] = tables.tree("cases.toml")
_EXEMPTIONS: Final = spread(list(_TABLE["exempt"]), list(_TABLE["exempt"].values()), cells=256)
_NO_DAY: Final = threshold(_TABLE["no_personal_id"]["no_day"])
_NO_MONTH: Final = _NO_DAY + threshold(_TABLE["no_personal_id"]["no_month"])
_PLANNED: dict[str, Any] = _TABLE["not_assessed"]
_DICE: Final = 1 << 34
"""Dice of cases lie beyond those of everything else a year's key rolls."""


class CaseWriter:
    """Writes the cases of one class."""

    def __init__(
        self, writer: ClassWriter, *, subject_teachers: Mapping[str, str], named: bool
    ) -> None:
        """*subject_teachers*: names by subject; *named*: the class teacher's hand."""
        self._writer = writer
        self._subject_teachers = subject_teachers
        self._named = named

    def card(self, person: Person, year: Year, reason: Reason, key: bytes) -> ReportCard2026:
        """Return the card of *person*; *key* is the one that *year* was drawn under.

        Raises:
            KeyError: *reason* is none that calls for the 2026 profile.
        """
        changed: dict[Reason, Callable[[ReportCard2026, Person, Year, bytes], ReportCard2026]] = {
            Reason.GUARDIAN_ONLY: _guarded,
            Reason.NO_PERSONAL_ID: _unnumbered,
            Reason.EXEMPT: self._exempt,
            Reason.NOT_ASSESSED: _by_plan,
        }
        card = card_of_2026(
            self._writer.card(person, year), subject_teachers=self._subject_teachers
        )
        return changed[reason](card, person, year, rolled(key, _DICE + person.dice_number))

    def _exempt(
        self, card: ReportCard2026, _person: Person, year: Year, dice: bytes
    ) -> ReportCard2026:
        """Level M; result, award and comments as they are without that subject."""
        form, marks = year.form, year.marks
        drawn = _EXEMPTIONS[dice[0]]
        # nobody is exempt from what need not be taken
        code = drawn if SUBJECT_BY_CODE[drawn].is_compulsory(form.grade) else "S10"
        left = [row for row in card.summary.subjects if row.code != code]
        result = year_result(
            (row.level for row in left),
            marks.ratings,
            (row.score for row in left if row.score is not None),
        )
        promoted = year.promoted or result is not YearResult.NOT_COMPLETED
        titled = result is YearResult.EXCELLENT or (result is YearResult.GOOD and year.titled)
        codes = tuple(row.code for row in left)
        rated = {
            tag: letter
            for tag, letter in zip(form.tags[3:-5], marks.ratings[3:-5], strict=True)
            if tag != COMPETENCE_OF[code]
        }
        teacher = remarks.teacher_field(codes, form.grade, named=self._named)
        specific = remarks.rating_field(tuple(rated), form.grade, named=self._named)
        closings = remarks.CLOSINGS[result]
        said = teacher.sentence("".join(row.level for row in left), _chance(dice, 1))
        summary = replace(
            _rows_changed(
                card, lambda row: _without_marks(row, EXEMPT) if row.code == code else row
            ).summary,
            **fragments.outcome_of(form.grade, result, promoted, titled),  # type: ignore[arg-type]
            teacher_comment=f"{said} {closings[dice[5] % len(closings)]}",
            comment_specific=specific.sentence("".join(rated.values()), _chance(dice, 6)),
        )
        return replace(card, summary=summary)


def _guarded(card: ReportCard2026, person: Person, _year: Year, _dice: bytes) -> ReportCard2026:
    """Brought up by a grandmother: the mother's name stands in for hers."""
    return _general(card, father=None, mother=None, guardian=person.mother)


def _unnumbered(card: ReportCard2026, _person: Person, _year: Year, dice: bytes) -> ReportCard2026:
    born, chance = card.general.birth_date, dice[0] << 8 | dice[1]
    if born is not None and chance < _NO_MONTH:
        born = BirthDate(born.year, born.month) if chance < _NO_DAY else BirthDate(born.year)
    return _general(card, pupil_id=None, birth_date=born)


def _by_plan(card: ReportCard2026, _person: Person, _year: Year, dice: bytes) -> ReportCard2026:
    """No result, level, score or rating; promoted for what the individual plan asked for."""
    grade = card.general.grade
    text = _PLANNED["completion" if grade < 5 else "completion_last"]
    summary = replace(
        _rows_changed(card, lambda row: _without_marks(row, "")).summary,
        result=None,
        promoted=True,
        completion_text=text.format(grade=grade, next=grade + 1),
        class_completed=True,
        primary_completed=grade == 5,
        award=None,
        teacher_comment=_picked("by_teacher", dice[0]),
        ratings=(),
        comment_qualities=None,
        comment_general=_picked("general", dice[1]),
        comment_specific=_picked("specific", dice[2]),
    )
    marked = _general(card, not_assessed=True, policy_group=_PLANNED["policy_group"])
    return replace(marked, summary=summary)


def _general(card: ReportCard2026, **changes: Any) -> ReportCard2026:
    return replace(card, general=replace(card.general, **changes))


def _rows_changed(
    card: ReportCard2026, change: Callable[[SubjectResult], SubjectResult]
) -> ReportCard2026:
    sheets = tuple(
        Sheet(sheet.teacher, tuple(map(change, sheet.subjects))) for sheet in card.summary.sheets
    )
    return replace(card, summary=replace(card.summary, sheets=sheets))


def _without_marks(row: SubjectResult, level: str) -> SubjectResult:
    return SubjectResult(row.code, row.name, level)


def _picked(field: str, byte: int) -> str:
    texts: list[str] = _PLANNED[field]
    return texts[byte % len(texts)]


def _chance(dice: bytes, place: int) -> int:
    return int.from_bytes(dice[place : place + 4], "big")
