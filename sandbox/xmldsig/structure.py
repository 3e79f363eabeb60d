"""Step 1 of §5.3: is this Signature built the way the specification says?

Everything is reached by position; Ids come from one dictionary of the scope (§8 rule 3). Each
check is a function named after what it checks, in the order of the specification.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from lxml import etree

from sandbox.documents.tree import Element, bare_name, is_element, line_of
from sandbox.errors import Finding
from sandbox.pki import Certificate, CertificateError, SignatureAlgorithm, parse_rfc4514
from sandbox.xmldsig.names import C14N, ENVELOPED, PROPERTIES_TYPE, SHA256, ds
from sandbox.xmldsig.report import Report
from sandbox.xmldsig.scope import Ids, id_of

_CHILDREN: Final = [ds(n) for n in ("SignedInfo", "SignatureValue", "KeyInfo", "Object")]
_INFO_HEAD: Final = [ds("CanonicalizationMethod"), ds("SignatureMethod")]
_REFERENCE: Final = ds("Reference")
_REFERENCE_PARTS: Final = [ds("Transforms"), ds("DigestMethod"), ds("DigestValue")]
_X509: Final = {ds("X509SubjectName"), ds("X509Certificate")}
_ALGORITHMS: Final = frozenset(str(a) for a in SignatureAlgorithm)
_LONGEST_KEPT: Final = 6000
"""Certificates in base64 longer than this are read afresh each time, never kept."""


@dataclass(frozen=True, slots=True)
class ReferencePart:
    """One Reference as written."""

    element: Element
    uri: str | None
    kind: str | None
    transforms: tuple[str | None, ...]
    digest_method: str | None
    digest_value: str


@dataclass(frozen=True, slots=True)
class OpenedSignature:
    """A Signature whose components are all there, once each."""

    element: Element
    signature_id: str
    signed_info: Element
    canonicalization: str | None
    algorithm: str | None
    references: tuple[ReferencePart, ...]
    value: bytes | None = field(repr=False)
    """None when it is not base64."""
    certificate: Certificate | None
    """None when it cannot be read."""
    properties: Element
    property_target: str | None
    signing_time: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a Signature stands and what it must cover."""

    label: str
    xpath: str
    target: Element
    """The element the first Reference must point at."""
    ids: Ids
    """All Ids of the scope in which URIs are resolved (§8 rule 3)."""
    is_elsewhere: Callable[[str], bool]
    """Says whether an Id that the scope lacks stands in another record of the document."""
    enveloped: bool = False

    def finding(
        self,
        code: str,
        element: Element,
        *,
        field: str,
        value: str | None = None,
        expected: str | None = None,
        below: str = "",
    ) -> Finding:
        """Return a finding at this Signature, or *below* it."""
        return Finding(
            code,
            field=field,
            xpath=f"{self.xpath}{below}",
            line=line_of(element),
            value=value,
            expected=expected,
        )


def check_structure(
    signatures: Sequence[Element], place: Place, report: Report
) -> OpenedSignature | None:
    """Step 1: return the one Signature of *place*, opened, or note why it is not built right."""
    before = len(report.findings)
    if len(signatures) > 1:
        report.failed(
            "single_signature",
            place.label,
            place.finding(
                "SBX-3013",
                signatures[1],
                field="Signature",
                value=str(len(signatures)),
                expected="1",
                below="[2]",
            ),
        )
        return None
    report.passed("single_signature", place.label, "SBX-3013", "1", "1")
    opened = check_components(signatures[0], place, report)
    if opened is None:
        return None
    if check_references(opened, place, report):
        check_targets(opened, place, report)
    check_algorithms(opened, place, report)
    check_transforms(opened, place, report)
    return opened if len(report.findings) == before else None


def check_components(signature: Element, place: Place, report: Report) -> OpenedSignature | None:
    """SBX-3021: SignedInfo, SignatureValue, KeyInfo, one Object, and what belongs in them."""
    try:
        opened = _open(signature)
    except _WrongPartError as fault:
        report.failed(
            "components",
            place.label,
            place.finding(
                "SBX-3021",
                fault.element,
                field=fault.field,
                value=fault.value,
                expected=fault.expected,
                below=fault.below,
            ),
        )
        return None
    report.passed("components", place.label, "SBX-3021", None, None)
    return opened


def check_references(opened: OpenedSignature, place: Place, report: Report) -> bool:
    """SBX-3018: exactly two References, Type and Target as they must be."""
    own = f"#{opened.signature_id}"
    facts: list[tuple[str, str, str | None]] = [
        ("Reference", "2", str(len(opened.references))),
        ("Target", own, opened.property_target),
    ]
    if len(opened.references) == 2:
        first, second = opened.references
        facts += [("Type", "", first.kind or ""), ("Type", PROPERTIES_TYPE, second.kind)]
    for name, expected, found in facts:
        if expected != found:
            at = opened.properties if name == "Target" else opened.signed_info
            fault = place.finding("SBX-3018", at, field=name, value=found, expected=expected)
            report.failed("references", place.label, fault)
            return False
    report.passed("references", place.label, "SBX-3018", "2", "2")
    return True


