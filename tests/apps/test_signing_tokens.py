"""The practice computer by HTTP: tokens, software, keyboard, PIN, all or nothing."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from sandbox.errors import Misuse
from sandbox.pki import Certificate
from sandbox.signing.token_signing import telex
from sandbox.wire.signing import Instrument, Status, Transaction
from tests.builders.computer import (
    WRONG_TOKEN_PIN,
    a_keeper,
    a_teacher,
    arm,
    asked,
    fetch,
    pin_of,
    plug,
)
from tests.builders.phone import Browser, Room, Sheet, make_items, make_room, serving

ECDSA = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"


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


def at_computer(room: Room, holder: str, path: str = "") -> Browser:
    browser = room.browser()
    browser.open(room.computer_path(holder) + path)
    return browser


def at_pin(room: Room, holder: str, *, records: int = 2, name: str = "rieng") -> Browser:
    """Return a browser before the PIN dialog of a request just sent."""
    asked(room, holder, count=records, name=name)
    return at_computer(room, holder)


def events(room: Room, holder: str) -> list[str]:
    lines = room.get(f"so-cai?signer={holder}").json()["lines"]
    return [line["event"] for line in lines]


def plan_of(room: Room, holder: str) -> dict[str, tuple[bool, bool]]:
    """Return for each code of the plan whether it was met and whether it was mended."""
    rows = room.get(f"nguoi-ky/{holder}/su-co").json()
    return {r["ma"]: (r["met"] is not None, r["recovered"] is not None) for r in rows}


def fetched(room: Room, holder: str) -> dict[str, str] | None:
    answer = room.get(f"nguoi-ky/{holder}/da-lay/U")
    return answer.json() if answer.status_code == 200 else None


def state(room: Room, holder: str, instrument: Instrument = Instrument.U) -> dict[str, object]:
    rows = room.get(f"nguoi-ky/{holder}/dung-cu").json()
    return next(row for row in rows if row["instrument"] == instrument.value)


def live(room: Room, browser: Browser) -> Transaction:
    """Return the request whose page the browser shows."""
    assert browser.sheet is not None
    return room.state(browser.sheet.url.split("/yeu-cau/")[1].split("/")[0].split("?")[0])


# -- the whole way --


def test_a_teacher_signs_a_class_with_a_token_and_puts_it_away(room: Room, teacher: str) -> None:
    """Plug in, read, choose, back to the portal; PIN, signed, put away, back to the portal."""
    browser = at_computer(room, teacher, "/lay-chung-thu?ve=/ky-so")
    browser.press("Cắm USB")
    window = browser.press("Lấy chứng thư số")
    assert "Phạm Thị Mơ" in window.words
    assert "31/12/2026" in window.words
    assert browser.press("Chọn chứng thư này").url.endswith("/ky-so")
    read = fetched(room, teacher)
    assert read is not None
    request = room.ask(30, signer_id=teacher, serial=read["serial"], instrument=Instrument.U)
    assert browser.open(room.computer_path(teacher)).heading == "Nhập mã PIN của USB tập"

    done = browser.press("Ký 30 học bạ", pin=f" {pin_of(room, teacher)} ")

    assert done.heading == "Ký xong bằng USB"
    assert "Đã ký 30 trên 30 học bạ" in done.words
    assert browser.press("Rút USB, cất kỹ").url.endswith("/ky-so")
    assert room.state(request).signed == 30
    assert fetched(room, teacher) is None
    assert events(room, teacher)[1:] == [
        "plugged",
        "fetched",
        "requested",
        "approved",
        "plugged",
    ]


def test_the_keeper_seals_with_the_office_token(room: Room, keeper: str) -> None:
    """One of two kinds of token is the school's; its own PIN, its certificate, its signature."""
    browser = at_computer(room, keeper, "/lay-chung-thu")
    assert browser.follow("Chọn USB để cắm").heading == "Cắm USB nào?"
    browser.press("Cắm USB", usb="truong")
    browser.press("Lấy chứng thư số")
    browser.press("Chọn chứng thư này")
    read = fetched(room, keeper)
    assert read is not None
    assert (read["kind"], read["instrument"]) == ("unit", "G")
    items = make_items(3, slot="KY_PHAT_HANH")
    request = room.ask(items, signer_id=keeper, serial=read["serial"], instrument=Instrument.G)
    browser.open(room.computer_path(keeper))
    browser.press("Ký 3 học bạ", pin=pin_of(room, keeper, Instrument.G))

    signed = room.state(request).items
    certificate = Certificate.from_pem(read["certificate"])
    assert all(
        certificate.public_key.verifies(
            one.signature_bytes(), item.record_uuid.encode(), algorithm=ECDSA
        )
        for item, one in zip(items, signed, strict=True)
    )


