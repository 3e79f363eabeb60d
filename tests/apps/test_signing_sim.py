"""SIM Ký: plain dialogs, first PIN, one at a time, lock, signal (signing-practice §3.3, Bài 8)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.clock import FixedClock
from sandbox.wire.signing import Instrument, Status
from tests.builders.instruments import CANCEL, FIRST_PIN, OK, Signer, add_signer, advance
from tests.builders.phone import WRONG, Room, make_room, serving

S = Instrument.S


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    made = make_room(tmp_path_factory.mktemp("sim"), clock=FixedClock())
    with serving(made) as served:
        yield served


@pytest.fixture
def signer(room: Room) -> Signer:
    return add_signer(room)


def heading(signer: Signer) -> str:
    assert signer.browser.sheet is not None
    return signer.browser.sheet.heading


def test_the_first_pin_must_be_changed_before_signing(signer: Signer) -> None:
    """012345 opens nothing but its own change; afterwards the request is signed."""
    asked = signer.ask(S)
    signer.open(S)
    assert FIRST_PIN in signer.browser.sheet.words  # type: ignore[union-attr]
    assert signer.browser.follow_first("Ký giao dịch").heading == "Đổi mã PIN SIM"

    signer.change_sim_pin()
    assert heading(signer) == "Chọn một mục trên SIM"
    signer.at_sim_pin()
    page = signer.browser.press(OK, pin=signer.secret(S))

    assert page.heading == "Ký giao dịch thành công"
    assert "SIM còn nghỉ 50 giây" in page.words
    assert signer.signatures(asked) == 1
    assert "pin_changed" in signer.events()


def test_the_new_pin_is_the_one_on_the_card(signer: Signer) -> None:
    """Nobody can set a PIN of their own; a slip uses up no try, a wrong present PIN does."""
    card = signer.secret(S)
    signer.browser.open(f"{signer.phone.path}/sim/doi-pin")
    typed = {"pin_old": FIRST_PIN, "pin_new": WRONG, "pin_again": WRONG}
    assert "phải là mã PIN SIM in trên thẻ" in signer.browser.press(OK, **typed).words
    typed = {"pin_old": FIRST_PIN, "pin_new": card, "pin_again": WRONG}
    assert "khác nhau" in signer.browser.press(OK, **typed).words

    typed = {"pin_old": WRONG, "pin_new": card, "pin_again": card}
    assert "Còn 2 lần nhập" in signer.browser.press(OK, **typed).words
    typed = {"pin_old": FIRST_PIN, "pin_new": card, "pin_again": card}
    assert signer.browser.press(OK, **typed).heading == "Chọn một mục trên SIM"


def test_three_wrong_pins_lock_the_sim_and_end_the_request(signer: Signer) -> None:
    """E7: two warnings with the tries left, then the lock; unlocked, a new request is signed."""
    signer.change_sim_pin()
    asked = signer.ask(S)
    signer.at_sim_pin()
    for left in (2, 1):
        page = signer.browser.press(OK, pin=WRONG)
        assert f"còn {left} lần nhập" in page.words
        signer.browser.follow(OK)
    assert signer.browser.press(OK, pin=WRONG).heading == "✖ Mã PIN SIM bị khoá"
    assert signer.room.state(asked).status is Status.AUTH_FAILED

    signer.browser.press("Mở khoá để tập")

    assert heading(signer) == "Chọn một mục trên SIM"
    assert {"wrong_pin", "locked", "unlocked"} <= set(signer.events())


def test_cancel_is_refused_and_the_sim_rests(room: Room, signer: Signer) -> None:
    """Bài 8: [Huỷ] → E1; sooner than 50 s → E3; then it can be signed again."""
    signer.change_sim_pin()
    asked = signer.ask(S)
    signer.open(S)
    signer.browser.follow_first("Ký giao dịch")
    signer.browser.follow_row()

    page = signer.browser.press(CANCEL)

    assert page.heading == "Thầy cô đã từ chối"
    assert "Chờ 50 giây rồi ký lại" in page.words
    assert signer.room.state(asked).status is Status.REJECTED
    assert signer.refused(S)["teacher_error"] == "E3"
    advance(room, 20)
    signer.open(S)
    assert "SIM còn nghỉ 30 giây" in signer.browser.sheet.words  # type: ignore[union-attr]
    advance(room, 30)
    assert signer.ask(S).status is Status.WAITING_CONFIRM


def test_without_signal_nothing_arrives(signer: Signer) -> None:
    """`mat_song`: the list says so as often as armed, then the request is there."""
    signer.change_sim_pin()
    signer.ask(S)
    signer.arm("mat_song")
    signer.open(S)
    assert signer.browser.follow_first("Ký giao dịch").heading == "Điện thoại mất sóng"

    page = signer.browser.follow(OK)

    assert page.heading == "Chọn yêu cầu để ký"
    assert signer.mended("mat_song")


def test_one_of_several_certificates_is_chosen(room: Room) -> None:
    """§3.3: the wrong one signs nothing and uses up no try; the right one signs."""
    signer = add_signer(room, units=True)
    signer.change_sim_pin()
    asked = signer.ask(S)
    signer.at_sim_pin()
    assert heading(signer) == "Chọn thẻ chữ ký"
    action, _ = signer.browser.form(OK)
    wrong = room.serial(signer.holder, kind="unit")
    signer.browser.open(f"{action}?the={wrong}")

    page = signer.browser.press(OK, pin=signer.secret(S))

    assert page.heading == "✖ Sai thẻ chữ ký"
    signer.browser.follow(OK)
    signer.browser.open(f"{action}?the={room.serial(signer.holder)}")
    signer.browser.press(OK, pin=signer.secret(S))
    assert signer.signatures(asked) == 1


def test_a_pin_sent_twice_signs_once(signer: Signer) -> None:
    """The same form twice, a second tap, Back: one signature, no broken state."""
    signer.change_sim_pin()
    asked = signer.ask(S)
    signer.at_sim_pin()
    action, fields = signer.browser.form(OK)
    typed = {**fields, "pin": signer.secret(S)}

    pages = [signer.browser.post(action, typed).heading for _ in range(2)]

    assert pages == ["Ký giao dịch thành công"] * 2
    for back in (action, action.split("/ma-pin")[0]):
        assert signer.browser.open(back).heading == "Ký giao dịch thành công"
    assert (signer.signatures(asked), signer.events().count("approved")) == (1, 1)
