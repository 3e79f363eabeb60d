"""What the OpenAPI says of each service: request, answer, and every code it may answer with.

Built from the wire models and the rejection catalogue, so that it cannot say anything else than
the desk does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from sandbox.domain.rejections import CATALOGUE, Stage
from sandbox.ministry.answers import status_of
from sandbox.web import text
from sandbox.wire import ministry as wire
from sandbox.wire import signature_view

_RECEIPT = ("SBX-1101", "SBX-1102", "SBX-1103", "SBX-1104", "SBX-1106", "SBX-1112", "SBX-1117")
_ALWAYS = ("SBX-1118",)
_HELD = ("SBX-1103", "SBX-1106", "SBX-1112")
_CHECKED = (
    Stage.PACKAGE,
    Stage.SCHEMA,
    Stage.SIGNATURE,
    Stage.REGISTER,
    Stage.RULES,
    Stage.LOCK,
    Stage.ANY,
)
_REGISTRATION = ("SBX-1120", "SBX-1121", "SBX-1122")


@dataclass(frozen=True, slots=True)
class Documented:
    """One service of the catalogue of services."""

    path: str
    codes: tuple[str, ...]
    """Codes answered at once, in `Error`."""
    later: tuple[str, ...] = ()
    """Codes found in the rows of a result."""
    request: type[BaseModel] | None = None
    reply: type[BaseModel] | None = None

    @property
    def summary(self) -> str:
        """Vietnamese title of the service, as printed where it is printed."""
        return text("vi", "chuyen_mon", f"ministry.service.{self.path}")

    @property
    def description(self) -> str:
        """The codes this service can lead to, with their Vietnamese titles."""
        rows = [f"- `{code}` {CATALOGUE[code].title['vi']}" for code in (*self.codes, *self.later)]
        return "\n".join(rows)

    def responses(self) -> dict[int | str, dict[str, Any]]:
        """Return the answers by status, each with its codes."""
        by_status: dict[int, list[str]] = defaultdict(list)
        for code in self.codes:
            by_status[status_of(code)].append(code)
        by_status.setdefault(200, [])
        return {status: self._response(by_status[status]) for status in sorted(by_status)}

    def _response(self, codes: list[str]) -> dict[str, Any]:
        said = "; ".join(f"{code} {CATALOGUE[code].title['vi']}" for code in codes)
        response: dict[str, Any] = {"description": said or CATALOGUE["0"].title["vi"]}
        if self.reply is not None:
            schema = self.reply.model_json_schema(
                by_alias=True, ref_template="#/components/schemas/{model}"
            )
            response["content"] = {"application/json": {"schema": _inline(schema)}}
        if codes:
            response["x-ma-loi"] = codes
        return response

    def extra(self, *, with_code: bool) -> dict[str, Any]:
        """Return what FastAPI cannot see in a handler that reads the body itself."""
        extra: dict[str, Any] = {"x-ma-loi": [*self.codes, *self.later]}
        if with_code:
            extra["parameters"] = [
                {"name": "code", "in": "path", "required": True, "schema": {"type": "string"}}
            ]
        if self.request is not None:
            schema = self.request.model_json_schema(by_alias=True)
            extra["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": _inline(schema)}},
            }
        return extra


def _inline(schema: dict[str, Any]) -> dict[str, Any]:
    """Return *schema* with its definitions put in where they are used."""
    named = schema.pop("$defs", {})

    def put_in(node: Any) -> Any:
        if isinstance(node, dict):
            target = node.get("$ref")
            if isinstance(target, str):
                return put_in(named[target.rpartition("/")[2]])
            return {key: put_in(value) for key, value in node.items()}
        if isinstance(node, list):
            return [put_in(value) for value in node]
        return node

    result: dict[str, Any] = put_in(schema)
    return result


def _codes_of(stages: Iterable[Stage]) -> tuple[str, ...]:
    wanted = set(stages)
    return tuple(
        code for code, rejection in CATALOGUE.items() if rejection.stage in wanted and code != "0"
    )


_TOKEN_CODES = tuple(code for code in _RECEIPT if code != "SBX-1103")
_SERVICES = {
    row.path: row
    for row in (
        Documented(
            "token", (*_TOKEN_CODES, *_ALWAYS), request=wire.TokenRequest, reply=wire.TokenReply
        ),
        Documented("danh-muc/kieu-chu-ky", _ALWAYS),
        Documented("danh-muc/nha-cung-cap", _ALWAYS),
        Documented(
            "chung-thu-so",
            (*_RECEIPT, "SBX-1107", *_ALWAYS),
            request=wire.RegistrationRequest,
            reply=wire.RegistrationReply,
        ),
        Documented(
            "chung-thu-so/trang-thai",
            (*_RECEIPT, "SBX-1201", "SBX-1202", *_ALWAYS),
            later=(
                *_codes_of([Stage.PACKAGE, Stage.SIGNATURE]),
                "SBX-1122",
            ),
            request=wire.RegistrationStateRequest,
            reply=wire.RegistrationStateReply,
        ),
        Documented(
            "hoc-ba",
            (*_RECEIPT, "SBX-1107", *_ALWAYS),
            request=wire.SubmitRequest,
            reply=wire.Receipt,
        ),
        Documented(
            "hoc-ba/trang-thai",
            (*_RECEIPT, "SBX-1201", "SBX-1202", *_ALWAYS),
            later=tuple(c for c in _codes_of(_CHECKED) if c not in _REGISTRATION),
            request=wire.ResultRequest,
            reply=wire.ResultReply,
        ),
        Documented(
            "luu-hanh",
            (*_RECEIPT, *_ALWAYS),
            request=wire.CirculatingRequest,
            reply=wire.CirculatingReply,
        ),
        Documented("thong-tin", (*_HELD, *_ALWAYS)),
        Documented("danh-muc/truong", (*_HELD, *_ALWAYS)),
        Documented("danh-muc/ma-loi", _ALWAYS),
        Documented(
            "kham-chu-ky",
            ("SBX-1101", "SBX-1104", *_ALWAYS),
            later=_codes_of([Stage.PACKAGE, Stage.SCHEMA, Stage.SIGNATURE]),
            request=signature_view.ExamineRequest,
            reply=signature_view.ExamineReply,
        ),
    )
}


def documents(path: str) -> Documented:
    """Return what is known of the service at *path*."""
    return _SERVICES[path]


def services() -> tuple[Documented, ...]:
    """Return all services in the order of the connection document."""
    return tuple(_SERVICES.values())


def openapi_of(router: APIRouter, *, version: str) -> dict[str, Any]:
    """Return the OpenAPI document of the services in *router*."""
    return get_openapi(
        title=text("vi", "chuyen_mon", "ministry.api.title"),
        version=version,
        description=text("vi", "chuyen_mon", "ministry.api.description"),
        routes=router.routes,
    )
