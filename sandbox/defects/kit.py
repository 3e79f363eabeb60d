"""Builds good, signed records and packages, and the keys a defect needs to spoil them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from sandbox.clock import DEFAULT_SPACE_START
from sandbox.defects.delivery import Delivery
from sandbox.documents import build_package, render_record
from sandbox.domain.identifiers import new_uuid
from sandbox.domain.report_card import ReportCard, Slot
from sandbox.pki import (
    SIGNING_USAGE,
    Certificate,
    KeyUsage,
    PersonSubject,
    PrivateKey,
    Subject,
    TrainingAuthority,
    UnitSubject,
    derive_p256,
)
from sandbox.synthetic import DEFAULT_SEED, make_class
from sandbox.xmldsig import prepare, prepare_package

GRADE: Final = 4
"""Grade of every faulty record."""
NEIGHBOURS_GRADE: Final = 3
_FIRST_CLASS: Final = 2
"""Class 1 belongs to the portal's practice data; the kit's pupils come from the others."""
_CLASS_SIZE: Final = 45
_PER_CLASS: Final = 42
"""Pupils taken from each class, whose sizes vary by three."""
MOST_DEFECTS: Final = 6 * _PER_CLASS
_ROLES: Final = {
    Slot.GVCN: ("TEN_GIAO_VIEN_CHU_NHIEM", "SO_CCCD_GIAO_VIEN_CHU_NHIEM"),
    Slot.CBQL: ("TEN_GIAM_HIEU_KY_HOC_BA", "SO_CCCD_GIAM_HIEU_KY_HOC_BA"),
}
_ISSUERS: Final = {Slot.GVCN: "GIA_LAP_CA", Slot.CBQL: "GIA_LAP_CO_YEU"}


@dataclass(frozen=True, slots=True)
class Signer:
    """A certificate with its key."""

    certificate: Certificate
    key: PrivateKey = field(repr=False)

    def sign(self, digest: bytes) -> bytes:
        """Sign a SHA-256 *digest* in the form of XMLDSig."""
        return self.key.sign_digest(digest)


@dataclass(frozen=True, slots=True)
class Times:
    """When the good package was signed: teacher, leader, seal, package."""

    teacher: datetime
    leader: datetime
    issue: datetime
    package: datetime

    @classmethod
    def before(cls, now: datetime) -> Times:
        """Return lawful times shortly before *now*, the issue on the same day."""
        return cls(
            teacher=now - timedelta(hours=23),
            leader=now - timedelta(hours=17),
            issue=now - timedelta(minutes=30),
            package=now - timedelta(minutes=15),
        )

    def of(self, slot: Slot) -> datetime:
        """Return the time of *slot*."""
        return {
            Slot.GVCN: self.teacher,
            Slot.CBQL: self.leader,
            Slot.KY_PHAT_HANH: self.issue,
        }[slot]


class Kit:
    """Good records of one practice school and everybody who signs them.

    *seed* and *number* choose the school (`sandbox.synthetic`), *seal* its approved certificate;
    without one the kit makes its own, and whoever delivers has it approved first. *now* is the
    space clock. Everything is deterministic.
    """

    def __init__(
        self,
        authority: TrainingAuthority,
        *,
        seed: str = DEFAULT_SEED,
        number: int = 401,
        seal: Signer | None = None,
        now: datetime = DEFAULT_SPACE_START,
        pupils: int = 0,
    ) -> None:
        self.authority = authority
        self.seed = seed
        self.number = number
        self.now = now
        self.times = Times.before(now)
        self._pupils = pupils
        general = self.card(1).general
        self.school_code = general.school_code
        self.seal = seal or self.unit(general.school_name, general.school_code)
        self.teacher = self.person(general.teacher_name or "", general.teacher_id or "")
        self.leader = self.person(general.leader_name, general.leader_id, issuer="GIA_LAP_CO_YEU")

    def with_pupils(self, number: int) -> Kit:
        """Return the same kit with the pair of pupils *number*, below `MOST_DEFECTS`."""
        return Kit(
            self.authority,
            seed=self.seed,
            number=self.number,
            seal=self.seal,
            now=self.now,
            pupils=number,
        )

    def person(
        self, name: str, personal_id: str, *, issuer: str = "GIA_LAP_CA", **terms: Any
    ) -> Signer:
        """Return a person with a practice certificate; *terms* as `signer`."""
        return self.signer(PersonSubject(name, personal_id), issuer=issuer, **terms)

    def unit(self, name: str, code: str, *, issuer: str = "GIA_LAP_CO_YEU", **terms: Any) -> Signer:
        """Return an organisation with a practice certificate; *terms* as `signer`."""
        return self.signer(UnitSubject(name, code), issuer=issuer, **terms)

    def signer(
        self,
        subject: Subject,
        *,
        issuer: str,
        label: str = "",
        key: PrivateKey | None = None,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        key_usage: frozenset[KeyUsage] = SIGNING_USAGE,
        authority: TrainingAuthority | None = None,
    ) -> Signer:
        """Return *subject* with a key and a certificate; *label* tells several of one apart."""
        name = f"defects/{self.seed}/{subject.uid}/{label}"
        key = key or derive_p256(self.seed, name)
        certificate = (authority or self.authority).issue(
            subject,
            key.public_key,
            issuer=issuer,
            not_before=not_before,
            not_after=not_after,
            key_usage=key_usage,
            serial_label=name,
        )
        return Signer(certificate, key)

    def card(self, place: int, **general: Any) -> ReportCard:
        """Return the lawful card of pupil *place*, fields of THONG_TIN_CHUNG changed.

        Place 0 is the neighbour, whose record is good; 1 the pupil whose record gets the fault.
        """
        grade = GRADE if place else NEIGHBOURS_GRADE
        card = _card(self.seed, self.number, grade, self._pupils)
        return dataclasses.replace(card, general=dataclasses.replace(card.general, **general))

    def new_id(self, label: str) -> str:
        """Return a UUID v4 that only the kit's seed and *label* decide."""
        return new_uuid(self.seed, "defects", str(self._pupils), label)

    def record(self, card: ReportCard | None = None) -> bytes:
        """Return the unsigned record of *card*, by default of the pupil with the fault."""
        return render_record(card or self.card(1))

    def sign(
        self, record: bytes, slot: Slot, *, by: Signer | None = None, at: datetime | None = None
    ) -> bytes:
        """Return *record* signed in *slot*, by the person it names unless told otherwise."""
        signer = by or self.named_in(record, slot)
        draft = prepare(
            record,
            slot=slot,
            signer=signer.certificate,
            at=at or self.times.of(slot),
            algorithm=signer.key.algorithm,
        )
        return draft.complete(signer.sign(draft.digest))

    def signed(
        self,
        record: bytes | None = None,
        *,
        by: dict[Slot, Signer] | None = None,
        at: dict[Slot, datetime] | None = None,
    ) -> bytes:
        """Return *record* signed in every slot it has; *by* and *at* replace single ones."""
        record = record or self.record()
        has_teacher = b"<TEN_GIAO_VIEN_CHU_NHIEM>" in record
        for slot in Slot:
            if slot is not Slot.GVCN or has_teacher:
                signer, moment = (by or {}).get(slot), (at or {}).get(slot)
                record = self.sign(record, slot, by=signer, at=moment)
        return record

    def named_in(self, record: bytes, slot: Slot) -> Signer:
        """Return the person whom *record* names for *slot*, or the school."""
        if slot is Slot.KY_PHAT_HANH:
            return self.seal
        name, number = (_text(record, tag) for tag in _ROLES[slot])
        return self.person(name, number, issuer=_ISSUERS[slot])

    def neighbour(self) -> bytes:
        """Return the good, signed record that stands first in every package."""
        return self.signed(self.record(self.card(0)))

    def packed(self, *records: bytes) -> bytes:
        """Return the unsigned package of *records*."""
        return build_package(records)

    def sealed(
        self, package: bytes, *, by: Signer | None = None, at: datetime | None = None
    ) -> bytes:
        """Return *package* signed by the school."""
        signer = by or self.seal
        draft = prepare_package(
            package,
            signer=signer.certificate,
            at=at or self.times.package,
            package_id=self.new_id("package"),
            algorithm=signer.key.algorithm,
        )
        return draft.complete(signer.sign(draft.digest))

    def good_package(self) -> bytes:
        """Return a package of two good records, signed by the school."""
        return self.sealed(self.packed(self.neighbour(), self.signed()))

    def deliver(self, record: bytes, **more: Any) -> Delivery:
        """Return the delivery of a good record and, second, *record*."""
        package = self.sealed(self.packed(self.neighbour(), record))
        more.setdefault("record_id", self.card(1).record_id)
        return Delivery(package=package, **more)

    def deliver_alone(self, record: bytes, **more: Any) -> Delivery:
        """Return the delivery of *record* and no other, for faults its neighbours would share."""
        return Delivery(
            package=self.sealed(self.packed(record)), record_id=self.card(1).record_id, **more
        )

    def deliver_card(self, card: ReportCard, **more: Any) -> Delivery:
        """Return the delivery of a good record and, second, *card* rendered and signed."""
        more.setdefault("record_id", card.record_id)
        return self.deliver(self.signed(self.record(card)), **more)


def _text(record: bytes, tag: str) -> str:
    start = record.index(f"<{tag}>".encode()) + len(tag) + 2
    return record[start : record.index(b"<", start)].decode("utf-8")


@lru_cache(maxsize=64)
def _class(seed: str, number: int, grade: int, class_number: int) -> tuple[ReportCard, ...]:
    made = make_class(
        seed, grade=grade, class_number=class_number, number=number, pupils=_CLASS_SIZE
    )
    return made.cards


def _card(seed: str, number: int, grade: int, pupil: int) -> ReportCard:
    """Return card *pupil* of the kit's classes, which hold `_PER_CLASS` each."""
    classes, seat = divmod(pupil, _PER_CLASS)
    return _class(seed, number, grade, _FIRST_CLASS + classes)[seat]
