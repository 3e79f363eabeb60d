"""Where the nation's schools stand, in the 63 provinces of 2024 and the 34 of 2025.

A school keeps its place for ever; the era decides what the place is called and which rule its code
follows. Names and codes do not depend on the seed. Provinces are real; districts and communes are
composed from syllables of `nation_places.toml` into names that no real district has, as far as
`nation_known_districts.toml` knows them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sandbox.domain.divisions import (
    MERGED_INTO,
    PROVINCES_34,
    PROVINCES_63,
    Era,
    Province,
)
from sandbox.domain.identifiers import PRACTICE_MARK, make_school_code
from sandbox.synthetic import tables
from sandbox.synthetic.layout import ProvinceRow, province_rows
from sandbox.synthetic.schools import with_prefix

_PLACES = tables.tree("nation_places.toml")
_DISTRICT, _COMMUNE, _SCHOOLS = (_PLACES[k] for k in ("district", "commune", "schools"))
_HAMLETS = _PLACES["hamlets"]

FIRST_SERIAL = 1001
"""Serials below belong to the practice schools, so that no code is given twice."""
_COMMUNE_OF_THE_SANDBOX = "99999"

CITIES = frozenset({"01", "31", "48", "79", "92"})
"""Centrally run cities of 2024 (old codes): their towns are quận."""
_HIGHLANDS = frozenset({"Đông Bắc Bộ", "Tây Bắc Bộ"})
_PLATEAU = "Tây Nguyên"
_NUMBERED_AB = frozenset({"Đông Nam Bộ", "Đồng bằng sông Cửu Long"})

# Steps of the walks through the lists of syllables; coprime to every length walked.
_DISTRICT_STEP, _COMMUNE_START, _COMMUNE_STEP = 577, 131, 977


@dataclass(frozen=True, slots=True)
class Place:
    """What one school is called and where it stands, in the words of one era."""

    code: str
    """MA_TRUONG by the rule of the era."""
    name: str
    commune: str
    district: str | None
    province: Province
    home_code: str
    """Old code of the province: personal IDs and pupil codes carry it in both eras."""
    urban: bool

    @property
    def province_text(self) -> str:
        """The province as an address writes it."""
        return with_prefix(self.province.name)

    @property
    def area(self) -> str:
        """Commune, district and province as an address writes them."""
        parts = (_lower(self.commune), _lower(self.district), self.province_text)
        return ", ".join(part for part in parts if part is not None)

    def hamlets(self) -> tuple[str, ...]:
        """Return the sixteen parts of the commune in which pupils live."""
        names: list[str] = _HAMLETS["names"]
        if self.urban:
            return tuple(f"{_HAMLETS['urban']} {number}" for number in range(1, len(names) + 1))
        word = _HAMLETS["rural"][PROVINCES_63[self.home_code].region]
        return tuple(f"{word} {name}" for name in names)


def place_of(home_code: str, number: int, era: Era) -> Place:
    """Return the place of school *number* (1, 2, …) of the old province *home_code*.

    Raises:
        KeyError: no such province in 2024.
    """
    row = province_rows()[home_code]
    district, local = _district_of(row, number - 1)
    site = _first_district(home_code) + district
    urban = number <= row.urban_schools
    old = era is Era.SIXTY_THREE
    region = PROVINCES_63[home_code].region
    commune = local * 5 // 7
    name = _commune_name(region, site, commune)
    return Place(
        code=_school_code(home_code, number, era),
        name=_school_name(region, site, local, name, urban=urban),
        commune=f"{_commune_kind(urban=urban, seat=commune == 0, old=old)} {name}",
        district=_district_name(home_code, district, site, urban=urban) if old else None,
        province=(PROVINCES_63[home_code] if old else PROVINCES_34[MERGED_INTO[home_code]]),
        home_code=home_code,
        urban=urban,
    )


@cache
def native_places(home_code: str, era: Era) -> tuple[str, ...]:
    """Return 64 communes of the old province as QUE_QUAN writes them."""
    row = province_rows()[home_code]
    numbers = (1 + place * row.schools // 64 for place in range(64))
    return tuple(_capital(place_of(home_code, number, era).area) for number in numbers)


@cache
def birth_places(province_name: str) -> tuple[str, ...]:
    """Return the invented places of birth of one province, NOI_SINH."""
    return tuple(f"{p}, {with_prefix(province_name)}" for p in _PLACES["births"]["places"])


@cache
def other_schools() -> tuple[str, ...]:
    """Return names of schools from which pupils arrive."""
    return tuple(f"{_SCHOOLS['kept']} {name}{PRACTICE_MARK}" for name in _SCHOOLS["names"])


def _district_of(row: ProvinceRow, place: int) -> tuple[int, int]:
    """Return the district of the school at *place* (from 0) and its place inside that district."""
    urban = row.urban_schools
    towns = min(row.districts - 1, max(1, row.districts * urban // row.schools)) if urban else 0
    if place < urban:
        district = place * towns // urban
        return district, place - -(-district * urban // towns)
    rural, villages = row.schools - urban, row.districts - towns
    district = (place - urban) * villages // rural
    return towns + district, place - urban - -(-district * rural // villages)


@cache
def _first_district(home_code: str) -> int:
    codes = list(province_rows())
    return sum(province_rows()[code].districts for code in codes[: codes.index(home_code)])


def _district_name(home_code: str, district: int, site: int, *, urban: bool) -> str:
    first, second = _DISTRICT["first"], _DISTRICT["second"]
    walk = site * _DISTRICT_STEP % (len(first) * len(second))
    name = f"{first[walk % len(first)]} {second[walk // len(first)]}"
    if not urban:
        return f"Huyện {name}"
    if home_code in CITIES:
        return f"Quận {name}"
    return f"{'Thị xã' if district else 'Thành phố'} {name}"


def _commune_name(region: str, site: int, commune: int) -> str:
    first: list[str] = _COMMUNE["lowland_first"]
    if region in _HIGHLANDS:
        first = _COMMUNE["highland_first"]
    if region == _PLATEAU:
        first = _COMMUNE["plateau_first"]
    second = _COMMUNE["second"]
    walk = (site * _COMMUNE_START + commune * _COMMUNE_STEP) % (len(first) * len(second))
    return f"{first[walk % len(first)]} {second[walk // len(first)]}"


def _commune_kind(*, urban: bool, seat: bool, old: bool) -> str:
    if urban:
        return "Phường"
    # Townships became communes on 01/7/2025.
    return "Thị trấn" if seat and old else "Xã"


def _school_name(region: str, site: int, local: int, commune: str, *, urban: bool) -> str:
    kept: str = _SCHOOLS["kept"]
    shared = [other for other in (local - 1, local + 1) if other >= 0]
    twin = next((other for other in shared if other * 5 // 7 == local * 5 // 7), None)
    first = min(local, twin) if twin is not None else local
    if not urban and region in _HIGHLANDS and (site * 13 + local * 29) % 100 < 14:
        kept = _SCHOOLS["boarding"]
    if twin is not None and (site + first) % 3 == 0:
        number = "AB"[local > first] if region in _NUMBERED_AB else "12"[local > first]
        return f"{kept} {commune} {number}{PRACTICE_MARK}"
    if local == first and (site * 37 + local * 53) % 100 < 55:
        return f"{kept} {commune}{PRACTICE_MARK}"
    names = _SCHOOLS["names"]
    return f"{kept} {names[(site * 7 + local * 11) % len(names)]}{PRACTICE_MARK}"


def _school_code(home_code: str, number: int, era: Era) -> str:
    if era is Era.SIXTY_THREE:
        return make_school_code(home_code, int(f"4{FIRST_SERIAL - 1 + number}"))
    new = MERGED_INTO[home_code]
    before = sum(
        row.schools
        for code, row in province_rows().items()
        if MERGED_INTO[code] == new and code < home_code
    )
    return f"{new}{_COMMUNE_OF_THE_SANDBOX}{FIRST_SERIAL - 1 + before + number}"


def _lower(text: str | None) -> str | None:
    return text[:1].lower() + text[1:] if text else None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
