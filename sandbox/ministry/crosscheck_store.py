"""What the second verifier is asked, what came of it, and the incidents: the cross-check's tables.

A record to look at waits in `ministry_crosscheck`, written in the very transaction that settled
its package: a check that was killed finds it again, and whoever takes the row away counts it, so
nothing is looked at twice or forgotten, whatever the machine's clock does meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

import zstandard
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    Integer,
    String,
    Table,
    Text,
    and_,
    delete,
    event,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.exc import NoResultFound

from sandbox.ministry import record_store
from sandbox.ministry import tables_store as t
from sandbox.ministry.model import StoredRecord

SEQUENCE = "su-co"
"""The counter from which a desk's incidents get their numbers."""


class Why(StrEnum):
    """Why a record was chosen."""

    SAMPLE = "mau"
    PACKAGE = "goi"
    SIGNER = "chung_thu"


class Standing(StrEnum):
    """Life of an incident."""

    OPEN = "mo"
    EXPLAINED = "da_giai_thich"


def _key(name: str, length: int = 64) -> Column[str]:
    return Column(name, String(length), primary_key=True)


waiting = Table(
    "ministry_crosscheck",
    t.METADATA,
    _key("space"),
    _key("desk"),
    _key("messageid", 36),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("uuid", Text),
    Column("codes", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("why", String(16), nullable=False),
    Column("noted_epoch", Float, nullable=False),
    Column("claim_until", Float, nullable=False),
)
"""Records to look at; `codes` is empty for an accepted one, `digest` for a refused one."""
Index("ministry_crosscheck_in_order", waiting.c.noted_epoch)

signer = Table(
    "ministry_crosscheck_signer",
    t.METADATA,
    _key("space"),
    _key("desk"),
    _key("fingerprint"),
)
"""Certificates of which a record has been looked at."""

tally = Table(
    "ministry_crosscheck_tally",
    t.METADATA,
    _key("space"),
    _key("desk"),
    _key("outcome", 40),
    Column("count", BigInteger, nullable=False),
)

incident = Table(
    "ministry_incident",
    t.METADATA,
    _key("space"),
    _key("desk"),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("uuid", Text, nullable=False),
    Column("messageid", String(36), nullable=False),
    Column("place", Integer, nullable=False),
    Column("first_said", Text, nullable=False),
    Column("second_said", String(40), nullable=False),
    Column("slot", String(16), nullable=False),
    Column("detail", Text, nullable=False),
    Column("at", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    Column("note", Text),
    Column("explained_at", String(40)),
)
Index(
    "ministry_incident_of_record",
    incident.c.space,
    incident.c.desk,
    incident.c.messageid,
    incident.c.place,
    unique=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One record somebody should look at a second time."""

    space: str
    desk: str
    messageid: str
    number: int
    """Place in the package, from 1."""
    uuid: str | None
    codes: str
    """What refused it, separated by spaces; empty for an accepted record."""
    why: str
    digest: str = ""
    """SHA-256 of an accepted record's bytes, hex, as they were checked; empty: not noted."""
    noted_epoch: float = 0.0


def add_waiting(connection: Connection, rows: Iterable[Waiting]) -> None:
    """Note records to look at; one noted already stays as it is."""
    values = [{**asdict(row), "claim_until": 0.0} for row in rows]
    if values:
        statement = t.upsert(connection, waiting).on_conflict_do_nothing()
        connection.execute(statement, values)


def when_committed(connection: Connection, do: Callable[[], None]) -> None:
    """Call *do* once the transaction of *connection* is durable; never when it is rolled back."""
    event.listen(connection, "commit", lambda _connection: do(), once=True)


def anything_waits(connection: Connection) -> bool:
    """Look, without taking the write lock, whether a record waits."""
    return connection.execute(select(waiting.c.number).limit(1)).first() is not None


def take(connection: Connection, *, epoch: float, seconds: float, limit: int) -> list[Waiting]:
    """Take up to *limit* of the oldest records in hand for *seconds*.

    A claim from beyond the longest possible one was made before the machine's clock was set back.
    """
    free = or_(waiting.c.claim_until <= epoch, waiting.c.claim_until > epoch + seconds)
    rows = connection.execute(
        select(waiting)
        .where(free)
        .order_by(waiting.c.noted_epoch, waiting.c.messageid, waiting.c.number)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    found = [
        Waiting(
            space=row.space,
            desk=row.desk,
            messageid=row.messageid,
            number=row.number,
            uuid=row.uuid,
            codes=row.codes,
            digest=row.digest,
            why=row.why,
            noted_epoch=row.noted_epoch,
        )
        for row in rows
    ]
    for row in found:
        _claim(connection, row, until=epoch + seconds)
    return found


def give_back(connection: Connection, rows: Iterable[Waiting]) -> None:
    """Let others take *rows* at once."""
    for row in rows:
        _claim(connection, row, until=0.0)


def _is(row: Waiting) -> ColumnElement[bool]:
    return and_(
        waiting.c.space == row.space,
        waiting.c.desk == row.desk,
        waiting.c.messageid == row.messageid,
        waiting.c.number == row.number,
    )


def _claim(connection: Connection, row: Waiting, *, until: float) -> None:
    connection.execute(update(waiting).where(_is(row)).values(claim_until=until))


def take_away(connection: Connection, row: Waiting) -> bool:
    """Strike *row* off; False when somebody else has, or its space was reset."""
    return connection.execute(delete(waiting).where(_is(row))).rowcount == 1


def stored_record(
    connection: Connection, uuid: str, *, space: str, desk: str
) -> StoredRecord | None:
    """Return an accepted record as it is stored, None when there is none.

    Raises `ValueError` for one whose bytes cannot be read back.
    """
    try:
        return record_store.record_of(connection, uuid, space=space, desk=desk)
    except (NoResultFound, zstandard.ZstdError, LookupError) as error:
        raise ValueError(repr(error)) from error


def known_signers(
    connection: Connection, fingerprints: Iterable[str], *, space: str, desk: str
) -> set[str]:
    """Return those of *fingerprints* of which a record has been looked at."""
    rows = connection.execute(
        select(signer.c.fingerprint).where(
            signer.c.space == space,
            signer.c.desk == desk,
            signer.c.fingerprint.in_(sorted(fingerprints)),
        )
    )
    return set(rows.scalars())


def add_signers(
    connection: Connection, fingerprints: Iterable[str], *, space: str, desk: str
) -> None:
    """Remember that a record of each certificate has been looked at."""
    values = [{"space": space, "desk": desk, "fingerprint": one} for one in fingerprints]
    if values:
        connection.execute(t.upsert(connection, signer).on_conflict_do_nothing(), values)


def count_outcome(
    connection: Connection, outcome: str, *, space: str, desk: str, times: int = 1
) -> None:
    """Count looks that ended with *outcome*."""
    row = {"space": space, "desk": desk, "outcome": outcome, "count": times}
    statement = t.upsert(connection, tally).values(**row)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["space", "desk", "outcome"], set_={"count": tally.c.count + times}
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Two verifiers that disagree about one record."""

    uuid: str
    """Empty where the record names none."""
    messageid: str
    place: int
    """Place in the package, from 1."""
    first_said: str
    """Codes of the refusal, empty for accepted."""
    second_said: str
    """What does not hold for the second one (a key of words); `hop_le` when all holds."""
    slot: str
    detail: str
    """The library's own words."""
    at: str
    state: Standing = Standing.OPEN
    note: str | None = None
    explained_at: str | None = None
    number: int = 0


def has_incident(
    connection: Connection, messageid: str, place: int, *, space: str, desk: str
) -> bool:
    """Tell whether this record is an incident already, explained or not."""
    return (
        connection.execute(
            select(incident.c.number).where(
                incident.c.space == space,
                incident.c.desk == desk,
                incident.c.messageid == messageid,
                incident.c.place == place,
            )
        ).first()
        is not None
    )


def add_incident(connection: Connection, found: Incident, *, space: str, desk: str) -> bool:
    """Keep an incident under the desk's next number; False when the record has one already."""
    if has_incident(connection, found.messageid, found.place, space=space, desk=desk):
        return False
    number = t.take_numbers(connection, space=space, desk=desk, name=SEQUENCE)
    values = {**asdict(found), "number": number, "space": space, "desk": desk}
    statement = t.upsert(connection, incident).values(**values)
    added = connection.execute(
        statement.on_conflict_do_nothing().returning(incident.c.number)
    ).first()
    return added is not None


def _here(space: str, desk: str) -> ColumnElement[bool]:
    return and_(incident.c.space == space, incident.c.desk == desk)


def _incident(row: Any) -> Incident:
    return Incident(
        uuid=row.uuid,
        messageid=row.messageid,
        place=row.place,
        first_said=row.first_said,
        second_said=row.second_said,
        slot=row.slot,
        detail=row.detail,
        at=row.at,
        state=Standing(row.state),
        note=row.note,
        explained_at=row.explained_at,
        number=row.number,
    )


def incidents_of(
    connection: Connection, *, space: str, desk: str, limit: int, skip: int = 0
) -> list[Incident]:
    """Return a desk's incidents: open ones first, in each group the newest first."""
    rows = connection.execute(
        select(incident)
        .where(_here(space, desk))
        .order_by(incident.c.state.desc(), incident.c.number.desc())  # mo > da_giai_thich
        .limit(limit)
        .offset(skip)
    )
    return [_incident(row) for row in rows]


def incident_of(connection: Connection, number: int, *, space: str, desk: str) -> Incident | None:
    """Return one incident of a desk."""
    row = connection.execute(
        select(incident).where(_here(space, desk), incident.c.number == number)
    ).one_or_none()
    return None if row is None else _incident(row)


def explain(
    connection: Connection, number: int, *, space: str, desk: str, note: str, at: str
) -> bool:
    """Close an open incident with *note*; False when it is closed or not there."""
    done = connection.execute(
        update(incident)
        .where(_here(space, desk), incident.c.number == number, incident.c.state == Standing.OPEN)
        .values(state=Standing.EXPLAINED.value, note=note, explained_at=at)
    )
    return done.rowcount == 1


def incident_counts(
    connection: Connection, *, space: str | None = None, desk: str | None = None
) -> dict[str, int]:
    """Return how many incidents are open (`mo`) and explained (`da_giai_thich`).

    Of a desk, of a space, or of everything.
    """
    query = select(incident.c.state, func.count()).group_by(incident.c.state)
    if space is not None:
        query = query.where(incident.c.space == space)
    if desk is not None:
        query = query.where(incident.c.desk == desk)
    found = {state.value: 0 for state in Standing}
    found.update((state, int(count)) for state, count in connection.execute(query))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How far the second verifier is. Times in machine seconds."""

    agreed: int = 0
    disagreed: int = 0
    not_comparable: dict[str, int] = field(default_factory=dict)
    """Count per reason."""
    waiting: int = 0
    oldest_epoch: float | None = None

    @property
    def sampled(self) -> int:
        """Records looked at."""
        return self.agreed + self.disagreed + sum(self.not_comparable.values())


AGREED, DISAGREED, NOT_COMPARABLE = "khop", "lech", "khong_so."
"""Outcomes of the tally; after the last one stands the reason."""


def figures(
    connection: Connection, *, space: str | None = None, desk: str | None = None
) -> Figures:
    """Return the figures of a desk, of a space, or of everything."""
    counts = select(tally.c.outcome, func.sum(tally.c.count)).group_by(tally.c.outcome)
    queue = select(func.count(), func.min(waiting.c.noted_epoch))
    for name, value in (("space", space), ("desk", desk)):
        if value is not None:
            counts = counts.where(tally.c[name] == value)
            queue = queue.where(waiting.c[name] == value)
    found = {outcome: int(count) for outcome, count in connection.execute(counts)}
    length, oldest = connection.execute(queue).one()
    return Figures(
        agreed=found.pop(AGREED, 0),
        disagreed=found.pop(DISAGREED, 0),
        not_comparable={
            outcome.removeprefix(NOT_COMPARABLE): count for outcome, count in sorted(found.items())
        },
        waiting=int(length),
        oldest_epoch=oldest,
    )
