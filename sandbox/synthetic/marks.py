"""Levels, scores and ratings that agree with each other (spec/assessment-rules.md §8 G1–G6).

Only an inclination is drawn; the year result is computed from the marks afterwards.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from sandbox.domain.circular27 import (
    COMPETENCES,
    QUALITIES,
    Subject,
    YearResult,
    ratings_due,
    scores_due,
)
from sandbox.domain.report_card import SubjectResult

Ratings = tuple[tuple[str, str], ...]

MIX: tuple[tuple[YearResult, float], ...] = (
    (YearResult.EXCELLENT, 0.30),
    (YearResult.GOOD, 0.34),
    (YearResult.COMPLETED, 0.36),
)
"""Purely invented. The one per cent that did not complete is placed by number, see `classes`."""

COMPETENCE_OF: dict[str, str] = {
    "S01": "NANG_LUC_NGON_NGU",
    "S02": "NANG_LUC_TINH_TOAN",
    "S03": "NANG_LUC_NGON_NGU",
    "S05": "NANG_LUC_KHOA_HOC",
    "S06": "NANG_LUC_TIN_HOC",
    "S07": "NANG_LUC_CONG_NGHE",
    "S09": "NANG_LUC_KHOA_HOC",
    "S10": "NANG_LUC_THE_CHAT",
    "S11": "NANG_LUC_THAM_MI",
    "S12": "NANG_LUC_THAM_MI",
}
"""Subject to the specific competence that follows it (G4)."""

_SCORES = {
    (YearResult.EXCELLENT, "T"): ((9, 10), (6, 4)),
    (YearResult.GOOD, "T"): ((7, 8, 9, 10), (2, 4, 4, 2)),
    (YearResult.COMPLETED, "T"): ((7, 8, 9, 10), (5, 5, 3, 1)),
    (YearResult.COMPLETED, "H"): ((5, 6, 7, 8), (4, 5, 3, 1)),
    (YearResult.NOT_COMPLETED, "T"): ((7, 8), (3, 1)),
    (YearResult.NOT_COMPLETED, "H"): ((5, 6, 7), (5, 3, 1)),
    (YearResult.NOT_COMPLETED, "C"): ((2, 3, 4), (1, 3, 4)),
}
_FOLLOWS = 0.8
_SCATTER = 0.12


def incline(source: random.Random) -> YearResult:
    """Return the result towards which a pupil's marks lean."""
    return source.choices([r for r, _ in MIX], [share for _, share in MIX])[0]


def draw_marks(
    source: random.Random, grade: int, subjects: Iterable[Subject], lean: YearResult
) -> tuple[tuple[SubjectResult, ...], Ratings]:
    """Return the subject rows and ratings of one pupil of *grade* that lean towards *lean*."""
    taken = tuple(subjects)
    levels = _levels(source, taken, lean)
    scores = {
        code: source.choices(*_SCORES[lean, levels[code]])[0]
        for code in scores_due(grade)
        if code in levels
    }
    if lean is YearResult.GOOD and min(scores.values()) >= 9:
        scores[source.choice(sorted(scores))] = source.choice((7, 8))
    ratings = _ratings(source, grade, levels, lean)
    rows = tuple(SubjectResult(s.code, s.name, levels[s.code], scores.get(s.code)) for s in taken)
    return rows, ratings


def _levels(
    source: random.Random, subjects: tuple[Subject, ...], lean: YearResult
) -> dict[str, str]:
    levels = {subject.code: "T" for subject in subjects}
    codes = sorted(levels)
    if lean is YearResult.COMPLETED:
        # One in twelve is held back by a rating alone: every subject is T.
        weaker = 0 if source.random() < 1 / 12 else source.choices((1, 2, 3, 5), (4, 4, 3, 2))[0]
        for code in source.sample(codes, weaker):
            levels[code] = "H"
    if lean is YearResult.NOT_COMPLETED:
        for code in source.sample(codes, 5):
            levels[code] = "H"
        levels["S01"] = "H"
        levels["S02"] = "C"
    return levels


def _ratings(
    source: random.Random, grade: int, levels: dict[str, str], lean: YearResult
) -> Ratings:
    due = ratings_due(grade)
    found = dict.fromkeys(due, "T")
    if lean in (YearResult.COMPLETED, YearResult.NOT_COMPLETED):
        for code, level in levels.items():
            tag = COMPETENCE_OF.get(code)
            if tag in found and level != "T" and source.random() < _FOLLOWS:
                found[tag] = "C" if level == "C" else "Đ"
        for tag in (*COMPETENCES[:3], *QUALITIES):
            if source.random() < _SCATTER:
                found[tag] = "Đ"
        if "H" not in levels.values() and "Đ" not in found.values():
            found[source.choice(QUALITIES)] = "Đ"
    return tuple((tag, found[tag]) for tag in due)