def test_another_persons_token_signs_with_that_persons_certificate(
    room: Room, teacher: str
) -> None:
    """The computer does not know whose token it is: the checks at the ministry refuse it (K4)."""
    browser = at_pin(room, teacher, name="nguoi_khac")
    browser.press("Ký 2 học bạ", pin=pin_of(room, teacher))
    read = fetched(room, teacher)

    assert read is not None
    assert read["subject_id"] not in [
        one["subject_id"] for one in room.get(f"nguoi-ky/{teacher}").json()["credentials"]
    ]
    assert live(room, browser).status is Status.SIGNED


# -- E4 to E9 --


def test_e4_software_off_is_mended_by_its_button(room: Room, teacher: str) -> None:
    """Sentence, two lines, [Mở phần mềm ký]; starting at first, running at the next look."""
    arm(room, teacher, "E4", khi="lay_chung_thu")
    browser = at_computer(room, teacher, "/lay-chung-thu")
    browser.press("Cắm USB")
    page = browser.press("Lấy chứng thư số")

    assert page.title.startswith("Lỗi: Chưa mở phần mềm ký")
    for words in (
        "Không kết nối được phần mềm ký số. Vui lòng mở lại phần mềm hoặc kiểm tra cài đặt.",
        "Phần mềm ký trên máy tính chưa chạy, hoặc USB chưa cắm.",
        "Cắm USB, chờ đèn sáng. Mở phần mềm ký, rồi thử lại.",
        "Mã: E4",
    ):
        assert words in page.words
    assert "Đang mở" in browser.press("Mở phần mềm ký").words
    assert "Đang chạy" in browser.open(room.computer_path(teacher) + "/lay-chung-thu").words
    assert plan_of(room, teacher) == {"E4": (True, False)}
    browser.press("Lấy chứng thư số")
    assert plan_of(room, teacher) == {"E4": (True, True)}


@pytest.mark.parametrize("step", ["cam", "lay_chung_thu"])
def test_e5_a_loose_token_is_plugged_in_again(room: Room, teacher: str, step: str) -> None:
    """No light, not seen; [Cắm lại USB] seats it firmly."""
    arm(room, teacher, "E5", khi=step)
    browser = at_computer(room, teacher, "/lay-chung-thu")
    browser.press("Cắm USB")
    page = browser.press("Lấy chứng thư số")

    assert page.title.startswith("Lỗi: Chưa thấy USB")
    assert "Lấy chứng thư số không thành công." in page.words
    assert "đèn chưa sáng" in page.tree.xpath("//main//svg")[0].get("aria-label")
    browser.press("Cắm lại USB")
    assert browser.press("Lấy chứng thư số").heading == "Chứng thư số trong USB"
    assert plan_of(room, teacher) == {"E5": (True, True)}


def test_e5_an_empty_port_is_not_seen_either(room: Room, teacher: str) -> None:
    """Reading before plugging in is E5 by itself, no plan needed."""
    browser = at_computer(room, teacher, "/lay-chung-thu")

    assert "Mã: E5" in browser.press("Lấy chứng thư số").words
    assert "Đã sáng" in browser.press("Cắm lại USB").words


def test_e6_signing_before_reading_is_refused(room: Room, teacher: str) -> None:
    """The sender is told E6; plugging in anew asks for reading anew; then it is taken."""
    serial = fetch(room, teacher)
    room.service.tokens.unplug(room.space, teacher)
    room.service.tokens.plug(room.space, teacher, "rieng")
    body = room.request(1, signer_id=teacher, serial=serial, instrument=Instrument.U)

    refused = room.post("giao-dich", body)

    assert refused.status_code == 404
    assert (refused.json()["code"], refused.json()["teacher_error"]) == (
        "CERTIFICATE_NOT_FETCHED",
        "E6",
    )
    browser = at_computer(room, teacher, "/lay-chung-thu")
    browser.press("Lấy chứng thư số")
    browser.press("Chọn chứng thư này")
    assert room.post("giao-dich", body).status_code == 200


def test_e6_also_when_another_token_was_read(room: Room, teacher: str) -> None:
    """What is signed with is what lies in the port, nothing else."""
    serial = fetch(room, teacher)
    fetch(room, teacher, "nguoi_khac")

    body = room.request(1, signer_id=teacher, serial=serial, instrument=Instrument.U)

    assert room.post("giao-dich", body).json()["code"] == "CERTIFICATE_NOT_FETCHED"


