"""The life of one record: every step of the table, and nothing else."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest

from sandbox.clock import VIETNAM
from sandbox.domain.lifecycle import (
    TRANSITIONS,
    Guard,
    LockDates,
    RecordEvent,
    RecordState,
    Role,
    TransitionRefused,
    locked,
    transition,
)

S, E, R = RecordState, RecordEvent, Role

PRINTED = [
    (None, E.INITIALISE, R.VAN_THU, S.DRAFT),
    (None, E.INITIALISE, R.QUAN_TRI, S.DRAFT),
    (None, E.INITIALISE, R.HOC_VU, S.DRAFT),
    (None, E.WAIT, R.HE_THONG, S.WAIT_EXTRA),
    (S.WAIT_EXTRA, E.INITIALISE, R.VAN_THU, S.DRAFT),
    (S.DRAFT, E.CHECK, R.GVCN, S.CHECKED),
    (S.CHECKED, E.SIGN_GVBM, R.GVBM, S.SIGNED_GVBM),
    (S.CHECKED, E.SIGN_GVCN, R.GVCN, S.SIGNED_GVCN),
    (S.SIGNED_GVBM, E.SIGN_GVCN, R.GVCN, S.SIGNED_GVCN),
    (S.SIGNED_GVCN, E.SIGN_CBQL, R.CBQL, S.SIGNED_CBQL),
    (S.CHECKED, E.SIGN_CBQL_FOR_TEACHER, R.CBQL, S.SIGNED_CBQL),
    (S.SIGNED_CBQL, E.SIGN_ISSUE, R.VAN_THU, S.ISSUE_SIGNED),
    (S.ISSUE_SIGNED, E.SEND, R.VAN_THU, S.SENT),
    (S.ISSUE_SIGNED, E.SEND, R.QUAN_TRI, S.SENT),
    (S.SENT, E.ACCEPT, R.SO, S.CIRCULATING),
    (S.SENT, E.ACCEPT, R.BO, S.CIRCULATING),
    (S.SENT, E.REJECT, R.SO, S.REJECTED),
    (S.REJECTED, E.REPAIR, R.GVCN, S.DRAFT),
    (S.REJECTED, E.REPACK, R.VAN_THU, S.ISSUE_SIGNED),
    (S.REJECTED, E.LEADER_MISSING, R.CBQL, S.SIGNED_GVCN),
    (S.CIRCULATING, E.REPORT, R.SO, S.REPORTED),
    (S.DRAFT, E.EDIT, R.GVCN, S.DRAFT),
    (S.CHECKED, E.EDIT, R.HOC_VU, S.DRAFT),
    (S.SIGNED_GVBM, E.CANCEL_AGREED, R.GVCN, S.DRAFT),
    (S.SIGNED_GVCN, E.CANCEL_AGREED, R.GVCN, S.DRAFT),
    (S.SIGNED_CBQL, E.CANCEL_AGREED, R.HOC_VU, S.DRAFT),
    (S.ISSUE_SIGNED, E.CANCEL_AGREED, R.GVCN, S.DRAFT),
    (S.CIRCULATING, E.ASK_RECALL, R.SO, S.CIRCULATING),
    (S.REPORTED, E.ASK_RECALL, R.SO, S.REPORTED),
    (S.CIRCULATING, E.REQUEST_RECALL, R.VAN_THU, S.RECALL_PENDING),
    (S.REPORTED, E.REQUEST_RECALL, R.CBQL, S.RECALL_PENDING),
    (S.RECALL_PENDING, E.APPROVE_RECALL, R.SO, S.RECALLED),
    (S.RECALLED, E.RECREATE, R.VAN_THU, S.DRAFT),
    (S.CIRCULATING, E.LOCK, R.HE_THONG, S.LOCKED),
    (S.REPORTED, E.LOCK, R.SO, S.LOCKED),
    (S.LOCKED, E.REQUEST_CORRECTION, R.CBQL, S.CORRECTION_PENDING),
    (S.LOCKED, E.CHANGE_CIVIL_STATUS, R.VAN_THU, S.CORRECTION_PENDING),
    (S.CORRECTION_PENDING, E.APPROVE_CORRECTION, R.SO, S.SUPERSEDED),
]


@pytest.mark.parametrize(("source", "event", "role", "target"), PRINTED)
def test_each_printed_step_leads_where_the_table_says(source, event, role, target):
    """Rows of spec/lifecycle.md §2."""
    assert transition(source, event, role) is target


def test_the_table_holds_no_step_beyond_the_printed_ones():
    """From every state, every other event is refused as SBX-5009, whoever asks."""
    known = {(source, event) for source, event, _, _ in PRINTED}
    known.add((S.RECALL_PENDING, E.REFUSE_RECALL))
    assert {(step.source, step.event) for step in TRANSITIONS} == known
    for source, event in itertools.product([None, *S], E):
        if (source, event) not in known:
            with pytest.raises(TransitionRefused, match="SBX-5009"):
                transition(source, event, R.VAN_THU)


def test_every_state_is_reached_and_every_event_is_used():
    """No state of §1 and no event stands idle."""
    reached = {step.target for step in TRANSITIONS} | {step.source for step in TRANSITIONS}
    assert reached - {None} == set(S)
    assert {step.event for step in TRANSITIONS} == set(E)
    assert {guard for step in TRANSITIONS for guard in step.guards} == set(Guard)


@pytest.mark.parametrize(
    ("source", "event", "role"),
    [
        (S.CHECKED, E.SIGN_GVCN, R.CBQL),
        (S.SIGNED_GVCN, E.SIGN_CBQL, R.GVCN),
        (S.SIGNED_CBQL, E.SIGN_ISSUE, R.QUAN_TRI),
        (S.DRAFT, E.EDIT, R.QUAN_TRI),
        (S.DRAFT, E.EDIT, R.SO),
        (S.SENT, E.ACCEPT, R.VAN_THU),
        (S.LOCKED, E.REQUEST_CORRECTION, R.SO),
        (S.RECALL_PENDING, E.APPROVE_RECALL, R.CBQL),
        (None, E.INITIALISE, R.GVCN),
        (S.REPORTED, E.LOCK, R.PHU_HUYNH),
    ],
)
def test_a_step_belongs_to_its_role(source, event, role):
    """The administrator never touches results; only the issuing school edits; SBX-5010."""
    with pytest.raises(TransitionRefused) as refused:
        transition(source, event, role)
    assert refused.value.code == "SBX-5010"
    assert refused.value.findings[0].value == role.value


def test_signing_happens_in_order():
    """The leader never signs before the teacher, the seal never before the leader."""
    for source, event, role in (
        (S.DRAFT, E.SIGN_GVCN, R.GVCN),
        (S.CHECKED, E.SIGN_CBQL, R.CBQL),
        (S.SIGNED_GVCN, E.SIGN_ISSUE, R.VAN_THU),
        (S.SIGNED_CBQL, E.SEND, R.VAN_THU),
    ):
        with pytest.raises(TransitionRefused, match="SBX-5009"):
            transition(source, event, role)


def test_a_condition_that_is_not_met_refuses():
    """With guards given, each one of the step must be there as True."""
    met = {Guard.NOT_LOCKED: True, Guard.WITHIN_SIZE: True, Guard.PACKER: True}
    assert transition(S.ISSUE_SIGNED, E.SEND, R.VAN_THU, met) is S.SENT
    for missing in met:
        for guards in (met | {missing: False}, {g: v for g, v in met.items() if g != missing}):
            with pytest.raises(TransitionRefused) as refused:
                transition(S.ISSUE_SIGNED, E.SEND, R.VAN_THU, guards)
            assert refused.value.findings[0].expected == missing.value


@pytest.mark.parametrize("before", [S.CIRCULATING, S.REPORTED])
def test_a_refused_recall_leaves_the_record_where_it_was(before):
    """The record goes back to the state it had before the request."""
    assert transition(S.RECALL_PENDING, E.REFUSE_RECALL, R.BO, before=before) is before


def test_a_refused_recall_must_say_where_the_record_goes_back_to():
    """Without that, or to a state that could not be recalled, there is no step."""
    for before in (None, S.LOCKED):
        with pytest.raises(TransitionRefused, match="SBX-5009"):
            transition(S.RECALL_PENDING, E.REFUSE_RECALL, R.SO, before=before)


def test_a_reported_record_is_recalled_by_the_ministry():
    """Once the ministry holds it, the department's word alone does not recall a record."""
    with pytest.raises(TransitionRefused, match="SBX-5010"):
        transition(S.RECALL_PENDING, E.APPROVE_RECALL, R.SO, before=S.REPORTED)
    done = transition(S.RECALL_PENDING, E.APPROVE_RECALL, R.BO, before=S.REPORTED)
    assert done is S.RECALLED


def test_the_default_lock_dates_are_the_end_of_june_and_mid_august():
    """1789 đ.21: 30 June and 15 August, 23:59:59 +07:00."""
    dates = LockDates.of("2024-2025")
    assert dates.first == datetime(2025, 6, 30, 23, 59, 59, tzinfo=VIETNAM)
    assert dates.second == datetime(2025, 8, 15, 23, 59, 59, tzinfo=VIETNAM)


def test_the_last_second_is_still_open():
    """Locked only after the moment, and later for those who waited for extra assessment."""
    dates = LockDates.of("2024-2025")
    second = timedelta(seconds=1)
    assert not locked(dates, dates.first)
    assert locked(dates, dates.first + second)
    assert not locked(dates, dates.first + second, waited=True)
    assert locked(dates, dates.second + second, waited=True)


def test_lock_dates_are_moments_in_order():
    """Naive moments and a second date before the first are refused."""
    dates = LockDates.of("2024-2025")
    with pytest.raises(ValueError, match="before"):
        LockDates(dates.second, dates.first)
    with pytest.raises(ValueError, match="time zone"):
        LockDates(dates.first.replace(tzinfo=None), dates.second)
    with pytest.raises(ValueError, match="school year"):
        LockDates.of("2024")
