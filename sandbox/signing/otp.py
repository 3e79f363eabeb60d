"""One-time codes: six digits from the time (RFC 6238), or sent as a message to the phone.

Both go by the space's clock. A code is used once; a newer message makes the older ones stale. No
code is stored: it follows from the installation's seed, so that the phone's page can show it and
nothing in the database can give it away.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from sandbox.errors import Misuse
from sandbox.signing import faults, holder_store, otp_store
from sandbox.signing.model import Event
from sandbox.signing.office import Office, Turn
from sandbox.signing.otp_store import SentMessage, Tries
from sandbox.signing.problems import Code, Declined
from sandbox.signing.tries import Lock
from sandbox.web import Space

OtpKind = Literal["totp", "message"]

DIGITS = 6
STEP_S = 30
"""A time-based code changes every 30 seconds (signing-practice §3.1, A-OTP)."""
MESSAGE_LIFETIME = timedelta(seconds=120)
"""How long the code of a message holds (signing-practice §3.2)."""
CODE = Lock(most=5, time=timedelta(minutes=5))
"""So many wrong codes in a row lock this kind of code for so long (**I**)."""
_SECRET_BYTES = 20
"""RFC 4226 §4 R6: 160 bits."""
_STALE_STEPS = 20
"""Ten minutes: how far back a time-based code is recognised as one that has expired."""
_KEPT = 20


class OtpVerdict(StrEnum):
    """What a typed code turned out to be."""

    RIGHT = "right"
    WRONG = "wrong"
    EXPIRED = "expired"
    """Was right once: its time is over, or a newer message replaced it. No try is used up."""
    USED = "used"
    """Was right and has been used already. No try is used up."""
    LOCKED = "locked"
    """Too many wrong codes, by this entry or before; the code was not looked at in that case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtpOutcome:
    """The answer to a typed code."""

    verdict: OtpVerdict
    attempts_left: int
    locked_until: datetime | None = None

    @property
    def right(self) -> bool:
        """Whether the code may be relied on."""
        return self.verdict is OtpVerdict.RIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message with a code. `code` is for the phone's page alone: never log or store it."""

    code: str = field(repr=False)
    sent_at: datetime
    expires_at: datetime
    purpose: str
    delayed_until: datetime | None = None
    """When a late message arrives; None: at once."""
    lost: bool = False
    """The message never arrives."""
    used: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeCode:
    """The time-based code of this moment. `code` is for the phone's page alone."""

    code: str = field(repr=False)
    seconds_left: int


