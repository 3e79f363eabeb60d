"""The data of a record as nearly everybody writes them, read from their bytes.

The parts in the specification's order, one leaf after the other, no white space between them, no
attribute but the Id, no comment and no entity: then the bytes say all there is to read, and no
tree has to be walked. What is written otherwise may be just as lawful; it is read element by
element.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from sandbox.documents.package import ParsedRecord
from sandbox.documents.signing_part import halves_of
from sandbox.documents.tags import (
    ASSESSMENT,
    DATA,
    GENERAL,
    HISTORY,
    HISTORY_ROW,
    SUBJECT_ROW,
    SUBJECTS,
    SUMMARY,
)

Pairs: TypeAlias = tuple[tuple[object, str], ...]
"""Tag and text of each child: what a row says, and a key for what was read of such a row."""
Leaves: TypeAlias = tuple[tuple[str, str], ...]
"""Pairs read from bytes, where a tag is always text."""

_LEAF: Final = re.compile(r"<([A-Z_]+)>([^<]*)</\1>")
_AROUND: Final = len("<></>")
_OPENING: Final = re.compile(rf'<{DATA.tag} (?:Id|id|ID)="[^"<]+"><{GENERAL.tag}>')
_BEFORE_HISTORY: Final = f"</{GENERAL.tag}><{HISTORY.tag}>"
_BEFORE_SUMMARY: Final = f"</{HISTORY.tag}><{SUMMARY.tag}>"
_BEFORE_SUBJECTS: Final = f"<{SUBJECTS.tag}>"
_BEFORE_ASSESSMENT: Final = f"</{SUBJECTS.tag}><{ASSESSMENT.tag}>"
_ENDING: Final = f"</{ASSESSMENT.tag}></{SUMMARY.tag}></{DATA.tag}>"


@dataclass(frozen=True, slots=True)
class PlainData:
    """What the parts of a record's data say, each leaf as tag and text."""

    general: Leaves
    history: list[Leaves]
    """Row by row."""
    year_end: Leaves
    """The leaves of TONG_KET itself."""
    subjects: list[Leaves]
    """Row by row."""
    assessment: Leaves


def plain_data(record: ParsedRecord) -> PlainData | None:
    """Return what the data of *record* say, read once; None when they are written otherwise."""
    if "plain" not in record.kept:
        halves = halves_of(record)
        record.kept["plain"] = None if halves is None else read_plain(halves.data)
    found: PlainData | None = record.kept["plain"]
    return found


def read_plain(data: bytes) -> PlainData | None:
    """Take `DU_LIEU_HOC_BA` apart; None unless every byte of it is accounted for.

    *data* are bytes of a well-formed document. An `&` stands for something else, and a carriage
    return is read as a line feed: both are left to the parser.
    """
    if b"&" in data or b"\r" in data:
        return None
    text = data.decode()
    opening = _OPENING.match(text)
    general, found_history, rest = text.partition(_BEFORE_HISTORY)
    history, found_summary, rest = rest.partition(_BEFORE_SUMMARY)
    year_end, found_subjects, rest = rest.partition(_BEFORE_SUBJECTS)
    subjects, found_assessment, assessment = rest.partition(_BEFORE_ASSESSMENT)
    if opening is None or not assessment.endswith(_ENDING):
        return None
    if not (found_history and found_summary and found_subjects and found_assessment):
        return None
    read_general = _leaves(general[opening.end() :])
    read_year_end = _leaves(year_end)
    read_assessment = _leaves(assessment[: -len(_ENDING)])
    read_history = _rows(history, HISTORY_ROW.tag)
    read_subjects = _rows(subjects, SUBJECT_ROW.tag)
    if read_general is None or read_year_end is None or read_assessment is None:
        return None
    if read_history is None or read_subjects is None:
        return None
    return PlainData(read_general, read_history, read_year_end, read_subjects, read_assessment)


def _leaves(text: str) -> Leaves | None:
    """Return the leaves of which *text* consists; None when there is anything else in it."""
    found: list[tuple[str, str]] = _LEAF.findall(text)
    written = sum([2 * len(tag) + len(said) for tag, said in found])
    return tuple(found) if written + _AROUND * len(found) == len(text) else None


def _rows(text: str, tag: str) -> list[Leaves] | None:
    """Return the rows called *tag* of which *text* consists; None when it is more than those."""
    if not text:
        return []
    opening, closing = f"<{tag}>", f"</{tag}>"
    if not (text.startswith(opening) and text.endswith(closing)):
        return None
    rows: list[Leaves] = []
    for row in text[len(opening) : -len(closing)].split(closing + opening):
        leaves = _row(row)
        if leaves is None:
            return None
        rows.append(leaves)
    return rows


@lru_cache(maxsize=4096)
def _row(text: str) -> Leaves | None:
    """Take a row apart once: a class has the same ones over and over."""
    return _leaves(text)
