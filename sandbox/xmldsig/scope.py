"""Which Ids a URI may find (spec/record-format.md §8, rules 3 and 4)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from lxml import etree

from sandbox.documents.package import ParsedRecord
from sandbox.documents.tree import Element

ID_ATTRIBUTES: Final = ("Id", "id", "ID")
# naming the three attributes here would cost three times as much as looking afterwards
_WITH_ATTRIBUTES: Final = etree.XPath("descendant-or-self::*[@*]")
_IN_RECORDS: Final = etree.XPath("/*/HOC_BA/descendant-or-self::*[@*]")

Ids = Mapping[str, list[Element]]
"""Id → the elements that carry it; more than one is a fault when a URI asks for it."""


def ids_within(top: Element) -> Ids:
    """Return every Id at or below *top* with the elements that carry it."""
    return _collect(_found(_WITH_ATTRIBUTES, top))


def ids_at(element: Element) -> Ids:
    """Return the Ids of *element* itself."""
    return _collect([element])


def id_of(element: Element) -> str:
    """Return the element's Id, "" when it has none."""
    return next((str(element.get(n)) for n in ID_ATTRIBUTES if element.get(n)), "")


def is_in_another_record(record: ParsedRecord, wanted: str) -> bool:
    """Say whether *wanted*, not found in *record*, is an Id of another record of its document."""
    return record.in_package is not None and wanted in _all_ids(_Document(record))


class _Document:
    """A document as a key: hash and length of its bytes, so that keeping it keeps no bytes."""

    def __init__(self, record: ParsedRecord) -> None:
        self.key = (hash(record.document), len(record.document))
        self.record: ParsedRecord | None = record

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Document) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(maxsize=2)
def _all_ids(document: _Document) -> frozenset[str]:
    """Return the Ids of all records of *document*, and let go of it.

    Asked only when a URI finds nothing, but then perhaps for each of 2,000 hostile records: it
    must not cost a search of the whole document each time.
    """
    record, document.record = document.record, None
    return (
        frozenset() if record is None else frozenset(_collect(_found(_IN_RECORDS, record.element)))
    )


def _found(path: etree.XPath, element: Element) -> list[Element]:
    nodes: Any = path(element)
    return list(nodes)


def _collect(elements: list[Element]) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = {}
    for element in elements:
        for name in ID_ATTRIBUTES:
            value = element.get(name)
            if value is not None:
                found.setdefault(str(value), []).append(element)
    return found
