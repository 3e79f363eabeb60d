"""The CSC API as one object: what the routes and the engineer's page talk to."""

from __future__ import annotations

from sandbox.signing.csc_accounts import Accounts, Caller
from sandbox.signing.csc_authorizing import Authorizing
from sandbox.signing.csc_credentials import Credentials
from sandbox.signing.csc_phone import PhoneConfirmation
from sandbox.signing.csc_practice import Practice
from sandbox.signing.model import Event
from sandbox.signing.service import SigningService
from sandbox.web import Space

_NOTED = ("SAD_", "HASH_NOT_", "HASH_SIGNED_", "MORE_THAN_", "TOO_MANY_", "CERTIFICATE_")
_NOTED_TOO = ("CREDENTIAL_OF_ANOTHER", "NUMBER_TOO_HIGH", "PIN_LOCKED", "CALLBACK_OUTSIDE")


class CscService:
    """The Cloud Signature Consortium API over the signing service's own keys and phones.

    *responders_url*: where revocation lists are, without the space; None: nowhere.
    """

    def __init__(self, signing: SigningService, *, responders_url: str | None = None) -> None:
        self.signing, self._office = signing, signing.office
        self.practice = Practice(self._office, signing.issuing)
        self.accounts = Accounts(self._office, self.practice)
        self.credentials = Credentials(self._office, responders_url=responders_url)
        self.authorizing = Authorizing(self._office, self.credentials, signing.otp)
        self.confirmation = PhoneConfirmation(
            self._office, signing.asking, self.credentials, self.practice
        )

    def note_refusal(self, space: Space, caller: Caller, method: str, code: str) -> None:
        """Write a refusal that matters into the ledger; a slip of the pen is not one.

        Wrong PINs, codes and passwords have lines of their own already.
        """
        if not code.startswith(_NOTED) and code not in _NOTED_TOO:
            return
        with self._office.turn(space) as turn:
            turn.note(
                Event.DECLINED,
                holder=caller.holder or "",
                by=caller.subject,
                method=method,
                code=code,
            )
