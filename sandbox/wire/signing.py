"""What crosses the network between the signing service and whoever asks it for signatures.

The common transaction is that of spec/signing-practice.md §3.6. Only hashes travel: the private
keys never leave the signing service, and no PIN ever passes through here.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from urllib.parse import quote, urlencode

import httpx
from pydantic import BaseModel, ConfigDict, Field

from sandbox.errors import SandboxError, Unavailable
from sandbox.wire.connections import Connections

MAX_HASHES = 50
"""Hashes a request may carry (signing-practice §3.1)."""
PACKAGE_SLOT = "GOI"
"""`slot` of the signature over a whole package."""
REGISTRATION_SLOT = "DANG_KY"
"""`slot` of the signature over a certificate registration."""
DOCUMENT_SLOT = "TAI_LIEU"
"""`slot` of the signature over any other document, asked for over the CSC API."""
TIME_LIMIT = 5.0
"""Seconds a caller waits for the signing service before it says *unavailable*."""

_HEX_SHA256 = r"^[0-9a-f]{64}$"


class Status(StrEnum):
    """Where a transaction (and each of its items) stands (signing-practice §3.6)."""

    CREATED = "CREATED"
    WAITING_CONFIRM = "WAITING_CONFIRM"
    SIGNED = "SIGNED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    AUTH_FAILED = "AUTH_FAILED"
    SIGN_FAILED = "SIGN_FAILED"

    @property
    def live(self) -> bool:
        """Whether the phone can still confirm or refuse."""
        return self in (Status.CREATED, Status.WAITING_CONFIRM)


class Instrument(StrEnum):
    """What a signer signs with (signing-practice §3); screen names are in the label catalogue."""

    A = "A"
    """Remote signing, confirmed in an app by PIN or finger."""
    A_OTP = "A-OTP"
    """Remote signing, password and one-time code; typed on the computer."""
    B = "B"
    """A second remote signing app: registered device, finger."""
    S = "S"
    """Key in the SIM: plain dialogs, one record a request, 50 s between two."""
    U = "U"
    """USB token of a public authority; local agent on the computer."""
    G = "G"
    """USB token of the government authority: managers and the school's seal."""
    GR = "GR"
    """Government remote signing: the app's pages."""

    @property
    def in_app(self) -> bool:
        """Whether a request is confirmed in a signing app on the phone."""
        return self in (Instrument.A, Instrument.B, Instrument.GR)

    @property
    def token(self) -> bool:
        """Whether the key lies in a USB token: certificate fetched first, all or nothing."""
        return self in (Instrument.U, Instrument.G)

    @property
    def most(self) -> int:
        """How many records one request may carry (signing-practice §3.1, §3.6)."""
        return {Instrument.S: 1, Instrument.A_OTP: 30}.get(self, MAX_HASHES)


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Credential(_Message):
    """A certificate whose key the service holds for somebody."""

    serial: str = Field(description="Serial number, upper-case hexadecimal, even length")
    certificate: str = Field(description="PEM")
    kind: Literal["person", "unit"]
    subject_id: str = Field(description="Personal ID, or unit code")
    subject_name: str
    algorithm: Literal["p256", "rsa2048"]
    automatic: bool = Field(description="Signs without a person's confirmation (invented)")
    holder: str
    holder_name: str


class HolderReply(_Message):
    """A holder of credentials and the state of their phone."""

    id: str
    name: str
    locked: bool
    attempts_left: int
    times_locked: int = Field(description="How often this phone was locked; unlocking keeps it")
    credentials: list[Credential]


class Item(_Message):
    """One hash to sign."""

    key: str = Field(min_length=1, max_length=100, description="The sender's own name for it")
    record_uuid: str = Field(min_length=1, max_length=64)
    slot: str = Field(min_length=1, max_length=32, description="GVCN, CBQL, …, GOI, DANG_KY")
    digest: str = Field(pattern=_HEX_SHA256, description="SHA-256 of SignedInfo, lower-case hex")
    label: str = Field(min_length=1, max_length=200, description="What the signer reads: a name")


