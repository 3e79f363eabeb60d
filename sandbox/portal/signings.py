"""Signing requests: prepare → sign elsewhere → complete (issue procedure steps 4, 5, 7).

The portal prepares the bytes and keeps the draft; the signing service gets digests only, asks the
signer on the phone, and gives signatures back. A request outlives the waiting page: whoever looks
next, a page or the background poll, completes it. Nothing is signed twice: a record is held by one
request at a time, an item settles once, and a slot takes one signature per version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sandbox.documents import render_record
from sandbox.domain.lifecycle import RecordState, Role
from sandbox.domain.report_card import Slot
from sandbox.errors import Refused, Unavailable
from sandbox.pki import Certificate
from sandbox.portal import record_store, request_store
from sandbox.portal.context import Actor, Context, Reason, Stopped
from sandbox.portal.drills import Drills
from sandbox.portal.means import Held, Means
from sandbox.portal.model import (
    CertificateState,
    ItemStatus,
    RecordLine,
    RecordRow,
    RequestItem,
    RequestRow,
    Subject,
)
from sandbox.portal.settling import Settling
from sandbox.portal.waiting import Waiting
from sandbox.web.guards import off_loop
from sandbox.web.spaces import Space
from sandbox.wire.signing import (
    PACKAGE_SLOT,
    REGISTRATION_SLOT,
    Instrument,
    Item,
    NewTransaction,
    Phone,
    SigningRefused,
    Status,
    Transaction,
)
from sandbox.xmldsig import prepare

WAITS_FOR: dict[Slot, RecordState] = {
    Slot.GVCN: RecordState.CHECKED,
    Slot.CBQL: RecordState.SIGNED_GVCN,
    Slot.KY_PHAT_HANH: RecordState.SIGNED_CBQL,
}
SIGNER: dict[Slot, Role] = {
    Slot.GVCN: Role.GVCN,
    Slot.CBQL: Role.CBQL,
    Slot.KY_PHAT_HANH: Role.VAN_THU,
}
BEFORE: dict[Slot, tuple[RecordState, ...]] = {
    Slot.GVCN: (),
    Slot.CBQL: (RecordState.DRAFT, RecordState.CHECKED),
    Slot.KY_PHAT_HANH: (RecordState.DRAFT, RecordState.CHECKED, RecordState.SIGNED_GVCN),
}
"""States in which a former signature is missing (E10)."""

REFUSALS = {
    "REQUEST_ALREADY_WAITING": Reason.ALREADY_WAITING,
    "INSTRUMENT_RESTING": Reason.RESTING,
    "CERTIFICATE_NOT_FETCHED": Reason.NOT_FETCHED,
    "CREDENTIAL_STATUS_INVALID": Reason.WRONG_CERTIFICATE,
    "CREDENTIAL_NOT_MATCH_IDENTITY": Reason.WRONG_CERTIFICATE,
    "SERVICE_PACK_EXEED_OR_INVALID": Reason.TURNS_USED_UP,
}
"""Why the signing service takes no request, in the words a teacher meets; the rest is E14a."""

ON_THE_PHONE = (Instrument.A, Instrument.B, Instrument.GR, Instrument.S)
MENDED_BY_SIGNING = ("E2", "E3", "E6", "E15")
"""Faults that are gone once the signer's request is signed and nothing waits."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What the review page shows before anything is signed (L5)."""

    ready: tuple[RecordLine, ...]
    left_out: tuple[tuple[RecordLine, str], ...]
    """Records that cannot be signed now, with the word for why (`hindrance`)."""
    held: Held
    over: int
    """How many beyond what the instrument takes at once wait for the next request."""


@dataclass(frozen=True, slots=True)
class RequestView:
    """One request as its waiting or result page shows it."""

    request: RequestRow
    items: tuple[RequestItem, ...]
    attempts_left: int | None
    locked: bool
    away: bool
    """The signing service did not answer just now; nothing is lost."""

    @property
    def live(self) -> bool:
        """Whether the signer can still confirm."""
        return self.request.status in request_store.LIVE

    @property
    def signed(self) -> int:
        """How many items are signed."""
        return sum(item.status is ItemStatus.SIGNED for item in self.items)


