"""Putting signatures that came back from the signing service into what was prepared for them."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from sandbox.clock import VIETNAM
from sandbox.domain.lifecycle import Guard, RecordEvent, RecordState, Role, transition
from sandbox.domain.report_card import Slot
from sandbox.portal import package_store, record_store, request_store, store
from sandbox.portal.cards import data_digest
from sandbox.portal.context import Actor, Context
from sandbox.portal.model import (
    CertificateState,
    ItemStatus,
    PackageState,
    RequestItem,
    RequestRow,
    SignatureRow,
    Subject,
)
from sandbox.portal.waiting import late_is_dropped
from sandbox.web.spaces import Space
from sandbox.wire.signing import ItemState, Status, Transaction
from sandbox.xmldsig import Draft

_EVENTS = {
    Slot.GVCN: RecordEvent.SIGN_GVCN,
    Slot.CBQL: RecordEvent.SIGN_CBQL,
    Slot.KY_PHAT_HANH: RecordEvent.SIGN_ISSUE,
}
_WAITED = {
    Slot.GVCN: RecordState.CHECKED,
    Slot.CBQL: RecordState.SIGNED_GVCN,
    Slot.KY_PHAT_HANH: RecordState.SIGNED_CBQL,
}
_ROLES = {Slot.GVCN: Role.GVCN, Slot.CBQL: Role.CBQL, Slot.KY_PHAT_HANH: Role.VAN_THU}
_FACTS = {Guard.TEACHER_SIGNATURE_VALID: True, Guard.CERTIFICATE_APPROVED: True}
"""Established before the request was sent: `prepare` refuses a wrong order of signatures, and the
seal's certificate is looked up then (`Signings`)."""
LATE = "LATE"
"""Error of an item confirmed after the computer had stopped waiting, where that counts not."""
MOVED = "MOVED"
"""Error of an item whose record changed while its request was under way."""


class Settling:
    """Ends requests: each item once, each record let go."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def settle(self, space: Space, request: RequestRow, answer: Transaction) -> None:
        """Apply what the signing service answers; safe to repeat and to race with itself.

        A yes after the computer stopped waiting counts, or is dropped where the space says so.
        """
        dropped = request.pc_gone and late_is_dropped(space.switches)
        with self._context.database.write() as connection:
            states = {state.key: state for state in answer.items}
            for item in request_store.items(connection, space.id, request.request_id):
                state = states.get(item.key)
                if item.status is ItemStatus.WAITING and state is not None:
                    self._item(connection, space, request, item, state, answer, dropped=dropped)
            request_store.set_request(
                connection, space.id, request.request_id, status=answer.status.value
            )
            if not answer.status.live:
                record_store.release(connection, space.id, request_id=request.request_id)

    def give_up(self, space: Space, request_id: str, code: str) -> None:
        """End a request the signing service never took; its records are let go."""
        with self._context.database.write() as connection:
            for item in request_store.items(connection, space.id, request_id):
                request_store.settle_item(
                    connection,
                    space.id,
                    request_id,
                    key=item.key,
                    status=ItemStatus.FAILED,
                    error=code,
                )
            status = "REJECTED" if code == "REJECTED" else "SIGN_FAILED"
            request_store.set_request(connection, space.id, request_id, status=status)
            record_store.release(connection, space.id, request_id=request_id)

    def _item(
        self,
        connection: Connection,
        space: Space,
        request: RequestRow,
        item: RequestItem,
        state: ItemState,
        answer: Transaction,
        *,
        dropped: bool,
    ) -> None:
        signed = state.status is Status.SIGNED and state.signature is not None
        if not signed and answer.status.live:
            return
        done = (
            signed
            and not dropped
            and self._complete(connection, space, request, item, state, answer)
        )
        missed = LATE if dropped else MOVED
        error = None if done else missed if signed else state.error or state.status.value
        request_store.settle_item(
            connection,
            space.id,
            request.request_id,
            key=item.key,
            error=error,
            status=ItemStatus.SIGNED if done else ItemStatus.FAILED,
        )
        if not done and request.subject is Subject.RECORDS:
            self._context.audit(
                connection,
                space,
                self._signer(connection, space, request),
                f"chua_ky:{request.slot}",
                record_id=item.target_id,
                outcome=error or "",
            )

    def _complete(
        self,
        connection: Connection,
        space: Space,
        request: RequestRow,
        item: RequestItem,
        state: ItemState,
        answer: Transaction,
    ) -> bool:
        """Finish one draft; False when what it was prepared for has moved on meanwhile."""
        xml = Draft.from_json(item.draft).complete(state.signature_bytes())
        if request.subject is Subject.PACKAGE:
            return package_store.set_package(
                connection,
                space.id,
                item.target_id,
                was=PackageState.DRAFT,
                state=PackageState.SIGNED,
                xml=xml,
                size=len(xml),
            )
        if request.subject is Subject.REGISTRATION:
            return self._registration(connection, space, request, item, xml)
        return self._record(connection, space, request, item, xml, answer)

    def _registration(
        self,
        connection: Connection,
        space: Space,
        request: RequestRow,
        item: RequestItem,
        xml: bytes,
    ) -> bool:
        held = request_store.certificate(
            connection, space.id, unit_code=request.unit_code, desk=request.desk or ""
        )
        if held is None or held.registration_id != item.target_id:
            return False
        if held.state is CertificateState.DRAFT:
            request_store.put_certificate(connection, space.id, replace(held, xml=xml))
        return True

    def _record(
        self,
        connection: Connection,
        space: Space,
        request: RequestRow,
        item: RequestItem,
        xml: bytes,
        answer: Transaction,
    ) -> bool:
        slot = request.slot
        row = record_store.record(connection, space.id, item.target_id)
        if row is None or slot is None or row.line.version != item.version:
            return False
        # Let go when the computer stopped waiting (E2): a late yes still counts for a record
        # that nobody else holds and that stands as it stood.
        let_go = request.pc_gone and row.line.request_id is None
        if not let_go and row.line.request_id != request.request_id:
            return False
        if row.line.state is not _WAITED[slot]:
            return False
        state = transition(row.line.state, _EVENTS[slot], _ROLES[slot], _FACTS)
        if not record_store.change(
            connection, space.id, row.line, state=state, xml=xml, request_id=None
        ):
            return False
        actor = self._signer(connection, space, request)
        record_store.add_signature(
            connection,
            space.id,
            SignatureRow(
                record_id=item.target_id,
                version=item.version,
                slot=slot,
                signer_id=request.signer_id,
                signer_name=request.certificate_name,
                serial=request.serial,
                unit=request.unit,
                signed_at=request.created_at,
                request_id=request.request_id,
            ),
        )
        approved = answer.ended.astimezone(VIETNAM).isoformat() if answer.ended else None
        self._context.audit(
            connection,
            space,
            actor,
            f"ky:{slot.value}",
            record_id=item.target_id,
            old=row.line.state.value,
            new=state.value,
            before=data_digest(row.xml),
            after=data_digest(xml),
            approved_at=approved,
        )
        return True

    def _signer(self, connection: Connection, space: Space, request: RequestRow) -> Actor:
        for identity in store.roles_of(connection, space.id, request.signer_id):
            if request.slot is None or identity.role is _ROLES[request.slot]:
                return Actor(identity)
        raise LookupError(request.signer_id)  # a request is only ever made by somebody on the list
