"""The classroom's coach strip on the phone's pages (learner-experience §4).

A page asks the classroom over HTTP and is shown without a strip when no answer comes in 300 ms.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from sandbox import web
from sandbox.signing.model import Device
from sandbox.wire.classroom import CoachClient, CoachQuestion, Strip


class Coach:
    """Puts the strip on a page; without a classroom every page is shown as it is."""

    def __init__(self, client: CoachClient | None = None) -> None:
        self._client = client

    async def page(
        self,
        request: Request,
        template: str,
        *,
        page: str,
        device: Device,
        transaction: str = "",
        **context: Any,
    ) -> HTMLResponse:
        """Return *template* as this phone's page named *page*, with the strip if there is one."""
        strip = await self._strip(request, page, device=device, transaction=transaction)
        # A learner may sit in front of a second device the classroom has never seen: the holder
        # of the phone is what both know.
        where = None if strip is None else _where(request, strip)
        told = None if strip is None else strip.heading
        return web.page(
            request, template, device=device, strip=strip, told=told, where=where, **context
        )

    async def _strip(
        self, request: Request, page: str, *, device: Device, transaction: str
    ) -> Strip | None:
        if self._client is None:
            return None
        who = web.visit(request)
        question = CoachQuestion(
            learner=who.key,
            holder=device.holder,
            page=page,
            language=who.language,
            passing={"transaction": transaction} if transaction else {},
        )
        return await self._client.strip(who.space.prefix, question)


def _where(request: Request, strip: Strip) -> str:
    """Return "Bài 3 · Bước 7/10 · Thẻ 3.7"."""
    return web.text(
        request,
        "nhan",
        "web.coach.where",
        lesson=strip.lesson,
        step=strip.step,
        steps=strip.steps,
        card=strip.card,
    )
