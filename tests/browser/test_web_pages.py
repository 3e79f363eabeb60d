"""The skin's own pages, as a browser shows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.clock import MachineClock
from tests.browser import lint
from tests.browser.conftest import OpenPage
from tests.browser.pdf_text import page_texts
from tests.builders.tapping import Taps, press
from tests.builders.web import build_house, serve, without_cookies

pytestmark = pytest.mark.browser

PAGES = (
    "/",
    "/gio-tay",
    "/nghe",
    "/xem-mau",
    "/xem-mau?buoc=3",
    "/chinh-chu",
    "/rieng-tu",
    "/khong-phai-toi",
    "/tai",
    "/khong-co-trang-nay",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    house = build_house(tmp_path_factory.mktemp("site"), clock=MachineClock())
    with serve(house.app) as address:
        yield address


@pytest.fixture(scope="module")
def site_without_cookies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    house = build_house(tmp_path_factory.mktemp("bare"), clock=MachineClock())
    with serve(without_cookies(house.app)) as address:
        yield address


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_the_skin_keeps_every_rule_for_pages(
    site: str, open_page: OpenPage, path: str
) -> None:
    """Axe, reflow, text sizes, targets, order and budget find no fault, without own script."""
    lint.assert_clean(open_page(site + path, script="aborted"))


@pytest.mark.parametrize("path", PAGES)
def test_the_english_page_keeps_the_same_rules(site: str, open_page: OpenPage, path: str) -> None:
    """The English page obeys the same layout rules as the Vietnamese one."""
    mark = "&" if "?" in path else "?"
    lint.assert_clean(open_page(f"{site}{path}{mark}ngon_ngu=en"))


@pytest.mark.parametrize("path", ["/", "/chinh-chu", "/gio-tay"])
def test_every_stop_of_the_tab_key_shows_its_ring(
    site: str, open_page: OpenPage, path: str
) -> None:
    """The keyboard alone reaches every control, and one sees where one is."""
    assert lint.focus_rings(open_page(site + path)) == []


@pytest.mark.parametrize("path", PAGES)
def test_without_cookies_every_address_carries_the_visitor(
    site_without_cookies: str, open_page: OpenPage, path: str
) -> None:
    """No link and no form of a page loses a visitor whose browser keeps no cookies."""
    page = open_page(site_without_cookies + path)

    assert lint.links_without_token(page) == []


def test_without_cookies_and_script_a_hand_stays_raised(
    site_without_cookies: str, open_page: OpenPage
) -> None:
    """Raising a hand, walking on and coming back shows the hand still up."""
    page, taps = open_page(site_without_cookies + "/rieng-tu", script="off"), Taps()
    press(page, page.get_by_role("button", name="Giơ tay"), taps)
    assert page.get_by_role("heading", level=1).inner_text() == "Chờ cô hướng dẫn đến"
    press(page, page.get_by_role("link", name="Quay lại bài đang làm"))
    assert page.get_by_role("heading", level=1).inner_text() == "Xem máy giữ thông tin gì"
    press(page, page.get_by_role("button", name="Giơ tay"), taps)

    assert page.get_by_role("button", name="Bỏ tay xuống").is_visible()


def test_the_text_size_is_kept_from_page_to_page(site: str, open_page: OpenPage) -> None:
    """A size once chosen holds on the next page, with script off."""
    page = open_page(site + "/chinh-chu", script="off")
    press(page, page.get_by_role("link", name="Rất to"))
    page.goto(site + "/")

    assert page.locator("html").get_attribute("class") == "co-150"


@pytest.mark.parametrize("script", ["on", "off"])
def test_a_wrong_class_code_comes_back_filled_in_and_explained(
    site: str, open_page: OpenPage, script: str
) -> None:
    """The error stands in the title, in the summary and at the field; what was typed is kept."""
    page = open_page(site + "/", script=script)
    page.get_by_label("Mã lớp (4 số)").fill("9999")
    press(page, page.get_by_role("button", name="Vào lớp"))

    assert page.title().startswith("Lỗi: ")
    assert page.get_by_label("Mã lớp (4 số)").input_value() == "9999"
    assert page.url.endswith("#loi")
    assert (
        page.locator("#ma-loi")
        .inner_text()
        .endswith("Chưa có lớp mang mã này. Xem lại mã trên bảng.")
    )


def test_the_error_summary_takes_the_focus_and_leads_to_the_field(
    site: str, open_page: OpenPage
) -> None:
    """With script the summary is focused; its link reaches the field."""
    page = open_page(site + "/")
    page.get_by_label("Mã lớp (4 số)").fill("chữ")
    press(page, page.get_by_role("button", name="Vào lớp"))
    page.wait_for_selector("#loi:focus")
    page.locator("#loi a").click()

    assert page.evaluate("document.activeElement.id") == "ma"


def test_two_clicks_on_a_button_send_one_form(site: str, open_page: OpenPage) -> None:
    """With script a second tap is not even sent; Back makes the button fresh again."""
    page = open_page(site + "/")
    sent: list[str] = []
    page.on(
        "request", lambda request: sent.append(request.method) if request.method == "POST" else None
    )
    page.get_by_label("Mã lớp (4 số)").fill("2468")
    page.get_by_role("button", name="Vào lớp").dblclick()
    page.wait_for_url("**/s/lop-a/lop**")
    page.go_back()

    assert sent == ["POST"]
    assert page.get_by_role("button", name="Vào lớp").is_enabled()


def test_an_idle_page_does_not_change(site: str, open_page: OpenPage) -> None:
    """Nothing moves, blinks or reloads by itself."""
    page = open_page(site + "/")
    before = page.content()
    page.wait_for_timeout(4000)

    assert page.content() == before


def test_stacked_vietnamese_marks_are_not_clipped_at_any_size(
    site: str, open_page: OpenPage, picture: object
) -> None:
    """Headings with stacked marks keep their full height at every text size."""
    for size in (100, 125, 150):
        page = open_page(f"{site}/?co={size}")
        page.evaluate("document.querySelector('h1').textContent = 'ẤẦẨẪẬ ỄỘỰ ấầẩẫậ ễộự'")
        box = page.evaluate(
            "() => { const h = document.querySelector('h1'), s = getComputedStyle(h);"
            " return [parseFloat(s.lineHeight) / parseFloat(s.fontSize), s.overflow]; }"
        )

        assert box[0] >= 1.45
        assert box[1] == "visible"


def test_the_main_button_of_the_landing_page_is_seen_at_once(
    site: str, open_page: OpenPage, tmp_path: Path
) -> None:
    """At 320 x 480 the class code and its button need no scrolling."""
    page = open_page(site + "/")
    box = page.get_by_role("button", name="Vào lớp").bounding_box()

    assert box is not None
    assert box["y"] + box["height"] <= 480


def test_every_printed_page_carries_the_practice_mark(site: str, open_page: OpenPage) -> None:
    """On paper the banner stands at the head of every sheet, not of the first only."""
    sheets = page_texts(open_page(site + "/tai").pdf(format="A5"))

    assert len(sheets) > 1
    assert [sheet[:20] for sheet in sheets] == ["BẢNTẬP–DỮLIỆUGIẢLẬP."] * len(sheets)
