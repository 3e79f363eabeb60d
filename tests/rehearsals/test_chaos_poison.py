"""Packages made to stop a desk stop nothing: each is answered, and its neighbours are checked."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sandbox.defects import DEFECTS, Delivery
from sandbox.documents import Limits
from sandbox.ministry.model import HTTP_BODY_BYTES
from tests.builders.chaos import FAULT, Storms, storms
from tests.builders.chaos_places import sqlite_place
from tests.builders.chaos_senders import Heard
from tests.builders.defects import a_kit
from tests.builders.ministry import department

HOSTILE = (
    "text_without_end",
    "nested_too_deep",
    "nested_beyond_any_stack",
    "attributes_without_end",
    "elements_without_end",
    "records_without_end",
    "gzip_bomb",
    "gzip_bomb_announced",
    "entity_bomb",
    "entity_reads_a_file",
    "entity_calls_a_server",
    "package_signature_over_one_record",
    "package_signature_points_outside",
    "record_added_after_sealing",
    "seal_of_a_record_beside_the_packages",
)
"""Defects that attack the desk rather than err."""
AT_THE_LIMIT = "as many records as a package may hold, all empty"
JSON = {"Content-Type": "application/json"}
FULL_BODY = "a body of ten megabytes that does not compress"
BODY_TOO_LARGE = "a body one byte above ten megabytes"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Storms]:
    with (
        sqlite_place(tmp_path) as place,
        storms(place, tmp_path, seed=13, claim_s=30) as installation,
    ):
        yield installation


def poisons() -> dict[str, tuple[Delivery, str]]:
    """Return every hostile delivery with the code it must get."""
    kit = a_kit()
    found = {name: (DEFECTS[name].make(kit), DEFECTS[name].provokes) for name in HOSTILE}
    empty = kit.packed(*[b"<HOC_BA></HOC_BA>"] * Limits().records)
    found[AT_THE_LIMIT] = (Delivery(package=kit.sealed(empty)), "SBX-2003")
    good = kit.good_package()
    end = good.rindex(b"<Signature ")
    noise = b"".join(b"<X>%s</X>" % secrets.token_hex(30_000).encode() for _ in range(220))
    found[FULL_BODY] = (Delivery(package=good[:end] + noise + good[end:]), "SBX-1110")
    found[BODY_TOO_LARGE] = (Delivery(raw_body=b" " * (HTTP_BODY_BYTES + 1)), "SBX-1104")
    return found


def test_hostile_packages_are_answered_and_stop_neither_process_nor_neighbour(
    desk: Storms,
) -> None:
    """Bombs, endless nesting and text, false signatures, full bodies, amid good packages."""
    heard, sender = Heard(), desk.sender(Heard())
    sent: dict[str, tuple[str, str]] = {}
    alive = {child.pid for child in desk.processes.everyone}
    with httpx.Client(timeout=60, trust_env=False) as http:
        for name, (delivery, code) in poisons().items():
            good = desk.one_good_delivery()
            sender.run([good])
            heard.acknowledged[good.messageid] = good.goods
            messageid = str(uuid.uuid4())
            sent[messageid] = name, code
            body = delivery.body(sender.fields(http, good.goods.school, messageid))
            said = http.post(f"{sender.base}/hoc-ba", content=body, headers=JSON).json()
            if said["Error"] != "0":
                assert said["Error"] == code, (name, said)
                del sent[messageid]
        desk.drain()
        for messageid, (name, code) in sent.items():
            said = sender.result(http, department().schools[0], messageid)
            assert said is not None
            rows = {row["error"] for row in said["DanhSach"]}
            assert code in {said["Error"], *rows}, (name, said["chi_tiet"])
            assert all(row["trang_thai"] == 0 for row in said["DanhSach"]), name
            if name == AT_THE_LIMIT:
                assert len(said["DanhSach"]) == Limits().records
    desk.proof.note(heard.acknowledged, {})
    desk.proof.every_good_record_is_in()
    assert {child.pid for child in desk.processes.everyone if child.alive} == alive
    assert not FAULT.search(desk.processes.news())
