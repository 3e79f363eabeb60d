"""From the first page to "Đã ký" with app, SIM and codes: 320 px, no script, Back at every step."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Locator

from sandbox.domain.lifecycle import RecordState, Role
from sandbox.pki import TrainingAuthority, Trust
from sandbox.portal.context import Actor
from sandbox.signing.instruments import SIM_DEFAULT_PIN
from sandbox.wire.portal import RecordReply
from sandbox.wire.signing import Instrument
from sandbox.xmldsig.doctor import examine
from tests.builders.life import Walker
from tests.builders.portal import House, house

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("instruments_life")]

CLASS, SIM_PUPILS = 30, 3
REST = timedelta(seconds=55)
"""Longer than a SIM rests after a signature (E3)."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("instruments-life")) as made:
        yield made


@dataclass
class Stroller(Walker):
    """A walker who may go Back after every step, see a page in order, and come forward again."""

    turning: bool = False
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on(
            "response",
            lambda answer: (
                self.broken.append(f"{answer.status} {answer.url}")
                if answer.status >= 400
                else None
            ),
        )

    def _follow(self, control: Locator) -> None:
        super()._follow(control)
        if not self.turning:
            return
        came_to, heading = self.page.url, self.heading()
        self.page.go_back()
        if self.page.url == came_to:  # the page of before led here by itself
            return
        if "✖" in self.heading():
            self.broken.append(f"Back from {heading!r}: {self.heading()!r}")
        self.page.go_forward()
        if self.heading() != heading:
            self.broken.append(f"forward to {heading!r}: {self.heading()!r}")

    def press_twice(self, words: str) -> None:
        """Click a confirming control twice, as fast as a double click."""
        before = self.heading()
        self.page.locator("main button").filter(has_text=words).first.dblclick(no_wait_after=True)
        self.page.locator("h1").filter(has_not_text=before).wait_for()
        self.page.wait_for_load_state()


