"""Somebody in front of a page on which something went wrong, and the way out of it."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from playwright.sync_api import Page

from sandbox.domain.lifecycle import RecordState, Role
from sandbox.domain.report_card import Slot
from sandbox.portal.context import Actor
from sandbox.wire.signing import Fault, Instrument
from tests.builders.portal import House
from tests.builders.tapping import Taps, press


def token_of(home: House, actor: Actor) -> str:
    """Return the token of a visitor who plays *actor*."""
    who = actor.identity
    token = hashlib.sha256(f"{who.person_id}{who.role}".encode()).hexdigest()[:22]
    home.call(
        "/cong/v1/vao",
        {
            "nguoi_hoc": hashlib.sha256(token.encode()).hexdigest()[:32],
            "id": who.person_id,
            "don_vi": who.unit_code,
            "vai": who.role.value,
        },
    )
    return token


@dataclass
class Teachers:
    """Hands out classes and pupils, so that no case meets what another left behind."""

    home: House
    places: Iterator[tuple[int, str]] = field(init=False)
    numbers: dict[tuple[int, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        groups = [(n, group.name) for n in (1, 2) for group in self.home.school(n).classes]
        self.places = itertools.cycle(groups)

    def next(self, count: int, *, number: int | None = None) -> tuple[Actor, str, list[str]]:
        """Return a teacher, the class, and the ids of *count* checked records in it."""
        place = next(p for p in self.places if number in (None, p[0]))
        first = self.numbers.get(place, 0) + 1
        self.numbers[place] = first + count
        school, name = place
        made = self.home.checked(name, range(first, first + count), number=school)
        return self.home.actor(Role.GVCN, number=school, class_name=name), name, made


@dataclass
class Case:
    """One person, one browser page without script, 320 px wide."""

    home: House
    page: Page
    actor: Actor
    class_name: str
    records: list[str]
    taps: Taps = field(default_factory=Taps)

    @property
    def person(self) -> str:
        return self.actor.identity.person_id

    # -- before

    def sign_with(self, instrument: Instrument) -> None:
        self.home.portal.means.choose(self.home.space, self.actor, instrument)

    def arm(self, code: str) -> None:
        """Choose what goes wrong on the page for it, as a learner does."""
        self.go(f"/cong/su-co/{code}")
        self.press("Tập sự cố này")
        assert "Sự cố đã sẵn" in self.text

    def arm_with(self, fault: Fault) -> None:
        self.home.run(self.home.portal.drills.arm(self.home.space, self.person, [fault]))

    # -- looking

    @property
    def text(self) -> str:
        return " ".join(self.page.inner_text("main").split())

    @property
    def heading(self) -> str:
        return " ".join(self.page.inner_text("h1").replace("✖", "").split())

    def shown(self, code: str, sentence: str, button: str) -> None:
        """The page of an error: the real sentence, two plain lines, one button, the code."""
        text = self.text
        for part in (sentence, "Nghĩa là:", "Thầy cô làm:", f"Mã: {code}"):
            assert part in text, (part, self.heading, text)
        main = self.page.locator("main .chinh")
        assert main.count() == 1, [one.inner_text() for one in main.all()]
        assert button in " ".join(main.inner_text().split()), main.inner_text()

    def state(self, record: int = 0) -> RecordState:
        found = self.home.portal.lessons.record(self.home.space, self.records[record])
        assert found is not None
        return RecordState(found.trang_thai)

    def signatures(self, record: int = 0) -> int:
        found = self.home.portal.lessons.record(self.home.space, self.records[record])
        assert found is not None
        return len(found.ky)

    def mended(self, code: str) -> bool:
        """Whether the plan says that this was met and mended."""
        plan = self.home.run(self.home.portal.drills.plan(self.home.space, self.person))
        return any(row.ma == code and row.met and row.recovered for row in plan)

    # -- doing

    def go(self, path: str) -> None:
        self.page.goto(self.home.base + path)

    def press(self, words: str) -> None:
        """Press the first button or link in the page's own part whose words hold these."""
        found = self.page.locator("main a, main button").filter(has_text=words).first
        press(self.page, found, self.taps)

    def press_main(self) -> None:
        press(self.page, self.page.locator("main .chinh").first, self.taps)

    def tick(self, value: str) -> None:
        """Choose the box or circle of that value by pressing its words."""
        found = self.page.locator(f"main .o-chon input[value='{value}']")
        if not found.is_checked():
            self.page.locator(f"main label[for='{found.get_attribute('id')}']").click()

    def review(self, record: int = 0, *, task: str = "gvcn") -> None:
        self.go(f"/cong/ky/{task}/xem-lai?em={self.records[record]}")

    def say_yes_on_the_phone(self) -> None:
        """From a waiting page: open the phone, look, type the PIN of the card, come back."""
        self.press("Mở điện thoại tập")
        self.type_pin()
        self.press("Về máy tính")

    def type_pin(self) -> None:
        self.press("Xem yêu cầu")
        self.press("Ký số")
        pin = self.home.portal.schools.card_pin(self.home.space, self.person)
        self.page.fill("#pin", str(pin))
        self.press_main()

    def token_pin(self, instrument: Instrument = Instrument.U) -> str:
        signing = self.home.world.signing
        return signing.instruments.training_pin(self.home.space, self.person, instrument)

    def read_the_token(self) -> None:
        """From the review: to the computer, plug in, read, choose, back at the review."""
        self.press("Lấy ")
        if "Cắm USB" in self.page.inner_text("main .chinh"):
            self.press_main()
        self.press_main()
        self.press("Chọn chứng thư này")

    def sign_with_the_token(self, instrument: Instrument = Instrument.U) -> None:
        """From the waiting page: the PIN of the token, and back."""
        self.press("Nhập mã PIN của USB")
        self.page.fill("#pin", self.token_pin(instrument))
        self.press_main()


