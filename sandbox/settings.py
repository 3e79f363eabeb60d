"""Frozen settings, read once from `HOCBA_*` and flags; used by cli and world only.

Every setting has a default that suits one laptop. A wrong value is `Misuse`: it names the setting
and what was expected.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sandbox.errors import Misuse
from sandbox.logs import Logging

SYSTEMS = ("ministry", "portal", "signing", "responders", "classroom", "rehearsal")
"""The systems that can be served together or alone."""

DEFAULT_SEED = "hoc-ba-so-sandbox"
"""The public seed: golden data are made from it. An installation may choose its own."""

INSTALLATION = "installation.json"
"""In a restored data folder: the seed its data were made with."""

FIRST_PORT, LAST_PORT = 8080, 8089
MOST_BYTES = 2**50


@dataclass(frozen=True, slots=True)
class Secrets:
    """Random values made once per installation and kept in its data folder, mode 600."""

    internal_token: str
    admin_token: str
    form_key: str


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be set. Times in seconds, sizes in bytes."""

    data: Path
    database: str
    seed: str = DEFAULT_SEED
    host: str = "127.0.0.1"
    port: int = FIRST_PORT
    systems: tuple[str, ...] = SYSTEMS
    workers: int = 1
    """Web processes. The checking processes are always apart."""
    checkers: int = 1
    """Checking processes of this machine; other machines add theirs on the same database."""
    claim: int = 1
    """Packages a checking process takes in hand at once: a few on a busy day save commits."""
    neighbours: Mapping[str, str] = field(default_factory=dict)
    """Base URL per system when it runs elsewhere; default: this server."""
    secrets: Secrets = field(default_factory=lambda: Secrets("", "", ""))
    logging: Logging = field(default_factory=Logging)
    """Warnings on the terminal, unless set: see `sandbox.logs`."""
    min_free_disk: int | None = None
    """Free bytes below which nothing more is taken in; None: 1 GB, at most 5 % of the disk."""
    max_waiting: int = 500_000
    """Packages of all senders that may wait for their result."""
    max_waiting_bytes: int = 64 * 1_073_741_824
    max_bodies: int = 256 * 1_048_576
    """Bytes of request bodies in the memory of one web process."""

    @property
    def base_url(self) -> str:
        """Where this installation reaches itself: always loopback, also with --lan."""
        return f"http://127.0.0.1:{self.port}"

    def url_of(self, system: str) -> str:
        """Base URL of *system* (one of SYSTEMS)."""
        return self.neighbours.get(system, self.base_url)

    def with_port(self, port: int) -> Settings:
        """Return the same settings on another port."""
        return replace(self, port=port)

    def as_environment(self) -> dict[str, str]:
        """Return the `HOCBA_*` variables from which another process reads these settings."""
        environment = {
            "HOCBA_DATA": str(self.data),
            "HOCBA_DATABASE": self.database,
            "HOCBA_SEED": self.seed,
            "HOCBA_HOST": self.host,
            "HOCBA_PORT": str(self.port),
            "HOCBA_SYSTEMS": ",".join(self.systems),
            "HOCBA_WORKERS": str(self.workers),
            "HOCBA_CHECKERS": str(self.checkers),
            "HOCBA_CLAIM": str(self.claim),
            "HOCBA_LOG": self.logging.form,
            **({"HOCBA_LOG_FILE": str(self.logging.file)} if self.logging.file else {}),
            "HOCBA_MAX_WAITING": str(self.max_waiting),
            "HOCBA_MAX_WAITING_BYTES": str(self.max_waiting_bytes),
            "HOCBA_MAX_BODIES": str(self.max_bodies),
        }
        if self.min_free_disk is not None:
            environment["HOCBA_MIN_FREE_DISK"] = str(self.min_free_disk)
        for system, url in self.neighbours.items():
            environment[f"HOCBA_URL_{system.upper()}"] = url
        return environment


def read_settings(
    environment: Mapping[str, str] | None = None, **flags: str | int | Path | None
) -> Settings:
    """Read settings from *environment* (default: the process's), overridden by *flags*.

    Creates the data folder and its secrets when they are not there yet.

    Raises `Misuse` naming the variable, what stood there and what was expected.
    """
    source = dict(os.environ if environment is None else environment)
    for name, value in flags.items():
        if value is not None:
            source[f"HOCBA_{name.upper()}"] = str(value)
    _refuse_unknown(source)
    data = Path(source.get("HOCBA_DATA", "data")).resolve()
    _make_folder(data)
    return Settings(
        data=data,
        database=_database(source.get("HOCBA_DATABASE"), data),
        seed=_seed(source.get("HOCBA_SEED"), data / INSTALLATION),
        host=source.get("HOCBA_HOST", "127.0.0.1"),
        port=_number(source, "HOCBA_PORT", FIRST_PORT, low=1, high=65_535),
        systems=_systems(source.get("HOCBA_SYSTEMS", ",".join(SYSTEMS))),
        workers=_number(source, "HOCBA_WORKERS", 1, low=1, high=64),
        checkers=_number(source, "HOCBA_CHECKERS", 1, low=1, high=256),
        claim=_number(source, "HOCBA_CLAIM", 1, low=1, high=64),
        neighbours={
            system: source[name].rstrip("/")
            for system in SYSTEMS
            if (name := f"HOCBA_URL_{system.upper()}") in source
        },
        secrets=_secrets(data / "secrets.json"),
        logging=_logging(source),
        min_free_disk=(
            _number(source, "HOCBA_MIN_FREE_DISK", 0, low=0, high=MOST_BYTES)
            if "HOCBA_MIN_FREE_DISK" in source
            else None
        ),
        max_waiting=_number(source, "HOCBA_MAX_WAITING", 500_000, low=1, high=100_000_000),
        max_waiting_bytes=_number(
            source, "HOCBA_MAX_WAITING_BYTES", 64 * 1_073_741_824, low=1, high=MOST_BYTES
        ),
        max_bodies=_number(
            source, "HOCBA_MAX_BODIES", 256 * 1_048_576, low=1_048_576, high=MOST_BYTES
        ),
    )


