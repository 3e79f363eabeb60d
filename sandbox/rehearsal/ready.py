"""A pack whose first submission only has to be sent: for trying the services with `curl`.

Everything a client does before and around its first submission is done here: the certificate is
registered and approved, one record is signed and packed, the request bodies lie ready. What is
left to do by hand is to get a token, to submit, and to ask for the result.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path
from typing import Any

from sandbox.clock import VIETNAM
from sandbox.documents import (
    Registration,
    build_package,
    envelope,
    parse_record,
    read_report_card,
    render_registration,
)
from sandbox.domain.report_card import Slot
from sandbox.errors import Misuse, Unavailable
from sandbox.pki import Certificate, PrivateKey
from sandbox.rehearsal.run import Installation, prepare_pack
from sandbox.wire.admin import HandedSigner, OpenedSpace
from sandbox.wire.ministry import Account, MinistryClient, wire_password
from sandbox.wire.officer import OfficerDesk
from sandbox.xmldsig import Draft, prepare, prepare_package, prepare_registration

SCENARIO = "basics/first-submission"
RECORD = "good"
TOKEN_MARK = "@TOKEN@"  # noqa: S105 - a place to be filled, no token


def ready_pack(folder: Path, *, installation: Installation) -> OpenedSpace:
    """Open a space that stays and write a pack with request bodies for `curl` into *folder*.

    `folder/curl/` holds `desk` (address), `token.json`, `submit.json` and `result.json`; the last
    two carry `@TOKEN@` where the token goes.

    Raises `Misuse` when the folder holds a pack already, `Unavailable` when the sandbox is away
    or does not approve the certificate.
    """
    space, pack = prepare_pack(SCENARIO, folder=folder, installation=installation)
    school = pack.school()
    signers = {row.ma: row for row in space.nguoi_ky if row.ma_don_vi == school.unit_code}
    seal = signers[school.unit_code]
    asyncio.run(_register(space, school, seal))
    package = _package(space, signers, seal, (folder / "records" / f"{RECORD}.xml").read_bytes())
    messageid = str(uuid.uuid4())
    identification = {
        "user_name": school.user_name,
        "password": wire_password(school.password),
        "ma_don_vi": school.unit_code,
    }
    asked = {"token": TOKEN_MARK, **identification, "messageid": messageid}
    submission = {"nam_hoc": space.nam_hoc, "type": "1", "function": "NOP_HOC_BA"}
    question = {"type": "2", "function": "TRA_KET_QUA_NOP"}
    _write(folder, "token.json", identification)
    _write(
        folder,
        "submit.json",
        {"authenticationRequest": {**asked, **submission}, "content": envelope.pack(package)},
    )
    _write(folder, "result.json", {"authenticationRequest": {**asked, **question}})
    (folder / "curl" / "desk").write_text(f"{space.dia_chi.cong}/sandbox/v1\n", encoding="utf-8")
    return space


async def _register(space: OpenedSpace, school: Account, seal: HandedSigner) -> None:
    """Register the school's certificate and press the officer's button."""
    certificate = Certificate.from_pem(seal.chung_thu)
    valid_from = certificate.not_before.astimezone(VIETNAM)
    document = Registration(
        unit_code=school.unit_code,
        unit_name=seal.ten,
        serial_number=certificate.serial_hex,
        holder=certificate.common_name,
        issuer_code=seal.nha_phat_hanh,
        valid_from=valid_from.date(),
        valid_to=certificate.not_after.astimezone(VIETNAM).date(),
        certificate=certificate.der,
    )
    draft = prepare_registration(
        render_registration(document),
        signer=certificate,
        at=space.gio_khong_gian,
        registration_id=str(uuid.uuid4()),
    )
    messageid = str(uuid.uuid4())
    async with MinistryClient(space.dia_chi.cong, school) as client:
        reply = await client.register_certificate(
            envelope.pack(_signed(draft, seal)),
            messageid=messageid,
            serial_number=certificate.serial_hex,
            ngay_hieu_luc=valid_from.strftime("%Y-%m-%d"),
            nha_phat_hanh=seal.nha_phat_hanh,
        )
    with OfficerDesk(space.dia_chi.cong) as officer:
        if reply.error != "0" or not officer.approve(messageid):
            raise Unavailable(f"chung-thu-so {reply.error}")


def _package(
    space: OpenedSpace, signers: dict[str, HandedSigner], seal: HandedSigner, xml: bytes
) -> bytes:
    """Return a package of one record with its three signatures."""
    at = space.gio_khong_gian
    general = read_report_card(parse_record(xml)).general
    order = [(Slot.CBQL, signers[general.leader_id]), (Slot.KY_PHAT_HANH, seal)]
    if general.teacher_id is not None:
        order.insert(0, (Slot.GVCN, signers[general.teacher_id]))
    for slot, row in order:
        draft = prepare(xml, slot=slot, signer=Certificate.from_pem(row.chung_thu), at=at)
        xml = _signed(draft, row)
    certificate = Certificate.from_pem(seal.chung_thu)
    draft = prepare_package(
        build_package([xml]), signer=certificate, at=at, package_id=str(uuid.uuid4())
    )
    return _signed(draft, seal)


def _signed(draft: Draft, signer: HandedSigner) -> bytes:
    return draft.complete(PrivateKey.from_pem(signer.khoa).sign(draft.signed_bytes))


def _write(folder: Path, name: str, body: dict[str, Any]) -> None:
    file = folder / "curl" / name
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
    file.chmod(0o600)


def installation_of(data: Path, *, target: str) -> Installation:
    """Return the installation at *target* with the admin token of its data folder.

    Raises `Misuse` naming the file when it holds no token.
    """
    file = data / "secrets.json"
    try:
        token = str(json.loads(file.read_text(encoding="utf-8"))["admin_token"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Misuse("admin_token", file=str(file), remedy="--data, HOCBA_DATA") from error
    return Installation(base_url=target, admin_token=token)
