"""Statements about packages, their rows, and the Sở's inbox of circulating records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from sandbox.portal.model import PackageLine, PackageRow, PackageState
from sandbox.portal.store import space_table

PACKAGE = space_table(
    "package",
    Column("package_id", String(36), primary_key=True),
    Column("unit_code", String(20), nullable=False),
    Column("desk", String(16), nullable=False),
    Column("school_year", String(9), nullable=False),
    Column("class_name", String(20)),
    Column("state", String(16), nullable=False),
    Column("xml", LargeBinary),
    Column("size", Integer, nullable=False),
    Column("request_id", String(36)),
    Column("receipt", Text),
    Column("sent_at", String(32)),
    Column("polls", Integer, nullable=False),
    Column("next_poll", Float, nullable=False),
    Column("code", String(16)),
    Column("created_at", String(32), nullable=False),
    Column("place", Integer, nullable=False),
)
Index("portal_package_by_poll", PACKAGE.c.state, PACKAGE.c.next_poll)

LINE = space_table(
    "package_line",
    Column("package_id", String(36), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("record_id", String(36), nullable=False),
    Column("version", Integer, nullable=False),
    Column("pupil_name", String(200), nullable=False),
    Column("school_code", String(20), nullable=False),
    Column("result", Integer),
    Column("code", String(16)),
    Column("details", Text, nullable=False),
)

INBOX = space_table(
    "inbox",
    Column("department_code", String(8), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("record_id", String(36), nullable=False),
    Column("school_code", String(20), nullable=False),
    Column("school_year", String(9), nullable=False),
    Column("pupil_name", String(200), nullable=False),
    Column("xml", LargeBinary, nullable=False),
    Column("package_id", String(36)),
    Column("result", Integer),
    Column("code", String(16)),
)
"""Records circulating at the Cổng, copied byte for byte for forwarding (record-format §8)."""


def _package(row: Any) -> PackageRow:
    return PackageRow(
        package_id=row.package_id,
        unit_code=row.unit_code,
        desk=row.desk,
        school_year=row.school_year,
        class_name=row.class_name,
        state=PackageState(row.state),
        xml=row.xml,
        size=row.size,
        request_id=row.request_id,
        receipt=json.loads(row.receipt) if row.receipt else None,
        sent_at=row.sent_at,
        polls=row.polls,
        next_poll=row.next_poll,
        code=row.code,
        created_at=row.created_at,
    )


def add_package(
    connection: Connection, space: str, package: PackageRow, rows: Sequence[PackageLine]
) -> None:
    """Add a package with its rows."""
    place = connection.execute(
        select(func.count()).select_from(PACKAGE).where(PACKAGE.c.space == space)
    ).scalar_one()
    connection.execute(
        insert(PACKAGE).values(
            space=space,
            package_id=package.package_id,
            unit_code=package.unit_code,
            desk=package.desk,
            school_year=package.school_year,
            class_name=package.class_name,
            state=package.state.value,
            xml=package.xml,
            size=package.size,
            request_id=package.request_id,
            receipt=None,
            sent_at=package.sent_at,
            polls=package.polls,
            next_poll=package.next_poll,
            code=package.code,
            created_at=package.created_at,
            place=place,
        )
    )
    values = [
        {
            "space": space,
            "package_id": package.package_id,
            "number": row.number,
            "record_id": row.record_id,
            "version": row.version,
            "pupil_name": row.pupil_name,
            "school_code": row.school_code,
            "result": row.result,
            "code": row.code,
            "details": json.dumps([dict(d) for d in row.details], ensure_ascii=False),
        }
        for row in rows
    ]
    connection.execute(insert(LINE), values)


def package(connection: Connection, space: str, package_id: str) -> PackageRow | None:
    """Return one package."""
    row = connection.execute(
        select(PACKAGE).where(PACKAGE.c.space == space, PACKAGE.c.package_id == package_id)
    ).first()
    return None if row is None else _package(row)


def packages(connection: Connection, space: str, *, unit_code: str, desk: str) -> list[PackageRow]:
    """Return the packages of a unit to a desk, newest first."""
    query = select(PACKAGE).where(
        PACKAGE.c.space == space, PACKAGE.c.unit_code == unit_code, PACKAGE.c.desk == desk
    )
    return [_package(row) for row in connection.execute(query.order_by(PACKAGE.c.place.desc()))]


def due_packages(connection: Connection, *, epoch: float) -> list[tuple[str, PackageRow]]:
    """Return (space, package) of those sent whose next look is due at machine second *epoch*."""
    query = (
        select(PACKAGE)
        .where(PACKAGE.c.state == PackageState.SENT.value, PACKAGE.c.next_poll <= epoch)
        .order_by(PACKAGE.c.next_poll)
        .limit(50)
    )
    return [(row.space, _package(row)) for row in connection.execute(query)]


def set_package(
    connection: Connection, space: str, package_id: str, *, was: PackageState, **values: Any
) -> bool:
    """Change a package that still stands in state *was*; False when it moved meanwhile."""
    if "state" in values:
        values["state"] = values["state"].value
    if values.get("receipt") is not None:
        values["receipt"] = json.dumps(dict(values["receipt"]), ensure_ascii=False)
    result = connection.execute(
        update(PACKAGE)
        .where(
            PACKAGE.c.space == space,
            PACKAGE.c.package_id == package_id,
            PACKAGE.c.state == was.value,
        )
        .values(**values)
    )
    return result.rowcount == 1


def drop_package(connection: Connection, space: str, package_id: str) -> None:
    """Delete an unsent package with its rows."""
    for table in (LINE, PACKAGE):
        connection.execute(
            delete(table).where(table.c.space == space, table.c.package_id == package_id)
        )


def unsent_packages(connection: Connection, space: str, *, desk: str) -> list[PackageRow]:
    """Return packages that are signed and not yet taken by *desk*, oldest first."""
    query = select(PACKAGE).where(
        PACKAGE.c.space == space,
        PACKAGE.c.desk == desk,
        PACKAGE.c.state == PackageState.SIGNED.value,
    )
    return [_package(row) for row in connection.execute(query.order_by(PACKAGE.c.place))]


def package_lines(connection: Connection, space: str, package_id: str) -> list[PackageLine]:
    """Return the rows of a package in their order."""
    query = select(LINE).where(LINE.c.space == space, LINE.c.package_id == package_id)
    return [
        PackageLine(
            number=row.number,
            record_id=row.record_id,
            version=row.version,
            pupil_name=row.pupil_name,
            school_code=row.school_code,
            result=row.result,
            code=row.code,
            details=tuple(json.loads(row.details)),
        )
        for row in connection.execute(query.order_by(LINE.c.number))
    ]


def answer_line(
    connection: Connection,
    space: str,
    package_id: str,
    *,
    number: int,
    result: int,
    code: str | None,
    details: Sequence[Mapping[str, Any]],
) -> None:
    """Write the desk's answer about one record of a package."""
    connection.execute(
        update(LINE)
        .where(LINE.c.space == space, LINE.c.package_id == package_id, LINE.c.number == number)
        .values(
            result=result,
            code=code,
            details=json.dumps([dict(d) for d in details], ensure_ascii=False),
        )
    )


