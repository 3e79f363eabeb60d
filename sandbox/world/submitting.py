"""`hocba submit`: hand a package to a desk and wait for its answer per record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.clock import Clock
from sandbox.wire.ministry import POLL_AFTER_S, Account, MinistryClient, Receipt

FIRST_POLLS_S = (0.5, 1.0, 2.0)
"""A person waits at the command: the first looks come sooner than the service suggests."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a submission. `rows` is empty while nothing is final."""

    messageid: str
    receipt: Receipt
    final: bool
    error: str
    description: str
    rows: tuple[dict[str, Any], ...]
    details: tuple[dict[str, Any], ...] = ()

    @property
    def accepted(self) -> int:
        """Records with `trang_thai` 1."""
        return sum(1 for row in self.rows if row["trang_thai"] == 1)

    @property
    def all_accepted(self) -> bool:
        """Whether there are rows and every one was accepted."""
        return bool(self.rows) and self.accepted == len(self.rows)


async def submit(
    desk_url: str,
    account: Account,
    *,
    content: str,
    school_year: int,
    messageid: str,
    clock: Clock,
    wait_s: float,
    on_wait: Callable[[float], None] = lambda _seconds: None,
) -> Outcome:
    """Submit *content* and poll until the result is final or *wait_s* seconds are over.

    Repeating the call with the same *messageid* and content is harmless: the desk answers with
    the stored receipt. Raises `Unavailable` when the desk is away.
    """
    async with MinistryClient(desk_url, account) as desk:
        receipt = await desk.submit(content, nam_hoc=school_year, messageid=messageid)
        if not receipt.accepted:
            details = tuple(row.model_dump() for row in receipt.chi_tiet)
            return Outcome(
                messageid, receipt, True, receipt.error, receipt.error_description, (), details
            )
        end = clock.monotonic() + wait_s
        pauses = iter((*FIRST_POLLS_S, *POLL_AFTER_S))
        pause = next(pauses)
        while True:
            reply = await desk.result(messageid)
            final = not reply.pending
            left = end - clock.monotonic()
            if final or left <= 0:
                return Outcome(
                    messageid,
                    receipt,
                    final,
                    reply.error,
                    reply.error_description,
                    tuple(row.model_dump() for row in reply.rows),
                    tuple(row.model_dump() for row in reply.chi_tiet),
                )
            on_wait(min(pause, left))
            await asyncio.sleep(min(pause, left))
            pause = next(pauses, pause)
