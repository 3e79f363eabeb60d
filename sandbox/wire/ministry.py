"""What crosses the network between a sender and a receiving desk (2088-PL1 §II.2; wire: **I**).

The models carry the printed field names, odd spellings included (`error_filed_title` of type 3).
One client serves the school → Cổng and the Sở → Kho direction: the desks are the same app.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import httpx
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sandbox.errors import Unavailable
from sandbox.wire.http import async_client, json_of, retry_after_of

BASE = "/sandbox/v1"
TOKEN_LIFETIME_S = 3600
"""Lifetime of a token by the machine clock (transactions §4)."""

UUID4 = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$"
POLL_AFTER_S = (5, 10, 30, 60)
"""Suggested pauses before asking for a result again; the last one repeats (transactions §4)."""


def _whole(value: object) -> object:
    """JSON knows one kind of number: 2024.0 is 2024."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Year = Annotated[int, BeforeValidator(_whole), Field(ge=1900, le=2999, strict=True)]
MessageId = Annotated[str, Field(pattern=UUID4)]


class Request(BaseModel):
    """Strict in types, tolerant of unknown fields (transactions §2.7)."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, populate_by_name=True)


class Identification(Request):
    """The four fields that say who speaks (transactions §2.1)."""

    token: str
    user_name: str
    password: str
    """Lower-case hex of SHA-256 over the UTF-8 password, no salt."""
    ma_don_vi: str


class TokenRequest(Request):
    """Service 3.1: stands alone, without a wrapper."""

    user_name: str
    password: str
    ma_don_vi: str


class SubmitFields(Identification):
    """Type 1."""

    nam_hoc: Year
    messageid: MessageId
    type: Literal["1"]
    function: Literal["NOP_HOC_BA"]


class ResultFields(Identification):
    """Type 2: `messageid` is that of the submission asked about."""

    messageid: MessageId
    type: Literal["2"]
    function: Literal["TRA_KET_QUA_NOP"]


class RegistrationFields(Identification):
    """Type 3."""

    messageid: MessageId
    type: Literal["3"]
    function: Literal["DANG_KY_CTS"]
    serial_number: str = Field(pattern=r"^([0-9A-F]{2})+$", max_length=64)
    ngay_hieu_luc: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    ma_kieu_chu_ky: Literal["REMOTE_SIGNING", "USB_TOKEN"]
    nha_phat_hanh: str = Field(pattern=r"^[A-Z][A-Z_]{1,31}$")
    """A code of service 3.3; any other code is taken as another provider's (transactions §2.4)."""


class RegistrationStateFields(Identification):
    """Type 4: `messageid` is that of the registration; type and function are optional (**I**)."""

    messageid: MessageId
    ma_nam_hoc: Year
    type: Literal["4"] | None = None
    function: Literal["TRA_KET_QUA_CTS"] | None = None


class CirculatingFields(Identification):
    """The forwarding service of the sandbox (**I**): records after row number `sau`."""

    sau: Annotated[int, BeforeValidator(_whole), Field(ge=0, strict=True)]


class SubmitRequest(Request):
    """Body of a type 1 request."""

    authentication_request: SubmitFields = Field(alias="authenticationRequest")
    content: str


class ResultRequest(Request):
    """Body of a type 2 request."""

    authentication_request: ResultFields = Field(alias="authenticationRequest")


class RegistrationRequest(Request):
    """Body of a type 3 request."""

    authentication_request: RegistrationFields = Field(alias="authenticationRequest")
    content: str


class RegistrationStateRequest(Request):
    """Body of a type 4 request."""

    authentication_request: RegistrationStateFields = Field(alias="authenticationRequest")


class CirculatingRequest(Request):
    """Body of a forwarding request."""

    authentication_request: CirculatingFields = Field(alias="authenticationRequest")


class Reply(BaseModel):
    """An answer; unknown fields are ignored so that both sides may grow."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class Detail(Reply):
    """One row of `chi_tiet` (transactions §2.8)."""

    ma: str
    muc: str = "loi"
    giai_doan: str | None = None
    truong: str | None = None
    xpath: str | None = None
    dong: int | None = None
    con_tro_json: str | None = None
    nguyen_nhan: str | None = None
    cach_sua: str | None = None


class TokenReply(Reply):
    """Answer of service 3.1."""

    token: str | None = None
    het_han_sau: int = TOKEN_LIFETIME_S
    error: str = Field(alias="Error")
    error_description: str = Field(default="", alias="ErrorDescription")
    chi_tiet: tuple[Detail, ...] = ()


class Receipt(Reply):
    """Answer of type 1 (biên nhận)."""

    message_id: str | None = Field(default=None, alias="MessageId")
    error: str = Field(alias="Error")
    error_description: str = Field(default="", alias="ErrorDescription")
    response_code: str = Field(default="", alias="ResponseCode")
    response_description: str = Field(default="", alias="ResponseDescription")
    chi_tiet: tuple[Detail, ...] = ()

    @property
    def accepted(self) -> bool:
        """True when the request was stored for processing."""
        return self.error == "0"


class ResultRow(Reply):
    """One record's result in the answer of type 2."""

    ma_hoc_sinh: str | None = None
    ten_hoc_sinh: str | None = None
    so_cccd: str | None = None
    ma_tra_cuu_uuid: str | None = None
    trang_thai: int
    """1 accepted, 0 refused; there is no value for pending."""
    error: str = "0"
    error_field_title: str = ""
    error_description: str = ""
    chi_tiet: tuple[Detail, ...] = ()


