"""Statements about one-time codes: the messages sent, and how often somebody typed wrong.

No code is kept, in clear or otherwise: a code follows from the installation's seed and the
message's own random number, and is computed again when it is shown or checked.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    RowMapping,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from sandbox.signing.store import METADATA, values_of

OTP_MESSAGE = Table(
    "signing_otp_message",
    METADATA,
    Column("space", String(64), primary_key=True),
    Column("holder", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("purpose", String(200), nullable=False),
    Column("sent_at", String(32), nullable=False),
    Column("expires_at", String(32), nullable=False),
    Column("delayed_until", String(32)),
    Column("lost", Boolean, nullable=False),
    Column("used", Boolean, nullable=False),
)

TRIES = Table(
    "signing_tries",
    METADATA,
    Column("space", String(64), primary_key=True),
    Column("holder", String(64), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("wrong", Integer, nullable=False),
    Column("locked_until", String(32)),
    Column("last_step", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """A message as it is kept; `number` counts a holder's messages from 1."""

    holder: str
    number: int
    nonce: bytes
    purpose: str
    sent_at: datetime
    expires_at: datetime
    delayed_until: datetime | None
    lost: bool
    used: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """How a holder stands with one kind of code; `last_step` is the last time step accepted."""

    wrong: int = 0
    locked_until: datetime | None = None
    last_step: int = -1


def messages_of(
    connection: Connection, space: str, holder_id: str, *, limit: int
) -> list[SentMessage]:
    """Return a holder's messages, newest first."""
    query = (
        select(OTP_MESSAGE)
        .where(OTP_MESSAGE.c.space == space, OTP_MESSAGE.c.holder == holder_id)
        .order_by(OTP_MESSAGE.c.number.desc())
        .limit(limit)
    )
    return [_message(row) for row in connection.execute(query).mappings()]


def add_message(connection: Connection, space: str, message: SentMessage) -> None:
    """Insert a message."""
    values: dict[str, Any] = asdict(message)
    for moment in ("sent_at", "expires_at", "delayed_until"):
        values[moment] = None if values[moment] is None else values[moment].isoformat()
    connection.execute(insert(OTP_MESSAGE).values(space=space, **values))


def use_message(connection: Connection, space: str, message: SentMessage) -> None:
    """Mark the code of *message* as used."""
    connection.execute(
        update(OTP_MESSAGE)
        .where(
            OTP_MESSAGE.c.space == space,
            OTP_MESSAGE.c.holder == message.holder,
            OTP_MESSAGE.c.number == message.number,
        )
        .values(used=True)
    )


def tries_of(connection: Connection, space: str, holder_id: str, kind: str) -> Tries:
    """Return how a holder stands with one kind of code."""
    query = select(TRIES).where(
        TRIES.c.space == space, TRIES.c.holder == holder_id, TRIES.c.kind == kind
    )
    row = connection.execute(query).first()
    if row is None:
        return Tries()
    until = None if row.locked_until is None else datetime.fromisoformat(row.locked_until)
    return Tries(wrong=row.wrong, locked_until=until, last_step=row.last_step)


def set_tries(connection: Connection, space: str, holder_id: str, kind: str, tries: Tries) -> None:
    """Write how a holder stands with one kind of code."""
    connection.execute(
        delete(TRIES).where(
            TRIES.c.space == space, TRIES.c.holder == holder_id, TRIES.c.kind == kind
        )
    )
    until = None if tries.locked_until is None else tries.locked_until.isoformat()
    connection.execute(
        insert(TRIES).values(
            space=space,
            holder=holder_id,
            kind=kind,
            wrong=tries.wrong,
            locked_until=until,
            last_step=tries.last_step,
        )
    )


def _message(row: RowMapping) -> SentMessage:
    values = values_of(SentMessage, row)
    for moment in ("sent_at", "expires_at", "delayed_until"):
        text = values[moment]
        values[moment] = None if text is None else datetime.fromisoformat(text)
    return SentMessage(**values)
