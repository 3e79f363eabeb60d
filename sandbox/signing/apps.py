"""The signing apps on the practice phone: which phone it is, whether the app is activated.

Ký Xa A and Ký Xa Cơ Quan come activated; Ký Xa B registers its phone once, by a code in a message
and a finger (spec/signing-practice.md §3.1, §3.2, §3.5). A phone that is too old or rooted does not
run any of them (§4 scenario 2); a new phone, or an app installed again, must be activated again
(scenario 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sandbox.errors import Misuse
from sandbox.signing import faults, holder_store, instrument_store, instruments, pins
from sandbox.signing.model import Event, Holder, StoredRequest
from sandbox.signing.office import Office, Turn
from sandbox.signing.otp import Otp, OtpOutcome
from sandbox.signing.outcomes import Outcome
from sandbox.signing.problems import Code, Declined
from sandbox.signing.wrong_pins import count_wrong_pin, forget_wrong_pins
from sandbox.web import Space
from sandbox.wire.signing import Instrument

APPS = (Instrument.A, Instrument.B, Instrument.GR)


class Profile(StrEnum):
    """What kind of phone it is."""

    NEW = "moi"
    OLD = "cu"
    """Android 5: the app cannot be installed."""
    ROOTED = "root"
    """"Thiết bị không đủ an toàn"."""
    NO_FINGER = "khong_van_tay"


class Activation(StrEnum):
    """How far an app is."""

    DONE = "xong"
    NONE = "chua"
    CODE = "ma"
    """The code from the message was right; PIN or finger is still to come."""


SCENARIOS: Mapping[str, Profile] = {
    "may_cu": Profile.OLD,
    "da_root": Profile.ROOTED,
    "khong_van_tay": Profile.NO_FINGER,
}
"""Fault plan entries that put another phone into the learner's hand."""
UNSET = ("doi_dien_thoai", "cai_lai", "E14a")
"""Fault plan entries after which the apps must be activated again."""
# What concerns the phone as a whole is remembered with its first app.
_PHONE = Instrument.A
_PROFILE, _ACTIVATION = "may", "kich_hoat"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppState:
    """How one signing app of a holder stands."""

    instrument: Instrument
    profile: Profile
    activation: Activation

    @property
    def finger(self) -> bool:
        """Whether this phone reads a finger."""
        return self.profile is not Profile.NO_FINGER

    @property
    def runs(self) -> bool:
        """Whether the app can be used on this phone at all; Ký Xa B needs a finger."""
        if self.profile in (Profile.OLD, Profile.ROOTED):
            return False
        return self.finger or self.instrument is not Instrument.B

    @property
    def active(self) -> bool:
        """Whether the app is activated."""
        return self.activation is Activation.DONE

    @property
    def ready(self) -> bool:
        """Whether a request can be confirmed in the app."""
        return self.runs and self.active


class Apps:
    """Activating the signing apps, and changing the phone."""

    def __init__(self, office: Office, otp: Otp) -> None:
        self._office, self._otp = office, otp

    def state(self, space: Space, holder_id: str, instrument: Instrument) -> AppState:
        """Return how an app stands, armed scenarios played."""
        with self._office.database.read() as connection:
            armed = {
                fault.code
                for fault in instrument_store.faults_of(connection, space.id, holder_id)
                if fault.left
            }
            if not armed & {*SCENARIOS, *UNSET}:
                phone = instrument_store.state_of(connection, space.id, holder_id, _PHONE)
                app = instrument_store.state_of(connection, space.id, holder_id, instrument)
                return _state(instrument, space.switches, phone.facts, app.facts)
        with self._office.turn(space) as turn:
            play(turn, holder_id)
            return state_in(turn, holder_id, instrument)

    def send_code(self, space: Space, holder_id: str, *, purpose: str) -> None:
        """Send the message with the activation code. Raises `Declined` SIGNER_NOT_EXIST."""
        self._otp.send(space, holder_id, purpose=purpose)

    def enter_code(
        self, space: Space, holder_id: str, instrument: Instrument, typed: str
    ) -> OtpOutcome:
        """Check the activation code; when it is right, PIN or finger comes next."""
        with self._office.turn(space) as turn:
            answer = self._otp.check_in(turn, holder_id, typed, kind="message")
            if answer.right:
                _set_activation(turn, holder_id, instrument, Activation.CODE)
        return answer

    def activate(
        self, space: Space, holder_id: str, instrument: Instrument, *, typed: str | None
    ) -> Outcome:
        """End the activation with the practice PIN, or with a finger (*typed* None).

        SIGNED stands for done, WRONG_PIN and LOCKED count as everywhere on this phone, NOT_READY:
        the code has not been typed yet, or the phone reads no finger. Raises `pins.NotSixDigits`.
        """
        pin = None if typed is None else pins.read_pin(typed)
        with self._office.turn(space) as turn:
            holder = _holder(turn, holder_id)
            state = state_in(turn, holder_id, instrument)
            if state.active:
                return Outcome.ENDED
            if state.activation is not Activation.CODE or not state.runs:
                return Outcome.NOT_READY
            if holder.locked:
                return Outcome.LOCKED
            if pin is not None and not pins.matches(
                pin, salt=holder.pin_salt, expected=holder.pin_hash
            ):
                return Outcome.WRONG_PIN if count_wrong_pin(turn, holder) else Outcome.LOCKED
            if pin is None and not state.finger:
                return Outcome.NOT_READY
            forget_wrong_pins(turn, holder)
            _set_activation(turn, holder_id, instrument, Activation.DONE)
            turn.note(Event.ACTIVATED, holder=holder_id, instrument=instrument.value)
            for code in UNSET:
                faults.recover(turn, holder_id, code)
        return Outcome.SIGNED

    def change_phone(self, space: Space, holder_id: str, profile: Profile) -> None:
        """Put another phone into the holder's hand: every app must be activated again."""
        with self._office.turn(space) as turn:
            _holder(turn, holder_id)
            _set_profile(turn, holder_id, profile)
            _deactivate(turn, holder_id, APPS)
            if profile is Profile.NEW:
                for code in SCENARIOS:
                    faults.recover(turn, holder_id, code)

    def reinstall(self, space: Space, holder_id: str, instrument: Instrument) -> None:
        """Install an app again: on Android it must be activated again (§3.1)."""
        with self._office.turn(space) as turn:
            _holder(turn, holder_id)
            _deactivate(turn, holder_id, (instrument,))


