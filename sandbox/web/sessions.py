"""What the server remembers for a visitor between two pages.

It belongs to the visitor, not to the browser (learner-experience M1): whoever comes back with the
same token, by cookie or by link, finds it again. Kept 20 h from the last change, by the machine's
clock.
"""

from __future__ import annotations

from typing import Any

import anyio.to_thread
from starlette.requests import HTTPConnection

from sandbox.clock import Clock
from sandbox.web import visitors_store
from sandbox.web.store import Database
from sandbox.web.visits import Visit, visit

EVERYWHERE = "-"
"""The space under which preferences are kept that hold in every space."""


class Session:
    """A small key/value store of one visitor in one space. Values are JSON, keys ≤ 100 letters."""

    def __init__(self, database: Database, clock: Clock, *, space: str, visitor: str) -> None:
        self._database, self._clock = database, clock
        self._space, self._visitor = space, visitor

    async def get(self, key: str, default: Any = None) -> Any:
        """Return the value kept under *key*, or *default*."""
        return (await self.several(key)).get(key, default)

    async def several(self, *keys: str) -> dict[str, Any]:
        """Return those of *keys* that were set."""
        return await anyio.to_thread.run_sync(
            lambda: visitors_store.read_values(
                self._database, space=self._space, visitor=self._visitor, keys=keys
            )
        )

    async def set(self, key: str, value: Any) -> None:
        """Keep *value* (JSON) under *key*. Never a PIN or a password."""
        await anyio.to_thread.run_sync(
            lambda: visitors_store.write_value(
                self._database,
                space=self._space,
                visitor=self._visitor,
                key=key,
                value=value,
                at=self._clock.epoch(),
            )
        )

    async def delete(self, key: str) -> None:
        """Forget *key*; fine when it was never set."""
        await anyio.to_thread.run_sync(
            lambda: visitors_store.delete_value(
                self._database, space=self._space, visitor=self._visitor, key=key
            )
        )


def session(request: HTTPConnection) -> Session:
    """Return this visitor's session in this space; the answer will carry the visitor's cookie."""
    return session_of(request, visit(request))


def session_of(request: HTTPConnection, who: Visit) -> Session:
    """Return the session of *who*, in the space of that visit."""
    house = request.app.state.web
    return Session(house.database, house.clock, space=who.space.id, visitor=who.key)
