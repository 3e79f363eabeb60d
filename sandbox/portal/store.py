"""Tables of the portal, and its statements about schools, people, classes and pupils.

Records, requests and packages have their own `*_store.py`; all share `METADATA`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from sandbox.domain.lifecycle import Role
from sandbox.domain.report_card import ReportCard
from sandbox.portal.cards import card_from_text, card_to_text
from sandbox.portal.model import ClassRow, DeskAccount, Identity, PupilRow, SchoolRow
from sandbox.synthetic import School
from sandbox.web.migrations_store import history

METADATA = MetaData(info=history("portal"))


def space_table(name: str, *columns: Any) -> Table:
    """Return a table whose primary key starts with the practice space."""
    return Table(
        f"portal_{name}", METADATA, Column("space", String(64), primary_key=True), *columns
    )


DEPARTMENT = space_table(
    "department",
    Column("code", String(8), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("forwarding", Boolean, nullable=False),
    Column("seen", Integer, nullable=False),
)
"""`forwarding`: circulating records go on to the Kho by themselves; `seen`: last running number
taken from the Cổng's list of circulating records."""

SCHOOL = space_table(
    "school",
    Column("code", String(20), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("department_code", String(8), nullable=False),
    Column("department_name", String(200), nullable=False),
    Column("packed_by", String(16), nullable=False),
    Column("place", Integer, nullable=False),
)

ACCOUNT = space_table(
    "account",
    Column("desk", String(16), primary_key=True),
    Column("unit_code", String(20), primary_key=True),
    Column("user_name", String(100), nullable=False),
    Column("password", String(100), nullable=False),
)

STAFF = space_table(
    "staff",
    Column("person_id", String(12), primary_key=True),
    Column("unit_code", String(20), primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("name", String(150), nullable=False),
    Column("title", String(100), nullable=False),
    Column("department_code", String(8), nullable=False),
    Column("unit_name", String(200), nullable=False),
    Column("pin", String(12)),
    Column("place", Integer, nullable=False),
)
"""`pin` is what the practice card hands out, for the card's own picture: nothing checks it here."""

SCHOOL_CLASS = space_table(
    "class",
    Column("school_code", String(20), primary_key=True),
    Column("name", String(20), primary_key=True),
    Column("grade", Integer, nullable=False),
    Column("school_year", String(9), nullable=False),
    Column("teacher_id", String(12), nullable=False),
    Column("teacher_name", String(150), nullable=False),
)

PUPIL = space_table(
    "pupil",
    Column("school_code", String(20), primary_key=True),
    Column("class_name", String(20), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("pupil_code", String(20), nullable=False),
    Column("name", String(150), nullable=False),
    Column("card", Text, nullable=False),
    Column("record_id", String(36)),
)
"""Closed year results: the practice data a record is initialised from."""

REMINDER = space_table(
    "reminder",
    Column("school_code", String(20), primary_key=True),
    Column("class_name", String(20), primary_key=True),
    Column("role", String(16), primary_key=True),
    Column("sender_id", String(12), nullable=False),
    Column("at", String(32), nullable=False),
)


def forget_space(connection: Connection, space: str) -> None:
    """Delete every row of *space*, children first."""
    for table in reversed(METADATA.sorted_tables):
        connection.execute(delete(table).where(table.c.space == space))


def add_department(connection: Connection, space: str, *, code: str, name: str) -> None:
    """Add a Sở; forwarding is on."""
    connection.execute(
        insert(DEPARTMENT).values(space=space, code=code, name=name, forwarding=True, seen=0)
    )


def add_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert *rows* (dicts with the space inside), if there are any."""
    if rows:
        connection.execute(insert(table), [dict(row) for row in rows])


def departments(connection: Connection, space: str) -> list[tuple[str, str, bool, int]]:
    """Return (code, name, forwarding, seen) of each Sở."""
    query = select(
        DEPARTMENT.c.code, DEPARTMENT.c.name, DEPARTMENT.c.forwarding, DEPARTMENT.c.seen
    ).where(DEPARTMENT.c.space == space)
    return [
        (row.code, row.name, bool(row.forwarding), row.seen)
        for row in connection.execute(query.order_by(DEPARTMENT.c.code))
    ]


def spaces_with_departments(connection: Connection) -> list[str]:
    """Return the spaces this portal serves."""
    query = select(DEPARTMENT.c.space).distinct().order_by(DEPARTMENT.c.space)
    return [row.space for row in connection.execute(query)]


def set_department(connection: Connection, space: str, code: str, **values: Any) -> None:
    """Change `forwarding` or `seen` of a Sở."""
    connection.execute(
        update(DEPARTMENT)
        .where(DEPARTMENT.c.space == space, DEPARTMENT.c.code == code)
        .values(**values)
    )


def account(connection: Connection, space: str, *, desk: str, unit_code: str) -> DeskAccount | None:
    """Return the account of *unit_code* at *desk*."""
    row = connection.execute(
        select(ACCOUNT).where(
            ACCOUNT.c.space == space, ACCOUNT.c.desk == desk, ACCOUNT.c.unit_code == unit_code
        )
    ).first()
    return (
        None if row is None else DeskAccount(row.desk, row.user_name, row.password, row.unit_code)
    )


def _school(row: Any) -> SchoolRow:
    return SchoolRow(
        code=row.code,
        name=row.name,
        department_code=row.department_code,
        department_name=row.department_name,
        packed_by=Role(row.packed_by),
    )


def schools(connection: Connection, space: str) -> list[SchoolRow]:
    """Return the schools of *space* in the order they were added."""
    query = select(SCHOOL).where(SCHOOL.c.space == space).order_by(SCHOOL.c.place, SCHOOL.c.code)
    return [_school(row) for row in connection.execute(query)]


def school(connection: Connection, space: str, code: str) -> SchoolRow | None:
    """Return one school."""
    row = connection.execute(
        select(SCHOOL).where(SCHOOL.c.space == space, SCHOOL.c.code == code)
    ).first()
    return None if row is None else _school(row)


def set_packed_by(connection: Connection, space: str, code: str, role: Role) -> None:
    """Say who packs at a school (`dong_goi_boi`)."""
    connection.execute(
        update(SCHOOL)
        .where(SCHOOL.c.space == space, SCHOOL.c.code == code)
        .values(packed_by=role.value)
    )


def _identity(row: Any) -> Identity:
    return Identity(
        person_id=row.person_id,
        name=row.name,
        role=Role(row.role),
        title=row.title,
        unit_code=row.unit_code,
        unit_name=row.unit_name,
        department_code=row.department_code,
    )


def staff(connection: Connection, space: str, unit_code: str) -> list[Identity]:
    """Return everybody of a unit, leader first, teachers by class."""
    query = select(STAFF).where(STAFF.c.space == space, STAFF.c.unit_code == unit_code)
    return [_identity(row) for row in connection.execute(query.order_by(STAFF.c.place))]


def person(
    connection: Connection, space: str, *, person_id: str, unit_code: str, role: Role
) -> Identity | None:
    """Return one person in one role."""
    row = connection.execute(
        select(STAFF).where(
            STAFF.c.space == space,
            STAFF.c.person_id == person_id,
            STAFF.c.unit_code == unit_code,
            STAFF.c.role == role.value,
        )
    ).first()
    return None if row is None else _identity(row)


def roles_of(connection: Connection, space: str, person_id: str) -> list[Identity]:
    """Return the identities one person may take."""
    query = select(STAFF).where(STAFF.c.space == space, STAFF.c.person_id == person_id)
    return [_identity(row) for row in connection.execute(query.order_by(STAFF.c.place))]


def card_pin(connection: Connection, space: str, person_id: str) -> str | None:
    """Return the practice PIN on somebody's card."""
    query = select(STAFF.c.pin).where(STAFF.c.space == space, STAFF.c.person_id == person_id)
    return connection.execute(query.limit(1)).scalar()


def _class(row: Any) -> ClassRow:
    return ClassRow(
        school_code=row.school_code,
        name=row.name,
        grade=row.grade,
        school_year=row.school_year,
        teacher_id=row.teacher_id,
        teacher_name=row.teacher_name,
    )


def classes(connection: Connection, space: str, school_code: str) -> list[ClassRow]:
    """Return the classes of a school by grade and name."""
    query = select(SCHOOL_CLASS).where(
        SCHOOL_CLASS.c.space == space, SCHOOL_CLASS.c.school_code == school_code
    )
    ordered = query.order_by(SCHOOL_CLASS.c.grade, SCHOOL_CLASS.c.name)
    return [_class(row) for row in connection.execute(ordered)]


def pupils(connection: Connection, space: str, school_code: str, class_name: str) -> list[PupilRow]:
    """Return the pupils of a class by number."""
    query = (
        select(PUPIL.c.number, PUPIL.c.pupil_code, PUPIL.c.name, PUPIL.c.record_id)
        .where(
            PUPIL.c.space == space,
            PUPIL.c.school_code == school_code,
            PUPIL.c.class_name == class_name,
        )
        .order_by(PUPIL.c.number)
    )
    return [
        PupilRow(school_code, class_name, row.number, row.pupil_code, row.name, row.record_id)
        for row in connection.execute(query)
    ]


def year_results(
    connection: Connection, space: str, school_code: str, class_name: str, numbers: Iterable[int]
) -> list[tuple[int, str | None, ReportCard]]:
    """Return (number, record already made, card) of the chosen pupils."""
    query = (
        select(PUPIL.c.number, PUPIL.c.record_id, PUPIL.c.card)
        .where(
            PUPIL.c.space == space,
            PUPIL.c.school_code == school_code,
            PUPIL.c.class_name == class_name,
            PUPIL.c.number.in_(list(numbers)),
        )
        .order_by(PUPIL.c.number)
    )
    return [
        (row.number, row.record_id, card_from_text(row.card)) for row in connection.execute(query)
    ]


def pupil_rows(space: str, school: School) -> list[dict[str, Any]]:
    """Return the rows of a school's pupils with their year results."""
    return [
        {
            "space": space,
            "school_code": school.code,
            "class_name": group.name,
            "number": number,
            "pupil_code": card.general.pupil_code,
            "name": card.general.pupil_name,
            "card": card_to_text(card),
            "record_id": None,
        }
        for group in school.classes
        for number, card in enumerate(group.cards, start=1)
    ]


def tie_pupil(
    connection: Connection,
    space: str,
    school_code: str,
    class_name: str,
    number: int,
    record_id: str,
) -> bool:
    """Note the pupil's record; False when another press made one meanwhile."""
    result = connection.execute(
        update(PUPIL)
        .where(
            PUPIL.c.space == space,
            PUPIL.c.school_code == school_code,
            PUPIL.c.class_name == class_name,
            PUPIL.c.number == number,
            PUPIL.c.record_id.is_(None),
        )
        .values(record_id=record_id)
    )
    return result.rowcount == 1


def remind(
    connection: Connection,
    space: str,
    *,
    school_code: str,
    class_name: str,
    role: Role,
    sender_id: str,
    at: str,
) -> None:
    """Keep one reminder for the people of *role* about *class_name*; the newest stands."""
    key = {"space": space, "school_code": school_code, "class_name": class_name, "role": role.value}
    connection.execute(
        delete(REMINDER).where(*(REMINDER.c[name] == value for name, value in key.items()))
    )
    connection.execute(insert(REMINDER).values(**key, sender_id=sender_id, at=at))


def reminders(
    connection: Connection, space: str, school_code: str
) -> list[tuple[str, Role, str, str]]:
    """Return (class, role reminded, sender's id, at) of a school."""
    query = select(REMINDER).where(REMINDER.c.space == space, REMINDER.c.school_code == school_code)
    return [
        (row.class_name, Role(row.role), row.sender_id, row.at)
        for row in connection.execute(query.order_by(REMINDER.c.class_name))
    ]


def clear_reminder(
    connection: Connection, space: str, *, school_code: str, class_name: str, role: Role
) -> None:
    """Forget a reminder that has done its work."""
    connection.execute(
        delete(REMINDER).where(
            REMINDER.c.space == space,
            REMINDER.c.school_code == school_code,
            REMINDER.c.class_name == class_name,
            REMINDER.c.role == role.value,
        )
    )
