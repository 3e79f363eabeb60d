"""What happened to a pupil in one school year: marks, result, growth, absences, comments."""

from __future__ import annotations

from typing import Any, NamedTuple

from sandbox.domain.circular27 import YearResult
from sandbox.domain.report_card import Sex
from sandbox.synthetic import remarks
from sandbox.synthetic.chance import rolled
from sandbox.synthetic.forms import Form, Marks, form_of, leaning
from sandbox.synthetic.persons import Person
from sandbox.synthetic.shares import SHARES, byte_cells, threshold

_BODY: dict[str, Any] = SHARES["body"]
_SPREAD_MM, _MASS, _SPREAD_MASS = (
    int(_BODY[name]) for name in ("spread_mm", "mass_index", "spread_mass")
)
_LEAST_CM, _MOST_CM = int(_BODY["least_cm"]), int(_BODY["most_cm"])
_LEAST_WEIGHT, _MOST_WEIGHT = 10 * int(_BODY["least_kg"]), 10 * int(_BODY["most_kg"])
_MM = {Sex.MALE: tuple(_BODY["boys_mm"]), Sex.FEMALE: tuple(_BODY["girls_mm"])}
_WITH_LEAVE = byte_cells(SHARES["absences"]["with_leave"])
_WITHOUT_LEAVE = byte_cells(SHARES["absences"]["without_leave"])
_STEADY = threshold(SHARES["results"]["steady"])
_MODEL = threshold(SHARES["results"]["model_title"])
_AD_HOC = threshold(SHARES["results"]["ad_hoc_award"])
_PROMOTED = threshold(SHARES["results"]["promoted_all_the_same"])
_OWN_LANGUAGE = frozenset(SHARES["electives"]["own_language_groups"])
# Mean and spread of the sum of four random bytes.
_BYTES_MEAN, _BYTES_SPREAD = 510, 148


class Year(NamedTuple):
    """One pupil's year; `form` says what the letters of `marks` stand for."""

    record_id: str
    form: Form
    marks: Marks
    promoted: bool
    titled: bool
    """The class agreed to the title of result 1 or 2."""
    ad_hoc_award: str | None
    with_leave: int
    without_leave: int
    weight: int
    """In tenths of a kilogram."""
    height: int
    """In centimetres."""
    by_teacher: str
    on_qualities: str
    on_general: str
    on_specific: str


class Classroom:
    """What the year's draws of one class depend on: grade, electives, the teacher's hand."""

    def __init__(self, grade: int, *, english: bool, own_language: bool, named: bool) -> None:
        """*named*: the teacher's sentences begin with "Em"."""
        self.grade = grade
        self.named = named
        self._own_language = own_language
        self._plain = form_of(grade, english=english, own_language=False)
        self._with_own = form_of(grade, english=english, own_language=True)
        self._fields = remarks.rating_fields(grade, named=named)
        self._teacher = {
            form: remarks.teacher_field(form.codes, grade, named=named)
            for form in (self._plain, self._with_own)
        }

    def year(self, person: Person, key: bytes, *, lean: YearResult | None = None) -> Year:
        """Return the year of *person*; *key* holds seed, school year and group.

        *lean*: the result towards which marks lean; drawn when None.
        """
        d = rolled(key, person.dice_number)
        own = self._own_language and person.ethnic_group in _OWN_LANGUAGE
        form = self._with_own if own else self._plain
        promoted = person.stays_down_in != self.grade
        if lean is None:
            lean = self._leaning(person, d) if promoted else YearResult.NOT_COMPLETED
        elif lean is YearResult.NOT_COMPLETED:
            promoted = self._goes_on(d)
        marks = form.marks(lean, d[20:40])
        result = marks.result
        ratings = marks.ratings
        weight, height = self._body(person, d)
        general, specific, qualities = self._fields
        closings = remarks.CLOSINGS[result]
        teacher = self._teacher[form]
        chances = int.from_bytes(d[44:60], "big")
        return Year(
            record_id=_uuid(d),
            form=form,
            marks=marks,
            promoted=promoted,
            titled=result is YearResult.EXCELLENT
            or (result is YearResult.GOOD and (d[40] << 8 | d[41]) < _MODEL),
            ad_hoc_award=_ad_hoc(d),
            with_leave=_WITH_LEAVE[d[60]],
            without_leave=_WITHOUT_LEAVE[d[61]],
            weight=weight,
            height=height,
            by_teacher=f"{teacher.sentence(marks.levels, chances >> 96)} "
            f"{closings[d[62] % len(closings)]}",
            on_qualities=qualities.sentence(ratings[-5:], chances >> 64 & 0xFFFFFFFF),
            on_general=general.sentence(ratings[:3], chances >> 32 & 0xFFFFFFFF),
            on_specific=specific.sentence(ratings[3:-5], chances & 0xFFFFFFFF),
        )

    def _leaning(self, person: Person, d: bytes) -> YearResult:
        """Return what a pupil who goes on to the next grade leans to.

        Who stays down is settled with the groups (`persons`), for the next year's class must hold
        the same pupil: whoever else would not be promoted just completed.
        """
        steady = (d[16] << 8 | d[17]) < _STEADY
        lean = leaning(person.ability if steady else d[18] << 8 | d[19])
        if lean is YearResult.NOT_COMPLETED and not self._goes_on(d):
            return YearResult.COMPLETED
        return lean

    def _goes_on(self, d: bytes) -> bool:
        """Tell whether the head promotes who did not complete (TT27 art. 11.1c); never after 5."""
        return self.grade < 5 and (d[42] << 8 | d[43]) < _PROMOTED

    def _body(self, person: Person, d: bytes) -> tuple[int, int]:
        """Return weight and height: the person's own, rising with the grade."""
        base: int = _MM[person.sex][self.grade - 1 + person.late]
        mm = base + (person.tall - _BYTES_MEAN) * _SPREAD_MM // _BYTES_SPREAD
        height = min(_MOST_CM, max(_LEAST_CM, (mm + d[63] % 11 - 5) // 10))
        mass = _MASS + (person.stout - _BYTES_MEAN) * _SPREAD_MASS // _BYTES_SPREAD
        weight = mass * height * height // 10_000
        return min(_MOST_WEIGHT, max(_LEAST_WEIGHT, weight)), height


def warm_up(grades: tuple[int, ...]) -> None:
    """Make what classrooms of *grades* share, so that processes forked later have it already."""
    for grade in grades:
        for english in (False, True):
            for named in (False, True):
                Classroom(grade, english=english, own_language=False, named=named)


def _ad_hoc(d: bytes) -> str | None:
    if (d[1] << 8 | d[3]) >= _AD_HOC:
        return None
    return remarks.AD_HOC_AWARDS[d[5] % len(remarks.AD_HOC_AWARDS)]


def _uuid(d: bytes) -> str:
    """Return a version 4 UUID from the first sixteen dice."""
    h = d[:16].hex()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[d[8] & 3]}{h[17:20]}-{h[20:]}"
