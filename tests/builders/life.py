"""A class's report cards walked through the portal's and the phone's own pages, in a browser."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page

from tests.builders.tapping import Taps, press

RESULT_SECONDS = 90.0


@dataclass
class Walker:
    """One visitor in front of one page. Every step is a press on what the page shows."""

    page: Page
    root: str
    """Address of the space, without a slash at the end."""
    taps: Taps = field(default_factory=Taps)

    def go(self, path: str) -> None:
        self.page.goto(self.root + path)

    def main(self) -> str:
        return self.page.inner_text("main")

    def heading(self) -> str:
        return self.page.inner_text("h1")

    def press(self, words: str) -> None:
        """Press the first button or link whose words hold these."""
        self._follow(self.page.locator("main a, main button").filter(has_text=words).first)

    def press_main(self) -> None:
        """Press the one main button."""
        self._follow(self.page.locator("main .chinh").first)

    def open_first(self) -> None:
        """Open the first row of the list on the page."""
        self._follow(self.page.locator("main .hang a").first)

    def _follow(self, control: Locator) -> None:
        press(self.page, control, self.taps)

    def enter_code(self, code: str) -> None:
        """Give the space's code at the portal's door."""
        self.go("/cong")
        if self.page.locator("main input[type=tel], main input[type=text]").count():
            self.page.locator("main input[type=tel], main input[type=text]").first.fill(code)
            self.press_main()

    def be(self, unit: str, role: str, *, name: str | None = None) -> str:
        """Choose whom to play; returns the practice PIN on the card."""
        self.go(f"/cong/vai/{unit}/{role}")
        if name is not None:
            self.page.locator("main .o-chon label").filter(has_text=name).first.click()
        elif (
            self.page.locator("main .o-chon label").count()
            and not self.page.locator("main .o-chon input:checked").count()
        ):
            self.page.locator("main .o-chon label").first.click()
        self.press_main()
        found = re.search(r"mã PIN tập\s+(\d{6})", self.main())
        return found.group(1) if found else ""

    def initialise(self, class_name: str) -> None:
        self.go(f"/cong/khoi-tao/chon?lop={class_name}")
        self._follow(self.page.locator("main button").filter(has_text="Chọn cả").first)
        self.press_main()
        self.press_main()

    def records(self, class_name: str) -> list[tuple[str, str]]:
        """Return (path, text of the row) of every record of the class, page after page."""
        found: list[tuple[str, str]] = []
        self.go(f"/cong/lop?lop={class_name}")
        while True:
            rows = self.page.locator("main .hang a").all()
            found += [(str(row.get_attribute("href")), row.inner_text()) for row in rows]
            more = self.page.locator("main a").filter(has_text="Xem tiếp")
            if more.count() == 0:
                return found
            self._follow(more.first)

    def check(self, path: str) -> None:
        """Open one record, tick the four points, say it is right."""
        self.page.goto(self.root.split("/s/")[0] + path)
        for label in self.page.locator("main .o-chon label").all():
            label.click()
        self.press_main()

    def select_all_and_sign(self, door: str, class_name: str) -> None:
        """From the signing list to the waiting page: choose all, review, confirm."""
        self.go(f"/cong/ky/{door}/chon?lop={class_name}")
        self._follow(self.page.locator("main button").filter(has_text="Chọn cả").first)
        self.press_main()
        self.press_main()

    def confirm_on_phone(self, pin: str) -> None:
        """On the waiting page: open the phone, look at the request, type the PIN, come back."""
        self.press("Mở điện thoại tập")
        self.press_main()
        self.press_main()
        self.page.fill("#pin", pin)
        self.press_main()
        self.press_main()

    def wait_for(self, words: Sequence[str], *, path: str) -> str:
        """Reload *path* as a person would until one of *words* stands on it."""
        end = time.monotonic() + RESULT_SECONDS
        while time.monotonic() < end:
            self.go(path)
            text = self.main()
            if any(word in text for word in words):
                return text
            time.sleep(1.0)
        raise AssertionError(f"none of {words} on {path} in {RESULT_SECONDS:.0f} s:\n{text}")
