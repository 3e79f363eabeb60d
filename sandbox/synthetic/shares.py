"""The nation's distributions, turned from the table of shares into thresholds and cells."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import accumulate
from typing import Any

from sandbox.domain.divisions import PROVINCES_63
from sandbox.synthetic import tables
from sandbox.synthetic.chance import apportion, spread

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


@cache
def ethnic_bounds() -> dict[str, tuple[tuple[int, ...], tuple[str, ...]]]:
    """Return, by old province code, running bounds of four-byte draws and the groups they end.

    The last bound is 2**32, so that `bisect_right` of a draw is always the place of a group.
    """
    shares: dict[str, dict[str, int]] = {code: {} for code in PROVINCES_63}
    for row in tables.rows("nation_ethnic_shares.csv"):
        shares[row["old_code"]][row["group"]] = round(float(row["share_percent"]) * 10_000)
    return {
        code: (tuple(accumulate(apportion(2**32, list(of.values())))), tuple(of))
        for code, of in shares.items()
    }
