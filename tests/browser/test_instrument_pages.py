"""Apps, SIM and codes at 320 px: a class of thirty signed without script, every page looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from sandbox.clock import FixedClock
from sandbox.wire.signing import Instrument, entry
from tests.browser import lint
from tests.browser.conftest import OpenPage
from tests.builders import tapping
from tests.builders.instrument_states import PUPILS, pages_in_every_state
from tests.builders.instruments import FIRST_PIN, OK, add_signer, advance
from tests.builders.phone import PIN, Room, make_room, serving
from tests.builders.tapping import press_named as press

pytestmark = pytest.mark.browser

A, A_OTP, B, GR, S = (
    Instrument.A,
    Instrument.A_OTP,
    Instrument.B,
    Instrument.GR,
    Instrument.S,
)
SIM_PUPILS = 3
Shoot = Callable[[Page, str], Path]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    made = make_room(tmp_path_factory.mktemp("instruments"), clock=FixedClock())
    with serving(made) as served:
        yield served


def row(page: Page, words: str) -> None:
    """Follow the first row of the list that holds these words."""
    tapping.press(page, page.locator("main ul.hang a", has_text=words).first)


def heading(page: Page) -> str:
    return " ".join(page.locator("h1").inner_text().split())


# -- a class of thirty


@pytest.mark.parametrize("instrument", [A, GR])
def test_a_class_is_signed_in_an_app(
    room: Room, open_page: OpenPage, instrument: Instrument
) -> None:
    """The portal's link, list, request, PIN: thirty signatures, Back breaks nothing."""
    signer = add_signer(room)
    asked = signer.ask(instrument, PUPILS)
    page = open_page(room.base + entry(signer.phone, instrument), script="off")
    press(page, "Xem yêu cầu")
    press(page, "Ký số")
    page.get_by_label("Mã PIN trên thẻ (6 số)").fill(PIN)
    press(page, f"Xác nhận ký {PUPILS} học bạ")
    assert heading(page) == "Điện thoại đã ký xong"

    page.go_back()
    assert heading(page) in ("Nhập mã PIN tập", "Yêu cầu này đã ký rồi")
    page.reload()

    assert heading(page) == "Yêu cầu này đã ký rồi"
    assert signer.signatures(asked) == PUPILS


def test_a_class_is_signed_in_ky_xa_b(room: Room, open_page: OpenPage) -> None:
    """Registration by message and finger, then the class by finger."""
    signer = add_signer(room)
    page = open_page(f"{room.base}{signer.phone.path}/nha", script="off")
    row(page, "Ký Xa B")
    press(page, "Đăng ký thiết bị")
    press(page, "Mở tin nhắn")
    code = page.locator("p.so-to").first.inner_text()
    press(page, "Quay lại nhập mã")
    page.get_by_label("Mã 6 số").fill(code)
    press(page, "Tiếp tục")
    press(page, "Chạm vân tay")
    asked = signer.ask(B, PUPILS)
    press(page, "Xem yêu cầu mới")
    press(page, "Xem yêu cầu")
    press(page, "Đồng ý ký")
    press(page, "Chạm vân tay")

    assert heading(page) == "Điện thoại đã ký xong"
    assert signer.signatures(asked) == PUPILS


def test_a_class_is_signed_by_code(room: Room, open_page: OpenPage) -> None:
    """Password on the computer, code from the phone's page, back and typed: thirty signatures."""
    signer = add_signer(room)
    asked = signer.ask(A_OTP, PUPILS)
    page = open_page(room.base + entry(signer.phone, A_OTP), script="off")
    press(page, "Xem yêu cầu")
    press(page, "Tiếp tục, nhập mật khẩu")
    page.get_by_label("Mật khẩu trên thẻ").fill(signer.secret(A_OTP))
    press(page, "Tiếp tục")
    press(page, "Gửi mã qua tin nhắn")
    press(page, "Mở tin nhắn")
    code = page.locator("p.so-to").first.inner_text()
    press(page, "Quay lại nhập mã")
    page.get_by_label("Mã 6 số").fill(code)
    press(page, f"Xác nhận ký {PUPILS} học bạ")

    assert heading(page) == "Máy đã ký xong"
    assert signer.signatures(asked) == PUPILS


def test_three_pupils_are_signed_by_sim(room: Room, open_page: OpenPage) -> None:
    """First PIN changed, then one pupil at a time; the space's clock passes over the rests."""
    signer = add_signer(room)
    card = signer.secret(S)
    page = open_page(f"{room.base}{signer.phone.path}/sim", script="off")
    row(page, "Đổi mã PIN")
    for field, typed in (("pin_old", FIRST_PIN), ("pin_new", card), ("pin_again", card)):
        page.locator(f"#{field}").fill(typed)
    press(page, OK)
    asked = []
    for _ in range(SIM_PUPILS):
        asked.append(signer.ask(S))
        row(page, "Ký giao dịch")
        row(page, "")
        press(page, OK)
        page.get_by_label("Mã PIN SIM (6 số)").fill(card)
        press(page, OK)
        assert heading(page) == "Ký giao dịch thành công"
        assert signer.refused(S)["teacher_error"] == "E3"
        advance(room, 50)
        page.goto(f"{room.base}{signer.phone.path}/sim")

    assert [signer.signatures(one) for one in asked] == [1] * SIM_PUPILS


# -- every page

ABOVE_THE_FOLD = (
    "a-pin",
    "b-pin",
    "b-finger",
    "a-activate-pin",
    "b-activate-finger",
    "blocked-",
    "sim-request",
    "sim-pin",
    "sim-wrong",
    "sim-done",
    "sim-no-signal",
    "sim-locked",
    "otp-password",
    "otp-code",
    "otp-wrong",
    "otp-expired",
    "otp-used",
    "otp-wait",
    "otp-locked",
    "otp-done",
)
"""PIN, confirm and error pages: the main action is seen without scrolling (check 7)."""


VARIANTS = {
    "200": "html{font-size:200%!important}",
    "grey": "html{filter:grayscale(1)}",
}


@pytest.mark.long
def test_every_page_keeps_every_rule_and_is_kept_as_a_picture(
    room: Room, open_page: OpenPage, picture: Shoot
) -> None:
    """Axe, reflow, text, targets at 320 px without the site's script; greyscale and 200 % too."""
    page, faults = open_page(room.base, script="aborted"), []
    for name, where in pages_in_every_state(room):
        page.goto(room.base + where)
        faults += [f"{name}: {fault}" for fault in lint.check_page(page)]
        if name.startswith(ABOVE_THE_FOLD):
            box = page.locator("main .chinh").first.bounding_box()
            assert box is not None
            if (low := box["y"] + box["height"]) > 480:
                faults.append(f"{name}: the main action ends at {low} px")
        picture(page, f"instrument-{name}-320")
        for variant, style in VARIANTS.items():
            tag = page.add_style_tag(content=style)
            picture(page, f"instrument-{name}-{variant}")
            tag.evaluate("node => node.remove()")
    assert not faults, "\n".join(faults)
