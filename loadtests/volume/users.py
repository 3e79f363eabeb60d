"""Who sends a corpus: schools' software handing in packages read from disk one by one.

A user takes the next school, gets its token, sends its packages in order, and takes the next.
Of every so many packages, and of each school's last, the result is asked for until it is final. A
desk takes a sender's packages in the order they came, so what the school sent before is settled
too: so a user of a closed loop keeps few packages waiting without asking about each.
"""

from __future__ import annotations

import itertools
import random
import time
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import gevent
from gevent.event import Event
from locust import User, task
from locust.exception import StopUser

from loadtests.volume.bodies import asking, body_of, head_of, messageid_of, submitting
from loadtests.volume.calling import Answer, Caller
from loadtests.volume.corpus import Source
from loadtests.volume.plan import RESULT, SUBMIT, TOKEN, PoisonLine, PoisonSeen, VolumePlan
from loadtests.volume.recorder import CLOCK, Recorder

TRIES = 6
"""How often a package is handed in that found nobody, a busy desk, or an old token."""
MOST_WAIT_S = 30.0
"""Longest pause a Retry-After is honoured for."""
EARLY = 0.7
"""Share of the time results usually take after which one is asked for first."""
PATIENCE = 0.1
"""Share of the time waited so far that a user waits before asking again: the longer a queue, the
less it is asked about, and a result's time is known to a tenth."""
READ_BYTES = 262_144
CONNECTIONS = 16
"""At most, of one user: its own and those of results it waits for."""


@dataclass(slots=True)
class Login:
    """An account and its token, as the first bytes of every request."""

    unit: str
    user_name: str
    password: str
    head: bytes = b""

    def signed_in(self, token: str) -> None:
        """Use *token* from now on."""
        self.head = head_of(token=token, user_name=self.user_name, password=self.password)


