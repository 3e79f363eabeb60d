"""The Cloud Signature Consortium API 1.0.4.0 on the wire: what a provider's program sends and gets.

Names are the standard's. What the sandbox adds stands apart and is labelled (**I**): the member
`sandbox` of an error, and the methods under `sandbox/confirmation/…` that imitate the phone
confirmation the country's gateways put beside the standard.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import tomllib
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from sandbox.wire.http import client, refuse_outside

SPECS = "1.0.4.0"
BASE_PATH = "/ky-so/csc/v1"
TOKEN_SECONDS = 3600
"""Lifetime of an access token (CSC API 1.0.4 §11.2; signing-practice §3.1)."""
REFRESH_SECONDS = 90 * 24 * 3600
CALLBACK_SECONDS = 2.0
"""How long a call-back waits for its receiver."""
SIGNATURE_HEADER = "X-Sandbox-Signature"
"""`sha256=` and the HMAC of the body under the client's secret, in hex (**I**)."""

SHA256_OID = "2.16.840.1.101.3.4.2.1"
RSA_OID = "1.2.840.113549.1.1.1"
SHA256_RSA_OID = "1.2.840.113549.1.1.11"
SHA256_ECDSA_OID = "1.2.840.10045.4.3.2"
P256_OID = "1.2.840.10045.3.1.7"


class Asked(BaseModel):
    """A request. Members it does not know are left alone; types are strict."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, validate_by_name=True, validate_by_alias=True
    )

    client_data: StrictStr | None = Field(default=None, alias="clientData")


class Answer(BaseModel):
    """An answer, written by alias and without what is absent."""

    model_config = ConfigDict(frozen=True)

    def told(self) -> dict[str, Any]:
        """Return the JSON of this answer."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class InfoRequest(Asked):
    """`info`."""

    lang: StrictStr | None = None


class Info(Answer):
    """What the service is and can do."""

    specs: str = SPECS
    name: str
    logo: str
    region: str = "VN"
    lang: str
    description: str
    auth_type: list[str] = Field(serialization_alias="authType")
    oauth2: str
    methods: list[str]


class LoginRequest(Asked):
    """`auth/login`: HTTP Basic in the header, or a refresh token here."""

    refresh_token: StrictStr | None = None
    remember_me: StrictBool = Field(default=False, alias="rememberMe")


class LoginReply(Answer):
    """Tokens of a user."""

    access_token: str = Field(repr=False)
    refresh_token: str | None = Field(default=None, repr=False)
    expires_in: int = TOKEN_SECONDS


class TokenReply(Answer):
    """Token of a client (RFC 6749 §5.1)."""

    access_token: str = Field(repr=False)
    token_type: str = "Bearer"  # noqa: S105  (the kind, not a token)
    expires_in: int = TOKEN_SECONDS


class RevokeRequest(Asked):
    """`auth/revoke`."""

    token: StrictStr = Field(repr=False)
    token_type_hint: Literal["access_token", "refresh_token"] | None = None


class ListRequest(Asked):
    """`credentials/list`."""

    user_id: StrictStr | None = Field(default=None, alias="userID")
    max_results: StrictInt | None = Field(default=None, alias="maxResults", ge=1)
    page_token: StrictStr | None = Field(default=None, alias="pageToken")


class ListReply(Answer):
    """Identifiers of a user's credentials."""

    credential_ids: list[str] = Field(serialization_alias="credentialIDs")
    next_page_token: str | None = Field(default=None, serialization_alias="nextPageToken")


class CredentialRequest(Asked):
    """`credentials/info`."""

    credential_id: StrictStr = Field(alias="credentialID")
    certificates: Literal["none", "single", "chain"] = "single"
    cert_info: StrictBool = Field(default=False, alias="certInfo")
    auth_info: StrictBool = Field(default=False, alias="authInfo")
    lang: StrictStr | None = None


class KeyInfo(Answer):
    """The key of a credential."""

    status: Literal["enabled", "disabled"]
    algo: list[str]
    len: int
    curve: str | None = None


class CertInfo(Answer):
    """The certificate of a credential; moments are GeneralizedTime."""

    status: Literal["valid", "expired", "revoked", "suspended"] | None = None
    certificates: list[str] | None = None
    issuer_dn: str | None = Field(default=None, serialization_alias="issuerDN")
    serial_number: str | None = Field(default=None, serialization_alias="serialNumber")
    subject_dn: str | None = Field(default=None, serialization_alias="subjectDN")
    valid_from: str | None = Field(default=None, serialization_alias="validFrom")
    valid_to: str | None = Field(default=None, serialization_alias="validTo")


class Factor(Answer):
    """How the PIN or the one-time code of a credential is asked for."""

    presence: Literal["true", "false", "optional"] = "true"
    type: Literal["offline", "online"] | None = None
    format: Literal["A", "N"] = "N"
    label: str
    description: str
    id: str | None = Field(default=None, serialization_alias="ID")
    provider: str | None = None


class CredentialReply(Answer):
    """Everything about one credential."""

    description: str
    key: KeyInfo
    cert: CertInfo
    auth_mode: Literal["implicit", "explicit", "oauth2code"] = Field(
        default="explicit", serialization_alias="authMode"
    )
    scal: Literal["1", "2"] = Field(default="2", serialization_alias="SCAL")
    pin: Factor | None = Field(default=None, serialization_alias="PIN")
    otp: Factor | None = Field(default=None, serialization_alias="OTP")
    multisign: int
    lang: str


class SendOtpRequest(Asked):
    """`credentials/sendOTP`."""

    credential_id: StrictStr = Field(alias="credentialID")


