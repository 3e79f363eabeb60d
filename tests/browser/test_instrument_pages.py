"""Apps, SIM and codes at 320 px: a class of thirty signed without script, every page looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from sandbox.clock import FixedClock
from sandbox.signing.apps import Profile
from sandbox.wire.signing import Instrument, entry
from tests.browser import lint
from tests.browser.conftest import OpenPage
from tests.builders.instruments import FIRST_PIN, OK, Signer, add_signer, advance
from tests.builders.phone import PIN, WRONG, Room, make_items, make_room, serving

pytestmark = pytest.mark.browser

A, A_OTP, B, GR, S = (
    Instrument.A,
    Instrument.A_OTP,
    Instrument.B,
    Instrument.GR,
    Instrument.S,
)
LONG_NAME = "Công Tằng Tôn Nữ Thị Diễm Quỳnh Hương, lớp 3A"
PUPILS = 30
SIM_PUPILS = 3
Shoot = Callable[[Page, str], Path]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    made = make_room(tmp_path_factory.mktemp("instruments"), clock=FixedClock())
    with serving(made) as served:
        yield served


def press(page: Page, name: str) -> None:
    """Press the button or follow the link with these words, and wait for the page that comes."""
    main = page.locator("main")
    found = main.get_by_role("button", name=name, exact=True)
    if not found.count():
        found = main.get_by_role("link", name=name, exact=True)
    with page.expect_navigation():
        found.first.click()


def row(page: Page, words: str) -> None:
    with page.expect_navigation():
        page.locator("main ul.hang a", has_text=words).first.click()


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
        page.locator("main ul.hang a").first.click()
        press(page, OK)
        page.get_by_label("Mã PIN SIM (6 số)").fill(card)
        press(page, OK)
        assert heading(page) == "Ký giao dịch thành công"
        assert signer.refused(S)["teacher_error"] == "E3"
        advance(room, 50)
        page.goto(f"{room.base}{signer.phone.path}/sim")

    assert [signer.signatures(one) for one in asked] == [1] * SIM_PUPILS


# -- every page


def pages(room: Room) -> Iterator[tuple[str, str]]:
    """Bring phones into every state there is; yield what it is and the page's address."""
    yield from _app_pages(room)
    yield from _activation_pages(room)
    yield from _sim_pages(room)
    yield from _code_pages(room)
    for path in ("", "/dt", "/hoi"):
        yield f"labels{path.replace('/', '-')}", f"/ky-so/nhan{path}"


def _items(count: int) -> list:  # type: ignore[type-arg]
    items = make_items(count)
    items[0] = items[0].model_copy(update={"label": LONG_NAME})
    return items


def _where(signer: Signer) -> str:
    assert signer.browser.sheet is not None
    return signer.browser.sheet.url.removeprefix(signer.room.base)


def _app_pages(room: Room) -> Iterator[tuple[str, str]]:
    signer = add_signer(room)
    signer.register_b()
    asked = signer.ask(B, _items(PUPILS))
    phone = signer.phone.path
    yield "app-home", f"{phone}/nha"
    yield "app-card", f"{phone}/the"
    yield "app-messages-used", f"{phone}/tin-nhan"
    yield "app-code", f"{phone}/ma-mot-lan"
    yield "app-change", f"{phone}/doi-may"
    yield "b-list", phone
    yield "b-request", f"{phone}/yeu-cau/{asked.id}"
    yield "b-finger", f"{phone}/yeu-cau/{asked.id}/van-tay"
    yield "b-pin", f"{phone}/yeu-cau/{asked.id}/ma-pin"
    other = add_signer(room)
    asked = other.ask(A, _items(PUPILS))
    yield "a-pin", f"{other.phone.path}/yeu-cau/{asked.id}/ma-pin"
    other.ask(GR, stranger=True)
    yield "two-apps", other.phone.path


