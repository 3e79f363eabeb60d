"""Steps 2 to 4 of §5.3: the certificate, the signature's value, the two digests."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from sandbox.errors import Unavailable
from sandbox.pki import SIGNING_USAGE, Certificate, RevocationList, Trust
from sandbox.xmldsig import moments
from sandbox.xmldsig.canonical import canonical
from sandbox.xmldsig.report import Report
from sandbox.xmldsig.structure import OpenedSignature, Place, ReferencePart, from_base64

Revocations = Mapping[str, RevocationList] | Callable[[str], RevocationList]
"""Issuer name → its revocation list; a callable may raise `Unavailable`, and the package waits."""

SMALLEST_RSA: Final = 2048
_CERTIFICATE: Final = "/KeyInfo/X509Data/X509Certificate"


def check_certificate(
    opened: OpenedSignature,
    place: Place,
    report: Report,
    *,
    trust: Trust | None,
    revocations: Revocations | None,
) -> None:
    """Step 2: issuer, validity and state at SigningTime, key size, key usage."""
    certificate = opened.certificate
    if certificate is None or not check_issuer(certificate, opened, place, report, trust=trust):
        if certificate is None:
            _refuse(report, "issuer", opened, place, code="SBX-3008", value="", expected="X.509")
        return
    at = moments.read(opened.signing_time)
    if at is not None:
        check_validity(certificate, opened, place, report, at=at)
        check_state(certificate, opened, place, report, at=at, revocations=revocations)
    check_key_size(certificate, opened, place, report)
    check_key_usage(certificate, opened, place, report)


def check_issuer(
    certificate: Certificate,
    opened: OpenedSignature,
    place: Place,
    report: Report,
    *,
    trust: Trust | None,
) -> bool:
    """SBX-3008: one of the practice authority's issuing CAs made the certificate."""
    if trust is None:
        report.skipped("SBX-3008")
        return True
    if trust.issuer_of(certificate) is None:
        _refuse(
            report,
            "issuer",
            opened,
            place,
            code="SBX-3008",
            value=certificate.issuer_name,
            expected=" | ".join(issuer.subject_rfc4514 for issuer in trust.issuers),
        )
        return False
    report.passed("issuer", place.label, "SBX-3008", None, certificate.issuer_name)
    return True


def check_validity(
    certificate: Certificate, opened: OpenedSignature, place: Place, report: Report, *, at: datetime
) -> None:
    """SBX-3014 before, SBX-3007 after the certificate's validity."""
    if at < certificate.not_before:
        limit = f">= {moments.written(certificate.not_before)}"
        _refuse(
            report,
            "validity",
            opened,
            place,
            code="SBX-3014",
            value=opened.signing_time,
            expected=limit,
        )
    elif at > certificate.not_after:
        limit = f"<= {moments.written(certificate.not_after)}"
        _refuse(
            report,
            "validity",
            opened,
            place,
            code="SBX-3007",
            value=opened.signing_time,
            expected=limit,
        )
    else:
        report.passed("validity", place.label, "SBX-3007", None, opened.signing_time)


def check_state(
    certificate: Certificate,
    opened: OpenedSignature,
    place: Place,
    report: Report,
    *,
    at: datetime,
    revocations: Revocations | None,
) -> None:
    """SBX-3015 suspended, SBX-3016 revoked at SigningTime.

    Raises `Unavailable` when the issuer's list is not at hand: not known is not refused.
    """
    if revocations is None:
        report.skipped("SBX-3015", "SBX-3016")
        return
    state = list_of(certificate.issuer_name, revocations).state_at(certificate.serial, at)
    if state == "good":
        report.passed("state", place.label, "SBX-3016", "good", state)
        return
    code = "SBX-3015" if state == "suspended" else "SBX-3016"
    _refuse(
        report,
        "state",
        opened,
        place,
        code=code,
        value=f"{certificate.serial_hex} {state}",
        expected="good",
    )


