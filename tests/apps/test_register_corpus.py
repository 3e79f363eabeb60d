"""`hocba register-corpus`: a desk that never heard of the nation takes its packages afterwards."""

from __future__ import annotations

import asyncio
import base64
import csv
import json
from collections.abc import Iterator

import pytest

from sandbox.clock import MachineClock
from sandbox.corpora import Maker
from sandbox.corpora.orders import Order
from sandbox.errors import Misuse
from sandbox.synthetic.nation import Slice
from sandbox.wire.admin import NewSchool
from sandbox.wire.ministry import Account
from sandbox.world.registering import new_school
from sandbox.world.submitting import submit
from tests.builders.nation import nation
from tests.builders.running import RunningSandbox, running

FIRST = next(plan for plan in nation().provinces if plan.code == "48").schools[0].start
SLICE = ("--school", f"{FIRST}-{FIRST + 2}", "--share", "5%", "--format", "requests")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running(tmp_path_factory.mktemp("register")) as up:
        yield up


def test_a_signed_corpus_is_accepted_whole_once_it_is_registered(sandbox, tmp_path):
    """Made, registered twice, handed in over HTTP by every school: not one record is refused."""
    folder = tmp_path / "corpus"
    assert sandbox.hocba("nation", *SLICE, "--out", str(folder)).returncode == 0
    desk = sandbox.open_space("empty").dia_chi.cong
    register = ("register-corpus", str(folder), "--desk", desk, "--json")
    first, again = (json.loads(sandbox.hocba(*register).stdout) for _ in range(2))
    schools = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["schools"]
    assert {first[name] for name in ("schools", "accounts", "certificates")} == {schools}
    assert schools > 1
    assert again == first | {"certificates": 0}
    records = accepted = 0
    with (folder / "accounts.csv").open(encoding="utf-8", newline="") as file:
        accounts = list(csv.DictReader(file))
    for row in accounts:
        (lines,) = folder.glob(f"*/{row['ma_truong']}.jsonl")
        for line in lines.read_text(encoding="utf-8").splitlines():
            request = json.loads(line)
            outcome = asyncio.run(
                submit(
                    desk,
                    Account(row["user_name"], row["mat_khau"], row["ma_truong"]),
                    content=request["content"],
                    school_year=request["authenticationRequest"]["nam_hoc"],
                    messageid=request["authenticationRequest"]["messageid"],
                    clock=MachineClock(),
                    wait_s=60,
                )
            )
            assert outcome.all_accepted, outcome
            accepted += outcome.accepted
        records += int(row["so_hoc_ba"])
    assert accepted == records > 0


def test_what_cannot_be_registered_is_misuse(sandbox, tmp_path):
    """No corpus at all, one nobody signs, one whose certificates another authority issued."""
    desk = f"{sandbox.base_url}/kho/so/48"
    missing = sandbox.hocba("register-corpus", str(tmp_path), "--desk", desk)
    assert (missing.returncode, missing.stdout) == (2, "")
    for order in (Order(form="unsigned"), Order(authority_seed="another")):
        told = {**Order().told(), "form": str(order.form), "authority_seed": order.authority_seed}
        (tmp_path / "order.json").write_text(json.dumps(told), encoding="utf-8")
        assert sandbox.hocba("register-corpus", str(tmp_path), "--desk", desk).returncode == 2


def test_a_seal_is_entered_for_its_own_school_only(sandbox):
    """What is not a certificate, or made out to somebody else, is refused."""
    maker = Maker(Order(part=Slice(schools=(FIRST, FIRST + 1))))
    own, other = (maker.nation.school(number) for number in (FIRST, FIRST + 1))
    foreign = base64.b64encode(maker.seal_of(other).certificate.der).decode()
    row = json.loads(new_school(maker, own).model_dump_json())
    desk = f"{sandbox.base_url}/kho/so/48"
    with sandbox.admin() as admin:
        for said in (foreign, base64.b64encode(b"no certificate").decode()):
            with pytest.raises(Misuse, match="422"):
                admin.add_schools(desk, [NewSchool(**{**row, "chung_thu": [said]})])


def test_an_order_is_read_as_it_was_told():
    """Every field of an order survives its manifest; another version's is refused."""
    order = Order(rsa_per_mille=3, dirty=(("SBX-2004", 7),), school_year="2023-2024")
    assert Order.of_told(json.loads(json.dumps(order.told()))) == order
    with pytest.raises(ValueError, match="format_version"):
        Order.of_told(order.told() | {"format_version": 1})
