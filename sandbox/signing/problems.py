"""Why the signing service refuses. Texts: the catalogue, keys `signing.problem.<CODE>.…`.

Codes and numbers are those of the kind of service imitated where it is known
(spec/signing-practice.md §3.1); the rest is the sandbox's own (**I**).
"""

from __future__ import annotations

from enum import StrEnum

from sandbox.errors import SandboxError


class Code(StrEnum):
    """The closed set of refusals."""

    BAD_INPUT = "BAD_INPUT"
    CREDENTIAL_NOT_EXIST = "CREDENTIAL_NOT_EXIST"
    CREDENTIAL_NOT_MATCH_IDENTITY = "CREDENTIAL_NOT_MATCH_IDENTITY"
    CREDENTIAL_STATUS_INVALID = "CREDENTIAL_STATUS_INVALID"
    CREDENTIAL_NEEDS_PERSON = "CREDENTIAL_NEEDS_PERSON"
    SIGNATURE_TRANSACTION_NOT_FOUND = "SIGNATURE_TRANSACTION_NOT_FOUND"
    SIGNER_NOT_EXIST = "SIGNER_NOT_EXIST"
    HOLDER_DIFFERS = "HOLDER_DIFFERS"
    TOO_MANY_HASHES = "TOO_MANY_HASHES"
    REQUEST_ALREADY_WAITING = "REQUEST_ALREADY_WAITING"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    SAME_ITEM_TWICE = "SAME_ITEM_TWICE"
    RETURN_PATH_OUTSIDE = "RETURN_PATH_OUTSIDE"
    PIN_NOT_SIX_DIGITS = "PIN_NOT_SIX_DIGITS"
    SLOT_SIGNED_BY_ANOTHER = "SLOT_SIGNED_BY_ANOTHER"
    """Of one item, never of a request: the same hash bears somebody else's signature."""
    CERTIFICATE_NOT_FETCHED = "CERTIFICATE_NOT_FETCHED"
    INSTRUMENT_LIMIT = "INSTRUMENT_LIMIT"
    """More records in one request than this instrument takes."""
    INSTRUMENT_RESTING = "INSTRUMENT_RESTING"
    """SIM: less than 50 s since the last request ended."""
    SERVICE_AWAY = "SERVICE_AWAY"
    NOT_ACTIVATED = "NOT_ACTIVATED"
    SERVICE_PACK_EXEED_OR_INVALID = "SERVICE_PACK_EXEED_OR_INVALID"
    """No signing turns left (the real service's spelling)."""
    SIGN_FAILED = "SIGN_FAILED"
    """Of one item: the service could not sign it this time."""
    CANCELLED = "CANCELLED"
    """Of the items of a request that its sender withdrew."""


HTTP_STATUS = {
    Code.BAD_INPUT: 422,
    Code.CREDENTIAL_NOT_EXIST: 404,
    Code.CREDENTIAL_NOT_MATCH_IDENTITY: 403,
    Code.CREDENTIAL_STATUS_INVALID: 403,
    Code.CREDENTIAL_NEEDS_PERSON: 403,
    Code.SIGNATURE_TRANSACTION_NOT_FOUND: 404,
    Code.SIGNER_NOT_EXIST: 404,
    Code.HOLDER_DIFFERS: 409,
    Code.TOO_MANY_HASHES: 422,
    Code.REQUEST_ALREADY_WAITING: 409,
    Code.IDEMPOTENCY_KEY_REUSED: 409,
    Code.SAME_ITEM_TWICE: 422,
    Code.RETURN_PATH_OUTSIDE: 422,
    Code.PIN_NOT_SIX_DIGITS: 422,
    Code.SLOT_SIGNED_BY_ANOTHER: 409,
    Code.CERTIFICATE_NOT_FETCHED: 404,
    Code.INSTRUMENT_LIMIT: 422,
    Code.INSTRUMENT_RESTING: 409,
    Code.SERVICE_AWAY: 503,
    Code.NOT_ACTIVATED: 403,
    Code.SERVICE_PACK_EXEED_OR_INVALID: 403,
    Code.SIGN_FAILED: 409,
    Code.CANCELLED: 409,
}

REAL_NUMBER = {
    Code.BAD_INPUT: 30000,
    Code.CREDENTIAL_NOT_EXIST: 60000,
    Code.CREDENTIAL_NOT_MATCH_IDENTITY: 60001,
    Code.SIGNATURE_TRANSACTION_NOT_FOUND: 62000,
    Code.SERVICE_PACK_EXEED_OR_INVALID: 65000,
    Code.SIGN_FAILED: 4004,
}

TEACHER_ERROR = {
    Code.REQUEST_ALREADY_WAITING: "E3",
    Code.CREDENTIAL_STATUS_INVALID: "E8",
    Code.CREDENTIAL_NOT_EXIST: "E14",
    Code.SLOT_SIGNED_BY_ANOTHER: "E15",
    Code.CERTIFICATE_NOT_FETCHED: "E6",
    Code.INSTRUMENT_RESTING: "E3",
    Code.NOT_ACTIVATED: "E14",
    Code.SERVICE_AWAY: "E14",
    Code.SIGN_FAILED: "E1",
}


class Declined(SandboxError):
    """The service will not do what was asked; the sender can mend it."""

    def __init__(
        self,
        code: Code,
        *,
        pointer: str | None = None,
        transaction: str | None = None,
        **values: object,
    ) -> None:
        self.code, self.pointer, self.transaction = code, pointer, transaction
        self.values = values
        super().__init__(code.value)
