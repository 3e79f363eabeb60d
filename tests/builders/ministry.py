"""A receiving desk with a school, its people and their keys, the responders, and a web client.

Everything is real: database, certificates, signatures, revocation lists over HTTP. Only the clock
stands still until a test moves it.
"""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import web
from sandbox.clock import VIETNAM, Clock, FixedClock
from sandbox.documents import (
    Registration,
    build_package,
    envelope,
    render_record,
    render_registration,
)
from sandbox.domain.report_card import ReportCard, Slot
from sandbox.ministry import AccountSeed, DeskSeed, MinistryService, RegisterUnit, http
from sandbox.ministry import model as ministry_model
from sandbox.ministry import pages as ministry_pages
from sandbox.ministry.checking import Worker
from sandbox.pki import (
    Certificate,
    PersonSubject,
    PrivateKey,
    TrainingAuthority,
    Trust,
    UnitSubject,
    derive_p256,
)
from sandbox.responders import http as responders_http
from sandbox.responders.service import RespondersService
from sandbox.synthetic import Department, School, practice_department
from sandbox.web import Database, Space, Spaces
from sandbox.wire.ministry import wire_password
from sandbox.wire.responders import EventKind
from sandbox.xmldsig import prepare, prepare_package, prepare_registration

SEED = "tests-ministry"
ADMIN_TOKEN = "admin-of-the-tests"
PASSWORD = "MatKhau-Gia-Lap-2024"
MINISTRY = Path(ministry_model.__file__).parent
SIGNED_AT = datetime(2025, 5, 28, 8, 0, tzinfo=VIETNAM)
MINUTE = timedelta(minutes=1)


@cache
def authority() -> TrainingAuthority:
    """Return the training authority of the tests."""
    return TrainingAuthority.from_seed(SEED)


@cache
def department() -> Department:
    """Return the practice Sở with its two schools."""
    return practice_department()


@cache
def key_of(label: str) -> PrivateKey:
    """Return the key of a person or unit."""
    return derive_p256(SEED, label)


@cache
def person_certificate(personal_id: str, name: str) -> Certificate:
    """Return the certificate of a person."""
    return authority().issue(
        PersonSubject(name, personal_id), key_of(personal_id).public_key, serial_label=personal_id
    )


@cache
def unit_certificate(code: str, name: str, label: str = "") -> Certificate:
    """Return a certificate of a unit; another *label* gives another one."""
    key = key_of(f"unit {code}{label}")
    return authority().issue(
        UnitSubject(name, code),
        key.public_key,
        issuer="GIA_LAP_CO_YEU",
        serial_label=f"unit {code}{label}",
    )


@cache
def signed(card: ReportCard, at: datetime = SIGNED_AT, label: str = "") -> bytes:
    """Return the record of *card*, signed by teacher, leader and school one minute apart."""
    general = card.general
    xml = render_record(card)
    signers: list[tuple[Slot, PrivateKey, Certificate]] = []
    if general.teacher_id is not None and general.teacher_name is not None:
        teacher = person_certificate(general.teacher_id, general.teacher_name)
        signers.append((Slot.GVCN, key_of(general.teacher_id), teacher))
    leader = person_certificate(general.leader_id, general.leader_name)
    signers.append((Slot.CBQL, key_of(general.leader_id), leader))
    seal = unit_certificate(general.school_code, general.school_name, label)
    signers.append((Slot.KY_PHAT_HANH, key_of(f"unit {general.school_code}{label}"), seal))
    for number, (slot, key, certificate) in enumerate(signers):
        draft = prepare(xml, slot=slot, signer=certificate, at=at + number * MINUTE)
        xml = draft.complete(key.sign(draft.signed_bytes))
    return xml


def packed(
    records: list[bytes],
    *,
    unit_code: str,
    unit_name: str,
    at: datetime = SIGNED_AT + 5 * MINUTE,
    label: str = "",
) -> bytes:
    """Return the package of *records*, signed by the unit."""
    draft = prepare_package(
        build_package(records),
        signer=unit_certificate(unit_code, unit_name, label),
        at=at,
        package_id=str(uuid.uuid4()),
    )
    return draft.complete(key_of(f"unit {unit_code}{label}").sign(draft.signed_bytes))


def changed_card(card: ReportCard, **general: Any) -> ReportCard:
    """Return *card* with some fields of THONG_TIN_CHUNG changed."""
    return replace(card, general=replace(card.general, **general))


