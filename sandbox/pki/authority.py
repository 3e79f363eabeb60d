"""The training authority: one root, two issuing CAs, all of it decided by a seed.

    BẢN TẬP - CA gốc giả lập
    ├── GIA_LAP_CA       plays the public CAs: teachers, staff, private schools
    └── GIA_LAP_CO_YEU   plays the government's CA: managers, school seals, Sở, ministry

The same seed gives the same bytes on every machine: P-256 keys derived by name, deterministic
ECDSA, serials by label. Practice certificates name no CRL distribution point: a CRL belongs to a
space and an installation's port is not known when its certificates are made, while their bytes
must not depend on either; who checks asks the responder of the space (`/ca/crl/…`).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from sandbox.clock import VIETNAM
from sandbox.pki.certificate import SIGNING_USAGE, Certificate, KeyUsage
from sandbox.pki.keys import PrivateKey, PublicKey, derive_p256, expand
from sandbox.pki.names import (
    ISSUER_NAMES,
    ROOT_NAME,
    PersonSubject,
    Subject,
    practice_name,
)

DEFAULT_NOT_BEFORE: Final = datetime(2024, 1, 1, tzinfo=VIETNAM)
DEFAULT_NOT_AFTER: Final = datetime(2026, 12, 31, 23, 59, 59, tzinfo=VIETNAM)
"""Validity of practice certificates, local days (spec/record-format.md §5.6)."""

_ROOT_SPAN: Final = (
    datetime(2020, 1, 1, tzinfo=VIETNAM),
    datetime(2044, 12, 31, 23, 59, 59, tzinfo=VIETNAM),
)
_ISSUER_SPAN: Final = (
    datetime(2020, 1, 1, tzinfo=VIETNAM),
    datetime(2034, 12, 31, 23, 59, 59, tzinfo=VIETNAM),
)
_AUTHORITY_USAGE: Final = frozenset({KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN})
_SHA256: Final = hashes.SHA256()
_LABEL_BYTES: Final = 10
_CHECK_BYTES: Final = 6


class Profile(StrEnum):
    """Who gets a certificate (spec/signing-practice.md §2)."""

    TEACHER = "teacher"
    PRINCIPAL = "principal"
    SCHOOL_SEAL = "school seal"
    DEPARTMENT = "department"
    MINISTRY = "ministry"

    @property
    def names_person(self) -> bool:
        """Whether the certificate names a person; otherwise a unit."""
        return self in (Profile.TEACHER, Profile.PRINCIPAL)

    @property
    def issuer(self) -> str:
        """Code of the issuing CA: the government's for all but teachers."""
        return "GIA_LAP_CA" if self is Profile.TEACHER else "GIA_LAP_CO_YEU"


@dataclass(frozen=True, slots=True)
class Issuer:
    """A CA: its certificate and the key that signs certificates and CRLs."""

    code: str
    certificate: Certificate
    key: PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class TrainingAuthority:
    """The one authority of an installation."""

    seed: str = field(repr=False)
    root: Issuer
    issuers: Mapping[str, Issuer]
    """`GIA_LAP_CA` and `GIA_LAP_CO_YEU`."""

    @classmethod
    def from_seed(cls, seed: str) -> TrainingAuthority:
        """Return the authority that *seed* decides, byte for byte."""
        key = derive_p256(seed, "authority root")
        subject = practice_name(ROOT_NAME)
        root = Issuer(
            "GOC",
            _sealed(
                subject=subject,
                public_key=key.public_key,
                issuer_name=subject,
                issuer_key=key,
                serial=_serial(seed, "authority root"),
                span=_ROOT_SPAN,
                usage=_AUTHORITY_USAGE,
                path_length=1,
            ),
            key,
        )
        issuers = {code: _issuing(seed, code, root) for code in ISSUER_NAMES}
        return cls(seed, root, MappingProxyType(issuers))

    def issue(
        self,
        subject: Subject,
        public_key: PublicKey,
        *,
        issuer: str = "GIA_LAP_CA",
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        key_usage: frozenset[KeyUsage] = SIGNING_USAGE,
        serial_label: str,
    ) -> Certificate:
        """Return a certificate for *subject*; the same arguments give the same bytes.

        The serial comes from issuer and *serial_label*: give every certificate its own label.
        Raises `KeyError` for an issuer that is neither of the two.
        """
        authority = self.issuers[issuer]
        return _sealed(
            subject=practice_name(subject.name, uid=subject.uid),
            public_key=public_key,
            issuer_name=practice_name(ISSUER_NAMES[issuer]),
            issuer_key=authority.key,
            serial=_serial_of(self.seed, issuer, serial_label),
            span=(not_before or DEFAULT_NOT_BEFORE, not_after or DEFAULT_NOT_AFTER),
            usage=key_usage,
            path_length=None,
        )

    def issue_as(
        self, profile: Profile, *, subject: Subject, public_key: PublicKey, serial_label: str
    ) -> Certificate:
        """Return a certificate of *profile*, from the issuing CA that goes with it.

        Raises `ValueError` when the profile is for a person and *subject* a unit, or the reverse.
        """
        if isinstance(subject, PersonSubject) is not profile.names_person:
            raise ValueError(f"profile {profile.name} does not go with {subject!r}")
        return self.issue(subject, public_key, issuer=profile.issuer, serial_label=serial_label)

    def has_issued(self, issuer: str, serial: int) -> bool:
        """Say whether *issuer* ever gave out *serial*: its own serials carry a keyed check.

        That is how a responder tells "good" from "unknown" (RFC 6960 §2.2) without a list of all
        certificates, most of which are made on the spot from a seed. A made-up serial passes once
        in 2⁴⁸. Raises `KeyError` for an issuer that is neither of the two.
        """
        head, tail = divmod(serial, 1 << 8 * _CHECK_BYTES)
        if issuer not in self.issuers:
            raise KeyError(issuer)
        if not 0 <= head < 1 << 8 * _LABEL_BYTES:
            return False
        expected = _check_of(self.seed, issuer, head.to_bytes(_LABEL_BYTES, "big"))
        return hmac.compare_digest(tail.to_bytes(_CHECK_BYTES, "big"), expected)

    def ocsp_responder(self, code: str) -> Issuer:
        """Return the responder that issuing CA *code* appointed (RFC 6960 §4.2.2.2).

        Its certificate may sign answers and nothing else, and is itself not asked about. Raises
        `KeyError` for an issuer that is neither of the two.
        """
        issuer = self.issuers[code]
        label = f"ocsp responder {code}"
        key = derive_p256(self.seed, label)
        certificate = _sealed(
            subject=practice_name(f"{ISSUER_NAMES[code]} - OCSP"),
            public_key=key.public_key,
            issuer_name=practice_name(ISSUER_NAMES[code]),
            issuer_key=issuer.key,
            serial=_serial_of(self.seed, code, label),
            span=_ISSUER_SPAN,
            usage=frozenset({KeyUsage.DIGITAL_SIGNATURE}),
            path_length=None,
            more=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), x509.OCSPNoCheck()),
        )
        return Issuer(code, certificate, key)

    @property
    def issuer_certificates(self) -> list[bytes]:
        """DER of the two issuing CAs: what `Trust` takes."""
        return [issuer.certificate.der for issuer in self.issuers.values()]

    @property
    def chain_pem(self) -> str:
        """The issuing CAs and the root as one PEM text, as handed out to organisations."""
        certificates = [i.certificate for i in self.issuers.values()]
        return "".join(c.pem for c in [*certificates, self.root.certificate])


