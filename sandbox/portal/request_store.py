"""Statements about signing requests and the registration of certificates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    String,
    Text,
    delete,
    insert,
    select,
    update,
)

from sandbox.domain.report_card import Slot
from sandbox.portal.model import (
    CertificateRow,
    CertificateState,
    ItemStatus,
    RequestItem,
    RequestRow,
    Subject,
)
from sandbox.portal.store import space_table
from sandbox.wire.signing import Instrument

LIVE = ("CREATED", "WAITING_CONFIRM")
"""Statuses in which the signer may still say yes (signing-practice §3.6)."""

REQUEST = space_table(
    "request",
    Column("request_id", String(36), primary_key=True),
    Column("subject", String(16), nullable=False),
    Column("slot", String(16)),
    Column("signer_id", String(20), nullable=False),
    Column("unit_code", String(20), nullable=False),
    Column("class_name", String(20)),
    Column("desk", String(16)),
    Column("serial", String(64), nullable=False),
    Column("certificate_name", String(200), nullable=False),
    Column("transaction_id", String(64)),
    Column("status", String(24), nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("instrument", String(8), nullable=False),
    Column("unit", Boolean, nullable=False),
    Column("pc_until", String(32)),
    Column("pc_gone", Boolean, nullable=False),
)

ITEM = space_table(
    "request_item",
    Column("request_id", String(36), primary_key=True),
    Column("key", String(80), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("target_id", String(36), nullable=False),
    Column("version", Integer, nullable=False),
    Column("label", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("draft", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("error", String(64)),
)

CERTIFICATE = space_table(
    "certificate",
    Column("unit_code", String(20), primary_key=True),
    Column("desk", String(16), primary_key=True),
    Column("serial", String(64), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("issuer", String(40), nullable=False),
    Column("valid_from", String(32), nullable=False),
    Column("valid_to", String(32), nullable=False),
    Column("registration_id", String(36)),
    Column("state", String(16), nullable=False),
    Column("xml", LargeBinary),
    Column("request_id", String(36)),
    Column("code", String(16)),
)


def add_request(
    connection: Connection, space: str, request: RequestRow, items: Sequence[RequestItem]
) -> None:
    """Add a request with its items, drafts included, so that it survives a restart."""
    connection.execute(
        insert(REQUEST).values(
            space=space,
            request_id=request.request_id,
            subject=request.subject.value,
            slot=None if request.slot is None else request.slot.value,
            signer_id=request.signer_id,
            unit_code=request.unit_code,
            class_name=request.class_name,
            desk=request.desk,
            serial=request.serial,
            certificate_name=request.certificate_name,
            transaction_id=request.transaction_id,
            status=request.status,
            created_at=request.created_at,
            instrument=request.instrument.value,
            unit=request.unit,
            pc_until=request.pc_until,
            pc_gone=request.pc_gone,
        )
    )
    rows = [
        {
            "space": space,
            "request_id": request.request_id,
            "key": item.key,
            "place": place,
            "target_id": item.target_id,
            "version": item.version,
            "label": item.label,
            "digest": item.digest,
            "draft": item.draft,
            "status": item.status.value,
            "error": item.error,
        }
        for place, item in enumerate(items)
    ]
    connection.execute(insert(ITEM), rows)


def _request(row: Any) -> RequestRow:
    return RequestRow(
        request_id=row.request_id,
        subject=Subject(row.subject),
        slot=Slot(row.slot) if row.slot else None,
        signer_id=row.signer_id,
        unit_code=row.unit_code,
        class_name=row.class_name,
        desk=row.desk,
        serial=row.serial,
        certificate_name=row.certificate_name,
        transaction_id=row.transaction_id,
        status=row.status,
        created_at=row.created_at,
        instrument=Instrument(row.instrument),
        unit=row.unit,
        pc_until=row.pc_until,
        pc_gone=row.pc_gone,
    )


def request(connection: Connection, space: str, request_id: str) -> RequestRow | None:
    """Return one request."""
    row = connection.execute(
        select(REQUEST).where(REQUEST.c.space == space, REQUEST.c.request_id == request_id)
    ).first()
    return None if row is None else _request(row)


def live_requests(
    connection: Connection, *, space: str | None = None, signer_id: str | None = None
) -> list[tuple[str, RequestRow]]:
    """Return (space, request) of every request still open, oldest first."""
    query = select(REQUEST).where(REQUEST.c.status.in_(LIVE))
    if space is not None:
        query = query.where(REQUEST.c.space == space)
    if signer_id is not None:
        query = query.where(REQUEST.c.signer_id == signer_id)
    return [
        (row.space, _request(row))
        for row in connection.execute(query.order_by(REQUEST.c.created_at))
    ]


def items(connection: Connection, space: str, request_id: str) -> list[RequestItem]:
    """Return the items of a request in their order."""
    query = select(ITEM).where(ITEM.c.space == space, ITEM.c.request_id == request_id)
    return [
        RequestItem(
            key=row.key,
            target_id=row.target_id,
            version=row.version,
            label=row.label,
            digest=row.digest,
            draft=row.draft,
            status=ItemStatus(row.status),
            error=row.error,
        )
        for row in connection.execute(query.order_by(ITEM.c.place))
    ]


def set_request(connection: Connection, space: str, request_id: str, **values: Any) -> None:
    """Change `status`, `transaction_id`, `pc_until` or `pc_gone` of a request."""
    connection.execute(
        update(REQUEST)
        .where(REQUEST.c.space == space, REQUEST.c.request_id == request_id)
        .values(**values)
    )


def settle_item(
    connection: Connection,
    space: str,
    request_id: str,
    *,
    key: str,
    status: ItemStatus,
    error: str | None = None,
) -> bool:
    """Settle one waiting item; False when it was settled before (a second look)."""
    result = connection.execute(
        update(ITEM)
        .where(
            ITEM.c.space == space,
            ITEM.c.request_id == request_id,
            ITEM.c.key == key,
            ITEM.c.status == ItemStatus.WAITING.value,
        )
        .values(status=status.value, error=error)
    )
    return result.rowcount == 1


def _certificate(row: Any) -> CertificateRow:
    return CertificateRow(
        unit_code=row.unit_code,
        desk=row.desk,
        serial=row.serial,
        subject=row.subject,
        issuer=row.issuer,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        registration_id=row.registration_id,
        state=CertificateState(row.state),
        xml=row.xml,
        request_id=row.request_id,
        code=row.code,
    )


def certificate(
    connection: Connection, space: str, *, unit_code: str, desk: str
) -> CertificateRow | None:
    """Return the registration of a unit's certificate at a desk."""
    row = connection.execute(
        select(CERTIFICATE).where(
            CERTIFICATE.c.space == space,
            CERTIFICATE.c.unit_code == unit_code,
            CERTIFICATE.c.desk == desk,
        )
    ).first()
    return None if row is None else _certificate(row)


def put_certificate(connection: Connection, space: str, row: CertificateRow) -> None:
    """Write the registration of a unit's certificate, replacing the former one."""
    connection.execute(
        delete(CERTIFICATE).where(
            CERTIFICATE.c.space == space,
            CERTIFICATE.c.unit_code == row.unit_code,
            CERTIFICATE.c.desk == row.desk,
        )
    )
    connection.execute(
        insert(CERTIFICATE).values(
            space=space,
            unit_code=row.unit_code,
            desk=row.desk,
            serial=row.serial,
            subject=row.subject,
            issuer=row.issuer,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            registration_id=row.registration_id,
            state=row.state.value,
            xml=row.xml,
            request_id=row.request_id,
            code=row.code,
        )
    )


def waiting_certificates(
    connection: Connection, spaces: Iterable[str] | None = None
) -> list[tuple[str, CertificateRow]]:
    """Return (space, registration) of those sent and not yet answered."""
    query = select(CERTIFICATE).where(CERTIFICATE.c.state == CertificateState.SENT.value)
    if spaces is not None:
        query = query.where(CERTIFICATE.c.space.in_(list(spaces)))
    return [(row.space, _certificate(row)) for row in connection.execute(query)]
