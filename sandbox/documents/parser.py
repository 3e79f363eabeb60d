"""The one hardened XML parser (spec/transactions.md §3, spec/record-format.md §1).

No DTD, no entities, no network, and bounds on size, depth, attributes, text and number of
elements that hold *before* libxml2 builds a tree, so that a hostile document never costs more
memory than a lawful one. The cheap tests look at the raw bytes and are supersets of the real
bounds: only a document one of them suspects is counted tag by tag with expat.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final
from xml.parsers import expat

from lxml import etree

from sandbox.documents.bounds import Limits
from sandbox.documents.tree import Element
from sandbox.errors import Finding, Refused

BOM: Final = b"\xef\xbb\xbf"
_ENCODING: Final = re.compile(
    rb"""<\?xml[\s][^>]{0,200}?encoding[\s]*=[\s]*["']([A-Za-z0-9._\-]{1,40})["']"""
)
_XML_DECLARATION: Final = re.compile(rb"<\?xml[\s]")

_SYNTAX: Final = "SBX-1113"
_ENTITY: Final = "SBX-1114"
_BOUNDS: Final = "SBX-1115"
# libxml2 error numbers, xmlerror.h
_ENTITY_ERRORS: Final = frozenset({26, 27, 28, 29, 87, 89, 90, 104})
_BOUND_ERRORS: Final = frozenset({110, 114})


def safe_tree(xml: bytes, *, limits: Limits) -> tuple[Element, bytes]:
    """Return the root element of *xml* and the bytes it was read from, without a BOM.

    Raises:
        Refused: SBX-1105 above `limits.unpacked` bytes; SBX-1113 not well-formed or not UTF-8;
            SBX-1114 a DTD or an entity; SBX-1115 beyond the bounds. Each with its line.
    """
    if len(xml) > limits.unpacked:
        raise Refused(Finding("SBX-1105", value=str(len(xml)), expected=f"<= {limits.unpacked}"))
    xml = xml.removeprefix(BOM)
    _require_utf8_declaration(xml)
    _refuse_dtd(xml)
    _check_bounds(xml, limits=limits)
    try:
        root = etree.fromstring(xml, _new_parser())
    except etree.XMLSyntaxError as error:
        raise Refused(_explain(error)) from None
    tree = root.getroottree()
    if tree.docinfo.internalDTD is not None or tree.docinfo.externalDTD is not None:
        raise Refused(Finding(_ENTITY, line=1))
    _check_depth(root, limits=limits)
    return root, xml


def _new_parser() -> etree.XMLParser:
    """Return a parser of its own for each document: parsers keep state, three µs buy safety."""
    return etree.XMLParser(
        encoding="UTF-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_blank_text=False,
        collect_ids=False,
    )


def line_at(xml: bytes, offset: int) -> int:
    """Return the line, from 1, of byte *offset*."""
    return xml.count(b"\n", 0, max(0, offset)) + 1


