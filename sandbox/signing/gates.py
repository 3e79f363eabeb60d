"""What must hold before a request reaches its instrument (spec/signing-practice.md §3.1–§3.6).

A refusal is returned, not raised, so that what the fault plan counted on the way is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.errors import Misuse
from sandbox.signing import apps, faults, request_store
from sandbox.signing.model import Event, StoredRequest
from sandbox.signing.office import Turn
from sandbox.signing.problems import Code, Declined
from sandbox.wire.signing import Instrument, NewTransaction, Status

SIM_REST = timedelta(seconds=50)
"""Between two requests on a SIM, by the space's clock (signing-practice §3.6)."""
REMOTE = (Instrument.A, Instrument.A_OTP, Instrument.B, Instrument.GR)
"""Instruments that use up a signing turn of the bought package."""
STEP = "gui"
"""The fault plan's name of the moment a request is sent."""


def admit(turn: Turn, new: NewTransaction) -> Declined | None:
    """Return why *new* cannot go to its instrument now; None when it can.

    SERVICE_AWAY (E14b), INSTRUMENT_LIMIT, and of the signer's own requests NOT_ACTIVATED (E14a),
    SERVICE_PACK_EXEED_OR_INVALID and INSTRUMENT_RESTING (E3 of a SIM). Noted in the ledger.
    """
    declined = _first(turn, new)
    if declined is None:
        for code in ("E14b", "luot_ky"):
            faults.recover(turn, new.signer_id, code)
        return None
    turn.note(
        Event.DECLINED,
        holder=new.signer_id,
        code=declined.code.value,
        instrument=new.instrument.value,
        count=len(new.items),
    )
    return declined


def _first(turn: Turn, new: NewTransaction) -> Declined | None:
    if not new.instrument.token and faults.take(turn, new.signer_id, "E14b", step=STEP):
        return Declined(Code.SERVICE_AWAY)
    if len(new.items) > new.instrument.most:
        return Declined(
            Code.INSTRUMENT_LIMIT,
            pointer="/items",
            limit=new.instrument.most,
            count=len(new.items),
        )
    if new.stranger:
        return None
    return _not_activated(turn, new) or _no_turns(turn, new) or _resting(turn, new)


def _not_activated(turn: Turn, new: NewTransaction) -> Declined | None:
    if not new.instrument.in_app:
        return None
    apps.play(turn, new.signer_id)
    if apps.state_in(turn, new.signer_id, new.instrument).active:
        return None
    return Declined(Code.NOT_ACTIVATED, pointer="/instrument")


def _no_turns(turn: Turn, new: NewTransaction) -> Declined | None:
    if new.instrument not in REMOTE:
        return None
    if faults.take(turn, new.signer_id, "luot_ky", step=STEP):
        return Declined(Code.SERVICE_PACK_EXEED_OR_INVALID)
    most = turns_of(turn.switches)
    if most is None:
        return None
    used = request_store.count_signed(
        turn.connection, turn.space, new.signer_id, instruments=REMOTE
    )
    if used + len(new.items) > most:
        return Declined(Code.SERVICE_PACK_EXEED_OR_INVALID)
    return None


def _resting(turn: Turn, new: NewTransaction) -> Declined | None:
    if new.instrument is not Instrument.S:
        return None
    last = request_store.latest_ended(
        turn.connection, turn.space, new.signer_id, instruments=(Instrument.S,)
    )
    left = rest_left(last, at=turn.at)
    return Declined(Code.INSTRUMENT_RESTING, seconds=left) if left else None


def rest_left(last: StoredRequest | None, *, at: datetime) -> int:
    """Return how many whole seconds a SIM still rests after its *last* request; 0: none."""
    if last is None or last.ended is None:
        return 0
    ended = last.ended
    if last.status is Status.EXPIRED and last.expires is not None:
        ended = min(ended, last.expires)
    # A clock set back must not make the SIM rest for days.
    left = int((ended + SIM_REST - at).total_seconds())
    return left if 0 < left <= SIM_REST.total_seconds() else 0


def turns_of(switches: Mapping[str, Any]) -> int | None:
    """Return how many signing turns each signer's package holds; None: no end.

    The space's switch `signing_turns`. Raises `Misuse` for a value that means nothing.
    """
    most = switches.get("signing_turns")
    if most is None:
        return None
    if isinstance(most, bool) or not isinstance(most, int) or most < 0:
        raise Misuse(f"signing_turns: {most!r}", remedy="0 or more, or none at all")
    return most
