"""The portal as people without script walk it: every screen, in the field's words."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from sandbox.domain.lifecycle import RecordState, Role
from sandbox.domain.report_card import Slot
from tests.builders.portal import ADMIN, Browser, House, house


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("pages")) as served:
        yield served


def class_named(home: House, place: int, *, number: int = 1) -> str:
    return home.school(number).classes[place].name


def row(browser: Browser, words: str) -> str:
    """Return where the list row that holds *words* leads."""
    assert browser.sheet is not None
    for link in browser.sheet.tree.xpath("//ul[@class='hang']//a"):
        if words in " ".join(link.text_content().split()):
            return str(link.get("href"))
    raise AssertionError(f"no row {words!r} on {browser.sheet.heading!r}")


def test_a_visitor_is_asked_whom_to_play_and_then_always_sees_it(home: House) -> None:
    """No password: unit, role, name; afterwards every page says who one is."""
    browser = home.browser()
    assert browser.open("/cong").heading == "Thầy cô làm ở đâu?"
    browser.open(row(browser, home.school().name))
    browser.open(row(browser, "cô chủ nhiệm"))
    teacher = home.school().classes[0].teacher
    page = browser.send("Đúng là tôi", nguoi=teacher.personal_id)

    assert page.heading == "Hôm nay thầy cô làm gì?"
    assert f"{teacher.name}, cô chủ nhiệm" in page.words
    assert "Đổi người" in page.links()
    assert home.portal.schools.card_pin(home.space, teacher.personal_id) in page.words


def test_a_class_space_asks_for_its_code_once(home: House) -> None:
    """Only `tap` is open to everybody; a wrong code is told, the right one leads on."""
    from sandbox.world.spaces import open_fresh

    other = open_fresh(home.world, plan="practice", title="Lớp có mã")
    browser = home.browser()
    assert browser.open(f"/s/{other.id}/cong").heading == "Nhập mã lớp"
    assert browser.send("Vào lớp", ma="0000").title.startswith("Lỗi:")
    assert browser.send("Vào lớp", ma=other.code).heading == "Thầy cô làm ở đâu?"


def test_the_whole_procedure_works_page_by_page(home: House) -> None:
    """Khởi tạo → xem → ký → ký duyệt → đóng dấu → gói → nộp → kết quả, with two pupils."""
    class_name = class_named(home, 0)
    clerk = home.browser(home.actor(Role.VAN_THU))
    initialise_two(clerk, class_name)
    made = sorted(home.lines(class_name).values(), key=lambda line: line.number)
    teacher = home.browser(home.actor(Role.GVCN, class_name=class_name))
    for line in made:
        check_one(teacher, line.record_id)
    sign_class(home, teacher, "gvcn", class_name, "Ký 2 học bạ", Role.GVCN)
    head = home.browser(home.actor(Role.CBQL))
    sign_class(home, head, "duyet", class_name, "Ký duyệt 2 học bạ", Role.CBQL)
    sign_class(home, clerk, "phat-hanh", class_name, "Đóng dấu 2 học bạ", Role.VAN_THU)
    pack_and_send(home, clerk, class_name)

    home.check_all()
    answer = clerk.follow("Xem lại trạng thái")
    assert answer.heading == "Sở đã nhận đủ 2 em"
    rows = clerk.follow("Xem kết quả từng em")
    assert rows.words.count("Đã nhận") == 2


def initialise_two(clerk: Browser, class_name: str) -> None:
    clerk.open("/cong")
    clerk.open(row(clerk, "Khởi tạo học bạ"))
    clerk.open(row(clerk, f"Lớp {class_name}"))
    page = clerk.send("Xem lại các em đã chọn", em=["1", "2"])
    assert page.heading == "Tạo học bạ cho 2 em?"
    page = clerk.send("Tạo 2 học bạ")
    assert "Có 2 học bạ được khởi tạo thành công" in page.words


def check_one(teacher: Browser, record_id: str) -> None:
    teacher.open(f"/cong/hoc-ba/{record_id}")
    page = teacher.send("Đúng, để ký sau", diem=["ten", "ngay_sinh"])
    assert page.title.startswith("Lỗi:")
    page = teacher.send("Đúng, để ký sau", diem=["ten", "ngay_sinh", "mon_hoc", "nhan_xet"])
    assert "sẵn sàng để ký" in page.words


def sign_class(
    home: House, browser: Browser, task: str, class_name: str, button: str, role: Role
) -> None:
    browser.open(f"/cong/ky/{task}/chon?lop={class_name}")
    page = browser.send("Chọn cả 2 em")
    assert "Xem lại 2 em" in page.words
    browser.send("Xem lại 2 em")
    page = browser.send(button)
    assert page.heading == "Bây giờ cầm điện thoại"
    page = browser.follow("Tôi đã xác nhận xong")
    assert "Điện thoại chưa xác nhận" in page.words
    home.confirm(home.actor(role, class_name=class_name).identity)
    page = browser.follow("Tôi đã xác nhận xong")
    assert page.heading == "Đủ 2 em đã ký"


def pack_and_send(home: House, clerk: Browser, class_name: str) -> None:
    clerk.open(f"/cong/dong-goi/chon?lop={class_name}")
    clerk.send("Chọn cả 2 em")
    clerk.send("Xem lại 2 em")
    page = clerk.send("Gói 2 học bạ")
    assert page.heading == "Ký gói trước khi gửi"
    stopped = clerk.send("Nộp 1 gói")
    assert stopped.heading.endswith("Gói chưa gửi được")
    clerk.follow("Xem lại gói để ký")
    clerk.send("Ký 1 gói")
    home.confirm(home.actor(Role.VAN_THU).identity)
    clerk.follow("Tôi đã xác nhận xong")
    page = clerk.follow("Tiếp tục")
    assert page.heading == "Gửi gói lên Sở"
    page = clerk.send("Nộp 1 gói")
    assert page.heading == "Sở đang xem gói"


def test_a_returned_record_leads_from_its_reason_to_its_repair(home: House) -> None:
    """Plain reason, place and code; the button opens the record, the teacher is reminded."""
    class_name = class_named(home, 1)
    (record_id,) = home.sealed(class_name, [1])
    clerk = home.browser(home.actor(Role.VAN_THU))
    clerk.open(f"/cong/gieo-loi/{record_id}")
    assert "Chỉ có ở bản tập" in clerk.open(f"/cong/gieo-loi/{record_id}").words
    clerk.send("Gieo lỗi 1 học bạ", kieu="sua_sau_ky")
    package_id = home.sent([record_id])
    home.answered(package_id)

    page = clerk.open(f"/cong/goi/{package_id}")
    assert page.heading == "0 em đã nhận, 1 em cần sửa"
    clerk.follow("Đọc lý do từng em")
    page = clerk.open(row(clerk, "Bị trả về"))
    assert "SBX-3002" in page.words
    assert "DU_LIEU_HOC_BA" in page.words or "/HOC_BA" in page.words
    page = clerk.send("Mở ra để sửa")
    assert "Cô chủ nhiệm xem, sửa rồi ký lại" in page.words

    teacher = home.browser(home.actor(Role.GVCN, class_name=class_name))
    assert f"lớp {class_name} đang chờ thầy cô" in teacher.sheet.words  # type: ignore[union-attr]
    line = home.lines(class_name)[record_id]
    assert (line.state, line.version) == (RecordState.DRAFT, 2)


def test_the_teacher_mends_and_the_profile_goes_through_student_affairs(home: House) -> None:
    """Comment, score, rating and birth date: saved by the rules, or told what is wrong."""
    class_name = class_named(home, 2)
    (record_id,) = home.checked(class_name, [3])
    teacher = home.browser(home.actor(Role.GVCN, class_name=class_name))
    here = f"/cong/hoc-ba/{record_id}/sua"
    assert teacher.open(here).heading == "Sửa phần nào?"
    teacher.open(f"{here}/nhan-xet")
    assert teacher.send("Lưu chỗ sửa", nhan_xet="").title.startswith("Lỗi:")
    page = teacher.send("Lưu chỗ sửa", nhan_xet="Em đọc tốt, viết chữ đẹp.")
    assert "Em đọc tốt, viết chữ đẹp." in page.words
    teacher.open(f"{here}/mon/S02")
    assert teacher.send("Lưu chỗ sửa", diem="11").title.startswith("Lỗi:")
    assert "Đã lưu chỗ sửa" in teacher.send("Lưu chỗ sửa", muc="H", diem="6").words
    teacher.open(f"{here}/muc/PHAM_CHAT_CHAM_CHI")
    assert "Đã lưu chỗ sửa" in teacher.send("Lưu chỗ sửa", muc="Đ").words
    teacher.open(f"{here}/ho-so")
    page = teacher.send("Chuyển học vụ sửa", ngay_sinh="31/02/2016")
    assert "Nhập ngày sinh như" in page.words

    line = home.lines(class_name)[record_id]
    assert line.version == 4
    assert teacher.open(f"/cong/hoc-ba/{record_id}/lich-su").heading == "Xem các bản của học bạ"


def test_cancelling_without_a_reason_is_told_and_with_one_reaches_the_head(home: House) -> None:
    """E12, then [Gửi xin huỷ], then the head agrees on the own page."""
    class_name = class_named(home, 2)
    (record_id,) = home.checked(class_name, [5])
    teacher_actor = home.actor(Role.GVCN, class_name=class_name)
    home.sign(Slot.GVCN, teacher_actor, [record_id])
    teacher = home.browser(teacher_actor)
    teacher.open(f"/cong/hoc-ba/{record_id}")
    teacher.follow("Đề xuất huỷ học bạ")
    page = teacher.send("Gửi xin huỷ")
    assert "Vui lòng nhập lý do hủy" in page.words
    assert teacher.send("Gửi xin huỷ", ly_do="nhan_xet").heading == "Chờ thầy hiệu trưởng đồng ý"

    head = home.browser(home.actor(Role.CBQL))
    head.open("/cong/xin-huy")
    head.open(row(head, "Sai nhận xét"))
    assert "Đã đồng ý huỷ" in head.send("Đồng ý huỷ").words
    assert "Có đồng ý" not in teacher.open(f"/cong/hoc-ba/{record_id}").words


def test_the_head_reminds_the_teacher_instead_of_signing_the_incomplete(home: House) -> None:
    """E10 on the review; the button reminds and leaves only what is complete."""
    class_name = class_named(home, 3)
    made = home.checked(class_name, [1, 2])
    home.sign(Slot.GVCN, home.actor(Role.GVCN, class_name=class_name), made[:1])
    head = home.browser(home.actor(Role.CBQL))
    head.open(f"/cong/ky/duyet/chon?lop={class_name}")
    page = head.send("Xem lại các em đã chọn", em=made)
    assert page.heading.endswith("Thiếu chữ ký trước")
    assert "Không tồn tại file ký số xml của GVCN" in page.words
    page = head.send("Nhắc cô chủ nhiệm")

    assert "Đã nhắc cô chủ nhiệm" in page.words
    assert page.heading == "Xem lại trước khi ký"


def test_a_second_signing_page_finds_the_waiting_request(home: House) -> None:
    """E3 with the button that leads to the phone, from where one comes back to the request."""
    class_name = class_named(home, 4)
    made = home.checked(class_name, [1, 2])
    actor = home.actor(Role.GVCN, class_name=class_name)
    request_id = home.ask(Slot.GVCN, actor, made[:1])
    teacher = home.browser(actor)
    teacher.open(f"/cong/ky/gvcn/xem-lai?em={made[1]}")
    page = teacher.send("Ký 1 học bạ")
    assert page.heading.endswith("Còn yêu cầu đang chờ")
    assert "/ky-so/dien-thoai/" in teacher.follow("Mở điện thoại tập").url
    teacher.open(f"/cong/yeu-cau/{request_id}")
    teacher.send("Huỷ yêu cầu này")
    assert home.lines(class_name)[made[0]].request_id is None


def test_the_administrators_pages_offer_no_way_to_results(home: House) -> None:
    """Only the progress; a typed address is answered with whose task it is."""
    class_name = class_named(home, 2)
    (record_id,) = home.checked(class_name, [11])
    browser = home.browser(home.actor(Role.QUAN_TRI))
    assert "Tiến độ các lớp" in browser.open("/cong").words
    page = browser.open(f"/cong/hoc-ba/{record_id}/sua")
    assert page.status == 403
    assert page.heading.endswith("Việc này của người khác")


def test_the_officer_sees_the_inbox_and_forwards_by_hand(home: House) -> None:
    """With the switch off nothing goes by itself; [Gửi …] sends what waits."""
    class_name = home.school().classes[4].name
    made = home.sealed(class_name, [7])
    home.answered(home.sent(made))
    officer = home.browser(home.actor(Role.SO))
    officer.open("/cong/so")
    officer.send("Tắt chuyển tự động")
    home.run(home.forwarder.run_once())
    page = officer.open("/cong/so")
    waiting = home.portal.officer.inbox(home.space, home.actor(Role.SO)).counts["waiting"]
    assert waiting >= 1
    assert "đang tắt" in page.words
    page = officer.send(f"Gửi {waiting} học bạ lên Kho")
    assert f"Đã chuyển {waiting} học bạ lên Kho" in page.words
    assert home.portal.officer.inbox(home.space, home.actor(Role.SO)).counts["waiting"] == 0


def test_the_printed_record_bears_the_mark_and_says_whose_form_it_is(home: House) -> None:
    """The mark BẢN TẬP stands in the text itself; the layout is the sandbox's own."""
    class_name = class_named(home, 2)
    (record_id,) = home.checked(class_name, [12])
    browser = home.browser(home.actor(Role.GVCN, class_name=class_name))
    page = browser.open(f"/cong/hoc-ba/{record_id}/in")
    assert "BẢN TẬP – DỮ LIỆU GIẢ LẬP" in page.words
    assert "Mẫu hiển thị này của bản tập" in page.words