@dataclass
class Responders:
    """The certificate responders on a loopback port, and what a test does with them."""

    service: RespondersService
    space: str = "tap"
    away: bool = False
    """True: nobody is there, every call is answered 503 at the edge."""
    asked: int = 0
    url: str = ""

    def revoke(self, certificate: Certificate, *, at: datetime) -> None:
        """Revoke a certificate as of *at*, space time."""
        self._record(certificate, EventKind.REVOKE, at)

    def suspend(self, certificate: Certificate, *, at: datetime) -> None:
        """Suspend a certificate as of *at*, space time."""
        self._record(certificate, EventKind.SUSPEND, at)

    def _record(self, certificate: Certificate, kind: EventKind, at: datetime) -> None:
        space = self.service._spaces.get(self.space)
        assert space is not None
        issuer = certificate.issuer_code
        self.service.record(space, issuer=issuer, serial=certificate.serial_hex, kind=kind, at=at)

    def edge(self, app: FastAPI) -> ASGIApp:
        """Return *app* behind an edge that counts, and that can be away."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                self.asked += 1
                if self.away:
                    await PlainTextResponse("", status_code=503)(scope, receive, send)
                    return
            await app(scope, receive, send)

        return answer


@contextmanager
def serving(responders: Responders, app: FastAPI) -> Iterator[Responders]:
    """Serve the responders' *app* on a loopback port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(responders.edge(app), log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    responders.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield responders
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def register_row(school: School) -> RegisterUnit:
    """Return the register's row of *school*."""
    return RegisterUnit(
        ma_truong=school.code,
        ten_truong=school.name,
        ma_so_giao_duc=school.department_code,
        ten_so_gd=school.department_name,
        ten_xa_phuong=school.commune,
        ten_quan_huyen=school.district,
        ten_tinh_thanh_pho=school.province,
        so_hoc_ba=sum(len(group.pupils) for group in school.classes),
    )


@dataclass
class Installation:
    """One running ministry."""

    database: Database
    machine_clock: Clock
    responders: Responders
    spaces: Spaces
    service: MinistryService
    app: FastAPI
    client: TestClient

    @property
    def clock(self) -> FixedClock:
        """The clock that stands still until a test moves it."""
        assert isinstance(self.machine_clock, FixedClock)
        return self.machine_clock

    @cached_property
    def worker(self) -> Worker:
        """A checking worker in this process."""
        return Worker(self.service)

    @property
    def school(self) -> School:
        """The school most tests speak for."""
        return department().schools[0]

    @property
    def cards(self) -> tuple[ReportCard, ...]:
        """Its first class's report cards."""
        return self.school.classes[0].cards

    def open_space(self, space_id: str, *, approved: bool = True, **desk: Any) -> Space:
        """Open a space with the Kho and the Cổng of the practice Sở."""
        space = self.spaces.open(space_id, code=f"c-{space_id}", title=space_id)
        self.service.open_space(space, desk_seeds(approved=approved, **desk))
        return space

    def work(self) -> int:
        """Check until nothing is due; return how many packages were taken in hand."""
        done = 0
        while self.worker.run_once():
            done += 1
        return done


def desk_seeds(
    *, approved: bool = True, profile: str = "truong", ips: tuple[str, ...] = ()
) -> list[DeskSeed]:
    """Return the seeds of topology A: schools and Sở at the Cổng, the Sở at the Kho."""
    sector = department()
    units = tuple(register_row(school) for school in sector.schools)
    schools = tuple(
        AccountSeed(
            user_name=f"truong{school.code}",
            password=PASSWORD,
            unit_code=school.code,
            kind="truong",
            profile=profile,
            allowed_ips=ips,
        )
        for school in sector.schools
    )
    so = AccountSeed(
        user_name=f"so{sector.code}",
        password=PASSWORD,
        unit_code=sector.code,
        kind="so",
        profile="so",
    )
    seals = tuple(
        (school.code, unit_certificate(school.code, school.name).der) for school in sector.schools
    )
    own = (sector.code, unit_certificate(sector.code, sector.name).der)
    return [
        DeskSeed(
            desk=f"so-{sector.code}",
            kind="so",
            name=sector.name,
            units=units,
            accounts=(*schools, so),
            approved=seals if approved else (),
        ),
        DeskSeed(
            desk="kho",
            kind="kho",
            name="Kho",
            units=units,
            accounts=(so,),
            approved=(own,) if approved else (),
        ),
    ]


@contextmanager
def installed(
    database_url: str, *, pages: bool = False, clock: Clock | None = None
) -> Iterator[Installation]:
    """Run a ministry on *database_url* with its responders; without *clock* time stands still."""
    clock = clock or FixedClock()
    database = Database(database_url)
    spaces = Spaces(database, clock)
    responders = Responders(RespondersService(database, clock, spaces, authority()))
    responders.service.prepare()
    skin = web.Skin({"ministry": MINISTRY / "templates"}, [MINISTRY / "locale"], strict=True)

    def application(routers: list[APIRouter]) -> FastAPI:
        app = web.application()
        app.state.admin_token = ADMIN_TOKEN
        web.install(
            app,
            skin=skin,
            database=database,
            spaces=spaces,
            clock=clock,
            secret=b"tests",
            tap_seconds=0,
        )
        for router in routers:
            app.include_router(router)
        return app

    with serving(responders, application(responders_http.routers(responders.service))):
        trust = Trust(authority().issuer_certificates)
        service = MinistryService(database, clock, spaces, trust, responders.url)
        service.prepare()
        routers = http.routers(service) + (ministry_pages.routers(service) if pages else [])
        app = application(routers)
        with TestClient(app, client=("127.0.0.1", 50000)) as client:
            yield Installation(database, clock, responders, spaces, service, app, client)
    database.close()