def check_key_size(
    certificate: Certificate, opened: OpenedSignature, place: Place, report: Report
) -> None:
    """SBX-3019: RSA of at least 2048 bits (curves: SBX-3006)."""
    key = certificate.public_key
    if key.is_rsa and key.bits < SMALLEST_RSA:
        _refuse(
            report,
            "key_size",
            opened,
            place,
            code="SBX-3019",
            value=key.kind,
            expected=f">= {SMALLEST_RSA}",
        )
    else:
        report.passed("key_size", place.label, "SBX-3019", None, key.kind)


def check_key_usage(
    certificate: Certificate, opened: OpenedSignature, place: Place, report: Report
) -> None:
    """SBX-3020: digitalSignature and nonRepudiation."""
    if not certificate.key_usage >= SIGNING_USAGE:
        _refuse(
            report,
            "key_usage",
            opened,
            place,
            code="SBX-3020",
            value=" ".join(sorted(certificate.key_usage)),
            expected=" ".join(sorted(SIGNING_USAGE)),
        )
    else:
        report.passed("key_usage", place.label, "SBX-3020", None, None)


def check_signature_value(opened: OpenedSignature, place: Place, report: Report) -> None:
    """Step 3, SBX-3003: SignatureValue against the certificate."""
    certificate = opened.certificate
    if certificate is None:
        return
    value, data = opened.value, canonical(opened.signed_info)
    if value is not None and certificate.public_key.verifies(
        value, data, algorithm=opened.algorithm or ""
    ):
        report.passed("signature_value", place.label, "SBX-3003", None, None)
        return
    is_p256 = certificate.public_key.kind == "EC-P256"
    fault = place.finding(
        "SBX-3003",
        opened.element,
        field="SignatureValue",
        below="/SignatureValue",
        value=f"{len(value or b'')} bytes, {opened.algorithm}",
        expected="r||s, 64 bytes" if is_p256 else certificate.public_key.kind,
    )
    report.failed("signature_value", place.label, fault)


def check_digests(
    opened: OpenedSignature, place: Place, report: Report, *, target_digest: bytes
) -> None:
    """Step 4, SBX-3002: the data and the signing time are what was signed.

    *target_digest* is SHA-256 of the data's canonical form, computed once for all signers.
    """
    properties = hashlib.sha256(canonical(opened.properties)).digest()
    pairs = zip(
        ("data_digest", "properties_digest"),
        opened.references,
        (target_digest, properties),
        strict=True,
    )
    for number, (name, reference, computed) in enumerate(pairs, start=1):
        _check_digest(name, reference, computed, place, report, number=number)


def _check_digest(
    name: str,
    reference: ReferencePart,
    computed: bytes,
    place: Place,
    report: Report,
    *,
    number: int,
) -> None:
    said = from_base64(reference.digest_value) or b""
    shown = base64.b64encode(computed).decode()
    if hmac.compare_digest(said, computed):
        report.passed(name, place.label, "SBX-3002", shown, shown)
        return
    fault = place.finding(
        "SBX-3002",
        reference.element,
        field="DigestValue",
        value=shown,
        expected=reference.digest_value.strip(),
        below=f"/SignedInfo/Reference[{number}]/DigestValue",
    )
    report.failed(name, place.label, fault)


def _refuse(
    report: Report,
    name: str,
    opened: OpenedSignature,
    place: Place,
    *,
    code: str,
    value: str,
    expected: str,
) -> None:
    finding = place.finding(
        code,
        opened.element,
        field="X509Certificate",
        value=value,
        expected=expected,
        below=_CERTIFICATE,
    )
    report.failed(name, place.label, finding)


def list_of(issuer_name: str, revocations: Revocations) -> RevocationList:
    """Return the revocation list of *issuer_name*. Raises `Unavailable` when it is not at hand."""
    if callable(revocations):
        return revocations(issuer_name)
    try:
        return revocations[issuer_name]
    except KeyError:
        raise Unavailable(f"no CRL at hand for {issuer_name}") from None