@dataclass
class Sit:
    """Sits people down, each in front of a browser of their own."""

    teachers: Teachers
    open_page: Callable[..., Page]

    def __call__(self, count: int = 1, role: Role = Role.GVCN, *, signed: int = 0) -> Case:
        """Return a teacher with *count* checked records, or another of the school before them."""
        home = self.teachers.home
        number = None if role is Role.GVCN else 1
        teacher, name, made = self.teachers.next(count, number=number)
        # the case before may have left anybody of the school with a token or another app
        for one in (teacher, home.actor(Role.CBQL, number=1), home.actor(Role.VAN_THU, number=1)):
            home.portal.means.choose(home.space, one, Instrument.A)
        if signed:
            home.sign(Slot.GVCN, teacher, made[:signed])
        actor = teacher if role is Role.GVCN else home.actor(role, number=1)
        page = self.open_page(f"{home.base}/cong?m={token_of(home, actor)}", script="off")
        return Case(home, page, actor, name, made)

    def beside(self, case: Case, role: Role, words: str) -> Case:
        """Return somebody else of the school, who chose on the pages whom to play: *words*."""
        home, actor = case.home, case.home.actor(role, number=1)
        page = self.open_page(f"{home.base}/cong/vai", script="off")
        other = Case(home, page, actor, case.class_name, case.records)
        other.press(actor.identity.unit_name)
        other.press(words)
        other.tick(other.person)
        other.press_main()
        return other


def sign_on_the_pages(case: Case, task: str, button: str) -> None:
    """From the first page of the role: the task, the class, the one record, the phone."""
    case.press(task)
    case.press(f"Lớp {case.class_name}")
    case.tick(case.records[0])
    case.press("Xem lại các em đã chọn")
    case.press(button)
    case.say_yes_on_the_phone()
    assert "Đã ký" in case.text, case.text


def send_on_the_pages(case: Case) -> str:
    """As the clerk: pack the one record, sign the package, send it; return its page's address."""
    case.go("/cong")
    case.press("Đóng gói và nộp Sở")
    case.press(f"Lớp {case.class_name}")
    case.tick(case.records[0])
    case.press("Xem lại các em đã chọn")
    case.press("Gói 1 học bạ")
    case.press("Ký 1 gói")
    case.say_yes_on_the_phone()
    case.press("Tiếp tục")
    case.press("Nộp 1 gói")
    return case.page.url
