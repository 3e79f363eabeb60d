"""A PostgreSQL of the test's own: a fresh cluster on a Unix socket, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = Path("/usr/lib/postgresql")
SETTINGS = "-c listen_addresses='' -c fsync=off -c max_connections=60"


@contextlib.contextmanager
def postgresql(name: str = "tests") -> Iterator[str]:
    """Run a cluster with one empty database; gives its address for `web.Database`.

    PostgreSQL refuses to run as root, so root hands it to Debian's `postgres` account.
    """
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    programs = max(PROGRAMS.glob("*/bin"))
    as_other: list[str] = []
    if os.geteuid() == 0:
        as_other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        shutil.chown(folder, "postgres", "postgres")

    def run(program: str, *arguments: str) -> None:
        command = [*as_other, str(programs / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)

    data = str(folder / "data")
    run("initdb", "-D", data, "-A", "trust", "-U", "tests", "-E", "UTF8", "--locale=C")
    run(
        "pg_ctl",
        "-D",
        data,
        "-w",
        "-l",
        str(folder / "log"),
        "-o",
        f"-k {folder} {SETTINGS}",
        "start",
    )
    try:
        run("createdb", "-h", str(folder), "-U", "tests", name)
        yield f"postgresql+psycopg://tests@/{name}?host={folder}"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