@dataclass
class Caller:
    """One account speaking to one desk."""

    installation: Installation
    user_name: str
    unit_code: str
    unit_name: str
    base: str
    token: str = ""

    @classmethod
    def of_school(
        cls, installation: Installation, *, space: str = "tap", number: int = 0
    ) -> Caller:
        """Return a school at its Cổng."""
        school = department().schools[number]
        prefix = "" if space == "tap" else f"/s/{space}"
        base = f"{prefix}/kho/so/{department().code}/sandbox/v1"
        return cls(installation, f"truong{school.code}", school.code, school.name, base)

    @classmethod
    def of_department(
        cls, installation: Installation, *, at: str = "kho", space: str = "tap"
    ) -> Caller:
        """Return the Sở at the Kho, or at its own Cổng."""
        sector = department()
        prefix = "" if space == "tap" else f"/s/{space}"
        desk = "/kho" if at == "kho" else f"/kho/so/{sector.code}"
        return cls(
            installation, f"so{sector.code}", sector.code, sector.name, f"{prefix}{desk}/sandbox/v1"
        )

    def log_in(self) -> Caller:
        """Fetch a token and return this caller."""
        answer = self.installation.client.post(
            f"{self.base}/token",
            json={
                "user_name": self.user_name,
                "password": wire_password(PASSWORD),
                "ma_don_vi": self.unit_code,
            },
        )
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["token"]
        return self

    def fields(self, **said: Any) -> dict[str, Any]:
        """Return what stands in `authenticationRequest`."""
        return {
            "token": self.token,
            "user_name": self.user_name,
            "password": wire_password(PASSWORD),
            "ma_don_vi": self.unit_code,
            **said,
        }

    def submission(
        self, content: str, *, messageid: str | None = None, **said: Any
    ) -> dict[str, Any]:
        """Return the body of a type 1 request."""
        fields = {
            "nam_hoc": 2024,
            "messageid": messageid or str(uuid.uuid4()),
            "type": "1",
            "function": "NOP_HOC_BA",
            **said,
        }
        return {"authenticationRequest": self.fields(**fields), "content": content}

    def post(self, path: str, body: Any, **options: Any) -> Any:
        """Post a JSON body to a service and return the response."""
        return self.installation.client.post(f"{self.base}/{path}", json=body, **options)

    def submit(self, content: str, **said: Any) -> Any:
        """Hand in *content* and return the response."""
        return self.post("hoc-ba", self.submission(content, **said))

    def result(self, messageid: str, **options: Any) -> Any:
        """Ask for a result and return the response."""
        fields = self.fields(messageid=messageid, type="2", function="TRA_KET_QUA_NOP")
        return self.post("hoc-ba/trang-thai", {"authenticationRequest": fields}, **options)

    def content_of(self, records: list[bytes], **how: Any) -> str:
        """Return the `content` of a package signed by this unit."""
        xml = packed(records, unit_code=self.unit_code, unit_name=self.unit_name, **how)
        return envelope.pack(xml)

    def hand_in(self, records: list[bytes], **how: Any) -> list[dict[str, Any]]:
        """Hand in a package, let it be checked, and return the result rows."""
        messageid = str(uuid.uuid4())
        receipt = self.submit(self.content_of(records, **how), messageid=messageid)
        assert receipt.json()["Error"] == "0", receipt.text
        self.installation.work()
        return list(self.result(messageid).json()["DanhSach"])

    def registration(
        self, *, label: str = "", messageid: str | None = None, **said: Any
    ) -> dict[str, Any]:
        """Return the body of a type 3 request for this unit's certificate."""
        certificate = unit_certificate(self.unit_code, self.unit_name, label)
        number = messageid or str(uuid.uuid4())
        first = certificate.not_before.astimezone(VIETNAM).date()
        xml = render_registration(
            Registration(
                unit_code=self.unit_code,
                unit_name=self.unit_name,
                serial_number=certificate.serial_hex,
                holder=certificate.common_name,
                issuer_code=certificate.issuer_code,
                valid_from=first,
                valid_to=certificate.not_after.astimezone(VIETNAM).date(),
                certificate=certificate.der,
            )
        )
        draft = prepare_registration(
            xml, signer=certificate, at=SIGNED_AT, registration_id=number.lower()
        )
        signature = key_of(f"unit {self.unit_code}{label}").sign(draft.signed_bytes)
        fields = {
            "messageid": number,
            "type": "3",
            "function": "DANG_KY_CTS",
            "serial_number": certificate.serial_hex,
            "ngay_hieu_luc": first.isoformat(),
            "ma_kieu_chu_ky": "REMOTE_SIGNING",
            "nha_phat_hanh": certificate.issuer_code,
            **said,
        }
        content = envelope.pack(draft.complete(signature))
        return {"authenticationRequest": self.fields(**fields), "content": content}
