"""Statements about the fault plans that the portal itself plays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, String, func, insert, select, update

from sandbox.portal.store import space_table
from sandbox.wire.signing import Fault, FaultState

DRILL = space_table(
    "drill",
    Column("person_id", String(20), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("code", String(32), nullable=False),
    Column("step", String(32), nullable=False),
    Column("subject", String(100), nullable=False),
    Column("times", Integer, nullable=False),
    Column("left", Integer, nullable=False),
    Column("by", String(16), nullable=False),
    Column("met", String(32)),
    Column("recovered", String(32)),
    Column("note", String(100), nullable=False),
)
SPREAD = space_table(
    "drill_spread",
    Column("person_id", String(20), primary_key=True),
    Column("mark", String(64), primary_key=True),
)
"""Entries of the space's switch that somebody has been given already."""


@dataclass(frozen=True, slots=True)
class Drill:
    """One entry of somebody's plan; `note` is what its play has to remember."""

    number: int
    code: str
    step: str
    subject: str
    times: int
    left: int
    by: str
    met: str | None
    recovered: str | None
    note: str

    @property
    def state(self) -> FaultState:
        """The entry as it is told to others."""
        moments = {
            name: None if said is None else datetime.fromisoformat(said)
            for name, said in (("met", self.met), ("recovered", self.recovered))
        }
        values: dict[str, Any] = {
            "ma": self.code,
            "khi": self.step,
            "doi_tuong": self.subject,
            "so_lan": self.times,
            "boi": self.by,
            "number": self.number,
            "left": self.left,
        }
        return FaultState.model_validate({**values, **moments})


def plan(connection: Connection, space: str, person_id: str) -> list[Drill]:
    """Return somebody's plan, oldest entry first."""
    query = select(DRILL).where(DRILL.c.space == space, DRILL.c.person_id == person_id)
    return [
        Drill(
            number=row.number,
            code=row.code,
            step=row.step,
            subject=row.subject,
            times=row.times,
            left=row.left,
            by=row.by,
            met=row.met,
            recovered=row.recovered,
            note=row.note,
        )
        for row in connection.execute(query.order_by(DRILL.c.number))
    ]


def add(connection: Connection, space: str, person_id: str, faults: Sequence[Fault]) -> None:
    """Add entries to somebody's plan."""
    query = select(func.coalesce(func.max(DRILL.c.number), 0)).where(
        DRILL.c.space == space, DRILL.c.person_id == person_id
    )
    last = int(connection.execute(query).scalar_one())
    rows = [
        {
            "space": space,
            "person_id": person_id,
            "number": last + place,
            "code": fault.ma,
            "step": fault.khi,
            "subject": fault.doi_tuong,
            "times": fault.so_lan,
            "left": fault.so_lan,
            "by": fault.boi,
            "note": "",
        }
        for place, fault in enumerate(faults, start=1)
    ]
    if rows:
        connection.execute(insert(DRILL), rows)


def change(
    connection: Connection, space: str, person_id: str, number: int, **values: object
) -> None:
    """Change `left`, `met`, `recovered` or `note` of an entry."""
    connection.execute(
        update(DRILL)
        .where(DRILL.c.space == space, DRILL.c.person_id == person_id, DRILL.c.number == number)
        .values(**values)
    )


def spread(connection: Connection, space: str, person_id: str, mark: str) -> bool:
    """Note that somebody was given an entry of the space's switch; False when it was before."""
    known = select(SPREAD.c.mark).where(
        SPREAD.c.space == space, SPREAD.c.person_id == person_id, SPREAD.c.mark == mark
    )
    if connection.execute(known).first() is not None:
        return False
    connection.execute(insert(SPREAD).values(space=space, person_id=person_id, mark=mark))
    return True
