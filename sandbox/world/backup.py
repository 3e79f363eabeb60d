"""Backing an installation up into one file, and making an installation from such a file.

A restore happens beside its place: a folder `.NAME.restoring` is filled, checked against every
hash of the file, and only then renamed. Where the database lives elsewhere (PostgreSQL, another
file), the new folder carries a mark until the database is whole too, and with the mark in it
nothing is served. So whatever is interrupted leaves either nothing or everything, and the same
command can be given again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from sandbox import __version__
from sandbox.errors import Misuse
from sandbox.settings import INSTALLATION, Settings, read_settings
from sandbox.web import Database
from sandbox.world import backup_store
from sandbox.world.backup_file import BackupReader, damaged, reading, writing
from sandbox.world.backup_store import Filling, Told
from sandbox.world.unfinished import MARK

SECRETS = "secrets.json"
KEPT = ("rsa", "rehearsals")
"""Folders of the data folder that belong to the installation."""
MOST_FILE = 64 * 1_048_576

Count = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds. Sizes in bytes."""

    file: str
    bytes: int
    sha256: str
    """Of the whole file."""
    rows: int
    tables: dict[str, int]
    versions: dict[str, int]
    seconds: float = 0.0


def _nothing(_count: int) -> None:
    """Show nobody how far the work is."""


# -- backing up ------------------------------------------------------------------------------------


def back_up(
    settings: Settings,
    file: Path,
    *,
    at: datetime,
    on_total: Count = _nothing,
    on_rows: Count = _nothing,
) -> Backup:
    """Write all of an installation, as it is at this moment, into *file*; it may be running.

    *on_total* hears how many rows there are, *on_rows* how many more are written.

    Raises:
        Misuse: *file* exists or cannot be written, or the tables are of another version.
        Unavailable: the database is away; no file is left.
    """
    database = Database(settings.database)
    try:
        with writing(file) as (writer, summed), backup_store.snapshot(database) as seen:
            told = seen.tables()
            on_total(sum(one["rows"] for one in told))
            writer.manifest(
                {
                    "program": __version__,
                    "made_at": at.isoformat(timespec="seconds"),
                    "seed": settings.seed,
                    "versions": seen.versions,
                    "tables": told,
                }
            )
            for name, content in _files(settings):
                writer.file(name, content)
            for one in told:
                for count in writer.table(one["name"], seen.rows(one["name"])):
                    on_rows(count)
            end = writer.end()
    finally:
        database.close()
    return _told(file, summed.size, summed.digest.hexdigest(), end, seen.versions)


def _told(
    file: Path, size: int, digest: str, end: dict[str, Any], versions: dict[str, int]
) -> Backup:
    rows = {name: int(one["rows"]) for name, one in end["tables"].items()}
    return Backup(str(file), size, digest, sum(rows.values()), rows, dict(versions))


