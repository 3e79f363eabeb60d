"""Comments of the nation's records, put together from a pupil's own marks.

The rule is that of `comments`: up to two things said well and, where something is below T, one of
the weakest, so that words and marks cannot disagree. Here sentences about pupils without a
weakness come from pools made once per grade, and the rest is chosen by number.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations, product
from typing import Any

from sandbox.domain.circular27 import YearResult, ratings_due
from sandbox.domain.report_card import SubjectResult
from sandbox.synthetic import tables

_TABLE = tables.tree("comments.toml")
_MORE = tables.tree("nation_comments.toml")
_FROM_GRADE: dict[str, int] = _MORE["from_grade"]
_LEFT_OUT = frozenset(_MORE["left_out"])
AD_HOC_AWARDS: tuple[str, ...] = tuple(_TABLE["awards"]["ad_hoc"])
CLOSINGS: dict[YearResult, tuple[str, ...]] = {
    YearResult(result): tuple(texts) for result, texts in _TABLE["closing"].items()
}
_LARGEST_POOL = 2_048

Phrases = tuple[dict[str, tuple[str, ...]], ...]
"""For each thing that is marked, in the record's order, its phrases by level."""


class Field:
    """One comment field of one grade: what it may say about a row of levels."""

    def __init__(self, phrases: Phrases, *, named: bool) -> None:
        self._phrases = phrases
        self._lead = "Em " if named else ""
        self._all_well = "T" * len(phrases)
        self._praises = self._pool()

    def sentence(self, levels: str, chance: int) -> str:
        """Return the sentence that *chance* (0 to 2**32 - 1) picks for *levels*.

        *levels* holds a letter for each thing marked; there is one sentence at least for each.
        """
        if levels == self._all_well:
            return self._praises[chance * len(self._praises) >> 32]
        phrases = self._phrases
        worst = "C" if "C" in levels else "H" if "H" in levels else "Đ"
        strong = [place for place, level in enumerate(levels) if level == "T"]
        weak = [place for place, level in enumerate(levels) if level == worst]
        said = []
        if strong:
            chance, pick = divmod(chance, len(strong))
            chance, first = self._pick(strong[pick], "T", chance)
            said.append(first)
        chance, pick = divmod(chance, len(weak))
        at = weak[pick]
        chance, missing = self._pick(at, worst, chance)
        if said:
            return self._finish(f"{said[0]}; {missing}")
        others = [place for place in range(len(levels)) if place != at]
        chance, pick = divmod(chance, len(others))
        level = levels[others[pick]]
        other = phrases[others[pick]][level]
        return self._finish(f"{missing}, {other[chance % len(other)]}")

    def _pick(self, place: int, level: str, chance: int) -> tuple[int, str]:
        phrases = self._phrases[place][level]
        chance, pick = divmod(chance, len(phrases))
        return chance, phrases[pick]

    def _pool(self) -> tuple[str, ...]:
        pairs = [
            self._finish(f"{one}, {two}")
            for first, second in combinations(self._phrases, 2)
            for one, two in product(first["T"], second["T"])
        ]
        step = max(1, len(pairs) // _LARGEST_POOL)
        return tuple(pairs[::step])

    def _finish(self, text: str) -> str:
        text = f"{self._lead}{text}."
        return text[:1].upper() + text[1:]


@cache
def rating_fields(grade: int, *, named: bool) -> tuple[Field, Field, Field]:
    """Return the fields of general competences, specific competences and qualities.

    *named*: sentences begin with `Em`, as about half of the teachers write.
    """
    tags = ratings_due(grade)
    phrases = tuple(_phrases("rating", tag, grade) for tag in tags)
    return (
        Field(phrases[:3], named=named),
        Field(phrases[3:-5], named=named),
        Field(phrases[-5:], named=named),
    )


@cache
def rating_field(tags: tuple[str, ...], grade: int, *, named: bool) -> Field:
    """Return the field about some of the competences or qualities alone."""
    return Field(tuple(_phrases("rating", tag, grade) for tag in tags), named=named)


@cache
def teacher_field(codes: tuple[str, ...], grade: int, *, named: bool) -> Field:
    """Return the field NHAN_XET_GVCN for a pupil who takes the subjects *codes*."""
    return Field(tuple(_phrases("subject", code, grade) for code in codes), named=named)


def sentences_said(text: str, marked: tuple[tuple[str, str], ...], grade: int) -> bool:
    """Say whether *text* is made of phrases of the things *marked* at their levels only."""
    left = text.removesuffix(".")
    left = left.removeprefix("Em ")
    left = left[:1].lower() + left[1:]
    allowed = [
        phrase for what, level in marked for phrase in _phrases(_kind(what), what, grade)[level]
    ]
    for phrase in sorted(allowed, key=len, reverse=True):
        left = left.replace(phrase, "", 1)
    return not left.strip(",; ")


def marks_of(rows: tuple[SubjectResult, ...]) -> tuple[tuple[str, str], ...]:
    """Return what the teacher's comment may be about."""
    return tuple((row.code, row.level) for row in rows)


def _kind(what: str) -> str:
    return "subject" if what in _TABLE["subject"] else "rating"


@cache
def _phrases(kind: str, what: str, grade: int) -> dict[str, tuple[str, ...]]:
    levels: dict[str, Any] = _TABLE[kind][what]
    more: dict[str, Any] = _MORE.get(kind, {}).get(what, {})
    return {
        level: tuple(
            phrase
            for phrase in (*texts, *more.get(level, ()))
            if _FROM_GRADE.get(phrase, 1) <= grade and phrase not in _LEFT_OUT
        )
        for level, texts in levels.items()
    }
