"""Provinces before and after the merger of 01/7/2025 (QĐ 124/2004, QĐ 19/2025/QĐ-TTg).

New codes reuse one of the merged provinces' old codes, so a code means nothing without its school
year: 15 was Yên Bái and is Lào Cai.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from sandbox.domain import tables

FIRST_YEAR_OF_34 = 2025
"""School years that begin in this year or later use the 34 provinces and have no district."""


class Era(StrEnum):
    """`thoi_ky` of the service thong-tin."""

    SIXTY_THREE = "63"
    THIRTY_FOUR = "34"


@dataclass(frozen=True, slots=True)
class Province:
    """A province of one era; `name` is what TEN_TINH_THANH_PHO holds, no prefix added."""

    code: str
    name: str
    region: str


def _provinces() -> tuple[dict[str, Province], dict[str, Province], dict[str, str]]:
    rows = tables.rows("provinces.csv")
    regions = {row["old_code"]: row["region"] for row in rows}
    old = {r["old_code"]: Province(r["old_code"], r["old_name"], r["region"]) for r in rows}
    new = {
        r["new_code"]: Province(r["new_code"], r["new_name"], regions[r["new_code"]])
        for r in sorted(rows, key=lambda r: r["new_code"])
    }
    return old, new, {r["old_code"]: r["new_code"] for r in rows}


_OLD, _NEW, _MERGED = _provinces()

PROVINCES_63: Mapping[str, Province] = MappingProxyType(_OLD)
PROVINCES_34: Mapping[str, Province] = MappingProxyType(_NEW)
MERGED_INTO: Mapping[str, str] = MappingProxyType(_MERGED)
"""Old code to the code of the province it became on 01/7/2025."""


@lru_cache(maxsize=256)
def first_year(school_year: str) -> int | None:
    """Return the calendar year in which *school_year* begins, or None when malformed.

    A school year is `YYYY-YYYY`, 20xx, the second year following the first.
    """
    match = re.fullmatch(r"(20[0-9]{2})-(20[0-9]{2})", school_year)
    if match is None or int(match[2]) != int(match[1]) + 1:
        return None
    return int(match[1])


def era_of(school_year: str) -> Era:
    """Return the era whose codes a record of *school_year* carries.

    Raises:
        ValueError: the school year is malformed.
    """
    begins = first_year(school_year)
    if begins is None:
        raise ValueError(f"not a school year: {school_year!r}")
    return Era.THIRTY_FOUR if begins >= FIRST_YEAR_OF_34 else Era.SIXTY_THREE


def provinces_of(era: Era) -> Mapping[str, Province]:
    """Return the provinces of *era* by code."""
    return PROVINCES_34 if era is Era.THIRTY_FOUR else PROVINCES_63


def province_of(code: str, school_year: str) -> Province | None:
    """Return the province that *code* meant in *school_year*, or None.

    Raises:
        ValueError: the school year is malformed.
    """
    return provinces_of(era_of(school_year)).get(code)
