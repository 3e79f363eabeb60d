"""Tables of the classroom: learners, attempts, and the event log (no typed PIN, no form body)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Integer,
    MetaData,
    RowMapping,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)

from sandbox.web.migrations_store import history
from sandbox.web.store import Database

CLASSROOM = MetaData(info=history("classroom"))

LEARNER = Table(
    "classroom_learner",
    CLASSROOM,
    Column("space", String(64), primary_key=True),
    Column("learner", String(64), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("seat", Integer),
    Column("joined", Float, nullable=False),
)

ATTEMPT = Table(
    "classroom_attempt",
    CLASSROOM,
    Column("space", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("learner", String(64), nullable=False, index=True),
    Column("lesson", Integer, nullable=False),
    Column("level", String(8), nullable=False),
    Column("school", String(20)),
    Column("class_name", String(20)),
    Column("teacher", String(20), index=True),
    Column("hints", Integer, nullable=False, default=0),
    Column("hint_step", Integer),
    Column("started", Float, nullable=False),
    Column("passed", Boolean, nullable=False, default=False),
    Column("ended", Float),
)

EVENT = Table(
    "classroom_event",
    CLASSROOM,
    Column("space", String(64), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", String(40), nullable=False),
    Column("learner", String(64), nullable=False),
    Column("lesson", Integer),
    Column("attempt", Integer),
    Column("kind", String(24), nullable=False),
    Column("detail", Text),
)

Row = RowMapping


class ClassroomStore:
    """Reads and writes the classroom's rows; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def prepare(self) -> None:
        """Create the tables that are not there yet."""
        self._database.create(CLASSROOM)

    def learner(self, space: str, learner: str) -> Row | None:
        """Return the learner of that key, or None."""
        with self._database.read() as connection:
            return (
                connection.execute(
                    select(LEARNER).where(LEARNER.c.space == space, LEARNER.c.learner == learner)
                )
                .mappings()
                .first()
            )

    def join(self, space: str, learner: str, *, name: str, seat: int | None, at: float) -> None:
        """Write the learner down, or change the name and seat of one who joins again."""
        with self._database.write() as connection:
            changed = connection.execute(
                update(LEARNER)
                .where(LEARNER.c.space == space, LEARNER.c.learner == learner)
                .values(name=name, seat=seat)
            )
            if changed.rowcount == 0:
                connection.execute(
                    insert(LEARNER).values(
                        space=space, learner=learner, name=name, seat=seat, joined=at
                    )
                )

    def begin(self, space: str, *, learner: str, lesson: int, level: str, at: float) -> int:
        """Open an attempt and return its number in the space (1, 2, …)."""
        with self._database.write() as connection:
            last = connection.execute(
                select(func.max(ATTEMPT.c.number)).where(ATTEMPT.c.space == space)
            ).scalar()
            number = (last or 0) + 1
            connection.execute(
                insert(ATTEMPT).values(
                    space=space,
                    number=number,
                    learner=learner,
                    lesson=lesson,
                    level=level,
                    started=at,
                    hints=0,
                    passed=False,
                )
            )
            return number

    def attempts(self, space: str, learner: str) -> list[Row]:
        """Return the learner's attempts, newest first."""
        with self._database.read() as connection:
            return list(
                connection.execute(
                    select(ATTEMPT)
                    .where(ATTEMPT.c.space == space, ATTEMPT.c.learner == learner)
                    .order_by(ATTEMPT.c.number.desc())
                ).mappings()
            )

    def open_attempt_of_teacher(self, space: str, teacher: str) -> Row | None:
        """Return the newest attempt that plays the teacher *teacher*: for a second device."""
        with self._database.read() as connection:
            return (
                connection.execute(
                    select(ATTEMPT)
                    .where(ATTEMPT.c.space == space, ATTEMPT.c.teacher == teacher)
                    .order_by(ATTEMPT.c.number.desc())
                )
                .mappings()
                .first()
            )

    def attempt(self, space: str, number: int) -> Row | None:
        """Return one attempt, or None."""
        with self._database.read() as connection:
            return (
                connection.execute(
                    select(ATTEMPT).where(ATTEMPT.c.space == space, ATTEMPT.c.number == number)
                )
                .mappings()
                .first()
            )

    def change(self, space: str, number: int, **values: Any) -> None:
        """Set some columns of an attempt."""
        with self._database.write() as connection:
            connection.execute(
                update(ATTEMPT)
                .where(ATTEMPT.c.space == space, ATTEMPT.c.number == number)
                .values(**values)
            )

    def log(self, space: str, *, at: str, learner: str, kind: str, **values: Any) -> None:
        """Append one line to the event log."""
        with self._database.write() as connection:
            last = connection.execute(
                select(func.max(EVENT.c.number)).where(EVENT.c.space == space)
            ).scalar()
            connection.execute(
                insert(EVENT).values(
                    space=space, number=(last or 0) + 1, at=at, learner=learner, kind=kind, **values
                )
            )

    def events(self, space: str) -> list[Row]:
        """Return the event log of a space, oldest first."""
        with self._database.read() as connection:
            return list(
                connection.execute(
                    select(EVENT).where(EVENT.c.space == space).order_by(EVENT.c.number)
                ).mappings()
            )

    def reset(self, space: str) -> None:
        """Forget everything of one space."""
        with self._database.write() as connection:
            for table in (EVENT, ATTEMPT, LEARNER):
                connection.execute(delete(table).where(table.c.space == space))
