"""Faults of the package as a whole: its signature, its certificate, what it holds together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from sandbox.defects.delivery import CertificateEvent, Delivery, Needs
from sandbox.defects.edits import (
    replaced,
    resigned_signature,
    signature_of,
    text_of,
    with_signature_value,
)
from sandbox.defects.kit import Kit
from sandbox.defects.registry import Need, defect
from sandbox.defects.xpaths import CERTIFICATE, PACKAGE_SIGNATURE, ROOT
from sandbox.domain.report_card import Slot
from sandbox.pki import UnitSubject

_END: Final = b"</DANH_SACH_HOC_BA>"
_FIRST: Final = f"{PACKAGE_SIGNATURE}/SignedInfo/Reference[1]"
_ISSUER: Final = "GIA_LAP_CO_YEU"


def _good(kit: Kit) -> bytes:
    return kit.packed(kit.neighbour(), kit.signed())


def _split(package: bytes) -> tuple[bytes, bytes]:
    """Return what stands before the package's own signature, and from there on."""
    cut = package.rindex(b"<Signature ")
    return package[:cut], package[cut:]


def _resigned(kit: Kit, edit: Callable[[bytes], bytes]) -> Delivery:
    before, own = _split(kit.good_package())
    return Delivery(package=before + resigned_signature(own, edit, by=kit.seal))


@defect(provokes="SBX-1110", within="SBX-3001", at=PACKAGE_SIGNATURE)
def package_unsigned(kit: Kit) -> Delivery:
    """The package carries no signature of its sender; the records' own are all good."""
    return Delivery(package=_good(kit))


@defect(provokes="SBX-1110", within="SBX-3002", at=f"{_FIRST}/DigestValue")
def record_added_after_sealing(kit: Kit) -> Delivery:
    """A good record was put into the package after the school had signed it."""
    before, own = _split(kit.sealed(kit.packed(kit.neighbour())))
    return Delivery(package=before + kit.signed() + own)


@defect(provokes="SBX-1110", within="SBX-3002", at=f"{_FIRST}/DigestValue")
def package_indented_after_sealing(kit: Kit) -> Delivery:
    """Line breaks were put between the records of a signed package, to make it look nicer."""
    package = kit.good_package().replace(b"</HOC_BA>", b"</HOC_BA>\n")
    return Delivery(package=package)


@defect(provokes="SBX-1110", within="SBX-3003", at=f"{PACKAGE_SIGNATURE}/SignatureValue")
def package_signature_value_of_zeros(kit: Kit) -> Delivery:
    """The value of the package's signature is 64 zero bytes."""
    before, own = _split(kit.good_package())
    return Delivery(package=before + with_signature_value(own, bytes(64)))


@defect(provokes="SBX-1110", within="SBX-3013", at=f"{PACKAGE_SIGNATURE}[2]")
def package_signed_twice(kit: Kit) -> Delivery:
    """The package carries its signature twice."""
    package = kit.good_package()
    return Delivery(package=package.replace(_END, signature_of(_split(package)[1]) + _END))


@defect(provokes="SBX-1110", within="SBX-3021", at=PACKAGE_SIGNATURE)
def package_signature_first(kit: Kit) -> Delivery:
    """The signature stands in front of the records instead of behind them."""
    before, own = _split(kit.good_package())
    signature = own[: -len(_END)]
    cut = before.index(b">") + 1
    return Delivery(package=before[:cut] + signature + before[cut:] + _END)


@defect(provokes="SBX-1110", within="SBX-3017", at=_FIRST)
def package_without_enveloped_transform(kit: Kit) -> Delivery:
    """The transform that takes the signature out of its own digest is missing."""
    enveloped = (
        b'<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></Transform>'
    )
    return _resigned(kit, lambda info: info.replace(enveloped, b""))


@defect(provokes="SBX-1110", within="SBX-3004", at=_FIRST)
def package_signature_over_one_record(kit: Kit) -> Delivery:
    """The package's signature points at its first record instead of the root."""
    first = f'URI="#hocba-{kit.card(0).record_id}"'.encode()
    return _resigned(kit, lambda info: info.replace(b'URI="#dataDanhSach"', first))


@defect(provokes="SBX-1110", within="SBX-3006", at=f"{PACKAGE_SIGNATURE}/SignedInfo")
def package_signed_with_sha_1(kit: Kit) -> Delivery:
    """The package's signature names RSA with SHA-1 as its method."""
    good = b"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
    return _resigned(
        kit, lambda info: info.replace(good, b"http://www.w3.org/2000/09/xmldsig#rsa-sha1")
    )


@defect(
    provokes="SBX-1110",
    within="SBX-3011",
    at=f"{ROOT}/HOC_BA[1]/DANH_SACH_THONG_TIN_KY/KY_PHAT_HANH/Signature",
)
def package_sealed_before_issue(kit: Kit) -> Delivery:
    """The package was signed an hour before the records in it were issued."""
    early = kit.times.issue - timedelta(hours=1)
    return Delivery(package=kit.sealed(_good(kit), at=early))


@defect(
    provokes="SBX-1110", within="SBX-3012", at=f"{PACKAGE_SIGNATURE}/Object/SignatureProperties"
)
def package_sealed_tomorrow(kit: Kit) -> Delivery:
    """The package says it was signed a day from now."""
    return Delivery(package=kit.sealed(_good(kit), at=kit.now + timedelta(days=1)))


