"""The receipt: the cheap checks before the answer, in the order of transactions §5.

::

    size (1104) → JSON and fields (1101) → account and unit (1102, 1117) → address (1106)
    → token (1103) → rate (1112) → the service's own work, messageid (1107) among it

Whatever the answer, one line of the journal says so. What a service changes and its journal line
are one durable transaction, committed before the answer leaves.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sandbox.errors import Finding, Refused, Unavailable
from sandbox.ministry import answers, intake, store
from sandbox.ministry.answers import Answer, Busy, Outcome
from sandbox.ministry.model import HTTP_BODY_BYTES, Account, Desk, Exchange, Moment
from sandbox.ministry.tables_store import Transaction
from sandbox.web.spaces import Space
from sandbox.web.store import Database
from sandbox.wire.ministry import Identification, Request, TokenRequest

Model = TypeVar("Model", bound=Request)
LOG = logging.getLogger("sandbox.ministry.receipt")
AWAY = "SBX-1118"


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls which desk, from where, when, and in which language the details go back."""

    space: Space
    desk: Desk
    address: str
    language: str
    moment: Moment
    service: str
    """Path of the service below `/sandbox/v1`, for the journal."""


@dataclass(frozen=True, slots=True)
class Service(Generic[Model]):
    """One service: the model of its request, and the shape of its answer when it refuses."""

    model: type[Model]
    type: str | None
    shape: Callable[[Outcome], dict[str, Any]]


Work = Callable[[Transaction, Account, Model], dict[str, Any]]
Told = Callable[[Call, Answer], None]
"""Hears of every answer when it is committed."""


def _untold(_call: Call, _answer: Answer) -> None:
    """Count nothing."""


class Receiving:
    """Answers the calls that carry an account."""

    def __init__(self, database: Database, *, told: Told | None = None) -> None:
        self._database = database
        self._told = told or _untold

    def serve(
        self, call: Call, service: Service[Model], body: bytes | None, work: Work[Model]
    ) -> Answer:
        """Check a POST in the printed order, let *work* answer it, and keep a line.

        *body* is None when it was larger than `HTTP_BODY_BYTES`.
        """
        heard = _Heard(type=service.type)
        try:
            request = _read(body, service.model, heard)
            account = self._identify(call, request, heard)
        except Refused as refusal:
            return self._refuse(call, service.shape, refusal, heard)
        except Unavailable as away:
            return self._away(call, service.shape, away, heard)
        return self._work(call, service.shape, account, heard, lambda c: work(c, account, request))

    def serve_bearer(
        self,
        call: Call,
        token: str | None,
        shape: Callable[[Outcome], dict[str, Any]],
        work: Callable[[Transaction, Account], dict[str, Any]],
    ) -> Answer:
        """Answer a GET whose token stands in `Authorization` (transactions §2.7)."""
        heard = _Heard(type=None)
        try:
            account = self._holder(call, token, heard)
        except Refused as refusal:
            return self._refuse(call, shape, refusal, heard)
        except Unavailable as away:
            return self._away(call, shape, away, heard)
        return self._work(call, shape, account, heard, lambda c: work(c, account))

    def refuse(
        self, call: Call, shape: Callable[[Outcome], dict[str, Any]], refusal: Refused
    ) -> Answer:
        """Answer a refusal that was decided before the body was looked at, and keep a line."""
        return self._refuse(call, shape, refusal, _Heard(type=None))

    def _work(
        self,
        call: Call,
        shape: Callable[[Outcome], dict[str, Any]],
        account: Account,
        heard: _Heard,
        work: Callable[[Transaction], dict[str, Any]],
    ) -> Answer:
        try:
            with self._database.write() as connection:
                try:
                    _require_turn(connection, account, call.moment)
                    answer = Answer(200, work(connection))
                except Refused as refusal:  # a refusal is an answer too: its line is committed
                    answer = _refusal(call, shape, refusal, heard)
                _keep_line(connection, call, heard, answer)
        except Unavailable as away:
            return self._away(call, shape, away, heard)
        self._told(call, answer)
        return answer

    def _refuse(
        self,
        call: Call,
        shape: Callable[[Outcome], dict[str, Any]],
        refusal: Refused,
        heard: _Heard,
    ) -> Answer:
        answer = _refusal(call, shape, refusal, heard)
        try:
            with self._database.write() as connection:
                _keep_line(connection, call, heard, answer)
        except Unavailable as away:
            return self._away(call, shape, away, heard)
        self._told(call, answer)
        return answer

    def _away(
        self,
        call: Call,
        shape: Callable[[Outcome], dict[str, Any]],
        away: Unavailable,
        heard: _Heard,
    ) -> Answer:
        """Answer SBX-1118 while the database is away: nothing was kept, no line either.

        Should a transaction have been lost while it committed, its work may stand: repeating the
        request with the same messageid gives the stored answer.
        """
        LOG.warning("%s at %s: %s", call.service, call.desk.desk, away)
        busy = Busy(Finding(AWAY), retry_after=away.retry_after)
        answer = _refusal(call, shape, busy, heard)
        self._told(call, answer)
        return answer

    def _identify(self, call: Call, request: Request, heard: _Heard) -> Account:
        said = getattr(request, "authentication_request", request)
        assert isinstance(said, Identification | TokenRequest)
        heard.user_name = said.user_name[:200]
        token = said.token if isinstance(said, Identification) else ""
        with self._database.read() as connection:
            found = store.account_with_token(
                connection,
                token,
                space=call.space.id,
                desk=call.desk.desk,
                user_name=said.user_name,
                epoch=call.moment.epoch,
            )
        if found is None or not found[0].knows(said.password):
            raise Refused(Finding("SBX-1102", field="user_name", value=said.user_name))
        account, holds_token = found
        _require_unit(account, said)
        _require_address(account, call.address)
        if isinstance(said, Identification) and not holds_token:
            raise Refused(Finding("SBX-1103", field="token"))
        return account

    def _holder(self, call: Call, token: str | None, heard: _Heard) -> Account:
        with self._database.read() as connection:
            name = token and store.holder_of_token(
                connection,
                token,
                space=call.space.id,
                desk=call.desk.desk,
                epoch=call.moment.epoch,
            )
            account = name and store.account_of(
                connection, space=call.space.id, desk=call.desk.desk, user_name=name
            )
        if not account:
            raise Refused(Finding("SBX-1103", field="Authorization"))
        heard.user_name = account.user_name
        _require_address(account, call.address)
        return account


