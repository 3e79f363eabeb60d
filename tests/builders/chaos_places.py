"""Where an installation's database lies, and what can be done to it: SQLite and PostgreSQL.

Both lie on a small file system of their own, so that its being full is the kernel's word and not
a pretence. That takes root; without it a place says what it cannot do in `kinds`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psycopg

from tests.builders.postgresql import PROGRAMS

DISK_FULL, READ_ONLY, RESTART = "disk full", "read only", "database restarted"
SQLITE_DISK, SERVER_DISK = "192m", "384m"
PATIENCE_S = 30.0
MEMORY = Path("/dev/shm")


class Place(Protocol):
    """A database and its weak points."""

    url: str

    @property
    def kinds(self) -> tuple[str, ...]:
        """What can be done to it here."""
        ...

    def break_down(self, kind: str, how: float) -> None:
        """Let *kind* happen; *how*, from 0 to 1, chooses between its forms."""
        ...

    def mend(self) -> None:
        """Undo everything that was done, as an operator would."""
        ...


@dataclass
class Disk:
    """A small file system in a folder; root only."""

    folder: Path
    _ballast: Path = field(init=False)

    def __post_init__(self) -> None:
        self._ballast = self.folder / "ballast"

    def fill(self) -> None:
        """Leave no byte free."""
        with self._ballast.open("ab", buffering=0) as file:
            at = file.tell()
            for size in (67_108_864, 1_048_576, 65_536, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        os.posix_fallocate(file.fileno(), at, size)
                        at += size

    def free(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, size: str, *, image: Path | None = None) -> Iterator[Disk | None]:
    """Mount a file system of *size* on *folder*: ext4 in the file *image*, else memory.

    Gives None, and the plain folder, to whoever may not mount.
    """
    if os.geteuid() != 0:
        yield None
        return
    if image is None:
        what = ["-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs"]
    else:
        _run("truncate", "-s", size, str(image))
        _run("mkfs.ext4", "-q", "-m", "0", str(image))
        what = ["-o", "loop", str(image)]
    _run("mount", *what, str(folder))
    try:
        yield Disk(folder)
    finally:
        _run("umount", "--lazy", str(folder))


def _run(*command: str) -> None:
    # a plain environment's PATH may lack the folder of the programs for the administrator
    where = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    program = shutil.which(command[0], path=where)
    assert program is not None, f"{command[0]} is missing: install e2fsprogs and mount"
    subprocess.run([program, *command[1:]], check=True, stdout=subprocess.DEVNULL)


@dataclass
class SqlitePlace:
    """A SQLite file on a disk of its own."""

    url: str
    file: Path
    disk: Disk | None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Full and read only, where one is root."""
        return (DISK_FULL, READ_ONLY) if self.disk else ()

    def break_down(self, kind: str, how: float) -> None:
        """Fill the disk, or make the database's files unchangeable even for root."""
        assert self.disk is not None
        if kind == DISK_FULL:
            self.disk.fill()
        else:
            _run("chattr", "+i", *self._files)

    @property
    def _files(self) -> list[str]:
        # not -shm: it is memory shared by mapping, and no write to it can be refused
        return [str(f) for f in (self.file, Path(f"{self.file}-wal")) if f.exists()]

    def mend(self) -> None:
        """Make room and let files be written again."""
        if self.disk is not None:
            _run("chattr", "-i", *self._files)
            self.disk.free()


@contextmanager
def sqlite_place(folder: Path) -> Iterator[SqlitePlace]:
    """Give an empty SQLite database on an ext4 of its own, in memory as only processes die here."""
    home = folder / "disk"
    home.mkdir()
    with (
        tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as around,
        small_disk(home, SQLITE_DISK, image=Path(around) / "disk.image") as disk,
    ):
        file = home / "chaos.db"
        yield SqlitePlace(f"sqlite:///{file}", file, disk)


@dataclass
class ServerPlace:
    """A PostgreSQL cluster of its own, with fsync, on a disk of its own."""

    url: str
    folder: Path
    disk: Disk | None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Restarts and read only everywhere; a full disk where one is root."""
        return (RESTART, READ_ONLY, *((DISK_FULL,) if self.disk else ()))

    def break_down(self, kind: str, how: float) -> None:
        """Fill the disk, restart the server (fast or at once), or make transactions read only."""
        if kind == DISK_FULL:
            assert self.disk is not None
            self.disk.fill()
        elif kind == RESTART:
            self.control("-m", "immediate" if how < 0.5 else "fast", "stop")
            time.sleep(how / 2)
            if not self.start() and self.disk is None:
                raise AssertionError(self._said)
        else:
            with contextlib.suppress(psycopg.Error):  # another mishap was quicker
                self._read_only("on")

    def mend(self) -> None:
        """Make room, start the server if it gave up, let transactions write again."""
        if self.disk is not None:
            self.disk.free()
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._read_only("off")
                return
            except psycopg.Error:
                assert time.monotonic() < until, self._said
                if not self._running:
                    self.start()
                time.sleep(0.1)

    def _read_only(self, word: str) -> None:
        address = f"host={self.folder} user=tests dbname=chaos connect_timeout=5"
        options = "-c default_transaction_read_only=off"
        with psycopg.connect(address, options=options, autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {word}")
            connection.execute("SELECT pg_reload_conf()")

    @property
    def _running(self) -> bool:
        return self._pg("pg_ctl", "-D", self._data, "status").returncode == 0

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    @property
    def _said(self) -> str:
        return (self.folder / "log").read_text()[-3000:]

    def start(self) -> bool:
        """Start the server and wait until it takes connections; False when it cannot start."""
        settings = (
            "-c listen_addresses='' -c max_connections=60 -c max_wal_size=16MB "
            "-c min_wal_size=2MB -c checkpoint_timeout=30s -c shared_buffers=16MB "
            "-c restart_after_crash=on"
        )
        started = self._pg(
            "pg_ctl", "-D", self._data, "-w", "-l", str(self.folder / "log"),
            "-o", f"-k {self.folder} {settings}", "start",
        )  # fmt: skip
        return started.returncode == 0

    def control(self, *words: str) -> None:
        """Run pg_ctl; whether it succeeded is seen by what comes after."""
        self._pg("pg_ctl", "-D", self._data, "-w", *words)

    def _pg(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run a program of PostgreSQL; it refuses to be root, so root hands it on."""
        other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        command = [str(max(PROGRAMS.glob("*/bin")) / program), *arguments]
        # a server that is started here would keep the pipe of its starter open
        heard = subprocess.DEVNULL if "-w" in arguments else subprocess.PIPE
        return subprocess.run(
            [*other, *command] if os.geteuid() == 0 else command,
            check=False,
            stdout=heard,
            stderr=heard,
            cwd=self.folder,
        )


@contextmanager
def server_place() -> Iterator[ServerPlace]:
    """Run a PostgreSQL cluster with one empty database, all of it on a small disk in memory."""
    folder = Path(tempfile.mkdtemp(prefix="pgc-"))
    with small_disk(folder, SERVER_DISK) as disk:
        if disk is not None:
            shutil.chown(folder, "postgres", "postgres")
        place = ServerPlace(f"postgresql+psycopg://tests@/chaos?host={folder}", folder, disk)
        made = place._pg(
            "initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "tests",
            "-E", "UTF8", "--locale=C", "--wal-segsize=1",
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        assert place.start(), place._said
        try:
            place._pg("createdb", "-h", str(folder), "-U", "tests", "chaos")
            yield place
        finally:
            place.control("-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)
