"""Signing with a token: the PIN typed on the computer, the counter in the token, all or nothing.

What was typed is compared and forgotten: never stored, logged, echoed. Only *match* or *no match*
and the number of characters are known afterwards (errors-teachers-meet E7, "Never").
"""

from __future__ import annotations

import hmac
import unicodedata
from dataclasses import dataclass, replace
from enum import Enum, auto

from sandbox.errors import SandboxError
from sandbox.signing import faults, instrument_store, instruments, token_store
from sandbox.signing.confirming import Confirming, Outcome
from sandbox.signing.instruments import Instruments
from sandbox.signing.model import Device, Event, StoredRequest
from sandbox.signing.office import Office, Turn
from sandbox.signing.problems import Code, Declined
from sandbox.signing.token_store import TableToken
from sandbox.signing.token_table import OWN, SEAL, find
from sandbox.signing.tokens import most_wrong, pull
from sandbox.web import Space
from sandbox.wire.signing import Instrument

DIALOG = {Instrument.U: (6, 8), Instrument.G: (4, 16)}
"""Characters the PIN dialog of each kind takes (signing-practice §3.4)."""
_TONES = {"s": "\u0301", "f": "\u0300", "r": "\u0309", "x": "\u0303", "j": "\u0323"}
_VOWELS = "aeiouy"


class Result(Enum):
    """What came of a PIN typed for a token."""

    SIGNED = auto()
    FAILED = auto()
    """The PIN was right, yet nothing was signed: one row failed and all failed with it."""
    WRONG_PIN = auto()
    LOCKED = auto()
    """Locked by this entry; the request ended with it."""
    LOCKED_BEFORE = auto()
    """Nothing was compared; the request keeps waiting."""
    ENDED = auto()
    AWAY = auto()
    """No token in the port that holds the certificate asked for; nothing was compared."""
    PULLED = auto()
    """The token came out while it signed: the request failed, nothing is signed."""


_RESULTS = {
    Outcome.SIGNED: Result.SIGNED,
    Outcome.FAILED: Result.FAILED,
    Outcome.ENDED: Result.ENDED,
}


