"""Opening the practice phone: on the same screen or on a second device (curriculum §3.1)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.clock import FixedClock
from sandbox.wire.signing import Status
from tests.builders.phone import PIN, TEACHER, Room, make_room, serving


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def room(tmp_path: Path, clock: FixedClock) -> Iterator[Room]:
    with serving(make_room(tmp_path, clock=clock)) as served:
        yield served


def test_a_second_device_pairs_by_code(room: Room) -> None:
    """/dt: four digits, spaces allowed; the phone of the right person opens."""
    room.ask()
    code = room.pairing_code()
    browser = room.browser()
    browser.open("/dt")
    page = browser.press("Nối điện thoại này", ma=f"{code[:2]} {code[2:]}")

    assert page.heading == "Có 1 yêu cầu ký"
    assert "Điện thoại này đã nối xong." in page.words


def test_a_new_pairing_replaces_the_old_one_and_both_say_so(room: Room) -> None:
    """One phone for each person: the newest; the former one offers to pair again."""
    code = room.pairing_code()
    first, second = room.browser(), room.browser()
    for browser in (first, second):
        browser.open("/dt")
        browser.press("Nối điện thoại này", ma=code)
    assert first.sheet is not None
    assert second.sheet is not None

    old = first.open(first.sheet.url.removeprefix(room.base))

    assert "Điện thoại nối trước đã thôi dùng." in second.sheet.words
    assert old.heading == "✖ Điện thoại này đã thôi dùng"
    assert old.status == 410
    assert "Nhập mã nối" in old.links()


def test_a_replaced_phone_cannot_confirm(room: Room) -> None:
    """A form left open on the former phone does nothing."""
    asked = room.ask()
    code = room.pairing_code()
    old = room.browser()
    old.open("/dt")
    old.press("Nối điện thoại này", ma=code)
    old.follow("Xem yêu cầu")
    old.follow("Ký số")
    form = old.form("Xác nhận ký 1 học bạ")
    new = room.browser()
    new.open("/dt")
    new.press("Nối điện thoại này", ma=code)

    old.post(form[0], {**form[1], "pin": PIN})

    assert room.state(asked).status is Status.WAITING_CONFIRM


def test_a_paired_phone_sends_the_reader_back_to_the_pc_in_words(room: Room) -> None:
    """A second device has no PC page to go back to."""
    room.ask()
    browser = room.browser()
    browser.open("/dt")
    browser.press("Nối điện thoại này", ma=room.pairing_code())
    browser.follow("Xem yêu cầu")
    browser.follow("Ký số")
    page = browser.press("Xác nhận ký 1 học bạ", pin=PIN)

    assert "Về máy tính" not in page.links()
    assert "Bây giờ thầy cô xem máy tính." in page.words


@pytest.mark.parametrize(
    ("typed", "words"),
    [("12", "Mã nối có 4 số."), ("abcd", "Mã nối có 4 số."), ("", "Mã nối có 4 số.")],
)
def test_a_malformed_pairing_code_is_explained(room: Room, typed: str, words: str) -> None:
    """The form again, with what was typed and what is wrong."""
    browser = room.browser()
    browser.open("/dt")
    page = browser.press("Nối điện thoại này", ma=typed)

    assert page.title.startswith("Lỗi: ")
    assert words in page.words


def test_an_unknown_pairing_code_is_explained(room: Room) -> None:
    """A code nobody has."""
    code = room.pairing_code()
    other = f"{(int(code) + 1) % 10_000:04d}"
    browser = room.browser()
    browser.open("/dt")

    assert "Chưa có mã nối này." in browser.press("Nối điện thoại này", ma=other).words


def test_a_pairing_code_ends_with_the_class_day(room: Room, clock: FixedClock) -> None:
    """Twenty hours by the machine's clock; then the PC shows a new one."""
    code = room.pairing_code()
    clock.advance(20 * 3600)
    browser = room.browser()
    browser.open("/dt")

    assert "Chưa có mã nối này." in browser.press("Nối điện thoại này", ma=code).words
    assert room.pairing_code() != code


def test_renewing_gives_a_new_code_and_cuts_off_the_paired_phone(room: Room) -> None:
    """The trainer's "Nối lại điện thoại"."""
    code = room.pairing_code()
    browser = room.browser()
    browser.open("/dt")
    page = browser.press("Nối điện thoại này", ma=code)

    renewed = room.post("dien-thoai", {"holder_id": TEACHER, "renew": True}).json()

    assert renewed["pairing_code"] != code
    assert browser.open(page.url.removeprefix(room.base)).status == 410
    assert room.browser().open(renewed["path"]).status == 200


def test_an_address_nobody_has_is_explained(room: Room) -> None:
    """A phone token that was never given."""
    page = room.browser().open(f"/ky-so/dien-thoai/{uuid.uuid4().hex}")

    assert page.status == 404
    assert page.heading == "✖ Chưa thấy điện thoại tập"
