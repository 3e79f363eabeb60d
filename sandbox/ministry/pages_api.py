"""The desk's own page about its services, and the OpenAPI document behind it.

The framework's documentation pages are off: they load script from elsewhere (architecture §6.12).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import web
from sandbox.domain.rejections import CATALOGUE, CATALOGUE_VERSION
from sandbox.ministry import http
from sandbox.ministry.http_openapi import Documented, openapi_of, services
from sandbox.ministry.model import path_of_desk
from sandbox.ministry.service import MinistryService
from sandbox.wire import ministry as wire
from sandbox.wire.signature_view import ExamineRequest

PAGE = "/kho/api"
_TYPED: Mapping[type[BaseModel], Mapping[str, Any]] = {
    wire.SubmitRequest: {"nam_hoc": 2024, "messageid": "", "type": "1", "function": "NOP_HOC_BA"},
    wire.ResultRequest: {"messageid": "", "type": "2", "function": "TRA_KET_QUA_NOP"},
    wire.RegistrationRequest: {
        "messageid": "",
        "type": "3",
        "function": "DANG_KY_CTS",
        "serial_number": "",
        "ngay_hieu_luc": "YYYY-MM-DD",
        "ma_kieu_chu_ky": "REMOTE_SIGNING",
        "nha_phat_hanh": "GIA_LAP_CA",
    },
    wire.RegistrationStateRequest: {"messageid": "", "ma_nam_hoc": 2024},
    wire.CirculatingRequest: {"sau": 0},
}
_IDENTIFICATION = {"token": "", "user_name": "", "password": "SHA-256, hex", "ma_don_vi": ""}
_WITH_CONTENT = (wire.SubmitRequest, wire.RegistrationRequest)


def router(service: MinistryService) -> APIRouter:
    """Return the API page and the OpenAPI document."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(PAGE)
    async def page(request: Request) -> Response:
        language = web.visit(request).language
        desks = await web.off_loop(service.desks, web.space_of(request))
        prefix = web.space_of(request).prefix
        addresses = "\n".join(f"{prefix}{path_of_desk(desk.desk)}/sandbox/v1/…" for desk in desks)
        return web.page(
            request,
            "ministry/api.html",
            addresses=addresses,
            services=[_described(request, row) for row in services()],
            codes=[_code(code, language) for code in CATALOGUE],
            version=CATALOGUE_VERSION,
        )

    @routes.get(f"{PAGE}/openapi.json")
    async def document(_request: Request) -> Response:
        return JSONResponse(openapi_of(http.routers(service)[0], version=CATALOGUE_VERSION))

    return routes


def _described(request: Request, row: Documented) -> dict[str, Any]:
    return {
        "id": row.path.replace("/", "-"),
        "path": row.path,
        "method": "GET" if row.request is None else "POST",
        "summary": web.text(request, "chuyen_mon", f"ministry.service.{row.path}"),
        "codes": row.codes,
        "later": row.later,
        "example": example_of(row),
    }


def example_of(row: Documented) -> str:
    """Return a request to start from, or an empty text for a GET."""
    if row.request is None:
        return ""
    if row.request is ExamineRequest:
        body: dict[str, Any] = {"content": "base64(int32LE(len(utf8)) + gzip(utf8))", "byte": True}
    elif row.request is wire.TokenRequest:
        body = {k: v for k, v in _IDENTIFICATION.items() if k != "token"}
    else:
        body = {"authenticationRequest": {**_IDENTIFICATION, **_TYPED[row.request]}}
        if row.request in _WITH_CONTENT:
            body["content"] = "base64(int32LE(len(utf8)) + gzip(utf8))"
    return json.dumps(body, ensure_ascii=False, indent=2)


def _code(code: str, language: str) -> dict[str, str]:
    rejection = CATALOGUE[code]
    return {
        "code": code,
        "stage": rejection.stage.value,
        "title": rejection.title[language],
        "cause": rejection.cause[language],
        "remedy": rejection.remedy[language],
    }
