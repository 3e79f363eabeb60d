"""XML of the 2026 profile → report card, and which profile a record has."""

from __future__ import annotations

from typing import Final

from sandbox.documents.package import ParsedRecord, parse_record
from sandbox.documents.reading import by_tag, values_of
from sandbox.documents.tags import RATINGS
from sandbox.documents.tags_2026 import (
    ASSESSMENT_2026,
    COMMENTS_2026,
    DATA,
    GENERAL,
    HISTORY,
    HISTORY_ROW,
    INNER_TAG,
    SUBJECT_ROW,
    SUBJECTS,
    SUMMARY,
    TEACHER,
    YEAR_END_2026,
)
from sandbox.documents.tree import Element
from sandbox.domain.report_card import SubjectResult
from sandbox.domain.report_card_2026 import (
    General2026,
    ReportCard2026,
    Sheet,
    Summary2026,
    YearAtSchool2026,
)

_GENERAL: Final = by_tag(GENERAL.children)
_HISTORY_ROW: Final = by_tag(HISTORY_ROW.children)
_SUBJECT_ROW: Final = by_tag(SUBJECT_ROW.children)
_SUMMARY: Final = by_tag((*YEAR_END_2026, *COMMENTS_2026))
_RATING_TAGS: Final = {
    spelling: leaf.tag for leaf in RATINGS for spelling in (leaf.tag, leaf.alias) if spelling
}


def is_2026(record: ParsedRecord) -> bool:
    """Say whether *record* has the layout of the 2026 profile, well made or not."""
    return record.element.find(f"{DATA.tag}/{INNER_TAG}") is not None


def read_report_card_2026(source: ParsedRecord | bytes) -> ReportCard2026:
    """Return the report card of a record in which `check_schema_2026` found no error.

    *source* is a parsed record, or the bytes of a `HOC_BA` or of a bare `DU_LIEU_HOC_BA`, what
    the head's signature covers. Rendering the result gives the unsigned record again.

    Raises:
        Refused: *source* is bytes that the parser refuses.
        ValueError: The record breaks the schema.
    """
    if isinstance(source, bytes):
        is_bare = source.startswith(f"<{DATA.tag}".encode())
        source = parse_record(b"<HOC_BA>" + source + b"</HOC_BA>" if is_bare else source)
    inner = source.element.find(f"{DATA.tag}/{INNER_TAG}")
    if inner is None:
        raise ValueError(f"no {DATA.tag}/{INNER_TAG}: not a record of the 2026 profile")
    try:
        return ReportCard2026(
            general=General2026(**values_of(_part(inner, GENERAL.tag), _GENERAL)),
            history=tuple(
                YearAtSchool2026(**values_of(row, _HISTORY_ROW))
                for row in _part(inner, HISTORY.tag)
            ),
            summary=_summary(_part(inner, SUMMARY.tag)),
        )
    except (TypeError, KeyError) as error:
        raise ValueError(f"the record breaks the schema: {error}") from error


def _part(parent: Element, tag: str) -> Element:
    found = parent.find(tag)
    if found is None:
        raise ValueError(f"the record lacks {tag}: check_schema_2026 says what else")
    return found


def _summary(element: Element) -> Summary2026:
    assessment = _part(element, ASSESSMENT_2026.tag)
    return Summary2026(
        **values_of(element, _SUMMARY),
        **values_of(assessment, _SUMMARY),
        sheets=tuple(_sheet(sheet) for sheet in _part(element, SUBJECTS.tag)),
        ratings=tuple(
            (_RATING_TAGS[str(child.tag)], child.text or "")
            for child in assessment
            if child.tag in _RATING_TAGS
        ),
    )


def _sheet(element: Element) -> Sheet:
    rows = element.findall(SUBJECT_ROW.tag)
    teacher = _part(element, TEACHER.tag).text or ""
    return Sheet(
        teacher, tuple(SubjectResult(**{"level": ""} | values_of(r, _SUBJECT_ROW)) for r in rows)
    )
