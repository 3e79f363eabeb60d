"""Two clicks within a tap, the form sent again, Back: one signature, whatever one signs with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from sandbox.clock import FixedClock
from sandbox.wire.signing import Instrument, Transaction
from tests.builders.computer import a_keeper, a_teacher, at_pin, live, pin_of
from tests.builders.instruments import OK, Signer, add_signer
from tests.builders.phone import PIN, Browser, Room, make_room, serving

TAP_S = 0.6
"""As the pages are installed: what comes sooner is the same tap."""


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    made = make_room(tmp_path_factory.mktemp("again"), clock=FixedClock(), tap_seconds=TAP_S)
    with serving(made) as served:
        yield served


@dataclass
class Ready:
    """Somebody in front of the control that signs."""

    browser: Browser
    asked: Transaction | str
    holder: str
    button: str
    typed: dict[str, str]


def _by_pin(room: Room, instrument: Instrument) -> Ready:
    signer = add_signer(room)
    asked = signer.ask(instrument, 2)
    signer.open(instrument)
    signer.browser.follow("Xem yêu cầu")
    signer.browser.follow("Ký số")
    return Ready(signer.browser, asked, signer.holder, "Xác nhận ký 2 học bạ", {"pin": PIN})


def app(room: Room) -> Ready:
    return _by_pin(room, Instrument.A)


def state_app(room: Room) -> Ready:
    return _by_pin(room, Instrument.GR)


def finger(room: Room) -> Ready:
    signer = add_signer(room)
    signer.register_b()
    asked = signer.ask(Instrument.B, 2)
    signer.open(Instrument.B)
    signer.browser.follow("Xem yêu cầu")
    signer.browser.follow("Đồng ý ký")
    return Ready(signer.browser, asked, signer.holder, "Chạm vân tay", {})


def _at_code(room: Room) -> tuple[Signer, Transaction]:
    signer = add_signer(room)
    asked = signer.ask(Instrument.A_OTP, 2)
    signer.at_code()
    return signer, asked


def code_by_message(room: Room) -> Ready:
    signer, asked = _at_code(room)
    signer.browser.press("Gửi mã qua tin nhắn", cach="message")
    typed = {"otp": signer.code()}
    return Ready(signer.browser, asked, signer.holder, "Xác nhận ký 2 học bạ", typed)


def code_by_time(room: Room) -> Ready:
    signer, asked = _at_code(room)
    typed = {"otp": signer.code(by="time")}
    return Ready(signer.browser, asked, signer.holder, "Xác nhận ký 2 học bạ", typed)


def sim(room: Room) -> Ready:
    signer = add_signer(room)
    signer.change_sim_pin()
    asked = signer.ask(Instrument.S)
    signer.at_sim_pin()
    return Ready(signer.browser, asked, signer.holder, OK, {"pin": signer.secret(Instrument.S)})


def token(room: Room) -> Ready:
    holder = a_teacher(room, "gv-again")
    browser = at_pin(room, holder)
    typed = {"pin": pin_of(room, holder)}
    return Ready(browser, live(room, browser), holder, "Ký 2 học bạ", typed)


def office_token(room: Room) -> Ready:
    holder = a_keeper(room, "vt-again")
    browser = at_pin(room, holder, name="truong")
    typed = {"pin": pin_of(room, holder, Instrument.G)}
    return Ready(browser, live(room, browser), holder, "Ký 2 học bạ", typed)


WAYS = (app, state_app, finger, code_by_message, code_by_time, sim, token, office_token)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_pressing_twice_sending_again_and_going_back_sign_once(
    room: Room, way: Callable[[Room], Ready]
) -> None:
    """Both clicks end on one page; so does the form sent again; the page before is no dead end."""
    ready = way(room)
    browser = ready.browser
    assert browser.sheet is not None
    page_before = browser.sheet.url
    action, fields = browser.form(ready.button)
    sent = fields | ready.typed

    def click(_number: int) -> tuple[int, str, str]:
        answer = browser.client.post(action, data=sent, headers={"Accept": "text/html"})
        return answer.status_code, str(answer.url), answer.text.partition("<h1")[2][:80]

    with ThreadPoolExecutor(2) as clicks:
        first, second = clicks.map(click, range(2))
    again = click(3)
    back = browser.open(page_before)

    assert first == second == again
    assert first[0] == back.status == 200
    assert "✖" not in back.heading
    kept = room.state(ready.asked)
    assert {item.status.value for item in kept.items} == {"SIGNED"}
    lines = room.get(f"so-cai?signer={ready.holder}").json()["lines"]
    assert [line["event"] for line in lines].count("approved") == 1
    assert "wrong_pin" not in [line["event"] for line in lines]
