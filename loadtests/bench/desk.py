"""A real desk in this process: receipt, worker, durable store, answer; on either database.

CPU is what counts: of this process and, on PostgreSQL, of the server's processes too.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from loadtests.bench.ours import FIRST_YEAR, STAGES
from loadtests.bench.sample import AT, Package, Sample
from sandbox.clock import MachineClock
from sandbox.ministry import AccountSeed, DeskSeed, MinistryService
from sandbox.ministry import model as ministry_model
from sandbox.ministry.checking import Worker
from sandbox.ministry.model import Desk
from sandbox.web import Database, Skin, Spaces
from sandbox.wire.ministry import wire_password
from sandbox.wire.responders import CRL_PATH

PASSWORD: Final = "MatKhau-Gia-Lap-2024"
DESK: Final = "so-bench"
STEPS: Final = ("receipt", "check", "store", "answer")
_MINISTRY: Final = Path(ministry_model.__file__).parent


class CpuClock:
    """The machine's clock, but steps are timed in CPU seconds."""

    def __init__(self) -> None:
        self._real = MachineClock()

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return self._real.now()

    def monotonic(self) -> float:
        """Return CPU seconds of this process."""
        return time.process_time()

    def epoch(self) -> float:
        """Return seconds since 1970."""
        return self._real.epoch()


def no_server() -> float:
    """Return what a server costs that is not there."""
    return 0.0


class DeskPath:
    """Hands packages in, lets the worker settle them, asks for the results."""

    def __init__(
        self, sample: Sample, database: Database, responders: str, server: Callable[[], float]
    ) -> None:
        self._server = server
        Skin({"ministry": _MINISTRY / "templates"}, [_MINISTRY / "locale"])  # answers are texts
        clock = CpuClock()
        spaces = Spaces(database, clock)
        spaces.prepare()
        self._service = MinistryService(
            database, clock, spaces, sample.trust, responders, allowed_hosts=("127.0.0.1",)
        )
        self._service.prepare()
        self._space = spaces.open(
            f"b-{sample.kind.lower()}", code=sample.kind, title="bench", start=AT
        )
        self._service.open_space(self._space, [_seed(sample)])
        found = self._service.desk(self._space, DESK)
        assert found is not None
        self._desk: Desk = found
        self._worker = Worker(self._service)
        self._tokens: dict[str, str] = {}

    def seconds(self, packages: tuple[Package, ...]) -> dict[str, float]:
        """Return the CPU seconds of each of `STEPS` over *packages*, both sides together.

        Raises `AssertionError` when a package is not taken in or a record not accepted.
        """
        for package in packages:
            self._log_in(package.school)
        requests = [self._submission(package) for package in packages]
        receipt = self._spent(lambda: [self._submit(body) for body in requests])
        work = self._spent(self._work)
        check = sum(self._checking(package) for package in packages)
        answer = self._spent(lambda: [self._ask(package) for package in packages])
        return {
            "receipt": receipt,
            "check": check,
            "store": work - check,
            "answer": answer,
        }

    def _spent(self, work: Callable[[], object]) -> float:
        server, began = self._server(), time.process_time()
        work()
        return time.process_time() - began + self._server() - server

    def _work(self) -> None:
        while self._worker.run_once():
            pass

    def _checking(self, package: Package) -> float:
        """Return the CPU seconds of steps 1 to 8, as the worker noted them."""
        found = self._service.package(self._space, DESK, package.messageid)
        assert found is not None
        settled = found[0]
        assert settled.accepted == package.records, settled
        return sum(spent for step, spent in settled.timings.items() if STAGES.get(step) != "settle")

    def _call(self, name: str) -> Any:
        return self._service.call(
            self._space, self._desk, address="127.0.0.1", language="vi", service=name
        )

    def _fields(self, school: str) -> dict[str, Any]:
        return {
            "token": self._tokens.get(school, ""),
            "user_name": f"truong{school}",
            "password": wire_password(PASSWORD),
            "ma_don_vi": school,
        }

    def _log_in(self, school: str) -> None:
        if school not in self._tokens:
            body = self._fields(school)
            answer = self._service.token(self._call("token"), json.dumps(body).encode())
            self._tokens[school] = answer.body["token"]

    def _submission(self, package: Package) -> bytes:
        said = self._fields(package.school) | {
            "nam_hoc": FIRST_YEAR,
            "messageid": package.messageid,
            "type": "1",
            "function": "NOP_HOC_BA",
        }
        return json.dumps({"authenticationRequest": said, "content": package.content}).encode()

    def _submit(self, body: bytes) -> bytes:
        answer = self._service.submit(self._call("nop-hoc-ba"), body)
        assert answer.body["Error"] == "0", answer.body
        return json.dumps(answer.body, ensure_ascii=False).encode()

    def _ask(self, package: Package) -> bytes:
        said = self._fields(package.school) | {
            "messageid": package.messageid,
            "type": "2",
            "function": "TRA_KET_QUA_NOP",
        }
        body = json.dumps({"authenticationRequest": said}).encode()
        answer = self._service.result(self._call("ket-qua"), body)
        assert len(answer.body["DanhSach"]) == package.records, answer.body
        return json.dumps(answer.body, ensure_ascii=False).encode()


def _seed(sample: Sample) -> DeskSeed:
    """Return the Sở's desk with every school of the sample; profile `so`, no other loosening."""
    return DeskSeed(
        desk=DESK,
        kind="so",
        name="bench",
        units=tuple(school.unit for school in sample.schools),
        accounts=tuple(
            AccountSeed(
                user_name=f"truong{school.unit.ma_truong}",
                password=PASSWORD,
                unit_code=school.unit.ma_truong,
                kind="truong",
                profile="so",
            )
            for school in sample.schools
        ),
        approved=tuple((school.unit.ma_truong, school.seal) for school in sample.schools),
    )


@contextmanager
def responders(sample: Sample) -> Iterator[str]:
    """Publish the sample's revocation lists on a loopback port; gives the address."""
    lists = {CRL_PATH.format(issuer=code): der for code, der in sample.lists.items()}

    class Lists(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            der = next((der for path, der in lists.items() if self.path.endswith(path)), None)
            self.send_response(404 if der is None else 200)
            self.end_headers()
            self.wfile.write(der or b"")

        def log_message(self, *_said: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Lists)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True, slots=True)
class ServerCpu:
    """CPU seconds of a PostgreSQL server, all its processes together, to the nanosecond."""

    postmaster: int

    def __call__(self) -> float:
        """Return what the processes that live now have used."""
        return sum(map(_cpu_of, [self.postmaster, *_children(self.postmaster)]))


@dataclass(frozen=True, slots=True)
class ProcessCpu:
    """CPU seconds of one process of a server: what serves a connection of ours."""

    process: int

    def __call__(self) -> float:
        """Return what it has used."""
        return _cpu_of(self.process)


def _children(process: int) -> list[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    return [int(number) for number in text.split()]


def _cpu_of(process: int) -> float:
    try:
        text = Path(f"/proc/{process}/schedstat").read_text(encoding="ascii")
    except FileNotFoundError:  # gone since it was listed
        return 0.0
    return int(text.split()[0]) / 1e9
