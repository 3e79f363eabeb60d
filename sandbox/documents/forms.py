"""The lexical forms of the single tags: what a value looks like and what it means.

One form serves three readers: the XSD (`pattern`, `values`), the walker (`matches`) and the
conversion between a tag's text and an attribute of the report card (`read`, `write`).
Patterns: spec/record-format.md §4.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from sandbox.domain.report_card import Sex

_NAME_MARKS: Final = frozenset("'-.")


def _identity(value: Any) -> str:
    return str(value)


@dataclass(frozen=True, slots=True)
class Form:
    """One lexical form."""

    name: str
    """Name of the type in the XSD."""
    patterns: tuple[str, ...] = ()
    """Alternatives in the syntax XSD and Python share; empty where `values` or `test` decides."""
    values: tuple[str, ...] = ()
    """Closed list, in the order of the specification."""
    words: tuple[str, ...] = ()
    """The same list in words, taken only with the switch of that name."""
    xsd_pattern: str | None = None
    """Pattern for the XSD where Python's `re` cannot say the same."""
    test: Callable[[str], bool] | None = None
    """The same rule as `xsd_pattern`, for the walker."""
    code: str = "SBX-2004"
    """Code of a value that does not fit."""
    expected: str = ""
    """What should stand there, language-neutral."""
    longest: int | None = None
    """Characters allowed by v1.0 itself, whatever the switches say."""
    read: Callable[[str], Any] = str
    write: Callable[[Any], str] = _identity
    _compiled: re.Pattern[str] | None = field(init=False, default=None, compare=False)

    def __post_init__(self) -> None:
        if self.patterns:
            joined = "|".join(f"(?:{pattern})" for pattern in self.patterns)
            object.__setattr__(self, "_compiled", re.compile(joined))

    def matches(self, text: str, *, words: bool = False) -> bool:
        """Say whether *text* has this form, length aside."""
        if self.values:
            return text in self.values or (words and text in self.words)
        if self._compiled is not None:
            return self._compiled.fullmatch(text) is not None
        return self.test is None or self.test(text)


def _is_text(text: str) -> bool:
    return all(c == "\n" or unicodedata.category(c) != "Cc" for c in text)


def _is_name(text: str) -> bool:
    if text.startswith(" ") or text.endswith(" ") or "  " in text:
        return False
    return all(c == " " or c in _NAME_MARKS or unicodedata.category(c)[0] in "LM" for c in text)


def is_blank(text: str) -> bool:
    """Say whether *text* holds nothing but spaces, line ends and other separators."""
    return all(c in "\t\n\r" or unicodedata.category(c)[0] == "Z" for c in text)


_DAY = r"(0[1-9]|[12][0-9]|3[01])/(0[1-9]|1[0-2])/[0-9]{4}"
_ISO_DAY = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_OFFSET = r"(Z|[+\-](0[0-9]|1[0-3]):[0-5][0-9]|[+\-]14:00)"
_MOMENT = rf"{_ISO_DAY}T{_CLOCK}{_OFFSET}"


