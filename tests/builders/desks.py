"""A school at the receiving desk of a running sandbox: its calls over HTTP, its kit of defects."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx

from sandbox.defects import Delivery, Kit, Signer
from sandbox.documents import build_package, parse_record, read_report_card
from sandbox.domain.report_card import Slot
from sandbox.pki import Certificate, PrivateKey, TrainingAuthority
from sandbox.settings import DEFAULT_SEED as INSTALLATION_SEED
from sandbox.synthetic import DEFAULT_SEED
from sandbox.wire.admin import HandedAccount, HandedRecord, HandedSigner, OpenedSpace
from sandbox.wire.ministry import wire_password
from sandbox.xmldsig import Draft, prepare, prepare_package
from tests.builders.running import RunningSandbox

PENDING = "SBX-1201"
PATIENCE_S = 120.0
TOO_FAST = 429


@dataclass(frozen=True)
class Sent:
    """One submission and what was answered at once."""

    messageid: str
    status: int
    receipt: dict[str, Any]

    @property
    def taken_in(self) -> bool:
        """Whether there will be a result."""
        return bool(self.receipt["Error"] == "0")


@dataclass
class SchoolDesk:
    """The first school of a practice space at the Cổng of its Sở. Its seal is approved there."""

    sandbox: RunningSandbox
    space: OpenedSpace
    http: httpx.Client
    account: HandedAccount
    statuses: list[int] = field(default_factory=list)
    """Of every call so far."""
    _token: str = ""

    @cached_property
    def kit(self) -> Kit:
        """The kit whose school, seal and authority are this space's."""
        code = self.account.ma_don_vi
        row = next(signer for signer in self.space.nguoi_ky if signer.ma == code)
        seal = Signer(Certificate.from_pem(row.chung_thu), PrivateKey.from_pem(row.khoa))
        authority = TrainingAuthority.from_seed(INSTALLATION_SEED)
        return Kit(authority, seed=DEFAULT_SEED, seal=seal)

    def with_account(self, account: HandedAccount) -> SchoolDesk:
        """Return the same desk, spoken to through another account."""
        return SchoolDesk(self.sandbox, self.space, self.http, account, self.statuses)

    @property
    def token(self) -> str:
        """A token of the account; empty when it may not have one."""
        if not self._token:
            self._token = self.post("/token", json=self._who()).json().get("token") or ""
        return self._token

    def package_of(self, records: Iterable[HandedRecord]) -> bytes:
        """Return a package of handed records, signed by everybody they name, now by the space."""
        at = self.space.gio_khong_gian
        signers = {row.ma: row for row in self.space.nguoi_ky}
        signed = []
        for row in records:
            xml = row.xml.encode()
            general = read_report_card(parse_record(xml)).general
            order = [(Slot.CBQL, general.leader_id), (Slot.KY_PHAT_HANH, general.school_code)]
            if general.teacher_id is not None:
                order.insert(0, (Slot.GVCN, general.teacher_id))
            for slot, who in order:
                certificate = Certificate.from_pem(signers[who].chung_thu)
                draft = prepare(xml, slot=slot, signer=certificate, at=at)
                xml = _completed(draft, signers[who])
            signed.append(xml)
        seal = signers[self.account.ma_don_vi]
        draft = prepare_package(
            build_package(signed),
            signer=Certificate.from_pem(seal.chung_thu),
            at=at,
            package_id=str(uuid.uuid4()),
        )
        return _completed(draft, seal)

    def submit(self, delivery: Delivery, *, messageid: str | None = None) -> Sent:
        """Send one submission and return its receipt."""
        number = messageid or str(uuid.uuid4())
        answer = self.post("/hoc-ba", content=delivery.body(self.fields(messageid=number)))
        return Sent(number, answer.status_code, answer.json())

    def result(self, messageid: str) -> dict[str, Any]:
        """Return the final result of a submission; asks until there is one."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            found = self.ask(messageid)
            if found["Error"] != PENDING:
                return found
            time.sleep(0.1)
        raise AssertionError(
            f"no result of {messageid} in {PATIENCE_S:.0f} s\n{self.sandbox.log()}"
        )

    def ask(self, messageid: str) -> dict[str, Any]:
        """Ask for a result once."""
        fields = self.fields(messageid=messageid, type="2", function="TRA_KET_QUA_NOP")
        answer = self.post("/hoc-ba/trang-thai", json={"authenticationRequest": fields})
        found: dict[str, Any] = answer.json()
        return found

    def accept(self, packages: Iterable[bytes]) -> list[dict[str, Any]]:
        """Send good *packages* one after the other; return the accepted rows."""
        rows: list[dict[str, Any]] = []
        for package in packages:
            rows += self.result(self.submit(Delivery(package=package)).messageid)["DanhSach"]
        assert rows
        assert all(row["trang_thai"] == 1 for row in rows), rows
        return rows

    def fields(self, **more: Any) -> dict[str, Any]:
        """Return what stands in `authenticationRequest`."""
        return {"token": self.token, **self._who(), **more}

    def post(self, path: str, **body: Any) -> httpx.Response:
        """Call a service of the desk; the status is remembered.

        Who is told to come more slowly comes again when he was told to: a quick machine would else
        run into the limit of an account.
        """
        headers = {"Content-Type": "application/json"}
        url = f"{self.space.dia_chi.cong}/sandbox/v1{path}"
        answer = self.http.post(url, headers=headers, **body)
        while answer.status_code == TOO_FAST:
            time.sleep(float(answer.headers["Retry-After"]))
            answer = self.http.post(url, headers=headers, **body)
        self.statuses.append(answer.status_code)
        return answer

    def _who(self) -> dict[str, str]:
        return {
            "user_name": self.account.user_name,
            "password": wire_password(self.account.mat_khau),
            "ma_don_vi": self.account.ma_don_vi,
        }


def _completed(draft: Draft, signer: HandedSigner) -> bytes:
    return draft.complete(PrivateKey.from_pem(signer.khoa).sign(draft.signed_bytes))


@contextmanager
def school_desk(sandbox: RunningSandbox, *, profile: str = "so") -> Iterator[SchoolDesk]:
    """Open a practice space of its own, certificates approved, and give its first school's desk.

    The profile `so` has the limits of load runs (spec/transactions.md §4.1).
    """
    space = sandbox.open_space("practice", hat_giong=DEFAULT_SEED, ho_so=profile)
    with httpx.Client(timeout=60, trust_env=False) as http:
        yield SchoolDesk(sandbox, space, http, space.school_accounts()[0])
    with sandbox.admin() as admin:
        admin.delete_space(space.khong_gian)