def _activation_pages(room: Room) -> Iterator[tuple[str, str]]:
    signer = add_signer(room)
    phone = signer.phone.path
    yield "b-activate", f"{phone}/kich-hoat/B"
    signer.browser.open(f"{phone}/kich-hoat/B")
    signer.browser.press("Đăng ký thiết bị")
    yield "b-activate-code", f"{phone}/kich-hoat/B/ma"
    signer.browser.press("Tiếp tục", otp=signer.code())
    yield "b-activate-finger", f"{phone}/kich-hoat/B/xac-nhan"
    signer.arm("E14a")
    yield "a-activate", f"{phone}/kich-hoat/A"
    signer.browser.open(f"{phone}/kich-hoat/A")
    signer.browser.press("Kích hoạt lại")
    yield "app-messages", f"{phone}/tin-nhan?ve={phone}/kich-hoat/A/ma"
    signer.browser.press("Tiếp tục", otp=signer.code())
    yield "a-activate-pin", f"{phone}/kich-hoat/A/xac-nhan"
    for profile in (Profile.OLD, Profile.ROOTED, Profile.NO_FINGER):
        room.service.apps.change_phone(room.space, signer.holder, profile)
        yield f"blocked-{profile.value}", f"{phone}/may-nay/B"
    without = signer.ask(A, stranger=True)
    room.service.apps.activate(room.space, signer.holder, A, typed=PIN)
    yield "a-no-finger", f"{phone}/yeu-cau/{without.id}"


def _sim_pages(room: Room) -> Iterator[tuple[str, str]]:
    signer = add_signer(room, units=True)
    sim = f"{signer.phone.path}/sim"
    asked = signer.ask(S, _items(1))
    here, mine = f"{sim}/giao-dich/{asked.id}", room.serial(signer.holder)
    unit = room.serial(signer.holder, kind="unit")
    yield "sim-menu-first", sim
    yield "sim-change", f"{sim}/doi-pin"
    yield "sim-no-signal", f"{sim}/mat-song"
    signer.change_sim_pin()
    yield "sim-menu", sim
    yield "sim-list", f"{sim}/giao-dich"
    yield "sim-request", here
    yield "sim-certificate", f"{here}/chung-thu"
    yield "sim-pin", f"{here}/ma-pin?the={mine}"
    yield "sim-wrong-certificate", f"{here}/sai-chung-thu"
    confirm = room.service.sim.confirm
    device, _ = room.service.phones.phone(room.space, signer.holder)
    confirm(room.space, device, asked.id, typed=WRONG, serial=mine)
    assert unit != mine
    yield "sim-wrong-pin", f"{here}/sai-ma?the={mine}"
    confirm(room.space, device, asked.id, typed=signer.secret(S), serial=mine)
    yield "sim-done", f"{here}/xong"
    yield "sim-none", f"{sim}/giao-dich"
    locked = add_signer(room)
    locked.change_sim_pin()
    asked = locked.ask(S)
    device, _ = room.service.phones.phone(room.space, locked.holder)
    for _ in range(3):
        confirm(room.space, device, asked.id, typed=WRONG, serial=room.serial(locked.holder))
    yield "sim-locked", f"{locked.phone.path}/sim/khoa"
    yield "sim-ended", f"{locked.phone.path}/sim/giao-dich/{asked.id}/xong"


def _code_pages(room: Room) -> Iterator[tuple[str, str]]:
    signer = add_signer(room)
    base = f"{signer.phone.computer_path}/ma-mot-lan"
    yield "otp-none", base
    asked = signer.ask(A_OTP, _items(PUPILS))
    here = f"{base}/{asked.id}"
    yield "otp-list", base
    yield "otp-request", here
    yield "otp-password", f"{here}/mat-khau"
    for _ in range(5):
        room.service.by_code.enter(room.space, signer.holder, asked.id, typed="sai")
    yield "otp-wait", f"{here}/cho"
    other = add_signer(room)
    asked = other.ask(A_OTP, _items(PUPILS))
    here = f"{other.phone.computer_path}/ma-mot-lan/{asked.id}"
    other.at_code()
    yield "otp-code", f"{here}/ma"
    for why in ("wrong", "expired", "used"):
        yield f"otp-{why}", f"{here}/chua-dung?vi={why}"
    other.browser.press("Gửi mã qua tin nhắn", cach="message")
    yield "otp-code-message", f"{here}/ma"
    other.browser.press(f"Xác nhận ký {PUPILS} học bạ", otp=other.code())
    yield "otp-done", f"{here}/xong"
    locked = add_signer(room)
    asked = locked.ask(A_OTP)
    locked.at_code()
    for _ in range(3):
        if "ma-mot-lan-khoa" not in _where(locked):
            locked.browser.open(f"{locked.phone.computer_path}/ma-mot-lan/{asked.id}/ma")
            wrong = f"{(int(locked.code(by='time')) + 500_001) % 1_000_000:06d}"
            locked.browser.press("Xác nhận ký 1 học bạ", otp=wrong)
    yield "otp-locked", f"{locked.phone.computer_path}/ma-mot-lan-khoa"
    yield "otp-ended", f"{locked.phone.computer_path}/ma-mot-lan/{asked.id}/xong"


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
    for name, where in pages(room):
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
