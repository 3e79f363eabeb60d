"""Incidents and figures of the second verifier, for an officer's eyes."""

from __future__ import annotations

from sandbox.ministry import crosscheck_store as kept
from sandbox.ministry import store
from sandbox.ministry.crosscheck_store import Figures, Incident, Standing
from sandbox.ministry.model import Audit
from sandbox.ministry.receipt import Call
from sandbox.web.spaces import Space
from sandbox.web.store import Database


class Incidents:
    """What an officer sees of the cross-check, and does about it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(self, space: Space, desk: str, *, limit: int, skip: int = 0) -> list[Incident]:
        """Return a desk's incidents, open ones first, in each group the newest first."""
        with self._database.read() as connection:
            return kept.incidents_of(connection, space=space.id, desk=desk, limit=limit, skip=skip)

    def find(self, space: Space, desk: str, number: int) -> Incident | None:
        """Return one incident."""
        with self._database.read() as connection:
            return kept.incident_of(connection, number, space=space.id, desk=desk)

    def counts(self, space: Space, desk: str) -> dict[Standing, int]:
        """Return how many incidents of a desk are open, and how many explained."""
        with self._database.read() as connection:
            found = kept.incident_counts(connection, space=space.id, desk=desk)
        return {state: found[state.value] for state in Standing}

    def figures(self, space: Space, desk: str) -> Figures:
        """Return how far the second verifier is with a desk."""
        with self._database.read() as connection:
            return kept.figures(connection, space=space.id, desk=desk)

    def explain(self, call: Call, number: int, *, note: str) -> bool:
        """Close an open incident with what the officer found out; False when it is not open."""
        space, desk, moment = call.space.id, call.desk.desk, call.moment
        with self._database.write() as connection:
            found = kept.incident_of(connection, number, space=space, desk=desk)
            done = found is not None and kept.explain(
                connection, number, space=space, desk=desk, note=note, at=moment.iso
            )
            if found is None or not done:
                return False
            line = Audit(
                actor=call.service,
                action="giai_thich_su_co",
                outcome=Standing.EXPLAINED.value,
                space_time=moment.iso,
                machine_time=moment.machine.isoformat(),
                record_uuid=found.uuid[:36] or None,
                address=call.address,
            )
            store.add_audit(connection, [line], space=space, desk=desk)
        return True
