"""What each instrument of the phone family refuses when a request is sent (signing-practice §3)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.clock import FixedClock
from sandbox.wire.signing import Instrument, Status, entry
from tests.builders.instruments import Signer, add_signer, advance
from tests.builders.phone import Room, make_room, serving


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    made = make_room(tmp_path_factory.mktemp("gates"), clock=FixedClock())
    with serving(made) as served:
        yield served


@pytest.fixture
def signer(room: Room) -> Signer:
    return add_signer(room)


@pytest.mark.parametrize(
    ("instrument", "most"),
    [(Instrument.A, 50), (Instrument.GR, 50), (Instrument.A_OTP, 30), (Instrument.S, 1)],
)
def test_a_request_may_hold_as_many_records_as_the_instrument_takes(
    signer: Signer, instrument: Instrument, most: int
) -> None:
    """§3.1, §3.6: 50 by app, 30 by code, one by SIM; one more is refused, nothing is kept."""
    if most < 50:
        refused = signer.refused(instrument, most + 1)
        assert (refused["code"], refused["status"]) == ("INSTRUMENT_LIMIT", 422)
        assert str(most) in refused["cause"]["vi"]
    else:
        assert signer.refused(instrument, most + 1)["code"] == "TOO_MANY_HASHES"

    assert signer.ask(instrument, most).count == most


def test_a_sim_rests_fifty_seconds_after_each_request(room: Room, signer: Signer) -> None:
    """E3 of a SIM: refused 49 s after the last one ended, taken 1 s later; told in SIM words."""
    first = signer.ask(Instrument.S)
    room.post(f"giao-dich/{first.id}/huy")
    advance(room, 49)

    refused = signer.refused(Instrument.S)
    assert (refused["code"], refused["teacher_error"]) == ("INSTRUMENT_RESTING", "E3")
    assert refused["cause"]["vi"].startswith("Văn bản đang trong quá trình xử lý.")

    advance(room, 1)
    assert signer.ask(Instrument.S).status is Status.WAITING_CONFIRM


def test_the_rest_of_an_expired_request_counts_from_its_limit(room: Room, signer: Signer) -> None:
    """A request that nobody looked at ended when its five minutes were over, not when seen."""
    signer.ask(Instrument.S)
    advance(room, 301 + 50)

    assert signer.ask(Instrument.S).status is Status.WAITING_CONFIRM


def test_a_new_phone_is_refused_until_it_is_activated(signer: Signer) -> None:
    """E14a: NOT_ACTIVATED for Ký Xa B before its registration, for A after `doi_dien_thoai`."""
    assert signer.refused(Instrument.B)["teacher_error"] == "E14"
    signer.arm("doi_dien_thoai")

    refused = signer.refused(Instrument.A)

    assert (refused["code"], refused["status"]) == ("NOT_ACTIVATED", 403)
    assert "declined" in signer.events()


def test_an_outage_lasts_as_often_as_it_was_armed(signer: Signer) -> None:
    """E14b: 503 twice, then the request is taken and the fault is mended."""
    signer.arm("E14b", so_lan=2)

    assert [signer.refused(Instrument.A)["status"] for _ in range(2)] == [503, 503]
    assert signer.ask(Instrument.A).status is Status.WAITING_CONFIRM
    assert signer.mended("E14b")


def test_a_package_of_turns_can_be_used_up(room: Room, signer: Signer) -> None:
    """65000: by fault plan once, by the space's switch for good; a SIM uses no turns."""
    signer.arm("luot_ky")
    refused = signer.refused(Instrument.A)
    assert (refused["code"], refused["number"]) == ("SERVICE_PACK_EXEED_OR_INVALID", 65000)
    room.spaces.set_switches("tap", signing_turns=2)
    try:
        assert signer.refused(Instrument.A, 3)["number"] == 65000
        waiting = signer.ask(Instrument.A, 2)
        room.post(f"giao-dich/{waiting.id}/huy")
        room.spaces.set_switches("tap", signing_turns=0)
        assert signer.refused(Instrument.GR)["number"] == 65000
        assert signer.ask(Instrument.S).status is Status.WAITING_CONFIRM
    finally:
        room.spaces.set_switches("tap", signing_turns=None)
    assert signer.mended("luot_ky")


def test_a_strangers_request_meets_no_rest_and_needs_no_activation(signer: Signer) -> None:
    """A request from nobody known arrives whatever state the phone is in (curriculum Bài 5)."""
    assert signer.ask(Instrument.B, stranger=True).status is Status.WAITING_CONFIRM


def test_each_instrument_has_its_own_entry(signer: Signer) -> None:
    """The portal's link leads to the app, the SIM's menu, the page for codes or the computer."""
    phone = signer.phone

    assert {one.value: entry(phone, one) for one in Instrument} == {
        "A": phone.path,
        "B": phone.path,
        "GR": phone.path,
        "S": f"{phone.path}/sim",
        "A-OTP": f"{phone.computer_path}/ma-mot-lan",
        "U": phone.computer_path,
        "G": phone.computer_path,
    }
