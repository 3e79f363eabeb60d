"""Ký Xa A by one-time code: password and six digits, no tap (signing-practice §3.1, A-OTP)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.clock import FixedClock
from sandbox.wire.signing import Instrument, Status
from tests.builders.instruments import Signer, add_signer, advance
from tests.builders.phone import Room, make_room, serving

A_OTP = Instrument.A_OTP
SIGN = "Xác nhận ký 1 học bạ"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    made = make_room(tmp_path_factory.mktemp("by-code"), clock=FixedClock())
    with serving(made) as served:
        yield served


@pytest.fixture
def signer(room: Room) -> Signer:
    return add_signer(room)


def wrong_code(signer: Signer) -> str:
    """Return six digits that are no code of this signer now or lately."""
    return f"{(int(signer.code(by='time')) + 500_001) % 1_000_000:06d}"


def test_password_and_code_by_time_sign(signer: Signer) -> None:
    """The code stands on the practice phone; typing it on the computer signs all."""
    asked = signer.ask(A_OTP, 3)
    signer.at_code()
    page = signer.browser.follow("Xem mã trên điện thoại")
    assert page.heading == "Đọc mã một lần"
    code = page.tree.xpath("//p[@class='so-to']")[0].text_content().strip()
    signer.browser.follow("Quay lại nhập mã")

    page = signer.browser.press("Xác nhận ký 3 học bạ", otp=code)

    assert page.heading == "Máy đã ký xong"
    assert page.links()[0] == "Về sổ học bạ"
    assert signer.signatures(asked) == 3
    assert {"login", "approved"} <= set(signer.events())


def test_the_code_may_come_by_message(signer: Signer) -> None:
    """The learner chooses the message; its code signs, the code by time does not any more."""
    asked = signer.ask(A_OTP)
    signer.at_code()
    signer.browser.press("Gửi mã qua tin nhắn", cach="message")

    signer.browser.press(SIGN, otp=signer.code())

    assert signer.signatures(asked) == 1


def test_a_late_message_is_told_as_expired_and_costs_no_try(room: Room, signer: Signer) -> None:
    """Scenario 7: 150 s late, so that the code has expired when it comes; a new one signs."""
    asked = signer.ask(A_OTP)
    signer.arm("otp_tre", doi_tuong="150")
    signer.at_code()
    signer.browser.press("Gửi mã qua tin nhắn", cach="message")
    advance(room, 151)
    page = signer.browser.press(SIGN, otp=signer.code())
    assert page.heading == "✖ Mã đã hết hạn"
    assert "Mã xác thực đã hết hạn" in page.words
    signer.browser.follow("Nhập mã khác")
    assert "Còn 3 lần nhập" in signer.browser.sheet.words  # type: ignore[union-attr]
    signer.browser.press("Gửi mã mới", cach="message")

    signer.browser.press(SIGN, otp=signer.code())

    assert signer.signatures(asked) == 1


def test_a_code_works_once(room: Room, signer: Signer) -> None:
    """The code that signed one request does not sign the next within the same 30 seconds."""
    signer.ask(A_OTP)
    signer.at_code()
    code = signer.code(by="time")
    signer.browser.press(SIGN, otp=code)
    second = signer.ask(A_OTP)
    signer.at_code()

    page = signer.browser.press(SIGN, otp=code)

    assert page.heading == "✖ Mã này đã dùng rồi"
    assert signer.signatures(second) == 0
    advance(room, 30)
    signer.browser.follow("Nhập mã khác")
    signer.browser.press(SIGN, otp=signer.code(by="time"))
    assert signer.signatures(second) == 1


def test_three_wrong_codes_lock(room: Room, signer: Signer) -> None:
    """Tries left are told; the third wrong one ends the request; unlocked it can be signed."""
    asked = signer.ask(A_OTP)
    signer.at_code()
    for left in (2, 1):
        page = signer.browser.press(SIGN, otp=wrong_code(signer))
        assert f"còn {left} lần nhập" in page.words
        signer.browser.follow("Nhập mã khác")
    assert signer.browser.press(SIGN, otp=wrong_code(signer)).heading == "✖ Mã một lần bị khoá"
    assert room.state(asked).status is Status.AUTH_FAILED

    signer.browser.press("Mở khoá để tập")
    again = signer.ask(A_OTP)
    signer.at_code()
    signer.browser.press(SIGN, otp=signer.code(by="time"))

    assert signer.signatures(again) == 1


def test_five_wrong_passwords_lock_for_five_minutes(room: Room, signer: Signer) -> None:
    """§3.1: tries left are told; the right password helps only after the five minutes."""
    signer.ask(A_OTP)
    signer.open(A_OTP)
    signer.browser.follow("Xem yêu cầu")
    signer.browser.follow("Tiếp tục, nhập mật khẩu")
    told = [signer.browser.press("Tiếp tục", mat_khau="Sai12345").words for _ in range(4)]
    assert [f"còn {left} lần nhập" in words for left, words in zip((4, 3, 2, 1), told, strict=True)]
    page = signer.browser.press("Tiếp tục", mat_khau="Sai12345")
    assert page.heading == "✖ Chờ 5 phút rồi nhập lại"
    assert signer.browser.follow("Thử nhập lại").heading == page.heading
    assert "login_locked" in signer.events()
    advance(room, 300 - 1)
    assert signer.browser.follow("Thử nhập lại").heading == page.heading

    # The request has expired meanwhile: whoever waits five minutes asks again.
    advance(room, 1)
    signer.ask(A_OTP)
    signer.at_code()

    assert signer.browser.sheet.heading == "Nhập mã một lần"  # type: ignore[union-attr]


def test_the_code_cannot_be_typed_before_the_password(signer: Signer) -> None:
    """Opening the page of the code by its address leads to the password."""
    asked = signer.ask(A_OTP)
    where = f"{signer.phone.computer_path}/ma-mot-lan/{asked.id}/ma"

    assert signer.browser.open(where).heading == "Nhập mật khẩu tập"


def test_a_code_sent_twice_signs_once(signer: Signer) -> None:
    """The same form twice and Back: one signature, the page says that it is signed."""
    asked = signer.ask(A_OTP)
    signer.at_code()
    action, fields = signer.browser.form(SIGN)
    typed = {**fields, "otp": signer.code(by="time")}

    pages = [signer.browser.post(action, typed).heading for _ in range(2)]

    assert pages == ["Máy đã ký xong"] * 2
    for back in (action, action.removesuffix("/ma"), f"{action.removesuffix('/ma')}/mat-khau"):
        assert signer.browser.open(back).heading == "Máy đã ký xong"
    assert (signer.signatures(asked), signer.events().count("approved")) == (1, 1)


def test_refusing_ends_the_request(signer: Signer) -> None:
    """What is refused on the computer is REJECTED."""
    asked = signer.ask(A_OTP)
    signer.open(A_OTP)
    signer.browser.follow("Xem yêu cầu")

    assert signer.browser.press("Từ chối").heading == "Thầy cô đã từ chối"
    assert signer.room.state(asked).status is Status.REJECTED
