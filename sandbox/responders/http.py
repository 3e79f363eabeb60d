"""The responders' services: lists and certificates for everybody, events for tools."""

from __future__ import annotations

import base64

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from sandbox import web
from sandbox.responders.service import ContradictionError, RespondersService
from sandbox.responders.store import EventRow
from sandbox.wire.responders import (
    EVENTS_PATH,
    PERSONAS_PATH,
    CertificateEvent,
    EventKind,
    PersonaRow,
    RecordedEvent,
)

LONGEST_REQUEST = 8 * 1024
"""Bytes of an OCSP request; one certificate takes about a hundred."""
_OCSP_REQUEST = "application/ocsp-request"
# The space clock may be moved at any moment: nobody in between may keep an older list.
_NOT_KEPT = {"Cache-Control": "no-store"}


def require_tool(request: Request) -> None:
    """Let trainers' tools and our own services through. Raises `web.Unauthorised`."""
    try:
        web.require_admin(request)
    except web.Unauthorised:
        web.require_internal(request)


def routers(service: RespondersService) -> list[APIRouter]:
    """Return the services under `/ca`."""
    return [_public(service), _status(service), _events(service), _personas(service)]


def _public(service: RespondersService) -> APIRouter:
    router = APIRouter(tags=["ca"])

    @router.get("/ca/crl/{issuer}.crl")
    async def revocation_list(request: Request, issuer: str) -> Response:
        """Give the revocation list of an issuing CA in this space, DER (RFC 5280 §5)."""
        der = await web.off_loop(service.crl, web.space_of(request), issuer)
        return _found(der, "application/pkix-crl", headers=_NOT_KEPT)

    @router.get("/ca/chung-thu/{issuer}.crt")
    async def issuer_certificate(issuer: str) -> Response:
        """Give the certificate of an issuing CA, DER."""
        found = service.issuer(issuer)
        return _found(None if found is None else found.der, "application/pkix-cert")

    @router.get("/ca/goc.crt")
    async def root_certificate() -> Response:
        """Give the root certificate, DER."""
        return _found(service.root.der, "application/pkix-cert")

    @router.get("/ca/chuoi.pem")
    async def chain() -> Response:
        """Give both issuing CAs and the root as one PEM text."""
        return _found(service.chain_pem.encode(), "application/x-pem-file")

    return router


def _status(service: RespondersService) -> APIRouter:
    """RFC 6960 appendix A: the two ways to ask over HTTP."""
    router = APIRouter(tags=["ca"])

    @router.post("/ca/ocsp/{issuer}")
    async def by_post(request: Request, issuer: str) -> Response:
        """Answer an OCSP request in the body (`application/ocsp-request`)."""
        if request.headers.get("Content-Type", "").partition(";")[0].strip() != _OCSP_REQUEST:
            raise HTTPException(415)
        return await _answered(service, request, issuer, await _bounded(request))

    @router.get("/ca/ocsp/{issuer}/{asked:path}")
    async def by_get(request: Request, issuer: str, asked: str) -> Response:
        """Answer an OCSP request in the address, in base64."""
        try:
            der = base64.b64decode(asked.replace(" ", "+"), validate=True)
        except ValueError:
            der = b""
        return await _answered(service, request, issuer, der)

    return router


async def _bounded(request: Request) -> bytes:
    """Return the body; of one that is too long, nothing, which is no request."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_REQUEST:
            return b""
    return body


async def _answered(
    service: RespondersService, request: Request, issuer: str, der: bytes
) -> Response:
    answer = await web.off_loop(service.status_answer, web.space_of(request), issuer, der)
    return _found(answer, "application/ocsp-response", headers=_NOT_KEPT)


def _events(service: RespondersService) -> APIRouter:
    router = APIRouter(prefix=EVENTS_PATH, tags=["ca"], dependencies=[Depends(require_tool)])

    @router.post("", status_code=201)
    async def record(request: Request, event: CertificateEvent) -> RecordedEvent:
        """Revoke, suspend or resume a certificate in this space; needs a token of the sandbox.

        409 for an event that cannot follow on what happened before.
        """
        try:
            row = await web.off_loop(
                service.record,
                web.space_of(request),
                issuer=event.to_chuc_cap,
                serial=event.so_hieu,
                kind=event.su_kien,
                at=event.luc,
            )
        except ContradictionError as contradiction:
            raise HTTPException(409, str(contradiction)) from contradiction
        return _recorded(row)

    @router.get("")
    async def recorded(request: Request) -> list[RecordedEvent]:
        """List what was written down in this space, events of the future included."""
        rows = await web.off_loop(service.events, web.space_of(request))
        return [_recorded(row) for row in rows]

    return router


def _personas(service: RespondersService) -> APIRouter:
    router = APIRouter(prefix=PERSONAS_PATH, tags=["ca"], dependencies=[Depends(require_tool)])

    @router.get("")
    async def personas(request: Request) -> list[PersonaRow]:
        """List the gallery of this space with keys; needs a token of the sandbox."""
        return await web.off_loop(_rows, service, web.space_of(request).id)

    return router


def _rows(service: RespondersService, space_id: str) -> list[PersonaRow]:
    found = []
    for persona in service.gallery.personas:
        holder = service.gallery.holder(space_id, persona)
        row = {
            "ma": persona.id,
            "vi_tri": persona.slot.value,
            "ten": holder.certificate.common_name,
            "so_hieu": holder.certificate.serial_hex,
            "chung_thu": holder.certificate.pem,
            "khoa": holder.key.pem(),
            "tra_loi": persona.answer,
            "tra_loi_goi": persona.package,
        }
        found.append(PersonaRow.model_validate(row))
    return found


def _recorded(row: EventRow) -> RecordedEvent:
    return RecordedEvent.model_validate(
        {
            "thu_tu": row.number,
            "to_chuc_cap": row.issuer,
            "so_hieu": row.serial,
            "su_kien": EventKind(row.kind),
            "luc": row.at,
        }
    )


def _found(
    body: bytes | None, media_type: str, *, headers: dict[str, str] | None = None
) -> Response:
    if body is None:
        raise HTTPException(404)
    return Response(body, media_type=media_type, headers=headers)
