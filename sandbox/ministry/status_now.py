"""The state of a signer's certificate now, as its issuer's OCSP responder says it.

Public verification asks OCSP (transactions §6): the answer is of this moment, where a revocation
list may be a minute old. What was on hold once and is so no more stands in the list alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime

from sandbox.errors import Unavailable
from sandbox.ministry.revocation import issuer_code_of
from sandbox.pki import CertificateState, RevocationList, Trust
from sandbox.pki.ocsp import Status, StatusNow, build_request, read_response

_NONCE_OCTETS = 32

Ask = Callable[[str, bytes], bytes]
"""(issuer code, request) → the responder's answer; raises `Unavailable`."""


@dataclass(frozen=True, slots=True)
class AskedList(RevocationList):
    """A revocation list that asks about each certificate before it answers."""

    ask: Callable[[int], StatusNow]

    def state_at(self, serial: int, at: datetime) -> CertificateState:
        """Return the state at *at*: what OCSP says it has been since then, else the list's word.

        Raises `Unavailable` when the responder does not answer.
        """
        said = self.ask(serial)
        if said.since is not None and said.since <= at:
            return "suspended" if said.status is Status.SUSPENDED else "revoked"
        return RevocationList.state_at(self, serial, at)


class StatusAsker:
    """Asks about the certificates of one record, each once."""

    def __init__(
        self, ask: Ask, *, lists: Callable[[str], RevocationList], trust: Trust, at: datetime
    ) -> None:
        self._ask, self._lists, self._at = ask, lists, at
        self._issuers = {issuer.subject_rfc4514: issuer for issuer in trust.issuers}
        self._said: dict[tuple[str, int], StatusNow] = {}

    def status(self, issuer_name: str, serial: int) -> StatusNow:
        """Return what the responder of *issuer_name* says of *serial* now.

        Raises:
            Unavailable: no answer that can be believed; the message names the issuer.
        """
        if (issuer_name, serial) not in self._said:
            self._said[issuer_name, serial] = self._asked(issuer_name, serial)
        return self._said[issuer_name, serial]

    def lists(self, issuer_name: str) -> AskedList:
        """Return *issuer_name*'s list, which asks before it answers."""
        found = self._lists(issuer_name)
        known = {field.name: getattr(found, field.name) for field in fields(RevocationList)}
        return AskedList(**known, ask=lambda serial: self.status(issuer_name, serial))

    def _asked(self, issuer_name: str, serial: int) -> StatusNow:
        issuer = self._issuers[issuer_name]
        code = issuer_code_of(issuer)
        nonce = secrets.token_bytes(_NONCE_OCTETS)
        try:
            answer = self._ask(code, build_request(serial, issuer, nonce=nonce))
            return read_response(answer, serial, issuer, nonce=nonce, at=self._at)
        except Unavailable as away:
            raise Unavailable(f"OCSP {code}", retry_after=away.retry_after) from away
