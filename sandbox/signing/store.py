"""The signing service's tables and what concerns a space as a whole.

Every statement of this package runs on a connection somebody else opened, so that one transaction
can cover several stores. A writer first takes its turn (`ledger_store.take_turn`).
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    RowMapping,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
)

from sandbox.web.migrations_store import history

__all__ = [
    "CHAIN",
    "CREDENTIAL",
    "DEVICE",
    "FAULT",
    "HOLDER",
    "INSTRUMENT",
    "ITEM",
    "LEDGER",
    "LIVE",
    "METADATA",
    "PAIRING",
    "REQUEST",
    "SIGNATURE",
    "Connection",
    "delete_space",
    "values_of",
]

METADATA = MetaData(info=history("signing"))


def _space() -> Column[str]:
    return Column("space", String(64), primary_key=True)


HOLDER = Table(
    "signing_holder",
    METADATA,
    _space(),
    Column("id", String(64), primary_key=True),
    Column("name", String(150), nullable=False),
    Column("pin_salt", LargeBinary, nullable=False),
    Column("pin_hash", LargeBinary, nullable=False),
    Column("wrong_pins", Integer, nullable=False, default=0),
    Column("locked", Boolean, nullable=False, default=False),
    Column("times_locked", Integer, nullable=False, default=0),
)

CREDENTIAL = Table(
    "signing_credential",
    METADATA,
    _space(),
    Column("serial", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("subject_id", String(64), nullable=False),
    Column("subject_name", String(150), nullable=False),
    Column("issuer", String(32), nullable=False),
    Column("algorithm", String(16), nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("key_label", String(300), nullable=False),
    Column("not_before", String(32), nullable=False),
    Column("not_after", String(32), nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Index("signing_credential_holder", "space", "holder"),
)

DEVICE = Table(
    "signing_device",
    METADATA,
    _space(),
    Column("token", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("replaced", Boolean, nullable=False, default=False),
    Index("signing_device_holder", "space", "holder"),
)

INSTRUMENT = Table(
    "signing_instrument",
    METADATA,
    _space(),
    Column("holder", String(64), primary_key=True),
    Column("instrument", String(8), primary_key=True),
    Column("wrong_pins", Integer, nullable=False, default=0),
    Column("locked", Boolean, nullable=False, default=False),
    Column("times_locked", Integer, nullable=False, default=0),
    Column("facts", Text, nullable=False),
)
"""Instruments that were touched; one that was not stands as it left the box."""

FAULT = Table(
    "signing_fault",
    METADATA,
    _space(),
    Column("holder", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("code", String(32), nullable=False),
    Column("step", String(32), nullable=False),
    Column("subject", String(100), nullable=False),
    Column("times", Integer, nullable=False),
    Column("left", Integer, nullable=False),
    Column("by", String(16), nullable=False),
    Column("met", String(32)),
    Column("recovered", String(32)),
)

PAIRING = Table(
    "signing_pairing",
    METADATA,
    _space(),
    Column("code", String(4), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("made_epoch", Float, nullable=False),
    UniqueConstraint("space", "holder"),
)

REQUEST = Table(
    "signing_request",
    METADATA,
    _space(),
    Column("id", String(36), primary_key=True),
    Column("signer", String(64), nullable=False),
    Column("idempotency", String(100), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("serial", String(64), nullable=False),
    Column("purpose", String(200), nullable=False),
    Column("portal", String(200), nullable=False),
    Column("return_path", String(500)),
    Column("stranger", Boolean, nullable=False),
    Column("instrument", String(8), nullable=False),
    Column("status", String(16), nullable=False),
    Column("created", String(32), nullable=False),
    Column("expires", String(32)),
    Column("ended", String(32)),
    UniqueConstraint("space", "signer", "idempotency"),
)

ITEM = Table(
    "signing_item",
    METADATA,
    _space(),
    Column("request", String(36), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("key", String(100), nullable=False),
    Column("record_uuid", String(64), nullable=False),
    Column("slot", String(32), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("label", String(200), nullable=False),
    Column("status", String(16), nullable=False),
    Column("error", String(64)),
    Column("signature", LargeBinary),
)

LIVE = Table(
    "signing_live",
    METADATA,
    _space(),
    Column("signer", String(64), primary_key=True),
    Column("request", String(36), nullable=False),
)
"""At most one waiting request for each signer (E3): the primary key says so."""

SIGNATURE = Table(
    "signing_signature",
    METADATA,
    _space(),
    Column("record_uuid", String(64), primary_key=True),
    Column("slot", String(32), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("serial", String(64), nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
"""Never two signatures for one (record, slot, digest): the primary key says so."""

LEDGER = Table(
    "signing_ledger",
    METADATA,
    _space(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("machine_at", String(40), nullable=False),
    Column("event", String(16), nullable=False),
    Column("holder", String(64), nullable=False),
    Column("request", String(36), nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("signing_ledger_holder", "space", "holder"),
)

CHAIN = Table(
    "signing_chain",
    METADATA,
    _space(),
    Column("number", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)
"""The head of each space's ledger; locking its row is taking one's turn."""


def delete_space(connection: Connection, space: str) -> None:
    """Delete every row of *space*; other spaces are not touched."""
    for table in METADATA.sorted_tables:
        connection.execute(delete(table).where(table.c.space == space))


def values_of(kind: type, row: RowMapping) -> dict[str, Any]:
    """Return what *row* holds of the fields of the dataclass *kind*, as it stands there."""
    return {field.name: row[field.name] for field in fields(kind)}
