"""The fault plan of a holder: what goes wrong on purpose, how often, and whether it was mended.

Nothing wrong is built into signing itself (architecture §6.7): a page or a route asks `take`
whether something is armed for its step and then plays it; the same seed and the same actions give
the same faults (errors-teachers-meet §4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sandbox.signing import holder_store, instrument_store
from sandbox.signing.model import ArmedFault, Event
from sandbox.signing.office import Office, Turn
from sandbox.signing.problems import Code, Declined
from sandbox.web import Space
from sandbox.wire.signing import Fault


class Faults:
    """Arms fault plans and tells what became of them."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def arm(self, space: Space, holder_id: str, faults: Sequence[Fault]) -> list[ArmedFault]:
        """Add *faults* to a holder's plan; return the whole plan.

        Raises `Declined` SIGNER_NOT_EXIST.
        """
        with self._office.turn(space) as turn:
            if holder_store.holder_of(turn.connection, space.id, holder_id) is None:
                raise Declined(Code.SIGNER_NOT_EXIST, signer=holder_id)
            for fault in faults:
                instrument_store.add_fault(
                    turn.connection,
                    space.id,
                    holder_id,
                    code=fault.ma,
                    step=fault.khi,
                    subject=fault.doi_tuong,
                    times=fault.so_lan,
                    by=fault.boi,
                )
                turn.note(Event.FAULT_ARMED, holder=holder_id, code=fault.ma, by=fault.boi)
            return instrument_store.faults_of(turn.connection, space.id, holder_id)

    def plan(self, space: Space, holder_id: str) -> list[ArmedFault]:
        """Return a holder's plan."""
        with self._office.database.read() as connection:
            return instrument_store.faults_of(connection, space.id, holder_id)


def armed(turn: Turn, holder_id: str, code: str, *, step: str = "") -> ArmedFault | None:
    """Return the first entry for *code* at *step* that still fires, without using it up."""
    for fault in instrument_store.faults_of(turn.connection, turn.space, holder_id):
        if fault.code == code and fault.left and fault.step in ("", step):
            return fault
    return None


def take(turn: Turn, holder_id: str, code: str, *, step: str = "") -> ArmedFault | None:
    """Let an armed fault fire once: it is met, and fires once less. None when nothing is armed."""
    fault = armed(turn, holder_id, code, step=step)
    if fault is None:
        return None
    if fault.met is None:
        turn.note(Event.FAULT_MET, holder=holder_id, code=code, step=step)
    after = replace(fault, left=fault.left - 1, met=fault.met or turn.at)
    instrument_store.set_fault(turn.connection, turn.space, holder_id, after)
    return after


def recover(turn: Turn, holder_id: str, code: str) -> None:
    """Mark every met entry for *code* as mended now."""
    for fault in instrument_store.faults_of(turn.connection, turn.space, holder_id):
        if fault.code == code and fault.met is not None and fault.recovered is None:
            instrument_store.set_fault(
                turn.connection, turn.space, holder_id, replace(fault, recovered=turn.at)
            )