class ResultReply(Reply):
    """Answer of type 2."""

    message_id: str | None = Field(default=None, alias="MessageId")
    error: str = Field(alias="Error")
    error_description: str = Field(default="", alias="ErrorDescription")
    rows: tuple[ResultRow, ...] = Field(default=(), alias="DanhSach")
    chi_tiet: tuple[Detail, ...] = ()
    expected_in_s: int | None = Field(default=None, alias="du_kien_giay")
    """Seconds until the result is expected; only while it is pending, and only when known."""

    @property
    def pending(self) -> bool:
        """True while the desk is still working (SBX-1201)."""
        return self.error == "SBX-1201"


class RegistrationReply(Reply):
    """Answer of type 3; `error_filed_title` is printed so."""

    messageid: str | None = None
    error: str
    error_filed_title: str = ""
    error_description: str = ""
    chi_tiet: tuple[Detail, ...] = ()


class RegistrationStateReply(Reply):
    """Answer of type 4."""

    messageid: str | None = None
    ma_don_vi: str | None = None
    serial_number: str | None = None
    trang_thai_phe_duyet: int | None = None
    """1 approved, 0 refused, absent while nobody has decided (SBX-1201)."""
    error: str
    error_field_title: str = ""
    error_description: str = ""
    chi_tiet: tuple[Detail, ...] = ()


class CirculatingRow(Reply):
    """One record in circulation, as the Sở forwards it."""

    thu_tu: int
    ma_tra_cuu_uuid: str
    ma_truong: str
    nam_hoc: str
    hoc_ba: str
    """Base64 of the original bytes."""


