"""Verification of what one signature envelops: a package, or a certificate's registration.

The same checks as for a record (spec/record-format.md §5.3), with two answers only: SBX-1111 for
the certificate, SBX-1110 for everything else, the SBX-30xx behind it in `within`
(spec/transactions.md §5).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sandbox.documents.package import ParsedPackage, ParsedRecord
from sandbox.documents.registration import ParsedRegistration
from sandbox.documents.tree import Element, bare_name, is_comment, is_element, line_of
from sandbox.domain.report_card import Slot
from sandbox.errors import Finding, Refused
from sandbox.pki import Certificate, Trust
from sandbox.xmldsig import moments
from sandbox.xmldsig.canonical import canonical, canonical_root, foreign_declaration
from sandbox.xmldsig.layout import text
from sandbox.xmldsig.names import PACKAGE_TAG, REGISTRATION_TAG, SLOTS_TAG, ds
from sandbox.xmldsig.report import Report, SignatureFacts, SignatureRefused, Step
from sandbox.xmldsig.scope import ids_at, ids_within
from sandbox.xmldsig.structure import OpenedSignature, Place, check_structure
from sandbox.xmldsig.validity import (
    Revocations,
    check_certificate,
    check_digests,
    check_signature_value,
)

Approved = Callable[[Certificate], bool]
"""Certificate → whether it is the one approved for the account that sent the package."""

FAULTY: Final = "SBX-1110"
NOT_APPROVED: Final = "SBX-1111"
_OF_THE_CERTIFICATE: Final = frozenset(
    {
        "SBX-3007", "SBX-3008", "SBX-3009", "SBX-3014",
        "SBX-3015", "SBX-3016", "SBX-3019", "SBX-3020",
    }
)  # fmt: skip
_SIGNATURE: Final = ds("Signature")
_DECLARATION: Final = re.compile(rb"(<\?xml[^?>]*\?>[ \t\r\n]*)?")
_ISSUED_AT: Final = "/".join(
    (
        SLOTS_TAG,
        Slot.KY_PHAT_HANH,
        *map(
            ds, ("Signature", "Object", "SignatureProperties", "SignatureProperty", "SigningTime")
        ),
    )
)


@dataclass(frozen=True, slots=True, eq=False)
class EnvelopingSignature:
    """The one signature over a package or a registration, and it holds."""

    facts: SignatureFacts
    not_checked: tuple[str, ...]
    """Codes of the checks that were left out because nothing was passed in to check against."""
    steps: tuple[Step, ...] = field(repr=False)
    is_canonical: bool = False
    """Whether the document's bytes, its XML declaration aside, are its canonical form."""


def verify_package(
    package: ParsedPackage,
    *,
    trust: Trust | None,
    revocations: Revocations | None,
    at: datetime,
    registered: Approved | None,
) -> EnvelopingSignature:
    """Return who signed *package* and when, or raise.

    *registered* answers for the account that sent it. A None skips the checks that need it.

    Raises:
        SignatureRefused: SBX-1110, or SBX-1111 for the certificate, each with the SBX-30xx codes
            in `within`. A package signed before the KY_PHAT_HANH of a record it holds is
            SBX-1110 with SBX-3011.
        Unavailable: A revocation list is not at hand: the package waits.

    spec/record-format.md §8, spec/transactions.md §5.
    """
    return _verify(
        package.root,
        label="package",
        xpath=f"/{PACKAGE_TAG}/Signature",
        trust=trust,
        revocations=revocations,
        at=at,
        registered=registered,
        records=package.records,
        document=package.xml,
    )


def verify_registration(
    registration: ParsedRegistration,
    *,
    trust: Trust | None,
    revocations: Revocations | None,
    at: datetime,
) -> EnvelopingSignature:
    """Return who signed *registration* and when, or raise.

    It must be signed with the very certificate it registers; another one is SBX-1111 with
    SBX-3009. Raises as `verify_package`. spec/transactions.md §2.4.
    """
    own = registration.registration.certificate
    return _verify(
        registration.root,
        label="registration",
        xpath=f"/{REGISTRATION_TAG}/Signature",
        trust=trust,
        revocations=revocations,
        at=at,
        registered=lambda certificate: certificate.der == own,
        records=(),
    )