class AuthorizeRequest(Asked):
    """`credentials/authorize`."""

    credential_id: StrictStr = Field(alias="credentialID")
    num_signatures: StrictInt = Field(alias="numSignatures")
    hash: list[StrictStr] | None = None
    pin: StrictStr | None = Field(default=None, alias="PIN", repr=False)
    otp: StrictStr | None = Field(default=None, alias="OTP", repr=False)
    description: StrictStr | None = Field(default=None, max_length=500)


class ExtendRequest(Asked):
    """`credentials/extendTransaction`."""

    credential_id: StrictStr = Field(alias="credentialID")
    hash: list[StrictStr] | None = None
    sad: StrictStr = Field(alias="SAD", repr=False)


class SadReply(Answer):
    """Signature activation data and how many seconds they hold."""

    sad: str = Field(serialization_alias="SAD", repr=False)
    expires_in: int = Field(serialization_alias="expiresIn")


class SignRequest(Asked):
    """`signatures/signHash`."""

    credential_id: StrictStr = Field(alias="credentialID")
    sad: StrictStr = Field(alias="SAD", repr=False)
    hash: list[StrictStr]
    sign_algo: StrictStr = Field(alias="signAlgo")
    hash_algo: StrictStr | None = Field(default=None, alias="hashAlgo")
    sign_algo_params: StrictStr | None = Field(default=None, alias="signAlgoParams")


class SignReply(Answer):
    """Signatures in the order of the hashes: PKCS#1 v1.5, or ECDSA in DER."""

    signatures: list[str]


class Callback(BaseModel):
    """Where the one call-back of a confirmation goes (**I**)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    url: StrictStr = Field(max_length=500)


class ConfirmRequest(Asked):
    """`sandbox/confirmation/request`: ask the credential's owner on the practice phone (**I**)."""

    credential_id: StrictStr = Field(alias="credentialID")
    hash: list[StrictStr]
    sign_algo: StrictStr = Field(alias="signAlgo")
    hash_algo: StrictStr | None = Field(default=None, alias="hashAlgo")
    description: StrictStr = Field(min_length=1, max_length=200)
    documents: list[StrictStr] | None = None
    request_id: StrictStr = Field(alias="requestID", min_length=8, max_length=90)
    callback: Callback | None = None


class StatusRequest(Asked):
    """`sandbox/confirmation/status` (**I**)."""

    transaction_id: StrictStr = Field(alias="transactionID")


class Confirmation(StrEnum):
    """Where a confirmation stands (**I**; numbers in `NUMBERS` are the gateways')."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"
    LOCKED = "locked"
    FAILED = "failed"


NUMBERS = {
    Confirmation.APPROVED: 1,
    Confirmation.PENDING: 4000,
    Confirmation.EXPIRED: 4001,
    Confirmation.REFUSED: 4002,
    Confirmation.LOCKED: 4003,
    Confirmation.FAILED: 4004,
}
"""Transaction statuses of signing-practice §3.1."""


class ConfirmReply(Answer):
    """A confirmation: polled, and sent once to the call-back."""

    transaction_id: str = Field(serialization_alias="transactionID")
    status: Confirmation
    number: int
    expires_in: int | None = Field(default=None, serialization_alias="expiresIn")
    signatures: list[str | None] | None = None
    client_data: str | None = Field(default=None, serialization_alias="clientData")


class CodesRequest(Asked):
    """`sandbox/codes`: a practice engineer's one-time codes, for programs under test (**I**)."""

    user_id: StrictStr = Field(alias="userID")


class SentCode(Answer):
    """A code that came by message."""

    code: str = Field(repr=False)
    sent_at: str = Field(serialization_alias="sentAt")
    expires_at: str = Field(serialization_alias="expiresAt")
    used: bool


class CodesReply(Answer):
    """What the engineer's phone would show: the code of this moment, and messages, newest first."""

    totp: str = Field(repr=False)
    seconds_left: int = Field(serialization_alias="secondsLeft")
    messages: list[SentCode]


@cache
def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON schemas of the methods, by name (`output.credentials/info`, …)."""
    with (Path(__file__).parent / "csc_schemas.toml").open("rb") as file:
        return _named(tomllib.load(file))


def _named(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    shared = data["shared"]

    def put_in(node: Any) -> Any:
        if isinstance(node, dict):
            if "use" in node:
                rest = {key: put_in(value) for key, value in node.items() if key != "use"}
                return {**put_in(shared[node["use"]]), **rest}
            return {key: put_in(value) for key, value in node.items()}
        if isinstance(node, list):
            return [put_in(value) for value in node]
        return node

    return {
        f"{side}.{name}": {"type": "object", **put_in(schema)}
        for side in ("input", "output")
        for name, schema in data[side].items()
    }


def signature_of(body: bytes, *, secret: str) -> str:
    """Return the value of `SIGNATURE_HEADER` for a call-back's body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def refuse_callback(url: str) -> None:
    """Raise `Misuse` for a call-back outside this machine, `ValueError` for no http address."""
    if not url.startswith("http://"):
        raise ValueError("only http:// to this machine")
    refuse_outside(url)


def call_back(url: str, told: ConfirmReply, *, secret: str) -> int | None:
    """POST *told* once; return the status, or None when nobody answered in time.

    Never raises for what the receiver does. Raises `Misuse` for an address outside this machine.
    """
    body = json.dumps(told.told()).encode()
    headers = {
        "Content-Type": "application/json",
        SIGNATURE_HEADER: signature_of(body, secret=secret),
    }
    try:
        with client(url, read_s=CALLBACK_SECONDS, headers=headers) as receiver:
            return receiver.post(url, content=body).status_code
    except httpx.HTTPError:
        return None
