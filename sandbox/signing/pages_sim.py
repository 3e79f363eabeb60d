"""SIM Ký: grey dialogs of plain text (learner-experience §4.3 `sim`, curriculum Bài 8)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.signing import pins
from sandbox.signing.http import PHONE_PATH as PHONE
from sandbox.signing.instruments import SIM_DEFAULT_PIN
from sandbox.signing.model import Device
from sandbox.signing.outcomes import Outcome
from sandbox.signing.pages_desk import Desk, path
from sandbox.signing.pages_frame import Asked, Frame, Scene, not_six_digits, reading_pin
from sandbox.signing.phone_words import things
from sandbox.signing.sim import Change, SimView
from sandbox.wire.signing import Instrument

SIM = (Instrument.S,)
ASKED = PHONE + "/{token}/sim/giao-dich/{request_id}"


def add(router: APIRouter, desk: Desk) -> None:
    """Add the SIM's pages to *router*."""
    frame = Frame(desk, "sim.", SIM, desk.service.sim.look, _asked, _common)
    _menu(router, frame)
    _change_pin(router, frame)
    _transactions(router, frame)
    _answer(router, frame)
    _pin(router, frame)
    _not_right(router, frame)
    _lock(router, frame)


def _menu_path(token: str, *steps: str) -> str:
    return path(token, "sim", *steps)


def _asked(token: str, request_id: str) -> str:
    return _menu_path(token, "giao-dich", request_id)


def _common(token: str) -> dict[str, Any]:
    return {"sim": _menu_path(token), "back": _menu_path(token)}


def _menu(router: APIRouter, frame: Frame[SimView]) -> None:
    @router.get(PHONE + "/{token}/sim")
    async def menu(request: Request, token: str, ve: str = "") -> Response:
        scene = await frame.look(request, token)
        await frame.desk.remember_way_back(request, scene.device, ve)
        view = scene.view
        last = view.waiting[0] if view.waiting else view.last_ended
        return await frame.show(
            scene,
            "sim_menu",
            page="sim.menu",
            first_pin=SIM_DEFAULT_PIN,
            back=path(token, "nha"),
            way_back=await frame.desk.way_back(request, scene.device, last),
        )

    @router.get(PHONE + "/{token}/sim/mat-song")
    async def no_signal(request: Request, token: str) -> Response:
        scene = await frame.look(request, token)
        return await frame.show(scene, "sim_no_signal", page="sim.no_signal", banner="short")


def _change_pin(router: APIRouter, frame: Frame[SimView]) -> None:
    @router.get(PHONE + "/{token}/sim/doi-pin")
    async def show(request: Request, token: str) -> Response:
        scene = await frame.look(request, token)
        if scene.view.state.locked:
            return scene.go(_menu_path(token, "khoa"))
        return await frame.show(scene, "sim_change", page="sim.change", first_pin=SIM_DEFAULT_PIN)

    @router.post(PHONE + "/{token}/sim/doi-pin")
    async def change(request: Request, token: str) -> Response:
        device = await frame.desk.device(request, token)

        async def handle(form: web.Form) -> str:
            typed = {name: form.get(f"pin_{name}") for name in ("old", "new", "again")}
            _six_digits(typed)
            answer = await web.off_loop(
                frame.desk.service.sim.change_pin, web.space_of(request), device.holder, **typed
            )
            if answer is Change.LOCKED:
                return _menu_path(token, "khoa")
            if answer is Change.WRONG_OLD:
                left = (await frame.look(request, token)).view.attempts_left
                said = web.say("loi_lam", "signing.sim.wrong_old", n=left)
                raise web.Invalid({"pin_old": said})
            if answer is Change.NOT_CARD:
                raise web.Invalid({"pin_new": web.say("loi_lam", "signing.sim.not_card")})
            if answer is Change.DIFFERENT:
                raise web.Invalid({"pin_again": web.say("loi_lam", "signing.sim.different")})
            raise web.Stale(_menu_path(token), web.say("cau", "signing.sim.changed"))

        return await web.submit(
            request,
            action=f"signing.sim.change:{device.holder}",
            handle=handle,
            again=_menu_path(token, "doi-pin"),
            secret=("pin_old", "pin_new", "pin_again"),
        )


def _six_digits(typed: dict[str, str]) -> None:
    """Raise `web.Invalid` for the fields that hold no six digits."""
    errors = {}
    for name, value in typed.items():
        try:
            pins.read_pin(value)
        except pins.NotSixDigits as fault:
            errors[f"pin_{name}"] = not_six_digits(fault)
    if errors:
        raise web.Invalid(errors)


def _transactions(router: APIRouter, frame: Frame[SimView]) -> None:
    @router.get(PHONE + "/{token}/sim/giao-dich")
    async def listing(request: Request, token: str) -> Response:
        scene = await frame.look(request, token)
        if elsewhere := _not_now(scene):
            return elsewhere
        if not await web.off_loop(
            frame.desk.service.sim.has_signal, web.space_of(request), scene.device.holder
        ):
            return scene.go(_menu_path(token, "mat-song"))
        return await frame.show(scene, "sim_list", page="sim.list", things=things)

    @router.get(ASKED)
    async def show(request: Request, token: str, request_id: str) -> Response:
        scene = await frame.own(request, token, request_id)
        if elsewhere := _hindered(scene):
            return elsewhere
        several = len(scene.view.certificates) > 1
        return await frame.show(
            scene,
            "sim_request",
            page="sim.request",
            banner="short",
            to=f"{scene.here}/chung-thu" if several else f"{scene.here}/ma-pin",
            back=_menu_path(token, "giao-dich"),
        )

    @router.get(ASKED + "/chung-thu")
    async def certificate(request: Request, token: str, request_id: str) -> Response:
        scene = await frame.own(request, token, request_id)
        if not scene.asked.status.live or len(scene.view.certificates) < 2:
            return scene.go(scene.here)
        return await frame.show(
            scene,
            "sim_certificate",
            page="sim.certificate",
            banner="short",
            certificates=scene.view.certificates,
            back=scene.here,
        )


