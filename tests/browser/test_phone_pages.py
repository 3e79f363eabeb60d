"""Every page of the practice phone, on a 320 px screen (learner-experience §2, §4.2, §13)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from sandbox.clock import FixedClock
from sandbox.signing import CredentialSeed, HolderSeed
from tests.browser import lint
from tests.browser.conftest import OpenPage
from tests.builders.phone import PIN, WRONG, Room, make_items, make_room, serving
from tests.builders.tapping import press_named as press

pytestmark = pytest.mark.browser

LONG_NAME = "Công Tằng Tôn Nữ Thị Diễm Quỳnh Hương, lớp 3A"
States = dict[str, str]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with serving(make_room(tmp_path_factory.mktemp("phone"))) as served:
        yield served


@pytest.fixture(scope="module")
def states(room: Room) -> States:
    """The address of one phone in each state, by the state's name."""
    found = {"pair": "/dt", "room": "/ky-so", "ledger": "/ky-so/so-cai"}
    for name, prepare in PREPARATIONS.items():
        holder = f"phone-{name}"
        seed = HolderSeed(
            holder_id=holder,
            name="Công Tằng Tôn Nữ Thị Diễm Quỳnh",
            pin=PIN,
            credentials=(
                CredentialSeed(
                    kind="person",
                    subject_id="948185000066",
                    subject_name="Công Tằng Tôn Nữ Thị Diễm Quỳnh",
                ),
            ),
        )
        room.service.open_space(room.space, [seed])
        found[name] = room.phone_path(holder) + prepare(room, holder)
    return found


def _batch(room: Room, holder: str, *, count: int = 30, stranger: bool = False) -> str:
    items = make_items(count)
    items[0] = items[0].model_copy(update={"label": LONG_NAME})
    return room.ask(items, signer_id=holder, stranger=stranger, return_path="/ky-so").id


def _type(room: Room, holder: str, request: str, *pins: str) -> None:
    device, _ = room.service.phones.phone(room.space, holder)
    for pin in pins:
        room.service.confirming.confirm(room.space, device, request, typed=pin)


def _empty(_room: Room, _holder: str) -> str:
    return ""


def _one(room: Room, holder: str) -> str:
    _batch(room, holder)
    return ""


def _two(room: Room, holder: str) -> str:
    _batch(room, holder)
    _batch(room, holder, count=1, stranger=True)
    return ""


def _request(room: Room, holder: str) -> str:
    return f"/yeu-cau/{_batch(room, holder)}"


def _stranger(room: Room, holder: str) -> str:
    return f"/yeu-cau/{_batch(room, holder, count=1, stranger=True)}"


def _pin(room: Room, holder: str) -> str:
    return f"/yeu-cau/{_batch(room, holder)}/ma-pin"


def _hidden(room: Room, holder: str) -> str:
    return _pin(room, holder) + "?an=1"


def _wrong(room: Room, holder: str) -> str:
    request = _batch(room, holder)
    _type(room, holder, request, WRONG)
    return f"/yeu-cau/{request}/sai-ma"


def _twice_wrong(room: Room, holder: str) -> str:
    request = _batch(room, holder)
    _type(room, holder, request, WRONG, WRONG)
    return f"/yeu-cau/{request}/sai-ma"


def _card(room: Room, holder: str) -> str:
    return f"/yeu-cau/{_batch(room, holder)}/xem-the"


def _locked(room: Room, holder: str) -> str:
    _type(room, holder, _batch(room, holder), WRONG, WRONG, WRONG)
    return "/khoa"


def _unlock(room: Room, holder: str) -> str:
    _locked(room, holder)
    return "/mo-khoa"


def _done(room: Room, holder: str) -> str:
    request = _batch(room, holder)
    _type(room, holder, request, PIN)
    return f"/yeu-cau/{request}/xong"


def _again(room: Room, holder: str) -> str:
    return _done(room, holder).removesuffix("/xong")


def _refused(room: Room, holder: str) -> str:
    request = _batch(room, holder)
    device, _ = room.service.phones.phone(room.space, holder)
    room.service.confirming.refuse(room.space, device, request)
    return f"/yeu-cau/{request}"


