"""Changes to a card's data as functions of the card: what the edit forms do.

After a change of levels, scores or ratings everything that follows from them is computed again by
Circular 27: year result, promotion, item 6 and the title (spec/assessment-rules.md §4–6).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from sandbox.domain.assessment import (
    AWARD_EXCELLENT,
    AWARD_MODEL,
    YearResult,
    completion_text,
    recompute,
)
from sandbox.domain.report_card import ReportCard, Summary
from sandbox.errors import Refused

TITLES = {YearResult.EXCELLENT: AWARD_EXCELLENT, YearResult.GOOD: AWARD_MODEL}
COMMENTS = ("teacher_comment", "comment_qualities", "comment_general", "comment_specific")


def with_comment(card: ReportCard, name: str, text: str) -> ReportCard:
    """Return *card* with one of its four comments changed."""
    if name not in COMMENTS:
        raise KeyError(name)
    return replace(card, summary=_summary(card, **{name: text}))


def with_subject(card: ReportCard, code: str, *, level: str, score: int | None) -> ReportCard:
    """Return *card* with one subject's level and score changed, and what follows from them."""
    subjects = tuple(
        replace(row, level=level, score=score) if row.code == code else row
        for row in card.summary.subjects
    )
    return recomputed(replace(card, summary=replace(card.summary, subjects=subjects)))


def with_rating(card: ReportCard, tag: str, letter: str) -> ReportCard:
    """Return *card* with one rating changed, and what follows from it."""
    ratings = tuple((t, letter if t == tag else old) for t, old in card.summary.ratings)
    return recomputed(replace(card, summary=replace(card.summary, ratings=ratings)))


def with_profile(card: ReportCard, *, name: str, birth_date: date) -> ReportCard:
    """Return *card* with the pupil's name and birth date changed (học vụ, on a document)."""
    return replace(card, general=replace(card.general, pupil_name=name, birth_date=birth_date))


def recomputed(card: ReportCard) -> ReportCard:
    """Return *card* with result, promotion, item 6 and title as the rules give them.

    Raises `Refused` with the reasons when the result cannot be computed.
    """
    outcome = recompute(card)
    if outcome.result is None:
        raise Refused(*outcome.faults)
    result, grade = outcome.result, card.general.grade
    completed = result is not YearResult.NOT_COMPLETED
    return replace(
        card,
        summary=_summary(
            card,
            result=result.value,
            promoted=completed,
            class_completed=completed,
            primary_completed=completed and grade == 5,
            completion_text=completion_text(result, grade, promoted=completed),
            award=_award(card.summary.award, result),
        ),
    )


def _award(award: str | None, result: YearResult) -> str | None:
    """Return the award that fits *result*: a title goes or comes, another award stays."""
    title = TITLES.get(result)
    return title if award is None or award in TITLES.values() else award


def _summary(card: ReportCard, **changes: object) -> Summary:
    return replace(card.summary, **changes)  # type: ignore[arg-type]