def hindrance(line: RecordLine, slot: Slot) -> str | None:
    """Return why *line* cannot be signed in *slot* now, as a short word; None when it can."""
    if line.request_id is not None:
        return "dang_cho"
    if line.cancel_reason is not None:
        return "dang_xin_huy"
    if line.state is RecordState.WAIT_EXTRA:
        return "cho_bo_sung"
    if line.wrong:
        return "bao_sai"
    if line.state is WAITS_FOR[slot]:
        return None
    if line.state in BEFORE[slot]:
        return "thieu_truoc"
    return "chua_kiem" if line.state is RecordState.DRAFT else "da_ky"


class Signings:
    """Begins, follows and completes signing requests."""

    def __init__(self, context: Context, means: Means, drills: Drills) -> None:
        self._context, self.means, self._drills = context, means, drills
        self.settling, self.waiting = Settling(context), Waiting(context, drills)

    async def preview(
        self,
        space: Space,
        actor: Actor,
        slot: Slot,
        record_ids: Sequence[str],
        *,
        seen: bool = False,
    ) -> Preview:
        """Return what would be signed and with which certificate. Raises `Stopped`.

        *seen*: a page shows it, so that what is armed for this moment happens.
        """
        if actor.role is not SIGNER[slot]:
            raise Stopped(Reason.NOT_YOURS, target=actor.role.value)
        if not record_ids:
            raise Stopped(Reason.NOTHING_CHOSEN)
        held = await self.means.held(space, actor, unit=slot is Slot.KY_PHAT_HANH)
        lines = await off_loop(self._own_lines, space, actor, record_ids)
        why = [(line, hindrance(line, slot)) for line in lines]
        await self._drills.give(space, actor.identity.person_id)
        why = await off_loop(self._drills.hold_back, space, actor, slot, why, seen=seen)
        ready = [line for line, word in why if word is None]
        return Preview(
            ready=tuple(ready[: held.instrument.most]),
            left_out=tuple((line, word) for line, word in why if word is not None),
            held=held,
            over=max(0, len(ready) - held.instrument.most),
        )

    async def sign_records(
        self,
        space: Space,
        actor: Actor,
        slot: Slot,
        record_ids: Sequence[str],
        *,
        purpose: str,
        portal: str,
        return_path: str,
        sure_of: str | None = None,
    ) -> str:
        """Ask for the ready ones of *record_ids*, by what the signer signs with; return the id.

        *purpose* and *portal* are what the signer is shown, *return_path* where it leads back to,
        *sure_of* the serial the signer said is the school's (E9). Raises `Stopped`: not this
        person's task, nothing ready, no fit certificate (E6, E8, E9), the seal's certificate not
        approved, or a former request of this signer still waiting (E3).
        """
        preview = await self.preview(space, actor, slot, record_ids)
        if not preview.ready:
            raise Stopped(Reason.MOVED)
        certificate = preview.held.ready(sure_of=sure_of)
        await self.refuse_second(space, actor)
        if slot is Slot.KY_PHAT_HANH and preview.held.unit:
            await off_loop(self._demand_approved, space, actor, certificate)
        request_id = await off_loop(self._hold_and_prepare, space, actor, slot, preview)
        await self.send(
            space,
            request_id,
            purpose=purpose,
            portal=portal,
            return_path=return_path.replace("{id}", request_id),
        )
        return request_id

    async def begin(
        self,
        space: Space,
        actor: Actor,
        request: RequestRow,
        item: RequestItem,
        *,
        purpose: str,
        portal: str,
        return_path: str,
    ) -> str:
        """Ask for one signature over a package or a registration that is already prepared."""
        await self.refuse_second(space, actor)
        await off_loop(self._store, space, request, [item])
        await self.send(
            space, request.request_id, purpose=purpose, portal=portal, return_path=return_path
        )
        return request.request_id

    async def _asked(self, space: Space, new: NewTransaction) -> Transaction:
        """Ask the signing service, once more where the way there broke off.

        A kept connection may be closed just as it is used; the same key asks for the same thing.
        A service that answers that it is away has answered.
        """
        signing = self._context.signing.in_space(space.id)
        try:
            return await signing.request(new)
        except Unavailable as away:
            if away.__cause__ is None:
                raise
            return await signing.request(new)

    async def send(
        self, space: Space, request_id: str, *, purpose: str, portal: str, return_path: str
    ) -> None:
        """Hand a stored request to the signing service; repeating it is harmless.

        When the service is away the request stays CREATED and may be sent again. Raises
        `Stopped` when the service refuses it; its records are let go.
        """
        request, items = await off_loop(self._read, space, request_id)
        if request.transaction_id is not None or request.status != "CREATED":
            return
        new = NewTransaction(
            idempotency=f"{space.id}:{request_id}",
            signer_id=request.signer_id,
            serial=request.serial,
            purpose=purpose[:200],
            portal=portal[:200],
            instrument=request.instrument,
            return_path=return_path[:500],
            items=[
                Item(
                    key=item.key,
                    record_uuid=item.target_id,
                    slot=_slot_name(request),
                    digest=item.digest,
                    label=item.label,
                )
                for item in items
            ],
        )
        try:
            answer = await self._asked(space, new)
        except Unavailable:
            return
        except SigningRefused as refused:
            await off_loop(self.settling.give_up, space, request_id, refused.code)
            reason = REFUSALS.get(refused.code, Reason.NO_CREDENTIAL)
            raise Stopped(reason, target=request.signer_id) from refused
        await off_loop(self._note_sent, space, request_id, answer)
        await self.waiting.began(space, request)

    async def look(self, space: Space, request_id: str) -> RequestView:
        """Return a request as it stands now, completing what was signed meanwhile.

        Raises `Stopped` when there is no such request here.
        """
        request, items = await off_loop(self._read, space, request_id)
        if request.status not in request_store.LIVE or request.transaction_id is None:
            away = request.status == "CREATED" and request.transaction_id is None
            return RequestView(request, items, None, False, away)
        try:
            answer = await self._context.signing.in_space(space.id).transaction(
                request.transaction_id
            )
        except (Unavailable, SigningRefused):
            return RequestView(request, items, None, False, True)
        if answer.status.value != request.status or not answer.status.live:
            await off_loop(self.settling.settle, space, request, answer)
            if answer.status is Status.SIGNED:
                await off_loop(self._drills.recover, space, request.signer_id, MENDED_BY_SIGNING)
            request, items = await off_loop(self._read, space, request_id)
        elif await off_loop(self.waiting.close_if_due, space, request):
            request, items = await off_loop(self._read, space, request_id)
        return RequestView(request, items, answer.attempts_left, answer.locked, False)

    async def look_at_live(self, space: Space, *, signer_id: str | None = None) -> int:
        """Complete every open request of a space (or of one signer); return how many are open."""
        found = await off_loop(self._live, space, signer_id)
        still = 0
        for request in found:
            view = await self.look(space, request.request_id)
            still += view.live
        return still

    async def withdraw(self, space: Space, actor: Actor, request_id: str) -> RequestView:
        """Take back a request that still waits (Huỷ on the PC); one that has ended stays so."""
        request, _items = await off_loop(self._read, space, request_id)
        if request.signer_id != actor.identity.person_id:
            raise Stopped(Reason.NOT_YOURS, target=request_id)
        if request.status in request_store.LIVE:
            if request.transaction_id is None:
                await off_loop(self.settling.give_up, space, request_id, "REJECTED")
            else:
                answer = await self._context.signing.in_space(space.id).cancel(
                    request.transaction_id
                )
                await off_loop(self.settling.settle, space, request, answer)
        return await self.look(space, request_id)

    async def phone(self, space: Space, holder_id: str) -> Phone | None:
        """Return how to open a signer's practice phone; None while the service is away."""
        return await self.means.phone(space, holder_id)

    async def refuse_second(self, space: Space, actor: Actor) -> None:
        """Raise E3 while a former request of this signer is still alive on the phone."""
        for request in await off_loop(self._live, space, actor.identity.person_id):
            view = await self.look(space, request.request_id)
            if view.live:
                raise await self._already_waiting(space, request)

    async def _already_waiting(self, space: Space, request: RequestRow) -> Stopped:
        """Return E3, its button leading where the former request is confirmed."""
        here = f"/cong/yeu-cau/{request.request_id}"
        door = await self.means.door(space, request.signer_id, request.instrument)
        return Stopped(
            Reason.ALREADY_WAITING if request.instrument in ON_THE_PHONE else Reason.WAITING_AT_PC,
            request_id=request.request_id,
            to=here if door is None else f"{door}?ve={here}",
        )

    # -- blocking parts

    def _own_lines(self, space: Space, actor: Actor, record_ids: Sequence[str]) -> list[RecordLine]:
        with self._context.database.read() as connection:
            found = record_store.lines(connection, space.id, record_ids)
        own = [line for line in found if line.school_code == actor.identity.unit_code]
        if not own:
            raise Stopped(Reason.NOT_FOUND)
        return own

    def _live(self, space: Space, signer_id: str | None) -> list[RequestRow]:
        with self._context.database.read() as connection:
            rows = request_store.live_requests(connection, space=space.id, signer_id=signer_id)
        return [request for _space, request in rows]

    def _read(self, space: Space, request_id: str) -> tuple[RequestRow, tuple[RequestItem, ...]]:
        with self._context.database.read() as connection:
            request = request_store.request(connection, space.id, request_id)
            if request is None:
                raise Stopped(Reason.NOT_FOUND, target=request_id)
            return request, tuple(request_store.items(connection, space.id, request_id))

    def _demand_approved(self, space: Space, actor: Actor, certificate: Certificate) -> None:
        """Step 6: the school's certificate is approved (type 4 = 1), and it is this very one."""
        with self._context.database.read() as connection:
            held = request_store.certificate(
                connection,
                space.id,
                unit_code=actor.identity.unit_code,
                desk=f"so-{actor.identity.department_code}",
            )
        approved = held is not None and held.state is CertificateState.APPROVED
        if not approved or held is None or int(held.serial, 16) != certificate.serial:
            raise Stopped(Reason.NOT_APPROVED, target=actor.identity.unit_code)

    def _hold_and_prepare(
        self,
        space: Space,
        actor: Actor,
        slot: Slot,
        preview: Preview,
    ) -> str:
        """Hold the records, build their drafts and store the request, all or nothing."""
        request_id, at = self._context.uuid(), self._context.now(space)
        lines, certificate = preview.ready, preview.held.certificate
        assert certificate is not None
        with self._context.database.write() as connection:
            held = [
                line.record_id
                for line in lines
                if hindrance(line, slot) is None
                and record_store.claim(connection, space.id, line, request_id=request_id)
            ]
            if not held:
                raise Stopped(Reason.HELD_BY_OTHER)
            items = [
                _draft_item(row, slot, certificate, at, actor)
                for row in record_store.records(connection, space.id, held)
            ]
            request = RequestRow(
                request_id=request_id,
                subject=Subject.RECORDS,
                slot=slot,
                signer_id=actor.identity.person_id,
                unit_code=actor.identity.unit_code,
                class_name=lines[0].class_name,
                desk=None,
                serial=certificate.serial_hex,
                certificate_name=certificate.common_name,
                transaction_id=None,
                status="CREATED",
                created_at=at.isoformat(),
                instrument=preview.held.instrument,
                unit=preview.held.unit,
            )
            request_store.add_request(connection, space.id, request, items)
            for item in items:
                self._context.audit(
                    connection, space, actor, f"xin_ky:{slot.value}", record_id=item.target_id
                )
        return request_id

    def _store(self, space: Space, request: RequestRow, items: Sequence[RequestItem]) -> None:
        with self._context.database.write() as connection:
            request_store.add_request(connection, space.id, request, items)

    def _note_sent(self, space: Space, request_id: str, answer: Transaction) -> None:
        with self._context.database.write() as connection:
            request_store.set_request(
                connection,
                space.id,
                request_id,
                transaction_id=answer.id,
                status=answer.status.value if answer.status.live else "WAITING_CONFIRM",
            )


