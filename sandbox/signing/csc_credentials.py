"""Which credentials a caller may use, what they are, and whether they can sign at this moment."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sandbox.errors import Unavailable
from sandbox.pki import Certificate, read_crl
from sandbox.signing import holder_store
from sandbox.signing.csc_accounts import Caller
from sandbox.signing.csc_problems import CscRefused
from sandbox.signing.model import StoredCredential
from sandbox.signing.office import Office
from sandbox.web import Space, text
from sandbox.wire import csc as wire
from sandbox.wire.responders import fetch_crl
from sandbox.wire.signing import MAX_HASHES

PAGE = 20
"""Credentials on one page of `credentials/list`, unless fewer are asked for."""

State = Literal["valid", "early", "expired", "suspended", "revoked"]
_REFUSALS: dict[State, str] = {
    "early": "CERTIFICATE_EARLY",
    "expired": "CERTIFICATE_EXPIRED",
    "suspended": "CERTIFICATE_SUSPENDED",
    "revoked": "CERTIFICATE_REVOKED",
}


@dataclass(frozen=True, slots=True)
class Known:
    """A credential a caller may use, and how it stands."""

    stored: StoredCredential
    certificate: Certificate
    state: State
    asked: bool
    """Whether the responders said so, and not the dates alone."""

    @property
    def otp_online(self) -> bool:
        """Codes come by message for a person, from the time for a seal (**I**)."""
        return self.stored.kind == "person"

    def require_valid(self) -> None:
        """Raise `CscRefused` CERTIFICATE_… unless the key may sign now."""
        if self.state != "valid":
            raise CscRefused(_REFUSALS[self.state], subject=self.certificate.subject_rfc4514)


class Credentials:
    """Lists and describes credentials; suspension and revocation are asked of the responders.

    *responders_url*: their address without the space; None: there are none, and a certificate
    counts as neither suspended nor revoked.
    """

    def __init__(self, office: Office, *, responders_url: str | None = None) -> None:
        self._office, self._responders = office, responders_url

    def page(self, space: Space, caller: Caller, asked: wire.ListRequest) -> wire.ListReply:
        """Return a page of a user's credential identifiers. Raises `CscRefused`."""
        holder = self._user(space, caller, asked.user_id)
        start = _start(asked.page_token)
        with self._office.database.read() as connection:
            found = holder_store.credentials_of(connection, space.id, holder)
        if start and start >= len(found):
            raise CscRefused("INVALID_PARAMETER", name="pageToken")
        end = start + min(asked.max_results or PAGE, PAGE)
        return wire.ListReply(
            credential_ids=[credential.serial for credential in found[start:end]],
            next_page_token=_token(end) if end < len(found) else None,
        )

    def _user(self, space: Space, caller: Caller, user_id: str | None) -> str:
        if caller.holder is not None:
            if user_id is not None:
                raise CscRefused("USER_ID_GIVEN")
            return caller.holder
        if user_id is None:
            raise CscRefused("USER_ID_MISSING")
        with self._office.database.read() as connection:
            if holder_store.holder_of(connection, space.id, user_id) is None:
                raise CscRefused("USER_ID_UNKNOWN")
        return user_id

    def known(self, space: Space, caller: Caller, credential_id: str) -> Known:
        """Return a credential of this caller as it stands now.

        A responder that is away refuses nothing (architecture §6.4): the dates alone count then.
        Raises `CscRefused` CREDENTIAL_UNKNOWN, CREDENTIAL_OF_ANOTHER.
        """
        with self._office.database.read() as connection:
            stored = holder_store.credential_of(connection, space.id, credential_id)
        if stored is None:
            raise CscRefused("CREDENTIAL_UNKNOWN")
        if caller.holder not in (None, stored.holder):
            raise CscRefused("CREDENTIAL_OF_ANOTHER")
        certificate = Certificate.from_der(stored.certificate)
        said = self._said_by_responders(space, stored, certificate)
        return Known(stored, certificate, self._state(space, stored, said), said is not None)

    def _state(self, space: Space, stored: StoredCredential, said: str | None) -> State:
        at = space.now(self._office.clock)
        if at < stored.not_before:
            return "early"
        if said == "suspended":
            return "suspended"
        if said == "revoked":
            return "revoked"
        return "expired" if at > stored.not_after else "valid"

    def _said_by_responders(
        self, space: Space, stored: StoredCredential, certificate: Certificate
    ) -> str | None:
        """Return good, suspended or revoked; None when nobody answers."""
        if self._responders is None:
            return "good"
        issuer = self._office.authority.issuers[stored.issuer].certificate
        try:
            der = fetch_crl(self._responders + space.prefix, stored.issuer)
        except Unavailable:
            return None
        return read_crl(der, issuer).state_at(certificate.serial, space.now(self._office.clock))

    def info(
        self, space: Space, caller: Caller, asked: wire.CredentialRequest, *, language: str
    ) -> wire.CredentialReply:
        """Return everything about one credential. Raises what `known` does."""
        known = self.known(space, caller, asked.credential_id)
        certificate = known.certificate
        rsa = certificate.public_key.is_rsa
        return wire.CredentialReply(
            description=_said(
                language, f"description.{known.stored.kind}", name=known.stored.subject_name
            )[:255],
            key=wire.KeyInfo(
                status="enabled" if known.state == "valid" else "disabled",
                algo=[wire.SHA256_RSA_OID, wire.RSA_OID] if rsa else [wire.SHA256_ECDSA_OID],
                len=certificate.public_key.bits,
                curve=None if rsa else wire.P256_OID,
            ),
            cert=self._cert(known, asked),
            pin=_pin(language) if asked.auth_info else None,
            otp=_otp(known, language) if asked.auth_info else None,
            multisign=MAX_HASHES,
            lang=language,
        )

    def _cert(self, known: Known, asked: wire.CredentialRequest) -> wire.CertInfo:
        certificate, status = known.certificate, known.state
        chain = [certificate]
        if asked.certificates == "chain":
            authority = self._office.authority
            chain += [
                authority.issuers[known.stored.issuer].certificate,
                authority.root.certificate,
            ]
        told = wire.CertInfo(
            # The standard has no word for one not valid yet; and what nobody asked is not said.
            status=None if status == "early" or (status == "valid" and not known.asked) else status,
            certificates=None
            if asked.certificates == "none"
            else [base64.b64encode(one.der).decode() for one in chain],
        )
        if not asked.cert_info:
            return told
        return told.model_copy(
            update={
                "issuer_dn": certificate.issuer_name,
                "serial_number": certificate.serial_hex,
                "subject_dn": certificate.subject_rfc4514,
                "valid_from": _generalized(certificate.not_before),
                "valid_to": _generalized(certificate.not_after),
            }
        )


def _pin(language: str) -> wire.Factor:
    return wire.Factor(label=_said(language, "pin.label"), description=_said(language, "pin.text"))


def _otp(known: Known, language: str) -> wire.Factor:
    kind: Literal["online", "offline"] = "online" if known.otp_online else "offline"
    return wire.Factor(
        type=kind,
        label=_said(language, f"otp.{kind}.label"),
        description=_said(language, f"otp.{kind}.text"),
        id=known.stored.holder,
        provider=_said(language, "provider"),
    )


def _said(language: str, key: str, **values: object) -> str:
    return text(language, "chuyen_mon", f"signing.csc.{key}", **values)


def _generalized(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%d%H%M%SZ}"


def _token(start: int) -> str:
    return base64.urlsafe_b64encode(f"tu-{start}".encode()).decode()


def _start(page_token: str | None) -> int:
    if page_token is None:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(page_token.encode()).decode().partition("-")
        start = int(number)
    except (ValueError, binascii.Error):
        raise CscRefused("INVALID_PARAMETER", name="pageToken") from None
    if word != "tu" or start < 1:
        raise CscRefused("INVALID_PARAMETER", name="pageToken")
    return start
