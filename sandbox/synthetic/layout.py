"""How many pupils sit where: the schools of a province, their groups of pupils, all sums exact.

A *group* is a set of pupils who enter a school together and stay together: it is keyed by school,
entry year and place, and climbs one grade a year. Sizes depend on the entry year only modulo five,
so that every school year of five grades holds the nation's 8,919,198 records, and the grades 1 to
4 of 2023-2024 hold 7,100,388: the pupils of 2024-2025 a year younger (spec/README.md §4).

Integers only, and each province for itself: nothing depends on what was asked for before.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sandbox.synthetic import tables
from sandbox.synthetic.chance import apportion, path_key, rolled

RECORDS = 8_919_198
FIFTH_GRADE_OF_2023 = 1_818_810
"""What the pilot of 2023-2024 left out; the pupils who entered in 2024 take their places."""
SCHOOLS = 14_661

SLOTS = 5
FIRST_SLOT_YEAR = 2020
"""Entry year of slot 0; slot 4 belongs to those who entered in 2024 (and 2019, 2029 …)."""

SMALLEST_CLASS, LARGEST_CLASS = 15, 45
_SMALLEST_INTAKE = 16
_MIXED = (8, 6)
"""Smallest group of a mixed-grade class, and how many more it may have."""
_REMOTE = (15, 8)
_MOST_SATELLITES = 4


@dataclass(frozen=True, slots=True)
class ProvinceRow:
    """One row of `nation_provinces.csv`: invented, never an official figure."""

    code: str
    schools: int
    pupils: int
    most_per_class: int
    urban_schools: int
    satellite_percent: int
    districts: int


@dataclass(frozen=True, slots=True)
class SchoolLayout:
    """The groups of one school."""

    satellites: tuple[bool, ...]
    """One entry per satellite site: whether its grades are taught in mixed classes."""
    groups: tuple[tuple[int, ...], ...]
    """Group sizes (records) by slot: those of the main site first, then one per satellite."""
    first_number: tuple[int, ...]
    """By slot: where the school's pupil numbers begin inside province and entry year."""

    @property
    def records(self) -> int:
        """Records of a school year with five grades."""
        return sum(map(sum, self.groups))

    def at_main_site(self, slot: int) -> int:
        """Return how many groups of *slot* sit at the main site."""
        return len(self.groups[slot]) - len(self.satellites)


@dataclass(frozen=True, slots=True)
class ProvinceLayout:
    """The schools of one province of 2024."""

    row: ProvinceRow
    schools: tuple[SchoolLayout, ...]
    numbers: int
    """Pupil numbers that an entry year of this province needs at most."""


SPARE_NUMBERS = 19
"""Pupil numbers a group holds besides one per record: newcomers, and pupils without a record."""


@cache
def province_rows() -> dict[str, ProvinceRow]:
    """Return the table of provinces by old code."""
    found = {}
    for row in tables.rows("nation_provinces.csv"):
        schools = int(row["schools"])
        found[row["old_code"]] = ProvinceRow(
            code=row["old_code"],
            schools=schools,
            pupils=int(row["pupils"]),
            most_per_class=int(row["most_per_class"]),
            urban_schools=schools * int(row["urban_percent"]) // 100,
            satellite_percent=int(row["satellite_percent"]),
            districts=int(row["districts"]),
        )
    return found


@cache
def slot_totals() -> dict[str, tuple[int, ...]]:
    """Return the records of each slot by province; columns and rows sum exactly."""
    rows = list(province_rows().values())
    fifth = apportion(FIFTH_GRADE_OF_2023, [row.pupils for row in rows])
    totals = {}
    for row, last in zip(rows, fifth, strict=True):
        rest = row.pupils - last
        totals[row.code] = (*apportion(rest, [1] * (SLOTS - 1)), last)
    return totals


def slot_of(entered: int) -> int:
    """Return the slot of the pupils who entered grade 1 in the year *entered*."""
    return (entered - FIRST_SLOT_YEAR) % SLOTS


