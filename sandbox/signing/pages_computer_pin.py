"""The PIN dialog of the practice computer: PIN → signed, wrong, locked; all or nothing."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.signing.coaching import Coach
from sandbox.signing.http import COMPUTER_PATH
from sandbox.signing.model import StoredRequest
from sandbox.signing.pages_computer import ComputerDesk, not_yours, own
from sandbox.signing.pages_desk import computer_path as path
from sandbox.signing.pages_desk import go
from sandbox.signing.phone_words import ending, things
from sandbox.signing.problems import Declined
from sandbox.signing.service import SigningService
from sandbox.signing.token_signing import DIALOG, Result, WrongLength
from sandbox.signing.tokens import ComputerView
from sandbox.wire.signing import Status

ASKED = COMPUTER_PATH + "/{token}/yeu-cau/{request_id}"
STOP_AFTER = 2
"""After so many wrong entries the page leads to the card, not to the field (E7)."""


def routers(service: SigningService, coach: Coach) -> list[APIRouter]:
    """Return the pages from the PIN dialog on."""
    desk = ComputerDesk(service, coach)
    router = APIRouter(include_in_schema=False)
    _dialog(router, desk)
    _answer(router, desk)
    _wrong(router, desk)
    _done(router, desk)
    _lock(router, desk)
    return [router]


def _dialog(router: APIRouter, desk: ComputerDesk) -> None:
    @router.get(ASKED)
    async def dialog(request: Request, token: str, request_id: str, an: str = "") -> Response:
        device = await desk.device(request, token)
        asked = await own(desk, request, device, request_id)
        if not asked.status.live:
            return await _ended(request, desk, token, asked, again=True)
        view = await desk.look(request, token)
        if not _holds(view, asked):
            return await _away(request, desk, view, asked)
        if view.state.locked:
            return go(request, path(token, "khoa"))
        least, most = DIALOG[view.state.instrument]
        return await desk.show(
            request,
            "signing/usb_pin.html",
            view,
            page="phone.usb_pin",
            transaction=asked.id,
            asked=asked,
            things=things(asked),
            shown=not an,
            least=least,
            most=most,
            here=_here(token, asked.id),
        )


def _answer(router: APIRouter, desk: ComputerDesk) -> None:
    @router.post(ASKED)
    async def confirm(request: Request, token: str, request_id: str) -> Response:
        device = await desk.device(request, token)
        here = _here(token, request_id)
        leads = {
            Result.SIGNED: f"{here}/xong",
            Result.FAILED: f"{here}/xong",
            Result.PULLED: f"{here}/xong",
            Result.WRONG_PIN: f"{here}/sai-ma",
            Result.LOCKED: path(token, "khoa"),
            Result.LOCKED_BEFORE: path(token, "khoa"),
        }

        async def handle(form: web.Form) -> str:
            try:
                answer = await web.off_loop(
                    desk.service.token_signing.confirm,
                    web.space_of(request),
                    device,
                    request_id,
                    typed=form.get("pin"),
                )
            except WrongLength as fault:
                key = "signing.usb.pin.length" if fault.received else "signing.usb.pin.empty"
                told = web.say("loi_lam", key, n=fault.received, least=fault.least, most=fault.most)
                raise web.Invalid({"pin": told}) from None
            except Declined:
                raise not_yours(device) from None
            return leads.get(answer.result, here)

        return await web.submit(
            request, action=f"signing.usb:{request_id}", handle=handle, again=here
        )

    @router.post(ASKED + "/huy")
    async def refuse(request: Request, token: str, request_id: str) -> Response:
        device = await desk.device(request, token)
        here = _here(token, request_id)

        async def handle(_form: web.Form) -> str:
            try:
                await web.off_loop(
                    desk.service.token_signing.refuse, web.space_of(request), device, request_id
                )
            except Declined:
                raise not_yours(device) from None
            return f"{here}/xong"

        return await web.submit(
            request, action=f"signing.usb_refuse:{request_id}", handle=handle, again=here
        )


def _wrong(router: APIRouter, desk: ComputerDesk) -> None:
    @router.get(ASKED + "/sai-ma")
    async def wrong(request: Request, token: str, request_id: str) -> Response:
        device = await desk.device(request, token)
        asked = await own(desk, request, device, request_id)
        view = await desk.look(request, token)
        here = _here(token, asked.id)
        if view.state.locked:
            return go(request, path(token, "khoa"))
        if not asked.status.live or not view.state.wrong_pins or view.plugged is None:
            return go(request, here)
        arrived = await web.off_loop(
            desk.service.token_signing.spoiled,
            web.space_of(request),
            view.holder.id,
            view.plugged,
        )
        meant = desk.service.token_signing.card(
            web.space_of(request), view.holder.id, view.plugged.instrument
        )
        return await desk.show(
            request,
            "signing/usb_wrong.html",
            view,
            page="phone.usb_wrong",
            transaction=asked.id,
            wrong=True,
            asked=asked,
            arrived=arrived,
            meant=meant,
            last=view.state.wrong_pins >= STOP_AFTER,
            here=here,
        )

    @router.get(ASKED + "/xem-the")
    async def card(request: Request, token: str, request_id: str) -> Response:
        device = await desk.device(request, token)
        asked = await own(desk, request, device, request_id)
        view = await desk.look(request, token)
        here = _here(token, asked.id)
        if not asked.status.live:
            return go(request, here)
        return await desk.show(
            request,
            "signing/usb_card.html",
            view,
            page="phone.usb_card",
            transaction=asked.id,
            asked=asked,
            here=here,
        )


def _done(router: APIRouter, desk: ComputerDesk) -> None:
    @router.get(ASKED + "/xong")
    async def done(request: Request, token: str, request_id: str) -> Response:
        device = await desk.device(request, token)
        asked = await own(desk, request, device, request_id)
        if asked.status.live:
            return go(request, _here(token, asked.id))
        return await _ended(request, desk, token, asked, again=False)


def _lock(router: APIRouter, desk: ComputerDesk) -> None:
    @router.get(COMPUTER_PATH + "/{token}/khoa")
    async def locked(request: Request, token: str) -> Response:
        view = await desk.look(request, token)
        if not view.state.locked:
            return go(request, path(token))
        return await desk.show(
            request, "signing/usb_locked.html", view, page="phone.usb_locked", wrong=True
        )

    @router.get(COMPUTER_PATH + "/{token}/mo-khoa")
    async def paper(request: Request, token: str) -> Response:
        view = await desk.look(request, token)
        if not view.state.locked or not view.self_unlock:
            return go(request, path(token))
        return await desk.show(request, "signing/usb_unlock.html", view, page="phone.usb_unlock")

    @router.post(COMPUTER_PATH + "/{token}/mo-khoa")
    async def unlock(request: Request, token: str) -> Response:
        view = await desk.look(request, token)

        async def handle(_form: web.Form) -> str:
            if view.state.locked and view.self_unlock:
                await web.off_loop(
                    desk.service.token_signing.unlock,
                    web.space_of(request),
                    view.holder.id,
                    view.state.instrument,
                    by="self",
                )
            raise web.Stale(path(token), web.say("cau", "signing.usb.unlock.done"))

        return await web.submit(
            request,
            action=f"signing.usb_unlock:{token}",
            handle=handle,
            again=path(token, "mo-khoa"),
        )


def _holds(view: ComputerView, asked: StoredRequest) -> bool:
    """Tell whether the token in the port can sign what is asked."""
    plugged = view.plugged
    if plugged is None or not view.lit or view.computer.service == "tat":
        return False
    return plugged.credential.serial == asked.serial


async def _away(
    request: Request, desk: ComputerDesk, view: ComputerView, asked: StoredRequest
) -> Response:
    """Show that the software is off (E4) or the token asked for is not in the port (E5)."""
    stopped = "E4" if view.computer.service == "tat" else "E5"
    return await desk.show(
        request,
        "signing/usb_stuck.html",
        view,
        page="phone.usb_away",
        transaction=asked.id,
        wrong=True,
        asked=asked,
        stopped=stopped,
        code=stopped,
        wanted=next((one for one in view.tokens if one.credential.serial == asked.serial), None),
    )


async def _ended(
    request: Request, desk: ComputerDesk, token: str, asked: StoredRequest, *, again: bool
) -> Response:
    """Show how a request ended; *again*: it is looked at once more, nothing happened just now."""
    view = await desk.look(request, token)
    signed = asked.status is Status.SIGNED
    how = ending(asked)
    if how == "failed":
        how = "whole" if view.plugged else "pulled"
    return await desk.show(
        request,
        "signing/usb_done.html" if signed else "signing/usb_ended.html",
        view,
        page="phone.usb_done" if signed else "phone.usb_ended",
        transaction=asked.id,
        asked=asked,
        again=again,
        things=things(asked),
        ending=how,
    )


def _here(token: str, request_id: str) -> str:
    return path(token, "yeu-cau", request_id)
