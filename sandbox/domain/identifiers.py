"""Personal IDs, school, pupil and record codes; the reserved practice range.

Practice personal IDs keep the structure of TT 07/2016/TT-BCA but start with 9 instead of 0, a
prefix no province has (spec/README.md §5.1), so that nothing here can ever be a real person.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass

from sandbox.domain.divisions import PROVINCES_63
from sandbox.domain.report_card import Sex

PRACTICE_MARK = " (giả lập)"
"""What TEN_SO_GD ends with."""

_PERSONAL_ID = re.compile(r"[0-9]{12}")
_OLD_PERSONAL_ID = re.compile(r"[0-9]{9}")
_UUID4 = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
)
_SCHOOL_CODE = re.compile(r"[0-9]{8,20}")


@dataclass(frozen=True, slots=True)
class PersonalId:
    """The parts of a 12-digit personal ID."""

    practice: bool
    province: str
    """Old code (63 provinces) of the province of birth registration."""
    sex: Sex
    birth_year: int
    serial: int
    """The last six digits."""

    @classmethod
    def parse(cls, text: str) -> PersonalId:
        """Take *text* apart.

        Raises:
            ValueError: not 12 digits, or the first digit is neither 0 nor 9.
        """
        if not is_personal_id(text) or text[0] not in "09":
            raise ValueError("not a personal ID")
        century_and_sex = int(text[3])
        return cls(
            practice=text[0] == "9",
            province=text[1:3],
            sex=Sex.FEMALE if century_and_sex % 2 else Sex.MALE,
            birth_year=1900 + 100 * (century_and_sex // 2) + int(text[4:6]),
            serial=int(text[6:]),
        )

    @classmethod
    def make(cls, *, province: str, sex: Sex, birth_year: int, serial: int) -> str:
        """Return a practice ID `9PP G YY NNNNNN`.

        Raises:
            ValueError: unknown province, birth year outside 1900–2399 or serial over six digits.
        """
        if province not in PROVINCES_63:
            raise ValueError(f"unknown province {province!r}")
        if not 1900 <= birth_year <= 2399 or not 0 <= serial <= 999_999:
            raise ValueError("birth year or serial out of range")
        return str(cls(True, province, sex, birth_year, serial))

    def __str__(self) -> str:
        century_and_sex = 2 * (self.birth_year // 100 - 19) + (self.sex is Sex.FEMALE)
        prefix = f"{9 if self.practice else 0}{self.province}"
        return f"{prefix}{century_and_sex}{self.birth_year % 100:02}{self.serial:06}"


def is_personal_id(text: str) -> bool:
    """Tell whether *text* has the form of a personal ID: exactly 12 ASCII digits."""
    return _PERSONAL_ID.fullmatch(text) is not None


def is_practice_id(text: str) -> bool:
    """Tell whether *text* is in the practice range: 12 digits, 9 and a province's old code."""
    return is_personal_id(text) and text[0] == "9" and text[1:3] in PROVINCES_63


def looks_real(text: str) -> bool:
    """Tell whether *text* could be a living person's number: 12 digits off range, or 9 digits."""
    digits = text.strip()
    if is_personal_id(digits):
        return not is_practice_id(digits)
    return _OLD_PERSONAL_ID.fullmatch(digits) is not None


def is_uuid4(text: str) -> bool:
    """Tell whether *text* is a version 4 UUID of 36 characters, in either case."""
    return _UUID4.fullmatch(text) is not None


def new_uuid(seed: str, *number: object) -> str:
    """Return the version 4 UUID that belongs to *number* under *seed*: always the same one.

    Lower case. Distinct numbers give distinct ids (122 bits of SHA-256).
    """
    key = "\x1f".join([seed, *(str(part) for part in number)])
    return str(uuid.UUID(bytes=hashlib.sha256(key.encode()).digest()[:16], version=4))


def is_school_code(text: str) -> bool:
    """Tell whether *text* has the form of MA_TRUONG: 8 to 20 digits."""
    return _SCHOOL_CODE.fullmatch(text) is not None


def make_school_code(province: str, number: int) -> str:
    """Return the practice code of a primary school: province, 999, *number*.

    *number* is the level digit 4 (primary) and a serial of 2 to 4 digits: 401 is school 01.

    Raises:
        ValueError: the number does not start with 4 or is not 3 to 5 digits long.
    """
    school_serial(number)
    return f"{province}999{number}"


def school_serial(number: int) -> int:
    """Return the serial inside a school *number*: 1 for 401, 1250 for 41250.

    Raises:
        ValueError: as for `make_school_code`.
    """
    digits = str(number)
    if not 3 <= len(digits) <= 5 or digits[0] != "4" or not digits.isdecimal():
        raise ValueError(f"not the number of a primary school: {number}")
    return int(digits[1:])


def make_pupil_code(province: str, number: int) -> str:
    """Return the practice MA_HOC_SINH, 12 digits: province, 999, *number* in seven digits.

    Raises:
        ValueError: the number has more than seven digits.
    """
    if not 0 <= number <= 9_999_999:
        raise ValueError(f"pupil number out of range: {number}")
    return f"{province}999{number:07}"
