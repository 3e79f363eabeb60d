"""Invented tables of names, places, comments and shares; nothing here describes real people.

Tables called `nation_…` serve the invented nation, the others the practice schools. A line that
begins with `#` says what a table is; it is no row.
"""

from __future__ import annotations

import csv
import tomllib
from importlib.resources import files
from typing import Any


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of the CSV table *name*."""
    lines = (line for line in _text(name).splitlines() if not line.startswith("#"))
    return list(csv.DictReader(lines))


def tree(name: str) -> dict[str, Any]:
    """Return the TOML table *name*."""
    return tomllib.loads(_text(name))


def _text(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")