class Otp:
    """Sends, shows and checks one-time codes of the holders of a space.

    The space's switch `signing_otp_delay` makes messages late (seconds, 0–600) or lets them never
    come ("never"). So do the entries `otp_tre` (`doi_tuong`: seconds, 30–180, else 90) and
    `otp_mat` of a holder's fault plan, for one message each time they fire.
    """

    def __init__(self, office: Office) -> None:
        self._office = office

    def send(self, space: Space, holder_id: str, *, purpose: str) -> Message:
        """Send a message with a fresh code; the codes sent before are stale from now on.

        *purpose* says in plain words what the code is for (≤ 200 letters). Raises `Declined`
        SIGNER_NOT_EXIST, `Misuse` for a switch that means nothing.
        """
        delay = delay_of(space.switches)
        with self._office.turn(space) as turn:
            if holder_store.holder_of(turn.connection, space.id, holder_id) is None:
                raise Declined(Code.SIGNER_NOT_EXIST, signer=holder_id)
            if faults.take(turn, holder_id, "otp_mat") is not None:
                delay = None
            elif (late := faults.take(turn, holder_id, "otp_tre")) is not None:
                delay = _lateness(late.subject)
            before = otp_store.messages_of(turn.connection, space.id, holder_id, limit=1)
            sent = SentMessage(
                holder=holder_id,
                number=before[0].number + 1 if before else 1,
                nonce=secrets.token_bytes(16),
                purpose=purpose[:200],
                sent_at=turn.at,
                expires_at=turn.at + MESSAGE_LIFETIME,
                delayed_until=turn.at + delay if delay else None,
                lost=delay is None,
            )
            otp_store.add_message(turn.connection, space.id, sent)
            turn.note(Event.OTP_SENT, holder=holder_id, number=sent.number)
        return self._message(space, sent)

    def messages(self, space: Space, holder_id: str) -> list[Message]:
        """Return the messages that have arrived, newest first, at most 20."""
        at = space.now(self._office.clock)
        with self._office.database.read() as connection:
            sent = otp_store.messages_of(connection, space.id, holder_id, limit=_KEPT)
        return [
            self._message(space, one)
            for one in sent
            if not one.lost and (one.delayed_until is None or one.delayed_until <= at)
        ]

    def current(self, space: Space, holder_id: str) -> TimeCode:
        """Return the time-based code that holds now and for how many whole seconds more."""
        now = int(space.now(self._office.clock).timestamp())
        return TimeCode(
            code=self._totp(space.id, holder_id, now // STEP_S), seconds_left=STEP_S - now % STEP_S
        )

    def check(self, space: Space, holder_id: str, typed: str, *, kind: OtpKind) -> OtpOutcome:
        """Check a typed code and, when it is right, use it up."""
        with self._office.turn(space) as turn:
            return self.check_in(turn, holder_id, typed, kind=kind)

    def check_in(
        self, turn: Turn, holder_id: str, typed: str, *, kind: OtpKind, counted: bool = True
    ) -> OtpOutcome:
        """Do what `check` does inside somebody's turn.

        *counted* False: a wrong code uses up no try here; the caller counts (Ký Xa A by code).
        """
        tries = otp_store.tries_of(turn.connection, turn.space, holder_id, kind)
        if (until := CODE.until(tries, at=turn.at)) is not None:
            return OtpOutcome(verdict=OtpVerdict.LOCKED, attempts_left=0, locked_until=until)
        tries = CODE.present(tries, at=turn.at)
        code = "".join(typed.split())
        if kind == "totp":
            verdict, tries = self._check_time(turn, holder_id, code, tries)
        else:
            verdict = self._check_message(turn, holder_id, code)
        if counted or verdict is OtpVerdict.RIGHT:
            return _count(turn, holder_id, kind, tries, verdict)
        return OtpOutcome(verdict=verdict, attempts_left=CODE.most)

    def _check_time(
        self, turn: Turn, holder_id: str, code: str, tries: Tries
    ) -> tuple[OtpVerdict, Tries]:
        now = int(turn.at.timestamp()) // STEP_S
        for back in range(_STALE_STEPS + 1):
            step = now - back
            if step < 0 or not _same(code, self._totp(turn.space, holder_id, step)):
                continue
            # RFC 6238 §5.2: one step back is allowed for the time it takes to read and send.
            if back > 1:
                return OtpVerdict.EXPIRED, tries
            if step <= tries.last_step:
                return OtpVerdict.USED, tries
            return OtpVerdict.RIGHT, replace(tries, last_step=step)
        return OtpVerdict.WRONG, tries

    def _check_message(self, turn: Turn, holder_id: str, code: str) -> OtpVerdict:
        sent = otp_store.messages_of(turn.connection, turn.space, holder_id, limit=_KEPT)
        for place, one in enumerate(sent):
            if not _same(code, self._code_of(turn.space, one)):
                continue
            if one.used:
                return OtpVerdict.USED
            if place > 0 or turn.at >= one.expires_at:
                return OtpVerdict.EXPIRED
            otp_store.use_message(turn.connection, turn.space, one)
            return OtpVerdict.RIGHT
        return OtpVerdict.WRONG

    def _message(self, space: Space, sent: SentMessage) -> Message:
        return Message(
            code=self._code_of(space.id, sent),
            sent_at=sent.sent_at,
            expires_at=sent.expires_at,
            purpose=sent.purpose,
            delayed_until=sent.delayed_until,
            lost=sent.lost,
            used=sent.used,
        )

    def _totp(self, space: str, holder_id: str, step: int) -> str:
        key = self._office.keys.secret(f"totp/{space}/{holder_id}", _SECRET_BYTES)
        return TOTP(key, DIGITS, SHA1(), STEP_S).generate(step * STEP_S).decode()  # noqa: S303

    def _code_of(self, space: str, sent: SentMessage) -> str:
        label = f"otp/{space}/{sent.holder}/{sent.number}/{sent.nonce.hex()}"
        number = int.from_bytes(self._office.keys.secret(label, 16), "big")
        return f"{number % 10**DIGITS:0{DIGITS}d}"


def delay_of(switches: Mapping[str, Any]) -> timedelta | None:
    """Return how late messages come; None: never. Raises `Misuse` for a value without meaning."""
    delay = switches.get("signing_otp_delay", 0)
    if delay == "never":
        return None
    if isinstance(delay, bool) or not isinstance(delay, int) or not 0 <= delay <= 600:
        raise Misuse(f"signing_otp_delay: {delay!r}", remedy="0–600 (seconds), never")
    return timedelta(seconds=delay)


def _lateness(subject: str) -> timedelta:
    """Return how late a message comes by an entry of a fault plan: 30–180 s, else 90 s."""
    seconds = int(subject) if subject.isdecimal() else 0
    return timedelta(seconds=seconds if 30 <= seconds <= 180 else 90)


def _same(typed: str, code: str) -> bool:
    return hmac.compare_digest(typed.encode(), code.encode())


def _count(
    turn: Turn, holder_id: str, kind: OtpKind, tries: Tries, verdict: OtpVerdict
) -> OtpOutcome:
    """Move the counter of wrong codes as *verdict* says and write it down."""
    if verdict in (OtpVerdict.RIGHT, OtpVerdict.WRONG):
        tries = CODE.after(tries, right=verdict is OtpVerdict.RIGHT, at=turn.at)
    left = CODE.left(tries, at=turn.at)
    if verdict is not OtpVerdict.RIGHT:
        turn.note(
            Event.WRONG_OTP, holder=holder_id, kind=kind, verdict=verdict.value, attempts_left=left
        )
    otp_store.set_tries(turn.connection, turn.space, holder_id, kind, tries)
    if tries.locked_until is not None:
        turn.note(Event.OTP_LOCKED, holder=holder_id, kind=kind)
        verdict = OtpVerdict.LOCKED
    return OtpOutcome(verdict=verdict, attempts_left=left, locked_until=tries.locked_until)
