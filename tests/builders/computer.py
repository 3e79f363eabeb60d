"""People at the practice computer: each state of it, made through the service in few words."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Protocol

from sandbox.signing import CredentialSeed, HolderSeed, SigningService
from sandbox.signing.http import COMPUTER_PATH
from sandbox.signing.model import Device
from sandbox.signing.token_signing import TokenAnswer
from sandbox.web import Space
from sandbox.wire.signing import Fault, Instrument, NewTransaction, Transaction
from tests.builders.phone import PIN, TEACHER, Browser, Sheet, make_items
from tests.builders.phone import Room as Served

LONG_NAME = "Công Tằng Tôn Nữ Thị Diễm Quỳnh"
WRONG_TOKEN_PIN = "Sai12345"
SEAL_NAME = "Trường Tiểu học Diễm Quỳnh Hương (giả lập)"


class Room(Protocol):
    """Wherever there is a signing service: a room of its own, or a whole house."""

    @property
    def service(self) -> SigningService:
        """The service."""

    @property
    def space(self) -> Space:
        """The space people practise in."""


def a_teacher(room: Room, holder: str, *, name: str = LONG_NAME) -> str:
    """Add a teacher of that id; their personal number is invented from it."""
    number = f"9481850{sum(map(ord, holder)) % 100000:05d}"
    person = CredentialSeed(kind="person", subject_id=number, subject_name=name)
    seed = HolderSeed(holder_id=holder, name=name, pin=PIN, credentials=(person,))
    room.service.open_space(room.space, [seed])
    return holder


def a_keeper(room: Room, holder: str) -> str:
    """Add somebody who keeps the school's seal beside their own token."""
    person = CredentialSeed(kind="person", subject_id="948190000044", subject_name=LONG_NAME)
    seal = CredentialSeed(
        kind="unit", subject_id="48999402", subject_name=SEAL_NAME, issuer="GIA_LAP_CO_YEU"
    )
    seed = HolderSeed(holder_id=holder, name=LONG_NAME, pin=PIN, credentials=(person, seal))
    room.service.open_space(room.space, [seed])
    return holder


def device_of(room: Room, holder: str) -> Device:
    return room.service.phones.phone(room.space, holder)[0]


def pin_of(room: Room, holder: str = TEACHER, instrument: Instrument = Instrument.U) -> str:
    """Return the practice PIN on the holder's card."""
    return room.service.instruments.training_pin(room.space, holder, instrument)


def plug(room: Room, holder: str, name: str = "rieng") -> None:
    """Put a token of the table into the port."""
    room.service.tokens.look(room.space, device_of(room, holder))
    assert room.service.tokens.plug(room.space, holder, name)


def fetch(room: Room, holder: str, name: str = "rieng") -> str:
    """Plug a token in and choose its certificate; return the serial."""
    plug(room, holder, name)
    assert room.service.tokens.read_token(room.space, holder) == ""
    view = room.service.tokens.look(room.space, device_of(room, holder))
    assert view.plugged is not None
    serial = view.plugged.credential.serial
    assert room.service.tokens.choose(room.space, holder, serial, judge=False) == ""
    return serial


def asked(room: Room, holder: str, *, count: int = 30, name: str = "rieng") -> str:
    """Ask for *count* signatures of the token just read, as a portal would; return the request."""
    serial = fetch(room, holder, name)
    items = make_items(count, slot="KY_PHAT_HANH" if name == "truong" else "GVCN")
    items[0] = items[0].model_copy(update={"label": f"{LONG_NAME} Hương, lớp 3A"})
    new = NewTransaction(
        idempotency=uuid.uuid4().hex,
        signer_id=holder,
        serial=serial,
        purpose="Ký học bạ để tập",
        portal="Sổ học bạ tập, máy 07",
        return_path="/ky-so",
        instrument=Instrument.G if name == "truong" else Instrument.U,
        items=items,
    )
    return room.service.asking.ask(room.space, new).id


