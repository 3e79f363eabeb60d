"""Why a SignatureValue does not verify: other bytes, another way to sign, another key."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from sandbox.pki import Certificate
from sandbox.xmldsig.doctor_forms import RIGHT, Form
from sandbox.xmldsig.doctor_model import Cause, Strength

_MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
_PSS: Final = "http://www.w3.org/2007/05/xmldsig-more#"
SCHEMES: Final[Mapping[str, str]] = {
    f"{_MORE}rsa-sha256": "pkcs1 sha256",
    f"{_MORE}rsa-sha384": "pkcs1 sha384",
    f"{_MORE}rsa-sha512": "pkcs1 sha512",
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1": "pkcs1 sha1",
    f"{_PSS}sha256-rsa-MGF1": "pss sha256",
    f"{_PSS}sha384-rsa-MGF1": "pss sha384",
    f"{_PSS}sha512-rsa-MGF1": "pss sha512",
    f"{_PSS}sha1-rsa-MGF1": "pss sha1",
    f"{_MORE}ecdsa-sha256": "ecdsa sha256",
    f"{_MORE}ecdsa-sha384": "ecdsa sha384",
    f"{_MORE}ecdsa-sha512": "ecdsa sha512",
    f"{_MORE}ecdsa-sha1": "ecdsa sha1",
}
"""SignatureMethod URI → how it signs."""
_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha1": hashes.SHA1(),  # noqa: S303 - to name it, never to accept it
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_DIGEST: Final = re.compile(rb"(<(?:\w+:)?DigestValue>)([^<]*)(</)")
_METHOD: Final = re.compile(rb'(SignatureMethod Algorithm=")([^"]*)(")')
_REFERENCE: Final = re.compile(rb"<(?:\w+:)?Reference[ >].*?</(?:\w+:)?Reference>", re.DOTALL)
_BAD: Final = "SBX-3003"


@dataclass(frozen=True, slots=True, eq=False)
class ValueQuestion:
    """One SignatureValue to explain."""

    place: str
    algorithm: str
    value: bytes
    value_text: str
    certificate: Certificate
    others: Mapping[str, Certificate]
    """Other certificates that may have signed, by where they come from."""
    messages: Sequence[Form] = field(repr=False)
    """What may have been signed; the canonical SignedInfo first."""

    @property
    def right(self) -> bytes:
        """The canonical SignedInfo."""
        return self.messages[0].data

    def cause(
        self,
        key: str,
        strength: Strength = Strength.PROVED,
        *,
        form: bytes | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> Cause:
        """Return a cause at this place."""
        return Cause(
            key=key,
            strength=strength,
            place=self.place,
            part="signed_info",
            code=_BAD,
            facts=facts or {},
            form=form,
            right=self.right,
        )


def holds(value: bytes, data: bytes, *, certificate: Certificate, algorithm: str) -> bool:
    """Say whether *value* verifies by *algorithm*, also by one the sandbox does not accept."""
    scheme = SCHEMES.get(algorithm)
    return scheme is not None and _verifies(_key(certificate), value, data, scheme)


def explain_value(question: ValueQuestion) -> list[Cause]:
    """Return why the value does not verify, most probable first; empty when it does.

    One mistake at a time, then other bytes together with another way of writing or another key.
    """
    own = _key(question.certificate)
    said = SCHEMES.get(question.algorithm) or _usual(own)
    if _verifies(own, question.value, question.right, said):
        return []
    for found in (
        _own_key(question, own, said),
        _other_keys(question, said),
    ):
        if found:
            return found
    return [_unknown(question, own)]


def _own_key(question: ValueQuestion, own: object, said: str) -> list[Cause]:
    for value_key, value in _values(question, own):
        for scheme in _schemes(own, said):
            found = _signed(own, value, question.messages, scheme)
            if found is not None:
                return _causes(question, value_key, _scheme_key(said, scheme), found)
    bare = _without_digest_info(question, own)
    return [] if bare is None else [bare]


def _other_keys(question: ValueQuestion, said: str) -> list[Cause]:
    for name, certificate in question.others.items():
        key = _key(certificate)
        for value_key, value in _values(question, key):
            scheme = said if said in _schemes(key, said) else _usual(key)
            found = _signed(key, value, question.messages[:12], scheme)
            if found is not None:
                who = {"who": certificate.common_name, "serial": certificate.serial_hex}
                wrong = question.cause("wrong_certificate", facts=who | {"where": name})
                return [wrong, *_causes(question, value_key, "", found)]
    return []


def _causes(
    question: ValueQuestion, value_key: str, scheme_key: tuple[str, str] | str, message: Form
) -> list[Cause]:
    """Turn a trial that succeeded into its deviations, the bytes first."""
    found = []
    if message.key != RIGHT:
        found.append(question.cause(message.key, form=message.data, facts=message.facts))
    if scheme_key and not isinstance(scheme_key, str):
        key, scheme = scheme_key
        found.append(question.cause(key, facts={"scheme": scheme, "algorithm": question.algorithm}))
    if value_key:
        found.append(question.cause(value_key, facts={"length": str(len(question.value))}))
    return found


def _signed(key: object, value: bytes, messages: Sequence[Form], scheme: str) -> Form | None:
    return next((m for m in messages if _verifies(key, value, m.data, scheme)), None)


def _values(question: ValueQuestion, key: object) -> Iterator[tuple[str, bytes]]:
    """Yield the value as it stands, and as it may have been meant."""
    value = question.value
    yield "", value
    if isinstance(key, ec.EllipticCurvePublicKey):
        size = (key.key_size + 7) // 8
        try:
            r, s = decode_dss_signature(value)
            yield "der_value", r.to_bytes(size, "big") + s.to_bytes(size, "big")
        except (ValueError, OverflowError):
            pass
        if len(value) == 2 * size:
            halves = value[:size], value[size:]
            yield "reversed_value", halves[0][::-1] + halves[1][::-1]
    else:
        yield "reversed_value", value[::-1]
    for text in (value, question.value_text.encode()):
        for decode in (base64.b64decode, binascii.unhexlify):
            try:
                inner = decode(text)
            except (ValueError, binascii.Error):
                continue
            if inner != value and len(inner) == _due(key):
                yield "encoded_twice", inner


def _schemes(key: object, said: str) -> list[str]:
    kinds = (
        ("ecdsa",) if isinstance(key, ec.EllipticCurvePublicKey) else ("pkcs1", "pss", "pss-any")
    )
    listed = [f"{kind} {name}" for name in _HASHES for kind in kinds]
    return [said, *(s for s in listed if s != said)] if said in listed else listed


def _usual(key: object) -> str:
    return "ecdsa sha256" if isinstance(key, ec.EllipticCurvePublicKey) else "pkcs1 sha256"


def _scheme_key(said: str, found: str) -> tuple[str, str] | str:
    """Name the difference between the scheme said and the one found."""
    if said == found:
        return ""
    (kind, name), (real, other) = said.split(" "), found.split(" ")
    title = f"{real.upper().removesuffix('-ANY')} {other.upper().replace('SHA', 'SHA-')}"
    if kind == "pkcs1" and real.startswith("pss"):
        return "pss_under_pkcs1", title
    if kind == "pss" and real == "pkcs1":
        return "pkcs1_under_pss", title
    if kind == "pss" and real == "pss-any" and name == other:
        return "pss_salt", title
    return "other_signature_hash", title


def _without_digest_info(question: ValueQuestion, key: object) -> Cause | None:
    """RSA over the bare hash: a token asked for raw PKCS#1 and given no DigestInfo."""
    if not isinstance(key, rsa.RSAPublicKey):
        return None
    for _, value in _values(question, key):
        try:
            inside = key.recover_data_from_signature(value, padding.PKCS1v15(), None)
        except (InvalidSignature, ValueError):
            continue
        for message in question.messages:
            if inside == hashlib.sha256(message.data).digest():
                return question.cause("no_digest_info", form=inside)
    return None


