"""The practice phone: list → request → PIN → done, for a 320 px screen without script.

The phone is known by the token in its address. Every page is drawn from the present state, so
reloading, Back and a second tap are harmless (learner-experience L3, §8.1).
"""

from __future__ import annotations

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
    pins,
)
from sandbox.signing.coaching import Coach
from sandbox.signing.confirming import PhoneView
from sandbox.signing.http import PHONE_PATH as PHONE
from sandbox.signing.model import StoredRequest
from sandbox.signing.outcomes import Confirmation, Outcome
from sandbox.signing.pages_desk import Desk, app_named, app_path, go, not_yours, path
from sandbox.signing.phone_words import ROWS, ending, things
from sandbox.signing.problems import Declined
from sandbox.signing.quiet import mask_access_log
from sandbox.signing.service import SigningService
from sandbox.wire.signing import Instrument, Status

STOP_AFTER = 2
"""After so many wrong entries the page leads to the card, not to the field (E7)."""


def routers(service: SigningService, coach: Coach) -> list[APIRouter]:
    """Return the pages of the practice phone, of its SIM and of the page for one-time codes."""
    mask_access_log()
    desk = Desk(service, coach)
    router = APIRouter(include_in_schema=False)
    _list(router, desk)
    _request(router, desk)
    _pin(router, desk)
    _finger(router, desk)
    _wrong_pin(router, desk)
    _lock(router, desk)
    pages_home.add(router, desk)
    pages_activation.add(router, desk)
    pages_sim.add(router, desk)
    pages_by_code.add(router, desk)
    pages_labels.add(router, desk)
    return [router]


