"""Ký Xa A, Ký Xa B and Ký Xa Cơ Quan on the practice phone, page by page (signing-practice §3)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.clock import FixedClock
from sandbox.wire.signing import Instrument, Status
from tests.builders.instruments import Signer, add_signer, advance
from tests.builders.phone import PIN, WRONG, Room, make_room, serving

A, B, GR = Instrument.A, Instrument.B, Instrument.GR


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    made = make_room(tmp_path_factory.mktemp("apps"), clock=FixedClock())
    with serving(made) as served:
        yield served


@pytest.fixture
def signer(room: Room) -> Signer:
    return add_signer(room)


def activate(signer: Signer, app: Instrument) -> None:
    """Activate an app by message and practice PIN."""
    signer.browser.open(f"{signer.phone.path}?ung_dung={app.value}")
    signer.browser.press("Kích hoạt lại")
    signer.browser.press("Tiếp tục", otp=signer.code())
    signer.browser.press("Xác nhận bật chữ ký", pin=PIN)


def test_a_finger_confirms_like_the_right_pin(signer: Signer) -> None:
    """One tap signs all, and the counter of wrong PINs begins anew."""
    asked = signer.ask(A, 3)
    signer.open(A)
    signer.browser.follow("Xem yêu cầu")
    signer.browser.follow("Ký số")
    signer.browser.press("Xác nhận ký 3 học bạ", pin=WRONG)
    signer.browser.follow("Nhập lại")

    page = signer.browser.press("Dùng vân tay")

    assert page.heading == "Điện thoại đã ký xong"
    assert signer.signatures(asked) == 3
    assert signer.room.get(f"nguoi-ky/{signer.holder}").json()["attempts_left"] == 3


def test_a_finger_tapped_twice_signs_once(signer: Signer) -> None:
    """The form sent again leads to the same page; Back and a second tap say "đã ký rồi"."""
    asked = signer.ask(A)
    signer.open(A)
    signer.browser.follow("Xem yêu cầu")
    signer.browser.follow("Ký số")
    action, fields = signer.browser.form("Dùng vân tay")

    pages = [signer.browser.post(action, fields).heading for _ in range(2)]

    assert pages == ["Điện thoại đã ký xong"] * 2
    assert signer.browser.open(action).heading == "Yêu cầu này đã ký rồi"
    assert (signer.signatures(asked), signer.events().count("approved")) == (1, 1)


def test_a_locked_phone_takes_no_finger(signer: Signer) -> None:
    """A finger is no way around three wrong PINs."""
    asked = signer.ask(A)
    device, _ = signer.room.service.phones.phone(signer.room.space, signer.holder)
    signer.open(A)
    signer.browser.follow("Xem yêu cầu")
    signer.browser.follow("Ký số")
    action, fields = signer.browser.form("Dùng vân tay")
    other = signer.ask(A, stranger=True)
    for _ in range(3):
        signer.room.service.confirming.confirm(signer.room.space, device, other.id, typed=WRONG)

    assert signer.browser.post(action, fields).heading == "✖ Mã PIN tập bị khoá"
    assert signer.signatures(asked) == 0


@pytest.mark.parametrize("app", [A, GR])
def test_the_screen_may_miss_one_digit_once(signer: Signer, app: Instrument) -> None:
    """Bài 4: `mat_mot_so` tells five digits, uses up no try; the next entry signs."""
    asked = signer.ask(app)
    signer.arm("mat_mot_so", khi="pin")
    signer.open(app)
    signer.browser.follow("Xem yêu cầu")
    signer.browser.follow("Ký số")
    page = signer.browser.press("Xác nhận ký 1 học bạ", pin=PIN)
    assert "Máy chỉ nhận được 5 số" in page.words
    assert "Còn 3 lần nhập" in page.words

    signer.browser.press("Xác nhận ký 1 học bạ", pin=PIN)

    assert signer.signatures(asked) == 1
    assert signer.mended("mat_mot_so")


def test_the_government_app_has_its_own_name_and_the_same_pages(signer: Signer) -> None:
    """§3.5: GR reuses the pages of A under its own screen name."""
    asked = signer.ask(GR, 2)
    signer.open(GR)
    assert "Ký Xa Cơ Quan" in signer.browser.sheet.words  # type: ignore[union-attr]
    signer.browser.follow("Xem yêu cầu")
    signer.browser.follow("Ký số")

    page = signer.browser.press("Xác nhận ký 2 học bạ", pin=PIN)

    assert "Ký Xa Cơ Quan" in page.words
    assert signer.signatures(asked) == 2


def test_ky_xa_b_registers_once_then_signs_by_finger(signer: Signer) -> None:
    """§3.2: message, code within 120 s, finger; afterwards a request is confirmed by finger."""
    signer.register_b()
    assert signer.browser.sheet is not None
    assert "đã đăng ký xong với Ký Xa B" in signer.browser.sheet.words
    asked = signer.ask(B, 2)
    signer.open(B)
    detail = signer.browser.follow("Xem yêu cầu")
    assert detail.heading == "Giao dịch chờ thầy cô đồng ý"
    signer.browser.follow("Đồng ý ký")

    page = signer.browser.press("Chạm vân tay")

    assert "Ký Xa B" in page.words
    assert signer.signatures(asked) == 2
    assert {"otp_sent", "activated", "approved"} <= set(signer.events())


def test_ky_xa_b_refuses_in_its_own_words(signer: Signer) -> None:
    """The second skin says "Không ký"; the request is refused all the same."""
    signer.register_b()
    asked = signer.ask(B)
    signer.open(B)
    signer.browser.follow("Xem yêu cầu")

    signer.browser.press("Không ký")

    assert signer.room.state(asked).status is Status.REJECTED


def test_the_registration_code_is_good_for_120_seconds(room: Room, signer: Signer) -> None:
    """A code typed too late is told as expired; a fresh one works."""
    signer.browser.open(f"{signer.phone.path}?ung_dung=B")
    signer.browser.press("Đăng ký thiết bị")
    late = signer.code()
    advance(room, 121)
    assert "đã hết hạn" in signer.browser.press("Tiếp tục", otp=late).words
    signer.browser.press("Gửi mã mới")

    assert signer.browser.press("Tiếp tục", otp=signer.code()).heading == "Đăng ký vân tay"


def test_a_late_message_is_not_there_yet(room: Room, signer: Signer) -> None:
    """Scenario 7: `otp_tre` delays one message; it arrives with little time left."""
    signer.arm("otp_tre", doi_tuong="60")
    signer.browser.open(f"{signer.phone.path}?ung_dung=B")
    signer.browser.press("Đăng ký thiết bị")
    page = signer.browser.follow("Mở tin nhắn")
    assert "Chưa có tin nhắn nào" in page.words
    advance(room, 61)

    page = signer.browser.follow("Xem tin mới")

    assert "Còn dùng 59 giây" in page.words
    assert signer.browser.follow("Quay lại nhập mã").heading == "Nhập mã trong tin nhắn"


def test_a_message_can_be_lost(room: Room, signer: Signer) -> None:
    """`otp_mat`: the message never comes; asking once more brings one."""
    signer.arm("otp_mat")
    signer.browser.open(f"{signer.phone.path}?ung_dung=B")
    signer.browser.press("Đăng ký thiết bị")
    advance(room, 600)
    messages = room.browser().open(f"{signer.phone.path}/tin-nhan")
    assert "Chưa có tin nhắn nào" in messages.words

    signer.browser.press("Gửi mã mới")

    assert len(signer.code()) == 6


def test_a_changed_phone_is_activated_again_and_the_waiting_request_is_there(
    signer: Signer,
) -> None:
    """Scenario 5: nothing is lost by changing the phone while a request waits."""
    asked = signer.ask(A)
    signer.arm("doi_dien_thoai")
    signer.open(A)
    assert signer.browser.sheet is not None
    assert signer.browser.sheet.heading == "Kích hoạt Ký Xa A trên điện thoại"
    assert "Không tìm thấy chứng thư số hợp lệ" in signer.browser.sheet.words

    activate(signer, A)
    signer.browser.follow("Xem yêu cầu")
    signer.browser.follow("Ký số")
    signer.browser.press("Xác nhận ký 1 học bạ", pin=PIN)

    assert signer.signatures(asked) == 1
    assert signer.mended("doi_dien_thoai")


def test_activating_with_a_wrong_pin_uses_up_a_try(signer: Signer) -> None:
    """One counter for the phone, wherever the PIN is typed."""
    signer.arm("E14a")
    signer.open(A)
    signer.browser.press("Kích hoạt lại")
    signer.browser.press("Tiếp tục", otp=signer.code())

    page = signer.browser.press("Xác nhận bật chữ ký", pin=WRONG)

    assert "còn 2 lần nhập" in page.words
    assert signer.browser.press("Xác nhận bật chữ ký", pin=PIN).heading == "Chưa có yêu cầu nào"
    assert signer.mended("E14a")


def test_a_pin_cannot_be_used_before_the_code(signer: Signer) -> None:
    """The last step of the activation opens only after the message's code."""
    signer.arm("E14a")
    signer.open(A)
    page = signer.browser.open(f"{signer.phone.path}/kich-hoat/A/xac-nhan")

    assert page.heading == "Kích hoạt Ký Xa A trên điện thoại"


