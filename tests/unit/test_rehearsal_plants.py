"""Planted faults: each provokes its code, and no other comes first."""

from __future__ import annotations

import pytest

from sandbox.documents import check_schema, parse_record, read_report_card, render_record
from sandbox.domain.assessment import check_rules
from sandbox.domain.consistency import check_consistency
from sandbox.domain.rejections import CATALOGUE
from sandbox.rehearsal.plants import PLANTS, plant_fault
from sandbox.synthetic import make_school

CARDS = [card for group in make_school("plants", pupils=6).classes for card in group.cards]


def first_code(xml: bytes) -> str:
    """What the desk would find first, stage by stage, once the record is signed."""
    record = parse_record(xml)
    schema = [f for f in check_schema(record) if not CATALOGUE[f.code].is_warning]
    if schema:
        return schema[0].code
    card = read_report_card(record)
    found = [*check_consistency(card), *check_rules(card)]
    return next((f.code for f in found if not CATALOGUE[f.code].is_warning), "0")


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_record_is_refused_with_the_code_of_the_plant(name):
    """Whatever pupil is picked, the first fault found is the planted one."""
    codes = {first_code(plant_fault(render_record(card), name)) for card in CARDS}

    assert codes == {PLANTS[name].provokes}


def test_the_record_without_the_plant_is_good():
    """Mending means taking the plant out: nothing else is wrong."""
    assert {first_code(render_record(card)) for card in CARDS} == {"0"}


@pytest.mark.parametrize("name", PLANTS)
def test_a_plant_keeps_the_record_id(name):
    """The mended record is the same record."""
    card = CARDS[0]
    planted = parse_record(plant_fault(render_record(card), name))

    assert planted.uuid == card.record_id
