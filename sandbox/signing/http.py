"""Service-to-service routes under `/ky-so/v1`: hashes in, states and signatures out.

Only the installation's own services are let in. Whatever a sender can mend is answered with
4xx, a code, a cause and a remedy in both languages; nothing is stored half.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.pki import Certificate
from sandbox.signing.model import (
    ArmedFault,
    CredentialSeed,
    Holder,
    HolderSeed,
    InstrumentState,
    LedgerLine,
    Limits,
    StoredCredential,
    StoredItem,
    StoredRequest,
)
from sandbox.signing.problems import HTTP_STATUS, REAL_NUMBER, TEACHER_ERROR, Code, Declined
from sandbox.signing.service import SigningService
from sandbox.signing.tokens import most_wrong
from sandbox.web import Space
from sandbox.wire import signing as wire

PHONE_PATH = "/ky-so/dien-thoai"
COMPUTER_PATH = "/ky-so/may-tinh"


class _Route(APIRoute):
    """A route that answers refusals in the service's own form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with the service's own refusals around it."""
        handler = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await handler(request)
            except Declined as declined:
                return refusal(request, declined)
            except RequestValidationError as fault:
                return refusal(request, _bad_input(fault))

        return guarded


def routers(service: SigningService) -> list[APIRouter]:
    """Return the service-to-service routes and the trainer's."""
    router = APIRouter(
        prefix="/ky-so/v1",
        dependencies=[Depends(web.require_internal)],
        route_class=_Route,
        tags=["signing"],
    )
    _holders(router, service)
    _transactions(router, service)
    _phones(router, service)
    admin = APIRouter(
        prefix="/ky-so/quan-tri/v1",
        dependencies=[Depends(web.require_admin)],
        route_class=_Route,
        tags=["signing"],
    )
    _trainer(admin, service)
    return [router, admin]


def _holders(router: APIRouter, service: SigningService) -> None:
    @router.get("/nguoi-ky/{holder_id}")
    def show(request: Request, holder_id: str) -> wire.HolderReply:
        """Return a holder, the state of their phone and their certificates."""
        return _reply(service, web.space_of(request), holder_id)

    @router.post("/nguoi-ky")
    def add(request: Request, body: wire.NewHolders) -> list[wire.HolderReply]:
        """Add people or units of an invented school; those already there stay as they are."""
        space = web.space_of(request)
        service.issuing.add(space, [_seed(holder) for holder in body.holders])
        return [_reply(service, space, holder.holder_id) for holder in body.holders]

    @router.post("/nguoi-ky/{holder_id}/mo-khoa")
    def unlock(request: Request, holder_id: str) -> wire.HolderReply:
        """Unlock the phone, SIM and tokens of a holder, for a trainer."""
        return _unlocked(service, web.space_of(request), holder_id)

    @router.get("/nguoi-ky/{holder_id}/dung-cu")
    def instruments(request: Request, holder_id: str) -> list[wire.InstrumentReply]:
        """Return how all of a holder's instruments stand."""
        space = web.space_of(request)
        return [
            _instrument(service, space, holder_id, state)
            for state in service.instruments.all(space, holder_id)
        ]

    @router.get("/nguoi-ky/{holder_id}/da-lay/{instrument}")
    def fetched(request: Request, holder_id: str, instrument: wire.Instrument) -> wire.Fetched:
        """Return the certificate read from the token in the port; E6 before it was read.

        `instrument` in the answer says what the token is, whichever was asked for.
        """
        if not instrument.token:
            raise Declined(Code.CERTIFICATE_NOT_FETCHED)
        token = service.tokens.fetched(web.space_of(request), holder_id)
        credential = token.credential
        return wire.Fetched(
            serial=credential.serial,
            certificate=Certificate.from_der(credential.certificate).pem,
            kind=credential.kind,
            subject_id=credential.subject_id,
            subject_name=credential.subject_name,
            instrument=token.instrument,
        )

    @router.post("/nguoi-ky/{holder_id}/su-co")
    def arm(request: Request, holder_id: str, body: wire.FaultPlan) -> list[wire.FaultState]:
        """Arm a fault plan for one holder; return the whole plan."""
        rows = service.faults.arm(web.space_of(request), holder_id, body.faults)
        return [_fault(row) for row in rows]

    @router.get("/nguoi-ky/{holder_id}/su-co")
    def plan(request: Request, holder_id: str) -> list[wire.FaultState]:
        """Return a holder's fault plan with what was met and recovered."""
        return [_fault(row) for row in service.faults.plan(web.space_of(request), holder_id)]

    @router.get("/so-cai")
    def ledger(
        request: Request,
        signer: str | None = None,
        nguoi: Annotated[list[str] | None, Query()] = None,
        su_kien: str | None = None,
        ngay: str | None = None,
        truoc: int | None = None,
        nhieu_nhat: int | None = None,
    ) -> wire.Ledger:
        """Return the ledger, oldest line first: all of it, or what is asked for.

        Of one signer or of several (`nguoi`), one event, one day, below a line's number, at most
        so many of the newest.
        """
        space = web.space_of(request)
        lines = service.ledger(
            space,
            holder=signer,
            holders=nguoi or (),
            event=su_kien,
            day=ngay,
            before=truoc,
            limit=nhieu_nhat,
        )
        return wire.Ledger(
            intact=service.ledger_is_intact(space),
            lines=[_line(line) for line in reversed(lines)],
        )


