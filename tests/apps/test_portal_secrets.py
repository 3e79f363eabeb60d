"""A PIN, password or one-time code that was typed is nowhere afterwards, whatever one signs with.

Left out, with the reason: the table `portal_staff` and the pages that say "mã PIN tập", which
print the practice card as paper would (its PIN only; everything else is looked for there too), and
the phone's own pages on which a one-time code arrives, as a real phone shows it.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable
from pathlib import Path

from sandbox.domain.lifecycle import RecordState, Role
from sandbox.domain.report_card import Slot
from sandbox.portal.context import Actor
from sandbox.signing.instruments import SIM_DEFAULT_PIN
from sandbox.wire.signing import Instrument
from tests.builders.phone import Sheet
from tests.builders.portal import Browser, House, house

WRONG_PIN, WRONG_TOKEN_PIN = "135791", "Sairoi24"
CARD = "mã PIN tập"
"""Stands on the pages that print a practice card, as paper would."""
CARDS = "portal_staff"
"""The table that holds what is printed on the cards of the phone."""
ARRIVES = re.compile(r"/ky-so/dien-thoai/[^/]+/(tin-nhan|ma-mot-lan)")
"""The phone's pages on which one-time codes arrive."""


class Watched(Browser):
    """A browser that keeps every page it was shown."""

    pages: list[Sheet]

    def _seen(self, answer):  # type: ignore[no-untyped-def]
        sheet = super()._seen(answer)
        self.__dict__.setdefault("pages", []).append(sheet)
        return sheet


class Signing:
    """One class after the other, signed through the pages with one instrument each."""

    def __init__(self, home: House) -> None:
        self.home, self.pages, self.typed = home, list[Sheet](), set[str]()
        self.on_cards, self.codes = {WRONG_PIN}, set[str]()

    def pin(self, actor: Actor, instrument: Instrument) -> str:
        """Return what the actor types; remembered, to be looked for afterwards."""
        who = actor.identity.person_id
        if instrument.in_app:
            typed = str(self.home.portal.schools.card_pin(self.home.space, who))
            self.on_cards.add(typed)
            return typed
        instruments = self.home.world.signing.instruments
        typed = instruments.training_pin(self.home.space, who, instrument)
        self.typed.add(typed)
        return typed

    def begin(
        self, actor: Actor, instrument: Instrument, record: str, task: str, button: str
    ) -> tuple[Watched, str]:
        """Choose the instrument, review and send; return the browser at its waiting page."""
        self.home.portal.means.choose(self.home.space, actor, instrument)
        browser = Watched(self.home.base)
        who = actor.identity
        browser.open(f"/cong/vai/{who.unit_code}/{who.role.value}")
        browser.send("Đúng là tôi", nguoi=who.person_id)
        page = browser.open(f"/cong/ky/{task}/xem-lai?em={record}")
        if instrument.token:
            label = next(words for words in page.links() if words.startswith("Lấy "))
            browser.follow(label)
            if task == "phat-hanh":  # two tokens on the table, two tasks
                browser.follow("Chọn USB để cắm")
                browser.send("Cắm USB", usb="truong")
            else:
                browser.send("Cắm USB")
            browser.send("Lấy chứng thư số")
            browser.send("Chọn chứng thư này")
            if task == "phat-hanh":
                browser.send("Đúng tên trường")
        return browser, browser.send(button).url

    def end(self, browser: Watched, waiting: str) -> None:
        for _ in range(5):  # a busy machine may not answer in time: looked at again
            if browser.open(waiting).heading == "Đã ký xong 1 học bạ":
                break
        browser.open("/cong/nhat-ky-cua-toi")
        self.pages += browser.pages


def by_app(signing: Signing, browser: Watched, actor: Actor, instrument: Instrument) -> None:
    """A wrong PIN, then the right one."""
    browser.follow("Mở điện thoại tập")
    browser.follow("Xem yêu cầu")
    browser.follow("Ký số")
    browser.send("Xác nhận ký 1 học bạ", pin=WRONG_PIN)
    browser.follow("Nhập lại")
    browser.send("Xác nhận ký 1 học bạ", pin=signing.pin(actor, instrument))


def read_code(signing: Signing, browser: Watched, link: str) -> str:
    """Read a one-time code on the page behind *link*, and come back to where it is typed."""
    browser.follow(link)
    assert browser.sheet is not None
    code = browser.sheet.tree.xpath("//p[contains(@class, 'so-to')]")[0].text_content().strip()
    signing.codes.add(str(code))
    browser.follow("Quay lại nhập mã")
    return str(code)


def by_code(signing: Signing, browser: Watched, actor: Actor, instrument: Instrument) -> None:
    """The practice password, then the code of a message."""
    _at_code(signing, browser, actor, instrument)
    browser.send("Gửi mã qua tin nhắn")
    code = read_code(signing, browser, "Mở tin nhắn")
    browser.send("Xác nhận ký 1 học bạ", otp=code)


