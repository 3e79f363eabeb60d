"""A signing room with nothing else in the house: real database, PKI, pages; driven over HTTP."""

from __future__ import annotations

import hashlib
import itertools
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from lxml import html

from sandbox import web
from sandbox.clock import Clock, FixedClock
from sandbox.pki import RsaPool, TrainingAuthority
from sandbox.signing import (
    CredentialSeed,
    HolderSeed,
    SigningService,
    http,
    pages,
    pages_computer,
    pages_computer_pin,
    pages_room,
)
from sandbox.signing.coaching import Coach
from sandbox.web.forms import TAP_SECONDS
from sandbox.web.pages import routers as own_pages
from sandbox.wire.signing import Item, NewTransaction, Transaction
from tests.builders.tapping import Taps

INTERNAL, ADMIN = "internal-token-of-the-tests", "admin-token-of-the-tests"
PIN, WRONG = "246810", "135790"
TEACHER, CLERK, DEPARTMENT = "948185000021", "948190000033", "so-48"
PORTAL = "Sổ học bạ tập, máy 07"
PACKAGE = Path(http.__file__).parent

PEOPLE = (
    HolderSeed(
        holder_id=TEACHER,
        name="Phạm Thị Lan",
        pin=PIN,
        credentials=(
            CredentialSeed(kind="person", subject_id=TEACHER, subject_name="Phạm Thị Lan"),
        ),
    ),
    HolderSeed(
        holder_id=CLERK,
        name="Trần Thị Thu",
        pin="975310",
        credentials=(
            CredentialSeed(kind="person", subject_id=CLERK, subject_name="Trần Thị Thu"),
            CredentialSeed(
                kind="unit",
                subject_id="48999401",
                subject_name="Trường Tiểu học Tập Ký Số (giả lập)",
                issuer="GIA_LAP_CO_YEU",
            ),
        ),
    ),
    HolderSeed(
        holder_id=DEPARTMENT,
        name="Sở tập (giả lập)",
        pin="111222",
        credentials=(
            CredentialSeed(
                kind="unit",
                subject_id="48",
                subject_name="Sở tập (giả lập)",
                issuer="GIA_LAP_CO_YEU",
                automatic=True,
            ),
        ),
    ),
)


