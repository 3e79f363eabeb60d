"""What every page must be, checked on the page a browser shows (learner-experience §13).

`check_page(page)` returns the faults it found, each one line; `assert_clean(page)` raises with
them. It needs script in the page's context: to look at the page as it is without the site's own
script, open it with `script="aborted"` (tests/browser/conftest.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE_OPTIONS: dict[str, Any] = {
    "resultTypes": ["violations"],
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"],
    },
    "rules": {"target-size": {"enabled": True}, "color-contrast-enhanced": {"enabled": True}},
}
PHONE = {"width": 320, "height": 480}
HELP = {
    "vi": ["Giơ tay", "Nghe đọc", "Xem mẫu", "Chỉnh chữ"],
    "en": ["Raise hand", "Read aloud", "See a sample", "Text size"],
}
MARK = {"vi": "BẢN TẬP – DỮ LIỆU GIẢ LẬP", "en": "PRACTICE COPY – INVENTED DATA"}
SPACING = (
    "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; "
    "word-spacing: 0.16em !important } p { margin-bottom: 2em !important }"
)

RULES = Path(__file__).with_name("page_rules.js").read_text(encoding="utf-8")


def check_page(page: Page) -> list[str]:
    """Return the faults of the page as it stands: accessibility, reflow, text, targets, order."""
    faults = [*structure_faults(page), *axe_faults(page)]
    before = page.viewport_size
    for size in (PHONE, {"width": 1024, "height": 768}):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        for rule in ("text", "targets", "controls"):
            faults += [f"{size['width']}px: {fault}" for fault in ask(page, rule)]
    faults += reflow_faults(page)
    if before:
        page.set_viewport_size(before)
    return faults


def ask(page: Page, rule: str) -> Any:
    """Return what a function of page_rules.js finds on the page."""
    return page.evaluate(f"(\n{RULES}\n).{rule}()")


def assert_clean(page: Page) -> None:
    """Raise AssertionError naming every fault of the page and its address."""
    faults = check_page(page)
    assert not faults, f"{page.url}\n  " + "\n  ".join(faults)


def axe_faults(page: Page) -> list[str]:
    """Return axe's violations (check 1), at phone width, where text and targets are tightest."""
    before = page.viewport_size
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    found = Axe().run(page, options=AXE_OPTIONS).response["violations"]
    if before:
        page.set_viewport_size(before)
    return [
        f"axe {rule['id']}: {node['html'][:120]} – {(node.get('failureSummary') or '')[:200]}"
        for rule in found
        for node in rule["nodes"]
    ]


def reflow_faults(page: Page) -> list[str]:
    """Return where the page scrolls sideways at 320 px: plain, 200 % text, spacing of 1.4.12."""
    before, faults = page.viewport_size, []
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    for name, style in (
        ("", ""),
        ("200 %: ", "html{font-size:200%!important}"),
        ("spacing: ", SPACING),
    ):
        tag = page.add_style_tag(content=style) if style and _may_style(page) else None
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > PHONE["width"]:
            faults.append(f"{name}scrolls sideways: {width}px, {ask(page, 'widest')}")
        if tag:
            tag.evaluate("node => node.remove()")
    if before:
        page.set_viewport_size(before)
    return faults


def _may_style(page: Page) -> bool:
    """Injected styles need a context that bypasses the page's own policy."""
    probe = page.evaluate(
        "() => { const s = document.createElement('style'); s.textContent = 'x{}';"
        " document.head.append(s); const ok = !!s.sheet; s.remove(); return ok; }"
    )
    return bool(probe)


def structure_faults(page: Page) -> list[str]:
    """Return what is wrong with the page's skeleton (checks 8–11, 22, 24)."""
    found: dict[str, Any] = ask(page, "structure")
    lang = found["lang"]
    expected = [
        (lang in MARK, f"lang={lang!r}"),
        (found["h1"] == 1, f"{found['h1']} h1"),
        (MARK.get(lang, "") in found["words"], "the practice mark is missing"),
        (found["main"] <= 1, f"{found['main']} main buttons"),
        (bool(found["title"].split(" – ")[0].strip()), "no title"),
        (not found["forbidden"], f"forbidden: {found['forbidden']}"),
        (
            not found["foreign"] and not found["loaded"],
            f"foreign: {found['foreign'] + found['loaded']}",
        ),
        (not found["unsealed"], f"{found['unsealed']} POST forms without token"),
        (
            _is_wrong(found["title"]) == found["errorsShown"],
            f"title {found['title']!r} and error box disagree",
        ),
    ]
    if found["learner"]:
        expected += [
            (found["help"] == HELP.get(lang), f"help bar {found['help']}"),
            (
                found["order"] == ["a", "div", "nav", "main", "nav", "footer"],
                f"order {found['order']}",
            ),
            (found["listRows"] <= 10, f"a list of {found['listRows']} rows"),
            (found["nodes"] <= 400, f"{found['nodes']} nodes"),
            (found["requests"] <= 8, f"{found['requests']} requests"),
            (found["bytes"] <= 100_000, f"{found['bytes']} bytes"),
        ]
    return [fault for fine, fault in expected if not fine]


def _is_wrong(title: str) -> bool:
    return title.startswith(("Lỗi: ", "Error: "))


def links_without_token(page: Page) -> list[str]:
    """Return the addresses on the page that lose the visitor (N2); for browsers without cookies."""
    found: list[str] = ask(page, "withoutVisitor")
    return found


def focus_rings(page: Page, presses: int = 40) -> list[str]:
    """Return the stops of the Tab key that show no ring of at least 3 px (check 14)."""
    faults = []
    for _ in range(presses):
        page.keyboard.press("Tab")
        ring = page.evaluate(
            "() => { const n = document.activeElement; if (!n || n === document.body) return null;"
            " const s = getComputedStyle(n); return [n.outerHTML.slice(0, 80), s.outlineStyle,"
            " parseFloat(s.outlineWidth)]; }"
        )
        if ring is None:
            break
        if ring[1] != "solid" or ring[2] < 3:
            faults.append(f"no focus ring: {ring[0]}")
    return faults