def _cancelled(room: Room, holder: str) -> str:
    request = _batch(room, holder)
    room.post(f"giao-dich/{request}/huy")
    return f"/yeu-cau/{request}"


def _expired(room: Room, holder: str) -> str:
    request = _batch(room, holder)
    clock = room.clock
    assert isinstance(clock, FixedClock)
    clock.advance(301)
    room.state(request)
    clock.advance(-301)
    return f"/yeu-cau/{request}"


def _foreign(room: Room, _holder: str) -> str:
    return "/yeu-cau/khong-co"


PREPARATIONS: dict[str, Callable[[Room, str], str]] = {
    "empty": _empty,
    "one": _one,
    "two": _two,
    "request": _request,
    "stranger": _stranger,
    "pin": _pin,
    "hidden": _hidden,
    "wrong": _wrong,
    "twice_wrong": _twice_wrong,
    "card": _card,
    "locked": _locked,
    "unlock": _unlock,
    "done": _done,
    "again": _again,
    "refused": _refused,
    "cancelled": _cancelled,
    "expired": _expired,
    "foreign": _foreign,
}
ALL = ("pair", "room", "ledger", *PREPARATIONS)


def _box(page: Page, selector: str) -> tuple[float, float]:
    """Return top and bottom of the first element at *selector*, in px of the page."""
    box = page.locator(selector).first.bounding_box()
    assert box is not None, selector
    return box["y"], box["y"] + box["height"]


@pytest.mark.parametrize("state", ALL)
def test_a_phone_page_keeps_every_rule_for_pages(
    room: Room, states: States, open_page: OpenPage, state: str
) -> None:
    """Axe, reflow, sizes, targets, order and budget find no fault, without the site's script."""
    lint.assert_clean(open_page(room.base + states[state], script="aborted"))


@pytest.mark.parametrize("state", ALL)
def test_the_english_phone_page_keeps_the_same_rules(
    room: Room, states: States, open_page: OpenPage, state: str
) -> None:
    """The English page obeys the same layout rules."""
    mark = "&" if "?" in states[state] else "?"
    lint.assert_clean(open_page(f"{room.base}{states[state]}{mark}ngon_ngu=en"))


@pytest.mark.parametrize("state", ["pin", "hidden"])
def test_label_field_and_button_of_the_pin_are_together(
    room: Room, states: States, open_page: OpenPage, state: str
) -> None:
    """§4.2: contiguous, at most 232 px, all above the fold of 480 px."""
    page = open_page(room.base + states[state])
    top, label_end = _box(page, "label[for=pin]")
    field, field_end = _box(page, "#pin")
    button, bottom = _box(page, "button.chinh")

    assert top < label_end <= field < field_end <= button < bottom
    assert bottom - top <= 232
    assert bottom <= 480


@pytest.mark.parametrize(
    "state",
    [
        "one",
        "request",
        "wrong",
        "twice_wrong",
        "locked",
        "card",
        "unlock",
        "done",
        "refused",
        "expired",
    ],
)
def test_the_main_action_is_visible_without_scrolling(
    room: Room, states: States, open_page: OpenPage, state: str
) -> None:
    """Check 7, at 320×480."""
    _, bottom = _box(open_page(room.base + states[state]), "main .chinh")

    assert bottom <= 480


@pytest.mark.parametrize("state", ["request", "stranger"])
def test_signing_and_refusing_stand_apart(
    room: Room, states: States, open_page: OpenPage, state: str
) -> None:
    """D2: [Ký số] and [Từ chối] are at least 24 px apart."""
    page = open_page(room.base + states[state])
    boxes = [
        page.get_by_role("link", name="Ký số", exact=True).bounding_box(),
        page.get_by_role("button", name="Từ chối").bounding_box(),
    ]
    assert boxes[0] is not None
    assert boxes[1] is not None
    upper, lower = sorted(boxes, key=lambda box: box["y"])  # type: ignore[index]

    assert lower["y"] - (upper["y"] + upper["height"]) >= 24