class Window:
    """How many packages of one user wait for their result, as far as the user knows.

    Counted by sender: desks take senders in turn, so one's result says nothing of another's.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._open: dict[str, int] = {}
        self._room = Event()

    def wait(self) -> None:
        """Wait until one more package may be sent."""
        while self._most is not None and sum(self._open.values()) >= self._most:
            self._room.clear()
            self._room.wait()

    def sent(self, sender: str) -> None:
        """One more package of *sender* is on its way."""
        self._open[sender] = self._open.get(sender, 0) + 1

    def settled(self, sender: str, count: int) -> None:
        """*count* more packages of *sender* have their result."""
        left = self._open.get(sender, 0) - count
        if left > 0:
            self._open[sender] = left
        else:
            self._open.pop(sender, None)
        self._room.set()


class NationUser(User):
    """Sends whole schools, one after the other."""

    abstract = True
    plan: VolumePlan
    recorder: Recorder
    sources: Iterator[Source]
    slots: Iterator[int]
    """Numbers of the moments at which packages are due in an open loop."""
    poisons: Iterator[int]
    alive: list[NationUser]
    """Users of this process that still send."""

    def on_start(self) -> None:
        """Begin with no school."""
        said = self.plan.profile.corpus
        assert said is not None
        self.said = said
        self.caller = Caller(
            self.plan.desk,
            environment=self.environment,
            recorder=self.recorder,
            connections=CONNECTIONS,
        )
        self.window = Window(said.open_packages if self.plan.per_s is None else None)
        self.watchers: list[Any] = []
        self.usual_s = 0.0
        self.file: BinaryIO | None = None
        self.left: deque[int] = deque()
        self.unasked = 0
        self.login = Login("", "", "")
        self.poison_logins: dict[str, Login] = {}
        self.alive.append(self)

    def on_stop(self) -> None:
        """Close what is open."""
        self.caller.close()
        if self.file is not None:
            self.file.close()
            self.file = None

    @task
    def hand_in(self) -> None:
        """Send one package; take the next school when this one is through."""
        if not self.left:
            source = next(self.sources, None)
            if source is None or self.recorder.full:
                self._leave()
            else:
                self._take(source)
            return
        self.window.wait()
        due = self._due()
        if self.recorder.full:
            self._leave()
        assert self.file is not None
        before = time.thread_time()
        line = self.file.readline()
        messageid = messageid_of(line)
        self.recorder.body_cpu_s += time.thread_time() - before
        self._submit(line, messageid, self.left.popleft(), due=due)
        every = self.plan.poison_every
        if every and self.recorder.sent % every == every // 2:
            self._poison()

    # ------------------------------------------------------------------ one package

    def _submit(self, line: bytes, messageid: str, records: int, *, due: float | None) -> None:
        self.recorder.sending(records)
        self.window.sent(self.login.unit)
        sent_at = CLOCK.epoch() if due is None else due
        answer = self._until_taken(line, due=due)
        if answer.good:
            self.recorder.acknowledged(records)
        else:
            self.window.settled(self.login.unit, 1 if self.left else 1 + self.unasked)
        self.unasked += answer.good
        if answer.good and (self.unasked >= self.said.ask_one_in or not self.left):
            asked = self.login, messageid, self.unasked, records, sent_at
            self.unasked = 0
            self.watchers = [watcher for watcher in self.watchers if not watcher.dead]
            self.watchers.append(gevent.spawn(self._watch, *asked))

    def _until_taken(self, line: bytes, *, due: float | None) -> Answer:
        """Hand in until there is a receipt or a refusal that waiting does not mend."""
        for left in reversed(range(TRIES)):
            before = time.thread_time()
            body = body_of(self.login.head, line)
            self.recorder.body_cpu_s += time.thread_time() - before
            answer = self.caller.call(SUBMIT, body, due=due)
            if answer.good or not left or self.recorder.full:
                break
            if answer.code == "SBX-1103":
                self._sign_in(self.login)
            elif answer.retry_after:
                gevent.sleep(min(answer.retry_after, MOST_WAIT_S))
            else:
                break
        return answer

    def _watch(
        self, login: Login, messageid: str, count: int, records: int, sent_at: float
    ) -> None:
        """Ask for a result until it is final; it stands for the sender's last *count* packages."""
        answer = self._result(login, messageid, sent_at)
        if answer is None:
            self.recorder.unanswered()
        else:
            rows = answer.body.get("DanhSach") or []
            seconds = CLOCK.epoch() - sent_at
            self.usual_s += (seconds - self.usual_s) / 2
            self.recorder.answered(
                sent_at=sent_at,
                seconds=seconds,
                records=records,
                accepted=sum(row.get("trang_thai") == 1 for row in rows),
            )
        self.window.settled(login.unit, count)

    def _result(
        self, login: Login, messageid: str, sent_at: float, *, counted: bool = True
    ) -> Answer | None:
        gevent.sleep(max(self.said.ask_every_s, EARLY * self.usual_s))
        while CLOCK.epoch() - sent_at < self.said.answer_within_s and not self.recorder.full:
            body = asking(login.head, unit=login.unit, messageid=messageid)
            answer = self.caller.call(RESULT, body, counted=counted)
            if answer.status == 200 and answer.code != "SBX-1201":
                return answer
            if answer.code == "SBX-1103":
                self._sign_in(login)
            patience = PATIENCE * (CLOCK.epoch() - sent_at)
            wait = min(answer.retry_after, MOST_WAIT_S)
            gevent.sleep(max(self.said.ask_every_s, patience, wait))
        return None

    # ------------------------------------------------------------------ schools

    def _take(self, source: Source) -> None:
        if self.file is not None:
            self.file.close()
        self.file = Path(source.file).open("rb", READ_BYTES)  # noqa: SIM115 - read until the next school
        self.left = deque(source.records)
        self.unasked = 0
        self.login = Login(source.unit, source.user_name, source.password)
        self._sign_in(self.login)

    def _sign_in(self, login: Login) -> None:
        """Service 3.1. Without a token the next call is refused, and counted so."""
        head = head_of(token="", user_name=login.user_name, password=login.password)
        body = head.replace(b'"authenticationRequest":{"token":"",', b"", 1)
        body += b',"ma_don_vi":"' + login.unit.encode() + b'"}'
        answer = self.caller.call(TOKEN, body)
        login.signed_in(str(answer.body.get("token") or ""))

    def _due(self) -> float | None:
        """Wait for the next moment of an open loop; None in a closed one."""
        if self.plan.per_s is None:
            return None
        due = self.began + next(self.slots) / self.plan.per_s
        gevent.sleep(max(0.0, due - CLOCK.epoch()))
        return due

    began: float
    """Machine second at which the open loop began."""

    def _leave(self) -> None:
        """Stop this user once its results are known; the last one ends the run."""
        gevent.joinall(self.watchers, timeout=self.said.answer_within_s)
        self.alive.remove(self)
        if not self.alive:
            self.recorder.ended_by = "calls" if self.recorder.full else "done"
            self.environment.runner.quit()
        raise StopUser

    # ------------------------------------------------------------------ poison

    def _poison(self) -> None:
        """Send one hostile package, the kinds in turn, and ask for its result."""
        number = next(self.poisons)
        line = self.plan.poison[number % len(self.plan.poison)]
        chance = random.Random(f"{self.plan.profile.seed}/{self.plan.outcome_file}/{number}")
        messageid = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        self.watchers.append(gevent.spawn(self._poison_one, line, messageid))

    def _poison_one(self, line: PoisonLine, messageid: str) -> None:
        login = Login(line.unit, line.user_name, line.password)
        self._sign_in(login)
        body = submitting(
            login.head,
            unit=line.unit,
            year=self.plan.school_year,
            messageid=messageid,
            content=Path(line.file).read_bytes(),
        )
        sent_at = CLOCK.epoch()
        answer = self.caller.call(SUBMIT, body, counted=False)
        seen = PoisonSeen(
            kind=line.kind,
            status=answer.status,
            error=answer.code,
            acknowledged=answer.good,
            final=not answer.good and answer.status > 0,
            accepted=0,
            records=0,
        )
        if answer.good:
            result = self._result(login, messageid, sent_at, counted=False)
            if result is not None:
                rows = result.body.get("DanhSach") or []
                accepted = sum(row.get("trang_thai") == 1 for row in rows)
                codes = [result.code] + [row.get("error") for row in rows]
                worst = next((code for code in codes if code not in (None, "0")), "0")
                seen = seen.model_copy(
                    update={
                        "error": worst,
                        "final": True,
                        "accepted": accepted,
                        "records": len(rows),
                    }
                )
        self.recorder.poisoned(seen)


def sources_of(file: Path) -> Iterator[Source]:
    """Yield the schools of a process one by one, as users ask for them."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield Source.model_validate_json(line)


def numbers() -> Iterator[int]:
    """Return numbers from 0, shared by the users of a process."""
    return itertools.count()
