"""The trainer's and the harness's side door: opening spaces and looking at a receiving desk.

Everything here needs the installation's admin token (`secrets.json` in the data folder) and is
the sandbox's own; no such door exists in the ministry's documents (**I**). Rehearsals and load
runs use it to get a space of their own and to see what reached a desk; a client under test never
gets the token.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.errors import Misuse, Unavailable
from sandbox.wire.http import client, json_of

ADMIN_PATH = "/quan-tri/v1"

Model = TypeVar("Model", bound=BaseModel)


class AdminModel(BaseModel):
    """What crosses the side door: unknown fields are ignored, so that both sides may grow."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class OpenSpaceRequest(AdminModel):
    """Body of `POST {base}/quan-tri/v1/khong-gian`."""

    ke_hoach: Literal["practice", "rehearsal", "empty"] = "rehearsal"
    """practice: everything approved; rehearsal: keys handed out, nothing registered yet."""
    tieu_de: str = Field(max_length=120)
    hat_giong: str | None = Field(default=None, max_length=120)
    """Seed of the practice data; without one the installation chooses."""
    ho_so: Literal["truong", "so"] = "truong"
    """Limits of the schools' accounts (spec/transactions.md §4.1): load runs take `so`."""


class Addresses(AdminModel):
    """Where the space is found; absolute, without a slash at the end."""

    goc: str
    kho: str
    cong: str


class HandedAccount(AdminModel):
    """One account at a desk. `mat_khau` is the practice password in clear."""

    dau_moi: str
    """Which desk: `kho` or `so-48`."""
    user_name: str
    mat_khau: str
    ma_don_vi: str
    ten_don_vi: str = ""
    loai: Literal["truong", "so"]


class HandedSigner(AdminModel):
    """A person or unit with key (PKCS#8) and certificate as PEM: a provider's rehearsal pack."""

    loai: Literal["ca_nhan", "don_vi"]
    ma: str
    """Personal ID or unit code."""
    ten: str
    vai_tro: str = ""
    ma_don_vi: str
    nha_phat_hanh: str = "GIA_LAP_CA"
    chung_thu: str
    khoa: str


class HandedRecord(AdminModel):
    """One lawful, unsigned practice record."""

    ma_tra_cuu_uuid: str
    ma_truong: str
    lop: str
    ho_ten: str = ""
    xml: str


class OpenedSpace(AdminModel):
    """What a rehearsal or load run is given: answer of `POST …/khong-gian`."""

    khong_gian: str
    tieu_de: str = ""
    gio_khong_gian: datetime
    nam_hoc: int = 2024
    mo_hinh: Literal["A", "B"] = "A"
    dia_chi: Addresses
    tai_khoan: list[HandedAccount]
    nguoi_ky: list[HandedSigner]
    chung_thu_goc: list[str] = []
    """Root and issuers as PEM."""
    hoc_ba: list[HandedRecord]

    def school_accounts(self) -> list[HandedAccount]:
        """Return the schools' accounts at the Cổng, in the order they were handed out."""
        return [row for row in self.tai_khoan if row.loai == "truong"]


class JournalRow(AdminModel):
    """One exchange a desk had: what was called, by whom, and what was answered."""

    number: int
    service: str
    user_name: str | None = None
    type: str | None = None
    messageid: str | None = None
    status: int
    error: str
    space_time: str = ""


class StoredRecord(AdminModel):
    """A record a desk has accepted; refused ones are in no store, only in their results."""

    uuid: str
    state: str
    messageid: str


class FaultPlan(AdminModel):
    """What a desk's web edge does wrong on purpose; all zero takes the plan off."""

    slow_ms: int = Field(default=0, ge=0, le=60_000)
    unavailable_percent: float = Field(default=0.0, ge=0, le=100)
    seed: str = ""


class NewAccount(AdminModel):
    """The account a new school hands in with."""

    user_name: str
    mat_khau: str = Field(repr=False)
    ho_so: Literal["truong", "so"] = "truong"


