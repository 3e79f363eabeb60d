"""The practice computer: tokens on the table, port, light, signing software, keyboard, drivers.

State machines of curriculum §4.4 and §4.5; what goes wrong on purpose comes from the holder's
fault plan. Entering the PIN and signing is `token_signing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sandbox.errors import Misuse
from sandbox.signing import (
    faults,
    holder_store,
    instrument_store,
    instruments,
    request_store,
    token_store,
)
from sandbox.signing.issuing import Issuing
from sandbox.signing.model import (
    ArmedFault,
    Device,
    Event,
    Holder,
    InstrumentState,
    Limits,
    StoredRequest,
)
from sandbox.signing.office import Office, Turn
from sandbox.signing.problems import Code, Declined
from sandbox.signing.token_store import Computer, TableToken
from sandbox.signing.token_table import OLD, OWN, SEAL, TokenTable, find
from sandbox.signing.transitions import end, expire
from sandbox.web import Space
from sandbox.wire.signing import Instrument, Status

WRONG_PINS = {Instrument.U: 5, Instrument.G: 3}
"""Wrong PINs in a row that lock a token (signing-practice §3.4), where the space sets nothing."""
FAULTS = (
    "E4",
    "E5",
    "E7",
    "E8",
    "E9",
    "token_ca_nhan",
    "mat_mot_so",
    "thieu_driver",
    "khoa_token",
    "rut_khi_ky",
)
"""What a plan may arm on a practice computer; rows of a batch fail by E1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputerView:
    """What a holder sees on the practice computer at this moment."""

    device: Device
    holder: Holder
    computer: Computer
    tokens: tuple[TableToken, ...]
    at: datetime
    state: InstrumentState
    """Lock and counter of the token in the port, else of the personal one."""
    attempts_left: int
    self_unlock: bool
    waiting: StoredRequest | None
    """The request a token has to confirm, if one waits."""

    @property
    def plugged(self) -> TableToken | None:
        """The token in the port."""
        return find(self.tokens, self.computer.plugged)

    @property
    def hand(self) -> TableToken | None:
        """The token the plain button plugs in."""
        return find(self.tokens, self.computer.hand)

    @property
    def lit(self) -> bool:
        """Whether the light of the token is on."""
        return self.plugged is not None and not self.computer.loose


