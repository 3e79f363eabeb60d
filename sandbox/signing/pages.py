"""The practice phone: list → request → PIN → done, for a 320 px screen without script.

The phone is known by the token in its address. Every page is drawn from the present state, so
reloading, Back and a second tap are harmless (learner-experience L3, §8.1).
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox import web
from sandbox.signing import pins
from sandbox.signing.coaching import Coach
from sandbox.signing.confirming import Outcome, PhoneView
from sandbox.signing.http import PHONE_PATH as PHONE
from sandbox.signing.model import Device, DeviceKind, StoredRequest
from sandbox.signing.phone_words import ROWS, ending, things
from sandbox.signing.problems import Declined
from sandbox.signing.quiet import mask_access_log
from sandbox.signing.service import SigningService
from sandbox.wire.signing import Status

STOP_AFTER = 2
"""After so many wrong entries the page leads to the card, not to the field (E7)."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What every phone page needs."""

    service: SigningService
    coach: Coach

    async def device(self, request: Request, token: str) -> Device:
        """Return the device behind *token*. Raises `web.Problem` for none or a replaced one."""
        device = await web.off_loop(self.service.phones.device, web.space_of(request), token)
        if device is None or device.replaced:
            known = "unknown" if device is None else "replaced"
            raise web.Problem(
                web.say("tieu_de", f"signing.phone.{known}.title"),
                meaning=web.say("loi_nghia", f"signing.phone.{known}.meaning"),
                remedy=web.say("loi_lam", f"signing.phone.{known}.remedy"),
                button=web.say("nut", "signing.pair.again"),
                to="/dt",
                status=404 if device is None else 410,
            )
        return device

    async def look(self, request: Request, token: str) -> PhoneView:
        """Return what the phone shows now."""
        device = await self.device(request, token)
        return await web.off_loop(self.service.confirming.look, web.space_of(request), device)

    async def own(self, request: Request, device: Device, request_id: str) -> StoredRequest:
        """Return one of the holder's requests. Raises `web.Problem` for anybody else's."""
        try:
            return await web.off_loop(
                self.service.confirming.open, web.space_of(request), device, request_id
            )
        except Declined:
            raise _not_yours(device) from None

    async def way_back(self, request: Request, device: Device, asked: StoredRequest | None) -> str:
        """Return where [Về máy tính] leads: "" on a second device, which has no way back."""
        if device.kind is DeviceKind.PAIRED:
            return ""
        if asked is not None and asked.return_path:
            return asked.return_path
        remembered = await web.session(request).get(_return_key(device))
        return web.local_path(str(remembered or ""), otherwise="")


def routers(service: SigningService, coach: Coach) -> list[APIRouter]:
    """Return the pages of the practice phone."""
    mask_access_log()
    desk = Desk(service, coach)
    router = APIRouter(include_in_schema=False)
    _list(router, desk)
    _request(router, desk)
    _pin(router, desk)
    _wrong_pin(router, desk)
    _lock(router, desk)
    return [router]


def _list(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}")
    async def show(request: Request, token: str, ve: str = "", noi: str = "") -> Response:
        view = await desk.look(request, token)
        if web.local_path(ve, otherwise=""):
            await web.session(request).set(_return_key(view.device), ve)
        if view.holder.locked:
            return _go(request, _path(token, "khoa"))
        only = view.waiting[0] if len(view.waiting) == 1 else None
        return await desk.coach.page(
            request,
            "signing/list.html",
            page="phone.list",
            device=view.device,
            view=view,
            only=only,
            things=things,
            ending=ending,
            phone=_path(token),
            way_back=await desk.way_back(request, view.device, only or view.last_ended),
            paired={"moi": "first", "thay": "replaced"}.get(noi),
        )