@pytest.mark.parametrize(
    ("scenario", "heading", "quote"),
    [
        ("may_cu", "✖ Điện thoại quá cũ", "Điện thoại không cài được ứng dụng ký"),
        ("da_root", "✖ Điện thoại không đủ an toàn", "Thiết bị không đủ an toàn"),
    ],
)
def test_a_phone_that_cannot_run_the_app_says_so(
    signer: Signer, scenario: str, heading: str, quote: str
) -> None:
    """Scenario 2: another phone is taken, activated, and signs what waits."""
    asked = signer.ask(A)
    signer.arm(scenario)
    signer.open(A)
    assert signer.browser.sheet is not None
    assert (signer.browser.sheet.heading, quote in signer.browser.sheet.words) == (heading, True)
    signer.browser.follow("Đổi thiết bị")

    signer.browser.press("Đổi điện thoại", may="moi")
    activate(signer, A)

    signer.browser.follow("Xem yêu cầu")
    signer.browser.follow("Ký số")
    signer.browser.press("Dùng vân tay")
    assert signer.signatures(asked) == 1
    assert signer.mended(scenario)


def test_a_phone_without_fingerprint_signs_a_by_pin_and_b_not_at_all(signer: Signer) -> None:
    """Scenario 2: Ký Xa A takes the PIN, Ký Xa B leads to another phone, SIM or USB."""
    signer.register_b()
    signer.arm("khong_van_tay")
    asked = signer.ask(A)
    signer.open(A)
    signer.browser.follow("Xem yêu cầu")
    page = signer.browser.follow("Ký số")
    assert "máy này không đọc được vân tay" in page.words
    assert not page.tree.xpath("//form[contains(@action,'van-tay')]")
    signer.browser.press("Xác nhận ký 1 học bạ", pin=PIN)

    page = signer.browser.open(f"{signer.phone.path}?ung_dung=B")

    assert signer.signatures(asked) == 1
    assert page.heading == "✖ Điện thoại không có vân tay"


