"""PINs: six digits, kept only as salted scrypt, compared in constant time.

What was typed is never stored, logged, echoed or counted by digit: the service learns only
*match*, *no match*, or how many digits arrived (errors-teachers-meet E7, "Never").
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata

from sandbox.errors import SandboxError

PIN_DIGITS = 6
# Six digits can be tried out by anybody who steals the database, whatever the cost; the cost is
# kept low (4 MiB, about 10 ms) so that a room of forty old laptops confirming at once stays quick.
_COST, _BLOCK, _PARALLEL = 2**12, 8, 1
_SALT_BYTES, _HASH_BYTES = 16, 32


class NotSixDigits(SandboxError):
    """What arrived is no PIN yet; `received` digits were counted, nothing else is kept."""

    def __init__(self, received: int) -> None:
        self.received = received
        super().__init__(f"{received} digits")


def read_pin(typed: str) -> str:
    """Return the six digits of *typed*, spaces dropped (learner-experience F2).

    Raises `NotSixDigits`.
    """
    bare = "".join(typed.split())
    # Full-width or other scripts' digits come from odd keyboards; they are digits all the same.
    digits = [str(unicodedata.decimal(sign)) for sign in bare if sign.isdecimal()]
    if len(digits) != PIN_DIGITS or len(digits) != len(bare):
        raise NotSixDigits(len(digits))
    return "".join(digits)


def new_salt() -> bytes:
    """Return a fresh salt."""
    return secrets.token_bytes(_SALT_BYTES)


def hash_pin(pin: str, *, salt: bytes) -> bytes:
    """Return the scrypt hash of *pin*. Raises `NotSixDigits`."""
    return hashlib.scrypt(
        read_pin(pin).encode("ascii"),
        salt=salt,
        n=_COST,
        r=_BLOCK,
        p=_PARALLEL,
        dklen=_HASH_BYTES,
    )


def matches(pin: str, *, salt: bytes, expected: bytes) -> bool:
    """Tell whether *pin* is the one behind *expected*. Raises `NotSixDigits`."""
    return hmac.compare_digest(hash_pin(pin, salt=salt), expected)
