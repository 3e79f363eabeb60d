"""A backlog drains in the order promised, and senders were told how long it takes (issue 5)."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx
import pytest

from sandbox.ministry.model import AccountSeed, Package
from tests.builders.chaos import SPACE, Storms, storms
from tests.builders.chaos_goods import goods
from tests.builders.chaos_places import Place, server_place, sqlite_place
from tests.builders.chaos_senders import Delivery, Heard, Sender, base_of
from tests.builders.ministry import PASSWORD, department, register_row

BACKLOGS = {"a": 25, "b": 60, "c": 120, "d": 200, "e": 395}
"""Packages of each sender, whose accounts have the limits of profile `so`."""
LATE = "late"
"""A sender who goes on delivering while the backlog drains."""
ASKED_EVERY_S = 0.25
SHORTEST_S = 3.0
"""What was due sooner says nothing about an estimate in whole seconds."""
ERROR = 0.25


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storms]:
    if request.param == "SQLite":
        with sqlite_place(tmp_path) as sqlite:
            yield from _installed(sqlite, tmp_path)
    else:
        with server_place() as server:
            yield from _installed(server, tmp_path)


def _installed(place: Place, folder: Path) -> Iterator[Storms]:
    with storms(place, folder, seed=31, claim_s=60, checkers=0) as installation:
        space = installation.world.spaces.get(SPACE)
        assert space is not None
        school = department().schools[0]
        for name in (*BACKLOGS, LATE):
            installation.world.ministry.add_school(
                space,
                installation.proof.desk,
                register_row(school),
                account=AccountSeed(
                    user_name=f"truong{school.code}-{name}",
                    password=PASSWORD,
                    unit_code=school.code,
                    kind="truong",
                    profile="so",
                ),
            )
        yield installation


@dataclass(frozen=True)
class Told:
    """One estimate, and when it was told."""

    messageid: str
    seconds: int
    at: float


class Crowd:
    """The senders of one school's accounts, and what they were told."""

    def __init__(self, desk: Storms) -> None:
        self.desk = desk
        self.heard = {name: Heard() for name in (*BACKLOGS, LATE)}
        bases = [base_of(web.port, SPACE) for web in desk.processes.webs]
        self.senders = {
            name: Sender(bases, heard, {}, account=f"-{name}") for name, heard in self.heard.items()
        }
        stock = goods("backlog", Random(31), records=(1, 2), only=self.school)
        self.waiting = {
            name: [Delivery(desk.number(), next(stock)) for _ in range(count)]
            for name, count in BACKLOGS.items()
        }
        self.late = (Delivery(desk.number(), one) for one in stock)
        self.told: list[Told] = []

    school = department().schools[0]

    def fill(self) -> None:
        """Deliver every backlog, all senders at the same time."""
        with ThreadPoolExecutor(len(BACKLOGS)) as pool:
            for done in [
                pool.submit(self.senders[name].run, own) for name, own in self.waiting.items()
            ]:
                done.result()

    def go_on(self, stop: threading.Event) -> None:
        """Deliver now and then until *stop* is set."""
        for delivery in self.late:
            if stop.wait(ASKED_EVERY_S):
                return
            self.senders[LATE].run([delivery])

    def ask(self, stop: threading.Event) -> None:
        """Ask now and then when a package will be settled, until *stop* is set."""
        chance = Random(31)
        everything = [(name, one) for name, own in self.waiting.items() for one in own]
        with httpx.Client(timeout=30, trust_env=False) as http:
            while not stop.wait(ASKED_EVERY_S / 5):
                name, one = chance.choice(everything)
                said = self.senders[name].result(http, self.school, one.messageid)
                if said is not None and said.get("du_kien_giay") is not None:
                    self.told.append(Told(one.messageid, said["du_kien_giay"], time.time()))


def in_order(packages: dict[str, Package], own: list[Delivery]) -> list[float]:
    """Return when each package of a sender was settled, in the order they were received."""
    received = sorted((packages[one.messageid] for one in own), key=lambda p: p.received_epoch)
    return [float(package.finished_epoch or 0) for package in received]


@pytest.mark.long
def test_a_backlog_drains_in_turns_and_as_soon_as_was_said(desk: Storms) -> None:
    """800 packages of five senders: oldest first within one, senders in turn (issue 5)."""
    crowd = Crowd(desk)
    crowd.fill()
    for heard in crowd.heard.values():
        heard.waits.clear()
    desk.add_checker()
    stop = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        at_work = [pool.submit(crowd.go_on, stop), pool.submit(crowd.ask, stop)]
        try:
            desk.wait_for([one for own in crowd.waiting.values() for one in own])
        finally:
            stop.set()
        for done in at_work:
            done.result()
    desk.drain()

    packages = desk.proof.packages()
    settled = {name: in_order(packages, own) for name, own in crowd.waiting.items()}
    for name, times in settled.items():
        assert times == sorted(times), f"{name}: not oldest first"
    take_turns(settled)
    errors = [
        abs(told.seconds - true) / true
        for told in crowd.told
        if (true := (packages[told.messageid].finished_epoch or 0) - told.at) >= SHORTEST_S
    ]
    waits = sorted(crowd.heard[LATE].waits)
    print(
        f"{desk.world.database.dialect}: {sum(BACKLOGS.values())} packages of "
        f"{len(BACKLOGS)} senders drained in {span(settled):.0f} s; {len(errors)} estimates, "
        f"median error {statistics.median(errors):.0%}; meanwhile {len(waits)} packages taken "
        f"in, p95 {1000 * waits[int(len(waits) * 0.95)]:.0f} ms"
    )
    assert statistics.median(errors) <= ERROR


def span(settled: dict[str, list[float]]) -> float:
    """Return the seconds from the first settled package to the last."""
    return max(map(max, settled.values())) - min(map(min, settled.values()))


def take_turns(settled: dict[str, list[float]]) -> None:
    """While two senders both wait, neither is served more than one package before the other."""
    for name, times in settled.items():
        for other, theirs in settled.items():
            for turn in range(1, min(len(times), len(theirs))):
                assert times[turn - 1] <= theirs[turn], f"{other} before {name} in turn {turn}"