def _not_now(scene: Scene[SimView]) -> Response | None:
    """Lead to the lock, or to changing the first PIN, when one of them comes first."""
    if scene.view.state.locked:
        return scene.go(_menu_path(scene.token, "khoa"))
    return None if scene.view.changed else scene.go(_menu_path(scene.token, "doi-pin"))


def _hindered(scene: Asked[SimView]) -> Response | None:
    """Lead to how the request ended, or to what comes before it."""
    if not scene.asked.status.live:
        return scene.go(f"{scene.here}/xong")
    return _not_now(scene)


def _answer(router: APIRouter, frame: Frame[SimView]) -> None:
    @router.post(ASKED + "/huy")
    async def cancel(request: Request, token: str, request_id: str) -> Response:
        work = frame.refusing(request, request_id)
        return await frame.submit(request, token, request_id, action="refuse", work=work)

    @router.get(ASKED + "/xong")
    async def done(request: Request, token: str, request_id: str) -> Response:
        return await frame.ended(request, token, request_id)


def _pin(router: APIRouter, frame: Frame[SimView]) -> None:
    @router.get(ASKED + "/ma-pin")
    async def show(request: Request, token: str, request_id: str, the: str = "") -> Response:
        scene = await frame.own(request, token, request_id)
        if elsewhere := _hindered(scene):
            return elsewhere
        serial = _chosen(scene.view, the)
        if not serial:
            return scene.go(f"{scene.here}/chung-thu")
        return await frame.show(
            scene, "sim_pin", page="sim.pin", banner="short", serial=serial, back=scene.here
        )

    @router.post(ASKED + "/ma-pin")
    async def confirm(request: Request, token: str, request_id: str, the: str = "") -> Response:
        async def work(form: web.Form, device: Device) -> str:
            with reading_pin():
                answer = await web.off_loop(
                    frame.desk.service.sim.confirm,
                    web.space_of(request),
                    device,
                    request_id,
                    typed=form.get("pin"),
                    serial=the,
                )
            here = _asked(token, request_id)
            return {
                Outcome.WRONG_PIN: f"{here}/sai-ma?the={the}",
                Outcome.WRONG_CERTIFICATE: f"{here}/sai-chung-thu",
                Outcome.LOCKED: _menu_path(token, "khoa"),
                Outcome.NOT_READY: _menu_path(token, "doi-pin"),
            }.get(answer.outcome, f"{here}/xong")

        return await frame.submit(
            request, token, request_id, action="confirm", again=f"/ma-pin?the={the}", work=work
        )


def _chosen(view: SimView, the: str) -> str:
    """Return the certificate chosen, the only one there is, or "" while it has to be chosen."""
    serials = [one.serial for one in view.certificates]
    if the in serials:
        return the
    return serials[0] if len(serials) == 1 else ""


def _not_right(router: APIRouter, frame: Frame[SimView]) -> None:
    @router.get(ASKED + "/sai-ma")
    async def wrong_pin(request: Request, token: str, request_id: str, the: str = "") -> Response:
        scene = await frame.own(request, token, request_id)
        if elsewhere := _not_now(scene):
            return elsewhere
        if not scene.asked.status.live or not scene.view.state.wrong_pins:
            return scene.go(scene.here)
        return await _wrong(frame, scene, "pin", f"{scene.here}/ma-pin?the={the}")

    @router.get(ASKED + "/sai-chung-thu")
    async def wrong_certificate(request: Request, token: str, request_id: str) -> Response:
        scene = await frame.own(request, token, request_id)
        if not scene.asked.status.live:
            return scene.go(f"{scene.here}/xong")
        return await _wrong(frame, scene, "certificate", f"{scene.here}/chung-thu")


async def _wrong(frame: Frame[SimView], scene: Asked[SimView], what: str, to: str) -> Response:
    return await frame.show(
        scene,
        "sim_wrong",
        page=f"sim.wrong_{what}",
        banner="short",
        wrong=True,
        what=what,
        left=scene.view.attempts_left,
        to=to,
        back=to,
    )


def _lock(router: APIRouter, frame: Frame[SimView]) -> None:
    @router.get(PHONE + "/{token}/sim/khoa")
    async def locked(request: Request, token: str) -> Response:
        scene = await frame.look(request, token)
        if not scene.view.state.locked:
            return scene.go(_menu_path(token))
        return await frame.show(
            scene,
            "sim_locked",
            page="sim.locked",
            banner="short",
            wrong=True,
            here=_menu_path(token, "khoa"),
            unlock=_menu_path(token, "mo-khoa"),
        )

    @router.post(PHONE + "/{token}/sim/mo-khoa")
    async def unlock(request: Request, token: str) -> Response:
        scene = await frame.look(request, token)
        return await web.submit(
            request,
            action=f"signing.sim.unlock:{scene.device.holder}",
            handle=frame.taking_off(
                scene, Instrument.S, alone=scene.view.self_unlock, to=_menu_path(token)
            ),
            again=_menu_path(token, "khoa"),
        )