def add_to_inbox(
    connection: Connection,
    space: str,
    *,
    department_code: str,
    rows: Iterable[Mapping[str, Any]],
) -> int:
    """Add circulating records that are not in the inbox yet; return how many were new."""
    known = set(
        connection.execute(
            select(INBOX.c.number).where(
                INBOX.c.space == space, INBOX.c.department_code == department_code
            )
        ).scalars()
    )
    fresh = [
        {"space": space, "department_code": department_code, **row}
        for row in rows
        if row["number"] not in known
    ]
    if fresh:
        connection.execute(insert(INBOX), fresh)
    return len(fresh)


def waiting_inbox(
    connection: Connection, space: str, *, department_code: str, limit: int = 200
) -> list[tuple[int, str, str, str, str, bytes]]:
    """Return (number, record id, school, school year, name, bytes) not yet put in a package."""
    query = (
        select(INBOX)
        .where(
            INBOX.c.space == space,
            INBOX.c.department_code == department_code,
            INBOX.c.package_id.is_(None),
            INBOX.c.result.is_(None),
        )
        .order_by(INBOX.c.school_year, INBOX.c.number)
        .limit(limit)
    )
    return [
        (row.number, row.record_id, row.school_code, row.school_year, row.pupil_name, row.xml)
        for row in connection.execute(query)
    ]


def claim_inbox(
    connection: Connection, space: str, *, department_code: str, number: int, package_id: str
) -> bool:
    """Put one inbox row into a package; False when another package took it meanwhile."""
    result = connection.execute(
        update(INBOX)
        .where(
            INBOX.c.space == space,
            INBOX.c.department_code == department_code,
            INBOX.c.number == number,
            INBOX.c.package_id.is_(None),
        )
        .values(package_id=package_id)
    )
    return result.rowcount == 1


def answer_inbox(
    connection: Connection,
    space: str,
    *,
    package_id: str,
    record_id: str,
    result: int,
    code: str | None,
) -> None:
    """Write the Kho's answer about one forwarded record."""
    connection.execute(
        update(INBOX)
        .where(
            INBOX.c.space == space,
            INBOX.c.package_id == package_id,
            INBOX.c.record_id == record_id,
        )
        .values(result=result, code=code)
    )


def inbox(
    connection: Connection, space: str, *, department_code: str, offset: int = 0, limit: int = 10
) -> list[dict[str, Any]]:
    """Return inbox rows without their bytes, newest first."""
    columns = [column for column in INBOX.c if column.name not in ("xml", "space")]
    query = (
        select(*columns)
        .where(INBOX.c.space == space, INBOX.c.department_code == department_code)
        .order_by(INBOX.c.number.desc())
        .offset(offset)
        .limit(limit)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def inbox_counts(connection: Connection, space: str, *, department_code: str) -> dict[str, int]:
    """Return how many records wait, are under way, were reported, were refused."""
    query = select(
        func.count().label("all"),
        func.count(INBOX.c.package_id).label("sent"),
        func.coalesce(func.sum(INBOX.c.result), 0).label("reported"),
        func.count(INBOX.c.result).label("answered"),
    ).where(INBOX.c.space == space, INBOX.c.department_code == department_code)
    row = connection.execute(query).one()
    return {
        "all": row.all,
        "waiting": row.all - row.sent,
        "under_way": row.sent - row.answered,
        "reported": int(row.reported),
        "refused": row.answered - int(row.reported),
    }
