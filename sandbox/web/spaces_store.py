"""Statements on the table of practice spaces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from sandbox.web.store import FORMS, SESSIONS, SPACES, TAPS, Database

Row = dict[str, Any]


def find(database: Database, *, space: str) -> Row | None:
    """Return the row of *space*, or None."""
    return next(_rows(database, SPACES.c.space == space), None)


def find_by_code(database: Database, *, code: str) -> Row | None:
    """Return the row of the space that people enter by *code*, or None."""
    return next(_rows(database, SPACES.c.code == code), None)


def every(database: Database) -> list[Row]:
    """Return all rows, by id."""
    return list(_rows(database))


def add(database: Database, row: Row) -> bool:
    """Insert *row*; False when its id or its code is taken."""
    values = {**row, "switches": json.dumps(row["switches"], ensure_ascii=False)}
    try:
        with database.write() as connection:
            connection.execute(insert(SPACES).values(**values))
    except IntegrityError:
        return False
    return True


def change(database: Database, *, space: str, values: Row) -> bool:
    """Set columns of *space*; False when there is no such space."""
    if "switches" in values:
        values = {**values, "switches": json.dumps(values["switches"], ensure_ascii=False)}
    with database.write() as connection:
        done = connection.execute(update(SPACES).where(SPACES.c.space == space).values(**values))
        return bool(done.rowcount)


def remove(database: Database, *, space: str) -> None:
    """Delete *space* with everything the skin remembers of its visitors."""
    with database.write() as connection:
        for table in (TAPS, FORMS, SESSIONS, SPACES):
            connection.execute(delete(table).where(table.c.space == space))


def forget_visitors(database: Database, *, space: str) -> None:
    """Delete what the skin remembers of the visitors of *space*."""
    with database.write() as connection:
        for table in (TAPS, FORMS, SESSIONS):
            connection.execute(delete(table).where(table.c.space == space))


def _rows(database: Database, *conditions: Any) -> Iterator[Row]:
    statement = select(SPACES).where(*conditions).order_by(SPACES.c.space)
    with database.read() as connection:
        found = connection.execute(statement).mappings().all()
    for row in found:
        yield {**row, "switches": json.loads(row["switches"])}
