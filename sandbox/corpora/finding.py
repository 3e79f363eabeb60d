"""From what people type to numbers of the nation."""

from __future__ import annotations

from sandbox.corpora.dirt import ANY, MILLION, mixable
from sandbox.errors import Misuse
from sandbox.synthetic.layout import SCHOOLS
from sandbox.synthetic.nation import Nation


def schools_of(nation: Nation, text: str) -> tuple[int, int]:
    """Return first and last number of what *text* names: a number, `7000-7100`, or a school code.

    Raises `Misuse` for anything else.
    """
    first, dash, last = text.partition("-")
    numbers = [int(part) for part in (first, last) if part.isascii() and part.isdigit()]
    if dash and len(numbers) == 2 and 1 <= numbers[0] <= numbers[1] <= SCHOOLS:
        return numbers[0], numbers[1]
    if not dash and numbers and 1 <= numbers[0] <= SCHOOLS:
        return numbers[0], numbers[0]
    found = None if dash else school_of_code(nation, text)
    if found is None:
        raise Misuse(
            f"--school {text}", remedy=f"a number from 1 to {SCHOOLS}, 7000-7100, or a school code"
        )
    return found, found


def school_of_code(nation: Nation, code: str) -> int | None:
    """Return the number of the school with that MA_TRUONG in the nation's year."""
    for province in nation.provinces:
        if code.startswith(province.code):
            for numbers in province.schools:
                for number in numbers:
                    if nation.school(number).code == code:
                        return number
    return None


def class_of(nation: Nation, number: int, name: str) -> int:
    """Return the index of the class called *name* in school *number*. Raises `Misuse`."""
    names = {plan.name: plan.index for plan in nation.school(number).classes}
    if name not in names:
        raise Misuse(f"--class {name}", remedy=", ".join(names))
    return names[name]


def share_of(option: str, text: str, whole: int) -> int:
    """Return the share *text*, such as 0.02 or 2%, in parts of *whole*. Raises `Misuse`."""
    number, percent = text.removesuffix("%"), text.endswith("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise Misuse(f"{option} {text}", remedy="a share such as 0.02 or 2%")
    return round(share * whole)


def rates_of(texts: list[str]) -> tuple[tuple[str, int], ...]:
    """Return the rates of `--dirty`: `0.02` for all defects, `SBX-3002=0.5%`, or a defect's name.

    Raises `Misuse` for a label that cannot be mixed in, or rates above the whole.
    """
    rates = []
    for text in texts:
        label, equals, share = text.rpartition("=")
        label = label if equals else ANY
        try:
            mixable(label)
        except ValueError as error:
            raise Misuse(str(error), remedy="a record's code or defect") from error
        rates.append((label, share_of("--dirty", share, MILLION)))
    if sum(rate for _, rate in rates) > MILLION:
        raise Misuse("--dirty", remedy="rates that make at most 1 together")
    return tuple(rates)
