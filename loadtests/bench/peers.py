"""The same checks with a general library in the place of the strict verifier.

Envelope, safe parse, schema, reading, rules and register are the sandbox's own functions, called
exactly as often as on its own path. What a library does is verify signatures: the package's, and
three per record with both references. Each record is cut out of its package first, because these
libraries walk the whole document at every reference.

The libraries get every advantage an integrator would give them: certificates are read once and
handed over as keys, their path to the training authority is checked once per certificate, as on
the sandbox's own path (a library's own chain check costs a third more and knows no signing time).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, Protocol

from loadtests.bench.ours import World
from loadtests.bench.sample import AT, Package, Sample
from sandbox.documents import (
    ParsedPackage,
    ParsedRecord,
    check_schema,
    envelope,
    identify,
    parse,
    read_report_card,
)
from sandbox.documents.tree import Element
from sandbox.domain.assessment import check_rules
from sandbox.domain.consistency import (
    check_consistency,
    check_created_before,
    check_practice_marks,
)
from sandbox.domain.rejections import CATALOGUE
from sandbox.domain.report_card import General, ReportCard, Slot
from sandbox.errors import Finding, Refused
from sandbox.pki import SIGNING_USAGE, Certificate, CertificateError
from sandbox.xmldsig import same_name

DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
SLOTS: Final = "DANH_SACH_THONG_TIN_KY"
DATA: Final = "DU_LIEU_HOC_BA"
_CERTIFICATE: Final = f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate"
_PROPERTIES: Final = f"{DS}Object/{DS}SignatureProperties"
_TIME: Final = f"{DS}SignatureProperty/{DS}SigningTime"


class BrokenSignature(Exception):
    """A signature, or what is said about its signer, does not hold."""


@dataclass(frozen=True, slots=True)
class Signed:
    """One Signature as it stands in the document."""

    element: Element
    certificate: Certificate
    at: datetime
    properties: Element

    @classmethod
    def read(cls, element: Element | None) -> Signed:
        """Take a Signature apart. Raises `BrokenSignature`."""
        properties = None if element is None else element.find(_PROPERTIES)
        if element is None or properties is None:
            raise BrokenSignature("no Signature")
        try:
            certificate = _certificate("".join((element.findtext(_CERTIFICATE) or "").split()))
            at = datetime.fromisoformat((properties.findtext(_TIME) or "").strip())
        except (ValueError, CertificateError) as fault:
            raise BrokenSignature(str(fault)) from fault
        return cls(element, certificate, at, properties)


@lru_cache(maxsize=2048)
def _certificate(base64: str) -> Certificate:
    head, tail = "-----BEGIN CERTIFICATE-----\n", "\n-----END CERTIFICATE-----\n"
    return Certificate.from_pem(head + base64 + tail)


class Library(Protocol):
    """What a signature library is asked."""

    name: str

    def package(self, package: ParsedPackage, signed: Signed) -> None:
        """Verify the package's signature and both its references. Raises `BrokenSignature`."""

    def record(self, xml: bytes, signed: Mapping[Slot, Signed]) -> None:
        """Verify the signatures of a record cut out of its package. Raises `BrokenSignature`."""


