"""Statements on what the server remembers for a visitor (session values)."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sandbox.web.store import SESSIONS, Database


def read_values(
    database: Database, *, space: str, visitor: str, keys: tuple[str, ...]
) -> dict[str, Any]:
    """Return the stored values of *keys*; what was never set is missing."""
    statement = select(SESSIONS.c.key, SESSIONS.c.value).where(
        SESSIONS.c.space == space, SESSIONS.c.visitor == visitor, SESSIONS.c.key.in_(keys)
    )
    with database.read() as connection:
        return {key: json.loads(value) for key, value in connection.execute(statement)}


def write_value(
    database: Database, *, space: str, visitor: str, key: str, value: object, at: float
) -> None:
    """Set one value, and mark everything of this visitor as in use at *at*."""
    make = sqlite.insert if database.dialect == "sqlite" else postgresql.insert
    stored = json.dumps(value, ensure_ascii=False)
    statement = make(SESSIONS).values(space=space, visitor=visitor, key=key, value=stored, at=at)
    statement = statement.on_conflict_do_update(
        index_elements=["space", "visitor", "key"], set_={"value": stored, "at": at}
    )
    alive = update(SESSIONS).where(SESSIONS.c.space == space, SESSIONS.c.visitor == visitor)
    with database.write() as connection:
        connection.execute(statement)
        connection.execute(alive.values(at=at))


def delete_value(database: Database, *, space: str, visitor: str, key: str) -> None:
    """Forget one value."""
    statement = delete(SESSIONS).where(
        SESSIONS.c.space == space, SESSIONS.c.visitor == visitor, SESSIONS.c.key == key
    )
    with database.write() as connection:
        connection.execute(statement)


def prune(database: Database, *, before: float) -> None:
    """Drop what nobody has touched since *before* (machine epoch)."""
    with database.write() as connection:
        connection.execute(delete(SESSIONS).where(SESSIONS.c.at < before))
