"""Every page of the practice computer at 320 px, and the ways through it without script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from sandbox.wire.signing import Instrument
from tests.browser import lint
from tests.browser.conftest import OpenPage
from tests.builders.computer import (
    ALL_STATES,
    KEEPER_STATES,
    TEACHER_STATES,
    a_keeper,
    a_teacher,
    arm,
    asked,
    page_in,
    pages_in_every_state,
    pin_of,
)
from tests.builders.phone import Room, make_items, make_room, serving
from tests.builders.tapping import press_named as press

pytestmark = pytest.mark.browser

LISTS = {"table", "table_plugged", "keeper_table"}
"""Pages on which one chooses from a list first: their button follows the list."""


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with serving(make_room(tmp_path_factory.mktemp("computer"))) as served:
        yield served


@pytest.fixture(scope="module")
def states(room: Room) -> dict[str, str]:
    """The address of one computer in each state, by the state's name."""
    return pages_in_every_state(room)


def bottom(page: Page, selector: str) -> float:
    """Return where the first element at *selector* ends, in px of the page."""
    box = page.locator(selector).first.bounding_box()
    assert box is not None, selector
    return box["y"] + box["height"]


def heading(page: Page) -> str:
    return " ".join(page.locator("h1").inner_text().split())


@pytest.mark.long
def test_the_main_action_is_visible_without_scrolling(
    room: Room, states: dict[str, str], open_page: OpenPage
) -> None:
    """Check 7, in every state but those with a list to choose from, at 320×480."""
    page, low = open_page(room.base, script="off"), {}
    for name in set(ALL_STATES) - LISTS:
        page.goto(room.base + states[name])
        low[name] = bottom(page, "main .chinh")

    assert {name: end for name, end in low.items() if end > 480} == {}


@pytest.mark.long
def test_every_computer_page_keeps_every_rule_for_pages(
    room: Room, states: dict[str, str], open_page: OpenPage
) -> None:
    """Axe, reflow, sizes, targets, order and budget find no fault in any state."""
    page, faults = open_page(room.base, script="aborted"), []
    for name in ALL_STATES:
        page.goto(room.base + states[name])
        faults += [f"{name}: {fault}" for fault in lint.check_page(page)]

    assert not faults, "\n".join(faults)


@pytest.mark.long
def test_the_english_computer_pages_keep_the_same_rules(
    room: Room, states: dict[str, str], open_page: OpenPage
) -> None:
    """The English page obeys the same layout rules."""
    page, faults = open_page(room.base, script="aborted"), []
    for name in ALL_STATES:
        mark = "&" if "?" in states[name] else "?"
        page.goto(f"{room.base}{states[name]}{mark}ngon_ngu=en")
        faults += [f"{name}: {fault}" for fault in lint.check_page(page)]

    assert not faults, "\n".join(faults)


@pytest.mark.long
def test_pictures_of_every_computer_page_are_kept(
    room: Room,
    states: dict[str, str],
    open_page: OpenPage,
    picture: Callable[[Page, str], Path],
) -> None:
    """320 px, 1280 px, grey, and with text of 200 %: to be looked at."""
    assert len(states) == len(TEACHER_STATES) + len(KEEPER_STATES)
    for width in (320, 1280):
        page = open_page(room.base, width=width)
        for name, path in states.items():
            page.goto(room.base + path)
            taken = picture(page, f"computer-{name}-{width}")
            assert taken.stat().st_size > 0
            if width == 320:
                page.add_style_tag(content="html{filter:grayscale(1)}")
                picture(page, f"computer-{name}-grey")
                page.add_style_tag(content="html{font-size:200%!important}")
                picture(page, f"computer-{name}-200")


@pytest.mark.parametrize("state", ["pin", "pin_hidden", "keeper_pin"])
def test_label_field_and_button_of_the_pin_are_together(
    room: Room, open_page: OpenPage, state: str
) -> None:
    """§4.2: contiguous, at most 232 px, above the fold; the keyboard leaves letters alone."""
    sit = a_keeper if state in KEEPER_STATES else a_teacher
    page = open_page(room.base + page_in(room, sit(room, f"block-{state}"), state))
    field, label = page.locator("#pin"), page.locator("label[for=pin]").bounding_box()
    assert label is not None

    assert bottom(page, "button.chinh") - label["y"] <= 232
    assert bottom(page, "button.chinh") <= 480
    for name, wanted in (
        ("autocapitalize", "off"),
        ("autocorrect", "off"),
        ("autocomplete", "off"),
        ("spellcheck", "false"),
        ("maxlength", "32"),
    ):
        assert field.get_attribute(name) == wanted