def _verify(
    root: Element,
    *,
    label: str,
    xpath: str,
    trust: Trust | None,
    revocations: Revocations | None,
    at: datetime,
    registered: Approved | None,
    records: tuple[ParsedRecord, ...],
    document: bytes = b"",
) -> EnvelopingSignature:
    report = Report()
    signatures = root.findall(_SIGNATURE)
    if not signatures:
        report.failed(
            "signature_present",
            label,
            Finding("SBX-3001", field="Signature", xpath=xpath, line=line_of(root)),
        )
        raise _refusal(report)
    signature = signatures[0]
    place = Place(
        label=label,
        xpath=xpath,
        target=root,
        # its URIs find the root and its own properties, never anything in a record (§8 rule 3)
        ids=_joined(root, signature),
        is_elsewhere=lambda _wanted: False,
        enveloped=True,
    )
    if not check_namespaces(signatures, place, report):
        raise _refusal(report)
    opened = check_structure(signatures, place, report)
    if opened is None or not check_position(root, opened, place, report):
        raise _refusal(report)
    check_certificate(opened, place, report, trust=trust, revocations=revocations)
    check_signature_value(opened, place, report)
    whole = _canonical_whole(root, report, place)
    if whole is not None:
        digest = enveloped_digest(root, signature, whole)
        check_digests(opened, place, report, target_digest=digest)
    check_approved(opened, place, report, registered=registered)
    moment = check_time(opened, place, report, at=at)
    if moment is not None:
        check_after_issue(moment, opened, place, report, records=records)
    if report.findings:
        raise _refusal(report)
    return EnvelopingSignature(
        facts=_facts(opened, moment),
        not_checked=tuple(report.not_checked),
        steps=tuple(report.steps),
        is_canonical=whole is not None and _is_canonical(document, whole),
    )


def check_namespaces(signatures: list[Element], place: Place, report: Report) -> bool:
    """SBX-2002: a Signature declares its default namespace on itself and nothing else (§5.3)."""
    for signature in signatures:
        foreign = foreign_declaration(signature)
        if foreign is not None:
            element, what = foreign
            fault = place.finding("SBX-2002", element, field=what, value=bare_name(element.tag))
            report.failed("namespaces", place.label, fault)
            return False
    report.passed("namespaces", place.label, "SBX-2002", None, None)
    return True


def check_position(root: Element, opened: OpenedSignature, place: Place, report: Report) -> bool:
    """SBX-3021: the Signature is the last child of the root (§8)."""
    if root[-1] is opened.element or all(
        not is_element(later) for later in opened.element.itersiblings()
    ):
        report.passed("position", place.label, "SBX-3021", None, None)
        return True
    report.failed(
        "position",
        place.label,
        place.finding("SBX-3021", opened.element, field="Signature", expected="last child"),
    )
    return False


def _canonical_whole(root: Element, report: Report, place: Place) -> bytes | None:
    """Return *root* in canonical form; None, and SBX-2002 noted, where nobody may do that."""
    try:
        return canonical_root(root)
    except Refused as refusal:
        report.failed("canonical", place.label, refusal.findings[0])
        return None


def enveloped_digest(root: Element, signature: Element, canonical_form: bytes) -> bytes:
    """Return SHA-256 of *root* in canonical form without *signature*.

    The root is canonicalised once, whole; the signature's own canonical bytes are then passed
    over, so the tree stays as it is and neighbours' signatures stay inside the digest.
    """
    whole = memoryview(canonical_form)
    own = canonical(signature)
    after = _length_after(root, signature)
    end = len(whole) - after
    start = end - len(own)
    if bytes(whole[start:end]) != own:
        raise AssertionError("the last child's canonical bytes stand last")
    digest = hashlib.sha256(whole[:start])
    digest.update(whole[end:])
    return digest.digest()


def _is_canonical(document: bytes, whole: bytes) -> bool:
    """Say whether *document* is *whole* after nothing but an XML declaration."""
    before = document[: len(document) - len(whole)]
    return document.endswith(whole) and _DECLARATION.fullmatch(before) is not None


def _length_after(root: Element, signature: Element) -> int:
    """Return how many canonical bytes follow *signature* inside *root*."""
    following = text(signature.tail or "")
    for later in signature.itersiblings():
        if not is_comment(later):
            following += _instruction(later)
        following += text(later.tail or "")
    return len(following.encode()) + len(f"</{root.tag}>")