@dataclass
class Room:
    """One installation that holds only the signing service."""

    app: FastAPI
    service: SigningService
    database: web.Database
    clock: Clock
    spaces: web.Spaces
    folder: Path
    tap_seconds: float = 0.0
    base: str = ""
    client: httpx.Client = field(default_factory=httpx.Client)
    token: str = INTERNAL
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    """Numbers of people who are added later: the same in every room."""

    @property
    def space(self) -> web.Space:
        found = self.spaces.get("tap")
        assert found is not None
        return found

    def serial(self, holder: str = TEACHER, *, kind: str = "person") -> str:
        _, credentials = self.service.issuing.holder(self.space, holder)
        return next(c.serial for c in credentials if c.kind == kind)

    def phone_path(self, holder: str = TEACHER) -> str:
        device, _ = self.service.phones.phone(self.space, holder)
        return f"/ky-so/dien-thoai/{device.token}"

    def computer_path(self, holder: str = TEACHER) -> str:
        device, _ = self.service.phones.phone(self.space, holder)
        return f"/ky-so/may-tinh/{device.token}"

    def pairing_code(self, holder: str = TEACHER) -> str:
        return self.service.phones.phone(self.space, holder)[1]

    def request(self, items: int | Sequence[Item] = 1, **changes: Any) -> NewTransaction:
        """Return a request of the teacher for *items* records; *changes* are its odd fields."""
        values: dict[str, Any] = {
            "idempotency": uuid.uuid4().hex,
            "signer_id": TEACHER,
            "purpose": "Ký học bạ với vai trò cô chủ nhiệm",
            "portal": PORTAL,
            "return_path": "/ky-so",
            "items": make_items(items) if isinstance(items, int) else list(items),
        } | changes
        if "serial" not in values:
            values["serial"] = self.serial(values["signer_id"])
        return NewTransaction(**values)

    def post(self, path: str, body: Any = None, *, token: str = "") -> httpx.Response:
        """Call a service route over HTTP as one of the house's own services."""
        raw = body.model_dump(mode="json") if hasattr(body, "model_dump") else body
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return self.client.post(f"{self.base}/ky-so/v1/{path}", json=raw, headers=headers)

    def get(self, path: str, *, token: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return self.client.get(f"{self.base}/ky-so/v1/{path}", headers=headers)

    def ask(self, items: int | Sequence[Item] = 1, **changes: Any) -> Transaction:
        """Send a request and return the transaction."""
        answer = self.post("giao-dich", self.request(items, **changes))
        assert answer.status_code == 200, answer.text
        return Transaction.model_validate(answer.json())

    def state(self, transaction: Transaction | str) -> Transaction:
        known = transaction if isinstance(transaction, str) else transaction.id
        return Transaction.model_validate(self.get(f"giao-dich/{known}").json())

    def browser(self) -> Browser:
        return Browser(self.base, tap_seconds=self.tap_seconds)

    def files(self) -> Iterator[Path]:
        """Every file the installation has written."""
        return (path for path in self.folder.rglob("*") if path.is_file())


def make_items(count: int, *, slot: str = "GVCN") -> list[Item]:
    """Return hashes of *count* records never seen before."""
    made = []
    for number in range(1, count + 1):
        record = str(uuid.uuid4())
        made.append(
            Item(
                key=f"em-{number}",
                record_uuid=record,
                slot=slot,
                digest=hashlib.sha256(record.encode()).hexdigest(),
                label=f"Nguyễn Thị Hoa Mai {number:02d}, lớp 3A",
            )
        )
    return made


def make_room(
    folder: Path,
    *,
    clock: Clock | None = None,
    switches: Mapping[str, Any] | None = None,
    people: Sequence[HolderSeed] = PEOPLE,
    url: str | None = None,
    tap_seconds: float = 0.0,
    coached: bool = False,
) -> Room:
    """Build the room; *tap_seconds* 0 lets a test repeat an action at once.

    *coached*: the phone's pages are left out, for a test that puts its own coach on them.
    """
    time_of = clock or FixedClock()
    database = web.Database(url or f"sqlite:///{folder / 'sandbox.db'}")
    spaces = web.Spaces(database, time_of)
    app = web.application()
    skin = web.Skin({"signing": PACKAGE / "templates"}, [PACKAGE / "locale"], strict=True)
    web.install(
        app,
        skin=skin,
        database=database,
        spaces=spaces,
        clock=time_of,
        secret="a secret of the tests",
        tap_seconds=tap_seconds,
    )
    app.state.internal_token, app.state.admin_token = INTERNAL, ADMIN
    service = SigningService(
        database,
        time_of,
        spaces,
        TrainingAuthority.from_seed("tests"),
        "tests",
        rsa_pool=RsaPool("tests", folder / "keys", size=1, bits=2048),
    )
    service.prepare()
    spaces.open("tap", code="1234", title="Bản tập", switches=switches, start=START)
    found = spaces.get("tap")
    assert found is not None
    service.open_space(found, people)
    for router in (
        *own_pages(),
        *http.routers(service),
        *pages_room.routers(service),
        *(() if coached else pages.routers(service, Coach())),
        *pages_computer.routers(service, Coach()),
        *pages_computer_pin.routers(service, Coach()),
    ):
        app.include_router(router)
    return Room(app, service, database, time_of, spaces, folder, tap_seconds)


START = FixedClock().at


@contextmanager
def serving(room: Room) -> Iterator[Room]:
    """Serve *room* on a free port of this machine, in a thread."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = uvicorn.Config(
        room.app, host="127.0.0.1", port=port, log_level="warning", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(500):
        if server.started:
            break
        time.sleep(0.01)
    room.base = f"http://127.0.0.1:{port}"
    room.client = httpx.Client(timeout=60)
    try:
        yield room
    finally:
        room.client.close()
        server.should_exit = True
        thread.join(timeout=10)
        room.database.close()


@dataclass
class Sheet:
    """A page as a person without script sees it."""

    status: int
    text: str
    url: str

    def __post_init__(self) -> None:
        self.tree = html.fromstring(self.text)

    @property
    def heading(self) -> str:
        return " ".join(self.tree.xpath("//h1")[0].text_content().split())

    @property
    def title(self) -> str:
        return str(self.tree.xpath("//title")[0].text_content())

    @property
    def words(self) -> str:
        return " ".join(self.tree.xpath("//main")[0].text_content().split())

    def link(self, label: str) -> str:
        """Return where the link with exactly these words leads."""
        for link in self.tree.xpath("//main//a"):
            if " ".join(link.text_content().split()) == label:
                return str(link.get("href"))
        raise AssertionError(f"no link {label!r} on {self.heading!r}")

    def links(self) -> list[str]:
        return [" ".join(a.text_content().split()) for a in self.tree.xpath("//main//a")]


class Browser:
    """A browser without script that keeps cookies: follows links, presses buttons.

    It presses as a person does: what the pages would take for a double tap within *tap_seconds*
    comes later. `post` is immediate.
    """

    def __init__(self, base: str, *, tap_seconds: float = TAP_SECONDS) -> None:
        self.base = base
        self.taps = Taps(tap_seconds)
        self.client = httpx.Client(base_url=base, follow_redirects=True, timeout=60)
        self.sheet: Sheet | None = None

    def open(self, path: str) -> Sheet:
        return self._seen(self.client.get(path, headers={"Accept": "text/html"}))

    def follow(self, label: str) -> Sheet:
        assert self.sheet is not None
        return self.open(self.sheet.link(label))

    def follow_first(self, words: str) -> Sheet:
        """Follow the first link that holds these words among others (rows of a list)."""
        assert self.sheet is not None
        for link in self.sheet.tree.xpath("//main//a"):
            if words in " ".join(link.text_content().split()):
                return self.open(str(link.get("href")))
        raise AssertionError(f"no link with {words!r} on {self.sheet.heading!r}")

    def follow_row(self, number: int = 1) -> Sheet:
        """Follow a row of the list on the page."""
        assert self.sheet is not None
        rows = self.sheet.tree.xpath("//main//ul[contains(@class,'hang')]//a")
        return self.open(str(rows[number - 1].get("href")))

    def form(self, button: str) -> tuple[str, dict[str, str]]:
        """Return where the form with this button goes, and its fields as they stand."""
        assert self.sheet is not None
        for found in self.sheet.tree.xpath("//main//form"):
            words = [" ".join(b.text_content().split()) for b in found.xpath(".//button")]
            if button in words:
                fields = {i.get("name"): i.get("value", "") for i in found.xpath(".//input")}
                return str(found.get("action")), fields
        raise AssertionError(f"no button {button!r} on {self.sheet.heading!r}")

    def press(self, button: str, **typed: str) -> Sheet:
        action, fields = self.form(button)
        sent = {**fields, **typed}
        with self.taps.apart(action, sent):
            return self.post(action, sent)

    def post(self, action: str, fields: Mapping[str, str | Sequence[str]]) -> Sheet:
        answer = self.client.post(action, data=dict(fields), headers={"Accept": "text/html"})
        return self._seen(answer)

    def _seen(self, answer: httpx.Response) -> Sheet:
        self.sheet = Sheet(answer.status_code, answer.text, str(answer.url))
        return self.sheet
