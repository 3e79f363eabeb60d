"""The ledger: append-only, each line's hash covers the line before it.

There is no statement here that changes or deletes a line; only deleting a whole practice space
removes its ledger. Whoever edits the database by hand breaks the chain, and the ledger says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from sandbox.signing.model import Event, LedgerLine
from sandbox.signing.store import CHAIN, LEDGER

GENESIS = "0" * 64
_TOLD = ("at", "machine_at", "event", "holder", "request", "detail")


def take_turn(connection: Connection, space: str) -> None:
    """Wait until no other writer of *space* is under way; first statement of every write.

    SQLite writers queue anyway. On PostgreSQL the row lock makes the signing service's writers
    of one space queue the same way, so that reading and then writing is safe, on both. The
    first writer of a space begins its ledger.
    """
    head = select(CHAIN.c.number).where(CHAIN.c.space == space).with_for_update()
    if connection.execute(head).first() is not None:
        return
    with suppress(IntegrityError), connection.begin_nested():  # somebody else may have been first
        connection.execute(insert(CHAIN).values(space=space, number=0, hash=GENESIS))
    connection.execute(head)


def append(
    connection: Connection,
    space: str,
    event: Event,
    *,
    at: datetime,
    machine_at: datetime,
    holder: str,
    request: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write one line; *detail* is small JSON and never holds anything typed into a PIN field."""
    head = connection.execute(
        select(CHAIN.c.number, CHAIN.c.hash).where(CHAIN.c.space == space)
    ).one()
    line = {
        "number": head.number + 1,
        "at": at.isoformat(),
        "machine_at": machine_at.isoformat(),
        "event": event.value,
        "holder": holder,
        "request": request,
        "detail": _canonical(detail or {}),
        "previous": head.hash,
    }
    line["hash"] = _hash(line)
    connection.execute(insert(LEDGER).values(space=space, **line))
    connection.execute(
        update(CHAIN).where(CHAIN.c.space == space).values(number=line["number"], hash=line["hash"])
    )


def lines(
    connection: Connection,
    space: str,
    *,
    holder: str | None = None,
    holders: Collection[str] = (),
    event: str | None = None,
    day: str | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[LedgerLine]:
    """Return lines, newest first.

    Of one holder or of several, of one event, of one *day* (`2025-05-28`), below number *before*,
    at most *limit*; what is not said does not matter.
    """
    query = select(LEDGER).where(LEDGER.c.space == space).order_by(LEDGER.c.number.desc())
    if holder is not None:
        query = query.where(LEDGER.c.holder == holder)
    if holders:
        query = query.where(LEDGER.c.holder.in_(list(holders)))
    if event is not None:
        query = query.where(LEDGER.c.event == event)
    if day is not None:
        query = query.where(LEDGER.c.at.startswith(day, autoescape=True))
    if before is not None:
        query = query.where(LEDGER.c.number < before)
    if limit is not None:
        query = query.limit(limit)
    return [_line(row) for row in connection.execute(query)]


def intact(connection: Connection, space: str) -> bool:
    """Compute every hash of the ledger of *space* again and tell whether all agree."""
    head = connection.execute(
        select(CHAIN.c.number, CHAIN.c.hash).where(CHAIN.c.space == space)
    ).first()
    number, previous = 0, GENESIS
    query = select(LEDGER).where(LEDGER.c.space == space).order_by(LEDGER.c.number)
    for row in connection.execute(query).mappings():
        told = {key: row[key] for key in _TOLD}
        expected = _hash({"number": number + 1, **told, "previous": previous})
        if (row["number"], row["previous"], row["hash"]) != (number + 1, previous, expected):
            return False
        number, previous = row["number"], row["hash"]
    return head is None or (head.number, head.hash) == (number, previous)


def _line(row: Row[Any]) -> LedgerLine:
    return LedgerLine(
        number=row.number,
        at=row.at,
        machine_at=row.machine_at,
        event=row.event,
        holder=row.holder,
        request=row.request,
        detail=json.loads(row.detail),
        previous=row.previous,
        hash=row.hash,
    )


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _hash(line: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(line).encode()).hexdigest()
