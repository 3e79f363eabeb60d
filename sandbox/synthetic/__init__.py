"""Invented people, schools and report cards: deterministic, lawful, marked as practice.

Everything is keyed by number: the same seed and number give the same school, made alone or
inside the whole. No real person, place or school stands in it (spec/README.md §5.1).
"""

from sandbox.synthetic.model import Department, Pupil, School, SchoolClass, Staff
from sandbox.synthetic.people import Provider, people
from sandbox.synthetic.practice import (
    DEFAULT_SCHOOL_YEAR,
    DEFAULT_SEED,
    make_class,
    make_school,
    practice_department,
)

__all__ = [
    "DEFAULT_SCHOOL_YEAR",
    "DEFAULT_SEED",
    "Department",
    "Provider",
    "Pupil",
    "School",
    "SchoolClass",
    "Staff",
    "make_class",
    "make_school",
    "people",
    "practice_department",
]