def play(turn: Turn, holder_id: str) -> None:
    """Carry out the armed scenarios that change the phone; each fires once for each arming."""
    for code, profile in SCENARIOS.items():
        if faults.take(turn, holder_id, code) is not None:
            _set_profile(turn, holder_id, profile)
    for code in UNSET:
        if faults.take(turn, holder_id, code) is not None:
            _deactivate(turn, holder_id, APPS)


def state_in(turn: Turn, holder_id: str, instrument: Instrument) -> AppState:
    """Return how an app stands, inside a turn."""
    phone = instruments.state_in(turn, holder_id, _PHONE)
    app = instruments.state_in(turn, holder_id, instrument)
    return _state(instrument, turn.switches, phone.facts, app.facts)


def finger(turn: Turn, request: StoredRequest) -> Outcome | None:
    """Say whether a finger confirms *request*; for `Confirming.approve`. Resets the counter."""
    if not request.instrument.in_app:
        raise Declined(Code.SIGNATURE_TRANSACTION_NOT_FOUND)
    holder = _holder(turn, request.signer)
    if holder.locked:
        return Outcome.NOT_READY
    state = state_in(turn, request.signer, request.instrument)
    if not state.ready or not state.finger:
        return Outcome.NOT_READY
    forget_wrong_pins(turn, holder)
    return None


def profile_of(switches: Mapping[str, Any]) -> Profile:
    """Return the phone everybody in a space is given. Raises `Misuse` for an unknown one."""
    said = switches.get("signing_phone", Profile.NEW)
    try:
        return Profile(said)
    except ValueError as fault:
        raise Misuse(f"signing_phone: {said!r}", remedy=", ".join(Profile)) from fault


def _state(
    instrument: Instrument,
    switches: Mapping[str, Any],
    phone: Mapping[str, Any],
    app: Mapping[str, Any],
) -> AppState:
    first = Activation.NONE if instrument is Instrument.B else Activation.DONE
    return AppState(
        instrument=instrument,
        profile=Profile(phone.get(_PROFILE, profile_of(switches))),
        activation=Activation(app.get(_ACTIVATION, first)),
    )


def _holder(turn: Turn, holder_id: str) -> Holder:
    holder = holder_store.holder_of(turn.connection, turn.space, holder_id)
    if holder is None:
        raise Declined(Code.SIGNER_NOT_EXIST, signer=holder_id)
    return holder


def _set_profile(turn: Turn, holder_id: str, profile: Profile) -> None:
    state = instruments.state_in(turn, holder_id, _PHONE)
    instruments.change(turn, holder_id, state, **{_PROFILE: profile.value})
    turn.note(Event.PHONE_CHANGED, holder=holder_id, phone=profile.value)


def _set_activation(turn: Turn, holder_id: str, instrument: Instrument, to: Activation) -> None:
    state = instruments.state_in(turn, holder_id, instrument)
    instruments.change(turn, holder_id, state, **{_ACTIVATION: to.value})


def _deactivate(turn: Turn, holder_id: str, which: tuple[Instrument, ...]) -> None:
    for instrument in which:
        _set_activation(turn, holder_id, instrument, Activation.NONE)
        turn.note(Event.DEACTIVATED, holder=holder_id, instrument=instrument.value)
