"""A real Chromium: with script, without it, or with the site's own script missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

EXECUTABLE = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENSHOTS = Path(__file__).parent / "screenshots"
SCRIPT = ("on", "off", "aborted")

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the tests of a file.

    Not for the whole run: its driver keeps an event loop running in this thread, and tests of
    other files start loops of their own.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Open `open_page(url, script="on"|"off"|"aborted", width=…, height=…)`, each a new visitor.

    `off` switches script off in the browser (the reference run); `aborted` leaves it on and loses
    the site's own file, so that a page can be linted as it is without script.
    """
    contexts: list[BrowserContext] = []

    def opened(url: str, *, script: str = "on", width: int = 320, height: int = 480) -> Page:
        assert script in SCRIPT
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            java_script_enabled=script != "off",
            bypass_csp=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        if script == "aborted":
            page.route("**/them.js*", lambda route: route.abort())
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def picture() -> Callable[[Page, str], Path]:
    """Take `picture(page, name)`: the whole page, kept in tests/browser/screenshots."""

    def taken(page: Page, name: str) -> Path:
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=path, full_page=True)
        return path

    return taken
