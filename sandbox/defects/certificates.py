"""Faults of the signer's certificate: who issued it, when it holds, what it is for."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from sandbox.defects.delivery import CertificateEvent, Delivery, Needs
from sandbox.defects.edits import block_of, valued, with_block
from sandbox.defects.kit import Kit, Signer
from sandbox.defects.registry import Need, defect
from sandbox.defects.xpaths import CERTIFICATE, LEADER, SEAL, TEACHER
from sandbox.domain.report_card import Slot
from sandbox.pki import KeyUsage, PrivateKey, TrainingAuthority, derive_rsa

_DAY: Final = timedelta(days=1)
_TEACHERS: Final = f"{TEACHER}/Signature/{CERTIFICATE}"
_LEADERS: Final = f"{LEADER}/Signature/{CERTIFICATE}"
_SEALS: Final = f"{SEAL}/Signature/{CERTIFICATE}"


def _teacher(kit: Kit, label: str, **terms: Any) -> Signer:
    """Return the class teacher with another certificate."""
    general = kit.card(1).general
    return kit.person(general.teacher_name or "", general.teacher_id or "", label=label, **terms)


def _signed_by_teacher(kit: Kit, teacher: Signer, *, needs: Needs | None = None) -> Delivery:
    record = kit.signed(by={Slot.GVCN: teacher})
    return kit.deliver(record, needs=needs or Needs())


@defect(provokes="SBX-3008", at=_TEACHERS)
def certificate_of_a_foreign_authority(kit: Kit) -> Delivery:
    """An authority of the same name, but with other keys, issued the teacher's certificate."""
    foreign = TrainingAuthority.from_seed(f"{kit.seed} foreign")
    return _signed_by_teacher(kit, _teacher(kit, "foreign", authority=foreign))


@defect(provokes="SBX-3008", at=_SEALS)
def seal_signed_by_itself(kit: Kit) -> Delivery:
    """The school made an authority of its own, which issued the certificate of the seal."""
    own = TrainingAuthority.from_seed(f"{kit.seed} {kit.school_code}")
    general = kit.card(1).general
    seal = kit.unit(general.school_name, general.school_code, label="own", authority=own)
    return kit.deliver(kit.signed(by={Slot.KY_PHAT_HANH: seal}))


@defect(provokes="SBX-3008", at=_TEACHERS)
def certificate_unreadable(kit: Kit) -> Delivery:
    """X509Certificate holds base64 of something that is no certificate."""
    record = kit.signed()
    rubbish = base64.b64encode(b"khong phai chung thu so").decode("ascii")
    block = valued(block_of(record, Slot.GVCN), "X509Certificate", rubbish)
    return kit.deliver(with_block(record, Slot.GVCN, block))


@defect(provokes="SBX-3014", at=_TEACHERS)
def certificate_not_yet_valid(kit: Kit) -> Delivery:
    """The teacher's new certificate starts tomorrow."""
    return _signed_by_teacher(kit, _teacher(kit, "early", not_before=kit.now + _DAY))


@defect(provokes="SBX-3007", at=_TEACHERS)
def certificate_expired(kit: Kit) -> Delivery:
    """The teacher's certificate had run out the week before."""
    return _signed_by_teacher(kit, _teacher(kit, "expired", not_after=kit.now - 7 * _DAY))


@defect(provokes="SBX-3015", at=_TEACHERS, needs=(Need.CERTIFICATE_EVENT,))
def certificate_suspended(kit: Kit) -> Delivery:
    """The teacher's certificate was suspended two days ago and still is."""
    teacher = _teacher(kit, "suspended")
    since = kit.times.teacher - _DAY
    event = CertificateEvent("GIA_LAP_CA", teacher.certificate.serial_hex, "suspend", since)
    return _signed_by_teacher(kit, teacher, needs=Needs(events=(event,)))


@defect(provokes="SBX-3015", at=_TEACHERS, needs=(Need.CERTIFICATE_EVENT,))
def certificate_suspended_when_it_signed(kit: Kit) -> Delivery:
    """The certificate was suspended when it signed and is good again by now."""
    teacher = _teacher(kit, "resumed")
    serial = teacher.certificate.serial_hex
    signed = kit.times.teacher
    events = (
        CertificateEvent("GIA_LAP_CA", serial, "suspend", signed - _DAY),
        CertificateEvent("GIA_LAP_CA", serial, "resume", signed + timedelta(hours=1)),
    )
    return _signed_by_teacher(kit, teacher, needs=Needs(events=events))


@defect(provokes="SBX-3016", at=_TEACHERS, needs=(Need.CERTIFICATE_EVENT,))
def signer_revoked_before_signing(kit: Kit) -> Delivery:
    """The class teacher's certificate was revoked a day before the record was signed.

    The signature is mathematically sound; only the CRL tells.
    """
    teacher = _teacher(kit, "revoked")
    when = kit.times.teacher - _DAY
    event = CertificateEvent("GIA_LAP_CA", teacher.certificate.serial_hex, "revoke", when)
    return _signed_by_teacher(kit, teacher, needs=Needs(events=(event,)))


@defect(provokes="SBX-3019", at=_TEACHERS)
def key_of_1024_bits(kit: Kit) -> Delivery:
    """The teacher's key is RSA with 1,024 bits, which has been too weak for years."""
    weak = derive_rsa(kit.seed, "defects weak", bits=1024)
    return _signed_by_teacher(kit, _teacher(kit, "weak", key=weak))


@defect(provokes="SBX-3006", at=f"{TEACHER}/Signature/SignedInfo")
def key_on_another_curve(kit: Kit) -> Delivery:
    """The teacher's key lies on P-384; only P-256 is allowed."""
    scalar = int.from_bytes(kit.seed.encode() * 3, "big") >> 8
    key = PrivateKey(ec.derive_private_key(scalar, ec.SECP384R1()))
    return _signed_by_teacher(kit, _teacher(kit, "p384", key=key))


@defect(provokes="SBX-3020", at=_TEACHERS)
def certificate_for_encryption(kit: Kit) -> Delivery:
    """The teacher signed with the certificate meant for encryption."""
    usage = frozenset({KeyUsage.KEY_ENCIPHERMENT, KeyUsage.DATA_ENCIPHERMENT})
    return _signed_by_teacher(kit, _teacher(kit, "encryption", key_usage=usage))


@defect(provokes="SBX-3020", at=_LEADERS)
def certificate_for_logging_in(kit: Kit) -> Delivery:
    """The principal's certificate is for logging in: digitalSignature without nonRepudiation."""
    general = kit.card(1).general
    leader = kit.person(
        general.leader_name,
        general.leader_id,
        issuer="GIA_LAP_CO_YEU",
        label="login",
        key_usage=frozenset({KeyUsage.DIGITAL_SIGNATURE}),
    )
    return kit.deliver(kit.signed(by={Slot.CBQL: leader}))
