"""Connections kept open between calls to a neighbouring service."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from weakref import WeakKeyDictionary

import httpx

from sandbox.wire.http import async_client


class Connections:
    """Connections kept open between calls, one set per event loop that uses them."""

    def __init__(self) -> None:
        self._open: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = (
            WeakKeyDictionary()
        )

    def open(self, base_url: str, *, read_s: float, allowed: Collection[str]) -> httpx.AsyncClient:
        """Return this event loop's connections to *base_url*."""
        loop = asyncio.get_running_loop()
        client = self._open.get(loop)
        if client is None or client.is_closed:
            client = async_client(base_url, read_s=read_s, allowed=allowed)
            self._open[loop] = client
        return client
