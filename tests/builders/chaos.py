"""Storms over a whole installation: processes die, the database goes, clocks jump; then calm.

`storms` runs an installation of two web and two checking processes on one database, lets senders
deliver over HTTP while mishaps happen at random moments, and proves after each round that
everything acknowledged was settled once (`chaos_proof`).
"""

from __future__ import annotations

import re
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import httpx

from sandbox.clock import VIETNAM
from sandbox.settings import read_settings
from sandbox.wire.admin import ADMIN_PATH
from sandbox.world.build import World, build_world
from tests.builders.chaos_goods import Goods, goods
from tests.builders.chaos_places import Place
from tests.builders.chaos_processes import CLAIM_VARIABLE, Child, Processes, free_port
from tests.builders.chaos_proof import Proof
from tests.builders.chaos_senders import PATIENCE_S, Delivery, Heard, Manner, Sender, base_of
from tests.builders.ministry import SEED, department, desk_seeds

SPACE = "bao"
OPENED_AT = datetime(2025, 5, 30, 8, 0, tzinfo=VIETNAM)
FARTHEST = timedelta(days=12)
"""How far a round moves the space's clock at most: signing lies before, the lock date behind."""
MACHINE_SHIFTS = (-86_400, -1800, -1, 0, 1, 7200)
"""Seconds the machine's clock is off. What was due later than a moment ahead is due at once."""
PACKAGES = 7
SENDERS = 3
SETTLED_WITHIN_S = 150.0
BACKLOG_WITHIN_S = 900.0
FULL_PROOF_EVERY = 10
COMPOSURE_S = 2.2
"""A process that was waiting has tried again by then."""
LOGINS = 6

FAULT = re.compile(r"^Traceback|^\S+ (error|critical) ", re.MULTILINE)
"""What no process may log, whatever the weather: waiting is told as a warning."""

COMPLAINT = re.compile(r"\bwaits\b|unavailable on")
KILL_CHECKER, KILL_WEB = "checker killed", "web killed"
SPACE_CLOCK, MACHINE_CLOCK = "space clock moved", "machine clock moved"
MANNERS = (
    *[Manner.ONCE] * 9,
    *[Manner.AGAIN] * 3,
    *[Manner.AT_ONCE] * 3,
    Manner.OTHER_CONTENT,
    Manner.ABANDONED,
)
TWIN_SHARE = 0.15
"""Packages whose content is delivered a second time under another messageid."""


@dataclass
class Tally:
    """What the figures line says."""

    seed: int
    rounds: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    unreachable: int = 0
    verified_by_xmlsec1: int = 0
    longest_s: float = 0.0


