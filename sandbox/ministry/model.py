"""What a receiving desk remembers, as frozen rows.

A *desk* is the Kho (`kho`) or the Cổng of one Sở (`so-{code}`): one code, each with its own
accounts, registers and rows (architecture §1). Moments called `…_epoch` are machine seconds;
ISO texts are space time (lifecycle §4).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

KHO = "kho"
HTTP_BODY_BYTES = 10 * 1_048_576
UNPACKED_BYTES = 32 * 1_048_576
RECORDS_PER_PACKAGE = 2_000


def desk_of_department(code: str) -> str:
    """Return the desk of the Cổng of Sở *code*."""
    return f"so-{code}"


def path_of_desk(desk: str) -> str:
    """Return the path under which *desk* answers, e.g. `/kho/so/48`."""
    return "/kho" if desk == KHO else f"/kho/so/{desk.removeprefix('so-')}"


@dataclass(frozen=True, slots=True)
class Profile:
    """Named limits of an account (transactions §4)."""

    name: str
    requests_per_second: int
    open_packages: int


PROFILES: Mapping[str, Profile] = {
    "truong": Profile("truong", 10, 4),
    "so": Profile("so", 50, 20_000),
}


class DeskKind(StrEnum):
    """Which of the two a desk is."""

    KHO = "kho"
    CONG = "so"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterUnit:
    """One school of the register, each value as records must carry it (transactions §4.1)."""

    ma_truong: str
    ten_truong: str
    ma_so_giao_duc: str
    ten_so_gd: str
    ten_xa_phuong: str
    ten_quan_huyen: str | None
    ten_tinh_thanh_pho: str
    so_hoc_ba: int = 0
    """Records the school is expected to hand in this year: the whole of the progress page."""

    def as_row(self) -> dict[str, str | None]:
        """Return the row of `danh-muc/truong`."""
        return {
            "MA_TRUONG": self.ma_truong,
            "TEN_TRUONG": self.ten_truong,
            "MA_SO_GIAO_DUC": self.ma_so_giao_duc,
            "TEN_SO_GD": self.ten_so_gd,
            "TEN_XA_PHUONG": self.ten_xa_phuong,
            "TEN_QUAN_HUYEN": self.ten_quan_huyen,
            "TEN_TINH_THANH_PHO": self.ten_tinh_thanh_pho,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSeed:
    """An account to open. `password` is in clear and is not kept."""

    user_name: str
    password: str
    unit_code: str
    kind: str
    """`truong` or `so`."""
    profile: str = "truong"
    allowed_ips: tuple[str, ...] = ()
    """Addresses or networks the account may call from; none = from anywhere."""


@dataclass(frozen=True, slots=True)
class SchoolSeed:
    """One school for the register of a desk, with all it needs to hand in."""

    unit: RegisterUnit
    account: AccountSeed | None = None
    approved: tuple[bytes, ...] = ()
    """Certificates (DER) that seal for it; the last one is in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSeed:
    """One desk to open in a space."""

    desk: str
    kind: str
    units: tuple[RegisterUnit, ...]
    accounts: tuple[AccountSeed, ...] = ()
    approved: tuple[tuple[str, bytes], ...] = ()
    """(unit code, certificate DER) approved from the start."""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """One receiving desk of one space."""

    space: str
    desk: str
    kind: DeskKind
    name: str


@dataclass(frozen=True, slots=True)
class Account:
    """An account at a desk."""

    space: str
    desk: str
    user_name: str
    salt: str
    secret: str
    unit_code: str
    kind: str
    profile: Profile
    allowed_ips: tuple[str, ...]

    def knows(self, wire_password: str) -> bool:
        """Tell whether *wire_password* (hex of SHA-256, transactions §2.1) is the account's."""
        return hmac.compare_digest(self.secret, seal_password(wire_password, salt=self.salt))


def seal_password(wire_password: str, *, salt: str) -> str:
    """Return what is kept of a password: a hash that does not open the account."""
    text = f"{salt}|{wire_password}".encode(errors="surrogatepass")
    return hashlib.sha256(text).hexdigest()


