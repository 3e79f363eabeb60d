"""Delivers a defect to a real receiving desk, each in a practice space of its own."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sandbox.defects import CertificateEvent, Defect, Delivery, Kit, Signer
from sandbox.web import Space
from sandbox.wire.ministry import wire_password
from sandbox.wire.responders import EventKind
from tests.builders.ministry import (
    PASSWORD,
    Caller,
    Installation,
    authority,
    department,
    key_of,
    unit_certificate,
)


def a_kit() -> Kit:
    """Return the kit whose seal the tests' desks have approved."""
    school = department().schools[0]
    seal = Signer(unit_certificate(school.code, school.name), key_of(f"unit {school.code}"))
    return Kit(authority(), seal=seal)


@dataclass(frozen=True)
class Reply:
    """What a desk made of a delivery."""

    delivery: Delivery
    status: int
    receipt: dict[str, Any]
    rows: list[dict[str, Any]]
    result: dict[str, Any]

    def row_of(self, record_id: str) -> dict[str, Any]:
        """Return the last row about *record_id* (a record may stand in a package twice)."""
        return [r for r in self.rows if r["ma_tra_cuu_uuid"] == record_id][-1]


def publish(installation: Installation, space: Space, event: CertificateEvent) -> None:
    """Have a certificate event published in *space*."""
    installation.responders.service.record(
        space,
        issuer=event.issuer,
        serial=event.serial_hex,
        kind=EventKind[event.kind.upper()],
        at=event.at,
    )


def deliver(installation: Installation, defect: Defect, kit: Kit) -> Reply:
    """Open a space, set up what the defect needs, deliver it and fetch the answer."""
    delivery = defect.make(kit)
    space = installation.open_space(f"d{defect.number}", ips=delivery.needs.allowed_ips)
    caller = Caller.of_school(installation, space=space.id)
    if not delivery.needs.allowed_ips:
        caller.log_in()
    for event in delivery.needs.events:
        publish(installation, space, event)
    for package in delivery.needs.earlier:
        rows = _sent(installation, caller, Delivery(package=package)).rows
        assert rows
        assert all(row["trang_thai"] == 1 for row in rows), rows
    if delivery.needs.clock is not None:
        installation.spaces.move_clock(space.id, delivery.needs.clock)
    return _sent(installation, caller, delivery)


def _sent(installation: Installation, caller: Caller, delivery: Delivery) -> Reply:
    messageid = str(uuid.uuid4())
    if delivery.needs.same_messageid is not None:
        first = caller.submit(delivery.needs.same_messageid, messageid=messageid)
        assert first.json()["Error"] == "0"
    body = delivery.body(
        {
            "token": caller.token,
            "user_name": caller.user_name,
            "password": wire_password(PASSWORD),
            "ma_don_vi": caller.unit_code,
            "messageid": messageid,
        }
    )
    answer = installation.client.post(
        f"{caller.base}/hoc-ba", content=body, headers={"Content-Type": "application/json"}
    )
    receipt = answer.json()
    if receipt["Error"] != "0":
        return Reply(delivery, answer.status_code, receipt, [], {})
    installation.work()
    result = caller.result(messageid).json()
    return Reply(delivery, answer.status_code, receipt, result["DanhSach"], result)
