"""The one way this project opens an HTTP connection: with time limits, and to loopback only.

Servers call no outside address (architecture §6.15). Proxies and redirects are off, so that no
setting of the machine can lead a call elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from typing import Any

import httpx

from sandbox.errors import Misuse, Unavailable

CONNECT_S = 2.0
READ_S = 10.0
"""Default limits of a call to a neighbour, in seconds."""

IN_PROCESS = "testserver"
"""Host name of an application called without a socket."""


def is_loopback(host: str) -> bool:
    """Tell whether *host* (a name or address) is this machine and nothing else."""
    if host in ("localhost", IN_PROCESS):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def refuse_outside(url: str | httpx.URL, *, allowed: Collection[str] = ()) -> None:
    """Raise `Misuse` when *url* leads outside loopback and its host is not in *allowed*."""
    host = httpx.URL(str(url)).host
    if not is_loopback(host) and host not in allowed:
        raise Misuse(
            f"{host or url}: not a loopback address",
            remedy="name the neighbour's host in the settings of this installation",
        )


def limits(*, read_s: float = READ_S) -> httpx.Timeout:
    """Return the time limits of one call: connecting, then each read or write."""
    return httpx.Timeout(read_s, connect=CONNECT_S)


def client(
    base_url: str,
    *,
    read_s: float = READ_S,
    allowed: Collection[str] = (),
    headers: dict[str, str] | None = None,
) -> httpx.Client:
    """Return a client for workers and commands. Raises `Misuse` for an outside *base_url*."""
    refuse_outside(base_url, allowed=allowed)

    def guard(request: httpx.Request) -> None:
        refuse_outside(request.url, allowed=allowed)

    return httpx.Client(
        base_url=base_url,
        timeout=limits(read_s=read_s),
        headers=headers,
        follow_redirects=False,
        trust_env=False,
        event_hooks={"request": [guard]},
    )


def async_client(
    base_url: str,
    *,
    read_s: float = READ_S,
    allowed: Collection[str] = (),
    headers: dict[str, str] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """Return a client for handlers, which never wait longer than *read_s* seconds for a read.

    *transport* may call an application in the same process. Raises `Misuse` for an outside
    *base_url*.
    """
    refuse_outside(base_url, allowed=allowed)

    async def guard(request: httpx.Request) -> None:
        refuse_outside(request.url, allowed=allowed)

    return httpx.AsyncClient(
        base_url=base_url,
        timeout=limits(read_s=read_s),
        headers=headers,
        follow_redirects=False,
        trust_env=False,
        transport=transport,
        event_hooks={"request": [guard]},
    )


def retry_after_of(response: httpx.Response, *, default: int = 5) -> int:
    """Return the seconds a neighbour asks us to wait, never less than one."""
    text = response.headers.get("Retry-After", "")
    return max(1, int(text)) if text.isascii() and text.isdigit() else default


def json_of(response: httpx.Response) -> Any:
    """Return the decoded body. Raises `Unavailable` when it is not JSON."""
    try:
        return response.json()
    except ValueError as error:
        raise Unavailable(f"{response.url.path}: {response.status_code} without JSON") from error


def get_bytes(url: str, *, read_s: float = READ_S, allowed: Collection[str] = ()) -> bytes:
    """Return the body of one blocking GET: for workers.

    Raises:
        Unavailable: no answer in time, or another status than 200.
        Misuse: *url* leads outside loopback.
    """
    refuse_outside(url, allowed=allowed)
    try:
        response = httpx.get(
            url, timeout=limits(read_s=read_s), follow_redirects=False, trust_env=False
        )
    except httpx.HTTPError as error:
        raise Unavailable(f"{url}: {type(error).__name__}") from error
    if response.status_code != 200:
        raise Unavailable(f"{url}: {response.status_code}", retry_after=retry_after_of(response))
    return response.content
