"""Statements about records, their versions kept, their signatures, and the audit trail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Select,
    String,
    Text,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from sandbox.domain.lifecycle import RecordState
from sandbox.domain.report_card import ReportCard, Slot
from sandbox.portal.cards import card_from_text, card_to_text
from sandbox.portal.model import (
    AuditLine,
    RecordLine,
    RecordRow,
    SignatureRow,
    VersionRow,
)
from sandbox.portal.store import space_table

RECORD = space_table(
    "record",
    Column("record_id", String(36), primary_key=True),
    Column("school_code", String(20), nullable=False),
    Column("class_name", String(20), nullable=False),
    Column("number", Integer, nullable=False),
    Column("pupil_code", String(20), nullable=False),
    Column("pupil_name", String(150), nullable=False),
    Column("state", String(24), nullable=False),
    Column("version", Integer, nullable=False),
    Column("wrong", Text, nullable=False),
    Column("cancel_reason", Text),
    Column("request_id", String(36)),
    Column("package_id", String(36)),
    Column("code", String(16)),
    Column("planted", Boolean, nullable=False),
    Column("card", Text, nullable=False),
    Column("xml", LargeBinary),
)
Index(
    "portal_record_by_class",
    RECORD.c.space,
    RECORD.c.school_code,
    RECORD.c.class_name,
    RECORD.c.number,
)

VERSION = space_table(
    "version",
    Column("record_id", String(36), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("state", String(24), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Column("card", Text, nullable=False),
    Column("xml", LargeBinary),
)

SIGNATURE = space_table(
    "signature",
    Column("record_id", String(36), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("slot", String(16), primary_key=True),
    Column("signer_id", String(20), nullable=False),
    Column("signer_name", String(200), nullable=False),
    Column("serial", String(64), nullable=False),
    Column("unit", Boolean, nullable=False),
    Column("signed_at", String(32), nullable=False),
    Column("request_id", String(36), nullable=False),
)

AUDIT = space_table(
    "audit",
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("line", Text, nullable=False),
    Column("record_id", String(36)),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
Index("portal_audit_by_record", AUDIT.c.space, AUDIT.c.record_id)

AUDIT_HEAD = space_table(
    "audit_head",
    Column("number", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)
"""The newest line of each space: locked while the next one is written, so that two processes
never chain to the same line."""

_LINE = tuple(column for column in RECORD.c if column.name not in ("card", "xml"))


def _line(row: Any) -> RecordLine:
    return RecordLine(
        record_id=row.record_id,
        school_code=row.school_code,
        class_name=row.class_name,
        number=row.number,
        pupil_code=row.pupil_code,
        pupil_name=row.pupil_name,
        state=RecordState(row.state),
        version=row.version,
        wrong=tuple(json.loads(row.wrong)),
        cancel_reason=row.cancel_reason,
        request_id=row.request_id,
        package_id=row.package_id,
        code=row.code,
        planted=bool(row.planted),
    )


def add_record(
    connection: Connection,
    space: str,
    *,
    school_code: str,
    class_name: str,
    number: int,
    card: ReportCard,
    state: RecordState,
) -> None:
    """Add version 1 of a record."""
    general = card.general
    connection.execute(
        insert(RECORD).values(
            space=space,
            record_id=card.record_id,
            school_code=school_code,
            class_name=class_name,
            number=number,
            pupil_code=general.pupil_code,
            pupil_name=general.pupil_name,
            state=state.value,
            version=1,
            wrong="[]",
            planted=False,
            card=card_to_text(card),
        )
    )


def _lines(connection: Connection, query: Select[Any]) -> list[RecordLine]:
    ordered = query.order_by(RECORD.c.school_code, RECORD.c.class_name, RECORD.c.number)
    return [_line(row) for row in connection.execute(ordered)]


def lines_of_class(
    connection: Connection, space: str, school_code: str, class_name: str | None = None
) -> list[RecordLine]:
    """Return the records of a class, or of the whole school, by class and number."""
    query = select(*_LINE).where(RECORD.c.space == space, RECORD.c.school_code == school_code)
    if class_name is not None:
        query = query.where(RECORD.c.class_name == class_name)
    return _lines(connection, query)


def lines(connection: Connection, space: str, record_ids: Iterable[str]) -> list[RecordLine]:
    """Return the records named, by class and number."""
    wanted = list(record_ids)
    query = select(*_LINE).where(RECORD.c.space == space, RECORD.c.record_id.in_(wanted))
    return _lines(connection, query) if wanted else []


def records(connection: Connection, space: str, record_ids: Iterable[str]) -> list[RecordRow]:
    """Return the records named with card and XML, by class and number."""
    wanted = list(record_ids)
    query = (
        select(RECORD)
        .where(RECORD.c.space == space, RECORD.c.record_id.in_(wanted))
        .order_by(RECORD.c.class_name, RECORD.c.number)
    )
    return (
        [
            RecordRow(line=_line(row), card=card_from_text(row.card), xml=row.xml)
            for row in connection.execute(query)
        ]
        if wanted
        else []
    )


def record(connection: Connection, space: str, record_id: str) -> RecordRow | None:
    """Return one record with card and XML."""
    found = records(connection, space, [record_id])
    return found[0] if found else None


def counts(
    connection: Connection, space: str, school_code: str
) -> dict[str, dict[RecordState, int]]:
    """Return per class how many records stand in each state."""
    query = (
        select(RECORD.c.class_name, RECORD.c.state, func.count().label("n"))
        .where(RECORD.c.space == space, RECORD.c.school_code == school_code)
        .group_by(RECORD.c.class_name, RECORD.c.state)
    )
    found: dict[str, dict[RecordState, int]] = {}
    for row in connection.execute(query):
        found.setdefault(row.class_name, {})[RecordState(row.state)] = row.n
    return found


def change(connection: Connection, space: str, line: RecordLine, **values: Any) -> bool:
    """Change a record that still stands where *line* saw it; False when it moved meanwhile.

    Values: columns of the record; `card`, `state` and `wrong` are written in their stored form.
    """
    if "card" in values:
        values["card"] = card_to_text(values["card"])
    if "state" in values:
        values["state"] = values["state"].value
    if "wrong" in values:
        values["wrong"] = json.dumps(list(values["wrong"]))
    result = connection.execute(
        update(RECORD)
        .where(
            RECORD.c.space == space,
            RECORD.c.record_id == line.record_id,
            RECORD.c.state == line.state.value,
            RECORD.c.version == line.version,
        )
        .values(**values)
    )
    return result.rowcount == 1


def claim(connection: Connection, space: str, line: RecordLine, *, request_id: str) -> bool:
    """Hold a record for one signing request; False when another holds it or it moved."""
    result = connection.execute(
        update(RECORD)
        .where(
            RECORD.c.space == space,
            RECORD.c.record_id == line.record_id,
            RECORD.c.state == line.state.value,
            RECORD.c.version == line.version,
            RECORD.c.request_id.is_(None),
        )
        .values(request_id=request_id)
    )
    return result.rowcount == 1


def release(connection: Connection, space: str, *, request_id: str) -> None:
    """Let go of every record a request still holds."""
    connection.execute(
        update(RECORD)
        .where(RECORD.c.space == space, RECORD.c.request_id == request_id)
        .values(request_id=None)
    )


def enter_package(connection: Connection, space: str, line: RecordLine, *, package_id: str) -> bool:
    """Put a record into a package; False when it moved or lies in another one meanwhile."""
    result = connection.execute(
        update(RECORD)
        .where(
            RECORD.c.space == space,
            RECORD.c.record_id == line.record_id,
            RECORD.c.state == line.state.value,
            RECORD.c.version == line.version,
            RECORD.c.package_id.is_(None),
        )
        .values(package_id=package_id)
    )
    return result.rowcount == 1


def leave_package(connection: Connection, space: str, *, package_id: str) -> None:
    """Free the records of a package that was taken apart before it was sent."""
    connection.execute(
        update(RECORD)
        .where(RECORD.c.space == space, RECORD.c.package_id == package_id)
        .values(package_id=None)
    )


def keep_version(
    connection: Connection, space: str, row: RecordRow, *, state: str, reason: str, at: str
) -> None:
    """Keep the present version in the history before a new one replaces it."""
    connection.execute(
        insert(VERSION).values(
            space=space,
            record_id=row.line.record_id,
            version=row.line.version,
            state=state,
            reason=reason,
            at=at,
            card=card_to_text(row.card),
            xml=row.xml,
        )
    )


def add_signature(connection: Connection, space: str, signature: SignatureRow) -> None:
    """Note a signature; the primary key allows one per record, version and slot."""
    values = asdict(signature)
    values["slot"] = signature.slot.value
    connection.execute(insert(SIGNATURE).values(space=space, **values))


def drop_signatures(
    connection: Connection, space: str, *, record_id: str, version: int, slots: Sequence[Slot]
) -> None:
    """Forget signatures taken out of the present version (refused for a missing one)."""
    connection.execute(
        delete(SIGNATURE).where(
            SIGNATURE.c.space == space,
            SIGNATURE.c.record_id == record_id,
            SIGNATURE.c.version == version,
            SIGNATURE.c.slot.in_([slot.value for slot in slots]),
        )
    )


def _signature(row: Any) -> SignatureRow:
    return SignatureRow(
        record_id=row.record_id,
        version=row.version,
        slot=Slot(row.slot),
        signer_id=row.signer_id,
        signer_name=row.signer_name,
        serial=row.serial,
        unit=bool(row.unit),
        signed_at=row.signed_at,
        request_id=row.request_id,
    )


def signatures(
    connection: Connection, space: str, record_ids: Iterable[str]
) -> Mapping[str, list[SignatureRow]]:
    """Return all signatures ever made on the records named, oldest first."""
    query = (
        select(SIGNATURE)
        .where(SIGNATURE.c.space == space, SIGNATURE.c.record_id.in_(list(record_ids)))
        .order_by(SIGNATURE.c.version, SIGNATURE.c.signed_at)
    )
    found: dict[str, list[SignatureRow]] = {}
    for row in connection.execute(query):
        found.setdefault(row.record_id, []).append(_signature(row))
    order = list(Slot)
    for rows in found.values():
        rows.sort(key=lambda s: (s.version, order.index(s.slot)))
    return found


def versions(connection: Connection, space: str, record_id: str) -> list[VersionRow]:
    """Return the versions kept of a record with their signatures, oldest first."""
    made = signatures(connection, space, [record_id]).get(record_id, [])
    query = select(VERSION).where(VERSION.c.space == space, VERSION.c.record_id == record_id)
    return [
        VersionRow(
            version=row.version,
            state=row.state,
            reason=row.reason,
            at=row.at,
            signatures=tuple(s for s in made if s.version == row.version),
        )
        for row in connection.execute(query.order_by(VERSION.c.version))
    ]


def start_audit(connection: Connection, space: str) -> None:
    """Begin the trail of a new space; one that has begun goes on."""
    known = select(AUDIT_HEAD.c.number).where(AUDIT_HEAD.c.space == space)
    if connection.execute(known).first() is None:
        connection.execute(insert(AUDIT_HEAD).values(space=space, number=0, hash="0" * 64))


def write_audit(connection: Connection, space: str, line: AuditLine) -> None:
    """Append one line, chained to the one before by its hash."""
    head = connection.execute(
        select(AUDIT_HEAD.c.number, AUDIT_HEAD.c.hash)
        .where(AUDIT_HEAD.c.space == space)
        .with_for_update()
    ).one()
    number = head.number + 1
    text = json.dumps(asdict(line), ensure_ascii=False, sort_keys=True)
    digest = hashlib.sha256(f"{head.hash}|{number}|{text}".encode()).hexdigest()
    connection.execute(
        insert(AUDIT).values(
            space=space,
            number=number,
            line=text,
            record_id=line.record_id,
            previous=head.hash,
            hash=digest,
        )
    )
    connection.execute(
        update(AUDIT_HEAD).where(AUDIT_HEAD.c.space == space).values(number=number, hash=digest)
    )


def audit(
    connection: Connection, space: str, *, record_id: str | None = None
) -> list[tuple[int, AuditLine, str, str]]:
    """Return (number, line, previous hash, hash), oldest first."""
    query = select(AUDIT).where(AUDIT.c.space == space)
    if record_id is not None:
        query = query.where(AUDIT.c.record_id == record_id)
    return [
        (row.number, AuditLine(**json.loads(row.line)), row.previous, row.hash)
        for row in connection.execute(query.order_by(AUDIT.c.number))
    ]


def audit_page(
    connection: Connection,
    space: str,
    *,
    told: Mapping[str, str],
    action: str | None = None,
    day: str | None = None,
    before: int | None = None,
    most: int = 10,
) -> list[tuple[int, AuditLine]]:
    """Return (number, line), newest first: lines whose fields are as *told*, of one day.

    *told* names fields of `AuditLine` and what they hold, *action* an action with or without
    what follows its colon; *before* is the number of the line the former page ended with.
    """
    query = select(AUDIT.c.number, AUDIT.c.line).where(AUDIT.c.space == space)
    for name, value in told.items():
        query = query.where(AUDIT.c.line.contains(_field(name, value), autoescape=True))
    if action is not None:
        whole = _field("action", action)
        query = query.where(
            or_(
                AUDIT.c.line.contains(whole, autoescape=True),
                AUDIT.c.line.contains(f"{whole[:-1]}:", autoescape=True),
            )
        )
    if day is not None:
        query = query.where(AUDIT.c.line.contains(_field("at", day)[:-1], autoescape=True))
    if before is not None:
        query = query.where(AUDIT.c.number < before)
    rows = connection.execute(query.order_by(AUDIT.c.number.desc()).limit(most))
    return [(row.number, AuditLine(**json.loads(row.line))) for row in rows]


def _field(name: str, value: str) -> str:
    """Return how a field stands in the text of a line."""
    return json.dumps({name: value}, ensure_ascii=False)[1:-1]


def audit_is_whole(connection: Connection, space: str) -> bool:
    """Tell whether no line of the trail was changed, removed or slipped in."""
    previous, expected = "0" * 64, 1
    query = select(AUDIT).where(AUDIT.c.space == space).order_by(AUDIT.c.number)
    for row in connection.execute(query):
        digest = hashlib.sha256(f"{previous}|{row.number}|{row.line}".encode()).hexdigest()
        if row.number != expected or row.previous != previous or row.hash != digest:
            return False
        previous, expected = row.hash, expected + 1
    return True