def _draft_item(
    row: RecordRow, slot: Slot, certificate: Certificate, at: datetime, actor: Actor
) -> RequestItem:
    """Return the item that signs one record. Raises `Stopped` when the record names another."""
    general = row.card.general
    named = {Slot.GVCN: general.teacher_id, Slot.CBQL: general.leader_id}.get(slot)
    if named is not None and named != actor.identity.person_id:
        raise Stopped(Reason.NOT_YOURS, target=row.line.record_id)
    xml = row.xml if row.xml is not None else render_record(row.card)
    try:
        draft = prepare(xml, slot=slot, signer=certificate, at=at)
    except Refused as refused:
        raise Stopped(Reason.FORMER_MISSING, target=row.line.record_id) from refused
    return RequestItem(
        key=f"{row.line.record_id}:{slot.value}:{row.line.version}",
        target_id=row.line.record_id,
        version=row.line.version,
        label=row.line.pupil_name,
        digest=draft.digest.hex(),
        draft=draft.to_json(),
        status=ItemStatus.WAITING,
        error=None,
    )


def _slot_name(request: RequestRow) -> str:
    if request.subject is Subject.PACKAGE:
        return PACKAGE_SLOT
    if request.subject is Subject.REGISTRATION:
        return REGISTRATION_SLOT
    assert request.slot is not None
    return request.slot.value