def lay_out(seed: str, code: str) -> ProvinceLayout:
    """Return the schools of province *code* (old code) under *seed*.

    Raises:
        KeyError: no such province in 2024.
    """
    row = province_rows()[code]
    key = path_key(seed, "layout", code)
    dice = [rolled(key, serial) for serial in range(1, row.schools + 1)]
    weights = [_weight(die, urban=i < row.urban_schools) for i, die in enumerate(dice)]
    intakes = []
    for slot, total in enumerate(slot_totals()[code]):
        varied = [w * (92 + die[8 + slot] % 17) for w, die in zip(weights, dice, strict=True)]
        intakes.append(_intakes(total, varied))
    schools = []
    used = [0] * SLOTS
    for place, die in enumerate(dice):
        wanted = 0 if place < row.urban_schools else _satellites_wanted(die, row)
        sizes = tuple(intake[place] for intake in intakes)
        satellites, groups = _groups(die, sizes, wanted, row.most_per_class)
        schools.append(SchoolLayout(satellites, groups, tuple(used)))
        for slot, parts in enumerate(groups):
            used[slot] += sum(parts) + SPARE_NUMBERS * len(parts)
    return ProvinceLayout(row, tuple(schools), max(used))


def _weight(die: bytes, *, urban: bool) -> int:
    bell = die[0] + die[1]
    return 130 + bell * 180 // 510 if urban else 20 + bell * 160 // 510


def _intakes(total: int, weights: list[int]) -> list[int]:
    """Share *total* so that each school gets at least one small class."""
    shared = apportion(total - _SMALLEST_INTAKE * len(weights), weights)
    return [_SMALLEST_INTAKE + part for part in shared]


def _satellites_wanted(die: bytes, row: ProvinceRow) -> int:
    if die[2] * 100 // 256 >= row.satellite_percent:
        return 0
    return 1 + die[3] % _MOST_SATELLITES


def _groups(
    die: bytes, intakes: tuple[int, ...], wanted: int, most: int
) -> tuple[tuple[bool, ...], tuple[tuple[int, ...], ...]]:
    """Return the satellites and the group sizes by slot, fewer satellites where pupils lack."""
    while True:
        satellites = _satellites(die, wanted)
        remote = [
            tuple(_remote_size(die, slot, site, mixed) for site, mixed in enumerate(satellites))
            for slot in range(SLOTS)
        ]
        main = [intake - sum(parts) for intake, parts in zip(intakes, remote, strict=True)]
        if not satellites or min(main) >= _SMALLEST_INTAKE:
            groups = (
                (*_main_groups(die, slot, main[slot], most), *remote[slot]) for slot in range(SLOTS)
            )
            return satellites, tuple(groups)
        wanted -= 1


def _satellites(die: bytes, wanted: int) -> tuple[bool, ...]:
    """Mixed-grade satellites come in twos or threes: their fifth grades share a class."""
    mixed = [die[24 + site] < 154 for site in range(wanted)]
    if mixed.count(True) == 1:
        mixed = [False] * wanted
    if mixed.count(True) > 3:
        mixed[-1] = False
    return tuple(mixed)


def _remote_size(die: bytes, slot: int, site: int, mixed: bool) -> int:
    least, more = _MIXED if mixed else _REMOTE
    return least + die[32 + slot * _MOST_SATELLITES + site] % more


def _main_groups(die: bytes, slot: int, pupils: int, most: int) -> list[int]:
    count = -(-pupils // most)
    whole, rest = divmod(pupils, count)
    sizes = [whole + (place < rest) for place in range(count)]
    for place in range(0, count - 1, 2):
        moved = (die[16 + slot] >> (place % 7)) % 3
        if sizes[place] + moved <= LARGEST_CLASS and sizes[place + 1] - moved >= SMALLEST_CLASS:
            sizes[place] += moved
            sizes[place + 1] -= moved
    return sizes
