"""The Sở officer's desk: what circulates at the Cổng goes on to the Kho, signed anew by the Sở.

Topology A (transactions §8; 2088-PL1 §IV.2). Each record is copied byte for byte into a new
package (record-format §8). The package is signed by the Sở's credential that needs no person,
which is the sandbox's own invention and said so on the page.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.documents import build_package, identify, parse_record
from sandbox.domain.lifecycle import Role
from sandbox.errors import Refused
from sandbox.pki import Certificate
from sandbox.portal import package_store, request_store, store
from sandbox.portal.context import KHO, Actor, Context, Reason, Stopped, cong_of
from sandbox.portal.model import (
    CertificateState,
    PackageLine,
    PackageRow,
    PackageState,
)
from sandbox.portal.packages import Packages
from sandbox.portal.signings import Signings
from sandbox.web.guards import off_loop
from sandbox.web.spaces import Space
from sandbox.wire.ministry import CirculatingRow
from sandbox.wire.signing import PACKAGE_SLOT, AutomaticRequest, Item
from sandbox.xmldsig import prepare_package

BATCH = 200
"""Records per forwarding package: what one answer of the Cổng holds."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """The officer's page in numbers."""

    department_code: str
    department_name: str
    forwarding: bool
    counts: dict[str, int]
    approved: bool
    """The Sở's certificate is approved at the Kho: without it nothing can be forwarded."""


