"""Takes the ten pages of invented classes that people read: `python -m tests.browser.read_by_eye`.

A test can count that names stand in the right order; whether a class looks like one to somebody
from there, only a reader can say. The pictures last read lie beside this file in `read-by-eye/`,
with what was found and mended. `BASE` is a sandbox that runs: `hocba up`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, EXECUTABLE

FOLDER = Path(__file__).parent / "read-by-eye"
PROVINCES = {
    "01": "ha-noi",
    "79": "ho-chi-minh",
    "02": "ha-giang",
    "14": "son-la",
    "64": "gia-lai",
    "58": "ninh-thuan",
    "94": "soc-trang",
    "92": "can-tho",
    "46": "hue",
    "12": "lai-chau",
}
"""Cities and mountains, north and south, and peoples with their own way of naming."""
WIDTH = 520


def pick(page: Page, part: str, number: int) -> str:
    """Return the address of one of the links to *part*, the same one each time."""
    links = [a.get_attribute("href") or "" for a in page.query_selector_all(f'a[href*="{part}"]')]
    if not links:
        raise SystemExit(f"{page.url}: no link to {part}")
    return links[number % len(links)]


def take(page: Page, base: str, code: str, name: str, number: int) -> None:
    """Keep a class of a province and one record of that class."""
    page.goto(f"{base}/quoc-gia/tinh/{code}?nam=2024-2025")
    page.goto(base + pick(page, "/quoc-gia/truong/", number * 7))
    page.goto(base + pick(page, "/lop/", number * 3))
    page.screenshot(path=FOLDER / f"{name}-class.jpg", full_page=True, type="jpeg", quality=45)
    page.goto(base + pick(page, "/hoc-ba/", number * 5))
    # the XML below the card is for machines
    page.add_style_tag(content="pre, pre ~ * { display: none }")
    page.screenshot(path=FOLDER / f"{name}-record.jpg", full_page=True, type="jpeg", quality=45)


def main(base: str) -> None:
    """Take all ten."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": WIDTH, "height": 900}, bypass_csp=True)
        for number, (code, name) in enumerate(PROVINCES.items()):
            take(page, base, code, name, number)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080")
