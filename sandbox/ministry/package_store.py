"""The packages table, which is the queue, and the results per record.

A package is claimed for a time. A worker that dies loses its claim when the time is over and
another takes the package again; results and the final state are written in one transaction that
only the holder of the claim may commit, so each package is settled exactly once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from sandbox.ministry import tables_store as t
from sandbox.ministry.model import Claim, Package, PackageState, ResultLine
from sandbox.ministry.packing import compress, expand


def enter(
    connection: Connection, *, space: str, desk: str, user_name: str, limit: int
) -> int | None:
    """Count one more open package of an account and return its rank; None above *limit*.

    Ranks let senders take turns: a sender's packages get one rank after the other, and who had
    nothing open begins where the common queue stands now. Checking goes by rank, so the first
    waiting package of every sender comes before anybody's second (architecture §5).
    """
    here = {"at_space": space, "at_desk": desk, "at_name": user_name, "most": limit}
    rank = connection.execute(_ENTERING, here).scalar_one_or_none()
    return None if rank is None else int(rank)


def _entering() -> Any:
    """Build the statement of `enter` once: it runs for every package."""
    front = (
        select(t.package.c.rank)
        .where(t.IS_OPEN)
        .order_by(t.package.c.rank)
        .limit(1)
        .scalar_subquery()
    )
    own = case((t.account.c.open > 0, t.account.c.rank + 1), else_=0)
    now = func.coalesce(front, 0)
    return (
        update(t.account)
        .where(
            t.account.c.space == bindparam("at_space"),
            t.account.c.desk == bindparam("at_desk"),
            t.account.c.user_name == bindparam("at_name"),
            t.account.c.open < bindparam("most"),
        )
        .values(open=t.account.c.open + 1, rank=case((own > now, own), else_=now))
        .returning(t.account.c.rank)
    )


_ENTERING = _entering()


def leave(connection: Connection, counts: Mapping[tuple[str, str, str], int]) -> None:
    """Count down the open packages of accounts: (space, desk, user name) → how many.

    In one order always, so that two transactions never wait for each other in a circle.
    """
    for (space, desk, user_name), count in sorted(counts.items()):
        connection.execute(
            update(t.account)
            .where(_account(space, desk, user_name))
            .values(open=t.account.c.open - count)
        )


def _account(space: str, desk: str, user_name: str) -> ColumnElement[bool]:
    return and_(
        t.account.c.space == space,
        t.account.c.desk == desk,
        t.account.c.user_name == user_name,
    )


def add_package(connection: Connection, package: Package, *, content: bytes) -> bool:
    """Put a package into the queue; False when its messageid was taken in the same moment."""
    key = {"space": package.space, "desk": package.desk, "messageid": package.messageid}
    statement = t.upsert(connection, t.package)
    added = connection.execute(
        statement.values(
            **key,
            user_name=package.user_name,
            unit_code=package.unit_code,
            nam_hoc=package.nam_hoc,
            request_hash=package.request_hash,
            size=package.size,
            state=package.state.value,
            received_epoch=package.received_epoch,
            received_at=package.received_at,
            due_epoch=package.due_epoch,
            rank=package.rank,
            attempts=0,
            faults=0,
            records=0,
            accepted=0,
            refused=0,
            findings=[],
            timings={},
        )
        .on_conflict_do_nothing()
        .returning(t.package.c.messageid)  # PostgreSQL's driver does not count inserted rows
    ).first()
    if added is None:
        return False
    connection.execute(insert(t.body).values(**key, content=content))
    return True


_COLUMNS = [column for column in t.package.c if column.name != "lines"]


def _package(row: Any) -> Package:
    return Package(
        space=row.space,
        desk=row.desk,
        messageid=row.messageid,
        user_name=row.user_name,
        unit_code=row.unit_code,
        nam_hoc=row.nam_hoc,
        request_hash=row.request_hash,
        size=row.size,
        state=PackageState(row.state),
        received_epoch=row.received_epoch,
        received_at=row.received_at,
        due_epoch=row.due_epoch,
        rank=row.rank,
        attempts=row.attempts,
        faults=row.faults,
        reason=row.reason,
        records=row.records,
        accepted=row.accepted,
        refused=row.refused,
        findings=tuple(row.findings),
        timings=dict(row.timings),
        finished_epoch=row.finished_epoch,
    )


def _is(space: str, desk: str, messageid: str) -> ColumnElement[bool]:
    return and_(
        t.package.c.space == space,
        t.package.c.desk == desk,
        t.package.c.messageid == messageid,
    )


def package_of(connection: Connection, messageid: str, *, space: str, desk: str) -> Package | None:
    """Return the package acknowledged under *messageid*."""
    here = {"at_space": space, "at_desk": desk, "at_id": messageid}
    row = connection.execute(_ONE, here).one_or_none()
    return None if row is None else _package(row)


_ONE = select(*_COLUMNS).where(
    t.package.c.space == bindparam("at_space"),
    t.package.c.desk == bindparam("at_desk"),
    t.package.c.messageid == bindparam("at_id"),
)


def packages_of(
    connection: Connection, *, space: str, desk: str, limit: int, skip: int = 0
) -> list[Package]:
    """Return the latest packages of a desk, newest first."""
    rows = connection.execute(
        select(*_COLUMNS)
        .where(t.package.c.space == space, t.package.c.desk == desk)
        .order_by(t.package.c.received_epoch.desc(), t.package.c.messageid)
        .limit(limit)
        .offset(skip)
    )
    return [_package(row) for row in rows]


def open_packages(connection: Connection, *, space: str, desk: str, user_name: str) -> int:
    """Return how many of the account's packages are acknowledged and have no result yet."""
    return int(
        connection.execute(
            select(t.account.c.open).where(_account(space, desk, user_name))
        ).scalar_one_or_none()
        or 0
    )


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How much waits at a desk, and since which machine second the oldest does."""

    packages: int
    oldest_epoch: float | None


def queue_depth(
    connection: Connection, *, space: str | None = None, desk: str | None = None
) -> QueueDepth:
    """Return the honest queue depth of a desk, a space, or of everything."""
    query = select(func.count(), func.min(t.package.c.received_epoch)).where(t.IS_OPEN)
    if space is not None:
        query = query.where(t.package.c.space == space)
    if desk is not None:
        query = query.where(t.package.c.desk == desk)
    count, oldest = connection.execute(query).one()
    return QueueDepth(int(count), oldest)


LONGEST_AHEAD_S = 120.0
"""No delay and no claim reaches further into the future; one that does was made before the
machine's clock was set back, and is over."""


