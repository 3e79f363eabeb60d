"""What every change of a record shares: whose it is, moving it, and putting a new version."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from sandbox.domain.lifecycle import Guards, RecordEvent, RecordState, Role, transition
from sandbox.domain.report_card import ReportCard
from sandbox.portal import record_store, store
from sandbox.portal.cards import data_digest
from sandbox.portal.context import Actor, Context, Reason, Stopped
from sandbox.portal.model import RecordLine, RecordRow
from sandbox.web.spaces import Space

EDITABLE = (RecordState.DRAFT, RecordState.CHECKED)
SIGNED = (RecordState.SIGNED_GVCN, RecordState.SIGNED_CBQL, RecordState.ISSUE_SIGNED)


class RecordSteps:
    """Base of `Records` and `Repairs`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def _row(self, connection: Connection, space: Space, actor: Actor, record_id: str) -> RecordRow:
        row = record_store.record(connection, space.id, record_id)
        if row is None or row.line.school_code != actor.identity.unit_code:
            raise Stopped(Reason.NOT_FOUND, target=record_id)
        if actor.role is Role.GVCN:
            own = {
                c.name
                for c in store.classes(connection, space.id, row.line.school_code)
                if c.teacher_id == actor.identity.person_id
            }
            if row.line.class_name not in own:
                raise Stopped(Reason.NOT_FOUND, target=record_id)
        return row

    def _line(self, connection: Connection, space: Space, record_id: str) -> RecordLine:
        return record_store.lines(connection, space.id, [record_id])[0]

    def _change(
        self, connection: Connection, space: Space, line: RecordLine, **values: object
    ) -> None:
        if not record_store.change(connection, space.id, line, **values):
            raise Stopped(Reason.MOVED, target=line.record_id)

    def _move(
        self,
        connection: Connection,
        space: Space,
        actor: Actor,
        row: RecordRow,
        event: RecordEvent,
        action: str,
        *,
        facts: Guards,
    ) -> RecordLine:
        state = transition(row.line.state, event, actor.role, facts)
        self._change(connection, space, row.line, state=state, package_id=None, code=None)
        self._context.audit(
            connection,
            space,
            actor,
            action,
            record_id=row.line.record_id,
            old=row.line.state.value,
            new=state.value,
            before=data_digest(row.xml),
            after=data_digest(row.xml),
        )
        return self._line(connection, space, row.line.record_id)

    def _next_version(
        self,
        connection: Connection,
        space: Space,
        actor: Actor,
        row: RecordRow,
        *,
        card: ReportCard,
        state: RecordState,
        reason: str,
        kept: str,
    ) -> None:
        """Keep the present version in the history and put an unsigned one in its place."""
        now = self._context.now(space)
        record_store.keep_version(
            connection, space.id, row, state=kept, reason=reason, at=now.isoformat()
        )
        fresh = replace(card, general=replace(card.general, issue_planned_on=now.date()))
        self._change(
            connection,
            space,
            row.line,
            card=fresh,
            state=state,
            version=row.line.version + 1,
            pupil_name=fresh.general.pupil_name,
            xml=None,
            wrong=(),
            cancel_reason=None,
            code=None,
            planted=False,
            package_id=None,
        )
        self._context.audit(
            connection,
            space,
            actor,
            kept,
            record_id=row.line.record_id,
            old=row.line.state.value,
            new=state.value,
            before=data_digest(row.xml),
        )
