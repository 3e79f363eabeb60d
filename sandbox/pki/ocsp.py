"""Online certificate status (RFC 6960): what a responder reads and answers, and what a client does.

Requests may ask about several certificates; each answer names the certificate as it was asked
about. Answers are signed by a responder of the issuing CA's own choosing (delegation, §2.6), which
carries `id-kp-OCSPSigning` and `id-pkix-ocsp-nocheck`. Good, on hold, revoked or unknown is said of
the moment of `thisUpdate`; the past of a suspension is in the CRL only.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from sandbox.errors import Unavailable
from sandbox.pki.authority import Issuer
from sandbox.pki.certificate import Certificate
from sandbox.pki.crl import CertificateHistory

MALFORMED: Final = b"\x30\x03\x0a\x01\x01"
"""The protocol's own answer to what is no request: OCSPResponse { malformedRequest }."""

LONGEST_NONCE: Final = 128
"""Octets of the nonce's value that are accepted (RFC 9654 §2.1)."""
MOST_QUESTIONS: Final = 32

_AHEAD: Final = timedelta(minutes=5)
_SUCCESSFUL: Final = b"\x0a\x01\x00"
_ON_HOLD: Final = b"\x0a\x01\x06"
_GOOD, _REVOKED, _UNKNOWN = b"\x80\x00", b"\xa1", b"\x82\x00"
_NONCE: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.48.1.2")
_BASIC: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.48.1.1")
_ECDSA_SHA256: Final = x509.ObjectIdentifier("1.2.840.10045.4.3.2")
_DIGESTS: Final = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_SIGNING: Final = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


class MalformedError(ValueError):
    """The bytes are no OCSP request this responder reads."""


class Status(StrEnum):
    """What a responder says of a certificate."""

    GOOD = "good"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StatusNow:
    """One certificate's status; *since* is there when it is on hold or revoked."""

    status: Status
    since: datetime | None = None

    @classmethod
    def of(cls, history: CertificateHistory | None, at: datetime) -> StatusNow:
        """Return what *history* (None: nothing ever happened) makes of *at*."""
        if history is None:
            return cls(Status.GOOD)
        if history.revoked_at is not None and history.revoked_at <= at:
            return cls(Status.REVOKED, history.revoked_at)
        held = next((s for s in history.suspensions if s.covers(at)), None)
        return cls(Status.GOOD) if held is None else cls(Status.SUSPENDED, held.since)


@asn1.sequence
class _Algorithm:
    oid: x509.ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class _CertId:
    algorithm: _Algorithm
    name_hash: bytes
    key_hash: bytes
    serial: int


@asn1.sequence
class _Extension:
    oid: x509.ObjectIdentifier
    critical: Annotated[bool, asn1.Default(False)]
    value: bytes


@asn1.sequence
class _Question:
    cert_id: _CertId
    extensions: Annotated[list[_Extension] | None, asn1.Explicit(0)]


@asn1.sequence
class _Questions:
    version: Annotated[int, asn1.Explicit(0), asn1.Default(0)]
    questions: list[_Question]
    extensions: Annotated[list[_Extension] | None, asn1.Explicit(2)]


@asn1.sequence
class _Request:
    asked: _Questions


@asn1.sequence
class _NamedQuestions:
    version: Annotated[int, asn1.Explicit(0), asn1.Default(0)]
    requestor: Annotated[asn1.TLV, asn1.Explicit(1)]
    questions: list[_Question]
    extensions: Annotated[list[_Extension] | None, asn1.Explicit(2)]


@asn1.sequence
class _SignedRequest:
    asked: _NamedQuestions
    signature: Annotated[asn1.TLV, asn1.Explicit(0)]


@asn1.sequence
class _Revoked:
    at: asn1.GeneralizedTime


@asn1.sequence
class _OnHold:
    at: asn1.GeneralizedTime
    reason: Annotated[asn1.TLV, asn1.Explicit(0)]


@asn1.sequence
class _Single:
    cert_id: _CertId
    status: asn1.TLV
    this_update: asn1.GeneralizedTime
    next_update: Annotated[asn1.GeneralizedTime, asn1.Explicit(0)]