def _due(epoch: float) -> ColumnElement[bool]:
    """What may be taken: waiting and due, or claimed by a worker whose time is over."""
    due, until = t.package.c.due_epoch, t.package.c.claim_until
    farthest = epoch + LONGEST_AHEAD_S
    return or_(
        and_(t.package.c.state == PackageState.WAITING.value, or_(due <= epoch, due > farthest)),
        and_(t.package.c.state == PackageState.CLAIMED.value, or_(until < epoch, until > farthest)),
    )


def anything_due(connection: Connection, *, epoch: float) -> bool:
    """Look, without taking the write lock, whether a claim would find something."""
    return (
        connection.execute(
            select(t.package.c.messageid).where(t.IS_OPEN, _due(epoch)).limit(1)
        ).first()
        is not None
    )


CLAIM_BYTES = 1_048_576
"""Content of the packages that are claimed together: bounds what a worker holds in memory."""


def claim(
    connection: Connection, *, worker: str, epoch: float, seconds: float, limit: int = 1
) -> list[Claim]:
    """Take the next due packages in hand for *seconds*: at most *limit*, in the order of checking.

    On PostgreSQL rows that another worker is just claiming are stepped over; on SQLite the
    caller's immediate transaction lets one worker claim at a time. A package that failed before
    is taken alone: should it bring its worker down, it takes no neighbour with it.
    """
    rows = connection.execute(
        select(*_COLUMNS, t.body.c.content)
        .join(t.body, _same(t.body))
        .where(t.IS_OPEN, _due(epoch))
        .order_by(t.package.c.rank, t.package.c.received_epoch, t.package.c.messageid)
        .limit(limit)
        .with_for_update(of=t.package, skip_locked=True)
    ).all()
    together = list(_together(rows))
    if not together:
        return []
    until = epoch + seconds
    # Whoever held it has not come back: its worker died over it, or was too slow.
    died = case((t.package.c.state == PackageState.CLAIMED.value, 1), else_=0)
    keys = tuple_(t.package.c.space, t.package.c.desk, t.package.c.messageid)
    connection.execute(
        update(t.package)
        .where(keys.in_([(row.space, row.desk, row.messageid) for row in together]))
        .values(
            state=PackageState.CLAIMED.value,
            claimed_by=worker,
            claim_until=until,
            attempts=t.package.c.attempts + 1,
            faults=t.package.c.faults + died,
        )
    )
    return [
        Claim(
            replace(_package(row), faults=row.faults + (row.state == PackageState.CLAIMED.value)),
            bytes(row.content),
            worker,
            until,
        )
        for row in together
    ]


def _same(other: Any) -> ColumnElement[bool]:
    return and_(*(t.package.c[name] == other.c[name] for name in ("space", "desk", "messageid")))


