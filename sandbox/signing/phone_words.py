"""Which words a phone page uses for what is being signed, and for how a request ended."""

from __future__ import annotations

from sandbox.signing.model import StoredRequest
from sandbox.signing.problems import Code
from sandbox.wire.signing import DOCUMENT_SLOT, PACKAGE_SLOT, REGISTRATION_SLOT, Status

ROWS = 10
"""Names on one page (learner-experience L2)."""


def things(request: StoredRequest) -> str:
    """Return what is asked for: record, package, registration, file; document (a stranger's)."""
    if request.stranger:
        return "document"
    slots = {item.slot for item in request.items}
    if slots == {PACKAGE_SLOT}:
        return "package"
    if slots == {REGISTRATION_SLOT}:
        return "registration"
    if slots == {DOCUMENT_SLOT}:
        return "file"
    return "record"


def ending(request: StoredRequest) -> str:
    """Return under which words a request that no longer waits is shown.

    One of signed, refused, expired, cancelled, locked, certificate, failed.
    """
    if request.status is Status.SIGN_FAILED:
        errors = {item.error for item in request.items}
        if Code.CANCELLED in errors:
            return "cancelled"
        if Code.CREDENTIAL_STATUS_INVALID in errors or Code.CREDENTIAL_NOT_EXIST in errors:
            return "certificate"
        return "failed"
    return {
        Status.SIGNED: "signed",
        Status.REJECTED: "stranger" if request.stranger else "refused",
        Status.EXPIRED: "expired",
        Status.AUTH_FAILED: "locked",
    }[request.status]
