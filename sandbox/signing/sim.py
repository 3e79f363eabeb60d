"""The SIM that signs: plain dialogs, one request at a time, a first PIN that must be changed.

Spec: signing-practice §3.3; curriculum Bài 8. The new PIN is the one on the learner's card, so that
nobody is tempted to type a PIN of their own.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sandbox.signing import faults, gates, holder_store, instrument_store, instruments, pins
from sandbox.signing.confirming import Confirming, PhoneView
from sandbox.signing.instruments import SIM_DEFAULT_PIN, Instruments
from sandbox.signing.model import (
    Device,
    Event,
    InstrumentState,
    StoredCredential,
    StoredRequest,
)
from sandbox.signing.office import Office, Turn
from sandbox.signing.outcomes import Confirmation, Outcome
from sandbox.signing.problems import Code, Declined
from sandbox.web import Space
from sandbox.wire.signing import Instrument

MOST_WRONG = 3
"""A SIM locks at the third wrong PIN, whatever the space says of other instruments (**I**)."""
_CHANGED = "da_doi"


class Change(StrEnum):
    """What came of changing the PIN."""

    DONE = "done"
    WRONG_OLD = "wrong_old"
    """The present PIN was not right; a try is used up."""
    NOT_CARD = "not_card"
    """The new PIN is not the one on the card; no try is used up."""
    DIFFERENT = "different"
    """The new PIN was typed in two ways; no try is used up."""
    LOCKED = "locked"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimView:
    """What the SIM's menu knows at this moment."""

    device: Device
    state: InstrumentState
    waiting: tuple[StoredRequest, ...]
    last_ended: StoredRequest | None
    rest_left: int
    """Seconds until a new request may come; 0: now."""
    certificates: Sequence[StoredCredential]
    self_unlock: bool

    @property
    def changed(self) -> bool:
        """Whether the first PIN has been changed."""
        return bool(self.state.facts.get(_CHANGED))

    @property
    def attempts_left(self) -> int:
        """How many entries may still go wrong."""
        return self.state.attempts_left(MOST_WRONG)


class Sim:
    """Everything a holder does in the SIM's menu."""

    def __init__(self, office: Office, confirming: Confirming, cards: Instruments) -> None:
        self._office, self._confirming, self._cards = office, confirming, cards

    def look(self, space: Space, device: Device) -> SimView:
        """Return what the SIM shows; requests over their limit have EXPIRED."""
        view: PhoneView = self._confirming.look(space, device, instruments=(Instrument.S,))
        with self._office.database.read() as connection:
            state = instrument_store.state_of(connection, space.id, device.holder, Instrument.S)
            found = holder_store.credentials_of(connection, space.id, device.holder)
        return SimView(
            device=device,
            state=state,
            waiting=view.waiting,
            last_ended=view.last_ended,
            rest_left=gates.rest_left(view.last_ended, at=space.now(self._office.clock)),
            certificates=[one for one in found if not one.automatic],
            self_unlock=view.limits.self_unlock,
        )

    def has_signal(self, space: Space, holder_id: str) -> bool:
        """Tell whether the phone has signal now; the entry `mat_song` takes it away once."""
        with self._office.database.read() as connection:
            plan = instrument_store.faults_of(connection, space.id, holder_id)
        if not any(
            fault.code == "mat_song" and (fault.left or not fault.recovered) for fault in plan
        ):
            return True
        with self._office.turn(space) as turn:
            if faults.take(turn, holder_id, "mat_song") is not None:
                return False
            faults.recover(turn, holder_id, "mat_song")
        return True

    def change_pin(self, space: Space, holder_id: str, *, old: str, new: str, again: str) -> Change:
        """Change the PIN to the one on the card. Raises `pins.NotSixDigits`."""
        typed = [pins.read_pin(one) for one in (old, new, again)]
        with self._office.turn(space) as turn:
            state = instruments.state_in(turn, holder_id, Instrument.S)
            if state.locked:
                return Change.LOCKED
            card = self._cards.training_pin(space, holder_id, Instrument.S)
            if not _same(typed[1], typed[2]):
                return Change.DIFFERENT
            if not _same(typed[1], card):
                return Change.NOT_CARD
            if not _same(typed[0], card if state.facts.get(_CHANGED) else SIM_DEFAULT_PIN):
                after = instruments.count_wrong(turn, holder_id, state, most=MOST_WRONG)
                return Change.LOCKED if after.locked else Change.WRONG_OLD
            state = instruments.count_right(turn, holder_id, state)
            instruments.change(turn, holder_id, state, **{_CHANGED: True})
            turn.note(Event.PIN_CHANGED, holder=holder_id, instrument=Instrument.S.value)
        return Change.DONE

    def confirm(
        self, space: Space, device: Device, request_id: str, *, typed: str, serial: str
    ) -> Confirmation:
        """Sign a waiting request with the certificate *serial* when *typed* is the SIM's PIN.

        Raises `pins.NotSixDigits` (no try is used up) and `Declined`.
        """
        pin = pins.read_pin(typed)
        card = self._cards.training_pin(space, device.holder, Instrument.S)

        def check(turn: Turn, request: StoredRequest) -> Outcome | None:
            if request.instrument is not Instrument.S:
                raise Declined(Code.SIGNATURE_TRANSACTION_NOT_FOUND)
            state = instruments.state_in(turn, device.holder, Instrument.S)
            if state.locked:
                return Outcome.LOCKED
            if not state.facts.get(_CHANGED):
                return Outcome.NOT_READY
            if serial != request.serial:
                return Outcome.WRONG_CERTIFICATE
            if not _same(pin, card):
                state = instruments.count_wrong(
                    turn, device.holder, state, most=MOST_WRONG, request=request.id
                )
                return Outcome.LOCKED if state.locked else Outcome.WRONG_PIN
            instruments.count_right(turn, device.holder, state)
            return None

        return self._confirming.approve(space, device, request_id, check=check)


def _same(typed: str, expected: str) -> bool:
    return hmac.compare_digest(typed.encode(), expected.encode())
