"""Identifiers, the practice range, provinces of two eras, ethnic groups."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest

from sandbox.domain.divisions import (
    MERGED_INTO,
    PROVINCES_34,
    PROVINCES_63,
    Era,
    era_of,
    first_year,
    province_of,
)
from sandbox.domain.ethnic_groups import ETHNIC_GROUPS
from sandbox.domain.identifiers import (
    PersonalId,
    is_practice_id,
    is_school_code,
    is_uuid4,
    looks_real,
    make_pupil_code,
    make_school_code,
    new_uuid,
    school_serial,
)
from sandbox.domain.report_card import Sex


def test_a_personal_id_says_where_when_and_who():
    """`948314000017`: practice, Đà Nẵng, girl, born 2014."""
    parts = PersonalId.parse("948314000017")
    assert parts == PersonalId(True, "48", Sex.FEMALE, 2014, 17)


@pytest.mark.parametrize(
    ("sex", "year", "digit"),
    [
        (Sex.MALE, 1975, "0"),
        (Sex.FEMALE, 1975, "1"),
        (Sex.MALE, 2014, "2"),
        (Sex.FEMALE, 2014, "3"),
    ],
)
def test_century_and_sex_share_one_digit(sex, year, digit):
    """Structure of TT 07/2016/TT-BCA: 0, 1 for 19xx; 2, 3 for 20xx."""
    text = PersonalId.make(province="01", sex=sex, birth_year=year, serial=7)
    assert text == f"901{digit}{year % 100:02}000007"
    assert str(PersonalId.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["94831400001", "9483140000170", "948314A00017", "148314000017", ""]
)
def test_what_is_no_personal_id_is_not_parsed(text):
    """Wrong length, letters and other first digits raise ValueError."""
    with pytest.raises(ValueError, match="personal ID"):
        PersonalId.parse(text)


def test_only_ascii_digits_make_a_personal_id():
    """Digits of another script are not digits here."""
    assert not is_practice_id("٩48314000017")


def test_an_id_for_no_province_cannot_be_made():
    """03 was never a province code."""
    with pytest.raises(ValueError, match="province"):
        PersonalId.make(province="03", sex=Sex.MALE, birth_year=2014, serial=1)


@pytest.mark.parametrize(
    ("text", "practice", "real"),
    [
        ("948314000017", True, False),
        ("048314000017", False, True),
        ("903314000017", False, True),
        ("201234567", False, True),
        ("12345", False, False),
    ],
)
def test_the_practice_range_is_nine_and_a_province(text, practice, real):
    """Twelve digits off the range, and the old nine digits, could be a living person's."""
    assert is_practice_id(text) is practice
    assert looks_real(text) is real


def test_school_codes_carry_province_and_the_invented_district():
    """Examples of spec/README.md §5.1."""
    assert make_school_code("48", 401) == "48999401"
    assert make_school_code("01", 41250) == "0199941250"
    assert school_serial(41250) == 1250
    assert is_school_code("48999401")
    assert not is_school_code("4899940")


@pytest.mark.parametrize("number", [1, 40, 501, 401250])
def test_a_number_that_is_no_primary_school_is_refused(number):
    """The level digit is 4, the serial has two to four digits."""
    with pytest.raises(ValueError, match="primary school"):
        make_school_code("48", number)


def test_pupil_codes_have_twelve_digits():
    """Province, 999 and seven digits."""
    assert make_pupil_code("48", 17) == "489990000017"
    with pytest.raises(ValueError, match="range"):
        make_pupil_code("48", 10_000_000)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("90000000-0000-4000-8000-000000000001", True),
        ("ABCDEF00-0000-4000-BABE-000000000001", True),
        ("90000000-0000-1000-8000-000000000001", False),
        ("90000000-0000-4000-7000-000000000001", False),
        ("90000000000040008000000000000001", False),
    ],
)
def test_only_version_four_counts_as_record_id(text, good):
    """Version and variant digits are looked at, the case is not."""
    assert is_uuid4(text) is good


def test_new_ids_follow_from_seed_and_number():
    """The same key gives the same v4 id; another seed or number gives another."""
    first = new_uuid("a", 1, 23)
    assert first == new_uuid("a", 1, 23)
    assert len({first, new_uuid("b", 1, 23), new_uuid("a", 12, 3), new_uuid("a", 1, 2, 3)}) == 4
    assert is_uuid4(first)
    assert uuid.UUID(first).version == 4


def test_there_were_sixty_three_provinces_and_are_thirty_four():
    """Every old province went into one of the new ones."""
    assert (len(PROVINCES_63), len(PROVINCES_34)) == (63, 34)
    assert set(MERGED_INTO) == set(PROVINCES_63)
    assert set(MERGED_INTO.values()) == set(PROVINCES_34)


def test_a_code_means_nothing_without_its_year():
    """15 was Yên Bái and is Lào Cai; 52 was Bình Định and is Gia Lai."""
    assert [province_of("15", year).name for year in ("2024-2025", "2025-2026")] == [
        "Yên Bái",
        "Lào Cai",
    ]
    assert province_of("52", "2025-2026").name == "Gia Lai"
    assert province_of("49", "2024-2025").name == "Quảng Nam"
    assert province_of("49", "2025-2026") is None
    assert MERGED_INTO["49"] == "48"


def test_the_era_changes_with_school_year_2025():
    """2024-2025 is the last year of 63 provinces."""
    assert era_of("2024-2025") is Era.SIXTY_THREE
    assert era_of("2025-2026") is Era.THIRTY_FOUR


@pytest.mark.parametrize("text", ["2024-2026", "2024", "1999-2000", "2024–2025", "2025-2024"])
def test_a_school_year_is_two_years_that_follow_each_other(text):
    """Anything else has no first year and no era."""
    assert first_year(text) is None
    with pytest.raises(ValueError, match="school year"):
        era_of(text)


def test_there_are_fifty_four_ethnic_groups():
    """Order of QCVN 109:2017/BTTTT; shares sum to all but foreigners and undeclared."""
    assert [g.code for g in ETHNIC_GROUPS] == [f"{n:02}" for n in range(1, 55)]
    assert ETHNIC_GROUPS[0].name == "Kinh"
    assert sum(g.share_percent for g in ETHNIC_GROUPS) == Decimal("99.9957")