class NewTransaction(_Message):
    """A request for signatures that somebody has to confirm on the practice phone."""

    idempotency: str = Field(min_length=8, max_length=100)
    signer_id: str = Field(min_length=1, max_length=64)
    serial: str = Field(min_length=2, max_length=64)
    purpose: str = Field(min_length=1, max_length=200, description="In plain words, for the signer")
    portal: str = Field(min_length=1, max_length=200, description="Who asks, from which machine")
    instrument: Instrument = Field(default=Instrument.A, description="What it is signed with")
    return_path: str | None = Field(
        default=None,
        max_length=500,
        description="Where 'Về máy tính' leads: a path of this installation, without host",
    )
    stranger: bool = Field(
        default=False,
        description="A request from nobody known, for practice: shown as 'Máy không rõ', "
        "may wait beside the signer's own (curriculum §6, Bài 5)",
    )
    items: list[Item] = Field(min_length=1, max_length=2_000)


class ItemState(_Message):
    """What became of one hash."""

    key: str
    status: Status
    signature: str | None = Field(default=None, description="Base64, in XMLDSig form")
    error: str | None = Field(default=None, description="Code, where this item failed alone")

    @staticmethod
    def of(
        key: str, *, status: Status, signature: bytes | None = None, error: str | None = None
    ) -> ItemState:
        """Return the state of an item, its signature put into base64."""
        text = None if signature is None else base64.b64encode(signature).decode()
        return ItemState(key=key, status=status, signature=text, error=error)

    def signature_bytes(self) -> bytes:
        """Return the signature for `Draft.complete`; raises ValueError when there is none."""
        if self.signature is None:
            raise ValueError(f"item {self.key} is not signed: {self.status}")
        return base64.b64decode(self.signature)


class Transaction(_Message):
    """A request and its present state. Times are the space's, with offset +07:00."""

    id: str
    status: Status
    signer_id: str
    serial: str
    purpose: str
    portal: str
    stranger: bool
    instrument: Instrument = Instrument.A
    count: int
    created: datetime
    expires: datetime | None = Field(description="None: this space sets no limit")
    ended: datetime | None = None
    attempts_left: int
    locked: bool = False
    items: list[ItemState]

    @property
    def signed(self) -> int:
        """How many items bear a signature."""
        return sum(item.status is Status.SIGNED for item in self.items)


class PhoneRequest(_Message):
    """Ask for a holder's phone; `renew` gives a new pairing code and cuts off paired phones."""

    holder_id: str = Field(min_length=1, max_length=64)
    renew: bool = False


class Phone(_Message):
    """How to open a holder's practice phone."""

    phone_token: str
    pairing_code: str = Field(description="Four digits, typed at /dt on a second device")
    path: str = Field(description="The phone page on the same screen")
    computer_path: str = Field(
        default="", description="The practice computer: tokens, agent, one-time codes"
    )


def entry(phone: Phone, instrument: Instrument) -> str:
    """Return the path on which a request for *instrument* is confirmed."""
    if instrument.in_app:
        return phone.path
    if instrument is Instrument.S:
        return f"{phone.path}/sim"
    if instrument is Instrument.A_OTP:
        return f"{phone.computer_path}/ma-mot-lan"
    return phone.computer_path


class InstrumentReply(_Message):
    """How one of a holder's instruments stands. `facts` are its own: plugged or activated."""

    instrument: Instrument
    locked: bool
    attempts_left: int
    times_locked: int
    facts: dict[str, Any]


class Fetched(_Message):
    """The certificate last read from a token on the practice computer (E6 when there is none)."""

    serial: str
    certificate: str = Field(description="PEM")
    kind: Literal["person", "unit"]
    subject_id: str
    subject_name: str
    instrument: Instrument


class Fault(_Message):
    """One entry of a fault plan (errors-teachers-meet §4)."""

    ma: str = Field(pattern=r"^[A-Za-z0-9_]{1,32}$", description="E1…E15 or a scenario's name")
    khi: str = Field(default="", max_length=32, description="Step it waits for; empty: any")
    doi_tuong: str = Field(default="", max_length=100, description="Rows, a token, … by the code")
    so_lan: int = Field(default=1, ge=1, le=100, description="How often it fires")
    boi: Literal["lesson", "test", "trainer", "self"] = "trainer"


class FaultState(Fault):
    """An entry with what came of it; moments are space time."""

    number: int
    left: int
    met: datetime | None = None
    recovered: datetime | None = None


class FaultPlan(_Message):
    """Faults armed together for one holder."""

    faults: list[Fault] = Field(min_length=1, max_length=20)


