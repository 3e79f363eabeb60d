"""The practice computer: plug in a token, start the software, read the certificate, choose it.

A portal leads here with `lay-chung-thu?ve=<its own path>` and gets its visitor back once a
certificate is chosen. Every page is drawn from the present state, so that reloading, Back and a
second tap are harmless. Entering the PIN is `pages_computer_pin`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.signing.coaching import Coach
from sandbox.signing.http import COMPUTER_PATH, PHONE_PATH
from sandbox.signing.model import Device, StoredRequest
from sandbox.signing.pages_desk import Desk, go
from sandbox.signing.pages_desk import computer_path as path
from sandbox.signing.problems import Declined
from sandbox.signing.service import SigningService
from sandbox.signing.tokens import ComputerView

READ, TABLE, STUCK, SHOWN = "lay-chung-thu", "ban", "vuong", "chung-thu"
E_CODES = {"E4": "E4", "E5": "E5", "driver": "E5", "E8": "E8"}
"""The teacher's code of each place where reading stops."""


@dataclass(frozen=True, slots=True)
class ComputerDesk:
    """What every page of the practice computer needs."""

    service: SigningService
    coach: Coach

    async def look(self, request: Request, token: str) -> ComputerView:
        """Return what stands on the desk. Raises `web.Problem` for an unknown or replaced one."""
        device = await self.device(request, token)
        return await web.off_loop(self.service.tokens.look, web.space_of(request), device)

    async def device(self, request: Request, token: str) -> Device:
        """Return the device behind *token*. Raises `web.Problem` for none or a replaced one."""
        return await self._desk.device(request, token)

    async def way_back(self, request: Request, device: Device, asked: StoredRequest | None) -> str:
        """Return where the portal is: "" when nobody said, or on a second device."""
        return await self._desk.way_back(request, device, asked)

    async def remember(self, request: Request, device: Device, back: str) -> None:
        """Keep the portal's path, if it is one of this installation."""
        await self._desk.remember_way_back(request, device, back)

    @property
    def _desk(self) -> Desk:
        return Desk(self.service, self.coach)

    async def show(
        self, request: Request, template: str, view: ComputerView, **context: Any
    ) -> Response:
        """Return a page of the practice computer."""
        asked = context.get("asked")
        return await self.coach.page(
            request,
            template,
            device=view.device,
            banner="short",
            view=view,
            computer=view.computer,
            pc=path(view.device.token),
            phone=f"{PHONE_PATH}/{view.device.token}",
            way_back=await self.way_back(request, view.device, asked),
            **context,
        )


def routers(service: SigningService, coach: Coach) -> list[APIRouter]:
    """Return the pages up to the chosen certificate."""
    desk = ComputerDesk(service, coach)
    router = APIRouter(include_in_schema=False)
    _home(router, desk)
    _table(router, desk)
    _reading(router, desk)
    _certificate(router, desk)
    _switches(router, desk)
    return [router]


def _home(router: APIRouter, desk: ComputerDesk) -> None:
    @router.get(COMPUTER_PATH + "/{token}")
    async def home(request: Request, token: str, ve: str = "") -> Response:
        view = await desk.look(request, token)
        await desk.remember(request, view.device, ve)
        if view.waiting is not None:
            return go(request, path(token, "yeu-cau", view.waiting.id))
        return await desk.show(request, "signing/usb_home.html", view, page="phone.usb_home")

    @router.get(COMPUTER_PATH + "/{token}/" + READ)
    async def read(request: Request, token: str, ve: str = "") -> Response:
        view = await desk.look(request, token)
        await desk.remember(request, view.device, ve)
        page = "phone.usb_read" if view.plugged else "phone.usb_plug"
        return await desk.show(request, "signing/usb_read.html", view, page=page)


def _table(router: APIRouter, desk: ComputerDesk) -> None:
    @router.get(COMPUTER_PATH + "/{token}/" + TABLE)
    async def table(request: Request, token: str, ve: str = "") -> Response:
        view = await desk.look(request, token)
        await desk.remember(request, view.device, ve)
        return await desk.show(request, "signing/usb_table.html", view, page="phone.usb_table")

    @router.post(COMPUTER_PATH + "/{token}/cam")
    async def plug(request: Request, token: str) -> Response:
        device = await desk.device(request, token)

        async def handle(form: web.Form) -> str:
            name = form.get("usb")
            if not await web.off_loop(
                desk.service.tokens.plug, web.space_of(request), device.holder, name
            ):
                raise web.Invalid({"usb": web.say("loi_lam", "signing.usb.table.none")})
            return await _after(request, desk, device, form, READ)

        again = path(token, TABLE)
        return await web.submit(request, action=f"signing.plug:{token}", handle=handle, again=again)

    @router.post(COMPUTER_PATH + "/{token}/rut")
    async def unplug(request: Request, token: str) -> Response:
        device = await desk.device(request, token)

        async def handle(form: web.Form) -> str:
            await web.off_loop(desk.service.tokens.unplug, web.space_of(request), device.holder)
            if form.get("sau") == "doi":
                return path(token, TABLE)
            back = await desk.way_back(request, device, None)
            return web.local_path(form.get("ve") or back, otherwise=path(token))

        again = path(token)
        return await web.submit(
            request, action=f"signing.unplug:{token}", handle=handle, again=again
        )


