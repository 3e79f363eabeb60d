"""`hocba register-corpus`: enter a corpus's schools at a desk, so that it takes their packages."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Literal

from sandbox.corpora import Maker, Order
from sandbox.corpora.ledger import ORDER, Ledger
from sandbox.errors import Misuse
from sandbox.settings import DEFAULT_SEED, Settings
from sandbox.synthetic.plans import SchoolPlan
from sandbox.wire.admin import AdminClient, NewAccount, NewSchool
from sandbox.world.opening import password_of

ACCOUNTS: Final = "accounts.csv"
"""Beside the manifest: who hands in for which school, with the practice password in clear."""
_AT_ONCE: Final = 200
"""Schools of one request: some hundred kilobytes."""
AccountLimits = Literal["truong", "so"]


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of it."""

    schools: int
    accounts: int
    certificates: int
    """New ones; 0 when everything was there already."""
    accounts_file: Path


def register_corpus(
    folder: Path,
    desk_url: str,
    *,
    settings: Settings,
    limits: AccountLimits = "so",
    on_total: Callable[[int], object] = lambda schools: None,
    on_schools: Callable[[int], object] = lambda schools: None,
) -> Registered:
    """Enter every school written in *folder* at the desk: register, account, approved seal.

    *limits*: how fast the accounts may call. *on_total* and *on_schools* hear how many schools it
    will be and how many more are in. Doing it again is harmless.

    Raises:
        Misuse: *folder* holds no corpus of this version or installation.
        Unavailable: the desk does not answer.
    """
    order = _order_in(folder, settings)
    maker = Maker(order)
    rows = list(Ledger(folder, order).rows())
    on_total(len(rows))
    accounts = certificates = 0
    left = iter(rows)
    file = folder / ACCOUNTS
    with (
        AdminClient(desk_url, token=settings.secrets.admin_token) as admin,
        file.open("w", encoding="utf-8", newline="") as stream,
    ):
        table = csv.writer(stream)
        table.writerow(("ma_truong", "user_name", "mat_khau", "so_hoc_ba"))
        while batch := list(islice(left, _AT_ONCE)):
            schools = [
                new_school(
                    maker, maker.nation.school(row.number), records=row.records,
                    seed=settings.seed, limits=limits,
                )
                for row in batch
            ]  # fmt: skip
            entered = admin.add_schools(desk_url, schools)
            accounts += entered.tai_khoan
            certificates += entered.chung_thu
            for school in schools:
                said = school.tai_khoan
                table.writerow((school.ma_truong, said.user_name, said.mat_khau, school.so_hoc_ba))
            on_schools(len(batch))
    return Registered(len(rows), accounts, certificates, file)


def _order_in(folder: Path, settings: Settings) -> Order:
    file = folder / ORDER
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        order = Order.of_told(told, pool_folder=settings.data / "rsa")
    except (OSError, ValueError) as error:
        raise Misuse(str(error), file=str(file), remedy="hocba nation --out …") from error
    if not order.form.is_signed:
        raise Misuse("nobody signs this corpus", file=str(file), remedy="--format xml, zstd")
    if order.authority_seed != settings.seed:
        raise Misuse(
            "another installation's authority issued its certificates",
            file=str(file),
            remedy="--data, HOCBA_SEED",
        )
    return order


def new_school(
    maker: Maker,
    plan: SchoolPlan,
    *,
    records: int = 0,
    seed: str = DEFAULT_SEED,
    limits: AccountLimits = "so",
) -> NewSchool:
    """Return what a desk is told about a school of the nation that will send *records*."""
    user = f"truong{plan.code}"
    return NewSchool(
        ma_truong=plan.code,
        ten_truong=plan.name,
        ma_so_giao_duc=plan.department_code,
        ten_so_gd=plan.department_name,
        ten_xa_phuong=plan.place.commune,
        ten_quan_huyen=plan.place.district,
        ten_tinh_thanh_pho=plan.place.province.name,
        so_hoc_ba=records,
        tai_khoan=NewAccount(
            user_name=user, mat_khau=password_of(seed, "corpus", user), ho_so=limits
        ),
        chung_thu=[base64.b64encode(maker.seal_of(plan).certificate.der).decode()],
    )
