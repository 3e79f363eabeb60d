"""The tables of the receiving desks. Every key starts with the space, then the desk."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import (
    JSON,
    BigInteger,
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
    bindparam,
    delete,
    event,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from sandbox.ministry.migrations_store import COMPRESSED, STEPS, store_as_it_is
from sandbox.web.migrations_store import history

METADATA = MetaData(info=history("ministry", STEPS))
"""Whoever changes a table here appends a step to `migrations_store.STEPS`."""

Transaction: TypeAlias = Connection
"""An open transaction, for whoever passes it on without speaking SQL."""

ALIVE = ("CIRCULATING", "REPORTED", "RECALL_PENDING", "LOCKED", "CORRECTION_PENDING")
"""States in which a record counts as the pupil's valid one of its year (lifecycle §1)."""


def _key(name: str) -> Column[str]:
    return Column(name, String(64), primary_key=True)


def _table(name: str, *columns: Any) -> Table:
    return Table(f"ministry_{name}", METADATA, _key("space"), _key("desk"), *columns)


desk = _table(
    "desk", Column("kind", String(8), nullable=False), Column("name", Text, nullable=False)
)

account = _table(
    "account",
    Column("user_name", String(200), primary_key=True),
    Column("salt", String(64), nullable=False),
    Column("secret", String(64), nullable=False),
    Column("unit_code", String(64), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("profile", String(16), nullable=False),
    Column("allowed_ips", JSON, nullable=False),
    Column("level", Float, nullable=False),
    Column("level_epoch", Float, nullable=False),
    Column("open", Integer, nullable=False),  # packages acknowledged and without a result
    Column("rank", BigInteger, nullable=False),  # rank given to the latest package
)

token = _table(
    "token",
    Column("token_hash", String(64), primary_key=True),
    Column("user_name", String(200), nullable=False),
    Column("expires_epoch", Float, nullable=False),
)

unit = _table(
    "unit",
    Column("ma_truong", String(64), primary_key=True),
    Column("ten_truong", Text, nullable=False),
    Column("ma_so_giao_duc", String(8), nullable=False),
    Column("ten_so_gd", Text, nullable=False),
    Column("ten_xa_phuong", Text, nullable=False),
    Column("ten_quan_huyen", Text),
    Column("ten_tinh_thanh_pho", Text, nullable=False),
    Column("so_hoc_ba", Integer, nullable=False),
)

certificate = _table(
    "certificate",
    Column("messageid", String(36), primary_key=True),
    Column("unit_code", String(64), nullable=False),
    Column("serial", String(80), nullable=False),
    Column("serial_key", String(80), nullable=False),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("der", LargeBinary, nullable=False),
    Column("not_before", String(40), nullable=False),
    Column("not_after", String(40), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("provider", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("registered_at", String(40), nullable=False),
    Column("decided_at", String(40)),
    Column("reason", Text),
    Column("approved_at", String(40)),
    Column("replaced_at", String(40)),
    Column("request_hash", String(64), nullable=False),
    Column("findings", JSON, nullable=False),
)
Index(
    "ministry_certificate_of_unit",
    certificate.c.space,
    certificate.c.desk,
    certificate.c.unit_code,
    certificate.c.state,
)
Index(
    "ministry_certificate_by_serial",
    certificate.c.space,
    certificate.c.desk,
    certificate.c.serial_key,
)

package = _table(
    "package",
    Column("messageid", String(36), primary_key=True),
    Column("user_name", String(200), nullable=False),
    Column("unit_code", String(64), nullable=False),
    Column("nam_hoc", Integer, nullable=False),
    Column("request_hash", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("received_epoch", Float, nullable=False),
    Column("received_at", String(40), nullable=False),
    Column("due_epoch", Float, nullable=False),
    Column("rank", BigInteger, nullable=False),
    Column("claimed_by", String(80)),
    Column("claim_until", Float),
    Column("attempts", Integer, nullable=False),
    Column("faults", Integer, nullable=False),
    Column("reason", Text),
    Column("records", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("timings", JSON, nullable=False),
    Column("lines", LargeBinary),  # the answer per record, compressed; see package_store
    Column("finished_epoch", Float),
)
IS_OPEN = text("ministry_package.state IN ('cho', 'dang_kiem')")
"""Said with its values, not with parameters: only so do both databases know the queue's index."""
_OPEN = text("state IN ('cho', 'dang_kiem')")
Index(
    "ministry_package_queue",
    package.c.rank,
    package.c.received_epoch,
    package.c.messageid,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)
Index("ministry_package_settled", package.c.finished_epoch, package.c.space, package.c.desk)
Index(
    "ministry_package_weight",
    package.c.state,
    package.c.size,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)
Index(
    "ministry_package_latest",
    package.c.space,
    package.c.desk,
    package.c.received_epoch,
)

body = _table(
    "body",
    Column("messageid", String(36), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
"""What was sent, as it was sent; gone once the package is settled and its frame is kept."""

frame = _table(
    "frame",
    Column("messageid", String(36), primary_key=True),
    Column("document", LargeBinary, nullable=False),
)
"""The document of a settled package, compressed: its records are cut out of it (step 10)."""

record = _table(
    "record",
    Column("uuid", String(36), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("school_code", String(64), nullable=False),
    Column("department_code", String(8), nullable=False),
    Column("school_year", String(16), nullable=False),
    Column("pupil_id", String(16), nullable=False),
    Column("pupil_code", String(64), nullable=False),
    Column("pupil_name", Text, nullable=False),
    Column("sex", String(8), nullable=False),
    Column("birth_date", String(10), nullable=False),
    Column("state", String(24), nullable=False),
    Column("messageid", String(36), nullable=False),
    Column("start", Integer, nullable=False),
    Column("length", Integer, nullable=False),
    Column("accepted_at", String(40), nullable=False),
)
_LIVING = "state IN (" + ", ".join(f"'{state}'" for state in ALIVE) + ")"
IS_ALIVE = text(f"ministry_record.{_LIVING}")
"""As `IS_OPEN`, for the index that holds the living records."""
_ALIVE = text(_LIVING)
Index("ministry_record_in_order", record.c.space, record.c.desk, record.c.number, unique=True)
Index(
    "ministry_record_one_alive",
    record.c.space,
    record.c.desk,
    record.c.pupil_id,
    record.c.school_year,
    unique=True,
    sqlite_where=_ALIVE,
    postgresql_where=_ALIVE,
)

pupil = _table(
    "pupil",
    Column("pupil_id", String(16), primary_key=True),
    Column("name", Text, nullable=False),
    Column("sex", String(8), nullable=False),
    Column("birth_date", String(10), nullable=False),
    Column("pupil_code", String(64), nullable=False),
)
"""Facts of pupils none of whose records is alive; of the others the living records tell them."""

progress = _table(
    "progress",
    Column("school_code", String(64), primary_key=True),
    Column("accepted", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("packages", BigInteger, nullable=False),
)

counter = _table(
    "counter",
    Column("name", String(16), primary_key=True),
    Column("value", BigInteger, nullable=False),
    Column("hash", String(64)),  # of the last line, where a chain is counted
)

exchange = _table(
    "exchange",
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("service", String(64), nullable=False),
    Column("user_name", String(200)),
    Column("type", String(2)),
    Column("messageid", String(64)),
    Column("status", Integer, nullable=False),
    Column("error", String(16), nullable=False),
    Column("address", String(64), nullable=False),
    Column("space_time", String(40), nullable=False),
    Column("machine_time", String(40), nullable=False),
)

audit = _table(
    "audit",
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
    Column("lines", LargeBinary, nullable=False),  # see store.add_audit
    Column("hash", String(64), nullable=False),
)
"""Lines of the audit trail, as many to a row as one transaction wrote; `number` is the first's."""

fault = _table("fault", Column("plan", JSON, nullable=False))


look = _table(
    "look",
    Column("ticket", String(32), primary_key=True),
    Column("visitor", String(64), nullable=False),
    Column("epoch", Float, nullable=False),
    Column("shows_data", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
"""Files somebody looks at, for half an hour; desk is always `-`."""


@event.listens_for(METADATA, "after_create")
def _store_compressed_as_it_is(
    _metadata: MetaData, connection: Connection, tables: Collection[Table] = (), **_options: Any
) -> None:
    made = {table.name for table in tables}
    for name, column in COMPRESSED:
        if name in made:
            store_as_it_is(connection, name, column)


def upsert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return the dialect's INSERT that can say what happens on a conflict."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def take_numbers(
    connection: Connection, *, space: str, desk: str, name: str, count: int = 1
) -> int:
    """Count *name* up by *count* and return the first of the numbers taken.

    The row stays locked until the transaction ends, so numbers appear in order without gaps
    and two workers settle one after the other at a desk.
    """
    return take_link(connection, space=space, desk=desk, name=name, count=count)[0]


def take_link(
    connection: Connection, *, space: str, desk: str, name: str, count: int = 1
) -> tuple[int, str | None]:
    """As `take_numbers`, and return the hash of the chain's last line with it."""
    here = {"at_space": space, "at_desk": desk, "at_name": name, "more": count}
    taken = connection.execute(_counting(connection.dialect.name), here).one()
    return int(taken.value) - count + 1, taken.hash


@cache
def _counting(dialect: str) -> Any:
    """Build the statement once: it runs several times for every request."""
    given = {
        "space": bindparam("at_space"),
        "desk": bindparam("at_desk"),
        "name": bindparam("at_name"),
        "value": bindparam("more", type_=BigInteger),
    }
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    statement = insert(counter).values(**given)
    return statement.on_conflict_do_update(
        index_elements=["space", "desk", "name"],
        set_={"value": counter.c.value + statement.excluded.value},
    ).returning(counter.c.value, counter.c.hash)


def close_link(connection: Connection, digest: str, *, space: str, desk: str, name: str) -> None:
    """Keep the hash of the chain's new last line."""
    here = {"at_space": space, "at_desk": desk, "at_name": name, "last": digest}
    connection.execute(_CLOSING, here)


_CLOSING = (
    update(counter)
    .where(
        counter.c.space == bindparam("at_space"),
        counter.c.desk == bindparam("at_desk"),
        counter.c.name == bindparam("at_name"),
    )
    .values(hash=bindparam("last"))
)


def forget_space(connection: Connection, *, space: str) -> None:
    """Delete every row of *space*, at all desks."""
    for table in METADATA.sorted_tables:
        connection.execute(delete(table).where(table.c.space == space))
