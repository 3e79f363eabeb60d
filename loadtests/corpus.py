"""What a run sends, signed before it begins: signing is no part of what is measured."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from pathlib import Path

from loadtests.plan import Plan, Registration, Sender, Submission
from loadtests.profile import Profile
from sandbox.clock import VIETNAM
from sandbox.documents import Registration as RegistrationDocument
from sandbox.documents import (
    build_package,
    envelope,
    parse_record,
    read_report_card,
    render_registration,
)
from sandbox.domain.report_card import Slot
from sandbox.errors import Misuse, Unavailable
from sandbox.pki import Certificate, PrivateKey
from sandbox.wire.admin import HandedAccount, HandedSigner, OpenedSpace
from sandbox.wire.ministry import wire_password
from sandbox.xmldsig import prepare, prepare_package, prepare_registration

Credential = tuple[Certificate, PrivateKey]


def make_plan(profile: Profile, *, space: OpenedSpace, folder: Path) -> Plan:
    """Return the plan of a run in *space*: everything signed, in an order fixed by the seed.

    Raises `Misuse` when the profile wants more records than the space holds.
    """
    chance = random.Random(profile.seed)
    accounts = space.school_accounts()[: profile.shape.users]
    if not accounts:
        raise Unavailable("khong-gian: tai_khoan = []")
    share, rest = divmod(profile.bounds.packages, len(accounts))
    senders = [
        _Corpus(space, account, chance).sender(
            packages=share + (number < rest), size=profile.records_per_package
        )
        for number, account in enumerate(accounts)
    ]
    return Plan(
        profile=profile,
        desk=space.dia_chi.cong,
        school_year=space.nam_hoc,
        senders=senders,
        samples_file=str(folder / "samples.json"),
    )


class _Corpus:
    """What one school sends."""

    def __init__(self, space: OpenedSpace, account: HandedAccount, chance: random.Random) -> None:
        self._space = space
        self._account = account
        self._chance = chance
        self._at = space.gio_khong_gian
        self._signers = {
            signer.ma: _credential(signer)
            for signer in space.nguoi_ky
            if signer.ma_don_vi == account.ma_don_vi
        }
        seals = [
            signer
            for signer in space.nguoi_ky
            if signer.loai == "don_vi" and signer.ma == account.ma_don_vi
        ]
        if not seals:
            raise Unavailable(f"khong-gian: nguoi_ky {account.ma_don_vi}")
        self._seal_row = seals[0]
        self._seal = self._signers[self._seal_row.ma]

    def sender(self, *, packages: int, size: int) -> Sender:
        """Return the account with its registration and *packages* packages of *size* records."""
        own = [row for row in self._space.hoc_ba if row.ma_truong == self._account.ma_don_vi]
        if len(own) < packages * size:
            raise Misuse(
                f"bounds/packages × records_per_package = {packages * size}",
                remedy=f"≤ {len(own)} for each school",
            )
        records: Iterator[bytes] = (self._signed(row.xml.encode()) for row in own)
        return Sender(
            user_name=self._account.user_name,
            password=wire_password(self._account.mat_khau),
            unit_code=self._account.ma_don_vi,
            registration=self._registration(),
            submissions=[
                self._submission([next(records) for _ in range(size)]) for _ in range(packages)
            ],
        )

    def _signed(self, xml: bytes) -> bytes:
        """Return the record with its three signatures, all at the space's opening time."""
        general = read_report_card(parse_record(xml)).general
        order = [(Slot.CBQL, general.leader_id), (Slot.KY_PHAT_HANH, self._seal_row.ma)]
        if general.teacher_id:
            order.insert(0, (Slot.GVCN, general.teacher_id))
        for slot, signer in order:
            certificate, key = self._signers[signer]
            draft = prepare(xml, slot=slot, signer=certificate, at=self._at)
            xml = draft.complete(key.sign(draft.signed_bytes))
        return xml

    def _submission(self, records: list[bytes]) -> Submission:
        certificate, key = self._seal
        draft = prepare_package(
            build_package(records), signer=certificate, at=self._at, package_id=self._uuid()
        )
        content = envelope.pack(draft.complete(key.sign(draft.signed_bytes)))
        return Submission(messageid=self._uuid(), content=content, records=len(records))

    def _registration(self) -> Registration:
        certificate, key = self._seal
        valid_from = certificate.not_before.astimezone(VIETNAM)
        document = RegistrationDocument(
            unit_code=self._account.ma_don_vi,
            unit_name=self._seal_row.ten,
            serial_number=certificate.serial_hex,
            holder=certificate.common_name,
            issuer_code=self._seal_row.nha_phat_hanh,
            valid_from=valid_from.date(),
            valid_to=certificate.not_after.astimezone(VIETNAM).date(),
            certificate=certificate.der,
        )
        draft = prepare_registration(
            render_registration(document),
            signer=certificate,
            at=self._at,
            registration_id=self._uuid(),
        )
        return Registration(
            messageid=self._uuid(),
            serial_number=certificate.serial_hex,
            ngay_hieu_luc=valid_from.strftime("%Y-%m-%d"),
            nha_phat_hanh=self._seal_row.nha_phat_hanh,
            content=envelope.pack(draft.complete(key.sign(draft.signed_bytes))),
        )

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


def _credential(signer: HandedSigner) -> Credential:
    return Certificate.from_pem(signer.chung_thu), PrivateKey.from_pem(signer.khoa)
