"""Every defect, delivered over HTTP to a real desk, gets its code at its place."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.defects import DEFECTS, Defect, Delivery
from sandbox.defects.kit import MOST_DEFECTS
from sandbox.defects.registry import Need
from sandbox.domain.rejections import CATALOGUE, Stage
from tests.builders.defects import Reply, a_kit, deliver
from tests.builders.ministry import Installation, installed

KIT = a_kit()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("defects")
    with installed(f"sqlite:///{folder / 'desk.db'}") as running:
        yield running


def test_the_kits_good_package_is_accepted(installation):
    """What every defect starts from is accepted without a warning."""
    good = Defect(
        name="good",
        description="",
        provokes="0",
        within=None,
        place=None,
        needs=frozenset(),
        number=MOST_DEFECTS - 1,
        build=lambda kit: Delivery(package=kit.good_package()),
    )
    reply = deliver(installation, good, KIT)
    assert [row["trang_thai"] for row in reply.rows] == [1, 1]
    assert [row["chi_tiet"] for row in reply.rows] == [[], []]


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_gets_its_code_at_its_place(installation, name):
    """The code the catalogue names for the fault comes first, with XPath or pointer."""
    defect = DEFECTS[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reply = deliver(installation, defect, KIT)
    assert reply.status < 500
    _declared_what_it_needs(defect, reply.delivery)
    if defect.stage is Stage.RECEIPT:
        _refused_at_the_receipt(defect, reply)
    elif defect.is_warning:
        _accepted_with_a_warning(defect, reply)
    else:
        _refused_by_the_worker(defect, reply)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def _refused_at_the_receipt(defect: Defect, reply: Reply) -> None:
    assert reply.receipt["Error"] == defect.provokes
    assert reply.status == CATALOGUE[defect.provokes].http_status
    if defect.place is not None:
        assert reply.receipt["chi_tiet"][0]["con_tro_json"] == defect.place


def _accepted_with_a_warning(defect: Defect, reply: Reply) -> None:
    assert all(row["trang_thai"] == 1 for row in reply.rows)
    details = [detail for row in reply.rows for detail in row["chi_tiet"]]
    details += reply.result["chi_tiet"]
    found = next(detail for detail in details if detail["ma"] == defect.provokes)
    assert found["muc"] == "canh_bao"
    if defect.place is not None:
        assert found["xpath"] == defect.place


def _refused_by_the_worker(defect: Defect, reply: Reply) -> None:
    assert reply.receipt["Error"] == "0"
    if not reply.rows:
        assert reply.result["Error"] == defect.provokes
        details = reply.result["chi_tiet"]
    elif defect.stage is Stage.PACKAGE:
        assert {row["error"] for row in reply.rows} == {defect.provokes}
        details = reply.rows[-1]["chi_tiet"]
    else:
        row = reply.rows[-1]
        assert row["error"] == defect.provokes, row["chi_tiet"]
        assert all(r["trang_thai"] == 1 for r in reply.rows[:-1]), reply.rows
        details = row["chi_tiet"]
    first = details[0]
    assert first["ma"] == defect.provokes
    assert defect.place in (None, first["xpath"], first["con_tro_json"]), first
    if defect.within is not None:
        assert details[1]["ma"] == defect.within


def _declared_what_it_needs(defect: Defect, delivery: Delivery) -> None:
    needs = delivery.needs
    declared = {
        Need.CERTIFICATE_EVENT: bool(needs.events),
        Need.EARLIER_PACKAGE: bool(needs.earlier),
        Need.CLOCK: needs.clock is not None,
        Need.SAME_MESSAGEID: needs.same_messageid is not None,
        Need.ADDRESS_LIST: bool(needs.allowed_ips),
    }
    assert defect.needs == {need for need, given in declared.items() if given}