@dataclass
class Storms:
    """An installation in bad weather."""

    place: Place
    processes: Processes
    proof: Proof
    world: World
    folder: Path
    chance: Random
    tally: Tally
    _stock: Iterator[Goods]
    _tokens: dict[str, str] = field(default_factory=dict)
    _forms: list[str] = field(default_factory=list)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every mishap that can happen here."""
        clock = (MACHINE_CLOCK,) if self.processes.fakes_time else ()
        return (KILL_CHECKER, KILL_WEB, SPACE_CLOCK, *clock, *self.place.kinds)

    def next_kinds(self) -> list[str]:
        """Draw one or two mishaps; every kind comes once before one comes again."""
        drawn: list[str] = []
        for _ in range(self.chance.randint(1, 2)):
            if not self._forms:
                self._forms = self.chance.sample(self.kinds, len(self.kinds))
            drawn.append(self._forms.pop())
        return drawn

    def round(self) -> None:
        """Deliver amid one or two mishaps, then let calm return and prove what is cheap."""
        began = time.monotonic()
        kinds = self.next_kinds()
        heard = Heard()
        before = {child.pid for child in self.processes.everyone}
        stock = self._deliveries()
        with ThreadPoolExecutor(SENDERS) as pool:
            at_work = [
                pool.submit(self.sender(heard).run, stock[number::SENDERS])
                for number in range(SENDERS)
            ]
            killed = self._suffer(kinds)
            self._calm(before - killed)
            _finish(at_work)
        self.drain()
        self._judge(kinds, heard)
        self.tally.rounds += 1
        self.tally.kinds.update(kinds)
        self.tally.longest_s = max(self.tally.longest_s, time.monotonic() - began)
        if self.tally.rounds % FULL_PROOF_EVERY == 0:
            self.prove()

    def prove(self, *, every: bool = False) -> None:
        """Hold everything against everything, once every process has come to itself."""
        self._everybody_works()
        self.proof.every_good_record_is_in()
        self.proof.records_are_whole()
        self.proof.results_stand(every=every)
        self.proof.counters_equal_rows()
        self.tally.verified_by_xmlsec1 += self.proof.xmlsec1_agrees(self.folder)

    def _everybody_works(self) -> None:
        """In calm no process goes on complaining, and every web process takes a login."""
        time.sleep(COMPOSURE_S)
        self.processes.news()
        time.sleep(COMPOSURE_S)
        said = self.processes.news()
        assert not COMPLAINT.search(said), said[-3000:]
        for web in self.processes.webs * LOGINS:
            heard = Heard()
            with httpx.Client(timeout=PATIENCE_S, trust_env=False) as http:
                sender = Sender([base_of(web.port, SPACE)], heard, {})
                assert sender.logs_in(http, department().schools[0]), heard

    def sender(self, heard: Heard) -> Sender:
        """Return a sender that starts at one of the web processes."""
        bases = [base_of(web.port, SPACE) for web in self.processes.webs]
        self.chance.shuffle(bases)
        return Sender(bases, heard, self._tokens)

    def _deliveries(self) -> list[Delivery]:
        found = []
        for _ in range(PACKAGES):
            one = next(self._stock)
            manner = self.chance.choice(MANNERS)
            other = next(self._stock) if manner is Manner.OTHER_CONTENT else None
            if other is not None and other.school != one.school:
                manner, other = Manner.ONCE, None
            found.append(Delivery(self.number(), one, manner, other))
            if manner is not Manner.ABANDONED and self.chance.random() < TWIN_SHARE:
                found.append(Delivery(self.number(), one))
        return found

    def one_good_delivery(self) -> Delivery:
        """Return one package, delivered once."""
        return Delivery(self.number(), next(self._stock))

    def number(self) -> str:
        """Return a fresh messageid."""
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def _suffer(self, kinds: list[str]) -> set[int]:
        """Let *kinds* happen while senders are at work; return the pids that were killed."""
        killed: set[int] = set()
        for kind in kinds:
            time.sleep(self.chance.uniform(0.02, 0.35))
            if kind in (KILL_CHECKER, KILL_WEB):
                herd = self.processes.webs if kind == KILL_WEB else self.processes.checkers
                killed.add(self._kill(self.chance.choice(herd)))
            elif kind == SPACE_CLOCK:
                self._move_space_clock()
            elif kind == MACHINE_CLOCK:
                self.processes.shift_clock(self.chance.choice(MACHINE_SHIFTS))
            else:
                self.place.break_down(kind, self.chance.random())
        time.sleep(self.chance.uniform(0.2, 0.6))
        return killed

    def _kill(self, victim: Child) -> int:
        died = victim.pid
        victim.kill()
        self.processes.bear(victim)
        return died

    def _move_space_clock(self) -> None:
        """Move the space's clock by the side door; amid another mishap it may not answer."""
        to = OPENED_AT + self.chance.random() * FARTHEST
        web = self.chance.choice(self.processes.webs)
        headers = {"Authorization": f"Bearer {self.world.settings.secrets.admin_token}"}
        address = f"http://127.0.0.1:{web.port}{ADMIN_PATH}/khong-gian/{SPACE}/gio"
        try:
            httpx.post(
                address,
                json={"den": to.isoformat()},
                headers=headers,
                timeout=5,
                trust_env=False,
            )
        except httpx.HTTPError:
            self.tally.unreachable += 1

    def _calm(self, must_live: set[int]) -> None:
        """Mend the place and start anew whatever could not start in the storm."""
        self.place.mend()
        for child in self.processes.everyone:
            if not child.alive:
                assert child.pid not in must_live, (
                    f"a {child.part} process died by itself\n{self.processes.news()[-3000:]}"
                )
                self.processes.bear(child)
        for web in self.processes.webs:
            web.wait_until_open()

    def add_checker(self) -> None:
        """Start one more checking process."""
        self.processes.checkers.append(child := Child("checker"))
        self.processes.bear(child)

    def wait_for(self, deliveries: list[Delivery]) -> None:
        """Wait until all of these are settled; others may come meanwhile."""
        until = time.monotonic() + BACKLOG_WITHIN_S
        while True:
            packages = self.proof.packages()
            if all(packages[one.messageid].finished_epoch for one in deliveries):
                return
            assert time.monotonic() < until, self.proof.waiting()
            time.sleep(1)

    def drain(self) -> None:
        """Wait until no package is open."""
        until = time.monotonic() + SETTLED_WITHIN_S
        while waiting := self.proof.open_packages():
            assert time.monotonic() < until, (
                f"{waiting} packages open after {SETTLED_WITHIN_S:.0f} s\n"
                f"{self.proof.waiting()}\n{self.processes.news()[-3000:]}"
            )
            time.sleep(0.02)

    def _judge(self, kinds: list[str], heard: Heard) -> None:
        self.tally.statuses.update(heard.statuses)
        self.tally.unreachable += len(heard.unreachable)
        assert not heard.wrong, f"{kinds}: {heard.wrong[:3]}\n{self.processes.news()[-3000:]}"
        if KILL_WEB not in kinds:
            assert not heard.unreachable, f"{kinds}: {heard.unreachable[:3]}"
        said = self.processes.news()
        assert not FAULT.search(said), f"{kinds}\n{said[-4000:]}"
        self.proof.note(heard.acknowledged, heard.abandoned)
        self._ask(heard)

    def _ask(self, heard: Heard) -> None:
        """Ask for one result as its sender does, and hold it against the table."""
        messageid, sent = self.chance.choice(sorted(heard.acknowledged.items()))
        sender = self.sender(heard)
        with httpx.Client(timeout=PATIENCE_S, trust_env=False) as http:
            until = time.monotonic() + SETTLED_WITHIN_S
            while (said := sender.result(http, sent.school, messageid)) is None:
                assert time.monotonic() < until, f"no answer about {messageid}"
        rows = {row["ma_tra_cuu_uuid"]: row["trang_thai"] for row in said["DanhSach"]}
        assert said["Error"] == "0", said
        assert rows == {one: int(self.proof.accepted.get(one) == messageid) for one in sent.records}


