"""Statements about requests, their items and the signatures made."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, delete, func, insert, select, tuple_, update

from sandbox.signing.model import StoredItem, StoredRequest
from sandbox.signing.store import ITEM, LIVE, REQUEST, SIGNATURE, values_of
from sandbox.wire.signing import Instrument, Status

_LIVE = (Status.CREATED, Status.WAITING_CONFIRM)
Place = tuple[str, str, str]
"""(record, slot, digest): what can be signed once only."""


def add_request(connection: Connection, space: str, request: StoredRequest) -> None:
    """Insert a request with its items."""
    values = asdict(request)
    items = values.pop("items")
    for moment in ("created", "expires", "ended"):
        values[moment] = None if values[moment] is None else values[moment].isoformat()
    connection.execute(insert(REQUEST).values(space=space, **values))
    connection.execute(
        insert(ITEM), [{"space": space, "request": request.id, **item} for item in items]
    )


def request_of(connection: Connection, space: str, request_id: str) -> StoredRequest | None:
    """Return a request with its items, or None."""
    query = select(REQUEST).where(REQUEST.c.space == space, REQUEST.c.id == request_id)
    row = connection.execute(query).first()
    return None if row is None else _request(connection, row)


def request_by_key(
    connection: Connection, space: str, signer: str, idempotency: str
) -> StoredRequest | None:
    """Return the request a sender already made with this idempotency key, or None."""
    query = select(REQUEST).where(
        REQUEST.c.space == space,
        REQUEST.c.signer == signer,
        REQUEST.c.idempotency == idempotency,
    )
    row = connection.execute(query).first()
    return None if row is None else _request(connection, row)


def waiting_of(connection: Connection, space: str, signer: str) -> list[StoredRequest]:
    """Return a signer's waiting requests, oldest first (a stranger's may wait beside their own)."""
    query = (
        select(REQUEST)
        .where(
            REQUEST.c.space == space,
            REQUEST.c.signer == signer,
            REQUEST.c.status.in_(_LIVE),
        )
        .order_by(REQUEST.c.created, REQUEST.c.id)
    )
    return [_request(connection, row) for row in connection.execute(query).all()]


def latest_ended(
    connection: Connection,
    space: str,
    signer: str,
    *,
    instruments: Collection[Instrument] = tuple(Instrument),
) -> StoredRequest | None:
    """Return the signer's request for one of *instruments* that ended last, or None."""
    query = (
        select(REQUEST)
        .where(
            REQUEST.c.space == space,
            REQUEST.c.signer == signer,
            REQUEST.c.status.not_in(_LIVE),
            REQUEST.c.instrument.in_([one.value for one in instruments]),
        )
        .order_by(REQUEST.c.ended.desc(), REQUEST.c.id)
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else _request(connection, row)


def live_request(connection: Connection, space: str, signer: str) -> str | None:
    """Return the id of the signer's own waiting request, or None."""
    query = select(LIVE.c.request).where(LIVE.c.space == space, LIVE.c.signer == signer)
    return connection.execute(query).scalar()


def hold_live(connection: Connection, space: str, signer: str, request_id: str) -> None:
    """Mark *request_id* as the signer's one waiting request."""
    connection.execute(insert(LIVE).values(space=space, signer=signer, request=request_id))


def end_request(
    connection: Connection,
    space: str,
    request: StoredRequest,
    *,
    status: Status,
    at: datetime,
    error: str | None = None,
) -> None:
    """End a waiting request; items that still waited end the same way, with *error*."""
    connection.execute(
        update(REQUEST)
        .where(REQUEST.c.space == space, REQUEST.c.id == request.id)
        .values(status=status, ended=at.isoformat())
    )
    connection.execute(
        update(ITEM)
        .where(ITEM.c.space == space, ITEM.c.request == request.id, ITEM.c.status.in_(_LIVE))
        .values(status=status, error=error)
    )
    connection.execute(delete(LIVE).where(LIVE.c.space == space, LIVE.c.request == request.id))


def set_item(
    connection: Connection,
    space: str,
    request_id: str,
    position: int,
    *,
    status: Status,
    signature: bytes | None = None,
    error: str | None = None,
) -> None:
    """Write what became of one item."""
    connection.execute(
        update(ITEM)
        .where(ITEM.c.space == space, ITEM.c.request == request_id, ITEM.c.position == position)
        .values(status=status, signature=signature, error=error)
    )


def signatures_at(
    connection: Connection, space: str, places: Collection[Place]
) -> dict[Place, tuple[str, bytes]]:
    """Return the signatures (serial, bytes) that already stand at *places*."""
    query = select(SIGNATURE).where(
        SIGNATURE.c.space == space,
        tuple_(SIGNATURE.c.record_uuid, SIGNATURE.c.slot, SIGNATURE.c.digest).in_(list(places)),
    )
    return {
        (row.record_uuid, row.slot, row.digest): (row.serial, row.signature)
        for row in connection.execute(query)
    }


def add_signatures(
    connection: Connection, space: str, rows: Iterable[tuple[Place, str, bytes]]
) -> None:
    """Insert signatures: (place, serial, bytes)."""
    values = [
        {
            "space": space,
            "record_uuid": place[0],
            "slot": place[1],
            "digest": place[2],
            "serial": serial,
            "signature": signature,
        }
        for place, serial, signature in rows
    ]
    if values:
        connection.execute(insert(SIGNATURE), values)


def count_signed(
    connection: Connection, space: str, signer: str, *, instruments: Collection[Instrument]
) -> int:
    """Return how many signatures a signer has made with *instruments*."""
    query = (
        select(func.count())
        .select_from(ITEM)
        .join(REQUEST, (REQUEST.c.space == ITEM.c.space) & (REQUEST.c.id == ITEM.c.request))
        .where(
            REQUEST.c.space == space,
            REQUEST.c.signer == signer,
            REQUEST.c.instrument.in_([one.value for one in instruments]),
            ITEM.c.status == Status.SIGNED,
        )
    )
    return int(connection.execute(query).scalar_one())


def count_signatures(connection: Connection, space: str) -> int:
    """Return how many signatures *space* holds."""
    query = select(func.count()).select_from(SIGNATURE).where(SIGNATURE.c.space == space)
    return int(connection.execute(query).scalar_one())


def _request(connection: Connection, row: Row[Any]) -> StoredRequest:
    query = (
        select(ITEM)
        .where(ITEM.c.space == row.space, ITEM.c.request == row.id)
        .order_by(ITEM.c.position)
    )
    items = tuple(_item(found) for found in connection.execute(query).mappings())
    return StoredRequest(
        id=row.id,
        idempotency=row.idempotency,
        fingerprint=row.fingerprint,
        signer=row.signer,
        serial=row.serial,
        purpose=row.purpose,
        portal=row.portal,
        return_path=row.return_path,
        stranger=bool(row.stranger),
        instrument=Instrument(row.instrument),
        status=Status(row.status),
        created=datetime.fromisoformat(row.created),
        expires=None if row.expires is None else datetime.fromisoformat(row.expires),
        ended=None if row.ended is None else datetime.fromisoformat(row.ended),
        items=items,
    )


def _item(row: RowMapping) -> StoredItem:
    values = values_of(StoredItem, row)
    values["status"] = Status(row["status"])
    return StoredItem(**values)