class Officer:
    """Takes circulating records from the Cổng and forwards them."""

    def __init__(self, context: Context, signings: Signings, packages: Packages) -> None:
        self._context, self._signings, self._packages = context, signings, packages

    def inbox(self, space: Space, actor: Actor) -> Inbox:
        """Return the Sở's inbox in numbers. Raises `Stopped` for anybody but its officer."""
        code = _department(actor)
        with self._context.database.read() as connection:
            for found, name, forwarding, _seen in store.departments(connection, space.id):
                if found == code:
                    held = request_store.certificate(connection, space.id, unit_code=code, desk=KHO)
                    counts = package_store.inbox_counts(connection, space.id, department_code=code)
                    approved = held is not None and held.state is CertificateState.APPROVED
                    return Inbox(code, name, forwarding, counts, approved)
        raise Stopped(Reason.NOT_FOUND, target=code)

    def rows(self, space: Space, actor: Actor, *, offset: int, limit: int) -> list[dict[str, Any]]:
        """Return circulating records, newest first, without their bytes."""
        with self._context.database.read() as connection:
            return package_store.inbox(
                connection,
                space.id,
                department_code=_department(actor),
                offset=offset,
                limit=limit,
            )

    def set_forwarding(self, space: Space, actor: Actor, *, on: bool) -> None:
        """Switch automatic forwarding on or off."""
        code = _department(actor)
        with self._context.database.write() as connection:
            store.set_department(connection, space.id, code, forwarding=on)
            self._context.audit(
                connection, space, actor, "chuyen_tu_dong", new="bat" if on else "tat"
            )

    async def collect(self, space: Space, actor: Actor) -> int:
        """Take from the Cổng what began to circulate since the last look; return how many.

        Raises `Unavailable` when the Cổng is away.
        """
        code = _department(actor)
        fresh = 0
        async with self._context.desk(space, cong_of(code), code) as desk:
            while True:
                seen = await off_loop(self._seen, space, code)
                reply = await desk.circulating(seen)
                if not reply.rows:
                    return fresh
                fresh += await off_loop(self._take, space, code, reply.rows)

    def _seen(self, space: Space, code: str) -> int:
        with self._context.database.read() as connection:
            for found, _name, _forwarding, seen in store.departments(connection, space.id):
                if found == code:
                    return seen
        raise Stopped(Reason.NOT_FOUND, target=code)

    def _take(self, space: Space, code: str, rows: Sequence[CirculatingRow]) -> int:
        taken = [
            {
                "number": row.thu_tu,
                "record_id": row.ma_tra_cuu_uuid.lower(),
                "school_code": row.ma_truong,
                "school_year": row.nam_hoc,
                "pupil_name": _name_in(base64.b64decode(row.hoc_ba)),
                "xml": base64.b64decode(row.hoc_ba),
            }
            for row in rows
        ]
        with self._context.database.write() as connection:
            fresh = package_store.add_to_inbox(
                connection, space.id, department_code=code, rows=taken
            )
            seen = max(row.thu_tu for row in rows)
            store.set_department(connection, space.id, code, seen=seen)
        return fresh

    async def forward(self, space: Space, actor: Actor, *, purpose: str) -> int:
        """Forward everything that waits in the inbox; return how many records were sent.

        Raises `Stopped` when the Sở's certificate is not approved at the Kho, `Unavailable` when
        signing service or Kho is away: a package already signed is sent by the next attempt.
        """
        code = _department(actor)
        inbox = await off_loop(self.inbox, space, actor)
        if not inbox.approved:
            raise Stopped(Reason.NOT_APPROVED, target=code)
        sent = 0
        while package_id := await self._build(space, actor, purpose=purpose):
            sent += len((await off_loop(self._packages.open, space, actor, package_id))[1])
        for package in await off_loop(self._unsent, space):
            if package.unit_code == code:
                await self._packages.send(space, actor, package.package_id)
        return sent

    def _unsent(self, space: Space) -> list[PackageRow]:
        with self._context.database.read() as connection:
            return package_store.unsent_packages(connection, space.id, desk=KHO)

    async def _build(self, space: Space, actor: Actor, *, purpose: str) -> str | None:
        """Sign one package of what waits and store it; None when nothing waits."""
        waiting = await off_loop(self._waiting, space, actor)
        if not waiting:
            return None
        credential = await self._signings.means.credential(space, actor, unit=True)
        certificate = Certificate.from_pem(credential.certificate)
        package_id = self._context.uuid()
        draft = await off_loop(
            prepare_package,
            build_package([row[5] for row in waiting]),
            signer=certificate,
            at=self._context.now(space),
            package_id=package_id,
        )
        reply = await self._context.signing.in_space(space.id).sign_automatically(
            AutomaticRequest(
                serial=credential.serial,
                purpose=purpose,
                items=[
                    Item(
                        key=f"goi:{package_id}",
                        record_uuid=package_id,
                        slot=PACKAGE_SLOT,
                        digest=draft.digest.hex(),
                        label=f"{len(waiting)}",
                    )
                ],
            )
        )
        xml = draft.complete(reply.items[0].signature_bytes())
        stored = await off_loop(self._store, space, actor, package_id, xml, waiting)
        return package_id if stored else None

    def _waiting(self, space: Space, actor: Actor) -> list[tuple[int, str, str, str, str, bytes]]:
        """Return what waits, of one school year: a package holds one (SBX-1116)."""
        with self._context.database.read() as connection:
            rows = package_store.waiting_inbox(
                connection, space.id, department_code=_department(actor), limit=BATCH
            )
        return [row for row in rows if row[3] == rows[0][3]]

    def _store(
        self,
        space: Space,
        actor: Actor,
        package_id: str,
        xml: bytes,
        rows: Sequence[tuple[int, str, str, str, str, bytes]],
    ) -> bool:
        """Store a signed package; False (nothing stored) when another process took a row."""
        code = _department(actor)
        package = PackageRow(
            package_id=package_id,
            unit_code=code,
            desk=KHO,
            school_year=rows[0][3],
            class_name=None,
            state=PackageState.SIGNED,
            xml=xml,
            size=len(xml),
            request_id=None,
            receipt=None,
            sent_at=None,
            polls=0,
            next_poll=0.0,
            code=None,
            created_at=self._context.stamp(space),
        )
        lines = [
            PackageLine(
                number=place,
                record_id=row[1],
                version=1,
                pupil_name=row[4],
                school_code=row[2],
                result=None,
                code=None,
                details=(),
            )
            for place, row in enumerate(rows, start=1)
        ]
        try:
            with self._context.database.write() as connection:
                for row in rows:
                    if not package_store.claim_inbox(
                        connection,
                        space.id,
                        department_code=code,
                        number=row[0],
                        package_id=package_id,
                    ):
                        raise Stopped(Reason.HELD_BY_OTHER)
                package_store.add_package(connection, space.id, package, lines)
                self._context.audit(
                    connection,
                    space,
                    actor,
                    "chuyen_tiep",
                    new=PackageState.SIGNED.value,
                    outcome=str(len(rows)),
                )
        except Stopped:
            return False
        return True


def _department(actor: Actor) -> str:
    if actor.role is not Role.SO:
        raise Stopped(Reason.NOT_YOURS, target=actor.role.value)
    return actor.identity.department_code


def _name_in(xml: bytes) -> str:
    try:
        return identify(parse_record(xml)).pupil_name or ""
    except Refused:
        return ""
