"""What every part of the portal's service is built with, and what it may raise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection

from sandbox.clock import VIETNAM, Clock
from sandbox.domain.lifecycle import Role
from sandbox.errors import SandboxError
from sandbox.portal import record_store, store
from sandbox.portal.model import AuditLine, Identity, SchoolRow
from sandbox.web.spaces import Space, Spaces
from sandbox.web.store import Database
from sandbox.wire.ministry import Account, MinistryClient
from sandbox.wire.signing import SigningClient

KHO = "kho"


def cong_of(department_code: str) -> str:
    """Return the desk name of a Sở's Cổng."""
    return f"so-{department_code}"


class Desks(Protocol):
    """Gives a client of one receiving desk in one practice space."""

    def __call__(self, space_id: str, desk: str, account: Account) -> MinistryClient:
        """Return a fresh client; the caller closes it."""


class Reason(StrEnum):
    """Why a step cannot go on; each has its page of words (`E…` of errors-teachers-meet.md)."""

    NOT_YOURS = "khong_phai_viec"
    NOT_FOUND = "khong_thay"
    NOTHING_CHOSEN = "chua_chon"
    SIGNED = "da_ky_khong_sua"
    POINTS_LEFT = "chua_xem_du"
    WRONG_REPORTED = "dang_bao_sai"
    MOVED = "da_doi"
    NOT_APPROVED = "chua_duyet_cts"
    TOO_LARGE = "goi_qua_lon"
    NO_ACCOUNT = "khong_tai_khoan"
    TURNS_USED_UP = "het_luot"
    ALREADY_WAITING = "E3"
    WAITING_AT_PC = "E3_may"
    """The same, for what is confirmed on the computer."""
    RESTING = "E3_sim"
    """The SIM's last request ended less than 50 s ago."""
    FORMER_MISSING = "E10"
    NOT_FETCHED = "E6"
    WRONG_CERTIFICATE = "E8"
    NOT_THE_SCHOOL = "E9"
    REASON_EMPTY = "E12"
    PACKAGE_UNSIGNED = "E13a"
    NETWORK_AWAY = "E13a_mang"
    NO_CREDENTIAL = "E14a"
    HELD_BY_OTHER = "E15"


class Stopped(SandboxError):
    """A step was not taken, and nothing changed.

    `reason` says why, `target` whom it concerns, `to` where the button of its page leads when
    that is not the reason's usual place.
    """

    def __init__(
        self,
        reason: Reason,
        *,
        target: str | None = None,
        request_id: str | None = None,
        to: str | None = None,
    ) -> None:
        self.reason, self.target, self.request_id, self.to = reason, target, request_id, to
        super().__init__(f"{reason.value} {target or ''}".strip())


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where, for the audit trail."""

    identity: Identity
    address: str | None = None
    client: str | None = None

    @property
    def role(self) -> Role:
        """The role being played."""
        return self.identity.role


def by_itself(department_code: str, department_name: str) -> Actor:
    """Return the actor that stands for the Sở's own software when nobody presses anything."""
    return Actor(
        Identity(
            person_id="",
            name="",
            role=Role.SO,
            title="",
            unit_code=department_code,
            unit_name=department_name,
            department_code=department_code,
        )
    )


@dataclass(frozen=True, slots=True)
class Context:
    """Database, clocks and neighbours of the portal."""

    database: Database
    clock: Clock
    spaces: Spaces
    signing: SigningClient
    desks: Desks
    new_id: Callable[[], UUID]
    """Makes UUID v4: chance is an argument, so that a test can say what it will be."""

    def now(self, space: Space) -> datetime:
        """Return the space's own time."""
        return space.now(self.clock)

    def stamp(self, space: Space) -> str:
        """Return the space's own time as ISO text with +07:00."""
        return self.now(space).isoformat()

    def uuid(self) -> str:
        """Return a fresh UUID v4 in lower case."""
        return str(self.new_id())

    def audit(
        self,
        connection: Connection,
        space: Space,
        actor: Actor,
        action: str,
        *,
        record_id: str | None = None,
        old: str | None = None,
        new: str | None = None,
        before: str | None = None,
        after: str | None = None,
        approved_at: str | None = None,
        outcome: str = "0",
    ) -> None:
        """Write one line of the audit trail inside the transaction of the change itself."""
        who = actor.identity
        record_store.write_audit(
            connection,
            space.id,
            AuditLine(
                at=self.stamp(space),
                machine_at=self.clock.now().astimezone(VIETNAM).isoformat(),
                approved_at=approved_at,
                actor_id=who.person_id,
                actor_role=who.role.value,
                actor_unit=who.unit_code,
                action=action,
                record_id=record_id,
                old_state=old,
                new_state=new,
                digest_before=before,
                digest_after=after,
                address=actor.address,
                client=actor.client,
                outcome=outcome,
            ),
        )

    def desk(self, space: Space, desk: str, unit_code: str) -> MinistryClient:
        """Return a client speaking for *unit_code* at *desk*. Raises `Stopped` without account."""
        with self.database.read() as connection:
            held = store.account(connection, space.id, desk=desk, unit_code=unit_code)
        if held is None:
            raise Stopped(Reason.NO_ACCOUNT, target=desk)
        return self.desks(space.id, desk, Account(held.user_name, held.password, held.unit_code))


def own_school(
    connection: Connection, space: Space, actor: Actor, *, roles: Iterable[Role]
) -> SchoolRow:
    """Return the actor's school. Raises `Stopped` when the role is none of *roles*."""
    if actor.role not in tuple(roles):
        raise Stopped(Reason.NOT_YOURS, target=actor.role.value)
    found = store.school(connection, space.id, actor.identity.unit_code)
    if found is None:
        raise Stopped(Reason.NOT_FOUND, target=actor.identity.unit_code)
    return found


def packers(school: SchoolRow) -> tuple[Role, ...]:
    """Return who does steps 1, 2 and 6–8 at *school* (transactions §9.1)."""
    return (school.packed_by,)
