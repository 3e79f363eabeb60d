"""The way from an address to a page, for the signing apps, the SIM and the page for codes.

Whoever comes is known by the token in the address. Every page looks at the present state first;
one about a request is shown to its holder only, and only where that request is confirmed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sandbox import web
from sandbox.signing import pins
from sandbox.signing.model import Device, StoredRequest
from sandbox.signing.pages_desk import Desk, go
from sandbox.signing.phone_words import ROWS, ending, things
from sandbox.web import Space
from sandbox.wire.signing import Instrument, Status

View = TypeVar("View")
"""What an instrument shows of itself: `PhoneView`, `SimView`, `ByCodeView`."""


@dataclass(frozen=True, slots=True)
class Scene(Generic[View]):
    """What a page is drawn from."""

    request: Request
    device: Device
    view: View

    @property
    def token(self) -> str:
        """The token in the address."""
        return self.device.token

    def go(self, to: str) -> Response:
        """Lead on to *to*."""
        return go(self.request, to)

    def context(self) -> dict[str, Any]:
        """Return what every template of such a page may use."""
        return {"device": self.device, "view": self.view}


@dataclass(frozen=True, slots=True)
class Asked(Scene[View]):
    """What a page about one request is drawn from; *here* is that request's path."""

    asked: StoredRequest
    here: str

    def context(self) -> dict[str, Any]:
        """Return what every template of a page about a request may use."""
        return {
            "device": self.device,
            "view": self.view,
            "transaction": self.asked.id,
            "asked": self.asked,
            "things": things(self.asked),
            "here": self.here,
        }

    def failed(self) -> list[Any]:
        """Return the first rows that were not signed."""
        return [item for item in self.asked.items if item.status is Status.SIGN_FAILED][:ROWS]


@dataclass(frozen=True, slots=True)
class Frame(Generic[View]):
    """The pages of one instrument, or of all signing apps."""

    desk: Desk
    name: str
    """What its actions are called after `signing.`: "", "sim." or "otp."."""
    instruments: Collection[Instrument]
    """Requests for anything else are not these pages'."""
    looking: Callable[[Space, Device], View]
    """Looks at the present state; blocks."""
    at: Callable[..., str]
    """Path of a request: of a token and the request's id."""
    common: Callable[[str], dict[str, Any]] = lambda _token: {}
    """What all its templates need besides, by token."""

    async def look(self, request: Request, token: str) -> Scene[View]:
        """Return the state of the instrument behind *token*. Raises `web.Problem` for no device."""
        device = await self.desk.device(request, token)
        view = await web.off_loop(self.looking, web.space_of(request), device)
        return Scene(request, device, view)

    async def own(self, request: Request, token: str, request_id: str) -> Asked[View]:
        """Return one of the holder's requests for this instrument. Raises `web.Problem`."""
        scene = await self.look(request, token)
        asked = await self.desk.own(request, scene.device, request_id, instruments=self.instruments)
        return Asked(request, scene.device, scene.view, asked, self.at(token, asked.id))

    async def show(
        self, scene: Scene[View], template: str, *, page: str, **context: Any
    ) -> HTMLResponse:
        """Return the template as the page called *page*; *context* goes before what is common."""
        return await self.desk.coach.page(
            scene.request,
            f"signing/{template}.html",
            page=page,
            **{**self.common(scene.token), **scene.context(), **context},
        )

    async def listed(self, scene: Asked[View], number: int) -> dict[str, Any]:
        """Return what the page of a request shows of its rows, a few at a time, from *number*."""
        asked = scene.asked
        pages = max(1, -(-len(asked.items) // ROWS))
        number = min(max(number, 1), pages)
        return {
            "credential": await web.off_loop(
                self.desk.service.confirming.credential, web.space_of(scene.request), asked
            ),
            "names": asked.items[(number - 1) * ROWS : number * ROWS],
            "first": (number - 1) * ROWS + 1,
            "pages": pages,
            "more": f"{scene.here}?trang={number + 1}" if number < pages else None,
            "start": scene.here if number > 1 else None,
        }

    async def submit(
        self,
        request: Request,
        token: str,
        request_id: str,
        *,
        action: str,
        work: Callable[[web.Form, Device], Awaitable[str]],
        again: str = "",
    ) -> Response:
        """Do *work* about one of the holder's requests, once; *again* follows the request's path.

        *work* returns where to go. It is not called for somebody else's request.
        """
        device = await self.desk.device(request, token)

        async def handle(form: web.Form) -> str:
            await self.desk.own(request, device, request_id, instruments=self.instruments)
            return await work(form, device)

        return await web.submit(
            request,
            action=f"signing.{self.name}{action}:{request_id}",
            handle=handle,
            again=self.at(token, request_id) + again,
        )

    def refusing(
        self, request: Request, request_id: str
    ) -> Callable[[web.Form, Device], Awaitable[str]]:
        """Return what refuses a request and leads to how it ended."""

        async def work(_form: web.Form, device: Device) -> str:
            await web.off_loop(
                self.desk.service.confirming.refuse, web.space_of(request), device, request_id
            )
            return f"{self.at(device.token, request_id)}/xong"

        return work

    async def ended(self, request: Request, token: str, request_id: str) -> Response:
        """Show how a request ended; one that still waits leads to where it is answered."""
        scene = await self.own(request, token, request_id)
        if scene.asked.status.live:
            return scene.go(scene.here)
        how = "done" if scene.asked.status is Status.SIGNED else "ended"
        return await self.show(
            scene,
            f"{self.name.rstrip('.')}_done",
            page=f"{self.name}{how}",
            banner="short",
            ending=ending(scene.asked),
            failed=scene.failed(),
            way_back=await self.desk.way_back(request, scene.device, scene.asked),
        )

    def taking_off(
        self, scene: Scene[View], instrument: Instrument, *, alone: bool, to: str
    ) -> Callable[[web.Form], Awaitable[str]]:
        """Return what takes *instrument*'s lock off and says so at *to*, where one may *alone*."""
        take_off = partial(
            self.desk.service.instruments.unlock,
            web.space_of(scene.request),
            scene.device.holder,
            instrument,
            by="self",
        )
        said = f"signing.{self.name}unlocked"
        return unlocking(take_off if alone else None, to=to, said=said)


def unlocking(
    take_off: Callable[[], object] | None, *, to: str, said: str
) -> Callable[[web.Form], Awaitable[str]]:
    """Return what takes a lock off and says so at *to*; None where nobody may do so alone."""

    async def handle(_form: web.Form) -> str:
        if take_off is not None:
            await web.off_loop(take_off)
        raise web.Stale(to, web.say("cau", said))

    return handle


def not_six_digits(fault: pins.NotSixDigits) -> web.Message:
    """Return what is said under a field that holds no PIN."""
    key = "signing.pin.digits" if fault.received else "signing.pin.empty"
    return web.say("loi_lam", key, n=fault.received)


@contextmanager
def reading_pin() -> Iterator[None]:
    """Turn what is no PIN into the error of the field `pin`."""
    try:
        yield
    except pins.NotSixDigits as fault:
        raise web.Invalid({"pin": not_six_digits(fault)}) from None