def _require_utf8_declaration(xml: bytes) -> None:
    declared = _ENCODING.match(xml)
    if declared is not None and declared.group(1).lower() not in (b"utf-8", b"utf8"):
        name = declared.group(1).decode("ascii")
        raise Refused(Finding(_SYNTAX, field="encoding", line=1, value=name, expected="UTF-8"))
    if xml[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in xml[:4]:
        raise Refused(Finding(_SYNTAX, field="encoding", line=1, expected="UTF-8"))


def _refuse_dtd(xml: bytes) -> None:
    """Refuse a DOCTYPE: XML allows it only between the declaration and the root element."""
    position = 0
    while True:
        position = _skip_spaces(xml, position)
        if xml.startswith(b"<?", position):
            end = xml.find(b"?>", position)
        elif xml.startswith(b"<!--", position):
            end = xml.find(b"-->", position + 4)
        else:
            break
        if end < 0:
            return  # not well-formed: libxml2 says where
        position = end + (2 if xml.startswith(b"?>", end) else 3)
    if xml[position : position + 9].upper() == b"<!DOCTYPE":
        line = line_at(xml, position)
        raise Refused(Finding(_ENTITY, field="DOCTYPE", line=line))


def _skip_spaces(xml: bytes, position: int) -> int:
    while position < len(xml) and xml[position] in b" \t\r\n":
        position += 1
    return position


def _check_bounds(xml: bytes, *, limits: Limits) -> None:
    """Refuse what exceeds a bound; count exactly only where a cheap test is suspicious.

    An element takes four bytes at least, an attribute five: a short document cannot have too many.
    """
    if len(xml) > 4 * limits.elements and xml.count(b"<") - xml.count(b"</") > limits.elements:
        raise Refused(Finding(_BOUNDS, field="elements", expected=f"<= {limits.elements}"))
    if len(xml) > 5 * limits.all_attributes and xml.count(b"=") > limits.all_attributes:
        raise Refused(Finding(_BOUNDS, field="attributes", expected=f"<= {limits.all_attributes}"))
    if _may_hold_many_attributes(xml, limits) or _may_hold_long_text(xml, limits):
        _Census(limits).take(xml)


def _may_hold_many_attributes(xml: bytes, limits: Limits) -> bool:
    """Say whether some stretch without `<` holds more equals signs than a tag may.

    Such a stretch covers as many pieces between equals signs in a row, so one of every so many:
    only where that one has no `<` its neighbours are looked at.
    """
    most = limits.attributes
    pieces = xml.split(b"=")
    return any(
        _is_long_run(pieces, place, most)
        for place in range(most, len(pieces) - 1, most)
        if b"<" not in pieces[place]
    )


def _is_long_run(pieces: list[bytes], place: int, most: int) -> bool:
    """Say whether at least *most* pieces in a row, that at *place* among them, have no `<`.

    What comes before the first equals sign and after the last one lies between no two of them.
    """
    first = last = place
    while first > 1 and last - first + 1 < most and b"<" not in pieces[first - 1]:
        first -= 1
    while last < len(pieces) - 2 and last - first + 1 < most and b"<" not in pieces[last + 1]:
        last += 1
    return last - first + 1 >= most


def _may_hold_long_text(xml: bytes, limits: Limits) -> bool:
    """Say whether a stretch between tags could exceed the bound.

    A stretch as long as the bound covers one whole aligned block of half its length. CDATA
    may hold `<` and is suspicious by itself.
    """
    if b"!" in xml and b"<![CDATA[" in xml:
        return True
    half = max(1, limits.text // 2)
    return any(
        xml.find(b"<", start, start + half) < 0 for start in range(0, len(xml) - half + 1, half)
    )


class _Census:
    """Counts attributes and text lengths tag by tag, with expat."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._text = 0
        self._parser = expat.ParserCreate("utf-8")
        self._parser.ordered_attributes = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def take(self, xml: bytes) -> None:
        """Raise Refused SBX-1115 at the first thing beyond its bound.

        What is not well-formed is left to libxml2, which says where.
        """
        try:
            self._parser.Parse(xml, True)
        except expat.ExpatError:
            return

    def _start(self, name: str, attributes: list[str]) -> None:
        self._text = 0
        if len(attributes) // 2 > self._limits.attributes:
            self._refuse(name, expected=f"<= {self._limits.attributes}")
        if any(len(value) > self._limits.text for value in attributes):
            self._refuse(name, expected=f"<= {self._limits.text}")

    def _end(self, _name: str) -> None:
        self._text = 0

    def _characters(self, text: str) -> None:
        self._text += len(text.encode())
        if self._text > self._limits.text:
            self._refuse("#text", expected=f"<= {self._limits.text}")

    def _refuse(self, name: str, *, expected: str) -> None:
        line = self._parser.CurrentLineNumber
        raise Refused(Finding(_BOUNDS, field=name[:80], line=line, expected=expected))


@cache
def _deeper_than(levels: int) -> etree.XPath:
    return etree.XPath("boolean(" + "/*" * (levels + 1) + ")")


def _check_depth(root: Element, *, limits: Limits) -> None:
    """Refuse too many levels; libxml2 itself stops at 256, so the tree is never dangerous."""
    if _deeper_than(limits.depth)(root):
        raise Refused(Finding(_BOUNDS, field="depth", expected=f"<= {limits.depth}"))


def _explain(error: etree.XMLSyntaxError) -> Finding:
    untyped: Any = error
    number = untyped.code
    code = _ENTITY if number in _ENTITY_ERRORS else _BOUNDS if number in _BOUND_ERRORS else _SYNTAX
    line = error.lineno if error.lineno and error.lineno > 0 else None
    return Finding(code, line=line)
