"""Practice spaces: who practises where, by which clock.

Every class, provider and load run lives in its own space (architecture §6.5). A space is named by
the first path part, `/s/{space}/…`; without it one is in the practice space `tap`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.clock import DEFAULT_SPACE_START, VIETNAM, Clock, MachineClock, SpaceTime
from sandbox.errors import Misuse
from sandbox.web import spaces_store
from sandbox.web.store import WEB, Database

PRACTICE_SPACE = "tap"
"""The space one is in when the address names none."""

SPACE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
CACHE_SECONDS = 1.0
"""How long a web process may answer from an older state of a space than the database holds."""


@dataclass(frozen=True, slots=True)
class Space:
    """One practice space, as it was when it was read."""

    id: str
    code: str
    title: str
    seed: str
    era: str
    topology: str
    school_year: str
    time: SpaceTime
    switches: dict[str, Any] = field(default_factory=dict)

    def now(self, clock: Clock) -> datetime:
        """Return the space's own time: whole seconds, +07:00."""
        return self.time.at(clock.epoch())

    @property
    def prefix(self) -> str:
        """The first path part of this space's addresses; empty for the practice space."""
        return "" if self.id == PRACTICE_SPACE else f"/s/{self.id}"


class Spaces:
    """The spaces of one installation. Every method reads or writes the database at once."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock: Clock = clock or MachineClock()
        self._cache: dict[str, tuple[float, Space | None]] = {}

    def prepare(self) -> None:
        """Create the tables of the skin (spaces, visitors, form tokens) if they are missing."""
        self._database.create(WEB)

    def get(self, space: str) -> Space | None:
        """Return the space as the database holds it now, or None."""
        row = spaces_store.find(self._database, space=space)
        found = None if row is None else _space(row)
        self._cache[space] = (self._clock.monotonic(), found)
        return found

    def fresh(self, space: str) -> Space | None:
        """Return what was read at most `CACHE_SECONDS` ago, or None; never touches the database."""
        read, known = self._cache.get(space, (float("-inf"), None))
        return known if self._clock.monotonic() - read < CACHE_SECONDS else None

    def last(self, space: str) -> Space | None:
        """Return the space as it was last read, however long ago; for when it cannot be read."""
        return self._cache.get(space, (0.0, None))[1]

    def by_code(self, code: str) -> Space | None:
        """Return the space people enter with *code*, or None."""
        row = spaces_store.find_by_code(self._database, code=code)
        return None if row is None else _space(row)

    def all(self) -> list[Space]:
        """Return every space, by id."""
        return [_space(row) for row in spaces_store.every(self._database)]

    def open(
        self,
        space: str,
        *,
        code: str,
        title: str,
        seed: str = "hoc-ba-so",
        era: str = "63",
        topology: str = "A",
        school_year: str = "2024-2025",
        start: datetime = DEFAULT_SPACE_START,
        switches: Mapping[str, Any] | None = None,
    ) -> Space:
        """Return the space *space*, opened now if it is not there yet.

        A space that exists is returned as it is (a second start finds the data as they were).
        *start* is what the space's clock shows at this moment. Raises `Misuse` for an id that
        is not 1–63 of a–z, 0–9 and '-', and for a code that another space uses.
        """
        if not SPACE_ID.match(space):
            raise Misuse(
                f"{space!r} cannot name a space", remedy="use a-z, 0-9 and '-', at most 63"
            )
        row = {
            "space": space,
            "code": code,
            "title": title,
            "seed": seed,
            "era": era,
            "topology": topology,
            "school_year": school_year,
            "base": start.isoformat(),
            "anchor": self._clock.epoch(),
            "switches": dict(switches or {}),
        }
        if known := self.get(space):
            return known
        if not spaces_store.add(self._database, row) and self.get(space) is None:
            raise Misuse(f"code {code} is taken by another space", remedy="choose another code")
        opened = self.get(space)
        if opened is None:
            raise Misuse(f"space {space} was deleted while it was being opened")
        return opened

    def move_clock(self, space: str, to: datetime) -> Space:
        """Set the space's clock to *to*; it runs on from there and survives a restart.

        Visitors, form tokens and sessions follow the machine's clock: nobody is logged out
        (learner-experience §8.3). Raises `Misuse` when the space does not exist.
        """
        values = {"base": to.astimezone(VIETNAM).isoformat(), "anchor": self._clock.epoch()}
        return self._change(space, values)

    def set_switches(self, space: str, **switches: Any) -> Space:
        """Set some of the space's switches and keep the others."""
        known = self.get(space)
        return self._change(space, {"switches": {**(known.switches if known else {}), **switches}})

    def delete(self, space: str) -> None:
        """Delete the space and what the skin remembers of its visitors; unknown ids are fine."""
        spaces_store.remove(self._database, space=space)
        self._cache.pop(space, None)

    def forget_visitors(self, space: str) -> None:
        """Make the space forget who visited it (part of a reset); the space itself stays."""
        spaces_store.forget_visitors(self._database, space=space)

    def _change(self, space: str, values: dict[str, Any]) -> Space:
        if not spaces_store.change(self._database, space=space, values=values):
            raise Misuse(f"there is no space {space}", remedy="open it first")
        changed = self.get(space)
        if changed is None:
            raise Misuse(f"space {space} was deleted in this moment")
        return changed


def _space(row: spaces_store.Row) -> Space:
    return Space(
        id=row["space"],
        code=row["code"],
        title=row["title"],
        seed=row["seed"],
        era=row["era"],
        topology=row["topology"],
        school_year=row["school_year"],
        time=SpaceTime(datetime.fromisoformat(row["base"]), row["anchor"]),
        switches=row["switches"],
    )
