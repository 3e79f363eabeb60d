"""Which issuing CAs are believed: the practice authority's, and no other."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.pki.certificate import Certificate

_KEPT = 4096


class Trust:
    """A fixed set of issuing CAs.

    Raises `ValueError` for an empty set or a certificate that is no CA's: a trust in nobody, or in
    everybody, is a mistake.
    """

    def __init__(self, issuer_certificates: Iterable[bytes]) -> None:
        self.issuers = tuple(Certificate.from_der(der) for der in issuer_certificates)
        if not self.issuers or not all(issuer.is_authority for issuer in self.issuers):
            raise ValueError("trust needs the certificates of issuing CAs")
        self._by_name = {issuer.subject_rfc4514: issuer for issuer in self.issuers}
        self._known: dict[bytes, Certificate | None] = {}

    def issuer_of(self, certificate: Certificate) -> Certificate | None:
        """Return the believed CA whose key signed *certificate*, or None."""
        if certificate.der not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            issuer = self._by_name.get(certificate.issuer_name)
            believed = issuer is not None and certificate.is_issued_by(issuer)
            self._known[certificate.der] = issuer if believed else None
        return self._known[certificate.der]
