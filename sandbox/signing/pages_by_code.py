"""Ký Xa A by one-time code: a page of the service on the computer, no tap on the phone.

Password, then code (signing-practice §3.1, A-OTP). The code is read on the practice phone.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sandbox import web
from sandbox.signing.by_code import ByCodeView
from sandbox.signing.http import COMPUTER_PATH
from sandbox.signing.model import Device, StoredRequest
from sandbox.signing.otp import OtpVerdict
from sandbox.signing.outcomes import Outcome
from sandbox.signing.pages_desk import Desk, computer_path, go, path
from sandbox.signing.phone_words import ROWS, ending, things
from sandbox.wire.signing import Instrument, Status

BY_CODE = (Instrument.A_OTP,)
PAGE = "ma-mot-lan"
TOLD = (OtpVerdict.WRONG, OtpVerdict.EXPIRED, OtpVerdict.USED)
"""What the page of a code that was not right can say."""


def add(router: APIRouter, desk: Desk) -> None:
    """Add the pages to *router*."""
    _list(router, desk)
    _request(router, desk)
    _password(router, desk)
    _code(router, desk)
    _not_right(router, desk)
    _lock(router, desk)


async def _look(desk: Desk, request: Request, token: str) -> tuple[Device, ByCodeView]:
    device = await desk.device(request, token)
    view: ByCodeView = await web.off_loop(desk.service.by_code.look, web.space_of(request), device)
    return device, view


async def _page(
    desk: Desk, request: Request, template: str, *, page: str, device: Device, **context: Any
) -> HTMLResponse:
    """Return a page; what all of them need is added."""
    return await desk.coach.page(
        request,
        f"signing/{template}.html",
        page=page,
        device=device,
        phone=path(device.token),
        service=computer_path(device.token, PAGE),
        **context,
    )


def _list(router: APIRouter, desk: Desk) -> None:
    @router.get(COMPUTER_PATH + "/{token}/" + PAGE)
    async def show(request: Request, token: str, ve: str = "") -> Response:
        device, view = await _look(desk, request, token)
        await desk.remember_way_back(request, device, ve)
        if view.state.locked:
            return go(request, _locked_path(token))
        only = view.waiting[0] if view.waiting else None
        return await _page(
            desk,
            request,
            "otp_list",
            page="otp.list",
            device=device,
            only=only,
            last=view.last_ended,
            things=things,
            ending=ending,
            way_back=await desk.way_back(request, device, only or view.last_ended),
        )


def _request(router: APIRouter, desk: Desk) -> None:
    @router.get(COMPUTER_PATH + "/{token}/" + PAGE + "/{request_id}")
    async def show(request: Request, token: str, request_id: str, trang: int = 1) -> Response:
        device, view = await _look(desk, request, token)
        asked = await desk.own(request, device, request_id, instruments=BY_CODE)
        here = computer_path(token, PAGE, asked.id)
        if not asked.status.live:
            return go(request, f"{here}/xong")
        if view.state.locked:
            return go(request, _locked_path(token))
        pages = max(1, -(-len(asked.items) // ROWS))
        number = min(max(trang, 1), pages)
        return await _page(
            desk,
            request,
            "otp_request",
            page="otp.request",
            device=device,
            transaction=asked.id,
            asked=asked,
            credential=await web.off_loop(
                desk.service.confirming.credential, web.space_of(request), asked
            ),
            things=things(asked),
            names=asked.items[(number - 1) * ROWS : number * ROWS],
            first=(number - 1) * ROWS + 1,
            more=f"{here}?trang={number + 1}" if number < pages else None,
            start=here if number > 1 else None,
            here=here,
            back=computer_path(token, PAGE),
        )

    @router.post(COMPUTER_PATH + "/{token}/" + PAGE + "/{request_id}/tu-choi")
    async def refuse(request: Request, token: str, request_id: str) -> Response:
        device = await desk.device(request, token)
        here = computer_path(token, PAGE, request_id)

        async def handle(_form: web.Form) -> str:
            await desk.own(request, device, request_id, instruments=BY_CODE)
            await web.off_loop(
                desk.service.confirming.refuse, web.space_of(request), device, request_id
            )
            return f"{here}/xong"

        return await web.submit(
            request, action=f"signing.otp.refuse:{request_id}", handle=handle, again=here
        )

    @router.get(COMPUTER_PATH + "/{token}/" + PAGE + "/{request_id}/xong")
    async def done(request: Request, token: str, request_id: str) -> Response:
        device = await desk.device(request, token)
        asked = await desk.own(request, device, request_id, instruments=BY_CODE)
        if asked.status.live:
            return go(request, computer_path(token, PAGE, asked.id))
        failed = [item for item in asked.items if item.status is Status.SIGN_FAILED]
        return await _page(
            desk,
            request,
            "otp_done",
            page="otp.done" if asked.status is Status.SIGNED else "otp.ended",
            device=device,
            transaction=asked.id,
            banner="short",
            asked=asked,
            things=things(asked),
            ending=ending(asked),
            failed=failed[:ROWS],
            way_back=await desk.way_back(request, device, asked),
        )


def _hindered(
    request: Request, device: Device, view: ByCodeView, asked: StoredRequest, *, code: bool
) -> Response | None:
    """Lead to what comes before the password, or before the *code*."""
    here = computer_path(device.token, PAGE, asked.id)
    if not asked.status.live:
        return go(request, f"{here}/xong")
    if view.state.locked:
        return go(request, _locked_path(device.token))
    if code and not view.entered(asked.id):
        return go(request, f"{here}/mat-khau")
    return None


def _password(router: APIRouter, desk: Desk) -> None:
    @router.get(COMPUTER_PATH + "/{token}/" + PAGE + "/{request_id}/mat-khau")
    async def show(request: Request, token: str, request_id: str, an: str = "") -> Response:
        device, view = await _look(desk, request, token)
        asked = await desk.own(request, device, request_id, instruments=BY_CODE)
        here = computer_path(token, PAGE, asked.id)
        if elsewhere := _hindered(request, device, view, asked, code=False):
            return elsewhere
        if view.password_locked_until is not None:
            return go(request, f"{here}/cho")
        return await _page(
            desk,
            request,
            "otp_password",
            page="otp.password",
            device=device,
            transaction=asked.id,
            banner="short",
            asked=asked,
            left=view.password_left,
            shown=not an,
            here=here,
            back=here,
        )

    @router.post(COMPUTER_PATH + "/{token}/" + PAGE + "/{request_id}/mat-khau")
    async def enter(request: Request, token: str, request_id: str) -> Response:
        device = await desk.device(request, token)
        here = computer_path(token, PAGE, request_id)

        async def handle(form: web.Form) -> str:
            await desk.own(request, device, request_id, instruments=BY_CODE)
            typed = form.get("mat_khau")
            if not typed.strip():
                raise web.Invalid({"mat_khau": web.say("loi_lam", "signing.password.empty")})
            right = await web.off_loop(
                desk.service.by_code.enter,
                web.space_of(request),
                device.holder,
                request_id,
                typed=typed,
            )
            if right:
                return f"{here}/ma"
            _device, view = await _look(desk, request, token)
            if view.password_locked_until is not None:
                return f"{here}/cho"
            said = web.say("loi_lam", "signing.password.wrong", n=view.password_left)
            raise web.Invalid({"mat_khau": said})

        return await web.submit(
            request,
            action=f"signing.otp.password:{request_id}",
            handle=handle,
            again=f"{here}/mat-khau",
        )

    @router.get(COMPUTER_PATH + "/{token}/" + PAGE + "/{request_id}/cho")
    async def wait(request: Request, token: str, request_id: str) -> Response:
        device, view = await _look(desk, request, token)
        asked = await desk.own(request, device, request_id, instruments=BY_CODE)
        here = computer_path(token, PAGE, asked.id)
        if view.password_last_lock is None:
            return go(request, f"{here}/mat-khau")
        return await _page(
            desk,
            request,
            "otp_wait",
            page="otp.wait",
            device=device,
            transaction=asked.id,
            banner="short",
            wrong=True,
            until=view.password_last_lock,
            here=here,
            back=here,
        )


def _code(router: APIRouter, desk: Desk) -> None:
    @router.get(COMPUTER_PATH + "/{token}/" + PAGE + "/{request_id}/ma")
    async def show(request: Request, token: str, request_id: str) -> Response:
        device, view = await _look(desk, request, token)
        asked = await desk.own(request, device, request_id, instruments=BY_CODE)
        if elsewhere := _hindered(request, device, view, asked, code=True):
            return elsewhere
        here = computer_path(token, PAGE, asked.id)
        return await _page(
            desk,
            request,
            "otp_code",
            page="otp.code",
            device=device,
            transaction=asked.id,
            banner="short",
            asked=asked,
            things=things(asked),
            way=view.way,
            left=view.attempts_left,
            here=here,
            back=here,
        )

    @router.post(COMPUTER_PATH + "/{token}/" + PAGE + "/{request_id}/cach")
    async def choose(request: Request, token: str, request_id: str) -> Response:
        device = await desk.device(request, token)
        here = computer_path(token, PAGE, request_id)

        async def handle(form: web.Form) -> str:
            await desk.own(request, device, request_id, instruments=BY_CODE)
            await web.off_loop(
                desk.service.by_code.choose,
                web.space_of(request),
                device.holder,
                "message" if form.get("cach") == "message" else "totp",
                purpose=web.text(request, "cau", "signing.otp.purpose"),
            )
            return f"{here}/ma"

        return await web.submit(
            request, action=f"signing.otp.way:{request_id}", handle=handle, again=f"{here}/ma"
        )

    @router.post(COMPUTER_PATH + "/{token}/" + PAGE + "/{request_id}/ma")
    async def confirm(request: Request, token: str, request_id: str) -> Response:
        device = await desk.device(request, token)
        here = computer_path(token, PAGE, request_id)

        async def handle(form: web.Form) -> str:
            await desk.own(request, device, request_id, instruments=BY_CODE)
            typed = "".join(form.get("otp").split())
            if not typed:
                raise web.Invalid({"otp": web.say("loi_lam", "signing.otp.empty")})
            answer, verdict = await web.off_loop(
                desk.service.by_code.confirm, web.space_of(request), device, request_id, typed=typed
            )
            if answer.outcome is Outcome.WRONG_CODE and verdict in TOLD:
                return f"{here}/chua-dung?vi={verdict.value}"
            return {
                Outcome.WRONG_CODE: f"{here}/chua-dung?vi={OtpVerdict.EXPIRED.value}",
                Outcome.LOCKED: _locked_path(token),
                Outcome.NOT_READY: f"{here}/mat-khau",
            }.get(answer.outcome, f"{here}/xong")

        return await web.submit(
            request,
            action=f"signing.otp.confirm:{request_id}",
            handle=handle,
            again=f"{here}/ma",
        )


def _not_right(router: APIRouter, desk: Desk) -> None:
    @router.get(COMPUTER_PATH + "/{token}/" + PAGE + "/{request_id}/chua-dung")
    async def show(request: Request, token: str, request_id: str, vi: str = "") -> Response:
        device, view = await _look(desk, request, token)
        asked = await desk.own(request, device, request_id, instruments=BY_CODE)
        if elsewhere := _hindered(request, device, view, asked, code=True):
            return elsewhere
        here = computer_path(token, PAGE, asked.id)
        return await _page(
            desk,
            request,
            "otp_wrong",
            page="otp.wrong",
            device=device,
            transaction=asked.id,
            banner="short",
            wrong=True,
            why=vi if vi in {one.value for one in TOLD} else OtpVerdict.WRONG.value,
            left=view.attempts_left,
            here=here,
            back=f"{here}/ma",
        )


def _lock(router: APIRouter, desk: Desk) -> None:
    @router.get(COMPUTER_PATH + "/{token}/" + PAGE + "-khoa")
    async def locked(request: Request, token: str) -> Response:
        device, view = await _look(desk, request, token)
        if not view.state.locked:
            return go(request, computer_path(token, PAGE))
        return await _page(
            desk,
            request,
            "otp_locked",
            page="otp.locked",
            device=device,
            banner="short",
            wrong=True,
            self_unlock=view.self_unlock,
            here=_locked_path(token),
            back=path(token, "nha"),
        )

    @router.post(COMPUTER_PATH + "/{token}/" + PAGE + "-khoa")
    async def unlock(request: Request, token: str) -> Response:
        device, view = await _look(desk, request, token)

        async def handle(_form: web.Form) -> str:
            if view.self_unlock:
                await web.off_loop(
                    desk.service.instruments.unlock,
                    web.space_of(request),
                    device.holder,
                    Instrument.A_OTP,
                    by="self",
                )
            raise web.Stale(computer_path(token, PAGE), web.say("cau", "signing.otp.unlocked"))

        return await web.submit(
            request,
            action=f"signing.otp.unlock:{device.holder}",
            handle=handle,
            again=_locked_path(token),
        )


def _locked_path(token: str) -> str:
    return computer_path(token, f"{PAGE}-khoa")
