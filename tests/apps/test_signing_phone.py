"""The practice phone as a teacher without script walks it (learner-experience, curriculum §3.1)."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path

import pytest

from sandbox.clock import FixedClock
from sandbox.wire.signing import Status
from tests.builders.phone import (
    ADMIN,
    CLERK,
    PIN,
    PORTAL,
    TEACHER,
    WRONG,
    Browser,
    Room,
    make_items,
    make_room,
    serving,
)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def room(tmp_path: Path, clock: FixedClock) -> Iterator[Room]:
    with serving(make_room(tmp_path, clock=clock)) as served:
        yield served


def at_pin(room: Room) -> Browser:
    """Return a browser that stands before the PIN field of the one waiting request."""
    browser = room.browser()
    browser.open(room.phone_path())
    browser.follow("Xem yêu cầu")
    browser.follow("Ký số")
    return browser


def lock(room: Room, *, records: int = 1) -> Browser:
    """Return a browser on the page of a phone just locked by three wrong PINs."""
    browser = at_pin(room)
    for step in ("Nhập lại", "Dừng lại, xem thẻ", ""):
        browser.press(f"Xác nhận ký {records} học bạ", pin=WRONG)
        if step:
            browser.follow(step)
        if step.startswith("Dừng"):
            browser.follow("Tiếp tục")
    return browser


def test_an_empty_phone_says_so(room: Room) -> None:
    """D1 without a request."""
    assert room.browser().open(room.phone_path()).heading == "Chưa có yêu cầu nào"


def test_the_phone_names_who_asks_and_for_how_many(room: Room) -> None:
    """D2: sender, number, moment and purpose stand there in plain words."""
    room.ask(30)
    browser = room.browser()

    assert browser.open(room.phone_path()).heading == "Có 1 yêu cầu ký"
    detail = browser.follow("Xem yêu cầu")

    assert detail.heading == "Đúng là yêu cầu của thầy cô?"
    for words in (PORTAL, "30 học bạ", "8 giờ 00, ngày 28/05/2025", "vai trò cô chủ nhiệm"):
        assert words in detail.words


def test_names_stand_ten_to_a_page(room: Room) -> None:
    """D2: thirty names are three pages; the last offers the way back to the first."""
    room.ask(30)
    browser = room.browser()
    browser.open(room.phone_path())
    first = browser.follow("Xem yêu cầu")
    assert len(first.tree.xpath("//ul[@class='hang']/li")) == 10

    browser.follow("Xem tiếp")
    last = browser.follow("Xem tiếp")

    assert "Hoa Mai 30" in last.words
    assert "Hoa Mai 20," not in last.words
    assert "Xem tiếp" not in last.links()
    assert "Xem lại từ đầu" in last.links()


def test_the_right_pin_signs_and_leads_back_to_the_pc(room: Room) -> None:
    """D3, D4: six digits, spaces allowed; [Về máy tính] leads where the portal said."""
    asked = room.ask(2, return_path="/ky-so?lop=3A")
    done = at_pin(room).press("Xác nhận ký 2 học bạ", pin=" 246 810 ")

    assert done.heading == "Điện thoại đã ký xong"
    assert "Ký số thành công" in done.words
    assert "Đã ký 2 trên 2 học bạ" in done.words
    assert done.link("Về máy tính").startswith("/ky-so?lop=3A")
    assert room.state(asked).status is Status.SIGNED


def test_a_wrong_pin_tells_the_tries_left(room: Room) -> None:
    """E7 word for word; the request still waits, the field comes back empty."""
    asked = room.ask()
    browser = at_pin(room)
    page = browser.press("Xác nhận ký 1 học bạ", pin=WRONG)

    assert page.title.startswith("Lỗi: Chưa ký được")
    assert "Mã PIN chưa đúng. Thầy cô còn 2 lần nhập." in page.words
    assert "Xem lại mã trên thẻ, rồi nhập lại." in page.words
    assert room.state(asked).status is Status.WAITING_CONFIRM
    assert room.state(asked).attempts_left == 2
    browser.follow("Nhập lại")
    assert browser.form("Xác nhận ký 1 học bạ")[1]["pin"] == ""


def test_after_the_second_wrong_pin_the_page_leads_to_the_card(room: Room) -> None:
    """E7: only [Dừng lại, xem thẻ] leads on."""
    room.ask()
    browser = at_pin(room)
    browser.press("Xác nhận ký 1 học bạ", pin=WRONG)
    browser.follow("Nhập lại")
    page = browser.press("Xác nhận ký 1 học bạ", pin=WRONG)

    assert "Nhập lại" not in page.links()
    assert browser.follow("Dừng lại, xem thẻ").heading == "Xem mã PIN trên thẻ"


def test_a_right_pin_sets_the_counter_back(room: Room) -> None:
    """Wrong entries are counted in a row only."""
    room.ask()
    browser = at_pin(room)
    browser.press("Xác nhận ký 1 học bạ", pin=WRONG)
    browser.follow("Nhập lại")
    browser.press("Xác nhận ký 1 học bạ", pin=PIN)

    assert room.ask().attempts_left == 3


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "24681a", "lóp2468"])
def test_what_is_not_six_digits_uses_up_no_try(room: Room, typed: str) -> None:
    """Too few, too many, letters: the form again with an error, nothing counted."""
    asked = room.ask()
    page = at_pin(room).press("Xác nhận ký 1 học bạ", pin=typed)

    assert page.title.startswith("Lỗi: ")
    assert page.heading == "Nhập mã PIN tập"
    assert page.tree.xpath("//*[@id='loi'][@role='alert']")
    assert page.tree.xpath("//input[@id='pin']")[0].get("value", "") == ""
    assert room.state(asked).attempts_left == 3


def test_the_third_wrong_pin_locks_the_phone_and_ends_the_request(room: Room) -> None:
    """Locked: the request is AUTH_FAILED, nothing is signed."""
    asked = room.ask()
    page = lock(room).sheet

    assert page is not None
    assert page.heading == "✖ Mã PIN tập bị khoá"
    assert "Nhập sai nhiều lần nên máy tự khoá để giữ an toàn." in page.words
    state = room.state(asked)
    assert (state.status, state.locked) == (Status.AUTH_FAILED, True)
    assert all(item.signature is None for item in state.items)


def test_five_wrong_pins_where_the_space_says_five(room: Room) -> None:
    """The lock is a setting, 3 or 5."""
    room.spaces.set_switches("tap", signing_wrong_pins=5)
    asked = room.ask()
    browser = at_pin(room)
    path = browser.form("Xác nhận ký 1 học bạ")
    for _ in range(4):
        browser.open(path[0])
        browser.press("Xác nhận ký 1 học bạ", pin=WRONG)

    assert room.state(asked).attempts_left == 1
    browser.open(path[0])
    browser.press("Xác nhận ký 1 học bạ", pin=WRONG)
    assert room.state(asked).status is Status.AUTH_FAILED


def test_a_locked_phone_does_not_even_take_the_right_pin(room: Room) -> None:
    """A new request waits, yet the locked phone leads to the lock page."""
    room.ask()
    browser = lock(room)
    asked = room.ask()

    page = browser.open(room.phone_path() + f"/yeu-cau/{asked.id}/ma-pin")

    assert page.heading == "✖ Mã PIN tập bị khoá"
    assert room.state(asked).status is Status.WAITING_CONFIRM


def test_practice_unlock_opens_the_phone_and_keeps_the_count(room: Room) -> None:
    """Self-service unlock tells what is different in real life; the lock stays on record."""
    room.ask()
    browser = lock(room)
    page = browser.follow("Mở khoá để tập")
    assert "gọi nơi cấp chữ ký, có giấy của trường" in page.words
    page = browser.press("Mở khoá để tập")

    assert page.heading == "Chưa có yêu cầu nào"
    assert "Điện thoại tập đã mở khoá." in page.words
    holder = room.get(f"nguoi-ky/{TEACHER}").json()
    assert (holder["locked"], holder["times_locked"], holder["attempts_left"]) == (False, 1, 3)


def test_in_a_class_only_the_trainer_unlocks(room: Room) -> None:
    """With self-unlock off the page offers no such way; the trainer's call opens the phone."""
    room.spaces.set_switches("tap", signing_self_unlock=False)
    room.ask()
    browser = lock(room)

    assert browser.sheet is not None
    assert "Mở khoá để tập" not in browser.sheet.links()
    url = f"{room.base}/ky-so/quan-tri/v1/nguoi-ky/{TEACHER}/mo-khoa"
    assert room.client.post(url).status_code == 401
    answer = room.client.post(url, headers={"Authorization": f"Bearer {ADMIN}"})
    assert answer.json()["locked"] is False
    assert browser.open(room.phone_path()).heading == "Chưa có yêu cầu nào"


