"""The page lint sees what it is there to see: each planted fault is named."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import lint

pytestmark = pytest.mark.browser

GOOD = """<!doctype html><html lang="vi"><head>
<title>Tập – Bản tập</title><style>
body{margin:12px;font-size:18px;line-height:1.6;background:#fff;color:#111;font-family:sans-serif}
h1{font-size:24px;line-height:1.6}
a.chinh{display:inline-block;min-height:64px;min-width:120px;border:2px solid}
</style></head><body class="professional"><main><h1>Tập ký học bạ</h1>
<p>BẢN TẬP – DỮ LIỆU GIẢ LẬP</p><a class="chinh" href="/x">Ký 1 học bạ</a></main></body></html>"""

PLANTED = {
    "contrast below 7:1": ("<p>BẢN", '<p style="color:#767676">BẢN', "axe color-contrast-enhanced"),
    "an image without words": ("<p>BẢN", '<img src="x.png"><p>BẢN', "axe image-alt"),
    "small text": ("<p>BẢN", "<p><small>nhỏ</small> BẢN", "text of 15px"),
    "a small heading": ("<h1>", '<h1 style="font-size:20px">', "heading of 20px"),
    "tight lines": ("<p>BẢN", '<p style="line-height:1">BẢN', "line height 18px"),
    "a small target": ("min-height:64px", "min-height:30px", "target"),
    "a low main button": ("min-height:64px", "min-height:50px", "main button 54 high"),
    "two targets too near": (
        "</a></main>",
        '</a><a class="chinh" href="/y">Nộp</a></main>',
        "gap of",
    ),
    "two main buttons": ("</main>", '<p><a class="chinh" href="/y">a</a></p></main>', "2 main"),
    "two headings": ("<h1>", "<h1>a</h1><h1>", "2 h1"),
    "a wide block": ("<p>BẢN", '<div style="width:400px">a</div><p>BẢN', "scrolls sideways"),
    "a foreign address": ("<p>BẢN", '<p><a href="https://x.example/">a</a> BẢN', "foreign"),
    "no practice mark": ("BẢN TẬP – DỮ LIỆU GIẢ LẬP", "xin chào", "practice mark"),
    "no language": ('lang="vi"', "", "lang="),
    "motion": ("<p>BẢN", '<p style="transition:color 1s">BẢN', "motion"),
    "a form without token": ("<p>BẢN", '<form method="post"></form><p>BẢN', "without token"),
    "justified text": ("<p>BẢN", '<p style="text-align:justify">BẢN', "justified"),
    "a fixed bar": ("<p>BẢN", '<p style="position:fixed">BẢN', "fixed element"),
    "a target at the edge": ("margin:12px", "margin:0", "8px from the edge"),
    "an error box without the title": ("<p>BẢN", '<p id="loi">BẢN', "disagree"),
}


@pytest.fixture
def blank(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(bypass_csp=True)
    yield context.new_page()
    context.close()


def test_a_good_page_has_no_fault(blank: Page) -> None:
    """The toolkit accuses nobody without cause."""
    blank.set_content(GOOD)

    assert lint.check_page(blank) == []


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_named(blank: Page, name: str) -> None:
    """Each fault, put alone into the good page, is found."""
    old, new, said = PLANTED[name]
    assert old in GOOD
    blank.set_content(GOOD.replace(old, new, 1))

    assert [fault for fault in lint.check_page(blank) if said in fault]
