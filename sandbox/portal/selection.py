"""Choosing rows over several pages without script: the choice is kept by the server.

Each page sends the rows it showed and those ticked; the button pressed says what comes next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from sandbox import web
from sandbox.portal.context import Reason, Stopped
from sandbox.portal.pages_frame import ROWS, page_of, way


@dataclass(frozen=True, slots=True)
class Choice:
    """One row that can be ticked."""

    value: str
    name: str
    number: int
    word: str | None
    """Why it is not ready (`portal.why.*`), or None."""


def key_of(task: str, class_name: str) -> str:
    """Return the session key of a choice."""
    return f"portal.chon.{task}.{class_name}"[:100]


async def chosen(request: Request, task: str, class_name: str) -> list[str]:
    """Return what was ticked so far."""
    kept = await web.session(request).get(key_of(task, class_name), [])
    return [str(value) for value in kept] if isinstance(kept, list) else []


async def keep(request: Request, task: str, class_name: str, values: Sequence[str]) -> None:
    """Keep a choice."""
    await web.session(request).set(key_of(task, class_name), list(values))


async def forget(request: Request, task: str, class_name: str) -> None:
    """Drop a choice that was used."""
    await web.session(request).delete(key_of(task, class_name))


async def take(
    request: Request, form: web.Form, task: str, class_name: str, choices: Sequence[Choice]
) -> list[str]:
    """Bring the choice up to date with what one page sent, and return it in list order."""
    pressed = form.get("viec")
    if pressed == "tat_ca":
        values = [c.value for c in choices if c.word is None]
    elif pressed == "bo_het":
        values = []
    else:
        before = set(await chosen(request, task, class_name))
        shown, ticked = set(form.all("hien")), set(form.all("em"))
        now = (before - shown) | ticked
        values = [c.value for c in choices if c.value in now]
    await keep(request, task, class_name, values)
    return values


async def step(
    request: Request,
    form: web.Form,
    task: str,
    class_name: str,
    choices: Sequence[Choice],
    *,
    here: str,
    review: str,
    only_ready: bool = False,
) -> str:
    """Keep what one page sent and return where its button leads: on in the list, or to *review*.

    *here* and *review* are paths without query. *only_ready* drops rows that are not ready before
    the review; signing keeps them, because its review explains why they cannot be signed yet.

    Raises `Stopped` when a review is asked for and nothing is chosen.
    """
    values = await take(request, form, task, class_name, choices)
    if form.get("viec") != "xem_lai":
        return way(here, lop=class_name, tu=next_page(form, len(choices)))
    if only_ready:
        able = {choice.value for choice in choices if choice.word is None}
        values = [value for value in values if value in able]
        await keep(request, task, class_name, values)
    if not values:
        raise Stopped(Reason.NOTHING_CHOSEN)
    return way(review, lop=class_name)


async def ready(
    request: Request, task: str, class_name: str, choices: Sequence[Choice]
) -> list[Choice]:
    """Return the chosen rows that are ready, for a review. Raises `Stopped` for none."""
    ticked = set(await chosen(request, task, class_name))
    found = [choice for choice in choices if choice.value in ticked and choice.word is None]
    if not found:
        raise Stopped(Reason.NOTHING_CHOSEN)
    return found


def next_page(form: web.Form, total: int) -> int:
    """Return the number of the first row of the page the pressed button leads to."""
    said = form.get("tu", "1")
    first = int(said) if said.isascii() and said.isdigit() else 1
    if form.get("viec") == "tiep":
        return first + ROWS if first + ROWS <= total else 1
    return first


__all__ = ["Choice", "chosen", "forget", "keep", "page_of", "ready", "step"]
