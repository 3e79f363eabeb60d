"""Desks, accounts, tokens, the register of schools, the journal and the audit trail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from sandbox.ministry import tables_store as t
from sandbox.ministry.model import (
    PROFILES,
    Account,
    Audit,
    Desk,
    DeskKind,
    DeskSeed,
    Exchange,
    RegisterUnit,
)

JOURNAL_KEPT = 5_000
"""Lines of the journal of exchanges that a desk keeps."""
_PRUNE_EVERY = 100
_ROUNDING = 1e-6
"""A sender who keeps exactly to the rate is not refused for the last bit of a float."""
FIRST_HASH = "0" * 64


def add_desk(connection: Connection, seed: DeskSeed, *, space: str) -> None:
    """Open one desk, without its units and accounts."""
    statement = t.upsert(connection, t.desk).values(
        space=space, desk=seed.desk, kind=seed.kind, name=seed.name
    )
    connection.execute(statement.on_conflict_do_nothing())


def desk_of(connection: Connection, *, space: str, desk: str) -> Desk | None:
    """Return the desk, or None where the space has no such desk."""
    row = connection.execute(
        select(t.desk).where(t.desk.c.space == space, t.desk.c.desk == desk)
    ).one_or_none()
    return None if row is None else Desk(space, desk, DeskKind(row.kind), row.name)


def desks_of(connection: Connection, *, space: str) -> list[Desk]:
    """Return all desks of *space*, the Kho first."""
    rows = connection.execute(select(t.desk).where(t.desk.c.space == space)).all()
    desks = [Desk(space, row.desk, DeskKind(row.kind), row.name) for row in rows]
    return sorted(desks, key=lambda desk: (desk.kind is DeskKind.CONG, desk.desk))


def add_units(
    connection: Connection, units: Iterable[RegisterUnit], *, space: str, desk: str
) -> None:
    """Enter schools into a desk's register; one already there is replaced."""
    for unit in units:
        values = {"space": space, "desk": desk, **asdict(unit)}
        statement = t.upsert(connection, t.unit).values(**values)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["space", "desk", "ma_truong"],
                set_={name: statement.excluded[name] for name in asdict(unit)},
            )
        )


def _unit(row: Any) -> RegisterUnit:
    return RegisterUnit(
        ma_truong=row.ma_truong,
        ten_truong=row.ten_truong,
        ma_so_giao_duc=row.ma_so_giao_duc,
        ten_so_gd=row.ten_so_gd,
        ten_xa_phuong=row.ten_xa_phuong,
        ten_quan_huyen=row.ten_quan_huyen,
        ten_tinh_thanh_pho=row.ten_tinh_thanh_pho,
        so_hoc_ba=row.so_hoc_ba,
    )


def units_of_account(
    connection: Connection, *, space: str, desk: str, unit_code: str, kind: str
) -> list[RegisterUnit]:
    """Return the schools an account may submit for, in order of code."""
    own = t.unit.c.ma_so_giao_duc if kind == "so" else t.unit.c.ma_truong
    rows = connection.execute(
        select(t.unit)
        .where(t.unit.c.space == space, t.unit.c.desk == desk, own == unit_code)
        .order_by(t.unit.c.ma_truong)
    )
    return [_unit(row) for row in rows]


def units_named(
    connection: Connection, codes: Iterable[str], *, space: str, desk: str
) -> dict[str, RegisterUnit]:
    """Return the schools of the register among *codes*."""
    rows = connection.execute(
        select(t.unit).where(
            t.unit.c.space == space, t.unit.c.desk == desk, t.unit.c.ma_truong.in_(sorted(codes))
        )
    )
    return {row.ma_truong: _unit(row) for row in rows}


def add_account(connection: Connection, account: Account) -> None:
    """Open an account, or replace the one of the same name at the desk."""
    values = {
        "space": account.space,
        "desk": account.desk,
        "user_name": account.user_name,
        "salt": account.salt,
        "secret": account.secret,
        "unit_code": account.unit_code,
        "kind": account.kind,
        "profile": account.profile.name,
        "allowed_ips": list(account.allowed_ips),
        "level": float(account.profile.requests_per_second),
        "level_epoch": 0.0,
    }
    statement = t.upsert(connection, t.account).values(**values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["space", "desk", "user_name"],
            set_={name: statement.excluded[name] for name in values},
        )
    )


def account_of(connection: Connection, *, space: str, desk: str, user_name: str) -> Account | None:
    """Return the account named *user_name* at the desk."""
    row = connection.execute(
        select(t.account).where(
            t.account.c.space == space,
            t.account.c.desk == desk,
            t.account.c.user_name == user_name,
        )
    ).one_or_none()
    if row is None:
        return None
    return Account(
        space=space,
        desk=desk,
        user_name=row.user_name,
        salt=row.salt,
        secret=row.secret,
        unit_code=row.unit_code,
        kind=row.kind,
        profile=PROFILES[row.profile],
        allowed_ips=tuple(row.allowed_ips),
    )


def take_turn(connection: Connection, account: Account, *, epoch: float) -> bool:
    """Spend one request of *account*'s allowance; False when this second's is used up.

    A bucket that holds one second's requests and refills evenly by the machine clock.
    """
    here = and_(
        t.account.c.space == account.space,
        t.account.c.desk == account.desk,
        t.account.c.user_name == account.user_name,
    )
    row = connection.execute(
        select(t.account.c.level, t.account.c.level_epoch).where(here).with_for_update()
    ).one()
    rate = float(account.profile.requests_per_second)
    level = min(rate, row.level + max(0.0, epoch - row.level_epoch) * rate)
    granted = bool(level > 1.0 - _ROUNDING)
    connection.execute(
        update(t.account)
        .where(here)
        .values(level=max(0.0, level - 1.0) if granted else level, level_epoch=epoch)
    )
    return granted


