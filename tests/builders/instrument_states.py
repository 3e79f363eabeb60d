"""Phones, SIMs and pages for codes in every state there is, and where each is looked at."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.signing.apps import Profile
from sandbox.wire.signing import Instrument, Item
from tests.builders.instruments import Signer
from tests.builders.instruments import add_signer as add_named
from tests.builders.phone import PIN, WRONG, Room, make_items

A, A_OTP, B, GR, S = (
    Instrument.A,
    Instrument.A_OTP,
    Instrument.B,
    Instrument.GR,
    Instrument.S,
)
TEACHER_NAME = "Công Huyền Tôn Nữ Thị Diễm Quỳnh"
LONG_NAME = "Công Tằng Tôn Nữ Thị Diễm Quỳnh Hương, lớp 3A"
PUPILS = 30
SIGN = f"Xác nhận ký {PUPILS} học bạ"


def pages_in_every_state(room: Room) -> Iterator[tuple[str, str]]:
    """Bring phones into every state there is; yield what it is and the page's address."""
    yield from _app_pages(room)
    yield from _activation_pages(room)
    yield from _sim_pages(room)
    yield from _code_pages(room)
    for path in ("", "/dt", "/hoi"):
        yield f"labels{path.replace('/', '-')}", f"/ky-so/nhan{path}"


def add_signer(room: Room, *, units: bool = False) -> Signer:
    """Add somebody whose name is as long as names are."""
    return add_named(room, units=units, name=TEACHER_NAME)


def _items(count: int) -> list[Item]:
    items = make_items(count)
    items[0] = items[0].model_copy(update={"label": LONG_NAME})
    return items


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
    for instrument in (A, GR, B):
        yield from _pages_of_an_app(room, instrument)


def _pages_of_an_app(room: Room, instrument: Instrument) -> Iterator[tuple[str, str]]:
    """Yield the pages of one request: list, request, PIN, wrong PIN, locked; and done."""
    signer, app = add_signer(room), instrument.value.lower()
    if instrument is B:
        signer.register_b()
    asked = signer.ask(instrument, _items(PUPILS))
    here = f"{signer.phone.path}/yeu-cau/{asked.id}"
    if instrument is not B:
        yield f"{app}-list", signer.phone.path
        yield f"{app}-request", here
        yield f"{app}-pin" if instrument is GR else f"{app}-pin-first", f"{here}/ma-pin"
    device, _ = room.service.phones.phone(room.space, signer.holder)
    room.service.confirming.confirm(room.space, device, asked.id, typed=WRONG)
    yield f"{app}-wrong", f"{here}/sai-ma"
    for _ in range(2):
        room.service.confirming.confirm(room.space, device, asked.id, typed=WRONG)
    yield f"{app}-locked", f"{signer.phone.path}/khoa"
    signer = add_signer(room)
    if instrument is B:
        signer.register_b()
    asked = signer.ask(instrument, _items(PUPILS))
    device, _ = room.service.phones.phone(room.space, signer.holder)
    room.service.confirming.confirm(room.space, device, asked.id, typed=PIN)
    yield f"{app}-done", f"{signer.phone.path}/yeu-cau/{asked.id}/xong"


def _activation_pages(room: Room) -> Iterator[tuple[str, str]]:
    signer = add_signer(room)
    phone = signer.phone.path
    yield "b-activate", f"{phone}/kich-hoat/B"
    yield "b-activate-code", f"{phone}/kich-hoat/B/ma"
    signer = _at_last_step(room, B, "Đăng ký thiết bị")
    yield "b-activate-finger", f"{signer.phone.path}/kich-hoat/B/xac-nhan"
    signer = add_signer(room)
    signer.arm("E14a")
    signer.browser.open(signer.phone.path)
    signer.browser.press("Kích hoạt lại")
    phone = signer.phone.path
    yield "a-activate", f"{phone}/kich-hoat/A"
    yield "app-messages", f"{phone}/tin-nhan?ve={phone}/kich-hoat/A/ma"
    signer = _at_last_step(room, A, "Kích hoạt lại", fault="E14a")
    yield "a-activate-pin", f"{signer.phone.path}/kich-hoat/A/xac-nhan"
    for profile in (Profile.OLD, Profile.ROOTED, Profile.NO_FINGER):
        signer = add_signer(room)
        room.service.apps.change_phone(room.space, signer.holder, profile)
        yield f"blocked-{profile.value}", f"{signer.phone.path}/may-nay/B"
    signer = add_signer(room)
    asked = signer.ask(A)
    signer.arm("khong_van_tay")
    yield "a-no-finger", f"{signer.phone.path}/yeu-cau/{asked.id}/ma-pin"


