"""Ký Xa A by one-time code: practice password, then six digits, on the service's own page.

Spec: signing-practice §3.1 (A-OTP). The code is on the practice phone, by time (30 s) or in a
message (120 s), as the learner chooses.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sandbox.signing import instrument_store, instruments, otp_store
from sandbox.signing.confirming import Confirming
from sandbox.signing.instruments import Instruments
from sandbox.signing.model import Device, Event, InstrumentState, Limits, StoredRequest
from sandbox.signing.office import Office, Turn
from sandbox.signing.otp import Otp, OtpKind, OtpVerdict
from sandbox.signing.outcomes import Confirmation, Outcome
from sandbox.signing.problems import Code, Declined
from sandbox.signing.tries import PASSWORD
from sandbox.web import Space
from sandbox.wire.signing import Instrument

MOST_WRONG_CODES = 3
"""The third wrong code locks this way of signing (**I**)."""
_PASSWORD: Literal["password"] = "password"  # noqa: S105  (the kind of what is counted)
_ENTERED, _WAY = "da_vao", "cach"


@dataclass(frozen=True, slots=True, kw_only=True)
class ByCodeView:
    """How far a holder is with signing by code."""

    state: InstrumentState
    attempts_left: int
    password_left: int
    password_locked_until: datetime | None
    """None: the password may be typed now."""
    password_last_lock: datetime | None
    """Until when the account was or is locked; forgotten when the password is typed again."""
    self_unlock: bool
    waiting: tuple[StoredRequest, ...]
    last_ended: StoredRequest | None

    def entered(self, request_id: str) -> bool:
        """Whether the password was typed for this request."""
        return self.state.facts.get(_ENTERED) == request_id

    @property
    def way(self) -> OtpKind:
        """The kind of code the learner chose."""
        return "message" if self.state.facts.get(_WAY) == "message" else "totp"


class ByCode:
    """Password and code of Ký Xa A without the app."""

    def __init__(
        self, office: Office, confirming: Confirming, cards: Instruments, otp: Otp
    ) -> None:
        self._office, self._confirming, self._cards, self._otp = office, confirming, cards, otp

    def look(self, space: Space, device: Device) -> ByCodeView:
        """Return what waits, and how many tries are left."""
        view = self._confirming.look(space, device, instruments=(Instrument.A_OTP,))
        at = space.now(self._office.clock)
        with self._office.database.read() as connection:
            state = instrument_store.state_of(connection, space.id, device.holder, Instrument.A_OTP)
            tries = otp_store.tries_of(connection, space.id, device.holder, _PASSWORD)
        return ByCodeView(
            state=state,
            attempts_left=state.attempts_left(MOST_WRONG_CODES),
            password_left=PASSWORD.left(tries, at=at),
            password_locked_until=PASSWORD.until(tries, at=at),
            password_last_lock=tries.locked_until,
            self_unlock=Limits.of(space.switches).self_unlock,
            waiting=view.waiting,
            last_ended=view.last_ended,
        )

    def enter(self, space: Space, holder_id: str, request_id: str, *, typed: str) -> bool:
        """Check the practice password; right ones open the page of the code.

        Five wrong ones in a row lock for five minutes of the space's clock; until then nothing
        is looked at.
        """
        expected = self._cards.training_pin(space, holder_id, Instrument.A_OTP)
        right = hmac.compare_digest(typed.strip().encode(), expected.encode())
        with self._office.turn(space) as turn:
            tries = otp_store.tries_of(turn.connection, space.id, holder_id, _PASSWORD)
            if PASSWORD.until(tries, at=turn.at) is not None:
                return False
            after = PASSWORD.after(tries, right=right, at=turn.at)
            otp_store.set_tries(turn.connection, space.id, holder_id, _PASSWORD, after)
            if right:
                state = instruments.state_in(turn, holder_id, Instrument.A_OTP)
                instruments.change(turn, holder_id, state, **{_ENTERED: request_id})
            self._note(
                turn, holder_id, request_id, right=right, left=PASSWORD.left(after, at=turn.at)
            )
        return right

    @staticmethod
    def _note(turn: Turn, holder_id: str, request_id: str, *, right: bool, left: int) -> None:
        instrument = Instrument.A_OTP.value
        if right:
            turn.note(Event.LOGIN, holder=holder_id, request=request_id, instrument=instrument)
            return
        turn.note(
            Event.WRONG_PASSWORD,
            holder=holder_id,
            request=request_id,
            instrument=instrument,
            attempts_left=left,
        )
        if not left:
            turn.note(Event.LOGIN_LOCKED, holder=holder_id, instrument=instrument)

    def choose(self, space: Space, holder_id: str, way: OtpKind, *, purpose: str) -> None:
        """Choose the kind of code; a message is sent at once and makes older ones stale."""
        if way == "message":
            self._otp.send(space, holder_id, purpose=purpose)
        with self._office.turn(space) as turn:
            state = instruments.state_in(turn, holder_id, Instrument.A_OTP)
            instruments.change(turn, holder_id, state, **{_WAY: way})

    def confirm(
        self, space: Space, device: Device, request_id: str, *, typed: str
    ) -> tuple[Confirmation, OtpVerdict | None]:
        """Sign a waiting request when *typed* is the code of the chosen kind.

        Only a wrong code uses up a try; one that is too old or was used is told as such. The third
        wrong one locks and ends the request as AUTH_FAILED. Raises `Declined`.
        """
        told: list[OtpVerdict] = []

        def check(turn: Turn, request: StoredRequest) -> Outcome | None:
            if request.instrument is not Instrument.A_OTP:
                raise Declined(Code.SIGNATURE_TRANSACTION_NOT_FOUND)
            state = instruments.state_in(turn, device.holder, Instrument.A_OTP)
            if state.locked:
                return Outcome.LOCKED
            if state.facts.get(_ENTERED) != request.id:
                return Outcome.NOT_READY
            way: OtpKind = "message" if state.facts.get(_WAY) == "message" else "totp"
            answer = self._otp.check_in(turn, device.holder, typed, kind=way, counted=False)
            told.append(answer.verdict)
            if answer.right:
                state = instruments.count_right(turn, device.holder, state)
                instruments.change(turn, device.holder, state, **{_ENTERED: None, _WAY: None})
                return None
            if answer.verdict is OtpVerdict.WRONG:
                state = instruments.count_wrong(
                    turn, device.holder, state, most=MOST_WRONG_CODES, request=request.id
                )
            else:
                turn.note(
                    Event.WRONG_OTP,
                    holder=device.holder,
                    request=request.id,
                    kind=way,
                    verdict=answer.verdict.value,
                )
            return Outcome.LOCKED if state.locked else Outcome.WRONG_CODE

        answer = self._confirming.approve(space, device, request_id, check=check)
        return answer, told[0] if told else None
