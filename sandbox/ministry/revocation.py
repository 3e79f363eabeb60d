"""Revocation lists as checking reads them: over HTTP, at most 60 s old by the machine clock.

The responders are a neighbour: away means that a package waits, never that it is refused
(transactions §6).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.clock import Clock, SpaceTime
from sandbox.errors import Unavailable
from sandbox.pki import Certificate, RevocationList, Trust, read_crl
from sandbox.pki.names import ISSUER_NAMES
from sandbox.web.spaces import Space

FRESH_S = 60.0
"""How old a revocation list may be, machine seconds."""

Fetch = Callable[[Space, str], bytes]
"""(space, issuer code) → DER of the issuer's list in that space; raises `Unavailable`."""


@dataclass(frozen=True, slots=True)
class _Kept:
    found: RevocationList
    fetched: float


class RevocationReader:
    """Reads and keeps the lists of every space; one object serves all threads of a process."""

    def __init__(
        self,
        fetch: Fetch,
        *,
        trust: Trust,
        clock: Clock,
        looked: Callable[[bool], None] | None = None,
    ) -> None:
        self._fetch, self._clock = fetch, clock
        self._looked = looked or (lambda _hit: None)
        self._issuers = {issuer.subject_rfc4514: issuer for issuer in trust.issuers}
        self._kept: dict[tuple[str, SpaceTime, str], _Kept] = {}
        self._lock = threading.Lock()

    def of(self, space: Space) -> Callable[[str], RevocationList]:
        """Return the reader of *space*: issuer name → list; it raises `Unavailable`."""
        return lambda issuer_name: self.read(space, issuer_name)

    def read(self, space: Space, issuer_name: str) -> RevocationList:
        """Return the list of *issuer_name* in *space*.

        Raises:
            Unavailable: no list at most 60 s old is at hand; the message names the issuer.
        """
        issuer = self._issuers.get(issuer_name)
        if issuer is None:
            raise Unavailable(f"CRL {issuer_name}")
        # A clock that was moved is another clock: what it has not reached yet is not listed.
        key = (space.id, space.time, issuer_name)
        now = self._clock.monotonic()
        with self._lock:
            kept = self._kept.get(key)
        fresh = kept is not None and now - kept.fetched <= FRESH_S
        self._looked(fresh)
        if kept is not None and fresh:
            return kept.found
        found = self._read(space, issuer)
        with self._lock:
            self._forget_stale(now)
            self._kept[key] = _Kept(found, now)
        return found

    def _forget_stale(self, now: float) -> None:
        stale = [key for key, kept in self._kept.items() if now - kept.fetched > FRESH_S]
        for key in stale:
            del self._kept[key]

    def _read(self, space: Space, issuer: Certificate) -> RevocationList:
        try:
            return read_crl(self._fetch(space, issuer_code_of(issuer)), issuer)
        except Unavailable as away:
            code = issuer_code_of(issuer)
            raise Unavailable(f"CRL {code}", retry_after=away.retry_after) from away


_CODES = {name: code for code, name in ISSUER_NAMES.items()}


def issuer_code_of(issuer: Certificate) -> str:
    """Return the code of service 3.3 under which an issuing CA publishes."""
    return _CODES.get(issuer.common_name, issuer.common_name)
