"""What the systems hold, as a lesson sees it: read over HTTP, never from clicks (curriculum §4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sandbox.classroom.lesson import (
    AnyCheck,
    Condition,
    NoLiveRequest,
    SignaturesExactly,
    SignaturesVerify,
    StatesExactly,
    Step,
)
from sandbox.documents import parse_record
from sandbox.domain.report_card import Slot
from sandbox.errors import Refused
from sandbox.pki import Trust
from sandbox.wire.portal import RecordReply
from sandbox.wire.signing import AuditLine
from sandbox.xmldsig import verify_record

NOT_YET = "SBX-3001"
"""A record half-way through its life lacks the later signatures; that alone is no fault here."""

ASKED = "requested"
"""Ledger event that opens a request; any of `ENDINGS` closes it."""
ENDINGS = frozenset({"approved", "refused", "cancelled", "expired"})


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at the learner's class and phone."""

    records: tuple[RecordReply, ...]
    ledger: tuple[AuditLine, ...]
    """The ledger lines of the teacher the learner plays."""
    at: datetime
    """The space's time of the look."""

    @property
    def live_requests(self) -> int:
        """Requests that wait on the phone."""
        asked = {line.transaction for line in self.ledger if line.event == ASKED}
        return len(asked - {line.transaction for line in self.ledger if line.event in ENDINGS})

    def signed(self, slot: Slot) -> list[int]:
        """Return how many signatures each record carries in *slot*."""
        return [sum(s.vai == slot.value for s in record.ky) for record in self.records]


def holds(condition: Condition, seen: Seen) -> bool:
    """Tell whether the named *condition* of a step holds."""
    signed = sum(count > 0 for count in seen.signed(Slot.GVCN))
    waiting = seen.live_requests > 0
    return {
        "chua_ky": signed == 0,
        "khong_cho": not waiting,
        "dang_cho": waiting,
        "da_ky_mot": signed >= 1,
    }[condition]


def step_of(steps: Sequence[Step], page: str, seen: Seen) -> Step | None:
    """Return the first step of *page* whose conditions all hold."""
    for step in steps:
        if page == step.trang and all(holds(condition, seen) for condition in step.khi):
            return step
    return None


def passes(check: AnyCheck, seen: Seen, *, trust: Trust) -> bool:
    """Tell whether one named check of the lesson's success holds."""
    match check:
        case SignaturesExactly():
            counts = seen.signed(check.slot)
            return (
                sum(count == check.each for count in counts) == check.records
                and sum(count == 0 for count in counts) == len(counts) - check.records
            )
        case StatesExactly():
            found: dict[str, int] = {}
            for record in seen.records:
                found[record.trang_thai] = found.get(record.trang_thai, 0) + 1
            return found == {state.value: n for state, n in check.counts.items() if n}
        case NoLiveRequest():
            return seen.live_requests == 0
        case SignaturesVerify():
            return all(_verifies(record, trust, seen.at) for record in seen.records if record.ky)


def _verifies(record: RecordReply, trust: Trust, at: datetime) -> bool:
    """Tell whether every signature the record says it has is really there and right."""
    xml = record.xml_bytes()
    if xml is None:
        return False
    try:
        parsed = parse_record(xml)
        verify_record(parsed, trust=trust, revocations=None, at=at, registered=None)
    except Refused as refused:
        missing = {finding.expected for finding in refused.findings if finding.code == NOT_YET}
        others = [finding for finding in refused.findings if finding.code != NOT_YET]
        said = {signature.vai for signature in record.ky}
        return not others and not missing & said
    return True
