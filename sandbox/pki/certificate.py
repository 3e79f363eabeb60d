"""A certificate, read once and then only looked at."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from sandbox.pki.keys import PublicKey
from sandbox.pki.names import ISSUER_NAMES, PRACTICE_ORGANISATION, ComparableName, comparable


class CertificateError(ValueError):
    """The bytes are no certificate; says what the reader stumbled over."""


class KeyUsage(StrEnum):
    """Names of RFC 5280 §4.2.1.3."""

    DIGITAL_SIGNATURE = "digitalSignature"
    NON_REPUDIATION = "nonRepudiation"
    KEY_ENCIPHERMENT = "keyEncipherment"
    DATA_ENCIPHERMENT = "dataEncipherment"
    KEY_AGREEMENT = "keyAgreement"
    KEY_CERT_SIGN = "keyCertSign"
    CRL_SIGN = "cRLSign"


SIGNING_USAGE = frozenset({KeyUsage.DIGITAL_SIGNATURE, KeyUsage.NON_REPUDIATION})
"""What a certificate that signs records says it is for (spec/record-format.md §5.6)."""


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """One X.509 certificate. Two are equal when their DER is."""

    der: bytes = field(repr=False)
    subject_rfc4514: str
    issuer_name: str
    """Subject of the issuing CA as RFC 4514 string; the key under which its CRL is kept."""
    serial: int
    common_name: str
    """"" when the subject has none or several."""
    uid: str
    """`CCCD:{personal id}` or `MDV:{unit code}`; "" when the subject has none or several."""
    not_before: datetime
    not_after: datetime
    public_key: PublicKey
    key_usage: frozenset[KeyUsage]
    is_authority: bool
    subject: ComparableName = field(repr=False)
    issuer_code: str
    """`GIA_LAP_CA`, `GIA_LAP_CO_YEU`, or "" for an issuer that is neither by name."""
    _x509: x509.Certificate = field(repr=False)

    @classmethod
    def from_der(cls, der: bytes) -> Certificate:
        """Read a DER certificate. Raises `CertificateError`."""
        return _read(bytes(der))

    @classmethod
    def from_pem(cls, pem: str | bytes) -> Certificate:
        """Read the first certificate of a PEM text. Raises `CertificateError`."""
        raw = pem.encode() if isinstance(pem, str) else pem
        try:
            return cls.from_der(_der_of(x509.load_pem_x509_certificate(raw)))
        except ValueError as fault:
            raise CertificateError(str(fault)) from fault

    @property
    def pem(self) -> str:
        """The certificate as PEM."""
        return self._x509.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def base64(self) -> str:
        """The DER in base64 without line breaks, as `X509Certificate` holds it."""
        return base64.b64encode(self.der).decode()

    @property
    def serial_hex(self) -> str:
        """Serial in upper-case hex, an even number of digits (spec/transactions.md §2.4)."""
        digits = f"{self.serial:X}"
        return digits if len(digits) % 2 == 0 else f"0{digits}"

    @property
    def public_key_kind(self) -> str:
        """EC-P256, RSA-2048, …."""
        return self.public_key.kind

    def is_issued_by(self, authority: Certificate) -> bool:
        """Say whether *authority* is named as issuer here and its key made the signature."""
        try:
            self._x509.verify_directly_issued_by(authority._x509)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            return False
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)


def reading_counts() -> tuple[int, int]:
    """Return how often this process found a certificate read already, and how often not."""
    counts = _read.cache_info()
    return counts.hits, counts.misses


@lru_cache(maxsize=128)
def _read(der: bytes) -> Certificate:
    """Read and take apart; kept, because a class of thirty carries the same three certificates."""
    try:
        found = x509.load_der_x509_certificate(der)
        issuer = found.issuer
        return Certificate(
            der=der,
            subject_rfc4514=found.subject.rfc4514_string(),
            issuer_name=issuer.rfc4514_string(),
            serial=found.serial_number,
            common_name=_only(found.subject, NameOID.COMMON_NAME),
            uid=_only(found.subject, NameOID.USER_ID),
            not_before=found.not_valid_before_utc,
            not_after=found.not_valid_after_utc,
            public_key=_public_key(found),
            key_usage=_usages(found),
            is_authority=_is_authority(found),
            subject=comparable(found.subject),
            issuer_code=_issuer_code(issuer),
            _x509=found,
        )
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.InvalidVersion,
    ) as fault:
        raise CertificateError(str(fault)) from fault


def _der_of(found: x509.Certificate) -> bytes:
    return found.public_bytes(serialization.Encoding.DER)


def _public_key(found: x509.Certificate) -> PublicKey:
    try:
        key = found.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return PublicKey(b"", "OTHER", None)
    return PublicKey.from_der(
        key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def _only(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if len(found) == 1 else ""


def _issuer_code(issuer: x509.Name) -> str:
    if _only(issuer, NameOID.ORGANIZATION_NAME) != PRACTICE_ORGANISATION:
        return ""
    common_name = _only(issuer, NameOID.COMMON_NAME)
    return next((code for code, name in ISSUER_NAMES.items() if name == common_name), "")


def _is_authority(found: x509.Certificate) -> bool:
    try:
        return found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _usages(found: x509.Certificate) -> frozenset[KeyUsage]:
    try:
        said = found.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return frozenset()
    bits = {
        KeyUsage.DIGITAL_SIGNATURE: said.digital_signature,
        KeyUsage.NON_REPUDIATION: said.content_commitment,
        KeyUsage.KEY_ENCIPHERMENT: said.key_encipherment,
        KeyUsage.DATA_ENCIPHERMENT: said.data_encipherment,
        KeyUsage.KEY_AGREEMENT: said.key_agreement,
        KeyUsage.KEY_CERT_SIGN: said.key_cert_sign,
        KeyUsage.CRL_SIGN: said.crl_sign,
    }
    return frozenset(usage for usage, is_set in bits.items() if is_set)
