"""Keys: derived by name, signing in the form XMLDSig writes.

P-256 keys come from a seed and a label and sign deterministically (RFC 6979), so that golden data
is the same bytes on every machine. For practice only: whoever knows the seed knows the keys.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)

_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_COORDINATE: Final = 32
"""Bytes of r and of s for P-256."""

_SHA256: Final = hashes.SHA256()
_PREHASHED: Final = Prehashed(_SHA256)
_ECDSA: Final = ec.ECDSA(_SHA256)
_ECDSA_DETERMINISTIC: Final = ec.ECDSA(_PREHASHED, deterministic_signing=True)
_PKCS1: Final = padding.PKCS1v15()
_PSS: Final = padding.PSS(mgf=padding.MGF1(_SHA256), salt_length=32)


class SignatureAlgorithm(StrEnum):
    """The SignatureMethod URIs the sandbox accepts (spec/record-format.md §5.3)."""

    RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
    ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
    RSA_PSS_SHA256 = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that checks signatures written the way XMLDSig writes them."""

    der: bytes
    """SubjectPublicKeyInfo."""
    kind: str
    """EC-P256, RSA-2048, RSA-1024, EC-SECP384R1, … or OTHER for what XMLDSig here never uses."""
    _key: object = field(repr=False, compare=False)

    @classmethod
    def from_der(cls, der: bytes) -> PublicKey:
        """Read a SubjectPublicKeyInfo; a key of an unknown kind is kind OTHER and fits nothing."""
        try:
            key = serialization.load_der_public_key(der)
        except (ValueError, UnsupportedAlgorithm):
            return cls(der, "OTHER", None)
        return cls(der, _kind(key), key)

    @property
    def is_rsa(self) -> bool:
        """Whether this is an RSA key."""
        return self.kind.startswith("RSA-")

    @property
    def bits(self) -> int:
        """Size of the modulus or the field; 0 for kind OTHER."""
        key = self._key
        return key.key_size if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else 0

    def verifies(self, signature: bytes, data: bytes, *, algorithm: str) -> bool:
        """Say whether *signature* over *data* is this key's by *algorithm*, a SignatureMethod URI.

        ECDSA values are r ‖ s, 64 bytes; an algorithm that does not go with the key is a no.
        """
        key: Any = self._key
        try:
            # by its name: asking an abstract class took nearly 3 % of the checkers' time
            if self.is_rsa:
                if algorithm == SignatureAlgorithm.RSA_SHA256:
                    key.verify(signature, data, _PKCS1, _SHA256)
                    return True
                if algorithm == SignatureAlgorithm.RSA_PSS_SHA256:
                    key.verify(signature, data, _PSS, _SHA256)
                    return True
            elif (
                self.kind.startswith("EC-")
                and algorithm == SignatureAlgorithm.ECDSA_SHA256
                and len(signature) == 2 * _COORDINATE
            ):
                key.verify(_to_der(signature), data, _ECDSA)
                return True
        except InvalidSignature:
            return False
        return False


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key that signs in the form XMLDSig writes: r ‖ s, PKCS#1 v1.5, or PSS if asked.

    ECDSA and PKCS#1 v1.5 values depend on key and data alone; PSS is salted and differs each time.
    """

    _key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = field(repr=False)
    pss: bool = False

    @classmethod
    def from_pem(cls, pem: str | bytes) -> PrivateKey:
        """Read an unencrypted PKCS#8 or traditional PEM. Raises `ValueError` when it is none."""
        raw = pem.encode() if isinstance(pem, str) else pem
        try:
            key = serialization.load_pem_private_key(raw, password=None)
        except (TypeError, UnsupportedAlgorithm) as fault:
            raise ValueError(str(fault)) from fault
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise ValueError("neither an RSA nor an EC private key")
        return cls(key)

    @classmethod
    def from_rsa_primes(cls, p: int, q: int, *, exponent: int = 65537) -> PrivateKey:
        """Build an RSA key from its two primes. Raises `ValueError` when they do not fit."""
        d = pow(exponent, -1, (p - 1) * (q - 1))
        numbers = rsa.RSAPrivateNumbers(
            p=p,
            q=q,
            d=d,
            dmp1=rsa.rsa_crt_dmp1(d, p),
            dmq1=rsa.rsa_crt_dmq1(d, q),
            iqmp=rsa.rsa_crt_iqmp(p, q),
            public_numbers=rsa.RSAPublicNumbers(exponent, p * q),
        )
        return cls(numbers.private_key())

    def with_pss(self) -> PrivateKey:
        """Return the same RSA key signing by RSASSA-PSS, salt 32 bytes."""
        return PrivateKey(self._key, pss=True)

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """The SignatureMethod this key's values go with."""
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return SignatureAlgorithm.ECDSA_SHA256
        return SignatureAlgorithm.RSA_PSS_SHA256 if self.pss else SignatureAlgorithm.RSA_SHA256

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return PublicKey.from_der(
            self._key.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    def sign(self, data: bytes) -> bytes:
        """Sign *data* (SHA-256 is taken here)."""
        return self.sign_digest(hashlib.sha256(data).digest())

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign a SHA-256 *digest*, 32 bytes. Raises `ValueError` for any other length."""
        key = self._key
        if isinstance(key, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(key.sign(digest, _ECDSA_DETERMINISTIC))
            size = (key.key_size + 7) // 8
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        return key.sign(digest, _PSS if self.pss else _PKCS1, _PREHASHED)

    def pem(self) -> str:
        """Return the key as unencrypted PKCS#8 PEM."""
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    @property
    def material(self) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
        """The library's key object, for issuing certificates."""
        return self._key


def derive_p256(seed: str, label: str) -> PrivateKey:
    """Return the P-256 key that belongs to *label* under *seed*; always the same one."""
    wide = expand(seed, f"p256|{label}", 48)
    # 128 bits more than the order: the remainder is even enough for practice and for real
    scalar = int.from_bytes(wide, "big") % (_P256_ORDER - 1) + 1
    return PrivateKey(ec.derive_private_key(scalar, ec.SECP256R1()))


def derive_p384(seed: str, label: str) -> PrivateKey:
    """Return the P-384 key of *label*: a good key on a curve that is not allowed (§5.3)."""
    # below the order, whose first 24 bytes are all ones
    scalar = int.from_bytes(b"\x01" + expand(seed, f"p384|{label}", 47), "big")
    return PrivateKey(ec.derive_private_key(scalar, ec.SECP384R1()))


def expand(seed: str, label: str, length: int) -> bytes:
    """Return *length* bytes that only *seed* and *label* decide."""
    key = hmac.new(seed.encode(), label.encode(), hashlib.sha256).digest()
    return hashlib.shake_256(key).digest(length)


def _to_der(signature: bytes) -> bytes:
    """Turn r ‖ s into the DER the library checks."""
    return encode_dss_signature(
        int.from_bytes(signature[:_COORDINATE], "big"),
        int.from_bytes(signature[_COORDINATE:], "big"),
    )


def _kind(key: object) -> str:
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "EC-P256" if isinstance(key.curve, ec.SECP256R1) else f"EC-{key.curve.name.upper()}"
    if isinstance(key, dsa.DSAPublicKey):
        return f"DSA-{key.key_size}"
    return "OTHER"