def test_refusing_ends_the_request_and_loses_nothing(room: Room) -> None:
    """[Từ chối]: REJECTED; the page says what to do if it was a slip."""
    asked = room.ask()
    browser = room.browser()
    browser.open(room.phone_path())
    browser.follow("Xem yêu cầu")
    page = browser.press("Từ chối")

    assert page.heading == "Thầy cô đã từ chối"
    assert "không mất gì" in page.words
    assert room.state(asked).status is Status.REJECTED


def test_an_expired_request_is_explained(room: Room, clock: FixedClock) -> None:
    """The phone says that the request has expired and that nothing is signed."""
    asked = room.ask()
    browser = at_pin(room)
    clock.advance(300)
    page = browser.press("Xác nhận ký 1 học bạ", pin=PIN)

    assert page.heading == "Yêu cầu đã hết hạn"
    assert room.state(asked).status is Status.EXPIRED


def test_a_signed_request_opened_again_says_so(room: Room) -> None:
    """L3: "đã ký rồi", word for word, and the way back to the PC."""
    asked = room.ask()
    browser = at_pin(room)
    browser.press("Xác nhận ký 1 học bạ", pin=PIN)
    page = browser.open(room.phone_path() + f"/yeu-cau/{asked.id}")

    assert page.heading == "Yêu cầu này đã ký rồi"
    assert "Em này đã ký rồi. Thầy cô không cần ký lại." in page.words
    assert "Về máy tính" in page.links()