def _issuing(seed: str, code: str, root: Issuer) -> Issuer:
    key = derive_p256(seed, f"authority {code}")
    certificate = _sealed(
        subject=practice_name(ISSUER_NAMES[code]),
        public_key=key.public_key,
        issuer_name=practice_name(ROOT_NAME),
        issuer_key=root.key,
        serial=_serial(seed, f"authority {code}"),
        span=_ISSUER_SPAN,
        usage=_AUTHORITY_USAGE,
        path_length=0,
    )
    return Issuer(code, certificate, key)


def _serial(seed: str, label: str) -> int:
    """Return a positive serial of 16 bytes whose first byte is never 0 and never negative."""
    raw = expand(seed, f"serial|{label}", 16)
    return int.from_bytes(bytes([raw[0] & 0x3F | 0x40]) + raw[1:], "big")


def _serial_of(seed: str, issuer: str, label: str) -> int:
    """Return a serial of 16 bytes: ten the label decides, six that only the issuer can make."""
    raw = expand(seed, f"serial|{issuer}|{label}", _LABEL_BYTES)
    head = bytes([raw[0] & 0x3F | 0x40]) + raw[1:]
    return int.from_bytes(head + _check_of(seed, issuer, head), "big")


def _check_of(seed: str, issuer: str, head: bytes) -> bytes:
    return expand(seed, f"serial check|{issuer}|{head.hex()}", _CHECK_BYTES)


def _sealed(
    *,
    subject: x509.Name,
    public_key: PublicKey,
    issuer_name: x509.Name,
    issuer_key: PrivateKey,
    serial: int,
    span: tuple[datetime, datetime],
    usage: frozenset[KeyUsage],
    path_length: int | None,
    more: tuple[x509.ExtensionType, ...] = (),
) -> Certificate:
    is_authority = KeyUsage.KEY_CERT_SIGN in usage
    subject_key = serialization.load_der_public_key(public_key.der)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(subject_key)  # type: ignore[arg-type]  # the library refuses a wrong kind itself
        .serial_number(serial)
        .not_valid_before(span[0])
        .not_valid_after(span[1])
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=path_length), True)
        .add_extension(_usage_extension(usage), True)
        .add_extension(_key_identifier(public_key), False)
        .add_extension(_authority_identifier(issuer_key.public_key), False)
    )
    for extension in more:
        builder = builder.add_extension(extension, False)
    made = builder.sign(issuer_key.material, _SHA256, ecdsa_deterministic=True)
    return Certificate.from_der(made.public_bytes(serialization.Encoding.DER))


def _usage_extension(usage: frozenset[KeyUsage]) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=KeyUsage.DIGITAL_SIGNATURE in usage,
        content_commitment=KeyUsage.NON_REPUDIATION in usage,
        key_encipherment=KeyUsage.KEY_ENCIPHERMENT in usage,
        data_encipherment=KeyUsage.DATA_ENCIPHERMENT in usage,
        key_agreement=KeyUsage.KEY_AGREEMENT in usage,
        key_cert_sign=KeyUsage.KEY_CERT_SIGN in usage,
        crl_sign=KeyUsage.CRL_SIGN in usage,
        encipher_only=False,
        decipher_only=False,
    )


def _key_identifier(key: PublicKey) -> x509.SubjectKeyIdentifier:
    loaded = serialization.load_der_public_key(key.der)
    return x509.SubjectKeyIdentifier.from_public_key(loaded)  # type: ignore[arg-type]


def _authority_identifier(key: PublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(_key_identifier(key))
