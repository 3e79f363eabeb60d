"""Wrong entries in a row, and the lock they end in: one rule for passwords and one-time codes.

`otp_store.Tries` is how somebody stands; what is asked of it is the same for every kind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sandbox.signing.otp_store import Tries


@dataclass(frozen=True, slots=True)
class Lock:
    """So many wrong entries in a row lock for a *time* of the space's clock."""

    most: int
    time: timedelta

    def until(self, tries: Tries, *, at: datetime) -> datetime | None:
        """Return until when nothing is looked at; None: an entry is looked at."""
        locked = tries.locked_until
        return locked if locked is not None and at < locked else None

    def present(self, tries: Tries, *, at: datetime) -> Tries:
        """Return how one stands at that moment: with a lock that is over, counting begins anew."""
        if tries.locked_until is None or self.until(tries, at=at) is not None:
            return tries
        return replace(tries, wrong=0, locked_until=None)

    def left(self, tries: Tries, *, at: datetime) -> int:
        """Return how many wrong entries there may still be."""
        return max(0, self.most - self.present(tries, at=at).wrong)

    def after(self, tries: Tries, *, right: bool, at: datetime) -> Tries:
        """Return how one stands after an entry that was looked at."""
        wrong = 0 if right else self.present(tries, at=at).wrong + 1
        until = at + self.time if wrong >= self.most else None
        return replace(tries, wrong=wrong, locked_until=until)


PASSWORD = Lock(most=5, time=timedelta(minutes=5))
"""Five wrong passwords lock an account for five minutes (signing-practice §3.1)."""