class NewSchool(AdminModel):
    """One school for a desk's register (`POST {desk}/quan-tri/v1/truong-loat`)."""

    ma_truong: str
    ten_truong: str
    ma_so_giao_duc: str
    ten_so_gd: str
    ten_xa_phuong: str
    ten_quan_huyen: str | None
    ten_tinh_thanh_pho: str
    so_hoc_ba: int
    tai_khoan: NewAccount
    chung_thu: list[str]
    """Approved certificates: DER, base64."""


class Entered(AdminModel):
    """What a desk did with new schools: those given, accounts opened, certificates new."""

    truong: int
    tai_khoan: int
    chung_thu: int


class DeskAway(Unavailable):
    """Nobody answers at the address: the machine or the network, not what the sandbox does."""


class AdminClient:
    """Opens, closes and inspects practice spaces of one installation, on loopback only.

    Raises `DeskAway` when nobody answers, `Unavailable` for 5xx and for answers that make no
    sense, `Misuse` when the token or the request is wrong.
    """

    def __init__(self, base_url: str, *, token: str, read_s: float = 30.0) -> None:
        self.base_url = base_url.rstrip("/")
        self._http = client(
            self.base_url,
            read_s=read_s,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def open_space(self, request: OpenSpaceRequest) -> OpenedSpace:
        """Open a fresh space and return all that is handed out with it."""
        url = f"{self.base_url}{ADMIN_PATH}/khong-gian"
        return _read(OpenedSpace, self.call("POST", url, json=request.model_dump()))

    def delete_space(self, space_id: str) -> None:
        """Forget a space and all its rows; one that is not there is no fault."""
        url = f"{self.base_url}{ADMIN_PATH}/khong-gian/{space_id}"
        self.call("DELETE", url, accept_missing=True)

    def journal(self, desk_url: str, *, after: int = 0) -> list[JournalRow]:
        """Return the desk's exchanges numbered above *after*, oldest first."""
        answer = self.call("GET", f"{desk_url}{ADMIN_PATH}/nhat-ky?sau={after}")
        return [_read(JournalRow, row) for row in answer["DanhSach"]]

    def set_faults(self, desk_url: str, plan: FaultPlan) -> None:
        """Lay *plan* over the desk's web edge, or take it off."""
        self.call("POST", f"{desk_url}{ADMIN_PATH}/loi", json=plan.model_dump())

    def add_schools(self, desk_url: str, schools: Sequence[NewSchool]) -> Entered:
        """Enter at most 500 schools at once, accounts and seals included; repeating is harmless."""
        body = {"truong": [school.model_dump() for school in schools]}
        url = f"{desk_url.rstrip('/')}{ADMIN_PATH}/truong-loat"
        return _read(Entered, self.call("POST", url, json=body))

    def record(self, desk_url: str, uuid: str) -> StoredRecord | None:
        """Return where the record *uuid* stands at the desk; None when none was accepted."""
        url = f"{desk_url}{ADMIN_PATH}/hoc-ba/{uuid}"
        answer = self.call("GET", url, accept_missing=True)
        return None if answer is None else _read(StoredRecord, answer)

    def call(self, method: str, url: str, *, json: Any = None, accept_missing: bool = False) -> Any:
        """Make one call and return the decoded JSON (None for an empty or, if accepted, 404)."""
        try:
            response = self._http.request(method, url, json=json)
        except httpx.HTTPError as error:
            raise DeskAway(f"{method} {url}: {type(error).__name__}") from error
        if response.status_code == 404 and accept_missing:
            return None
        if response.status_code >= 500:
            raise Unavailable(f"{method} {url}: {response.status_code}")
        if response.status_code >= 400:
            raise Misuse(f"{method} {url}: {response.status_code} {response.text[:200]}")
        return json_of(response) if response.content else None


def _read(model: type[Model], answer: Any) -> Model:
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(str(part) for part in first["loc"])
        raise Unavailable(f"{model.__name__}: /{place}: {first['msg']}") from error
