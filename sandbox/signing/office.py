"""What all parts of the service share: database, clock, authority, keys, and taking turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.clock import Clock
from sandbox.pki import TrainingAuthority
from sandbox.signing import ledger_store
from sandbox.signing.keys import KeyRing
from sandbox.signing.model import Event, Limits
from sandbox.signing.store import Connection
from sandbox.web import Database, Space


@dataclass(frozen=True, slots=True)
class Turn:
    """One write of one space: its transaction and its moment."""

    connection: Connection
    space: str
    at: datetime
    """Space time."""
    machine_at: datetime
    limits: Limits
    ended: list[str] = field(default_factory=list)
    """Requests that ended in this turn."""
    switches: Mapping[str, Any] = field(default_factory=dict)
    """The space's switches."""

    def note(self, event: Event, *, holder: str, request: str = "", **detail: Any) -> None:
        """Write a ledger line; *detail* never holds what was typed into a PIN field."""
        ledger_store.append(
            self.connection,
            self.space,
            event,
            at=self.at,
            machine_at=self.machine_at,
            holder=holder,
            request=request,
            detail=detail,
        )


@dataclass(frozen=True, slots=True)
class Office:
    """The means of the signing service."""

    database: Database
    clock: Clock
    authority: TrainingAuthority
    keys: KeyRing
    listeners: list[Callable[[Space, str], None]] = field(default_factory=list)
    """Told of every request that ended, once that is written; they return at once."""

    @contextmanager
    def turn(self, space: Space) -> Iterator[Turn]:
        """Open one durable write of *space*; writers of the same space follow one another."""
        with self.database.write() as connection:
            ledger_store.take_turn(connection, space.id)
            turn = Turn(
                connection,
                space.id,
                space.now(self.clock),
                self.clock.now(),
                Limits.of(space.switches),
                switches=space.switches,
            )
            yield turn
        for request in turn.ended:
            for tell in self.listeners:
                tell(space, request)
