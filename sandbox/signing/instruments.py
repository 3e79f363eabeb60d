"""The instruments of a holder: their own lock, their own state, their own practice PIN.

Ký Xa A, B and GR share the phone's PIN and counter (`Holder`); SIM and tokens have their own here.
What an instrument remembers beyond that (plugged, activated, default PIN changed, …) is small
JSON in `InstrumentState.facts`; each instrument's module reads and writes its own.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from typing import Any

from sandbox.signing import holder_store, instrument_store
from sandbox.signing.model import Event, Holder, InstrumentState
from sandbox.signing.office import Office, Turn
from sandbox.signing.problems import Code, Declined
from sandbox.web import Space
from sandbox.wire.signing import Instrument

SIM_DEFAULT_PIN = "012345"
"""What a SIM leaves the shop with; must be changed first (signing-practice §3.3)."""
# Syllables whose last letter is a tone key of Vietnamese typing: "Lops" becomes "Lóp" (E7).
_SYLLABLES = ("Lops", "Tanx", "Hocf", "Mays", "Sanr", "Banj", "Cays", "Nuis")


class Instruments:
    """How a holder's instruments stand."""

    def __init__(self, office: Office, seed: str) -> None:
        self._office, self._seed = office, seed

    def state(self, space: Space, holder_id: str, instrument: Instrument) -> InstrumentState:
        """Return how one instrument of a holder stands. Raises `Declined` SIGNER_NOT_EXIST."""
        with self._office.database.read() as connection:
            holder = holder_store.holder_of(connection, space.id, holder_id)
            if holder is None:
                raise Declined(Code.SIGNER_NOT_EXIST, signer=holder_id)
            state = instrument_store.state_of(connection, space.id, holder_id, instrument)
        return of_phone(state, holder) if instrument.in_app else state

    def all(self, space: Space, holder_id: str) -> list[InstrumentState]:
        """Return how every instrument of a holder stands."""
        return [self.state(space, holder_id, instrument) for instrument in Instrument]

    def training_pin(self, space: Space, holder_id: str, instrument: Instrument) -> str:
        """Return the practice PIN printed on the holder's card for a SIM or a token.

        Derived, never stored in clear: SIM six digits; tokens, and the password of Ký Xa A by
        code, eight characters with a capital, small letters and digits, of a form that Vietnamese
        typing spoils. Not for instruments in the app, whose PIN the holder was given.
        """
        label = f"pin/{space.id}/{holder_id}/{instrument.value}".encode()
        drawn = int.from_bytes(hmac.new(self._seed.encode(), label, hashlib.sha256).digest()[:8])
        if instrument is not Instrument.A_OTP and not instrument.token:
            return f"{drawn % 1_000_000:06d}"
        syllable = _SYLLABLES[drawn % len(_SYLLABLES)]
        return f"{syllable}{drawn // 8 % 9000 + 1000}"

    def unlock(
        self, space: Space, holder_id: str, instrument: Instrument, *, by: str
    ) -> InstrumentState:
        """Unlock a SIM or a token: counter 0; how often it was locked stays."""
        with self._office.turn(space) as turn:
            state = instrument_store.state_of(turn.connection, space.id, holder_id, instrument)
            if state.locked:
                state = replace(state, wrong_pins=0, locked=False)
                instrument_store.keep(turn.connection, space.id, holder_id, state)
                turn.note(Event.UNLOCKED, holder=holder_id, by=by, instrument=instrument.value)
        return state


def of_phone(state: InstrumentState, holder: Holder) -> InstrumentState:
    """Return *state* with the phone's own counter, which all signing apps share."""
    return replace(
        state,
        wrong_pins=holder.wrong_pins,
        locked=holder.locked,
        times_locked=holder.times_locked,
    )


def state_in(turn: Turn, holder_id: str, instrument: Instrument) -> InstrumentState:
    """Return how an instrument stands, inside a turn."""
    return instrument_store.state_of(turn.connection, turn.space, holder_id, instrument)


def change(turn: Turn, holder_id: str, state: InstrumentState, **facts: Any) -> InstrumentState:
    """Write *facts* over what *state* remembers; a fact set to None is forgotten."""
    merged = {**state.facts, **facts}
    after = replace(state, facts={k: v for k, v in merged.items() if v is not None})
    instrument_store.keep(turn.connection, turn.space, holder_id, after)
    return after


def count_wrong(
    turn: Turn, holder_id: str, state: InstrumentState, *, most: int, request: str = ""
) -> InstrumentState:
    """Count a wrong PIN; the one that makes *most* locks. Only the count goes into the ledger."""
    wrong = state.wrong_pins + 1
    locks = wrong >= most
    after = replace(state, wrong_pins=wrong, locked=locks, times_locked=state.times_locked + locks)
    instrument_store.keep(turn.connection, turn.space, holder_id, after)
    turn.note(
        Event.WRONG_PIN,
        holder=holder_id,
        request=request,
        instrument=state.instrument.value,
        attempts_left=max(0, most - wrong),
    )
    if locks:
        turn.note(
            Event.LOCKED,
            holder=holder_id,
            request=request,
            instrument=state.instrument.value,
            times=after.times_locked,
        )
    return after


def count_right(turn: Turn, holder_id: str, state: InstrumentState) -> InstrumentState:
    """Set the counter back after a right PIN."""
    after = replace(state, wrong_pins=0)
    if state.wrong_pins:
        instrument_store.keep(turn.connection, turn.space, holder_id, after)
    return after
