"""E1–E15: each met on the pages, explained, and mended by the pages alone (320 px, no script).

Shown: the real sentence, two plain lines, one button, the code; then the button is pressed and the
work is finished (errors-teachers-meet §3, *Gone when*).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from sandbox.domain.lifecycle import RecordState, Role
from sandbox.domain.report_card import Slot
from sandbox.wire.signing import Fault, Instrument
from tests.browser.conftest import OpenPage
from tests.builders.erring import Case, Sit, Teachers, send_on_the_pages, sign_on_the_pages
from tests.builders.portal import house

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("errors")]

SIGNED = RecordState.SIGNED_GVCN


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Teachers]:
    with house(tmp_path_factory.mktemp("errors")) as home:
        yield Teachers(home)


@pytest.fixture
def sit(teachers: Teachers, open_page: OpenPage) -> Sit:
    """Sit somebody down: a teacher with checked records, or another of the school."""
    return Sit(teachers, open_page)


def e1(sit: Sit) -> None:
    """Refused on the phone: the list still says unsigned, so it is signed again, once."""
    case = sit()
    case.review()
    case.press("Ký 1 học bạ")
    waiting = case.page.url
    case.press("Mở điện thoại tập")
    case.press("Xem yêu cầu")
    case.press("Từ chối")
    case.page.goto(waiting)
    case.shown("E1", "Ký không thành công. Kiểm tra lại thông tin ký số.", "Xem lại danh sách")
    case.press_main()
    assert "Chưa ký" in case.text
    case.review()
    case.press("Ký 1 học bạ")
    case.say_yes_on_the_phone()
    assert "Đã ký" in case.text
    assert (case.state(), case.signatures()) == (SIGNED, 1)


def e2(sit: Sit) -> None:
    """The computer stops waiting, the phone does not: the late yes counts, once."""
    case = sit()
    case.arm("E2")
    case.review()
    case.press("Ký 1 học bạ")
    assert "Máy còn chờ" in case.text
    case.press("Thêm 100 giây")
    case.press("Cho đồng hồ chạy hết")
    case.shown("E2", "cửa sổ tự đóng, không báo gì", "Xem lại trạng thái")
    waiting = case.page.url
    case.press_main()
    assert "Chưa ký" in case.text
    case.page.goto(waiting)
    case.say_yes_on_the_phone()
    assert (case.state(), case.signatures()) == (SIGNED, 1)
    assert case.mended("E2")


def e3(sit: Sit) -> None:
    """A second request is not sent; the phone is opened and the first one confirmed."""
    case = sit(2)
    case.arm("E3")
    case.review(0)
    case.press("Ký 1 học bạ")
    case.review(1)
    case.press("Ký 1 học bạ")
    sentence = "Đã có yêu cầu ký số đang chờ xác nhận. Vui lòng mở ứng dụng ký số để hoàn tất."
    case.shown("E3", sentence, "Mở điện thoại tập")
    case.press_main()
    case.type_pin()
    case.press("Về máy tính")
    assert [case.signatures(0), case.signatures(1)] == [1, 0]
    assert case.mended("E3")


def e4(sit: Sit) -> None:
    """The signing software is off: its button starts it, and the certificate is read."""
    case = sit()
    case.sign_with(Instrument.U)
    case.arm("E4")
    case.review()
    case.press("Lấy chứng thư số")
    case.press_main()
    case.press_main()
    sentence = "Không kết nối được phần mềm ký số. Vui lòng mở lại phần mềm hoặc kiểm tra cài đặt."
    case.shown("E4", sentence, "Mở phần mềm ký")
    case.press_main()
    case.press_main()
    case.press("Chọn chứng thư này")
    _finish_with_the_token(case)
    assert case.mended("E4")


def e5(sit: Sit) -> None:
    """The token is loose: it is plugged in again, firmly, and read."""
    case = sit()
    case.sign_with(Instrument.U)
    case.arm("E5")
    case.review()
    case.press("Lấy chứng thư số")
    case.press_main()
    case.press_main()
    case.shown("E5", "Lấy chứng thư số không thành công.", "Cắm lại USB")
    case.press_main()
    case.press_main()
    case.press("Chọn chứng thư này")
    _finish_with_the_token(case)
    assert case.mended("E5")


def e6(sit: Sit) -> None:
    """Signing before reading is not possible; the button leads to reading."""
    case = sit()
    case.sign_with(Instrument.U)
    case.arm("E6")
    case.review()
    case.press("Ký 1 học bạ")
    sentence = "Vui lòng bấm lấy chứng thư số CBQL (CTS CBQL) trước khi ký."
    case.shown("E6", sentence, "Lấy chứng thư số")
    case.press_main()
    case.press_main()
    case.press_main()
    case.press("Chọn chứng thư này")
    _finish_with_the_token(case)
    assert case.mended("E6")


def e7(sit: Sit) -> None:
    """Vietnamese typing spoils the PIN: switched off, typed again, nothing locked."""
    case = sit()
    case.sign_with(Instrument.U)
    case.arm("E7")
    case.review()
    case.read_the_token()
    case.press("Ký 1 học bạ")
    case.sign_with_the_token()
    case.shown("E7", "Mã PIN không đúng.", "Tắt gõ tiếng Việt")
    case.press_main()
    case.page.fill("#pin", case.token_pin())
    case.press_main()
    case.go(f"/cong/lop?lop={case.class_name}")
    assert (case.state(), case.signatures()) == (SIGNED, 1)
    assert case.mended("E7")


def e8(sit: Sit) -> None:
    """The token on the table is an old one: cancelled, changed, read again."""
    case = sit()
    case.sign_with(Instrument.U)
    case.arm("E8")
    case.review()
    case.press("Lấy chứng thư số")
    case.press_main()
    case.press_main()
    if "hết hạn" not in case.text:
        case.press("Chọn chứng thư này")
    case.shown("E8", "Chứng thư số đã hết hạn hoặc không đúng người ký.", "Huỷ, đổi USB")
    case.press_main()
    _choose_token(case, "rieng")
    case.press_main()
    case.press("Chọn chứng thư này")
    _finish_with_the_token(case)
    assert case.mended("E8")


def e9(sit: Sit) -> None:
    """A personal token is in when sealing starts: answered No, the school's is plugged in."""
    case = sit(1, Role.VAN_THU, signed=1)
    home = case.home
    home.sign(Slot.CBQL, home.actor(Role.CBQL, number=1), case.records)
    case.sign_with(Instrument.G)
    case.arm("E9")
    case.review(task="phat-hanh")
    case.read_the_token()
    sentence = "Bạn có chắc đã lấy đúng chứng thư số của nhà trường không"
    case.shown("E9", sentence, "Không, đổi USB")
    case.press_main()
    _choose_token(case, "truong")
    case.press_main()
    case.press("Chọn chứng thư này")
    assert "MST:GIALAP-" in case.text
    case.press("Đúng tên trường")
    case.press("Đóng dấu 1 học bạ")
    waiting = case.page.url
    case.sign_with_the_token(Instrument.G)
    case.page.goto(waiting)
    assert "Đã ký xong 1 học bạ" in case.text
    found = home.portal.lessons.record(home.space, case.records[0])
    assert found is not None
    assert [s.loai for s in found.ky if s.vai == "KY_PHAT_HANH"] == ["co_quan"]


