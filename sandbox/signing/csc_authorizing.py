"""Leave to sign and its use: PIN and one-time code in, signature activation data out, signatures.

A SAD is bound to the caller, the credential and the hashes; it counts, it ends, and every way of
using it wrongly is refused under its own code.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from sandbox.pki import PublicKey
from sandbox.signing import csc_store, holder_store, pins
from sandbox.signing.csc_accounts import Caller
from sandbox.signing.csc_credentials import Credentials, Known
from sandbox.signing.csc_problems import CscRefused
from sandbox.signing.csc_store import Authorisation, digest_of
from sandbox.signing.model import Event
from sandbox.signing.office import Office, Turn
from sandbox.signing.otp import Otp, OtpOutcome, OtpVerdict
from sandbox.signing.wrong_pins import count_wrong_pin, forget_wrong_pins
from sandbox.web import Space
from sandbox.wire import csc as wire
from sandbox.wire.signing import MAX_HASHES

UNLIMITED = timedelta(hours=1)
"""How long a SAD holds in a space that sets its requests no limit: the standard's default."""
_DIGEST_BYTES = 32
_OTP_REFUSALS = {
    OtpVerdict.WRONG: "OTP_WRONG",
    OtpVerdict.EXPIRED: "OTP_EXPIRED",
    OtpVerdict.USED: "OTP_USED",
    OtpVerdict.LOCKED: "OTP_LOCKED",
}


