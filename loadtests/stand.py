"""Everything a measured run needs, on loopback and gone afterwards.

A database whose commits are durable, a served desk with its web and checking processes, and a
signed corpus of the invented nation, made once, kept, and registered at the desk.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final, Literal

from loadtests.processes import end_group, free_port, start_alone, wait_until_answered
from loadtests.volume.target import POSTGRESQL, WEB
from sandbox.corpora.ledger import LEDGER, MANIFEST
from sandbox.errors import Misuse, Unavailable
from sandbox.synthetic.nation import Nation

Algorithm = Literal["p256", "rsa"]
Engine = Literal["postgresql", "sqlite"]

PROJECT: Final = Path(__file__).resolve().parents[1]
PROGRAMS: Final = Path("/usr/lib/postgresql")
FIRST_SCHOOL: Final = 7_342
"""From here on a class, and so a package, has 31 records on average: near the nation's mean."""
POSTGRESQL_SETTINGS: Final = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "5min",
    "max_connections": "100",
}
"""Durable: an acknowledged package survives a power cut. The rest is PostgreSQL's own default."""
START_S: Final = 90.0
STOP_S: Final = 40.0


@dataclass(frozen=True, slots=True)
class Stand:
    """A running installation with a registered corpus; a `Target` of the volume scenario."""

    base_url: str
    data: Path
    corpus: Path
    """Folder of the corpus, with this desk's `accounts.csv`."""
    pool: Path
    """The RSA keys of its schools."""
    database: Engine
    database_url: str
    settings: Mapping[str, str]
    web_pid: int
    postgresql_folder: Path | None = None
    as_other: tuple[str, ...] = field(default=(), repr=False)

    @property
    def desk(self) -> str:
        """Address of the desk that takes the corpus: a Cổng of the default practice space."""
        return f"{self.base_url}/kho/so/48"

    @property
    def admin_token(self) -> str:
        """Opens the desk's inspection services."""
        said = json.loads((self.data / "secrets.json").read_text(encoding="utf-8"))
        return str(said["admin_token"])

    def roots(self) -> dict[str, list[int]]:
        """Return process ids by role: the web server (checkers are its children), PostgreSQL."""
        found = {WEB: [self.web_pid]}
        if self.postgresql_folder is not None:
            pid_file = self.postgresql_folder / "data" / "postmaster.pid"
            found[POSTGRESQL] = [int(pid_file.read_text(encoding="utf-8").split()[0])]
        return found

    def database_bytes(self) -> int:
        """Return what the database takes on disk now, its write-ahead log not counted."""
        if self.postgresql_folder is None:
            file = self.data / "sandbox.db"
            return sum(
                part.stat().st_size
                for part in (file, file.with_name("sandbox.db-wal"))
                if part.exists()
            )
        psql = [*self.as_other, str(_programs() / "psql"), "-h", str(self.postgresql_folder)]
        query = "select pg_database_size(current_database())"
        done = subprocess.run(
            [*psql, "-U", "stand", "-Atc", query, "stand"],
            check=True,
            capture_output=True,
            text=True,
            cwd=self.postgresql_folder,
        )
        return int(done.stdout)


CLAIM: Final = "8"
"""Packages a checking process takes in hand at once, as an operator would set it for such a day."""


@contextmanager
def stand(
    *,
    records: int,
    algorithm: Algorithm = "p256",
    database: Engine = "postgresql",
    workers: int = 1,
    checkers: int = 2,
    systems: str = "ministry,responders",
    corpora: Path | None = None,
    folder: Path | None = None,
    extra: Mapping[str, str] | None = None,
) -> Iterator[Stand]:
    """Bring up a stand whose corpus holds at least *records* records, and take it down.

    *corpora* keeps corpora from one run to the next (default: `data/corpora` of the project).
    *folder* takes the installation's data (default: a temporary one, removed afterwards).
    *extra* are more `HOCBA_*` settings.

    Raises `Misuse` when a program is missing, `Unavailable` when something does not start.
    """
    kept = corpora or PROJECT / "data" / "corpora"
    made = corpus_of(records, algorithm=algorithm, corpora=kept)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_takes_all_down_on_sigterm())
        if folder is None:
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix="hocba-stand-"))
            folder = Path(name)
        data = folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        pool = kept / "keys" / "rsa"
        pool.mkdir(parents=True, exist_ok=True)
        if not (data / "rsa").exists():
            (data / "rsa").symlink_to(pool.resolve())
        own = _as_own(made, folder / "corpus")
        cluster = None
        url = f"sqlite:///{data / 'sandbox.db'}"
        if database == "postgresql":
            cluster = stack.enter_context(postgresql())
            url = cluster.url
        said = {
            "HOCBA_DATA": str(data),
            "HOCBA_DATABASE": url,
            "HOCBA_SYSTEMS": systems,
            "HOCBA_PORT": str(free_port()),
            "HOCBA_WORKERS": str(workers),
            "HOCBA_CHECKERS": str(checkers),
            "HOCBA_CLAIM": CLAIM,
            **(extra or {}),
        }
        process = stack.enter_context(_served(said, folder / "served.log"))
        base_url = f"http://127.0.0.1:{said['HOCBA_PORT']}"
        running = Stand(
            base_url=base_url,
            data=data,
            corpus=own,
            pool=pool,
            database=database,
            database_url=url,
            settings=_for_report(said, database),
            web_pid=process.pid,
            postgresql_folder=cluster.folder if cluster else None,
            as_other=cluster.as_other if cluster else (),
        )
        _hocba("register-corpus", str(own), "--desk", running.desk, environment=said)
        yield running