class Tokens:
    """Everything a holder does at the practice computer short of signing."""

    def __init__(self, office: Office, issuing: Issuing) -> None:
        self._office, self._table = office, TokenTable(issuing)

    def fetched(self, space: Space, holder_id: str) -> TableToken:
        """Return the token in the port and the certificate read from it since it was plugged in.

        Which instrument the sender means makes no difference: a personal token that is in while
        the school's is wanted is found here, so that the sender can ask (E9).
        Raises `Declined` SIGNER_NOT_EXIST, CERTIFICATE_NOT_FETCHED (E6).
        """
        with self._office.database.read() as connection:
            if holder_store.holder_of(connection, space.id, holder_id) is None:
                raise Declined(Code.SIGNER_NOT_EXIST, signer=holder_id)
            token = token_store.fetched_of(connection, space.id, holder_id)
        if token is None:
            raise Declined(Code.CERTIFICATE_NOT_FETCHED)
        return token

    def facts(self, space: Space, holder_id: str, instrument: Instrument) -> dict[str, Any]:
        """Return what lessons may know of a token instrument and the computer around it."""
        with self._office.database.read() as connection:
            computer = token_store.computer_of(connection, space.id, holder_id)
            tokens = token_store.tokens_of(connection, space.id, holder_id)
        plugged = find(tokens, computer.plugged)
        return {
            **asdict(computer),
            "cam": plugged is not None and plugged.instrument is instrument,
            "dich_vu": computer.service,
            "bo_go": computer.typing,
        }

    def look(self, space: Space, device: Device) -> ComputerView:
        """Return what the holder sees; what the fault plan holds ready happens now.

        Software that was starting is on at the next look. Raises `Declined` SIGNER_NOT_EXIST.
        """
        at = space.now(self._office.clock)
        with self._office.database.read() as connection:
            holder = holder_store.holder_of(connection, space.id, device.holder)
            if holder is None:
                raise Declined(Code.SIGNER_NOT_EXIST, signer=device.holder)
            computer = token_store.computer_of(connection, space.id, holder.id)
            tokens = token_store.tokens_of(connection, space.id, holder.id)
            plan = instrument_store.faults_of(connection, space.id, holder.id)
            waiting = _waiting(request_store.waiting_of(connection, space.id, holder.id))
        stale = waiting is not None and waiting.expired_at(at)
        if not tokens or stale or computer.service == "dang_bat" or any(f.left for f in plan):
            with self._office.turn(space) as turn:
                tokens = self._table.laid(turn, space, holder.id)
                computer = arrive(turn, holder.id, tokens)
                waiting = _waiting([expire(turn, one) for one in [waiting] if one is not None])
        return self._view(space, device, holder, computer, tokens=tokens, at=at, waiting=waiting)

    def _view(
        self,
        space: Space,
        device: Device,
        holder: Holder,
        computer: Computer,
        *,
        tokens: Sequence[TableToken],
        at: datetime,
        waiting: StoredRequest | None,
    ) -> ComputerView:
        plugged = find(tokens, computer.plugged) or find(tokens, OWN)
        instrument = Instrument.U if plugged is None else plugged.instrument
        with self._office.database.read() as connection:
            state = instrument_store.state_of(connection, space.id, holder.id, instrument)
        return ComputerView(
            device=device,
            holder=holder,
            computer=computer,
            tokens=tuple(tokens),
            at=at,
            state=state,
            attempts_left=state.attempts_left(most_wrong(space, instrument)),
            self_unlock=Limits.of(space.switches).self_unlock,
            waiting=waiting,
        )

    def plug(self, space: Space, holder_id: str, name: str) -> bool:
        """Put a token of the table into the port; one already there comes out first.

        Returns False for a token that does not lie there. Plugging in again the one that is in
        does nothing.
        """
        with self._office.turn(space) as turn:
            tokens = self._table.laid(turn, space, holder_id)
            computer = token_store.computer_of(turn.connection, space.id, holder_id)
            if find(tokens, name) is None:
                return False
            if computer.plugged != name:
                if computer.plugged:
                    _end_waiting(turn, holder_id)
                loose = faults.take(turn, holder_id, "E5", step="cam") is not None
                _keep(turn, holder_id, _in_port(computer, name, loose=loose))
                turn.note(Event.PLUGGED, holder=holder_id, token=name, plugged=True)
            return True

    def replug(self, space: Space, holder_id: str) -> None:
        """Pull out the token in the port and plug it in again, firmly; the light goes on."""
        with self._office.turn(space) as turn:
            tokens = self._table.laid(turn, space, holder_id)
            computer = token_store.computer_of(turn.connection, space.id, holder_id)
            name = computer.plugged or computer.hand
            if find(tokens, name) is None or (computer.plugged and not computer.loose):
                return
            _keep(turn, holder_id, _in_port(computer, name))
            turn.note(Event.PLUGGED, holder=holder_id, token=name, plugged=True)

    def unplug(self, space: Space, holder_id: str) -> bool:
        """Pull the token out. Returns whether a request that waited for it failed with that."""
        with self._office.turn(space) as turn:
            computer = token_store.computer_of(turn.connection, space.id, holder_id)
            if not computer.plugged:
                return False
            return pull(turn, holder_id, computer)

    def open_software(self, space: Space, holder_id: str) -> None:
        """Start the signing software: starting now, on at the next look (§4.5)."""
        with self._office.turn(space) as turn:
            computer = token_store.computer_of(turn.connection, space.id, holder_id)
            if computer.service == "tat":
                _keep(turn, holder_id, replace(computer, service="dang_bat", stopped=""))
                turn.note(Event.COMPUTER, holder=holder_id, service="dang_bat")

    def install_driver(self, space: Space, holder_id: str) -> None:
        """Install the driver of the token in the port."""
        with self._office.turn(space) as turn:
            computer = token_store.computer_of(turn.connection, space.id, holder_id)
            if computer.missing:
                _keep(turn, holder_id, replace(computer, missing=[], stopped=""))
                turn.note(Event.COMPUTER, holder=holder_id, driver=True)

    def set_keyboard(
        self, space: Space, holder_id: str, *, typing: str | None = None, caps: bool | None = None
    ) -> None:
        """Switch Vietnamese typing (V, E) or the capitals lock."""
        with self._office.turn(space) as turn:
            computer = token_store.computer_of(turn.connection, space.id, holder_id)
            after = replace(
                computer,
                typing=computer.typing if typing is None else typing,
                caps=computer.caps if caps is None else caps,
            )
            if after != computer:
                _keep(turn, holder_id, after)
                turn.note(Event.COMPUTER, holder=holder_id, typing=after.typing, caps=after.caps)

    def read_token(self, space: Space, holder_id: str) -> str:
        """Let the software read the token; return where it stopped, "" when it was read.

        E4 (software off), E5 (no token seen), driver (none for this kind of token).
        """
        with self._office.turn(space) as turn:
            tokens = self._table.laid(turn, space, holder_id)
            computer = token_store.computer_of(turn.connection, space.id, holder_id)
            token = find(tokens, computer.plugged)
            computer = _spoil_reading(turn, holder_id, computer, token)
            stopped = _stops(computer, token)
            _keep(turn, holder_id, replace(computer, stopped=stopped))
            if not stopped:
                for code in ("E4", "E5", "thieu_driver"):
                    faults.recover(turn, holder_id, code)
        return stopped

    def choose(self, space: Space, holder_id: str, serial: str, *, judge: bool = True) -> str:
        """Keep the certificate *serial* of the token in the port as the one to sign with.

        Returns where that stopped: "" when it is kept, E5 when the token in the port does not
        hold it, and (*judge*) E8 when it is out of date.
        """
        with self._office.turn(space) as turn:
            tokens = self._table.laid(turn, space, holder_id)
            computer = token_store.computer_of(turn.connection, space.id, holder_id)
            token = find(tokens, computer.plugged)
            stopped = _stops(computer, token)
            if token is not None and not stopped:
                credential = token.credential
                if credential.serial != serial:
                    stopped = "E5"
                elif judge and not credential.not_before <= turn.at <= credential.not_after:
                    stopped = "E8"
            fetched = computer.fetched if stopped else serial
            _keep(turn, holder_id, replace(computer, stopped=stopped, fetched=fetched))
            if token is not None and not stopped and computer.fetched != serial:
                turn.note(
                    Event.FETCHED,
                    holder=holder_id,
                    token=token.name,
                    serial=serial,
                    subject=token.credential.subject_name,
                )
        return stopped

    def set_states(
        self, space: Space, holder_id: str, *, by: str, locked: Instrument | None = None, **to: Any
    ) -> Computer:
        """Put the computer into a state: for a trainer, a lesson, a switch page.

        *to* are fields of `Computer`. *locked* locks a kind of token without counting it as the
        holder's doing. Raises `Misuse` for a state there is not, `Declined` SIGNER_NOT_EXIST.
        """
        with self._office.turn(space) as turn:
            if holder_store.holder_of(turn.connection, space.id, holder_id) is None:
                raise Declined(Code.SIGNER_NOT_EXIST, signer=holder_id)
            tokens = self._table.laid(turn, space, holder_id)
            _check_states(to, tokens)
            before = token_store.computer_of(turn.connection, space.id, holder_id)
            after = replace(before, **to)
            if after.plugged != before.plugged:
                if before.plugged:
                    pull(turn, holder_id, before)
                after = replace(after, fetched="", stopped="")
                turn.note(
                    Event.PLUGGED,
                    holder=holder_id,
                    token=after.plugged or before.plugged,
                    plugged=bool(after.plugged),
                    by=by,
                )
            _keep(turn, holder_id, after)
            turn.note(Event.COMPUTER, holder=holder_id, by=by, **to)
            if locked is not None:
                lock(turn, holder_id, locked)
        return after