class Authorizing:
    """Authorises, extends and signs."""

    def __init__(self, office: Office, credentials: Credentials, otp: Otp) -> None:
        self._office, self._credentials, self._otp = office, credentials, otp

    def send_otp(
        self, space: Space, caller: Caller, asked: wire.SendOtpRequest, *, purpose: str
    ) -> None:
        """Send the credential's owner a code by message. Raises `CscRefused` (OTP_OFFLINE, …)."""
        known = self._credentials.known(space, caller, asked.credential_id)
        if not known.otp_online:
            raise CscRefused("OTP_OFFLINE")
        self._otp.send(space, known.stored.holder, purpose=purpose)

    def authorize(
        self, space: Space, caller: Caller, asked: wire.AuthorizeRequest
    ) -> wire.SadReply:
        """Return a SAD for the hashes asked for. Raises `CscRefused`."""
        known = self._credentials.known(space, caller, asked.credential_id)
        if asked.num_signatures < 1:
            raise CscRefused("NUMBER_INVALID")
        if asked.num_signatures > MAX_HASHES:
            raise CscRefused("NUMBER_TOO_HIGH", most=MAX_HASHES)
        hashes = read_hashes(asked.hash)
        if len(hashes) > asked.num_signatures:
            raise CscRefused("NUMBER_INVALID")
        if asked.pin is None:
            raise CscRefused("MISSING_PARAMETER", type="string", name="PIN")
        if asked.otp is None:
            raise CscRefused("MISSING_PARAMETER", type="string", name="OTP")
        known.require_valid()
        right = self._pin_matches(space, known.stored.holder, asked.pin)
        sad = secrets.token_urlsafe(32)
        with self._office.turn(space) as turn:
            refused = self._refuse_factors(turn, known, right=right, otp=asked.otp)
            if refused is None:
                made = Authorisation(
                    id=str(uuid.uuid4()),
                    subject=caller.subject,
                    holder=known.stored.holder,
                    serial=known.stored.serial,
                    allowed=asked.num_signatures,
                    current=digest_of(sad),
                    bound=hashes,
                    expires=turn.at + _lifetime(turn),
                )
                csc_store.add_authorisation(turn.connection, space.id, made)
                turn.note(
                    Event.AUTHORIZED,
                    holder=made.holder,
                    request=made.id,
                    by=caller.subject,
                    serial=made.serial,
                    count=made.allowed,
                )
                return _reply(sad, turn)
        raise refused

    def _pin_matches(self, space: Space, holder_id: str, typed: str) -> bool:
        """Compare outside any turn: scrypt is slow on purpose."""
        with self._office.database.read() as connection:
            holder = holder_store.holder_of(connection, space.id, holder_id)
        assert holder is not None  # a credential always has one
        try:
            return pins.matches(typed, salt=holder.pin_salt, expected=holder.pin_hash)
        except pins.NotSixDigits as fault:
            raise CscRefused("PIN_FORM", received=fault.received) from None

    def _refuse_factors(
        self, turn: Turn, known: Known, *, right: bool, otp: str
    ) -> CscRefused | None:
        """Count what was typed; return the refusal it leads to. The code is used up only last."""
        holder = holder_store.holder_of(turn.connection, turn.space, known.stored.holder)
        assert holder is not None
        if holder.locked:
            return CscRefused("PIN_LOCKED", told={"attempts_left": 0})
        if not right:
            left = count_wrong_pin(turn, holder)
            code = "PIN_WRONG" if left else "PIN_LOCKED"
            return CscRefused(code, told={"attempts_left": left}, left=left)
        forget_wrong_pins(turn, holder)
        outcome = self._otp.check_in(
            turn, holder.id, otp, kind="message" if known.otp_online else "totp"
        )
        return _refused_code(outcome)

    def extend(self, space: Space, caller: Caller, asked: wire.ExtendRequest) -> wire.SadReply:
        """Return a new SAD for the next hashes of the same authorisation; the old one ends."""
        known = self._credentials.known(space, caller, asked.credential_id)
        hashes = read_hashes(asked.hash)
        known.require_valid()
        sad = secrets.token_urlsafe(32)
        with self._office.turn(space) as turn:
            found = _usable(turn, asked.sad, caller=caller, serial=known.stored.serial)
            if len(hashes) > found.allowed - found.used:
                raise CscRefused("MORE_THAN_AUTHORISED", left=found.allowed - found.used)
            extended = replace(
                found, current=digest_of(sad), bound=hashes, expires=turn.at + _lifetime(turn)
            )
            csc_store.set_authorisation(turn.connection, space.id, extended, new_sad=True)
            turn.note(
                Event.EXTENDED,
                holder=found.holder,
                request=found.id,
                by=caller.subject,
                left=found.allowed - found.used,
            )
            return _reply(sad, turn)

    def sign(self, space: Space, caller: Caller, asked: wire.SignRequest) -> wire.SignReply:
        """Return signatures over the hashes asked for, in their order. Raises `CscRefused`."""
        known = self._credentials.known(space, caller, asked.credential_id)
        hashes = read_hashes(asked.hash)
        check_algorithms(
            asked.sign_algo,
            asked.hash_algo,
            asked.sign_algo_params,
            key=known.certificate.public_key,
        )
        known.require_valid()
        key = self._office.keys.key(known.stored.key_label, known.stored.algorithm)
        with self._office.turn(space) as turn:
            found = _usable(turn, asked.sad, caller=caller, serial=known.stored.serial)
            after = _spend(found, hashes)
            signatures = [
                standard_form(key.sign_digest(base64.b64decode(one)), key.public_key)
                for one in hashes
            ]
            csc_store.set_authorisation(turn.connection, space.id, after)
            turn.note(
                Event.HASHES_SIGNED,
                holder=found.holder,
                request=found.id,
                by=caller.subject,
                serial=found.serial,
                count=len(hashes),
                left=after.allowed - after.used,
            )
        return wire.SignReply(signatures=signatures)