def type_pin(room: Room, holder: str, request: str, *pins: str) -> list[TokenAnswer]:
    """Type PINs one after another at the computer."""
    signing, device = room.service.token_signing, device_of(room, holder)
    return [signing.confirm(room.space, device, request, typed=pin) for pin in pins]


def arm(room: Room, holder: str, code: str, **more: str | int) -> None:
    """Put one entry into the holder's fault plan."""
    room.service.faults.arm(room.space, holder, [Fault.model_validate({"ma": code, **more})])


def stop(room: Room, holder: str, **to: object) -> None:
    """Put the computer into a state and let it try to read the token."""
    room.service.tokens.set_states(room.space, holder, by="trainer", **to)
    room.service.tokens.read_token(room.space, holder)


Prepare = Callable[[Room, str], str]
"""Brings a holder's computer into a state; returns the rest of the page's address."""


def _asked(then: str = "", *, count: int = 30, name: str = "rieng") -> Prepare:
    return lambda room, holder: f"/yeu-cau/{asked(room, holder, count=count, name=name)}{then}"


def _wrong(times: int, **keyboard: object) -> Prepare:
    def prepare(room: Room, holder: str) -> str:
        request = asked(room, holder)
        room.service.tokens.set_states(room.space, holder, by="trainer", **keyboard)
        type_pin(room, holder, request, *[WRONG_TOKEN_PIN] * times)
        return f"/yeu-cau/{request}/sai-ma"

    return prepare


def _state(path: str, **to: object) -> Prepare:
    def prepare(room: Room, holder: str) -> str:
        stop(room, holder, **to)
        return path

    return prepare


def _read(path: str = "/chung-thu", *, name: str = "rieng") -> Prepare:
    def prepare(room: Room, holder: str) -> str:
        plug(room, holder, name)
        room.service.tokens.read_token(room.space, holder)
        return path

    return prepare


def _old_chosen(room: Room, holder: str) -> str:
    plug(room, holder, "cu")
    room.service.tokens.read_token(room.space, holder)
    view = room.service.tokens.look(room.space, device_of(room, holder))
    assert view.plugged is not None
    room.service.tokens.choose(room.space, holder, view.plugged.credential.serial)
    return "/vuong"


def _fetched(room: Room, holder: str) -> str:
    fetch(room, holder)
    return ""


def _done(then: str, *, name: str = "rieng") -> Prepare:
    def prepare(room: Room, holder: str) -> str:
        request = asked(room, holder, name=name)
        kind = Instrument.G if name == "truong" else Instrument.U
        type_pin(room, holder, request, pin_of(room, holder, kind))
        return f"/yeu-cau/{request}{then}"

    return prepare


def _failed(code: str) -> Prepare:
    def prepare(room: Room, holder: str) -> str:
        arm(room, holder, code)
        return _done("/xong")(room, holder)

    return prepare


def _refused(room: Room, holder: str) -> str:
    request = asked(room, holder)
    room.service.token_signing.refuse(room.space, device_of(room, holder), request)
    return f"/yeu-cau/{request}/xong"


def _locked(path: str) -> Prepare:
    def prepare(room: Room, holder: str) -> str:
        type_pin(room, holder, asked(room, holder), *[WRONG_TOKEN_PIN] * 5)
        return path

    return prepare


def _away(room: Room, holder: str) -> str:
    request = asked(room, holder)
    room.service.tokens.set_states(room.space, holder, by="trainer", loose=True)
    return f"/yeu-cau/{request}"


