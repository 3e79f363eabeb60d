"""Names, numbers and comments of invented people."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import pytest

from sandbox.domain.circular27 import COMPETENCES, QUALITIES
from sandbox.domain.divisions import PROVINCES_63
from sandbox.domain.ethnic_groups import ETHNIC_GROUP_NAMES
from sandbox.domain.report_card import Sex
from sandbox.synthetic import comments, people, tables
from sandbox.synthetic.chance import draw
from sandbox.synthetic.schools import personal_number, school_name
from tests.builders.people import rows

NORTH, SOUTH = "Đồng bằng sông Hồng", "Đông Nam Bộ"
PHRASES = tables.tree("comments.toml")


def provider(seed: int = 1):
    return people(random.Random(seed))


def test_chance_is_keyed_and_not_ordered():
    """The same key draws the same, whatever was drawn before; keys do not run together."""
    assert draw("s", "a", 1).random() == draw("s", "a", 1).random()
    drawn = {draw(*key).random() for key in (("s", 1, 23), ("s", 12, 3), ("s", 123), ("t", 1, 23))}
    assert len(drawn) == 4


def test_the_provider_is_registered_with_faker():
    """The generator itself offers the provider's methods."""
    names = provider()
    assert names.generator.vn_surname(NORTH)


def test_the_family_name_comes_first_and_no_salutation_before_it():
    """A full name begins with the surname it was given and has two to four more syllables."""
    for seed in range(200):
        name = provider(seed).vn_child_name(Sex.FEMALE, "Trần")
        assert name.startswith("Trần ")
        assert 3 <= len(name.split()) <= 4


def test_surnames_follow_region_and_national_shares():
    """Nguyễn about 38 %; Hoàng and Vũ in the North, Huỳnh and Võ in the South."""
    names = provider()
    north = Counter(names.vn_surname(NORTH) for _ in range(5000))
    south = Counter(names.vn_surname(SOUTH) for _ in range(5000))
    assert abs(north["Nguyễn"] / 5000 - 0.384) < 0.03
    assert not {"Huỳnh", "Võ"} & set(north)
    assert not {"Hoàng", "Vũ"} & set(south)


def test_ethnic_groups_have_their_own_surnames():
    """A Thái surname comes from the Thái list."""
    thai = {row["surname"] for row in tables.rows("surnames.csv") if row["group"] == "Thái"}
    names = provider()
    assert {names.vn_surname("Tây Bắc Bộ", "Thái") for _ in range(300)} <= thai


def test_clan_names_put_the_clan_last():
    """Ê Đê names start with Y or H' (U+0027) and end with the clan."""
    names = provider()
    assert names.vn_child_name(Sex.MALE, "Niê", "Ê Đê").startswith("Y ")
    girl = names.vn_child_name(Sex.FEMALE, "Mlô", "Ê Đê")
    assert girl.startswith("H'")
    assert girl.endswith(" Mlô")


def test_parents_carry_names_of_their_generation():
    """Given names of adults and of children come from different lists."""
    lists = tables.tree("names.toml")
    for sex in Sex:
        old = set(lists["adult"][sex.value]["given"])
        young = set(lists["child"][sex.value]["given"])
        assert len(old & young) < len(old) / 3


@pytest.mark.parametrize("surname", ["Võ", "Nguyễn", "Đỗ"])
def test_the_long_name_has_thirty_letters(surname):
    """However short the surname, the long name reaches 30 letters."""
    for seed in range(50):
        assert len(provider(seed).vn_long_name(surname).replace(" ", "")) >= 30


def test_the_short_name_has_two_syllables():
    """Surname and a one-syllable given name, no middle name."""
    assert len(provider().vn_short_name(Sex.MALE, "Lê").split()) == 2


def test_personal_numbers_never_meet():
    """A bijection: a thousand blocks of a thousand slots fill the six digits once."""
    sample = [personal_number(block, slot) for block in range(0, 1000, 9) for slot in range(1000)]
    assert len(set(sample)) == len(sample)
    assert all(0 <= number <= 999_999 for number in sample)


def test_school_names_are_marked_and_repeat_with_a_number():
    """Each practice school's name ends with the mark; two serials never share one."""
    names = [school_name(serial) for serial in range(1, 1000)]
    assert len(set(names)) == 999
    assert all(name.endswith(" (giả lập)") for name in names)


def test_every_region_has_ethnic_shares_that_sum_to_a_hundred():
    """Shares per region are complete, and every group is on the official list."""
    shares = defaultdict(float)
    for row in tables.rows("ethnic_shares.csv"):
        shares[row["region"]] += float(row["share_percent"])
        assert row["group"] in ETHNIC_GROUP_NAMES
    assert set(shares) == {province.region for province in PROVINCES_63.values()}
    assert all(abs(total - 100) < 1e-6 for total in shares.values())


def test_surname_shares_sum_to_a_hundred():
    """National and each group's list are complete."""
    shares = defaultdict(float)
    for row in tables.rows("surnames.csv"):
        shares[row["group"]] += float(row["share_percent"])
    assert all(abs(total - 100) < 1e-6 for total in shares.values())


FIELDS = {
    "qualities": (comments.on_qualities, QUALITIES),
    "general": (comments.on_general, COMPETENCES[:3]),
    "specific": (comments.on_specific, COMPETENCES[3:]),
}


def marked(tags, band: str, turn: int):
    """All T, or one tag at the band's level, another one each turn."""
    return [(tag, band if place == turn % len(tags) else "T") for place, tag in enumerate(tags)]


@pytest.mark.parametrize("band", ["T", "Đ", "C"])
@pytest.mark.parametrize("field", list(FIELDS))
def test_each_field_and_band_has_at_least_sixty_sentences(field, band):
    """A class of 45 need not repeat itself."""
    write, tags = FIELDS[field]
    written = {write(draw("pool", field, band, n), marked(tags, band, n)) for n in range(1500)}
    assert len(written) >= 60


@pytest.mark.parametrize("band", ["T", "H", "C"])
def test_the_teacher_has_at_least_sixty_sentences_per_band(band):
    """The class teacher's comment varies too."""
    result = {"T": "Hoàn thành tốt", "H": "Hoàn thành", "C": "Chưa hoàn thành"}[band]
    written = set()
    for n in range(600):
        taken = rows(4)
        weak = taken[n % len(taken)].code
        written.add(comments.by_teacher(draw("pool", n), rows(4, {weak: band}), result))
    assert len(written) >= 60


@pytest.mark.parametrize("field", list(FIELDS))
def test_a_comment_says_only_what_the_marks_say(field):
    """Each phrase stands in the table under the level the pupil really has."""
    write, tags = FIELDS[field]
    for n in range(300):
        ratings = [(tag, draw("agree", n, tag).choice("TTĐC")) for tag in tags]
        text = write(draw("agree", n), ratings).removeprefix("Em ").removesuffix(".")
        allowed = [phrase for tag, level in ratings for phrase in PHRASES["rating"][tag][level]]
        left = text
        for phrase in sorted(allowed, key=len, reverse=True):
            left = left.replace(phrase, "", 1)
        assert left.strip(",; ") == ""


def test_whoever_needs_help_is_told_so():
    """A pupil with a C gets the C phrase, never praise alone."""
    ratings = [(tag, "C" if tag == "PHAM_CHAT_CHAM_CHI" else "T") for tag in QUALITIES]
    allowed = PHRASES["rating"]["PHAM_CHAT_CHAM_CHI"]["C"]
    for n in range(50):
        assert any(phrase in comments.on_qualities(draw("c", n), ratings) for phrase in allowed)
