"""Versions of the tables, on both databases: brought forward once, or refused by name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, text

from sandbox.errors import Misuse
from sandbox.ministry import MinistryService
from sandbox.ministry.migrations_store import COMPRESSED, STEPS
from sandbox.ministry.tables_store import METADATA
from sandbox.web import Database
from sandbox.web.migrations_store import history, versions_in

VERSION_1 = Path(__file__).parents[1] / "vectors" / "version1"
EVERY_TABLE_OF = MinistryService
"""Imported, so that the parts that add tables to `METADATA` have done so."""
ADDED_BY_2 = {"ministry_package_settled", "ministry_package_weight"}


def make_version_1(database: Database) -> None:
    """Make the desks' tables as the program made them before versions were kept, with a row."""
    statements = (VERSION_1 / f"ministry.{database.dialect}.sql").read_text().split(";\n")
    with database.write() as connection:
        for statement in filter(str.strip, statements):
            connection.execute(text(statement))
        connection.execute(text("INSERT INTO ministry_desk VALUES ('a', 'kho', 'kho', 'K')"))


def versions(database: Database) -> dict[str, int]:
    with database.read() as connection:
        return versions_in(connection)


def at_once(database: Database, metadata: MetaData) -> None:
    """Start four programs at the same moment, each with connections of its own."""
    others = [Database(database.url.render_as_string(hide_password=False)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: one.create(metadata), others))
    for one in others:
        one.close()


def table(*columns: str) -> Table:
    return Table("notes_line", MetaData(), *(Column(name, String(40)) for name in columns))


def notes(*columns: str, steps: int = 0) -> MetaData:
    """A component `notes` whose step *n* adds column `s{n}` and fails when made twice."""

    def step(number: int):
        def add(connection: Connection) -> None:
            connection.exec_driver_sql(f"ALTER TABLE notes_line ADD COLUMN s{number} VARCHAR(40)")

        return add

    metadata = MetaData(info=history("notes", [step(n) for n in range(2, steps + 2)]))
    table(*columns, *(f"s{n}" for n in range(2, steps + 2))).to_metadata(metadata)
    return metadata


def test_an_empty_database_gets_the_tables_of_today_and_their_version(database: Database) -> None:
    """No step runs on tables that are made new."""
    database.create(METADATA)

    assert versions(database) == {"ministry": 1 + len(STEPS)}


def test_tables_from_before_versions_are_adopted_and_brought_forward(database: Database) -> None:
    """Version 1 is recognised by its columns; the rows stay, the indexes of version 2 come."""
    make_version_1(database)
    database.create(METADATA)
    with database.read() as connection:
        kept = connection.execute(text("SELECT name FROM ministry_desk")).scalars().all()
        indexes = {row["name"] for row in inspect(connection).get_indexes("ministry_package")}
        lines = connection.execute(
            text("SELECT version FROM schema_version WHERE component = 'ministry' ORDER BY version")
        )
        numbers = lines.scalars().all()

    assert kept == ["K"]
    assert indexes >= ADDED_BY_2
    assert numbers == list(range(1, 2 + len(STEPS)))


def test_every_index_of_today_is_there_after_bringing_version_1_forward(database: Database) -> None:
    """The steps and the tables of today lead to the same place."""
    make_version_1(database)
    database.create(METADATA)
    expected = {i.name for t in METADATA.sorted_tables for i in t.indexes}
    with database.read() as connection:
        looking = inspect(connection)
        found = {row["name"] for t in METADATA.tables for row in looking.get_indexes(t)}
        columns = {
            t: {row["name"] for row in looking.get_columns(t)}
            for t in looking.get_table_names()
            if t.startswith("ministry_")
        }

    assert expected <= found
    assert columns == {t.name: {c.name for c in t.columns} for t in METADATA.sorted_tables}


@pytest.mark.parametrize("made_by", ["steps", "today"])
def test_what_comes_compressed_is_not_compressed_again(database: Database, made_by: str) -> None:
    """PostgreSQL stores such columns as they are, however the tables came about."""
    if made_by == "steps":
        make_version_1(database)
    database.create(METADATA)
    if database.dialect == "sqlite":
        assert versions(database) == {"ministry": 1 + len(STEPS)}  # it compresses nothing
        return
    with database.read() as connection:
        stored = {
            (table, column): connection.execute(
                text(
                    "SELECT attstorage FROM pg_attribute"
                    " WHERE attrelid = CAST(:t AS regclass) AND attname = :c"
                ),
                {"t": table, "c": column},
            ).scalar_one()
            for table, column in COMPRESSED
        }

    assert set(stored.values()) == {"e"}, stored


def test_unnumbered_tables_of_another_shape_are_refused_and_left_alone(database: Database) -> None:
    """What differs is named, in both languages, with the remedy; nothing was changed."""
    make_version_1(database)
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE ministry_desk ADD COLUMN colour VARCHAR(8)")
    with pytest.raises(Misuse) as refused:
        database.create(METADATA)

    assert "ministry_desk.colour" in str(refused.value)
    assert "phiên bản" in refused.value.what
    assert "version 1" in refused.value.what
    assert "--data" in refused.value.remedy
    assert versions(database) == {}


def test_tables_of_a_newer_program_are_refused(database: Database) -> None:
    """Found and known version are named."""
    database.create(notes("a", steps=2))
    with pytest.raises(Misuse) as refused:
        database.create(notes("a", steps=1))

    assert "version 3" in refused.value.what
    assert "up to 2" in refused.value.what


def test_each_step_runs_once_and_in_order(database: Database) -> None:
    """From 1 to 4 by three steps; a second start runs none."""
    database.create(notes("a"))
    database.create(notes("a", steps=3))
    database.create(notes("a", steps=3))

    assert versions(database) == {"notes": 4}


def test_a_step_that_fails_leaves_the_version_before_it(database: Database) -> None:
    """A step and its line are one transaction: the next start tries the same step again."""

    def half(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE notes_line ADD COLUMN s3 VARCHAR(40)")
        raise ZeroDivisionError

    database.create(notes("a"))
    good = notes("a", steps=2)
    steps = good.info["history"].steps
    broken = MetaData(info=history("notes", (steps[0], half)))
    table("a", "s2", "s3").to_metadata(broken)
    with pytest.raises(ZeroDivisionError):
        database.create(broken)
    left = versions(database)
    database.create(good)

    assert left == {"notes": 2}
    assert versions(database) == {"notes": 3}


def test_two_starts_at_once_bring_it_forward_once(database: Database) -> None:
    """Whoever comes second waits, and finds the work done."""
    database.create(notes("a"))
    at_once(database, notes("a", steps=3))

    assert versions(database) == {"notes": 4}


def test_two_first_starts_at_once_make_one_set_of_tables(database: Database) -> None:
    """On an empty database too, whoever comes second finds the tables made."""
    at_once(database, METADATA)

    assert versions(database) == {"ministry": 1 + len(STEPS)}
