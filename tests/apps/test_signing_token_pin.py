"""The PIN of a token: its lock, its secrecy, all records or none, once however often pressed."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from sandbox.signing.token_signing import telex
from sandbox.wire.signing import Instrument, Status
from tests.builders.computer import (
    a_keeper,
    a_teacher,
    arm,
    asked,
    at_computer,
    at_pin,
    events,
    fetched,
    live,
    pin_of,
    state,
    wrong,
)
from tests.builders.phone import Room, make_room, serving


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with serving(make_room(tmp_path_factory.mktemp("usb"))) as served:
        yield served


NUMBERS = count(1)


@pytest.fixture
def teacher(room: Room) -> str:
    """Somebody new for each test, so that one installation serves them all."""
    return a_teacher(room, f"gv-{next(NUMBERS)}", name="Phạm Thị Mơ")


@pytest.fixture
def keeper(room: Room) -> str:
    """Somebody new who keeps the school's seal."""
    return a_keeper(room, f"vt-{next(NUMBERS)}")


# -- the PIN and its lock --


@pytest.mark.parametrize("typed", ["", "Ab1", "Lops246813579"])
def test_what_the_dialog_does_not_take_uses_up_no_try(room: Room, teacher: str, typed: str) -> None:
    """A public token takes 6 to 8 characters; the field comes back empty."""
    browser = at_pin(room, teacher)

    assert browser.press("Ký 2 học bạ", pin=typed).title.startswith("Lỗi: ")
    assert state(room, teacher)["attempts_left"] == 5


def test_a_public_token_locks_at_the_fifth_wrong_pin(room: Room, teacher: str) -> None:
    """The request ends, nothing is signed; the form with stamp unlocks it for practice."""
    browser = at_pin(room, teacher)
    request = live(room, browser)
    assert "Dừng lại, xem thẻ" in wrong(browser, "Ký 2 học bạ", 2).links()
    browser.open(room.computer_path(teacher))
    locked = wrong(browser, "Ký 2 học bạ", 3)

    assert locked.heading == "✖ Mã PIN USB bị khoá"
    assert room.state(request).status is Status.AUTH_FAILED
    assert state(room, teacher)["locked"] is True
    paper = browser.follow("Làm giấy xin mở khoá")
    assert "vài ngày" in paper.words
    assert "đã mở khoá USB tập" in browser.press("Gửi giấy, mở khoá USB").words
    assert (state(room, teacher)["attempts_left"], state(room, teacher)["times_locked"]) == (5, 1)
    assert events(room, teacher)[-3:] == ["wrong_pin", "locked", "unlocked"]


def test_the_office_token_locks_at_the_third(room: Room, keeper: str) -> None:
    """3 for the government's token; the personal one beside it is not locked."""
    browser = at_pin(room, keeper, name="truong")

    assert wrong(browser, "Ký 2 học bạ", 3).heading == "✖ Mã PIN USB bị khoá"
    assert state(room, keeper, Instrument.G)["locked"] is True
    assert state(room, keeper, Instrument.U)["locked"] is False


def test_a_locked_token_does_not_even_take_the_right_pin(room: Room, teacher: str) -> None:
    """The plan's locked token: the request waits, the counter of lockings is not the holder's."""
    arm(room, teacher, "khoa_token")
    browser = at_pin(room, teacher)
    assert browser.sheet is not None

    assert browser.sheet.heading == "✖ Mã PIN USB bị khoá"
    assert state(room, teacher)["times_locked"] == 0
    browser.follow("Làm giấy xin mở khoá")
    browser.press("Gửi giấy, mở khoá USB")
    browser.open(room.computer_path(teacher))
    assert browser.press("Ký 2 học bạ", pin=pin_of(room, teacher)).heading == "Ký xong bằng USB"


def test_a_trainer_unlocks_a_token_too(room: Room, teacher: str) -> None:
    """The trainer's "Mở khoá PIN tập" opens all that is locked; the ledger says who did it."""
    wrong(at_pin(room, teacher), "Ký 2 học bạ", 5)

    assert room.post(f"nguoi-ky/{teacher}/mo-khoa").status_code == 200
    assert (state(room, teacher)["locked"], state(room, teacher)["times_locked"]) == (False, 1)
    last = room.get(f"so-cai?signer={teacher}").json()["lines"][-1]
    assert (last["event"], last["detail"]) == ("unlocked", {"by": "trainer", "instrument": "U"})


def test_the_space_may_set_when_every_token_locks(tmp_path: Path) -> None:
    """`signing_wrong_pins` counts for both kinds."""
    with serving(make_room(tmp_path, switches={"signing_wrong_pins": 3})) as strict:
        holder = a_teacher(strict, "gv-3")
        browser = at_pin(strict, holder)

        assert wrong(browser, "Ký 2 học bạ", 3).heading == "✖ Mã PIN USB bị khoá"


def test_a_typed_pin_is_nowhere(room: Room, teacher: str) -> None:
    """Neither a wrong nor the right one reaches a page, a log line, a file or the ledger."""
    odd = "Zq7!xk9"
    heard = io.StringIO()
    listener = logging.StreamHandler(heard)
    logging.getLogger().addHandler(listener)
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        browser = at_pin(room, teacher)
        pages = [browser.press("Ký 2 học bạ", pin=odd + "0123456789")]
        pages.append(browser.press("Ký 2 học bạ", pin=odd))
        pages.append(browser.follow("Nhập lại"))
        pages.append(browser.press("Ký 2 học bạ", pin=pin_of(room, teacher)))
        pages.append(browser.open("/ky-so/so-cai"))
        answers = room.get("so-cai").text + room.get(f"nguoi-ky/{teacher}/dung-cu").text
    finally:
        logging.getLogger().removeHandler(listener)
        logging.getLogger().setLevel(logging.WARNING)
    assert pages[-2].heading == "Ký xong bằng USB"

    for secret in (odd, pin_of(room, teacher)):
        assert all(secret not in page.text and secret not in page.url for page in pages)
        assert secret not in heard.getvalue()
        assert secret not in answers
        assert all(secret.encode() not in path.read_bytes() for path in room.files())


