"""A signing room with the CSC API, responders beside it, and a provider's program that calls it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from sandbox.clock import FixedClock
from sandbox.responders import RespondersService
from sandbox.responders import http as responders_http
from sandbox.signing import csc_http, csc_pages
from sandbox.signing.csc_service import CscService
from sandbox.wire import csc as wire
from sandbox.wire.responders import EventKind
from tests.builders.phone import Room, make_room, serving

ENGINEER, OTHER = "948190099001", "948190099002"
RSA, P256, SEAL = 0, 1, 2
"""Places of the first engineer's credentials in `credentials/list`."""


@dataclass
class Gateway:
    """The served room, its clock and its CSC API."""

    room: Room
    csc: CscService
    responders: RespondersService
    clock: FixedClock

    @property
    def url(self) -> str:
        return self.room.base + wire.BASE_PATH

    def pass_time(self, **by: float) -> None:
        """Let time go by, for the machine and the space."""
        self.clock.advance(timedelta(**by).total_seconds())

    def pin(self, holder: str = ENGINEER) -> str:
        return next(
            one.pin
            for one in self.csc.practice.accounts(self.room.space)
            if one.holder == holder and one.pin is not None
        )

    def user(self, holder: str = ENGINEER) -> Program:
        """Return a program in which *holder* has logged in."""
        self.csc.practice.prepare(self.room.space)
        program = Program(self)
        password = self.csc.practice.password(self.room.space, holder)
        answer = program.login(holder, password)
        assert answer.status_code == 200, answer.text
        program.token = answer.json()["access_token"]
        program.holder = holder
        return program

    def client(self) -> Program:
        """Return a program that has a token of its own and no user."""
        client = self.csc.practice.client(self.room.space)
        program = Program(self)
        answer = program.form(
            "oauth2/token",
            {
                "grant_type": "client_credentials",
                "client_id": client.id,
                "client_secret": client.secret,
            },
        )
        assert answer.status_code == 200, answer.text
        program.token = answer.json()["access_token"]
        return program

    def ledger(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Return the ledger's events with their details, newest first."""
        return [(line.event, line.detail) for line in self.room.service.ledger(self.room.space)]

    def tell(self, serial: str, kind: EventKind, *, issuer: str = "GIA_LAP_CA") -> None:
        """Have something happen to a certificate."""
        answer = self.room.client.post(
            f"{self.room.base}/ca/v1/su-kien",
            json={"to_chuc_cap": issuer, "so_hieu": serial, "su_kien": kind.value},
            headers={"Authorization": "Bearer admin-token-of-the-tests"},
        )
        assert answer.status_code == 201, answer.text


@dataclass
class Program:
    """What a provider writes: calls with a token."""

    gateway: Gateway
    token: str | None = None
    holder: str = ""

    def post(self, method: str, body: Any = None, **headers: str) -> httpx.Response:
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        return self.gateway.room.client.post(
            f"{self.gateway.url}/{method}", json={} if body is None else body, headers=headers
        )

    def form(self, method: str, body: Mapping[str, str], **headers: str) -> httpx.Response:
        return self.gateway.room.client.post(
            f"{self.gateway.url}/{method}", data=dict(body), headers=headers
        )

    def login(self, user: str, password: str, **body: Any) -> httpx.Response:
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        return self.gateway.room.client.post(
            f"{self.gateway.url}/auth/login", json=body, headers={"Authorization": f"Basic {basic}"}
        )

    def credential(self, place: int = RSA) -> str:
        body = {} if self.holder else {"userID": ENGINEER}
        found: str = self.post("credentials/list", body).json()["credentialIDs"][place]
        return found

    def otp(self, credential: str) -> str:
        """Have a code sent and read it, or read the time-based one."""
        sent = self.post("credentials/sendOTP", {"credentialID": credential})
        holder = self.holder or ENGINEER
        space = self.gateway.room.space
        if sent.status_code == 204:
            return self.gateway.room.service.otp.messages(space, holder)[0].code
        return self.gateway.room.service.otp.current(space, holder).code

    def authorize(self, credential: str, hashes: list[str], **changes: Any) -> httpx.Response:
        body = {
            "credentialID": credential,
            "numSignatures": len(hashes),
            "hash": hashes,
            "PIN": self.gateway.pin(self.holder or ENGINEER),
        } | changes
        if "OTP" not in body:
            body["OTP"] = self.otp(credential)
        return self.post("credentials/authorize", {k: v for k, v in body.items() if v is not None})

    def sad(self, credential: str, hashes: list[str], **changes: Any) -> str:
        answer = self.authorize(credential, hashes, **changes)
        assert answer.status_code == 200, answer.text
        found: str = answer.json()["SAD"]
        return found

    def sign(self, credential: str, sad: str, hashes: list[str], **changes: Any) -> httpx.Response:
        body = {
            "credentialID": credential,
            "SAD": sad,
            "hash": hashes,
            "signAlgo": wire.SHA256_RSA_OID,
            "hashAlgo": wire.SHA256_OID,
        }
        return self.post("signatures/signHash", body | changes)


def code_of(answer: httpx.Response) -> tuple[int, str, str]:
    """Return status, the standard's error and this service's own code."""
    told = answer.json()
    return answer.status_code, told["error"], told["sandbox"]["code"]


def hash_of(text: str) -> str:
    """Return the SHA-256 of *text* in base64."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def hashes(count: int, mark: str = "") -> list[str]:
    return [hash_of(f"{mark}{number}") for number in range(count)]


_KEPT: dict[str, bytes] = {}
"""RSA keys made once for a whole run of the tests."""


@contextmanager
def gateway(folder: Path, **values: Any) -> Iterator[Gateway]:
    """Serve a signing room with the CSC API, and responders, on one port."""
    clock, keys = FixedClock(), folder / "keys"
    keys.mkdir()
    for name, pem in _KEPT.items():
        (keys / name).write_bytes(pem)
    room = make_room(folder, clock=clock, **values)
    responders = RespondersService(room.database, clock, room.spaces, room.service.office.authority)
    responders.prepare()
    for router in responders_http.routers(responders):
        room.app.include_router(router)
    with serving(room):
        csc = CscService(room.service, responders_url=room.base)
        for router in (*csc_http.routers(csc), *csc_pages.routers(csc)):
            room.app.include_router(router)
        yield Gateway(room, csc, responders, clock)
    _KEPT.update({path.name: path.read_bytes() for path in keys.iterdir()})