class NewCredential(_Message):
    """A certificate to be issued to a new holder."""

    kind: Literal["person", "unit"]
    subject_id: str = Field(min_length=1, max_length=64)
    subject_name: str = Field(min_length=1, max_length=150)
    issuer: Literal["GIA_LAP_CA", "GIA_LAP_CO_YEU"] = "GIA_LAP_CA"
    algorithm: Literal["p256", "rsa2048"] = "p256"
    automatic: bool = False


class NewHolder(_Message):
    """Somebody of an invented school who gets a phone and certificates."""

    holder_id: str = Field(min_length=1, max_length=64)
    name: str = Field(min_length=1, max_length=150)
    pin: str = Field(pattern=r"^[0-9]{6}$", repr=False, description="Practice PIN, six digits")
    credentials: list[NewCredential] = Field(max_length=10)


class NewHolders(_Message):
    """People and units of one invented school, added together."""

    holders: list[NewHolder] = Field(min_length=1, max_length=200)


class AutomaticRequest(_Message):
    """Hashes to sign with a credential that needs no person (invented, for the Sở only)."""

    serial: str = Field(min_length=2, max_length=64)
    purpose: str = Field(min_length=1, max_length=200)
    items: list[Item] = Field(min_length=1, max_length=2_000)


class AutomaticReply(_Message):
    """Signatures made without confirmation, and the sentence that says so."""

    note: str
    items: list[ItemState]


class AuditLine(_Message):
    """One line of the service's ledger; `hash` covers the line and the hash before it."""

    number: int
    at: str
    machine_at: str
    event: str
    holder: str
    transaction: str
    detail: dict[str, Any]
    previous: str
    hash: str


class Ledger(_Message):
    """A stretch of the ledger, oldest first."""

    intact: bool = Field(description="Every hash in this space's ledger was computed again")
    lines: list[AuditLine]


class Problem(_Message):
    """Why the service refused, in two languages."""

    code: str
    number: int | None = Field(default=None, description="The real service's number, if known")
    teacher_error: str | None = Field(default=None, description="E1–E15, where a teacher meets it")
    pointer: str | None = Field(default=None, description="JSON pointer into the request")
    cause: dict[str, str]
    remedy: dict[str, str]
    transaction: str | None = Field(default=None, description="The request already waiting")


class SigningRefused(SandboxError):
    """The signing service refused what was sent; `problem` says why and what to do."""

    def __init__(self, problem: Problem, *, status: int) -> None:
        self.problem, self.status = problem, status
        super().__init__(f"{problem.code} ({status})")

    @property
    def code(self) -> str:
        """The refusal's code, e.g. `REQUEST_ALREADY_WAITING`."""
        return self.problem.code


