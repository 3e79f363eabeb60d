"""The registry of defects: many, of many codes, each told apart and explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.defects import ABSENT, DEFECTS, Delivery, Kit
from sandbox.defects.kit import GRADE, MOST_DEFECTS
from sandbox.defects.registry import defect
from sandbox.documents import check_schema, parse, read_report_card
from sandbox.domain.assessment import check_rules
from sandbox.domain.consistency import check_consistency
from sandbox.domain.rejections import CATALOGUE, Stage
from tests.builders.defects import a_kit

KIT = a_kit()
FIELDS = {
    "token": "t",
    "user_name": "u",
    "password": "p",
    "ma_don_vi": "48999401",
    "messageid": "90000000-0000-4000-8000-000000000001",
}


def test_there_are_many_defects_of_many_codes():
    """At least 60 single mutations, at least 45 different codes, in every stage but recall."""
    assert len(DEFECTS) >= 60
    assert len({defect.provokes for defect in DEFECTS.values()}) >= 45
    assert len(DEFECTS) <= MOST_DEFECTS
    stages = {defect.stage for defect in DEFECTS.values()}
    assert stages == {
        Stage.RECEIPT,
        Stage.PACKAGE,
        Stage.SCHEMA,
        Stage.SIGNATURE,
        Stage.REGISTER,
        Stage.RULES,
        Stage.LOCK,
    }


RECEIPT_TESTS, OFFICER_TESTS = "apps/test_ministry_receipt.py", "apps/test_ministry_pages.py"
LIFECYCLE_TESTS = "unit/test_domain_lifecycle.py"
BY_SCENARIO = {
    # how often and how much an account sends: no single delivery is wrong
    "SBX-1112": RECEIPT_TESTS,
    "SBX-1118": RECEIPT_TESTS,
    # registering a certificate (type 2) is no package; its answer comes with type 4
    "SBX-1120": OFFICER_TESTS,
    "SBX-1121": OFFICER_TESTS,
    # a step the life cycle does not allow inside a provider's portal: a desk never answers with
    # them, for it sees packages only
    "SBX-5009": LIFECYCLE_TESTS,
    "SBX-5010": LIFECYCLE_TESTS,
}
"""Codes that no faulty package can provoke, and the tests that provoke them."""


def test_every_code_a_package_can_meet_has_a_defect():
    """Receipt to lock, read from the catalogue; a new code needs a defect or a scenario."""
    provoked = {defect.provokes for defect in DEFECTS.values()}
    met = set(Stage) - {Stage.RECALL, Stage.QUERY, Stage.ANY}
    due = {code for code, entry in CATALOGUE.items() if entry.stage in met}
    assert due - provoked == set(BY_SCENARIO)
    tests = Path(__file__).parents[1]
    for code, file in BY_SCENARIO.items():
        assert code in (tests / file).read_text(encoding="utf-8"), code


def test_every_defect_says_what_is_wrong():
    """The description is the function's docstring, one sentence at least."""
    for found in DEFECTS.values():
        assert len(found.description) > 20, found.name
        assert found.description[-1] in ".?", found.name
        assert found.provokes in CATALOGUE
        assert found.within is None or found.within in CATALOGUE


def test_a_defect_makes_the_same_bytes_every_time():
    """Two kits of one seed give the same delivery."""
    for found in list(DEFECTS.values())[::7]:
        one, other = found.make(KIT), found.make(a_kit())
        assert (one.package, one.content) == (other.package, other.content), found.name
        assert one.needs == other.needs


def test_every_defect_has_pupils_of_its_own():
    """No two defects share a pupil, so that all can be sent to one space."""
    numbers = [found.number for found in DEFECTS.values()]
    assert len(set(numbers)) == len(numbers)
    ids = [
        KIT.with_pupils(number).card(place).general.pupil_id
        for number in numbers
        for place in (0, 1)
    ]
    assert len(set(ids)) == 2 * len(numbers)


def test_the_good_package_has_no_fault_of_form_or_rule():
    """What defects spoil is itself without fault."""
    package = parse(KIT.good_package())
    for record in package.records:
        assert check_schema(record) == []
        card = read_report_card(record)
        assert check_consistency(card) == []
        assert check_rules(card) == []
    assert read_report_card(package.records[1]).general.grade == GRADE


def test_a_body_is_a_good_request_with_its_edits():
    """Edits set or take away single fields of a good request."""
    delivery = Delivery(
        package=b"<x/>",
        edits=(("/authenticationRequest/token", ABSENT), ("/content", "c")),
    )
    assert delivery.body(FIELDS) == (
        b'{"authenticationRequest": {"user_name": "u", "password": "p", "ma_don_vi": "48999401", '
        b'"messageid": "90000000-0000-4000-8000-000000000001", "nam_hoc": 2024, "type": "1", '
        b'"function": "NOP_HOC_BA"}, "content": "c"}'
    )


def test_a_name_is_given_once():
    """Two defects of one name would hide each other."""

    def mother_missing(kit: Kit) -> Delivery:
        """Already there."""
        return Delivery(package=kit.good_package())

    with pytest.raises(ValueError, match="mother_missing"):
        defect(provokes="SBX-2001")(mother_missing)
