"""The style sheet and the script stay within what old phones understand (checks 22, 23)."""

from __future__ import annotations

import re
from pathlib import Path

import esprima
import pytest

STATIC = Path(__file__).parents[2] / "sandbox" / "web" / "static"
PALETTE = {
    "#111111", "#ffffff", "#0b4f8a", "#083b68", "#003a70", "#00602b", "#a80000",
    "#5c3a00", "#fff4d6", "#000000", "#ffd54d", "#595959", "#f2f2f2",
}  # fmt: skip
FORBIDDEN_CSS = (
    r"clamp\(|(?<![-\w])min\(|(?<![-\w])max\(|aspect-ratio|(?<![-\w])inset\s*:|:focus-visible|:is\(|:where\(|"
    r":has\(|:not\([^)]*,|@layer|@container|@import|@font-face|color-mix|accent-color|\d[dsl]vh|"
    r"margin-inline|margin-block|padding-inline|padding-block|text-wrap|animation|transition|"
    r"scroll-behavior|position\s*:\s*fixed|text-transform|font-style\s*:\s*italic|justify;|"
    r"text-align\s*:\s*justify|line-height\s*:\s*1[;}]|rgb\(\d+ \d|width\s*[<>]="
)
FORBIDDEN_SCRIPT = (
    r"\bfetch\b|\.forEach\(|\.append\(|URLSearchParams|AbortController|IntersectionObserver|"
    r"serviceWorker|localStorage|\.closest\(|vibrate|clipboard"
)


@pytest.fixture(scope="module")
def css() -> str:
    written = (STATIC / "chinh.css").read_text(encoding="utf-8")
    return re.sub(r"/\*.*?\*/", "", written, flags=re.DOTALL)


@pytest.fixture(scope="module")
def script() -> str:
    return (STATIC / "them.js").read_text(encoding="utf-8")


def test_the_style_sheet_uses_nothing_old_browsers_lack(css: str) -> None:
    """No property, function or selector newer than Chrome 61 and Safari 10.3."""
    assert re.findall(FORBIDDEN_CSS, css) == []


def test_grid_is_an_extra_inside_supports(css: str) -> None:
    """Without grid the page is right: outside `@supports` no rule needs it, nor a flex gap."""
    start = css.index("@supports (display:grid){")
    depth, end = 0, start
    for end in range(start, len(css)):
        depth += {"{": 1, "}": -1}.get(css[end], 0)
        if depth == 0 and css[end] == "}":
            break
    outside = css[:start] + css[end + 1 :]

    assert not re.findall(r"display:grid|grid-|(?<![-\w])gap:", outside)


def test_the_style_sheet_knows_the_palette_only(css: str) -> None:
    """C2: no colour outside the table of the design."""
    assert {colour.lower() for colour in re.findall(r"#[0-9a-fA-F]{3,8}\b", css)} <= PALETTE


def test_drawings_know_the_palette_only() -> None:
    """Pictures are drawn in the same colours."""
    used = {
        colour.lower()
        for path in STATIC.glob("*.svg")
        for colour in re.findall(r"#[0-9a-fA-F]{3,8}\b", path.read_text(encoding="utf-8"))
    }

    assert used <= PALETTE


def test_text_sizes_follow_the_phones_own_setting(css: str) -> None:
    """Sizes of text are in rem, except the three steps of the size switch and paper."""
    screen = css[: css.index("@media print")]
    sizes = set(re.findall(r"font-size:([^;}]+)", screen))

    assert {size for size in sizes if not size.endswith("rem")} == {"100%", "125%", "150%"}


def test_style_sheet_and_script_are_small() -> None:
    """CSS ≤ 20 KB, script ≤ 12 KB."""
    assert (STATIC / "chinh.css").stat().st_size <= 20_000
    assert (STATIC / "them.js").stat().st_size <= 12_000


def test_the_script_is_es5(script: str) -> None:
    """One modern token would kill the file on an old phone: it parses, and has no new syntax."""
    modern = {
        "ArrowFunctionExpression",
        "TemplateLiteral",
        "ClassDeclaration",
        "SpreadElement",
        "AwaitExpression",
        "ForOfStatement",
        "AssignmentPattern",
        "ObjectPattern",
        "ArrayPattern",
    }
    found: set[str] = set()
    kinds: set[str] = set()

    def note(node: object, _meta: object) -> None:
        found.add(node.type)  # type: ignore[attr-defined]
        if node.type == "VariableDeclaration":  # type: ignore[attr-defined]
            kinds.add(node.kind)  # type: ignore[attr-defined]

    esprima.parseScript(script, delegate=note)

    assert found & modern == set()
    assert kinds == {"var"}


def test_the_script_uses_nothing_old_browsers_lack(script: str) -> None:
    """No API newer than the floor, and nothing that needs a secure context."""
    assert re.findall(FORBIDDEN_SCRIPT, script) == []
