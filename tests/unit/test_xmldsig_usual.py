"""The usual way of verifying accepts nothing the numbered steps refuse, and says the same."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from sandbox.documents import parse, parse_record
from sandbox.documents.signing_part import halves_of
from sandbox.domain.report_card import Slot
from sandbox.errors import Refused
from sandbox.xmldsig.canonical import canonical_root
from sandbox.xmldsig.usual import World, verify_usual
from tests.builders.signing import (
    GENERAL,
    NOW,
    SEAL,
    TRUST,
    revocations,
    signed_record,
    verified,
)
from tests.unit.test_xmldsig_mutations import with_one_byte_changed, with_one_node_changed

BAD = sorted((Path(__file__).parents[1] / "vectors" / "bad_signatures").glob("*.xml"))
RECORD = signed_record()


def usual(xml: bytes) -> Any:
    """Verify *xml* the usual way; None where it wants the numbered steps."""
    lists = revocations()
    world = World(
        TRUST,
        lists.__getitem__,
        NOW,
        lambda code, certificate: code == GENERAL.school_code and certificate == SEAL.certificate,
    )
    return verify_usual(parse_record(xml), world)


def step_by_step(xml: bytes) -> Any:
    try:
        return verified(xml, trace=False)
    except Refused as refused:
        return refused


def is_canonical(xml: bytes) -> bool:
    """The condition under which the usual way may be asked at all."""
    try:
        return canonical_root(etree.fromstring(xml)) == xml
    except (etree.XMLSyntaxError, Refused):
        return False


def compare(xml: bytes) -> str:
    """Verify *xml* both ways; they agree, or the usual way leaves it to the steps."""
    quick, slow = usual(xml), step_by_step(xml)
    if quick is None:
        return "left"
    assert not isinstance(slow, Refused), f"accepted, though {slow}"
    assert (quick.data, quick.data_digest) == (slow.data, slow.data_digest)
    assert quick.signatures == slow.signatures
    with_warnings = verified(xml, trace=False, is_canonical=True)
    assert with_warnings.warnings == slow.warnings
    return "accepted"


def test_a_record_as_it_is_usually_written_needs_no_walk() -> None:
    """It is taken apart by its bytes, and both ways say the same."""
    assert halves_of(parse_record(RECORD)) is not None
    assert compare(RECORD) == "accepted"


@pytest.mark.parametrize("seed", range(6))
def test_what_the_steps_refuse_is_never_accepted(seed: int) -> None:
    """Random changes of bytes and nodes, written canonically: no one passes the usual way only."""
    chance, seen = random.Random(seed), Counter[str]()
    for number in range(300):
        change = with_one_node_changed if number % 2 else with_one_byte_changed
        changed = change(RECORD, chance)
        if not is_canonical(changed):
            try:
                changed = canonical_root(etree.fromstring(changed))
            except (etree.XMLSyntaxError, Refused):
                continue
        seen[compare(changed)] += 1
    assert seen["left"] > 100


def test_no_prepared_bad_signature_is_accepted() -> None:
    """Of the doctor's packages: what the steps refuse is left to them, record by record."""
    compared = Counter[str]()
    for file in BAD:
        xml = file.read_bytes()
        if is_canonical(xml):
            for record in parse(xml).records:
                compared[compare(record.original)] += 1
    assert compared["left"] > 10


def swaps() -> Iterator[tuple[str, bytes]]:
    """Yield what a forger would try: parts of one signature in the place of another's."""
    root = etree.fromstring(RECORD)
    slots = {slot: root.find(f"DANH_SACH_THONG_TIN_KY/{slot}") for slot in Slot}
    for one in Slot:
        for other in Slot:
            if one is other:
                continue
            for part in ("SignedInfo", "SignatureValue", "KeyInfo", "Object"):
                forged = copy.deepcopy(root)
                there = forged.find(f"DANH_SACH_THONG_TIN_KY/{one}/{{*}}Signature/{{*}}{part}")
                own = slots[other].find(f"{{*}}Signature/{{*}}{part}")
                there.getparent().replace(there, copy.deepcopy(own))
                yield f"{one}-{part}-of-{other}", canonical_root(forged)


@pytest.mark.parametrize(
    ("name", "xml"), list(swaps()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_parts_of_another_signature_are_left_to_the_steps(name: str, xml: bytes) -> None:
    """Each exchanged part is refused there."""
    assert compare(xml) == "left"
    assert isinstance(step_by_step(xml), Refused)
