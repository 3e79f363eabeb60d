"""The figures of all processes in the database: each process in its own rows.

A process that has been silent for ten minutes is folded into the rows of `gone`, so that a counter
never goes back when a process ends. These rows belong to the installation, not to a space: they
hold counts and times, and of a space its id only.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    delete,
    func,
    select,
    update,
)

from sandbox.ministry import tables_store as t
from sandbox.ministry.metering import Labels, Series
from sandbox.ministry.model import PackageState
from sandbox.web.migrations_store import history

METADATA = MetaData(info=history("ministry_metric"))
GONE = "gone"
"""Under this name stands what ended processes have counted."""
PAST_SPACE = "-"
"""Label of what ended processes counted in spaces that are closed by now."""
SLOT_S = 15.0
"""One sample of all desks is taken in each stretch of this length, by whoever comes first."""
SAMPLES_KEPT_S = 35 * 60.0
_PART = 400
"""Rows of one statement: five values each, and SQLite takes some thousands."""

process = Table(
    "ministry_metric_process",
    METADATA,
    Column("process", String(80), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_epoch", Float, nullable=False),
    Column("at_epoch", Float, nullable=False),
    Column("memory", BigInteger, nullable=False),
    Column("cpu_share", Float, nullable=False),
    Column("disk_free", BigInteger, nullable=False),
)
metric = Table(
    "ministry_metric",
    METADATA,
    Column("process", String(80), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("labels", String(400), primary_key=True),
    Column("value", Float, nullable=False),
)
sample = Table(
    "ministry_metric_sample",
    METADATA,
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", Float, nullable=False),
    Column("desks", JSON, nullable=False),
)


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """One process as it last reported. Memory and disk in bytes, times in machine seconds."""

    process: str
    role: str
    pid: int
    started_epoch: float
    at_epoch: float
    memory: int
    """Resident set size."""
    cpu_share: float
    """Share of one core since the report before; may exceed 1."""
    disk_free: int


@dataclass(frozen=True, slots=True)
class QueueRow:
    """What is open at one desk: acknowledged, without a result yet."""

    space: str
    desk: str
    waiting: int
    claimed: int
    oldest_epoch: float


@dataclass(frozen=True, slots=True)
class DeskSample:
    """One desk at one moment: its queue, and its counters since the installation began."""

    space: str
    desk: str
    open: int = 0
    oldest_s: float = 0.0
    received: float = 0.0
    settled: float = 0.0
    accepted: float = 0.0
    refused: float = 0.0


@dataclass(frozen=True, slots=True)
class Sample:
    """All desks at one moment."""

    epoch: float
    desks: tuple[DeskSample, ...]


def written(labels: Labels) -> str:
    """Return labels as they are kept."""
    return json.dumps(dict(labels), ensure_ascii=False, separators=(",", ":"))


def read(labels: str) -> Labels:
    """Return kept labels."""
    return tuple((str(name), str(value)) for name, value in json.loads(labels).items())


def spare_the_disk(connection: Connection) -> None:
    """Let the commit of this transaction not wait for the disk, where that can be chosen."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")


def is_known(connection: Connection, name: str) -> bool:
    """Tell whether the process *name* has rows of its own (it has none once it was folded)."""
    found = connection.execute(select(process.c.pid).where(process.c.process == name)).first()
    return found is not None


def write_process(connection: Connection, row: ProcessRow) -> None:
    """Put down that a process is alive, and what it takes."""
    values = asdict(row)
    statement = t.upsert(connection, process).values(**values)
    connection.execute(statement.on_conflict_do_update(index_elements=["process"], set_=values))


def write_figures(connection: Connection, name: str, figures: Mapping[Series, float]) -> None:
    """Set the figures of the process *name*."""
    rows = [
        {"process": name, "name": figure, "labels": written(labels), "value": value}
        for (figure, labels), value in figures.items()
    ]
    _put(connection, rows, adding=False)


def _put(connection: Connection, rows: list[dict[str, Any]], *, adding: bool) -> None:
    for start in range(0, len(rows), _PART):
        statement = t.upsert(connection, metric).values(rows[start : start + _PART])
        value = statement.excluded.value
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["process", "name", "labels"],
                set_={"value": metric.c.value + value if adding else value},
            )
        )


