"""Names of invented people: our own Vietnamese provider for Faker.

Family name first and no salutations; surnames by region and ethnic group, middle and given names
by sex and generation. Ê Đê and Gia Rai names start with `Y` or `H'` and end with the clan.
"""

from __future__ import annotations

import random
from collections import defaultdict

from faker import Generator
from faker.providers import BaseProvider

from sandbox.domain.report_card import Sex
from sandbox.synthetic import tables

_NAMES = tables.tree("names.toml")

CLAN_GROUPS = frozenset({"Ê Đê", "Gia Rai"})
_MOUNTAIN_GROUPS = frozenset({"Hmông", "Dao"})
_SOUTH = frozenset(
    {"Duyên hải Nam Trung Bộ", "Tây Nguyên", "Đông Nam Bộ", "Đồng bằng sông Cửu Long"}
)
_NORTHERN_FORM = {"Huỳnh": "Hoàng", "Võ": "Vũ"}
_SOUTHERN_FORM = {north: south for south, north in _NORTHERN_FORM.items()}
_ADULT, _CHILD = "adult", "child"
_LONG_NAME_LETTERS = 30

_Weighted = tuple[tuple[str, ...], tuple[float, ...]]


def _weighted(table: str, key: str, value: str) -> dict[str, _Weighted]:
    found: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for row in tables.rows(table):
        found[row[key]].append((row[value], float(row["share_percent"])))
    return {
        name: (tuple(v for v, _ in pairs), tuple(share for _, share in pairs))
        for name, pairs in found.items()
    }


_SURNAMES = _weighted("surnames.csv", "group", "surname")
_GROUPS = _weighted("ethnic_shares.csv", "region", "group")


class Provider(BaseProvider):
    """Faker provider `vn_people`; every method draws from the generator's own random source."""

    @property
    def _random(self) -> random.Random:
        source: random.Random = self.generator.random
        return source

    def vn_ethnic_group(self, region: str) -> str:
        """Return an ethnic group with the invented shares of *region*."""
        groups, shares = _GROUPS[region]
        return self._random.choices(groups, shares)[0]

    def vn_surname(self, region: str, group: str = "Kinh") -> str:
        """Return a surname of *group*; Kinh families follow the region (Hoàng or Huỳnh)."""
        surnames, shares = _SURNAMES.get(group, _SURNAMES["national"])
        surname = self._random.choices(surnames, shares)[0]
        if group in _SURNAMES:
            return surname
        forms = _SOUTHERN_FORM if region in _SOUTH else _NORTHERN_FORM
        return forms.get(surname, surname)

    def vn_child_name(self, sex: Sex, surname: str, group: str = "Kinh") -> str:
        """Return a full name for somebody at primary school."""
        if group in CLAN_GROUPS:
            return self._clan_name(sex, surname)
        if group in _MOUNTAIN_GROUPS:
            return self._plain_name("mountain", sex, surname)
        # A quarter carry two middle names, as in Trần Ngọc Bảo Vy.
        double = self._random.random() < 0.25
        return self._plain_name(_CHILD, sex, surname, middles=2 if double else 1)

    def vn_adult_name(self, sex: Sex, surname: str, group: str = "Kinh") -> str:
        """Return a full name for a parent or a member of staff."""
        if group in CLAN_GROUPS:
            return self._clan_name(sex, surname)
        generation = "mountain" if group in _MOUNTAIN_GROUPS else _ADULT
        return self._plain_name(generation, sex, surname)

    def vn_short_name(self, sex: Sex, surname: str) -> str:
        """Return a name without a middle name and with a one-syllable given name."""
        return f"{surname} {self._random.choice(_NAMES[_CHILD][sex.value]['given'])}"

    def vn_long_name(self, surname: str) -> str:
        """Return a name of at least 30 letters."""
        syllables = [surname]
        for syllable in self._random.sample(_NAMES["long"]["syllables"], 6):
            syllables.append(syllable)
            if sum(len(part) for part in syllables) >= _LONG_NAME_LETTERS:
                break
        return " ".join(syllables)

    def _plain_name(self, generation: str, sex: Sex, surname: str, *, middles: int = 1) -> str:
        names = _NAMES[generation][sex.value]
        given = self._random.choice(names["given"])
        choice = [middle for middle in names["middle"] if middle != given]
        return " ".join([surname, *self._random.sample(choice, middles), given])

    def _clan_name(self, sex: Sex, clan: str) -> str:
        given = self._random.choice(_NAMES["clan"][sex.value]["given"])
        return f"Y {given} {clan}" if sex is Sex.MALE else f"H'{given} {clan}"


def people(source: random.Random) -> Provider:
    """Return the provider, registered with a Faker generator that draws from *source*."""
    generator = Generator()
    generator.random = source
    provider = Provider(generator)
    generator.add_provider(provider)
    return provider