class CirculatingReply(Reply):
    """Answer of the forwarding service: at most 200 rows."""

    error: str = Field(alias="Error")
    error_description: str = Field(default="", alias="ErrorDescription")
    rows: tuple[CirculatingRow, ...] = Field(default=(), alias="DanhSach")
    chi_tiet: tuple[Detail, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """Who a client speaks for. `password` is in clear and hashed on the wire."""

    user_name: str
    password: str
    unit_code: str


def wire_password(password: str) -> str:
    """Return what travels instead of *password* (transactions §2.1)."""
    return hashlib.sha256(password.encode()).hexdigest()


class MinistryClient:
    """Speaks to one desk for one account; fetches and renews its token by itself.

    *tokens* lets clients that live for one call each share what they fetched.

    *base_url* ends with the desk: `…/kho` or `…/kho/so/48`. Every method raises `Unavailable`
    when the desk is away, too busy (429) or under maintenance (503); what the desk refuses comes
    back as the reply, with its code.
    """

    def __init__(
        self,
        base_url: str,
        account: Account,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        read_s: float = 10.0,
        allowed: tuple[str, ...] = (),
        tokens: dict[tuple[str, str], str] | None = None,
    ) -> None:
        self._account = account
        self._tokens = {} if tokens is None else tokens
        self._held = (base_url, account.user_name)
        self._http = async_client(
            base_url.rstrip("/") + BASE, read_s=read_s, transport=transport, allowed=allowed
        )

    async def __aenter__(self) -> MinistryClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def token(self) -> TokenReply:
        """Fetch a fresh token and keep it (service 3.1)."""
        answer = await self._send(
            "/token",
            {
                "user_name": self._account.user_name,
                "password": wire_password(self._account.password),
                "ma_don_vi": self._account.unit_code,
            },
        )
        reply = TokenReply.model_validate(answer)
        if reply.token is not None:
            self._tokens[self._held] = reply.token
        return reply

    @property
    def _token(self) -> str | None:
        return self._tokens.get(self._held)

    async def submit(self, content: str, *, nam_hoc: int, messageid: str) -> Receipt:
        """Hand in one package (service 3.6); repeating the same request is harmless."""
        fields = {
            "nam_hoc": nam_hoc,
            "messageid": messageid,
            "type": "1",
            "function": "NOP_HOC_BA",
        }
        return Receipt.model_validate(await self._call("/hoc-ba", fields, content=content))

    async def result(self, messageid: str) -> ResultReply:
        """Ask for the result of a package, row by row (service 3.7)."""
        fields = {"messageid": messageid, "type": "2", "function": "TRA_KET_QUA_NOP"}
        return ResultReply.model_validate(await self._call("/hoc-ba/trang-thai", fields))

    async def register_certificate(
        self,
        content: str,
        *,
        messageid: str,
        serial_number: str,
        ngay_hieu_luc: str,
        nha_phat_hanh: str,
        ma_kieu_chu_ky: str = "REMOTE_SIGNING",
    ) -> RegistrationReply:
        """Register the unit's certificate (service 3.4). `ngay_hieu_luc` is `YYYY-MM-DD`."""
        fields = {
            "messageid": messageid,
            "type": "3",
            "function": "DANG_KY_CTS",
            "serial_number": serial_number,
            "ngay_hieu_luc": ngay_hieu_luc,
            "ma_kieu_chu_ky": ma_kieu_chu_ky,
            "nha_phat_hanh": nha_phat_hanh,
        }
        answer = await self._call("/chung-thu-so", fields, content=content)
        return RegistrationReply.model_validate(answer)

    async def certificate_state(self, messageid: str, *, ma_nam_hoc: int) -> RegistrationStateReply:
        """Ask whether the registration *messageid* is approved (service 3.5)."""
        fields = {
            "messageid": messageid,
            "ma_nam_hoc": ma_nam_hoc,
            "type": "4",
            "function": "TRA_KET_QUA_CTS",
        }
        answer = await self._call("/chung-thu-so/trang-thai", fields)
        return RegistrationStateReply.model_validate(answer)

    async def circulating(self, after: int = 0) -> CirculatingReply:
        """Return up to 200 circulating records after row *after*, to the Sở only (**I**)."""
        return CirculatingReply.model_validate(await self._call("/luu-hanh", {"sau": after}))

    async def info(self) -> dict[str, Any]:
        """Return what `thong-tin` says about environment, limits and switches (**I**)."""
        return await self._get("/thong-tin")

    async def schools(self) -> list[dict[str, Any]]:
        """Return the schools this account may submit for, as records must name them (**I**)."""
        answer = await self._get("/danh-muc/truong")
        return list(answer.get("DanhSach", ()))

    async def _call(
        self, path: str, fields: dict[str, Any], *, content: str | None = None
    ) -> dict[str, Any]:
        """Send one request, once more with a fresh token when the token had run out."""
        if self._token is None:
            reply = await self.token()
            if reply.token is None:
                return _as_answer(reply)
        answer = await self._send(path, self._body(fields, content))
        if answer.get("Error", answer.get("error")) == "SBX-1103":
            await self.token()
            answer = await self._send(path, self._body(fields, content))
        return answer

    def _body(self, fields: dict[str, Any], content: str | None) -> dict[str, Any]:
        inside = {
            "token": self._token or "",
            "user_name": self._account.user_name,
            "password": wire_password(self._account.password),
            "ma_don_vi": self._account.unit_code,
            **fields,
        }
        body: dict[str, Any] = {"authenticationRequest": inside}
        return body if content is None else {**body, "content": content}

    async def _send(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            response = await self._http.post(path, json=body)
        except httpx.HTTPError as error:
            raise Unavailable(f"{path}: {type(error).__name__}") from error
        return _answer_of(response)

    async def _get(self, path: str) -> dict[str, Any]:
        if self._token is None:
            await self.token()
        answer: dict[str, Any] = {}
        for _ in range(2):
            try:
                response = await self._http.get(
                    path, headers={"Authorization": f"Bearer {self._token or ''}"}
                )
            except httpx.HTTPError as error:
                raise Unavailable(f"{path}: {type(error).__name__}") from error
            answer = _answer_of(response)
            if answer.get("Error") != "SBX-1103":
                break
            await self.token()
        return answer


def _answer_of(response: httpx.Response) -> dict[str, Any]:
    if response.status_code == 429 or response.status_code >= 500:
        raise Unavailable(
            f"{response.url.path}: {response.status_code}", retry_after=retry_after_of(response)
        )
    answer = json_of(response)
    if not isinstance(answer, dict):
        raise Unavailable(f"{response.url.path}: not an object")
    return answer


def _as_answer(reply: TokenReply) -> dict[str, Any]:
    """Dress a refused token as the answer of the service that was called."""
    details = [row.model_dump() for row in reply.chi_tiet]
    return {
        "Error": reply.error,
        "ErrorDescription": reply.error_description,
        "ResponseCode": "TU_CHOI",
        "error": reply.error,
        "error_description": reply.error_description,
        "chi_tiet": details,
    }
