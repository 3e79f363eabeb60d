"""Taking in requests for signatures, telling what became of them, withdrawing them."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import replace

from sandbox.signing import gates, holder_store, request_store, token_store
from sandbox.signing.model import Event, StoredItem, StoredRequest
from sandbox.signing.office import Office, Turn
from sandbox.signing.problems import Code, Declined
from sandbox.signing.transitions import (
    end,
    expire,
    must_find,
    overall,
    place_of,
    settle,
    usable,
)
from sandbox.web import Space, local_path
from sandbox.wire.signing import MAX_HASHES, AutomaticRequest, Item, NewTransaction, Status


class Asking:
    """The sender's side of a transaction (signing-practice §3.6)."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def ask(self, space: Space, new: NewTransaction) -> StoredRequest:
        """Return the transaction of *new*: a fresh one, or the one this key already made.

        An item whose (record, slot, digest) is signed already comes back with that signature and
        is not signed again; one signed by another certificate fails alone. When nothing is left
        to confirm the transaction is SIGNED (or SIGN_FAILED) at once.

        Raises `Declined`: TOO_MANY_HASHES, SAME_ITEM_TWICE, RETURN_PATH_OUTSIDE,
        SIGNER_NOT_EXIST, CREDENTIAL_…, IDEMPOTENCY_KEY_REUSED, REQUEST_ALREADY_WAITING (E3),
        CERTIFICATE_NOT_FETCHED (E6; for tokens, also when another certificate was fetched), and
        what the instrument itself refuses (`gates.admit`).
        """
        _check_items(new.items)
        if new.return_path is not None and not local_path(new.return_path, otherwise=""):
            raise Declined(Code.RETURN_PATH_OUTSIDE, pointer="/return_path")
        fingerprint = _fingerprint(new)
        with self._office.turn(space) as turn:
            if holder_store.holder_of(turn.connection, space.id, new.signer_id) is None:
                raise Declined(Code.SIGNER_NOT_EXIST, pointer="/signer_id", signer=new.signer_id)
            known = request_store.request_by_key(
                turn.connection, space.id, new.signer_id, new.idempotency
            )
            if known is not None:
                if known.fingerprint != fingerprint:
                    raise Declined(Code.IDEMPOTENCY_KEY_REUSED, pointer="/idempotency")
                return expire(turn, known)
            if new.instrument.token:
                _must_be_fetched(turn, new)
            credential = holder_store.credential_of(turn.connection, space.id, new.serial)
            # A token signs with whatever certificate lies in it, right or wrong (E9, K4).
            owner = None if new.instrument.token else new.signer_id
            usable(credential, turn, signer=owner)
            _refuse_second(turn, new)
            declined = gates.admit(turn, new)
            if declined is None:
                return _take(turn, new, fingerprint=fingerprint)
        raise declined

    def state(self, space: Space, request_id: str) -> StoredRequest:
        """Return a request; one that has outlived its limit is EXPIRED from now on.

        Raises `Declined` SIGNATURE_TRANSACTION_NOT_FOUND.
        """
        with self._office.database.read() as connection:
            request = request_store.request_of(connection, space.id, request_id)
        if request is None:
            raise Declined(Code.SIGNATURE_TRANSACTION_NOT_FOUND)
        if not request.expired_at(space.now(self._office.clock)):
            return request
        with self._office.turn(space) as turn:
            return expire(turn, must_find(turn, request_id))

    def cancel(self, space: Space, request_id: str) -> StoredRequest:
        """Withdraw a waiting request (SIGN_FAILED); one that has ended stays as it ended.

        Raises `Declined` SIGNATURE_TRANSACTION_NOT_FOUND.
        """
        with self._office.turn(space) as turn:
            request = expire(turn, must_find(turn, request_id))
            if not request.status.live:
                return request
            return end(
                turn,
                request,
                status=Status.SIGN_FAILED,
                event=Event.CANCELLED,
                error=Code.CANCELLED,
            )

    def sign_automatically(self, space: Space, asked: AutomaticRequest) -> tuple[StoredItem, ...]:
        """Sign with a unit's credential flagged automatic; no person confirms (**I**).

        Raises `Declined`: TOO_MANY_HASHES, SAME_ITEM_TWICE, CREDENTIAL_NOT_EXIST,
        CREDENTIAL_STATUS_INVALID, CREDENTIAL_NEEDS_PERSON.
        """
        _check_items(asked.items)
        with self._office.turn(space) as turn:
            found = holder_store.credential_of(turn.connection, space.id, asked.serial)
            credential = usable(found, turn)
            if not credential.automatic:
                raise Declined(Code.CREDENTIAL_NEEDS_PERSON, pointer="/serial")
            key = self._office.keys.key(credential.key_label, credential.algorithm)
            known = _settled(turn, asked.items, serial=asked.serial)
            items = tuple(
                replace(
                    item,
                    status=Status.SIGNED,
                    signature=key.sign_digest(bytes.fromhex(item.digest)),
                )
                if item.status.live
                else item
                for item in known
            )
            fresh = [
                (place_of(item), asked.serial, item.signature)
                for before, item in zip(known, items, strict=True)
                if before.status.live and item.signature is not None
            ]
            request_store.add_signatures(turn.connection, turn.space, fresh)
            turn.note(
                Event.AUTOMATIC,
                holder=credential.holder,
                serial=credential.serial,
                count=len(fresh),
                purpose=asked.purpose,
            )
        return items


