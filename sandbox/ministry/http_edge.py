"""The web edge of a desk: reading a body without letting it grow, languages, fault plans.

Faults live here and nowhere further in (architecture §6.7): correct code is never crippled.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from sandbox.errors import Finding
from sandbox.ministry.answers import Busy
from sandbox.ministry.model import HTTP_BODY_BYTES

DRAINED_BYTES = 32 * 1_048_576
"""How much of an oversized body is still read, and thrown away, so that its sender gets to hear
the answer; after that the connection is closed."""
MAINTENANCE_RETRY_S = 30
MAX_SLOW_MS = 60_000


async def read_body(request: Request) -> bytes | None:
    """Return the body, or None when it is larger than `HTTP_BODY_BYTES`.

    An oversized body is never kept: what was read of it is dropped at the first byte too many.
    """
    announced = request.headers.get("content-length", "")
    too_large = announced.isdigit() and int(announced) > HTTP_BODY_BYTES
    kept = bytearray()
    read = 0
    try:
        async for chunk in request.stream():
            read += len(chunk)
            if read > HTTP_BODY_BYTES:
                too_large = True
            if too_large:
                kept.clear()
                if read > DRAINED_BYTES:
                    return None
            else:
                kept += chunk
    except HTTPException:  # the installation's own bound was reached first
        return None
    except ClientDisconnect:
        return None if too_large else bytes(kept)
    return None if too_large else bytes(kept)


async def drop_body(request: Request) -> None:
    """Read a body and keep nothing of it, so that its sender gets to hear the refusal."""
    read = 0
    with contextlib.suppress(ClientDisconnect):
        async for chunk in request.stream():
            read += len(chunk)
            if read > DRAINED_BYTES:
                return


def language_of(request: Request) -> str:
    """Return `vi` or `en` by `Accept-Language`; Vietnamese unless English is liked better."""
    best, liking = "vi", 0.0
    for part in request.headers.get("accept-language", "").split(",")[:20]:
        name, _, rest = part.strip().partition(";")
        weight = _weight(rest)
        primary = name.strip().lower().split("-")[0]
        if primary in ("vi", "en") and weight > liking:
            best, liking = primary, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0


def bearer_of(request: Request) -> str | None:
    """Return the token of `Authorization: Bearer …`."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """What a desk's edge does wrong on purpose, reproducibly from its seed."""

    slow_ms: int = 0
    unavailable_percent: float = 0.0
    seed: str = ""

    @classmethod
    def of(cls, said: Mapping[str, Any] | None) -> FaultPlan | None:
        """Return the plan as it was kept."""
        if said is None:
            return None
        return cls(
            int(said.get("slow_ms", 0)),
            float(said.get("unavailable_percent", 0.0)),
            str(said.get("seed", "")),
        )

    def is_away(self, number: int) -> bool:
        """Tell whether call *number* of this plan is answered `SBX-1118`."""
        draw = random.Random(f"{self.seed}:{number}").random()
        return draw * 100.0 < self.unavailable_percent


@dataclass(slots=True)
class Faults:
    """Counts the calls of each desk while a plan is on, in this process."""

    _calls: dict[tuple[str, str], int] = field(default_factory=dict)

    async def suffer(self, plan: FaultPlan | None, *, space: str, desk: str) -> None:
        """Be as slow as the plan says.

        Raises:
            Busy: SBX-1118 when the plan takes the desk away for this call.
        """
        if plan is None:
            self._calls.pop((space, desk), None)
            return
        number = self._calls.get((space, desk), 0) + 1
        self._calls[space, desk] = number
        if plan.slow_ms:
            await asyncio.sleep(min(plan.slow_ms, MAX_SLOW_MS) / 1000)
        if plan.is_away(number):
            raise Busy(Finding("SBX-1118"), retry_after=MAINTENANCE_RETRY_S)
