"""The nation's distributions, turned from the table of shares into thresholds and cells."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from sandbox.synthetic import tables
from sandbox.synthetic.chance import spread

SHARES: dict[str, Any] = tables.tree("nation_shares.toml")


def threshold(per_mille: int) -> int:
    """Return the bound below which *per_mille* of a thousand two-byte draws lie."""
    return per_mille * 65_536 // 1_000


def thresholds(per_mille: list[int]) -> tuple[int, ...]:
    """Return the running bounds of two-byte draws for shares that sum to 1,000."""
    return tuple(threshold(bound) for bound in accumulate(per_mille))


def byte_cells(weights: Mapping[str, int]) -> bytes:
    """Return 256 cells of whole numbers: a translation table for single random bytes."""
    return bytes(spread([int(v) for v in weights], list(weights.values()), cells=256))