KNOWN = {
    "HOCBA_DATA",
    "HOCBA_DATABASE",
    "HOCBA_SEED",
    "HOCBA_HOST",
    "HOCBA_PORT",
    "HOCBA_SYSTEMS",
    "HOCBA_WORKERS",
    "HOCBA_CHECKERS",
    "HOCBA_CLAIM",
    "HOCBA_LOG",
    "HOCBA_LOG_FILE",
    "HOCBA_MIN_FREE_DISK",
    "HOCBA_MAX_WAITING",
    "HOCBA_MAX_WAITING_BYTES",
    "HOCBA_MAX_BODIES",
    *(f"HOCBA_URL_{system.upper()}" for system in SYSTEMS),
}
"""Variables read here. `HOCBA_CLIENT_*` and those of a rehearsal belong to client programs."""

FOR_CLIENTS = (
    "HOCBA_CLIENT_",
    "HOCBA_BASE",
    "HOCBA_DESK",
    "HOCBA_USER",
    "HOCBA_PASSWORD",
    "HOCBA_UNIT",
    "HOCBA_PACK",
    "HOCBA_STEP",
    "HOCBA_SPACE",
    "HOCBA_TEST_",
    "HOCBA_LOAD_",
)


def _refuse_unknown(source: Mapping[str, str]) -> None:
    for name in source:
        if name.startswith("HOCBA_") and name not in KNOWN and not name.startswith(FOR_CLIENTS):
            raise Misuse(
                f"unknown setting {name}", remedy="known settings: " + ", ".join(sorted(KNOWN))
            )


def _number(source: Mapping[str, str], name: str, default: int, *, low: int, high: int) -> int:
    text = source.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise Misuse(f"{name}={text!r}", remedy=f"a whole number from {low} to {high}")
    return int(text)


def _logging(source: Mapping[str, str]) -> Logging:
    form = source.get("HOCBA_LOG", "text")
    if form not in ("text", "json"):
        raise Misuse(f"HOCBA_LOG={form!r}", remedy="text or json")
    name = source.get("HOCBA_LOG_FILE")
    file = Path(name).resolve() if name else None
    if file is not None and (file.is_dir() or not file.parent.is_dir()):
        raise Misuse(f"HOCBA_LOG_FILE={name!r}", remedy="a file in a folder that is there")
    return Logging("json" if form == "json" else "text", file)


def _systems(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in SYSTEMS:
            raise Misuse(f"unknown system {name!r}", remedy="one of: " + ", ".join(SYSTEMS))
    if not names:
        raise Misuse("no system named", remedy="one or more of: " + ", ".join(SYSTEMS))
    return names


def _database(url: str | None, data: Path) -> str:
    if not url:
        return f"sqlite:///{data / 'sandbox.db'}"
    if url.startswith("postgresql://"):
        return "postgresql+psycopg://" + url.removeprefix("postgresql://")
    if url.startswith(("postgresql+psycopg://", "sqlite:///")):
        return url
    raise Misuse(
        "HOCBA_DATABASE has an unknown form",
        remedy="postgresql://user@host:port/name or sqlite:///folder/file.db",
    )


def _seed(asked: str | None, file: Path) -> str:
    """Return the seed asked for; a restored installation has its own and takes no other."""
    if not file.is_file():
        return asked or DEFAULT_SEED
    try:
        kept = str(json.loads(file.read_text(encoding="utf-8"))["seed"])
    except (ValueError, TypeError, KeyError) as error:
        raise Misuse("the seed cannot be read", file=str(file), remedy="restore anew") from error
    if asked not in (None, kept):
        raise Misuse(
            "HOCBA_SEED is not the seed of these data", file=str(file), remedy="unset HOCBA_SEED"
        )
    return kept


def _make_folder(data: Path) -> None:
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misuse(
            f"the data folder {data} cannot be made ({error.strerror})",
            remedy="name another one with --data or HOCBA_DATA",
        ) from error


def _secrets(file: Path) -> Secrets:
    """Read the installation's secrets, making them on the first start (atomically)."""
    if not file.exists():
        fresh = {name: secrets.token_urlsafe(32) for name in Secrets.__slots__}
        draft = file.with_suffix(f".{os.getpid()}.tmp")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            json.dump(fresh, handle)
        try:
            os.link(draft, file)  # loses against a process that was quicker, and reads its file
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    try:
        return Secrets(**json.loads(file.read_text()))
    except (ValueError, TypeError) as error:
        raise Misuse(
            "not a secrets file of this sandbox",
            file=str(file),
            remedy="remove it; a new one is made at the next start (visitors join again)",
        ) from error
