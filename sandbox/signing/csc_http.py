"""The CSC API on the wire, `/ky-so/csc/v1/…`: one POST for each method, JSON in and out.

Errors have the standard's form and words; `sandbox` beside them says more (**I**). The words of
`error_description` are English unless the request asks for Vietnamese (`lang`, Accept-Language).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import web
from sandbox.signing.csc_accounts import Caller
from sandbox.signing.csc_problems import CscRefused
from sandbox.signing.csc_service import CscService
from sandbox.web import Space
from sandbox.wire import csc as wire

LOGO_PATH = "/ky-so/csc/logo.png"
_NOBODY = Caller(subject="", holder=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call: who, where, in which language the answer is told."""

    request: Request
    space: Space
    language: str
    caller: Caller = _NOBODY
    body: Mapping[str, Any] = field(repr=False)

    @property
    def root(self) -> str:
        """Where this API stands, as the caller sees it."""
        return str(self.request.base_url).rstrip("/") + self.space.prefix

    @property
    def program(self) -> str:
        """How the phone's owner is told who asks: Vietnamese, whatever the program speaks."""
        if self.caller.holder is None:
            return self.caller.name
        return web.text("vi", "chuyen_mon", "signing.csc.sender")

    def said(self, key: str, **values: object) -> str:
        """Return a text of this API."""
        return web.text(self.language, "chuyen_mon", f"signing.csc.{key}", **values)


@dataclass(frozen=True, slots=True)
class Method:
    """One method: its name is its path."""

    name: str
    asks: type[wire.Asked]
    answer: Callable[[CscService, Call, Any], wire.Answer | None]
    open: bool = False
    """Whether it is there for everybody, without an access token."""
    invented: bool = False


def routers(service: CscService) -> list[APIRouter]:
    """Return the methods of the API, the token endpoint and the logo."""
    router = APIRouter(prefix=wire.BASE_PATH, tags=["csc"])
    for method in METHODS:
        _add(router, service, method)
    rest = APIRouter(include_in_schema=False)

    @rest.post(wire.BASE_PATH + "/{name:path}")
    async def unknown(request: Request) -> Response:
        return refusal(request, CscRefused("METHOD_UNKNOWN"), language=_asked_language(request))

    @rest.get(LOGO_PATH)
    async def logo() -> Response:
        return Response(_LOGO, media_type="image/png")

    return [router, rest]


_LOGO = (Path(__file__).parent / "csc_logo.png").read_bytes()


def _add(router: APIRouter, service: CscService, method: Method) -> None:
    async def endpoint(request: Request) -> Response:
        return await _answer(request, service, method)

    schemas = wire.schemas()
    output = schemas.get(f"output.{method.name}")
    good: dict[str, Any] = {"description": "OK"}
    if output is not None:
        good["content"] = {"application/json": {"schema": output}}
    errors = {"application/json": {"schema": schemas["output.error"]}}
    media = (
        "application/x-www-form-urlencoded" if method.name == "oauth2/token" else "application/json"
    )
    router.add_api_route(
        f"/{method.name}",
        endpoint,
        methods=["POST"],
        name=method.name,
        operation_id=method.name.replace("/", "-"),
        responses={204 if output is None else 200: good, 400: {"content": errors}},
        openapi_extra={
            "requestBody": {"content": {media: {"schema": schemas[f"input.{method.name}"]}}},
            "x-invented": method.invented,
        },
    )


async def _answer(request: Request, service: CscService, method: Method) -> Response:
    space, language = web.space_of(request), _asked_language(request)
    caller = _NOBODY
    try:
        body = _body(request, await request.body())
        language = _language_of(body.get("lang")) or language
        if not method.open:
            caller = await web.off_loop(service.accounts.caller, space, _bearer(request))
        call = Call(
            request=request, space=space, language=language or "vi", caller=caller, body=body
        )
        answer = await web.off_loop(method.answer, service, call, _read(method.asks, body))
    except CscRefused as refused:
        if caller is not _NOBODY:
            await web.off_loop(service.note_refusal, space, caller, method.name, refused.code)
        return refusal(request, refused, language=language)
    if answer is None:
        return Response(status_code=204)
    return JSONResponse(answer.told())


