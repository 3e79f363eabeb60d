"""The packages table, which is the queue, and the results per record.

A package is claimed for a time. A worker that dies loses its claim when the time is over and
another takes the package again; results and the final state are written in one transaction that
only the holder of the claim may commit, so each package is settled exactly once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, insert, or_, select, update

from sandbox.ministry import tables_store as t
from sandbox.ministry.model import Claim, Package, PackageState, ResultLine

OPEN = (PackageState.WAITING.value, PackageState.CLAIMED.value)


def add_package(connection: Connection, package: Package, *, content: bytes) -> bool:
    """Put a package into the queue; False when its messageid was taken in the same moment."""
    statement = t.upsert(connection, t.package)
    added = connection.execute(
        statement.values(
            space=package.space,
            desk=package.desk,
            messageid=package.messageid,
            user_name=package.user_name,
            unit_code=package.unit_code,
            nam_hoc=package.nam_hoc,
            request_hash=package.request_hash,
            content=content,
            size=package.size,
            state=package.state.value,
            received_epoch=package.received_epoch,
            received_at=package.received_at,
            due_epoch=package.due_epoch,
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
    return added is not None


_COLUMNS = [column for column in t.package.c if column.name != "content"]


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
    row = connection.execute(select(*_COLUMNS).where(_is(space, desk, messageid))).one_or_none()
    return None if row is None else _package(row)


def content_of(connection: Connection, messageid: str, *, space: str, desk: str) -> str | None:
    """Return the content of a package as it was sent, None when the desk has no such package."""
    found = connection.execute(
        select(t.package.c.content).where(
            t.package.c.space == space,
            t.package.c.desk == desk,
            t.package.c.messageid == messageid,
        )
    ).scalar_one_or_none()
    return None if found is None else bytes(found).decode()


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
    """Count the account's packages that are acknowledged and have no result yet."""
    return int(
        connection.execute(
            select(func.count())
            .select_from(t.package)
            .where(
                t.package.c.space == space,
                t.package.c.desk == desk,
                t.package.c.user_name == user_name,
                t.package.c.state.in_(OPEN),
            )
        ).scalar_one()
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
    query = select(func.count(), func.min(t.package.c.received_epoch)).where(
        t.package.c.state.in_(OPEN)
    )
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
            select(t.package.c.messageid).where(t.package.c.state.in_(OPEN), _due(epoch)).limit(1)
        ).first()
        is not None
    )


def claim(connection: Connection, *, worker: str, epoch: float, seconds: float) -> Claim | None:
    """Take the oldest due package in hand for *seconds*; None when there is none.

    On PostgreSQL rows that another worker is just claiming are stepped over; on SQLite the
    caller's immediate transaction lets one worker claim at a time.
    """
    row = connection.execute(
        select(t.package)
        .where(t.package.c.state.in_(OPEN), _due(epoch))
        .order_by(t.package.c.received_epoch, t.package.c.messageid)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return None
    until = epoch + seconds
    connection.execute(
        update(t.package)
        .where(_is(row.space, row.desk, row.messageid))
        .values(
            state=PackageState.CLAIMED.value,
            claimed_by=worker,
            claim_until=until,
            attempts=row.attempts + 1,
        )
    )
    return Claim(_package(row), bytes(row.content), worker, until)


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
            finished_epoch=settlement.epoch,
        )
    ).rowcount
    if changed != 1:
        return False
    _add_results(connection, claimed.package, settlement.lines)
    return True


def _add_results(connection: Connection, package: Package, lines: Iterable[ResultLine]) -> None:
    rows = [
        {
            "space": package.space,
            "desk": package.desk,
            "messageid": package.messageid,
            "number": line.number,
            "uuid": line.uuid,
            "pupil_code": line.pupil_code,
            "pupil_name": line.pupil_name,
            "pupil_id": line.pupil_id,
            "accepted": int(line.accepted),
            "findings": list(line.findings),
        }
        for line in lines
    ]
    if rows:
        connection.execute(insert(t.result), rows)


def results_of(
    connection: Connection, messageid: str, *, space: str, desk: str
) -> list[ResultLine]:
    """Return the result lines of a settled package in the package's order."""
    rows = connection.execute(
        select(t.result)
        .where(
            t.result.c.space == space,
            t.result.c.desk == desk,
            t.result.c.messageid == messageid,
        )
        .order_by(t.result.c.number)
    )
    return [
        ResultLine(
            number=row.number,
            uuid=row.uuid,
            pupil_code=row.pupil_code,
            pupil_name=row.pupil_name,
            pupil_id=row.pupil_id,
            accepted=bool(row.accepted),
            findings=tuple(row.findings),
        )
        for row in rows
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