def test_an_app_shows_its_own_requests_only(signer: Signer) -> None:
    """From the home each app opens its own list; a request is opened in its own app alone."""
    asked = signer.ask(A)
    home = signer.browser.open(f"{signer.phone.path}/nha")
    assert "Ký Xa A ● 1 yêu cầu" in home.words
    signer.browser.follow_first("Ký Xa Cơ Quan")
    assert signer.browser.sheet is not None
    assert signer.browser.sheet.heading == "Chưa có yêu cầu nào"

    for elsewhere in (f"/sim/giao-dich/{asked.id}", f"/sim/giao-dich/{asked.id}/ma-pin"):
        assert signer.browser.open(signer.phone.path + elsewhere).status == 404
    by_code = f"{signer.phone.computer_path}/ma-mot-lan/{asked.id}"
    assert signer.browser.open(by_code).status == 404


def test_a_second_device_shows_every_app(signer: Signer) -> None:
    """The same pages by pairing code; it has no way back to the PC."""
    signer.ask(A)
    browser = signer.room.browser()
    browser.open("/dt")
    browser.press("Nối điện thoại này", ma=signer.phone.pairing_code)
    page = browser.follow("Về màn hình điện thoại")

    assert page.heading == "Chọn ứng dụng trên điện thoại"
    assert "Về máy tính" not in page.links()


def test_the_card_shows_practice_secrets_that_work(signer: Signer) -> None:
    """What the printed card says is what SIM, tokens and the page for codes take."""
    page = signer.browser.open(f"{signer.phone.path}/the")

    for instrument in (Instrument.S, Instrument.U, Instrument.G, Instrument.A_OTP):
        assert signer.secret(instrument) in page.words
    assert PIN not in page.words
