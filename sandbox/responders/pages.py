"""The one page of the responders: what the practice authority is and where its files are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from sandbox import web
from sandbox.pki import Certificate
from sandbox.responders.service import RespondersService


@dataclass(frozen=True, slots=True)
class Shown:
    """One CA certificate as the page shows it."""

    name: str
    serial: str
    valid: tuple[object, object]
    fingerprint: str
    to: str


def routers(service: RespondersService) -> list[APIRouter]:
    """Return the route of the page `/ca`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/ca")
    async def authority(request: Request) -> Response:
        lists = await web.off_loop(service.published, web.space_of(request))
        certificates = [_shown(service.root, "/ca/goc.crt")]
        certificates += [
            _shown(one.issuer.certificate, f"/ca/chung-thu/{one.issuer.code}.crt") for one in lists
        ]
        return web.page(
            request, "responders/authority.html", lists=lists, certificates=certificates
        )

    return [router]


def _shown(certificate: Certificate, to: str) -> Shown:
    digest = hashlib.sha256(certificate.der).hexdigest().upper()
    return Shown(
        name=certificate.common_name,
        serial=certificate.serial_hex,
        valid=(certificate.not_before, certificate.not_after),
        # in groups of four, so that two people can compare it aloud and it wraps on a phone
        fingerprint=" ".join(digest[i : i + 4] for i in range(0, len(digest), 4)),
        to=to,
    )