def read_hashes(given: Sequence[str] | None) -> tuple[str, ...]:
    """Return the hashes in canonical base64.

    Raises `CscRefused` MISSING_PARAMETER, HASH_EMPTY, TOO_MANY_HASHES, HASH_MALFORMED,
    HASH_LENGTH (SHA-256 only).
    """
    if given is None:
        raise CscRefused("MISSING_PARAMETER", type="array", name="hash")
    if not given:
        raise CscRefused("HASH_EMPTY")
    if len(given) > MAX_HASHES:
        raise CscRefused("TOO_MANY_HASHES", count=len(given), most=MAX_HASHES)
    found = []
    for one in given:
        try:
            digest = base64.b64decode(one, validate=True)
        except (binascii.Error, ValueError):
            raise CscRefused("HASH_MALFORMED") from None
        if len(digest) != _DIGEST_BYTES:
            raise CscRefused("HASH_LENGTH", length=len(digest))
        found.append(base64.b64encode(digest).decode())
    return tuple(found)


def check_algorithms(
    sign_algo: str, hash_algo: str | None, params: str | None, *, key: PublicKey
) -> None:
    """Raise `CscRefused` unless the algorithms are this key's, over SHA-256."""
    mine = (wire.SHA256_RSA_OID, wire.RSA_OID) if key.is_rsa else (wire.SHA256_ECDSA_OID,)
    if sign_algo not in mine:
        raise CscRefused("SIGN_ALGO_INVALID", mine=", ".join(mine))
    if hash_algo is None and sign_algo == wire.RSA_OID:
        raise CscRefused("MISSING_PARAMETER", type="string", name="hashAlgo")
    if hash_algo not in (None, wire.SHA256_OID):
        raise CscRefused("HASH_ALGO_INVALID")
    if params is not None:
        raise CscRefused("INVALID_PARAMETER", name="signAlgoParams")


def standard_form(signature: bytes, key: PublicKey) -> str:
    """Return a signature as the standard wants it: ECDSA in DER, RSA as it is; base64."""
    return base64.b64encode(signature if key.is_rsa else _der(signature)).decode()


def _der(raw: bytes) -> bytes:
    half = len(raw) // 2
    return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))


def _usable(turn: Turn, sad: str, *, caller: Caller, serial: str) -> Authorisation:
    """Return the authorisation behind *sad*. Raises `CscRefused` SAD_…, each under its own code."""
    found = csc_store.authorisation_of(turn.connection, turn.space, sad)
    if found is None:
        raise CscRefused("SAD_UNKNOWN")
    if found.subject != caller.subject:
        raise CscRefused("SAD_OF_ANOTHER_USER")
    if found.serial != serial:
        raise CscRefused("SAD_OF_ANOTHER_CREDENTIAL")
    if found.current != digest_of(sad):
        raise CscRefused("SAD_REPLACED")
    if found.used >= found.allowed:
        raise CscRefused("SAD_USED")
    if turn.at >= found.expires:
        raise CscRefused("SAD_EXPIRED")
    return found


def _spend(found: Authorisation, hashes: Sequence[str]) -> Authorisation:
    """Return *found* after signing *hashes*. Raises `CscRefused`."""
    if len(hashes) > found.allowed - found.used:
        raise CscRefused("MORE_THAN_AUTHORISED", left=found.allowed - found.used)
    bound = list(found.bound)
    for one in hashes:
        if one in bound:
            bound.remove(one)
        elif one in found.signed or one in found.bound:
            raise CscRefused("HASH_SIGNED_ALREADY")
        else:
            raise CscRefused("HASH_NOT_AUTHORISED")
    return replace(
        found,
        used=found.used + len(hashes),
        bound=tuple(bound),
        signed=(*found.signed, *hashes),
    )


def _refused_code(outcome: OtpOutcome) -> CscRefused | None:
    if outcome.right:
        return None
    return CscRefused(
        _OTP_REFUSALS[outcome.verdict],
        told={"attempts_left": outcome.attempts_left},
        left=outcome.attempts_left,
    )


def _lifetime(turn: Turn) -> timedelta:
    return UNLIMITED if turn.limits.lifetime is None else turn.limits.lifetime


def _reply(sad: str, turn: Turn) -> wire.SadReply:
    return wire.SadReply(sad=sad, expires_in=int(_lifetime(turn).total_seconds()))
