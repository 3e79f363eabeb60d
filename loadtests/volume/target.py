"""What a run is made against: an address, and which processes of this machine stand behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

import psutil

from sandbox.wire.http import refuse_outside

WEB, CHECKERS, POSTGRESQL = "web", "checkers", "postgresql"


class Target(Protocol):
    """What `run` needs to know; a `Stand` knows it all."""

    @property
    def desk(self) -> str:
        """Address of the receiving desk."""
        ...

    @property
    def admin_token(self) -> str:
        """Opens the desk's inspection services."""
        ...

    @property
    def database(self) -> str:
        """`postgresql`, `sqlite`, or `unknown`."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """What was set, for the report."""
        ...

    def roots(self) -> dict[str, list[int]]:
        """Return process ids by role; their descendants count with them."""
        ...

    def database_bytes(self) -> int | None:
        """Return what the database takes on disk now; None when that cannot be seen."""
        ...


@dataclass(frozen=True, slots=True)
class RunningTarget:
    """An installation that somebody else started. Its PostgreSQL, if any, is not seen."""

    desk: str
    admin_token: str
    database: str = "unknown"
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        refuse_outside(self.desk)

    def roots(self) -> dict[str, list[int]]:
        """Return who listens at the desk's port."""
        port = urlsplit(self.desk).port or 80
        found = {
            row.pid
            for row in psutil.net_connections(kind="tcp")
            if row.pid and row.status == psutil.CONN_LISTEN and row.laddr and row.laddr.port == port
        }
        return {WEB: sorted(_eldest(found))}

    def database_bytes(self) -> int | None:
        """Return None: an address does not tell where its database lies."""
        return None


def _eldest(pids: Iterable[int]) -> set[int]:
    """Return those of *pids* that descend from no other."""
    kept = set(pids)
    for pid in list(kept):
        try:
            above = {parent.pid for parent in psutil.Process(pid).parents()}
        except psutil.Error:
            continue
        if above & kept:
            kept.discard(pid)
    return kept
