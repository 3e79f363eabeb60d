"""The engineer's page of the CSC API, its examples as a script, its OpenAPI document."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox import web
from sandbox.signing import csc_http
from sandbox.signing.csc_authorizing import UNLIMITED
from sandbox.signing.csc_practice import Account
from sandbox.signing.csc_problems import cases
from sandbox.signing.csc_service import CscService
from sandbox.signing.http import PHONE_PATH
from sandbox.signing.model import Limits
from sandbox.wire import csc as wire
from sandbox.wire.signing import MAX_HASHES

PAGE = "/ky-so/csc"
_PLACES = (
    "name",
    "type",
    "left",
    "until",
    "most",
    "count",
    "length",
    "received",
    "mine",
    "reason",
    "subject",
)
"""What stands to be filled in in the texts of refusals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One member of a request or an answer."""

    name: str
    type: str
    required: bool


def routers(service: CscService) -> list[APIRouter]:
    """Return the engineer's page and what hangs on it."""
    router = APIRouter(include_in_schema=False)

    @router.get(PAGE)
    async def show(request: Request) -> Response:
        request.state.audience = "professional"
        space = web.space_of(request)
        await web.off_loop(service.practice.prepare, space)
        lifetime = Limits.of(space.switches).lifetime or UNLIMITED
        return web.page(
            request,
            "signing/csc.html",
            base=_base(request),
            client=service.practice.client(space),
            accounts=await web.off_loop(service.practice.accounts, space),
            phones=await web.off_loop(_phones, service, space),
            examples=await web.off_loop(_examples, service, request),
            methods=[_described(method) for method in csc_http.METHODS],
            cases=_case_rows(request),
            sad_seconds=int(lifetime.total_seconds()),
            token_seconds=wire.TOKEN_SECONDS,
            hashes=MAX_HASHES,
        )

    @router.get(PAGE + "/vi-du.sh")
    async def script(request: Request) -> Response:
        await web.off_loop(service.practice.prepare, web.space_of(request))
        examples = await web.off_loop(_examples, service, request)
        return PlainTextResponse("set -eu\n" + "\n".join(examples.values()))

    @router.get(PAGE + "/openapi.json")
    async def document(_request: Request) -> Response:
        return JSONResponse(
            get_openapi(
                title=web.text("vi", "chuyen_mon", "signing.csc.page.title"),
                version=wire.SPECS,
                description=web.text("vi", "chuyen_mon", "signing.csc.page.what"),
                routes=csc_http.routers(service)[0].routes,
            )
        )

    return [router]


def _base(request: Request) -> str:
    root = str(request.base_url).rstrip("/")
    return root + web.space_of(request).prefix + wire.BASE_PATH


def _phones(service: CscService, space: web.Space) -> dict[str, str]:
    """Return where the engineers' practice phones are; a teacher's stays with the teacher."""
    engineers = [one.holder for one in service.practice.accounts(space) if one.pin is not None]
    phone = service.signing.phones.phone
    return {who: f"{PHONE_PATH}/{phone(space, who)[0].token}" for who in engineers}


def _examples(service: CscService, request: Request) -> dict[str, str]:
    space = web.space_of(request)
    client = service.practice.client(space)
    first: Account = service.practice.accounts(space)[0]
    filled = {
        "@BASE@": _base(request),
        "@CLIENT@": client.id,
        "@SECRET@": client.secret,
        "@USER@": first.holder,
        "@PIN@": first.pin or "",
    }
    examples = {}
    for name, script in _scripts().items():
        text = script.strip() + "\n"
        for mark, value in filled.items():
            text = text.replace(mark, value)
        examples[name] = text
    return examples


@cache
def _scripts() -> dict[str, str]:
    with (Path(__file__).parent / "csc_examples.toml").open("rb") as file:
        return tomllib.load(file)


def _described(method: csc_http.Method) -> dict[str, Any]:
    schemas = wire.schemas()
    output = schemas.get(f"output.{method.name}")
    return {
        "name": method.name,
        "id": method.name.replace("/", "-"),
        "invented": method.invented,
        "asks": _parameters(schemas[f"input.{method.name}"]),
        "answers": None if output is None else _parameters(output),
    }


def _parameters(schema: dict[str, Any]) -> list[Parameter]:
    required = schema.get("required", ())
    return [
        Parameter(name=name, type=_type(told), required=name in required)
        for name, told in schema.get("properties", {}).items()
    ]


def _type(told: dict[str, Any]) -> str:
    if "enum" in told:
        return " | ".join(str(one) for one in told["enum"])
    if told.get("type") == "array":
        return f"[{_type(told.get('items', {}))}]"
    kind = told.get("type", "")
    return kind if isinstance(kind, str) else " | ".join(kind)


def _case_rows(request: Request) -> list[tuple[str, str, str]]:
    """Return (own code, the standard's words, meaning and remedy), places to fill in as <name>."""
    places = {name: f"<{name}>" for name in _PLACES}
    return [
        (
            code,
            f"{case.error}: {case.description.format_map(places)}",
            web.text(request, "chuyen_mon", f"signing.csc.error.{code}", **places),
        )
        for code, case in cases().items()
    ]