@defect(provokes="SBX-1111", within="SBX-3009", at=f"{PACKAGE_SIGNATURE}/{CERTIFICATE}")
def package_sealed_with_a_new_certificate(kit: Kit) -> Delivery:
    """The school has a new, good certificate and uses it before anybody approved it."""
    general = kit.card(1).general
    fresh = kit.unit(general.school_name, general.school_code, label="replacement")
    return Delivery(package=kit.sealed(_good(kit), by=fresh))


@defect(provokes="SBX-1111", within="SBX-3009", at=f"{PACKAGE_SIGNATURE}/{CERTIFICATE}")
def package_sealed_by_the_principal(kit: Kit) -> Delivery:
    """The principal signed the package personally; it needs the school's certificate."""
    return Delivery(package=kit.sealed(_good(kit), by=kit.leader))


@defect(
    provokes="SBX-1111",
    within="SBX-3016",
    at=f"{PACKAGE_SIGNATURE}/{CERTIFICATE}",
    needs=(Need.CERTIFICATE_EVENT,),
)
def package_sealed_with_a_revoked_certificate(kit: Kit) -> Delivery:
    """The certificate that signed the package was revoked a minute before it did.

    It is a certificate of the school's own name; that it was never approved comes second.
    """
    general = kit.card(1).general
    lost = kit.unit(general.school_name, general.school_code, label="lost")
    event = CertificateEvent(
        _ISSUER,
        lost.certificate.serial_hex,
        "revoke",
        kit.times.package - timedelta(minutes=1),
    )
    package = kit.sealed(_good(kit), by=lost)
    return Delivery(package=package, needs=Needs(events=(event,)))


@defect(provokes="SBX-1111", within="SBX-3007", at=f"{PACKAGE_SIGNATURE}/{CERTIFICATE}")
def package_sealed_with_an_expired_certificate(kit: Kit) -> Delivery:
    """The certificate that signed the package had run out the week before."""
    general = kit.card(1).general
    old = kit.signer(
        UnitSubject(general.school_name, general.school_code),
        issuer=_ISSUER,
        label="expired",
        not_after=kit.now - timedelta(days=7),
    )
    return Delivery(package=kit.sealed(_good(kit), by=old))


@defect(provokes="SBX-1116", at=ROOT)
def package_without_records(kit: Kit) -> Delivery:
    """A well signed package that holds no record at all."""
    return Delivery(package=kit.sealed(kit.packed()))


@defect(provokes="SBX-1116", at=ROOT)
def records_one_level_too_deep(kit: Kit) -> Delivery:
    """The records stand inside another element; only children of the root are ever read."""
    package = kit.packed(kit.signed())
    package = package.replace(b"<HOC_BA", b"<LOP><HOC_BA").replace(b"</HOC_BA>", b"</HOC_BA></LOP>")
    return Delivery(package=kit.sealed(package))


@defect(provokes="SBX-1116", at=f"{ROOT}/HOC_BA[2]/DU_LIEU_HOC_BA/THONG_TIN_CHUNG/TEN_NAM_HOC")
def package_of_two_school_years(kit: Kit) -> Delivery:
    """A late record of last year travels with this year's."""
    record = kit.record(kit.card(1, school_year="2023-2024"))
    return Delivery(package=kit.sealed(kit.packed(kit.neighbour(), kit.signed(record))))


@defect(provokes="SBX-1116", at=f"{ROOT}/HOC_BA[2]/DU_LIEU_HOC_BA/THONG_TIN_CHUNG/MA_TRUONG")
def package_of_two_schools(kit: Kit) -> Delivery:
    """A record of the neighbouring school travels in the school's own package."""
    record = kit.record(kit.card(1, school_code="48999402"))
    return Delivery(package=kit.sealed(kit.packed(kit.neighbour(), kit.signed(record))))


@defect(provokes="SBX-1116", at="/authenticationRequest/nam_hoc")
def school_year_of_the_request_differs(kit: Kit) -> Delivery:
    """The request says 2023, the records in it are of 2024-2025."""
    return Delivery(package=kit.good_package(), nam_hoc=2023)


@defect(provokes="SBX-1110", within="SBX-3002", at=f"{_FIRST}/DigestValue")
def signing_date_altered_in_a_sealed_package(kit: Kit) -> Delivery:
    """NGAY_KY of one record, which no record signature covers, was altered after sealing."""
    package = kit.good_package()
    said = text_of(kit.signed(), "NGAY_KY")
    other = said.replace("+07:00", "+08:00")
    first, second = package.split(b"</HOC_BA>", 1)
    altered = second.replace(said.encode(), other.encode(), 1)
    return Delivery(package=first + b"</HOC_BA>" + altered)


@defect(provokes="SBX-1110", within="SBX-3004", at=_FIRST)
def package_signature_points_outside(kit: Kit) -> Delivery:
    """The package's signature points at a file on the sender's disk."""
    return _resigned(
        kit, lambda info: info.replace(b'URI="#dataDanhSach"', b'URI="file:///goi.xml"')
    )


@defect(provokes="SBX-1110", within="SBX-3013", at=f"{PACKAGE_SIGNATURE}[2]")
def seal_of_a_record_beside_the_packages(kit: Kit) -> Delivery:
    """A copy of a record's seal stands beside the package's own signature."""
    before, own = _split(kit.packed(kit.signed()) and kit.good_package())
    seal = signature_of(kit.signed()[kit.signed().index(f"<{Slot.KY_PHAT_HANH}>".encode()) :])
    return Delivery(package=replaced(before + own, _END.decode(), (seal + _END).decode()))
