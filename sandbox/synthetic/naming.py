"""Names of the nation's people, drawn by number from pools made once.

A pool holds 4,096 ways to go on after the family name, for one people, sex, generation and half of
the country; a cell of it is chosen by a number. What a pool holds does not depend on the seed.
Kinds of naming and their lists: `nation_names.toml`, `surnames.csv`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sandbox.domain.report_card import Sex
from sandbox.synthetic import tables
from sandbox.synthetic.chance import path_key, rolled, spread

CELLS = 4_096
"""Cells of a pool, and of a list of surnames."""
LONG_NAME_LETTERS = 30

_NAMES = tables.tree("nation_names.toml")
_STYLES: dict[str, dict[str, Any]] = _NAMES["style"]
_STYLE_OF: dict[str, str] = {
    group: style for style, table in _STYLES.items() for group in table["groups"]
}
_LEFT_OUT = frozenset(_NAMES["left_out"])
_SOUTH = frozenset(
    {"Duyên hải Nam Trung Bộ", "Tây Nguyên", "Đông Nam Bộ", "Đồng bằng sông Cửu Long"}
)
_FORMS = (("Hoàng", "Huỳnh"), ("Vũ", "Võ"))
"""Northern and southern form of one family name."""
_VIETNAMESE = "kinh"


class Generation(StrEnum):
    """Whose names: pupils, or their parents and teachers."""

    CHILD = "child"
    ADULT = "adult"


class Order(StrEnum):
    """Where the family name stands."""

    FIRST = "first"
    LAST = "last"
    """Ê Đê and Gia Rai: the clan, which is the mother's."""
    ALONE = "alone"
    """Peoples without family names."""


@dataclass(frozen=True, slots=True)
class Kin:
    """How one people of one half of the country is named."""

    order: Order
    surnames: tuple[str, ...]
    boys: tuple[str, ...]
    girls: tuple[str, ...]
    men: tuple[str, ...]
    women: tuple[str, ...]

    def full_name(self, surname: str, rest: str) -> str:
        """Return the full name of somebody."""
        if self.order is Order.FIRST:
            return f"{surname} {rest}"
        return f"{rest} {surname}" if self.order is Order.LAST else rest


def kin_of(group: str, region: str) -> Kin:
    """Return how people of *group* are named in *region*."""
    return _kin(group, region in _SOUTH)


@cache
def _kin(group: str, south: bool) -> Kin:
    style = _STYLE_OF[group]
    return Kin(
        order=Order(_STYLES[style]["order"]),
        surnames=_surnames(group, south),
        boys=_pool(style, Sex.MALE, Generation.CHILD, south),
        girls=_pool(style, Sex.FEMALE, Generation.CHILD, south),
        men=_pool(style, Sex.MALE, Generation.ADULT, south),
        women=_pool(style, Sex.FEMALE, Generation.ADULT, south),
    )


@cache
def _surnames(group: str, south: bool) -> tuple[str, ...]:
    listed = _listed_surnames()
    own = listed.get(group)
    if own is None and group in _NAMES["surnames"]:
        names = _NAMES["surnames"][group]
        return spread(names, list(range(2 * len(names), len(names), -1)), cells=CELLS)
    if own is not None:
        return spread([n for n, _ in own], [share for _, share in own], cells=CELLS)
    national = listed["national"]
    forms = {old[not south]: old[south] for old in _FORMS}
    names = [forms.get(name, name) for name, _ in national]
    return spread(names, [share for _, share in national], cells=CELLS)


@cache
def _listed_surnames() -> dict[str, list[tuple[str, int]]]:
    found: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in tables.rows("surnames.csv"):
        share = round(float(row["share_percent"]) * 10)
        found[row["group"]].append((row["surname"], share))
    return dict(found)


@cache
def _pool(style: str, sex: Sex, generation: Generation, south: bool) -> tuple[str, ...]:
    key = path_key("names", style, sex.value, generation.value, south)
    make = _vietnamese if style == _VIETNAMESE else _own_way
    pool: list[str] = []
    number = 0
    while len(pool) < CELLS:
        rest = make(rolled(key, number), style, sex, generation, south)
        number += 1
        if " ".join(rest.split()[-2:]) not in _LEFT_OUT:
            pool.append(rest)
    return tuple(pool)


def _vietnamese(die: bytes, style: str, sex: Sex, generation: Generation, south: bool) -> str:
    lists, shares = _NAMES[generation.value][sex.value], _NAMES["shares"][generation.value]
    given: str = _chosen(lists["given"], die, 0)
    lot = (die[2] << 8 | die[3]) * 1000 >> 16
    if lot < shares["no_middle"]:
        return given
    lot -= shares["no_middle"]
    if lot < shares["long"]:
        return _long(die)
    lot -= shares["long"]
    first = _chosen(_middles(generation, sex, given), die, 4)
    if lot < shares["double_middle_south" if south else "double_middle_north"]:
        others = [m for m in _middles(generation, sex, given) if m not in (first, "Thị", "Văn")]
        return f"{first} {_chosen(others, die, 6)} {given}"
    return f"{first} {given}"


@cache
def _middles(generation: Generation, sex: Sex, given: str) -> list[str]:
    middles: list[str] = _NAMES[generation.value][sex.value]["middle"]
    return [middle for middle in middles if given not in middle.split()]


def _long(die: bytes) -> str:
    """Return what makes, with any family name, a name of thirty letters or more."""
    left = list(_NAMES["long"]["syllables"])
    parts: list[str] = []
    while sum(map(len, parts)) < LONG_NAME_LETTERS - 2:
        parts.append(left.pop(die[8 + len(parts)] % len(left)))
    return " ".join(parts)


def _own_way(die: bytes, style: str, sex: Sex, generation: Generation, south: bool) -> str:
    table = _STYLES[style][sex.value]
    given = _chosen(table["given"], die, 0)
    if (die[2] << 8 | die[3]) * 1000 >> 16 < _NAMES["shares"]["shared_given"]:
        given = _chosen(_NAMES[generation.value][sex.value]["given"], die, 6)
    if "prefix" in table:
        return f"{table['prefix']}{given}"
    head = _chosen(table["head"], die, 4)
    return f"{head} {given}" if head and given not in head.split() else given


def _chosen(values: list[str], die: bytes, place: int) -> str:
    return values[(die[place] << 8 | die[place + 1]) * len(values) >> 16]
