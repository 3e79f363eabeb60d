"""Forms of an element's bytes: the canonical one, and those that common mistakes make of it.

Each mistake is really made here, and the bytes are handed out under its name. Whoever has a digest
tries them one after the other; the first that gives the digest is what was hashed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Final

from lxml import etree

from sandbox.documents.parser import BOM
from sandbox.documents.tree import Element, is_element
from sandbox.xmldsig.doctor_reading import alone, tree_of
from sandbox.xmldsig.names import C14N, DS

EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
C14N_11: Final = "http://www.w3.org/2006/12/xml-c14n11"
COMMENTS: Final = "#WithComments"
RIGHT: Final = ""
"""Key of the form that should have been hashed."""

_XSI: Final = b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_XSD: Final = b'xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
_DECLARATIONS: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>',
    b'<?xml version="1.0" encoding="utf-8"?>',
    b"<?xml version='1.0' encoding='UTF-8'?>",
    b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>',
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>',
    b'<?xml version="1.0"?>',
)
_ENCODINGS: Final = ("utf-16-le", "utf-16-be", "utf-16", "ascii", "latin-1", "cp1258", "cp1252")
_INDENTS: Final = ("  ", "    ", "\t", " ", "   ")


@dataclass(frozen=True, slots=True)
class Form:
    """Bytes somebody may have hashed, and the mistake that makes them."""

    key: str
    data: bytes = field(repr=False)
    facts: Mapping[str, str] = field(default_factory=dict)


def canonical_alone(element: Element, *, comments: bool = False) -> bytes:
    """Return the inclusive canonical form of *element* where it stands, namespaces inherited."""
    return _c14n(alone(element), comments=comments)


def forms_of(element: Element, raw: bytes, *, document: bytes = b"") -> Iterator[Form]:
    """Yield the right form of *element* first, then the wrong ones, the likelier earlier.

    *raw* are its bytes as they were sent, *document* the whole file's.
    """
    right = canonical_alone(element)
    seen: set[bytes] = set()
    families = (
        _without_declarations(element),
        _canonicalisations(element),
        _white_space(element),
        _line_ends(right, raw),
        _written_as_sent(element, raw, right),
        _namespaces(element, right),
        _letters(right),
        _in_front(right, raw, document),
        _two_at_once(element, raw),
    )
    for form in chain((Form(RIGHT, right),), *families):
        if form.data not in seen:
            seen.add(form.data)
            yield form


def _c14n(root: Element, *, comments: bool = False, exclusive: bool = False) -> bytes:
    return etree.tostring(root, method="c14n", exclusive=exclusive, with_comments=comments)


def _canonicalisations(element: Element) -> Iterator[Form]:
    root = alone(element)
    said = (
        (C14N + COMMENTS, False, True),
        (EXCLUSIVE, True, False),
        (EXCLUSIVE + "WithComments", True, True),
    )
    for name, exclusive, comments in said:
        data = _c14n(root, exclusive=exclusive, comments=comments)
        yield Form("canonicalisation", data, {"algorithm": name})
    # what lxml writes for an element below the one that declares its namespace: xmlns=""
    yield Form("stray_xmlns", etree.tostring(element, method="c14n", with_comments=False))


def _white_space(element: Element) -> Iterator[Form]:
    flat = _changed(element, _without_indents)
    yield Form("reindented", flat)
    yield Form("text_trimmed", _changed(element, _trimmed))
    for space in _INDENTS:
        for level in range(4):
            data = _changed(element, partial(_indent, space=space, level=level))
            yield Form("indent_removed", data, {"indent": str(len(space))})


def _changed(element: Element, change: Callable[[Element], None]) -> bytes:
    root = alone(element)
    change(root)
    return _c14n(root)


def _indent(root: Element, *, space: str, level: int) -> None:
    _without_indents(root)
    etree.indent(root, space=space, level=level)


def _without_indents(root: Element) -> None:
    for node in root.iter():
        if is_element(node) and len(node) and node.text and not node.text.strip():
            node.text = None
        if node is not root and node.tail and not node.tail.strip():
            node.tail = None


def _trimmed(root: Element) -> None:
    for node in root.iter():
        if is_element(node) and node.text:
            node.text = node.text.strip() or None
        if node is not root and node.tail:
            node.tail = node.tail.strip() or None


def _line_ends(right: bytes, raw: bytes) -> Iterator[Form]:
    if b"\r" in raw:
        yield Form("crlf", raw)
    for text in (right, raw):
        if b"\n" in text:
            plain = text.replace(b"\r\n", b"\n")
            yield Form("crlf", plain.replace(b"\n", b"\r\n"))
            yield Form("crlf", plain.replace(b"\n", b"&#xD;\n"))
            yield Form("crlf", plain.replace(b"\n", b"\r"))


def _written_as_sent(element: Element, raw: bytes, right: bytes) -> Iterator[Form]:
    """The attributes in the order of the file, the empty tags short, the bytes as sent."""
    if b' xmlns="' in right.partition(b">")[0]:
        bare = right.replace(f' xmlns="{DS}"'.encode(), b"", 1)
        yield Form("inherited_namespace", bare, {"namespace": f'xmlns="{DS}"'})
    root = alone(element)
    for node in root.iter():
        if is_element(node) and not len(node) and node.text is None:
            node.text = ""
    yield Form("attribute_order", etree.tostring(root, encoding="utf-8"))
    yield Form("raw_bytes", etree.tostring(alone(element), encoding="utf-8"))
    yield Form("raw_bytes", raw)


def _without_declarations(element: Element) -> Iterator[Form]:
    root = alone(element)
    etree.cleanup_namespaces(root)
    there = sorted(f"xmlns:{p}" if p else "xmlns" for p in element.nsmap)
    yield Form("inherited_namespace", _c14n(root), {"namespace": " ".join(there)})


def _namespaces(element: Element, right: bytes) -> Iterator[Form]:
    end = len(right.partition(b">")[0].split(b" ")[0])
    declared = _declared(element.getroottree().getroot())
    for said in (*declared, _XSI, _XSD, _XSD + b" " + _XSI, b'xmlns:ds="%b"' % DS.encode()):
        data = right[:end] + b" " + said + right[end:]
        yield Form("inherited_namespace", data, {"namespace": said.decode()})


def _declared(root: Element) -> list[bytes]:
    """Return the declarations of the whole document, as they would be written on one tag."""
    found: dict[str, str] = {}
    for node in root.iter():
        if is_element(node):
            for prefix, name in node.nsmap.items():
                found.setdefault(f"xmlns:{prefix}" if prefix else "xmlns", name)
    return [f'{name}="{value}"'.encode() for name, value in sorted(found.items())][:20]


def _letters(right: bytes) -> Iterator[Form]:
    text = right.decode()
    for name in ("NFC", "NFD", "NFKC", "NFKD"):
        data = unicodedata.normalize(name, text).encode()
        yield Form("unicode_form", data, {"form": name})
    for encoding in _ENCODINGS:
        yield Form("encoding", text.encode(encoding, "replace"), {"encoding": encoding.upper()})


def _in_front(right: bytes, raw: bytes, document: bytes) -> Iterator[Form]:
    for text in (raw, right, document):
        if text:
            yield Form("bom", BOM + text)
    for text in (right, raw):
        for declaration in _DECLARATIONS:
            for between in (b"", b"\n", b"\r\n"):
                yield Form("declaration", declaration + between + text)


def _two_at_once(element: Element, raw: bytes) -> Iterator[Form]:
    """Mistakes that are often made together."""
    if not raw:
        return
    for unicode_form in ("NFC", "NFD"):
        text = _changed(element, _without_indents).decode()
        data = unicodedata.normalize(unicode_form, text).encode()
        yield Form("reindented", data)
    plain = raw.replace(b"\r\n", b"\n")
    yield Form("bom", BOM + plain.replace(b"\n", b"\r\n"))
    flat = tree_of(_changed(element, _without_indents))
    yield Form("raw_bytes", etree.tostring(flat, encoding="utf-8"))
    yield Form("raw_bytes", etree.tostring(flat, encoding="utf-8", xml_declaration=True))