class WrongLength(SandboxError):
    """The dialog takes from `least` to `most` characters; `received` came. No try is used up."""

    def __init__(self, received: int, *, least: int, most: int) -> None:
        self.received, self.least, self.most = received, least, most
        super().__init__(f"{received} characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAnswer:
    """The answer to a PIN typed for a token."""

    result: Result
    request: StoredRequest


class TokenSigning:
    """Entering the PIN at the practice computer, and refusing there."""

    def __init__(self, office: Office, confirming: Confirming, instruments_: Instruments) -> None:
        self._office, self._confirming, self._instruments = office, confirming, instruments_

    def open(self, space: Space, device: Device, request_id: str) -> StoredRequest:
        """Return the request the PIN dialog is about; a keyboard fault held ready happens now.

        Raises `Declined` SIGNATURE_TRANSACTION_NOT_FOUND for somebody else's, or no token's.
        """
        request = self._confirming.open(space, device, request_id)
        if not request.instrument.token:
            raise Declined(Code.SIGNATURE_TRANSACTION_NOT_FOUND)
        if request.status.live and self._planned(space, device.holder, "left"):
            with self._office.turn(space) as turn:
                _spoil_keyboard(turn, device.holder)
        return request

    def refuse(self, space: Space, device: Device, request_id: str) -> StoredRequest:
        """Leave the PIN dialog by [Huỷ]: the request is REJECTED, nothing is signed."""
        self.open(space, device, request_id)
        return self._confirming.refuse(space, device, request_id)

    def confirm(self, space: Space, device: Device, request_id: str, *, typed: str) -> TokenAnswer:
        """Sign all records of a request, or none, when *typed* is the PIN of the token.

        With Vietnamese typing or the capitals lock on, what arrives is never the PIN. The nth
        wrong entry locks the token and ends the request. Raises `WrongLength` and `Declined`.
        """
        self.open(space, device, request_id)
        pin = unicodedata.normalize("NFC", typed.strip())
        told: list[Result] = []
        faulty: list[WrongLength] = []

        def check(turn: Turn, request: StoredRequest) -> Outcome | None:
            try:
                result = self._judge(turn, space, request, pin)
            except WrongLength as fault:  # what the plan counted on the way is kept
                faulty.append(fault)
                return Outcome.WRONG_PIN
            if result is None:
                return None
            told.append(result)
            return Outcome.LOCKED if result is Result.LOCKED else Outcome.WRONG_PIN

        answer = self._confirming.approve(space, device, request_id, check=check, whole=True)
        if faulty:
            raise faulty[0]
        result = told[0] if told else _RESULTS[answer.outcome]
        if result is Result.SIGNED and self._planned(space, device.holder, "met"):
            with self._office.turn(space) as turn:
                _recover_certificates(turn, device.holder, answer.request)
        return TokenAnswer(result=result, request=answer.request)

    def _judge(self, turn: Turn, space: Space, request: StoredRequest, pin: str) -> Result | None:
        """Return what stands against signing; None when *pin* opens the token."""
        holder_id = request.signer
        token = self._token(turn, holder_id, request)
        if token is None:
            return Result.AWAY
        state = instruments.state_in(turn, holder_id, token.instrument)
        if state.locked:
            return Result.LOCKED_BEFORE
        least, most = DIALOG[token.instrument]
        lost = faults.take(turn, holder_id, "mat_mot_so", step="pin") is not None
        if lost or not least <= len(pin) <= most:
            raise WrongLength(max(0, len(pin) - lost), least=least, most=most)
        if not self._matches(turn, space, holder_id, token, pin):
            limit = most_wrong(space, token.instrument)
            after = instruments.count_wrong(turn, holder_id, state, most=limit, request=request.id)
            return Result.LOCKED if after.locked else Result.WRONG_PIN
        instruments.count_right(turn, holder_id, state)
        for code in ("E7", "mat_mot_so"):
            faults.recover(turn, holder_id, code)
        if faults.take(turn, holder_id, "rut_khi_ky", step="pin"):
            pull(turn, holder_id, _computer(turn, holder_id))
            return Result.PULLED
        return None

    def spoiled(self, space: Space, holder_id: str, token: TableToken) -> str:
        """Return what the machine would get of the PIN on the card, typed as the keyboard stands.

        Computed from the card's PIN alone, never from anything typed. "" when the keyboard is
        as it should be.
        """
        with self._office.database.read() as connection:
            computer = token_store.computer_of(connection, space.id, holder_id)
        pin = self._instruments.training_pin(space, holder_id, token.instrument)
        if computer.typing == "V":
            return telex(pin.swapcase() if computer.caps else pin)
        return pin.swapcase() if computer.caps else ""

    def card(self, space: Space, holder_id: str, instrument: Instrument) -> str:
        """Return the practice PIN printed on the holder's card."""
        return self._instruments.training_pin(space, holder_id, instrument)

    def unlock(self, space: Space, holder_id: str, instrument: Instrument, *, by: str) -> None:
        """Unlock a kind of token: for a trainer, or by practice alone."""
        self._instruments.unlock(space, holder_id, instrument, by=by)

    def _planned(self, space: Space, holder_id: str, what: str) -> bool:
        """Tell whether an entry of the holder's plan still fires (left), or was met."""
        with self._office.database.read() as connection:
            plan = instrument_store.faults_of(connection, space.id, holder_id)
        return any(getattr(fault, what) for fault in plan)

    def _token(self, turn: Turn, holder_id: str, request: StoredRequest) -> TableToken | None:
        """Return the token in the port, if it can be used and holds what *request* asks for."""
        computer = _computer(turn, holder_id)
        tokens = token_store.tokens_of(turn.connection, turn.space, holder_id)
        token = find(tokens, computer.plugged)
        if token is None or computer.loose or computer.service == "tat":
            return None
        return token if token.credential.serial == request.serial else None

    def _matches(
        self, turn: Turn, space: Space, holder_id: str, token: TableToken, pin: str
    ) -> bool:
        computer = _computer(turn, holder_id)
        expected = self._instruments.training_pin(space, holder_id, token.instrument)
        same = hmac.compare_digest(pin.encode(), expected.encode())
        return same and computer.typing == "E" and not computer.caps


def telex(pin: str) -> str:
    """Return what Vietnamese typing makes of *pin*: its tone key marks the first vowel and goes."""
    letters = pin.rstrip("0123456789")
    tone = _TONES.get(letters[-1:].lower())
    place = next((i for i, sign in enumerate(letters) if sign.lower() in _VOWELS), None)
    if tone is None or place is None:
        return pin
    marked = letters[: place + 1] + tone + letters[place + 1 : -1]
    return unicodedata.normalize("NFC", marked) + pin[len(letters) :]


def _computer(turn: Turn, holder_id: str) -> token_store.Computer:
    return token_store.computer_of(turn.connection, turn.space, holder_id)


def _spoil_keyboard(turn: Turn, holder_id: str) -> None:
    """Switch Vietnamese typing (or the capitals lock) on, where the plan holds that ready (E7)."""
    fault = faults.take(turn, holder_id, "E7", step="pin")
    if fault is None:
        return
    caps = fault.subject == "chu_hoa"
    before = _computer(turn, holder_id)
    after = replace(before, caps=True) if caps else replace(before, typing="V")
    token_store.keep_computer(turn.connection, turn.space, holder_id, after)
    turn.note(Event.COMPUTER, holder=holder_id, typing=after.typing, caps=after.caps)


def _recover_certificates(turn: Turn, holder_id: str, request: StoredRequest) -> None:
    """Mark as mended what was wrong with the certificate, now that the right one signed."""
    tokens = token_store.tokens_of(turn.connection, turn.space, holder_id)
    token = next((one for one in tokens if one.credential.serial == request.serial), None)
    if token is None:
        return
    if token.name in (OWN, SEAL):
        faults.recover(turn, holder_id, "E6")
        faults.recover(turn, holder_id, "E8")
    if token.name == SEAL:
        faults.recover(turn, holder_id, "E9")
        faults.recover(turn, holder_id, "token_ca_nhan")