def corpus_of(records: int, *, algorithm: Algorithm, corpora: Path) -> Path:
    """Return the folder of a corpus with at least *records* records, made when it is not there.

    Its name says which schools it holds, so that a larger one is another folder.
    """
    last = _last_school(records)
    folder = corpora / f"{algorithm}-{FIRST_SCHOOL}-{last}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (corpora / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs at once make it once
        if not (folder / MANIFEST).exists():
            _hocba(
                "nation",
                *("--school", f"{FIRST_SCHOOL}-{last}", "--format", "requests"),
                *("--rsa", "1" if algorithm == "rsa" else "0", "--processes", "2", "--resume"),
                *("--out", str(folder), "--data", str(corpora / "keys")),
                environment={},
            )
    return folder


def _last_school(records: int) -> int:
    nation, held = Nation(), 0
    for number in count(FIRST_SCHOOL):
        try:
            held += nation.school(number).records
        except ValueError as error:
            raise Misuse(f"{records:,} records", remedy=f"at most {held:,}") from error
        if held >= records:
            return number
    raise AssertionError


@contextmanager
def _takes_all_down_on_sigterm() -> Iterator[None]:
    """Leave by `SystemExit` when asked to end, so that no server is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _as_own(made: Path, own: Path) -> Path:
    """Return a folder that shows *made* and takes this desk's accounts beside it."""
    own.mkdir(exist_ok=True)
    for part in made.iterdir():
        if part.name != "accounts.csv" and not (own / part.name).exists():
            (own / part.name).symlink_to(part.resolve())
    if not (own / LEDGER).exists():
        raise Unavailable(f"{made}: no ledger")
    return own


def _for_report(said: Mapping[str, str], database: Engine) -> dict[str, str]:
    shown = {k: v for k, v in said.items() if k not in ("HOCBA_DATA", "HOCBA_DATABASE")}
    return shown | (POSTGRESQL_SETTINGS if database == "postgresql" else {})


def _environment(said: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HOCBA_")}
    return {**kept, **said}


def _hocba(*arguments: str, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.cli", *arguments],
        cwd=PROJECT,
        env=_environment(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unavailable(f"hocba {arguments[0]}: {done.returncode} {done.stderr[-1500:]}")


@contextmanager
def _served(said: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Serve with *said*; the whole process group ends with the block."""
    names = said["HOCBA_SYSTEMS"].split(",")
    command = [sys.executable, "-m", "sandbox.cli", "serve", *names]
    command += ["--port", said["HOCBA_PORT"]]
    process = start_alone(command, environment=_environment(said), log=log, cwd=PROJECT)
    try:
        url = f"http://127.0.0.1:{said['HOCBA_PORT']}/kho"
        wait_until_answered(url, process, within_s=START_S, log=log)
        yield process
    finally:
        end_group(process, within_s=STOP_S)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running PostgreSQL with one empty database."""

    folder: Path
    as_other: tuple[str, ...]

    @property
    def url(self) -> str:
        """Its address for `web.Database`."""
        return f"postgresql+psycopg://stand@/stand?host={self.folder}"

    @property
    def postmaster(self) -> int:
        """Process id of the server; its others are children of it."""
        pid_file = self.folder / "data" / "postmaster.pid"
        return int(pid_file.read_text(encoding="utf-8").split()[0])


def _programs() -> Path:
    found = sorted(PROGRAMS.glob("*/bin"))
    if not found:
        raise Misuse(f"no PostgreSQL in {PROGRAMS}", remedy="--database sqlite")
    return found[-1]


@contextmanager
def postgresql() -> Iterator[Cluster]:
    """Run a durable cluster with one empty database on a Unix socket, and remove it.

    PostgreSQL refuses to run as root, so root hands it to Debian's `postgres` account.
    """
    programs = _programs()
    place = Path(tempfile.mkdtemp(prefix="pg-"))
    as_other: tuple[str, ...] = ()
    if os.geteuid() == 0:
        as_other = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
        shutil.chown(place, "postgres", "postgres")

    def run(program: str, *arguments: str) -> None:
        command = [*as_other, str(programs / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=place)

    data = str(place / "data")
    options = " ".join(f"-c {name}={value}" for name, value in POSTGRESQL_SETTINGS.items())
    run("initdb", "-D", data, "-A", "trust", "-U", "stand", "-E", "UTF8", "--locale=C")
    log = str(place / "log")
    start = f"-k {place} -c listen_addresses='' {options}"
    run("pg_ctl", "-D", data, "-w", "-l", log, "-o", start, "start")
    try:
        run("createdb", "-h", str(place), "-U", "stand", "stand")
        yield Cluster(place, as_other)
    finally:
        run("pg_ctl", "-D", data, "-m", "fast", "stop")
        shutil.rmtree(place, ignore_errors=True)