@dataclass(slots=True)
class _Heard:
    """What was understood of a request so far: enough for the echo and the journal."""

    type: str | None
    messageid: str | None = None
    user_name: str | None = None
    unit_code: str | None = None


def _read(body: bytes | None, model: type[Model], heard: _Heard) -> Model:
    if body is None:
        raise Refused(Finding("SBX-1104", expected=f"<= {HTTP_BODY_BYTES}"))
    data = intake.read_json(body)
    heard.messageid = intake.echo_of(data)
    return intake.read_fields(data, model)


def _require_unit(account: Account, said: Identification | TokenRequest) -> None:
    if said.ma_don_vi != account.unit_code:
        raise Refused(Finding("SBX-1117", field="ma_don_vi", value=said.ma_don_vi))


def _require_address(account: Account, address: str) -> None:
    """Let an account with an allow-list call from its own addresses only."""
    if not account.allowed_ips:
        return
    try:
        caller = ipaddress.ip_address(address)
    except ValueError:
        raise Refused(Finding("SBX-1106", value=address)) from None
    if not any(caller in ipaddress.ip_network(net) for net in account.allowed_ips):
        raise Refused(Finding("SBX-1106", value=address))


def _require_turn(connection: Transaction, account: Account, moment: Moment) -> None:
    if not store.take_turn(connection, account, epoch=moment.epoch):
        raise Busy(
            Finding(
                "SBX-1112",
                field="yeu_cau_moi_giay",
                expected=f"<= {account.profile.requests_per_second}/s",
            ),
            retry_after=1,
        )


def away_before(
    shape: Callable[[Outcome], dict[str, Any]], away: Unavailable, *, language: str
) -> Answer:
    """Answer SBX-1118 to a request of which nothing could be read, not even whose desk it is."""
    busy = Busy(Finding(AWAY), retry_after=away.retry_after)
    outcome = answers.refused(busy, language=language, echo=None, unit_code=None)
    headers = {"Retry-After": str(away.retry_after)}
    return Answer(answers.status_of(AWAY), shape(outcome), headers)


def _refusal(
    call: Call,
    shape: Callable[[Outcome], dict[str, Any]],
    refusal: Refused,
    heard: _Heard,
) -> Answer:
    outcome = answers.refused(
        refusal, language=call.language, echo=heard.messageid, unit_code=heard.unit_code
    )
    wait = {"Retry-After": str(refusal.retry_after)} if isinstance(refusal, Busy) else {}
    return Answer(answers.status_of(refusal.code), shape(outcome), wait)


def _keep_line(connection: Transaction, call: Call, heard: _Heard, answer: Answer) -> None:
    store.add_exchange(
        connection,
        Exchange(
            service=call.service,
            user_name=heard.user_name,
            type=heard.type,
            messageid=heard.messageid,
            status=answer.status,
            error=answer.error,
            address=call.address[:64],
            space_time=call.moment.iso,
            machine_time=call.moment.machine.isoformat(),
        ),
        space=call.space.id,
        desk=call.desk.desk,
    )
