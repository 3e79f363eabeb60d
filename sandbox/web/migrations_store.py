"""Versions of the tables: the number of each component, and the steps from one to the next.

A component is one system's set of tables. Its history stands in its metadata::

    STEPS = (_index_of_settled_packages,)     # to version 2; append the next, change none
    METADATA = MetaData(info=history("ministry", STEPS))

`Database.create` compares what `schema_version` says with the program's own number: an empty
database gets the tables of today, an older one is brought forward step by step, each step one
transaction together with its line; a newer one, and tables that nobody versioned, are refused. A
lock lets one of several starting processes do the work while the others wait for it.

A step is a plain function on a connection. It names tables and columns in literal SQL (or builds
them from literals), so that it still does the same when the tables of today have moved on.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    func,
    insert,
    inspect,
    select,
    text,
)

from sandbox.clock import MachineClock
from sandbox.errors import Misuse
from sandbox.web.messages import LANGUAGES, Messages

if TYPE_CHECKING:
    from sandbox.web.store import Database

Step = Callable[[Connection], None]
Tables = dict[str, set[str]]
"""Table name → names of its columns."""

FIRST = 1
"""Number of the tables as they were when numbers began."""
LOCK = 4_820_242_025
"""Key of the advisory lock on PostgreSQL under which tables are made and changed."""

VERSIONS = MetaData()
VERSION = Table(
    "schema_version",
    VERSIONS,
    Column("component", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", String(40), nullable=False),
)
"""One line for each version a component has had here; the highest is the present one."""


@dataclass(frozen=True, slots=True)
class History:
    """Where a component's tables come from."""

    component: str
    steps: tuple[Step, ...] = ()
    """`steps[0]` leads from version 1 to version 2, and so on."""

    @property
    def version(self) -> int:
        """The version this program works with."""
        return FIRST + len(self.steps)


def history(component: str, steps: Sequence[Step] = ()) -> dict[str, Any]:
    """Return the `info` of a component's `MetaData`; its tables are called `{component}_…`."""
    return {"history": History(component, tuple(steps))}


def history_of(metadata: MetaData) -> History | None:
    """Return the history written into *metadata*, None for tables without one."""
    found = metadata.info.get("history")
    return found if isinstance(found, History) else None


def versions_in(connection: Connection) -> dict[str, int]:
    """Return the present version of each component of this database."""
    if not inspect(connection).has_table(VERSION.name):
        return {}
    newest = select(VERSION.c.component, func.max(VERSION.c.version)).group_by(VERSION.c.component)
    return {component: int(version) for component, version in connection.execute(newest)}


def bring_forward(database: Database, metadata: MetaData) -> None:
    """Give *database* the tables of *metadata*, whose history says how to get there.

    Raises:
        Misuse: the tables are of a newer program, or of none that numbered them; nothing was
            changed. Or a step did not lead to the tables expected; that step was undone.
    """
    known = metadata.info["history"]
    assert isinstance(known, History)
    with database.read() as connection:  # the usual start changes nothing and waits for nobody
        if versions_in(connection).get(known.component) == known.version:
            _require_columns(database, connection, metadata, known)
            return
    while True:
        with _alone(database) as connection:
            if _one_step(database, connection, metadata, known):
                return


def _one_step(
    database: Database, connection: Connection, metadata: MetaData, known: History
) -> bool:
    """Go one version forward; True when there is none left to go."""
    found = versions_in(connection).get(known.component)
    if found is None:
        there = _tables_of(connection, known.component)
        if there:
            _require_first(database, there, known)
            _write(connection, known.component, FIRST)
            return False
        metadata.create_all(connection)
        _write(connection, known.component, known.version)
        return True
    if found > known.version:
        raise _refusal(database, "newer", known, found=found)
    if found < known.version:
        known.steps[found - FIRST](connection)
        _write(connection, known.component, found + 1)
    if found + 1 < known.version:
        return False
    _require_columns(database, connection, metadata, known)
    return True


@contextmanager
def _alone(database: Database) -> Iterator[Connection]:
    """Open a transaction in which no other process makes or changes tables.

    On SQLite every writer is alone; on PostgreSQL an advisory lock holds until the transaction
    ends. Whoever waited finds the work done.
    """
    with database.write() as connection:
        if database.dialect != "sqlite":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        VERSIONS.create_all(connection)
        yield connection


def _write(connection: Connection, component: str, version: int) -> None:
    at = MachineClock().now().isoformat(timespec="seconds")
    connection.execute(insert(VERSION).values(component=component, version=version, at=at))


def write_versions(connection: Connection, versions: dict[str, int]) -> None:
    """Say of tables that were just made and filled which versions they have."""
    VERSIONS.create_all(connection)
    for component, version in versions.items():
        _write(connection, component, version)


def _tables_of(connection: Connection, component: str) -> Tables:
    looking = inspect(connection)
    names = [name for name in looking.get_table_names() if name.startswith(f"{component}_")]
    return columns_in(connection, names)


def columns_in(connection: Connection, names: Sequence[str]) -> Tables:
    """Return the columns of those of the tables *names* that are there."""
    if not names:
        return {}
    found = inspect(connection).get_multi_columns(filter_names=list(names))
    return {table: {column["name"] for column in rows} for (_, table), rows in found.items()}


def missing_columns(there: Tables, metadata: MetaData) -> list[str]:
    """Return what *metadata* knows and the database lacks, as `table.column`."""
    return [
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if column.name not in there.get(table.name, ())
    ]


def _require_columns(
    database: Database, connection: Connection, metadata: MetaData, known: History
) -> None:
    missing = missing_columns(columns_in(connection, list(metadata.tables)), metadata)
    if missing:
        raise _refusal(database, "columns", known, found=", ".join(missing[:3]))


def _require_first(database: Database, there: Tables, known: History) -> None:
    """Refuse tables without a number unless they are those of version 1, column for column."""
    with Path(__file__).with_name("version1.toml").open("rb") as file:
        first = tomllib.load(file).get(known.component, {})
    expected = {f"{table}.{column}" for table, columns in first.items() for column in columns}
    found = {f"{table}.{column}" for table, columns in there.items() for column in columns}
    if found != expected:
        different = sorted(found ^ expected)
        raise _refusal(database, "foreign", known, found=", ".join(different[:3]))


def _refusal(database: Database, reason: str, known: History, *, found: object) -> Misuse:
    """Return the refusal, in Vietnamese and in English."""
    words = Messages((Path(__file__).parent / "locale",))

    def both(key: str) -> str:
        values = {"component": known.component, "expected": known.version, "found": found}
        place = database.url.render_as_string()
        return " / ".join(
            words.text(language, "chuyen_mon", f"web.version.{key}", database=place, **values)
            for language in LANGUAGES
        )

    return Misuse(both(reason), remedy=both(f"{reason}.remedy"))