class PeerPath:
    """The whole check in this process with *library* for the signatures."""

    def __init__(self, sample: Sample, library: Library) -> None:
        self._world = World(sample)
        self._library = library
        self.name = library.name

    def accepted(self, package: Package) -> int:
        """Check *package* and return how many of its records count."""
        try:
            parsed = parse(envelope.unpack(package.content).xml)
            self._open(parsed, school=package.school)
        except (Refused, BrokenSignature):
            return 0
        unit = frozenset(identify(record).school_code or "" for record in parsed.records)
        self._world.register(unit)
        return sum(self._counts(record, package) for record in parsed.records)

    def _open(self, parsed: ParsedPackage, *, school: str) -> None:
        """Check the package's signature, and that the approved certificate made it."""
        signed = Signed.read(parsed.root.find(f"{DS}Signature"))
        self._library.package(parsed, signed)
        self._certificate_holds(signed)
        if signed.certificate.der != self._world.seals.get(school) or signed.at > AT:
            raise BrokenSignature("not the approved certificate")

    def _counts(self, record: ParsedRecord, package: Package) -> bool:
        """Tell whether a record passes every step."""
        if _refuses(check_schema(record)):
            return False
        card = read_report_card(record)
        if _refuses(check_consistency(card)):
            return False
        try:
            signed = self._signatures(record, card)
        except BrokenSignature:
            return False
        early = check_created_before(card, [one.at for one in signed.values()])
        return not (
            _refuses(early)
            or self._off_the_register(card, school=package.school)
            or _refuses(check_practice_marks(card))
            or _refuses(check_rules(card))
        )

    def _signatures(self, record: ParsedRecord, card: ReportCard) -> dict[Slot, Signed]:
        blocks = {slot: record.element.find(f"{SLOTS}/{slot}") for slot in Slot}
        signed = {
            slot: Signed.read(block.find(f"{DS}Signature"))
            for slot, block in blocks.items()
            if block is not None
        }
        if set(signed) != due(card.general):
            raise BrokenSignature("a signature is missing")
        self._library.record(record.original, signed)
        for slot, one in signed.items():
            block = blocks[slot]
            beside = "" if block is None else (block.findtext("NGAY_KY") or "").strip()
            if datetime.fromisoformat(beside) != one.at or one.at > AT:
                raise BrokenSignature("NGAY_KY")
            self._certificate_holds(one)
            self._signer_is_named(slot, one, card.general)
        times = [one.at for one in signed.values()]
        if times != sorted(times):
            raise BrokenSignature("order")
        return signed

    def _certificate_holds(self, signed: Signed) -> None:
        """Issuer, validity and state at SigningTime, key usage."""
        certificate = signed.certificate
        if self._world.trust.issuer_of(certificate) is None:
            raise BrokenSignature("issuer")
        if not certificate.not_before <= signed.at <= certificate.not_after:
            raise BrokenSignature("validity")
        listed = self._world.revocations[certificate.issuer_name]
        if listed.state_at(certificate.serial, signed.at) != "good":
            raise BrokenSignature("revoked")
        if not certificate.key_usage >= SIGNING_USAGE:
            raise BrokenSignature("key usage")

    def _signer_is_named(self, slot: Slot, signed: Signed, general: General) -> None:
        certificate = signed.certificate
        if slot is Slot.KY_PHAT_HANH:
            if certificate.der != self._world.seals.get(general.school_code):
                raise BrokenSignature("seal")
            return
        named = {
            Slot.GVCN: (general.teacher_id, general.teacher_name),
            Slot.CBQL: (general.leader_id, general.leader_name),
        }
        number, name = named[slot]
        if certificate.uid != f"CCCD:{number}" or not same_name(
            name or "", certificate.common_name
        ):
            raise BrokenSignature("person")

    def _off_the_register(self, card: ReportCard, *, school: str) -> bool:
        unit, general = self._world.units.get(card.general.school_code), card.general
        return (
            unit is None
            or unit.ma_truong != school
            or unit.ten_truong != general.school_name
            or unit.ma_so_giao_duc != general.department_code
            or unit.ten_so_gd != general.department_name
            or unit.ten_xa_phuong != general.commune
            or unit.ten_quan_huyen != general.district
            or unit.ten_tinh_thanh_pho != general.province
        )


def due(general: General) -> set[Slot]:
    """Return the slots that must be signed."""
    return set(Slot) if general.teacher_id is not None else {Slot.CBQL, Slot.KY_PHAT_HANH}


def _refuses(findings: list[Finding]) -> bool:
    return any(not CATALOGUE[finding.code].is_warning for finding in findings)
