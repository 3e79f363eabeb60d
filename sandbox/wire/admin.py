"""The trainer's and the harness's side door: opening spaces and looking at a receiving desk.

Everything here needs the installation's admin token (`secrets.json` in the data folder) and is
the sandbox's own; no such door exists in the ministry's documents (**I**). Rehearsals and load
runs use it to get a space of their own and to see what reached a desk; a client under test never
gets the token.
"""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.errors import Misuse, Unavailable

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
    dia_chi: Addresses
    tai_khoan: list[HandedAccount]
    nguoi_ky: list[HandedSigner]
    chung_thu_goc: list[str] = []
    """Root and issuers as PEM."""
    hoc_ba: list[HandedRecord]

    def account(
        self, *, kind: Literal["truong", "so"] = "truong", number: int = 1
    ) -> HandedAccount:
        """Return the *number*-th account of *kind* at the Cổng. Raises `Misuse` without one."""
        rows = [
            a for a in self.tai_khoan if a.loai == kind and (kind == "so" or a.dau_moi != "kho")
        ]
        if len(rows) < number:
            raise Misuse(f"{self.khong_gian}: {kind} #{number}")
        return rows[number - 1]


class AdminClient:
    """Opens, closes and inspects practice spaces of one installation.

    Raises `Unavailable` when the installation does not answer or answers 5xx, `Misuse` when the
    token or the request is wrong.
    """

    def __init__(self, base_url: str, *, token: str, timeout_s: float = 30.0) -> None:
        self.base_url = base_url.rstrip("/")
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=timeout_s,
            trust_env=False,
            follow_redirects=False,
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
        answer = self.call(
            "POST", f"{self.base_url}{ADMIN_PATH}/khong-gian", json=request.model_dump()
        )
        return _read(OpenedSpace, answer)

    def delete_space(self, space_id: str) -> None:
        """Forget a space and all its rows; one that is not there is no fault."""
        self.call(
            "DELETE", f"{self.base_url}{ADMIN_PATH}/khong-gian/{space_id}", accept_missing=True
        )

    def call(self, method: str, url: str, *, json: Any = None, accept_missing: bool = False) -> Any:
        """Make one call and return the decoded JSON (None for an empty or, if accepted, 404)."""
        try:
            response = self._http.request(method, url, json=json)
        except httpx.HTTPError as error:
            raise Unavailable(f"{method} {url}: {type(error).__name__}") from error
        if response.status_code == 404 and accept_missing:
            return None
        if response.status_code >= 500:
            raise Unavailable(f"{method} {url}: {response.status_code}")
        if response.status_code >= 400:
            raise Misuse(f"{method} {url}: {response.status_code} {response.text[:200]}")
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError as error:
            raise Unavailable(f"{method} {url}: JSON") from error


def _read(model: type[Model], answer: Any) -> Model:
    try:
        return model.model_validate(answer)
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(str(part) for part in first["loc"])
        raise Unavailable(f"{model.__name__}: /{place}: {first['msg']}") from error
