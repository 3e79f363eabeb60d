"""What crosses the network between the portal and the classroom: state for lessons, new schools.

Service to service only (bearer token of the installation). A lesson is judged from what is told
here, never from clicks (curriculum.md §5). Every name is the sandbox's own (**I**).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Sequence
from typing import Any, Literal
from urllib.parse import quote, urlencode

import httpx
from pydantic import BaseModel, ConfigDict, Field

from sandbox.errors import Misuse, Unavailable
from sandbox.wire.connections import Connections
from sandbox.wire.http import async_client, json_of
from sandbox.wire.signing import Fault, FaultState

TIME_LIMIT = 5.0
"""Seconds a caller waits for the state of records."""
BUILD_LIMIT = 30.0
"""Seconds a caller waits for a new school: keys are made and neighbours told."""

START_STATES = ("CHUA_TAO", "DRAFT", "CHECKED")


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SignatureReply(_Message):
    """One signature the portal put into a record."""

    vai: Literal["GVCN", "CBQL", "KY_PHAT_HANH"]
    nguoi: str = Field(description="Personal ID of who confirmed it")
    ten: str = Field(description="Common name of the certificate")
    chung_thu: str = Field(description="Serial, upper-case hex")
    loai: Literal["ca_nhan", "co_quan"]
    luc: str = Field(description="SigningTime, ISO with +07:00")
    yeu_cau: str = Field(description="Signing request of the portal it came from")
    phien_ban: int


class FormerVersion(_Message):
    """A version that no longer counts; it keeps its signatures."""

    phien_ban: int
    trang_thai: str = Field(description="da_sua, da_huy or bi_tra")
    ly_do: str
    ky: list[SignatureReply]


class RecordReply(_Message):
    """A record as the portal holds it."""

    id: str
    ma_truong: str
    lop: str
    so: int = Field(description="Number in the class list")
    ten: str
    trang_thai: str = Field(description="spec/lifecycle.md §1")
    phien_ban: int
    bao_sai: list[str] = Field(description="Points reported wrong: ten, ngay_sinh, …")
    xin_huy: str | None = Field(description="Reason of an open request to cancel")
    yeu_cau: str | None = Field(description="Live signing request that holds the record")
    goi: str | None
    ma_loi: str | None
    gieo_loi: bool
    ky: list[SignatureReply] = Field(description="Signatures of the present version")
    phien_ban_cu: list[FormerVersion]
    xml: str | None = Field(description="Base64 of the record's bytes; None before a signature")

    def xml_bytes(self) -> bytes | None:
        """Return the record as it stands, or None before its first signature."""
        return None if self.xml is None else base64.b64decode(self.xml)


class NewSchool(_Message):
    """An invented school for one learner's attempt; the same seed gives the same school."""

    hat_giong: str = Field(min_length=1, max_length=120)
    tinh: str = Field(default="48", pattern=r"^[0-9]{2}$")
    so: int = Field(
        ge=1, le=9999, description="Running number of the asker; a space holds 900 such schools"
    )
    khoi: tuple[int, ...] = Field(default=(4,), min_length=1, max_length=5)
    lop_moi_khoi: int = Field(default=1, ge=1, le=5)
    so_em: int = Field(default=30, ge=1, le=45)
    ten: str | None = Field(default=None, max_length=150)
    trang_thai: Literal["CHUA_TAO", "DRAFT", "CHECKED"] = "CHUA_TAO"
    dong_goi_boi: Literal["VAN_THU", "QUAN_TRI"] = "VAN_THU"


class PersonReply(_Message):
    """Somebody who can be played, with the PIN printed on the practice card."""

    id: str
    ten: str
    vai: str
    don_vi: str
    lop: str | None = None
    pin: str | None = Field(default=None, repr=False)


class SchoolReply(_Message):
    """A school with its people and classes."""

    ma_truong: str
    ten: str
    lop: list[str]
    nguoi: list[PersonReply]


class Enter(_Message):
    """Let a visitor play somebody: the key is `Visit.key` of the learner."""

    nguoi_hoc: str = Field(min_length=8, max_length=64)
    id: str
    don_vi: str
    vai: str


class FaultOrder(_Message):
    """A fault plan for one person, or (`nguoi` None) for everybody of the space."""

    nguoi: str | None = Field(default=None, max_length=64)
    su_co: list[Fault] = Field(min_length=1, max_length=20)


class RegisteredAccount(_Message):
    """The account that comes with a new school."""

    user_name: str
    mat_khau: str = Field(repr=False)


class RegisteredSchool(_Message):
    """What a receiving desk is told about a new school (`POST {desk}/quan-tri/v1/truong`)."""

    ma_truong: str
    ten_truong: str
    ma_so_giao_duc: str
    ten_so_gd: str
    ten_xa_phuong: str
    ten_quan_huyen: str | None
    ten_tinh_thanh_pho: str
    so_hoc_ba: int
    tai_khoan: RegisteredAccount