def by_time(signing: Signing, browser: Watched, actor: Actor, instrument: Instrument) -> None:
    """The practice password, then the code that goes by the time."""
    _at_code(signing, browser, actor, instrument)
    code = read_code(signing, browser, "Xem mã trên điện thoại")
    browser.send("Xác nhận ký 1 học bạ", otp=code)


def _at_code(signing: Signing, browser: Watched, actor: Actor, instrument: Instrument) -> None:
    browser.follow("Mở trang nhập mã")
    browser.follow("Xem yêu cầu")
    browser.follow("Tiếp tục, nhập mật khẩu")
    browser.send("Tiếp tục", mat_khau=signing.pin(actor, instrument))


def register_b(signing: Signing, browser: Watched, actor: Actor) -> None:
    """Register the phone with Ký Xa B by the code of a message and a finger."""
    phone = signing.home.run(
        signing.home.portal.signings.phone(signing.home.space, actor.identity.person_id)
    )
    assert phone is not None
    browser.open(f"{phone.path}?ung_dung=B")
    browser.send("Đăng ký thiết bị")
    code = read_code(signing, browser, "Mở tin nhắn")
    browser.send("Tiếp tục", otp=code)
    browser.send("Chạm vân tay")


def by_finger(signing: Signing, browser: Watched, actor: Actor, instrument: Instrument) -> None:
    """Nothing is typed but what registered the phone."""
    browser.follow("Mở điện thoại tập")
    browser.follow("Xem yêu cầu")
    browser.follow("Đồng ý ký")
    browser.send("Chạm vân tay")


def by_sim(signing: Signing, browser: Watched, actor: Actor, instrument: Instrument) -> None:
    """The SIM's first PIN is changed, a wrong one typed, then the right one."""
    pin = signing.pin(actor, instrument)
    page = browser.follow("Mở điện thoại tập")
    menu = page.url.split("?")[0]
    browser.open(f"{menu}/doi-pin")
    browser.send("OK", pin_old=SIM_DEFAULT_PIN, pin_new=pin, pin_again=pin)
    page = browser.open(f"{menu}/giao-dich")
    request = page.tree.xpath("//main//ul[contains(@class, 'hang')]//a/@href")[0]
    browser.open(request)
    browser.follow("OK")
    browser.send("OK", pin=WRONG_PIN)
    browser.open(request)
    browser.follow("OK")
    browser.send("OK", pin=pin)


def by_token(signing: Signing, browser: Watched, actor: Actor, instrument: Instrument) -> None:
    """A wrong PIN of letters and digits, then the right one."""
    browser.follow("Nhập mã PIN của USB")
    assert browser.sheet is not None
    forms = browser.sheet.tree.xpath("//main//form[.//input[@name='pin']]")
    button = " ".join(forms[0].xpath(".//button")[0].text_content().split())
    browser.send(button, pin=WRONG_TOKEN_PIN)
    browser.follow("Nhập lại")
    browser.send(button, pin=signing.pin(actor, instrument))


WAYS: tuple[tuple[Instrument, Callable[[Signing, Watched, Actor, Instrument], None]], ...] = (
    (Instrument.A, by_app),
    (Instrument.A_OTP, by_code),
    (Instrument.S, by_sim),
    (Instrument.U, by_token),
    (Instrument.B, by_finger),
    (Instrument.A_OTP, by_time),
)
"""What each teacher signs with; the head and the clerk use what the State issued."""


def life(signing: Signing) -> None:
    """From the first signature to the accepted package, with every PIN one can type."""
    home = signing.home
    made = []
    places = [(number, group.name) for number in (1, 2) for group in home.school(number).classes]
    for (instrument, way), (number, name) in zip(WAYS, places, strict=False):
        teacher = home.actor(Role.GVCN, number=number, class_name=name)
        (record,) = home.checked(name, [1], number=number)
        if instrument is Instrument.B:
            watched = Watched(home.base)
            register_b(signing, watched, teacher)
            signing.pages += watched.pages
        browser, waiting = signing.begin(teacher, instrument, record, "gvcn", "Ký 1 học bạ")
        way(signing, browser, teacher, instrument)
        signing.end(browser, waiting)
        made.append(record)
    head, clerk = home.actor(Role.CBQL), home.actor(Role.VAN_THU)
    first = made[0]
    browser, waiting = signing.begin(head, Instrument.GR, first, "duyet", "Ký duyệt 1 học bạ")
    by_app(signing, browser, head, Instrument.GR)
    signing.end(browser, waiting)
    browser, waiting = signing.begin(clerk, Instrument.G, first, "phat-hanh", "Đóng dấu 1 học bạ")
    by_token(signing, browser, clerk, Instrument.G)
    signing.end(browser, waiting)
    home.portal.means.choose(home.space, clerk, Instrument.A)
    signing.pin(clerk, Instrument.A)
    home.answered(home.sent([first]))
    state = {one.id: one.trang_thai for one in _records(home, made)}
    assert state.pop(first) == RecordState.CIRCULATING.value
    assert set(state.values()) == {RecordState.SIGNED_GVCN.value}