def check_targets(opened: OpenedSignature, place: Place, report: Report) -> None:
    """SBX-3004 and SBX-3005: each URI finds exactly one element of the scope, the right one."""
    doubtful: list[Finding] = []
    for number, (reference, wanted) in enumerate(
        zip(opened.references, (place.target, opened.properties), strict=True), start=1
    ):
        uri = reference.uri
        found = place.ids.get(uri[1:], ()) if uri is not None and uri.startswith("#") else ()
        below = f"/SignedInfo/Reference[{number}]"
        expected = f"#{id_of(wanted)}"
        if len(found) == 1 and found[0] is wanted:
            report.passed("targets", place.label, "SBX-3004", expected, uri)
        elif len(found) > 1 or (not found and uri and place.is_elsewhere(uri[1:])):
            doubtful.append(
                place.finding(
                    "SBX-3005",
                    reference.element,
                    field="URI",
                    value=uri,
                    expected=expected,
                    below=below,
                )
            )
        else:
            fault = place.finding(
                "SBX-3004",
                reference.element,
                field="URI",
                value=uri or "",
                expected=expected,
                below=below,
            )
            report.failed("targets", place.label, fault)
    for finding in doubtful:
        report.failed("identifiers", place.label, finding)


def check_algorithms(opened: OpenedSignature, place: Place, report: Report) -> None:
    """SBX-3006: canonicalization, signature, digests and curve are on the list."""
    certificate = opened.certificate
    key = None if certificate is None else certificate.public_key
    facts: list[tuple[str, str | None, Iterable[str]]] = [
        ("CanonicalizationMethod", opened.canonicalization, (C14N,)),
        ("SignatureMethod", opened.algorithm, _ALGORITHMS),
        *(("DigestMethod", r.digest_method, (SHA256,)) for r in opened.references),
    ]
    if key is not None and not key.is_rsa:
        facts.append(("X509Certificate", key.kind, ("EC-P256",)))
    for name, found, allowed in facts:
        if found is None or found not in allowed:
            fault = place.finding(
                "SBX-3006",
                opened.signed_info,
                field=name,
                value=found or "",
                expected=" | ".join(sorted(allowed)),
                below="/SignedInfo",
            )
            report.failed("algorithms", place.label, fault)
            return
    report.passed("algorithms", place.label, "SBX-3006", None, opened.algorithm)


def check_transforms(opened: OpenedSignature, place: Place, report: Report) -> None:
    """SBX-3017: C14N alone; in the first Reference of an enveloped signature after that one."""
    for number, reference in enumerate(opened.references, start=1):
        allowed = (ENVELOPED, C14N) if place.enveloped and number == 1 else (C14N,)
        if reference.transforms != allowed:
            fault = place.finding(
                "SBX-3017",
                reference.element,
                field="Transforms",
                value=" ".join(step or "?" for step in reference.transforms),
                expected=" ".join(allowed),
                below=f"/SignedInfo/Reference[{number}]",
            )
            report.failed("transforms", place.label, fault)
            return
    report.passed("transforms", place.label, "SBX-3017", None, None)


class _WrongPartError(Exception):
    def __init__(
        self,
        element: Element,
        field: str,
        *,
        below: str = "",
        value: str | None = None,
        expected: str | None = None,
    ) -> None:
        super().__init__(field)
        self.element, self.field, self.below = element, field, below
        self.value, self.expected = value, expected


def _open(signature: Element) -> OpenedSignature:
    """Take a Signature apart by position. Raises `_WrongPartError`."""
    signature_id = signature.get("Id")
    if not signature_id:
        raise _WrongPartError(signature, "Id", expected="Id")
    info, value, key_info, holder = _parts(signature, _CHILDREN, "")
    head = list(info)
    if [e.tag for e in head[:2]] != _INFO_HEAD or any(e.tag != _REFERENCE for e in head[2:]):
        raise _unexpected(info, "/SignedInfo", [*_INFO_HEAD, _REFERENCE])
    for element in (*head[:2], value):
        _require_leaf(element, "/SignedInfo" if element is not value else "")
    certificate, subject_name = _key_info(key_info)
    (properties,) = _parts(holder, [ds("SignatureProperties")], "/Object")
    below = "/Object/SignatureProperties"
    (one,) = _parts(properties, [ds("SignatureProperty")], below)
    times = list(one)
    if len(times) != 1 or bare_name(times[0].tag) != "SigningTime" or len(times[0]):
        raise _unexpected(one, f"{below}/SignatureProperty", [ds("SigningTime")])
    found, subject_fits = identity_of(certificate.text or "", subject_name.text or "")
    if not subject_fits:
        raise _WrongPartError(
            subject_name,
            "X509SubjectName",
            below="/KeyInfo/X509Data/X509SubjectName",
            value=subject_name.text or "",
            expected=found.subject_rfc4514 if found else "RFC 4514",
        )
    return OpenedSignature(
        element=signature,
        signature_id=signature_id,
        signed_info=info,
        canonicalization=head[0].get("Algorithm"),
        algorithm=head[1].get("Algorithm"),
        references=tuple(_reference(e, n) for n, e in enumerate(head[2:], start=1)),
        value=from_base64(value.text),
        certificate=found,
        properties=properties,
        property_target=one.get("Target"),
        signing_time=(times[0].text or "").strip(),
    )


