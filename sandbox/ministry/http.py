"""The services of the connection document at each desk (transactions §4), and the side doors.

Each service is offered twice, under `/kho` and under `/kho/so/{code}`: one handler for both.
Services 3.8 and 3.9 (recall) will stand between 3.7 and the invented ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.errors import Refused, Unavailable
from sandbox.ministry import answers, http_admin, http_signature_view
from sandbox.ministry.answers import Answer, Outcome
from sandbox.ministry.http_edge import (
    FaultPlan,
    Faults,
    bearer_of,
    drop_body,
    language_of,
    read_body,
)
from sandbox.ministry.http_openapi import Documented, documents
from sandbox.ministry.model import KHO, Desk, desk_of_department
from sandbox.ministry.receipt import Call, away_before
from sandbox.ministry.service import (
    CIRCULATING,
    REGISTER,
    REGISTRATION_STATE,
    RESULT,
    SUBMIT,
    TOKEN,
    MinistryService,
)
from sandbox.web import off_loop, space_of

PREFIXES = ("/kho", "/kho/so/{code}")
Shape = Callable[[Outcome], dict[str, Any]]


def routers(service: MinistryService) -> list[APIRouter]:
    """Return the JSON routes of all desks, full paths in them."""
    desks = Desks(service)
    router = APIRouter(tags=["kho"])
    for prefix in PREFIXES:
        _add_services(router, desks, prefix)
    http_signature_view.add_to(router, service)
    return [router, http_admin.router(service, desks.find, prefixes=PREFIXES)]


class Desks:
    """Finds the desk of a request and answers for it."""

    def __init__(self, service: MinistryService) -> None:
        self.service = service
        self._faults = Faults()

    async def find(self, request: Request) -> Desk:
        """Return the desk the address names; an address without a desk behind it is 404."""
        return (await self._look_up(request))[0]

    async def _look_up(self, request: Request) -> tuple[Desk, Mapping[str, Any] | None]:
        """Return the desk the address names and the fault plan of its edge. Raises 404."""
        code = request.path_params.get("code")
        name = KHO if code is None else desk_of_department(code)
        found = await off_loop(self.service.desk_and_fault, space_of(request), name)
        if found is None:
            raise HTTPException(404)
        return found

    async def post(
        self,
        request: Request,
        shape: Shape,
        work: Callable[[Call, bytes | None], Answer],
        *,
        adds: bool = False,
    ) -> Response:
        """Answer a POST: edge, room if it *adds* to what waits, body, then *work* off the loop."""
        try:
            call, said = await self._call(request)
            try:
                await self._edge(call, said)
                if adds:
                    await self._require_room()
            except Refused as refusal:
                await drop_body(request)
                return _respond(await off_loop(self.service.refuse, call, shape, refusal))
            body = await read_body(request)
            return _respond(await off_loop(work, call, body))
        except Unavailable as away:
            return _respond(away_before(shape, away, language=language_of(request)))

    async def get(self, request: Request, shape: Shape, work: Callable[[Call], Answer]) -> Response:
        """Answer a GET."""
        try:
            call, said = await self._call(request)
            try:
                await self._edge(call, said)
            except Refused as refusal:
                return _respond(await off_loop(self.service.refuse, call, shape, refusal))
            return _respond(await off_loop(work, call))
        except Unavailable as away:
            return _respond(away_before(shape, away, language=language_of(request)))

    async def _require_room(self) -> None:
        """Let a request on that adds to what waits. Raises `Busy` when there is no room."""
        pressure = self.service.pressure
        if pressure.is_due:
            await off_loop(pressure.look)
        pressure.require_room()

    async def _call(self, request: Request) -> tuple[Call, Mapping[str, Any] | None]:
        desk, said = await self._look_up(request)
        path = request.scope["path"]
        call = self.service.call(
            space_of(request),
            desk,
            address=request.client.host if request.client else "",
            language=language_of(request),
            service=path.rpartition("/sandbox/v1")[2][:64],
        )
        return call, said

    async def _edge(self, call: Call, said: Mapping[str, Any] | None) -> None:
        await self._faults.suffer(FaultPlan.of(said), space=call.space.id, desk=call.desk.desk)


def _respond(answer: Answer) -> Response:
    return JSONResponse(dict(answer.body), status_code=answer.status, headers=dict(answer.headers))


def _add_services(router: APIRouter, desks: Desks, prefix: str) -> None:
    service = desks.service
    posts: tuple[tuple[Documented, Shape, Callable[[Call, bytes | None], Answer]], ...] = (
        (documents("token"), TOKEN.shape, service.token),
        (documents("chung-thu-so"), REGISTER.shape, service.register),
        (
            documents("chung-thu-so/trang-thai"),
            REGISTRATION_STATE.shape,
            service.registration_state,
        ),
        (documents("hoc-ba"), SUBMIT.shape, service.submit),
        (documents("hoc-ba/trang-thai"), RESULT.shape, service.result),
        (documents("luu-hanh"), CIRCULATING.shape, service.circulating),
    )
    for documented, shape, work in posts:
        adds = work in (service.submit, service.register)
        _add_post(router, desks, prefix, documented, shape, work, adds=adds)
    for name, open_work in (
        ("danh-muc/kieu-chu-ky", service.signature_kinds),
        ("danh-muc/nha-cung-cap", service.providers),
        ("danh-muc/ma-loi", service.codes),
    ):
        _add_get(router, desks, prefix, documents(name), answers.rows, open_work)
    for name, shape, held_work in (
        ("thong-tin", answers.information, service.information),
        ("danh-muc/truong", answers.rows, service.schools),
    ):
        _add_held_get(router, desks, prefix, documents(name), shape, held_work)


def _add_post(
    router: APIRouter,
    desks: Desks,
    prefix: str,
    documented: Documented,
    shape: Shape,
    work: Callable[[Call, bytes | None], Answer],
    *,
    adds: bool,
) -> None:
    async def handle(request: Request) -> Response:
        return await desks.post(request, shape, work, adds=adds)

    _add(router, "POST", prefix, documented, handle)


def _add_get(
    router: APIRouter,
    desks: Desks,
    prefix: str,
    documented: Documented,
    shape: Shape,
    work: Callable[[Call], Answer],
) -> None:
    async def handle(request: Request) -> Response:
        return await desks.get(request, shape, work)

    _add(router, "GET", prefix, documented, handle)


def _add_held_get(
    router: APIRouter,
    desks: Desks,
    prefix: str,
    documented: Documented,
    shape: Shape,
    work: Callable[[Call, str | None], Answer],
) -> None:
    async def handle(request: Request) -> Response:
        token = bearer_of(request)
        return await desks.get(request, shape, lambda call: work(call, token))

    _add(router, "GET", prefix, documented, handle)


def _add(
    router: APIRouter,
    method: str,
    prefix: str,
    documented: Documented,
    handle: Callable[[Request], Any],
) -> None:
    desk = "so" if "{code}" in prefix else "kho"
    router.add_api_route(
        f"{prefix}/sandbox/v1/{documented.path}",
        handle,
        methods=[method],
        name=f"ministry.{desk}.{documented.path}",
        operation_id=f"{desk}.{documented.path.replace('/', '.')}",
        summary=documented.summary,
        description=documented.description,
        responses=documented.responses(),
        openapi_extra=documented.extra(with_code="{code}" in prefix),
        response_class=JSONResponse,
    )
