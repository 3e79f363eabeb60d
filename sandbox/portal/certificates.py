"""Registering a unit's certificate at its desk, and following the approval.

A school registers at the Cổng of its Sở, the Sở at the Kho (transactions §6); each registration is
signed with the very certificate it declares (§2.4). Only an approved one can issue.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from sandbox.clock import VIETNAM
from sandbox.documents import envelope
from sandbox.documents.registration import Registration, render_registration
from sandbox.domain.lifecycle import Role
from sandbox.errors import Unavailable
from sandbox.pki import Certificate
from sandbox.portal import request_store
from sandbox.portal.context import KHO, Actor, Context, Reason, Stopped, cong_of
from sandbox.portal.model import (
    CertificateRow,
    CertificateState,
    ItemStatus,
    RequestItem,
    RequestRow,
    Subject,
)
from sandbox.portal.signings import Signings
from sandbox.web.guards import off_loop
from sandbox.web.spaces import Space
from sandbox.wire.ministry import RegistrationReply, RegistrationStateReply
from sandbox.wire.signing import REGISTRATION_SLOT, AutomaticRequest, Credential, Item
from sandbox.xmldsig import Draft, prepare_registration

ALLOWED = (Role.VAN_THU, Role.SO)
"""The clerk keeps the seal; at the Sở its officer."""


@dataclass(frozen=True, slots=True)
class CertificateView:
    """What the registration page shows."""

    held: Certificate
    """The certificate whose key the unit holds today."""
    automatic: bool
    row: CertificateRow | None
    """Its registration; None when none was begun, or when it was another certificate's."""
    desk: str


def desk_for(actor: Actor) -> str:
    """Return where the actor's unit registers: a Sở at the Kho, a school at its Cổng."""
    who = actor.identity
    return KHO if actor.role is Role.SO else cong_of(who.department_code)


