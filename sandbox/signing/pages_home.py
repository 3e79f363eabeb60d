"""The practice phone's home, its messages, its code by time, and the printed card."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from sandbox import web
from sandbox.signing.apps import APPS
from sandbox.signing.http import PHONE_PATH as PHONE
from sandbox.signing.instruments import SIM_DEFAULT_PIN
from sandbox.signing.model import Device, StoredRequest
from sandbox.signing.pages_desk import Desk, app_path, computer_path, path
from sandbox.wire.signing import Instrument

MESSAGES = 10
"""Messages on one page (learner-experience L2)."""
ON_PHONE = (*APPS, Instrument.S)
"""What confirms on the phone; each is an icon of its home."""
ON_CARD = (Instrument.S, Instrument.U, Instrument.G, Instrument.A_OTP)
"""Instruments with a secret of their own on the card."""


def add(router: APIRouter, desk: Desk) -> None:
    """Add the pages to *router*."""
    _home(router, desk)
    _codes(router, desk)
    _card(router, desk)


def _home(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/nha")
    async def home(request: Request, token: str) -> Response:
        view = await desk.look(request, token, instruments=tuple(Instrument))
        counts = {one: sum(asked.instrument is one for asked in view.waiting) for one in ON_PHONE}
        where = {one: app_path(token, one) for one in APPS} | {Instrument.S: path(token, "sim")}
        return await desk.coach.page(
            request,
            "signing/home.html",
            page="phone.home",
            device=view.device,
            app=None,
            icons=[(one.value, where[one], counts[one]) for one in ON_PHONE],
            phone=path(token),
            way_back=await desk.way_back(request, view.device, None),
        )


def _codes(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/tin-nhan")
    async def messages(request: Request, token: str, ve: str = "") -> Response:
        device = await desk.device(request, token)
        space = web.space_of(request)
        found = await web.off_loop(desk.service.otp.messages, space, device.holder)
        now = space.now(request.app.state.web.clock)
        return await desk.coach.page(
            request,
            "signing/messages.html",
            page="phone.messages",
            device=device,
            app=None,
            messages=[
                (one, int((one.expires_at - now).total_seconds())) for one in found[:MESSAGES]
            ],
            here=_with_way(path(token, "tin-nhan"), ve),
            phone=path(token),
            waits=await _waits(request, desk, device, ve),
        )

    @router.get(PHONE + "/{token}/ma-mot-lan")
    async def code(request: Request, token: str, ve: str = "") -> Response:
        device = await desk.device(request, token)
        found = await web.off_loop(desk.service.otp.current, web.space_of(request), device.holder)
        return await desk.coach.page(
            request,
            "signing/code.html",
            page="phone.code",
            device=device,
            app=None,
            code=found.code,
            seconds=found.seconds_left,
            here=_with_way(path(token, "ma-mot-lan"), ve),
            phone=path(token),
            waits=await _waits(request, desk, device, ve),
        )


async def _waits(request: Request, desk: Desk, device: Device, ve: str) -> str:
    """Return where the code is waited for: the page one came from, else a request by code."""
    if way := web.local_path(ve, otherwise=""):
        return way
    if not await desk.way_back(request, device, None) and device.kind == "paired":
        return ""
    view = await web.off_loop(desk.service.by_code.look, web.space_of(request), device)
    waiting: tuple[StoredRequest, ...] = view.waiting
    return computer_path(device.token, "ma-mot-lan", waiting[0].id, "ma") if waiting else ""


def _with_way(here: str, ve: str) -> str:
    way = web.local_path(ve, otherwise="")
    return f"{here}?ve={way}" if way else here


def _card(router: APIRouter, desk: Desk) -> None:
    @router.get(PHONE + "/{token}/the")
    async def card(request: Request, token: str) -> Response:
        device = await desk.device(request, token)
        space = web.space_of(request)
        secrets = {
            one.value: await web.off_loop(
                desk.service.instruments.training_pin, space, device.holder, one
            )
            for one in ON_CARD
        }
        holder, _ = await web.off_loop(desk.service.issuing.holder, space, device.holder)
        return await desk.coach.page(
            request,
            "signing/training_card.html",
            page="phone.training_card",
            device=device,
            app=None,
            name=holder.name,
            secrets=secrets,
            first_pin=SIM_DEFAULT_PIN,
            phone=path(token),
        )