def _instruction(node: Any) -> str:
    """Return a processing instruction as C14N writes it; lxml itself crashes on one alone."""
    data = str(node.text or "").replace("\r", "&#xD;")
    return f"<?{node.target} {data}?>" if data else f"<?{node.target}?>"


def check_approved(
    opened: OpenedSignature, place: Place, report: Report, *, registered: Approved | None
) -> None:
    """SBX-3009: the certificate is the approved one (§5.4)."""
    if opened.certificate is None:
        return
    if registered is None:
        report.skipped("SBX-3009")
    elif registered(opened.certificate):
        report.passed("approved", place.label, "SBX-3009", None, opened.certificate.serial_hex)
    else:
        report.failed(
            "approved",
            place.label,
            place.finding(
                "SBX-3009",
                opened.element,
                field="X509Certificate",
                value=f"{opened.certificate.serial_hex} {opened.certificate.issuer_name}",
                below="/KeyInfo/X509Data/X509Certificate",
            ),
        )


def check_time(
    opened: OpenedSignature, place: Place, report: Report, *, at: datetime
) -> datetime | None:
    """SBX-3012: SigningTime is a moment, not later than the space clock + 5 min."""
    moment = moments.read(opened.signing_time)
    limit = at + moments.AHEAD
    if moment is not None and moment <= limit:
        report.passed("signing_time", place.label, "SBX-3012", None, opened.signing_time)
        return moment
    report.failed(
        "signing_time",
        place.label,
        place.finding(
            "SBX-3012",
            opened.properties,
            field="SigningTime",
            value=opened.signing_time,
            expected=moments.FORM if moment is None else f"<= {moments.written(limit)}",
            below="/Object/SignatureProperties",
        ),
    )
    return None


def check_after_issue(
    moment: datetime,
    opened: OpenedSignature,
    place: Place,
    report: Report,
    *,
    records: tuple[ParsedRecord, ...],
) -> None:
    """SBX-3011: not before the KY_PHAT_HANH of any record inside (§5.4)."""
    for record, issued in _issue_times(records):
        if moment < issued:
            finding = Finding(
                "SBX-3011",
                field="SigningTime",
                xpath=f"{record.xpath}/{SLOTS_TAG}/{Slot.KY_PHAT_HANH}/Signature",
                line=record.line,
                value=opened.signing_time,
                expected=f">= {moments.written(issued)}",
            )
            report.failed("signing_order", place.label, finding)
            return
    report.passed("signing_order", place.label, "SBX-3011", None, opened.signing_time)


def _issue_times(records: tuple[ParsedRecord, ...]) -> Iterator[tuple[ParsedRecord, datetime]]:
    """Yield each record's time of issue, where it says one: its own checks come later."""
    for record in records:
        moment = moments.read(record.element.findtext(_ISSUED_AT))
        if moment is not None:
            yield record, moment


def _joined(root: Element, signature: Element) -> dict[str, list[Element]]:
    ids = dict(ids_within(signature))
    for name, elements in ids_at(root).items():
        ids[name] = [*elements, *ids.get(name, [])]
    return ids


def _refusal(report: Report) -> SignatureRefused:
    """Gather the findings under SBX-1110 and SBX-1111, in the order in which they were found."""
    answers: dict[str, list[Finding]] = {}
    for found in report.findings:
        code = NOT_APPROVED if found.code in _OF_THE_CERTIFICATE else FAULTY
        answers.setdefault(code, []).append(found)
    return SignatureRefused(
        report,
        *(
            Finding(
                code,
                field="Signature",
                xpath=within[0].xpath,
                line=within[0].line,
                value=within[0].value,
                expected=within[0].expected,
                within=tuple(within),
            )
            for code, within in answers.items()
        ),
    )


def _facts(opened: OpenedSignature, moment: datetime | None) -> SignatureFacts:
    if opened.certificate is None or opened.value is None or moment is None:
        raise AssertionError("a signature without these was refused above")
    return SignatureFacts(
        signature_id=opened.signature_id,
        signer=opened.certificate,
        signing_time=moment,
        algorithm=opened.algorithm or "",
        signature_value=opened.value,
    )
