"""The folder a client program is given: keys, certificates, records and what is asked of it now.

Documented for providers in `scenarios/README.md`; `pack.json` describes everything in it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from sandbox.errors import Misuse, Unavailable
from sandbox.pki import Certificate
from sandbox.rehearsal.plants import plant_fault
from sandbox.rehearsal.scenario import PickedRecord, Scenario, Step
from sandbox.wire.admin import HandedAccount, HandedRecord, HandedSigner, OpenedSpace
from sandbox.wire.ministry import Account

DONE = "done"
"""The task that ends a run: the client may leave."""


class Pack:
    """A written pack: where it lies, and which record has which id."""

    def __init__(
        self, folder: Path, *, account: HandedAccount, uuids: dict[str, str], serial: str
    ) -> None:
        self.folder = folder
        self.account = account
        self.uuids = uuids
        """Name in the scenario → MA_TRA_CUU_UUID."""
        self.serial = serial
        """Serial number of the unit's certificate, hex."""

    @property
    def step_file(self) -> Path:
        """The file the client watches; replaced as a whole, never half written."""
        return self.folder / "step.json"

    def school(self) -> Account:
        """Return the account the client speaks for."""
        return Account(self.account.user_name, self.account.mat_khau, self.account.ma_don_vi)

    def variables(self, space: OpenedSpace) -> dict[str, str]:
        """Return the environment variables of the client program."""
        return {
            "HOCBA_BASE": space.dia_chi.goc,
            "HOCBA_DESK": space.dia_chi.cong,
            "HOCBA_USER": self.account.user_name,
            "HOCBA_PASSWORD": self.account.mat_khau,
            "HOCBA_UNIT": self.account.ma_don_vi,
            "HOCBA_PACK": str(self.folder),
            "HOCBA_STEP": str(self.step_file),
        }

    def ask(self, number: int, step: Step, *, language: str) -> None:
        """Tell the client what is asked of it now."""
        self._write_step(
            {
                "number": number,
                "id": step.id,
                "task": step.task,
                "title": step.title.of(language),
                "record": f"records/{step.record}.xml" if step.record else None,
                "time_limit_s": step.time_limit_s,
            }
        )

    def finish(self, number: int) -> None:
        """Tell the client that nothing more is asked."""
        self._write_step({"number": number, "id": DONE, "task": DONE})

    def _write_step(self, content: dict[str, Any]) -> None:
        draft = self.step_file.with_suffix(".tmp")
        _write(draft, json.dumps(content, ensure_ascii=False, indent=1))
        os.replace(draft, self.step_file)


def write_pack(folder: Path, *, space: OpenedSpace, scenario: Scenario) -> Pack:
    """Write the pack of *scenario* into *folder* (made, mode 700) and return it.

    Raises `Unavailable` when the installation handed out less than the scenario needs.
    """
    records = {name: (row.pick, row.plant) for name, row in scenario.records.items()}
    account = _first(space.school_accounts(), "tai_khoan")
    unit = account.ma_don_vi
    signers = [row for row in space.nguoi_ky if row.ma_don_vi == unit]
    seal = _first([row for row in signers if row.loai == "don_vi"], "nguoi_ky")
    own = [row for row in space.hoc_ba if row.ma_truong == unit]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    uuids: dict[str, str] = {}
    for name, (pick, plant) in records.items():
        row = _pick(own, pick)
        xml = row.xml.encode()
        _write(folder / "records" / f"{name}.xml", plant_fault(xml, plant) if plant else xml)
        uuids[name] = row.ma_tra_cuu_uuid
    certificate = Certificate.from_pem(seal.chung_thu)
    _write_signer(folder / "unit", seal)
    for person in signers:
        if person.loai == "ca_nhan":
            _write_signer(folder / "staff" / person.ma, person)
    for number, pem in enumerate(space.chung_thu_goc, start=1):
        _write(folder / "ca" / f"{number}.pem", pem)
    pack = Pack(folder, account=account, uuids=uuids, serial=certificate.serial_hex)
    description = _description(space, account, seal, signers, scenario.records, uuids)
    _write(folder / "pack.json", json.dumps(description, ensure_ascii=False, indent=1))
    return pack


def _description(
    space: OpenedSpace,
    account: HandedAccount,
    seal: HandedSigner,
    signers: list[HandedSigner],
    records: dict[str, PickedRecord],
    uuids: dict[str, str],
) -> dict[str, Any]:
    """Describe the pack for the client: never which fault is planted where."""
    return {
        "format": 1,
        "space": space.khong_gian,
        "space_time": space.gio_khong_gian.isoformat(),
        "school_year": space.nam_hoc,
        "base": space.dia_chi.goc,
        "desk": space.dia_chi.cong,
        "user_name": account.user_name,
        "password": account.mat_khau,
        "unit": {"code": seal.ma, "name": seal.ten, "issuer": seal.nha_phat_hanh, "folder": "unit"},
        "staff": [
            {"id": row.ma, "name": row.ten, "role": row.vai_tro, "folder": f"staff/{row.ma}"}
            for row in signers
            if row.loai == "ca_nhan"
        ],
        "records": {name: {"file": f"records/{name}.xml", "uuid": uuids[name]} for name in records},
    }


def _write_signer(folder: Path, signer: HandedSigner) -> None:
    _write(folder / "certificate.pem", signer.chung_thu)
    _write(folder / "key.pem", signer.khoa)


def _write(file: Path, content: str | bytes) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    file.chmod(0o600)


def _first(rows: list[Any], name: str) -> Any:
    if not rows:
        raise Unavailable(f"khong-gian: {name} = []")
    return rows[0]


def _pick(own: list[HandedRecord], pick: int) -> HandedRecord:
    if len(own) < pick:
        raise Misuse(f"records/pick = {pick}", remedy=f"≤ {len(own)}")
    return own[pick - 1]
