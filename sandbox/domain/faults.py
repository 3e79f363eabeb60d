"""What can go wrong on purpose: the codes of a fault plan, and the scenarios they play.

The teachers' errors E1–E15 and the eighteen scenarios of spec/signing-practice.md §4, as data
(`tables/faults.toml`); nothing here makes anything go wrong.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

Place = Literal["ky_so", "cong", "tu_nhien", "gieo", "the"]
"""Who plays a fault: practice devices, portal, nobody (a learner's mistake), a plant, a card."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One code of a fault plan with what an entry holds unless it says otherwise."""

    code: str
    place: Place
    instruments: tuple[str, ...]
    """Keys of signing-practice §3 it can be met with; empty: whatever one signs with."""
    roles: tuple[str, ...]
    lessons: tuple[int, ...]
    step: str
    subject: str
    times: int
    class_wide: bool
    """A trainer may let it happen to everybody at once."""
    words: str | None
    """Stem of the real sentence and its two plain lines, where it has them."""
    test: str

    @property
    def teacher_error(self) -> bool:
        """Whether it is one of E1–E15."""
        return self.code[0] == "E"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario of spec/signing-practice.md §4."""

    number: int
    codes: tuple[str, ...]
    """Faults that play it; empty: it happens by itself, or by data."""
    rejections: tuple[str, ...]
    evidence: str
    test: str


def _fault(row: Mapping[str, Any]) -> FaultKind:
    return FaultKind(
        code=row["ma"],
        place=row["noi"],
        instruments=tuple(row["cong_cu"]),
        roles=tuple(row["vai"]),
        lessons=tuple(row["bai"]),
        step=row["khi"],
        subject=row["doi_tuong"],
        times=row["so_lan"],
        class_wide=row["ca_lop"],
        words=row.get("chu"),
        test=row["thu"],
    )


def _scenario(row: Mapping[str, Any]) -> Scenario:
    return Scenario(
        number=row["so"],
        codes=tuple(row["qua"]),
        rejections=tuple(row["ma_tu_choi"]),
        evidence=row["bang_chung"],
        test=row["thu"],
    )


_TABLE = tomllib.loads(
    files("sandbox.domain.tables").joinpath("faults.toml").read_text(encoding="utf-8")
)
FAULTS: Mapping[str, FaultKind] = {row["ma"]: _fault(row) for row in _TABLE["su_co"]}
"""Every code of a fault plan, E1 first."""
SCENARIOS: tuple[Scenario, ...] = tuple(_scenario(row) for row in _TABLE["kich_ban"])
"""The eighteen scenarios in their order."""