def _at_last_step(room: Room, app: Instrument, first: str, *, fault: str = "") -> Signer:
    """Return somebody who has typed the code of the message and is to confirm."""
    signer = add_signer(room)
    if fault:
        signer.arm(fault)
    signer.browser.open(f"{signer.phone.path}?ung_dung={app.value}")
    signer.browser.press(first)
    signer.browser.press("Tiếp tục", otp=signer.code())
    return signer


def _sim_pages(room: Room) -> Iterator[tuple[str, str]]:
    signer = add_signer(room)
    sim = f"{signer.phone.path}/sim"
    yield "sim-menu-first", sim
    yield "sim-change", f"{sim}/doi-pin"
    yield "sim-no-signal", f"{sim}/mat-song"
    signer = add_signer(room, units=True)
    signer.change_sim_pin()
    asked = signer.ask(S, _items(1))
    sim = f"{signer.phone.path}/sim"
    here, mine = f"{sim}/giao-dich/{asked.id}", room.serial(signer.holder)
    _type_sim_pin(signer, asked.id, WRONG)
    yield "sim-menu", sim
    yield "sim-list", f"{sim}/giao-dich"
    yield "sim-request", here
    yield "sim-certificate", f"{here}/chung-thu"
    yield "sim-pin", f"{here}/ma-pin?the={mine}"
    yield "sim-wrong-certificate", f"{here}/sai-chung-thu"
    yield "sim-wrong-pin", f"{here}/sai-ma?the={mine}"
    signer = add_signer(room)
    signer.change_sim_pin()
    asked = signer.ask(S, _items(1))
    _type_sim_pin(signer, asked.id, signer.secret(S))
    yield "sim-done", f"{signer.phone.path}/sim/giao-dich/{asked.id}/xong"
    yield "sim-none", f"{signer.phone.path}/sim/giao-dich"
    signer = add_signer(room)
    signer.change_sim_pin()
    asked = signer.ask(S)
    _type_sim_pin(signer, asked.id, WRONG, WRONG, WRONG)
    yield "sim-locked", f"{signer.phone.path}/sim/khoa"
    yield "sim-ended", f"{signer.phone.path}/sim/giao-dich/{asked.id}/xong"


def _type_sim_pin(signer: Signer, request: str, *pins: str) -> None:
    room = signer.room
    device, _ = room.service.phones.phone(room.space, signer.holder)
    serial = room.serial(signer.holder)
    for pin in pins:
        room.service.sim.confirm(room.space, device, request, typed=pin, serial=serial)


def _code_pages(room: Room) -> Iterator[tuple[str, str]]:
    yield "otp-none", f"{add_signer(room).phone.computer_path}/ma-mot-lan"
    signer = add_signer(room)
    asked = signer.ask(A_OTP, _items(PUPILS))
    base = f"{signer.phone.computer_path}/ma-mot-lan"
    yield "otp-list", base
    yield "otp-request", f"{base}/{asked.id}"
    yield "otp-password", f"{base}/{asked.id}/mat-khau"
    signer = add_signer(room)
    asked = signer.ask(A_OTP)
    for _ in range(5):
        room.service.by_code.enter(room.space, signer.holder, asked.id, typed="sai")
    yield "otp-wait", f"{signer.phone.computer_path}/ma-mot-lan/{asked.id}/cho"
    signer, here = _at_code(room)
    yield "otp-code", f"{here}/ma"
    for why in ("wrong", "expired", "used"):
        yield f"otp-{why}", f"{here}/chua-dung?vi={why}"
    signer, here = _at_code(room)
    signer.browser.press("Gửi mã qua tin nhắn", cach="message")
    yield "otp-code-message", f"{here}/ma"
    signer, here = _at_code(room)
    signer.browser.press("Gửi mã qua tin nhắn", cach="message")
    signer.browser.press(SIGN, otp=signer.code())
    yield "otp-done", f"{here}/xong"
    signer, here = _at_code(room)
    _type_wrong_codes(signer, here.rpartition("/")[2], times=3)
    yield "otp-locked", f"{signer.phone.computer_path}/ma-mot-lan-khoa"
    yield "otp-ended", f"{here}/xong"


def _type_wrong_codes(signer: Signer, request: str, *, times: int) -> None:
    """Enter codes that are wrong now; by the service, for pages take quick taps as one."""
    room = signer.room
    device, _ = room.service.phones.phone(room.space, signer.holder)
    for _ in range(times):
        wrong = f"{(int(signer.code(by='time')) + 500_001) % 1_000_000:06d}"
        room.service.by_code.confirm(room.space, device, request, typed=wrong)


def _at_code(room: Room) -> tuple[Signer, str]:
    """Return somebody before the field of the code, and the path of their request."""
    signer = add_signer(room)
    asked = signer.ask(A_OTP, _items(PUPILS))
    signer.at_code()
    return signer, f"{signer.phone.computer_path}/ma-mot-lan/{asked.id}"