def most_wrong(space: Space, instrument: Instrument) -> int:
    """Return the wrong PINs in a row that lock an instrument: the space's setting, or its own."""
    limits = Limits.of(space.switches)
    if "signing_wrong_pins" in space.switches:
        return limits.wrong_pins
    return WRONG_PINS.get(instrument, limits.wrong_pins)


def pull(turn: Turn, holder_id: str, computer: Computer) -> bool:
    """Pull the token out inside a turn; return whether a waiting request failed with that."""
    _keep(turn, holder_id, replace(computer, plugged="", loose=False, fetched="", stopped=""))
    turn.note(Event.PLUGGED, holder=holder_id, token=computer.plugged, plugged=False)
    return _end_waiting(turn, holder_id)


def lock(turn: Turn, holder_id: str, instrument: Instrument) -> None:
    """Lock a kind of token as found, not as the holder's doing (curriculum K3)."""
    state = instruments.state_in(turn, holder_id, instrument)
    instrument_store.keep(turn.connection, turn.space, holder_id, replace(state, locked=True))
    turn.note(Event.LOCKED, holder=holder_id, instrument=instrument.value, times=state.times_locked)


def arrive(turn: Turn, holder_id: str, tokens: Sequence[TableToken]) -> Computer:
    """Let happen what waits for somebody to sit down; return what they see now.

    Software that is starting is seen starting once and is on afterwards.
    """
    before = token_store.computer_of(turn.connection, turn.space, holder_id)
    computer = before

    def fires(code: str, *steps: str) -> ArmedFault | None:
        for step in steps:
            if faults.armed(turn, holder_id, code, step=step):
                return faults.take(turn, holder_id, code, step=step)
        return None

    if computer.service == "bat" and fires("E4", "start", "kiem_tra"):
        computer = replace(computer, service="tat")
    if not computer.fetched and (wrong := fires("E8", "start")):
        name = wrong.subject if find(tokens, wrong.subject) else OLD
        keeper = find(tokens, SEAL) is not None
        computer = (
            _in_port(computer, name) if computer.plugged or keeper else replace(computer, hand=name)
        )
    if fires("E9", "start") or fires("token_ca_nhan", "start"):
        computer = _in_port(computer, OWN)
    if fires("thieu_driver", "start", "kiem_tra"):
        computer = replace(computer, missing=["U", "G"])
    if fires("khoa_token", "start"):
        for instrument in WRONG_PINS:
            lock(turn, holder_id, instrument)
    after = replace(computer, service="bat") if computer.service == "dang_bat" else computer
    if after != before:
        _keep(turn, holder_id, after)
    return computer


