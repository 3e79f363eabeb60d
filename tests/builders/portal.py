"""A whole house in one process for portal tests: real desks, signing service, pages, over HTTP."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn

from sandbox.domain.lifecycle import Role
from sandbox.domain.report_card import Slot
from sandbox.ministry.checking import Worker
from sandbox.portal.context import Actor
from sandbox.portal.forwarding import Forwarder
from sandbox.portal.model import POINTS, Identity, RecordLine
from sandbox.portal.service import PortalService
from sandbox.settings import Secrets, Settings
from sandbox.synthetic import School
from sandbox.web import Space
from sandbox.world import opening
from sandbox.world.build import World, build_app, build_world
from sandbox.world.spaces import open_practice
from tests.builders.phone import Browser as PhoneBrowser
from tests.builders.phone import Sheet

INTERNAL, ADMIN = "internal-of-the-tests", "admin-of-the-tests"
WORDS = {"purpose": "Ký để tập", "portal": "Sổ học bạ tập", "return_path": "/cong"}

T = TypeVar("T")


class Browser(PhoneBrowser):
    """A browser without script that can also tick boxes."""

    def send(self, button: str, **typed: str | Sequence[str]) -> Sheet:
        """Press *button* with fields as they stand; *typed* replaces some (lists: ticked boxes)."""
        assert self.sheet is not None
        for found in self.sheet.tree.xpath("//main//form"):
            pressed = [b for b in found.xpath(".//button") if _words(b) == button]
            if not pressed:
                continue
            fields: dict[str, Any] = {}
            for one in found.xpath(".//input|.//textarea|.//select"):
                self._add(fields, one)
            if pressed[0].get("name"):
                fields[pressed[0].get("name")] = [pressed[0].get("value")]
            for name, value in typed.items():
                fields[name] = [value] if isinstance(value, str) else list(value)
            action = str(found.get("action"))
            with self.taps.apart(action, fields):
                return self.post(action, fields)
        raise AssertionError(f"no button {button!r} on {self.sheet.heading!r}")

    @staticmethod
    def _add(fields: dict[str, Any], one: Any) -> None:
        kind, name = one.get("type"), one.get("name")
        if kind in ("checkbox", "radio") and one.get("checked") is None:
            return
        if one.tag == "select":
            value = next(
                (o.get("value") for o in one.xpath(".//option[@selected]")),
                one.xpath(".//option")[0].get("value"),
            )
        elif one.tag == "textarea":
            value = (one.text or "").lstrip("\n")
        else:
            value = one.get("value", "")
        fields.setdefault(name, []).append(value)


def _words(element: Any) -> str:
    return " ".join(element.text_content().split())


@dataclass
class House:
    """Portal, desks and signing service of one installation, served on one port."""

    world: World
    base: str
    forwarder: Forwarder = field(init=False)

    def __post_init__(self) -> None:
        self.forwarder = Forwarder(self.portal)

    @property
    def portal(self) -> PortalService:
        return self.world.portal

    @property
    def space(self) -> Space:
        found = self.world.spaces.get("tap")
        assert found is not None
        return found

    def school(self, number: int = 1) -> School:
        return opening.department_for(self.world.settings.seed).schools[number - 1]

    def actor(
        self, role: Role, *, number: int = 1, class_name: str = "", space: Space | None = None
    ) -> Actor:
        """Return somebody of a school in *role*: for a teacher, that of *class_name*."""
        school, where = self.school(number), space or self.space
        if role is Role.SO:
            code = school.department_code
            return Actor(self.portal.schools.staff(where, code)[0])
        found = [p for p in self.portal.schools.staff(where, school.code) if p.role is role]
        if role is Role.GVCN:
            taught = self.portal.schools.classes_taught(where, school.code)
            found = [p for p in found if taught.get(p.person_id) == class_name]
        return Actor(found[0])

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run *work* in a loop of its own: the browser's driver keeps one in this thread."""
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, work).result()

    # -- people doing their work ------------------------------------------------------------------

    def checked(self, class_name: str, numbers: Sequence[int], *, number: int = 1) -> list[str]:
        """Initialise and check records; return their ids."""
        made = self.portal.records.initialise(
            self.space, self.actor(Role.VAN_THU, number=number), class_name, numbers
        )
        teacher = self.actor(Role.GVCN, number=number, class_name=class_name)
        for record_id in made:
            self.portal.records.check(self.space, teacher, record_id, POINTS)
        return made

    def confirm(self, person: Identity, *, pin: str | None = None) -> Sheet:
        """Say yes on somebody's practice phone, page by page, to the one waiting request."""
        browser = self.phone(person)
        for _ in range(20):  # a request that could not be handed over at once is sent again
            assert browser.sheet is not None
            if "Xem yêu cầu" in browser.sheet.links():
                break
            time.sleep(0.5)
            browser.open(browser.sheet.url)
        browser.follow("Xem yêu cầu")
        browser.follow("Ký số")
        assert browser.sheet is not None
        button = next(
            _words(form.xpath(".//button")[0])
            for form in browser.sheet.tree.xpath("//main//form")
            if form.xpath(".//input[@name='pin']")
        )
        typed = pin or self.portal.schools.card_pin(self.space, person.person_id)
        return browser.press(button, pin=str(typed))

    def phone(self, person: Identity) -> Browser:
        phone = self.run(self.portal.signings.phone(self.space, person.person_id))
        assert phone is not None
        browser = Browser(self.base)
        browser.open(phone.path)
        return browser

    def ask(self, slot: Slot, actor: Actor, record_ids: Sequence[str]) -> str:
        return self.run(
            self.portal.signings.sign_records(self.space, actor, slot, record_ids, **WORDS)
        )

    def sign(self, slot: Slot, actor: Actor, record_ids: Sequence[str]) -> str:
        """Ask for signatures, confirm on the phone, and look; return the request's id."""
        request_id = self.ask(slot, actor, record_ids)
        self.confirm(actor.identity)
        view = self.run(self.portal.signings.look(self.space, request_id))
        assert view.request.status == "SIGNED", view
        return request_id

    def sealed(self, class_name: str, numbers: Sequence[int], *, number: int = 1) -> list[str]:
        """Bring records as far as the school's seal; return their ids."""
        made = self.checked(class_name, numbers, number=number)
        self.sign_on(class_name, made, number=number)
        return made

    def sign_on(self, class_name: str, record_ids: Sequence[str], *, number: int = 1) -> None:
        """Let teacher, head and clerk sign what is checked."""
        teacher = self.actor(Role.GVCN, number=number, class_name=class_name)
        self.sign(Slot.GVCN, teacher, record_ids)
        self.sign(Slot.CBQL, self.actor(Role.CBQL, number=number), record_ids)
        self.sign(Slot.KY_PHAT_HANH, self.actor(Role.VAN_THU, number=number), record_ids)

    def packed(self, record_ids: Sequence[str], *, number: int = 1) -> str:
        """Pack records and sign the package; return its id."""
        clerk = self.actor(Role.VAN_THU, number=number)
        package_id = self.portal.packages.pack(self.space, clerk, record_ids)
        request_id = self.run(self.portal.packages.sign(self.space, clerk, package_id, **WORDS))
        self.confirm(clerk.identity)
        self.run(self.portal.signings.look(self.space, request_id))
        return package_id

    def sent(self, record_ids: Sequence[str], *, number: int = 1) -> str:
        """Pack, sign and send; return the package's id."""
        package_id = self.packed(record_ids, number=number)
        clerk = self.actor(Role.VAN_THU, number=number)
        self.run(self.portal.packages.send(self.space, clerk, package_id))
        return package_id

    def answered(self, package_id: str, *, number: int = 1) -> None:
        """Let the desk check what it has and the portal fetch the answer."""
        self.check_all()
        clerk = self.actor(Role.VAN_THU, number=number)
        package, _lines = self.portal.packages.open(self.space, clerk, package_id)
        assert self.run(self.portal.packages.look(self.space, package))

    def check_all(self) -> None:
        """Let the desks check everything that waits."""
        worker = Worker(self.world.ministry)
        while worker.run_once():
            pass

    def lines(self, class_name: str, *, number: int = 1) -> dict[str, RecordLine]:
        clerk = self.actor(Role.VAN_THU, number=number)
        return {
            line.record_id: line
            for line in self.portal.records.lines(self.space, clerk, class_name)
        }

    def call(self, path: str, body: Any = None, *, token: str = INTERNAL) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        if body is None:
            return httpx.get(self.base + path, headers=headers, timeout=60, trust_env=False)
        return httpx.post(self.base + path, json=body, headers=headers, timeout=60, trust_env=False)

    def browser(self, actor: Actor | None = None) -> Browser:
        """Return a browser; with *actor* it has chosen whom it plays, through the pages."""
        browser = Browser(self.base)
        if actor is not None:
            who = actor.identity
            browser.open(f"/cong/vai/{who.unit_code}/{who.role.value}")
            browser.send("Đúng là tôi", nguoi=who.person_id)
        return browser


@contextmanager
def house(folder: Path, *, database: str | None = None) -> Iterator[House]:
    """Serve a whole installation on a free port of this machine, in a thread."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    world = build_world(
        Settings(
            data=folder,
            database=database or f"sqlite:///{folder / 'sandbox.db'}",
            port=port,
            secrets=Secrets(INTERNAL, ADMIN, "form-key-of-the-tests"),
        )
    )
    open_practice(world)
    config = uvicorn.Config(
        build_app(world, strict=True),
        host="127.0.0.1",
        port=port,
        log_level="warning",
        lifespan="off",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield House(world, f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        world.database.close()
