"""Documents that hold records: the package `DANH_SACH_HOC_BA` and the single-record file.

Only `HOC_BA` elements that are direct children of the root are records
(spec/record-format.md §8). Each is also known by its original bytes, cut out of the document
unchanged: that is what the Sở forwards, what is stored and what other verifiers are given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from xml.parsers import expat

from lxml import etree

from sandbox.documents.bounds import Limits
from sandbox.documents.parser import line_at, safe_tree
from sandbox.documents.tags import ID_ATTRIBUTES, PACKAGE_ID, PACKAGE_ROOT, RECORD_ROOT
from sandbox.documents.tree import Element, attributes_of, bare_name, line_of
from sandbox.errors import Finding, Refused

_ROOT_FAULT: Final = "SBX-1109"
_RECORD_TAG: Final = re.compile(rb"""<(/?)HOC_BA(?=[\s/>])((?:[^>"']|"[^"]*"|'[^']*')*)>""")
_RECORD_START: Final = b"<HOC_BA"
_RECORD_END: Final = b"</HOC_BA>"
_USUAL_END: Final = b"</DANH_SACH_THONG_TIN_KY></HOC_BA>"
_ANYWHERE: Final = etree.XPath("count(descendant::HOC_BA)")
_ANY_TAG: Final = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""")


@dataclass(frozen=True, slots=True, eq=False)
class ParsedRecord:
    """One record as it arrived."""

    number: int
    """Place among the records of its document, from 1."""
    element: Element
    xpath: str
    """`/DANH_SACH_HOC_BA/HOC_BA[3]`, or `/HOC_BA` in a file of its own."""
    line: int
    """Line of its start tag in the document, from 1."""
    in_package: ParsedPackage | None
    document: bytes = field(repr=False)
    start: int
    end: int
    kept: dict[str, Any] = field(default_factory=dict, repr=False)
    """What was read of it once and is asked for again, by name; see `reading.general_texts`."""

    @property
    def original(self) -> bytes:
        """The record's own bytes, exactly as sent, from `<HOC_BA` to its end tag."""
        return self.document[self.start : self.end]

    @property
    def uuid(self) -> str | None:
        """MA_TRA_CUU_UUID as written, at most 200 characters; None where there is none."""
        text = self.element.findtext("DU_LIEU_HOC_BA/THONG_TIN_CHUNG/MA_TRA_CUU_UUID")
        return text.strip()[:200] or None if text else None


@dataclass(frozen=True, slots=True, eq=False)
class ParsedPackage:
    """A package as it arrived; `records` in document order."""

    root: Element
    xml: bytes = field(repr=False)
    """The document without a byte order mark."""
    records: tuple[ParsedRecord, ...] = field(repr=False)
    warnings: tuple[Finding, ...] = ()

    def let_go(self) -> None:
        """Forget the records, which point back here: their memory is free at once, not some day.

        For whoever is done with the package and checks one after the other.
        """
        object.__setattr__(self, "records", ())


def parse(xml: bytes, *, limits: Limits | None = None) -> ParsedPackage:
    """Return the package in *xml*.

    Raises:
        Refused: SBX-1105 too large or too many records; SBX-1109 another root, its Id missing
            or wrong, or a namespace declared on it; SBX-1113, SBX-1114, SBX-1115 from the parser.
    """
    limits = limits or Limits()
    root, xml = safe_tree(xml, limits=limits)
    return _as_package(root, xml, limits)


def parse_record(xml: bytes, *, limits: Limits | None = None) -> ParsedRecord:
    """Return the record of a single-record file (root `HOC_BA`).

    Raises:
        Refused: SBX-1109 another root; otherwise as `parse`.
    """
    root, xml = safe_tree(xml, limits=limits or Limits())
    return _as_record(root, xml)


def parse_upload(xml: bytes, *, limits: Limits | None = None) -> ParsedPackage | ParsedRecord:
    """Return what *xml* holds, a package or a single record, for desks that take both.

    Raises:
        Refused: as `parse`.
    """
    limits = limits or Limits()
    root, xml = safe_tree(xml, limits=limits)
    return _as_record(root, xml) if root.tag == RECORD_ROOT else _as_package(root, xml, limits)


def build_package(records: Sequence[bytes]) -> bytes:
    """Return the unsigned package of *records*, each copied byte for byte (§8).

    Raises:
        ValueError: A record that is not a bare `HOC_BA` element, for instance with an XML
            declaration in front: cut it out with `parse_record(...).original` first.
    """
    for number, record in enumerate(records, start=1):
        if not record.startswith(b"<HOC_BA"):
            raise ValueError(f"record {number} does not start with its HOC_BA tag")
    start = f'<{PACKAGE_ROOT} id="{PACKAGE_ID}">'.encode("ascii")
    return b"".join((start, *records, f"</{PACKAGE_ROOT}>".encode("ascii")))


def _as_package(root: Element, xml: bytes, limits: Limits) -> ParsedPackage:
    _check_root(root)
    elements = root.findall(RECORD_ROOT)
    if len(elements) > limits.records:
        raise Refused(
            Finding("SBX-1105", value=str(len(elements)), expected=f"<= {limits.records}")
        )
    records: list[ParsedRecord] = []
    package = ParsedPackage(root, xml, ())
    for number, (element, (start, end)) in enumerate(
        zip(elements, _cut(xml, root, len(elements)), strict=True), start=1
    ):
        xpath = f"/{PACKAGE_ROOT}/{RECORD_ROOT}[{number}]"
        line = line_of(element) or line_at(xml, start)
        records.append(ParsedRecord(number, element, xpath, line, package, xml, start, end))
    object.__setattr__(package, "records", tuple(records))
    return package


def _as_record(root: Element, xml: bytes) -> ParsedRecord:
    if root.tag != RECORD_ROOT:
        raise Refused(_wrong_root(root, expected=RECORD_ROOT))
    start, end = next(_cut_by_expat(xml, depth=0))
    return ParsedRecord(1, root, f"/{RECORD_ROOT}", line_of(root) or 1, None, xml, start, end)


def _check_root(root: Element) -> None:
    """Refuse any root but `<DANH_SACH_HOC_BA id="dataDanhSach">`.

    A namespace declared here would be inherited by every record and change what its signatures
    cover, so it is refused before any digest is computed (spec/record-format.md §5.3).
    """
    if root.tag != PACKAGE_ROOT:
        raise Refused(_wrong_root(root, expected=PACKAGE_ROOT))
    attributes = attributes_of(root)
    if root.nsmap:
        prefix = next(iter(root.nsmap))
        name = f"xmlns:{prefix}" if prefix else "xmlns"
        raise Refused(_root_finding(root, field=name))
    for name, value in attributes.items():
        if name not in ID_ATTRIBUTES:
            raise Refused(_root_finding(root, field=bare_name(name), value=value))
    if list(attributes.values()) != [PACKAGE_ID]:
        found = ", ".join(attributes.values()) or None
        raise Refused(_root_finding(root, field="id", value=found, expected=PACKAGE_ID))


def _wrong_root(root: Element, *, expected: str) -> Finding:
    return _root_finding(
        root, field=bare_name(root.tag), value=bare_name(root.tag), expected=expected
    )


def _root_finding(
    root: Element, *, field: str, value: str | None = None, expected: str | None = None
) -> Finding:
    place = f"/{bare_name(root.tag)}"
    return Finding(
        _ROOT_FAULT,
        field=field,
        xpath=place,
        line=line_of(root),
        value=value,
        expected=expected,
    )


def _cut(xml: bytes, root: Element, expected: int) -> Iterator[tuple[int, int]]:
    """Yield the first and last byte (exclusive) of each record, in document order.

    A regular expression does it unless a comment, a CDATA section or an instruction could hide
    something that looks like a tag, or a HOC_BA stands somewhere else than below the root.
    """
    if not _has_markup_declarations(xml):
        spans = _cut_in_a_row(xml)
        if len(spans) == expected == _ANYWHERE(root):
            return iter(spans)
        spans = list(_cut_by_pattern(xml))
        if len(spans) == expected:
            return iter(spans)
    return _cut_by_expat(xml, depth=1)


def _has_markup_declarations(xml: bytes) -> bool:
    # a search for one rare character is quick; the pair is looked for only where there is one
    begin = 1 if xml.startswith(b"<?xml") else 0
    if b"!" in xml and b"<!" in xml:
        return True
    begin = xml.find(b"?>") + 2 if begin else 0
    return xml.find(b"?", begin) >= 0 and xml.find(b"<?", begin) >= 0


def _cut_in_a_row(xml: bytes) -> list[tuple[int, int]]:
    """Return the spans of records that follow each other without a gap, as nearly all do.

    They mean nothing unless there are as many as the document has HOC_BA elements anywhere: then
    each holds one closing tag, its own.
    """
    spans: list[tuple[int, int]] = []
    start = xml.find(_RECORD_START)
    while xml.startswith(_RECORD_START, start) and xml[start + len(_RECORD_START)] in b" >\t\r\n":
        # a long text is found sooner than a short one; where it stands, the short one ends it
        end = xml.find(_USUAL_END, start)
        end = xml.find(_RECORD_END, start) if end < 0 else end + len(_USUAL_END) - len(_RECORD_END)
        if end < 0:
            return []
        spans.append((start, end + len(_RECORD_END)))
        start = end + len(_RECORD_END)
    return spans


def _cut_by_pattern(xml: bytes) -> Iterator[tuple[int, int]]:
    depth = 0
    start = 0
    for tag in _RECORD_TAG.finditer(xml):
        if tag.group(1):
            depth -= 1
            if depth == 0:
                yield start, tag.end()
            continue
        if depth == 0:
            start = tag.start()
            if tag.group(2).endswith(b"/"):
                yield tag.span()
        if not tag.group(2).endswith(b"/"):
            depth += 1


def _cut_by_expat(xml: bytes, *, depth: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the HOC_BA elements that lie *depth* levels below the document."""
    level = 0
    start = 0
    spans: list[tuple[int, int]] = []
    parser = expat.ParserCreate("utf-8")

    def opened(name: str, _attributes: dict[str, str]) -> None:
        nonlocal level, start
        if level == depth and name == RECORD_ROOT:
            start = parser.CurrentByteIndex
        level += 1

    def closed(name: str) -> None:
        nonlocal level
        level -= 1
        if level == depth and name == RECORD_ROOT:
            spans.append((start, _end_of(xml, start, parser.CurrentByteIndex)))

    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    parser.Parse(xml, True)
    return iter(spans)


def _end_of(xml: bytes, start: int, end_event: int) -> int:
    """Return where the element that starts at *start* ends; expat has left it at *end_event*.

    For `<HOC_BA/>` that event lies behind the tag, for `</HOC_BA>` before it.
    """
    opening = _ANY_TAG.match(xml, start)
    if opening is not None and opening.group().endswith(b"/>"):
        return opening.end()
    return xml.index(b">", end_event) + 1
