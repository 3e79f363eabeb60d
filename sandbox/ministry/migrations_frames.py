"""Version 4 of the desks' tables: one frame for a package, answers and audit lines together.

Records lay compressed one by one, and every answer, audit line and pupil had a row. Everything
is carried over: each record's bytes, each answer, and each audit line with the hash it had.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, text

from sandbox.documents import envelope
from sandbox.ministry.packing import compress, expand

_TABLES = (
    "CREATE TABLE ministry_body (space VARCHAR(64) NOT NULL, desk VARCHAR(64) NOT NULL,"
    " messageid VARCHAR(36) NOT NULL, content {bytes} NOT NULL,"
    " PRIMARY KEY (space, desk, messageid))",
    "CREATE TABLE ministry_frame (space VARCHAR(64) NOT NULL, desk VARCHAR(64) NOT NULL,"
    " messageid VARCHAR(36) NOT NULL, document {bytes} NOT NULL,"
    " PRIMARY KEY (space, desk, messageid))",
    "ALTER TABLE ministry_audit RENAME TO ministry_audit_lines",
    "CREATE TABLE ministry_audit (space VARCHAR(64) NOT NULL, desk VARCHAR(64) NOT NULL,"
    " number BIGINT NOT NULL, count INTEGER NOT NULL, lines {bytes} NOT NULL,"
    " hash VARCHAR(64) NOT NULL, PRIMARY KEY (space, desk, number))",
    "ALTER TABLE ministry_counter ADD COLUMN hash VARCHAR(64)",
    "ALTER TABLE ministry_account ADD COLUMN open INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE ministry_account ADD COLUMN rank BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE ministry_package ADD COLUMN rank BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE ministry_package ADD COLUMN lines {bytes}",
    "ALTER TABLE ministry_record ADD COLUMN sex VARCHAR(8) NOT NULL DEFAULT ''",
    "ALTER TABLE ministry_record ADD COLUMN start INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE ministry_record ADD COLUMN length INTEGER NOT NULL DEFAULT 0",
)
_MOVED = (
    "INSERT INTO ministry_body SELECT space, desk, messageid, content FROM ministry_package",
    "UPDATE ministry_account SET open = (SELECT COUNT(*) FROM ministry_package p"
    " WHERE p.space = ministry_account.space AND p.desk = ministry_account.desk"
    " AND p.user_name = ministry_account.user_name AND p.state IN ('cho', 'dang_kiem'))",
    "UPDATE ministry_record SET sex = COALESCE((SELECT sex FROM ministry_pupil p"
    " WHERE p.space = ministry_record.space AND p.desk = ministry_record.desk"
    " AND p.pupil_id = ministry_record.pupil_id), '')",
    "DELETE FROM ministry_pupil WHERE EXISTS (SELECT 1 FROM ministry_record r"
    " WHERE r.space = ministry_pupil.space AND r.desk = ministry_pupil.desk"
    " AND r.pupil_id = ministry_pupil.pupil_id AND r.state IN ("
    "'CIRCULATING', 'REPORTED', 'RECALL_PENDING', 'LOCKED', 'CORRECTION_PENDING'))",
)
_DROPPED = (
    "DROP TABLE ministry_audit_lines",
    "DROP TABLE ministry_result",
    "DROP INDEX ministry_package_queue",
    "DROP INDEX ministry_package_open_of_account",
    "ALTER TABLE ministry_package DROP COLUMN content",
    "ALTER TABLE ministry_record DROP COLUMN xml",
    "ALTER TABLE ministry_record DROP COLUMN sha256",
    "CREATE INDEX ministry_package_queue ON ministry_package (rank, received_epoch, messageid)"
    " WHERE state IN ('cho', 'dang_kiem')",
)
_AUDIT_FIELDS = (
    "actor", "action", "outcome", "space_time", "machine_time", "record_uuid", "old_state",
    "new_state", "digest", "address",
)  # fmt: skip
_TOGETHER = 500
"""Audit lines carried over in one row."""


def one_frame_for_a_package(connection: Connection) -> None:
    """Version 4, one transaction."""
    octets = "BLOB" if connection.dialect.name == "sqlite" else "BYTEA"
    for statement in _TABLES:
        connection.exec_driver_sql(statement.format(bytes=octets))
    for statement in _MOVED:
        connection.exec_driver_sql(statement)
    packages = connection.execute(
        text("SELECT space, desk, messageid FROM ministry_package WHERE finished_epoch IS NOT NULL")
    ).all()
    for package in packages:
        _gather_answers(connection, package)
        _gather_records(connection, package)
    for desk in connection.execute(text("SELECT DISTINCT space, desk FROM ministry_audit_lines")):
        _gather_audit(connection, desk)
    for statement in _DROPPED:
        connection.exec_driver_sql(statement)


def _gather_answers(connection: Connection, package: Row[Any]) -> None:
    key = {"space": package.space, "desk": package.desk, "messageid": package.messageid}
    rows = connection.execute(
        text(
            "SELECT number, uuid, pupil_code, pupil_name, pupil_id, accepted, findings"
            " FROM ministry_result"
            " WHERE space = :space AND desk = :desk AND messageid = :messageid ORDER BY number"
        ),
        key,
    )
    answers = [[*row[:6], _json(row.findings)] for row in rows]
    packed = compress(json.dumps(answers, ensure_ascii=False, separators=(",", ":")).encode())
    connection.execute(
        text(
            "UPDATE ministry_package SET lines = :lines"
            " WHERE space = :space AND desk = :desk AND messageid = :messageid"
        ),
        {**key, "lines": packed},
    )


def _json(value: Any) -> Any:
    """Return a JSON column's value: SQLite gives it as text."""
    return json.loads(value) if isinstance(value, str) else value