@pytest.mark.parametrize("state", ["request", "pin", "locked", "pair"])
def test_every_stop_of_the_tab_key_shows_its_ring(
    room: Room, states: States, open_page: OpenPage, state: str
) -> None:
    """The keyboard alone reaches every control, and one sees where one is."""
    assert lint.focus_rings(open_page(room.base + states[state])) == []


@pytest.mark.parametrize("script", ["on", "off", "aborted"])
def test_a_batch_is_signed_with_and_without_script(
    room: Room, open_page: OpenPage, script: str, picture: Callable[[Page, str], Path]
) -> None:
    """List, request, PIN wrong once, PIN right, done, back to the PC: the same in every mode."""
    holder = f"walk-{script}"
    seed = HolderSeed(
        holder_id=holder,
        name="Phạm Thị Lan",
        pin=PIN,
        credentials=(
            CredentialSeed(kind="person", subject_id="948185000021", subject_name="Phạm Thị Lan"),
        ),
    )
    room.service.open_space(room.space, [seed])
    asked = room.ask(30, signer_id=holder, return_path="/ky-so")
    page = open_page(room.base + room.phone_path(holder), script=script)
    heading = page.get_by_role("heading", level=1)

    picture(page, f"phone-{script}-1-list")
    press(page, "Xem yêu cầu")
    picture(page, f"phone-{script}-2-request")
    press(page, "Ký số")
    page.get_by_label("Mã PIN trên thẻ (6 số)").fill(WRONG)
    picture(page, f"phone-{script}-3-pin")
    press(page, "Xác nhận ký 30 học bạ")
    picture(page, f"phone-{script}-4-wrong")
    press(page, "Nhập lại")
    assert page.get_by_label("Mã PIN trên thẻ (6 số)").input_value() == ""
    page.get_by_label("Mã PIN trên thẻ (6 số)").fill("246 810")
    press(page, "Xác nhận ký 30 học bạ")
    assert heading.inner_text() == "Điện thoại đã ký xong"
    picture(page, f"phone-{script}-5-done")
    press(page, "Về máy tính")

    assert page.url.endswith("/ky-so")
    assert room.state(asked).signed == 30


@pytest.mark.parametrize("script", ["on", "off"])
def test_back_after_signing_breaks_nothing(room: Room, open_page: OpenPage, script: str) -> None:
    """Check 15: Back to the PIN page, the button once more: still signed once, "đã ký rồi"."""
    holder = f"back-{script}"
    seed = HolderSeed(
        holder_id=holder,
        name="Phạm Thị Lan",
        pin=PIN,
        credentials=(
            CredentialSeed(kind="person", subject_id="948185000021", subject_name="Phạm Thị Lan"),
        ),
    )
    room.service.open_space(room.space, [seed])
    asked = room.ask(1, signer_id=holder)
    page = open_page(
        f"{room.base}{room.phone_path(holder)}/yeu-cau/{asked.id}/ma-pin", script=script
    )
    page.get_by_label("Mã PIN trên thẻ (6 số)").fill(PIN)
    press(page, "Xác nhận ký 1 học bạ")
    page.go_back()

    assert page.get_by_role("heading", level=1).inner_text() == "Yêu cầu này đã ký rồi"
    assert room.state(asked).signed == 1


def test_hiding_the_digits_works_in_place_and_by_link(
    room: Room, states: States, open_page: OpenPage
) -> None:
    """F2: shown by default; "Ẩn số" hides them, with script in place, without by reloading."""
    for script in ("on", "off"):
        page = open_page(room.base + states["pin"], script=script)
        field = page.locator("#pin")
        assert field.get_attribute("type") == "tel"
        page.get_by_role("link", name="Ẩn số").click()
        expect(page.locator("#pin")).to_have_attribute("type", "password")


def test_idle_pages_do_not_change(room: Room, states: States, open_page: OpenPage) -> None:
    """L6: nothing reloads or moves by itself; the PIN page is the same after a while."""
    page = open_page(room.base + states["pin"])
    before = page.locator("main").inner_html()
    page.wait_for_timeout(4_000)

    assert page.locator("main").inner_html() == before
