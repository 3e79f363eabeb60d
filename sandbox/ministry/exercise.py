"""The settings of a space's exercise that checking obeys and `thong-tin` publishes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.documents import Limits, Switches
from sandbox.domain.lifecycle import LockDates
from sandbox.errors import Misuse
from sandbox.ministry.model import RECORDS_PER_PACKAGE, UNPACKED_BYTES
from sandbox.web.spaces import Space

LOCK_SWITCH = "ngay_chot"
WAITING_SWITCH = "cho_danh_gia_bo_sung"
UNPACKED_SWITCH = "giai_nen_10_mb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """How strictly records are read here, and when the year is locked."""

    school_year: str
    era: str
    switches: Switches
    limits: Limits
    locks: LockDates
    waiting: frozenset[str] = frozenset()
    """Personal IDs of pupils in WAIT_EXTRA: the second lock date counts for them."""
    teacher: str = "theo_ten"

    @property
    def switches_said(self) -> Mapping[str, Any]:
        """`cong_tac` of `thong-tin` (transactions §4.1)."""
        return {
            "do_dai_chat": self.switches.strict_lengths,
            "thu_tu_the": "sequence" if self.switches.sequence else "all",
            "muc_bang_chu": self.switches.words,
            "gvcn": self.teacher,
            "bi_danh": self.switches.aliases,
        }


def exercise_of(space: Space) -> Exercise:
    """Return the exercise of *space*: its switches, or the defaults of transactions §4.1.

    Raises:
        Misuse: the space's lock dates are not two moments with a time zone.
    """
    said = space.switches
    unpacked = 10 * 1_048_576 if said.get(UNPACKED_SWITCH, False) else UNPACKED_BYTES
    return Exercise(
        school_year=space.school_year,
        era=space.era,
        switches=Switches(
            strict_lengths=bool(said.get("do_dai_chat", True)),
            sequence=said.get("thu_tu_the", "sequence") == "sequence",
            words=bool(said.get("muc_bang_chu", False)),
            aliases=bool(said.get("bi_danh", True)),
        ),
        limits=Limits(unpacked=unpacked, records=RECORDS_PER_PACKAGE),
        locks=_locks(space),
        waiting=frozenset(said.get(WAITING_SWITCH, ())),
    )


def _locks(space: Space) -> LockDates:
    said = space.switches.get(LOCK_SWITCH)
    if said is None:
        return LockDates.of(space.school_year)
    try:
        first, second = (datetime.fromisoformat(text) for text in said)
        return LockDates(first, second)
    except (TypeError, ValueError) as fault:
        raise Misuse(
            f"{space.id}: {LOCK_SWITCH}={said!r}", remedy="two ISO moments with +07:00"
        ) from fault