class RegisterClient:
    """Enters new schools into the registers of receiving desks.

    `desk_url(space, desk)` gives a desk's address; the token is the installation's admin token.
    """

    def __init__(
        self,
        desk_url: Callable[[str, str], str],
        token: str,
        *,
        allowed: Collection[str] = (),
    ) -> None:
        self._desk_url, self._token, self._allowed = desk_url, token, allowed

    async def add_school(self, space_id: str, desk: str, new: RegisteredSchool) -> None:
        """Add a school with its account; repeating it is harmless. Raises `Unavailable`."""
        headers = {"Authorization": f"Bearer {self._token}"}
        base = self._desk_url(space_id, desk)
        try:
            async with async_client(base, allowed=self._allowed, headers=headers) as http:
                answer = await http.post("/quan-tri/v1/truong", json=new.model_dump())
        except httpx.HTTPError as fault:
            raise Unavailable(f"desk {desk}: {type(fault).__name__}") from fault
        if answer.status_code >= 500:
            raise Unavailable(f"desk {desk} answered {answer.status_code}")
        if answer.status_code >= 400:
            raise Misuse(f"desk {desk}: {answer.status_code} {answer.text[:200]}")


class PortalClient:
    """Asks a portal over HTTP for the state of records, and for schools of a learner's own.

    `base_url` is the installation's root; `in_space` gives the client of another space. Methods
    raise `Unavailable` when the portal does not answer properly, `Misuse` when it refuses.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        space_id: str = "tap",
        allowed: Collection[str] = (),
        connections: Connections | None = None,
    ) -> None:
        self._root, self._token, self._allowed = base_url.rstrip("/"), token, allowed
        self._prefix = "" if space_id == "tap" else f"/s/{space_id}"
        self._connections = connections or Connections()

    def in_space(self, space_id: str) -> PortalClient:
        """Return the client of one practice space; it shares this one's connections."""
        return PortalClient(
            self._root,
            self._token,
            space_id=space_id,
            allowed=self._allowed,
            connections=self._connections,
        )

    async def record(self, record_id: str) -> RecordReply | None:
        """Return one record with its signatures and bytes, or None."""
        answer = await self._call("GET", f"hoc-ba/{quote(record_id, safe='')}", accept_missing=True)
        return None if answer is None else RecordReply.model_validate(answer)

    async def records(
        self, school_code: str, *, class_name: str | None = None
    ) -> list[RecordReply]:
        """Return the records of a school, or of one class, by class and number."""
        query = f"?{urlencode({'lop': class_name})}" if class_name is not None else ""
        path = f"truong/{quote(school_code, safe='')}/hoc-ba{query}"
        return [RecordReply.model_validate(row) for row in await self._call("GET", path)]

    async def school(self, school_code: str) -> SchoolReply | None:
        """Return a school with its people, or None."""
        path = f"truong/{quote(school_code, safe='')}"
        answer = await self._call("GET", path, accept_missing=True)
        return None if answer is None else SchoolReply.model_validate(answer)

    async def add_school(self, new: NewSchool) -> SchoolReply:
        """Add an invented school with people, keys and pupils; repeating it is harmless."""
        answer = await self._call("POST", "truong", new.model_dump(mode="json"), read_s=BUILD_LIMIT)
        return SchoolReply.model_validate(answer)

    async def enter(self, who: Enter) -> PersonReply:
        """Let a visitor play somebody, without the space's code being asked again."""
        answer = await self._call("POST", "vao", who.model_dump(mode="json"))
        return PersonReply.model_validate(answer)

    async def arm(self, person_id: str, faults: Sequence[Fault]) -> list[FaultState]:
        """Arm a fault plan for one person; return the whole plan."""
        order = FaultOrder(nguoi=person_id, su_co=list(faults))
        rows = await self._call("POST", "su-co", order.model_dump(mode="json", exclude_unset=True))
        return [FaultState.model_validate(row) for row in rows]

    async def faults(self, person_id: str) -> list[FaultState]:
        """Return somebody's fault plan with what was met and mended."""
        rows = await self._call("GET", f"su-co/{quote(person_id, safe='')}")
        return [FaultState.model_validate(row) for row in rows]

    async def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        accept_missing: bool = False,
        read_s: float = TIME_LIMIT,
    ) -> Any:
        http = self._connections.open(self._root, read_s=TIME_LIMIT, allowed=self._allowed)
        try:
            answer = await http.request(
                method,
                f"{self._prefix}/cong/v1/{path}",
                json=body,
                headers={"Authorization": f"Bearer {self._token}"},
                timeout=httpx.Timeout(read_s, connect=2.0),
            )
        except httpx.HTTPError as fault:
            raise Unavailable(f"portal: {type(fault).__name__}") from fault
        if answer.status_code == httpx.codes.NOT_FOUND and accept_missing:
            return None
        if answer.status_code >= 500:
            raise Unavailable(f"portal answered {answer.status_code}")
        if answer.status_code >= 400:
            raise Misuse(f"portal {path}: {answer.status_code} {answer.text[:200]}")
        return json_of(answer)
