"""Statements about the practice computer: the tokens on its table and how it stands.

The table names which certificate lies in which token; no key and no PIN is kept here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from sqlalchemy import Column, Connection, Integer, String, Table, Text, delete, insert, select

from sandbox.signing import holder_store
from sandbox.signing.model import StoredCredential
from sandbox.signing.store import HOLDER, METADATA
from sandbox.wire.signing import Instrument

ON_TABLE = "@usb"
"""Holder of certificates that lie in a token only: no phone shows them, no sender is told."""

TOKEN = Table(
    "signing_token",
    METADATA,
    Column("space", String(64), primary_key=True),
    Column("holder", String(64), primary_key=True),
    Column("name", String(16), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("serial", String(64), nullable=False),
)
"""What lies on the practice table of a holder; `number` is painted on the token."""

COMPUTER = Table(
    "signing_computer",
    METADATA,
    Column("space", String(64), primary_key=True),
    Column("holder", String(64), primary_key=True),
    Column("state", Text, nullable=False),
)
"""Computers that were touched; one that was not stands as it was set up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Computer:
    """How a holder's practice computer stands (curriculum §4.4, §4.5)."""

    plugged: str = ""
    """Name of the token in the port; "" when the port is empty."""
    hand: str = ""
    """Name of the token the plain button plugs in; "" when one has to choose."""
    loose: bool = False
    """In the port, but not firmly: no light until it is plugged in once more."""
    service: str = "bat"
    """The signing software: tat → dang_bat → bat."""
    typing: str = "E"
    """V: Vietnamese typing is on, and what arrives is not what was meant."""
    caps: bool = False
    missing: list[str] = field(default_factory=list)
    """Families of tokens (U, G) whose driver is not installed."""
    fetched: str = ""
    """Serial of the certificate read since the token was plugged in."""
    stopped: str = ""
    """Where the last reading stopped: E4, E5, driver, E8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableToken:
    """One token on the practice table."""

    name: str
    number: int
    credential: StoredCredential

    @property
    def instrument(self) -> Instrument:
        """U, or G for one of the government's authority: its driver, PIN form and counter."""
        return Instrument.G if self.credential.issuer == "GIA_LAP_CO_YEU" else Instrument.U


def computer_of(connection: Connection, space: str, holder: str) -> Computer:
    """Return how a holder's computer stands."""
    query = select(COMPUTER.c.state).where(COMPUTER.c.space == space, COMPUTER.c.holder == holder)
    text = connection.execute(query).scalar()
    return Computer() if text is None else Computer(**json.loads(text))


def keep_computer(connection: Connection, space: str, holder: str, computer: Computer) -> None:
    """Write how a holder's computer stands now."""
    mine = (COMPUTER.c.space == space) & (COMPUTER.c.holder == holder)
    connection.execute(delete(COMPUTER).where(mine))
    state = json.dumps(asdict(computer), sort_keys=True)
    connection.execute(insert(COMPUTER).values(space=space, holder=holder, state=state))


def tokens_of(connection: Connection, space: str, holder: str) -> list[TableToken]:
    """Return what lies on a holder's table, by number; empty before it was laid."""
    query = (
        select(TOKEN)
        .where(TOKEN.c.space == space, TOKEN.c.holder == holder)
        .order_by(TOKEN.c.number)
    )
    found = []
    for row in connection.execute(query).all():
        credential = holder_store.credential_of(connection, space, row.serial)
        if credential is not None:
            found.append(TableToken(name=row.name, number=row.number, credential=credential))
    return found


def lay(connection: Connection, space: str, holder: str, tokens: Iterable[TableToken]) -> None:
    """Put tokens on a holder's table."""
    rows = [
        {
            "space": space,
            "holder": holder,
            "name": token.name,
            "number": token.number,
            "serial": token.credential.serial,
        }
        for token in tokens
    ]
    if rows:
        connection.execute(insert(TOKEN), rows)


def neighbour_of(
    connection: Connection, space: str, holder: str, *, unlike: str
) -> StoredCredential | None:
    """Return another holder's personal certificate, not of the person *unlike*; the next one's."""
    for side in (HOLDER.c.id > holder, HOLDER.c.id < holder):
        query = select(HOLDER.c.id).where(HOLDER.c.space == space, side).order_by(HOLDER.c.id)
        for found in connection.execute(query.limit(20)).scalars().all():
            for credential in holder_store.credentials_of(connection, space, found):
                if credential.kind == "person" and credential.subject_id != unlike:
                    return credential
    return None


def fetched_of(connection: Connection, space: str, holder: str) -> TableToken | None:
    """Return the token in the port whose certificate was read since it was plugged in."""
    computer = computer_of(connection, space, holder)
    if not computer.plugged or not computer.fetched:
        return None
    for token in tokens_of(connection, space, holder):
        if token.name == computer.plugged and token.credential.serial == computer.fetched:
            return token
    return None
