"""What the portal remembers, as frozen rows; the life cycle is `sandbox.domain.lifecycle`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from sandbox.domain.lifecycle import RecordState, Role
from sandbox.domain.report_card import ReportCard, Slot
from sandbox.wire.signing import Instrument

POINTS = ("ten", "ngay_sinh", "mon_hoc", "nhan_xet")
"""The four points a teacher ticks before signing (curriculum.md, Bài 2)."""


class Account(Protocol):
    """One account at a receiving desk, as the opener of a space hands it over."""

    @property
    def desk(self) -> str:
        """`kho`, or `so-{code}` for the Cổng of a Sở."""

    @property
    def user_name(self) -> str:
        """Name of the account."""

    @property
    def password(self) -> str:
        """Practice password in clear; it is hashed on the wire (transactions §2.1)."""

    @property
    def unit_code(self) -> str:
        """MA_TRUONG, or the two-digit code of a Sở."""


@dataclass(frozen=True, slots=True)
class DeskAccount:
    """An account read back from the portal's store."""

    desk: str
    user_name: str
    password: str
    unit_code: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a visitor plays: one invented person in one role at one unit."""

    person_id: str
    name: str
    role: Role
    title: str
    unit_code: str
    unit_name: str
    department_code: str


@dataclass(frozen=True, slots=True)
class SchoolRow:
    """A school whose software this portal is."""

    code: str
    name: str
    department_code: str
    department_name: str
    packed_by: Role
    """Who does steps 1, 2, 6–8 of the issue procedure (`dong_goi_boi`, transactions §9.1)."""


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A class with its teacher."""

    school_code: str
    name: str
    grade: int
    school_year: str
    teacher_id: str
    teacher_name: str


@dataclass(frozen=True, slots=True)
class PupilRow:
    """A pupil with closed year results, not yet or already turned into a record."""

    school_code: str
    class_name: str
    number: int
    pupil_code: str
    name: str
    record_id: str | None


@dataclass(frozen=True, slots=True)
class RecordLine:
    """One record as lists show it: no card, no XML."""

    record_id: str
    school_code: str
    class_name: str
    number: int
    pupil_code: str
    pupil_name: str
    state: RecordState
    version: int
    wrong: tuple[str, ...]
    """Points reported wrong, of `POINTS`; signing waits until they are mended."""
    cancel_reason: str | None
    """Set while the teacher's request to cancel a signed record is open."""
    request_id: str | None
    """The live signing request that holds this record."""
    package_id: str | None
    """The last package it travelled in."""
    code: str | None
    """Code of the last refusal."""
    planted: bool
    """A trainer planted a fault in this version."""


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One record with its data and its XML."""

    line: RecordLine
    card: ReportCard
    xml: bytes | None
    """The bytes signed so far; None before the first signature."""


@dataclass(frozen=True, slots=True)
class SignatureRow:
    """One signature the portal put into a record."""

    record_id: str
    version: int
    slot: Slot
    signer_id: str
    signer_name: str
    serial: str
    unit: bool
    """Made with an organisation's certificate."""
    signed_at: str
    """SigningTime, ISO with +07:00."""
    request_id: str

    @property
    def signed(self) -> datetime:
        """SigningTime as a moment."""
        return datetime.fromisoformat(self.signed_at)


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version that no longer counts, kept with its signatures."""

    version: int
    state: str
    reason: str
    at: str
    signatures: tuple[SignatureRow, ...]

    @property
    def when(self) -> datetime:
        """When it stopped counting."""
        return datetime.fromisoformat(self.at)


class Subject(StrEnum):
    """What a signing request signs."""

    RECORDS = "hoc_ba"
    PACKAGE = "goi"
    REGISTRATION = "chung_thu"


class ItemStatus(StrEnum):
    """Result of one item of a signing request."""

    WAITING = "cho"
    SIGNED = "da_ky"
    FAILED = "loi"


@dataclass(frozen=True, slots=True)
class RequestItem:
    """One digest of a signing request with the draft it completes."""

    key: str
    target_id: str
    """Record, package or registration id."""
    version: int
    label: str
    digest: str
    draft: str
    """`xmldsig.Draft.to_json()`."""
    status: ItemStatus
    error: str | None


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One signing request: what the signer sees as one list on the phone."""

    request_id: str
    subject: Subject
    slot: Slot | None
    signer_id: str
    unit_code: str
    class_name: str | None
    desk: str | None
    """Where a registration goes; None for records and packages."""
    serial: str
    certificate_name: str
    transaction_id: str | None
    """None until the signing service has taken it."""
    status: str
    """Status of the signing service (signing-practice §3.6); CREATED before it knows."""
    created_at: str
    instrument: Instrument = Instrument.A
    unit: bool = False
    """Signed with an organisation's certificate."""
    pc_until: str | None = None
    """Space time at which the computer stops waiting; None: it waits as long as the phone (E2)."""
    pc_gone: bool = False
    """The computer has stopped waiting while the phone may still say yes (`het_gio_may`)."""


class PackageState(StrEnum):
    """Life of a package (curriculum.md §4.3)."""

    DRAFT = "nhap"
    SIGNED = "da_ky"
    SENT = "da_nop"
    ACCEPTED = "da_nhan"
    RETURNED = "bi_tra"


@dataclass(frozen=True, slots=True)
class PackageRow:
    """A package: DANH_SACH_HOC_BA of one unit, on its way to one desk."""

    package_id: str
    """UUID v4; also the messageid of its submission."""
    unit_code: str
    desk: str
    school_year: str
    class_name: str | None
    state: PackageState
    xml: bytes | None
    size: int
    request_id: str | None
    receipt: Mapping[str, Any] | None
    sent_at: str | None
    polls: int
    next_poll: float
    """Machine second (epoch) of the next look at the result."""
    code: str | None
    """Code that refused the package or its receipt."""
    created_at: str

    @property
    def created(self) -> datetime:
        """When it was packed."""
        return datetime.fromisoformat(self.created_at)

    @property
    def sent(self) -> datetime:
        """When its desk took it (before that: when it was packed)."""
        return datetime.fromisoformat(self.sent_at or self.created_at)


@dataclass(frozen=True, slots=True)
class PackageLine:
    """One record inside a package, with the desk's answer."""

    number: int
    record_id: str
    version: int
    pupil_name: str
    school_code: str
    result: int | None
    """1 accepted, 0 refused, None not answered yet (transactions §2.3)."""
    code: str | None
    details: tuple[Mapping[str, Any], ...]
    """`chi_tiet` rows (transactions §2.8)."""


class CertificateState(StrEnum):
    """Where the registration of a unit's certificate stands."""

    DRAFT = "chua_gui"
    SENT = "da_gui"
    APPROVED = "da_duyet"
    REFUSED = "bi_tu_choi"


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """The registration of one unit's certificate at one desk."""

    unit_code: str
    desk: str
    serial: str
    subject: str
    issuer: str
    valid_from: str
    valid_to: str
    registration_id: str | None
    state: CertificateState
    xml: bytes | None
    request_id: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One line of the audit trail (spec/lifecycle.md §9)."""

    at: str
    machine_at: str
    approved_at: str | None
    actor_id: str
    actor_role: str
    actor_unit: str
    action: str
    record_id: str | None
    old_state: str | None
    new_state: str | None
    digest_before: str | None
    digest_after: str | None
    address: str | None
    client: str | None
    outcome: str
