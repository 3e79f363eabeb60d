"""Instruments and faults in the portal: caps, batches row by row, who may arm what, the logs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from sandbox.domain.lifecycle import RecordState, Role
from sandbox.domain.report_card import Slot
from sandbox.portal.context import Actor
from sandbox.wire.signing import Fault, FaultState, Instrument
from tests.builders.portal import ADMIN, WORDS, Browser, House, house


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("drills")) as served:
        yield served


def teacher_of(home: House, number: int) -> tuple[Actor, str]:
    name = home.school().classes[number].name
    return home.actor(Role.GVCN, class_name=name), name


def arm(home: House, actor: Actor, *faults: Fault) -> None:
    home.run(home.portal.drills.arm(home.space, actor.identity.person_id, list(faults)))


def plan_of(home: House, actor: Actor) -> list[FaultState]:
    return home.run(home.portal.drills.plan(home.space, actor.identity.person_id))


def _a_minute_later(home: House) -> None:
    now = home.space.now(home.world.clock)
    home.world.spaces.move_clock(home.space.id, now + timedelta(minutes=1))


def review(browser: Browser, name: str, records: list[str]) -> None:
    """Tick records of a class and go to the review."""
    browser.open(f"/cong/ky/gvcn/chon?lop={name}")
    browser.send("Xem lại các em đã chọn", em=records)


def test_a_batch_is_capped_and_the_rest_is_offered_next(home: House) -> None:
    """A SIM takes one record a request: told with the real sentence, the others come next."""
    teacher, name = teacher_of(home, 0)
    made = home.checked(name, range(1, 4))
    home.portal.means.choose(home.space, teacher, Instrument.S)
    browser = home.browser(teacher)
    review(browser, name, made)
    assert browser.sheet is not None
    assert "Lô ký vượt giới hạn 1 chữ ký" in browser.sheet.words
    assert "Còn 2 em ký lần sau" in browser.sheet.words

    page = browser.send("Ký 1 học bạ")

    assert page.heading == "Bây giờ cầm máy có SIM"
    assert page.link("Mở điện thoại tập").split("?")[0].endswith("/sim")
    assert [home.lines(name)[one].request_id is not None for one in made] == [True, False, False]
    page = browser.open(f"/cong/ky/gvcn/xem-lai?lop={name}")
    assert "Còn 1 em ký lần sau" in page.words
    home.run(home.portal.signings.withdraw(home.space, teacher, str(_live(home, name, made[0]))))
    home.portal.means.choose(home.space, teacher, Instrument.A)


def _live(home: House, name: str, record: str) -> str | None:
    return home.lines(name)[record].request_id


def test_only_the_rows_that_failed_are_signed_again(home: House) -> None:
    """2 of 4 fail: named row by row, [Ký 2 học bạ] asks for exactly those, nothing twice."""
    teacher, name = teacher_of(home, 1)
    made = home.checked(name, range(1, 5))
    arm(home, teacher, Fault(ma="E1"))
    browser = home.browser(teacher)
    review(browser, name, made)
    waiting = browser.send("Ký 4 học bạ").url
    home.confirm(teacher.identity)

    page = browser.open(waiting)
    assert page.heading == "2 trên 4 em đã ký"
    assert page.words.count("máy bận, chưa nhận được chữ ký") == 2
    browser.send("Ký 2 học bạ")
    again = browser.send("Ký 2 học bạ").url
    home.confirm(teacher.identity)
    assert browser.open(again).heading == "Đủ 2 em đã ký"

    records = home.portal.lessons.records(home.space, home.school().code, name)
    assert [len(one.ky) for one in records] == [1, 1, 1, 1]
    assert len({one.ky[0].yeu_cau for one in records}) == 2
    assert any(row.ma == "E1" and row.met for row in plan_of(home, teacher))


def test_a_whole_class_chosen_again_signs_only_the_rest(home: House) -> None:
    """Those signed are counted and left alone; the button signs the others."""
    teacher, name = teacher_of(home, 2)
    made = home.checked(name, range(1, 4))
    home.sign(Slot.GVCN, teacher, made[:2])
    browser = home.browser(teacher)
    review(browser, name, made)
    assert browser.sheet is not None
    assert "2 em đã ký rồi. Chỉ ký 1 em còn lại." in browser.sheet.words

    page = browser.send("Ký 1 học bạ")

    assert page.heading == "Xem lại trước khi ký"


def test_a_late_yes_is_dropped_where_the_class_says_so(home: House) -> None:
    """The phone says done, the list says unsigned, and it is signed once more: one signature."""
    teacher, name = teacher_of(home, 3)
    made = home.checked(name, [1])
    home.world.spaces.set_switches("tap", signing_late="bo")
    arm(home, teacher, Fault(ma="E2", doi_tuong="ngay"))
    try:
        request = home.ask(Slot.GVCN, teacher, made)
        assert home.run(home.portal.signings.look(home.space, request)).request.pc_gone
        assert home.confirm(teacher.identity).heading == "Điện thoại đã ký xong"
        view = home.run(home.portal.signings.look(home.space, request))
    finally:
        home.world.spaces.set_switches("tap", signing_late="nhan")

    assert [item.error for item in view.items] == ["LATE"]
    assert home.lines(name)[made[0]].state is RecordState.CHECKED
    _a_minute_later(home)  # in the same second the same bytes would bring the same signature back
    home.sign(Slot.GVCN, teacher, made)
    found = home.portal.lessons.record(home.space, made[0])
    assert found is not None
    assert len(found.ky) == 1


def test_a_late_yes_never_makes_a_second_signature(home: House) -> None:
    """A record that changed after the computer stopped waiting is left as it is."""
    teacher, name = teacher_of(home, 3)
    made = home.checked(name, [2])
    arm(home, teacher, Fault(ma="E2", doi_tuong="ngay"))
    request = home.ask(Slot.GVCN, teacher, made)
    home.run(home.portal.signings.look(home.space, request))
    home.portal.records.report_wrong(home.space, teacher, made[0], ["nhan_xet"])
    home.confirm(teacher.identity)

    view = home.run(home.portal.signings.look(home.space, request))

    assert [item.error for item in view.items] == ["MOVED"]
    found = home.portal.lessons.record(home.space, made[0])
    assert found is not None
    assert found.ky == []


def test_a_seal_with_the_wrong_certificate_is_refused_by_the_desk(home: House) -> None:
    """E9 answered "Đúng tên trường": sealed wrongly, as in life, and returned with its reason."""
    teacher, name = teacher_of(home, 4)
    made = home.checked(name, [1])
    clerk = home.actor(Role.VAN_THU)
    home.sign(Slot.GVCN, teacher, made)
    home.sign(Slot.CBQL, home.actor(Role.CBQL), made)
    home.portal.means.choose(home.space, clerk, Instrument.G)
    computer = home.world.signing.tokens
    device, _code = home.world.signing.phones.phone(home.space, clerk.identity.person_id)
    tokens = computer.look(home.space, device).tokens
    computer.plug(home.space, clerk.identity.person_id, "rieng")
    assert tokens
    browser = home.browser(clerk)
    _read_and_choose(home, browser, made[0])
    assert browser.sheet is not None
    assert browser.sheet.heading.endswith("Có đúng USB của trường?")
    browser.send("Đúng tên trường")
    waiting = browser.send("Đóng dấu 1 học bạ").url
    page = browser.follow("Nhập mã PIN của USB")
    pin = home.world.signing.instruments.training_pin(
        home.space, clerk.identity.person_id, Instrument.U
    )
    page = browser.send("Ký 1 học bạ", pin=pin)
    assert browser.open(waiting).heading == "Đã ký xong 1 học bạ", page.words

    home.portal.means.choose(home.space, clerk, Instrument.A)
    package = home.sent(made)
    home.answered(package)

    found = home.portal.lessons.record(home.space, made[0])
    assert found is not None
    assert [s.loai for s in found.ky if s.vai == "KY_PHAT_HANH"] == ["ca_nhan"]
    assert home.lines(name)[made[0]].state is RecordState.REJECTED
    assert str(found.ma_loi).startswith("SBX-3")


def _read_and_choose(home: House, browser: Browser, record: str) -> None:
    browser.open(f"/cong/ky/phat-hanh/xem-lai?em={record}")
    browser.follow("Lấy CTS Phát hành")
    browser.send("Lấy chứng thư số")
    browser.send("Chọn chứng thư này")


def test_whoever_installs_the_app_again_activates_it_again(home: House) -> None:
    """`cai_lai`: the request is not taken, E14a leads to the phone."""
    teacher, name = teacher_of(home, 0)
    made = home.checked(name, [9])
    arm(home, teacher, Fault(ma="cai_lai"))
    browser = home.browser(teacher)
    browser.open(f"/cong/ky/gvcn/xem-lai?em={made[0]}")

    page = browser.send("Ký 1 học bạ")

    assert "Mã: E14a" in page.words
    assert "/ky-so/dien-thoai/" in page.link("Kích hoạt trên điện thoại tập")


def test_a_trainer_arms_one_learner_or_everybody_once(home: House) -> None:
    """By the admin token only; for a whole class only what is for a whole class."""
    teacher, name = teacher_of(home, 2)
    made = home.checked(name, [11])
    path, one = "/cong/quan-tri/v1/su-co", {"nguoi": teacher.identity.person_id}

    assert home.call(path, {**one, "su_co": [{"ma": "E13c"}]}).status_code == 401
    assert home.call(path, {**one, "su_co": [{"ma": "E99"}]}, token=ADMIN).status_code == 422
    assert home.call(path, {"su_co": [{"ma": "E9"}]}, token=ADMIN).status_code == 422
    assert home.call(path, {"su_co": [{"ma": "E2"}]}, token=ADMIN).json() == []
    home.run(home.portal.signings.preview(home.space, teacher, Slot.GVCN, made))
    home.run(home.portal.signings.preview(home.space, teacher, Slot.GVCN, made))
    rows = home.call(path, {**one, "su_co": [{"ma": "E15"}]}, token=ADMIN).json()
    home.world.spaces.set_switches("tap", su_co=[])

    assert [(row["ma"], row["boi"], row["so_lan"]) for row in rows] == [
        ("E2", "trainer", 1),
        ("E15", "trainer", 2),
    ]


def test_the_logs_show_to_each_what_is_theirs_and_never_a_digit(home: House) -> None:
    """A teacher own lines, a head the school's, the officer all; a wrong PIN by its count only."""
    teacher, name = teacher_of(home, 1)
    made = home.checked(name, [21])
    request = home.run(
        home.portal.signings.sign_records(home.space, teacher, Slot.GVCN, made, **WORDS)
    )
    home.confirm(teacher.identity, pin="135792")
    home.run(home.portal.signings.withdraw(home.space, teacher, request))
    other = home.actor(Role.GVCN, number=2, class_name=home.school(2).classes[0].name)

    mine = home.browser(teacher).open("/cong/nhat-ky-cua-toi")
    head = home.browser(home.actor(Role.CBQL))
    whole = head.open(f"/cong/nhat-ky?viec=wrong_pin&nguoi={teacher.identity.person_id}")
    nobody = head.open("/cong/nhat-ky?viec=wrong_pin&ngay=01/01/2020")
    officer = home.browser(home.actor(Role.SO)).open("/cong/nhat-ky")

    assert "Sai mã PIN" in mine.words
    assert "còn 2 lần nhập" in whole.words
    assert "Nhật ký còn nguyên" in whole.words
    assert "Chưa có dòng nào như thế" in nobody.words
    assert other.identity.name in officer.words
    assert other.identity.name not in whole.words
    assert all("135792" not in page.text for page in (mine, whole, officer))
    assert home.browser(teacher).open("/cong/nhat-ky").status == 403
