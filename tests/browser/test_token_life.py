"""A class of thirty signed with tokens from the portal's first page on, 320 px, without script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from sandbox.domain.lifecycle import RecordState, Role
from sandbox.wire.signing import Instrument
from tests.builders.life import Walker
from tests.builders.portal import House, house

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("token_life")]

CLASS = 30


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("token-life")) as made:
        yield made


@pytest.fixture
def walker(home: House, chromium: Browser) -> Iterator[Walker]:
    context = chromium.new_context(
        viewport={"width": 320, "height": 480}, java_script_enabled=False
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield Walker(page, home.base)
    context.close()


def sit_down(walker: Walker, home: House, role: Role, means: str, name: str | None = None) -> str:
    """Choose from the portal's first page on whom to play and what to sign with."""
    walker.go("/cong")
    walker.be(home.school().code, role.value, name=name)
    walker.go("/cong/cach-ky")
    walker.page.locator("main .o-chon label").filter(has_text=means).first.click()
    walker.press_main()
    return home.actor(role, class_name=home.school().classes[0].name).identity.person_id


def read_token(walker: Walker, fetch: str, token: str | None = None) -> None:
    """From the portal's review to the computer and back; *token*: which one of the table."""
    walker.press(fetch)
    if token is not None:
        walker.press_main()
        walker.page.locator("main .o-chon label").filter(has_text=token).first.click()
        walker.press_main()
    elif walker.heading() == "Cắm USB vào máy":
        walker.press_main()
    walker.press_main()
    walker.press_main()


def type_pin(walker: Walker, home: House, person: str, instrument: Instrument) -> None:
    """From the waiting page to the PIN dialog; when it has signed, put the token away."""
    walker.press("Nhập mã PIN của USB")
    pin = home.world.signing.instruments.training_pin(home.space, person, instrument)
    walker.page.fill("#pin", pin)
    walker.press_main()
    assert walker.heading() == "Ký xong bằng USB"
    walker.press("Rút USB, cất kỹ")


def counted(home: House, state: RecordState) -> int:
    lines = home.lines(home.school().classes[0].name)
    return sum(line.state is state for line in lines.values())


def test_a_class_of_thirty_is_signed_by_token_and_sealed_with_the_schools(
    walker: Walker, home: House
) -> None:
    """USB Token for the teacher, Token Cơ Quan for the head and for the seal: thirty each."""
    name = home.school().classes[0].name
    home.checked(name, range(1, CLASS + 1))

    teacher = sit_down(walker, home, Role.GVCN, "USB Token", name=f"lớp {name}")
    walker.go(f"/cong/ky/gvcn/chon?lop={name}")
    walker.press("Chọn cả")
    walker.press_main()
    read_token(walker, "Lấy chứng thư số")
    walker.press(f"Ký {CLASS} học bạ")
    type_pin(walker, home, teacher, Instrument.U)
    walker.go(f"/cong/lop?lop={name}")
    assert "Đã ký" in walker.main()
    assert counted(home, RecordState.SIGNED_GVCN) == CLASS

    head = sit_down(walker, home, Role.CBQL, "Token Cơ Quan")
    walker.go(f"/cong/ky/duyet/chon?lop={name}")
    walker.press("Chọn cả")
    walker.press_main()
    read_token(walker, "Lấy CTS CBQL")
    walker.press(f"Ký duyệt {CLASS} học bạ")
    type_pin(walker, home, head, Instrument.G)
    assert counted(home, RecordState.SIGNED_CBQL) == CLASS

    clerk = sit_down(walker, home, Role.VAN_THU, "Token Cơ Quan")
    walker.go(f"/cong/ky/phat-hanh/chon?lop={name}")
    walker.press("Chọn cả")
    walker.press_main()
    read_token(walker, "Lấy CTS Phát hành", token="Token Cơ Quan số 2")
    assert "MST:GIALAP-" in walker.main()
    walker.press("Đúng tên trường")
    walker.press(f"Đóng dấu {CLASS} học bạ")
    type_pin(walker, home, clerk, Instrument.G)
    assert counted(home, RecordState.ISSUE_SIGNED) == CLASS
