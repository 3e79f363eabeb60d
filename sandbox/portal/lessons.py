"""State and schools for lessons, over HTTP to the classroom (curriculum.md §3–5).

The learner's view is computed from what is told here; nothing is judged in the portal.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Protocol

from sandbox.domain.lifecycle import Role
from sandbox.portal import record_store, store
from sandbox.portal.context import Actor, Context, Reason, Stopped, cong_of
from sandbox.portal.model import (
    POINTS,
    DeskAccount,
    Identity,
    RecordRow,
    SignatureRow,
    VersionRow,
)
from sandbox.portal.records import Records
from sandbox.portal.schools import Schools
from sandbox.synthetic import School, make_school
from sandbox.web.guards import off_loop
from sandbox.web.spaces import Space
from sandbox.wire import portal as wire
from sandbox.wire.signing import NewCredential, NewHolder


class Registers(Protocol):
    """Enters a new school into a desk's register, over HTTP (`wire.portal.RegisterClient`)."""

    async def add_school(self, space_id: str, desk: str, new: wire.RegisteredSchool) -> None:
        """Add it. Raises `Unavailable`; adding the same school again is harmless."""


class Lessons:
    """What the classroom asks the portal."""

    def __init__(
        self, context: Context, schools: Schools, records: Records, registers: Registers | None
    ) -> None:
        self._context, self._schools, self._records = context, schools, records
        self._registers = registers

    def record(self, space: Space, record_id: str) -> wire.RecordReply | None:
        """Return one record, or None."""
        found = self._replies(space, [record_id])
        return found[0] if found else None

    def records(
        self, space: Space, school_code: str, class_name: str | None
    ) -> list[wire.RecordReply]:
        """Return the records of a school or class."""
        with self._context.database.read() as connection:
            lines = record_store.lines_of_class(connection, space.id, school_code, class_name)
        return self._replies(space, [line.record_id for line in lines])

    def _replies(self, space: Space, record_ids: Sequence[str]) -> list[wire.RecordReply]:
        with self._context.database.read() as connection:
            rows = record_store.records(connection, space.id, record_ids)
            made = record_store.signatures(connection, space.id, record_ids)
            kept = {
                row.line.record_id: record_store.versions(connection, space.id, row.line.record_id)
                for row in rows
            }
        return [
            _reply(row, made.get(row.line.record_id, []), kept[row.line.record_id]) for row in rows
        ]

    def school(self, space: Space, code: str) -> wire.SchoolReply | None:
        """Return a school with its people and the PINs of their cards, or None."""
        with self._context.database.read() as connection:
            found = store.school(connection, space.id, code)
            if found is None:
                return None
            people = store.staff(connection, space.id, code)
            classes = store.classes(connection, space.id, code)
            pins = {p.person_id: store.card_pin(connection, space.id, p.person_id) for p in people}
        taught = {row.teacher_id: row.name for row in classes}
        return wire.SchoolReply(
            ma_truong=found.code,
            ten=found.name,
            lop=[row.name for row in classes],
            nguoi=[_person(p, taught.get(p.person_id), pins[p.person_id]) for p in people],
        )

    async def add_school(self, space: Space, new: wire.NewSchool) -> wire.SchoolReply:
        """Make an invented school: people with phones, an account, pupils and records.

        The same request gives the same school. Raises `Unavailable` when a neighbour is away:
        ask again, what is there already stays; `Stopped` when another school has this number.
        """
        school = await off_loop(
            make_school,
            new.hat_giong,
            province=new.tinh,
            number=school_number(new.so),
            grades=new.khoi,
            classes_per_grade=new.lop_moi_khoi,
            pupils=new.so_em,
            name=new.ten,
        )
        known = await off_loop(self.school, space, school.code)
        if known is not None and {p.id for p in known.nguoi} != _people(school):
            raise Stopped(Reason.MOVED, target=school.code)
        if known is None:
            pins = {s.personal_id: card_pin(new.hat_giong, s.personal_id) for s in school.staff}
            await self._context.signing.in_space(space.id).add_holders(
                [_holder(school, staff.personal_id, pins) for staff in school.staff]
            )
            await self._enter_everywhere(space, new, school, pins)
        await off_loop(self._bring_to, space, school, new.trang_thai)
        found = await off_loop(self.school, space, school.code)
        if found is None:
            raise Stopped(Reason.NOT_FOUND, target=school.code)
        return found

    async def _enter_everywhere(
        self,
        space: Space,
        new: wire.NewSchool,
        school: School,
        pins: dict[str, str],
    ) -> None:
        desk = cong_of(school.department_code)
        secret = hashlib.sha256(f"account|{new.hat_giong}|{school.code}".encode()).hexdigest()
        account = DeskAccount(desk, f"truong{school.code}", f"GiaLap-{secret[:10]}", school.code)
        if self._registers is not None:
            await self._registers.add_school(space.id, desk, _register_row(school, account))
        await off_loop(
            self._schools.add_school,
            space,
            school,
            accounts=[account],
            pins=pins,
            packed_by=Role(new.dong_goi_boi),
        )

    def _bring_to(self, space: Space, school: School, state: str) -> None:
        """Let the cast initialise, and check, what a lesson starts with."""
        if state == "CHUA_TAO":
            return
        with self._context.database.read() as connection:
            people = store.staff(connection, space.id, school.code)
            found = store.school(connection, space.id, school.code)
        if found is None:
            raise Stopped(Reason.NOT_FOUND, target=school.code)
        packer = Actor(next(p for p in people if p.role is found.packed_by))
        for group in school.classes:
            made = self._records.initialise(
                space, packer, group.name, range(1, len(group.cards) + 1)
            )
            if state == "CHECKED":
                teacher = Actor(next(p for p in people if p.person_id == group.teacher.personal_id))
                for record_id in made:
                    self._records.check(space, teacher, record_id, POINTS)

    def enter(self, space: Space, who: wire.Enter) -> Identity:
        """Return the identity a learner is to play. Raises `Stopped` for an unknown one."""
        found = self._schools.person(space, person_id=who.id, unit_code=who.don_vi, role=who.vai)
        if found is None:
            raise Stopped(Reason.NOT_FOUND, target=who.id)
        return found


