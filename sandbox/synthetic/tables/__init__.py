"""Invented tables of names, places, comments and shares; nothing here describes real people."""

from __future__ import annotations

import csv
import tomllib
from importlib.resources import files
from typing import Any


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of the CSV table *name*."""
    return list(csv.DictReader(_text(name).splitlines()))


def tree(name: str) -> dict[str, Any]:
    """Return the TOML table *name*."""
    return tomllib.loads(_text(name))


def _text(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")