def e10(sit: Sit) -> None:
    """The class teacher has not signed: reminded, and nothing is signed."""
    case = sit(1, Role.CBQL)
    case.arm("E10")
    case.review(task="duyet")
    sentence = "Không tồn tại file ký số xml của GVCN. Vui lòng khởi tạo học bạ và ký lại bước GVCN"
    case.shown("E10", sentence, "Nhắc")
    case.press_main()
    reminders = case.home.portal.schools.reminders(case.home.space, case.actor)
    assert (case.class_name, Role.GVCN) in reminders
    assert case.signatures() == 0
    assert case.mended("E10")


def e11(sit: Sit) -> None:
    """A subject teacher has not signed: seen who, reminded, signed afterwards."""
    case = sit()
    case.arm("E11")
    case.review()
    sentence = "Không thể ký số GVCN, vui lòng hoàn thiện chữ ký GVBM trước"
    case.shown("E11", sentence, "Xem ai chưa ký")
    case.press_main()
    case.press_main()
    assert case.mended("E11")
    case.review()
    case.press("Ký 1 học bạ")
    case.say_yes_on_the_phone()
    assert case.state() is SIGNED


def e12(sit: Sit) -> None:
    """Asking to cancel without a reason: the form comes back, a ready reason is chosen."""
    case = sit(1, signed=1)
    case.arm("E12")
    case.go(f"/cong/hoc-ba/{case.records[0]}/xin-huy")
    case.press_main()
    text = case.text
    for part in ("Vui lòng nhập lý do hủy", "Nghĩa là:", "Thầy cô làm:", "Chọn lý do", "Mã: E12"):
        assert part in text
    case.page.locator("main .o-chon label").first.click()
    case.press("Gửi xin huỷ")
    found = case.home.portal.lessons.record(case.home.space, case.records[0])
    assert found is not None
    assert found.xin_huy
    assert case.mended("E12")


