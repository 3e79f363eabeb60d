"""Faults planted in a record before the client signs it, by name.

The client is asked to submit the record as it is given; whoever signs it, the desk must find
exactly the planted fault. (Faults of the signatures themselves live in `sandbox.defects`.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sandbox.documents import parse_record, read_report_card, render_record
from sandbox.domain.report_card import ReportCard


@dataclass(frozen=True, slots=True)
class Plant:
    """A named fault and the code the desk must answer it with."""

    name: str
    provokes: str
    change: Callable[[ReportCard], ReportCard]


def _result_not_recomputed(card: ReportCard) -> ReportCard:
    """The year result says more (or less) than the subjects give (TT27 art. 9)."""
    wrong = "Hoàn thành" if card.summary.result != "Hoàn thành" else "Hoàn thành tốt"
    return replace(card, summary=replace(card.summary, result=wrong))


def _promotion_contradicts(card: ReportCard) -> ReportCard:
    """A pupil who completed the class is written down as not promoted (TT27 art. 11)."""
    return replace(card, summary=replace(card.summary, promoted=not card.summary.promoted))


def _subject_missing(card: ReportCard) -> ReportCard:
    """The first compulsory subject of the grade has no row."""
    return replace(card, summary=replace(card.summary, subjects=card.summary.subjects[1:]))


def _mother_missing(card: ReportCard) -> ReportCard:
    """HO_VA_TEN_ME is left out, which v1.0 does not allow."""
    return replace(card, general=replace(card.general, mother=None))


PLANTS: dict[str, Plant] = {
    plant.name: plant
    for plant in (
        Plant("result_not_recomputed", "SBX-4003", _result_not_recomputed),
        Plant("promotion_contradicts", "SBX-4004", _promotion_contradicts),
        Plant("subject_missing", "SBX-4001", _subject_missing),
        Plant("mother_missing", "SBX-2001", _mother_missing),
    )
}
"""The closed set a scenario can name under `plant:`."""


def plant_fault(record_xml: bytes, name: str) -> bytes:
    """Return the unsigned *record_xml* with the fault *name* of `PLANTS` in it."""
    card = read_report_card(parse_record(record_xml))
    return render_record(PLANTS[name].change(card))
