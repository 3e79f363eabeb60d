"""The practice phone: list → request → PIN → done, for a 320 px screen without script.

The phone is known by the token in its address. Every page is drawn from the present state, so
reloading, Back and a second tap are harmless (learner-experience L3, §8.1).
"""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.signing import (
    apps,
    pages_activation,
    pages_by_code,
    pages_home,
    pages_labels,
    pages_sim,
)
from sandbox.signing.coaching import Coach
from sandbox.signing.confirming import PhoneView
from sandbox.signing.http import PHONE_PATH as PHONE
from sandbox.signing.model import Device
from sandbox.signing.outcomes import Confirmation, Outcome
from sandbox.signing.pages_desk import Desk, app_named, app_path, path
from sandbox.signing.pages_frame import Asked, Frame, Scene, reading_pin, unlocking
from sandbox.signing.phone_words import ending, things
from sandbox.signing.quiet import mask_access_log
from sandbox.signing.service import SigningService
from sandbox.wire.signing import Instrument, Status

ASKED = PHONE + "/{token}/yeu-cau/{request_id}"
STOP_AFTER = 2
"""After so many wrong entries the page leads to the card, not to the field (E7)."""


def routers(service: SigningService, coach: Coach) -> list[APIRouter]:
    """Return the pages of the practice phone, of its SIM and of the page for one-time codes."""
    mask_access_log()
    desk = Desk(service, coach)
    looking = partial(service.confirming.look, instruments=apps.APPS)
    frame = Frame(desk, "", apps.APPS, looking, _asked)
    router = APIRouter(include_in_schema=False)
    _list(router, frame)
    _request(router, frame)
    _pin(router, frame)
    _finger(router, frame)
    _wrong_pin(router, frame)
    _lock(router, frame)
    pages_home.add(router, desk)
    pages_activation.add(router, desk)
    pages_sim.add(router, desk)
    pages_by_code.add(router, desk)
    pages_labels.add(router, desk)
    return [router]


def _asked(token: str, request_id: str) -> str:
    return path(token, "yeu-cau", request_id)


def _list(router: APIRouter, frame: Frame[PhoneView]) -> None:
    desk = frame.desk

    @router.get(PHONE + "/{token}")
    async def show(
        request: Request, token: str, ve: str = "", noi: str = "", ung_dung: str = ""
    ) -> Response:
        chosen = app_named(ung_dung)
        device = await desk.device(request, token)
        await desk.remember_way_back(request, device, ve)
        view = await desk.look(request, token, instruments=(chosen,) if chosen else apps.APPS)
        scene = Scene(request, device, view)
        if view.holder.locked:
            return scene.go(path(token, "khoa"))
        app = chosen or _only_app(view)
        if app is not None and (elsewhere := await desk.hindered(request, device, app)):
            return elsewhere
        only = view.waiting[0] if len(view.waiting) == 1 else None
        return await frame.show(
            scene,
            "list",
            page="phone.list",
            app=app,
            only=only,
            things=things,
            ending=ending,
            phone=path(token),
            here=app_path(token, chosen),
            back=path(token, "nha"),
            way_back=await desk.way_back(request, device, only or view.last_ended),
            paired={"moi": "first", "thay": "replaced"}.get(noi),
        )


def _only_app(view: PhoneView) -> Instrument | None:
    """Return the app the waiting requests are for, Ký Xa A when none waits; None for several."""
    found = {one.instrument for one in view.waiting}
    if not found:
        return view.last_ended.instrument if view.last_ended else Instrument.A
    return found.pop() if len(found) == 1 else None


def _request(router: APIRouter, frame: Frame[PhoneView]) -> None:
    @router.get(ASKED)
    async def show(request: Request, token: str, request_id: str, trang: int = 1) -> Response:
        scene = await frame.own(request, token, request_id)
        app = scene.asked.instrument
        if not scene.asked.status.live:
            return await _ended(frame, scene, again=True)
        if scene.view.holder.locked:
            return scene.go(path(token, "khoa"))
        if elsewhere := await frame.desk.hindered(request, scene.device, app):
            return elsewhere
        return await frame.show(
            scene,
            "request",
            page="phone.request",
            banner="short",
            app=app,
            phone=path(token),
            to=f"{scene.here}/van-tay" if app is Instrument.B else f"{scene.here}/ma-pin",
            **await frame.listed(scene, trang),
        )

    @router.get(ASKED + "/xong")
    async def done(request: Request, token: str, request_id: str) -> Response:
        scene = await frame.own(request, token, request_id)
        if scene.asked.status.live:
            return scene.go(scene.here)
        return await _ended(frame, scene, again=False)

    @router.post(ASKED + "/tu-choi")
    async def refuse(request: Request, token: str, request_id: str) -> Response:
        work = frame.refusing(request, request_id)
        return await frame.submit(request, token, request_id, action="refuse", work=work)


def _pin(router: APIRouter, frame: Frame[PhoneView]) -> None:
    @router.get(ASKED + "/ma-pin")
    async def show(request: Request, token: str, request_id: str, an: str = "") -> Response:
        scene = await frame.own(request, token, request_id)
        app = scene.asked.instrument
        if elsewhere := _over(scene):
            return elsewhere
        state = await frame.desk.app(request, scene.device, app)
        if not state.ready:
            hindered = await frame.desk.hindered(request, scene.device, app)
            return hindered or scene.go(scene.here)
        return await frame.show(
            scene,
            "pin",
            page="phone.pin",
            banner="short",
            app=app,
            finger=state.finger,
            shown=not an,
        )

    @router.post(ASKED + "/ma-pin")
    async def confirm(request: Request, token: str, request_id: str) -> Response:
        async def work(form: web.Form, device: Device) -> str:
            with reading_pin():
                answer = await web.off_loop(
                    frame.desk.service.confirming.confirm,
                    web.space_of(request),
                    device,
                    request_id,
                    typed=form.get("pin"),
                )
            return _after(answer, token)

        return await frame.submit(
            request, token, request_id, action="confirm", again="/ma-pin", work=work
        )


