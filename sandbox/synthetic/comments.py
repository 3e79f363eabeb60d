"""Comments put together from a pupil's own marks, so that words and marks cannot disagree."""

from __future__ import annotations

import random
from collections.abc import Sequence

from sandbox.domain.circular27 import COMPETENCES, QUALITIES
from sandbox.domain.report_card import SubjectResult
from sandbox.synthetic import tables

_TABLE = tables.tree("comments.toml")
_RATING: dict[str, dict[str, list[str]]] = _TABLE["rating"]
_SUBJECT: dict[str, dict[str, list[str]]] = _TABLE["subject"]
_CLOSING: dict[str, list[str]] = _TABLE["closing"]
AD_HOC_AWARDS: list[str] = _TABLE["awards"]["ad_hoc"]

GENERAL = COMPETENCES[:3]
SPECIFIC = COMPETENCES[3:]

Marked = Sequence[tuple[str, str]]
"""Pairs of what is rated and its level."""


def on_qualities(source: random.Random, ratings: Marked) -> str:
    """Return NHAN_XET_PHAM_CHAT for *ratings*."""
    return _sentence(source, [pair for pair in ratings if pair[0] in QUALITIES], _RATING)


def on_general(source: random.Random, ratings: Marked) -> str:
    """Return NHAN_XET_NANG_LUC_CHUNG for *ratings*."""
    return _sentence(source, [pair for pair in ratings if pair[0] in GENERAL], _RATING)


def on_specific(source: random.Random, ratings: Marked) -> str:
    """Return NHAN_XET_NANG_LUC_DAC_THU for *ratings*."""
    return _sentence(source, [pair for pair in ratings if pair[0] in SPECIFIC], _RATING)


def by_teacher(source: random.Random, subjects: Sequence[SubjectResult], result: str) -> str:
    """Return NHAN_XET_GVCN: the strongest and weakest subjects, then a word on the year."""
    marked = [(subject.code, subject.level) for subject in subjects]
    return f"{_sentence(source, marked, _SUBJECT)} {source.choice(_CLOSING[result])}"


def _sentence(
    source: random.Random, marked: Marked, phrases: dict[str, dict[str, list[str]]]
) -> str:
    """Join two praises and, where something is below T, the weakest point."""
    strong = [pair for pair in marked if pair[1] == "T"]
    weakest = "C" if any(level == "C" for _, level in marked) else None
    weak = [pair for pair in marked if pair[1] == weakest or (not weakest and pair[1] != "T")]
    praised = sorted(source.sample(strong, min(2, len(strong))), key=marked.index)
    said = [source.choice(phrases[what][level]) for what, level in praised]
    missing = max(1, 2 - len(said)) if weak else 0
    chosen = sorted(source.sample(weak, min(missing, len(weak))), key=marked.index)
    to_do = [source.choice(phrases[what][level]) for what, level in chosen]
    return f"Em {'; '.join(part for part in (', '.join(said), ', '.join(to_do)) if part)}."