@asn1.sequence
class _Data:
    responder: Annotated[bytes, asn1.Explicit(2)]
    produced_at: asn1.GeneralizedTime
    answers: list[_Single]
    extensions: Annotated[list[_Extension] | None, asn1.Explicit(1)]


@asn1.sequence
class _Basic:
    data: _Data
    algorithm: _Algorithm
    signature: asn1.BitString
    certificates: Annotated[list[x509.Certificate], asn1.Explicit(0)]


@asn1.sequence
class _Bytes:
    kind: x509.ObjectIdentifier
    answer: bytes


@asn1.sequence
class _Response:
    status: asn1.TLV
    content: Annotated[_Bytes, asn1.Explicit(0)]


@dataclass(frozen=True, slots=True)
class OcspRequest:
    """A request as it was read: which certificates, and the nonce to echo."""

    ids: tuple[_CertId, ...] = field(repr=False)
    nonce: _Extension | None = field(repr=False)


def read_request(der: bytes) -> OcspRequest:
    """Return the request in *der*; who signed it, if anybody did, is not looked at.

    Raises `MalformedError`: no request, none or more than `MOST_QUESTIONS` certificates asked
    about, a nonce that is empty or too long, an extension that must be understood and is not.
    """
    asked = _asked(der)
    extensions = asked.extensions or []
    must = [*extensions, *(e for q in asked.questions for e in q.extensions or [])]
    if any(e.critical and e.oid != _NONCE for e in must):
        raise MalformedError("a critical extension that is not understood")
    if asked.version != 0 or not 0 < len(asked.questions) <= MOST_QUESTIONS:
        raise MalformedError("version or number of certificates")
    nonces = [e for e in extensions if e.oid == _NONCE]
    if len(nonces) > 1 or any(not 0 < len(e.value) <= LONGEST_NONCE + 3 for e in nonces):
        raise MalformedError("nonce")
    return OcspRequest(tuple(q.cert_id for q in asked.questions), nonces[0] if nonces else None)


def _asked(der: bytes) -> _Questions | _NamedQuestions:
    try:
        return asn1.decode_der(_Request, der).asked
    except (ValueError, TypeError):
        pass  # §4.1.1: a signed request names its sender, an unsigned one need not
    try:
        return asn1.decode_der(_SignedRequest, der).asked
    except (ValueError, TypeError) as fault:
        raise MalformedError(str(fault)) from fault


def answer(
    request: OcspRequest,
    *,
    issuer: Certificate,
    responder: Issuer,
    status: Callable[[int], StatusNow],
    this_update: datetime,
    next_update: datetime,
) -> bytes:
    """Return the DER of *responder*'s answer for the certificates of *issuer*.

    *status* is asked for each serial of *issuer*; of any other issuer's certificates the answer
    is "unknown". The same arguments give the same bytes.
    """
    found = [
        _Single(
            cert_id=one,
            status=_choice(status(one.serial) if _is_of(one, issuer) else _STRANGER),
            this_update=_time(this_update),
            next_update=_time(next_update),
        )
        for one in request.ids
    ]
    data = _Data(
        responder=_key_hash(responder.certificate, "sha1"),
        produced_at=_time(this_update),
        answers=found,
        extensions=None if request.nonce is None else [request.nonce],
    )
    key = responder.key.material
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("a responder signs with an elliptic-curve key")
    basic = _Basic(
        data=data,
        algorithm=_Algorithm(oid=_ECDSA_SHA256, parameters=None),
        signature=asn1.BitString(key.sign(asn1.encode_der(data), _SIGNING), 0),
        certificates=[x509.load_der_x509_certificate(responder.certificate.der)],
    )
    content = _Bytes(kind=_BASIC, answer=asn1.encode_der(basic))
    return asn1.encode_der(_Response(status=_tlv(_SUCCESSFUL), content=content))


_STRANGER: Final = StatusNow(Status.UNKNOWN)


def build_request(serial: int, issuer: Certificate, *, nonce: bytes) -> bytes:
    """Return the DER of the request for one certificate; *nonce* is 16 to 32 random octets."""
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        _name_hash(issuer, "sha256"), _key_hash(issuer, "sha256"), serial, hashes.SHA256()
    )
    request = builder.add_extension(x509.OCSPNonce(nonce), False).build()
    return request.public_bytes(serialization.Encoding.DER)


