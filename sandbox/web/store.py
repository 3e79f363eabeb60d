"""Tables and database access shared by all systems (spaces, form tokens), on SQLAlchemy Core.

One `Database` serves SQLite (a file, WAL, every commit flushed) and PostgreSQL alike; each app's
own `store.py` brings its tables and its statements.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Index,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    inspect,
)
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import DatabaseError

from sandbox.errors import Misuse

BUSY_TIMEOUT_MS = 30_000
"""How long a SQLite writer waits for its turn before it gives up."""


WEB = MetaData()

SPACES = Table(
    "web_space",
    WEB,
    Column("space", String(64), primary_key=True),
    Column("code", String(16), nullable=False, unique=True),
    Column("title", String(200), nullable=False),
    Column("seed", String(64), nullable=False),
    Column("era", String(8), nullable=False),
    Column("topology", String(1), nullable=False),
    Column("school_year", String(9), nullable=False),
    Column("base", String(40), nullable=False),  # ISO 8601 with offset
    Column("anchor", Float, nullable=False),  # machine epoch at which `base` was true
    Column("switches", Text, nullable=False),  # JSON object
)

SESSIONS = Table(
    "web_session",
    WEB,
    Column("space", String(64), primary_key=True),
    Column("visitor", String(64), primary_key=True),  # digest of the visitor token
    Column("key", String(100), primary_key=True),
    Column("value", Text, nullable=False),  # JSON
    Column("at", Float, nullable=False),
    Index("web_session_at", "at"),
)

FORMS = Table(
    "web_form",
    WEB,
    Column("space", String(64), primary_key=True),
    Column("token", String(64), primary_key=True),  # digest of the one-time token
    Column("follows", String(64)),  # digest of the token whose result counts (double tap)
    Column("outcome", Text),  # JSON; empty while dang_xu_ly
    Column("at", Float, nullable=False),
    Index("web_form_at", "at"),
)

TAPS = Table(
    "web_tap",
    WEB,
    Column("space", String(64), primary_key=True),
    Column("visitor", String(64), primary_key=True),
    Column("action", String(200), primary_key=True),
    Column("token", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Index("web_tap_at", "at"),
)


class Database:
    """A handle on the one database of an installation.

    `write()` gives one durable transaction (SQLite: BEGIN IMMEDIATE, so that writers queue up
    instead of failing half-way); `read()` gives a snapshot that never blocks a writer.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = make_url(url)
        self.dialect = self.url.get_backend_name()
        self.engine: Engine = (
            self._sqlite_engine() if self.dialect == "sqlite" else self._server_engine(pool_size)
        )

    def _sqlite_engine(self) -> Engine:
        engine = create_engine(self.url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: object) -> None:
            connection.isolation_level = None  # we say BEGIN ourselves, see write()
            cursor = connection.cursor()
            for pragma in (
                "journal_mode=WAL",
                "synchronous=FULL",  # an acknowledged package must survive kill -9 and power loss
                "foreign_keys=ON",
                f"busy_timeout={BUSY_TIMEOUT_MS}",
            ):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

        return engine

    def _server_engine(self, pool_size: int) -> Engine:
        return create_engine(self.url, pool_size=pool_size, max_overflow=10, pool_pre_ping=True)

    def create(self, metadata: MetaData) -> None:
        """Create the tables of *metadata* that are not there yet.

        Raises `Misuse` naming the database when it cannot be opened or is none, or when its
        tables were made by a version of the sandbox that knew other columns.
        """
        try:
            with self.write() as connection:
                metadata.create_all(connection)
                missing = _missing_columns(connection, metadata)
        except DatabaseError as error:
            reason = " ".join(str(error.orig).split())
            raise Misuse(
                f"the database {self.url.render_as_string()} cannot be used ({reason})",
                remedy="start its server, or name another one with --database or HOCBA_DATABASE",
            ) from error
        if missing:
            raise Misuse(
                f"the database {self.url.render_as_string()} was made by another version of the "
                f"sandbox ({', '.join(missing[:3])} missing)",
                remedy="start with a new folder (--data FOLDER, or move the old one away); "
                "practice data are made anew",
            )

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open one transaction that commits durably on leaving and rolls back on error."""
        with self.engine.connect() as connection:
            if self.dialect == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                if self.dialect == "sqlite":
                    _sqlite_end(connection, "ROLLBACK")
                raise
            if self.dialect == "sqlite":
                _sqlite_end(connection, "COMMIT")
            connection.commit()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a read-only snapshot."""
        with self.engine.connect() as connection:
            if self.dialect == "sqlite":
                connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                if self.dialect == "sqlite":
                    _sqlite_end(connection, "ROLLBACK")
                connection.rollback()

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _missing_columns(connection: Connection, metadata: MetaData) -> list[str]:
    """Return the columns that *metadata* knows and the database lacks, as `table.column`."""
    names = list(metadata.tables)
    there = inspect(connection).get_multi_columns(filter_names=names)
    found = {
        (table, column["name"]) for (_schema, table), columns in there.items() for column in columns
    }
    return [
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if (table.name, column.name) not in found
    ]


def _sqlite_end(connection: Connection, word: str) -> None:
    """End the transaction we began by hand, if one is still open."""
    raw = connection.connection.dbapi_connection
    if raw is not None and raw.in_transaction:
        raw.execute(word)
