"""What can come of a confirmation, whatever the instrument."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from sandbox.signing.model import StoredRequest


class Outcome(Enum):
    """What came of a PIN typed on the phone."""

    SIGNED = auto()
    """The request is SIGNED now (some items may have failed alone)."""
    FAILED = auto()
    """The PIN was right, yet nothing could be signed."""
    WRONG_PIN = auto()
    LOCKED = auto()
    """Locked by this entry or already before; the PIN was not looked at in the latter case."""
    ENDED = auto()
    """The request had ended before: signed, refused, expired or withdrawn."""
    NOT_READY = auto()
    """The app is not activated, the phone cannot run it, or the SIM still has its first PIN."""
    WRONG_CERTIFICATE = auto()
    """Another certificate was chosen than the request asks for; it keeps waiting."""
    WRONG_CODE = auto()
    """The one-time code was not right, too old, or used already; the request keeps waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """The answer to a typed PIN."""

    outcome: Outcome
    request: StoredRequest
    attempts_left: int
