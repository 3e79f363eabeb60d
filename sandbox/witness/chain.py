"""Certificates, as cryptography's own path builder sees them (RFC 5280 §6)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import verification

from sandbox.witness.opinion import Doubt, Reason

SMALLEST_RSA: Final = 2048


class Chain:
    """The training authority: roots that are believed, issuing CAs that lead to them."""

    def __init__(self, *, roots: Iterable[bytes], issuers: Iterable[bytes]) -> None:
        self._store = verification.Store([x509.load_der_x509_certificate(der) for der in roots])
        self._issuers = [x509.load_der_x509_certificate(der) for der in issuers]

    def require(self, certificate: x509.Certificate, *, at: datetime) -> None:
        """Require that *certificate* could sign a record at *at*.

        Raises `Doubt`: not valid then, not made for signing, a weak key, or no path to a root.
        """
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            span = f"{certificate.not_valid_before_utc} - {certificate.not_valid_after_utc}"
            raise Doubt(Reason.VALIDITY, detail=f"{at.isoformat()}: {span}")
        _require_key(certificate)
        _require_usage(certificate)
        everything = verification.ExtensionPolicy.permit_all()
        authority = verification.ExtensionPolicy.webpki_defaults_ca()
        builder = verification.PolicyBuilder().store(self._store).time(at)
        builder = builder.extension_policies(ee_policy=everything, ca_policy=authority)
        try:
            builder.build_client_verifier().verify(certificate, self._issuers)
        except verification.VerificationError as error:
            raise Doubt(Reason.CERTIFICATE, detail=error) from error


def _require_key(certificate: x509.Certificate) -> None:
    """The path builder passes over the size of a signer's own key."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= SMALLEST_RSA:
        return
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1":
        return
    raise Doubt(Reason.METHOD, detail=f"{type(key).__name__} {getattr(key, 'key_size', '')}")


def _require_usage(certificate: x509.Certificate) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError) as error:
        raise Doubt(Reason.KEY_USAGE, detail=error) from error
    if not (usage.digital_signature and usage.content_commitment):
        raise Doubt(Reason.KEY_USAGE, detail=usage)
