"""Accepted records (original bytes), what is held of pupils, and the progress counters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, insert, select

from sandbox.ministry import tables_store as t
from sandbox.ministry.model import PupilFacts, RegisterUnit, SchoolProgress, StoredRecord
from sandbox.ministry.packing import compress, expand

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
                    _at(t.record, space, desk), t.record.c.uuid.in_(chunk)
                )
            ).scalars()
        )
    for chunk in _chunks(pupil_ids):
        for row in connection.execute(
            select(t.pupil).where(_at(t.pupil, space, desk), t.pupil.c.pupil_id.in_(chunk))
        ):
            pupils[row.pupil_id] = PupilFacts(
                row.pupil_id, row.name, row.sex, row.birth_date, row.pupil_code
            )
        for row in connection.execute(
            select(t.record.c.pupil_id, t.record.c.school_year).where(
                _at(t.record, space, desk),
                t.record.c.pupil_id.in_(chunk),
                t.record.c.state.in_(t.ALIVE),
            )
        ):
            alive.add((row.pupil_id, row.school_year))
    return Earlier(pupils, frozenset(used), frozenset(alive))


def _at(table: Any, space: str, desk: str) -> ColumnElement[bool]:
    return and_(table.c.space == space, table.c.desk == desk)


def _chunks(values: Iterable[str]) -> Iterable[list[str]]:
    ordered = sorted(set(values))
    for start in range(0, len(ordered), _IN_CHUNKS):
        yield ordered[start : start + _IN_CHUNKS]


def add_pupils(
    connection: Connection, pupils: Iterable[PupilFacts], *, space: str, desk: str
) -> None:
    """Hold the facts of pupils seen for the first time."""
    rows = [{"space": space, "desk": desk, **asdict(pupil)} for pupil in pupils]
    if rows:
        connection.execute(insert(t.pupil), rows)


def add_records(
    connection: Connection, records: Iterable[StoredRecord], *, space: str, desk: str
) -> None:
    """Keep accepted records, their bytes compressed."""
    rows = [
        {**asdict(record), "xml": compress(record.xml), "space": space, "desk": desk}
        for record in records
    ]
    if rows:
        connection.execute(insert(t.record), rows)


def _record(row: Any) -> StoredRecord:
    return StoredRecord(
        uuid=row.uuid,
        number=row.number,
        school_code=row.school_code,
        department_code=row.department_code,
        school_year=row.school_year,
        pupil_id=row.pupil_id,
        pupil_code=row.pupil_code,
        pupil_name=row.pupil_name,
        birth_date=row.birth_date,
        state=row.state,
        xml=expand(bytes(row.xml)),
        sha256=row.sha256,
        messageid=row.messageid,
        accepted_at=row.accepted_at,
    )


def record_of(connection: Connection, uuid: str, *, space: str, desk: str) -> StoredRecord | None:
    """Return an accepted record with its original bytes."""
    row = connection.execute(
        select(t.record).where(_at(t.record, space, desk), t.record.c.uuid == uuid)
    ).one_or_none()
    return None if row is None else _record(row)


def circulating_after(
    connection: Connection, after: int, *, space: str, desk: str, department: str, limit: int
) -> list[StoredRecord]:
    """Return records in circulation of a Sở with a row number above *after*, in order."""
    rows = connection.execute(
        select(t.record)
        .where(
            _at(t.record, space, desk),
            t.record.c.number > after,
            t.record.c.department_code == department,
            t.record.c.state == "CIRCULATING",
        )
        .order_by(t.record.c.number)
        .limit(limit)
    )
    return [_record(row) for row in rows]


def count_up(
    connection: Connection,
    tallies: dict[str, tuple[int, int]],
    *,
    space: str,
    desk: str,
) -> None:
    """Add one package's (accepted, refused) per school to the progress counters.

    Rows are touched in the order of their codes, so that two workers never wait for each other
    in a circle.
    """
    for school in sorted(tallies):
        accepted, refused = tallies[school]
        statement = t.upsert(connection, t.progress).values(
            space=space,
            desk=desk,
            school_code=school,
            accepted=accepted,
            refused=refused,
            packages=1,
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["space", "desk", "school_code"],
                set_={
                    "accepted": t.progress.c.accepted + accepted,
                    "refused": t.progress.c.refused + refused,
                    "packages": t.progress.c.packages + 1,
                },
            )
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