@pytest.fixture
def walker(home: House, chromium: Browser) -> Iterator[Stroller]:
    context = chromium.new_context(
        viewport={"width": 320, "height": 480}, java_script_enabled=False
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield Stroller(page, home.base)
    context.close()


def secret(home: House, teacher: Actor, instrument: Instrument) -> str:
    """Return what stands on the teacher's card for *instrument*."""
    who = teacher.identity.person_id
    return home.world.signing.instruments.training_pin(home.space, who, instrument)


def by_app(walker: Stroller, home: House, teacher: Actor, button: str) -> None:
    """Look at the request, type the PIN."""
    walker.press("Mở điện thoại tập")
    walker.press("Xem yêu cầu")
    walker.press("Ký số")
    walker.page.fill(
        "#pin", str(home.portal.schools.card_pin(home.space, teacher.identity.person_id))
    )
    walker.press_twice(button)


def by_finger(walker: Stroller, home: House, teacher: Actor, button: str) -> None:
    """The computer finds no registered phone; registered by message and finger, then signed."""
    assert walker.heading() == "✖ Chưa bật chữ ký số"
    walker.broken.clear()  # that page, which is an error's (E14a)
    walker.turning = False
    walker.press_main()
    walker.turning = True
    walker.press("Đăng ký thiết bị")
    walker.press("Mở tin nhắn")
    code = walker.page.locator("p.so-to").first.inner_text()
    walker.press("Quay lại nhập mã")
    walker.page.fill("#otp", code)
    walker.press("Tiếp tục")
    walker.press("Chạm vân tay")
    walker.press_main()
    walker.press("Về máy tính")
    walker.press_twice(f"Ký {CLASS} học bạ")
    walker.press("Mở điện thoại tập")
    walker.press("Xem yêu cầu")
    walker.press("Đồng ý ký")
    walker.press_twice("Chạm vân tay")


def _at_code(walker: Stroller, home: House, teacher: Actor) -> None:
    walker.press("Mở trang nhập mã")
    walker.press("Xem yêu cầu")
    walker.press("Tiếp tục, nhập mật khẩu")
    walker.page.fill("#mat_khau", secret(home, teacher, Instrument.A_OTP))
    walker.press("Tiếp tục")


def by_message(walker: Stroller, home: House, teacher: Actor, button: str) -> None:
    """The password, then the code of a message."""
    _at_code(walker, home, teacher)
    walker.press("Gửi mã qua tin nhắn")
    walker.press("Mở tin nhắn")
    _type_code(walker, button)


def by_time(walker: Stroller, home: House, teacher: Actor, button: str) -> None:
    """The password, then the code the phone reckons from the time."""
    _at_code(walker, home, teacher)
    walker.press("Xem mã trên điện thoại")
    _type_code(walker, button)


def _type_code(walker: Stroller, button: str) -> None:
    code = walker.page.locator("p.so-to").first.inner_text()
    walker.press("Quay lại nhập mã")
    walker.page.fill("#otp", code)
    walker.press_twice(button)


@dataclass(frozen=True)
class Way:
    """What a class of its own is signed with."""

    instrument: Instrument
    means: str
    """Its name on the page of choice."""
    confirm: Callable[[Stroller, House, Actor, str], None]
    school: int
    class_name: str


WAYS = {
    "B": Way(Instrument.B, "Ký Xa B", by_finger, 1, "1A1"),
    "GR": Way(Instrument.GR, "Ký Xa Cơ Quan", by_app, 1, "2A1"),
    "A-OTP by message": Way(Instrument.A_OTP, "mã một lần", by_message, 1, "4A1"),
    "A-OTP by time": Way(Instrument.A_OTP, "mã một lần", by_time, 2, "1A1"),
}


def sit_down(walker: Stroller, school: str, class_name: str, means: str) -> None:
    """From the first page: the portal, the school, the task, the name, what to sign with."""
    walker.go("/")
    walker.press("Sổ học bạ của trường")
    walker.press(school)
    walker.press("cô chủ nhiệm")
    walker.page.locator("main .o-chon label").filter(has_text=f"lớp {class_name}").first.click()
    walker.press_main()
    walker.press("Cách ký")
    walker.page.locator("main .o-chon label").filter(has_text=means).first.click()
    walker.press_main()
    walker.press("Ký số lớp chủ nhiệm")
    walker.turning = True


def records(home: House, ids: list[str]) -> list[RecordReply]:
    found = [home.portal.lessons.record(home.space, one) for one in ids]
    return [one for one in found if one is not None]


def signed_once(home: House, ids: list[str], teacher: Actor) -> None:
    """One signature in every record, by the teacher, and it holds for the strict verifier."""
    trust = Trust(TrainingAuthority.from_seed(home.world.settings.seed).issuer_certificates)
    at = home.space.now(home.world.clock)
    for record in records(home, ids):
        assert record.trang_thai == RecordState.SIGNED_GVCN.value
        assert len(record.ky) == 1
        seen = examine(
            base64.b64decode(record.xml or ""),
            trust=trust,
            revocations=None,
            at=at,
            registered=None,
        )
        made = [one for exam in seen.records for one in exam.signatures if one.steps]
        assert [one.holds and one.value_holds for one in made] == [True], seen.codes
        assert made[0].certificate is not None
        assert made[0].certificate.common_name == teacher.identity.name


AT_LENGTH = {"B", "GR", "A-OTP by time"}
"""Walked at length only: their pages are those of Ký Xa A and of the code by message."""


@pytest.mark.parametrize(
    "way", [pytest.param(w, marks=pytest.mark.long) if w in AT_LENGTH else w for w in WAYS]
)
def test_a_class_of_thirty_is_signed_from_the_first_page_on(
    walker: Stroller, home: House, way: str
) -> None:
    """The app of another provider, the State's, and codes two ways: thirty, each once."""
    chosen = WAYS[way]
    name, number = chosen.class_name, chosen.school
    made = home.checked(name, range(1, CLASS + 1), number=number)
    teacher = home.actor(Role.GVCN, number=number, class_name=name)
    sit_down(walker, home.school(number).name, name, chosen.means)
    walker.press(f"Chọn trong {CLASS} em để ký")
    walker.press("Chọn cả")
    walker.press_main()
    walker.press_twice(f"Ký {CLASS} học bạ")
    chosen.confirm(walker, home, teacher, f"Xác nhận ký {CLASS} học bạ")
    walker.page.go_back()
    walker.page.go_forward()
    walker.press_main()

    assert walker.heading() == f"Đủ {CLASS} em đã ký"
    walker.turning = False
    for _path, row in walker.records(name):
        assert "Đã ký" in row
    assert home.portal.means.chosen(home.space, teacher) is chosen.instrument
    signed_once(home, made, teacher)
    assert walker.broken == []


def test_three_pupils_are_signed_by_sim_with_the_clock_moved_between(
    walker: Stroller, home: House
) -> None:
    """The first PIN is changed; a SIM takes one pupil, rests, and takes the next."""
    name = home.school().classes[-1].name
    made = home.checked(name, range(1, SIM_PUPILS + 1))
    teacher = home.actor(Role.GVCN, class_name=name)
    pin = secret(home, teacher, Instrument.S)
    sit_down(walker, home.school().name, name, "SIM Ký")
    walker.press("để ký")
    walker.press("Chọn cả")
    walker.press_main()
    for number in range(1, SIM_PUPILS + 1):
        walker.press_twice("Ký 1 học bạ")
        walker.press("Mở điện thoại tập")
        if number == 1:
            walker.press("Đổi mã PIN")
            for box, typed in (("pin_old", SIM_DEFAULT_PIN), ("pin_new", pin), ("pin_again", pin)):
                walker.page.fill(f"#{box}", typed)
            walker.press("OK")
        walker.press("Ký giao dịch")
        walker.open_first()
        walker.press("OK")
        walker.page.fill("#pin", pin)
        walker.press_twice("OK")
        assert walker.heading() == "Ký giao dịch thành công"
        walker.press_main()
        assert walker.heading() == "Đã ký xong 1 học bạ"
        home.world.spaces.move_clock(home.space.id, home.space.now(home.world.clock) + REST)
        if number < SIM_PUPILS:
            walker.press_main()  # the next of those chosen

    walker.turning = False
    rows = [row for _path, row in walker.records(name)]
    assert sum("Đã ký" in row for row in rows) == SIM_PUPILS, rows
    signed_once(home, made, teacher)
    assert walker.broken == []