def _gather_records(connection: Connection, package: Row[Any]) -> None:
    key = {"space": package.space, "desk": package.desk, "messageid": package.messageid}
    rows = connection.execute(
        text(
            "SELECT uuid, xml FROM ministry_record"
            " WHERE space = :space AND desk = :desk AND messageid = :messageid ORDER BY number"
        ),
        key,
    ).all()
    if not rows:
        return
    content = connection.execute(
        text(
            "SELECT content FROM ministry_body"
            " WHERE space = :space AND desk = :desk AND messageid = :messageid"
        ),
        key,
    ).scalar_one()
    document = envelope.unpack(bytes(content).decode()).xml
    connection.execute(
        text("INSERT INTO ministry_frame VALUES (:space, :desk, :messageid, :document)"),
        {**key, "document": compress(document)},
    )
    for row in rows:
        original = expand(bytes(row.xml))
        start = document.index(original)
        connection.execute(
            text(
                "UPDATE ministry_record SET start = :start, length = :length"
                " WHERE space = :space AND desk = :desk AND uuid = :uuid"
            ),
            {**key, "uuid": row.uuid, "start": start, "length": len(original)},
        )


def _gather_audit(connection: Connection, desk: Row[Any]) -> None:
    key = {"space": desk.space, "desk": desk.desk}
    rows = iter(
        connection.execute(
            text(
                "SELECT * FROM ministry_audit_lines"
                " WHERE space = :space AND desk = :desk ORDER BY number"
            ),
            key,
        ).all()
    )
    last = ""
    for lines in _batches(rows):
        said = [{name: getattr(row, name) for name in _AUDIT_FIELDS} for row in lines]
        last = lines[-1].hash
        connection.execute(
            text(
                "INSERT INTO ministry_audit VALUES (:space, :desk, :number, :count, :lines, :hash)"
            ),
            {
                **key,
                "number": lines[0].number,
                "count": len(lines),
                "lines": compress(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()),
                "hash": last,
            },
        )
    connection.execute(
        text(
            "UPDATE ministry_counter SET hash = :hash"
            " WHERE space = :space AND desk = :desk AND name = 'kiem-toan'"
        ),
        {**key, "hash": last},
    )


def _batches(rows: Iterator[Row[Any]]) -> Iterator[list[Row[Any]]]:
    while batch := list(islice(rows, _TOGETHER)):
        yield batch