def refusal(_request: Request, refused: CscRefused, *, language: str | None) -> JSONResponse:
    """Return a refusal in the standard's form; Vietnamese words only where they were asked for."""
    words = {
        spoken: web.text(
            spoken, "chuyen_mon", f"signing.csc.error.{refused.code}", **refused.values
        )
        for spoken in ("vi", "en")
    }
    told = {
        "error": refused.case.error,
        "error_description": words["vi"] if language == "vi" else refused.description,
        "sandbox": {"code": refused.code, **words, **refused.told},
    }
    headers = {"WWW-Authenticate": "Bearer"} if refused.case.status == 401 else None
    return JSONResponse(told, status_code=refused.case.status, headers=headers)


def _info(_service: CscService, call: Call, _asked: wire.InfoRequest) -> wire.Info:
    return wire.Info(
        name=call.said("provider"),
        logo=str(call.request.base_url).rstrip("/") + LOGO_PATH,
        lang=call.language,
        description=call.said("info"),
        auth_type=["basic", "oauth2client"],
        oauth2=call.root + wire.BASE_PATH,
        methods=[one.name for one in METHODS if one.name != "info" and not one.invented],
    )


def _login(service: CscService, call: Call, asked: wire.LoginRequest) -> wire.LoginReply:
    header = call.request.headers.get("authorization", "")
    if asked.refresh_token is not None and not header:
        return service.accounts.refresh(call.space, asked.refresh_token)
    user, password = _basic(header)
    return service.accounts.login(call.space, user, password, remember=asked.remember_me)


def _token(service: CscService, call: Call, _asked: wire.Asked) -> wire.TokenReply:
    header = call.request.headers.get("authorization", "")
    given = {name: str(value) for name, value in call.body.items()}
    if "grant_type" not in given:
        raise CscRefused("MISSING_PARAMETER", type="string", name="grant_type")
    if given["grant_type"] != "client_credentials":
        raise CscRefused("GRANT_UNSUPPORTED")
    if header:
        client, secret = _basic(header)
    else:
        client, secret = given.get("client_id", ""), given.get("client_secret", "")
    return service.accounts.client_token(call.space, client, secret)


def _revoke(service: CscService, call: Call, asked: wire.RevokeRequest) -> None:
    service.accounts.revoke(call.space, call.caller, asked.token)


def _send_otp(service: CscService, call: Call, asked: wire.SendOtpRequest) -> None:
    purpose = web.text("vi", "cau", "signing.csc.otp_purpose", name=call.program)
    service.authorizing.send_otp(call.space, call.caller, asked, purpose=purpose)


def _codes(service: CscService, call: Call, asked: wire.CodesRequest) -> wire.CodesReply:
    """Show an engineer's codes; never a teacher's, whose phone is the only place for them."""
    if not service.practice.is_engineer(asked.user_id):
        raise CscRefused("USER_ID_UNKNOWN")
    now = service.signing.otp.current(call.space, asked.user_id)
    return wire.CodesReply(
        totp=now.code,
        seconds_left=now.seconds_left,
        messages=[
            wire.SentCode(
                code=one.code,
                sent_at=one.sent_at.isoformat(),
                expires_at=one.expires_at.isoformat(),
                used=one.used,
            )
            for one in service.signing.otp.messages(call.space, asked.user_id)
        ],
    )


