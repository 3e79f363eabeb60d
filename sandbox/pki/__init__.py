"""The training authority: keys, certificates, revocation lists and who is believed.

Everything is decided by a seed and the moments passed in; nothing here reads a clock.
"""

from sandbox.pki.authority import (
    DEFAULT_NOT_AFTER,
    DEFAULT_NOT_BEFORE,
    Issuer,
    Profile,
    TrainingAuthority,
)
from sandbox.pki.certificate import SIGNING_USAGE, Certificate, CertificateError, KeyUsage
from sandbox.pki.crl import (
    CertificateHistory,
    CertificateState,
    RevocationList,
    Suspension,
    build_crl,
    read_crl,
)
from sandbox.pki.keys import PrivateKey, PublicKey, SignatureAlgorithm, derive_p256, derive_p384
from sandbox.pki.names import (
    ISSUER_NAMES,
    PersonSubject,
    Subject,
    UnitSubject,
    parse_rfc4514,
)
from sandbox.pki.rsa_pool import RsaPool, derive_rsa
from sandbox.pki.trust import Trust

__all__ = [
    "DEFAULT_NOT_AFTER",
    "DEFAULT_NOT_BEFORE",
    "ISSUER_NAMES",
    "SIGNING_USAGE",
    "Certificate",
    "CertificateError",
    "CertificateHistory",
    "CertificateState",
    "Issuer",
    "KeyUsage",
    "PersonSubject",
    "PrivateKey",
    "Profile",
    "PublicKey",
    "RevocationList",
    "RsaPool",
    "SignatureAlgorithm",
    "Subject",
    "Suspension",
    "TrainingAuthority",
    "Trust",
    "UnitSubject",
    "build_crl",
    "derive_p256",
    "derive_p384",
    "derive_rsa",
    "parse_rfc4514",
    "read_crl",
]
