"""How a transaction moves (signing-practice §3.6); each step runs inside somebody's turn.

`CREATED → WAITING_CONFIRM → SIGNED | REJECTED | EXPIRED | AUTH_FAILED | SIGN_FAILED`. The first
instrument reaches the phone at once, so a request is born WAITING_CONFIRM.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sandbox.signing import request_store
from sandbox.signing.model import Event, StoredCredential, StoredItem, StoredRequest
from sandbox.signing.office import Turn
from sandbox.signing.problems import Code, Declined
from sandbox.signing.request_store import Place
from sandbox.wire.signing import Item, Status


def must_find(turn: Turn, request_id: str) -> StoredRequest:
    """Return a request. Raises `Declined` SIGNATURE_TRANSACTION_NOT_FOUND."""
    request = request_store.request_of(turn.connection, turn.space, request_id)
    if request is None:
        raise Declined(Code.SIGNATURE_TRANSACTION_NOT_FOUND)
    return request


def expire(turn: Turn, request: StoredRequest) -> StoredRequest:
    """Return *request*, EXPIRED from now on if it has outlived its limit."""
    if not request.expired_at(turn.at):
        return request
    return end(turn, request, status=Status.EXPIRED, event=Event.EXPIRED)


def end(
    turn: Turn,
    request: StoredRequest,
    *,
    status: Status,
    event: Event | None,
    error: Code | None = None,
) -> StoredRequest:
    """End a waiting request, its waiting items with it, and note *event* in the ledger."""
    request_store.end_request(
        turn.connection, turn.space, request, status=status, at=turn.at, error=error
    )
    ended = must_find(turn, request.id)
    turn.ended.append(ended.id)
    if event is not None:
        turn.note(
            event,
            holder=ended.signer,
            request=ended.id,
            count=len(ended.items),
            signed=ended.signed_count,
        )
    return ended


def usable(
    credential: StoredCredential | None, turn: Turn, *, signer: str | None = None
) -> StoredCredential:
    """Return *credential* if it may sign for *signer* at this moment of the space.

    Raises `Declined` CREDENTIAL_NOT_EXIST, CREDENTIAL_NOT_MATCH_IDENTITY,
    CREDENTIAL_STATUS_INVALID (not yet or no longer valid).
    """
    if credential is None:
        raise Declined(Code.CREDENTIAL_NOT_EXIST, pointer="/serial")
    if signer is not None and credential.holder != signer:
        raise Declined(Code.CREDENTIAL_NOT_MATCH_IDENTITY, pointer="/serial")
    if not credential.not_before <= turn.at <= credential.not_after:
        raise Declined(
            Code.CREDENTIAL_STATUS_INVALID,
            pointer="/serial",
            not_before=f"{credential.not_before:%d/%m/%Y}",
            not_after=f"{credential.not_after:%d/%m/%Y}",
        )
    return credential


def place_of(item: Item | StoredItem) -> Place:
    """Return what may be signed once only."""
    return (item.record_uuid, item.slot, item.digest)


def settle(
    item: StoredItem, *, serial: str, there: Mapping[Place, tuple[str, bytes]]
) -> StoredItem:
    """Return *item* as SIGNED or SIGN_FAILED if its place bears a signature already."""
    found = there.get(place_of(item))
    if found is None:
        return item
    if found[0] == serial:
        return replace(item, status=Status.SIGNED, signature=found[1])
    return replace(item, status=Status.SIGN_FAILED, error=Code.SLOT_SIGNED_BY_ANOTHER.value)


def overall(items: Iterable[StoredItem]) -> Status:
    """Return the status of a request with *items*: a failed item never blocks the rest."""
    statuses = {item.status for item in items}
    for status in (Status.WAITING_CONFIRM, Status.SIGNED):
        if status in statuses:
            return status
    return Status.SIGN_FAILED
