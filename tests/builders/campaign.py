"""All mutations of the defects' registry, validated and sent to one running sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from sandbox.defects import DEFECTS, Delivery, Need
from sandbox.domain.rejections import Stage
from sandbox.settings import Settings
from sandbox.synthetic import DEFAULT_SEED, practice_department
from sandbox.wire.admin import ADMIN_PATH, HandedAccount
from sandbox.wire.responders import EventKind, record_event
from sandbox.world.validating import Verdict, validate_file
from tests.builders.desks import SchoolDesk, Sent
from tests.builders.running import RunningSandbox

CHECKED = [name for name, defect in DEFECTS.items() if defect.stage is not Stage.RECEIPT]
"""Mutations the checks find; those of the receipt are found before."""
_LAST = [defect for defect in DEFECTS.values() if Need.CLOCK in defect.needs]
_ADDRESS_LIST = "truong-co-dia-chi"


@dataclass
class Campaign:
    """What the desk made of all mutations, sent one after the other to one space."""

    desk: SchoolDesk
    deliveries: dict[str, Delivery]
    settings: Settings
    folder: Path
    before: list[int] = field(default_factory=list)
    """Processes of the sandbox, web first, when it all began."""
    sent: dict[str, Sent] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By messageid."""
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    """What `hocba validate --space` says of each, before it is sent."""
    accepted: set[str] = field(default_factory=set)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def run(self) -> None:
        """Set up what mutations need, validate and send them all, and fetch every result."""
        self._publish_events()
        for delivery in self.deliveries.values():
            if delivery.needs.earlier:
                self._keep(self.desk.accept(delivery.needs.earlier))
        first = [d.name for d in DEFECTS.values() if d not in _LAST]
        for name in first:
            self._validate(name)
        for name in first:
            self._send(name)
        self._fetch()
        for late in _LAST:
            self._move_clock(self.deliveries[late.name])
            self._validate(late.name)
            self._send(late.name)
        self._fetch()

    def _publish_events(self) -> None:
        for delivery in self.deliveries.values():
            for event in delivery.needs.events:
                record_event(
                    self.desk.space.dia_chi.goc,
                    token=self.desk.sandbox.secrets["admin_token"],
                    issuer=event.issuer,  # type: ignore[arg-type]
                    serial=event.serial_hex,
                    kind=EventKind[event.kind.upper()],
                    at=event.at,
                )

    def _validate(self, name: str) -> None:
        if name in CHECKED:
            self.verdicts[name] = validate_file(
                written(self.deliveries[name], self.folder, unit_code=self.desk.account.ma_don_vi),
                space=self.desk.space.khong_gian,
                desk=None,
                settings=lambda: self.settings,
            )

    def _send(self, name: str) -> None:
        needs, desk = self.deliveries[name].needs, self.desk
        messageid = None
        if needs.same_messageid is not None:
            before = desk.submit(Delivery(sent_content=needs.same_messageid))
            assert before.taken_in, before.receipt
            self._keep(desk.result(before.messageid)["DanhSach"])
            messageid = before.messageid
        if needs.allowed_ips:
            desk = desk.with_account(self._account_for(needs.allowed_ips))
        self.sent[name] = desk.submit(self.deliveries[name], messageid=messageid)

    def _account_for(self, addresses: tuple[str, ...]) -> HandedAccount:
        """Have the desk's administrator add an account that has a list of addresses."""
        own = self.desk.account.model_copy(update={"user_name": _ADDRESS_LIST})
        school = practice_department(DEFAULT_SEED).schools[0]
        row = {
            "ma_truong": school.code,
            "ten_truong": school.name,
            "ma_so_giao_duc": school.department_code,
            "ten_so_gd": school.department_name,
            "ten_xa_phuong": school.commune,
            "ten_quan_huyen": school.district,
            "ten_tinh_thanh_pho": school.province,
            "tai_khoan": {
                "user_name": own.user_name,
                "mat_khau": own.mat_khau,
                "dia_chi_ip": list(addresses),
            },
        }
        with self.desk.sandbox.admin() as admin:
            admin.call("POST", f"{self.desk.space.dia_chi.cong}{ADMIN_PATH}/truong", json=row)
        return own

    def _move_clock(self, delivery: Delivery) -> None:
        assert delivery.needs.clock is not None
        sandbox, space = self.desk.sandbox, self.desk.space.khong_gian
        with sandbox.admin() as admin:
            path = f"{sandbox.base_url}{ADMIN_PATH}/khong-gian/{space}/gio"
            admin.call("POST", path, json={"den": delivery.needs.clock.isoformat()})

    def _fetch(self) -> None:
        for sent in self.sent.values():
            if sent.taken_in and sent.messageid not in self.results:
                found = self.desk.result(sent.messageid)
                self.results[sent.messageid] = found
                self._keep(found["DanhSach"])

    def _keep(self, rows: list[dict[str, Any]]) -> None:
        self.rows += rows
        self.accepted |= {row["ma_tra_cuu_uuid"] for row in rows if row["trang_thai"] == 1}

    def answer(self, name: str) -> tuple[str, dict[str, Any]]:
        """Return the code that answers mutation *name*, and the details that go with it."""
        sent = self.sent[name]
        if not sent.taken_in:
            return sent.receipt["Error"], sent.receipt["chi_tiet"]
        result = self.results[sent.messageid]
        if not result["DanhSach"]:
            return result["Error"], result["chi_tiet"]
        row = result["DanhSach"][-1]
        return row["error"], row["chi_tiet"]


def processes(sandbox: RunningSandbox) -> list[psutil.Process]:
    """Return the web process and its checking process."""
    assert sandbox.process is not None
    web = psutil.Process(sandbox.process.pid)
    return [web, *web.children(recursive=True)]


def peak_mb(process: psutil.Process) -> float:
    """Return the most memory the process ever held, in MB (the kernel's high-water mark)."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def written(delivery: Delivery, folder: Path, *, unit_code: str | None) -> Path:
    """Return a file with *delivery*: the request of *unit_code*, or only the package document."""
    file = folder / ("package.xml" if unit_code is None else "request.json")
    who = {"token": "", "user_name": "", "password": "", "messageid": ""}
    body = delivery.package if unit_code is None else delivery.body({**who, "ma_don_vi": unit_code})
    file.write_bytes(body or b"")
    return file


def said_by(verdict: Verdict) -> set[str]:
    """Return every code a verdict names, warnings and deeper ones too."""
    rows = [verdict.package_findings, *(record.findings for record in verdict.records)]
    found = [finding for row in rows for finding in row]
    return {one.code for finding in found for one in (finding, *finding.within)}
