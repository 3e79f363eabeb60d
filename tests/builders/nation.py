"""The invented nation for tests: opened once, and samples spread over all provinces."""

from __future__ import annotations

from functools import lru_cache

from sandbox.synthetic.nation import Nation

SEED = "hoc-ba-so"


@lru_cache(maxsize=8)
def nation(school_year: str = "2024-2025", seed: str = SEED) -> Nation:
    """Return the nation, opened once per test run and year."""
    return Nation(seed, school_year=school_year)


def one_class_per_province(school_year: str = "2024-2025") -> list[tuple[int, int]]:
    """Return school number and class index of one class of each province, grades mixed."""
    found = []
    opened = nation(school_year)
    for turn, plan in enumerate(opened.provinces):
        numbers = plan.schools[0]
        number = numbers[turn * 7 % len(numbers)]
        classes = opened.school(number).classes
        found.append((number, turn * 5 % len(classes)))
    return found


@lru_cache(maxsize=4)
def sample(school_year: str = "2024-2025") -> tuple:
    """Return the classes of `one_class_per_province` and a few more: about 2,200 cards."""
    opened = nation(school_year)
    more = [(number, 0) for number in range(5, 14_000, 1_000)]
    return tuple(
        opened.school_class(number, index)
        for number, index in (*one_class_per_province(school_year), *more)
    )
