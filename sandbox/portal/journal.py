"""The append-only logs as people may look at them: of the signing service, and of the portal.

An officer sees those of the schools under the Sở, a head those of the own school, anybody their
own (spec/lifecycle.md §9). Never what was typed into a PIN field: neither log has it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.domain.lifecycle import Role
from sandbox.portal import record_store, store
from sandbox.portal.context import Actor, Context
from sandbox.portal.model import Identity
from sandbox.web.guards import off_loop
from sandbox.web.spaces import Space

SIGNING, PORTAL = "ky", "so"
"""The two logs: of the signing service, of the portal."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which lines somebody wants to see."""

    log: str = SIGNING
    person: str | None = None
    event: str | None = None
    day: str | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line, as a page shows it."""

    number: int
    at: str
    person: str
    """Name, or what the log holds where the portal knows nobody by it."""
    event: str
    instrument: str | None = None
    count: int | None = None
    attempts_left: int | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """A page of a log."""

    lines: tuple[Line, ...]
    more: int | None
    """Number below which the next page begins."""
    intact: bool
    """No line of the whole log was changed, removed or slipped in."""


class Journal:
    """Reads both logs."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def people(self, space: Space, actor: Actor) -> list[Identity]:
        """Return whose lines the actor may see: each person once."""
        who = actor.identity
        with self._context.database.read() as connection:
            if actor.role is Role.SO:
                units = [
                    school.code
                    for school in store.schools(connection, space.id)
                    if school.department_code == who.department_code
                ]
            else:
                units = [who.unit_code]
            found = [p for unit in units for p in store.staff(connection, space.id, unit)]
        return list({person.person_id: person for person in found}.values())

    async def read(self, space: Space, actor: Actor, asked: Asked, *, most: int) -> Leaf:
        """Return the newest *most* lines the actor may see. Raises `Unavailable`."""
        people = await off_loop(self.people, space, actor)
        names = {person.person_id: person.name for person in people}
        if asked.log == PORTAL:
            return await off_loop(self._portal, space, actor, names, asked, most)
        wanted = [asked.person] if asked.person in names else sorted(names)
        return await self._signing(space, names, wanted, asked, most)

    async def mine(self, space: Space, actor: Actor, *, before: int | None, most: int) -> Leaf:
        """Return the newest lines of the actor's own signing. Raises `Unavailable`."""
        who = actor.identity
        asked = Asked(before=before)
        return await self._signing(space, {who.person_id: who.name}, [who.person_id], asked, most)

    async def _signing(
        self, space: Space, names: dict[str, str], wanted: list[str], asked: Asked, most: int
    ) -> Leaf:
        ledger = await self._context.signing.in_space(space.id).ledger(
            signers=wanted,
            su_kien=asked.event,
            ngay=asked.day,
            truoc=asked.before,
            nhieu_nhat=most + 1,
        )
        newest = list(reversed(ledger.lines))
        lines = [
            Line(
                number=line.number,
                at=line.at,
                person=names.get(line.holder, line.holder),
                event=line.event,
                instrument=line.detail.get("instrument"),
                count=line.detail.get("count"),
                attempts_left=line.detail.get("attempts_left"),
                code=line.detail.get("code"),
            )
            for line in newest
        ]
        return _leaf(lines, most, intact=ledger.intact)

    def _portal(
        self, space: Space, actor: Actor, names: dict[str, str], asked: Asked, most: int
    ) -> Leaf:
        told = {} if actor.role is Role.SO else {"actor_unit": actor.identity.unit_code}
        if asked.person in names:
            told["actor_id"] = str(asked.person)
        with self._context.database.read() as connection:
            rows = record_store.audit_page(
                connection,
                space.id,
                told=told,
                action=asked.event,
                day=asked.day,
                before=asked.before,
                most=most + 1,
            )
            intact = record_store.audit_is_whole(connection, space.id)
        lines = [
            Line(
                number=number,
                at=line.at,
                person=names.get(line.actor_id, line.actor_unit),
                event=line.action.split(":")[0],
                code=None if line.outcome == "0" else line.outcome,
            )
            for number, line in rows
        ]
        return _leaf(lines, most, intact=intact)


def _leaf(lines: list[Line], most: int, *, intact: bool) -> Leaf:
    more = lines[most - 1].number if len(lines) > most else None
    return Leaf(tuple(lines[:most]), more, intact)
