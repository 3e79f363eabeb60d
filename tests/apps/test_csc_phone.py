"""Confirmation on the practice phone, asked for over the CSC API: polled, and called back once."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import Any

import jsonschema
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes as hashing
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from sandbox.wire import csc as wire
from tests.builders.csc import ENGINEER, P256, RSA, Gateway, Program, code_of, gateway, hashes

METHOD = "sandbox/confirmation/request"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("csc")) as opened:
        yield opened


class Receiver:
    """A provider's call-back address on this machine; `answer` is the status it gives."""

    def __init__(self, *, status: int = 200) -> None:
        self.got: Queue[tuple[bytes, str]] = Queue()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.put((body, self.headers[wire.SIGNATURE_HEADER]))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/ket-qua"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    opened = Receiver()
    yield opened
    opened.server.shutdown()
    opened.server.server_close()


def ask(program: Program, mark: str, count: int = 2, **changes: Any) -> Any:
    """Send a request for *count* documents; return the answer."""
    place = changes.pop("place", P256)
    body = {
        "credentialID": program.credential(place),
        "hash": hashes(count, mark),
        "signAlgo": wire.SHA256_ECDSA_OID if place == P256 else wire.SHA256_RSA_OID,
        "description": "Ký hồ sơ thử nghiệm",
        "documents": [f"Hồ sơ {mark} {n}" for n in range(count)],
        "requestID": f"request-{mark}",
    } | changes
    return program.post(METHOD, body)


def status(program: Program, transaction: str) -> dict:
    answer = program.post("sandbox/confirmation/status", {"transactionID": transaction})
    assert answer.status_code == 200, answer.text
    jsonschema.validate(answer.json(), wire.schemas()["output.sandbox/confirmation/status"])
    told: dict = answer.json()
    return told


def phone(desk: Gateway) -> Any:
    """Return a browser on the engineer's practice phone."""
    browser = desk.room.browser()
    browser.open(desk.room.phone_path(ENGINEER))
    return browser


def approve(desk: Gateway) -> None:
    browser = phone(desk)
    browser.follow("Xem yêu cầu")
    browser.follow("Ký số")
    browser.press("Xác nhận ký 2 tài liệu", pin=desk.pin())


def test_the_owner_approves_on_the_phone(desk: Gateway, receiver: Receiver) -> None:
    """The phone names every document; approved, polling and the call-back bring signatures."""
    user = desk.user()
    answer = ask(user, "duyet", callback={"url": receiver.url}, clientData="don-17")
    jsonschema.validate(answer.json(), wire.schemas()[f"output.{METHOD}"])
    told = answer.json()
    assert (told["status"], told["number"], told["expiresIn"]) == ("pending", 4000, 300)
    shown = phone(desk)
    page = shown.follow("Xem yêu cầu")
    assert "Hồ sơ duyet 1" in page.words
    assert "Ký hồ sơ thử nghiệm" in page.words

    approve(desk)
    after = status(user, told["transactionID"])
    assert (after["status"], after["number"], after["clientData"]) == ("approved", 1, "don-17")
    info = user.post("credentials/info", {"credentialID": user.credential(P256)}).json()
    der = base64.b64decode(info["cert"]["certificates"][0])
    key = x509.load_der_x509_certificate(der).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    for signature, hash_ in zip(after["signatures"], hashes(2, "duyet"), strict=True):
        key.verify(
            base64.b64decode(signature),
            base64.b64decode(hash_),
            ec.ECDSA(Prehashed(hashing.SHA256())),
        )
    body, signed = receiver.got.get(timeout=10)
    assert json.loads(body) == after
    secret = desk.csc.practice.client(desk.room.space).secret
    assert signed == wire.signature_of(body, secret=secret)


def test_the_owner_refuses(desk: Gateway, receiver: Receiver) -> None:
    """Refused on the phone: 4002, one call-back, and polling goes on saying so."""
    user = desk.user()
    told = ask(user, "tu-choi", callback={"url": receiver.url}).json()
    browser = phone(desk)
    browser.follow("Xem yêu cầu")
    browser.press("Từ chối")

    assert json.loads(receiver.got.get(timeout=10)[0])["status"] == "refused"
    assert [status(user, told["transactionID"])["number"] for _ in range(2)] == [4002, 4002]
    assert receiver.got.empty()
    end = time.monotonic() + 10  # the line follows the call
    while events_of(desk).count("called_back") < 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert events_of(desk).count("called_back") == 2


