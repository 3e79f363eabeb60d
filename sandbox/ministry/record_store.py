"""Accepted records, what is held of pupils, and the progress counters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    any_,
    func,
    insert,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from sandbox.ministry import tables_store as t
from sandbox.ministry.model import (
    PupilFacts,
    RecordRow,
    RegisterUnit,
    SchoolProgress,
    StoredRecord,
    Tally,
)
from sandbox.ministry.packing import expand
from sandbox.web.bulk import insert_rows

_IN_CHUNKS = 500
"""Values in one IN list: SQLite's older builds stop at 999 variables."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier packages left behind that matters to a package being settled."""

    pupils: dict[str, PupilFacts]
    used: frozenset[str]
    """UUIDs of accepted records, alive or dead."""
    alive: frozenset[tuple[str, str]]
    """(pupil ID, school year) that have a valid record."""


def earlier_of(
    connection: Connection,
    *,
    space: str,
    desk: str,
    uuids: Iterable[str],
    pupil_ids: Iterable[str],
) -> Earlier:
    """Return what the desk holds about these records and pupils."""
    pupils: dict[str, PupilFacts] = {}
    used: set[str] = set()
    alive: set[tuple[str, str]] = set()
    for chunk in _chunks(uuids):
        used.update(
            connection.execute(
                select(t.record.c.uuid).where(
                    _at(t.record, space, desk), _among(connection, t.record.c.uuid, chunk)
                )
            ).scalars()
        )
    for chunk in _chunks(pupil_ids):
        for row in connection.execute(_facts(connection, space, desk, chunk)):
            pupils[row.pupil_id] = PupilFacts(
                row.pupil_id, row.name, row.sex, row.birth_date, row.pupil_code
            )
            if row.school_year is not None:
                alive.add((row.pupil_id, row.school_year))
    return Earlier(pupils, frozenset(used), frozenset(alive))


def _facts(connection: Connection, space: str, desk: str, chunk: list[str]) -> Any:
    """Select what is held of pupils: by their living records, else by the facts kept apart."""
    record, pupil = t.record.c, t.pupil.c
    return union_all(
        select(
            record.pupil_id,
            record.pupil_name.label("name"),
            record.sex,
            record.birth_date,
            record.pupil_code,
            record.school_year,
        ).where(
            _at(t.record, space, desk),
            _among(connection, record.pupil_id, chunk),
            t.IS_ALIVE,
        ),
        select(
            pupil.pupil_id,
            pupil.name,
            pupil.sex,
            pupil.birth_date,
            pupil.pupil_code,
            null(),
        ).where(_at(t.pupil, space, desk), _among(connection, pupil.pupil_id, chunk)),
    )


def _among(connection: Connection, column: Any, values: list[str]) -> ColumnElement[bool]:
    """Say that *column* is one of *values*: as one array where the database knows arrays."""
    if connection.dialect.name == "postgresql":
        return column == any_(literal(values, ARRAY(TEXT)))  # type: ignore[no-any-return]
    return column.in_(values)  # type: ignore[no-any-return]


def _at(table: Any, space: str, desk: str) -> ColumnElement[bool]:
    return and_(table.c.space == space, table.c.desk == desk)


def _chunks(values: Iterable[str]) -> Iterable[list[str]]:
    ordered = sorted(set(values))
    for start in range(0, len(ordered), _IN_CHUNKS):
        yield ordered[start : start + _IN_CHUNKS]


def add_pupils(
    connection: Connection, pupils: Iterable[PupilFacts], *, space: str, desk: str
) -> None:
    """Hold the facts of pupils none of whose records is alive any more."""
    rows = [{"space": space, "desk": desk, **asdict(pupil)} for pupil in pupils]
    if rows:
        connection.execute(insert(t.pupil), rows)


def add_records(
    connection: Connection, records: Iterable[RecordRow], *, space: str, desk: str
) -> None:
    """Enter accepted records; their bytes lie in the frames of their packages."""
    insert_rows(
        connection,
        t.record,
        [
            {"space": space, "desk": desk, **{name: getattr(record, name) for name in _NAMES}}
            for record in records
        ],
    )


