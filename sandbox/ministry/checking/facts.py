"""What a desk knows that packages taken in hand together are checked against, looked up at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sandbox.ministry import certificate_store, store
from sandbox.ministry.checking.context import Sender
from sandbox.ministry.model import Desk, Package, RegisteredCertificate, RegisterUnit
from sandbox.ministry.service import MinistryService
from sandbox.web.spaces import Space


@dataclass(slots=True)
class DeskFacts:
    """Accounts, register and certificates of one desk as they stood when a batch was taken."""

    space: Space
    desk: Desk
    _service: MinistryService
    senders: dict[str, tuple[str, str]] = field(default_factory=dict)
    """User name → unit code and kind of the account."""
    units: dict[str, RegisterUnit | None] = field(default_factory=dict)
    """By school code; None for a code that is in no register."""
    approved: dict[str, list[RegisteredCertificate]] = field(default_factory=dict)
    """By unit code."""

    def sender(self, package: Package) -> Sender:
        """Return who sent *package*; its unit still speaks when its account is gone."""
        unit_code, kind = self.senders.get(package.user_name, (package.unit_code, "truong"))
        return Sender(unit_code, kind, package.nam_hoc)

    def register(self, codes: frozenset[str]) -> Mapping[str, RegisterUnit]:
        """Return the register's rows for those of *codes* that are in it."""
        if missing := codes - self.units.keys():
            with self._service.database.read() as connection:
                found = store.units_named(
                    connection, missing, space=self.space.id, desk=self.desk.desk
                )
            self.units |= {code: found.get(code) for code in missing}
        return {code: unit for code in codes if (unit := self.units[code]) is not None}

    def certificates(self, unit_code: str) -> list[RegisteredCertificate]:
        """Return what the unit registered."""
        if unit_code not in self.approved:
            with self._service.database.read() as connection:
                self.approved[unit_code] = certificate_store.certificates_of(
                    connection, space=self.space.id, desk=self.desk.desk, units=(unit_code,)
                )
        return self.approved[unit_code]


class BatchFacts:
    """The facts of every desk that has a package in the batch."""

    def __init__(self, service: MinistryService, packages: Iterable[Package]) -> None:
        self._service = service
        self._desks: dict[tuple[str, str], DeskFacts | None] = {}
        here: dict[tuple[str, str], list[Package]] = {}
        for package in packages:
            here.setdefault((package.space, package.desk), []).append(package)
        spaces = {space: service.spaces.get(space) for space, _desk in here}
        for key, of_desk in here.items():
            space = spaces[key[0]]
            self._desks[key] = None if space is None else self._look_up(space, key[1], of_desk)

    def of(self, package: Package) -> DeskFacts | None:
        """Return the facts of the package's desk; None while its space or desk is not there."""
        return self._desks[package.space, package.desk]

    def _look_up(self, space: Space, name: str, packages: list[Package]) -> DeskFacts | None:
        codes = {package.unit_code for package in packages}
        with self._service.database.read() as connection:
            desk = store.desk_of(connection, space=space.id, desk=name)
            if desk is None:
                return None
            accounts = store.accounts_named(
                connection, {package.user_name for package in packages}, space=space.id, desk=name
            )
            units = store.units_named(connection, codes, space=space.id, desk=name)
            rows = certificate_store.certificates_of(
                connection, units=tuple(sorted(codes)), space=space.id, desk=name
            )
        approved: dict[str, list[RegisteredCertificate]] = {code: [] for code in codes}
        for row in rows:
            approved[row.unit_code].append(row)
        senders = {one.user_name: (one.unit_code, one.kind) for one in accounts}
        known = {code: units.get(code) for code in codes}
        return DeskFacts(space, desk, self._service, senders, known, approved)
