"""Statements about what people sign with."""

from __future__ import annotations

from sqlalchemy import Column, Connection, String, delete, insert, select

from sandbox.portal.store import space_table
from sandbox.wire.signing import Instrument

MEANS = space_table(
    "means",
    Column("person_id", String(20), primary_key=True),
    Column("instrument", String(8), nullable=False),
)


def chosen(connection: Connection, space: str, person_id: str) -> Instrument | None:
    """Return what a person chose to sign with; None when nothing was chosen."""
    found = connection.execute(
        select(MEANS.c.instrument).where(MEANS.c.space == space, MEANS.c.person_id == person_id)
    ).scalar()
    return None if found is None else Instrument(found)


def choose(connection: Connection, space: str, person_id: str, instrument: Instrument) -> None:
    """Keep what a person signs with from now on."""
    connection.execute(delete(MEANS).where(MEANS.c.space == space, MEANS.c.person_id == person_id))
    connection.execute(
        insert(MEANS).values(space=space, person_id=person_id, instrument=instrument.value)
    )
