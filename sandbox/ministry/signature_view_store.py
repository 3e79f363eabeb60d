"""Files whose signatures somebody looks at: kept for half an hour, for that visitor alone."""

from __future__ import annotations

import gzip
import secrets
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from sandbox.ministry import tables_store as t

KEPT_S: Final = 1800.0
"""Machine seconds a file is kept."""
OF_A_VISITOR: Final = 3
OF_ALL: Final = 200
"""Files kept at once: of one visitor, and of the whole installation."""
LARGEST: Final = 2 * 1_048_576
"""Bytes of one file."""
_DESK: Final = "-"


@dataclass(frozen=True, slots=True)
class Kept:
    """A file somebody looks at."""

    content: bytes = field(repr=False)
    shows_data: bool
    """False for a record found by five items: no marks are shown."""


def keep(
    connection: Connection,
    content: bytes,
    *,
    space: str,
    visitor: str,
    epoch: float,
    shows_data: bool = True,
) -> str:
    """Keep *content* and return its ticket; what is too old or too much is dropped."""
    connection.execute(delete(t.look).where(t.look.c.epoch < epoch - KEPT_S))
    _keep_latest(connection, OF_A_VISITOR - 1, visitor=visitor)
    _keep_latest(connection, OF_ALL - 1)
    ticket = secrets.token_hex(12)
    connection.execute(
        insert(t.look).values(
            space=space,
            desk=_DESK,
            ticket=ticket,
            visitor=visitor,
            epoch=epoch,
            shows_data=int(shows_data),
            content=gzip.compress(content, compresslevel=6, mtime=0),
        )
    )
    return ticket


def kept(
    connection: Connection, ticket: str, *, space: str, visitor: str, epoch: float
) -> Kept | None:
    """Return what *visitor* keeps under *ticket*; None when it is not theirs or too old."""
    row = connection.execute(
        select(t.look.c.content, t.look.c.shows_data).where(
            t.look.c.space == space,
            t.look.c.desk == _DESK,
            t.look.c.ticket == ticket,
            t.look.c.visitor == visitor,
            t.look.c.epoch >= epoch - KEPT_S,
        )
    ).one_or_none()
    return None if row is None else Kept(gzip.decompress(row.content), bool(row.shows_data))


def _keep_latest(connection: Connection, most: int, *, visitor: str | None = None) -> None:
    mine = t.look.c.visitor == visitor if visitor is not None else t.look.c.ticket != ""
    tickets = connection.execute(
        select(t.look.c.ticket).where(mine).order_by(t.look.c.epoch.desc()).offset(most)
    ).scalars()
    for ticket in tickets.all():
        connection.execute(delete(t.look).where(t.look.c.ticket == ticket))