def read_day(text: str) -> date | None:
    """Return the calendar day *text* writes in any accepted form, None where there is none.

    A full date-time counts as the day it writes, whatever its offset.
    """
    try:
        if "/" in text:
            return date(int(text[6:10]), int(text[3:5]), int(text[:2]))
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def read_moment(text: str) -> datetime | None:
    """Return the aware moment *text* writes as `YYYY-MM-DDThh:mm:ss±hh:mm`, None where none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def follows_on(school_year: str) -> bool:
    """Say whether *school_year* is two years, the second following the first ("2024-2025")."""
    begins, ends = school_year[:4], school_year[5:]
    return begins.isdecimal() and ends.isdecimal() and int(ends) == int(begins) + 1


@lru_cache(maxsize=4096)
def _read_date(text: str) -> date:
    day = read_day(text)
    if day is None:
        raise ValueError(f"no calendar day: {text!r}")
    return day


def _write_date(day: date) -> str:
    return f"{day.day:02d}/{day.month:02d}/{day.year:04d}"


def _write_decimal(number: Decimal) -> str:
    return f"{number:f}"


def _write_flag(flag: bool) -> str:
    return "1" if flag else "0"


def _read_flag(text: str) -> bool:
    return text == "1"


def _write_grade(grade: int) -> str:
    return f"{grade:02d}"


def one_of(name: str, values: tuple[str, ...], *, words: tuple[str, ...] = ()) -> Form:
    """Return the form of a closed list; a value outside it is SBX-2008."""

    def letter(text: str) -> str:
        return values[words.index(text)] if text in words else text

    return Form(
        name, values=values, words=words, code="SBX-2008", expected="|".join(values), read=letter
    )


# Spelt out as ranges because libxml2 reads a category inside a class differently: everything but
# control characters (line feed excepted), and at least one character that is no separator.
_SPACES: Final = "\\n \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_INK: Final = (
    "!-~\u00a1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e\u2060-\u2fff"
    "\u3001-\U0010ffff"
)
TEXT: Final = Form(
    "text",
    xsd_pattern=f"[{_SPACES}]*[{_INK}][\\n -~\u00a0-\U0010ffff]*",
    test=_is_text,
    expected="text",
)
NAME: Final = Form(
    "personName",
    xsd_pattern=r"[\p{L}\p{M}'\-.]+( [\p{L}\p{M}'\-.]+)*",
    test=_is_name,
    expected="\\p{L} \\p{M} ' - .",
    longest=150,
)
CLASS_NAME: Final = Form(
    "className", xsd_pattern=TEXT.xsd_pattern, test=_is_text, expected="1-10", longest=10
)
UUID: Final = Form(
    "uuid4",
    (r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}",),
    code="SBX-2006",
    expected="xxxxxxxx-xxxx-4xxx-[89ab]xxx-xxxxxxxxxxxx",
    read=str.lower,
    write=str.lower,
)
SCHOOL_YEAR: Final = Form("schoolYear", (r"20[0-9]{2}-20[0-9]{2}",), expected="YYYY-(YYYY+1)")
TWO_DIGITS: Final = Form("twoDigits", (r"[0-9]{2}",), expected="[0-9]{2}")
SCHOOL_CODE: Final = Form("schoolCode", (r"[0-9]{8,20}",), expected="[0-9]{8,20}")
PERSONAL_ID: Final = Form("personalId", (r"[0-9]{12}",), expected="[0-9]{12}")
DATE: Final = Form(
    "date",
    (_DAY, _ISO_DAY, _MOMENT),
    expected="dd/MM/yyyy",
    read=_read_date,
    write=_write_date,
)
MOMENT: Final = Form("dateTime", (_MOMENT,), expected="YYYY-MM-DDThh:mm:ss+07:00")
WEIGHT: Final = Form(
    "weight",
    (
        r"0{0,3}([89]|[1-9][0-9]|1[01][0-9])(\.[0-9]{1,4})?",
        r"0{0,3}120(\.0{1,4})?",
    ),
    expected="8-120",
    read=Decimal,
    write=_write_decimal,
)
HEIGHT: Final = Form(
    "height",
    (r"0{0,3}([7-9][0-9]|1[0-9]{2})(\.[0-9]{1,4})?", r"0{0,3}200(\.0{1,4})?"),
    expected="70-200",
    read=Decimal,
    write=_write_decimal,
)
HALF_DAYS: Final = Form(
    "halfDays",
    (r"0{0,3}([0-9]|[1-9][0-9]|[12][0-9]{2}|300)",),
    expected="0-300",
    read=int,
)
FLAG: Final = Form("flag", (r"[01]",), expected="0|1", read=_read_flag, write=_write_flag)
SCORE: Final = Form("score", (r"10|[0-9]",), expected="0-10", read=int)
SEX: Final = Form(
    "sex",
    values=tuple(sex.value for sex in Sex),
    code="SBX-2008",
    expected="Nam|Nữ",
    read=Sex,
)
GRADE: Final = Form(
    "grade",
    values=("01", "02", "03", "04", "05"),
    code="SBX-2008",
    expected="01-05",
    read=int,
    write=_write_grade,
)
VERSION: Final = one_of("version", ("1.0",))
CIRCULAR: Final = one_of("circular", ("27/2020/TT-BGDĐT",))
LEVEL_CODE: Final = one_of("levelCode", ("02",))
LEADER_TITLE: Final = one_of("leaderTitle", ("Hiệu trưởng", "Phó Hiệu trưởng"))
YEAR_RESULT: Final = one_of(
    "yearResult", ("Hoàn thành xuất sắc", "Hoàn thành tốt", "Hoàn thành", "Chưa hoàn thành")
)
SUBJECT_LEVEL: Final = one_of(
    "levelSubject", ("T", "H", "C"), words=("Hoàn thành tốt", "Hoàn thành", "Chưa hoàn thành")
)
RATING: Final = one_of("levelQuality", ("T", "Đ", "C"), words=("Tốt", "Đạt", "Cần cố gắng"))
