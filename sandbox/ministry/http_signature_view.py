"""The signature doctor as a service: a content or a document in, the verdict and its reasons out.

Invented (I). No token: whoever has a file may ask what its signatures say, as on the public page;
nothing is stored and nothing of a register is told but whether a certificate is approved.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import web
from sandbox.domain.rejections import SUCCESS, title
from sandbox.errors import Finding, Refused, Unavailable
from sandbox.ministry import answers
from sandbox.ministry.answers import Outcome
from sandbox.ministry.http_edge import language_of, read_body
from sandbox.ministry.http_openapi import documents
from sandbox.ministry.service import MinistryService
from sandbox.ministry.signature_view import SignatureDesk
from sandbox.ministry.signature_words import KIND, Say, as_json

NAME: Final = "kham-chu-ky"
AT_ONCE: Final = 2
"""Examinations under way at the same time in one process; the next ones wait."""


def add_to(router: APIRouter, service: MinistryService) -> None:
    """Add the service to the Kho's, with its part of the OpenAPI."""
    desk = SignatureDesk(service)
    turn = asyncio.Semaphore(AT_ONCE)
    documented = documents(NAME)

    async def handle(request: Request) -> Response:
        language = language_of(request)
        body = await read_body(request)
        try:
            delivery, with_bytes = _asked(body)
            async with turn:
                look = await web.off_loop(desk.look, web.space_of(request), delivery)
        except Refused as refusal:
            outcome = answers.refused(refusal, language=language, echo=None, unit_code=None)
            return _respond(outcome, {"chi_tiet": outcome.chi_tiet})
        except Unavailable as away:
            outcome = answers.refused(
                Refused(Finding("SBX-1118")), language=language, echo=None, unit_code=None
            )
            return _respond(outcome, {"chi_tiet": outcome.chi_tiet}, retry=away.retry_after)
        said = as_json(look, say_in(language), language=language, with_bytes=with_bytes)
        return _respond(Outcome(language), said)

    router.add_api_route(
        f"/kho/sandbox/v1/{NAME}",
        handle,
        methods=["POST"],
        name=f"ministry.kho.{NAME}",
        operation_id=f"kho.{NAME}",
        summary=documented.summary,
        description=documented.description,
        responses=documented.responses(),
        openapi_extra=documented.extra(with_code=False),
        response_class=JSONResponse,
    )


def say_in(language: str) -> Say:
    """Return the words of a look in *language*."""
    return lambda key, **values: web.text(language, KIND, f"ministry.look.{key}", **values)


def _asked(body: bytes | None) -> tuple[str | bytes, bool]:
    """Return the delivery and whether its canonical bytes are wanted.

    The body is XML, or JSON with `content` (as in service 3.6) or `xml`, and `byte`: true.

    Raises:
        Refused: SBX-1104 too large, SBX-1101 nothing of the kind.
    """
    if body is None:
        raise Refused(Finding("SBX-1104"))
    start = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start == b"<":
        return body, False
    try:
        said = json.loads(body)
        content, xml, wanted = said.get("content"), said.get("xml"), bool(said.get("byte"))
    except (ValueError, AttributeError, RecursionError):
        raise Refused(Finding("SBX-1101", field="content", pointer="/content")) from None
    if isinstance(content, str) and content:
        return content, wanted
    if isinstance(xml, str) and xml:
        return xml.encode("utf-8", "replace"), wanted
    raise Refused(Finding("SBX-1101", field="content", pointer="/content"))


def _respond(outcome: Outcome, said: dict[str, Any], *, retry: int | None = None) -> Response:
    body = {**said, "Error": outcome.code, "ErrorDescription": title(outcome.code, "vi")}
    status = 200 if outcome.code == SUCCESS else answers.status_of(outcome.code)
    headers = {} if retry is None else {"retry-after": str(retry)}
    return JSONResponse(body, status_code=status, headers=headers)