def _transactions(router: APIRouter, service: SigningService) -> None:
    @router.post("/giao-dich")
    def ask(request: Request, body: wire.NewTransaction) -> wire.Transaction:
        """Take in a request for signatures; the same key and items give the same transaction."""
        space = web.space_of(request)
        return _transaction(service, space, service.asking.ask(space, body))

    @router.get("/giao-dich/{request_id}")
    def state(request: Request, request_id: str) -> wire.Transaction:
        """Return the present state of a transaction."""
        space = web.space_of(request)
        return _transaction(service, space, service.asking.state(space, request_id))

    @router.post("/giao-dich/{request_id}/huy")
    def cancel(request: Request, request_id: str) -> wire.Transaction:
        """Withdraw a transaction that still waits."""
        space = web.space_of(request)
        return _transaction(service, space, service.asking.cancel(space, request_id))

    @router.post("/tu-dong")
    def automatic(request: Request, body: wire.AutomaticRequest) -> wire.AutomaticReply:
        """Sign with a unit's credential flagged automatic (invented by the sandbox)."""
        items = service.asking.sign_automatically(web.space_of(request), body)
        note = web.text(request, "chuyen_mon", "signing.automatic.note")
        return wire.AutomaticReply(note=note, items=[_item(item) for item in items])


def _phones(router: APIRouter, service: SigningService) -> None:
    @router.post("/dien-thoai")
    def phone(request: Request, body: wire.PhoneRequest) -> wire.Phone:
        """Return how to open a holder's practice phone; asking again gives the same answer."""
        device, code = service.phones.phone(web.space_of(request), body.holder_id, renew=body.renew)
        return wire.Phone(
            phone_token=device.token,
            pairing_code=code,
            path=f"{PHONE_PATH}/{device.token}",
            computer_path=f"{COMPUTER_PATH}/{device.token}",
        )


def _trainer(router: APIRouter, service: SigningService) -> None:
    @router.post("/nguoi-ky/{holder_id}/mo-khoa")
    def unlock(request: Request, holder_id: str) -> wire.HolderReply:
        """Unlock the phone, SIM and tokens of a holder ("Mở khoá PIN tập")."""
        return _unlocked(service, web.space_of(request), holder_id)


def refusal(request: Request, declined: Declined) -> JSONResponse:
    """Return the refusal as JSON, in both languages."""
    problem = wire.Problem(
        code=declined.code.value,
        number=REAL_NUMBER.get(declined.code),
        teacher_error=TEACHER_ERROR.get(declined.code),
        pointer=declined.pointer,
        cause=_told(declined, "cause"),
        remedy=_told(declined, "remedy"),
        transaction=declined.transaction,
    )
    return JSONResponse(problem.model_dump(), status_code=HTTP_STATUS[declined.code])