def _check_items(items: Sequence[Item]) -> None:
    if len(items) > MAX_HASHES:
        raise Declined(Code.TOO_MANY_HASHES, pointer="/items", count=len(items), limit=MAX_HASHES)
    keys: set[str] = set()
    places = set()
    for position, item in enumerate(items):
        if item.key in keys or place_of(item) in places:
            raise Declined(Code.SAME_ITEM_TWICE, pointer=f"/items/{position}")
        keys.add(item.key)
        places.add(place_of(item))


def _fingerprint(new: NewTransaction) -> str:
    """Return a hash over what makes two requests the same: certificate, stranger or not, items."""
    told = [
        new.serial,
        new.stranger,
        [[item.key, item.record_uuid, item.slot, item.digest] for item in new.items],
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _must_be_fetched(turn: Turn, new: NewTransaction) -> None:
    """Raise E6 unless the token in the port was read and holds the certificate asked for."""
    token = token_store.fetched_of(turn.connection, turn.space, new.signer_id)
    if token is None or token.credential.serial != new.serial:
        raise Declined(Code.CERTIFICATE_NOT_FETCHED, pointer="/serial")


def _refuse_second(turn: Turn, new: NewTransaction) -> None:
    """Raise E3 while the signer's own former request still waits."""
    if new.stranger:
        return
    waiting = request_store.live_request(turn.connection, turn.space, new.signer_id)
    if waiting is None:
        return
    if expire(turn, must_find(turn, waiting)).status.live:
        raise Declined(Code.REQUEST_ALREADY_WAITING, pointer="/signer_id", transaction=waiting)


def _settled(turn: Turn, items: Sequence[Item], *, serial: str) -> tuple[StoredItem, ...]:
    """Return *items* as waiting, or as what a signature already standing makes of them."""
    there = request_store.signatures_at(
        turn.connection, turn.space, {place_of(item) for item in items}
    )
    waiting = (
        StoredItem(position=position, status=Status.WAITING_CONFIRM, **item.model_dump())
        for position, item in enumerate(items)
    )
    return tuple(settle(item, serial=serial, there=there) for item in waiting)


def _take(turn: Turn, new: NewTransaction, *, fingerprint: str) -> StoredRequest:
    items = _settled(turn, new.items, serial=new.serial)
    status = overall(items)
    limit = turn.limits.lifetime
    request = StoredRequest(
        id=str(uuid.uuid4()),
        idempotency=new.idempotency,
        fingerprint=fingerprint,
        signer=new.signer_id,
        serial=new.serial,
        purpose=new.purpose,
        portal=new.portal,
        return_path=new.return_path,
        stranger=new.stranger,
        instrument=new.instrument,
        status=status,
        created=turn.at,
        expires=None if limit is None else turn.at + limit,
        ended=None if status.live else turn.at,
        items=items,
    )
    request_store.add_request(turn.connection, turn.space, request)
    if status.live and not new.stranger:
        request_store.hold_live(turn.connection, turn.space, new.signer_id, request.id)
    turn.note(
        Event.REQUESTED,
        holder=request.signer,
        request=request.id,
        count=len(items),
        already_signed=request.signed_count,
        serial=request.serial,
        portal=request.portal,
        stranger=request.stranger,
        instrument=request.instrument.value,
    )
    return request
