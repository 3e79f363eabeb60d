"""How moments and numbers are written on pages, in either language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

from sandbox.clock import VIETNAM


def moment(at: datetime) -> str:
    """Return a moment as `28/05/2025 08:00`, Vietnamese time."""
    return at.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M")


def day(on: date) -> str:
    """Return a day as `28/05/2025`."""
    local = on.astimezone(VIETNAM) if isinstance(on, datetime) else on
    return local.strftime("%d/%m/%Y")


@pass_context
def hour(context: Context, at: datetime) -> str:
    """Return a time of day: `9 giờ 05` for Vietnamese readers, `09:05` for others."""
    local = at.astimezone(VIETNAM)
    if context.get("language") == "en":
        return local.strftime("%H:%M")
    word = context["_"]("cau", "web.hour")
    return f"{local.hour} {word} {local.minute:02d}"


@pass_context
def number(context: Context, value: float | Decimal, digits: int = 0) -> str:
    """Return a number with the reader's separators: `1.234,5` or `1,234.5`."""
    written = f"{value:,.{digits}f}"
    if context.get("language") == "en":
        return written
    return written.translate(str.maketrans(",.", ".,"))


@pass_context
def percent(context: Context, part: float, whole: float) -> str:
    """Return *part* of *whole* as `96,7 %`; a whole of 0 is `0 %`. Never rounds up to 100 %."""
    if not whole:
        return "0 %"
    share = 100 * part / whole
    if share in (0, 100):
        return f"{share:.0f} %"
    return f"{number(context, min(share, 99.9), 1)} %"


FILTERS: Mapping[str, Callable[..., Any]] = {
    "moment": moment,
    "day": day,
    "hour": hour,
    "number": number,
    "percent": percent,
}