def _together(rows: Sequence[Any]) -> Iterator[Any]:
    """Yield those of *rows* that are taken at once: not too much, and nothing doubtful in it."""
    size = 0
    for place, row in enumerate(rows):
        doubtful = row.faults > 0 or row.state == PackageState.CLAIMED.value
        size += row.size
        if place and (doubtful or size > CLAIM_BYTES):
            return
        yield row
        if doubtful:
            return


def _held(claimed: Claim) -> ColumnElement[bool]:
    package = claimed.package
    return and_(
        _is(package.space, package.desk, package.messageid),
        t.package.c.state == PackageState.CLAIMED.value,
        t.package.c.claimed_by == claimed.worker,
    )


def renew(connection: Connection, claimed: Claim, *, until: float) -> bool:
    """Hold the claim on until machine second *until*; False when it was lost."""
    return (
        connection.execute(
            update(t.package).where(_held(claimed)).values(claim_until=until)
        ).rowcount
        == 1
    )


def outlive(connection: Connection, claimed: Claim, *, epoch: float) -> None:
    """Tell that the worker of a lost claim is alive, so that no death is counted.

    Only where its claim had time left at *epoch*, its own clock: another worker's clock is far
    off. Whoever was too slow stays counted.
    """
    if epoch > claimed.until_epoch:
        return
    package = claimed.package
    connection.execute(
        update(t.package)
        .where(
            _is(package.space, package.desk, package.messageid), t.IS_OPEN, t.package.c.faults > 0
        )
        .values(faults=t.package.c.faults - 1)
    )


def put_back(
    connection: Connection,
    claimed: Claim,
    *,
    due: float,
    reason: str | None,
    fault: bool = False,
) -> bool:
    """Give a package back to the queue until *due*; False when the claim was lost."""
    return (
        connection.execute(
            update(t.package)
            .where(_held(claimed))
            .values(
                state=PackageState.WAITING.value,
                claimed_by=None,
                claim_until=None,
                due_epoch=due,
                reason=reason,
                faults=claimed.package.faults + (1 if fault else 0),
            )
        ).rowcount
        == 1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a checked package ends with."""

    state: PackageState
    findings: tuple[Mapping[str, Any], ...]
    lines: tuple[ResultLine, ...]
    timings: Mapping[str, float]
    epoch: float


def settle(connection: Connection, claimed: Claim, settlement: Settlement) -> bool:
    """Write the final state and all result lines; False when the claim was lost.

    Called first in the settling transaction: without the claim nothing else may be written.
    """
    accepted = sum(line.accepted for line in settlement.lines)
    changed = connection.execute(
        update(t.package)
        .where(_held(claimed))
        .values(
            state=settlement.state.value,
            claimed_by=None,
            claim_until=None,
            reason=None,
            records=len(settlement.lines),
            accepted=accepted,
            refused=len(settlement.lines) - accepted,
            findings=list(settlement.findings),
            timings=dict(settlement.timings),
            lines=_packed(settlement.lines),
            finished_epoch=settlement.epoch,
        )
    ).rowcount
    return changed == 1


def _packed(lines: Iterable[ResultLine]) -> bytes:
    """Return the lines as they are kept: together, since they are never asked for one by one."""
    rows = [
        (
            line.number,
            line.uuid,
            line.pupil_code,
            line.pupil_name,
            line.pupil_id,
            int(line.accepted),
            line.findings,
        )
        for line in lines
    ]
    return compress(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode())


def results_of(
    connection: Connection, messageid: str, *, space: str, desk: str
) -> list[ResultLine]:
    """Return the result lines of a settled package in the package's order."""
    kept = connection.execute(
        select(t.package.c.lines).where(_is(space, desk, messageid))
    ).scalar_one_or_none()
    if kept is None:
        return []
    return [
        ResultLine(
            number=number,
            uuid=uuid,
            pupil_code=pupil_code,
            pupil_name=pupil_name,
            pupil_id=pupil_id,
            accepted=bool(accepted),
            findings=tuple(findings),
        )
        for number, uuid, pupil_code, pupil_name, pupil_id, accepted, findings in json.loads(
            expand(bytes(kept))
        )
    ]


PACE_SECONDS = 300.0
"""The stretch of machine time over which the pace of a queue is measured."""


def settled_per_minute(connection: Connection, *, space: str, desk: str, epoch: float) -> float:
    """Return how many packages a minute were settled at a desk lately."""
    count = connection.execute(
        select(func.count())
        .select_from(t.package)
        .where(
            t.package.c.space == space,
            t.package.c.desk == desk,
            t.package.c.finished_epoch > epoch - PACE_SECONDS,
        )
    ).scalar_one()
    return float(count) * 60.0 / PACE_SECONDS