def _unknown(question: ValueQuestion, own: object) -> Cause:
    size, due = len(question.value), _due(own)
    key = "value_length" if size != due else "value_unknown"
    return question.cause(key, Strength.POSSIBLE, facts={"length": str(size), "due": str(due)})


def _due(key: object) -> int:
    """Return how many bytes a value of *key* has; 0 for a key of an unknown kind."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return 2 * ((key.key_size + 7) // 8)
    return key.key_size // 8 if isinstance(key, rsa.RSAPublicKey) else 0


def messages_of(
    forms: Sequence[Form], *, data: bytes, digests: Sequence[tuple[int, str]]
) -> list[Form]:
    """Return what may have been signed in place of the canonical SignedInfo.

    *forms* are the forms of SignedInfo, the right one first; *data* the canonical data; *digests*
    pairs (Reference from 0, DigestValue) that could stand in it.
    """
    right = forms[0].data
    found = [forms[0]]
    found += _other_digests(right, digests)
    found += list(forms[1:])
    inner = hashlib.sha256(right).digest()
    for again in (inner, inner.hex().encode(), base64.b64encode(inner)):
        found.append(Form("hashed_twice", again))
    if data:
        digest = hashlib.sha256(data).digest()
        for other in (data, digest, digest.hex().encode(), base64.b64encode(digest)):
            found.append(Form("wrong_signed", other))
    for uri in SCHEMES:
        changed = _METHOD.sub(rb"\g<1>" + uri.encode() + rb"\g<3>", right, count=1)
        found.append(Form("method_edited", changed, {"algorithm": uri}))
    references = list(_REFERENCE.finditer(right))
    for match in references if len(references) > 1 else ():
        less = right[: match.start()] + right[match.end() :]
        found.append(Form("reference_added", less))
    return found


def _other_digests(right: bytes, digests: Sequence[tuple[int, str]]) -> Iterator[Form]:
    """The SignedInfo with digests still empty, and with other digests than it has now."""
    places = list(_DIGEST.finditer(right))
    empty = _DIGEST.sub(rb"\g<1>\g<3>", right)
    yield Form("unsigned_form", empty)
    for match in places:
        yield Form("unsigned_form", right[: match.start(2)] + right[match.end(2) :])
    for number, digest in digests:
        if number < len(places):
            match = places[number]
            was = match[2].decode()
            data = right[: match.start(2)] + digest.encode() + right[match.end(2) :]
            yield Form("digest_replaced", data, {"was": digest, "now": was})


def _key(certificate: Certificate) -> object:
    try:
        return serialization.load_der_public_key(certificate.public_key.der)
    except (ValueError, UnsupportedAlgorithm):
        return None


def _verifies(key: object, value: bytes, data: bytes, scheme: str) -> bool:
    kind, name = scheme.split(" ")
    algorithm = _HASHES[name]
    try:
        if isinstance(key, rsa.RSAPublicKey) and kind != "ecdsa":
            key.verify(value, data, _padding(kind, algorithm), algorithm)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and kind == "ecdsa":
            size = (key.key_size + 7) // 8
            if len(value) != 2 * size:
                return False
            r, s = (int.from_bytes(half, "big") for half in (value[:size], value[size:]))
            key.verify(encode_dss_signature(r, s), data, ec.ECDSA(algorithm))
            return True
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return False


def _padding(kind: str, algorithm: hashes.HashAlgorithm) -> padding.PKCS1v15 | padding.PSS:
    if kind == "pkcs1":
        return padding.PKCS1v15()
    salt = algorithm.digest_size if kind == "pss" else padding.PSS.AUTO
    return padding.PSS(mgf=padding.MGF1(algorithm), salt_length=salt)
