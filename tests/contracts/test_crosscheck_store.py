"""The second verifier's tables, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from sandbox.ministry import crosscheck_store as kept
from sandbox.ministry.crosscheck_store import Incident, Standing, Waiting
from sandbox.ministry.tables_store import METADATA
from sandbox.web import Database

HERE = {"space": "tap", "desk": "kho"}


@pytest.fixture(autouse=True)
def tables(database: Database) -> None:
    database.create(METADATA)


def row(number: int, *, at: float = 0.0, codes: str = "") -> Waiting:
    return Waiting(
        **HERE,
        messageid="m" * 36,
        number=number,
        uuid=f"u{number}",
        codes=codes,
        why="mau",
        digest="d" * 64,
        noted_epoch=at,
    )


def note(database: Database, *rows: Waiting) -> None:
    with database.write() as connection:
        kept.add_waiting(connection, rows)


def take(database: Database, *, epoch: float, limit: int = 10) -> list[int]:
    with database.write() as connection:
        rows = kept.take(connection, epoch=epoch, seconds=60.0, limit=limit)
    return [one.number for one in rows]


def an_incident(place: int = 1) -> Incident:
    return Incident(
        uuid="u",
        messageid="m" * 36,
        place=place,
        first_said="SBX-3003",
        second_said="hop_le",
        slot="",
        detail="",
        at="2025-05-28T08:00:00+07:00",
    )


def test_the_oldest_are_taken_first_and_by_one_only(database: Database) -> None:
    """What is in hand is left alone until its time is over, or the clock was set back."""
    note(database, row(1, at=3.0), row(2, at=1.0), row(3, at=2.0))
    note(database, row(2, at=9.0, codes="SBX-3003"))

    assert take(database, epoch=10.0, limit=2) == [2, 3]
    assert take(database, epoch=10.0) == [1]
    assert take(database, epoch=69.0) == []
    assert take(database, epoch=70.0, limit=1) == [2]
    assert take(database, epoch=-100.0, limit=1) == [2]


def test_what_is_given_back_is_taken_at_once(database: Database) -> None:
    """As it was noted, all fields of it."""
    note(database, row(1, codes="SBX-3002"))
    with database.write() as connection:
        [found] = kept.take(connection, epoch=1.0, seconds=60.0, limit=1)
        kept.give_back(connection, [found])

    assert found == row(1, codes="SBX-3002")
    assert take(database, epoch=1.0) == [1]


def test_a_row_is_struck_off_once(database: Database) -> None:
    """Whoever does it counts; many at once count one."""
    note(database, row(1))
    start = threading.Barrier(4)

    def strike(_: int) -> bool:
        start.wait()
        with database.write() as connection:
            return kept.take_away(connection, row(1))

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(strike, range(4))) == [False, False, False, True]


def test_a_record_is_one_incident_however_often_it_is_found(database: Database) -> None:
    """Four finders at once; another record is another incident with the next number."""
    start = threading.Barrier(4)

    def find(_: int) -> bool:
        start.wait()
        with database.write() as connection:
            return kept.add_incident(connection, an_incident(), **HERE)

    with ThreadPoolExecutor(4) as pool:
        added = sorted(pool.map(find, range(4)))
    with database.write() as connection:
        kept.add_incident(connection, an_incident(2), **HERE)
        listed = kept.incidents_of(connection, **HERE, limit=9)

    assert added == [False, False, False, True]
    assert [one.place for one in listed] == [2, 1]
    assert listed[1] == replace(an_incident(), number=listed[1].number)


def test_open_incidents_stand_first_and_are_explained_once(database: Database) -> None:
    """Counts of a desk, and of everything."""
    with database.write() as connection:
        for place in (1, 2, 3):
            kept.add_incident(connection, an_incident(place), **HERE)
        done = [
            kept.explain(connection, 3, **HERE, note=note, at="2025-05-29T08:00:00+07:00")
            for note in ("một", "hai")
        ]
    with database.read() as connection:
        listed = kept.incidents_of(connection, **HERE, limit=2, skip=1)
        counts = kept.incident_counts(connection)
        elsewhere = kept.incident_counts(connection, space="x")

    assert done == [True, False]
    assert [(one.number, one.state, one.note) for one in listed] == [
        (1, Standing.OPEN, None),
        (3, Standing.EXPLAINED, "một"),
    ]
    assert counts == {"mo": 2, "da_giai_thich": 1}
    assert elsewhere == {"mo": 0, "da_giai_thich": 0}


def test_figures_are_of_a_desk_or_of_everything(database: Database) -> None:
    """Agreed, disagreed, not comparable by reason, waiting, and since when."""
    note(database, row(1, at=7.0), row(2, at=5.0))
    with database.write() as connection:
        for outcome in (kept.AGREED, kept.AGREED, kept.DISAGREED, "khong_so.ngoai_tam"):
            kept.count_outcome(connection, outcome, **HERE)
        kept.count_outcome(connection, kept.AGREED, space="x", desk="kho", times=40)
    with database.read() as connection:
        here, all_of_them = kept.figures(connection, **HERE), kept.figures(connection)

    assert (here.agreed, here.disagreed, here.sampled) == (2, 1, 4)
    assert here.not_comparable == {"ngoai_tam": 1}
    assert (here.waiting, here.oldest_epoch) == (2, 5.0)
    assert all_of_them.agreed == 42


def test_signers_are_remembered_once_it_is_durable(database: Database) -> None:
    """`when_committed` speaks after the commit, and not after a rollback."""
    told: list[str] = []

    def roll_back() -> None:
        with database.write() as connection:
            kept.when_committed(connection, lambda: told.append("lost"))
            raise ZeroDivisionError

    with database.write() as connection:
        kept.add_signers(connection, ["a", "b"], **HERE)
        kept.add_signers(connection, ["b"], **HERE)
        kept.when_committed(connection, lambda: told.append("kept"))
        assert told == []
    with pytest.raises(ZeroDivisionError):
        roll_back()
    with database.read() as connection:
        known = kept.known_signers(connection, ["a", "c"], **HERE)

    assert told == ["kept"]
    assert known == {"a"}
