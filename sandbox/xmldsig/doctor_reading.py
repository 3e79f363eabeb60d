"""Signatures read leniently: whatever stands there, also what the strict verifier refuses to open.

Nothing read here decides anything; it is only what the doctor's trials start from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from xml.parsers import expat

from lxml import etree

from sandbox.documents.tree import Element, bare_name, is_element
from sandbox.domain.report_card import Slot
from sandbox.pki import Certificate, CertificateError
from sandbox.xmldsig.doctor_model import PACKAGE_PLACE
from sandbox.xmldsig.names import DATA_TAG, RECORD_TAG, SLOTS_TAG, ds
from sandbox.xmldsig.structure import from_base64

_SIGNATURE: Final = ds("Signature")
_TAG: Final = re.compile(rb"""<(?:[^>"']|"[^"]*"|'[^']*')*>""")


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceRead:
    """One Reference as it stands."""

    element: Element
    uri: str
    kind: str
    transforms: tuple[str, ...]
    method: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SignatureRead:
    """One Signature as it stands, and what it ought to cover."""

    place: str
    xpath: str
    element: Element
    target: Element | None
    """The element its first Reference must point at; None when the record has none."""
    sisters: int
    """How many Signatures stand in the same place."""
    beside: str
    """NGAY_KY of the slot."""

    @property
    def signature_id(self) -> str:
        """Id of the Signature, empty when it has none."""
        return str(self.element.get("Id") or "")

    @property
    def signed_info(self) -> Element | None:
        """SignedInfo, None when there is none."""
        return self.element.find(ds("SignedInfo"))

    @property
    def properties(self) -> Element | None:
        """SignatureProperties, None when there are none."""
        return self.element.find(f"{ds('Object')}/{ds('SignatureProperties')}")

    @property
    def signing_time(self) -> str:
        """SigningTime as written, wherever it stands in the properties."""
        holder = self.properties
        if holder is None:
            return ""
        for node in holder.iter():
            if is_element(node) and bare_name(node.tag) == "SigningTime":
                return (node.text or "").strip()
        return ""

    @property
    def algorithm(self) -> str:
        """SignatureMethod URI, empty when there is none."""
        return self._algorithm("SignatureMethod")

    @property
    def canonicalization(self) -> str:
        """CanonicalizationMethod URI, empty when there is none."""
        return self._algorithm("CanonicalizationMethod")

    def _algorithm(self, name: str) -> str:
        info = self.signed_info
        found = None if info is None else info.find(ds(name))
        return "" if found is None else str(found.get("Algorithm") or "")

    @property
    def references(self) -> tuple[ReferenceRead, ...]:
        """Every Reference, in the order of the file."""
        info = self.signed_info
        return () if info is None else tuple(map(_reference, info.findall(ds("Reference"))))

    @property
    def value_text(self) -> str:
        """SignatureValue without white space."""
        return "".join((self.element.findtext(ds("SignatureValue")) or "").split())

    @property
    def value(self) -> bytes:
        """The bytes of SignatureValue; empty when it is not base64."""
        return from_base64(self.value_text) or b""

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """Every certificate enclosed that can be read."""
        found = (read_certificate(e.text) for e in self.element.iter(ds("X509Certificate")))
        return tuple(certificate for certificate in found if certificate is not None)


class Source:
    """A document's bytes, and where each element stands in them."""

    def __init__(self, root: Element, document: bytes) -> None:
        self.root, self.document = root, document

    @cached_property
    def _places(self) -> dict[Element, tuple[int, int]]:
        elements = [node for node in self.root.iter() if is_element(node)]
        found = spans(self.document)
        return dict(zip(elements, found, strict=True)) if len(elements) == len(found) else {}

    def raw(self, element: Element) -> bytes:
        """Return the element's bytes as they were sent; empty when they cannot be told."""
        start, end = self._places.get(element, (0, 0))
        return self.document[start:end]


def spans(document: bytes) -> list[tuple[int, int]]:
    """Return first and last byte (exclusive) of every element, in document order."""
    found: list[tuple[int, int]] = []
    stack: list[int] = []
    parser = expat.ParserCreate("utf-8")

    def opened(_name: str, _attributes: dict[str, str]) -> None:
        stack.append(len(found))
        found.append((parser.CurrentByteIndex, 0))

    def closed(_name: str) -> None:
        number = stack.pop()
        start = found[number][0]
        tag = _TAG.match(document, start)
        if tag is not None and tag.group().endswith(b"/>"):
            found[number] = (start, tag.end())
        else:
            found[number] = (start, document.index(b">", parser.CurrentByteIndex) + 1)

    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    try:
        parser.Parse(document, True)
    except expat.ExpatError:
        return []
    return found


def signatures_of_record(record: Element, xpath: str) -> Iterator[SignatureRead]:
    """Yield every Signature that stands in a slot of *record*, in the order of the slots."""
    target = record.find(DATA_TAG)
    for slot in Slot:
        for block in record.findall(f"{SLOTS_TAG}/{slot}"):
            found = block.findall(_SIGNATURE)
            for number, element in enumerate(found, start=1):
                below = f"[{number}]" if len(found) > 1 else ""
                yield SignatureRead(
                    place=slot,
                    xpath=f"{xpath}/{SLOTS_TAG}/{slot}/Signature{below}",
                    element=element,
                    target=target,
                    sisters=len(found),
                    beside=(block.findtext("NGAY_KY") or "").strip(),
                )


def signature_of_package(root: Element) -> SignatureRead | None:
    """Return the first Signature of a package, None when it has none."""
    found = root.findall(_SIGNATURE)
    if not found:
        return None
    return SignatureRead(
        place=PACKAGE_PLACE,
        xpath=f"/{bare_name(root.tag)}/Signature",
        element=found[0],
        target=root,
        sisters=len(found),
        beside="",
    )


def records_in(root: Element) -> list[Element]:
    """Return the records of a document: its root, or the root's children."""
    if bare_name(root.tag) == RECORD_TAG:
        return [root]
    return [e for e in root if is_element(e) and bare_name(e.tag) == RECORD_TAG]


def read_certificate(text: str | None) -> Certificate | None:
    """Return the certificate that base64 *text* holds, None when it holds none."""
    try:
        return Certificate.from_der(from_base64(text) or b"")
    except CertificateError:
        return None


def alone(element: Element) -> Element:
    """Return a copy of *element* as a document of its own, inherited namespaces with it."""
    return tree_of(etree.tostring(element, encoding="utf-8", with_tail=False))


def tree_of(document: bytes) -> Element:
    """Return the root of bytes that came out of a tree already found safe."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, collect_ids=False
    )
    return etree.fromstring(document, parser)


def _reference(element: Element) -> ReferenceRead:
    method = element.find(ds("DigestMethod"))
    return ReferenceRead(
        element=element,
        uri=str(element.get("URI") or ""),
        kind=str(element.get("Type") or ""),
        transforms=tuple(str(t.get("Algorithm") or "") for t in element.iter(ds("Transform"))),
        method="" if method is None else str(method.get("Algorithm") or ""),
        value="".join((element.findtext(ds("DigestValue")) or "").split()),
    )