def test_lessons_read_state_over_http_only_with_the_token(home: House) -> None:
    """401 without; with it states, signatures and the bytes that were signed."""
    class_name = class_named(home, 0)
    (record_id,) = home.sealed(class_name, [21])
    path = f"/cong/v1/truong/{home.school().code}/hoc-ba?lop={class_name}"
    assert home.call(path, token=ADMIN).status_code == 401
    assert record_id in [row["id"] for row in home.call(path).json()]
    one = home.call(f"/cong/v1/hoc-ba/{record_id}").json()
    assert [s["vai"] for s in one["ky"]] == ["GVCN", "CBQL", "KY_PHAT_HANH"]
    assert base64.b64decode(one["xml"]).startswith(b"<HOC_BA")
    assert home.call("/cong/v1/hoc-ba/khong-co").status_code == 404


def test_a_lesson_gets_a_school_of_its_own_and_its_learner_an_identity(home: House) -> None:
    """Keys, account, pupils and checked records; the same request gives the same school."""
    body = {
        "hat_giong": "bai-3/mai/1",
        "so": 1001,
        "khoi": [3],
        "so_em": 4,
        "trang_thai": "CHECKED",
    }
    school = home.call("/cong/v1/truong", body).json()
    assert home.call("/cong/v1/truong", body).json() == school
    rows = home.call(f"/cong/v1/truong/{school['ma_truong']}/hoc-ba").json()
    assert [r["trang_thai"] for r in rows] == ["CHECKED"] * 4
    other = home.call("/cong/v1/truong", body | {"hat_giong": "bai-3/lan/1"})
    assert other.status_code == 409
    teacher = next(p for p in school["nguoi"] if p["vai"] == "GVCN")
    known = home.call(
        "/cong/v1/vao",
        {
            "nguoi_hoc": "0123456789abcdef0123456789abcdef",
            "id": teacher["id"],
            "don_vi": school["ma_truong"],
            "vai": "GVCN",
        },
    ).json()
    assert (known["lop"], known["pin"]) == (teacher["lop"], teacher["pin"])
    wrong = {"nguoi_hoc": "0" * 32, "id": "0", "don_vi": "48", "vai": "GVCN"}
    assert home.call("/cong/v1/vao", wrong).status_code == 404


def test_a_signing_service_that_is_away_loses_nothing(home: House) -> None:
    """The request is kept unsent, the page says so calmly, and it can be sent again."""
    from sandbox.wire.signing import SigningClient

    class_name = class_named(home, 3)
    made = home.checked(class_name, [9])
    actor = home.actor(Role.GVCN, class_name=class_name)
    preview = home.run(home.portal.signings.preview(home.space, actor, Slot.GVCN, made))
    request_id = home.portal.signings._hold_and_prepare(home.space, actor, Slot.GVCN, preview)
    context = home.portal.context
    away = SigningClient("http://127.0.0.1:9", token="x")
    object.__setattr__(context, "signing", away)
    try:
        home.run(
            home.portal.signings.send(
                home.space, request_id, purpose="p", portal="p", return_path="/cong"
            )
        )
        browser = home.browser(actor)
        page = browser.open(f"/cong/yeu-cau/{request_id}")
        assert page.heading == "Chưa gửi được yêu cầu"
        assert "Không mất gì" in page.words
    finally:
        object.__setattr__(context, "signing", home.world.signing_client())
    page = browser.send("Gửi lại yêu cầu")
    assert page.heading == "Bây giờ cầm điện thoại"
