"""The second verifier: another library's opinion of whole records, and what it cannot tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import pytest

from sandbox.clock import VIETNAM
from sandbox.domain.report_card import Slot
from sandbox.pki import KeyUsage, TrainingAuthority
from sandbox.witness import Opinion, Reason, Standing, Witness
from tests.builders.documents import a_record
from tests.builders.signing import (
    AUTHORITY,
    SIGNERS,
    TEACHER_SUBJECT,
    Holder,
    edited,
    holder,
    rsa_key,
    signed_record,
)
from tests.builders.xmlsec import UUID, everybody_with, signed_by_xmlsec1

WITNESS = Witness(roots=[AUTHORITY.root.certificate.der], issuers=AUTHORITY.issuer_certificates)
REMARK = b"<NHAN_XET_GVCN>"


def opinion(xml: bytes) -> tuple[Standing, Reason | None, str]:
    said: Opinion = WITNESS.look(xml)
    return said.standing, said.reason, said.slot


def by(teacher: Holder) -> dict[Slot, Holder]:
    return {**SIGNERS, Slot.GVCN: teacher}


@pytest.mark.parametrize("kind", ["p256", "rsa", "pss"])
def test_a_good_record_is_valid_with_every_kind_of_key(kind: str) -> None:
    """ECDSA, RSA PKCS#1 v1.5 and PSS; who signed and what is told with it."""
    said = WITNESS.look(signed_record(by=everybody_with(kind)))

    assert (said.standing, said.uuid, len(said.signers)) == (Standing.VALID, UUID, 3)


@pytest.mark.parametrize("kind", ["p256", "rsa"])
def test_a_record_signed_by_xmlsec1_is_valid(tmp_path, kind: str) -> None:
    """An integrator's own tool, line breaks in the base64 and all."""
    xml = signed_by_xmlsec1(tmp_path, everybody_with(kind), kind=kind)

    assert WITNESS.look(xml).standing is Standing.VALID


def without(slot: str) -> Callable[[bytes], bytes]:
    return lambda xml: re.sub(rf"<{slot}>.*?</{slot}>".encode(), b"", xml, flags=re.DOTALL)


def replaced(old: str, new: str) -> Callable[[bytes], bytes]:
    return lambda xml: edited(xml, old, new)


def wrapped(xml: bytes) -> bytes:
    """Return the record with other data in the place of the signed ones, which lie elsewhere."""
    data = re.search(rb"<DU_LIEU_HOC_BA.*</DU_LIEU_HOC_BA>", xml, flags=re.DOTALL)
    assert data is not None
    forged = data[0].replace(b'id="data-', b'id="other-').replace(b">29.5<", b">39.5<")
    return xml.replace(data[0], forged).replace(b"</HOC_BA>", b"<X>" + data[0] + b"</X></HOC_BA>")


@pytest.mark.parametrize(
    ("spoil", "reason", "slot"),
    [
        (replaced("<CAN_NANG>29.5<", "<CAN_NANG>29.6<"), Reason.DIGEST, "GVCN"),
        (replaced("<SigningTime>2024", "<SigningTime>2025"), Reason.DIGEST, "GVCN"),
        (replaced("<DigestValue>", "<DigestValue>A"), Reason.VALUE, "GVCN"),
        (replaced("<SignatureValue>", "<SignatureValue>!"), Reason.VALUE, "GVCN"),
        (replaced("<X509Certificate>", "<X509Certificate>AAAA"), Reason.CERTIFICATE, "GVCN"),
        (without("KY_PHAT_HANH"), Reason.MISSING, "KY_PHAT_HANH"),
        (wrapped, Reason.TARGET, "GVCN"),
        (lambda xml: xml[:-1], Reason.UNREADABLE, ""),
        (lambda xml: b'<!DOCTYPE HOC_BA [<!ENTITY a "b">]>' + xml, Reason.UNREADABLE, ""),
    ],
    ids=["data", "time", "digest", "base64", "certificate", "missing", "wrapped", "cut", "dtd"],
)
def test_a_spoiled_record_is_invalid(spoil, reason: Reason, slot: str) -> None:
    """The first thing that does not hold is named, with the signature it belongs to."""
    assert opinion(spoil(signed_record())) == (Standing.INVALID, reason, slot)


def a_stranger() -> Holder:
    return holder(TEACHER_SUBJECT, authority=TrainingAuthority.from_seed("someone else"))


@pytest.mark.parametrize(
    ("teacher", "reason"),
    [
        (a_stranger, Reason.CERTIFICATE),
        (
            lambda: holder(TEACHER_SUBJECT, not_after=datetime(2024, 2, 1, tzinfo=VIETNAM)),
            Reason.VALIDITY,
        ),
        (
            lambda: holder(TEACHER_SUBJECT, not_before=datetime(2026, 2, 1, tzinfo=VIETNAM)),
            Reason.VALIDITY,
        ),
        (
            lambda: holder(TEACHER_SUBJECT, key_usage=frozenset({KeyUsage.DIGITAL_SIGNATURE})),
            Reason.KEY_USAGE,
        ),
        (lambda: holder(TEACHER_SUBJECT, key=rsa_key("small", 1024)), Reason.METHOD),
    ],
    ids=["another root", "expired", "not yet", "key usage", "small key"],
)
def test_a_certificate_that_may_not_sign_makes_a_record_invalid(teacher, reason: Reason) -> None:
    """Path to the practice root, validity at SigningTime, purpose and size of the key."""
    assert opinion(signed_record(by=by(teacher()))) == (Standing.INVALID, reason, "GVCN")


def test_text_the_library_cannot_hash_is_no_verdict() -> None:
    """` xmlns=""` in a remark is lost in signxml: the witness says that it cannot tell."""
    said = 'Em viết xmlns="" '.encode()
    xml = a_record().replace(REMARK, REMARK + said, 1)

    assert opinion(signed_record(xml))[:2] == (Standing.UNKNOWN, Reason.EMPTY_XMLNS)


def test_signers_can_be_asked_for_alone() -> None:
    """The fingerprints of `look`, without verifying anything."""
    xml = signed_record()

    assert WITNESS.signers(xml) == WITNESS.look(xml).signers
    assert WITNESS.signers(b"<HOC_BA") == ()
