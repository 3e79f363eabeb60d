"""Certificate revocation lists (RFC 5280 §5), with the sandbox's memory of past suspensions.

A CRL forgets a suspension once it is lifted, yet a record signed meanwhile stays refused
(SBX-3015). The practice CRL therefore keeps every suspension period in a private extension (**I**,
spec/transactions.md §6), under the enterprise number set aside for documentation (RFC 5612).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes, serialization

from sandbox.errors import Unavailable
from sandbox.pki.authority import Issuer
from sandbox.pki.certificate import Certificate

SUSPENSIONS: Final = x509.ObjectIdentifier("1.3.6.1.4.1.32473.2088.1")
"""Private extension: SEQUENCE OF SEQUENCE { serial, since, until OPTIONAL }."""

CertificateState = Literal["good", "suspended", "revoked"]


@dataclass(frozen=True, slots=True)
class Suspension:
    """One period in which a certificate was on hold: from `since` on, up to `until` (exclusive)."""

    since: datetime
    until: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Say whether *at* lies in the period."""
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True)
class CertificateHistory:
    """What happened to one certificate: an entry for `build_crl`."""

    serial: int
    revoked_at: datetime | None = None
    suspensions: tuple[Suspension, ...] = ()


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A CRL whose signature was checked."""

    issuer_name: str
    number: int
    this_update: datetime
    next_update: datetime
    revoked: Mapping[int, datetime]
    suspended: Mapping[int, tuple[Suspension, ...]]

    def state_at(self, serial: int, at: datetime) -> CertificateState:
        """Return what the certificate's state was at *at*; revocation is final and wins."""
        revoked_at = self.revoked.get(serial)
        if revoked_at is not None and revoked_at <= at:
            return "revoked"
        if any(period.covers(at) for period in self.suspended.get(serial, ())):
            return "suspended"
        return "good"


@asn1.sequence
class _Period:
    serial: int
    since: asn1.GeneralizedTime
    until: asn1.GeneralizedTime | None


@asn1.sequence
class _Periods:
    periods: list[_Period]


def build_crl(
    issuer: Issuer,
    entries: Iterable[CertificateHistory],
    *,
    this_update: datetime,
    next_update: datetime,
    number: int,
) -> bytes:
    """Return the DER of *issuer*'s CRL; the same arguments give the same bytes.

    A certificate on hold at *this_update* stands in it as certificateHold, a revoked one without
    a reason; whole seconds only.
    """
    histories = sorted(entries, key=lambda history: history.serial)
    subject = x509.load_der_x509_certificate(issuer.certificate.der).subject
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(subject)
        .last_update(_second(this_update))
        .next_update(_second(next_update))
        .add_extension(x509.CRLNumber(number), False)
    )
    for history in histories:
        entry = _entry(history, this_update)
        if entry is not None:
            builder = builder.add_revoked_certificate(entry)
    periods = _Periods(periods=[p for history in histories for p in _periods(history)])
    if periods.periods:
        remembered = x509.UnrecognizedExtension(SUSPENSIONS, asn1.encode_der(periods))
        builder = builder.add_extension(remembered, False)
    made = builder.sign(issuer.key.material, hashes.SHA256(), ecdsa_deterministic=True)
    return made.public_bytes(serialization.Encoding.DER)


def read_crl(der: bytes, issuer: Certificate) -> RevocationList:
    """Return the CRL of *issuer* in *der*.

    Raises `Unavailable` when it cannot be read, names another issuer or was signed by another
    key: who checks then waits for a better one and refuses nobody.
    """
    authority = x509.load_der_x509_certificate(issuer.der)
    try:
        found = x509.load_der_x509_crl(der)
        sound = found.is_signature_valid(authority.public_key())  # type: ignore[arg-type]
        named = found.issuer == authority.subject
        next_update = found.next_update_utc
        if not (sound and named and next_update is not None):
            raise Unavailable(f"CRL not made by {issuer.subject_rfc4514}")
        revoked, holds = _listed(found)
        number = found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        suspended = _remembered(found, holds)
    except (ValueError, TypeError, x509.ExtensionNotFound) as fault:
        raise Unavailable(f"CRL of {issuer.subject_rfc4514} cannot be read: {fault}") from fault
    return RevocationList(
        issuer_name=issuer.subject_rfc4514,
        number=number,
        this_update=found.last_update_utc,
        next_update=next_update,
        revoked=revoked,
        suspended=suspended,
    )


def _entry(history: CertificateHistory, at: datetime) -> x509.RevokedCertificate | None:
    builder = x509.RevokedCertificateBuilder().serial_number(history.serial)
    if history.revoked_at is not None:
        return builder.revocation_date(_second(history.revoked_at)).build()
    on_hold = next((s for s in history.suspensions if s.covers(at)), None)
    if on_hold is None:
        return None
    reason = x509.CRLReason(x509.ReasonFlags.certificate_hold)
    return builder.revocation_date(_second(on_hold.since)).add_extension(reason, False).build()


def _periods(history: CertificateHistory) -> list[_Period]:
    return [
        _Period(
            serial=history.serial,
            since=asn1.GeneralizedTime(_second(period.since)),
            until=None if period.until is None else asn1.GeneralizedTime(_second(period.until)),
        )
        for period in history.suspensions
    ]


def _listed(
    found: x509.CertificateRevocationList,
) -> tuple[dict[int, datetime], dict[int, tuple[Suspension, ...]]]:
    """Split the listed certificates into revoked ones and ones on hold."""
    revoked: dict[int, datetime] = {}
    holds: dict[int, tuple[Suspension, ...]] = {}
    for entry in found:
        if _is_hold(entry):
            holds[entry.serial_number] = (Suspension(entry.revocation_date_utc),)
        else:
            revoked[entry.serial_number] = entry.revocation_date_utc
    return revoked, holds


def _is_hold(entry: x509.RevokedCertificate) -> bool:
    try:
        said = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return False
    return said is x509.ReasonFlags.certificate_hold


def _remembered(
    found: x509.CertificateRevocationList, holds: dict[int, tuple[Suspension, ...]]
) -> dict[int, tuple[Suspension, ...]]:
    """Return all known periods; a hold without the extension counts from its date on."""
    try:
        extension = found.extensions.get_extension_for_oid(SUSPENSIONS).value
    except x509.ExtensionNotFound:
        return holds
    if not isinstance(extension, x509.UnrecognizedExtension):
        return holds
    periods: dict[int, tuple[Suspension, ...]] = {}
    for period in asn1.decode_der(_Periods, extension.value).periods:
        until = None if period.until is None else period.until.as_datetime()
        known = periods.get(period.serial, ())
        periods[period.serial] = (*known, Suspension(period.since.as_datetime(), until))
    return holds | periods


def _second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