def read_response(
    der: bytes, serial: int, issuer: Certificate, *, nonce: bytes, at: datetime
) -> StatusNow:
    """Return what an answer says at *at* of *issuer*'s certificate *serial*.

    Raises `Unavailable` for an error of the protocol, an answer about another certificate or to
    another question, one that is not of *at*, and one not signed by a responder that *issuer*
    appointed: who checks then waits, and refuses nobody.
    """
    try:
        found = ocsp.load_der_ocsp_response(der)
        if found.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise Unavailable(f"OCSP {found.response_status.name}")
        _require_appointed(found, issuer)
        _require_to_the_point(found, serial, nonce=nonce, at=at)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as fault:
        raise Unavailable(f"OCSP answer cannot be believed: {fault}") from fault
    if found.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        held = found.revocation_reason is x509.ReasonFlags.certificate_hold
        return StatusNow(Status.SUSPENDED if held else Status.REVOKED, found.revocation_time_utc)
    is_good = found.certificate_status is ocsp.OCSPCertStatus.GOOD
    return StatusNow(Status.GOOD if is_good else Status.UNKNOWN)


def _require_appointed(found: ocsp.OCSPResponse, issuer: Certificate) -> None:
    """Raise unless a delegate of *issuer* signed. Raises `ValueError`, `InvalidSignature`."""
    if len(found.certificates) != 1 or found.signature_hash_algorithm is None:
        raise ValueError("no responder's certificate")
    delegate = found.certificates[0]
    delegate.verify_directly_issued_by(x509.load_der_x509_certificate(issuer.der))
    usage = delegate.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE).value
    if not isinstance(usage, x509.ExtendedKeyUsage) or (
        ExtendedKeyUsageOID.OCSP_SIGNING not in usage
    ):
        raise ValueError("not a responder's certificate")
    key = delegate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("a responder's key of another kind")
    algorithm = ec.ECDSA(found.signature_hash_algorithm)
    key.verify(found.signature, found.tbs_response_bytes, algorithm)


def _require_to_the_point(
    found: ocsp.OCSPResponse, serial: int, *, nonce: bytes, at: datetime
) -> None:
    echoed = found.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce
    if not hmac.compare_digest(echoed, nonce):
        raise ValueError("another nonce")
    if found.serial_number != serial:
        raise ValueError("about another certificate")
    until = found.next_update_utc
    if found.this_update_utc > at + _AHEAD or (until is not None and until < at):
        raise ValueError("of another time")


def _choice(said: StatusNow) -> asn1.TLV:
    """Return CertStatus: good [0], revoked [1], unknown [2], all IMPLICIT."""
    if said.status is Status.GOOD or said.status is Status.UNKNOWN:
        return _tlv(_GOOD if said.status is Status.GOOD else _UNKNOWN)
    if said.since is None:
        raise ValueError(f"{said.status} since when?")
    since = _time(said.since)
    entry = (
        asn1.encode_der(_OnHold(at=since, reason=_tlv(_ON_HOLD)))
        if said.status is Status.SUSPENDED
        else asn1.encode_der(_Revoked(at=since))
    )
    return _tlv(_REVOKED + entry[1:])


def _is_of(asked: _CertId, issuer: Certificate) -> bool:
    digest = _DIGESTS.get(asked.algorithm.oid.dotted_string)
    if digest is None:
        return False
    hashed = _name_hash(issuer, digest), _key_hash(issuer, digest)
    return (asked.name_hash, asked.key_hash) == hashed


def _name_hash(certificate: Certificate, digest: str) -> bytes:
    subject = x509.load_der_x509_certificate(certificate.der).subject.public_bytes()
    return hashlib.new(digest, subject).digest()


def _key_hash(certificate: Certificate, digest: str) -> bytes:
    """Hash of the public key's bits, without the frame of SubjectPublicKeyInfo (§4.1.1)."""
    key = x509.load_der_x509_certificate(certificate.der).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TypeError("the practice CAs have elliptic-curve keys")
    point = key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return hashlib.new(digest, point).digest()


def _tlv(der: bytes) -> asn1.TLV:
    return asn1.decode_der(asn1.TLV, der)


def _time(moment: datetime) -> asn1.GeneralizedTime:
    return asn1.GeneralizedTime(moment.astimezone(UTC).replace(microsecond=0))