TEACHER_STATES: dict[str, Prepare] = {
    "home": _state(""),
    "home_plugged": _fetched,
    "plug": _state("/lay-chung-thu"),
    "read": _state("/lay-chung-thu", plugged="rieng"),
    "read_loose": _state("/lay-chung-thu", plugged="rieng", loose=True),
    "read_off": _state("/lay-chung-thu", plugged="rieng", service="tat"),
    "table": _state("/ban"),
    "table_plugged": _state("/ban", plugged="cu"),
    "stuck_software": _state("/vuong", plugged="rieng", service="tat"),
    "stuck_loose": _state("/vuong", plugged="rieng", loose=True),
    "stuck_driver": _state("/vuong", plugged="rieng", missing=["U"]),
    "stuck_old": _old_chosen,
    "certificate": _read(),
    "certificate_old": _read(name="cu"),
    "keyboard": _state("/ban-phim"),
    "keyboard_v": _state("/ban-phim", typing="V"),
    "keyboard_caps": _state("/ban-phim", typing="V", caps=True),
    "pin": _asked(),
    "pin_hidden": _asked("?an=1"),
    "wrong": _wrong(1),
    "wrong_v": _wrong(1, typing="V"),
    "wrong_caps": _wrong(1, caps=True),
    "wrong_twice": _wrong(2),
    "card": _asked("/xem-the"),
    "done": _done("/xong"),
    "again": _done(""),
    "whole": _failed("E1"),
    "pulled": _failed("rut_khi_ky"),
    "refused": _refused,
    "locked": _locked("/khoa"),
    "unlock": _locked("/mo-khoa"),
    "away": _away,
}
KEEPER_STATES: dict[str, Prepare] = {
    "keeper_plug": _state("/lay-chung-thu"),
    "keeper_table": _state("/ban"),
    "keeper_certificate": _read(name="truong"),
    "keeper_pin": _asked(name="truong"),
    "keeper_done": _done("/xong", name="truong"),
}
ALL_STATES = (*TEACHER_STATES, *KEEPER_STATES)


def computer_of(room: Room, holder: str) -> str:
    """Return the path of a holder's computer."""
    return f"{COMPUTER_PATH}/{device_of(room, holder).token}"


def page_in(room: Room, holder: str, state: str) -> str:
    """Bring the computer of a holder who is there already into *state*; return the page's path."""
    prepare = (TEACHER_STATES | KEEPER_STATES)[state]
    return computer_of(room, holder) + prepare(room, holder)


def pages_in_every_state(room: Room) -> dict[str, str]:
    """Return the address of one computer in each state, by the state's name."""
    people = {name: a_teacher(room, f"usb-{name}") for name in TEACHER_STATES}
    people |= {name: a_keeper(room, f"usb-{name}") for name in KEEPER_STATES}
    return {name: page_in(room, holder, name) for name, holder in people.items()}


# -- over HTTP --


def at_computer(room: Served, holder: str, path: str = "") -> Browser:
    browser = room.browser()
    browser.open(room.computer_path(holder) + path)
    return browser


def at_pin(room: Served, holder: str, *, records: int = 2, name: str = "rieng") -> Browser:
    """Return a browser before the PIN dialog of a request just sent."""
    asked(room, holder, count=records, name=name)
    return at_computer(room, holder)


def events(room: Served, holder: str) -> list[str]:
    lines = room.get(f"so-cai?signer={holder}").json()["lines"]
    return [line["event"] for line in lines]


def plan_of(room: Served, holder: str) -> dict[str, tuple[bool, bool]]:
    """Return for each code of the plan whether it was met and whether it was mended."""
    rows = room.get(f"nguoi-ky/{holder}/su-co").json()
    return {r["ma"]: (r["met"] is not None, r["recovered"] is not None) for r in rows}


def fetched(room: Served, holder: str) -> dict[str, str] | None:
    answer = room.get(f"nguoi-ky/{holder}/da-lay/U")
    return answer.json() if answer.status_code == 200 else None


def state(room: Served, holder: str, instrument: Instrument = Instrument.U) -> dict[str, object]:
    rows = room.get(f"nguoi-ky/{holder}/dung-cu").json()
    return next(row for row in rows if row["instrument"] == instrument.value)


def live(room: Served, browser: Browser) -> Transaction:
    """Return the request whose page the browser shows."""
    assert browser.sheet is not None
    return room.state(browser.sheet.url.split("/yeu-cau/")[1].split("/")[0].split("?")[0])


def wrong(browser: Browser, label: str, times: int) -> Sheet:
    """Press with a wrong PIN *times* times; return the last page."""
    here, _ = browser.form(label)
    for _ in range(times):
        browser.open(here)
        browser.press(label, pin=WRONG_TOKEN_PIN)
    assert browser.sheet is not None
    return browser.sheet
