"""Desks, accounts, tokens, the register of schools, the journal and the audit trail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import (
    Connection,
    Float,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

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
from sandbox.ministry.packing import compress, expand

JOURNAL_KEPT = 5_000
"""Lines of the journal of exchanges that a desk keeps."""
_PRUNE_EVERY = 100
_ROUNDING = 1e-6
"""A sender who keeps exactly to the rate is not refused for the last bit of a float."""
FIRST_HASH = "0" * 64
_AUDIT = "kiem-toan"


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


_WITH_FAULT = (
    select(t.desk, t.fault.c.plan)
    .select_from(
        t.desk.outerjoin(
            t.fault, and_(t.fault.c.space == t.desk.c.space, t.fault.c.desk == t.desk.c.desk)
        )
    )
    .where(t.desk.c.space == bindparam("at_space"), t.desk.c.desk == bindparam("at_desk"))
)


def desk_and_fault(
    connection: Connection, *, space: str, desk: str
) -> tuple[Desk, Mapping[str, Any] | None] | None:
    """Return the desk and the fault plan of its edge, or None where there is no such desk."""
    row = connection.execute(_WITH_FAULT, {"at_space": space, "at_desk": desk}).one_or_none()
    if row is None:
        return None
    return Desk(space, desk, DeskKind(row.kind), row.name), row.plan


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
    statement = t.upsert(connection, t.account).values(**values, open=0, rank=0)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["space", "desk", "user_name"],
            set_={name: statement.excluded[name] for name in values},  # its packages stay open
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
    return None if row is None else _account(row)


def accounts_named(
    connection: Connection, names: Iterable[str], *, space: str, desk: str
) -> list[Account]:
    """Return the accounts of the desk among *names*."""
    rows = connection.execute(
        select(t.account).where(
            t.account.c.space == space,
            t.account.c.desk == desk,
            t.account.c.user_name.in_(sorted(names)),
        )
    )
    return [_account(row) for row in rows]


def _account(row: Any) -> Account:
    return Account(
        space=row.space,
        desk=row.desk,
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

    A bucket that holds one second's requests and refills evenly by the machine clock. The row
    stays locked until the transaction ends: an account's requests are answered one by one.
    """
    here = {
        "at_space": account.space,
        "at_desk": account.desk,
        "at_name": account.user_name,
        "rate": float(account.profile.requests_per_second),
        "now": epoch,
    }
    return connection.execute(_TURN, here).first() is not None


def _turn() -> Any:
    """Build the statement of `take_turn` once: it runs for every request."""
    rate, now, own = bindparam("rate", type_=Float), bindparam("now", type_=Float), t.account.c
    passed = case((own.level_epoch < now, now - own.level_epoch), else_=0.0)
    filled = own.level + passed * rate
    level = case((filled > rate, rate), else_=filled)
    return (
        update(t.account)
        .where(
            own.space == bindparam("at_space"),
            own.desk == bindparam("at_desk"),
            own.user_name == bindparam("at_name"),
            level > 1.0 - _ROUNDING,
        )
        .values(level=case((level > 1.0, level - 1.0), else_=0.0), level_epoch=now)
        .returning(own.user_name)
    )


_TURN = _turn()


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


def account_with_token(
    connection: Connection, token: str, *, space: str, desk: str, user_name: str, epoch: float
) -> tuple[Account, bool] | None:
    """Return the account named *user_name*, and whether *token* is its own and has not run out."""
    here = {
        "at_space": space,
        "at_desk": desk,
        "at_name": user_name,
        "held": _hash(token),
        "now": epoch,
    }
    row = connection.execute(_WITH_TOKEN, here).one_or_none()
    return None if row is None else (_account(row), row.token_hash is not None)


_WITH_TOKEN = (
    select(t.account, t.token.c.token_hash)
    .select_from(
        t.account.outerjoin(
            t.token,
            and_(
                t.token.c.space == t.account.c.space,
                t.token.c.desk == t.account.c.desk,
                t.token.c.user_name == t.account.c.user_name,
                t.token.c.token_hash == bindparam("held"),
                t.token.c.expires_epoch > bindparam("now"),
            ),
        )
    )
    .where(
        t.account.c.space == bindparam("at_space"),
        t.account.c.desk == bindparam("at_desk"),
        t.account.c.user_name == bindparam("at_name"),
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
    """Append lines to the audit trail, each chained to the one before by its hash.

    What one transaction appends lies in one row; every line keeps a number and a hash of its own.
    """
    texts = [
        json.dumps({name: getattr(line, name) for name in _SAID}, ensure_ascii=False)
        for line in lines
    ]
    if not texts:
        return
    number, previous = t.take_link(
        connection, space=space, desk=desk, name=_AUDIT, count=len(texts)
    )
    digest = previous or FIRST_HASH
    for offset, said in enumerate(texts):
        digest = _link(digest, number + offset, said)
    packed = compress(f"[{','.join(texts)}]".encode())
    row = {"number": number, "count": len(texts), "lines": packed, "hash": digest}
    connection.execute(insert(t.audit).values(space=space, desk=desk, **row))
    t.close_link(connection, digest, space=space, desk=desk, name=_AUDIT)


_SAID = sorted(field.name for field in fields(Audit))


def _link(previous: str, number: int, said: str) -> str:
    """Return the hash of a line: over the hash before it, its number and all it says (JSON)."""
    return hashlib.sha256(f'["{previous}", {number}, {said}]'.encode()).hexdigest()


def audit_lines(connection: Connection, *, space: str, desk: str) -> list[dict[str, Any]]:
    """Return the whole audit trail of a desk, oldest first, with numbers and hashes."""
    rows = connection.execute(
        select(t.audit)
        .where(t.audit.c.space == space, t.audit.c.desk == desk)
        .order_by(t.audit.c.number)
    )
    lines: list[dict[str, Any]] = []
    previous = FIRST_HASH
    for row in rows:
        for offset, values in enumerate(json.loads(expand(bytes(row.lines)))):
            said = json.dumps(values, ensure_ascii=False, sort_keys=True)
            digest = _link(previous, row.number + offset, said)
            lines.append(
                {
                    **values,
                    "space": space,
                    "desk": desk,
                    "number": row.number + offset,
                    "previous": previous,
                    "hash": digest,
                }
            )
            previous = digest
        if previous != row.hash:
            raise BrokenChainError(f"{space}/{desk}: {row.number}")
    return lines


class BrokenChainError(ValueError):
    """Somebody changed a line of the audit trail after it was written."""


def set_fault(
    connection: Connection, plan: Mapping[str, Any] | None, *, space: str, desk: str
) -> None:
    """Keep the fault plan of a desk's edge, or drop it."""
    connection.execute(delete(t.fault).where(t.fault.c.space == space, t.fault.c.desk == desk))
    if plan is not None:
        connection.execute(insert(t.fault).values(space=space, desk=desk, plan=dict(plan)))


def count_rows(connection: Connection, *, space: str) -> dict[str, int]:
    """Return the number of rows a space has in each table: for proofs of isolation."""
    return {
        table.name: connection.execute(
            select(func.count()).select_from(table).where(table.c.space == space)
        ).scalar_one()
        for table in t.METADATA.sorted_tables
    }
