"""Packing, signing the package, sending it, and reading the answer record by record.

Issue procedure steps 8–11 (2088-PL1 §III.2; curriculum.md §4.3). A package's id is the messageid
of its submission, so that sending it again by mistake gives the same receipt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from sandbox.documents import build_package, envelope
from sandbox.domain.lifecycle import Guard, RecordEvent, RecordState, Role, transition
from sandbox.portal import package_store, record_store, store
from sandbox.portal.cards import data_digest
from sandbox.portal.context import (
    KHO,
    Actor,
    Context,
    Reason,
    Stopped,
    by_itself,
    cong_of,
    own_school,
    packers,
)
from sandbox.portal.drills import Drills
from sandbox.portal.means import Held
from sandbox.portal.model import (
    ItemStatus,
    PackageLine,
    PackageRow,
    PackageState,
    RecordRow,
    RequestItem,
    RequestRow,
    Subject,
)
from sandbox.portal.signings import Signings
from sandbox.web.guards import off_loop
from sandbox.web.spaces import Space
from sandbox.wire.ministry import POLL_AFTER_S, Receipt, ResultReply, ResultRow
from sandbox.xmldsig import prepare_package

MAX_BODY = 10 * 1024 * 1024
ENVELOPE_ROOM = 4096
"""Bytes left for the JSON around `content` (transactions §3)."""
_SENDING = {Guard.NOT_LOCKED: True, Guard.WITHIN_SIZE: True, Guard.PACKER: True}
"""Who sends and how large were checked before; the lock is the desk's to judge, record by record
(SBX-5005, never at the receipt: transactions §5)."""


class Packages:
    """A school's packages: DRAFT → SIGNED → SENT → ACCEPTED or RETURNED."""

    def __init__(self, context: Context, signings: Signings, drills: Drills) -> None:
        self._context, self._signings, self._drills = context, signings, drills

    # -- looking

    def all(self, space: Space, actor: Actor) -> list[PackageRow]:
        """Return the packages of the actor's school, newest first."""
        who = actor.identity
        with self._context.database.read() as connection:
            return package_store.packages(
                connection, space.id, unit_code=who.unit_code, desk=cong_of(who.department_code)
            )

    def open(
        self, space: Space, actor: Actor, package_id: str
    ) -> tuple[PackageRow, list[PackageLine]]:
        """Return one package of the actor's unit with its rows. Raises `Stopped`."""
        with self._context.database.read() as connection:
            found = package_store.package(connection, space.id, package_id)
            if found is None or found.unit_code != actor.identity.unit_code:
                raise Stopped(Reason.NOT_FOUND, target=package_id)
            return found, package_store.package_lines(connection, space.id, package_id)

    # -- packing

    def pack(self, space: Space, actor: Actor, record_ids: Iterable[str]) -> str:
        """Put sealed records of one school year into a new package; return its id.

        Only records that are ISSUE_SIGNED and not in an unsent package: accepted ones cannot be
        sent again, refused ones not before they are mended.
        """
        now = self._context.now(space).isoformat()
        with self._context.database.write() as connection:
            school = own_school(connection, space, actor, roles=(Role.VAN_THU, Role.QUAN_TRI))
            if actor.role not in packers(school):
                raise Stopped(Reason.NOT_YOURS, target=actor.role.value)
            package_id = self._context.uuid()
            rows = [
                row
                for row in record_store.records(connection, space.id, record_ids)
                if row.line.school_code == school.code
                and _may_be_packed(row)
                and record_store.enter_package(
                    connection, space.id, row.line, package_id=package_id
                )
            ]
            if not rows:
                raise Stopped(Reason.NOTHING_CHOSEN)
            self._add(connection, space, actor, package_id, rows, now)
        return package_id

    def _add(
        self,
        connection: Connection,
        space: Space,
        actor: Actor,
        package_id: str,
        rows: Sequence[RecordRow],
        now: str,
    ) -> None:
        years = {row.card.general.school_year for row in rows}
        classes = {row.line.class_name for row in rows}
        if len(years) > 1:
            raise Stopped(Reason.MOVED)
        xml = build_package([row.xml or b"" for row in rows])
        package = PackageRow(
            package_id=package_id,
            unit_code=actor.identity.unit_code,
            desk=cong_of(actor.identity.department_code),
            school_year=years.pop(),
            class_name=classes.pop() if len(classes) == 1 else None,
            state=PackageState.DRAFT,
            xml=xml,
            size=len(xml),
            request_id=None,
            receipt=None,
            sent_at=None,
            polls=0,
            next_poll=0.0,
            code=None,
            created_at=now,
        )
        lines = [
            PackageLine(
                number=number,
                record_id=row.line.record_id,
                version=row.line.version,
                pupil_name=row.line.pupil_name,
                school_code=row.line.school_code,
                result=None,
                code=None,
                details=(),
            )
            for number, row in enumerate(rows, start=1)
        ]
        package_store.add_package(connection, space.id, package, lines)
        self._context.audit(connection, space, actor, "dong_goi", new=PackageState.DRAFT.value)

    def unpack(self, space: Space, actor: Actor, package_id: str) -> None:
        """Take an unsent package apart; its records may go into another one."""
        with self._context.database.write() as connection:
            found = package_store.package(connection, space.id, package_id)
            if found is None or found.unit_code != actor.identity.unit_code:
                raise Stopped(Reason.NOT_FOUND, target=package_id)
            if found.state not in (PackageState.DRAFT, PackageState.SIGNED):
                raise Stopped(Reason.MOVED, target=package_id)
            package_store.drop_package(connection, space.id, package_id)
            record_store.leave_package(connection, space.id, package_id=package_id)
            self._context.audit(connection, space, actor, "bo_goi", old=found.state.value)

    # -- signing the package

    async def sign(
        self,
        space: Space,
        actor: Actor,
        package_id: str,
        *,
        purpose: str,
        portal: str,
        return_path: str,
        sure_of: str | None = None,
    ) -> str:
        """Ask the clerk for the package signature; return the request's id.

        The seal key is used by the clerk only (transactions §9.1). *sure_of*: see
        `Signings.sign_records`.
        """
        if actor.role is not Role.VAN_THU:
            raise Stopped(Reason.NOT_YOURS, target=actor.role.value)
        found, lines = await off_loop(self.open, space, actor, package_id)
        if found.state is not PackageState.DRAFT:
            raise Stopped(Reason.MOVED, target=package_id)
        held = await self._signings.means.held(space, actor, unit=True)
        held.ready(sure_of=sure_of)
        request, item = await off_loop(self._prepare, space, actor, found, held, len(lines))
        await self._signings.begin(
            space,
            actor,
            request,
            item,
            purpose=purpose,
            portal=portal,
            return_path=return_path.replace("{id}", request.request_id),
        )
        return request.request_id

    def _prepare(
        self, space: Space, actor: Actor, found: PackageRow, held: Held, count: int
    ) -> tuple[RequestRow, RequestItem]:
        at, certificate = self._context.now(space), held.certificate
        assert certificate is not None
        draft = prepare_package(
            found.xml or b"", signer=certificate, at=at, package_id=found.package_id
        )
        request_id = self._context.uuid()
        request = RequestRow(
            request_id=request_id,
            subject=Subject.PACKAGE,
            slot=None,
            signer_id=actor.identity.person_id,
            unit_code=actor.identity.unit_code,
            class_name=found.class_name,
            desk=None,
            serial=certificate.serial_hex,
            certificate_name=certificate.common_name,
            transaction_id=None,
            status="CREATED",
            created_at=at.isoformat(),
            instrument=held.instrument,
            unit=held.unit,
        )
        item = RequestItem(
            key=f"goi:{found.package_id}",
            target_id=found.package_id,
            version=count,
            label=f"{found.class_name or actor.identity.unit_code} ({count})",
            digest=draft.digest.hex(),
            draft=draft.to_json(),
            status=ItemStatus.WAITING,
            error=None,
        )
        return request, item

    # -- sending

    async def send(self, space: Space, actor: Actor, package_id: str) -> PackageRow:
        """Hand a signed package to its desk and keep the receipt.

        Raises `Stopped` for an unsigned (E13a) or too large package, `Unavailable` when the desk
        is away: the package stays as it is and may be sent once more.
        """
        found, _lines = await off_loop(self.open, space, actor, package_id)
        if found.state in (PackageState.SENT, PackageState.ACCEPTED, PackageState.RETURNED):
            return found
        if actor.role is not Role.SO:
            await off_loop(self._demand_packer, space, actor)
        if found.state is PackageState.DRAFT:
            raise Stopped(Reason.PACKAGE_UNSIGNED, target=package_id)
        who = actor.identity.person_id
        if await off_loop(self._drills.take, space, who, "E13a_mang"):
            raise Stopped(Reason.NETWORK_AWAY, target=package_id)
        content = await off_loop(envelope.pack, found.xml or b"")
        if len(content) > MAX_BODY - ENVELOPE_ROOM:
            raise Stopped(Reason.TOO_LARGE, target=package_id)
        async with self._context.desk(space, found.desk, found.unit_code) as desk:
            receipt = await desk.submit(
                content, nam_hoc=int(found.school_year[:4]), messageid=found.package_id
            )
        await off_loop(self._note_receipt, space, actor, found, receipt)
        await off_loop(self._drills.recover, space, who, ("E13a", "E13a_mang"))
        return (await off_loop(self.open, space, actor, package_id))[0]

    def _demand_packer(self, space: Space, actor: Actor) -> None:
        with self._context.database.read() as connection:
            school = own_school(connection, space, actor, roles=(Role.VAN_THU, Role.QUAN_TRI))
        if actor.role not in packers(school):
            raise Stopped(Reason.NOT_YOURS, target=actor.role.value)

    def _note_receipt(
        self, space: Space, actor: Actor, found: PackageRow, receipt: Receipt
    ) -> None:
        kept = receipt.model_dump(mode="json")
        with self._context.database.write() as connection:
            if not receipt.accepted:
                package_store.set_package(
                    connection,
                    space.id,
                    found.package_id,
                    was=PackageState.SIGNED,
                    receipt=kept,
                    code=receipt.error,
                )
                self._context.audit(connection, space, actor, "nop", outcome=receipt.error)
                return
            moved = package_store.set_package(
                connection,
                space.id,
                found.package_id,
                was=PackageState.SIGNED,
                state=PackageState.SENT,
                receipt=kept,
                code=None,
                polls=0,
                sent_at=self._context.stamp(space),
                next_poll=self._context.clock.epoch() + POLL_AFTER_S[0],
            )
            if not moved:
                return
            self._context.audit(
                connection,
                space,
                actor,
                "nop",
                old=PackageState.SIGNED.value,
                new=PackageState.SENT.value,
            )
            if found.desk != KHO:
                self._records_sent(connection, space, actor, found)

    def _records_sent(
        self, connection: Connection, space: Space, actor: Actor, found: PackageRow
    ) -> None:
        for line in package_store.package_lines(connection, space.id, found.package_id):
            row = record_store.record(connection, space.id, line.record_id)
            if row is None or row.line.state is not RecordState.ISSUE_SIGNED:
                continue
            state = transition(row.line.state, RecordEvent.SEND, actor.role, _SENDING)
            record_store.change(connection, space.id, row.line, state=state)
            self._context.audit(
                connection,
                space,
                actor,
                "gui",
                record_id=line.record_id,
                old=row.line.state.value,
                new=state.value,
                before=data_digest(row.xml),
                after=data_digest(row.xml),
            )

    # -- the answer

    async def look(self, space: Space, package: PackageRow) -> bool:
        """Ask the desk once for the result of a sent package; True when it was final.

        Raises `Unavailable` when the desk is away: the next look will ask again.
        """
        if package.state is not PackageState.SENT:
            return False
        async with self._context.desk(space, package.desk, package.unit_code) as desk:
            reply = await desk.result(package.package_id)
        return await off_loop(self.apply, space, package, reply)

    def postpone(self, space: Space, package: PackageRow) -> None:
        """Put the next look off: 5, 10, 30, then every 60 s (transactions §4)."""
        pause = POLL_AFTER_S[min(package.polls + 1, len(POLL_AFTER_S) - 1)]
        with self._context.database.write() as connection:
            package_store.set_package(
                connection,
                space.id,
                package.package_id,
                was=PackageState.SENT,
                polls=package.polls + 1,
                next_poll=self._context.clock.epoch() + pause,
            )

    def apply(self, space: Space, package: PackageRow, reply: ResultReply) -> bool:
        """Write a desk's answer into rows and records; False while the desk is still working.

        A package refused as a whole carries its code on every row, also where the desk could
        read none of them (transactions §5).
        """
        if reply.pending:
            self.postpone(space, package)
            return False
        rows = {(row.ma_tra_cuu_uuid or "").lower(): row for row in reply.rows}
        whole = reply.error if reply.error != "0" and not reply.rows else None
        with self._context.database.write() as connection:
            lines = package_store.package_lines(connection, space.id, package.package_id)
            answers = [(line, _answer(rows.get(line.record_id.lower()), whole)) for line in lines]
            if any(answer is None for _line, answer in answers):
                return self._incomplete(connection, space, package)
            accepted = all(answer is not None and answer[0] == 1 for _line, answer in answers)
            moved = package_store.set_package(
                connection,
                space.id,
                package.package_id,
                was=PackageState.SENT,
                code=whole,
                state=PackageState.ACCEPTED if accepted else PackageState.RETURNED,
            )
            if not moved:
                return True
            for line, answer in answers:
                if answer is not None:
                    self._answer(connection, space, package, line, *answer)
        return True

    def _incomplete(self, connection: Connection, space: Space, package: PackageRow) -> bool:
        """The desk named fewer records than were sent: ask again later, guess nothing."""
        pause = POLL_AFTER_S[-1]
        package_store.set_package(
            connection,
            space.id,
            package.package_id,
            was=PackageState.SENT,
            polls=package.polls + 1,
            next_poll=self._context.clock.epoch() + pause,
        )
        return False

    def _answer(
        self,
        connection: Connection,
        space: Space,
        package: PackageRow,
        line: PackageLine,
        result: int,
        code: str | None,
        details: Sequence[dict[str, Any]],
    ) -> None:
        package_store.answer_line(
            connection,
            space.id,
            package.package_id,
            number=line.number,
            result=result,
            code=code,
            details=details,
        )
        if package.desk == KHO:
            package_store.answer_inbox(
                connection,
                space.id,
                package_id=package.package_id,
                record_id=line.record_id,
                result=result,
                code=code,
            )
        self._move_record(connection, space, package, line, result, code)

    def _move_record(
        self,
        connection: Connection,
        space: Space,
        package: PackageRow,
        line: PackageLine,
        result: int,
        code: str | None,
    ) -> None:
        row = record_store.record(connection, space.id, line.record_id)
        to_kho = package.desk == KHO
        waits = RecordState.CIRCULATING if to_kho else RecordState.SENT
        if row is None or row.line.state is not waits or (to_kho and result == 0):
            return
        event = (
            RecordEvent.REPORT
            if to_kho
            else (RecordEvent.ACCEPT if result == 1 else RecordEvent.REJECT)
        )
        facts = {Guard.CHECKS_DONE: True, Guard.TOPOLOGY_A: True}
        state = transition(row.line.state, event, Role.BO if to_kho else Role.SO, facts)
        record_store.change(connection, space.id, row.line, state=state, code=code)
        school = store.school(connection, space.id, row.line.school_code)
        actor = by_itself(
            school.department_code if school else "", school.department_name if school else ""
        )
        self._context.audit(
            connection,
            space,
            actor,
            "ket_qua",
            record_id=line.record_id,
            old=row.line.state.value,
            new=state.value,
            before=data_digest(row.xml),
            after=data_digest(row.xml),
            outcome=code or "0",
        )


def _may_be_packed(row: RecordRow) -> bool:
    return (
        row.line.state is RecordState.ISSUE_SIGNED
        and row.line.package_id is None
        and row.xml is not None
    )


def _answer(
    row: ResultRow | None, whole: str | None
) -> tuple[int, str | None, list[dict[str, Any]]] | None:
    """Return (result, code, details) for one record; None when the desk did not name it."""
    if row is None:
        return None if whole is None else (0, whole, [])
    details = [detail.model_dump(mode="json") for detail in row.chi_tiet]
    return row.trang_thai, None if row.trang_thai == 1 else row.error, details
