"""Activating a signing app, and taking another phone (signing-practice §3.1, §3.2, §4).

Ký Xa A and Ký Xa Cơ Quan: a code by message, then the practice PIN. Ký Xa B: a code by message,
then a finger. What does not run on this phone says so and leads to another one.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.signing.apps import APPS, Activation, AppState, Profile
from sandbox.signing.http import PHONE_PATH as PHONE
from sandbox.signing.model import Device
from sandbox.signing.otp import OtpVerdict
from sandbox.signing.outcomes import Outcome
from sandbox.signing.pages_desk import Desk, app_named, app_path, go, not_yours, path
from sandbox.signing.pages_frame import reading_pin
from sandbox.wire.signing import Instrument


def add(router: APIRouter, desk: Desk) -> None:
    """Add the pages to *router*."""
    _begin(router, desk)
    _code(router, desk)
    _end(router, desk)
    _phone(router, desk)


async def _open(desk: Desk, request: Request, token: str, app: str) -> tuple[Device, AppState]:
    device = await desk.device(request, token)
    instrument = app_named(app)
    if instrument is None:
        raise not_yours(device)
    return device, await desk.app(request, device, instrument)


def _steps(token: str, state: AppState) -> str:
    return path(token, "kich-hoat", state.instrument.value)


def _begin(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/kich-hoat/{app}")
    async def show(request: Request, token: str, app: str) -> Response:
        device, state = await _open(desk, request, token, app)
        if state.active:
            return go(request, app_path(token, state.instrument))
        if not state.runs:
            return go(request, path(token, "may-nay", app))
        return await desk.coach.page(
            request,
            "signing/activate.html",
            page="phone.activate",
            device=device,
            app=state.instrument,
            here=_steps(token, state),
            phone=path(token),
        )

    @router.post(PHONE + "/{token}/kich-hoat/{app}/gui-ma")
    async def send(request: Request, token: str, app: str) -> Response:
        device, state = await _open(desk, request, token, app)

        async def handle(_form: web.Form) -> str:
            name = web.text(request, "nhan", f"signing.app_name.{app}")
            await web.off_loop(
                desk.service.apps.send_code,
                web.space_of(request),
                device.holder,
                purpose=web.text(request, "cau", "signing.activate.purpose", name=name),
            )
            return f"{_steps(token, state)}/ma"

        return await web.submit(
            request,
            action=f"signing.activate.send:{device.holder}:{app}",
            handle=handle,
            again=_steps(token, state),
        )


def _code(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/kich-hoat/{app}/ma")
    async def show(request: Request, token: str, app: str) -> Response:
        device, state = await _open(desk, request, token, app)
        if state.active or not state.runs:
            return go(request, _steps(token, state))
        return await desk.coach.page(
            request,
            "signing/activate_code.html",
            page="phone.activate_code",
            device=device,
            app=state.instrument,
            here=_steps(token, state),
            phone=path(token),
        )

    @router.post(PHONE + "/{token}/kich-hoat/{app}/ma")
    async def enter(request: Request, token: str, app: str) -> Response:
        device, state = await _open(desk, request, token, app)

        async def handle(form: web.Form) -> str:
            typed = "".join(form.get("otp").split())
            if not typed:
                raise web.Invalid({"otp": web.say("loi_lam", "signing.otp.empty")})
            answer = await web.off_loop(
                desk.service.apps.enter_code,
                web.space_of(request),
                device.holder,
                state.instrument,
                typed,
            )
            if not answer.right:
                raise web.Invalid({"otp": said_of(answer.verdict, left=answer.attempts_left)})
            return f"{_steps(token, state)}/xac-nhan"

        return await web.submit(
            request,
            action=f"signing.activate.code:{device.holder}:{app}",
            handle=handle,
            again=f"{_steps(token, state)}/ma",
        )


def said_of(verdict: OtpVerdict, *, left: int) -> web.Message:
    """Return what is said under the field of a code that was not right."""
    return web.say("loi_lam", f"signing.otp.{verdict.value}", n=left)


def _end(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/kich-hoat/{app}/xac-nhan")
    async def show(request: Request, token: str, app: str) -> Response:
        device, state = await _open(desk, request, token, app)
        if state.activation is not Activation.CODE or not state.runs:
            return go(request, _steps(token, state))
        view = await desk.look(request, token)
        if view.holder.locked:
            return go(request, path(token, "khoa"))
        by_finger = state.instrument is Instrument.B
        return await desk.coach.page(
            request,
            "signing/activate_finger.html" if by_finger else "signing/activate_pin.html",
            page="phone.activate_end",
            device=device,
            banner="short",
            app=state.instrument,
            view=view,
            here=_steps(token, state),
            phone=path(token),
        )

    @router.post(PHONE + "/{token}/kich-hoat/{app}/xac-nhan")
    async def confirm(request: Request, token: str, app: str) -> Response:
        device, state = await _open(desk, request, token, app)
        here = f"{_steps(token, state)}/xac-nhan"

        async def handle(form: web.Form) -> str:
            with reading_pin():
                outcome = await web.off_loop(
                    desk.service.apps.activate,
                    web.space_of(request),
                    device.holder,
                    state.instrument,
                    typed=None if state.instrument is Instrument.B else form.get("pin"),
                )
            if outcome is Outcome.WRONG_PIN:
                view = await desk.look(request, token)
                said = web.say("loi_lam", "signing.activate.wrong_pin", n=view.attempts_left)
                raise web.Invalid({"pin": said})
            if outcome is Outcome.LOCKED:
                return path(token, "khoa")
            if outcome is Outcome.NOT_READY:
                return _steps(token, state)
            raise web.Stale(
                app_path(token, state.instrument),
                web.say("cau", f"signing.activate.done.{app}"),
            )

        return await web.submit(
            request,
            action=f"signing.activate:{device.holder}:{app}",
            handle=handle,
            again=here,
        )


def _phone(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/may-nay/{app}")
    async def blocked(request: Request, token: str, app: str) -> Response:
        device, state = await _open(desk, request, token, app)
        if state.runs:
            return go(request, app_path(token, state.instrument))
        return await desk.coach.page(
            request,
            "signing/blocked.html",
            page="phone.blocked",
            device=device,
            banner="short",
            wrong=True,
            app=state.instrument,
            why=state.profile.value,
            phone=path(token),
        )

    @router.get(PHONE + "/{token}/doi-may")
    async def choose(request: Request, token: str) -> Response:
        device = await desk.device(request, token)
        state = await desk.app(request, device, Instrument.A)
        return await desk.coach.page(
            request,
            "signing/change_phone.html",
            page="phone.change",
            device=device,
            app=None,
            profiles=[one.value for one in Profile],
            present=state.profile.value,
            phone=path(token),
        )

    @router.post(PHONE + "/{token}/doi-may")
    async def change(request: Request, token: str) -> Response:
        device = await desk.device(request, token)

        async def handle(form: web.Form) -> str:
            chosen = form.get("may")
            space = web.space_of(request)
            if chosen == "cai_lai":
                for instrument in APPS:
                    await web.off_loop(
                        desk.service.apps.reinstall, space, device.holder, instrument
                    )
            elif chosen in {one.value for one in Profile}:
                await web.off_loop(
                    desk.service.apps.change_phone, space, device.holder, Profile(chosen)
                )
            else:
                raise web.Invalid({"may": web.say("loi_lam", "signing.change.choose")})
            raise web.Stale(path(token, "nha"), web.say("cau", "signing.change.done"))

        return await web.submit(
            request,
            action=f"signing.change:{device.holder}",
            handle=handle,
            again=path(token, "doi-may"),
        )
