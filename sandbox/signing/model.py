"""What the signing service keeps: holders with phones, their credentials, requests, the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from sandbox.errors import Misuse
from sandbox.wire.signing import Instrument, Status

CredentialKind = Literal["person", "unit"]
Algorithm = Literal["p256", "rsa2048"]

NORMAL_LIFETIME = timedelta(minutes=5)
"""How long a request waits for its confirmation (signing-practice §3.1)."""
SLOW_FACTOR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialSeed:
    """A certificate to issue: to a person (personal ID) or a unit (unit code)."""

    kind: CredentialKind
    subject_id: str
    subject_name: str
    issuer: str = "GIA_LAP_CA"
    algorithm: Algorithm = "p256"
    automatic: bool = False
    """Signs without anybody's confirmation; units only, invented for the Sở's forwarding."""
    not_before: datetime | None = None
    not_after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderSeed:
    """Somebody who gets a practice phone. `pin` is six digits, printed on the lesson card."""

    holder_id: str
    name: str
    pin: str = field(repr=False)
    credentials: tuple[CredentialSeed, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What a practice space lets a signer do; read from the space's switches.

    `signing_lifetime` "normal" (5 minutes), "slow" (×3) or "none"; `signing_wrong_pins` 3 or 5;
    `signing_self_unlock` and `signing_stranger_warning` true or false.
    """

    lifetime: timedelta | None = NORMAL_LIFETIME
    wrong_pins: int = 3
    self_unlock: bool = True
    stranger_warning: bool = True

    @staticmethod
    def of(switches: Mapping[str, Any]) -> Limits:
        """Return the limits *switches* set. Raises `Misuse` for a value that means nothing."""
        lifetimes = {
            "normal": NORMAL_LIFETIME,
            "slow": NORMAL_LIFETIME * SLOW_FACTOR,
            "none": None,
        }
        lifetime = switches.get("signing_lifetime", "normal")
        wrong_pins = switches.get("signing_wrong_pins", 3)
        if lifetime not in lifetimes:
            raise Misuse(f"signing_lifetime: {lifetime!r}", remedy="normal, slow, none")
        if wrong_pins not in (3, 5):
            raise Misuse(f"signing_wrong_pins: {wrong_pins!r}", remedy="3, 5")
        return Limits(
            lifetime=lifetimes[lifetime],
            wrong_pins=wrong_pins,
            self_unlock=bool(switches.get("signing_self_unlock", True)),
            stranger_warning=bool(switches.get("signing_stranger_warning", True)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A person with a practice phone."""

    id: str
    name: str
    pin_salt: bytes = field(repr=False)
    pin_hash: bytes = field(repr=False)
    wrong_pins: int = 0
    locked: bool = False
    times_locked: int = 0

    def attempts_left(self, limits: Limits) -> int:
        """Return how many more entries may go wrong before the phone locks."""
        return 0 if self.locked else max(0, limits.wrong_pins - self.wrong_pins)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCredential:
    """A certificate and the label its private key is derived from; no key is stored."""

    serial: str
    holder: str
    kind: CredentialKind
    subject_id: str
    subject_name: str
    issuer: str
    algorithm: Algorithm
    automatic: bool
    key_label: str
    not_before: datetime
    not_after: datetime
    certificate: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredItem:
    """One hash of a request."""

    position: int
    key: str
    record_uuid: str
    slot: str
    digest: str
    label: str
    status: Status
    error: str | None = None
    signature: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRequest:
    """A request for signatures; `items` in the sender's order."""

    id: str
    idempotency: str
    fingerprint: str
    signer: str
    serial: str
    purpose: str
    portal: str
    return_path: str | None
    stranger: bool
    instrument: Instrument
    status: Status
    created: datetime
    expires: datetime | None
    ended: datetime | None
    items: tuple[StoredItem, ...]

    def expired_at(self, at: datetime) -> bool:
        """Tell whether a request still waiting has outlived its limit at space time *at*."""
        return self.status.live and self.expires is not None and at >= self.expires

    @property
    def signed_count(self) -> int:
        """How many of the hashes bear a signature."""
        return sum(item.status is Status.SIGNED for item in self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentState:
    """How one instrument of a holder stands; `facts` is small JSON of the instrument's own."""

    instrument: Instrument
    wrong_pins: int = 0
    locked: bool = False
    times_locked: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)

    def attempts_left(self, most: int) -> int:
        """Return how many more entries may go wrong before *most* lock it."""
        return 0 if self.locked else max(0, most - self.wrong_pins)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmedFault:
    """One entry of a holder's fault plan; `left` says how often it still fires."""

    number: int
    code: str
    step: str
    subject: str
    times: int
    left: int
    by: str
    met: datetime | None = None
    recovered: datetime | None = None


class Event(StrEnum):
    """What the ledger records."""

    ISSUED = "issued"
    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    WRONG_PIN = "wrong_pin"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    PAIRED = "paired"
    AUTOMATIC = "automatic"
    OTP_SENT = "otp_sent"
    WRONG_OTP = "wrong_otp"
    OTP_LOCKED = "otp_locked"
    LOGIN = "login"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105  (the event, not a password)
    LOGIN_LOCKED = "login_locked"
    TOKEN_REVOKED = "token_revoked"  # noqa: S105  (the event, not a token)
    AUTHORIZED = "authorized"
    EXTENDED = "extended"
    HASHES_SIGNED = "hashes_signed"
    DECLINED = "declined"
    CALLED_BACK = "called_back"
    ACTIVATED = "activated"
    DEACTIVATED = "deactivated"
    PHONE_CHANGED = "phone_changed"
    PIN_CHANGED = "pin_changed"
    CODE_SENT = "code_sent"
    PLUGGED = "plugged"
    FETCHED = "fetched"
    COMPUTER = "computer"
    RECALLED = "recalled"
    FAULT_ARMED = "fault_armed"
    FAULT_MET = "fault_met"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One ledger line; `hash` = SHA-256 over the line and `previous`."""

    number: int
    at: str
    machine_at: str
    event: str
    holder: str
    request: str
    detail: Mapping[str, Any]
    previous: str
    hash: str


class DeviceKind(StrEnum):
    """Where a practice phone is shown."""

    SCREEN = "screen"
    """The page opened from the computer: one for each holder, always there."""
    PAIRED = "paired"
    """A second device that typed the pairing code: the newest one only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A page that shows somebody's practice phone; its token is the key to it."""

    token: str = field(repr=False)
    holder: str
    kind: DeviceKind
    replaced: bool
