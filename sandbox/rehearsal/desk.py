"""What reached the receiving desk, as the desk itself tells it (journal, states, register)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sandbox.wire.admin import AdminClient, JournalRow, StoredRecord

ACCEPTED_STATES = frozenset({"CIRCULATING", "REPORTED", "LOCKED"})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call that reached the desk: which service, by whom, about which message, what answer."""

    number: int
    at: datetime | None
    service: str
    """Path below `/sandbox/v1/`, e.g. `hoc-ba/trang-thai`."""
    account: str | None
    type: str | None
    messageid: str | None
    status: int
    error: str | None

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

    state: str
    code: str
    """`0` or the first code of its refusal."""
    place: str
    """Tag or XPath of the fault, empty without one."""
    messageid: str | None
    """The submission that brought the latest result."""

    @property
    def accepted(self) -> bool:
        """The record counts."""
        return self.state in ACCEPTED_STATES

    @property
    def refused(self) -> bool:
        """The record was refused."""
        return not self.accepted and self.code not in ("", "0")


class Desk:
    """One receiving desk seen through its side door. Raises `Unavailable` when it is away."""

    def __init__(self, admin: AdminClient, address: str) -> None:
        self._admin = admin
        self._address = address

    def exchanges(self, *, after: int) -> list[Exchange]:
        """Return the exchanges with a number above *after*, oldest first."""
        return [_exchange(row) for row in self._admin.journal(self._address, after=after)]

    def outcomes(self, uuids: Mapping[str, str]) -> dict[str, Outcome]:
        """Return the outcome of each record the desk knows; *uuids*: name → record id."""
        found = {name: self._admin.record(self._address, uuid) for name, uuid in uuids.items()}
        return {name: _outcome(row) for name, row in found.items() if row is not None}

    def certificate_approved(self, unit: str, *, serial: str) -> bool:
        """Tell whether *serial* stands approved for *unit*."""
        rows = self._admin.certificates(self._address, unit)
        return any(
            int(row.serial_number, 16) == int(serial, 16) and row.trang_thai_phe_duyet == 1
            for row in rows
        )

    def approve(self, unit: str, *, serial: str) -> bool:
        """Approve the registration of *serial*, as the officer does; False when none waits."""
        return self._admin.approve(self._address, unit, serial=serial)


def _exchange(row: JournalRow) -> Exchange:
    return Exchange(
        number=row.so,
        at=row.luc,
        service=row.dich_vu.removeprefix("/sandbox/v1/").strip("/"),
        account=row.tai_khoan,
        type=row.loai,
        messageid=row.messageid,
        status=row.trang_thai,
        error=row.error,
    )


def _outcome(row: StoredRecord) -> Outcome:
    return Outcome(
        state=row.trang_thai,
        code=row.error or "0",
        place=row.xpath or row.truong or "",
        messageid=row.messageid,
    )
