"""All tables of an installation, read as a stream of rows and filled from one.

What leaves here names no database: a table is told by its columns' kinds, keys and indexes, a row
is a list of plain values. So a backup of SQLite fills PostgreSQL and the other way round, and a
backup of an older version is first restored as it was, then brought forward.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg.types.json import Json
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

import sandbox.world.build  # noqa: F401 - with it every system has told its tables
from sandbox.classroom.store import CLASSROOM
from sandbox.errors import Misuse
from sandbox.ministry.metering_store import METADATA as METERING
from sandbox.ministry.tables_store import METADATA as MINISTRY
from sandbox.portal.store import METADATA as PORTAL
from sandbox.responders.store import RESPONDERS
from sandbox.signing.store import METADATA as SIGNING
from sandbox.web.migrations_store import history_of, versions_in, write_versions
from sandbox.web.store import WEB, Database

COMPONENTS: tuple[MetaData, ...] = (
    WEB,
    MINISTRY,
    METERING,
    SIGNING,
    RESPONDERS,
    PORTAL,
    CLASSROOM,
)
"""Every set of tables of an installation; a test holds this to what `build_world` makes."""

ROWS_AT_ONCE = 1_000
Kind = list[Any]
Told = dict[str, Any]
"""One table as the manifest tells it: name, component, rows, columns, uniques, indexes."""

_KINDS: tuple[tuple[str, type[TypeEngine[Any]], str], ...] = (
    # name in the manifest, type here (the special before the general), type for COPY
    ("text", Text, "text"),
    ("string", String, "text"),
    ("bool", Boolean, "bool"),
    ("bigint", BigInteger, "int8"),
    ("int", Integer, "int4"),
    ("float", Float, "float8"),
    ("bytes", LargeBinary, "bytea"),
    ("json", JSON, "json"),
)
_FOR_COPY = {name: copied for name, _, copied in _KINDS}
_CONDITION = re.compile(r"[\w\s'(),=]+")


def expected_versions(components: Sequence[MetaData] = COMPONENTS) -> dict[str, int]:
    """Return the version of each component that this program works with."""
    known = [history_of(metadata) for metadata in components]
    return {one.component: one.version for one in known if one is not None}


# -- reading ---------------------------------------------------------------------------------------


class Snapshot:
    """All rows as they were at one moment, while writers go on."""

    def __init__(self, connection: Connection, components: Sequence[MetaData]) -> None:
        self._connection = connection
        self._tables = {t.name: t for one in components for t in one.sorted_tables}
        self._component = {
            table.name: known.component
            for one in components
            if (known := history_of(one))
            for table in one.sorted_tables
        }
        self.versions = versions_in(connection)

    def tables(self) -> list[Told]:
        """Return every table for the manifest, rows counted."""
        return [self._told(table) for table in self._tables.values()]

    def _told(self, table: Table) -> Told:
        count = self._connection.execute(select(func.count()).select_from(table)).scalar_one()
        return {
            "name": table.name,
            "component": self._component[table.name],
            "rows": int(count),
            "columns": [
                {
                    "name": column.name,
                    "kind": _kind_of(column),
                    "key": column.primary_key,
                    "null": bool(column.nullable),
                }
                for column in table.columns
            ],
            "uniques": sorted(
                [column.name for column in rule.columns]
                for rule in table.constraints
                if isinstance(rule, UniqueConstraint)
            ),
            "indexes": sorted((_index_told(i) for i in table.indexes), key=lambda i: i["name"]),
        }

    def rows(self, table: str) -> Iterator[Sequence[Any]]:
        """Yield the rows of *table*, few in memory at a time."""
        options = {"yield_per": ROWS_AT_ONCE}
        found = self._connection.execute(select(self._tables[table]), execution_options=options)
        for part in found.partitions():
            yield from part


@contextmanager
def snapshot(
    database: Database, *, components: Sequence[MetaData] = COMPONENTS
) -> Iterator[Snapshot]:
    """Open a snapshot of *database*.

    Raises:
        Misuse: its tables are not those of this program.
    """
    expected = expected_versions(components)
    with database.read(exact=True) as connection:
        seen = Snapshot(connection, components)
        if seen.versions != expected:
            raise Misuse(
                f"{database.url.render_as_string()}: {_said(seen.versions, expected)}",
                remedy="back it up with the program that made it, or start it once with this one",
            )
        yield seen


def _said(found: Mapping[str, int], expected: Mapping[str, int]) -> str:
    """Name the components whose versions differ."""
    return "; ".join(
        f"{name}: version {found.get(name, '-')}, this program works with {expected.get(name, '-')}"
        for name in sorted(found.keys() | expected.keys())
        if found.get(name) != expected.get(name)
    )


def _kind_of(column: Column[Any]) -> Kind:
    for name, python, _ in _KINDS:
        if isinstance(column.type, python):
            length = getattr(column.type, "length", None) if name == "string" else None
            return [name, length] if length else [name]
    raise AssertionError(f"no neutral kind for {column!r}")


def _index_told(index: Index) -> Told:
    conditions = {
        str(index.dialect_options[dialect]["where"])
        for dialect in ("sqlite", "postgresql")
        if index.dialect_options[dialect].get("where") is not None
    }
    assert len(conditions) <= 1, f"{index.name} means two things"
    return {
        "name": index.name,
        "columns": [column.name for column in index.columns],
        "unique": bool(index.unique),
        "where": conditions.pop() if conditions else None,
    }


# -- filling ---------------------------------------------------------------------------------------


def require_fitting(
    versions: Mapping[str, int], *, components: Sequence[MetaData] = COMPONENTS
) -> None:
    """Refuse versions this program cannot bring to its own. Raises `Misuse`."""
    expected = expected_versions(components)
    newer = {name: v for name, v in versions.items() if v > expected.get(name, 0)}
    if newer:
        raise Misuse(
            f"backup of a newer program ({_said(newer, {n: expected.get(n, 0) for n in newer})})",
            remedy="restore it with that program",
        )


def is_empty(database: Database) -> bool:
    """Tell whether the database holds no table at all."""
    with database.read() as connection:
        return not inspect(connection).get_table_names()


def holds(database: Database, versions: Mapping[str, int]) -> bool:
    """Tell whether the database has had all of *versions*."""
    with database.read() as connection:
        there = versions_in(connection)
    return all(there.get(name, 0) >= version for name, version in versions.items())


class Filling:
    """Empty tables being filled, in one transaction."""

    def __init__(self, connection: Connection, told: Sequence[Told]) -> None:
        self._connection, self._told = connection, told
        self._metadata = MetaData()
        self._tables = {one["name"]: _table(self._metadata, one) for one in told}
        self._metadata.create_all(connection)

    def add(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows, by the fastest way the database has. Raises `Misuse` for one that fits not."""
        (told,) = (one for one in self._told if one["name"] == table)
        put = _put_sqlite if self._connection.dialect.name == "sqlite" else _copy
        try:
            put(self._connection, self._tables[table], told["columns"], rows)
        except Exception as error:
            if not isinstance(error, DBAPIError) and not hasattr(error, "sqlstate"):
                raise
            raise Misuse(
                f"a row does not fit into {table} ({' '.join(str(error).split())[:200]})",
                remedy="restore to the kind of database the backup was made from",
            ) from error

    def end(self, versions: Mapping[str, int]) -> None:
        """Make the indexes, which are quicker made at once, and say what was made."""
        for one in self._told:
            for told in one["indexes"]:
                _index(self._tables[one["name"]], told).create(self._connection)
        write_versions(self._connection, dict(versions))
        if self._connection.dialect.name == "postgresql":
            self._connection.exec_driver_sql("ANALYZE")


