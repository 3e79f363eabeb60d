"""A PostgreSQL of the measurement's own on a Unix socket: every commit waits for the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandbox.errors import Misuse

PROGRAMS: Final = Path("/usr/lib/postgresql")
SETTINGS: Final = "-c listen_addresses='' -c fsync=on -c synchronous_commit=on"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server."""

    folder: Path
    postmaster: int

    @property
    def url(self) -> str:
        """Its address for `web.Database`."""
        return f"postgresql+psycopg://bench@/postgres?host={self.folder}"

    @property
    def conninfo(self) -> str:
        """Its address for psycopg."""
        return f"host={self.folder} user=bench dbname=postgres"


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Run a server with its default settings, commits synchronous; gone afterwards.

    Raises `Misuse` when no PostgreSQL is installed. As root it runs under Debian's `postgres`.
    """
    programs = max(PROGRAMS.glob("*/bin"), default=None)
    if programs is None:
        raise Misuse(f"no PostgreSQL below {PROGRAMS}", remedy="apt-get install postgresql")
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="hocba-bench-pg-"))
    if user is not None:
        shutil.chown(folder, user)
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(data), *arguments]
        done = subprocess.run(
            command, user=user, cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Misuse(f"{program}: {done.stderr or done.stdout}")

    run("initdb", "--auth=trust", "--encoding=UTF8", "--no-locale", "-U", "bench")
    options = f"{SETTINGS} -c unix_socket_directories={folder}"
    run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        number = (data / "postmaster.pid").read_text(encoding="ascii").split()[0]
        yield Cluster(folder, int(number))
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
