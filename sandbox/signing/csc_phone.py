"""Confirmation on the practice phone, asked for over the CSC API (**I**).

The country's gateways put this beside the standard: send hashes, the owner confirms in the app,
poll or be called back once. The request is the same transaction every portal makes
(signing-practice §3.6), so it shows up on the owner's practice phone.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from concurrent.futures import Future, ThreadPoolExecutor

from sandbox.errors import Misuse
from sandbox.pki import Certificate
from sandbox.signing import csc_store, holder_store
from sandbox.signing.asking import Asking
from sandbox.signing.csc_accounts import Caller
from sandbox.signing.csc_authorizing import check_algorithms, read_hashes, standard_form
from sandbox.signing.csc_credentials import Credentials
from sandbox.signing.csc_practice import Practice
from sandbox.signing.csc_problems import CscRefused
from sandbox.signing.csc_store import StoredCallback
from sandbox.signing.model import Event, StoredRequest
from sandbox.signing.office import Office
from sandbox.signing.problems import Code, Declined
from sandbox.web import Space
from sandbox.wire import csc as wire
from sandbox.wire.csc import Confirmation
from sandbox.wire.signing import DOCUMENT_SLOT, Item, NewTransaction, Status

LOG = logging.getLogger("sandbox.signing")
_STANDINGS = {
    Status.CREATED: Confirmation.PENDING,
    Status.WAITING_CONFIRM: Confirmation.PENDING,
    Status.SIGNED: Confirmation.APPROVED,
    Status.REJECTED: Confirmation.REFUSED,
    Status.EXPIRED: Confirmation.EXPIRED,
    Status.AUTH_FAILED: Confirmation.LOCKED,
    Status.SIGN_FAILED: Confirmation.FAILED,
}
_CODES = {
    Code.REQUEST_ALREADY_WAITING: "ALREADY_WAITING",
    Code.IDEMPOTENCY_KEY_REUSED: "REQUEST_ID_REUSED",
    Code.SIGNATURE_TRANSACTION_NOT_FOUND: "TRANSACTION_UNKNOWN",
}
_SENDERS = 4
"""Call-backs under way at once; each waits two seconds at most."""


class PhoneConfirmation:
    """Asks on the phone, tells how it stands, calls back once when it ended.

    A request that nobody looks at expires unseen: its call-back goes out when the phone or the
    program next looks.
    """

    def __init__(
        self, office: Office, asking: Asking, credentials: Credentials, practice: Practice
    ) -> None:
        self._office, self._asking = office, asking
        self._credentials, self._practice = credentials, practice
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="csc-callback")
        office.listeners.append(self._ended)

    def ask(
        self,
        space: Space,
        caller: Caller,
        asked: wire.ConfirmRequest,
        *,
        sender: str,
        unnamed: str,
    ) -> wire.ConfirmReply:
        """Return the confirmation asked for: a fresh one, or the one this requestID already made.

        *sender* is who the phone says is asking, *unnamed* stands for a document whose name was
        not sent. Raises `CscRefused`.
        """
        known = self._credentials.known(space, caller, asked.credential_id)
        hashes = read_hashes(asked.hash)
        check_algorithms(asked.sign_algo, asked.hash_algo, None, key=known.certificate.public_key)
        names = asked.documents or [f"{unnamed} {n}" for n in range(1, len(hashes) + 1)]
        if len(names) != len(hashes) or not all(0 < len(name) <= 200 for name in names):
            raise CscRefused("DOCUMENTS_DIFFER")
        _check_callback(asked.callback)
        known.require_valid()
        mark = hashlib.sha256(f"{caller.subject}|{asked.request_id}".encode()).hexdigest()[:40]
        new = NewTransaction(
            idempotency=f"csc-{mark}",
            signer_id=known.stored.holder,
            serial=known.stored.serial,
            purpose=asked.description,
            portal=sender,
            items=[
                Item(
                    key=str(number),
                    record_uuid=f"csc-{mark}-{number}",
                    slot=DOCUMENT_SLOT,
                    digest=base64.b64decode(one).hex(),
                    label=name,
                )
                for number, (one, name) in enumerate(zip(hashes, names, strict=True), start=1)
            ],
        )
        request = self._asked(space, new)
        self._remember(space, caller, asked, request)
        return self.state(space, caller, request.id)

    def _asked(self, space: Space, new: NewTransaction) -> StoredRequest:
        try:
            return self._asking.ask(space, new)
        except Declined as declined:
            told = {} if declined.transaction is None else {"transactionID": declined.transaction}
            code = _CODES.get(declined.code)
            if code is None:
                raise CscRefused("PHONE_DECLINED", reason=declined.code.value) from None
            raise CscRefused(code, told=told) from None

    def _remember(
        self, space: Space, caller: Caller, asked: wire.ConfirmRequest, request: StoredRequest
    ) -> None:
        with self._office.turn(space) as turn:
            if csc_store.callback_of(turn.connection, space.id, request.id) is not None:
                return
            asker = StoredCallback(
                request=request.id,
                subject=caller.subject,
                url=None if asked.callback is None else asked.callback.url,
                client_data=asked.client_data,
            )
            csc_store.add_callback(turn.connection, space.id, asker)
        # The phone may have been quicker than this second write.
        if not self._asking.state(space, request.id).status.live:
            self._ended(space, request.id)

    def state(self, space: Space, caller: Caller, transaction_id: str) -> wire.ConfirmReply:
        """Return how a confirmation of this caller stands. Raises `CscRefused`."""
        with self._office.database.read() as connection:
            asker = csc_store.callback_of(connection, space.id, transaction_id)
        if asker is None or asker.subject != caller.subject:
            raise CscRefused("TRANSACTION_UNKNOWN")
        return self._told(space, asker)

    def _told(self, space: Space, asker: StoredCallback) -> wire.ConfirmReply:
        request = self._asking.state(space, asker.request)
        standing = _STANDINGS[request.status]
        left = None
        if request.expires is not None and request.status.live:
            left = int((request.expires - space.now(self._office.clock)).total_seconds())
        return wire.ConfirmReply(
            transaction_id=request.id,
            status=standing,
            number=wire.NUMBERS[standing],
            expires_in=left,
            signatures=self._signatures(space, request)
            if standing is Confirmation.APPROVED
            else None,
            client_data=asker.client_data,
        )

    def _signatures(self, space: Space, request: StoredRequest) -> list[str | None]:
        with self._office.database.read() as connection:
            credential = holder_store.credential_of(connection, space.id, request.serial)
        assert credential is not None  # it signed
        key = Certificate.from_der(credential.certificate).public_key
        return [
            None if item.signature is None else standard_form(item.signature, key)
            for item in request.items
        ]

    def _ended(self, space: Space, request_id: str) -> None:
        """Have the call-back sent by another thread; whoever ended the request never waits."""
        self._senders.submit(self._send, space, request_id).add_done_callback(_complain)

    def _send(self, space: Space, request_id: str) -> None:
        with self._office.database.read() as connection:
            asker = csc_store.callback_of(connection, space.id, request_id)
        if asker is None or asker.url is None or asker.sent:
            return
        with self._office.turn(space) as turn:
            asker = csc_store.claim_callback(turn.connection, space.id, request_id)
        if asker is None or asker.url is None:
            return
        told = self._told(space, asker)
        status = wire.call_back(asker.url, told, secret=self._practice.client(space).secret)
        with self._office.turn(space) as turn:
            turn.note(
                Event.CALLED_BACK,
                holder="",
                request=request_id,
                by=asker.subject,
                answer="none" if status is None else status,
            )


def _complain(sent: Future[None]) -> None:
    """Log what went wrong in this service while calling back; what the receiver did is noted."""
    if (fault := sent.exception()) is not None:
        LOG.error("call-back: %s", type(fault).__name__, exc_info=fault)


def _check_callback(callback: wire.Callback | None) -> None:
    if callback is None:
        return
    try:
        wire.refuse_callback(callback.url)
    except (Misuse, ValueError):
        raise CscRefused("CALLBACK_OUTSIDE") from None
