"""The life of one record: states, who may move it, and the lock dates (spec/lifecycle.md §1–4).

One table, `TRANSITIONS`, holds every step; `transition` reads it. A guard is a fact the caller
has established (signature valid, certificate approved, …): the table says which ones a step
needs, it cannot look them up itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sandbox.clock import VIETNAM
from sandbox.domain.divisions import first_year
from sandbox.errors import Finding, Refused


class RecordState(StrEnum):
    """States of one record (§1)."""

    DRAFT = "DRAFT"
    CHECKED = "CHECKED"
    SIGNED_GVBM = "SIGNED_GVBM"
    """2026 profile only."""
    SIGNED_GVCN = "SIGNED_GVCN"
    SIGNED_CBQL = "SIGNED_CBQL"
    ISSUE_SIGNED = "ISSUE_SIGNED"
    SENT = "SENT"
    REJECTED = "REJECTED"
    CIRCULATING = "CIRCULATING"
    REPORTED = "REPORTED"
    RECALL_PENDING = "RECALL_PENDING"
    RECALLED = "RECALLED"
    LOCKED = "LOCKED"
    CORRECTION_PENDING = "CORRECTION_PENDING"
    SUPERSEDED = "SUPERSEDED"
    WAIT_EXTRA = "WAIT_EXTRA"


class Role(StrEnum):
    """Who acts (spec/transactions.md §9.1)."""

    GVBM = "GVBM"
    GVCN = "GVCN"
    CBQL = "CBQL"
    VAN_THU = "VAN_THU"
    HOC_VU = "HOC_VU"
    QUAN_TRI = "QUAN_TRI"
    PHONG = "PHONG"
    SO = "SO"
    BO = "BO"
    PHU_HUYNH = "PHU_HUYNH"
    """Parent or pupil: receives and shares, moves nothing."""
    HE_THONG = "HE_THONG"
    """The software itself: close of year, lock dates."""


class RecordEvent(StrEnum):
    """What happens to a record (§2)."""

    INITIALISE = "INITIALISE"
    WAIT = "WAIT"
    """The year result is "Chưa hoàn thành": wait for extra assessment."""
    CHECK = "CHECK"
    SIGN_GVBM = "SIGN_GVBM"
    SIGN_GVCN = "SIGN_GVCN"
    SIGN_CBQL = "SIGN_CBQL"
    SIGN_CBQL_FOR_TEACHER = "SIGN_CBQL_FOR_TEACHER"
    """The leader signs a record that names no class teacher (1789 đ.14.7)."""
    SIGN_ISSUE = "SIGN_ISSUE"
    SEND = "SEND"
    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    REPAIR = "REPAIR"
    """Data must change: back to the draft, new signatures, same UUID."""
    REPACK = "REPACK"
    """Only the packaging was wrong: the same record may be sent again."""
    LEADER_MISSING = "LEADER_MISSING"
    """Only the leader's signature was missing: back to after the teacher."""
    REPORT = "REPORT"
    EDIT = "EDIT"
    CANCEL_AGREED = "CANCEL_AGREED"
    """A signed record is opened again after an agreed request: all signatures go."""
    ASK_RECALL = "ASK_RECALL"
    REQUEST_RECALL = "REQUEST_RECALL"
    APPROVE_RECALL = "APPROVE_RECALL"
    REFUSE_RECALL = "REFUSE_RECALL"
    RECREATE = "RECREATE"
    """The replacement of a recalled record begins; the state returned is the new record's."""
    LOCK = "LOCK"
    REQUEST_CORRECTION = "REQUEST_CORRECTION"
    CHANGE_CIVIL_STATUS = "CHANGE_CIVIL_STATUS"
    """As a correction, reason HO_TICH (1789 đ.21.7)."""
    APPROVE_CORRECTION = "APPROVE_CORRECTION"
    """The old record is superseded; its replacement starts as a DRAFT with a new UUID."""


class Guard(StrEnum):
    """A condition of a step, established by the caller."""

    RESULTS_COMPLETE = "RESULTS_COMPLETE"
    RESULT_SETTLED = "RESULT_SETTLED"
    """Result 1–3, or the head has decided (TT27 đ.11)."""
    PACKER = "PACKER"
    """The actor is the one named by the school's `dong_goi_boi`."""
    RULES_KEPT = "RULES_KEPT"
    OWN_ROWS = "OWN_ROWS"
    TEACHER_SIGNATURE_VALID = "TEACHER_SIGNATURE_VALID"
    TEACHER_HAS_LEFT = "TEACHER_HAS_LEFT"
    CERTIFICATE_APPROVED = "CERTIFICATE_APPROVED"
    NOT_LOCKED = "NOT_LOCKED"
    WITHIN_SIZE = "WITHIN_SIZE"
    CHECKS_DONE = "CHECKS_DONE"
    ONLY_PACKAGING = "ONLY_PACKAGING"
    ONLY_LEADER_MISSING = "ONLY_LEADER_MISSING"
    TOPOLOGY_A = "TOPOLOGY_A"
    NO_SIGNATURE = "NO_SIGNATURE"
    NOT_SENT = "NOT_SENT"
    CANCELLATION_AGREED = "CANCELLATION_AGREED"
    REASON_GIVEN = "REASON_GIVEN"
    NEW_UUID = "NEW_UUID"
    LOCK_DATE_PASSED = "LOCK_DATE_PASSED"
    EVIDENCE_ATTACHED = "EVIDENCE_ATTACHED"


