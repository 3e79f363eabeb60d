"""Step 10: what a settled package leaves behind, all in the settling transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from sandbox.domain.lifecycle import RecordState
from sandbox.domain.rejections import SUCCESS
from sandbox.ministry import findings as kept
from sandbox.ministry import record_store, store
from sandbox.ministry.checking.settling import facts_of
from sandbox.ministry.checking.verdict import RecordVerdict
from sandbox.ministry.model import (
    Audit,
    Moment,
    Package,
    PupilFacts,
    ResultLine,
    StoredRecord,
)
from sandbox.ministry.tables_store import Transaction


def step_10_store(
    connection: Transaction,
    package: Package,
    accepted: Iterable[RecordVerdict],
    *,
    first_number: int,
    state: RecordState,
    held: frozenset[str],
    at: datetime,
) -> None:
    """Keep accepted records byte for byte, and the facts of pupils seen for the first time.

    *held* are the personal IDs of which facts are held already; *at* is the space clock.
    """
    new: dict[str, PupilFacts] = {}
    rows = []
    for offset, verdict in enumerate(accepted):
        assert verdict.card is not None
        facts = facts_of(verdict.card)
        if facts.pupil_id not in held:
            new.setdefault(facts.pupil_id, facts)
        rows.append(_stored(verdict, package, first_number + offset, state, at))
    record_store.add_pupils(connection, new.values(), space=package.space, desk=package.desk)
    record_store.add_records(connection, rows, space=package.space, desk=package.desk)


def _stored(
    verdict: RecordVerdict, package: Package, number: int, state: RecordState, at: datetime
) -> StoredRecord:
    assert verdict.card is not None
    general = verdict.card.general
    original = verdict.record.original
    return StoredRecord(
        uuid=general.record_id.lower(),
        number=number,
        school_code=general.school_code,
        department_code=general.department_code,
        school_year=general.school_year,
        pupil_id=general.pupil_id,
        pupil_code=general.pupil_code,
        pupil_name=general.pupil_name,
        birth_date=general.birth_date.isoformat(),
        state=state.value,
        xml=original,
        sha256=hashlib.sha256(original).hexdigest(),
        messageid=package.messageid,
        accepted_at=at.isoformat(),
    )


def result_line(record: RecordVerdict) -> ResultLine:
    """Return the line that answers type 2 for *record*."""
    identity = record.identity
    return ResultLine(
        number=record.number,
        uuid=identity.uuid,
        pupil_code=identity.pupil_code,
        pupil_name=identity.pupil_name,
        pupil_id=identity.pupil_id,
        accepted=record.accepted,
        findings=kept.all_to_json(record.findings),
    )


def count(connection: Transaction, package: Package, records: Iterable[RecordVerdict]) -> None:
    """Count per school of the register; a code that is in none has no row to count in."""
    seen: dict[str, list[bool]] = {}
    for record in records:
        seen.setdefault(record.identity.school_code or "", []).append(record.accepted)
    known = store.units_named(connection, seen, space=package.space, desk=package.desk)
    tallies = {
        school: (sum(seen[school]), len(seen[school]) - sum(seen[school])) for school in known
    }
    record_store.count_up(connection, tallies, space=package.space, desk=package.desk)


def audit(
    connection: Transaction,
    package: Package,
    records: Iterable[RecordVerdict],
    *,
    accepted_as: RecordState,
    moment: Moment,
) -> None:
    """Write one line per record: what became of it (lifecycle §9)."""
    lines = [
        Audit(
            actor=package.user_name,
            action="ket_qua",
            outcome=SUCCESS if record.accepted else record.findings[0].code,
            space_time=moment.iso,
            machine_time=moment.machine.isoformat(),
            record_uuid=(record.identity.uuid or "")[:36].lower() or None,
            old_state=RecordState.SENT.value,
            new_state=(accepted_as if record.accepted else RecordState.REJECTED).value,
            digest=record.digest,
        )
        for record in records
    ]
    store.add_audit(connection, lines, space=package.space, desk=package.desk)