def _reading(router: APIRouter, desk: ComputerDesk) -> None:
    @router.post(COMPUTER_PATH + "/{token}/" + READ)
    async def read(request: Request, token: str) -> Response:
        device = await desk.device(request, token)

        async def handle(_form: web.Form) -> str:
            stopped = await web.off_loop(
                desk.service.tokens.read_token, web.space_of(request), device.holder
            )
            return path(token, STUCK if stopped else SHOWN)

        again = path(token, READ)
        return await web.submit(request, action=f"signing.read:{token}", handle=handle, again=again)

    @router.get(COMPUTER_PATH + "/{token}/" + STUCK)
    async def stuck(request: Request, token: str) -> Response:
        view = await desk.look(request, token)
        stopped = view.computer.stopped
        if not stopped:
            return go(request, path(token, READ))
        return await desk.show(
            request,
            "signing/usb_stuck.html",
            view,
            page="phone.usb_stuck",
            wrong=True,
            stopped=stopped,
            code=E_CODES[stopped],
        )


def _certificate(router: APIRouter, desk: ComputerDesk) -> None:
    @router.get(COMPUTER_PATH + "/{token}/" + SHOWN)
    async def certificate(request: Request, token: str) -> Response:
        view = await desk.look(request, token)
        if view.plugged is None or not view.lit or view.computer.stopped:
            return go(request, path(token, READ))
        return await desk.show(
            request, "signing/usb_certificate.html", view, page="phone.usb_certificate"
        )

    @router.post(COMPUTER_PATH + "/{token}/" + SHOWN)
    async def choose(request: Request, token: str) -> Response:
        device = await desk.device(request, token)
        back = await desk.way_back(request, device, None)

        async def handle(form: web.Form) -> str:
            # A portal judges name and dates itself (E8, E9); without one the computer does.
            stopped = await web.off_loop(
                desk.service.tokens.choose,
                web.space_of(request),
                device.holder,
                form.get("serial"),
                judge=not back,
            )
            return path(token, STUCK) if stopped else back or path(token)

        again = path(token, SHOWN)
        return await web.submit(
            request, action=f"signing.choose:{token}", handle=handle, again=again
        )


def _switches(router: APIRouter, desk: ComputerDesk) -> None:
    tokens = desk.service.tokens
    does: dict[str, tuple[Callable[..., None], dict[str, Any], str]] = {
        "phan-mem": (tokens.open_software, {}, READ),
        "cai": (tokens.install_driver, {}, READ),
        "cam-lai": (tokens.replug, {}, READ),
        "tat-tieng-viet": (tokens.set_keyboard, {"typing": "E"}, "ban-phim"),
        "bat-tieng-viet": (tokens.set_keyboard, {"typing": "V"}, "ban-phim"),
        "tat-chu-hoa": (tokens.set_keyboard, {"caps": False}, "ban-phim"),
        "bat-chu-hoa": (tokens.set_keyboard, {"caps": True}, "ban-phim"),
    }

    @router.get(COMPUTER_PATH + "/{token}/ban-phim")
    async def keyboard(request: Request, token: str) -> Response:
        view = await desk.look(request, token)
        return await desk.show(
            request,
            "signing/usb_keyboard.html",
            view,
            page="phone.usb_keyboard",
            asked=view.waiting,
        )

    @router.post(COMPUTER_PATH + "/{token}/lam/{what}")
    async def switch(request: Request, token: str, what: str) -> Response:
        device = await desk.device(request, token)
        if what not in does:
            return go(request, path(token))
        act, how, then = does[what]

        async def handle(form: web.Form) -> str:
            await web.off_loop(act, web.space_of(request), device.holder, **how)
            return await _after(request, desk, device, form, then)

        again = path(token, then)
        return await web.submit(
            request, action=f"signing.{what}:{token}", handle=handle, again=again
        )


async def _after(
    request: Request, desk: ComputerDesk, device: Device, form: web.Form, then: str
) -> str:
    """Return where a switch leads: back to the PIN when it was pressed on the way there."""
    steps = {"pin": (), "the": ("xem-the",)}.get(form.get("sau"))
    if steps is not None:
        view = await desk.look(request, device.token)
        if view.waiting is not None:
            return path(device.token, "yeu-cau", view.waiting.id, *steps)
    return path(device.token, then)


async def own(
    desk: ComputerDesk, request: Request, device: Device, request_id: str
) -> StoredRequest:
    """Return one of the holder's token requests. Raises `web.Problem` for any other."""
    try:
        return await web.off_loop(
            desk.service.token_signing.open, web.space_of(request), device, request_id
        )
    except Declined:
        raise not_yours(device) from None


def not_yours(device: Device) -> web.Problem:
    """Return the page for a request that no token of this holder confirms."""
    return web.Problem(
        web.say("tieu_de", "signing.not_yours.title"),
        meaning=web.say("loi_nghia", "signing.not_yours.meaning"),
        remedy=web.say("loi_lam", "signing.not_yours.remedy"),
        button=web.say("nut", "signing.usb.to_computer"),
        to=path(device.token),
        status=404,
    )
