"""One set of store tests on two databases: a SQLite file and a real, throw-away PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.web import Database

REMEDY = "install it (apt-get install postgresql): the contract tests need a real server"
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=40")


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL that listens on a Unix socket only."""

    socket: Path
    user: str

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://{self.user}@/{name}?host={self.socket}"


def server_programs() -> Path:
    """Return the folder of the newest PostgreSQL server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    if not found:
        pytest.fail(f"no PostgreSQL server below /usr/lib/postgresql: {REMEDY}")
    return found[-1]


def other_user() -> str | None:
    """Return who runs the server when the tests run as root, which PostgreSQL refuses to be."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        pytest.fail(f"no user postgres to run the server as: {REMEDY}")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Start a cluster in a folder of its own, and take both away afterwards."""
    programs, user = server_programs(), other_user()
    folder = Path(tempfile.mkdtemp(prefix="contract-pg-"))
    if user is not None:
        shutil.chown(folder, user)

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(programs / program), *arguments],
            user=user,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{program}: {done.stderr or done.stdout}"

    data = folder / "data"
    name = user or pwd.getpwuid(os.geteuid()).pw_name
    run("initdb", "-D", str(data), "--auth=trust", "--encoding=UTF8", "--no-locale", "-U", name)
    settings = " ".join(f"-c {setting}" for setting in FAST)
    listening = f"-c listen_addresses= -c unix_socket_directories={folder}"
    log = str(folder / "log")
    run("pg_ctl", "-D", str(data), "-l", log, "-w", "-o", f"{listening} {settings}", "start")
    try:
        yield Cluster(folder, name)
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database, one of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'contract.db'}"
    cluster: Cluster = request.getfixturevalue("cluster")
    name = f"contract_{uuid.uuid4().hex[:12]}"
    maintenance = Database(cluster.url("postgres"))
    with maintenance.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(
            f"CREATE DATABASE {name}"
        )
    maintenance.close()
    return cluster.url(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Return an empty database, closed afterwards."""
    opened = Database(database_url)
    yield opened
    opened.close()
