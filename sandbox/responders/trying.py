"""Handing a gallery sample to a real desk over HTTP, to show what the desk makes of it.

The gallery's school is entered in the desk's register the first time somebody asks: its account by
the side door, its certificate by services 3.4 and the officer's own button, like any school's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sandbox import web
from sandbox.clock import VIETNAM
from sandbox.documents import Registration, envelope, render_registration
from sandbox.domain.identifiers import new_uuid
from sandbox.errors import Unavailable
from sandbox.responders.gallery import ACCEPTED, FIRST_MOMENT, Gallery, Persona
from sandbox.web.spaces import Space
from sandbox.wire.ministry import Account, Detail, MinistryClient
from sandbox.wire.officer import OfficerDesk
from sandbox.wire.portal import RegisterClient, RegisteredAccount, RegisteredSchool
from sandbox.xmldsig import prepare_registration

_SCHOOL_YEAR = 2024


@dataclass(frozen=True, slots=True)
class Trial:
    """What the desk answered; `code` is "0" for a record it accepted, "" for one never sent."""

    code: str
    details: tuple[Detail, ...] = ()


class DeskTrial:
    """The gallery's school at the Cổng of its Sở.

    *desk_url* gives a desk's address in a space, *token* is the installation's admin token. All
    methods raise `Unavailable` when the desk is away or will not have the school.
    """

    def __init__(
        self, gallery: Gallery, *, desk_url: Callable[[str, str], str], token: str
    ) -> None:
        self._gallery, self.desk_url = gallery, desk_url
        self._registers = RegisterClient(desk_url, token)
        self._tokens: dict[tuple[str, str], str] = {}
        general = gallery.school
        self._desk = f"so-{general.department_code}"
        self._secret = hashlib.sha256(f"{gallery.seed}|account".encode()).hexdigest()[:12]

    @property
    def _account(self) -> Account:
        code = self._gallery.school.school_code
        return Account(f"truong{code}", f"GiaLap-{self._secret}", code)

    def message_id(self, space: Space, persona: Persona, at: datetime | None) -> str:
        """Return the id under which a sample is sent; the same sample has the same one."""
        when = "sample" if at is None else at.isoformat()
        return new_uuid(self._gallery.seed, "gallery", space.id, persona.id, when)

    async def submit(self, space: Space, persona: Persona, *, at: datetime | None) -> str:
        """Send a sample and return its message id; sending it again changes nothing."""
        sample = await web.off_loop(self._gallery.sample, space.id, persona, at=at)
        number = self.message_id(space, persona, at)
        async with self._client(space) as desk:
            await self._introduce(space, desk)
            content = envelope.pack(sample.package)
            receipt = await desk.submit(content, nam_hoc=_SCHOOL_YEAR, messageid=number)
        if not receipt.accepted:
            raise Unavailable(f"{self._desk}: {receipt.error} {receipt.error_description}")
        return number

    async def result(self, space: Space, message_id: str) -> Trial | None:
        """Return the desk's answer, or None while it is still checking."""
        async with self._client(space) as desk:
            reply = await desk.result(message_id)
        if reply.pending:
            return None
        if not reply.rows:
            return Trial("")
        row = reply.rows[0]
        if row.trang_thai == 1:
            return Trial(ACCEPTED, row.chi_tiet)
        return Trial(row.error, row.chi_tiet)

    def _client(self, space: Space) -> MinistryClient:
        url = self.desk_url(space.id, self._desk)
        return MinistryClient(url, self._account, tokens=self._tokens)

    async def _introduce(self, space: Space, desk: MinistryClient) -> None:
        """Enter the school and have its certificate approved, unless that was done before."""
        number = new_uuid(self._gallery.seed, "gallery", space.id, "registration")
        if await self._is_approved(desk, number):
            return
        await self._registers.add_school(space.id, self._desk, self._school())
        seal = self._gallery.seal(space.id)
        held = seal.certificate
        first = held.not_before.astimezone(VIETNAM).date()
        xml = render_registration(
            Registration(
                unit_code=self._gallery.school.school_code,
                unit_name=self._gallery.school.school_name,
                serial_number=held.serial_hex,
                holder=held.common_name,
                issuer_code=held.issuer_code,
                valid_from=first,
                valid_to=held.not_after.astimezone(VIETNAM).date(),
                certificate=held.der,
            )
        )
        draft = prepare_registration(xml, signer=held, at=FIRST_MOMENT, registration_id=number)
        await desk.register_certificate(
            envelope.pack(draft.complete(seal.sign(draft.digest))),
            messageid=number,
            serial_number=held.serial_hex,
            ngay_hieu_luc=first.isoformat(),
            nha_phat_hanh=held.issuer_code,
        )
        await web.off_loop(self._approve, space, number)
        if not await self._is_approved(desk, number):
            raise Unavailable(f"{self._desk}: the gallery's school was not approved")

    async def _is_approved(self, desk: MinistryClient, number: str) -> bool:
        state = await desk.certificate_state(number, ma_nam_hoc=_SCHOOL_YEAR)
        return state.trang_thai_phe_duyet == 1

    def _approve(self, space: Space, number: str) -> None:
        with OfficerDesk(self.desk_url(space.id, self._desk)) as officer:
            officer.approve(number)

    def _school(self) -> RegisteredSchool:
        general, account = self._gallery.school, self._account
        return RegisteredSchool(
            ma_truong=general.school_code,
            ten_truong=general.school_name,
            ma_so_giao_duc=general.department_code,
            ten_so_gd=general.department_name,
            ten_xa_phuong=general.commune,
            ten_quan_huyen=general.district,
            ten_tinh_thanh_pho=general.province,
            so_hoc_ba=0,
            tai_khoan=RegisteredAccount(user_name=account.user_name, mat_khau=account.password),
        )
