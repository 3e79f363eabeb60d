"""Killed at any moment, a desk loses nothing it has acknowledged and does nothing twice."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from sandbox.clock import MachineClock
from sandbox.documents import envelope
from sandbox.ministry import package_store, store
from sandbox.wire.ministry import wire_password
from tests.builders.ministry import (
    PASSWORD,
    Installation,
    department,
    installed,
    packed,
    signed,
)
from tests.builders.ministry_process import Process, free_port

SETTLED_WITHIN_S = 90


@dataclass
class Sender:
    """A school that hands in one record a package and never gives up on one of them."""

    base: str
    space: str
    acknowledged: dict[str, str] = field(default_factory=dict)
    """messageid → UUID of the record inside."""
    token: str = ""

    def hand_in(self, deliveries: list[tuple[str, str]], stop: threading.Event) -> None:
        """Hand in (UUID, content) one after the other until all are in or *stop* is set."""
        with httpx.Client(base_url=self.base, timeout=5, trust_env=False) as http:
            for record, content in deliveries:
                messageid = str(uuid.uuid4())
                while not stop.is_set():
                    if self._try(http, messageid, content):
                        self.acknowledged[messageid] = record
                        break
                    time.sleep(0.05)

    def _try(self, http: httpx.Client, messageid: str, content: str) -> bool:
        """Send once; True when a receipt came back. A dead desk is simply tried again."""
        school = department().schools[0]
        who = {
            "user_name": f"truong{school.code}",
            "password": wire_password(PASSWORD),
            "ma_don_vi": school.code,
        }
        try:
            if not self.token:
                self.token = http.post("/token", json=who).json()["token"]
            fields = {
                **who,
                "token": self.token,
                "nam_hoc": 2024,
                "messageid": messageid,
                "type": "1",
                "function": "NOP_HOC_BA",
            }
            body = {"authenticationRequest": fields, "content": content}
            answer = http.post("/hoc-ba", json=body)
        except (httpx.HTTPError, ValueError):
            return False
        return answer.status_code == 200 and answer.json()["Error"] == "0"


@pytest.fixture
def ministry(tmp_path: Path) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path / 'kill9.db'}"
    with installed(url, clock=MachineClock()) as installation:
        yield installation


def deliveries() -> list[tuple[str, str]]:
    """Return (UUID, content) of every record of the first school, one a package."""
    school = department().schools[0]
    return [
        (
            card.record_id,
            envelope.pack(packed([signed(card)], unit_code=school.code, unit_name=school.name)),
        )
        for group in school.classes
        for card in group.cards
    ]


def kill_and_prove(ministry: Installation, *, kills: int, spaces: int, seed: int) -> None:
    """Kill web and checking processes *kills* times while schools hand in; then count."""
    chance = random.Random(seed)
    url = ministry.database.url.render_as_string(hide_password=False)
    names = [f"kill-{number}" for number in range(spaces)]
    for name in names:
        ministry.open_space(name, profile="so")
    port = free_port()
    web = Process("web", url, ministry.responders.url, port)
    worker = Process("worker", url, ministry.responders.url)
    web.start()
    worker.start()
    base = f"http://127.0.0.1:{port}/s/{{}}/kho/so/48/sandbox/v1"
    senders = [Sender(base.format(name), name) for name in names]
    stop = threading.Event()
    work = deliveries()
    threads = [threading.Thread(target=s.hand_in, args=(work, stop)) for s in senders]
    for thread in threads:
        thread.start()
    try:
        for _ in range(kills):
            time.sleep(chance.uniform(0.05, 0.8))
            victim = worker if chance.random() < 0.7 else web
            victim.kill()
            victim.start()
        stop_when_settled(ministry, threads)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        codes = [worker.terminate(), web.terminate()]
    assert codes[0] == 0
    for sender in senders:
        assert len(sender.acknowledged) == len(work)
        prove_exactly_once(ministry, sender)


def stop_when_settled(ministry: Installation, threads: list[threading.Thread]) -> None:
    """Wait until everything is handed in and nothing is open any more."""
    until = time.monotonic() + SETTLED_WITHIN_S
    while time.monotonic() < until:
        with ministry.database.read() as connection:
            depth = package_store.queue_depth(connection).packages
        if depth == 0 and not any(thread.is_alive() for thread in threads):
            return
        time.sleep(0.1)
    pytest.fail(f"packages still open after {SETTLED_WITHIN_S} s")


def prove_exactly_once(ministry: Installation, sender: Sender) -> None:
    """Each acknowledged package has one result, each record is stored once and counted once."""
    space = ministry.spaces.get(sender.space)
    assert space is not None
    for messageid, record in sender.acknowledged.items():
        found = ministry.service.package(space, "so-48", messageid)
        assert found is not None
        package, lines = found
        assert (package.state.value, [line.uuid for line in lines]) == ("xong", [record])
        assert lines[0].accepted, lines[0].findings
        stored = ministry.service.record(space, "so-48", record)
        assert stored is not None
        assert stored.messageid == messageid
    progress = ministry.service.progress(space, "so-48")
    assert sum(row.accepted for row in progress) == len(sender.acknowledged)
    assert sum(row.refused for row in progress) == 0
    with ministry.database.read() as connection:
        trail = store.audit_lines(connection, space=sender.space, desk="so-48")
    results = Counter(row["record_uuid"] for row in trail if row["action"] == "ket_qua")
    receipts = sum(row["action"] == "bien_nhan" for row in trail)
    assert set(results.values()) == {1}
    assert receipts == len(results) == len(sender.acknowledged)


def test_killed_five_times_a_desk_settles_every_acknowledged_package_once(
    ministry: Installation,
) -> None:
    """Five kills at random moments, web and checking process alike (issue 2, must show)."""
    kill_and_prove(ministry, kills=5, spaces=1, seed=5)


@pytest.mark.long
def test_killed_fifty_times_a_desk_settles_every_acknowledged_package_once(
    ministry: Installation,
) -> None:
    """The same fifty times over."""
    kill_and_prove(ministry, kills=50, spaces=6, seed=50)