def _told(declined: Declined, part: str) -> dict[str, str]:
    key = f"signing.problem.{declined.code.value}.{part}"
    return {
        language: web.text(language, "chuyen_mon", key, **declined.values)
        for language in ("vi", "en")
    }


def _bad_input(fault: RequestValidationError) -> Declined:
    """Name the first place at fault and what was expected there; never what stood there."""
    first = fault.errors()[0]
    place = first["loc"][1:] if first["loc"][:1] == ("body",) else first["loc"]
    if first["type"] == "json_invalid":
        place = ()
    pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in place)
    return Declined(Code.BAD_INPUT, pointer=pointer or "/", expected=first["type"])


def _seed(holder: wire.NewHolder) -> HolderSeed:
    return HolderSeed(
        holder_id=holder.holder_id,
        name=holder.name,
        pin=holder.pin,
        credentials=tuple(
            CredentialSeed(**credential.model_dump()) for credential in holder.credentials
        ),
    )


def _reply(service: SigningService, space: Space, holder_id: str) -> wire.HolderReply:
    holder, credentials = service.issuing.holder(space, holder_id)
    return wire.HolderReply(
        id=holder.id,
        name=holder.name,
        locked=holder.locked,
        attempts_left=holder.attempts_left(Limits.of(space.switches)),
        times_locked=holder.times_locked,
        credentials=[_credential(holder, credential) for credential in credentials],
    )


def _unlocked(service: SigningService, space: Space, holder_id: str) -> wire.HolderReply:
    service.issuing.unlock(space, holder_id, by="trainer")
    for instrument in wire.Instrument:
        if not instrument.in_app:
            service.instruments.unlock(space, holder_id, instrument, by="trainer")
    return _reply(service, space, holder_id)


def _instrument(
    service: SigningService, space: Space, holder_id: str, state: InstrumentState
) -> wire.InstrumentReply:
    instrument = state.instrument
    facts = dict(state.facts)
    if instrument.token:
        facts |= service.tokens.facts(space, holder_id, instrument)
    return wire.InstrumentReply(
        instrument=instrument,
        locked=state.locked,
        attempts_left=state.attempts_left(most_wrong(space, instrument)),
        times_locked=state.times_locked,
        facts=facts,
    )


def _credential(holder: Holder, credential: StoredCredential) -> wire.Credential:
    return wire.Credential(
        serial=credential.serial,
        certificate=Certificate.from_der(credential.certificate).pem,
        kind=credential.kind,
        subject_id=credential.subject_id,
        subject_name=credential.subject_name,
        algorithm=credential.algorithm,
        automatic=credential.automatic,
        holder=holder.id,
        holder_name=holder.name,
    )


def _transaction(service: SigningService, space: Space, request: StoredRequest) -> wire.Transaction:
    holder, _ = service.issuing.holder(space, request.signer)
    return wire.Transaction(
        id=request.id,
        status=request.status,
        signer_id=request.signer,
        serial=request.serial,
        purpose=request.purpose,
        portal=request.portal,
        stranger=request.stranger,
        instrument=request.instrument,
        count=len(request.items),
        created=request.created,
        expires=request.expires,
        ended=request.ended,
        attempts_left=holder.attempts_left(Limits.of(space.switches)),
        locked=holder.locked,
        items=[_item(item) for item in request.items],
    )


def _item(item: StoredItem) -> wire.ItemState:
    return wire.ItemState.of(
        item.key, status=item.status, signature=item.signature, error=item.error
    )


def _fault(fault: ArmedFault) -> wire.FaultState:
    return wire.FaultState.model_validate(
        {
            "ma": fault.code,
            "khi": fault.step,
            "doi_tuong": fault.subject,
            "so_lan": fault.times,
            "boi": fault.by,
            "number": fault.number,
            "left": fault.left,
            "met": fault.met,
            "recovered": fault.recovered,
        }
    )


def _line(line: LedgerLine) -> wire.AuditLine:
    return wire.AuditLine(
        number=line.number,
        at=line.at,
        machine_at=line.machine_at,
        event=line.event,
        holder=line.holder,
        transaction=line.request,
        detail=dict(line.detail),
        previous=line.previous,
        hash=line.hash,
    )
