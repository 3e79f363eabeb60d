"""One class, from a signature on the phone to the answer of the ministry, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.builders.life import Walker
from tests.builders.running import RunningSandbox

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("whole_life")]

SCHOOL = "48999401"
CLASS, SMALL = "1A1", "4A1"


SCRIPT_AT_LENGTH = pytest.mark.parametrize(
    "visitor",
    [
        pytest.param(False, id="script off"),
        pytest.param(True, id="script on", marks=pytest.mark.long),
    ],
    indirect=True,
)
"""Without script is how pages must work; with it the same walk belongs to the long suite."""


@pytest.fixture
def visitor(request: pytest.FixtureRequest, chromium: Browser, sandbox_up: RunningSandbox):
    """A visitor on a 320 px phone in a practice space of their own, past the space's door."""
    space = sandbox_up.open_space("practice")
    context = chromium.new_context(
        viewport={"width": 320, "height": 640}, java_script_enabled=request.param
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    walker = Walker(page, space.dia_chi.goc)
    with sandbox_up.admin() as admin:
        rows = admin.call("GET", f"{sandbox_up.base_url}/quan-tri/v1/khong-gian")
    code = next(row["ma_lop"] for row in rows if row["khong_gian"] == space.khong_gian)
    walker.enter_code(code)
    yield walker
    context.close()


def sign_all(walker: Walker, class_name: str) -> None:
    """Teacher, principal, clerk: everybody signs all of the class that is ready."""
    pin = walker.be(SCHOOL, "GVCN", name=f"lớp {class_name}")
    for path, row in walker.records(class_name):
        if "chưa kiểm tra" in row:
            walker.check(path)
    walker.select_all_and_sign("gvcn", class_name)
    walker.confirm_on_phone(pin)
    pin = walker.be(SCHOOL, "CBQL")
    walker.select_all_and_sign("duyet", class_name)
    walker.confirm_on_phone(pin)
    pin = walker.be(SCHOOL, "VAN_THU")
    walker.select_all_and_sign("phat-hanh", class_name)
    walker.confirm_on_phone(pin)


def send_package(walker: Walker, class_name: str) -> str:
    """As the clerk: pack all that is sealed, sign the package, submit. Returns its path."""
    pin = walker.be(SCHOOL, "VAN_THU")
    walker.go(f"/cong/dong-goi/chon?lop={class_name}")
    walker.press("Chọn cả")
    walker.press_main()
    walker.press_main()
    walker.press_main()  # [Ký 1 gói]
    walker.confirm_on_phone(pin)
    walker.press_main()  # [Tiếp tục]
    walker.press_main()  # [Nộp 1 gói]
    return walker.page.url.partition("?")[0].removeprefix(walker.root)


def download(page: Page, walker: Walker, record_path: str, folder: Path) -> Path:
    file = folder / "hoc-ba.xml"
    address = walker.root.split("/s/")[0] + record_path + "/xml"
    file.write_bytes(page.context.request.get(address).body())
    return file


@SCRIPT_AT_LENGTH
def test_a_class_of_30_is_signed_on_the_phone_and_every_record_accepted(visitor, tmp_path):
    """Initialise, check, sign thrice, pack, submit: 30 of 30; anybody can verify one."""
    visitor.be(SCHOOL, "VAN_THU")
    visitor.initialise(CLASS)
    sign_all(visitor, CLASS)
    package = send_package(visitor, CLASS)
    text = visitor.wait_for(["30 trên 30", "bị trả"], path=package)
    visitor.be(SCHOOL, "GVCN", name=f"lớp {CLASS}")
    record = visitor.records(CLASS)[0][0]
    file = download(visitor.page, visitor, record, tmp_path)
    visitor.go("/kho/tra-cuu")
    visitor.page.set_input_files("input[type=file]", str(file))
    visitor.press_main()
    verified = visitor.main()

    assert "30 trên 30 em đã nhận" in text
    assert "Toàn vẹn dữ liệu" in verified
    assert "✖" not in verified
    assert verified.count("✔") >= 6

    file.write_bytes(file.read_bytes().replace(b"<NHAN_XET_GVCN>", b"<NHAN_XET_GVCN>A", 1))
    visitor.go("/kho/tra-cuu")
    visitor.page.set_input_files("input[type=file]", str(file))
    visitor.press_main()
    assert "✖" in visitor.main()


@pytest.mark.long  # the short suite mends a refused record in test_errors, E13a
@SCRIPT_AT_LENGTH
def test_a_refused_record_is_mended_signed_again_and_accepted(visitor):
    """A real fault is refused by the desk, read, mended by the people concerned, then accepted."""
    visitor.be(SCHOOL, "VAN_THU")
    visitor.go(f"/cong/khoi-tao/chon?lop={SMALL}")
    for label in visitor.page.locator("main .o-chon label").all()[:2]:
        label.click()
    visitor.press("Xem lại")
    visitor.press_main()
    sign_all(visitor, SMALL)
    visitor.be(SCHOOL, "VAN_THU")
    visitor.go("/cong/gieo-loi")
    visitor.open_first()
    visitor.page.locator("main .o-chon label").first.click()
    visitor.press_main()
    package = send_package(visitor, SMALL)
    text = visitor.wait_for(["1 em"], path=package)
    visitor.go(f"{package}/ket-qua")
    visitor.open_first()
    reason = visitor.main()
    visitor.press_main()  # the button that performs the remedy
    sign_all(visitor, SMALL)
    again = send_package(visitor, SMALL)
    final = visitor.wait_for(["1 trên 1"], path=again)

    assert "đã nhận" in text
    assert "Nghĩa là" in reason
    assert "SBX-3002" in reason
    assert "1 trên 1 em đã nhận" in final
