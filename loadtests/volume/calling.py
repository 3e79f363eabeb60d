"""One measured call of a Locust user, as cheap as it can be: no cookies, redirects or retries.

Locust's own HTTP users cost about twice as much a call; here the machine that is measured makes
the load as well. Locust hears of every call all the same.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from geventhttpclient import HTTPClient
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS

from loadtests.volume.recorder import CLOCK, Recorder
from sandbox.wire.ministry import BASE

AWAY_S = 1.0
"""Pause after a call that nobody answered, or that failed without saying when to come again."""
HEADERS = {"Content-Type": "application/json", "User-Agent": "hocba-load"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status 0 when nothing did."""

    status: int
    code: str | None
    body: dict[str, Any]
    retry_after: float

    @property
    def good(self) -> bool:
        """Whether the desk did what it was asked."""
        return self.status == 200 and self.code == "0"


class Caller:
    """Calls one desk over a few kept connections and tells Locust and the recorder."""

    def __init__(
        self, desk: str, *, environment: Any, recorder: Recorder, connections: int
    ) -> None:
        address = urlsplit(desk)
        self._events = environment.events.request
        self._recorder = recorder
        self._path = f"{address.path}{BASE}/"
        self._http = HTTPClient(
            str(address.hostname),
            port=address.port or 80,
            concurrency=connections,
            connection_timeout=10.0,
            network_timeout=120.0,
            headers=HEADERS,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def call(
        self, service: str, body: bytes, *, due: float | None = None, counted: bool = True
    ) -> Answer:
        """Make one call, timed from the moment it was *due* when that is said.

        What is not *counted* stays out of the run's calls, and can be no failure of it.
        """
        at, began = CLOCK.epoch(), time.perf_counter()
        answer, length, error = self._post(self._path + service, body)
        ms = 1000 * (time.perf_counter() - began)
        if due is not None:
            ms += 1000 * max(0.0, at - due)
        good = answer.status == 200 and answer.code in ("0", "SBX-1201")
        if error is None and not good and counted:
            error = RuntimeError(f"{answer.status} {answer.code}")
        self._events.fire(
            request_type="POST",
            name=service if counted else f"poison {service}",
            response_time=ms,
            response_length=length,
            exception=error,
            context={},
            start_time=at,
            url=service,
            response=None,
        )
        if counted:
            self._recorder.call((service, round(at, 3), round(ms, 2), answer.status, answer.code))
        return answer

    def _post(self, path: str, body: bytes) -> tuple[Answer, int, Exception | None]:
        try:
            response = self._http.request("POST", path, body=body)
            said = response.read()
        except FAILURE_EXCEPTIONS as error:
            return Answer(0, None, {}, AWAY_S), 0, error
        wait = str(response.get("retry-after", "")) if response.status_code != 200 else ""
        return _read(response.status_code, bytes(said), wait), len(said), None


def _read(status: int, said: bytes, wait: str) -> Answer:
    try:
        body = json.loads(said)
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    code = body.get("Error", body.get("error"))
    pause = 0.0
    if status == 429 or status >= 500:
        pause = float(wait) if wait.isdigit() else AWAY_S
    return Answer(status, None if code is None else str(code), body, pause)
