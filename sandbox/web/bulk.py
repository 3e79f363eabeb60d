"""Many rows at once: COPY on PostgreSQL, one prepared statement on SQLite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import psycopg
from psycopg.types.json import Json
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    insert,
)
from sqlalchemy.exc import DBAPIError

_TYPES = (
    (BigInteger, "int8"),
    (Integer, "int4"),
    (Float, "float8"),
    (LargeBinary, "bytea"),
    (JSON, "json"),
    (String, "text"),  # and Text, which is one of its kind
)
"""The binary form of COPY converts nothing: every column's own type must be said."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert *rows*, all with the columns of the first; one that is refused refuses all.

    Raises:
        IntegrityError: a row breaks a key of the table.
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
    else:
        connection.execute(insert(table), list(rows))


def _copy(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    names = tuple(rows[0])
    command, types = _command(table, names)
    documents = [place for place, name in enumerate(names) if isinstance(table.c[name].type, JSON)]
    if not connection.in_transaction():
        connection.begin()  # what bypasses the library would otherwise not be committed by it
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(command) as copy:
            copy.set_types(types)
            for row in rows:
                values = [row[name] for name in names]
                for place in documents:
                    values[place] = Json(values[place])
                copy.write_row(values)
    except psycopg.Error as error:
        raise DBAPIError.instance(
            command, None, error, psycopg.Error, dialect=connection.dialect
        ) from error


@cache
def _command(table: Table, names: tuple[str, ...]) -> tuple[str, list[str]]:
    columns = ", ".join(f'"{name}"' for name in names)
    return (
        f'COPY "{table.name}" ({columns}) FROM STDIN (FORMAT BINARY)',
        [_type(table.c[name]) for name in names],
    )


def _type(column: Column[Any]) -> str:
    return next(name for kind, name in _TYPES if isinstance(column.type, kind))
