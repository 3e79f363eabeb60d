"""The phone's counter of wrong PINs: one for the phone's pages and for the CSC API."""

from __future__ import annotations

from sandbox.signing import holder_store
from sandbox.signing.model import Event, Holder
from sandbox.signing.office import Turn


def count_wrong_pin(turn: Turn, holder: Holder, *, request: str = "") -> int:
    """Count one more wrong PIN and return how many may follow; 0: this one locked the phone."""
    wrong = holder.wrong_pins + 1
    locks = wrong >= turn.limits.wrong_pins
    holder_store.set_counter(
        turn.connection,
        turn.space,
        holder.id,
        wrong_pins=wrong,
        locked=locks,
        times_locked=holder.times_locked + locks,
    )
    left = max(0, turn.limits.wrong_pins - wrong)
    turn.note(Event.WRONG_PIN, holder=holder.id, request=request, attempts_left=left)
    if locks:
        turn.note(Event.LOCKED, holder=holder.id, request=request, times=holder.times_locked + 1)
    return left


def forget_wrong_pins(turn: Turn, holder: Holder) -> None:
    """Begin the counter anew: the PIN was right."""
    if holder.wrong_pins:
        holder_store.set_counter(
            turn.connection, turn.space, holder.id, wrong_pins=0, times_locked=holder.times_locked
        )