def test_pressing_twice_signs_once(room: Room) -> None:
    """The same form sent twice: both answers say signed, one signature stands."""
    asked = room.ask()
    browser = at_pin(room)
    action, fields = browser.form("Xác nhận ký 1 học bạ")
    first = browser.post(action, {**fields, "pin": PIN})
    signature = room.state(asked).items[0].signature
    second = browser.post(action, {**fields, "pin": PIN})

    assert first.heading == second.heading == "Điện thoại đã ký xong"
    assert room.state(asked).items[0].signature == signature
    approved = [line for line in room.service.ledger(room.space) if line.event == "approved"]
    assert len(approved) == 1


def test_pressing_a_wrong_pin_twice_counts_one_try(room: Room) -> None:
    """A second tap of the same form is the same entry."""
    asked = room.ask()
    browser = at_pin(room)
    action, fields = browser.form("Xác nhận ký 1 học bạ")
    browser.post(action, {**fields, "pin": WRONG})
    browser.post(action, {**fields, "pin": WRONG})

    assert room.state(asked).attempts_left == 2


def test_back_after_signing_is_harmless(room: Room) -> None:
    """The PIN page opened again leads to "đã ký rồi"; its old form does nothing."""
    asked = room.ask()
    browser = at_pin(room)
    action, fields = browser.form("Xác nhận ký 1 học bạ")
    browser.press("Xác nhận ký 1 học bạ", pin=PIN)

    assert browser.open(action).heading == "Yêu cầu này đã ký rồi"
    assert browser.post(action, {**fields, "pin": WRONG}).status == 200
    assert room.state(asked).status is Status.SIGNED
    assert room.state(asked).attempts_left == 3


def test_a_form_without_its_token_does_nothing(room: Room) -> None:
    """Forgery or a stripped form: the page is shown again, nothing is signed."""
    asked = room.ask()
    browser = at_pin(room)
    action, _ = browser.form("Xác nhận ký 1 học bạ")
    page = browser.post(action, {"pin": PIN})

    assert page.heading == "Nhập mã PIN tập"
    assert room.state(asked).status is Status.WAITING_CONFIRM


def test_the_phone_may_confirm_long_after_the_portal_stopped_waiting(
    room: Room, clock: FixedClock
) -> None:
    """E2: nobody polls for four minutes, the request lives on; the portal finds it signed."""
    asked = room.ask(return_path="/ky-so")
    clock.advance(240)

    done = at_pin(room).press("Xác nhận ký 1 học bạ", pin=PIN)

    assert done.heading == "Điện thoại đã ký xong"
    assert room.state(asked).items[0].signature is not None


