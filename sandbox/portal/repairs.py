"""Taking signed or refused records back: cancelling, mending, planting a fault to practise.

The portal never edits a signed record: it is cancelled on an agreed request, with a reason, and a
new version without signatures takes its place (spec/lifecycle.md §2; curriculum.md §4.1).
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from sandbox.domain.lifecycle import Guard, RecordEvent, RecordState, Role, transition
from sandbox.domain.report_card import Slot
from sandbox.portal import record_store
from sandbox.portal.cards import data_digest, with_changed_comment, without_slots
from sandbox.portal.context import Actor, Reason, Stopped
from sandbox.portal.model import RecordLine, RecordRow
from sandbox.portal.record_steps import SIGNED, RecordSteps
from sandbox.web.spaces import Space


class Repairs(RecordSteps):
    """What happens to a record that was signed, or sent, and is wrong."""

    # -- cancelling a signed record

    def ask_cancel(self, space: Space, actor: Actor, record_id: str, reason: str) -> RecordLine:
        """Ask to cancel a signed record, with a reason (E12 when empty)."""
        if actor.role is not Role.GVCN:
            raise Stopped(Reason.NOT_YOURS, target=actor.role.value)
        if not reason.strip():
            raise Stopped(Reason.REASON_EMPTY, target=record_id)
        with self._context.database.write() as connection:
            row = self._row(connection, space, actor, record_id)
            if row.line.cancel_reason is not None:
                return row.line
            if row.line.state not in SIGNED or row.line.request_id is not None:
                raise Stopped(Reason.MOVED, target=record_id)
            self._change(connection, space, row.line, cancel_reason=reason.strip()[:300])
            self._context.audit(
                connection,
                space,
                actor,
                "de_xuat_huy",
                record_id=record_id,
                old=row.line.state.value,
                new=row.line.state.value,
            )
            return self._line(connection, space, record_id)

    def asked(self, space: Space, actor: Actor) -> list[RecordLine]:
        """Return the records of the actor's school whose cancelling was asked for."""
        with self._context.database.read() as connection:
            lines = record_store.lines_of_class(connection, space.id, actor.identity.unit_code)
        return [line for line in lines if line.cancel_reason is not None]

    def sealed(self, space: Space, actor: Actor) -> list[RecordLine]:
        """Return the sealed records of the actor's school that have not been sent."""
        with self._context.database.read() as connection:
            lines = record_store.lines_of_class(connection, space.id, actor.identity.unit_code)
        return [line for line in lines if line.state is RecordState.ISSUE_SIGNED]

    def answer_cancel(
        self, space: Space, actor: Actor, record_id: str, *, agree: bool
    ) -> RecordLine:
        """Let the head agree (a new version without signatures, the old one kept) or refuse."""
        if actor.role is not Role.CBQL:
            raise Stopped(Reason.NOT_YOURS, target=actor.role.value)
        with self._context.database.write() as connection:
            row = self._row(connection, space, actor, record_id)
            reason = row.line.cancel_reason
            if reason is None or row.line.state not in SIGNED:
                return row.line
            if not agree:
                self._change(connection, space, row.line, cancel_reason=None)
                self._context.audit(
                    connection,
                    space,
                    actor,
                    "tu_choi_huy",
                    record_id=record_id,
                    old=row.line.state.value,
                    new=row.line.state.value,
                )
                return self._line(connection, space, record_id)
            facts = {
                Guard.NOT_SENT: True,
                Guard.CANCELLATION_AGREED: True,
                Guard.REASON_GIVEN: True,
            }
            state = transition(row.line.state, RecordEvent.CANCEL_AGREED, Role.GVCN, facts)
            self._next_version(
                connection,
                space,
                actor,
                row,
                card=row.card,
                state=state,
                reason=reason,
                kept="da_huy",
            )
            return self._line(connection, space, record_id)

    # -- after a refusal

    def mend(self, space: Space, actor: Actor, record_id: str) -> RecordLine:
        """Take a refused record back for repair, as far back as its fault needs.

        Wrong packaging: the same record may be sent again. Only the leader's signature missing:
        back to after the teacher. Anything else: new version, all signatures again. The code of
        the record stays, unless it is itself the fault (SBX-5004).
        """
        with self._context.database.write() as connection:
            row = self._row(connection, space, actor, record_id)
            if row.line.state is not RecordState.REJECTED:
                return row.line
            if actor.role not in (Role.GVCN, Role.CBQL, Role.VAN_THU, Role.QUAN_TRI):
                raise Stopped(Reason.NOT_YOURS, target=actor.role.value)
            code = row.line.code or ""
            if code.startswith("SBX-1"):
                return self._move(
                    connection,
                    space,
                    actor,
                    row,
                    RecordEvent.REPACK,
                    "dong_goi_lai",
                    facts={Guard.ONLY_PACKAGING: True},
                )
            if code == "SBX-3001" and only_leader_missing(row):
                return self._without_leader(connection, space, actor, row)
            state = transition(row.line.state, RecordEvent.REPAIR, actor.role)
            self._next_version(
                connection,
                space,
                actor,
                row,
                card=row.card,
                state=state,
                reason=code,
                kept="bi_tra",
            )
            return self._line(connection, space, record_id)

    def _without_leader(
        self, connection: Connection, space: Space, actor: Actor, row: RecordRow
    ) -> RecordLine:
        facts = {Guard.ONLY_LEADER_MISSING: True}
        state = transition(row.line.state, RecordEvent.LEADER_MISSING, actor.role, facts)
        xml = without_slots(row.xml or b"", Slot.CBQL.value, Slot.KY_PHAT_HANH.value)
        self._change(
            connection,
            space,
            row.line,
            state=state,
            xml=xml,
            code=None,
            planted=False,
            package_id=None,
        )
        record_store.drop_signatures(
            connection,
            space.id,
            record_id=row.line.record_id,
            version=row.line.version,
            slots=(Slot.CBQL, Slot.KY_PHAT_HANH),
        )
        self._context.audit(
            connection,
            space,
            actor,
            "tra_ve",
            record_id=row.line.record_id,
            old=row.line.state.value,
            new=state.value,
            before=data_digest(row.xml),
            after=data_digest(xml),
            outcome=row.line.code or "0",
        )
        return self._line(connection, space, row.line.record_id)

    # -- practice: planting a fault

    def plant(self, space: Space, actor: Actor, record_id: str, fault: str) -> RecordLine:
        """Spoil one sealed record on purpose, past the portal's own checks (practice only).

        *fault*: `sua_sau_ky` edits the data after signing (SBX-3002), `thieu_cbql` takes the
        leader's signature out (SBX-3001). Both are real faults in the bytes that are sent.
        """
        if actor.role is not Role.VAN_THU:
            raise Stopped(Reason.NOT_YOURS, target=actor.role.value)
        with self._context.database.write() as connection:
            row = self._row(connection, space, actor, record_id)
            if row.line.state is not RecordState.ISSUE_SIGNED or row.xml is None:
                raise Stopped(Reason.MOVED, target=record_id)
            if row.line.planted:
                return row.line
            xml = PLANTS[fault](row.xml)
            self._change(connection, space, row.line, xml=xml, planted=True)
            self._context.audit(
                connection,
                space,
                actor,
                f"gieo_loi:{fault}",
                record_id=record_id,
                old=row.line.state.value,
                new=row.line.state.value,
                before=data_digest(row.xml),
                after=data_digest(xml),
            )
            return self._line(connection, space, record_id)


PLANTS: dict[str, Callable[[bytes], bytes]] = {
    "sua_sau_ky": lambda xml: with_changed_comment(xml, " (sửa sau khi ký)"),
    "thieu_cbql": lambda xml: without_slots(xml, Slot.CBQL.value),
}
"""Faults a trainer or clerk may plant (labelled as practice on the page)."""


def only_leader_missing(row: RecordRow) -> bool:
    """Tell whether the bytes sent held every signature but the leader's."""
    xml = row.xml or b""
    return b"<CBQL>" not in xml and b"<GVCN>" in xml and b"<KY_PHAT_HANH>" in xml
