"""Chance keyed by number: what is drawn for one pupil never depends on who was drawn before.

Two forms of one rule, a hash of seed, path and number: `draw` gives a whole `random.Random` for
the few things a practice school draws, `rolled` gives 64 bytes at the price of one hash for the
millions of draws of a nation. Only integers are drawn, so that no machine's mathematics library
can make a difference.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

Value = TypeVar("Value")


def draw(seed: str, *key: object) -> random.Random:
    """Return the generator that belongs to *key* under *seed*; the same one every time.

    The key's parts are written out and hashed (SHA-256), so the order of calls, the process and
    PYTHONHASHSEED make no difference.
    """
    return random.Random(int.from_bytes(path_key(seed, *key)[:16], "big"))


def path_key(seed: str, *path: object) -> bytes:
    """Return the 32 bytes that stand for *path* under *seed* in `rolled`."""
    text = "\x1f".join([seed, *(str(part) for part in path)])
    return hashlib.sha256(text.encode()).digest()


def rolled(key: bytes, number: int) -> bytes:
    """Return the 64 random bytes of *number* (0 to 2**64 - 1) under *key*."""
    return hashlib.blake2b(key + number.to_bytes(8, "big")).digest()


def spread(values: Sequence[Value], shares: Sequence[int], *, cells: int) -> tuple[Value, ...]:
    """Return *cells* cells that hold the *values* in proportion to their *shares*.

    An even draw of a cell is a draw of a value. Shares are rounded by the largest remainder, so
    that each value is off by less than one cell.
    """
    counts = apportion(cells, shares)
    return tuple(value for value, count in zip(values, counts, strict=True) for _ in range(count))


def apportion(total: int, weights: Sequence[int]) -> list[int]:
    """Return *total* split by *weights* into whole parts (largest remainder; ties: the first).

    Raises:
        ValueError: no weight is positive.
    """
    whole = sum(weights)
    if whole <= 0:
        raise ValueError("nothing to split by")
    parts = [total * weight // whole for weight in weights]
    rest = total - sum(parts)
    if rest:
        order = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
        for place in order[:rest]:
            parts[place] += 1
    return parts