def test_somebody_elses_request_cannot_be_opened(room: Room) -> None:
    """The phone shows its holder's requests only, and says whose they are not."""
    foreign = room.ask(signer_id=CLERK)
    browser = room.browser()

    page = browser.open(room.phone_path() + f"/yeu-cau/{foreign.id}")

    assert page.status == 404
    assert "Yêu cầu này không phải của thầy cô." in page.words
    assert room.state(foreign).status is Status.WAITING_CONFIRM


def test_a_strangers_request_is_shown_as_such_and_refused(room: Room) -> None:
    """Lesson 5: two requests; the stranger's is from "Máy không rõ"; refusing spares the own."""
    own = room.ask()
    stranger = room.ask(stranger=True, portal="bất kỳ")
    browser = room.browser()
    assert browser.open(room.phone_path()).heading == "Có 2 yêu cầu ký"
    page = browser.open(room.phone_path() + f"/yeu-cau/{stranger.id}")

    assert page.heading == "Yêu cầu này của ai?"
    assert "Máy không rõ" in page.words
    assert "Yêu cầu này không phải của thầy cô. Đừng xác nhận." in page.words
    assert browser.press("Từ chối").heading == "Đã từ chối yêu cầu lạ"
    assert room.state(stranger).status is Status.REJECTED
    assert room.state(own).status is Status.WAITING_CONFIRM


def test_a_strangers_request_can_be_signed_by_mistake(room: Room) -> None:
    """K2 must be possible to be judged: with the warning off nothing gives the answer away."""
    room.spaces.set_switches("tap", signing_stranger_warning=False)
    stranger = room.ask(stranger=True)
    browser = room.browser()
    browser.open(room.phone_path())
    page = browser.follow("Xem yêu cầu")
    assert "không phải của thầy cô" not in page.words

    browser.follow("Ký số")
    browser.press("Xác nhận ký 1 tài liệu", pin=PIN)

    assert room.state(stranger).status is Status.SIGNED


def test_the_way_back_stays_inside_the_installation(room: Room) -> None:
    """An address of another host given to the phone's page is not followed."""
    browser = room.browser()
    page = browser.open(room.phone_path() + "?ve=//example.test/x")
    assert "Về máy tính" not in page.links()

    page = browser.open(room.phone_path() + "?ve=/ky-so/so-cai")

    assert page.link("Về máy tính").startswith("/ky-so/so-cai")


def test_the_package_and_the_registration_have_their_own_words(room: Room) -> None:
    """The button says what is signed: a package is no record."""
    for slot, button in (("GOI", "Xác nhận ký 1 gói"), ("DANG_KY", "Xác nhận ký tờ đăng ký")):
        room.ask(make_items(1, slot=slot))
        browser = at_pin(room)
        assert browser.press(button, pin=PIN).heading == "Điện thoại đã ký xong"


def test_the_phone_speaks_english_too(room: Room) -> None:
    """The same pages with the language switch on."""
    room.ask(2)
    browser = room.browser()
    assert browser.open(room.phone_path() + "?ngon_ngu=en").heading == "1 request to sign"
    browser.follow("View request")
    browser.follow("Sign")

    assert browser.press("Confirm signing 2 records", pin=PIN).heading == "The phone has signed"


def test_a_browser_without_cookies_signs_as_well(room: Room) -> None:
    """N2: the visitor's token travels in every link and form."""
    asked = room.ask()
    browser = room.browser()
    browser.client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    browser.open(room.phone_path())
    browser.follow("Xem yêu cầu")
    browser.follow("Ký số")
    page = browser.press("Xác nhận ký 1 học bạ", pin=PIN)

    assert page.heading == "Điện thoại đã ký xong"
    assert "m=" in page.link("Về máy tính")
    assert room.state(asked).status is Status.SIGNED


def test_the_room_explains_itself_and_shows_its_ledger(room: Room) -> None:
    """/ky-so tells limits and what is invented; the ledger says it is intact."""
    room.ask()
    browser = room.browser()
    page = browser.open("/ky-so")
    assert "50" in page.words
    assert "Ký Xa A" in page.words

    ledger = browser.follow("Xem sổ nhật ký")

    assert "Sổ nguyên vẹn" in ledger.words
    assert "nhận yêu cầu" in ledger.words
