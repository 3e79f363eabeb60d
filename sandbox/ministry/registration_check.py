"""What is checked of a certificate's registration before an officer sees it (transactions §2.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sandbox.clock import VIETNAM
from sandbox.documents import ParsedRegistration, envelope, parse_registration
from sandbox.errors import Finding, Refused
from sandbox.pki import Certificate, Trust
from sandbox.pki.certificate import CertificateError
from sandbox.wire.ministry import RegistrationRequest
from sandbox.xmldsig import verify_registration

MISMATCH = "SBX-1120"
_KNOWN_PROVIDERS = frozenset({"GIA_LAP_CA", "GIA_LAP_CO_YEU"})


@dataclass(frozen=True, slots=True)
class Registration:
    """The certificate as far as it could be read, and what is wrong with its registration."""

    certificate: Certificate | None
    findings: tuple[Finding, ...] = ()


def check_registration(
    request: RegistrationRequest, *, unit_code: str, trust: Trust, at: datetime
) -> Registration:
    """Return the certificate enclosed and all faults of the first step that finds any.

    Decoding and form first, then what is declared against the certificate, then the signature
    made with that very certificate. Whether it was revoked since is not asked here: the CRL is
    read whenever it is used.
    """
    certificate: Certificate | None = None
    try:
        xml = envelope.unpack(request.content).xml
        parsed = parse_registration(xml)
        certificate = Certificate.from_der(parsed.registration.certificate)
        mismatches = tuple(_mismatches(request, parsed, certificate, unit_code=unit_code))
        if mismatches:
            return Registration(certificate, mismatches)
        verify_registration(parsed, trust=trust, revocations=None, at=at)
    except CertificateError as fault:
        unreadable = Finding("SBX-2004", field="CHUNG_THU_SO", value=str(fault))
        return Registration(None, (unreadable,))
    except Refused as refusal:
        return Registration(certificate, refusal.findings)
    return Registration(certificate)


def _mismatches(
    request: RegistrationRequest,
    parsed: ParsedRegistration,
    certificate: Certificate,
    *,
    unit_code: str,
) -> Iterator[Finding]:
    """Yield what is declared otherwise than the certificate says, in the order of the fields."""
    said, inside = request.authentication_request, parsed.registration
    first_day = certificate.not_before.astimezone(VIETNAM).date()
    last_day = certificate.not_after.astimezone(VIETNAM).date()
    same_serial = f"{certificate.serial:x}"
    for field, declared, due in (
        ("serial_number", f"{int(said.serial_number, 16):x}", same_serial),
        ("ngay_hieu_luc", said.ngay_hieu_luc, first_day.isoformat()),
    ):
        if declared != due:
            pointer = f"/authenticationRequest/{field}"
            yield Finding(MISMATCH, field=field, pointer=pointer, value=declared, expected=due)
    if said.nha_phat_hanh in _KNOWN_PROVIDERS and said.nha_phat_hanh != certificate.issuer_code:
        yield Finding(
            MISMATCH,
            field="nha_phat_hanh",
            pointer="/authenticationRequest/nha_phat_hanh",
            value=said.nha_phat_hanh,
            expected=certificate.issuer_code or None,
        )
    for field, written, due in (
        ("MA_DON_VI", inside.unit_code, unit_code),
        ("SERIAL_NUMBER", f"{int(inside.serial_number, 16):x}", same_serial),
        ("TEN_CHU_THE", inside.holder, certificate.common_name),
        ("NGAY_HIEU_LUC", inside.valid_from.isoformat(), first_day.isoformat()),
        ("NGAY_HET_HAN", inside.valid_to.isoformat(), last_day.isoformat()),
        ("CHUNG_THU_SO", certificate.uid, f"MDV:{unit_code}"),
    ):
        if written != due:
            xpath = f"/DANG_KY_CHUNG_THU_SO/{field}"
            yield Finding(MISMATCH, field=field, xpath=xpath, value=written, expected=due)
