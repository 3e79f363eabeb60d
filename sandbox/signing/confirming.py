"""The signer's side: what the practice phone shows, confirming with the PIN, refusing."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from sandbox.signing import (
    apps,
    faults,
    holder_store,
    instrument_store,
    pins,
    request_store,
)
from sandbox.signing.model import (
    Device,
    Event,
    Holder,
    Limits,
    StoredCredential,
    StoredItem,
    StoredRequest,
)
from sandbox.signing.office import Office, Turn
from sandbox.signing.outcomes import Confirmation, Outcome
from sandbox.signing.problems import Code, Declined
from sandbox.signing.transitions import end, expire, must_find, overall, place_of, settle, usable
from sandbox.signing.wrong_pins import count_wrong_pin, forget_wrong_pins
from sandbox.web import Space
from sandbox.wire.signing import Instrument, Status

__all__ = ["Confirmation", "Confirming", "Outcome", "PhoneView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneView:
    """What one holder's phone knows at this moment."""

    device: Device
    holder: Holder
    attempts_left: int
    limits: Limits
    waiting: tuple[StoredRequest, ...]
    last_ended: StoredRequest | None


class Confirming:
    """Everything a holder does on the phone, by the token of a device that shows it."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def look(
        self,
        space: Space,
        device: Device,
        *,
        instruments: Collection[Instrument] = tuple(Instrument),
    ) -> PhoneView:
        """Return what the phone shows of *instruments*; requests over their limit have EXPIRED."""
        limits = Limits.of(space.switches)
        at = space.now(self._office.clock)
        with self._office.database.read() as connection:
            holder = holder_store.holder_of(connection, space.id, device.holder)
            waiting = request_store.waiting_of(connection, space.id, device.holder)
            last = request_store.latest_ended(
                connection, space.id, device.holder, instruments=instruments
            )
        if holder is None:
            raise Declined(Code.SIGNER_NOT_EXIST, signer=device.holder)
        if any(request.expired_at(at) for request in waiting):
            with self._office.turn(space) as turn:
                for request in request_store.waiting_of(turn.connection, space.id, holder.id):
                    expire(turn, request)
            return self.look(space, device, instruments=instruments)
        return PhoneView(
            device=device,
            holder=holder,
            attempts_left=holder.attempts_left(limits),
            limits=limits,
            waiting=tuple(one for one in waiting if one.instrument in instruments),
            last_ended=last,
        )

    def open(self, space: Space, device: Device, request_id: str) -> StoredRequest:
        """Return one of this holder's requests, expired or not.

        Raises `Declined` SIGNATURE_TRANSACTION_NOT_FOUND for a request that is somebody else's.
        """
        with self._office.database.read() as connection:
            request = request_store.request_of(connection, space.id, request_id)
        if request is None or request.signer != device.holder:
            raise Declined(Code.SIGNATURE_TRANSACTION_NOT_FOUND)
        if request.expired_at(space.now(self._office.clock)):
            with self._office.turn(space) as turn:
                request = expire(turn, must_find(turn, request_id))
        return request

    def credential(self, space: Space, request: StoredRequest) -> StoredCredential | None:
        """Return the certificate a request asks for."""
        with self._office.database.read() as connection:
            return holder_store.credential_of(connection, space.id, request.serial)

    def refuse(self, space: Space, device: Device, request_id: str) -> StoredRequest:
        """Refuse a waiting request; one that has ended stays as it ended."""
        with self._office.turn(space) as turn:
            request = expire(turn, _own(turn, device, request_id))
            if not request.status.live:
                return request
            return end(turn, request, status=Status.REJECTED, event=Event.REFUSED)

    def confirm(self, space: Space, device: Device, request_id: str, *, typed: str) -> Confirmation:
        """Sign all waiting items of a request when *typed* is the PIN.

        A wrong PIN moves the counter, not the request; the one that locks the phone ends the
        request as AUTH_FAILED. Raises `pins.NotSixDigits` (no try is used up) and `Declined`, also
        for a request that no app confirms.
        """
        pin = pins.read_pin(typed)
        if self._loses_a_digit(space, device.holder):
            raise pins.NotSixDigits(pins.PIN_DIGITS - 1)
        # The slow parts, scrypt and the signatures, run before the turn: many signers who
        # confirm at once then wait for each other only while rows are written.
        with self._office.database.read() as connection:
            holder = holder_store.holder_of(connection, space.id, device.holder)
            request = request_store.request_of(connection, space.id, request_id)
            if holder is None or request is None or request.signer != device.holder:
                raise Declined(Code.SIGNATURE_TRANSACTION_NOT_FOUND)
            if not request.instrument.in_app:
                raise Declined(Code.SIGNATURE_TRANSACTION_NOT_FOUND)
            credential = holder_store.credential_of(connection, space.id, request.serial)
        right = pins.matches(pin, salt=holder.pin_salt, expected=holder.pin_hash)
        made = self._sign(request, credential) if right else {}
        with self._office.turn(space) as turn:
            return _decide(turn, device, request_id, right=right, made=made, credential=credential)

    def _loses_a_digit(self, space: Space, holder_id: str) -> bool:
        """Play `mat_mot_so` once: the screen did not catch one digit (curriculum Bài 4)."""
        with self._office.database.read() as connection:
            plan = instrument_store.faults_of(connection, space.id, holder_id)
        if not any(fault.code == "mat_mot_so" and fault.left for fault in plan):
            return False
        with self._office.turn(space) as turn:
            return faults.take(turn, holder_id, "mat_mot_so", step="pin") is not None

    def approve(
        self,
        space: Space,
        device: Device,
        request_id: str,
        *,
        check: Callable[[Turn, StoredRequest], Outcome | None],
        whole: bool = False,
    ) -> Confirmation:
        """Sign all waiting items of a request when *check* lets it: for instruments beside the app.

        *check* runs inside the turn, on the request as it stands then; it counts wrong PINs
        itself and returns None to go on, WRONG_PIN to leave the request waiting, or LOCKED, which
        ends it as AUTH_FAILED. *whole*: one item that cannot be signed fails them all (tokens).
        Raises `Declined`.
        """
        with self._office.database.read() as connection:
            request = request_store.request_of(connection, space.id, request_id)
            if request is None or request.signer != device.holder:
                raise Declined(Code.SIGNATURE_TRANSACTION_NOT_FOUND)
            credential = holder_store.credential_of(connection, space.id, request.serial)
        made = self._sign(request, credential)
        with self._office.turn(space) as turn:
            request = expire(turn, _own(turn, device, request_id))
            if not request.status.live:
                return Confirmation(outcome=Outcome.ENDED, request=request, attempts_left=0)
            stopped = check(turn, request)
            if stopped is Outcome.LOCKED:
                request = end(turn, request, status=Status.AUTH_FAILED, event=None)
            if stopped is not None:
                return Confirmation(outcome=stopped, request=request, attempts_left=0)
            request = _write(turn, request, made=made, credential=credential, whole=whole)
            outcome = Outcome.SIGNED if request.status is Status.SIGNED else Outcome.FAILED
            return Confirmation(outcome=outcome, request=request, attempts_left=0)

    def _sign(
        self, request: StoredRequest, credential: StoredCredential | None
    ) -> dict[int, bytes]:
        if credential is None:
            return {}
        key = self._office.keys.key(credential.key_label, credential.algorithm)
        return {
            item.position: key.sign_digest(bytes.fromhex(item.digest))
            for item in request.items
            if item.status.live
        }


def _own(turn: Turn, device: Device, request_id: str) -> StoredRequest:
    request = must_find(turn, request_id)
    if request.signer != device.holder:
        raise Declined(Code.SIGNATURE_TRANSACTION_NOT_FOUND)
    return request


def _decide(
    turn: Turn,
    device: Device,
    request_id: str,
    *,
    right: bool,
    made: dict[int, bytes],
    credential: StoredCredential | None,
) -> Confirmation:
    """Carry out what a right or wrong PIN means now; the state may have moved since it was read."""
    request = expire(turn, _own(turn, device, request_id))
    holder = holder_store.holder_of(turn.connection, turn.space, device.holder)
    if holder is None:
        raise Declined(Code.SIGNER_NOT_EXIST, signer=device.holder)
    left = holder.attempts_left(turn.limits)
    if not request.status.live:
        return Confirmation(outcome=Outcome.ENDED, request=request, attempts_left=left)
    if holder.locked:
        return Confirmation(outcome=Outcome.LOCKED, request=request, attempts_left=0)
    if not apps.state_in(turn, holder.id, request.instrument).ready:
        return Confirmation(outcome=Outcome.NOT_READY, request=request, attempts_left=left)
    if not right:
        return _count_wrong(turn, holder, request)
    forget_wrong_pins(turn, holder)
    for code in ("E7", "mat_mot_so"):
        faults.recover(turn, holder.id, code)
    request = _write(turn, request, made=made, credential=credential)
    outcome = Outcome.SIGNED if request.status is Status.SIGNED else Outcome.FAILED
    return Confirmation(outcome=outcome, request=request, attempts_left=turn.limits.wrong_pins)


def _count_wrong(turn: Turn, holder: Holder, request: StoredRequest) -> Confirmation:
    left = count_wrong_pin(turn, holder, request=request.id)
    if left:
        return Confirmation(outcome=Outcome.WRONG_PIN, request=request, attempts_left=left)
    request = end(turn, request, status=Status.AUTH_FAILED, event=None)
    return Confirmation(outcome=Outcome.LOCKED, request=request, attempts_left=0)


def _write(
    turn: Turn,
    request: StoredRequest,
    *,
    made: dict[int, bytes],
    credential: StoredCredential | None,
    whole: bool = False,
) -> StoredRequest:
    """Store the signatures; an item that fails never blocks the rest, unless *whole*."""
    # A token signs with whatever key lies in it; an app only for the one it belongs to.
    signer = None if request.instrument.token else request.signer
    try:
        usable(credential, turn, signer=signer)
    except Declined as fault:
        return end(turn, request, status=Status.SIGN_FAILED, event=Event.APPROVED, error=fault.code)
    waiting = [item for item in request.items if item.status.live]
    failing = _failing(turn, request, waiting)
    if whole and failing:
        return end(
            turn,
            request,
            status=Status.SIGN_FAILED,
            event=Event.APPROVED,
            error=Code.SIGN_FAILED,
        )
    made = {position: value for position, value in made.items() if position not in failing}
    there = request_store.signatures_at(
        turn.connection, turn.space, {place_of(item) for item in waiting}
    )
    after = [_settle_or_sign(item, request.serial, there=there, made=made) for item in waiting]
    request_store.add_signatures(
        turn.connection,
        turn.space,
        [
            (place_of(item), request.serial, item.signature)
            for item in after
            if item.signature is not None and place_of(item) not in there
        ],
    )
    for item in after:
        request_store.set_item(
            turn.connection,
            turn.space,
            request.id,
            item.position,
            status=item.status,
            signature=item.signature,
            error=item.error,
        )
    kept = [item for item in request.items if not item.status.live]
    return end(turn, request, status=overall([*kept, *after]), event=Event.APPROVED)


def _settle_or_sign(
    item: StoredItem,
    serial: str,
    *,
    there: dict[tuple[str, str, str], tuple[str, bytes]],
    made: dict[int, bytes],
) -> StoredItem:
    settled = settle(item, serial=serial, there=there)
    if not settled.status.live:
        return settled
    if item.position not in made:
        return replace(item, status=Status.SIGN_FAILED, error=Code.SIGN_FAILED.value)
    return replace(item, status=Status.SIGNED, signature=made[item.position])


def _failing(turn: Turn, request: StoredRequest, waiting: list[StoredItem]) -> set[int]:
    """Return the positions that fail this time because the fault plan says so (E1 in a batch).

    `subject` is how many rows fail; they are the last ones, so that the same plan and the same
    request give the same rows.
    """
    fault = faults.take(turn, request.signer, "E1", step="xac_nhan") if len(waiting) > 1 else None
    if fault is None:
        return set()
    rows = int(fault.subject) if fault.subject.isdecimal() else 2
    return {item.position for item in waiting[-min(rows, len(waiting)) :]}