Guards = Mapping[Guard, bool]

SCHOOL: frozenset[Role] = frozenset(
    {Role.GVCN, Role.CBQL, Role.VAN_THU, Role.HOC_VU, Role.QUAN_TRI}
)
"""Whoever the table calls "school"."""
_PACKERS = frozenset({Role.VAN_THU, Role.QUAN_TRI})
_EDITORS = frozenset({Role.GVCN, Role.HOC_VU})
_DESKS = frozenset({Role.SO, Role.BO})

_S, _E, _G = RecordState, RecordEvent, Guard

ACCEPTED: frozenset[RecordState] = frozenset({_S.CIRCULATING, _S.REPORTED})
"""Accepted by a desk and neither recalled nor locked."""


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table; `source` None stands for "no record yet"."""

    source: RecordState | None
    event: RecordEvent
    roles: frozenset[Role]
    target: RecordState | None
    """None: back to where the record came from (a refused recall), or stays as it is."""
    guards: frozenset[Guard] = frozenset()


def _step(
    sources: RecordState | tuple[RecordState | None, ...] | None,
    event: RecordEvent,
    roles: frozenset[Role] | Role,
    target: RecordState | None,
    *guards: Guard,
) -> tuple[Step, ...]:
    allowed = frozenset({roles}) if isinstance(roles, Role) else roles
    several = sources if isinstance(sources, tuple) else (sources,)
    return tuple(Step(source, event, allowed, target, frozenset(guards)) for source in several)


_SIGNED = (_S.SIGNED_GVBM, _S.SIGNED_GVCN, _S.SIGNED_CBQL, _S.ISSUE_SIGNED)
_VALID = (_S.CIRCULATING, _S.REPORTED)

TRANSITIONS: tuple[Step, ...] = (
    *_step(
        (None, _S.WAIT_EXTRA),
        _E.INITIALISE,
        _PACKERS | {Role.HOC_VU},
        _S.DRAFT,
        _G.RESULTS_COMPLETE,
        _G.RESULT_SETTLED,
        _G.PACKER,
    ),
    *_step(None, _E.WAIT, _PACKERS | {Role.HE_THONG}, _S.WAIT_EXTRA),
    *_step(_S.DRAFT, _E.CHECK, Role.GVCN, _S.CHECKED, _G.RULES_KEPT),
    *_step(_S.CHECKED, _E.SIGN_GVBM, Role.GVBM, _S.SIGNED_GVBM, _G.OWN_ROWS),
    *_step((_S.CHECKED, _S.SIGNED_GVBM), _E.SIGN_GVCN, Role.GVCN, _S.SIGNED_GVCN),
    *_step(_S.SIGNED_GVCN, _E.SIGN_CBQL, Role.CBQL, _S.SIGNED_CBQL, _G.TEACHER_SIGNATURE_VALID),
    *_step(_S.CHECKED, _E.SIGN_CBQL_FOR_TEACHER, Role.CBQL, _S.SIGNED_CBQL, _G.TEACHER_HAS_LEFT),
    *_step(_S.SIGNED_CBQL, _E.SIGN_ISSUE, Role.VAN_THU, _S.ISSUE_SIGNED, _G.CERTIFICATE_APPROVED),
    *_step(_S.ISSUE_SIGNED, _E.SEND, _PACKERS, _S.SENT, _G.NOT_LOCKED, _G.WITHIN_SIZE, _G.PACKER),
    *_step(_S.SENT, _E.ACCEPT, _DESKS, _S.CIRCULATING, _G.CHECKS_DONE),
    *_step(_S.SENT, _E.REJECT, _DESKS, _S.REJECTED, _G.CHECKS_DONE),
    *_step(_S.REJECTED, _E.REPAIR, SCHOOL, _S.DRAFT),
    *_step(_S.REJECTED, _E.REPACK, SCHOOL, _S.ISSUE_SIGNED, _G.ONLY_PACKAGING),
    *_step(_S.REJECTED, _E.LEADER_MISSING, SCHOOL, _S.SIGNED_GVCN, _G.ONLY_LEADER_MISSING),
    *_step(_S.CIRCULATING, _E.REPORT, _DESKS, _S.REPORTED, _G.TOPOLOGY_A),
    *_step((_S.DRAFT, _S.CHECKED), _E.EDIT, _EDITORS, _S.DRAFT, _G.NO_SIGNATURE),
    *_step(
        _SIGNED,
        _E.CANCEL_AGREED,
        _EDITORS,
        _S.DRAFT,
        _G.NOT_SENT,
        _G.CANCELLATION_AGREED,
        _G.REASON_GIVEN,
    ),
    *_step(_VALID, _E.ASK_RECALL, Role.SO, None, _G.NOT_LOCKED, _G.REASON_GIVEN),
    *_step(_VALID, _E.REQUEST_RECALL, SCHOOL, _S.RECALL_PENDING, _G.NOT_LOCKED),
    *_step(_S.RECALL_PENDING, _E.APPROVE_RECALL, _DESKS, _S.RECALLED),
    *_step(_S.RECALL_PENDING, _E.REFUSE_RECALL, _DESKS, None),
    *_step(_S.RECALLED, _E.RECREATE, SCHOOL, _S.DRAFT, _G.NEW_UUID),
    *_step(_VALID, _E.LOCK, frozenset({Role.HE_THONG, Role.SO}), _S.LOCKED, _G.LOCK_DATE_PASSED),
    *_step(
        _S.LOCKED,
        _E.REQUEST_CORRECTION,
        SCHOOL,
        _S.CORRECTION_PENDING,
        _G.REASON_GIVEN,
        _G.EVIDENCE_ATTACHED,
    ),
    *_step(_S.LOCKED, _E.CHANGE_CIVIL_STATUS, SCHOOL, _S.CORRECTION_PENDING, _G.EVIDENCE_ATTACHED),
    *_step(_S.CORRECTION_PENDING, _E.APPROVE_CORRECTION, Role.SO, _S.SUPERSEDED, _G.NEW_UUID),
)

_BY_START = {(step.source, step.event): step for step in TRANSITIONS}


class TransitionRefused(Refused):
    """The table has no such step (SBX-5009), or not for this role (SBX-5010)."""


def transition(
    state: RecordState | None,
    event: RecordEvent,
    role: Role,
    guards: Guards | None = None,
    *,
    before: RecordState | None = None,
) -> RecordState:
    """Return the state after *event* done by *role*; *state* None means no record yet.

    *guards*: what the caller has established; each condition of the step that is not there as
    True refuses. None asks about the table alone, for a caller that checks the conditions itself.
    *before*: only for a refused recall, the state to which the record goes back.

    Recalls of a reported record are decided by the ministry after the department (§2): while
    *before* is REPORTED, only BO approves.

    Raises:
        TransitionRefused: SBX-5009 no such step from here or a condition not met; SBX-5010 the
            step belongs to another role.
    """
    step = _BY_START.get((state, event))
    if step is None:
        raise TransitionRefused(_fault("SBX-5009", state, event.value))
    if role not in step.roles or _only_the_ministry(event, role, before):
        raise TransitionRefused(
            Finding("SBX-5010", value=role.value, expected="|".join(sorted(step.roles)))
        )
    if guards is not None:
        unmet = sorted(guard for guard in step.guards if not guards.get(guard, False))
        if unmet:
            raise TransitionRefused(_fault("SBX-5009", state, ", ".join(unmet)))
    if step.target is not None:
        return step.target
    if event is RecordEvent.ASK_RECALL:
        return step.source or RecordState.DRAFT
    if before not in ACCEPTED:
        raise TransitionRefused(_fault("SBX-5009", state, "|".join(sorted(ACCEPTED))))
    return before


def _only_the_ministry(event: RecordEvent, role: Role, before: RecordState | None) -> bool:
    return (
        event is RecordEvent.APPROVE_RECALL
        and before is RecordState.REPORTED
        and role is not Role.BO
    )


def _fault(code: str, state: RecordState | None, expected: str) -> Finding:
    return Finding(code, value=None if state is None else state.value, expected=expected)


@dataclass(frozen=True, slots=True)
class LockDates:
    """The two lock moments of a school year (§4), aware; both are settings of the exercise."""

    first: datetime
    """Last moment for ordinary records: 30 June 23:59:59 +07:00 (1789 đ.21.1)."""
    second: datetime
    """Last moment for pupils who needed extra assessment: 15 August (1789 đ.21.2)."""

    def __post_init__(self) -> None:
        if self.first.tzinfo is None or self.second.tzinfo is None:
            raise ValueError("lock dates need a time zone")
        if self.second < self.first:
            raise ValueError("the second lock date lies before the first")

    @classmethod
    def of(cls, school_year: str) -> LockDates:
        """Return the default lock dates of *school_year*.

        Raises:
            ValueError: the school year is malformed.
        """
        begins = first_year(school_year)
        if begins is None:
            raise ValueError(f"not a school year: {school_year!r}")
        end = begins + 1
        return cls(
            datetime(end, 6, 30, 23, 59, 59, tzinfo=VIETNAM),
            datetime(end, 8, 15, 23, 59, 59, tzinfo=VIETNAM),
        )


def locked(dates: LockDates, at: datetime, *, waited: bool = False) -> bool:
    """Tell whether a record is locked at *at*: SBX-5005 for everything that would change it.

    *waited*: the pupil needed extra assessment (WAIT_EXTRA), so the second date counts.
    """
    return at > (dates.second if waited else dates.first)