def test_e7_vietnamese_typing_spoils_even_the_right_pin(room: Room, teacher: str) -> None:
    """Counted wrong; the picture shows the card's PIN spoilt; switched off, it signs."""
    arm(room, teacher, "E7", khi="pin")
    browser = at_pin(room, teacher)
    assert browser.sheet is not None
    assert "Chữ V: đang gõ tiếng Việt" in browser.sheet.words
    pin = pin_of(room, teacher)
    page = browser.press("Ký 2 học bạ", pin=pin)

    assert page.title.startswith("Lỗi: USB chưa ký được")
    assert "Thầy cô còn 4 lần nhập." in page.words
    assert telex(pin) in page.words
    assert telex(pin) != pin
    assert browser.press("Tắt gõ tiếng Việt").heading == "Nhập mã PIN của USB tập"
    assert browser.press("Ký 2 học bạ", pin=pin).heading == "Ký xong bằng USB"
    assert plan_of(room, teacher) == {"E7": (True, True)}
    assert state(room, teacher)["times_locked"] == 0


def test_e7_capitals_lock_spoils_it_too(room: Room, teacher: str) -> None:
    """The picture shows capitals and small letters changed; the key is switched off."""
    arm(room, teacher, "E7", doi_tuong="chu_hoa")
    browser = at_pin(room, teacher)
    pin = pin_of(room, teacher)

    assert pin.swapcase() in browser.press("Ký 2 học bạ", pin=pin).words
    browser.press("Tắt phím chữ hoa")
    assert browser.press("Ký 2 học bạ", pin=pin).heading == "Ký xong bằng USB"


def test_e7_a_lost_character_uses_up_no_try(room: Room, teacher: str) -> None:
    """The dialog tells how many came, and comes back empty."""
    arm(room, teacher, "mat_mot_so", khi="pin")
    browser = at_pin(room, teacher)
    pin = pin_of(room, teacher)
    page = browser.press("Ký 2 học bạ", pin=pin)

    assert page.title.startswith("Lỗi: ")
    assert f"Máy nhận được {len(pin) - 1} ký tự." in page.words
    assert browser.form("Ký 2 học bạ")[1]["pin"] == ""
    assert state(room, teacher)["attempts_left"] == 5
    assert browser.press("Ký 2 học bạ", pin=pin).heading == "Ký xong bằng USB"


def test_e8_an_old_token_is_noticed_and_changed(room: Room, teacher: str) -> None:
    """The token in hand ran out; [Huỷ, đổi USB] pulls it out, the right one signs."""
    arm(room, teacher, "E8")
    browser = at_computer(room, teacher, "/lay-chung-thu")
    browser.press("Cắm USB")
    browser.press("Lấy chứng thư số")
    page = browser.press("Chọn chứng thư này")

    assert page.title.startswith("Lỗi: Sai hoặc hết hạn thẻ")
    assert "Chứng thư số đã hết hạn hoặc không đúng người ký." in page.words
    assert browser.press("Huỷ, đổi USB").heading == "Cắm USB nào?"
    browser.press("Cắm USB", usb="rieng")
    browser.press("Lấy chứng thư số")
    assert browser.press("Chọn chứng thư này").heading == "Máy tính tập của thầy cô"
    read = fetched(room, teacher)
    assert read is not None
    room.ask(1, signer_id=teacher, serial=read["serial"], instrument=Instrument.U)
    browser.open(room.computer_path(teacher))
    browser.press("Ký 1 học bạ", pin=pin_of(room, teacher))
    assert plan_of(room, teacher) == {"E8": (True, True)}


def test_e8_a_portal_gets_the_old_certificate_to_judge_itself(room: Room, teacher: str) -> None:
    """With a portal behind it the computer hands over what was chosen; a request is refused."""
    browser = at_computer(room, teacher, "/ban?ve=/ky-so")
    browser.press("Cắm USB", usb="cu")
    browser.press("Lấy chứng thư số")
    assert browser.press("Chọn chứng thư này").url.endswith("/ky-so")
    read = fetched(room, teacher)
    assert read is not None

    body = room.request(1, signer_id=teacher, serial=read["serial"], instrument=Instrument.U)

    assert room.post("giao-dich", body).json()["code"] == "CREDENTIAL_STATUS_INVALID"