def add_token(connection: Connection, account: Account, *, token: str, expires: float) -> None:
    """Remember a token by its hash."""
    connection.execute(
        insert(t.token).values(
            space=account.space,
            desk=account.desk,
            token_hash=_hash(token),
            user_name=account.user_name,
            expires_epoch=expires,
        )
    )


def forget_tokens(connection: Connection, account: Account, *, epoch: float) -> None:
    """Delete the account's tokens that have run out."""
    connection.execute(
        delete(t.token).where(
            t.token.c.space == account.space,
            t.token.c.desk == account.desk,
            t.token.c.user_name == account.user_name,
            t.token.c.expires_epoch <= epoch,
        )
    )


def holder_of_token(
    connection: Connection, token: str, *, space: str, desk: str, epoch: float
) -> str | None:
    """Return the account name that holds *token*, or None when it is wrong or has run out."""
    name = connection.execute(
        select(t.token.c.user_name).where(
            t.token.c.space == space,
            t.token.c.desk == desk,
            t.token.c.token_hash == _hash(token),
            t.token.c.expires_epoch > epoch,
        )
    ).scalar_one_or_none()
    return None if name is None else str(name)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def add_exchange(
    connection: Connection,
    line: Exchange,
    *,
    space: str,
    desk: str,
    keep: int = JOURNAL_KEPT,
) -> None:
    """Add one line to the journal; every hundred lines drop what is older than the last *keep*."""
    number = t.take_numbers(connection, space=space, desk=desk, name="nhat-ky")
    values = {**asdict(line), "space": space, "desk": desk, "number": number}
    connection.execute(insert(t.exchange).values(**values))
    if number % _PRUNE_EVERY == 0:
        connection.execute(
            delete(t.exchange).where(
                t.exchange.c.space == space,
                t.exchange.c.desk == desk,
                t.exchange.c.number <= number - keep,
            )
        )


def exchanges_after(
    connection: Connection, after: int, *, space: str, desk: str, limit: int
) -> list[Exchange]:
    """Return journal lines with a number above *after*, oldest first."""
    rows = connection.execute(
        select(t.exchange)
        .where(t.exchange.c.space == space, t.exchange.c.desk == desk, t.exchange.c.number > after)
        .order_by(t.exchange.c.number)
        .limit(limit)
    )
    return [
        Exchange(
            service=row.service,
            user_name=row.user_name,
            type=row.type,
            messageid=row.messageid,
            status=row.status,
            error=row.error,
            address=row.address,
            space_time=row.space_time,
            machine_time=row.machine_time,
            number=row.number,
        )
        for row in rows
    ]


def add_audit(connection: Connection, lines: Iterable[Audit], *, space: str, desk: str) -> None:
    """Append lines to the audit trail, each chained to the one before by its hash."""
    kept = list(lines)
    if not kept:
        return
    number = t.take_numbers(connection, space=space, desk=desk, name="kiem-toan", count=len(kept))
    previous = _last_hash(connection, space=space, desk=desk, before=number)
    rows = []
    for offset, line in enumerate(kept):
        values = asdict(line)
        text = json.dumps([previous, number + offset, values], ensure_ascii=False, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        rows.append(
            {
                **values,
                "space": space,
                "desk": desk,
                "number": number + offset,
                "previous": previous,
                "hash": digest,
            }
        )
        previous = digest
    connection.execute(insert(t.audit), rows)


def _last_hash(connection: Connection, *, space: str, desk: str, before: int) -> str:
    found = connection.execute(
        select(t.audit.c.hash).where(
            t.audit.c.space == space, t.audit.c.desk == desk, t.audit.c.number == before - 1
        )
    ).scalar_one_or_none()
    return FIRST_HASH if found is None else str(found)


def audit_lines(connection: Connection, *, space: str, desk: str) -> list[dict[str, Any]]:
    """Return the whole audit trail of a desk, oldest first."""
    rows = connection.execute(
        select(t.audit)
        .where(t.audit.c.space == space, t.audit.c.desk == desk)
        .order_by(t.audit.c.number)
    )
    return [dict(row) for row in rows.mappings()]


def set_fault(
    connection: Connection, plan: Mapping[str, Any] | None, *, space: str, desk: str
) -> None:
    """Keep the fault plan of a desk's edge, or drop it."""
    connection.execute(delete(t.fault).where(t.fault.c.space == space, t.fault.c.desk == desk))
    if plan is not None:
        connection.execute(insert(t.fault).values(space=space, desk=desk, plan=dict(plan)))


def fault_of(connection: Connection, *, space: str, desk: str) -> Mapping[str, Any] | None:
    """Return the fault plan of a desk's edge."""
    plan = connection.execute(
        select(t.fault.c.plan).where(t.fault.c.space == space, t.fault.c.desk == desk)
    ).scalar_one_or_none()
    return None if plan is None else dict(plan)


def count_rows(connection: Connection, *, space: str) -> dict[str, int]:
    """Return the number of rows a space has in each table: for proofs of isolation."""
    return {
        table.name: connection.execute(
            select(func.count()).select_from(table).where(table.c.space == space)
        ).scalar_one()
        for table in t.METADATA.sorted_tables
    }