class Certificates:
    """The registration of one certificate per unit: prepare, sign, send, look."""

    def __init__(self, context: Context, signings: Signings) -> None:
        self._context, self._signings = context, signings

    async def view(self, space: Space, actor: Actor) -> CertificateView:
        """Return the unit's certificate and where its registration stands.

        Raises `Stopped` (not this role's, no credential), `Unavailable` (signing service away).
        """
        if actor.role not in ALLOWED:
            raise Stopped(Reason.NOT_YOURS, target=actor.role.value)
        credential = await self._signings.means.credential(space, actor, unit=True)
        held = Certificate.from_pem(credential.certificate)
        row = await off_loop(self.row, space, actor)
        if row is not None and int(row.serial, 16) != held.serial:
            row = None
        return CertificateView(held, credential.automatic, row, desk_for(actor))

    def row(self, space: Space, actor: Actor) -> CertificateRow | None:
        """Return the unit's registration as it was last seen, without asking anybody."""
        with self._context.database.read() as connection:
            return request_store.certificate(
                connection, space.id, unit_code=actor.identity.unit_code, desk=desk_for(actor)
            )

    async def begin(
        self, space: Space, actor: Actor, *, purpose: str, portal: str, return_path: str
    ) -> str | None:
        """Prepare the registration and have it signed; return the request to confirm.

        None when the credential signs by itself (the Sở's, invented): it is signed at once.
        """
        view = await self.view(space, actor)
        if view.row is not None and view.row.state in (
            CertificateState.SENT,
            CertificateState.APPROVED,
        ):
            raise Stopped(Reason.MOVED)
        credential = await self._signings.means.credential(space, actor, unit=True)
        held = await self._signings.means.held(space, actor, unit=True)
        certificate = held.ready(sure_of=None)
        registration_id, draft = await off_loop(self._prepare, space, actor, certificate)
        if credential.automatic:
            await self._sign_automatically(
                space, actor, credential, registration_id, draft, purpose=purpose
            )
            return None
        request_id = self._context.uuid()
        request = RequestRow(
            request_id=request_id,
            subject=Subject.REGISTRATION,
            slot=None,
            signer_id=actor.identity.person_id,
            unit_code=actor.identity.unit_code,
            class_name=None,
            desk=view.desk,
            serial=certificate.serial_hex,
            certificate_name=certificate.common_name,
            transaction_id=None,
            status="CREATED",
            created_at=self._context.stamp(space),
            instrument=held.instrument,
            unit=True,
        )
        item = RequestItem(
            key=f"cts:{registration_id}",
            target_id=registration_id,
            version=1,
            label=certificate.common_name,
            digest=draft.digest.hex(),
            draft=draft.to_json(),
            status=ItemStatus.WAITING,
            error=None,
        )
        return await self._signings.begin(
            space,
            actor,
            request,
            item,
            purpose=purpose,
            portal=portal,
            return_path=return_path.replace("{id}", request_id),
        )

    def _prepare(self, space: Space, actor: Actor, held: Certificate) -> tuple[str, Draft]:
        at = self._context.now(space)
        registration_id = self._context.uuid()
        xml = render_registration(
            Registration(
                unit_code=actor.identity.unit_code,
                unit_name=actor.identity.unit_name,
                serial_number=held.serial_hex,
                holder=held.common_name,
                issuer_code=held.issuer_code,
                valid_from=_day(held.not_before),
                valid_to=_day(held.not_after),
                certificate=held.der,
            )
        )
        draft = prepare_registration(xml, signer=held, at=at, registration_id=registration_id)
        row = self._row(actor, held, registration_id, CertificateState.DRAFT)
        with self._context.database.write() as connection:
            request_store.put_certificate(connection, space.id, row)
            self._context.audit(connection, space, actor, "khai_cts", outcome=held.serial_hex)
        return registration_id, draft

    def _row(
        self,
        actor: Actor,
        held: Certificate,
        registration_id: str | None,
        state: CertificateState,
    ) -> CertificateRow:
        return registered(
            held,
            unit_code=actor.identity.unit_code,
            desk=desk_for(actor),
            state=state,
            registration_id=registration_id,
        )

    async def _sign_automatically(
        self,
        space: Space,
        actor: Actor,
        credential: Credential,
        registration_id: str,
        draft: Draft,
        *,
        purpose: str,
    ) -> None:
        reply = await self._context.signing.in_space(space.id).sign_automatically(
            AutomaticRequest(
                serial=credential.serial,
                purpose=purpose,
                items=[
                    Item(
                        key=f"cts:{registration_id}",
                        record_uuid=registration_id,
                        slot=REGISTRATION_SLOT,
                        digest=draft.digest.hex(),
                        label=credential.subject_name[:200],
                    )
                ],
            )
        )
        xml = draft.complete(reply.items[0].signature_bytes())
        await off_loop(self._put_xml, space, actor, xml)

    def _put_xml(self, space: Space, actor: Actor, xml: bytes) -> None:
        with self._context.database.write() as connection:
            row = request_store.certificate(
                connection, space.id, unit_code=actor.identity.unit_code, desk=desk_for(actor)
            )
            if row is not None and row.state is CertificateState.DRAFT:
                request_store.put_certificate(connection, space.id, replace(row, xml=xml))

    async def send(self, space: Space, actor: Actor) -> CertificateRow:
        """Send the signed registration (type 3). Raises `Stopped` unsigned, `Unavailable`."""
        row = await off_loop(self.row, space, actor)
        if row is None or row.xml is None or row.registration_id is None:
            raise Stopped(Reason.PACKAGE_UNSIGNED)
        if row.state is not CertificateState.DRAFT:
            return row
        valid_from = datetime.fromisoformat(row.valid_from)
        async with self._context.desk(space, row.desk, row.unit_code) as desk:
            reply = await desk.register_certificate(
                envelope.pack(row.xml),
                messageid=row.registration_id,
                serial_number=row.serial,
                ngay_hieu_luc=_day(valid_from).isoformat(),
                nha_phat_hanh=row.issuer,
            )
        return await off_loop(self._note_reply, space, actor, row, reply)

    def _note_reply(
        self, space: Space, actor: Actor, row: CertificateRow, reply: RegistrationReply
    ) -> CertificateRow:
        taken = reply.error == "0"
        after = replace(
            row,
            state=CertificateState.SENT if taken else CertificateState.REFUSED,
            code=None if taken else reply.error,
        )
        with self._context.database.write() as connection:
            request_store.put_certificate(connection, space.id, after)
            self._context.audit(
                connection,
                space,
                actor,
                "gui_cts",
                old=row.state.value,
                new=after.state.value,
                outcome=reply.error,
            )
        return after

    async def look(self, space: Space, row: CertificateRow) -> CertificateRow:
        """Ask once for the approval (type 4). Raises `Unavailable` when the desk is away."""
        if row.state is not CertificateState.SENT or row.registration_id is None:
            return row
        async with self._context.desk(space, row.desk, row.unit_code) as desk:
            reply = await desk.certificate_state(
                row.registration_id, ma_nam_hoc=int(space.school_year[:4])
            )
        return await off_loop(self._note_state, space, row, reply)

    def _note_state(
        self, space: Space, row: CertificateRow, reply: RegistrationStateReply
    ) -> CertificateRow:
        if reply.trang_thai_phe_duyet is None:
            return row
        approved = reply.trang_thai_phe_duyet == 1
        after = replace(
            row,
            state=CertificateState.APPROVED if approved else CertificateState.REFUSED,
            code=None if approved else reply.error,
        )
        with self._context.database.write() as connection:
            request_store.put_certificate(connection, space.id, after)
        return after

    async def look_at_all(self) -> int:
        """Ask for every registration still waiting, in every space; return how many moved."""
        moved = 0
        for space_id, row in await off_loop(self._waiting):
            space = await off_loop(self._context.spaces.get, space_id)
            if space is None:
                continue
            try:
                after = await self.look(space, row)
            except (Unavailable, Stopped):
                continue
            moved += after.state is not row.state
        return moved

    def _waiting(self) -> list[tuple[str, CertificateRow]]:
        with self._context.database.read() as connection:
            return request_store.waiting_certificates(connection)


def registered(
    held: Certificate,
    *,
    unit_code: str,
    desk: str,
    state: CertificateState,
    registration_id: str | None = None,
) -> CertificateRow:
    """Return the row of a certificate's registration."""
    return CertificateRow(
        unit_code=unit_code,
        desk=desk,
        serial=held.serial_hex,
        subject=held.common_name,
        issuer=held.issuer_code,
        valid_from=held.not_before.astimezone(VIETNAM).isoformat(),
        valid_to=held.not_after.astimezone(VIETNAM).isoformat(),
        registration_id=registration_id,
        state=state,
        xml=None,
        request_id=None,
        code=None,
    )


def _day(moment: datetime) -> date:
    return moment.astimezone(VIETNAM).date()
