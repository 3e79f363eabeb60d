"""Which certificates a desk believes in: the approved ones, and once approved ones (§6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from sandbox.ministry.model import CertificateState, DeskKind, RegisteredCertificate
from sandbox.ministry.registrations import serial_key
from sandbox.pki import Certificate


class DeskApprovals:
    """The certificates approved at one desk, looked up once per unit and package."""

    def __init__(
        self, kind: DeskKind, look_up: Callable[[str], Iterable[RegisteredCertificate]]
    ) -> None:
        self._kind, self._look_up = kind, look_up
        self._known: dict[str, dict[tuple[str, str], RegisteredCertificate]] = {}

    def _of(self, unit_code: str) -> dict[tuple[str, str], RegisteredCertificate]:
        if unit_code not in self._known:
            self._known[unit_code] = {
                (entry.serial_key, entry.issuer): entry
                for entry in self._look_up(unit_code)
                if entry.state in (CertificateState.APPROVED, CertificateState.REPLACED)
            }
        return self._known[unit_code]

    def _entry(self, unit_code: str, certificate: Certificate) -> RegisteredCertificate | None:
        return self._of(unit_code).get((serial_key(certificate.serial), certificate.issuer_name))

    def may_send(self, unit_code: str, certificate: Certificate) -> bool:
        """Tell whether *certificate* is the unit's approved one now."""
        entry = self._entry(unit_code, certificate)
        return entry is not None and entry.state is CertificateState.APPROVED

    def may_seal(self, school_code: str, certificate: Certificate) -> bool:
        """Tell whether *certificate* may have sealed records of the school.

        At the Kho of topology A only the Sở register: a school's certificate was approved at its
        Cổng, and the Sở answers for it with the package's signature. There a seal must be the
        school's own by its UID (**I**).
        """
        if self._entry(school_code, certificate) is not None:
            return True
        unknown_here = not self._of(school_code)
        return (
            self._kind is DeskKind.KHO and unknown_here and certificate.uid == f"MDV:{school_code}"
        )

    def replaced_at(self, school_code: str, certificate: Certificate) -> datetime | None:
        """Return when a once approved certificate was replaced, by the space clock."""
        entry = self._entry(school_code, certificate)
        if entry is None or entry.replaced_at is None:
            return None
        return datetime.fromisoformat(entry.replaced_at)
