"""What happened to certificates, per space: rows are only ever added, and go with their space."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, Integer, MetaData, String, Table, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from sandbox.web.migrations_store import history
from sandbox.web.store import Database

RESPONDERS = MetaData(info=history("responders"))

EVENT = Table(
    "responders_event",
    RESPONDERS,
    Column("space", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("issuer", String(32), nullable=False),
    Column("serial", String(40), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at", String(32), nullable=False),
)

_ATTEMPTS = 5


class EventRow(NamedTuple):
    """One event; `at` is a moment of the space clock, in UTC."""

    number: int
    issuer: str
    serial: str
    kind: str
    at: datetime


def add(
    database: Database, *, space: str, issuer: str, serial: str, kind: str, at: datetime
) -> EventRow:
    """Write down one event under the next number of its space."""
    for _ in range(_ATTEMPTS):
        try:
            return _add(database, space, issuer, serial, kind, at)
        except IntegrityError:  # PostgreSQL: another writer took the number first
            continue
    return _add(database, space, issuer, serial, kind, at)


def events(database: Database, *, space: str, issuer: str | None = None) -> list[EventRow]:
    """Return the events of *space*, of one issuer or all, in the order they were written."""
    table = EVENT.c
    statement = select(table.number, table.issuer, table.serial, table.kind, table.at)
    statement = statement.where(table.space == space).order_by(table.number)
    if issuer is not None:
        statement = statement.where(table.issuer == issuer)
    with database.read() as connection:
        rows = connection.execute(statement).all()
    return [_row(row) for row in rows]


def forget(database: Database, *, space: str) -> None:
    """Delete the events of *space*."""
    with database.write() as connection:
        connection.execute(delete(EVENT).where(EVENT.c.space == space))


def _add(
    database: Database, space: str, issuer: str, serial: str, kind: str, at: datetime
) -> EventRow:
    moment = at.astimezone(UTC).replace(microsecond=0)
    with database.write() as connection:
        last = select(func.max(EVENT.c.number)).where(EVENT.c.space == space)
        number = (connection.execute(last).scalar() or 0) + 1
        connection.execute(
            insert(EVENT).values(
                space=space,
                number=number,
                issuer=issuer,
                serial=serial,
                kind=kind,
                at=moment.isoformat(),
            )
        )
    return EventRow(number, issuer, serial, kind, moment)


def _row(row: Any) -> EventRow:
    number, issuer, serial, kind, at = row
    return EventRow(number, issuer, serial, kind, datetime.fromisoformat(at))
