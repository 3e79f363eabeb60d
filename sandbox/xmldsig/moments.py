"""Moments as the specification writes them: `YYYY-MM-DDThh:mm:ssTZD` (spec/record-format.md §1)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from sandbox.clock import VIETNAM
from sandbox.documents.forms import read_day

AHEAD: Final = timedelta(minutes=5)
"""How far a SigningTime may lie after the space clock (§5.4)."""

FORM: Final = "YYYY-MM-DDThh:mm:ss+07:00"

_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})"
)


def written(at: datetime) -> str:
    """Return *at* in whole seconds with `+07:00`."""
    return at.astimezone(VIETNAM).isoformat(timespec="seconds")


def read(text: str | None) -> datetime | None:
    """Return the aware moment *text* writes, None when it writes none."""
    if text is None or _MOMENT.fullmatch(text.strip()) is None:
        return None
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None


read_known = lru_cache(maxsize=1024)(read)
"""`read` for moments that come again and again: a class is signed within minutes."""


def day(text: str) -> str | None:
    """Return the calendar day *text* writes, as `dd/MM/yyyy`; None when it writes none."""
    found = read_day(text)
    return None if found is None else f"{found:%d/%m/%Y}"