def test_a_class_of_thirty_is_signed_with_a_token_without_script(
    room: Room, open_page: OpenPage
) -> None:
    """Every fault of lesson 7 on the way: E5, E4, E8, E7, each repaired by its big button."""
    holder = a_teacher(room, "walk-u")
    for code, step in (("E5", "cam"), ("E4", "lay_chung_thu"), ("E8", "start"), ("E7", "pin")):
        arm(room, holder, code, khi=step)
    page = open_page(room.base + room.computer_path(holder), script="off")
    press(page, "Lấy chứng thư số")
    press(page, "Cắm USB")
    press(page, "Lấy chứng thư số")
    seen = [heading(page)]
    press(page, "Mở phần mềm ký")
    press(page, "Lấy chứng thư số")
    seen.append(heading(page))
    press(page, "Cắm lại USB")
    press(page, "Lấy chứng thư số")
    press(page, "Chọn chứng thư này")
    seen.append(heading(page))
    press(page, "Huỷ, đổi USB")
    page.get_by_label("USB Token số 2").check()
    press(page, "Cắm USB")
    press(page, "Lấy chứng thư số")
    press(page, "Chọn chứng thư này")
    read = room.get(f"nguoi-ky/{holder}/da-lay/U").json()
    request = room.ask(
        30,
        signer_id=holder,
        serial=read["serial"],
        instrument=Instrument.U,
        return_path="/ky-so",
    )
    page.goto(room.base + room.computer_path(holder))
    pin = pin_of(room, holder)
    page.locator("#pin").fill(pin)
    press(page, "Ký 30 học bạ")
    seen.append(heading(page))
    press(page, "Tắt gõ tiếng Việt")
    assert page.locator("#pin").input_value() == ""
    page.locator("#pin").fill(pin)
    press(page, "Ký 30 học bạ")

    assert seen == [
        "✖ Chưa mở phần mềm ký",
        "✖ Chưa thấy USB",
        "✖ Sai hoặc hết hạn thẻ",
        "✖ USB chưa ký được",
    ]
    assert heading(page) == "Ký xong bằng USB"
    press(page, "Rút USB, cất kỹ")
    assert page.url.endswith("/ky-so")
    assert room.state(request).signed == 30
    plan = room.get(f"nguoi-ky/{holder}/su-co").json()
    assert all(row["met"] and row["recovered"] for row in plan), plan


def test_the_seal_is_set_with_the_office_token_without_script(
    room: Room, open_page: OpenPage
) -> None:
    """E9: the personal token is in; it is changed for the school's, which seals thirty."""
    holder = a_keeper(room, "walk-g")
    arm(room, holder, "E9", khi="start")
    page = open_page(room.base + room.computer_path(holder) + "/lay-chung-thu", script="off")
    press(page, "Lấy chứng thư số")
    press(page, "Huỷ, đổi USB")
    page.get_by_label("Token Cơ Quan số 2").check()
    press(page, "Cắm USB")
    press(page, "Lấy chứng thư số")
    press(page, "Chọn chứng thư này")
    read = room.get(f"nguoi-ky/{holder}/da-lay/G").json()
    request = room.ask(
        make_items(30, slot="KY_PHAT_HANH"),
        signer_id=holder,
        serial=read["serial"],
        instrument=Instrument.G,
        return_path="/ky-so",
    )
    page.goto(room.base + room.computer_path(holder))
    page.locator("#pin").fill(pin_of(room, holder, Instrument.G))
    press(page, "Ký 30 học bạ")
    press(page, "Rút USB, cất kỹ")

    assert read["kind"] == "unit"
    assert room.state(request).signed == 30
    assert room.get(f"nguoi-ky/{holder}/su-co").json()[0]["recovered"]


@pytest.mark.parametrize("script", ["off", pytest.param("on", marks=pytest.mark.long)])
def test_back_after_each_step_breaks_nothing(room: Room, open_page: OpenPage, script: str) -> None:
    """Plug in, read, choose, sign: Back and the button once more; one signature, no error."""
    holder = a_teacher(room, f"back-{script}")
    page = open_page(room.base + room.computer_path(holder) + "/lay-chung-thu", script=script)
    for name in ("Cắm USB", "Lấy chứng thư số", "Chọn chứng thư này"):
        before = page.url
        press(page, name)
        page.goto(before) if page.url == before else page.go_back()
        assert heading(page)
        page.goto(room.base + room.computer_path(holder) + "/chung-thu")
        if name == "Cắm USB":
            page.goto(room.base + room.computer_path(holder) + "/lay-chung-thu")
    request = asked(room, holder, count=2)
    page.goto(f"{room.base}{room.computer_path(holder)}/yeu-cau/{request}")
    page.locator("#pin").fill(pin_of(room, holder))
    press(page, "Ký 2 học bạ")
    page.go_back()
    if page.locator("#pin").count():
        page.locator("#pin").fill(pin_of(room, holder))
        press(page, "Ký 2 học bạ")

    assert heading(page) in ("USB đã ký rồi", "Ký xong bằng USB")
    lines = room.get(f"so-cai?signer={holder}").json()["lines"]
    assert [line["event"] for line in lines].count("approved") == 1


def test_two_taps_within_300_ms_sign_once(room: Room, open_page: OpenPage) -> None:
    """Check 16, on the PIN dialog, with the site's script away."""
    holder = a_teacher(room, "taps-u")
    request = asked(room, holder, count=2)
    page = open_page(f"{room.base}{room.computer_path(holder)}/yeu-cau/{request}", script="aborted")
    page.locator("#pin").fill(pin_of(room, holder))
    page.evaluate(
        "() => { const b = document.querySelector('main button.chinh'); b.click(); b.click(); }"
    )
    page.wait_for_url("**/xong*")

    assert heading(page) == "Ký xong bằng USB"
    lines = room.get(f"so-cai?signer={holder}").json()["lines"]
    assert [line["event"] for line in lines].count("approved") == 1
