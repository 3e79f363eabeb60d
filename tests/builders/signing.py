"""A school that can sign: real authority, real keys, the specification's example card."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest

from sandbox.clock import VIETNAM
from sandbox.documents import (
    Registration,
    build_package,
    parse,
    parse_record,
    parse_registration,
    render_registration,
)
from sandbox.domain.report_card import Slot
from sandbox.errors import Finding
from sandbox.pki import (
    Certificate,
    CertificateHistory,
    PersonSubject,
    PrivateKey,
    Profile,
    RevocationList,
    Subject,
    TrainingAuthority,
    Trust,
    UnitSubject,
    build_crl,
    derive_p256,
    derive_rsa,
    read_crl,
)
from sandbox.xmldsig import (
    EnvelopingSignature,
    SignatureRefused,
    SignedRecord,
    prepare,
    prepare_package,
    prepare_registration,
    verify_package,
    verify_record,
    verify_registration,
)
from tests.builders.documents import GENERAL, a_record

SEED = "tests"
PACKAGE_ID = "90000000-0000-4000-8000-00000000aaaa"
NOW = datetime(2024, 5, 31, 9, 0, tzinfo=VIETNAM)
"""The space clock when everything below has been signed."""
SIGNED_AT = {
    Slot.GVCN: datetime(2024, 5, 28, 9, 15, tzinfo=VIETNAM),
    Slot.CBQL: datetime(2024, 5, 30, 15, 40, tzinfo=VIETNAM),
    Slot.KY_PHAT_HANH: datetime(2024, 5, 31, 8, 5, tzinfo=VIETNAM),
}
PACKED_AT = datetime(2024, 5, 31, 8, 30, tzinfo=VIETNAM)
AUTHORITY = TrainingAuthority.from_seed(SEED)
TRUST = Trust(AUTHORITY.issuer_certificates)


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody with a certificate and its key."""

    certificate: Certificate
    key: PrivateKey

    def sign(self, data: bytes) -> bytes:
        return self.key.sign(data)


@cache
def rsa_key(label: str = "rsa", bits: int = 2048) -> PrivateKey:
    """Return an RSA key, made once for the whole run."""
    return derive_rsa(SEED, label, bits=bits)


def holder(
    subject: Subject,
    *,
    key: PrivateKey | None = None,
    issuer: str = "GIA_LAP_CA",
    authority: TrainingAuthority = AUTHORITY,
    **issue: Any,
) -> Holder:
    """Return somebody new; by default with a P-256 key of their own."""
    key = key or derive_p256(SEED, subject.uid)
    label = f"{subject.uid} {issuer}"
    certificate = authority.issue(
        subject, key.public_key, issuer=issuer, serial_label=label, **issue
    )
    return Holder(certificate, key)


TEACHER_SUBJECT = PersonSubject(str(GENERAL.teacher_name), str(GENERAL.teacher_id))
LEADER_SUBJECT = PersonSubject(GENERAL.leader_name, GENERAL.leader_id)
SCHOOL_SUBJECT = UnitSubject(GENERAL.school_name, GENERAL.school_code)
DEPARTMENT_SUBJECT = UnitSubject(GENERAL.department_name, GENERAL.department_code)
TEACHER = holder(TEACHER_SUBJECT, issuer=Profile.TEACHER.issuer)
LEADER = holder(LEADER_SUBJECT, issuer=Profile.PRINCIPAL.issuer)
SEAL = holder(SCHOOL_SUBJECT, issuer=Profile.SCHOOL_SEAL.issuer)
DEPARTMENT = holder(DEPARTMENT_SUBJECT, issuer=Profile.DEPARTMENT.issuer)
SIGNERS: Mapping[Slot, Holder] = {
    Slot.GVCN: TEACHER,
    Slot.CBQL: LEADER,
    Slot.KY_PHAT_HANH: SEAL,
}


def revocations(*histories: CertificateHistory, at: datetime = NOW) -> dict[str, RevocationList]:
    """Return the CRLs of both issuers, read back from DER, with *histories* in each."""
    lists = (
        read_crl(
            build_crl(
                issuer,
                histories,
                this_update=at,
                next_update=at + timedelta(hours=1),
                number=1,
            ),
            issuer.certificate,
        )
        for issuer in AUTHORITY.issuers.values()
    )
    return {found.issuer_name: found for found in lists}


def sign(
    xml: bytes,
    slot: Slot,
    *,
    by: Holder | None = None,
    at: datetime | None = None,
) -> bytes:
    """Return *xml* signed in *slot*, by its usual signer at the usual moment."""
    by = by or SIGNERS[slot]
    draft = prepare(
        xml,
        slot=slot,
        signer=by.certificate,
        at=at or SIGNED_AT[slot],
        algorithm=by.key.algorithm,
    )
    return draft.complete(by.sign(draft.signed_bytes))


def signed_record(
    xml: bytes | None = None,
    *,
    by: Mapping[Slot, Holder] | None = None,
    at: Mapping[Slot, datetime] | None = None,
    slots: tuple[Slot, ...] = tuple(Slot),
) -> bytes:
    """Return the example record, or *xml*, signed in *slots* in order."""
    xml = a_record() if xml is None else xml
    for slot in slots:
        xml = sign(xml, slot, by=(by or {}).get(slot), at=(at or {}).get(slot))
    return xml


