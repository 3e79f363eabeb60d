"""Step 10: what a settled package leaves behind, all in the settling transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sandbox.domain.lifecycle import RecordState
from sandbox.domain.rejections import SUCCESS
from sandbox.ministry import findings as kept
from sandbox.ministry.checking.verdict import RecordVerdict
from sandbox.ministry.model import Audit, Moment, Package, RecordRow, ResultLine, Tally


def stored_rows(
    accepted: Iterable[RecordVerdict],
    package: Package,
    *,
    first_number: int,
    state: RecordState,
    at: datetime,
) -> list[RecordRow]:
    """Return the rows of accepted records, numbered on from *first_number* (step 10).

    Their bytes are those of the package's document, from `start` on. *at* is the space clock.
    """
    return [
        _row(verdict, package, first_number + offset, state, at)
        for offset, verdict in enumerate(accepted)
    ]


def _row(
    verdict: RecordVerdict, package: Package, number: int, state: RecordState, at: datetime
) -> RecordRow:
    assert verdict.card is not None
    general, record = verdict.card.general, verdict.record
    return RecordRow(
        uuid=general.record_id.lower(),
        number=number,
        school_code=general.school_code,
        department_code=general.department_code,
        school_year=general.school_year,
        pupil_id=general.pupil_id,
        pupil_code=general.pupil_code,
        pupil_name=general.pupil_name,
        sex=general.sex.value,
        birth_date=general.birth_date.isoformat(),
        state=state.value,
        messageid=package.messageid,
        start=record.start,
        length=record.end - record.start,
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


def tallies(records: Iterable[RecordVerdict]) -> dict[str, Tally]:
    """Return what the records say per school, the code as written."""
    seen: dict[str, list[bool]] = {}
    for record in records:
        seen.setdefault(record.identity.school_code or "", []).append(record.accepted)
    return {
        school: Tally(sum(answers), len(answers) - sum(answers), 1)
        for school, answers in seen.items()
    }


def audit_lines(
    package: Package,
    records: Iterable[RecordVerdict],
    *,
    accepted_as: RecordState,
    moment: Moment,
) -> list[Audit]:
    """Return one line per record: what became of it (lifecycle §9)."""
    space_time, machine_time = moment.iso, moment.machine.isoformat()
    return [
        Audit(
            actor=package.user_name,
            action="ket_qua",
            outcome=SUCCESS if record.accepted else record.findings[0].code,
            space_time=space_time,
            machine_time=machine_time,
            record_uuid=(record.identity.uuid or "")[:36].lower() or None,
            old_state=RecordState.SENT.value,
            new_state=(accepted_as if record.accepted else RecordState.REJECTED).value,
            digest=record.digest,
        )
        for record in records
    ]
