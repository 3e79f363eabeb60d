"""Chance keyed by number: what is drawn for one pupil never depends on who was drawn before."""

from __future__ import annotations

import hashlib
import random


def draw(seed: str, *key: object) -> random.Random:
    """Return the generator that belongs to *key* under *seed*; the same one every time.

    The key's parts are written out and hashed (SHA-256), so the order of calls, the process and
    PYTHONHASHSEED make no difference.
    """
    text = "\x1f".join([seed, *(str(part) for part in key)])
    return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))
