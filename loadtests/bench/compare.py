"""Drift: two kept results side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from sandbox.errors import Misuse

RESULTS: Final = Path(__file__).parent / "results"
NOT_FIGURES: Final = frozenset({"load_average", "spread", "turns", "records_per_turn", "trials"})
WORTH_A_LOOK: Final = 0.10
"""Changes from this share on are marked."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One figure in two results."""

    name: str
    before: float
    after: float

    @property
    def change(self) -> float | None:
        """How much it moved, as a share of what it was; None from nothing."""
        return None if self.before == 0 else self.after / self.before - 1


def read(file: Path) -> dict[str, Any]:
    """Return a kept result. Raises `Misuse` when the file is none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise Misuse(f"not a kept result: {fault}", file=str(file)) from fault
    if not isinstance(found, dict) or "version" not in found:
        raise Misuse("not a kept result", file=str(file))
    return found


def drifts(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Drift]:
    """Return every figure both results hold; ratios first, which carry between machines."""
    old, new = dict(_figures(before)), dict(_figures(after))
    found = [Drift(name, old[name], new[name]) for name in new if name in old]
    return sorted(found, key=lambda drift: "ratio" not in drift.name)


def newest_of_another_version(version: str, *, folder: Path = RESULTS) -> Path | None:
    """Return the newest result that another version left behind."""
    found: list[tuple[str, Path]] = []
    for file in folder.glob("*.json"):
        kept = read(file)
        if kept["version"] != version:
            found.append((str(kept.get("measured", "")), file))
    return max(found)[1] if found else None


def table(before: Mapping[str, Any], after: Mapping[str, Any]) -> Table:
    """Return both results side by side with the change."""
    heads = [f"{kept['version']} {str(kept['measured'])[:16]}" for kept in (before, after)]
    made = Table("", *heads, "±", title="drift")
    for drift in drifts(before, after):
        change = drift.change
        said = "" if change is None else f"{change:+.1%}"
        mark = " !" if change is not None and abs(change) >= WORTH_A_LOOK else ""
        made.add_row(drift.name, f"{drift.before:,.6g}", f"{drift.after:,.6g}", said + mark)
    return made


def _figures(told: Mapping[str, Any], *, below: str = "") -> Iterator[tuple[str, float]]:
    for name, value in told.items():
        if name in NOT_FIGURES:
            continue
        if isinstance(value, Mapping):
            yield from _figures(value, below=f"{below}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{below}{name}", float(value)