def e13a(sit: Sit) -> None:
    """An unsigned package does not go; signed first, it is sent once. Then the network fails."""
    case = _clerk_with_sealed(sit, 1)
    case.arm("E13a")
    package = case.home.portal.packages.pack(case.home.space, case.actor, case.records)
    case.go(f"/cong/goi/{package}")
    case.press("Nộp 1 gói")
    case.shown("E13a", "Có lỗi trong quá trình nộp gói tin.", "Xem lại gói để ký")
    case.press_main()
    case.press("Ký 1 gói")
    case.say_yes_on_the_phone()
    case.arm_with(Fault(ma="E13a_mang"))
    case.go(f"/cong/goi/{package}")
    case.press("Nộp 1 gói")
    case.shown("E13a", "Có lỗi trong quá trình nộp gói tin.", "Xem lại trạng thái")
    case.press_main()
    case.press("Nộp 1 gói")
    found, _lines = case.home.portal.packages.open(case.home.space, case.actor, package)
    assert found.state.value == "da_nop"
    assert case.mended("E13a")
    assert case.mended("E13a_mang")


def e13b(sit: Sit) -> None:
    """One pupil is returned: the reason is read, only that record goes back for signing."""
    case = _clerk_with_sealed(sit, 2)
    case.arm("E13b")
    home = case.home
    home.portal.repairs.plant(home.space, case.actor, case.records[0], "thieu_cbql")
    package = home.sent(case.records)
    home.answered(package)
    case.go(f"/cong/goi/{package}")
    for part in ("trả lại một số em có lỗi", "Đọc lý do từng em. Chỉ sửa và ký lại em bị lỗi."):
        assert part in case.text, case.text
    case.press_main()
    case.page.locator("main .hang a").first.click()
    assert "Nghĩa là:" in case.text
    case.press_main()
    assert case.state(0) is RecordState.SIGNED_GVCN
    assert case.state(1) is RecordState.CIRCULATING
    head = sit.beside(case, Role.CBQL, "hiệu trưởng")
    sign_on_the_pages(head, "Ký duyệt học bạ", "Ký duyệt 1 học bạ")
    assert case.state(0) is RecordState.SIGNED_CBQL
    case.go("/cong")
    sign_on_the_pages(case, "Ký phát hành học bạ", "Đóng dấu 1 học bạ")
    again = send_on_the_pages(case)
    home.check_all()
    case.page.goto(again)
    assert "1 trên 1 em đã nhận" in case.text, case.text
    assert case.state(0) is RecordState.CIRCULATING
    assert case.mended("E13b")


def e13c(sit: Sit) -> None:
    """A card: the real sentence, what it means, whom to tell."""
    case = sit()
    case.go("/cong/su-co/E13c")
    case.shown("E13c", "Ký xong nhưng cổng kiểm tra báo lỗi chữ ký.", "Báo quản trị")
    case.press_main()
    assert "Đã báo người quản trị" in case.text
    assert case.mended("E13c")


def e14a(sit: Sit) -> None:
    """The app is not activated: activated on the practice phone, then the request is sent."""
    case = sit()
    case.arm("E14a")
    case.review()
    case.press("Ký 1 học bạ")
    sentence = "Không tìm thấy chứng thư số hợp lệ. Vui lòng mở ứng dụng ký số để kích hoạt"
    case.shown("E14a", sentence, "Kích hoạt trên điện thoại tập")
    case.press_main()
    _activate(case)
    assert case.mended("E14a")
    case.review()
    case.press("Ký 1 học bạ")
    case.say_yes_on_the_phone()
    assert (case.state(), case.signatures()) == (SIGNED, 1)