def _over(scene: Asked[PhoneView]) -> Response | None:
    """Lead to how a request ended, or to the lock of the phone."""
    if not scene.asked.status.live:
        return scene.go(scene.here)
    return scene.go(path(scene.token, "khoa")) if scene.view.holder.locked else None


def _finger(router: APIRouter, frame: Frame[PhoneView]) -> None:
    @router.get(ASKED + "/van-tay")
    async def show(request: Request, token: str, request_id: str) -> Response:
        scene = await frame.own(request, token, request_id)
        if elsewhere := _over(scene):
            return elsewhere
        state = await frame.desk.app(request, scene.device, scene.asked.instrument)
        if not state.ready or not state.finger:
            return scene.go(f"{scene.here}/ma-pin")
        return await frame.show(
            scene, "finger", page="phone.finger", banner="short", app=scene.asked.instrument
        )

    @router.post(ASKED + "/van-tay")
    async def confirm(request: Request, token: str, request_id: str) -> Response:
        async def work(_form: web.Form, device: Device) -> str:
            answer = await web.off_loop(
                frame.desk.service.confirming.approve,
                web.space_of(request),
                device,
                request_id,
                check=apps.finger,
            )
            return _after(answer, token)

        return await frame.submit(
            request, token, request_id, action="finger", again="/ma-pin", work=work
        )


def _after(answer: Confirmation, token: str) -> str:
    """Return the page that says what came of a PIN or a finger."""
    here = _asked(token, answer.request.id)
    if answer.outcome is Outcome.WRONG_PIN:
        return f"{here}/sai-ma"
    if answer.outcome is Outcome.LOCKED:
        return path(token, "khoa")
    # What was signed, refused or expired before is shown as what it is: "đã ký rồi"; an app that
    # is not ready says so on the page of the request.
    shown_again = answer.outcome in (Outcome.ENDED, Outcome.NOT_READY)
    return here if shown_again else f"{here}/xong"


def _wrong_pin(router: APIRouter, frame: Frame[PhoneView]) -> None:
    @router.get(ASKED + "/sai-ma")
    async def show(request: Request, token: str, request_id: str) -> Response:
        scene = await frame.own(request, token, request_id)
        holder = scene.view.holder
        if holder.locked:
            return scene.go(path(token, "khoa"))
        if not scene.asked.status.live or not holder.wrong_pins:
            return scene.go(f"{scene.here}/ma-pin")
        last = holder.wrong_pins >= STOP_AFTER
        return await frame.show(
            scene,
            "wrong_pin",
            page="phone.wrong_pin",
            banner="short",
            app=scene.asked.instrument,
            wrong=True,
            last=last,
            to=f"{scene.here}/xem-the" if last else f"{scene.here}/ma-pin",
        )

    @router.get(ASKED + "/xem-the")
    async def card(request: Request, token: str, request_id: str) -> Response:
        scene = await frame.own(request, token, request_id)
        if not scene.asked.status.live:
            return scene.go(scene.here)
        return await frame.show(
            scene, "card", page="phone.card", banner="short", app=scene.asked.instrument
        )


def _lock(router: APIRouter, frame: Frame[PhoneView]) -> None:
    @router.get(PHONE + "/{token}/khoa")
    async def locked(request: Request, token: str) -> Response:
        scene = await frame.look(request, token)
        if not scene.view.holder.locked:
            return scene.go(path(token))
        return await frame.show(
            scene, "locked", page="phone.locked", banner="short", wrong=True, phone=path(token)
        )

    @router.get(PHONE + "/{token}/mo-khoa")
    async def show(request: Request, token: str) -> Response:
        scene = await frame.look(request, token)
        if not _unlocks_alone(scene.view):
            return scene.go(path(token))
        return await frame.show(
            scene, "unlock", page="phone.unlock", banner="short", app=None, phone=path(token)
        )

    @router.post(PHONE + "/{token}/mo-khoa")
    async def unlock(request: Request, token: str) -> Response:
        scene = await frame.look(request, token)
        take_off = partial(
            frame.desk.service.issuing.unlock,
            web.space_of(request),
            scene.view.holder.id,
            by="self",
        )
        return await web.submit(
            request,
            action=f"signing.unlock:{scene.view.holder.id}",
            handle=unlocking(
                take_off if _unlocks_alone(scene.view) else None,
                to=path(token),
                said="signing.unlock.done",
            ),
            again=path(token, "mo-khoa"),
        )


def _unlocks_alone(view: PhoneView) -> bool:
    return view.holder.locked and view.limits.self_unlock


async def _ended(frame: Frame[PhoneView], scene: Asked[PhoneView], *, again: bool) -> Response:
    """Show how a request ended; *again*: it is looked at once more, nothing happened just now."""
    asked, signed = scene.asked, scene.asked.status is Status.SIGNED
    return await frame.show(
        scene,
        "done" if signed else "ended",
        page="phone.done" if signed else "phone.ended",
        banner="short",
        app=asked.instrument,
        again=again,
        ending=ending(asked),
        failed=scene.failed(),
        phone=app_path(scene.token, asked.instrument),
        way_back=await frame.desk.way_back(scene.request, scene.device, asked),
    )