class SigningClient:
    """Asks a signing service over HTTP; every call waits at most `time_limit` seconds.

    `base_url` is the installation's root (`http://127.0.0.1:8080`); `in_space` gives the client
    of another practice space. Every method raises `SigningRefused` when the service says no and
    `Unavailable` when it does not answer properly.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        space_id: str = "tap",
        time_limit: float = TIME_LIMIT,
        allowed: Collection[str] = (),
        connections: Connections | None = None,
    ) -> None:
        self._root, self._token, self._allowed = base_url.rstrip("/"), token, allowed
        self._time_limit = time_limit
        self._prefix = "" if space_id == "tap" else f"/s/{space_id}"
        self._connections = connections or Connections()

    def in_space(self, space_id: str) -> SigningClient:
        """Return the client of one practice space; it shares this one's connections."""
        return SigningClient(
            self._root,
            self._token,
            space_id=space_id,
            time_limit=self._time_limit,
            allowed=self._allowed,
            connections=self._connections,
        )

    async def holder(self, holder_id: str) -> HolderReply:
        """Return a holder with their certificates."""
        return HolderReply.model_validate(
            await self._call("GET", f"nguoi-ky/{quote(holder_id, safe='')}")
        )

    async def add_holders(self, holders: Sequence[NewHolder]) -> list[HolderReply]:
        """Add people or units of an invented school; one already there stays as it is."""
        body = NewHolders(holders=list(holders)).model_dump(mode="json")
        rows = await self._call("POST", "nguoi-ky", body)
        return [HolderReply.model_validate(row) for row in rows]

    async def request(self, new: NewTransaction) -> Transaction:
        """Ask for signatures; the same idempotency key and items give the same transaction."""
        body = new.model_dump(mode="json")
        return Transaction.model_validate(await self._call("POST", "giao-dich", body))

    async def transaction(self, transaction_id: str) -> Transaction:
        """Return the present state of a request."""
        answer = await self._call("GET", f"giao-dich/{quote(transaction_id, safe='')}")
        return Transaction.model_validate(answer)

    async def cancel(self, transaction_id: str) -> Transaction:
        """Withdraw a request that still waits; one that has ended stays as it ended."""
        answer = await self._call("POST", f"giao-dich/{quote(transaction_id, safe='')}/huy")
        return Transaction.model_validate(answer)

    async def phone(self, holder_id: str, *, renew: bool = False) -> Phone:
        """Return how to open a holder's practice phone."""
        body = PhoneRequest(holder_id=holder_id, renew=renew).model_dump()
        return Phone.model_validate(await self._call("POST", "dien-thoai", body))

    async def unlock(self, holder_id: str) -> HolderReply:
        """Unlock a holder's phone (trainer)."""
        return HolderReply.model_validate(
            await self._call("POST", f"nguoi-ky/{quote(holder_id, safe='')}/mo-khoa")
        )

    async def instruments(self, holder_id: str) -> list[InstrumentReply]:
        """Return how all of a holder's instruments stand."""
        rows = await self._call("GET", f"nguoi-ky/{quote(holder_id, safe='')}/dung-cu")
        return [InstrumentReply.model_validate(row) for row in rows]

    async def fetched(self, holder_id: str, instrument: Instrument) -> Fetched | None:
        """Return the certificate read from the token in use; None before it was read (E6)."""
        path = f"nguoi-ky/{quote(holder_id, safe='')}/da-lay/{instrument.value}"
        try:
            return Fetched.model_validate(await self._call("GET", path))
        except SigningRefused as refused:
            if refused.code == "CERTIFICATE_NOT_FETCHED":
                return None
            raise

    async def arm(self, holder_id: str, faults: Sequence[Fault]) -> list[FaultState]:
        """Arm a fault plan for one holder; return all entries with their state."""
        body = FaultPlan(faults=list(faults)).model_dump(mode="json")
        rows = await self._call("POST", f"nguoi-ky/{quote(holder_id, safe='')}/su-co", body)
        return [FaultState.model_validate(row) for row in rows]

    async def faults(self, holder_id: str) -> list[FaultState]:
        """Return a holder's fault plan with what was met and recovered."""
        rows = await self._call("GET", f"nguoi-ky/{quote(holder_id, safe='')}/su-co")
        return [FaultState.model_validate(row) for row in rows]

    async def sign_automatically(self, request: AutomaticRequest) -> AutomaticReply:
        """Sign with a credential flagged automatic: the Sở's forwarding (invented)."""
        body = request.model_dump(mode="json")
        return AutomaticReply.model_validate(await self._call("POST", "tu-dong", body))

    async def ledger(
        self, *, signer: str | None = None, signers: Collection[str] = (), **asked: str | int | None
    ) -> Ledger:
        """Return the service's audit lines, oldest first, of one signer, of several or of all.

        *asked*: `su_kien` an event, `ngay` a day (`2025-05-28`), `truoc` a line's number to stay
        below, `nhieu_nhat` how many of the newest.
        """
        said = [("signer", signer), *(("nguoi", one) for one in signers), *asked.items()]
        query = urlencode([(name, str(value)) for name, value in said if value is not None])
        return Ledger.model_validate(await self._call("GET", f"so-cai?{query}"))

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        http = self._connections.open(self._root, read_s=self._time_limit, allowed=self._allowed)
        url = f"{self._prefix}/ky-so/v1/{path}"
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            answer = await http.request(method, url, json=body, headers=headers)
        except httpx.HTTPError as fault:
            raise Unavailable(f"signing service: {type(fault).__name__}") from fault
        return _read(answer)


def _read(answer: httpx.Response) -> Any:
    """Return the JSON of a good answer, else raise."""
    if answer.status_code >= 500:
        raise Unavailable(f"signing service answered {answer.status_code}")
    try:
        data = answer.json()
        if answer.status_code < 400:
            return data
        problem = Problem.model_validate(data)
    except ValueError as fault:
        raise Unavailable(
            f"signing service answered {answer.status_code} in an unknown form"
        ) from fault
    raise SigningRefused(problem, status=answer.status_code)
