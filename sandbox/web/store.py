"""Tables and database access shared by all systems (spaces, form tokens), on SQLAlchemy Core.

One `Database` serves SQLite (a file, WAL, every commit flushed) and PostgreSQL alike; each app's
own `store.py` brings its tables and its statements.
"""

from __future__ import annotations

import sqlite3
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
)
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from sandbox.clock import MachineClock
from sandbox.errors import Misuse, Unavailable
from sandbox.web.migrations_store import (
    bring_forward,
    columns_in,
    history,
    history_of,
    missing_columns,
)

PROBED_AFTER_S = 1.0
"""A connection that lay longer than this is asked whether it still stands before it is used."""
_CLOCK = MachineClock()

_PLANNING = "-c plan_cache_mode=force_custom_plan"
"""A plan that PostgreSQL keeps from when the tables were empty reads all of them once they are
full (training/decisions/0010)."""

BUSY_TIMEOUT_MS = 30_000
"""How long a SQLite writer waits for its turn before it gives up."""

AWAY_RETRY_S = 10
"""Seconds after which somebody whose work met a database that is away may try again."""


class DatabaseAway(Unavailable):
    """The database cannot do it now: full, read-only, restarting, stopped, or too busy.

    Nothing of the transaction was kept, unless it was lost while it committed; then it may stand
    or not, and doing it again must be harmless. The same call may succeed later, on the same
    `Database`.
    """


WEB = MetaData(info=history("web"))

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
        # on a server a look needs no transaction around it: two round trips less
        self._reading = (
            self.engine
            if self.dialect == "sqlite"
            else self.engine.execution_options(isolation_level="AUTOCOMMIT")
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
        said = self.url.query.get("options", ())
        options = " ".join([_PLANNING, *((said,) if isinstance(said, str) else said)])
        engine = create_engine(
            self.url, pool_size=pool_size, max_overflow=10, connect_args={"options": options}
        )

        @event.listens_for(engine, "checkin")
        def leave(_connection: Any, record: Any) -> None:
            record.info["left"] = _CLOCK.monotonic()

        @event.listens_for(engine, "checkout")
        def take(connection: Any, record: Any, _proxy: Any) -> None:
            # Asking each time would cost a request two round trips; a connection that broke a
            # moment ago says so itself, and then all of them are opened anew.
            if _CLOCK.monotonic() - record.info.get("left", 0.0) > PROBED_AFTER_S:
                try:
                    engine.dialect.do_ping(connection)
                except engine.dialect.loaded_dbapi.Error as error:
                    raise DisconnectionError(str(error)) from error

        return engine

    def create(self, metadata: MetaData) -> None:
        """Give the database the tables of *metadata* as this program knows them.

        What is not there is created; older tables are brought forward by the steps of the
        component's history (`migrations_store`).

        Raises `Misuse` naming the database when it cannot be opened or is none, or when its
        tables are of a newer version, or of one nobody numbered.
        """
        try:
            if history_of(metadata) is not None:
                bring_forward(self, metadata)
                return
            with self.write() as connection:
                metadata.create_all(connection)
                there = columns_in(connection, list(metadata.tables))
        except (DatabaseError, DatabaseAway) as error:
            cause = error.__cause__ if isinstance(error, DatabaseAway) else error
            reason = " ".join(str(getattr(cause, "orig", cause)).split())
            raise Misuse(
                f"the database {self.url.render_as_string()} cannot be used ({reason})",
                remedy="start its server, or name another one with --database or HOCBA_DATABASE",
            ) from error
        if missing := missing_columns(there, metadata):
            raise Misuse(
                f"the database {self.url.render_as_string()} was made by another version of the "
                f"sandbox ({', '.join(missing[:3])} missing)",
                remedy="start with a new folder (--data FOLDER, or move the old one away); "
                "practice data are made anew",
            )

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open one transaction that commits durably on leaving and rolls back on error.

        Raises `DatabaseAway`, also from within the block, when the database cannot do it now.
        """
        with _said_plainly(), self.engine.connect() as connection:
            try:
                if self.dialect == "sqlite":
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                yield connection
                if self.dialect == "sqlite":
                    _sqlite_end(connection, "COMMIT")
                connection.commit()
            except BaseException as error:
                self._give_up(connection)
                self._open_anew_after(error)
                raise

    @contextmanager
    def read(self, *, exact: bool = False) -> Iterator[Connection]:
        """Open a read-only snapshot.

        *exact*: on PostgreSQL too, every statement of the block sees the same moment. Raises
        `DatabaseAway`, also from within the block, when the database cannot do it now.
        """
        engine = self.engine if exact else self._reading
        with _said_plainly(), engine.connect() as connection:
            try:
                if self.dialect == "sqlite":
                    connection.exec_driver_sql("BEGIN")
                elif exact:
                    connection.exec_driver_sql(
                        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
                    )
                yield connection
            finally:
                self._give_up(connection)

    def _give_up(self, connection: Connection) -> None:
        """Roll back; a connection that cannot even do that is thrown away."""
        try:
            if self.dialect == "sqlite":
                _sqlite_end(connection, "ROLLBACK")
            connection.rollback()
        except (SQLAlchemyError, sqlite3.Error):
            connection.invalidate()

    def _open_anew_after(self, error: BaseException) -> None:
        """Keep no SQLite connection that was opened while its file could not be written.

        It would stay read-only for ever, also when the file can be written again.
        """
        if self.dialect == "sqlite" and isinstance(error, Exception) and _is_away(error):
            self.engine.dispose()

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _sqlite_end(connection: Connection, word: str) -> None:
    """End the transaction we began by hand, if one is still open."""
    raw = connection.connection.dbapi_connection
    if raw is not None and raw.in_transaction:
        raw.execute(word)


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Turn what a driver says of a database that is away into `DatabaseAway`."""
    try:
        yield
    except Exception as error:  # also what a driver says by itself, in COPY
        if _is_away(error):
            raise DatabaseAway(_reason(error), retry_after=AWAY_RETRY_S) from error
        raise


SQLITE_AWAY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
"""Primary result codes that pass by themselves or by mending the machine, not the program."""

POSTGRESQL_AWAY = ("08", "25006", "53", "57P", "58030")
"""Beginnings of SQLSTATE: connection lost, read-only, resources (53100 disk full, 53300 too many
connections), stopped or restarting (57P01, 57P02, 57P03), input or output failed."""


def _is_away(error: Exception) -> bool:
    if isinstance(error, NoConnectionLeft):
        return True
    said = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(said, sqlite3.Error):
        code = getattr(said, "sqlite_errorcode", None)
        return code is not None and code & 0xFF in SQLITE_AWAY
    if type(said).__module__.partition(".")[0] != "psycopg":
        return False
    state = getattr(said, "sqlstate", None)
    if state is None:  # the driver's own words: no server there, or the connection broke
        return type(said).__name__ == "OperationalError"
    return str(state).startswith(POSTGRESQL_AWAY)


def _reason(error: Exception) -> str:
    said = getattr(error, "orig", None) or error
    return " ".join(str(said).split())[:200]