def _finish(at_work: list[Future[None]]) -> None:
    for sender in at_work:
        sender.result()


@contextmanager
def storms(
    place: Place, folder: Path, *, seed: int, claim_s: float = 2.0, checkers: int = 2
) -> Iterator[Storms]:
    """Run an installation on *place* and give it, in good weather still.

    *claim_s*: how long a checker holds a package; short where checkers are to be killed.
    """
    ports = [free_port(), free_port()]
    environment = {
        "HOCBA_DATA": str(folder / "data"),
        "HOCBA_DATABASE": place.url,
        "HOCBA_SEED": SEED,
        "HOCBA_PORT": str(ports[0]),
        "HOCBA_SYSTEMS": "ministry,responders",
        CLAIM_VARIABLE: str(claim_s),
    }
    world = build_world(read_settings(environment))
    space = world.spaces.open(SPACE, code="c-bao", title=SPACE, start=OPENED_AT)
    world.ministry.open_space(space, desk_seeds(profile="so"))
    processes = Processes(environment, folder)
    chance = Random(seed)
    proof = Proof(world, SPACE, Random(seed))
    stock = goods(f"chaos {seed}", Random(seed))
    try:
        processes.start(webs=ports, checkers=checkers)
        yield Storms(place, processes, proof, world, folder, chance, Tally(seed), stock)
    finally:
        processes.stop()
        world.database.close()


def figures(storms: Storms, name: str) -> str:
    """Return the line the long suite keeps."""
    tally, proof = storms.tally, storms.proof
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(tally.kinds.items()))
    statuses = ", ".join(f"{status}: {n}" for status, n in sorted(tally.statuses.items()))
    return (
        f"{name}: {tally.rounds} rounds, seed {tally.seed} ({kinds}); "
        f"{len(proof.results)} packages, {len(proof.accepted)} records accepted, "
        f"{sum(proof.refused.values())} refused; answers {statuses}; "
        f"{tally.unreachable} broken connections; longest round {tally.longest_s:.1f} s; "
        f"{tally.verified_by_xmlsec1} records verified by xmlsec1"
    )
