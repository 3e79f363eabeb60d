"""Statements about the instruments of a holder and the fault plan armed for one."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from sandbox.signing.model import ArmedFault, InstrumentState
from sandbox.signing.store import FAULT, INSTRUMENT
from sandbox.wire.signing import Instrument


def state_of(
    connection: Connection, space: str, holder: str, instrument: Instrument
) -> InstrumentState:
    """Return how an instrument stands; one never touched stands as it left the box."""
    query = select(INSTRUMENT).where(
        INSTRUMENT.c.space == space,
        INSTRUMENT.c.holder == holder,
        INSTRUMENT.c.instrument == instrument.value,
    )
    row = connection.execute(query).first()
    if row is None:
        return InstrumentState(instrument=instrument)
    return InstrumentState(
        instrument=instrument,
        wrong_pins=row.wrong_pins,
        locked=bool(row.locked),
        times_locked=row.times_locked,
        facts=json.loads(row.facts),
    )


def keep(connection: Connection, space: str, holder: str, state: InstrumentState) -> None:
    """Write how an instrument stands now."""
    mine = (
        (INSTRUMENT.c.space == space)
        & (INSTRUMENT.c.holder == holder)
        & (INSTRUMENT.c.instrument == state.instrument.value)
    )
    connection.execute(delete(INSTRUMENT).where(mine))
    connection.execute(
        insert(INSTRUMENT).values(
            space=space,
            holder=holder,
            instrument=state.instrument.value,
            wrong_pins=state.wrong_pins,
            locked=state.locked,
            times_locked=state.times_locked,
            facts=json.dumps(dict(state.facts), sort_keys=True, ensure_ascii=False),
        )
    )


def add_fault(
    connection: Connection,
    space: str,
    holder: str,
    *,
    code: str,
    step: str,
    subject: str,
    times: int,
    by: str,
) -> None:
    """Append an entry to a holder's fault plan."""
    last = connection.execute(
        select(func.max(FAULT.c.number)).where(FAULT.c.space == space, FAULT.c.holder == holder)
    ).scalar()
    connection.execute(
        insert(FAULT).values(
            space=space,
            holder=holder,
            number=(last or 0) + 1,
            code=code,
            step=step,
            subject=subject,
            times=times,
            left=times,
            by=by,
        )
    )


def faults_of(connection: Connection, space: str, holder: str) -> list[ArmedFault]:
    """Return a holder's fault plan, in the order it was armed."""
    query = (
        select(FAULT)
        .where(FAULT.c.space == space, FAULT.c.holder == holder)
        .order_by(FAULT.c.number)
    )
    return [_fault(row) for row in connection.execute(query)]


def set_fault(connection: Connection, space: str, holder: str, fault: ArmedFault) -> None:
    """Write what became of an entry."""
    connection.execute(
        update(FAULT)
        .where(FAULT.c.space == space, FAULT.c.holder == holder, FAULT.c.number == fault.number)
        .values(left=fault.left, met=_text(fault.met), recovered=_text(fault.recovered))
    )


def _fault(row: Row[Any]) -> ArmedFault:
    return ArmedFault(
        number=row.number,
        code=row.code,
        step=row.step,
        subject=row.subject,
        times=row.times,
        left=row.left,
        by=row.by,
        met=_moment(row.met),
        recovered=_moment(row.recovered),
    )


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
