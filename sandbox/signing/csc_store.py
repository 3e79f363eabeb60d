"""Statements about tokens, authorisations and call-backs of the CSC API.

Tokens and signature activation data are kept as SHA-256 only: whoever reads the database can use
neither. Passwords, PINs and codes are not here at all.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)

from sandbox.signing.store import HOLDER, METADATA, values_of

TOKEN = Table(
    "signing_csc_token",
    METADATA,
    Column("space", String(64), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("grant", String(36), nullable=False),
    Column("subject", String(96), nullable=False),
    Column("holder", String(64)),
    Column("expires_epoch", Float, nullable=False),
    Column("revoked", Boolean, nullable=False),
    Index("signing_csc_token_grant", "space", "grant"),
)

AUTHORISATION = Table(
    "signing_csc_authorisation",
    METADATA,
    Column("space", String(64), primary_key=True),
    Column("id", String(36), primary_key=True),
    Column("subject", String(96), nullable=False),
    Column("holder", String(64), nullable=False),
    Column("serial", String(64), nullable=False),
    Column("allowed", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    Column("current", String(64), nullable=False),
    Column("bound", Text, nullable=False),
    Column("signed", Text, nullable=False),
    Column("expires", String(32), nullable=False),
)

SAD = Table(
    "signing_csc_sad",
    METADATA,
    Column("space", String(64), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("authorisation", String(36), nullable=False),
)
"""Every SAD ever given out, so that one that was replaced is told from one never seen."""

CALLBACK = Table(
    "signing_csc_callback",
    METADATA,
    Column("space", String(64), primary_key=True),
    Column("request", String(36), primary_key=True),
    Column("subject", String(96), nullable=False),
    Column("url", String(500)),
    Column("client_data", Text),
    Column("sent", Boolean, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """A token without the token."""

    digest: str
    kind: str
    grant: str
    subject: str
    holder: str | None
    expires_epoch: float
    revoked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorisation:
    """Leave to sign: by whom, with what, how often, which hashes (base64)."""

    id: str
    subject: str
    holder: str
    serial: str
    allowed: int
    used: int = 0
    current: str
    """Digest of the SAD that counts now."""
    bound: tuple[str, ...]
    """Hashes that may still be signed, each as often as it stands here."""
    signed: tuple[str, ...] = ()
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCallback:
    """Who asked for a confirmation, and where its one call-back goes."""

    request: str
    subject: str
    url: str | None = None
    client_data: str | None = field(default=None, repr=False)
    sent: bool = False


def digest_of(secret: str) -> str:
    """Return under what name a token or SAD is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def add_token(connection: Connection, space: str, token: StoredToken) -> None:
    """Insert a token."""
    connection.execute(insert(TOKEN).values(space=space, **asdict(token)))


def token_of(connection: Connection, space: str, secret: str) -> StoredToken | None:
    """Return what is known of a token, or None."""
    query = select(TOKEN).where(TOKEN.c.space == space, TOKEN.c.digest == digest_of(secret))
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    return StoredToken(**values_of(StoredToken, row))


def revoke(connection: Connection, space: str, token: StoredToken) -> None:
    """Revoke a token; with a refresh token every token of its grant ends."""
    which = (
        TOKEN.c.grant == token.grant if token.kind == "refresh" else TOKEN.c.digest == token.digest
    )
    connection.execute(update(TOKEN).where(TOKEN.c.space == space, which).values(revoked=True))


def add_authorisation(connection: Connection, space: str, made: Authorisation) -> None:
    """Insert an authorisation and its first SAD."""
    connection.execute(insert(AUTHORISATION).values(space=space, **_values(made)))
    _add_sad(connection, space, made)


def authorisation_of(connection: Connection, space: str, sad: str) -> Authorisation | None:
    """Return the authorisation *sad* belongs to, or belonged to, or None."""
    query = (
        select(AUTHORISATION)
        .join(
            SAD,
            (SAD.c.space == AUTHORISATION.c.space) & (SAD.c.authorisation == AUTHORISATION.c.id),
        )
        .where(SAD.c.space == space, SAD.c.digest == digest_of(sad))
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    values = values_of(Authorisation, row)
    values["bound"] = tuple(json.loads(row["bound"]))
    values["signed"] = tuple(json.loads(row["signed"]))
    values["expires"] = datetime.fromisoformat(row["expires"])
    return Authorisation(**values)


def set_authorisation(
    connection: Connection, space: str, changed: Authorisation, *, new_sad: bool = False
) -> None:
    """Write how an authorisation stands now; *new_sad*: `current` is a SAD not yet known."""
    connection.execute(
        update(AUTHORISATION)
        .where(AUTHORISATION.c.space == space, AUTHORISATION.c.id == changed.id)
        .values(**_values(changed))
    )
    if new_sad:
        _add_sad(connection, space, changed)


def add_callback(connection: Connection, space: str, asked: StoredCallback) -> None:
    """Remember who asked for a confirmation."""
    connection.execute(insert(CALLBACK).values(space=space, **asdict(asked)))


def callback_of(connection: Connection, space: str, request: str) -> StoredCallback | None:
    """Return who asked for a confirmation, or None for one that did not come over this API."""
    query = select(CALLBACK).where(CALLBACK.c.space == space, CALLBACK.c.request == request)
    row = connection.execute(query).first()
    return None if row is None else _callback(row)


def claim_callback(connection: Connection, space: str, request: str) -> StoredCallback | None:
    """Return the call-back of *request* and mark it sent; None when there is none left to send."""
    claimed = connection.execute(
        update(CALLBACK)
        .where(
            CALLBACK.c.space == space,
            CALLBACK.c.request == request,
            CALLBACK.c.url.is_not(None),
            CALLBACK.c.sent.is_(False),
        )
        .values(sent=True)
    ).rowcount
    return callback_of(connection, space, request) if claimed else None


def every_holder(connection: Connection, space: str, *, limit: int) -> list[tuple[str, str]]:
    """Return (id, name) of the holders of a space, by id."""
    query = (
        select(HOLDER.c.id, HOLDER.c.name)
        .where(HOLDER.c.space == space)
        .order_by(HOLDER.c.id)
        .limit(limit)
    )
    return [(row.id, row.name) for row in connection.execute(query)]


def _add_sad(connection: Connection, space: str, made: Authorisation) -> None:
    connection.execute(insert(SAD).values(space=space, digest=made.current, authorisation=made.id))


def _values(made: Authorisation) -> dict[str, object]:
    return asdict(made) | {
        "bound": json.dumps(made.bound),
        "signed": json.dumps(made.signed),
        "expires": made.expires.isoformat(),
    }


def _callback(row: Row[tuple[object, ...]]) -> StoredCallback:
    return StoredCallback(
        request=row.request,
        subject=row.subject,
        url=row.url,
        client_data=row.client_data,
        sent=bool(row.sent),
    )
