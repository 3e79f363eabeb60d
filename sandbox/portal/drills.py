"""Going wrong on purpose: somebody's fault plan, who plays which entry, what was met and mended.

The portal plays what happens at its own edge (a window that closes, a record held by another, a
network that is away); what happens on phone or token is handed to the signing service. A mistake
nobody plays is met when its page is shown (errors-teachers-meet §4).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from sandbox.domain.faults import FAULTS
from sandbox.domain.report_card import Slot
from sandbox.errors import Misuse, Unavailable
from sandbox.portal import drill_store
from sandbox.portal.context import Actor, Context, Reason, Stopped
from sandbox.portal.drill_store import Drill
from sandbox.portal.model import RecordLine
from sandbox.web.guards import off_loop
from sandbox.web.spaces import Space
from sandbox.wire.signing import Fault, FaultState, SigningRefused

SWITCH = "su_co"
"""Switch of a space: a list of entries that everybody is given once."""
HELD_BY_ANOTHER = "nguoi_khac"
SUBJECT_TEACHERS = "thieu_bo_mon"
"""Words for why a record cannot be signed while a plan says so (E15, E11)."""
_PLAYED_BY_DEVICES = "ky_so"


class Drills:
    """The fault plans of people."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def arm(self, space: Space, person_id: str, faults: Sequence[Fault]) -> None:
        """Add entries to somebody's plan; what an entry leaves open is filled from the table.

        Raises `Misuse` for an unknown code, `Stopped` for somebody without credentials,
        `Unavailable` while the signing service is away: nothing is armed then.
        """
        filled = [_filled(fault) for fault in faults]
        there = [f for f in filled if FAULTS[f.ma].place == _PLAYED_BY_DEVICES]
        here = [f for f in filled if FAULTS[f.ma].place != _PLAYED_BY_DEVICES]
        if there:
            try:
                await self._context.signing.in_space(space.id).arm(person_id, there)
            except SigningRefused as refused:
                raise Stopped(Reason.NO_CREDENTIAL, target=person_id) from refused
        await off_loop(self._add, space, person_id, here)

    async def plan(self, space: Space, person_id: str) -> list[FaultState]:
        """Return somebody's whole plan; without the devices' part while those are away."""
        own = await off_loop(self._plan, space, person_id)
        try:
            theirs = await self._context.signing.in_space(space.id).faults(person_id)
        except (Unavailable, SigningRefused):
            theirs = []
        return [*(drill.state for drill in own), *theirs]

    async def give(self, space: Space, person_id: str) -> None:
        """Give somebody what the space's switch holds for everybody, each entry once."""
        for place, fault in enumerate(everybodys(space.switches)):
            text = json.dumps([place, fault.model_dump()], sort_keys=True)
            mark = hashlib.sha256(text.encode()).hexdigest()
            if await off_loop(self._spread, space, person_id, mark):
                await self.arm(space, person_id, [fault])

    def arm_everybody(self, space: Space, faults: Sequence[Fault]) -> None:
        """Put entries into the space's switch: whoever signs next is given them, once each.

        Raises `Misuse` for an unknown code, or one that is not for a whole class.
        """
        filled = [_filled(fault) for fault in faults]
        alone = [fault.ma for fault in filled if not FAULTS[fault.ma].class_wide]
        if alone:
            wide = [kind.code for kind in FAULTS.values() if kind.class_wide]
            raise Misuse(f"su_co {alone[0]!r} for a whole class", remedy=", ".join(wide))
        now = [fault.model_dump() for fault in everybodys(space.switches)]
        added = [fault.model_dump() for fault in filled]
        self._context.spaces.set_switches(space.id, **{SWITCH: [*now, *added]})

    def armed(self, space: Space, person_id: str, code: str) -> Drill | None:
        """Return the first entry for *code* that still happens, without using it up."""
        plan = self._plan(space, person_id)
        return next((d for d in plan if d.code == code and d.left), None)

    def take(self, space: Space, person_id: str, code: str, *, note: str = "") -> Drill | None:
        """Let an entry happen once: it is met. None when nothing is armed."""
        if self.armed(space, person_id, code) is None:
            return None
        with self._context.database.write() as connection:
            for drill in drill_store.plan(connection, space.id, person_id):
                if drill.code == code and drill.left:
                    drill_store.change(
                        connection,
                        space.id,
                        person_id,
                        drill.number,
                        left=drill.left - 1,
                        met=drill.met or self._context.stamp(space),
                        note=note or drill.note,
                    )
                    return drill
        return None

    def met_by_mistake(self, space: Space, person_id: str, code: str) -> None:
        """Note that the page of a mistake was shown to somebody who set out to meet it."""
        if code in FAULTS and FAULTS[code].place != "cong":
            self.take(space, person_id, code)

    def open(self, space: Space, person_id: str, code: str) -> Drill | None:
        """Return the entry for *code* that was met and is not mended yet."""
        plan = self._plan(space, person_id)
        return next((d for d in plan if d.code == code and d.met and not d.recovered), None)

    def hold_back(
        self,
        space: Space,
        actor: Actor,
        slot: Slot,
        why: list[tuple[RecordLine, str | None]],
        *,
        seen: bool,
    ) -> list[tuple[RecordLine, str | None]]:
        """Return *why* with what the plan holds back: one record (E15), or all of them (E11).

        *seen*: a page shows it, which is one of the page loads an E15 lasts.
        """
        person = actor.identity.person_id
        fit = [place for place, (_line, word) in enumerate(why) if word is None]
        if not fit:
            return why
        if slot is Slot.GVCN:
            begun = self.open(space, person, "E11") or (seen and self.take(space, person, "E11"))
            return [(line, SUBJECT_TEACHERS if begun and not word else word) for line, word in why]
        if self.armed(space, person, "E15") is None:
            return why
        if seen:
            self.take(space, person, "E15")
        first = fit[0]
        return [*why[:first], (why[first][0], HELD_BY_ANOTHER), *why[first + 1 :]]

    def recover(self, space: Space, person_id: str, codes: Iterable[str]) -> None:
        """Mark what was met as mended, once it happens no more."""
        wanted = set(codes)
        found = [
            drill
            for drill in self._plan(space, person_id)
            if drill.code in wanted and drill.met and not drill.recovered and not drill.left
        ]
        if not found:
            return
        with self._context.database.write() as connection:
            for drill in found:
                drill_store.change(
                    connection,
                    space.id,
                    person_id,
                    drill.number,
                    recovered=self._context.stamp(space),
                )

    def _plan(self, space: Space, person_id: str) -> list[Drill]:
        with self._context.database.read() as connection:
            return drill_store.plan(connection, space.id, person_id)

    def _add(self, space: Space, person_id: str, faults: Sequence[Fault]) -> None:
        with self._context.database.write() as connection:
            drill_store.add(connection, space.id, person_id, faults)

    def _spread(self, space: Space, person_id: str, mark: str) -> bool:
        with self._context.database.write() as connection:
            return drill_store.spread(connection, space.id, person_id, mark)


def everybodys(switches: Mapping[str, Any]) -> list[Fault]:
    """Return the entries of the space's switch. Raises `Misuse` for one that is none."""
    try:
        return [_filled(Fault.model_validate(row)) for row in switches.get(SWITCH) or ()]
    except ValidationError as fault:
        raise Misuse(f"{SWITCH}: {fault.errors()[0]['loc']}", remedy="{ma, khi, …}") from fault


def _filled(fault: Fault) -> Fault:
    kind = FAULTS.get(fault.ma)
    if kind is None:
        raise Misuse(f"su_co {fault.ma!r}", remedy=", ".join(FAULTS))
    said = fault.model_fields_set
    usual = {"khi": kind.step, "doi_tuong": kind.subject, "so_lan": kind.times}
    return fault.model_copy(update={k: v for k, v in usual.items() if k not in said})
