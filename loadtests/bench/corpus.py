"""The fixture: one practice class, signed by its own teacher, leader and school."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.clock import DEFAULT_SPACE_START
from sandbox.documents import build_package, render_record
from sandbox.domain.report_card import ReportCard, Slot
from sandbox.pki import (
    Certificate,
    PersonSubject,
    PrivateKey,
    TrainingAuthority,
    UnitSubject,
    derive_p256,
)
from sandbox.synthetic import practice_department
from sandbox.xmldsig import prepare, prepare_package

SEED = "bench"
PACKAGE_ID = "11111111-1111-4111-8111-111111111111"
AT = DEFAULT_SPACE_START - timedelta(hours=1)

Credential = tuple[Certificate, PrivateKey]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Thirty records in every state a measurement needs."""

    authority: TrainingAuthority
    cards: tuple[ReportCard, ...]
    unsigned: tuple[bytes, ...]
    signed: tuple[bytes, ...]
    package: bytes
    signers: dict[str, Credential]
    seal: Credential
    at: datetime = DEFAULT_SPACE_START

    def sign(self, xml: bytes, card: ReportCard) -> bytes:
        """Return the record with its three signatures."""
        general = card.general
        order: list[tuple[Slot, Credential]] = []
        if general.teacher_id is not None:
            order.append((Slot.GVCN, self.signers[general.teacher_id]))
        order.append((Slot.CBQL, self.signers[general.leader_id]))
        order.append((Slot.KY_PHAT_HANH, self.seal))
        for slot, (certificate, key) in order:
            draft = prepare(xml, slot=slot, signer=certificate, at=AT)
            xml = draft.complete(key.sign(draft.signed_bytes))
        return xml


def make_corpus() -> Corpus:
    """Return the fixture, the same on every machine: P-256 keys derived from the seed."""
    authority = TrainingAuthority.from_seed(SEED)
    school = practice_department().schools[0]
    cards = school.classes[0].cards
    signers = {}
    for staff in school.staff:
        key = derive_p256(SEED, f"person/{staff.personal_id}")
        subject = PersonSubject(staff.name, staff.personal_id)
        signers[staff.personal_id] = (
            authority.issue(subject, key.public_key, serial_label=staff.personal_id),
            key,
        )
    key = derive_p256(SEED, f"unit/{school.code}")
    unit = UnitSubject(school.name, school.code)
    seal = (authority.issue(unit, key.public_key, serial_label=school.code), key)
    unsigned = tuple(render_record(card) for card in cards)
    bare = Corpus(authority, cards, unsigned, (), b"", signers, seal)
    signed = tuple(bare.sign(xml, card) for xml, card in zip(unsigned, cards, strict=True))
    certificate, key = seal
    draft = prepare_package(build_package(signed), signer=certificate, at=AT, package_id=PACKAGE_ID)
    package = draft.complete(key.sign(draft.signed_bytes))
    return Corpus(authority, cards, unsigned, signed, package, signers, seal)
