"""Where something stands: XPath and line for an element, or for a finding that names a tag."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Final

from sandbox.documents.package import ParsedRecord
from sandbox.documents.tags import RECORD, SUBJECT_ROW, Branch
from sandbox.documents.tree import Element, bare_name, line_of
from sandbox.errors import Finding

_SUBJECT_CODE: Final = re.compile(r"\bS[0-9]{2}\b")
_FIELD: Final = re.compile(r"[A-Za-z_]\w*(\[[0-9]{1,4}\])?(/[A-Za-z_]\w*(\[[0-9]{1,4}\])?)*")


def path_of(element: Element, *, record: ParsedRecord) -> str:
    """Return the XPath of *element*, which lies inside *record*.

    Plain tag names with an index only where a tag has sisters of its name; elements of a
    Signature are written without their namespace.
    """
    steps: list[str] = []
    node = element
    while node is not record.element:
        parent = node.getparent()
        if parent is None:
            break
        steps.append(_step(node))
        node = parent
    return "/".join([record.xpath, *reversed(steps)])


def _step(node: Element) -> str:
    name = bare_name(node.tag)
    before = sum(1 for _ in node.itersiblings(node.tag, preceding=True))
    has_sisters = before or next(node.itersiblings(node.tag), None) is not None
    return f"{name}[{before + 1}]" if has_sisters else name


def locate(record: ParsedRecord, finding: Finding) -> Finding:
    """Return *finding* with the XPath and line of the tag its `field` names.

    `field` may be a tag (`NGAY_SINH`) or a path below the record's data
    (`BANG_DIEM/MON_HOC[3]/MUC_DAT_DUOC`). A tag of a subject's row is looked for in the row of
    the subject that `value` or `expected` names (`S04`). Where a tag occurs several times, the
    first is meant, or when that does not hold `value`, the last that does (rows are held against
    the current year). A tag that is not there is placed at the parent it belongs to. A finding that
    already has a place, or names nothing known, is returned as it is.
    """
    if finding.xpath is not None or finding.field is None:
        return finding
    element = _find(record, finding.field, value=finding.value, expected=finding.expected)
    if element is None:
        return finding
    return dataclasses.replace(
        finding, xpath=path_of(element, record=record), line=line_of(element)
    )


def _find(
    record: ParsedRecord, field: str, *, value: str | None, expected: str | None
) -> Element | None:
    if not _FIELD.fullmatch(field):
        return None
    if SUBJECT_ROW.child(field) is not None:
        row = _subject_row(record, f"{value} {expected}")
        if row is not None:
            found = row.find(field)
            return row if found is None else found
    below = list(record.element.iterfind(f".//{field}")) or _by_alias(record, field)
    if below:
        wanted = (value or "").partition(" × ")[0]
        candidates = (below[0], *reversed(below))
        return next((found for found in candidates if found.text == wanted), below[0])
    tag = field.rpartition("/")[2].partition("[")[0]
    for home in reversed(_homes(RECORD, tag)):
        if home is RECORD:
            return record.element
        found = record.element.find(f".//{home.tag}")
        if found is not None:
            return found
    return None


def _subject_row(record: ParsedRecord, said: str) -> Element | None:
    """Return the last row of the subject whose code *said* names alone, None for no such row."""
    codes = set(_SUBJECT_CODE.findall(said))
    if len(codes) != 1:
        return None
    (code,) = codes
    rows = record.element.iterfind(f".//{SUBJECT_ROW.tag}")
    return next((r for r in reversed(list(rows)) if r.findtext("MA_MON_HOC") == code), None)


def _homes(branch: Branch, tag: str) -> list[Branch]:
    """Return the branches that lead to the first *tag* below *branch*, outermost first."""
    if branch.child(tag) is not None:
        return [branch]
    for child in branch.children:
        if isinstance(child, Branch) and (below := _homes(child, tag)):
            return [branch, *below]
    return []


def _by_alias(record: ParsedRecord, tag: str) -> list[Element]:
    for branch in _branches(RECORD):
        child = branch.child(tag)
        if child is not None and child.alias is not None:
            return list(record.element.iterfind(f".//{child.alias}"))
    return []


def _branches(branch: Branch) -> Iterator[Branch]:
    yield branch
    for child in branch.children:
        if isinstance(child, Branch):
            yield from _branches(child)