def _files(settings: Settings) -> Iterator[tuple[str, bytes]]:
    yield SECRETS, (settings.data / SECRETS).read_bytes()
    for folder in KEPT:
        for path in sorted((settings.data / folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= MOST_FILE:
                yield path.relative_to(settings.data).as_posix(), path.read_bytes()


def require_installation(data: Path, database: str | None) -> None:
    """Refuse a folder in which nothing was ever started: a backup would hold nothing.

    Raises `Misuse` naming the folder.
    """
    file = data / "sandbox.db"
    if database:
        file = Path(database.removeprefix("sqlite:///"))
    is_there = file.is_file() or bool(database and not database.startswith("sqlite:///"))
    if not (data / SECRETS).is_file() or not is_there:
        raise Misuse("no installation of the sandbox", file=str(data), remedy="--data FOLDER")


# -- restoring -------------------------------------------------------------------------------------


def restore(
    file: Path,
    data: Path,
    *,
    database: str | None = None,
    on_total: Count = _nothing,
    on_rows: Count = _nothing,
) -> Backup:
    """Make the installation of *file* in the new folder *data*.

    *database*: where its rows go; None: HOCBA_DATABASE, or a SQLite file in *data*.

    Raises:
        Misuse: *data* or the database is not empty, the file is damaged, or of a newer program;
            nothing is served from *data* then.
    """
    data = data.absolute()
    with reading(file) as reader:
        manifest = reader.manifest
        versions = {str(name): int(n) for name, n in manifest["versions"].items()}
        backup_store.require_fitting(versions)
        _require_free(data)
        building = data.with_name(f".{data.name}.restoring")
        _make_afresh(building)
        try:
            for path, content in reader.files():
                _write(building, path, content, file)
            _write_json(building / INSTALLATION, {"seed": manifest["seed"]})
            settings = read_settings(data=building, database=database, seed=manifest["seed"])
            on_total(sum(one["rows"] for one in manifest["tables"]))
            end = _fill(settings, data, reader, on_rows)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return _told(file, file.stat().st_size, "", end, versions)


def _require_free(data: Path) -> None:
    if (data / MARK).exists():
        return  # our own, unfinished
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise Misuse("not empty", file=str(data), remedy="name a new folder with --data")


def _make_afresh(building: Path) -> None:
    if building.exists():
        if not (building / MARK).exists():
            raise Misuse("in the way", file=str(building), remedy="move it away")
        shutil.rmtree(building)
    try:
        building.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise Misuse(str(error.strerror), file=str(building), remedy="--data FOLDER") from error
    _write_json(building / MARK, {})


def _write(building: Path, path: PurePosixPath, content: bytes, file: Path) -> None:
    if str(path) != SECRETS and path.parts[0] not in KEPT:
        raise damaged(file, str(path))
    target = building / path
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(content)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def _fill(settings: Settings, data: Path, reader: BackupReader, on_rows: Count) -> dict[str, Any]:
    """Fill the database and put folder and database in place; return the file's end."""
    database = Database(settings.database)
    own = Path(database.url.database or "") if database.dialect == "sqlite" else None
    database.close()
    if own is not None and own.is_relative_to(settings.data):
        with _sqlite_file(own, reader, on_rows) as end:
            pass
        _bring_forward(settings.database)
        _publish(settings.data, data, marked=False)
        return end
    mark = {"backup": reader.digest, "database": database.url.render_as_string()}
    if _was_filled(data, mark, settings, own, reader):
        end = _read_through(reader)
        shutil.rmtree(settings.data)
    else:
        _write_json(settings.data / MARK, mark)
        elsewhere = _server(settings, reader, on_rows)
        with _sqlite_file(own, reader, on_rows) if own else elsewhere as end:
            _publish(settings.data, data, marked=True)
    _bring_forward(settings.database)
    (data / MARK).unlink()
    _sync_folder(data)
    return end


def _was_filled(
    data: Path, mark: dict[str, str], settings: Settings, own: Path | None, reader: BackupReader
) -> bool:
    """Tell whether an earlier restore of this backup was cut off after its database was whole.

    Such a folder carries the mark of this backup and this database, and was put in place when the
    database was found empty. Raises `Misuse` for any other database that is not empty.
    """
    if own is not None and not own.exists():
        return False
    database = Database(settings.database)
    try:
        if own is None and backup_store.is_empty(database):
            return False
        ours = (data / MARK).exists() and json.loads((data / MARK).read_text()) == mark
        if ours and backup_store.holds(database, reader.manifest["versions"]):
            return True
        raise Misuse(
            f"the database {database.url.render_as_string()} is not empty",
            remedy="name an empty one with --database or HOCBA_DATABASE",
        )
    finally:
        database.close()


def _read_through(reader: BackupReader) -> dict[str, Any]:
    for one in reader.manifest["tables"]:
        for _ in reader.rows(one["name"]):
            pass
    return reader.check_end()


def _bring_forward(address: str) -> None:
    """Bring the database at *address* to the versions of this program."""
    database = Database(address)
    try:
        backup_store.bring_all_forward(database)
    finally:
        database.close()


@contextmanager
def _sqlite_file(path: Path, reader: BackupReader, on_rows: Count) -> Iterator[dict[str, Any]]:
    """Make a SQLite file; it has its name when the block ends well."""
    draft = path.with_name(f".{path.name}.restoring")
    draft.unlink(missing_ok=True)
    try:
        with backup_store.filling_file(str(draft), reader.manifest["tables"]) as filling:
            end = _rows(filling, reader, on_rows)
        with draft.open("rb") as handle:
            os.fsync(handle.fileno())
        yield end
        os.rename(draft, path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _server(settings: Settings, reader: BackupReader, on_rows: Count) -> Iterator[dict[str, Any]]:
    """Fill a database server in one transaction that is committed when the block ends well."""
    database = Database(settings.database)
    try:
        with backup_store.filling(database, reader.manifest["tables"]) as filling:
            yield _rows(filling, reader, on_rows)
    finally:
        database.close()


def _rows(filling: Filling, reader: BackupReader, on_rows: Count) -> dict[str, Any]:
    told: list[Told] = reader.manifest["tables"]
    for one in told:
        for rows in reader.rows(one["name"]):
            filling.add(one["name"], rows)
            on_rows(len(rows))
    end = reader.check_end()
    filling.end({str(name): int(n) for name, n in reader.manifest["versions"].items()})
    return end


def _publish(building: Path, data: Path, *, marked: bool) -> None:
    """Give the finished folder its name; while *marked* nothing is served from it."""
    if not marked:
        (building / MARK).unlink()
    try:
        if (data / MARK).exists():
            shutil.rmtree(data)
        elif data.exists():
            data.rmdir()
        os.rename(building, data)
    except OSError as error:  # such as a mounted volume, which cannot be replaced
        raise Misuse(
            str(error.strerror), file=str(data), remedy="name a folder inside it with --data"
        ) from error
    _sync_folder(data.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def timed(backup: Backup, seconds: float) -> Backup:
    """Return *backup* with the time it took."""
    return replace(backup, seconds=round(seconds, 1))