def school_number(running: int) -> int:
    """Return the number of a learner's school: 4 (primary) and a serial from 100 to 999.

    The practice data use the serials below 100.
    """
    return 4000 + 100 + running % 900


def _people(school: School) -> set[str]:
    return {staff.personal_id for staff in school.staff}


def card_pin(seed: str, person_id: str) -> str:
    """Return the six-digit practice PIN for somebody's card: the same for the same seed."""
    digest = hashlib.sha256(f"pin|{seed}|{person_id}".encode()).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 900_000 + 100_000}"


def _holder(school: School, person_id: str, pins: dict[str, str]) -> NewHolder:
    staff = next(s for s in school.staff if s.personal_id == person_id)
    # Managers hold certificates of the government's authority (signing-practice §2).
    credentials = [
        NewCredential(
            kind="person",
            subject_id=staff.personal_id,
            subject_name=staff.name,
            issuer="GIA_LAP_CO_YEU" if staff == school.leader else "GIA_LAP_CA",
        )
    ]
    if staff == school.clerk:
        credentials.append(
            NewCredential(
                kind="unit",
                subject_id=school.code,
                subject_name=school.name,
                issuer="GIA_LAP_CO_YEU",
            )
        )
    return NewHolder(
        holder_id=staff.personal_id,
        name=staff.name,
        pin=pins[staff.personal_id],
        credentials=credentials,
    )


def _register_row(school: School, account: DeskAccount) -> wire.RegisteredSchool:
    return wire.RegisteredSchool(
        ma_truong=school.code,
        ten_truong=school.name,
        ma_so_giao_duc=school.department_code,
        ten_so_gd=school.department_name,
        ten_xa_phuong=school.commune,
        ten_quan_huyen=school.district,
        ten_tinh_thanh_pho=school.province,
        so_hoc_ba=sum(len(group.pupils) for group in school.classes),
        tai_khoan=wire.RegisteredAccount(user_name=account.user_name, mat_khau=account.password),
    )


def _signature(row: SignatureRow) -> wire.SignatureReply:
    return wire.SignatureReply(
        vai=row.slot.value,
        nguoi=row.signer_id,
        ten=row.signer_name,
        chung_thu=row.serial,
        loai="co_quan" if row.unit else "ca_nhan",
        luc=row.signed_at,
        yeu_cau=row.request_id,
        phien_ban=row.version,
    )


def _reply(
    row: RecordRow, made: Sequence[SignatureRow], kept: Sequence[VersionRow]
) -> wire.RecordReply:
    line = row.line
    return wire.RecordReply(
        id=line.record_id,
        ma_truong=line.school_code,
        lop=line.class_name,
        so=line.number,
        ten=line.pupil_name,
        trang_thai=line.state.value,
        phien_ban=line.version,
        bao_sai=list(line.wrong),
        xin_huy=line.cancel_reason,
        yeu_cau=line.request_id,
        goi=line.package_id,
        ma_loi=line.code,
        gieo_loi=line.planted,
        ky=[_signature(s) for s in made if s.version == line.version],
        phien_ban_cu=[
            wire.FormerVersion(
                phien_ban=v.version,
                trang_thai=v.state,
                ly_do=v.reason,
                ky=[_signature(s) for s in v.signatures],
            )
            for v in kept
        ],
        xml=base64.b64encode(row.xml).decode() if row.xml is not None else None,
    )


def _person(identity: Identity, class_name: str | None, pin: str | None) -> wire.PersonReply:
    return wire.PersonReply(
        id=identity.person_id,
        ten=identity.name,
        vai=identity.role.value,
        don_vi=identity.unit_code,
        lop=class_name,
        pin=pin,
    )
