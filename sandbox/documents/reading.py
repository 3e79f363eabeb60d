"""XML of profile v1.0 → report card."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

from sandbox.documents.package import ParsedRecord, parse_record
from sandbox.documents.plain_data import Pairs, PlainData, plain_data
from sandbox.documents.tags import (
    ASSESSMENT,
    COMMENTS,
    DATA,
    GENERAL,
    HISTORY,
    HISTORY_ROW,
    RATINGS,
    RECORD,
    SUBJECT_ROW,
    SUBJECTS,
    SUMMARY,
    YEAR_END,
    Leaf,
)
from sandbox.documents.tree import Element
from sandbox.domain.report_card import General, ReportCard, SubjectResult, Summary, YearAtSchool

_LONGEST: Final = 200


Reads: TypeAlias = dict[object, tuple[str, Callable[[str], Any]]]
"""Tag → the attribute it fills, and how its text is read."""


def by_tag(leaves: Iterable[object]) -> Reads:
    """Return how the leaves that fill an attribute are read, by their tag and by their alias."""
    table: Reads = {}
    for leaf in leaves:
        if isinstance(leaf, Leaf) and leaf.attribute is not None:
            table[leaf.tag] = leaf.attribute, leaf.form.read
            if leaf.alias is not None:
                table[leaf.alias] = table[leaf.tag]
    return table


_GENERAL: Final = by_tag(GENERAL.children)
_HISTORY_ROW: Final = by_tag(HISTORY_ROW.children)
_SUBJECT_ROW: Final = by_tag(SUBJECT_ROW.children)
_SUMMARY: Final = by_tag((*YEAR_END, *COMMENTS))
_RATING_TAGS: Final[dict[object, Leaf]] = {
    spelling: leaf for leaf in RATINGS for spelling in (leaf.tag, leaf.alias) if spelling
}
_RATING_ORDER: Final = {leaf.tag: place for place, leaf in enumerate(RATINGS)}


@dataclass(frozen=True, slots=True)
class RecordIdentity:
    """Whose record it is, as far as it can be read; each at most 200 characters."""

    uuid: str | None = None
    pupil_code: str | None = None
    pupil_name: str | None = None
    pupil_id: str | None = None
    school_code: str | None = None
    school_year: str | None = None


_GENERAL_PATH: Final = f"{DATA.tag}/{GENERAL.tag}"
_IDENTITY: Final = {
    "MA_TRA_CUU_UUID": "uuid",
    "MA_HOC_SINH": "pupil_code",
    "HO_VA_TEN": "pupil_name",
    "SO_CCCD": "pupil_id",
    "MA_TRUONG": "school_code",
    "TEN_NAM_HOC": "school_year",
}


def general_texts(record: ParsedRecord) -> dict[str, str] | None:
    """Return the text of each tag of THONG_TIN_CHUNG; None when it is not there or not clear.

    Clear is what stands there once. Read once for all who ask, since several steps do.
    """
    if "general" not in record.kept:
        record.kept["general"] = _general_texts(record)
    found: dict[str, str] | None = record.kept["general"]
    return found


def _general_texts(record: ParsedRecord) -> dict[str, str] | None:
    plain = plain_data(record)
    if plain is not None:
        said = dict(plain.general)
        return said if len(said) == len(plain.general) else None
    general = record.element.find(_GENERAL_PATH)
    if general is None:
        return None
    children = list(general)
    texts = {child.tag: child.text or "" for child in children}
    is_clear = len(texts) == len(children) and all(type(tag) is str for tag in texts)
    return texts if is_clear else None


def identify(record: ParsedRecord) -> RecordIdentity:
    """Return whose *record* it is, for rows about records too broken to read; never raises."""
    texts = general_texts(record)
    if texts is not None:
        return RecordIdentity(*(texts.get(tag, "").strip()[:_LONGEST] or None for tag in _IDENTITY))
    general = record.element.find(_GENERAL_PATH)
    if general is None:  # the 2026 profile has it a level deeper: refused here, but by name
        general = record.element.find(f"{DATA.tag}/*/{GENERAL.tag}")
    found: dict[str, str] = {}
    for child in general if general is not None else ():
        name = _IDENTITY.get(str(child.tag))
        text = (child.text or "").strip()[:_LONGEST]
        if name is not None and text:
            found.setdefault(name, text)
    return RecordIdentity(**found)


def read_report_card(source: ParsedRecord | bytes) -> ReportCard:
    """Return the report card of a record in which `check_schema` found no error.

    *source* is a parsed record, or the bytes of a `HOC_BA` or a bare `DU_LIEU_HOC_BA` element
    (what a verified signature covers). Words for levels, the two alias spellings and ISO dates
    are understood. Rendering the result gives the same bytes again, byte for byte, when the
    record was written by `render_record`.

    Raises:
        Refused: *source* is bytes that the parser refuses.
        ValueError: The record breaks the schema.
    """
    record = source if isinstance(source, ParsedRecord) else _parsed(source)
    plain = plain_data(record)
    try:
        return _card_of_elements(record) if plain is None else _card_of_plain(plain)
    except (TypeError, ArithmeticError) as error:
        raise ValueError(f"the record breaks the schema: {error}") from error


def _card_of_plain(plain: PlainData) -> ReportCard:
    """Return the card that the bytes of a record say."""
    return ReportCard(
        general=General(**_values(plain.general, _GENERAL)),
        history=tuple([_year_at_school(row) for row in plain.history]),
        summary=_summary(plain.year_end, plain.assessment, plain.subjects),
    )


def _card_of_elements(record: ParsedRecord) -> ReportCard:
    """Return the card that the elements of a record say. Raises as `read_report_card`."""
    data = data_element(record)
    general = data.find(GENERAL.tag)
    history = data.find(HISTORY.tag)
    summary = data.find(SUMMARY.tag)
    if general is None or history is None or summary is None:
        raise ValueError("the record lacks one of its three parts: check_schema says which")
    subjects = summary.find(SUBJECTS.tag)
    assessment = summary.find(ASSESSMENT.tag)
    if subjects is None or assessment is None:
        raise ValueError("TONG_KET lacks one of its parts: check_schema says which")
    return ReportCard(
        general=General(**_values(pairs_of(general), _GENERAL)),
        history=tuple([_year_at_school(pairs_of(row)) for row in history]),
        summary=_summary(
            pairs_of(summary), pairs_of(assessment), [pairs_of(row) for row in subjects]
        ),
    )


def _parsed(source: bytes) -> ParsedRecord:
    if source.startswith(b"<DU_LIEU_HOC_BA"):
        source = b"<HOC_BA>" + source + b"</HOC_BA>"
    return parse_record(source)


def data_element(record: ParsedRecord) -> Element:
    """Return the element `read_report_card` reads: the first `DU_LIEU_HOC_BA`.

    Raises:
        ValueError: There is none.
    """
    data = record.element.find(DATA.tag)
    if data is None:
        raise ValueError(f"{RECORD.tag} without {DATA.tag}")
    return data


def pairs_of(parent: Element) -> Pairs:
    """Return tag and text of each child of *parent*."""
    return tuple([(child.tag, child.text or "") for child in parent])


def _values(said: Iterable[tuple[object, str]], table: Reads) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for tag, text in said:
        if (known := table.get(tag)) is not None:
            attribute, read = known
            values[attribute] = read(text)
    return values


@lru_cache(maxsize=4096)
def _year_at_school(said: Pairs) -> YearAtSchool:
    """Read a row of the history once: a class has the same ones over and over."""
    return YearAtSchool(**_values(said, _HISTORY_ROW))


@lru_cache(maxsize=4096)
def _subject_result(said: Pairs) -> SubjectResult:
    """Read a row of the marks once: there are not many different ones."""
    return SubjectResult(**_values(said, _SUBJECT_ROW))


def values_of(parent: Element, table: Reads) -> dict[str, Any]:
    """Return what the children of *parent* say, by attribute of the card's part."""
    return _values(pairs_of(parent), table)


def _summary(year_end: Pairs, assessment: Pairs, subjects: Iterable[Pairs]) -> Summary:
    ratings: list[tuple[str, str]] = []
    for tag, text in assessment:
        leaf = _RATING_TAGS.get(tag)
        if leaf is not None:
            ratings.append((leaf.tag, leaf.form.read(text)))
    ratings.sort(key=_order)
    return Summary(
        **_values(year_end, _SUMMARY),
        **_values(assessment, _SUMMARY),
        subjects=tuple([_subject_result(row) for row in subjects]),
        ratings=tuple(ratings),
    )


def _order(rating: tuple[str, str]) -> int:
    return _RATING_ORDER[rating[0]]
