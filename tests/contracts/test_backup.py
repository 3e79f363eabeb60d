"""A whole installation in one file: out of one database, into another, the same afterwards."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
    inspect,
    select,
    text,
)

from sandbox.errors import Misuse
from sandbox.settings import Settings, read_settings
from sandbox.web import Database
from sandbox.web.migrations_store import history, versions_in
from sandbox.world import build_world
from sandbox.world.backup import back_up, restore
from sandbox.world.backup_file import reading, writing
from sandbox.world.backup_store import COMPONENTS, bring_all_forward, filling, snapshot
from sandbox.world.unfinished import MARK, require_whole
from tests.builders.ministry import Caller, Installation, installed, signed
from tests.contracts.conftest import Cluster

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SENT = "90000000-0000-4000-8000-000000000001"


@dataclass(frozen=True)
class Place:
    """A data folder and its database."""

    data: Path
    url: str

    @property
    def settings(self) -> Settings:
        return read_settings({}, data=self.data, database=self.url, seed="a seed of our own")


@pytest.fixture(scope="module")
def empty(cluster: Cluster) -> Iterator[Any]:
    """Make empty PostgreSQL databases."""
    maintenance = Database(cluster.url("postgres"))
    made: list[str] = []

    def make() -> str:
        made.append(f"backup_{len(made)}")
        with maintenance.engine.connect() as connection:
            at_once = connection.execution_options(isolation_level="AUTOCOMMIT")
            at_once.exec_driver_sql(f"CREATE DATABASE {made[-1]}")
        return cluster.url(made[-1])

    yield make
    maintenance.close()


@dataclass(frozen=True)
class Original:
    place: Place
    token: str
    answers: dict[str, Any]
    file: Path


def answers_of(house: Installation, token: str) -> dict[str, Any]:
    """What a sender hears and the desk holds: results, forwarding list, bytes, progress."""
    school = Caller.of_school(house)
    school.token = token
    space = house.spaces.get("tap")
    assert space is not None
    kept = [house.service.record(space, "so-48", c.general.record_id) for c in house.cards[:4]]
    return {
        "result": school.result(SENT).json(),
        "records": [one and (one.xml, one.length, one.state) for one in kept],
        "progress": house.service.progress(space, "so-48"),
    }


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    """A desk on SQLite with an accepted class, one refused record, and its backup."""
    folder = tmp_path_factory.mktemp("original")
    place = Place(folder / "data", f"sqlite:///{folder / 'data' / 'sandbox.db'}")
    place.settings  # noqa: B018 - makes folder and secrets
    (place.data / "rsa").mkdir()
    (place.data / "rsa" / "one.pem").write_text("a key")
    with installed(place.url) as house:
        house.open_space("tap")
        school = Caller.of_school(house).log_in()
        records = [signed(card) for card in house.cards[:3]]
        spoiled = signed(house.cards[3]).replace(b"<MA_HOC_SINH>", b"<MA_HOC_SINH>9")
        school.submit(school.content_of([*records, spoiled]), messageid=SENT)
        house.work()
        answers = answers_of(house, school.token)
    assert [row["trang_thai"] for row in answers["result"]["DanhSach"]] == [1, 1, 1, 0]
    database = Database(place.url)
    bring_all_forward(database)
    database.close()
    file = folder / "all.hocba"
    back_up(place.settings, file, at=NOW)
    return Original(place, school.token, answers, file)


def everything(url: str) -> dict[str, list[str]]:
    """Every row of every table, in no order."""
    database = Database(url)
    with snapshot(database) as seen:
        found = {
            told["name"]: sorted(repr(tuple(row)) for row in seen.rows(told["name"]))
            for told in seen.tables()
        }
    database.close()
    return found


def test_from_sqlite_to_postgresql_and_back_everything_is_the_same(
    original: Original, empty: Any, tmp_path: Path
) -> None:
    """Same token, same results, same bytes, every row of every table; and the same seed."""
    server = Place(tmp_path / "server", empty())
    home = Place(tmp_path / "home", f"sqlite:///{tmp_path / 'home' / 'sandbox.db'}")
    before = everything(original.place.url)
    restore(original.file, server.data, database=server.url)
    on_server = everything(server.url)
    back_up(server.settings, tmp_path / "again.hocba", at=NOW)
    done = restore(tmp_path / "again.hocba", home.data, database=None)
    at_home = everything(home.url)
    with installed(server.url) as house:
        answered = answers_of(house, original.token)

    assert on_server == before
    assert at_home == before
    assert answered == original.answers
    assert done.rows == sum(len(rows) for rows in before.values())
    for name in ("secrets.json", "rsa/one.pem"):
        assert (home.data / name).read_bytes() == (original.place.data / name).read_bytes()
    assert read_settings({}, data=home.data).seed == "a seed of our own"
    assert not (server.data / MARK).exists()


def test_the_restored_tables_are_those_of_today(original: Original, empty: Any) -> None:
    """Keys, unique rules and indexes are as `build_world` makes them, on the server too."""
    made, filled = Database(empty()), Database(empty())
    bring_all_forward(made)
    with reading(original.file) as reader, filling(filled, reader.manifest["tables"]) as tables:
        tables.end(reader.manifest["versions"])

    assert shape(filled) == shape(made)
    made.close()
    filled.close()


def shape(database: Database) -> dict[str, Any]:
    with database.read() as connection:
        looking = inspect(connection)
        return {
            name: (
                sorted(
                    (c["name"], str(c["type"]), c["nullable"], c["default"])
                    for c in looking.get_columns(name)
                ),
                sorted(looking.get_pk_constraint(name)["constrained_columns"]),
                sorted(str(sorted(map(str, i.items()))) for i in looking.get_indexes(name)),
                sorted(str(u["column_names"]) for u in looking.get_unique_constraints(name)),
            )
            for name in looking.get_table_names()
        }


def test_nothing_of_an_installation_is_forgotten(original: Original) -> None:
    """The tables of a backup are those a whole installation has."""
    world = build_world(original.place.settings)
    with world.database.read() as connection:
        there = set(inspect(connection).get_table_names())
    world.database.close()

    assert {name for one in COMPONENTS for name in one.tables} == there - {"schema_version"}


def test_what_is_written_meanwhile_is_not_in_it(original: Original, tmp_path: Path) -> None:
    """One moment is kept, whole: a row that comes while the backup runs waits for the next."""
    copied = tmp_path / "data"
    shutil.copytree(original.place.data, copied)
    place = Place(copied, f"sqlite:///{copied / 'sandbox.db'}")
    writer = Database(place.url)
    late = text("INSERT INTO ministry_desk VALUES ('late', 'kho', 'kho', 'late')")

    def write(_total: int) -> None:
        with writer.write() as connection:
            connection.execute(late)

    back_up(place.settings, tmp_path / "b.hocba", at=NOW, on_total=write)
    restore(tmp_path / "b.hocba", tmp_path / "new")
    writer.close()
    restored = everything(f"sqlite:///{tmp_path / 'new' / 'sandbox.db'}")["ministry_desk"]

    assert len(everything(place.url)["ministry_desk"]) == len(restored) + 1


@pytest.mark.parametrize("how", ["changed", "cut", "none"])
def test_a_damaged_file_is_refused_and_nothing_is_left(
    original: Original, tmp_path: Path, how: str
) -> None:
    """Wherever a bit is turned or the file ends: exit by name, and no folder."""
    whole = original.file.read_bytes()
    places = range(40, len(whole) - 1, len(whole) // 9)
    damaged = {
        "changed": [whole[:n] + bytes([whole[n] ^ 64]) + whole[n + 1 :] for n in places],
        "cut": [whole[:n] for n in places],
        "none": [b"", b"khong phai ban sao luu " * 100],
    }[how]
    for number, content in enumerate(damaged):
        file = tmp_path / f"{number}.hocba"
        file.write_bytes(content)
        with pytest.raises(Misuse) as refused:
            restore(file, tmp_path / "new")
        assert refused.value.file == str(file)

    assert not (tmp_path / "new").exists()
    assert [one for one in tmp_path.iterdir() if one.suffix != ".hocba"] == []


def test_what_is_there_is_never_overwritten(original: Original, empty: Any, tmp_path: Path) -> None:
    """Not a folder, not a database, not a file."""
    full = tmp_path / "full"
    full.mkdir()
    (full / "letter.txt").write_text("mine")
    server = empty()
    database = Database(server)
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE mine (a TEXT)")
    database.close()
    (tmp_path / "old.db").write_text("mine")
    for data, url in (
        (full, None),
        (tmp_path / "new", server),
        (tmp_path / "new", f"sqlite:///{tmp_path / 'old.db'}"),
    ):
        with pytest.raises(Misuse, match=r"not empty|cannot be used"):
            restore(original.file, data, database=url)
    with pytest.raises(Misuse, match="already"):
        back_up(original.place.settings, original.file, at=NOW)

    assert (full / "letter.txt").read_text() == "mine"
    assert (tmp_path / "old.db").read_text() == "mine"
    assert not (tmp_path / "new").exists()


def test_a_restore_cut_off_at_the_last_moment_is_finished_by_the_same_command(
    original: Original, empty: Any, tmp_path: Path
) -> None:
    """With the mark nothing is served; the second time the full database is recognised."""
    place = Place(tmp_path / "data", empty())
    restore(original.file, place.data, database=place.url)
    database = Database(place.url)
    with reading(original.file) as reader:
        mark = {"backup": reader.digest, "database": database.url.render_as_string()}
    (place.data / MARK).write_text(json.dumps(mark))
    with pytest.raises(Misuse, match="not finished"):
        build_world(place.settings)
    restore(original.file, place.data, database=place.url)
    database.close()

    require_whole(place.data)
    assert everything(place.url) == everything(original.place.url)


# -- versions --------------------------------------------------------------------------------------


def notes(*, steps: int) -> MetaData:
    """A component whose step to version 2 fills a new column."""

    def to_2(connection: Connection) -> None:
        connection.exec_driver_sql("ALTER TABLE notes_line ADD COLUMN size INTEGER")
        connection.exec_driver_sql("UPDATE notes_line SET size = length(words)")

    metadata = MetaData(info=history("notes", [to_2][:steps]))
    table = Table(
        "notes_line",
        metadata,
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("words", String(40), nullable=False),
        Column("raw", LargeBinary),
        Column("more", JSON),
        *([Column("size", Integer)] if steps else []),
    )
    Index("notes_line_words", table.c.words)
    return metadata


ROWS = [
    {
        "number": 1,
        "words": "Nguyễn Thị Ơ",
        "raw": b"\x00\xff",
        "more": {"b": [1.5, None], "a": "ế"},
    },
    {"number": 2, "words": "", "raw": None, "more": None},
    {"number": 3, "words": "'\";--\\\n\t", "raw": b"", "more": []},
]


@contextmanager
def backup_of_notes(file: Path) -> Iterator[None]:
    source = Database(f"sqlite:///{file.with_suffix('.db')}")
    old = notes(steps=0)
    source.create(old)
    with source.write() as connection:
        connection.execute(insert(old.tables["notes_line"]), ROWS)
    with writing(file) as (writer, _), snapshot(source, components=(old,)) as seen:
        told = seen.tables()
        writer.manifest({"versions": seen.versions, "tables": told})
        for one in told:
            list(writer.table(one["name"], seen.rows(one["name"])))
        writer.end()
    yield
    source.close()


def test_a_backup_of_an_older_version_is_brought_forward(
    database: Database, tmp_path: Path
) -> None:
    """It is restored as it was, then the steps run; odd values arrive as they were."""
    file = tmp_path / "notes.hocba"
    new = notes(steps=1)
    with backup_of_notes(file), reading(file) as reader:
        told = reader.manifest["tables"]
        with filling(database, told) as tables:
            for rows in reader.rows("notes_line"):
                tables.add("notes_line", rows)
            reader.check_end()
            tables.end(reader.manifest["versions"])
    bring_all_forward(database, components=(new,))
    with database.read() as connection:
        found = connection.execute(select(new.tables["notes_line"])).mappings().all()
        versions = versions_in(connection)

    assert [{**row} for row in sorted(found, key=lambda r: r["number"])] == [
        {**row, "size": len(str(row["words"]))} for row in ROWS
    ]
    assert versions == {"notes": 2}


def test_a_backup_of_a_newer_program_is_refused(original: Original, tmp_path: Path) -> None:
    """The component is named, with both versions."""
    file = tmp_path / "newer.hocba"
    with reading(original.file) as reader:
        manifest = dict(reader.manifest)
    manifest["versions"] = manifest["versions"] | {"portal": 99}
    with writing(file) as (writer, _):
        writer.manifest(manifest)
        writer.end()
    with pytest.raises(Misuse, match="portal: version 99"):
        restore(file, tmp_path / "new")

    assert not (tmp_path / "new").exists()


def test_tables_of_another_version_are_not_backed_up(original: Original, tmp_path: Path) -> None:
    """What this program does not know it would lose silently."""
    copied = tmp_path / "data"
    shutil.copytree(original.place.data, copied)
    place = Place(copied, f"sqlite:///{copied / 'sandbox.db'}")
    database = Database(place.url)
    with database.write() as connection:
        connection.execute(text("INSERT INTO schema_version VALUES ('portal', 99, '')"))
    database.close()
    with pytest.raises(Misuse, match="portal: version 99"):
        back_up(place.settings, tmp_path / "b.hocba", at=NOW)

    assert not (tmp_path / "b.hocba").exists()
    assert len(COMPONENTS) >= 7
