"""Ký Xa A by one-time code: a page of the service on the computer, no tap on the phone.

Password, then code (signing-practice §3.1, A-OTP). The code is read on the practice phone.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.signing.by_code import ByCodeView
from sandbox.signing.http import COMPUTER_PATH
from sandbox.signing.model import Device
from sandbox.signing.otp import OtpVerdict
from sandbox.signing.outcomes import Outcome
from sandbox.signing.pages_desk import Desk, computer_path, path
from sandbox.signing.pages_frame import Asked, Frame
from sandbox.signing.phone_words import ending, things
from sandbox.wire.signing import Instrument

BY_CODE = (Instrument.A_OTP,)
PAGE = "ma-mot-lan"
ASKED = COMPUTER_PATH + "/{token}/" + PAGE + "/{request_id}"
TOLD = (OtpVerdict.WRONG, OtpVerdict.EXPIRED, OtpVerdict.USED)
"""What the page of a code that was not right can say."""


def add(router: APIRouter, desk: Desk) -> None:
    """Add the pages to *router*."""
    frame = Frame(desk, "otp.", BY_CODE, desk.service.by_code.look, _asked, _common)
    _list(router, frame)
    _request(router, frame)
    _password(router, frame)
    _wait(router, frame)
    _code(router, frame)
    _confirm(router, frame)
    _not_right(router, frame)
    _lock(router, frame)


def _asked(token: str, request_id: str) -> str:
    return computer_path(token, PAGE, request_id)


def _common(token: str) -> dict[str, Any]:
    return {"phone": path(token), "service": computer_path(token, PAGE)}


def _locked_path(token: str) -> str:
    return computer_path(token, f"{PAGE}-khoa")


def _list(router: APIRouter, frame: Frame[ByCodeView]) -> None:
    @router.get(COMPUTER_PATH + "/{token}/" + PAGE)
    async def show(request: Request, token: str, ve: str = "") -> Response:
        scene = await frame.look(request, token)
        view = scene.view
        await frame.desk.remember_way_back(request, scene.device, ve)
        if view.state.locked:
            return scene.go(_locked_path(token))
        only = view.waiting[0] if view.waiting else None
        return await frame.show(
            scene,
            "otp_list",
            page="otp.list",
            only=only,
            last=view.last_ended,
            things=things,
            ending=ending,
            way_back=await frame.desk.way_back(request, scene.device, only or view.last_ended),
        )


def _request(router: APIRouter, frame: Frame[ByCodeView]) -> None:
    @router.get(ASKED)
    async def show(request: Request, token: str, request_id: str, trang: int = 1) -> Response:
        scene = await frame.own(request, token, request_id)
        if elsewhere := _hindered(scene):
            return elsewhere
        return await frame.show(
            scene,
            "otp_request",
            page="otp.request",
            back=computer_path(token, PAGE),
            **await frame.listed(scene, trang),
        )

    @router.post(ASKED + "/tu-choi")
    async def refuse(request: Request, token: str, request_id: str) -> Response:
        work = frame.refusing(request, request_id)
        return await frame.submit(request, token, request_id, action="refuse", work=work)

    @router.get(ASKED + "/xong")
    async def done(request: Request, token: str, request_id: str) -> Response:
        return await frame.ended(request, token, request_id)


def _hindered(scene: Asked[ByCodeView], *, code: bool = False) -> Response | None:
    """Lead to how the request ended, to the lock, or to what comes before a *code*."""
    if not scene.asked.status.live:
        return scene.go(f"{scene.here}/xong")
    if scene.view.state.locked:
        return scene.go(_locked_path(scene.token))
    if code and not scene.view.entered(scene.asked.id):
        return scene.go(f"{scene.here}/mat-khau")
    return None


def _password(router: APIRouter, frame: Frame[ByCodeView]) -> None:
    @router.get(ASKED + "/mat-khau")
    async def show(request: Request, token: str, request_id: str, an: str = "") -> Response:
        scene = await frame.own(request, token, request_id)
        if elsewhere := _hindered(scene):
            return elsewhere
        if scene.view.password_locked_until is not None:
            return scene.go(f"{scene.here}/cho")
        return await frame.show(
            scene,
            "otp_password",
            page="otp.password",
            banner="short",
            left=scene.view.password_left,
            shown=not an,
            back=scene.here,
        )

    @router.post(ASKED + "/mat-khau")
    async def enter(request: Request, token: str, request_id: str) -> Response:
        async def work(form: web.Form, device: Device) -> str:
            typed = form.get("mat_khau")
            if not typed.strip():
                raise web.Invalid({"mat_khau": web.say("loi_lam", "signing.password.empty")})
            right = await web.off_loop(
                frame.desk.service.by_code.enter,
                web.space_of(request),
                device.holder,
                request_id,
                typed=typed,
            )
            if right:
                return f"{_asked(token, request_id)}/ma"
            view = (await frame.look(request, token)).view
            if view.password_locked_until is not None:
                return f"{_asked(token, request_id)}/cho"
            said = web.say("loi_lam", "signing.password.wrong", n=view.password_left)
            raise web.Invalid({"mat_khau": said})

        return await frame.submit(
            request, token, request_id, action="password", again="/mat-khau", work=work
        )


def _wait(router: APIRouter, frame: Frame[ByCodeView]) -> None:
    @router.get(ASKED + "/cho")
    async def wait(request: Request, token: str, request_id: str) -> Response:
        scene = await frame.own(request, token, request_id)
        if scene.view.password_last_lock is None:
            return scene.go(f"{scene.here}/mat-khau")
        return await frame.show(
            scene,
            "otp_wait",
            page="otp.wait",
            banner="short",
            wrong=True,
            until=scene.view.password_last_lock,
            back=scene.here,
        )


def _code(router: APIRouter, frame: Frame[ByCodeView]) -> None:
    @router.get(ASKED + "/ma")
    async def show(request: Request, token: str, request_id: str) -> Response:
        scene = await frame.own(request, token, request_id)
        if elsewhere := _hindered(scene, code=True):
            return elsewhere
        return await frame.show(
            scene,
            "otp_code",
            page="otp.code",
            banner="short",
            way=scene.view.way,
            left=scene.view.attempts_left,
            back=scene.here,
        )

    @router.post(ASKED + "/cach")
    async def choose(request: Request, token: str, request_id: str) -> Response:
        async def work(form: web.Form, device: Device) -> str:
            await web.off_loop(
                frame.desk.service.by_code.choose,
                web.space_of(request),
                device.holder,
                "message" if form.get("cach") == "message" else "totp",
                purpose=web.text(request, "cau", "signing.otp.purpose"),
            )
            return f"{_asked(token, request_id)}/ma"

        return await frame.submit(request, token, request_id, action="way", again="/ma", work=work)


def _confirm(router: APIRouter, frame: Frame[ByCodeView]) -> None:
    @router.post(ASKED + "/ma")
    async def confirm(request: Request, token: str, request_id: str) -> Response:
        async def work(form: web.Form, device: Device) -> str:
            here = _asked(token, request_id)
            typed = "".join(form.get("otp").split())
            if not typed:
                raise web.Invalid({"otp": web.say("loi_lam", "signing.otp.empty")})
            answer, verdict = await web.off_loop(
                frame.desk.service.by_code.confirm,
                web.space_of(request),
                device,
                request_id,
                typed=typed,
            )
            if answer.outcome is Outcome.WRONG_CODE and verdict in TOLD:
                return f"{here}/chua-dung?vi={verdict.value}"
            return {
                Outcome.WRONG_CODE: f"{here}/chua-dung?vi={OtpVerdict.EXPIRED.value}",
                Outcome.LOCKED: _locked_path(token),
                Outcome.NOT_READY: f"{here}/mat-khau",
            }.get(answer.outcome, f"{here}/xong")

        return await frame.submit(
            request, token, request_id, action="confirm", again="/ma", work=work
        )


def _not_right(router: APIRouter, frame: Frame[ByCodeView]) -> None:
    @router.get(ASKED + "/chua-dung")
    async def show(request: Request, token: str, request_id: str, vi: str = "") -> Response:
        scene = await frame.own(request, token, request_id)
        if elsewhere := _hindered(scene, code=True):
            return elsewhere
        return await frame.show(
            scene,
            "otp_wrong",
            page="otp.wrong",
            banner="short",
            wrong=True,
            why=vi if vi in {one.value for one in TOLD} else OtpVerdict.WRONG.value,
            left=scene.view.attempts_left,
            back=f"{scene.here}/ma",
        )


def _lock(router: APIRouter, frame: Frame[ByCodeView]) -> None:
    @router.get(COMPUTER_PATH + "/{token}/" + PAGE + "-khoa")
    async def locked(request: Request, token: str) -> Response:
        scene = await frame.look(request, token)
        if not scene.view.state.locked:
            return scene.go(computer_path(token, PAGE))
        return await frame.show(
            scene,
            "otp_locked",
            page="otp.locked",
            banner="short",
            wrong=True,
            self_unlock=scene.view.self_unlock,
            here=_locked_path(token),
            back=path(token, "nha"),
        )

    @router.post(COMPUTER_PATH + "/{token}/" + PAGE + "-khoa")
    async def unlock(request: Request, token: str) -> Response:
        scene = await frame.look(request, token)
        return await web.submit(
            request,
            action=f"signing.otp.unlock:{scene.device.holder}",
            handle=frame.taking_off(
                scene, Instrument.A_OTP, alone=scene.view.self_unlock, to=computer_path(token, PAGE)
            ),
            again=_locked_path(token),
        )