def e14b(sit: Sit) -> None:
    """The provider is down for two tries: waited, sent again, no PIN used up."""
    case = sit()
    case.arm("E14b")
    case.review()
    case.press("Ký 1 học bạ")
    sentence = "Cổng ký số hiện không khả dụng, vui lòng thử lại sau."
    case.shown("E14b", sentence, "Gửi lại yêu cầu")
    case.press_main()
    case.shown("E14b", sentence, "Gửi lại yêu cầu")
    case.press_main()
    case.say_yes_on_the_phone()
    assert (case.state(), case.signatures()) == (SIGNED, 1)
    assert case.mended("E14b")


def e15(sit: Sit) -> None:
    """Another manager signs this record: others first, the list again, then it is free."""
    case = sit(2, Role.CBQL, signed=2)
    case.arm("E15")
    case.review(task="duyet")
    sentence = "Học bạ đang được người khác ký. Vui lòng thử lại sau."
    case.shown("E15", sentence, "Xem lại danh sách")
    case.press_main()
    case.review(task="duyet")
    case.shown("E15", sentence, "Xem lại danh sách")
    case.review(task="duyet")
    case.press("Ký duyệt 1 học bạ")
    case.say_yes_on_the_phone()
    assert (case.state(), case.signatures()) == (RecordState.SIGNED_CBQL, 2)
    assert case.mended("E15")


def _clerk_with_sealed(sit: Sit, count: int) -> Case:
    """Return the clerk with *count* records that bear the school's seal."""
    case = sit(count, Role.VAN_THU)
    case.home.sign_on(case.class_name, case.records)
    return case


def _finish_with_the_token(case: Case) -> None:
    case.press("Ký 1 học bạ")
    case.sign_with_the_token()
    case.go(f"/cong/lop?lop={case.class_name}")
    assert (case.state(), case.signatures()) == (SIGNED, 1)


def _choose_token(case: Case, name: str) -> None:
    """At the computer: pick a token from the table and plug it in."""
    case.tick(name)
    case.press_main()


def _activate(case: Case) -> None:
    """On the practice phone: activate the app with the code of the message and the PIN."""
    case.press_main()
    case.press("Mở tin nhắn")
    code = case.page.locator("p.so-to").first.inner_text()
    case.press("Quay lại nhập mã")
    case.page.fill("#otp", code)
    case.press_main()
    pin = case.home.portal.schools.card_pin(case.home.space, case.person)
    case.page.fill("#pin", str(pin))
    case.press_main()


WALKS: dict[str, Callable[[Sit], None]] = {
    "E1": e1,
    "E2": e2,
    "E3": e3,
    "E4": e4,
    "E5": e5,
    "E6": e6,
    "E7": e7,
    "E8": e8,
    "E9": e9,
    "E10": e10,
    "E11": e11,
    "E12": e12,
    "E13a": e13a,
    "E13b": e13b,
    "E13c": e13c,
    "E14a": e14a,
    "E14b": e14b,
    "E15": e15,
}
LONG = {"E4", "E5", "E6", "E7", "E8", "E9", "E10", "E11", "E12"}
LONG |= {"E13b", "E13c", "E14a", "E14b", "E15"}
"""Walked at length only: the others keep the short suite short."""


@pytest.mark.parametrize(
    "code",
    [pytest.param(c, marks=[pytest.mark.long] if c in LONG else []) for c in WALKS],
)
def test_every_error_is_met_and_mended(sit: Sit, code: str) -> None:
    """Shown as in life and in plain words, with the one button that mends it; then it is gone."""
    WALKS[code](sit)


def test_a_strangers_request_is_refused(sit: Sit) -> None:
    """Two requests on the phone: the unknown machine's is refused, one's own confirmed."""
    case = sit()
    case.arm("yeu_cau_la")
    case.review()
    case.press("Ký 1 học bạ")
    waiting = case.page.url
    case.press("Mở điện thoại tập")
    assert case.heading == "Có 2 yêu cầu ký"
    case.press("không rõ")
    case.press("Từ chối")
    case.page.goto(waiting)
    case.say_yes_on_the_phone()
    assert (case.state(), case.signatures()) == (SIGNED, 1)
    assert case.mended("yeu_cau_la")
