"""Registered certificates of the units (transactions §6)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

from sandbox.ministry import tables_store as t
from sandbox.ministry.model import CertificateState, RegisteredCertificate


def add_certificate(
    connection: Connection, certificate: RegisteredCertificate, *, space: str, desk: str
) -> bool:
    """Keep one registration; False when its messageid was taken in the same moment."""
    statement = t.upsert(connection, t.certificate)
    added = connection.execute(
        statement.values(
            space=space,
            desk=desk,
            messageid=certificate.messageid,
            unit_code=certificate.unit_code,
            serial=certificate.serial,
            serial_key=certificate.serial_key,
            issuer=certificate.issuer,
            subject=certificate.subject,
            der=certificate.der,
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            kind=certificate.kind,
            provider=certificate.provider,
            state=certificate.state.value,
            registered_at=certificate.registered_at,
            decided_at=certificate.decided_at,
            reason=certificate.reason,
            approved_at=certificate.approved_at,
            replaced_at=certificate.replaced_at,
            request_hash=certificate.request_hash,
            findings=list(certificate.findings),
        )
        .on_conflict_do_nothing()
        .returning(t.certificate.c.messageid)  # PostgreSQL's driver does not count inserted rows
    ).first()
    return added is not None


def _certificate(row: Any) -> RegisteredCertificate:
    return RegisteredCertificate(
        messageid=row.messageid,
        unit_code=row.unit_code,
        serial=row.serial,
        serial_key=row.serial_key,
        issuer=row.issuer,
        subject=row.subject,
        der=row.der,
        not_before=row.not_before,
        not_after=row.not_after,
        kind=row.kind,
        provider=row.provider,
        state=CertificateState(row.state),
        registered_at=row.registered_at,
        decided_at=row.decided_at,
        reason=row.reason,
        approved_at=row.approved_at,
        replaced_at=row.replaced_at,
        request_hash=row.request_hash,
        findings=tuple(row.findings),
    )


def certificate_of(
    connection: Connection, messageid: str, *, space: str, desk: str
) -> RegisteredCertificate | None:
    """Return the registration made with *messageid*."""
    row = connection.execute(
        select(t.certificate).where(
            t.certificate.c.space == space,
            t.certificate.c.desk == desk,
            t.certificate.c.messageid == messageid,
        )
    ).one_or_none()
    return None if row is None else _certificate(row)


def certificates_of(
    connection: Connection,
    *,
    space: str,
    desk: str,
    units: tuple[str, ...] | None = None,
    states: tuple[CertificateState, ...] = tuple(CertificateState),
) -> list[RegisteredCertificate]:
    """Return registrations in *states*, of *units* or of all, oldest first."""
    query = select(t.certificate).where(
        t.certificate.c.space == space,
        t.certificate.c.desk == desk,
        t.certificate.c.state.in_([state.value for state in states]),
    )
    if units is not None:
        query = query.where(t.certificate.c.unit_code.in_(units))
    rows = connection.execute(
        query.order_by(t.certificate.c.registered_at, t.certificate.c.messageid)
    )
    return [_certificate(row) for row in rows]


def other_unit_with_serial(
    connection: Connection,
    *,
    space: str,
    desk: str,
    serial_key: str,
    issuer: str,
    unit_code: str,
) -> str | None:
    """Return another unit that uses this certificate: one serial cannot serve two units."""
    found = connection.execute(
        select(t.certificate.c.unit_code)
        .where(
            t.certificate.c.space == space,
            t.certificate.c.desk == desk,
            t.certificate.c.serial_key == serial_key,
            t.certificate.c.issuer == issuer,
            t.certificate.c.unit_code != unit_code,
            t.certificate.c.state != CertificateState.REFUSED.value,
        )
        .limit(1)
    ).scalar_one_or_none()
    return None if found is None else str(found)


def approve(
    connection: Connection, messageid: str, *, space: str, desk: str, at: str
) -> RegisteredCertificate | None:
    """Approve a pending registration and mark the unit's former certificate as replaced.

    Returns the approved registration, or None when it was not pending any more.
    """
    pending = _decide(
        connection,
        messageid,
        space=space,
        desk=desk,
        values={
            "state": CertificateState.APPROVED.value,
            "decided_at": at,
            "approved_at": at,
        },
    )
    if pending is None:
        return None
    replace_others(
        connection, messageid, unit_code=pending.unit_code, space=space, desk=desk, at=at
    )
    return pending


def replace_others(
    connection: Connection, messageid: str, *, unit_code: str, space: str, desk: str, at: str
) -> None:
    """Mark the unit's approved certificates but that of *messageid* as replaced."""
    connection.execute(
        update(t.certificate)
        .where(
            t.certificate.c.space == space,
            t.certificate.c.desk == desk,
            t.certificate.c.unit_code == unit_code,
            t.certificate.c.state == CertificateState.APPROVED.value,
            t.certificate.c.messageid != messageid,
        )
        .values(state=CertificateState.REPLACED.value, replaced_at=at)
    )


def refuse(
    connection: Connection, messageid: str, *, space: str, desk: str, at: str, reason: str
) -> RegisteredCertificate | None:
    """Refuse a pending registration with *reason*; None when it was not pending any more."""
    return _decide(
        connection,
        messageid,
        space=space,
        desk=desk,
        values={"state": CertificateState.REFUSED.value, "decided_at": at, "reason": reason},
    )


def _decide(
    connection: Connection,
    messageid: str,
    *,
    space: str,
    desk: str,
    values: dict[str, str],
) -> RegisteredCertificate | None:
    changed = connection.execute(
        update(t.certificate)
        .where(
            t.certificate.c.space == space,
            t.certificate.c.desk == desk,
            t.certificate.c.messageid == messageid,
            t.certificate.c.state == CertificateState.PENDING.value,
        )
        .values(**values)
    ).rowcount
    if changed == 0:
        return None
    return certificate_of(connection, messageid, space=space, desk=desk)