def _in_port(computer: Computer, name: str, *, loose: bool = False) -> Computer:
    return replace(computer, plugged=name, loose=loose, fetched="", stopped="")


def _keep(turn: Turn, holder_id: str, computer: Computer) -> None:
    token_store.keep_computer(turn.connection, turn.space, holder_id, computer)


def _waiting(requests: Sequence[StoredRequest]) -> StoredRequest | None:
    return next((r for r in requests if r.instrument.token and r.status.live), None)


def _end_waiting(turn: Turn, holder_id: str) -> bool:
    """Fail the request that waits for a token which is gone (curriculum §4.2, usb_hong)."""
    waiting = _waiting(request_store.waiting_of(turn.connection, turn.space, holder_id))
    if waiting is None:
        return False
    end(turn, waiting, status=Status.SIGN_FAILED, event=Event.CANCELLED, error=Code.SIGN_FAILED)
    return True


def _spoil_reading(
    turn: Turn, holder_id: str, computer: Computer, token: TableToken | None
) -> Computer:
    """Let happen what the plan holds ready for the moment of reading."""
    if faults.take(turn, holder_id, "E4", step="lay_chung_thu"):
        computer = replace(computer, service="tat")
    elif token is not None and faults.take(turn, holder_id, "E5", step="lay_chung_thu"):
        computer = replace(computer, loose=True, fetched="")
    elif token is not None and faults.take(turn, holder_id, "thieu_driver", step="lay_chung_thu"):
        computer = replace(computer, missing=[token.instrument.value], fetched="")
    return computer


def _stops(computer: Computer, token: TableToken | None) -> str:
    if computer.service == "tat":
        return "E4"
    if token is None or computer.loose:
        return "E5"
    return "driver" if token.instrument.value in computer.missing else ""


def _check_states(to: Mapping[str, Any], tokens: Sequence[TableToken]) -> None:
    names = {"", *(token.name for token in tokens)}
    allowed: dict[str, Any] = {
        "plugged": names,
        "hand": names,
        "loose": {True, False},
        "service": {"tat", "dang_bat", "bat"},
        "typing": {"E", "V"},
        "caps": {True, False},
    }
    for key, value in to.items():
        fits = set(value) <= {"U", "G"} if key == "missing" else value in allowed.get(key, ())
        if not fits:
            raise Misuse(f"{key}: {value!r}", remedy=", ".join((*allowed, "missing")))