@contextmanager
def filling(database: Database, told: Sequence[Told]) -> Iterator[Filling]:
    """Fill an empty PostgreSQL database; nothing is there before the block ends well."""
    with database.write() as connection:
        yield Filling(connection, told)


@contextmanager
def filling_file(path: str, told: Sequence[Told]) -> Iterator[Filling]:
    """Fill a new SQLite file that nobody reads before it is renamed: no journal, no waiting."""
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-131072"):
            connection.execute(f"PRAGMA {pragma}")

    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            yield Filling(connection, told)
            connection.exec_driver_sql("COMMIT")
    finally:
        engine.dispose()


def bring_all_forward(database: Database, *, components: Sequence[MetaData] = COMPONENTS) -> None:
    """Bring every component to the version of this program."""
    for metadata in components:
        database.create(metadata)


def _table(metadata: MetaData, told: Told) -> Table:
    columns: list[Column[Any]] = [
        Column(
            one["name"],
            _type_of(one["kind"]),
            primary_key=one["key"],
            nullable=one["null"],
            autoincrement=False,
        )
        for one in told["columns"]
    ]
    return Table(told["name"], metadata, *columns, *(UniqueConstraint(*u) for u in told["uniques"]))


def _type_of(kind: Kind) -> TypeEngine[Any]:
    (python,) = (python for name, python, _ in _KINDS if name == kind[0])
    return python(*kind[1:])


def _index(table: Table, told: Told) -> Index:
    where = told["where"]
    if where is not None and not _CONDITION.fullmatch(where):
        raise Misuse(f"index {told['name']}: {where}", remedy="the backup was changed by hand")
    condition = None if where is None else text(where)
    return Index(
        told["name"],
        *(table.c[name] for name in told["columns"]),
        unique=told["unique"],
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _prepared(
    columns: Sequence[Told], rows: Iterable[Sequence[Any]], as_json: Callable[[Any], Any]
) -> Iterator[Sequence[Any]]:
    """Yield the rows with their JSON values as the driver wants them; an empty one stays NULL."""
    places = [n for n, one in enumerate(columns) if one["kind"][0] == "json"]
    if not places:
        yield from rows
        return
    for row in rows:
        values = list(row)
        for n in places:
            if values[n] is not None or not columns[n]["null"]:
                values[n] = as_json(values[n])
        yield values


def _put_sqlite(
    connection: Connection, table: Table, columns: Sequence[Told], rows: Iterable[Sequence[Any]]
) -> None:
    marks = ", ".join("?" * len(columns))
    raw = connection.connection.dbapi_connection
    assert raw is not None
    raw.executemany(
        f'INSERT INTO "{table.name}" VALUES ({marks})',  # noqa: S608 - a name of ours
        _prepared(columns, rows, json.dumps),
    )


def _copy(
    connection: Connection, table: Table, columns: Sequence[Told], rows: Iterable[Sequence[Any]]
) -> None:
    raw = connection.connection.driver_connection
    assert raw is not None
    quoted = connection.dialect.identifier_preparer.format_table(table)
    with raw.cursor() as cursor, cursor.copy(f"COPY {quoted} FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types([_FOR_COPY[one["kind"][0]] for one in columns])
        for row in _prepared(columns, rows, Json):
            copy.write_row(row)
