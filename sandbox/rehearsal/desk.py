"""What reached the receiving desk, as the desk itself tells it over the wire.

Three sources: the desk's journal of exchanges and its stored records (side door, admin token),
and the published services 3.5 and 3.7, asked in the name of the school once the client has had
its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from sandbox.wire.admin import AdminClient, JournalRow
from sandbox.wire.ministry import (
    Account,
    MinistryClient,
    RegistrationStateReply,
    ResultReply,
    ResultRow,
)
from sandbox.wire.officer import OfficerDesk

ACCEPTED_STATES = frozenset({"CIRCULATING", "REPORTED", "LOCKED"})
JOURNAL_PAGES = 20
"""Pages of the journal read in one look; a client that makes more calls is looked at later."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call that reached the desk: which service, by whom, about which message, what answer."""

    number: int
    at: str
    """Space time, ISO."""
    service: str
    """Path below `/sandbox/v1/`, e.g. `hoc-ba/trang-thai`."""
    account: str | None
    type: str | None
    messageid: str | None
    status: int
    error: str

    @property
    def good(self) -> bool:
        """Answered with `Error` 0."""
        return self.status == 200 and self.error == "0"

    @property
    def pending(self) -> bool:
        """Answered that there is no answer yet."""
        return self.error == "SBX-1201"

    @property
    def final(self) -> bool:
        """A result was given, good or bad: the sender knows where it stands."""
        return self.status == 200 and not self.pending


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where one record stands at the desk."""

    accepted: bool
    code: str = "0"
    """`0` or the first code of its refusal."""
    place: str = "–"
    """XPath or tag of the fault."""
    messageid: str | None = None
    """The submission that brought this result."""

    @property
    def refused(self) -> bool:
        """The record was refused."""
        return not self.accepted


class Desk:
    """One receiving desk. Raises `Unavailable` when it is away."""

    def __init__(self, admin: AdminClient, address: str, *, account: Account) -> None:
        self._admin = admin
        self._address = address
        self._account = account

    def exchanges(self, *, after: int) -> list[Exchange]:
        """Return the exchanges with a number above *after*, oldest first."""
        found: list[Exchange] = []
        for _ in range(JOURNAL_PAGES):
            rows = self._admin.journal(self._address, after=found[-1].number if found else after)
            found += [_exchange(row) for row in rows]
            if not rows:
                break
        return found

    def stored(self, uuid: str) -> Outcome | None:
        """Return the outcome of a record the desk holds as accepted, else None."""
        row = self._admin.record(self._address, uuid)
        if row is None or row.state not in ACCEPTED_STATES:
            return None
        return Outcome(accepted=True, messageid=row.messageid.lower())

    def results(self, messageid: str) -> dict[str, Outcome] | None:
        """Return the outcome of each record of a submission by UUID; None while work goes on.

        A package refused as a whole, with no record readable in it, is found under `""`.
        """
        reply: ResultReply = self._as_school(lambda school: school.result(messageid))
        if reply.pending:
            return None
        found = {
            (row.ma_tra_cuu_uuid or "").lower(): _outcome(row, messageid) for row in reply.rows
        }
        if reply.error != "0" and not reply.rows:
            found[""] = Outcome(accepted=False, code=reply.error, messageid=messageid)
        return found

    def registration(self, messageid: str, *, school_year: int) -> RegistrationStateReply:
        """Return how a registration of the unit's certificate stands (type 4)."""
        return self._as_school(
            lambda school: school.certificate_state(messageid, ma_nam_hoc=school_year)
        )

    def approve(self, messageid: str) -> bool:
        """Approve a registration at the officer's desk; False when it does not wait there."""
        with OfficerDesk(self._address) as officer:
            return officer.approve(messageid)

    def _as_school(self, ask: Callable[[MinistryClient], Awaitable[T]]) -> T:
        async def asking() -> T:
            async with MinistryClient(self._address, self._account) as school:
                return await ask(school)

        return asyncio.run(asking())


def _exchange(row: JournalRow) -> Exchange:
    return Exchange(
        number=row.number,
        at=row.space_time,
        service=row.service.strip("/"),
        account=row.user_name,
        type=row.type,
        messageid=row.messageid.lower() if row.messageid else None,
        status=row.status,
        error=row.error,
    )


def _outcome(row: ResultRow, messageid: str) -> Outcome:
    if row.trang_thai == 1:
        return Outcome(accepted=True, messageid=messageid)
    first = next((detail for detail in row.chi_tiet if detail.ma == row.error), None)
    place = (first.xpath or first.truong) if first else row.error_field_title
    return Outcome(accepted=False, code=row.error, place=place or "–", messageid=messageid)
