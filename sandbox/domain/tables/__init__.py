"""Tables the domain reads: provinces, ethnic groups, subjects, the rejection catalogue."""

from __future__ import annotations

import csv
from importlib.resources import files


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of the CSV table *name*, as they stand in the file."""
    text = (files(__name__) / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