def numbered_record(number: int) -> bytes:
    """Return a signed record of another pupil, for packages of several."""
    uuid = f"90000000-0000-4000-8000-{number:012d}"
    return signed_record(a_record(record_id=uuid, pupil_id=f"948314{number:06d}"))


def signed_package(
    *records: bytes, by: Holder = SEAL, at: datetime = PACKED_AT, package_id: str = PACKAGE_ID
) -> bytes:
    """Return a package of *records* (one signed example by default) signed by the school."""
    xml = build_package(records or (signed_record(),))
    draft = prepare_package(
        xml, signer=by.certificate, at=at, package_id=package_id, algorithm=by.key.algorithm
    )
    return draft.complete(by.sign(draft.signed_bytes))


def unsigned_registration(certificate: Certificate, *, code: str, name: str) -> bytes:
    """Return the document that registers *certificate* for a unit."""
    return render_registration(
        Registration(
            unit_code=code,
            unit_name=name,
            serial_number=certificate.serial_hex,
            holder=certificate.common_name,
            issuer_code=certificate.issuer_code,
            valid_from=certificate.not_before.astimezone(VIETNAM).date(),
            valid_to=certificate.not_after.astimezone(VIETNAM).date(),
            certificate=certificate.der,
        )
    )


def signed_registration(
    of: Holder = SEAL,
    *,
    by: Holder | None = None,
    at: datetime = PACKED_AT,
    code: str = GENERAL.school_code,
    name: str = GENERAL.school_name,
) -> bytes:
    """Return the registration of *of*'s certificate, signed with it unless *by* says otherwise."""
    by = by or of
    draft = prepare_registration(
        unsigned_registration(of.certificate, code=code, name=name),
        signer=by.certificate,
        at=at,
        registration_id=PACKAGE_ID,
    )
    return draft.complete(by.sign(draft.signed_bytes))


def verified(xml: bytes, **changed: Any) -> SignedRecord:
    """Verify a single record with everything in order but what *changed* says."""
    return verify_record(parse_record(xml), **(_record_context() | changed))


def _record_context() -> dict[str, Any]:
    return {
        "trust": TRUST,
        "revocations": revocations(),
        "at": NOW,
        "registered": lambda code, certificate: (
            code == GENERAL.school_code and certificate == SEAL.certificate
        ),
    }


def verified_package(xml: bytes, **changed: Any) -> EnvelopingSignature:
    """Verify the signature of a package with everything in order but what *changed* says."""
    context = _record_context() | {"registered": lambda c: c == SEAL.certificate} | changed
    return verify_package(parse(xml), **context)


def verified_registration(xml: bytes, **changed: Any) -> EnvelopingSignature:
    """Verify a registration with everything in order but what *changed* says."""
    context = {"trust": TRUST, "revocations": revocations(), "at": NOW} | changed
    return verify_registration(parse_registration(xml), **context)


def refusal(xml: bytes, **changed: Any) -> SignatureRefused:
    """Return the refusal of a single record that must not verify."""
    with pytest.raises(SignatureRefused) as caught:
        verified(xml, **changed)
    return caught.value


def package_refusal(xml: bytes, **changed: Any) -> SignatureRefused:
    """Return the refusal of a package whose signature must not verify."""
    with pytest.raises(SignatureRefused) as caught:
        verified_package(xml, **changed)
    return caught.value


def codes(refused: SignatureRefused) -> list[str]:
    """Return the codes of a refusal in order, each once."""
    return list(dict.fromkeys(finding.code for finding in refused.findings))


def inner_codes(finding: Finding) -> list[str]:
    """Return the codes within a package's finding, in order."""
    return [deeper.code for deeper in finding.within]


def resigned(xml: bytes, slot: Slot, *, by: Holder | None = None) -> bytes:
    """Return *xml* with the SignatureValue of *slot* made afresh over SignedInfo as it now stands.

    For records whose SignedInfo was changed on purpose: the mathematics is sound, the rule is not.
    """
    prefix = {"GVCN": "sig-gvcn-", "CBQL": "sig-cbql-", "KY_PHAT_HANH": "sig-kyphathanh-"}[slot]
    return resigned_id(xml, prefix, by=by or SIGNERS[slot])


def resigned_id(xml: bytes, prefix: str, *, by: Holder) -> bytes:
    """Return *xml* with the SignatureValue made afresh in the Signature whose Id has *prefix*."""
    start = xml.index(f'Id="{prefix}'.encode())
    opening = xml.index(b"<SignedInfo>", start)
    closing = xml.index(b"</SignedInfo>", start) + len(b"</SignedInfo>")
    info = xml[opening:closing].replace(
        b"<SignedInfo>", b'<SignedInfo xmlns="http://www.w3.org/2000/09/xmldsig#">', 1
    )
    value = replace_value(xml[closing:], by.sign(info))
    return xml[:closing] + value


def replace_value(tail: bytes, signature: bytes) -> bytes:
    """Return *tail* with its first SignatureValue replaced."""
    fresh = b"<SignatureValue>" + base64.b64encode(signature) + b"</SignatureValue>"
    return re.sub(rb"<SignatureValue>[^<]*</SignatureValue>", fresh, tail, count=1)


def edited(xml: bytes, old: str, new: str, *, after: str = "") -> bytes:
    """Return *xml* with the first *old* behind *after* replaced by *new*."""
    text = xml.decode()
    start = text.index(after) if after else 0
    assert old in text[start:], f"{old!r} does not occur after {after!r}"
    return (text[:start] + text[start:].replace(old, new, 1)).encode()
