"""The steps that brought the desks' tables from version 1 to that of today, in order.

A step never changes once it is out: append the next one. See `sandbox.web.migrations_store`.
"""

from __future__ import annotations

from sqlalchemy import Connection

from sandbox.ministry.migrations_frames import one_frame_for_a_package


def _indexes_of_the_backlog(connection: Connection) -> None:
    """Version 2: what was settled lately, and how much waits, are read from indexes alone.

    Both are asked each second while packages come in; without the indexes each answer read all
    packages of the desk, contents included.
    """
    connection.exec_driver_sql(
        "CREATE INDEX ministry_package_settled ON ministry_package (finished_epoch, space, desk)"
    )
    connection.exec_driver_sql(
        "CREATE INDEX ministry_package_weight ON ministry_package (state, size)"
        " WHERE state IN ('cho', 'dang_kiem')"
    )


_SECOND_VERIFIER = (
    "CREATE TABLE ministry_crosscheck (space VARCHAR(64) NOT NULL, desk VARCHAR(64) NOT NULL,"
    " messageid VARCHAR(36) NOT NULL, number INTEGER NOT NULL, uuid TEXT, codes TEXT NOT NULL,"
    " digest VARCHAR(64) NOT NULL, why VARCHAR(16) NOT NULL, noted_epoch FLOAT NOT NULL,"
    " claim_until FLOAT NOT NULL,"
    " PRIMARY KEY (space, desk, messageid, number))",
    "CREATE INDEX ministry_crosscheck_in_order ON ministry_crosscheck (noted_epoch)",
    "CREATE TABLE ministry_crosscheck_signer (space VARCHAR(64) NOT NULL,"
    " desk VARCHAR(64) NOT NULL, fingerprint VARCHAR(64) NOT NULL,"
    " PRIMARY KEY (space, desk, fingerprint))",
    "CREATE TABLE ministry_crosscheck_tally (space VARCHAR(64) NOT NULL,"
    " desk VARCHAR(64) NOT NULL, outcome VARCHAR(40) NOT NULL, count BIGINT NOT NULL,"
    " PRIMARY KEY (space, desk, outcome))",
    "CREATE TABLE ministry_incident (space VARCHAR(64) NOT NULL, desk VARCHAR(64) NOT NULL,"
    " number BIGINT NOT NULL, uuid TEXT NOT NULL, messageid VARCHAR(36) NOT NULL,"
    " place INTEGER NOT NULL, first_said TEXT NOT NULL, second_said VARCHAR(40) NOT NULL,"
    " slot VARCHAR(16) NOT NULL, detail TEXT NOT NULL, at VARCHAR(40) NOT NULL,"
    " state VARCHAR(16) NOT NULL, note TEXT, explained_at VARCHAR(40),"
    " PRIMARY KEY (space, desk, number))",
    "CREATE UNIQUE INDEX ministry_incident_of_record"
    " ON ministry_incident (space, desk, messageid, place)",
)


def _tables_of_the_second_verifier(connection: Connection) -> None:
    """Version 3: what a second verifier looks at, and what it found."""
    for statement in _SECOND_VERIFIER:
        connection.exec_driver_sql(statement)


COMPRESSED = (
    ("ministry_package", "lines"),
    ("ministry_body", "content"),
    ("ministry_frame", "document"),
    ("ministry_audit", "lines"),
)
"""Table and column of what is compressed before it is stored."""


def store_as_it_is(connection: Connection, table: str, column: str) -> None:
    """Tell PostgreSQL not to try to compress what is compressed already."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL"
        )


def _compressed_once(connection: Connection) -> None:
    """Version 5: what comes compressed is stored as it is; what lies there stays as it lies."""
    for table, column in COMPRESSED:
        store_as_it_is(connection, table, column)


STEPS = (
    _indexes_of_the_backlog,
    _tables_of_the_second_verifier,
    one_frame_for_a_package,
    _compressed_once,
)
"""`STEPS[0]` leads to version 2; each step one transaction on SQLite and on PostgreSQL."""