METHODS = (
    Method("info", wire.InfoRequest, _info, open=True),
    Method("auth/login", wire.LoginRequest, _login, open=True),
    Method("auth/revoke", wire.RevokeRequest, _revoke),
    Method("oauth2/token", wire.Asked, _token, open=True),
    Method(
        "credentials/list",
        wire.ListRequest,
        lambda s, c, asked: s.credentials.page(c.space, c.caller, asked),
    ),
    Method(
        "credentials/info",
        wire.CredentialRequest,
        lambda s, c, asked: s.credentials.info(c.space, c.caller, asked, language=c.language),
    ),
    Method("credentials/sendOTP", wire.SendOtpRequest, _send_otp),
    Method(
        "credentials/authorize",
        wire.AuthorizeRequest,
        lambda s, c, asked: s.authorizing.authorize(c.space, c.caller, asked),
    ),
    Method(
        "credentials/extendTransaction",
        wire.ExtendRequest,
        lambda s, c, asked: s.authorizing.extend(c.space, c.caller, asked),
    ),
    Method(
        "signatures/signHash",
        wire.SignRequest,
        lambda s, c, asked: s.authorizing.sign(c.space, c.caller, asked),
    ),
    Method(
        "sandbox/confirmation/request",
        wire.ConfirmRequest,
        lambda s, c, asked: s.confirmation.ask(
            c.space,
            c.caller,
            asked,
            sender=c.program,
            unnamed=web.text("vi", "chuyen_mon", "signing.csc.document"),
        ),
        invented=True,
    ),
    Method(
        "sandbox/confirmation/status",
        wire.StatusRequest,
        lambda s, c, asked: s.confirmation.state(c.space, c.caller, asked.transaction_id),
        invented=True,
    ),
    Method("sandbox/codes", wire.CodesRequest, _codes, invented=True),
)
"""Every method, in the order of the standard; then what the sandbox adds."""


def _body(request: Request, raw: bytes) -> dict[str, Any]:
    """Return the JSON object or the form of a request; nothing at all counts as an empty one."""
    if not raw.strip():
        return {}
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        body = json.loads(raw)
    except ValueError:
        raise CscRefused("MALFORMED_BODY") from None
    if not isinstance(body, dict):
        raise CscRefused("MALFORMED_BODY")
    return body


def _read(model: type[wire.Asked], body: Mapping[str, Any]) -> wire.Asked:
    """Return the request. Raises `CscRefused` that names the parameter, never what stood there."""
    try:
        return model.model_validate(body)
    except ValidationError as fault:
        first = fault.errors(include_input=False, include_url=False)[0]
    name, kind = str(first["loc"][0]), str(first["type"])
    if name == "token_type_hint":
        raise CscRefused("HINT_INVALID")
    if kind == "missing" or kind.endswith("_type"):
        wanted = _wanted(model, name)
        raise CscRefused("MISSING_PARAMETER", type=wanted, name=name)
    raise CscRefused("INVALID_PARAMETER", name=name)


def _wanted(model: type[wire.Asked], name: str) -> str:
    """Return the JSON type the standard wants for *name*."""
    schema = model.model_json_schema(by_alias=True)["properties"].get(name, {})
    for one in (schema, *schema.get("anyOf", ())):
        if one.get("type") in ("string", "integer", "boolean", "array"):
            return cast("str", one["type"])
    return "object"


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise CscRefused("AUTHORIZATION_MISSING")
    return token.strip()


def _basic(header: str) -> tuple[str, str]:
    scheme, _, packed = header.partition(" ")
    if scheme.lower() != "basic":
        raise CscRefused("AUTHORIZATION_MISSING")
    try:
        user, colon, password = base64.b64decode(packed, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise CscRefused("AUTHORIZATION_MISSING") from None
    if not colon or not user:
        raise CscRefused("LOGIN_MALFORMED")
    return user, password


def _asked_language(request: Request) -> str | None:
    return _language_of(request.headers.get("accept-language", "").split(",")[0])


def _language_of(tag: object) -> str | None:
    """Return vi or en for a language tag, None for any other."""
    first = tag.split("-")[0].strip().lower() if isinstance(tag, str) else ""
    return first if first in ("vi", "en") else None
