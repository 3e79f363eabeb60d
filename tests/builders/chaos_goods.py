"""Small signed packages of distinct records, made beforehand, for deliveries by the thousand."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from sandbox.documents import envelope
from sandbox.domain.report_card import ReportCard
from sandbox.synthetic import School
from tests.builders.ministry import changed_card, department, packed, signed

FAULTY_SHARE = 0.15


@dataclass(frozen=True)
class Goods:
    """One package: what is sent, and what must come of it."""

    school: School
    content: str
    records: dict[str, bytes]
    """UUID → the signed bytes, in the package's order."""
    faulty: frozenset[str]
    """UUIDs of records whose data were altered after they were signed."""


def variants(name: str) -> Iterator[tuple[School, ReportCard]]:
    """Return cards of the practice schools without end, each of another pupil and UUID."""
    cards = [
        (school, card)
        for school in department().schools
        for group in school.classes
        for card in group.cards
    ]
    for number, (school, card) in enumerate(itertools.cycle(cards)):
        yield (
            school,
            changed_card(
                card,
                record_id=str(
                    uuid.UUID(int=Random(f"{name} {number}").getrandbits(128), version=4)
                ),
                pupil_id=f"{card.general.pupil_id[:6]}{number:06d}",
                pupil_code=f"48999{number:07d}",
            ),
        )


def goods(
    name: str,
    chance: Random,
    *,
    records: tuple[int, int] = (1, 3),
    only: School | None = None,
) -> Iterator[Goods]:
    """Return packages without end, each of *records* from and to; some with one faulty record.

    They are of all practice schools in turn, or of *only* one.
    """
    waiting: dict[str, list[ReportCard]] = {}
    wanted: dict[str, int] = {}
    for school, card in variants(name):
        if only not in (None, school):
            continue
        here = waiting.setdefault(school.code, [])
        here.append(card)
        if len(here) < wanted.setdefault(school.code, chance.randint(*records)):
            continue
        spoiled = chance.randrange(len(here)) if chance.random() < FAULTY_SHARE else None
        yield _goods(school, here, spoiled)
        del waiting[school.code], wanted[school.code]


def _goods(school: School, cards: list[ReportCard], spoiled: int | None) -> Goods:
    made = {card.record_id: signed.__wrapped__(card) for card in cards}
    faulty = frozenset([cards[spoiled].record_id] if spoiled is not None else [])
    for one in faulty:
        code = next(card.general.pupil_code for card in cards if card.record_id == one)
        made[one] = made[one].replace(code.encode(), f"9{code[1:]}".encode())
    xml = packed(list(made.values()), unit_code=school.code, unit_name=school.name)
    return Goods(school, envelope.pack(xml), made, faulty)