_NAMES = tuple(field.name for field in fields(RecordRow))


def _records(
    connection: Connection, condition: ColumnElement[bool], *, limit: int
) -> list[StoredRecord]:
    """Return the records for which *condition* holds, in the order of their numbers."""
    rows = connection.execute(
        select(t.record).where(condition).order_by(t.record.c.number).limit(limit)
    ).all()
    document = lru_cache(maxsize=1)(lambda *key: _document(connection, *key))
    found = []
    for row in rows:
        whole = document(row.space, row.desk, row.messageid)
        xml = whole[row.start : row.start + row.length]
        found.append(StoredRecord(xml=xml, **{name: getattr(row, name) for name in _NAMES}))
    return found


def _document(connection: Connection, space: str, desk: str, messageid: str) -> bytes:
    kept = connection.execute(
        select(t.frame.c.document).where(
            _at(t.frame, space, desk), t.frame.c.messageid == messageid
        )
    ).scalar_one()
    return expand(bytes(kept))


def record_of(connection: Connection, uuid: str, *, space: str, desk: str) -> StoredRecord | None:
    """Return an accepted record with its original bytes."""
    here = and_(_at(t.record, space, desk), t.record.c.uuid == uuid)
    found = _records(connection, here, limit=1)
    return found[0] if found else None


def circulating_after(
    connection: Connection, after: int, *, space: str, desk: str, department: str, limit: int
) -> list[StoredRecord]:
    """Return records in circulation of a Sở with a row number above *after*, in order."""
    waiting = and_(
        _at(t.record, space, desk),
        t.record.c.number > after,
        t.record.c.department_code == department,
        t.record.c.state == "CIRCULATING",
    )
    return _records(connection, waiting, limit=limit)


def count_up(
    connection: Connection, tallies: Mapping[str, Tally], *, space: str, desk: str
) -> None:
    """Add what packages said per school to the progress counters.

    A code that is in no register has no row to count in. Rows are touched in the order of their
    codes, so that two workers never wait for each other in a circle.
    """
    known = connection.execute(
        select(t.unit.c.ma_truong).where(
            _at(t.unit, space, desk), t.unit.c.ma_truong.in_(sorted(tallies))
        )
    ).scalars()
    rows = [
        {"space": space, "desk": desk, "school_code": school, **asdict(tallies[school])}
        for school in sorted(known)
    ]
    if not rows:
        return
    statement = t.upsert(connection, t.progress)
    added = {
        name: t.progress.c[name] + statement.excluded[name]
        for name in ("accepted", "refused", "packages")
    }
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["space", "desk", "school_code"], set_=added
        ),
        rows,
    )


def progress_of(connection: Connection, *, space: str, desk: str) -> list[SchoolProgress]:
    """Return the progress of every school of a desk's register, in order of code."""
    rows = connection.execute(
        select(
            t.unit,
            func.coalesce(t.progress.c.accepted, 0).label("accepted"),
            func.coalesce(t.progress.c.refused, 0).label("refused"),
            func.coalesce(t.progress.c.packages, 0).label("packages"),
        )
        .select_from(
            t.unit.outerjoin(
                t.progress,
                and_(
                    t.progress.c.space == t.unit.c.space,
                    t.progress.c.desk == t.unit.c.desk,
                    t.progress.c.school_code == t.unit.c.ma_truong,
                ),
            )
        )
        .where(_at(t.unit, space, desk))
        .order_by(t.unit.c.ma_truong)
    )
    return [
        SchoolProgress(
            RegisterUnit(
                ma_truong=row.ma_truong,
                ten_truong=row.ten_truong,
                ma_so_giao_duc=row.ma_so_giao_duc,
                ten_so_gd=row.ten_so_gd,
                ten_xa_phuong=row.ten_xa_phuong,
                ten_quan_huyen=row.ten_quan_huyen,
                ten_tinh_thanh_pho=row.ten_tinh_thanh_pho,
                so_hoc_ba=row.so_hoc_ba,
            ),
            int(row.accepted),
            int(row.refused),
            int(row.packages),
        )
        for row in rows
    ]