@pytest.mark.parametrize("code", ["E9", "token_ca_nhan"])
def test_e9_the_personal_token_is_in_when_sealing_starts(
    room: Room, keeper: str, code: str
) -> None:
    """The sender sees a person's certificate where the school's is wanted, and can ask."""
    arm(room, keeper, code)
    browser = at_computer(room, keeper, "/lay-chung-thu")
    browser.press("Lấy chứng thư số")
    browser.press("Chọn chứng thư này")
    read = fetched(room, keeper)
    assert read is not None
    assert read["kind"] == "person"

    browser.follow("Lấy chứng thư số")
    browser.follow("Đổi USB khác")
    browser.press("Cắm USB", usb="truong")
    request = asked(room, keeper, name="truong")
    browser.open(room.computer_path(keeper))
    browser.press("Ký 30 học bạ", pin=pin_of(room, keeper, Instrument.G))

    assert room.state(request).signed == 30
    assert plan_of(room, keeper) == {code: (True, True)}


def test_a_missing_driver_is_installed(room: Room, teacher: str) -> None:
    """The token is in and lit, yet not read; the remedy installs what is missing."""
    arm(room, teacher, "thieu_driver", khi="lay_chung_thu")
    browser = at_computer(room, teacher, "/lay-chung-thu")
    browser.press("Cắm USB")

    assert "Không tìm thấy thông tin CTS" in browser.press("Lấy chứng thư số").words
    browser.press("Cài phần mềm cho USB")
    assert browser.press("Lấy chứng thư số").heading == "Chứng thư số trong USB"
    assert plan_of(room, teacher) == {"thieu_driver": (True, True)}


# -- the PIN and its lock --


@pytest.mark.parametrize("typed", ["", "Ab1", "Lops246813579"])
def test_what_the_dialog_does_not_take_uses_up_no_try(room: Room, teacher: str, typed: str) -> None:
    """A public token takes 6 to 8 characters; the field comes back empty."""
    browser = at_pin(room, teacher)

    assert browser.press("Ký 2 học bạ", pin=typed).title.startswith("Lỗi: ")
    assert state(room, teacher)["attempts_left"] == 5


def wrong(browser: Browser, label: str, times: int) -> Sheet:
    """Press with a wrong PIN *times* times; return the last page."""
    here, _ = browser.form(label)
    for _ in range(times):
        browser.open(here)
        browser.press(label, pin=WRONG_TOKEN_PIN)
    assert browser.sheet is not None
    return browser.sheet


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


# -- who may what --


def test_a_computer_shows_its_own_holders_requests_only(room: Room, teacher: str) -> None:
    """Somebody else's request, or one for the phone, is not found here."""
    other = a_teacher(room, "usb-other")
    foreign = asked(room, other, count=1)
    app = room.ask(1, signer_id=teacher).id

    for request in (foreign, app):
        page = at_computer(room, teacher, f"/yeu-cau/{request}").sheet
        assert page is not None
        assert page.status == 404


def test_what_lies_in_a_token_only_is_no_credential_of_the_phone(room: Room, teacher: str) -> None:
    """The old token's certificate is not offered to senders, nor to any other instrument."""
    old = fetch(room, teacher, "cu")

    shown = room.get(f"nguoi-ky/{teacher}").json()["credentials"]
    body = room.request(1, signer_id=teacher, serial=old)

    assert [one["serial"] for one in shown] != []
    assert old not in [one["serial"] for one in shown]
    assert room.post("giao-dich", body).status_code == 403


def test_a_certificate_is_not_fetched_for_an_app(room: Room, teacher: str) -> None:
    """`da-lay` answers for tokens alone, and tells an unknown holder apart."""
    fetch(room, teacher)

    assert room.get(f"nguoi-ky/{teacher}/da-lay/A").json()["code"] == "CERTIFICATE_NOT_FETCHED"
    assert room.get("nguoi-ky/khong-co/da-lay/U").json()["code"] == "SIGNER_NOT_EXIST"


def test_a_state_there_is_not_cannot_be_set(room: Room, teacher: str) -> None:
    """The switch function takes the states of the machines, nothing else."""
    for bad in ({"service": "maybe"}, {"plugged": "truong"}, {"missing": ["X"]}, {"odd": 1}):
        with pytest.raises(Misuse):
            room.service.tokens.set_states(room.space, teacher, by="trainer", **bad)
    after = room.service.tokens.set_states(
        room.space, teacher, by="trainer", typing="V", locked=Instrument.U
    )
    assert after.typing == "V"
    assert state(room, teacher)["locked"] is True


def test_lessons_can_read_how_the_computer_stands(room: Room, teacher: str) -> None:
    """Plugged in or not, software, typing: the facts of the token instruments."""
    plug(room, teacher)
    facts = state(room, teacher)["facts"]

    assert isinstance(facts, dict)
    assert (facts["cam"], facts["dich_vu"], facts["bo_go"]) == (True, "bat", "E")
    other = state(room, teacher, Instrument.G)["facts"]
    assert isinstance(other, dict)
    assert other["cam"] is False


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