def _list(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}")
    async def show(
        request: Request, token: str, ve: str = "", noi: str = "", ung_dung: str = ""
    ) -> Response:
        chosen = app_named(ung_dung)
        device = await desk.device(request, token)
        await desk.remember_way_back(request, device, ve)
        view = await desk.look(request, token, instruments=(chosen,) if chosen else apps.APPS)
        if view.holder.locked:
            return go(request, path(token, "khoa"))
        app = chosen or _only_app(view)
        if app is not None and (elsewhere := await desk.hindered(request, device, app)):
            return elsewhere
        only = view.waiting[0] if len(view.waiting) == 1 else None
        return await desk.coach.page(
            request,
            "signing/list.html",
            page="phone.list",
            device=device,
            view=view,
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


def _request(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/yeu-cau/{request_id}")
    async def show(request: Request, token: str, request_id: str, trang: int = 1) -> Response:
        view = await desk.look(request, token)
        asked = await desk.own(request, view.device, request_id)
        if not asked.status.live:
            return await _ended(request, desk, view, asked, again=True)
        if view.holder.locked:
            return go(request, path(token, "khoa"))
        if elsewhere := await desk.hindered(request, view.device, asked.instrument):
            return elsewhere
        pages = max(1, -(-len(asked.items) // ROWS))
        number = min(max(trang, 1), pages)
        here = path(token, "yeu-cau", asked.id)
        credential = await web.off_loop(
            desk.service.confirming.credential, web.space_of(request), asked
        )
        return await desk.coach.page(
            request,
            "signing/request.html",
            banner="short",
            page="phone.request",
            device=view.device,
            transaction=asked.id,
            view=view,
            app=asked.instrument,
            asked=asked,
            credential=credential,
            things=things(asked),
            names=asked.items[(number - 1) * ROWS : number * ROWS],
            first=(number - 1) * ROWS + 1,
            pages=pages,
            more=f"{here}?trang={number + 1}" if number < pages else None,
            start=here if number > 1 else None,
            phone=path(token),
            to=f"{here}/van-tay" if asked.instrument is Instrument.B else f"{here}/ma-pin",
            here=here,
        )

    @router.get(PHONE + "/{token}/yeu-cau/{request_id}/xong")
    async def done(request: Request, token: str, request_id: str) -> Response:
        view = await desk.look(request, token)
        asked = await desk.own(request, view.device, request_id)
        if asked.status.live:
            return go(request, path(token, "yeu-cau", asked.id))
        return await _ended(request, desk, view, asked, again=False)

    @router.post(PHONE + "/{token}/yeu-cau/{request_id}/tu-choi")
    async def refuse(request: Request, token: str, request_id: str) -> Response:
        device = await desk.device(request, token)
        here = path(token, "yeu-cau", request_id)

        async def handle(_form: web.Form) -> str:
            await desk.own(request, device, request_id)
            await web.off_loop(
                desk.service.confirming.refuse, web.space_of(request), device, request_id
            )
            return f"{here}/xong"

        return await web.submit(
            request, action=f"signing.refuse:{request_id}", handle=handle, again=here
        )


def _pin(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/yeu-cau/{request_id}/ma-pin")
    async def show(request: Request, token: str, request_id: str, an: str = "") -> Response:
        view = await desk.look(request, token)
        asked = await desk.own(request, view.device, request_id)
        here = path(token, "yeu-cau", asked.id)
        if not asked.status.live:
            return go(request, here)
        if view.holder.locked:
            return go(request, path(token, "khoa"))
        state = await desk.app(request, view.device, asked.instrument)
        if not state.ready:
            return await desk.hindered(request, view.device, asked.instrument) or go(request, here)
        return await desk.coach.page(
            request,
            "signing/pin.html",
            page="phone.pin",
            device=view.device,
            transaction=asked.id,
            banner="short",
            view=view,
            asked=asked,
            things=things(asked),
            app=asked.instrument,
            finger=state.finger,
            shown=not an,
            here=here,
        )

    @router.post(PHONE + "/{token}/yeu-cau/{request_id}/ma-pin")
    async def confirm(request: Request, token: str, request_id: str) -> Response:
        device = await desk.device(request, token)
        here = path(token, "yeu-cau", request_id)

        async def handle(form: web.Form) -> str:
            try:
                answer = await web.off_loop(
                    desk.service.confirming.confirm,
                    web.space_of(request),
                    device,
                    request_id,
                    typed=form.get("pin"),
                )
            except pins.NotSixDigits as fault:
                key = "signing.pin.digits" if fault.received else "signing.pin.empty"
                raise web.Invalid({"pin": web.say("loi_lam", key, n=fault.received)}) from None
            except Declined:
                raise not_yours(device) from None
            return _after(answer, token)

        return await web.submit(
            request,
            action=f"signing.confirm:{request_id}",
            handle=handle,
            again=f"{here}/ma-pin",
        )


def _finger(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/yeu-cau/{request_id}/van-tay")
    async def show(request: Request, token: str, request_id: str) -> Response:
        view = await desk.look(request, token)
        asked = await desk.own(request, view.device, request_id)
        here = path(token, "yeu-cau", asked.id)
        if not asked.status.live:
            return go(request, here)
        if view.holder.locked:
            return go(request, path(token, "khoa"))
        state = await desk.app(request, view.device, asked.instrument)
        if not state.ready or not state.finger:
            return go(request, f"{here}/ma-pin")
        return await desk.coach.page(
            request,
            "signing/finger.html",
            page="phone.finger",
            device=view.device,
            transaction=asked.id,
            banner="short",
            app=asked.instrument,
            asked=asked,
            things=things(asked),
            here=here,
        )

    @router.post(PHONE + "/{token}/yeu-cau/{request_id}/van-tay")
    async def confirm(request: Request, token: str, request_id: str) -> Response:
        device = await desk.device(request, token)
        here = path(token, "yeu-cau", request_id)

        async def handle(_form: web.Form) -> str:
            await desk.own(request, device, request_id)
            answer = await web.off_loop(
                desk.service.confirming.approve,
                web.space_of(request),
                device,
                request_id,
                check=apps.finger,
            )
            return _after(answer, token)

        return await web.submit(
            request, action=f"signing.finger:{request_id}", handle=handle, again=f"{here}/ma-pin"
        )


def _after(answer: Confirmation, token: str) -> str:
    """Return the page that says what came of a PIN or a finger."""
    here = path(token, "yeu-cau", answer.request.id)
    if answer.outcome is Outcome.WRONG_PIN:
        return f"{here}/sai-ma"
    if answer.outcome is Outcome.LOCKED:
        return path(token, "khoa")
    # What was signed, refused or expired before is shown as what it is: "đã ký rồi"; an app that
    # is not ready says so on the page of the request.
    shown_again = answer.outcome in (Outcome.ENDED, Outcome.NOT_READY)
    return here if shown_again else f"{here}/xong"


def _wrong_pin(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/yeu-cau/{request_id}/sai-ma")
    async def show(request: Request, token: str, request_id: str) -> Response:
        view = await desk.look(request, token)
        asked = await desk.own(request, view.device, request_id)
        here = path(token, "yeu-cau", asked.id)
        if view.holder.locked:
            return go(request, path(token, "khoa"))
        if not asked.status.live or not view.holder.wrong_pins:
            return go(request, f"{here}/ma-pin")
        last = view.holder.wrong_pins >= STOP_AFTER
        return await desk.coach.page(
            request,
            "signing/wrong_pin.html",
            page="phone.wrong_pin",
            device=view.device,
            transaction=asked.id,
            app=asked.instrument,
            banner="short",
            wrong=True,
            view=view,
            last=last,
            to=f"{here}/xem-the" if last else f"{here}/ma-pin",
            here=here,
        )

    @router.get(PHONE + "/{token}/yeu-cau/{request_id}/xem-the")
    async def card(request: Request, token: str, request_id: str) -> Response:
        view = await desk.look(request, token)
        asked = await desk.own(request, view.device, request_id)
        here = path(token, "yeu-cau", asked.id)
        if not asked.status.live:
            return go(request, here)
        return await desk.coach.page(
            request,
            "signing/card.html",
            banner="short",
            page="phone.card",
            device=view.device,
            transaction=asked.id,
            app=asked.instrument,
            view=view,
            here=here,
        )


def _lock(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/khoa")
    async def locked(request: Request, token: str) -> Response:
        view = await desk.look(request, token)
        if not view.holder.locked:
            return go(request, path(token))
        return await desk.coach.page(
            request,
            "signing/locked.html",
            page="phone.locked",
            device=view.device,
            banner="short",
            wrong=True,
            view=view,
            phone=path(token),
        )

    @router.get(PHONE + "/{token}/mo-khoa")
    async def show(request: Request, token: str) -> Response:
        view = await desk.look(request, token)
        if not view.holder.locked or not view.limits.self_unlock:
            return go(request, path(token))
        return await desk.coach.page(
            request,
            "signing/unlock.html",
            banner="short",
            page="phone.unlock",
            device=view.device,
            app=None,
            view=view,
            phone=path(token),
        )

    @router.post(PHONE + "/{token}/mo-khoa")
    async def unlock(request: Request, token: str) -> Response:
        view = await desk.look(request, token)

        async def handle(_form: web.Form) -> str:
            if view.holder.locked and view.limits.self_unlock:
                await web.off_loop(
                    desk.service.issuing.unlock,
                    web.space_of(request),
                    view.holder.id,
                    by="self",
                )
            raise web.Stale(path(token), web.say("cau", "signing.unlock.done"))

        return await web.submit(
            request,
            action=f"signing.unlock:{view.holder.id}",
            handle=handle,
            again=path(token, "mo-khoa"),
        )


async def _ended(
    request: Request, desk: Desk, view: PhoneView, asked: StoredRequest, *, again: bool
) -> Response:
    """Show how a request ended; *again*: it is looked at once more, nothing happened just now."""
    signed = asked.status is Status.SIGNED
    return await desk.coach.page(
        request,
        "signing/done.html" if signed else "signing/ended.html",
        page="phone.done" if signed else "phone.ended",
        banner="short",
        device=view.device,
        transaction=asked.id,
        view=view,
        app=asked.instrument,
        asked=asked,
        again=again,
        things=things(asked),
        ending=ending(asked),
        failed=[item for item in asked.items if item.status is Status.SIGN_FAILED][:ROWS],
        phone=app_path(view.device.token, asked.instrument),
        way_back=await desk.way_back(request, view.device, asked),
    )