class CertificateState(StrEnum):
    """Life of a registered certificate (transactions §6)."""

    PENDING = "cho_duyet"
    APPROVED = "da_duyet"
    REFUSED = "tu_choi"
    REPLACED = "da_thay"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredCertificate:
    """One registration of a unit's certificate, in whatever state it is."""

    messageid: str
    unit_code: str
    serial: str
    serial_key: str
    issuer: str
    subject: str
    der: bytes
    not_before: str
    not_after: str
    kind: str
    provider: str
    state: CertificateState
    registered_at: str
    decided_at: str | None = None
    reason: str | None = None
    approved_at: str | None = None
    replaced_at: str | None = None
    request_hash: str = ""
    findings: tuple[Mapping[str, Any], ...] = ()


class PackageState(StrEnum):
    """Life of a package at a desk: the first two are *open* (transactions §4)."""

    WAITING = "cho"
    CLAIMED = "dang_kiem"
    DONE = "xong"
    REFUSED = "tu_choi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One acknowledged package."""

    space: str
    desk: str
    messageid: str
    user_name: str
    unit_code: str
    nam_hoc: int
    request_hash: str
    size: int
    state: PackageState
    received_epoch: float
    received_at: str
    due_epoch: float
    rank: int = 0
    """Place in the common order of checking; senders' packages stand in it in turn."""
    attempts: int = 0
    faults: int = 0
    """How often checking failed on it, or its worker died over it."""
    reason: str | None = None
    records: int = 0
    accepted: int = 0
    refused: int = 0
    findings: tuple[Mapping[str, Any], ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    finished_epoch: float | None = None

    @property
    def account(self) -> tuple[str, str, str]:
        """Whose package it is: space, desk, user name."""
        return self.space, self.desk, self.user_name


@dataclass(frozen=True, slots=True)
class Claim:
    """A package taken in hand by one worker until `until_epoch`."""

    package: Package
    content: bytes
    worker: str
    until_epoch: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultLine:
    """The answer for one record of a package."""

    number: int
    uuid: str | None
    pupil_code: str | None
    pupil_name: str | None
    pupil_id: str | None
    accepted: bool
    findings: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class PupilFacts:
    """What is held of a pupil since the ID was first seen (transactions §5.1)."""

    pupil_id: str
    name: str
    sex: str
    birth_date: str
    pupil_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """What is kept of an accepted record; its bytes lie in its package's frame."""

    uuid: str
    number: int
    school_code: str
    department_code: str
    school_year: str
    pupil_id: str
    pupil_code: str
    pupil_name: str
    sex: str
    birth_date: str
    state: str
    messageid: str
    start: int
    """Where the record begins in the package's document, in bytes."""
    length: int
    """Bytes of the record, from `<HOC_BA` to the end of its end tag."""
    accepted_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord(RecordRow):
    """An accepted record with its original, byte for byte."""

    xml: bytes


@dataclass(frozen=True, slots=True)
class Tally:
    """What packages said of one school."""

    accepted: int
    refused: int
    packages: int

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.accepted + other.accepted,
            self.refused + other.refused,
            self.packages + other.packages,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One line of the journal of exchanges."""

    service: str
    user_name: str | None
    type: str | None
    messageid: str | None
    status: int
    error: str
    address: str
    space_time: str
    machine_time: str
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One line of the audit trail (lifecycle §9); number and hashes are added when it is kept."""

    actor: str
    action: str
    outcome: str
    space_time: str
    machine_time: str
    record_uuid: str | None = None
    old_state: str | None = None
    new_state: str | None = None
    digest: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class SchoolProgress:
    """How far one school is."""

    unit: RegisterUnit
    accepted: int
    refused: int
    packages: int


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on both clocks: `at` governs law, `epoch` governs tokens and claims."""

    at: datetime
    epoch: float
    machine: datetime

    @property
    def iso(self) -> str:
        """Space time as text, +07:00."""
        return self.at.isoformat()
