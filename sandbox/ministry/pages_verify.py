"""Public verification: a file, or five items with a small sum as confirmation code (§7.2)."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable
from datetime import date, datetime
from typing import Any, TypeVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox import web
from sandbox.clock import VIETNAM
from sandbox.documents.forms import read_day
from sandbox.errors import Unavailable
from sandbox.ministry import findings as kept
from sandbox.ministry import pages_signature_view
from sandbox.ministry.service import MinistryService
from sandbox.ministry.verification import PublicVerification, Verification

PAGE = "/kho/tra-cuu"
RESULT = f"{PAGE}/ket-qua"
QUESTION, ANSWER = "ministry.question", "ministry.verified"
KIND = "chuyen_mon"
Found = TypeVar("Found")


def router(service: MinistryService) -> APIRouter:
    """Return the public verification pages; one place for all desks of a space."""
    routes = APIRouter(include_in_schema=False)
    verification = PublicVerification(service)
    _add_pages(routes)
    _add_ways(routes, service, verification)
    return routes


def _add_pages(routes: APIRouter) -> None:
    @routes.get(PAGE)
    async def ask(request: Request) -> Response:
        question = [secrets.randbelow(8) + 2, secrets.randbelow(8) + 2]
        await web.session(request).set(QUESTION, question)
        return web.page(request, "ministry/verify.html", question=question)

    @routes.get(RESULT)
    async def answer(request: Request) -> Response:
        found = await web.session(request).get(ANSWER)
        if found is None:
            return RedirectResponse(web.visit(request).url(PAGE), status_code=303)
        language = web.visit(request).language
        return web.page(
            request,
            "ministry/verified.html",
            found=found,
            at=datetime.fromisoformat(found["at"]),
            signers=[_signer(request, row) for row in found["signers"]],
            details=kept.details(found["findings"], language),
        )


def _add_ways(
    routes: APIRouter, service: MinistryService, verification: PublicVerification
) -> None:
    @routes.post(f"{PAGE}/tep")
    async def by_file(request: Request) -> Response:
        async def handle(form: web.Form) -> str:
            upload = form.file("tep")
            if upload is None or not upload.content:
                raise web.Invalid({"tep": web.say(KIND, "ministry.verify.file_missing")})
            found = await _waiting(
                web.off_loop(
                    verification.of_file,
                    web.space_of(request),
                    upload.content,
                    address=_address(request),
                )
            )
            look = await pages_signature_view.keep(request, service, upload.content)
            return await _show(request, found, look)

        return await web.submit(request, action="ministry.verify.file", handle=handle, again=PAGE)

    @routes.post(f"{PAGE}/nam-muc")
    async def by_items(request: Request) -> Response:
        async def handle(form: web.Form) -> str:
            born = await _require_items(request, form)
            found = await _waiting(
                web.off_loop(
                    verification.of_items,
                    web.space_of(request),
                    uuid=form.get("ma_tra_cuu"),
                    name=form.get("ho_ten"),
                    birth_date=born.isoformat(),
                    pupil_id=form.get("so_cccd"),
                    address=_address(request),
                )
            )
            if found is None:
                raise web.Invalid({"ma_tra_cuu": web.say(KIND, "ministry.verify.no_match")})
            space, uuid = web.space_of(request), form.get("ma_tra_cuu")
            xml = await web.off_loop(verification.stored_xml, space, uuid)
            look = await pages_signature_view.keep(request, service, xml or b"", shows_data=False)
            return await _show(request, found, look)

        return await web.submit(request, action="ministry.verify.items", handle=handle, again=PAGE)


async def _require_items(request: Request, form: web.Form) -> date:
    """Return the birth date once all five items are there and the sum is right."""
    errors = {
        name: web.say(KIND, f"ministry.verify.{key}_missing")
        for name, key in (("ma_tra_cuu", "uuid"), ("ho_ten", "name"), ("so_cccd", "id"))
        if not form.get(name)
    }
    born = read_day(form.get("ngay_sinh")) if form.get("ngay_sinh") else None
    if born is None:
        errors["ngay_sinh"] = web.say(KIND, "ministry.verify.birth_missing")
    question = await web.session(request).get(QUESTION)
    if question is None or form.get("xac_nhan") != str(sum(question)):
        errors["xac_nhan"] = web.say(KIND, "ministry.verify.code_wrong")
    if errors or born is None:
        raise web.Invalid(errors)
    return born


async def _waiting(asked: Awaitable[Found]) -> Found:
    """Return the answer, or say that a certificate's issuer does not tell its state (§6)."""
    try:
        return await asked
    except Unavailable as away:
        raise web.Problem(
            web.say(KIND, "ministry.verify.away"),
            meaning=web.say(KIND, "ministry.verify.away.meaning", who=str(away)),
            remedy=web.say(KIND, "ministry.verify.away.remedy"),
            button=web.say(KIND, "ministry.verify.away.again"),
            to=PAGE,
            status=503,
        ) from away


async def _show(request: Request, found: Verification, look: str | None) -> str:
    """Keep the answer for the page the visitor is sent to; the question is used up.

    *look* is the path of the page that shows the same file on three levels.
    """
    session = web.session(request)
    await session.set(ANSWER, {**found.to_json(), "look": look})
    await session.delete(QUESTION)
    return RESULT


def _signer(request: Request, row: dict[str, Any]) -> tuple[str, ...]:
    def said(key: str) -> str:
        return web.text(request, KIND, key)

    return (
        row["name"],
        said(f"ministry.slot.{row['slot']}"),
        row["issuer"],
        _moment(row["signed_at"]),
        row["serial"],
        f"{_moment(row['valid_from'])[:10]} – {_moment(row['valid_to'])[:10]}",
        said("ministry.certificate_state.good"),
        said(f"ministry.certificate_state.{row['state_now']}"),
    )


def _moment(iso: str) -> str:
    return datetime.fromisoformat(iso).astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M:%S")


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
