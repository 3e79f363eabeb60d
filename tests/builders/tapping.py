"""Deliberate second presses: what the pages would take for a double tap is waited out.

Two posts of the same action with the same content within 600 ms are one tap (learner-experience
§8.1). A test that means a second press is as slow as a person; one about double taps themselves
posts at once, past this module.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sandbox.web.forms import SECRET_FIELDS, TAP_SECONDS, TOKEN_FIELD
from sandbox.web.visits import VISITOR_QUERY

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

MARGIN_SECONDS = 0.1
UNSEEN = {TOKEN_FIELD, VISITOR_QUERY, *SECRET_FIELDS, "pin_old", "pin_new", "pin_again"}
"""Fields that do not tell one press from another: marks, and what the server never keeps."""
SENT = """control => {
  const form = control.form;
  if (!form || form.getAttribute('method').toLowerCase() !== 'post') return null;
  const fields = {};
  for (const [name, value] of new FormData(form, control)) (fields[name] ||= []).push(value);
  return [form.getAttribute('action'), fields];
}"""


class Taps:
    """What one visitor posted, and when; a window of 0 s needs no patience."""

    def __init__(self, window: float = TAP_SECONDS) -> None:
        self._patience = window + MARGIN_SECONDS if window else 0.0
        self._posted: dict[str, float] = {}

    @contextmanager
    def apart(
        self, action: str, fields: Mapping[str, str | Sequence[str] | None] | None
    ) -> Iterator[None]:
        """Do what posts *fields* to *action* as a press of its own, not as part of the last."""
        told = {name: _listed(value) for name, value in (fields or {}).items()}
        told = {name: value for name, value in sorted(told.items()) if name not in UNSEEN}
        key = f"{urlsplit(action).path} {told}"
        wait = self._posted.get(key, float("-inf")) + self._patience - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        yield
        self._posted[key] = time.monotonic()


def _listed(value: str | Sequence[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def press(page: Page, control: Locator, taps: Taps | None = None) -> None:
    """Press what leads to another page, and wait for it: a slow answer is no second press.

    Without *taps*: where nothing is pressed twice, or no press counts as a double tap.
    """
    sent: list[Any] | None = control.evaluate(SENT) if taps else None
    with taps.apart(*sent) if taps and sent else nullcontext(), page.expect_navigation():
        control.click()


def press_named(page: Page, name: str, taps: Taps | None = None) -> None:
    """Press the button or follow the link of exactly that name in the page's own part."""
    main = page.locator("main")
    found = main.get_by_role("button", name=name, exact=True)
    if not found.count():
        found = main.get_by_role("link", name=name, exact=True)
    press(page, found.first, taps)
