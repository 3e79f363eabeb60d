"""The practice computer by HTTP: tokens, software, keyboard, PIN, all or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from sandbox.errors import Misuse
from sandbox.pki import Certificate
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
    fetch,
    fetched,
    live,
    pin_of,
    plan_of,
    plug,
    state,
)
from tests.builders.phone import Room, make_items, make_room, serving

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
    """The dialog tells how many came, and comes back empty; it happens once, met and mended."""
    arm(room, teacher, "mat_mot_so", khi="pin")
    browser = at_pin(room, teacher)
    pin = pin_of(room, teacher)
    page = browser.press("Ký 2 học bạ", pin=pin)

    assert page.title.startswith("Lỗi: ")
    assert f"Máy nhận được {len(pin) - 1} ký tự." in page.words
    assert browser.form("Ký 2 học bạ")[1]["pin"] == ""
    assert state(room, teacher)["attempts_left"] == 5
    assert plan_of(room, teacher) == {"mat_mot_so": (True, False)}
    assert browser.press("Ký 2 học bạ", pin=pin).heading == "Ký xong bằng USB"
    assert plan_of(room, teacher) == {"mat_mot_so": (True, True)}


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