def _request(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/yeu-cau/{request_id}")
    async def show(request: Request, token: str, request_id: str, trang: int = 1) -> Response:
        view = await desk.look(request, token)
        asked = await desk.own(request, view.device, request_id)
        if not asked.status.live:
            return await _ended(request, desk, view, asked, again=True)
        if view.holder.locked:
            return _go(request, _path(token, "khoa"))
        pages = max(1, -(-len(asked.items) // ROWS))
        number = min(max(trang, 1), pages)
        here = _path(token, "yeu-cau", asked.id)
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
            asked=asked,
            credential=credential,
            things=things(asked),
            names=asked.items[(number - 1) * ROWS : number * ROWS],
            first=(number - 1) * ROWS + 1,
            pages=pages,
            more=f"{here}?trang={number + 1}" if number < pages else None,
            start=here if number > 1 else None,
            phone=_path(token),
            here=here,
        )

    @router.get(PHONE + "/{token}/yeu-cau/{request_id}/xong")
    async def done(request: Request, token: str, request_id: str) -> Response:
        view = await desk.look(request, token)
        asked = await desk.own(request, view.device, request_id)
        if asked.status.live:
            return _go(request, _path(token, "yeu-cau", asked.id))
        return await _ended(request, desk, view, asked, again=False)

    @router.post(PHONE + "/{token}/yeu-cau/{request_id}/tu-choi")
    async def refuse(request: Request, token: str, request_id: str) -> Response:
        device = await desk.device(request, token)
        here = _path(token, "yeu-cau", request_id)

        async def handle(_form: web.Form) -> str:
            try:
                await web.off_loop(
                    desk.service.confirming.refuse, web.space_of(request), device, request_id
                )
            except Declined:
                raise _not_yours(device) from None
            return f"{here}/xong"

        return await web.submit(
            request, action=f"signing.refuse:{request_id}", handle=handle, again=here
        )


def _pin(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/yeu-cau/{request_id}/ma-pin")
    async def show(request: Request, token: str, request_id: str, an: str = "") -> Response:
        view = await desk.look(request, token)
        asked = await desk.own(request, view.device, request_id)
        here = _path(token, "yeu-cau", asked.id)
        if not asked.status.live:
            return _go(request, here)
        if view.holder.locked:
            return _go(request, _path(token, "khoa"))
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
            shown=not an,
            here=here,
        )

    @router.post(PHONE + "/{token}/yeu-cau/{request_id}/ma-pin")
    async def confirm(request: Request, token: str, request_id: str) -> Response:
        device = await desk.device(request, token)
        here = _path(token, "yeu-cau", request_id)

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
                raise _not_yours(device) from None
            if answer.outcome is Outcome.WRONG_PIN:
                return f"{here}/sai-ma"
            if answer.outcome is Outcome.LOCKED:
                return _path(token, "khoa")
            # What was signed, refused or expired before is shown as what it is: "đã ký rồi".
            return here if answer.outcome is Outcome.ENDED else f"{here}/xong"

        return await web.submit(
            request,
            action=f"signing.confirm:{request_id}",
            handle=handle,
            again=f"{here}/ma-pin",
        )


def _wrong_pin(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/yeu-cau/{request_id}/sai-ma")
    async def show(request: Request, token: str, request_id: str) -> Response:
        view = await desk.look(request, token)
        asked = await desk.own(request, view.device, request_id)
        here = _path(token, "yeu-cau", asked.id)
        if view.holder.locked:
            return _go(request, _path(token, "khoa"))
        if not asked.status.live or not view.holder.wrong_pins:
            return _go(request, f"{here}/ma-pin")
        last = view.holder.wrong_pins >= STOP_AFTER
        return await desk.coach.page(
            request,
            "signing/wrong_pin.html",
            page="phone.wrong_pin",
            device=view.device,
            transaction=asked.id,
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
        here = _path(token, "yeu-cau", asked.id)
        if not asked.status.live:
            return _go(request, here)
        return await desk.coach.page(
            request,
            "signing/card.html",
            banner="short",
            page="phone.card",
            device=view.device,
            transaction=asked.id,
            view=view,
            here=here,
        )


def _lock(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/khoa")
    async def locked(request: Request, token: str) -> Response:
        view = await desk.look(request, token)
        if not view.holder.locked:
            return _go(request, _path(token))
        return await desk.coach.page(
            request,
            "signing/locked.html",
            page="phone.locked",
            device=view.device,
            banner="short",
            wrong=True,
            view=view,
            phone=_path(token),
        )

    @router.get(PHONE + "/{token}/mo-khoa")
    async def show(request: Request, token: str) -> Response:
        view = await desk.look(request, token)
        if not view.holder.locked or not view.limits.self_unlock:
            return _go(request, _path(token))
        return await desk.coach.page(
            request,
            "signing/unlock.html",
            banner="short",
            page="phone.unlock",
            device=view.device,
            view=view,
            phone=_path(token),
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
            raise web.Stale(_path(token), web.say("cau", "signing.unlock.done"))

        return await web.submit(
            request,
            action=f"signing.unlock:{view.holder.id}",
            handle=handle,
            again=_path(token, "mo-khoa"),
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
        asked=asked,
        again=again,
        things=things(asked),
        ending=ending(asked),
        failed=[item for item in asked.items if item.status is Status.SIGN_FAILED][:ROWS],
        phone=_path(view.device.token),
        way_back=await desk.way_back(request, view.device, asked),
    )


def _not_yours(device: Device) -> web.Problem:
    """Return the page for a request that does not belong to this phone."""
    return web.Problem(
        web.say("tieu_de", "signing.not_yours.title"),
        meaning=web.say("loi_nghia", "signing.not_yours.meaning"),
        remedy=web.say("loi_lam", "signing.not_yours.remedy"),
        button=web.say("nut", "signing.not_yours.button"),
        to=_path(device.token),
        status=404,
    )


def _path(token: str, *steps: str) -> str:
    return "/".join((PHONE, token, *steps))


def _go(request: Request, path: str) -> Response:
    return RedirectResponse(web.visit(request).url(path), status_code=303)


def _return_key(device: Device) -> str:
    return f"signing.ve.{device.token}"
