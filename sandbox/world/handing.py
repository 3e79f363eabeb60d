"""What a space hands out to harnesses and providers: accounts, keys, certificates, records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sandbox.documents import render_record
from sandbox.errors import Misuse
from sandbox.pki import Certificate
from sandbox.signing.keys import KeyRing
from sandbox.synthetic import Department
from sandbox.web import Space
from sandbox.wire.admin import (
    Addresses,
    HandedAccount,
    HandedRecord,
    HandedSigner,
    OpenedSpace,
)
from sandbox.world import opening

if TYPE_CHECKING:
    from sandbox.world.build import World


def hand_out(world: World, space: Space) -> OpenedSpace:
    """Return all that goes with *space*; keys of persons too (a rehearsal pack, spec §5.6)."""
    department = opening.department_for(space.seed)
    return OpenedSpace(
        khong_gian=space.id,
        tieu_de=space.title,
        gio_khong_gian=space.now(world.clock),
        nam_hoc=int(space.school_year[:4]),
        dia_chi=Addresses(
            goc=world.settings.base_url + space.prefix,
            kho=world.desk_url(space.id, "kho"),
            cong=world.desk_url(space.id, f"so-{department.code}"),
        ),
        tai_khoan=accounts(world, space, department),
        nguoi_ky=list(_signers(world, space, department)),
        chung_thu_goc=[world.authority.chain_pem],
        hoc_ba=list(_records(department)),
    )


def unit_keys(world: World, space: Space, unit_code: str) -> HandedSigner:
    """Return key and certificate of one organisation. Raises `Misuse` for an unknown one."""
    department = opening.department_for(space.seed)
    for signer in _signers(world, space, department):
        if signer.loai == "don_vi" and signer.ma == unit_code:
            return signer
    known = ", ".join([*(school.code for school in department.schools), department.code])
    raise Misuse(f"no unit {unit_code} in space {space.id}", remedy=f"one of: {known}")


def account_at(world: World, space: Space, desk: str, unit_code: str) -> HandedAccount:
    """Return the account of *unit_code* at *desk*. Raises `Misuse` when there is none."""
    department = opening.department_for(space.seed)
    for account in accounts(world, space, department):
        if account.dau_moi == desk and account.ma_don_vi == unit_code:
            return account
    raise Misuse(f"no account of {unit_code} at {desk}", remedy="kho, so-48")


def accounts(world: World, space: Space, department: Department) -> list[HandedAccount]:
    """Return the accounts of a space with their practice passwords."""
    names = {school.code: school.name for school in department.schools}
    return [
        HandedAccount(
            dau_moi=account.desk,
            user_name=account.user_name,
            mat_khau=account.password,
            ma_don_vi=account.unit_code,
            ten_don_vi=names.get(account.unit_code, department.name),
            loai="truong" if account.kind == "truong" else "so",
        )
        for account in opening.accounts_of(department, seed=world.settings.seed, space=space.id)
    ]


def _signers(world: World, space: Space, department: Department) -> Iterator[HandedSigner]:
    ring = KeyRing(world.settings.seed, pool=world.rsa_pool)
    for staff, school in opening.people_of(department):
        _, credentials = world.signing.issuing.holder(space, staff.personal_id)
        for credential in credentials:
            yield HandedSigner(
                loai="ca_nhan" if credential.kind == "person" else "don_vi",
                ma=credential.subject_id,
                ten=credential.subject_name,
                vai_tro=staff.role.value if credential.kind == "person" else "",
                ma_don_vi=school.code if school else department.code,
                nha_phat_hanh=credential.issuer,
                chung_thu=Certificate.from_der(credential.certificate).pem,
                khoa=ring.key(credential.key_label, credential.algorithm).pem(),
            )


def _records(department: Department) -> Iterator[HandedRecord]:
    for school in department.schools:
        for group in school.classes:
            for card in group.cards:
                yield HandedRecord(
                    ma_tra_cuu_uuid=card.record_id,
                    ma_truong=school.code,
                    lop=group.name,
                    ho_ten=card.general.pupil_name,
                    xml=render_record(card).decode(),
                )
