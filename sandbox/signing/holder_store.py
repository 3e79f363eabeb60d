"""Statements about holders, their credentials and the devices that show their phone."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, delete, insert, select, update

from sandbox.signing.model import Device, DeviceKind, Holder, StoredCredential
from sandbox.signing.store import CREDENTIAL, DEVICE, HOLDER, PAIRING, values_of


def holder_of(connection: Connection, space: str, holder_id: str) -> Holder | None:
    """Return a holder, or None."""
    query = select(HOLDER).where(HOLDER.c.space == space, HOLDER.c.id == holder_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else Holder(**values_of(Holder, row))


def names(connection: Connection, space: str, holder_ids: Collection[str]) -> dict[str, str]:
    """Return the names of the holders that exist."""
    query = select(HOLDER.c.id, HOLDER.c.name).where(
        HOLDER.c.space == space, HOLDER.c.id.in_(holder_ids)
    )
    return {row.id: row.name for row in connection.execute(query)}


def add_holder(connection: Connection, space: str, holder: Holder) -> None:
    """Insert a holder."""
    connection.execute(insert(HOLDER).values(space=space, **asdict(holder)))


def set_counter(
    connection: Connection,
    space: str,
    holder_id: str,
    *,
    wrong_pins: int,
    locked: bool = False,
    times_locked: int,
) -> None:
    """Set the wrong-PIN counter and lock of one phone."""
    connection.execute(
        update(HOLDER)
        .where(HOLDER.c.space == space, HOLDER.c.id == holder_id)
        .values(wrong_pins=wrong_pins, locked=locked, times_locked=times_locked)
    )


def add_credentials(
    connection: Connection, space: str, credentials: Iterable[StoredCredential]
) -> None:
    """Insert certificates."""
    rows = [
        asdict(credential)
        | {
            "space": space,
            "not_before": credential.not_before.isoformat(),
            "not_after": credential.not_after.isoformat(),
        }
        for credential in credentials
    ]
    if rows:
        connection.execute(insert(CREDENTIAL), rows)


def credentials_of(connection: Connection, space: str, holder_id: str) -> list[StoredCredential]:
    """Return a holder's certificates, personal ones first."""
    query = (
        select(CREDENTIAL)
        .where(CREDENTIAL.c.space == space, CREDENTIAL.c.holder == holder_id)
        .order_by(CREDENTIAL.c.kind, CREDENTIAL.c.key_label)
    )
    return [_credential(row) for row in connection.execute(query).mappings()]


def credential_of(connection: Connection, space: str, serial: str) -> StoredCredential | None:
    """Return the certificate with *serial*, or None."""
    query = select(CREDENTIAL).where(CREDENTIAL.c.space == space, CREDENTIAL.c.serial == serial)
    row = connection.execute(query).mappings().first()
    return None if row is None else _credential(row)


def device_of(connection: Connection, space: str, token: str) -> Device | None:
    """Return the device behind *token*, or None."""
    query = select(DEVICE).where(DEVICE.c.space == space, DEVICE.c.token == token)
    row = connection.execute(query).first()
    return None if row is None else _device(row)


def screen_of(connection: Connection, space: str, holder_id: str) -> Device | None:
    """Return the holder's page on the computer's own screen, or None."""
    query = select(DEVICE).where(
        DEVICE.c.space == space,
        DEVICE.c.holder == holder_id,
        DEVICE.c.kind == DeviceKind.SCREEN,
        DEVICE.c.replaced.is_(False),
    )
    row = connection.execute(query).first()
    return None if row is None else _device(row)


def add_device(connection: Connection, space: str, device: Device) -> None:
    """Insert a device."""
    connection.execute(insert(DEVICE).values(space=space, **asdict(device)))


def replace_paired(connection: Connection, space: str, holder_id: str) -> int:
    """Cut off the paired devices of a holder; return how many there were."""
    return connection.execute(
        update(DEVICE)
        .where(
            DEVICE.c.space == space,
            DEVICE.c.holder == holder_id,
            DEVICE.c.kind == DeviceKind.PAIRED,
            DEVICE.c.replaced.is_(False),
        )
        .values(replaced=True)
    ).rowcount


def pairing_of(connection: Connection, space: str, holder_id: str) -> tuple[str, float] | None:
    """Return a holder's pairing code and when it was made, or None."""
    query = select(PAIRING.c.code, PAIRING.c.made_epoch).where(
        PAIRING.c.space == space, PAIRING.c.holder == holder_id
    )
    row = connection.execute(query).first()
    return None if row is None else (row.code, row.made_epoch)


def pairing_behind(connection: Connection, space: str, code: str) -> tuple[str, float] | None:
    """Return the holder behind a pairing code and when it was made, or None."""
    query = select(PAIRING.c.holder, PAIRING.c.made_epoch).where(
        PAIRING.c.space == space, PAIRING.c.code == code
    )
    row = connection.execute(query).first()
    return None if row is None else (row.holder, row.made_epoch)


def codes_in_use(connection: Connection, space: str) -> dict[str, float]:
    """Return the codes of *space* and when they were made."""
    query = select(PAIRING.c.code, PAIRING.c.made_epoch).where(PAIRING.c.space == space)
    return {row.code: row.made_epoch for row in connection.execute(query)}


def set_pairing(
    connection: Connection, space: str, holder_id: str, *, code: str, made_epoch: float
) -> None:
    """Give a holder a pairing code; their former one and another's stale *code* end."""
    connection.execute(
        delete(PAIRING).where(
            PAIRING.c.space == space,
            (PAIRING.c.holder == holder_id) | (PAIRING.c.code == code),
        )
    )
    connection.execute(
        insert(PAIRING).values(space=space, code=code, holder=holder_id, made_epoch=made_epoch)
    )


def _credential(row: RowMapping) -> StoredCredential:
    values = values_of(StoredCredential, row)
    values["not_before"] = datetime.fromisoformat(row["not_before"])
    values["not_after"] = datetime.fromisoformat(row["not_after"])
    return StoredCredential(**values)


def _device(row: Row[Any]) -> Device:
    return Device(
        token=row.token,
        holder=row.holder,
        kind=DeviceKind(row.kind),
        replaced=bool(row.replaced),
    )