def _records(home: House, made: list[str]):  # type: ignore[no-untyped-def]
    found = [home.portal.lessons.record(home.space, one) for one in made]
    return [one for one in found if one is not None]


def test_a_typed_pin_is_nowhere_after_a_whole_life(tmp_path: Path) -> None:
    """Neither database, files, log lines nor pages hold a PIN, but the pages that print a card."""
    heard = io.StringIO()
    listener = logging.StreamHandler(heard)
    logging.getLogger().addHandler(listener)
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        with house(tmp_path) as home:
            signing = Signing(home)
            life(signing)
            tables = _tables(home)
            board = _boards(home)
            running = _files(tmp_path)
    finally:
        logging.getLogger().removeHandler(listener)
        logging.getLogger().setLevel(logging.WARNING)
    secrets = signing.typed | signing.on_cards | {WRONG_TOKEN_PIN}
    assert len(secrets) >= 9
    assert len(signing.codes) == 3
    assert len(signing.pages) > 60
    assert any(name.endswith("-wal") for name in running)
    files = running | {f"{name} afterwards": held for name, held in _files(tmp_path).items()}

    for secret in secrets:
        alone = re.compile(rf"(?<![0-9A-Za-z]){re.escape(secret)}(?![0-9A-Za-z])")
        assert [p.url for p in signing.pages if alone.search(p.text) and CARD not in p.text] == []
        assert not alone.search(heard.getvalue())
        assert [name for name, text in tables.items() if alone.search(text)] == []
        if secret in signing.typed or secret == WRONG_TOKEN_PIN:
            raw = re.compile(alone.pattern.encode())
            assert [name for name, held in files.items() if raw.search(held)] == []
        assert not alone.search(board)
    for code in signing.codes:
        alone = re.compile(rf"(?<![0-9A-Za-z.]){code}(?![0-9A-Za-z])")  # no part of a second
        shown = [p for p in signing.pages if alone.search(p.text)]
        assert [p.url for p in shown if not ARRIVES.search(p.url)] == []
        assert not alone.search(heard.getvalue() + board)
        assert [name for name, text in tables.items() if alone.search(text)] == []
        raw = re.compile(alone.pattern.encode())
        assert [name for name, held in files.items() if raw.search(held)] == []


def _boards(home: House) -> str:
    """Return the board of progress and the logs that a head and an officer are shown."""
    watched = home.browser(home.actor(Role.CBQL))
    journal = watched.open("/cong/nhat-ky").text
    front = watched.open("/")
    board = watched.open(front.tree.xpath("//main//a[contains(., 'Bảng tiến độ')]/@href")[0])
    officer = home.browser(home.actor(Role.SO)).open("/cong/nhat-ky")
    ledger = home.call("/ky-so/v1/so-cai")
    assert board.status == officer.status == ledger.status_code == 200
    assert "approved" in ledger.text
    return journal + board.text + officer.text + ledger.text


def _files(folder: Path) -> dict[str, bytes]:
    """Return every file below *folder*, the database's journal among them."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _tables(home: House) -> dict[str, str]:
    """Return every table as text, but the cards."""
    with home.world.database.engine.connect() as connection:
        names = connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).scalars()
        return {
            name: "\n".join(map(repr, connection.exec_driver_sql(f"SELECT * FROM {name}")))
            for name in names.all()
            if name != CARDS
        }


def test_two_presses_and_a_form_sent_again_sign_once(tmp_path: Path) -> None:
    """Two presses within a tap, and the form sent again: one request, one signature."""
    with house(tmp_path) as home:
        name = home.school().classes[0].name
        teacher = home.actor(Role.GVCN, class_name=name)
        made = home.checked(name, [1])
        browser = home.browser(teacher)
        browser.open(f"/cong/ky/gvcn/xem-lai?em={made[0]}")
        action, fields = browser.form("Ký 1 học bạ")
        first = browser.post(action, fields)
        second = browser.post(action, fields)
        home.confirm(teacher.identity)
        browser.post(action, fields)

        assert first.url == second.url
        home.run(home.portal.signings.look_at_live(home.space))
        found = home.portal.lessons.record(home.space, made[0])
        assert found is not None
        assert [one.vai for one in found.ky] == [Slot.GVCN.value]
