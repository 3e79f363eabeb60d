"""What a pupil of one grade is marked in: the rows of the form, drawn marks, the computed result.

Marks lean towards a result, but the result is computed from them (spec/assessment-rules.md §4,
§8 G1–G6). All draws are single bytes of a pupil's own dice through tables made once.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import Any, NamedTuple

from sandbox.domain.circular27 import (
    Subject,
    YearResult,
    electives,
    ratings_due,
    scores_due,
    subjects_due,
)
from sandbox.synthetic.chance import spread
from sandbox.synthetic.marks import COMPETENCE_OF
from sandbox.synthetic.shares import SHARES, byte_cells, threshold, thresholds

_RESULTS: dict[str, Any] = SHARES["results"]
_SCORES: dict[str, Any] = SHARES["scores"]

LEANS = (
    YearResult.EXCELLENT,
    YearResult.GOOD,
    YearResult.COMPLETED,
    YearResult.NOT_COMPLETED,
)
_NAMES = ("excellent", "good", "completed", "not_completed")
_BOUNDS = thresholds([_RESULTS[name] for name in _NAMES])
_CELLS: dict[YearResult, dict[str, bytes]] = {
    lean: {level: byte_cells(weights) for level, weights in _SCORES[name].items()}
    for lean, name in zip(LEANS, _NAMES, strict=True)
}
_WEAK_SUBJECTS = byte_cells(_RESULTS["weak_subjects"])
_FOLLOWS = threshold(_RESULTS["competence_follows"]) >> 8
_QUALITIES = 5
_SCATTERED = 8
"""Ratings that no subject decides: three general competences and five qualities."""


def _scatter() -> tuple[int, ...]:
    """Return 4,096 cells of sets of ratings that are Đ by themselves, as bit masks."""
    share = _RESULTS["rating_scatter"]
    weights = [
        share ** mask.bit_count() * (1000 - share) ** (_SCATTERED - mask.bit_count())
        for mask in range(1 << _SCATTERED)
    ]
    return spread(range(1 << _SCATTERED), weights, cells=4_096)


_SCATTER = _scatter()


class Marks(NamedTuple):
    """The marks of one pupil; letters stand in the order of the form."""

    levels: str
    scores: bytes
    """Of the first subjects: those with a year-end test stand first."""
    ratings: str
    result: YearResult


class Form:
    """The subjects of one pupil, and how their marks are drawn."""

    def __init__(self, grade: int, subjects: tuple[Subject, ...]) -> None:
        self.grade = grade
        self.subjects = subjects
        self.codes = tuple(subject.code for subject in subjects)
        self.tags = ratings_due(grade)
        self.scored = len(scores_due(grade))
        self.all_well = "T" * len(subjects)
        self.all_good = "T" * len(self.tags)
        self._follows = tuple(
            self.tags.index(tag) if tag in self.tags else -1
            for tag in (COMPETENCE_OF.get(code, "") for code in self.codes)
        )
        places = range(len(subjects))
        self._weak = {count: tuple(combinations(places, count)) for count in (0, 1, 2, 3, 5)}

    def marks(self, lean: YearResult, dice: bytes) -> Marks:
        """Return the marks that 20 random bytes draw for somebody leaning to *lean*."""
        if lean is YearResult.EXCELLENT or lean is YearResult.GOOD:
            scores = dice[: self.scored].translate(_CELLS[lean]["T"])
            if lean is YearResult.GOOD and min(scores) >= 9:
                place = dice[8] % self.scored
                scores = scores[:place] + bytes((7 + dice[9] % 2,)) + scores[place + 1 :]
            return self._computed(self.all_well, scores, self.all_good)
        levels = self._levels(lean, dice)
        cells = _CELLS[lean]
        scores = bytes([cells[levels[place]][dice[place]] for place in range(self.scored)])
        return self._computed(levels, scores, self._ratings(levels, dice))

    def _levels(self, lean: YearResult, dice: bytes) -> str:
        completed = lean is YearResult.COMPLETED
        count = _WEAK_SUBJECTS[dice[8]] if completed else 5
        sets = self._weak[count]
        letters = list(self.all_well)
        for place in sets[(dice[9] << 8 | dice[10]) * len(sets) >> 16]:
            letters[place] = "H"
        if not completed:
            # Tiếng Việt and Toán decide who stays behind: one of them, or both, is C.
            letters[0], letters[1] = ("CH", "HC", "CC")[dice[11] % 3]
        return "".join(letters)

    def _ratings(self, levels: str, dice: bytes) -> str:
        letters = list(self.all_good)
        draw = 12
        for place, level in enumerate(levels):
            if level != "T":
                followed = self._follows[place]
                if followed >= 0 and dice[draw] < _FOLLOWS:
                    letters[followed] = "C" if "C" in (level, letters[followed]) else "Đ"
                # Seven weak subjects at most; the draws are those of bytes 12 to 17.
                draw = min(draw + 1, 17)
        mask = _SCATTER[(dice[18] << 8 | dice[19]) >> 4]
        if not mask and levels == self.all_well:
            mask = 1 << 3 + dice[11] % _QUALITIES
        place = 0
        while mask:
            if mask & 1:
                letters[place if place < 3 else place - _SCATTERED] = "Đ"
            mask >>= 1
            place += 1
        return "".join(letters)

    def _computed(self, levels: str, scores: bytes, ratings: str) -> Marks:
        """Compute the result in the circular's order (art. 9.2a)."""
        lowest = min(scores)
        result = YearResult.NOT_COMPLETED
        if levels == self.all_well and ratings == self.all_good and lowest >= 7:
            result = YearResult.EXCELLENT if lowest >= 9 else YearResult.GOOD
        elif lowest >= 5 and "C" not in levels and "C" not in ratings:
            result = YearResult.COMPLETED
        return Marks(levels, scores, ratings, result)


@cache
def form_of(grade: int, *, english: bool, own_language: bool) -> Form:
    """Return the form of a pupil of *grade* with the electives said (English from 3 is due)."""
    chosen = {"S03": english, "S14": own_language}
    taken = (*subjects_due(grade), *(s for s in electives(grade) if chosen[s.code]))
    return Form(grade, tuple(sorted(taken, key=lambda subject: subject.code)))


def leaning(chance: int) -> YearResult:
    """Return the result that a two-byte draw leans to."""
    for bound, lean in zip(_BOUNDS, LEANS, strict=True):
        if chance < bound:
            return lean
    return YearResult.COMPLETED