# -- all or nothing, once --


def test_one_failing_row_fails_the_whole_batch(room: Room, teacher: str) -> None:
    """E1 with a token: not one of thirty is signed, the page says so; the next request signs."""
    arm(room, teacher, "E1", khi="xac_nhan", doi_tuong="1")
    browser = at_pin(room, teacher, records=30)
    page = browser.press("Ký 30 học bạ", pin=pin_of(room, teacher))

    assert page.heading == "Cả lô chưa ký được"
    assert "Ký không thành công. Kiểm tra lại thông tin ký số." in page.words
    failed = live(room, browser)
    assert (failed.status, failed.signed) == (Status.SIGN_FAILED, 0)
    again = at_pin(room, teacher, records=30)
    assert again.press("Ký 30 học bạ", pin=pin_of(room, teacher)).heading == "Ký xong bằng USB"


def test_pulling_the_token_out_while_a_request_waits_fails_it(room: Room, teacher: str) -> None:
    """Curriculum §4.2: usb_hong ends the request; nothing is signed."""
    request = asked(room, teacher)

    assert room.service.tokens.unplug(room.space, teacher) is True

    assert (room.state(request).status, room.state(request).signed) == (Status.SIGN_FAILED, 0)
    page = at_computer(room, teacher, f"/yeu-cau/{request}").sheet
    assert page is not None
    assert page.heading == "USB rời máy khi đang ký"


def test_a_token_that_comes_out_while_it_signs_signs_nothing(room: Room, teacher: str) -> None:
    """The plan pulls it out after the right PIN."""
    arm(room, teacher, "rut_khi_ky")
    browser = at_pin(room, teacher)

    page = browser.press("Ký 2 học bạ", pin=pin_of(room, teacher))

    assert page.heading == "USB rời máy khi đang ký"
    assert live(room, browser).signed == 0
    assert fetched(room, teacher) is None


def test_another_token_in_the_port_is_no_token(room: Room, teacher: str) -> None:
    """The PIN is not even compared; plugging the right one in again leads back to the dialog."""
    request = asked(room, teacher)
    room.service.tokens.set_states(room.space, teacher, by="trainer", loose=True)
    browser = at_computer(room, teacher)

    assert browser.sheet is not None
    assert "Mã: E5" in browser.sheet.words
    assert browser.press("Cắm lại USB").heading == "Nhập mã PIN của USB tập"
    assert room.state(request).status is Status.WAITING_CONFIRM


def test_cancelling_in_the_dialog_signs_nothing(room: Room, teacher: str) -> None:
    """[Huỷ] refuses the request for good."""
    browser = at_pin(room, teacher)
    page = browser.press("Huỷ, chưa ký")

    assert page.heading == "Thầy cô đã huỷ, chưa ký"
    assert live(room, browser).status is Status.REJECTED


def test_a_form_sent_twice_and_back_sign_once(room: Room, teacher: str) -> None:
    """The same form again leads to the same page; the page gone back to says "đã ký rồi"."""
    browser = at_pin(room, teacher)
    action, fields = browser.form("Ký 2 học bạ")
    pin = pin_of(room, teacher)
    first = browser.post(action, {**fields, "pin": pin})
    second = browser.post(action, {**fields, "pin": pin})

    assert first.heading == second.heading == "Ký xong bằng USB"
    assert browser.open(action).heading == "USB đã ký rồi"
    assert events(room, teacher).count("approved") == 1


def test_many_tabs_at_once_sign_once(room: Room, teacher: str) -> None:
    """Ten tabs with ten forms of one request: one approval."""
    request = asked(room, teacher, count=2)
    tabs = [at_computer(room, teacher) for _ in range(10)]
    pin = pin_of(room, teacher)

    with ThreadPoolExecutor(10) as pool:
        pages = list(pool.map(lambda tab: tab.press("Ký 2 học bạ", pin=pin), tabs))

    assert {page.status for page in pages} == {200}
    assert room.state(request).status is Status.SIGNED
    assert events(room, teacher).count("approved") == 1


def test_every_other_step_pressed_twice_is_harmless(room: Room, teacher: str) -> None:
    """Plugging, reading, choosing, pulling out: the same form again changes nothing."""
    browser = at_computer(room, teacher, "/lay-chung-thu?ve=/ky-so")
    for button in ("Cắm USB", "Lấy chứng thư số", "Chọn chứng thư này"):
        action, fields = browser.form(button)
        first = browser.post(action, fields)
        again = browser.post(action, fields)
        assert (first.status, first.url, first.heading) == (200, again.url, again.heading)
    assert events(room, teacher).count("plugged") == 1
    assert events(room, teacher).count("fetched") == 1


@pytest.mark.parametrize(
    ("pin", "arrives"),
    [
        ("Lops2468", "Lóp2468"),
        ("Tanx1234", "Tãn1234"),
        ("Hocf1234", "Hòc1234"),
        ("Sanr1234", "Sản1234"),
        ("Banj1234", "Bạn1234"),
        ("lOPS2468", "lÓP2468"),
        ("246810", "246810"),
        ("Bcdt12", "Bcdt12"),
    ],
)
def test_vietnamese_typing_marks_a_vowel_and_loses_a_key(pin: str, arrives: str) -> None:
    """A tone key becomes the tone: "Lops" arrives as "Lóp" (curriculum §3)."""
    assert telex(pin) == arrives
