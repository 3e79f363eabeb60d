"""What every page of the practice phone, the SIM and the page for one-time codes shares."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox import web
from sandbox.signing.apps import APPS, AppState
from sandbox.signing.coaching import Coach
from sandbox.signing.confirming import PhoneView
from sandbox.signing.http import COMPUTER_PATH
from sandbox.signing.http import PHONE_PATH as PHONE
from sandbox.signing.model import Device, DeviceKind, StoredRequest
from sandbox.signing.problems import Declined
from sandbox.signing.service import SigningService
from sandbox.wire.signing import Instrument


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

    async def look(
        self, request: Request, token: str, *, instruments: Collection[Instrument] = APPS
    ) -> PhoneView:
        """Return what the phone shows now, of the signing apps unless *instruments* says so."""
        device = await self.device(request, token)
        return await web.off_loop(
            self.service.confirming.look,
            web.space_of(request),
            device,
            instruments=instruments,
        )

    async def own(
        self,
        request: Request,
        device: Device,
        request_id: str,
        *,
        instruments: Collection[Instrument] = APPS,
    ) -> StoredRequest:
        """Return one of the holder's requests for one of *instruments*.

        Raises `web.Problem` for anybody else's, and for one that is confirmed elsewhere.
        """
        try:
            found: StoredRequest = await web.off_loop(
                self.service.confirming.open, web.space_of(request), device, request_id
            )
        except Declined:
            raise not_yours(device) from None
        if found.instrument not in instruments:
            raise not_yours(device)
        return found

    async def app(self, request: Request, device: Device, instrument: Instrument) -> AppState:
        """Return how a signing app stands."""
        return await web.off_loop(
            self.service.apps.state, web.space_of(request), device.holder, instrument
        )

    async def hindered(
        self, request: Request, device: Device, instrument: Instrument
    ) -> Response | None:
        """Lead to the page that says why an app cannot be used now; None when it can."""
        state = await self.app(request, device, instrument)
        if state.ready:
            return None
        return go(
            request, path(device.token, "kich-hoat" if state.runs else "may-nay", instrument.value)
        )

    async def way_back(self, request: Request, device: Device, asked: StoredRequest | None) -> str:
        """Return where [Về máy tính] leads: "" on a second device, which has no way back."""
        if device.kind is DeviceKind.PAIRED:
            return ""
        if asked is not None and asked.return_path:
            return asked.return_path
        remembered = await web.session(request).get(return_key(device))
        return web.local_path(str(remembered or ""), otherwise="")

    async def remember_way_back(self, request: Request, device: Device, ve: str) -> None:
        """Keep the way back that the address names, if it stays within this installation."""
        if web.local_path(ve, otherwise=""):
            await web.session(request).set(return_key(device), ve)


def app_named(name: str) -> Instrument | None:
    """Return the signing app called *name* in an address, or None."""
    return next((one for one in APPS if one.value == name), None)


def not_yours(device: Device) -> web.Problem:
    """Return the page for a request that does not belong to this phone."""
    return web.Problem(
        web.say("tieu_de", "signing.not_yours.title"),
        meaning=web.say("loi_nghia", "signing.not_yours.meaning"),
        remedy=web.say("loi_lam", "signing.not_yours.remedy"),
        button=web.say("nut", "signing.not_yours.button"),
        to=path(device.token),
        status=404,
    )


def path(token: str, *steps: str) -> str:
    """Return the path of a page of the phone."""
    return "/".join((PHONE, token, *steps))


def app_path(token: str, instrument: Instrument | None) -> str:
    """Return the path of the list of an app; of all apps for None."""
    return path(token) if instrument is None else f"{path(token)}?ung_dung={instrument.value}"


def computer_path(token: str, *steps: str) -> str:
    """Return the path of a page of the practice computer."""
    return "/".join((COMPUTER_PATH, token, *steps))


def go(request: Request, to: str) -> Response:
    """Lead on to *to*."""
    return RedirectResponse(web.visit(request).url(to), status_code=303)


def return_key(device: Device) -> str:
    """Return under what name a visitor's session keeps the way back."""
    return f"signing.ve.{device.token}"