def events_of(desk: Gateway) -> list[str]:
    return [event for event, _ in desk.ledger()]


def test_a_request_expires_while_nobody_looks(desk: Gateway, receiver: Receiver) -> None:
    """After five minutes of the space it is expired, for the poller and the receiver."""
    user = desk.user()
    told = ask(user, "het-han", callback={"url": receiver.url}).json()
    desk.pass_time(minutes=5)

    assert status(desk.user(), told["transactionID"])["number"] == 4001
    assert json.loads(receiver.got.get(timeout=10)[0])["status"] == "expired"


def test_three_wrong_pins_end_the_request(desk: Gateway) -> None:
    """Locked on the phone, the program is told 4003."""
    user = desk.user()
    told = ask(user, "khoa").json()
    browser = phone(desk)
    for _ in range(3):
        browser.open(f"{desk.room.phone_path(ENGINEER)}/yeu-cau/{told['transactionID']}/ma-pin")
        browser.press("Xác nhận ký 2 tài liệu", pin="102938")

    assert status(user, told["transactionID"])["status"] == "locked"
    desk.room.service.issuing.unlock(desk.room.space, ENGINEER, by="trainer")


def test_a_receiver_that_fails_holds_up_nobody(desk: Gateway) -> None:
    """Nobody listens at the address: the signature is made all the same, the ledger says so."""
    user = desk.user()
    told = ask(user, "tat", callback={"url": "http://127.0.0.1:9/nobody"}).json()
    approve(desk)
    assert status(user, told["transactionID"])["status"] == "approved"

    for _ in range(200):
        calls = [detail for event, detail in desk.ledger() if event == "called_back"]
        if calls[0]["answer"] == "none":
            break
        threading.Event().wait(0.05)
    assert calls[0]["answer"] == "none"


def test_the_same_request_is_asked_once(desk: Gateway) -> None:
    """The same requestID: the same transaction; with other hashes: refused; another waits: E3."""
    user = desk.user()
    first = ask(user, "mot-lan").json()["transactionID"]

    assert ask(user, "mot-lan").json()["transactionID"] == first
    other = ask(user, "mot-lan", hash=hashes(2, "x"))
    assert code_of(other) == (409, "invalid_request", "REQUEST_ID_REUSED")
    second = ask(user, "hai-lan")
    assert code_of(second) == (409, "invalid_request", "ALREADY_WAITING")
    assert second.json()["sandbox"]["transactionID"] == first
    approve(desk)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"callback": {"url": "http://example.test/x"}}, "CALLBACK_OUTSIDE"),
        ({"callback": {"url": "https://127.0.0.1/x"}}, "CALLBACK_OUTSIDE"),
        ({"callback": {"url": "http://127.0.0.1.example.test/x"}}, "CALLBACK_OUTSIDE"),
        ({"documents": ["một"]}, "DOCUMENTS_DIFFER"),
        ({"hash": hashes(51)}, "TOO_MANY_HASHES"),
        ({"signAlgo": wire.RSA_OID}, "SIGN_ALGO_INVALID"),
        ({"requestID": "short"}, "INVALID_PARAMETER"),
    ],
)
def test_a_faulty_request_does_not_reach_the_phone(desk: Gateway, changes: dict, code: str) -> None:
    """Refused at once; nothing waits on the phone."""
    user = desk.user()

    assert code_of(ask(user, "sai", **changes)) == (400, "invalid_request", code)
    device, _ = desk.room.service.phones.phone(desk.room.space, ENGINEER)
    assert desk.room.service.confirming.look(desk.room.space, device).waiting == ()


def test_a_transaction_is_its_senders_own(desk: Gateway) -> None:
    """Another program cannot poll it; an RSA credential works as well, unnamed documents too."""
    user = desk.user()
    told = ask(user, "rieng", place=RSA, documents=None).json()
    answer = desk.client().post(
        "sandbox/confirmation/status", {"transactionID": told["transactionID"]}
    )
    assert code_of(answer) == (404, "invalid_request", "TRANSACTION_UNKNOWN")
    assert "Tài liệu 2" in phone(desk).follow("Xem yêu cầu").words
    approve(desk)
    assert len(status(user, told["transactionID"])["signatures"]) == 2
