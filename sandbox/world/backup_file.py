"""The backup file: a tar inside one zstd frame, written and read from front to end.

::

    manifest                     what it is: versions, seed, every table with its columns and rows
    files/…                      secrets and keys of the data folder
    tables/{table}/{number}      rows, each a msgpack array in the manifest's order of columns
    end                          rows and SHA-256 of every table, SHA-256 of the other members

Every member's name ends with the SHA-256 of its content, so that nothing is read that was damaged;
a file without its end is a file that was cut. Nothing is ever read twice, so a file of any length
takes the same little memory.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import msgpack
import zstandard

from sandbox.errors import Misuse

FORMAT = 1
LEVEL = 3
CHUNK_BYTES = 4 * 1_048_576
"""Rows are packed until a member has this many bytes; one row more may make it larger."""
MOST_MEMBER = 256 * 1_048_576
PRIVATE = 0o600

Row = Sequence[Any]


def damaged(file: Path, what: str) -> Misuse:
    """Return the refusal of a file that is cut, changed, or no backup."""
    return Misuse(
        f"not a whole backup of this sandbox ({what})",
        file=str(file),
        remedy="take another copy of it; nothing was restored",
    )


class Sum:
    """What a written file is known by."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.size = 0
        """Bytes."""


class _Hashed(io.FileIO):
    """A file that hashes what is written to it."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w")
        self.sum = Sum()

    def write(self, data: Any, /) -> int:
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view):
            done += super().write(view[done:])
        self.sum.digest.update(view)
        self.sum.size += done
        return done


class BackupWriter:
    """Writes one backup in order: manifest, files, tables, end."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._end: dict[str, Any] = {"format": FORMAT, "files": {}, "tables": {}}

    def manifest(self, told: dict[str, Any]) -> None:
        """Write what the file is."""
        self._end["manifest"] = self._add("manifest", _json({"format": FORMAT, **told}))

    def file(self, name: str, content: bytes) -> None:
        """Write one file of the data folder."""
        self._end["files"][name] = self._add(f"files/{name}", content)

    def table(self, name: str, rows: Iterable[Row]) -> Iterator[int]:
        """Write the rows of a table, yielding after each member how many it holds."""
        digest, total = hashlib.sha256(), 0
        packer = msgpack.Packer()
        for number, (chunk, count) in enumerate(_chunks(packer, rows)):
            digest.update(chunk)
            total += count
            self._add(f"tables/{name}/{number:08}", chunk)
            yield count
        self._end["tables"][name] = {"rows": total, "sha256": digest.hexdigest()}

    def end(self) -> dict[str, Any]:
        """Write the end and return it."""
        self._add("end", _json(self._end))
        return self._end

    def _add(self, name: str, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        entry = tarfile.TarInfo(f"{name}.{digest}")
        entry.size, entry.mode = len(content), PRIVATE
        self._tar.addfile(entry, io.BytesIO(content))
        return digest


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def _chunks(packer: Any, rows: Iterable[Row]) -> Iterator[tuple[bytes, int]]:
    packed, count = bytearray(), 0
    for row in rows:
        packed += packer.pack(tuple(row))
        count += 1
        if len(packed) >= CHUNK_BYTES:
            yield bytes(packed), count
            packed.clear()
            count = 0
    if count:
        yield bytes(packed), count


@contextmanager
def writing(file: Path) -> Iterator[tuple[BackupWriter, Sum]]:
    """Open *file* for a backup; it appears under its name when it is whole and on disk.

    Raises `Misuse` when it is there already or cannot be written.
    """
    if file.exists():
        raise Misuse("the file is there already", file=str(file), remedy="name another file")
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    except OSError as error:
        raise Misuse(str(error.strerror), file=str(file), remedy="name another file") from error
    try:
        with _Hashed(descriptor) as raw:
            packer = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
            with (
                packer.stream_writer(raw, closefd=False) as packed,
                tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
            ):
                yield BackupWriter(tar), raw.sum
            os.fsync(raw.fileno())
        os.link(part, file)  # loses against a file that came meanwhile, instead of replacing it
    except FileExistsError as error:
        raise Misuse("the file is there already", file=str(file)) from error
    finally:
        part.unlink(missing_ok=True)


class BackupReader:
    """Reads one backup in order, checking it as it goes."""

    def __init__(self, file: Path, tar: tarfile.TarFile) -> None:
        self._file, self._tar = file, tar
        self._seen: dict[str, Any] = {"files": {}, "tables": {}}
        self._next: tuple[str, bytes] | None = None
        raw = self._take("manifest")
        self.digest = hashlib.sha256(raw).hexdigest()
        """Of the manifest: the name of this very backup."""
        self._seen["manifest"] = self.digest
        self.manifest: dict[str, Any] = self._loads(raw)
        if self.manifest.get("format") != FORMAT:
            raise Misuse(
                f"backup of format {self.manifest.get('format')}, this program reads {FORMAT}",
                file=str(file),
                remedy="restore it with the program that made it",
            )

    def files(self) -> Iterator[tuple[PurePosixPath, bytes]]:
        """Yield the files of the data folder: relative path, content."""
        while (found := self._peek()) and found[0].startswith("files/"):
            name, content = self._pop()
            path = PurePosixPath(name.removeprefix("files/"))
            if path.is_absolute() or ".." in path.parts or not path.parts:
                raise damaged(self._file, name)
            self._seen["files"][str(path)] = hashlib.sha256(content).hexdigest()
            yield path, content

    def rows(self, table: str) -> Iterator[list[list[Any]]]:
        """Yield the rows of *table*, member by member; the tables come in the manifest's order."""
        digest, total = hashlib.sha256(), 0
        while (found := self._peek()) and found[0].startswith(f"tables/{table}/"):
            _, content = self._pop()
            digest.update(content)
            rows = list(self._unpacked(content))
            total += len(rows)
            yield rows
        self._seen["tables"][table] = {"rows": total, "sha256": digest.hexdigest()}

    def check_end(self) -> dict[str, Any]:
        """Return the end after comparing it with all that was read. Raises `Misuse`."""
        end: dict[str, Any] = self._loads(self._take("end"))
        for part in ("manifest", "files", "tables"):
            if end.get(part) != self._seen[part]:
                raise damaged(self._file, f"SHA-256 of {part}")
        if self._peek() is not None:
            raise damaged(self._file, "something after its end")
        return end

    def _unpacked(self, content: bytes) -> Iterator[list[Any]]:
        try:
            yield from msgpack.Unpacker(io.BytesIO(content), raw=False, max_buffer_size=MOST_MEMBER)
        except (ValueError, msgpack.UnpackException) as error:
            raise damaged(self._file, str(error)) from error

    def _loads(self, raw: bytes) -> dict[str, Any]:
        try:
            found = json.loads(raw)
        except ValueError as error:
            raise damaged(self._file, str(error)) from error
        if not isinstance(found, dict):
            raise damaged(self._file, "manifest")
        return found

    def _take(self, name: str) -> bytes:
        found = self._peek()
        if found is None or found[0] != name:
            raise damaged(self._file, f"{name} is missing")
        return self._pop()[1]

    def _pop(self) -> tuple[str, bytes]:
        found = self._peek()
        assert found is not None
        self._next = None
        return found

    def _peek(self) -> tuple[str, bytes] | None:
        if self._next is None:
            entry = self._tar.next()
            if entry is None:
                return None
            content = self._tar.extractfile(entry) if entry.isreg() else None
            if content is None or entry.size > MOST_MEMBER:
                raise damaged(self._file, entry.name)
            name, _, digest = entry.name.rpartition(".")
            raw = content.read()
            if hashlib.sha256(raw).hexdigest() != digest:
                raise damaged(self._file, f"SHA-256 of {name}")
            self._next = name, raw
        return self._next


@contextmanager
def reading(file: Path) -> Iterator[BackupReader]:
    """Open a backup. Raises `Misuse` when it is none, or damaged, as soon as that shows."""
    try:
        with (
            file.open("rb") as raw,
            zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(raw) as packed,
            tarfile.open(fileobj=packed, mode="r|") as tar,
        ):
            yield BackupReader(file, tar)
    except (zstandard.ZstdError, tarfile.TarError, EOFError) as error:
        raise damaged(file, str(error)) from error
    except FileNotFoundError as error:
        if error.filename != str(file):
            raise
        raise Misuse("there is no such file", file=str(file)) from error
    except IsADirectoryError as error:
        raise damaged(file, "a folder") from error
