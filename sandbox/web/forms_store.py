"""Statements on used form tokens (learner-experience §8.1).

A token lives statelessly (signed) until it is used; from then on its row says
`dang_xu_ly` (no outcome yet) or `xong` (outcome), for every process on this database.
"""

from __future__ import annotations

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from sandbox.web.store import FORMS, TAPS, Database


def claim(
    database: Database,
    *,
    space: str,
    token: str,
    visitor: str,
    action: str,
    at: float,
    tap_window: float,
) -> bool:
    """Mark *token* as being worked on; True for the one caller who may do the work.

    False: the token was used before, or the same visitor began the same action less than
    *tap_window* seconds ago with another token (then this token follows that one).
    """
    make = sqlite.insert if database.dialect == "sqlite" else postgresql.insert
    mine = make(FORMS).values(space=space, token=token, follows=None, outcome=None, at=at)
    tap = make(TAPS).values(space=space, visitor=visitor, action=action, token=token, at=at)
    tap = tap.on_conflict_do_update(
        index_elements=["space", "visitor", "action"],
        set_={"token": token, "at": at},
        where=TAPS.c.at <= at - tap_window,
    )
    tapped = select(TAPS.c.token).where(
        TAPS.c.space == space, TAPS.c.visitor == visitor, TAPS.c.action == action
    )
    with database.write() as connection:
        # RETURNING, not rowcount: PostgreSQL's driver does not count inserted rows.
        if (
            connection.execute(mine.on_conflict_do_nothing().returning(FORMS.c.token)).first()
            is None
        ):
            return False
        if connection.execute(tap.returning(TAPS.c.token)).first() is not None:
            return True
        first = connection.execute(tapped).scalar_one()
        connection.execute(
            update(FORMS)
            .where(FORMS.c.space == space, FORMS.c.token == token)
            .values(follows=first)
        )
        return False


def outcome(database: Database, *, space: str, token: str) -> tuple[bool, str | None]:
    """Return (is the work known, its outcome if finished), following a double tap."""
    with database.read() as connection:
        for _ in range(2):
            row = connection.execute(
                select(FORMS.c.follows, FORMS.c.outcome).where(
                    FORMS.c.space == space, FORMS.c.token == token
                )
            ).first()
            if row is None:
                return False, None
            if row.follows is None:
                return True, row.outcome
            token = row.follows
    return True, None


def finish(database: Database, *, space: str, token: str, result: str) -> None:
    """Store the outcome that every repetition is answered with."""
    with database.write() as connection:
        connection.execute(
            update(FORMS)
            .where(FORMS.c.space == space, FORMS.c.token == token)
            .values(outcome=result)
        )


def release(database: Database, *, space: str, token: str) -> None:
    """Give the token back: nothing was done with it, so it may be used again."""
    with database.write() as connection:
        connection.execute(delete(TAPS).where(TAPS.c.space == space, TAPS.c.token == token))
        connection.execute(delete(FORMS).where(FORMS.c.space == space, FORMS.c.token == token))


def prune(database: Database, *, before: float) -> None:
    """Drop tokens and taps used before *before* (machine epoch)."""
    with database.write() as connection:
        connection.execute(delete(TAPS).where(TAPS.c.at < before))
        connection.execute(delete(FORMS).where(FORMS.c.at < before))
