"""Senders over real HTTP who never give up on a delivery, and say what they were answered."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import httpx

from sandbox.synthetic import School
from sandbox.wire.ministry import wire_password
from tests.builders.chaos_goods import Goods
from tests.builders.ministry import PASSWORD, department

GIVEN_UP_AFTER_S = 150.0
PATIENCE_S = 45.0
"""How long an answer may take: longer than a writer waits for its turn on SQLite."""
PAUSE_S = 0.05
LONGEST_PAUSE_S = 0.3
"""A sender of a round of seconds does not wait as long as `Retry-After` tells it."""


class Manner(StrEnum):
    """How a package is delivered."""

    ONCE = "once"
    AGAIN = "again"
    """The same messageid and content once more, after the receipt."""
    AT_ONCE = "at once"
    """The same messageid and content by two connections in the same moment."""
    OTHER_CONTENT = "other content"
    """Afterwards another content under the messageid of the first: to be refused."""
    ABANDONED = "abandoned"
    """Tried once, whatever the answer."""


@dataclass(frozen=True)
class Delivery:
    """One package under one messageid."""

    messageid: str
    goods: Goods
    manner: Manner = Manner.ONCE
    other: Goods | None = None


@dataclass
class Heard:
    """What senders were answered; filled by several threads."""

    acknowledged: dict[str, Goods] = field(default_factory=dict)
    abandoned: dict[str, Goods] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """Answers nobody should get."""
    unreachable: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    """Seconds of each receipt."""

    def note(self, answer: httpx.Response) -> None:
        """Keep the status; an answer of a desk that broke instead of waiting is wrong."""
        self.statuses[answer.status_code] += 1
        if answer.status_code in (503, 504):
            if not answer.headers.get("retry-after", "").isdigit():
                self.wrong.append(f"{answer.status_code} without Retry-After: {answer.text[:300]}")
        elif answer.status_code >= 500:
            self.wrong.append(f"{answer.status_code} {answer.request.url.path} {answer.text[:300]}")


class Sender:
    """One thread of deliveries. It turns to another web process when one does not answer.

    *account*: which of a school's accounts it is; the first has no name of its own.
    """

    def __init__(
        self, bases: Sequence[str], heard: Heard, tokens: dict[str, str], *, account: str = ""
    ) -> None:
        self._account = account
        self._bases = itertools.cycle(bases)
        self.base = next(self._bases)
        self._heard = heard
        self._tokens = tokens

    def run(self, deliveries: Sequence[Delivery]) -> None:
        """Deliver everything, one after the other."""
        with httpx.Client(timeout=PATIENCE_S, trust_env=False) as http:
            for delivery in deliveries:
                self._deliver(http, delivery)

    def _deliver(self, http: httpx.Client, delivery: Delivery) -> None:
        content = delivery.goods.content
        if delivery.manner is Manner.ABANDONED:
            self._heard.abandoned[delivery.messageid] = delivery.goods
            self._try(http, delivery, content)
            return
        if delivery.manner is Manner.AT_ONCE:
            with ThreadPoolExecutor(2) as two:
                gate = threading.Barrier(2)
                for done in [
                    two.submit(self._insist, http, delivery, content, gate) for _ in range(2)
                ]:
                    done.result()
        else:
            self._insist(http, delivery, content)
        self._heard.acknowledged[delivery.messageid] = delivery.goods
        if delivery.manner is Manner.AGAIN:
            self._insist(http, delivery, content)
        elif delivery.other is not None:
            said = self._insist(http, delivery, delivery.other.content, wanted="SBX-1107")
            assert said["ResponseCode"] == "TU_CHOI"

    def _insist(
        self,
        http: httpx.Client,
        delivery: Delivery,
        content: str,
        gate: threading.Barrier | None = None,
        wanted: str = "0",
    ) -> dict[str, Any]:
        """Send until *wanted* is answered."""
        until = time.monotonic() + GIVEN_UP_AFTER_S
        if gate is not None:
            gate.wait()
        while time.monotonic() < until:
            answer = self._try(http, delivery, content)
            if answer is not None and answer["Error"] == wanted:
                return answer
        raise AssertionError(f"{delivery.messageid}: not {wanted} in {GIVEN_UP_AFTER_S:.0f} s")

    def _try(self, http: httpx.Client, delivery: Delivery, content: str) -> dict[str, Any] | None:
        school = delivery.goods.school
        fields = {
            "nam_hoc": 2024,
            "messageid": delivery.messageid,
            "type": "1",
            "function": "NOP_HOC_BA",
        }
        began = time.monotonic()
        said = self.call(http, school, "/hoc-ba", fields, content=content)
        if said is not None and said["Error"] == "0":
            self._heard.waits.append(time.monotonic() - began)
        return said

    def result(self, http: httpx.Client, school: School, messageid: str) -> dict[str, Any] | None:
        """Ask once for a result (type 2)."""
        fields = {"messageid": messageid, "type": "2", "function": "TRA_KET_QUA_NOP"}
        return self.call(http, school, "/hoc-ba/trang-thai", fields)

    def fields(self, http: httpx.Client, school: School, messageid: str) -> dict[str, Any]:
        """Return what stands in `authenticationRequest` of any submission; logs in first."""
        self.logs_in(http, school)
        return {**self._who(school), "token": self._tokens[school.code], "messageid": messageid}

    def _who(self, school: School) -> dict[str, str]:
        return {
            "user_name": f"truong{school.code}{self._account}",
            "password": wire_password(PASSWORD),
            "ma_don_vi": school.code,
        }

    def logs_in(self, http: httpx.Client, school: School) -> bool:
        """Fetch a token if there is none; False when there is none now."""
        if not self._tokens.get(school.code):
            fresh = self._post(http, "/token", self._who(school))
            if fresh is None or not fresh.get("token"):
                return False
            self._tokens[school.code] = str(fresh["token"])
        return True

    def call(
        self, http: httpx.Client, school: School, path: str, fields: dict[str, Any], **body: Any
    ) -> dict[str, Any] | None:
        """Call a service once; None when there was no answer, or one that says to come again."""
        if not self.logs_in(http, school):
            return None
        token = self._tokens.get(school.code, "")
        request = {"authenticationRequest": {**self._who(school), "token": token, **fields}, **body}
        said = self._post(http, path, request)
        if said is not None and said["Error"] == "SBX-1103":  # the token has run out
            self._tokens.pop(school.code, None)
            return None
        return said

    def _post(self, http: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        try:
            answer = http.post(f"{self.base}{path}", json=body)
        except httpx.HTTPError as broken:
            self._heard.unreachable.append(f"{type(broken).__name__}: {broken}")
            self.base = next(self._bases)
            time.sleep(PAUSE_S)
            return None
        self._heard.note(answer)
        if answer.status_code in (429, 500, 503, 504):
            told = answer.headers.get("retry-after", "1")
            time.sleep(min(LONGEST_PAUSE_S, float(told) if told.isdigit() else PAUSE_S))
            return None
        said: dict[str, Any] = answer.json()
        return said


def base_of(port: int, space: str) -> str:
    """Return the address of the practice Sở's Cổng on a loopback port."""
    return f"http://127.0.0.1:{port}/s/{space}/kho/so/{department().code}/sandbox/v1"
