"""What crosses between the certificate responders and their callers (all of it **I**).

Lists and certificates are DER over plain GET, as responders everywhere give them. Events
(revoke, suspend, resume) go through the side door of trainers and tools, with a token.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints

from sandbox.errors import Unavailable
from sandbox.wire.http import client, get_bytes, json_of, retry_after_of

CRL_PATH = "/ca/crl/{issuer}.crl"
OCSP_PATH = "/ca/ocsp/{issuer}"
EVENTS_PATH = "/ca/v1/su-kien"
PERSONAS_PATH = "/ca/v1/nhan-vat"

IssuerCode = Literal["GIA_LAP_CA", "GIA_LAP_CO_YEU"]
Serial = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{1,40}$")]
"""Serial number in hex; compared as a number."""


class EventKind(StrEnum):
    """What can happen to a certificate after it was issued."""

    REVOKE = "thu_hoi"
    SUSPEND = "tam_dung"
    RESUME = "mo_lai"


class CertificateEvent(BaseModel):
    """Body of `POST /ca/v1/su-kien`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to_chuc_cap: IssuerCode
    so_hieu: Serial
    su_kien: EventKind
    luc: AwareDatetime | None = None
    """When it counts from, by the space clock; without it, now. May lie in the future."""


class RecordedEvent(BaseModel):
    """One event as it was written down."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    thu_tu: int
    to_chuc_cap: IssuerCode
    so_hieu: Serial
    su_kien: EventKind
    luc: AwareDatetime


class PersonaRow(BaseModel):
    """A persona of the gallery with certificate and key: a row of `GET /ca/v1/nhan-vat`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    ma: str
    vi_tri: Literal["GVCN", "CBQL", "KY_PHAT_HANH"]
    ten: str = ""
    """Common name of the certificate."""
    so_hieu: str
    chung_thu: str
    """PEM."""
    khoa: str = ""
    """Private key, PKCS#8 PEM: for a practice phone."""
    tra_loi: str
    """First code of the sample record at the desk; "0" accepted."""
    tra_loi_goi: str | None = None
    """Code of the whole package, when the desk refuses that."""


def list_personas(
    base_url: str, *, token: str, allowed: Collection[str] = ()
) -> tuple[PersonaRow, ...]:
    """Return the gallery of one space, keys included; blocking.

    *token* as in `record_event`. Raises `Unavailable` for no answer, or one that is not 200.
    """
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with client(base_url.rstrip("/"), headers=headers, allowed=allowed) as responders:
            response = responders.get(PERSONAS_PATH)
    except httpx.HTTPError as error:
        raise Unavailable(f"{base_url}{PERSONAS_PATH}: {type(error).__name__}") from error
    if response.status_code != 200:
        raise Unavailable(f"{PERSONAS_PATH}: {response.status_code}")
    return tuple(PersonaRow.model_validate(row) for row in json_of(response))


def fetch_crl(base_url: str, issuer: str, *, allowed: Collection[str] = ()) -> bytes:
    """Return the DER of *issuer*'s list in one space; blocking, for workers.

    *base_url* is the responders' address with the space in it (`…/s/{space}`, nothing for the
    practice space). Raises `Unavailable` when there is no answer in time.
    """
    return get_bytes(base_url.rstrip("/") + CRL_PATH.format(issuer=issuer), allowed=allowed)


def ask_ocsp(base_url: str, issuer: str, request: bytes, *, allowed: Collection[str] = ()) -> bytes:
    """Return the DER of *issuer*'s answer to an OCSP request in one space; blocking, for workers.

    *base_url* as in `fetch_crl`. Raises `Unavailable` when there is no answer in time.
    """
    path = OCSP_PATH.format(issuer=issuer)
    headers = {"Content-Type": "application/ocsp-request"}
    try:
        with client(base_url.rstrip("/"), headers=headers, allowed=allowed) as responders:
            response = responders.post(path, content=request)
    except httpx.HTTPError as error:
        raise Unavailable(f"{base_url}{path}: {type(error).__name__}") from error
    if response.status_code != 200:
        raise Unavailable(f"{path}: {response.status_code}", retry_after=retry_after_of(response))
    return response.content


def record_event(
    base_url: str,
    *,
    token: str,
    issuer: IssuerCode,
    serial: str,
    kind: EventKind,
    at: datetime | None = None,
    allowed: Collection[str] = (),
) -> RecordedEvent:
    """Have an event written down in one space and return it as it was.

    *token* is the installation's admin or internal token; *at* is space time, by default now.
    Raises `Unavailable` for no answer, or one that is not 201; `ValueError` for an event that
    contradicts what happened before (409) or is malformed (4xx).
    """
    event = CertificateEvent(to_chuc_cap=issuer, so_hieu=serial, su_kien=kind, luc=at)
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with client(base_url.rstrip("/"), headers=headers, allowed=allowed) as responders:
            response = responders.post(EVENTS_PATH, json=event.model_dump(mode="json"))
    except httpx.HTTPError as error:
        raise Unavailable(f"{base_url}{EVENTS_PATH}: {type(error).__name__}") from error
    if 400 <= response.status_code < 500:
        raise ValueError(f"{EVENTS_PATH}: {response.status_code} {response.text[:200]}")
    if response.status_code != 201:
        raise Unavailable(
            f"{EVENTS_PATH}: {response.status_code}", retry_after=retry_after_of(response)
        )
    return RecordedEvent.model_validate(json_of(response))
