"""SIM Ký: grey dialogs of plain text (learner-experience §4.3 `sim`, curriculum Bài 8)."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.signing import pins
from sandbox.signing.http import PHONE_PATH as PHONE
from sandbox.signing.instruments import SIM_DEFAULT_PIN
from sandbox.signing.model import Device, StoredRequest
from sandbox.signing.outcomes import Outcome
from sandbox.signing.pages_desk import Desk, go, path
from sandbox.signing.phone_words import ending, things
from sandbox.signing.sim import Change, SimView
from sandbox.wire.signing import Instrument, Status

SIM = (Instrument.S,)


def add(router: APIRouter, desk: Desk) -> None:
    """Add the SIM's pages to *router*."""
    _menu(router, desk)
    _change_pin(router, desk)
    _transactions(router, desk)
    _answer(router, desk)
    _pin(router, desk)
    _lock(router, desk)


async def _look(desk: Desk, request: Request, token: str) -> SimView:
    device = await desk.device(request, token)
    view: SimView = await web.off_loop(desk.service.sim.look, web.space_of(request), device)
    return view


def _menu(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/sim")
    async def menu(request: Request, token: str, ve: str = "") -> Response:
        view = await _look(desk, request, token)
        await desk.remember_way_back(request, view.device, ve)
        last = view.waiting[0] if view.waiting else view.last_ended
        return await desk.coach.page(
            request,
            "signing/sim_menu.html",
            page="sim.menu",
            device=view.device,
            view=view,
            first_pin=SIM_DEFAULT_PIN,
            sim=path(token, "sim"),
            back=path(token, "nha"),
            way_back=await desk.way_back(request, view.device, last),
        )

    @router.get(PHONE + "/{token}/sim/mat-song")
    async def no_signal(request: Request, token: str) -> Response:
        device = await desk.device(request, token)
        return await desk.coach.page(
            request,
            "signing/sim_no_signal.html",
            page="sim.no_signal",
            device=device,
            banner="short",
            sim=path(token, "sim"),
            back=path(token, "sim"),
        )


def _change_pin(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/sim/doi-pin")
    async def show(request: Request, token: str) -> Response:
        view = await _look(desk, request, token)
        if view.state.locked:
            return go(request, path(token, "sim", "khoa"))
        return await desk.coach.page(
            request,
            "signing/sim_change.html",
            page="sim.change",
            device=view.device,
            view=view,
            first_pin=SIM_DEFAULT_PIN,
            sim=path(token, "sim"),
            back=path(token, "sim"),
        )

    @router.post(PHONE + "/{token}/sim/doi-pin")
    async def change(request: Request, token: str) -> Response:
        device = await desk.device(request, token)

        async def handle(form: web.Form) -> str:
            typed = {name: form.get(f"pin_{name}") for name in ("old", "new", "again")}
            _six_digits(typed)
            answer = await web.off_loop(
                desk.service.sim.change_pin, web.space_of(request), device.holder, **typed
            )
            if answer is Change.LOCKED:
                return path(token, "sim", "khoa")
            if answer is Change.WRONG_OLD:
                left = (await _look(desk, request, token)).attempts_left
                said = web.say("loi_lam", "signing.sim.wrong_old", n=left)
                raise web.Invalid({"pin_old": said})
            if answer is Change.NOT_CARD:
                raise web.Invalid({"pin_new": web.say("loi_lam", "signing.sim.not_card")})
            if answer is Change.DIFFERENT:
                raise web.Invalid({"pin_again": web.say("loi_lam", "signing.sim.different")})
            raise web.Stale(path(token, "sim"), web.say("cau", "signing.sim.changed"))

        return await web.submit(
            request,
            action=f"signing.sim.change:{device.holder}",
            handle=handle,
            again=path(token, "sim", "doi-pin"),
            secret=("pin_old", "pin_new", "pin_again"),
        )


def _six_digits(typed: dict[str, str]) -> None:
    """Raise `web.Invalid` for the fields that hold no six digits."""
    errors = {}
    for name, value in typed.items():
        try:
            pins.read_pin(value)
        except pins.NotSixDigits as fault:
            key = "signing.pin.digits" if fault.received else "signing.pin.empty"
            errors[f"pin_{name}"] = web.say("loi_lam", key, n=fault.received)
    if errors:
        raise web.Invalid(errors)


def _transactions(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/sim/giao-dich")
    async def listing(request: Request, token: str) -> Response:
        view = await _look(desk, request, token)
        if elsewhere := _not_now(request, view):
            return elsewhere
        if not await web.off_loop(
            desk.service.sim.has_signal, web.space_of(request), view.device.holder
        ):
            return go(request, path(token, "sim", "mat-song"))
        return await desk.coach.page(
            request,
            "signing/sim_list.html",
            page="sim.list",
            device=view.device,
            view=view,
            things=things,
            sim=path(token, "sim"),
            back=path(token, "sim"),
        )

    @router.get(PHONE + "/{token}/sim/giao-dich/{request_id}")
    async def show(request: Request, token: str, request_id: str) -> Response:
        view = await _look(desk, request, token)
        asked = await desk.own(request, view.device, request_id, instruments=SIM)
        here = path(token, "sim", "giao-dich", asked.id)
        if not asked.status.live:
            return go(request, f"{here}/xong")
        if elsewhere := _not_now(request, view):
            return elsewhere
        several = len(view.certificates) > 1
        return await desk.coach.page(
            request,
            "signing/sim_request.html",
            page="sim.request",
            device=view.device,
            transaction=asked.id,
            banner="short",
            asked=asked,
            things=things(asked),
            to=f"{here}/chung-thu" if several else f"{here}/ma-pin",
            here=here,
            back=path(token, "sim", "giao-dich"),
        )

    @router.get(PHONE + "/{token}/sim/giao-dich/{request_id}/chung-thu")
    async def certificate(request: Request, token: str, request_id: str) -> Response:
        view = await _look(desk, request, token)
        asked = await desk.own(request, view.device, request_id, instruments=SIM)
        here = path(token, "sim", "giao-dich", asked.id)
        if not asked.status.live or len(view.certificates) < 2:
            return go(request, here)
        return await desk.coach.page(
            request,
            "signing/sim_certificate.html",
            page="sim.certificate",
            device=view.device,
            transaction=asked.id,
            banner="short",
            certificates=view.certificates,
            here=here,
            back=here,
        )


def _not_now(request: Request, view: SimView) -> Response | None:
    """Lead to the lock, or to changing the first PIN, when one of them comes first."""
    token = view.device.token
    if view.state.locked:
        return go(request, path(token, "sim", "khoa"))
    return None if view.changed else go(request, path(token, "sim", "doi-pin"))


def _answer(router: APIRouter, desk: Desk) -> None:
    @router.post(PHONE + "/{token}/sim/giao-dich/{request_id}/huy")
    async def cancel(request: Request, token: str, request_id: str) -> Response:
        device = await desk.device(request, token)
        here = path(token, "sim", "giao-dich", request_id)

        async def handle(_form: web.Form) -> str:
            await desk.own(request, device, request_id, instruments=SIM)
            await web.off_loop(
                desk.service.confirming.refuse, web.space_of(request), device, request_id
            )
            return f"{here}/xong"

        return await web.submit(
            request, action=f"signing.sim.refuse:{request_id}", handle=handle, again=here
        )

    @router.get(PHONE + "/{token}/sim/giao-dich/{request_id}/xong")
    async def done(request: Request, token: str, request_id: str) -> Response:
        view = await _look(desk, request, token)
        asked = await desk.own(request, view.device, request_id, instruments=SIM)
        if asked.status.live:
            return go(request, path(token, "sim", "giao-dich", asked.id))
        return await _ended(request, desk, view, asked)


async def _ended(request: Request, desk: Desk, view: SimView, asked: StoredRequest) -> Response:
    return await desk.coach.page(
        request,
        "signing/sim_done.html",
        page="sim.done" if asked.status is Status.SIGNED else "sim.ended",
        device=view.device,
        transaction=asked.id,
        banner="short",
        view=view,
        asked=asked,
        things=things(asked),
        ending=ending(asked),
        sim=path(view.device.token, "sim"),
        back=path(view.device.token, "sim"),
        way_back=await desk.way_back(request, view.device, asked),
    )


def _pin(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/sim/giao-dich/{request_id}/ma-pin")
    async def show(request: Request, token: str, request_id: str, the: str = "") -> Response:
        view = await _look(desk, request, token)
        asked = await desk.own(request, view.device, request_id, instruments=SIM)
        here = path(token, "sim", "giao-dich", asked.id)
        if not asked.status.live:
            return go(request, f"{here}/xong")
        if elsewhere := _not_now(request, view):
            return elsewhere
        serial = _chosen(view, the)
        if not serial:
            return go(request, f"{here}/chung-thu")
        return await desk.coach.page(
            request,
            "signing/sim_pin.html",
            page="sim.pin",
            device=view.device,
            transaction=asked.id,
            banner="short",
            view=view,
            asked=asked,
            serial=serial,
            here=here,
            back=here,
        )

    @router.post(PHONE + "/{token}/sim/giao-dich/{request_id}/ma-pin")
    async def confirm(request: Request, token: str, request_id: str, the: str = "") -> Response:
        device = await desk.device(request, token)
        here = path(token, "sim", "giao-dich", request_id)

        async def handle(form: web.Form) -> str:
            await desk.own(request, device, request_id, instruments=SIM)
            try:
                answer = await web.off_loop(
                    desk.service.sim.confirm,
                    web.space_of(request),
                    device,
                    request_id,
                    typed=form.get("pin"),
                    serial=the,
                )
            except pins.NotSixDigits as fault:
                key = "signing.pin.digits" if fault.received else "signing.pin.empty"
                raise web.Invalid({"pin": web.say("loi_lam", key, n=fault.received)}) from None
            return {
                Outcome.WRONG_PIN: f"{here}/sai-ma?the={the}",
                Outcome.WRONG_CERTIFICATE: f"{here}/sai-chung-thu",
                Outcome.LOCKED: path(token, "sim", "khoa"),
                Outcome.NOT_READY: path(token, "sim", "doi-pin"),
            }.get(answer.outcome, f"{here}/xong")

        return await web.submit(
            request,
            action=f"signing.sim.confirm:{request_id}",
            handle=handle,
            again=f"{here}/ma-pin?the={the}",
        )

    _not_right(router, desk)


def _chosen(view: SimView, the: str) -> str:
    """Return the certificate chosen, the only one there is, or "" while it has to be chosen."""
    serials = [one.serial for one in view.certificates]
    if the in serials:
        return the
    return serials[0] if len(serials) == 1 else ""


def _not_right(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/sim/giao-dich/{request_id}/sai-ma")
    async def wrong_pin(request: Request, token: str, request_id: str, the: str = "") -> Response:
        view = await _look(desk, request, token)
        asked = await desk.own(request, view.device, request_id, instruments=SIM)
        here = path(token, "sim", "giao-dich", asked.id)
        if elsewhere := _not_now(request, view):
            return elsewhere
        if not asked.status.live or not view.state.wrong_pins:
            return go(request, here)
        return await _wrong(request, desk, view.device, "pin", f"{here}/ma-pin?the={the}", view)

    @router.get(PHONE + "/{token}/sim/giao-dich/{request_id}/sai-chung-thu")
    async def wrong_certificate(request: Request, token: str, request_id: str) -> Response:
        view = await _look(desk, request, token)
        asked = await desk.own(request, view.device, request_id, instruments=SIM)
        here = path(token, "sim", "giao-dich", asked.id)
        if not asked.status.live:
            return go(request, f"{here}/xong")
        return await _wrong(request, desk, view.device, "certificate", f"{here}/chung-thu", view)


async def _wrong(
    request: Request, desk: Desk, device: Device, what: str, to: str, view: SimView
) -> Response:
    return await desk.coach.page(
        request,
        "signing/sim_wrong.html",
        page=f"sim.wrong_{what}",
        device=device,
        banner="short",
        wrong=True,
        what=what,
        left=view.attempts_left,
        to=to,
        back=to,
    )


def _lock(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/sim/khoa")
    async def locked(request: Request, token: str) -> Response:
        view = await _look(desk, request, token)
        if not view.state.locked:
            return go(request, path(token, "sim"))
        return await desk.coach.page(
            request,
            "signing/sim_locked.html",
            page="sim.locked",
            device=view.device,
            banner="short",
            wrong=True,
            view=view,
            here=path(token, "sim", "khoa"),
            back=path(token, "sim"),
            unlock=path(token, "sim", "mo-khoa"),
        )

    @router.post(PHONE + "/{token}/sim/mo-khoa")
    async def unlock(request: Request, token: str) -> Response:
        view = await _look(desk, request, token)

        async def handle(_form: web.Form) -> str:
            if view.self_unlock:
                await web.off_loop(
                    desk.service.instruments.unlock,
                    web.space_of(request),
                    view.device.holder,
                    Instrument.S,
                    by="self",
                )
            raise web.Stale(path(token, "sim"), web.say("cau", "signing.sim.unlocked"))

        return await web.submit(
            request,
            action=f"signing.sim.unlock:{view.device.holder}",
            handle=handle,
            again=path(token, "sim", "khoa"),
        )
