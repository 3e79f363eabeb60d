"""Pages that need no phone: pairing (`/dt`), the room (`/ky-so`), the ledger (`/ky-so/so-cai`)."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.signing.http import PHONE_PATH
from sandbox.signing.model import LedgerLine, Limits
from sandbox.signing.service import SigningService
from sandbox.wire.signing import MAX_HASHES

LEDGER_ROWS = 50


def routers(service: SigningService) -> list[APIRouter]:
    """Return the pages that need no phone."""
    router = APIRouter(include_in_schema=False)
    _pairing(router, service)
    _room(router, service)
    return [router]


def _pairing(router: APIRouter, service: SigningService) -> None:
    @router.get("/dt")
    async def ask(request: Request) -> Response:
        return web.page(request, "signing/pair.html")

    @router.post("/dt")
    async def pair(request: Request) -> Response:
        async def handle(form: web.Form) -> str:
            code = "".join(form.get("ma").split())
            if len(code) != 4 or not code.isdecimal():
                raise web.Invalid({"ma": web.say("loi_lam", "signing.pair.not_four")})
            found = await web.off_loop(service.phones.pair, web.space_of(request), code)
            if found is None:
                raise web.Invalid({"ma": web.say("loi_lam", "signing.pair.unknown")})
            device, replaced = found
            return f"{PHONE_PATH}/{device.token}?noi={'thay' if replaced else 'moi'}"

        return await web.submit(request, action="signing.pair", handle=handle, again="/dt")


def _room(router: APIRouter, service: SigningService) -> None:
    @router.get("/ky-so")
    async def room(request: Request) -> Response:
        request.state.audience = "professional"
        limits = Limits.of(web.space_of(request).switches)
        lifetime = limits.lifetime
        return web.page(
            request,
            "signing/room.html",
            hashes=MAX_HASHES,
            minutes=None if lifetime is None else int(lifetime.total_seconds() // 60),
            wrong_pins=limits.wrong_pins,
        )

    @router.get("/ky-so/so-cai")
    async def ledger(request: Request, truoc: int | None = None) -> Response:
        request.state.audience = "professional"
        space = web.space_of(request)
        lines = await web.off_loop(service.ledger, space, before=truoc, limit=LEDGER_ROWS)
        oldest = lines[-1].number if lines else 1
        return web.page(
            request,
            "signing/ledger.html",
            intact=await web.off_loop(service.ledger_is_intact, space),
            rows=[_row(request, line) for line in lines],
            more=f"/ky-so/so-cai?truoc={oldest}" if oldest > 1 else None,
            first="/ky-so/so-cai" if truoc is not None else None,
        )


def _row(request: Request, line: LedgerLine) -> tuple[str, ...]:
    """Return a ledger line as the cells of the table."""
    detail = "; ".join(f"{key}: {value}" for key, value in line.detail.items())
    return (
        str(line.number),
        line.at.replace("T", " "),
        line.holder,
        web.text(request, "chuyen_mon", f"signing.event.{line.event}"),
        detail,
        line.hash[:12],
    )