def fold(connection: Connection, *, silent_since: float, spaces: Collection[str]) -> int:
    """Add the rows of processes silent since *silent_since* to those of `gone`.

    Each row is taken out by exactly one transaction and added in the same one. Returns how many
    processes were folded.
    """
    gone = connection.execute(
        delete(process).where(process.c.at_epoch < silent_since).returning(process.c.process)
    ).scalars()
    names = list(gone)
    if not names:
        return 0
    taken = connection.execute(
        delete(metric)
        .where(metric.c.process.in_(names))
        .returning(metric.c.name, metric.c.labels, metric.c.value)
    )
    sums: dict[tuple[str, str], float] = {}
    for row in taken:
        key = (row.name, _in_known_space(row.labels, spaces))
        sums[key] = sums.get(key, 0.0) + row.value
    rows = [
        {"process": GONE, "name": name, "labels": labels, "value": value}
        for (name, labels), value in sorted(sums.items())  # one order: no two foldings interlock
    ]
    _put(connection, rows, adding=True)
    return len(names)


def _in_known_space(labels: str, spaces: Collection[str]) -> str:
    said = read(labels)
    if dict(said).get("space", PAST_SPACE) in {*spaces, PAST_SPACE}:
        return labels
    return written(tuple((n, PAST_SPACE if n == "space" else v) for n, v in said))


def totals(connection: Connection, names: Iterable[str] | None = None) -> dict[Series, float]:
    """Return the figures of all processes, living and gone, added up."""
    query = select(metric.c.name, metric.c.labels, func.sum(metric.c.value)).group_by(
        metric.c.name, metric.c.labels
    )
    if names is not None:
        query = query.where(metric.c.name.in_(list(names)))
    return {(name, read(labels)): float(value) for name, labels, value in connection.execute(query)}


def processes(connection: Connection, *, since: float) -> list[ProcessRow]:
    """Return the processes that reported after machine second *since*, by role and name."""
    rows = connection.execute(
        select(process)
        .where(process.c.at_epoch >= since)
        .order_by(process.c.role, process.c.started_epoch, process.c.process)
    )
    return [ProcessRow(**row) for row in rows.mappings()]


def queues(connection: Connection) -> list[QueueRow]:
    """Return every desk where something is open."""
    package = t.package
    rows = connection.execute(
        select(
            package.c.space,
            package.c.desk,
            package.c.state,
            func.count(),
            func.min(package.c.received_epoch),
        )
        .where(t.IS_OPEN)
        .group_by(package.c.space, package.c.desk, package.c.state)
    ).all()
    found: dict[tuple[str, str], QueueRow] = {}
    for space, desk, state, count, oldest in rows:
        before = found.get((space, desk), QueueRow(space, desk, 0, 0, oldest))
        found[space, desk] = QueueRow(
            space,
            desk,
            before.waiting + (count if state == PackageState.WAITING else 0),
            before.claimed + (count if state == PackageState.CLAIMED else 0),
            min(before.oldest_epoch, oldest),
        )
    return sorted(found.values(), key=lambda row: (row.space, row.desk))


def is_sampled(connection: Connection, *, slot: int) -> bool:
    """Tell whether somebody has taken the sample of *slot*."""
    return (
        connection.execute(select(sample.c.slot).where(sample.c.slot == slot)).first() is not None
    )


def add_sample(connection: Connection, taken: Sample, *, slot: int) -> bool:
    """Keep a sample and drop old ones; False when another process took this slot's."""
    added = connection.execute(
        t.upsert(connection, sample)
        .values(slot=slot, epoch=taken.epoch, desks=[asdict(desk) for desk in taken.desks])
        .on_conflict_do_nothing()
        .returning(sample.c.slot)
    ).first()
    connection.execute(delete(sample).where(sample.c.epoch < taken.epoch - SAMPLES_KEPT_S))
    return added is not None


def samples(connection: Connection, *, since: float) -> list[Sample]:
    """Return the samples taken after machine second *since*, oldest first."""
    rows = connection.execute(select(sample).where(sample.c.epoch >= since).order_by(sample.c.slot))
    return [Sample(row.epoch, tuple(DeskSample(**desk) for desk in row.desks)) for row in rows]


def database_bytes(connection: Connection) -> int:
    """Return what the database takes on disk."""
    if connection.dialect.name == "sqlite":
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())
    found = connection.exec_driver_sql("SELECT pg_database_size(current_database())")
    return int(found.scalar_one())


def silence(connection: Connection, name: str, *, at_epoch: float) -> None:
    """Put down that the process *name* has ended in good order: the next one folds its rows."""
    connection.execute(update(process).where(process.c.process == name).values(at_epoch=at_epoch))
