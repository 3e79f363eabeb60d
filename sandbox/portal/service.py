"""The provider's portal: one object that holds everything its pages and services can do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from uuid import UUID

from sandbox.clock import Clock
from sandbox.portal import (  # noqa: F401 - the *_store modules bring their tables into METADATA
    drill_store,
    means_store,
    package_store,
    record_store,
    request_store,
    store,
)
from sandbox.portal.certificates import Certificates
from sandbox.portal.context import Context, Desks
from sandbox.portal.drills import Drills
from sandbox.portal.journal import Journal
from sandbox.portal.lessons import Lessons, Registers
from sandbox.portal.means import Means
from sandbox.portal.model import Account
from sandbox.portal.officer import Officer
from sandbox.portal.packages import Packages
from sandbox.portal.records import Records
from sandbox.portal.repairs import Repairs
from sandbox.portal.schools import Schools
from sandbox.portal.signings import Signings
from sandbox.synthetic import Department
from sandbox.web.spaces import Space, Spaces
from sandbox.web.store import Database
from sandbox.wire.signing import SigningClient


class PortalService:
    """A provider's school software and the Sở's screens.

    It meets signing service and receiving desks over HTTP only: *signing* is a client without
    space, *desks* gives a client of one desk in one space. `records`, `repairs`, `means`,
    `drills`, `signings`, `packages`, `certificates`, `officer` and `schools` hold the verbs;
    methods that are `async` may call a neighbour, all others only the database and belong off
    the event loop.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        spaces: Spaces,
        *,
        signing: SigningClient,
        desks: Desks,
        new_id: Callable[[], UUID],
        registers: Registers | None = None,
    ) -> None:
        self.context = Context(database, clock, spaces, signing, desks, new_id)
        self.schools = Schools(self.context)
        self.records = Records(self.context)
        self.repairs = Repairs(self.context)
        self.means = Means(self.context)
        self.drills = Drills(self.context)
        self.signings = Signings(self.context, self.means, self.drills)
        self.packages = Packages(self.context, self.signings, self.drills)
        self.certificates = Certificates(self.context, self.signings)
        self.officer = Officer(self.context, self.signings, self.packages)
        self.journal = Journal(self.context)
        self.lessons = Lessons(self.context, self.schools, self.records, registers)

    def prepare(self) -> None:
        """Create the tables that are not there yet."""
        self.context.database.create(store.METADATA)

    def open_space(
        self,
        space: Space,
        department: Department,
        accounts: Iterable[Account],
        *,
        pins: Mapping[str, str] | None = None,
        approved: Iterable[tuple[str, str, bytes]] = (),
    ) -> None:
        """Fill *space* with a Sở and its schools; see `Schools.open_space`."""
        self.schools.open_space(space, department, accounts=accounts, pins=pins, approved=approved)

    def reset_space(self, space_id: str) -> None:
        """Delete every row of one space; no other space is touched."""
        with self.context.database.write() as connection:
            store.forget_space(connection, space_id)