def _key_info(key_info: Element) -> tuple[Element, Element]:
    """Return X509Certificate and X509SubjectName, written in either order."""
    (data,) = _parts(key_info, [ds("X509Data")], "/KeyInfo")
    found = {child.tag: child for child in data}
    if len(data) != 2 or set(found) != _X509 or _has_text(data):
        raise _unexpected(data, "/KeyInfo/X509Data", sorted(_X509))
    for child in data:
        _require_leaf(child, "/KeyInfo/X509Data")
    return found[ds("X509Certificate")], found[ds("X509SubjectName")]


def _reference(element: Element, number: int) -> ReferencePart:
    below = f"/SignedInfo/Reference[{number}]"
    parts = list(element)
    if [p.tag for p in parts] == _REFERENCE_PARTS[1:]:
        # no Transforms at all is a wrong list of transforms, not a missing component
        parts.insert(0, etree.Element(_REFERENCE_PARTS[0]))
    if [p.tag for p in parts] != _REFERENCE_PARTS or _has_text(element):
        raise _unexpected(element, below, _REFERENCE_PARTS)
    transforms, method, value = parts
    _require_leaf(method, below)
    _require_leaf(value, below)
    return ReferencePart(
        element=element,
        uri=element.get("URI"),
        kind=element.get("Type"),
        # a Transform with parameters, or anything else in the list, is none of the allowed ones
        transforms=tuple(
            t.get("Algorithm") if t.tag == ds("Transform") and not len(t) and not t.text else None
            for t in transforms
        ),
        digest_method=method.get("Algorithm"),
        digest_value=value.text or "",
    )


def _parts(parent: Element, tags: list[str], below: str) -> list[Element]:
    children = list(parent)
    if [child.tag for child in children] != tags or _has_text(parent):
        raise _unexpected(parent, below, tags)
    return children


def _require_leaf(element: Element, below: str) -> None:
    if len(element):
        name = bare_name(element.tag)
        raise _WrongPartError(element[0], name, below=f"{below}/{name}", value=_names([element[0]]))


def _unexpected(parent: Element, below: str, tags: Iterable[str]) -> _WrongPartError:
    found = "text" if _has_text(parent) else _names(parent)
    wanted = " ".join(bare_name(tag) for tag in tags)
    name = bare_name(parent.tag)
    return _WrongPartError(parent, name, below=below, value=found, expected=wanted)


def _names(elements: Iterable[Element]) -> str:
    return " ".join(bare_name(e.tag) if is_element(e) else "comment" for e in elements)


def _has_text(parent: Element) -> bool:
    """Say whether anything but white space stands between the children of *parent*."""
    if parent.text and not parent.text.isspace():
        return True
    return any(child.tail and not child.tail.isspace() for child in parent)


def from_base64(text: str | None) -> bytes | None:
    """Return the bytes *text* holds, white space ignored; None when it is not base64."""
    try:
        return base64.b64decode("".join((text or "").split()), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def identity_of(certificate: str, subject_name: str) -> tuple[Certificate | None, bool]:
    """Return the certificate, if it can be read, and whether *subject_name* names its subject."""
    if len(certificate) + len(subject_name) > _LONGEST_KEPT:
        return _read_identity(certificate, subject_name)
    return _kept_identity(certificate, subject_name)


def _read_identity(certificate: str, subject_name: str) -> tuple[Certificate | None, bool]:
    try:
        name = parse_rfc4514(subject_name.strip())
    except ValueError:
        return None, False
    der = from_base64(certificate)
    try:
        found = Certificate.from_der(der or b"")
    except CertificateError:
        return None, True
    return found, found.subject == name


_kept_identity = lru_cache(maxsize=2048)(_read_identity)


def identity_counts() -> tuple[int, int]:
    """Return how often this process found a signature's certificate read already, and not."""
    counts = _kept_identity.cache_info()
    return counts.hits, counts.misses
