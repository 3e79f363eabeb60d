"""Who a visitor is, with cookies and without, and that no address loses them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox import web
from sandbox.clock import DEFAULT_SPACE_START, FixedClock, SpaceTime
from sandbox.web.visits import masked
from tests.builders.web import House, build_house

TOKEN = "A" * 22
OTHER = "B" * 22


@pytest.fixture
def house(tmp_path: Path) -> House:
    return build_house(tmp_path)


def visit_in(space: str = "tap", came_by: web.CameBy = web.CameBy.COOKIE) -> web.Visit:
    time = SpaceTime(DEFAULT_SPACE_START, 0)
    room = web.Space(space, "1234", "", "", "63", "A", "2024-2025", time)
    return web.Visit(room, "vi", TOKEN, 100, came_by, "/cong?lop=4A")


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/cong/lop", {}, "/cong/lop"),
        ("/cong/lop", {"n": 4, "leer": None}, "/cong/lop?n=4"),
        ("/cong/lop?n=3&k=1", {"n": 4}, "/cong/lop?k=1&n=4"),
        ("/cong/lop#loi", {"n": 4}, "/cong/lop?n=4#loi"),
        ("", {"an": 1}, "/cong?lop=4A&an=1"),
        ("/cong/Hoa Mai", {}, "/cong/Hoa%20Mai"),
    ],
)
def test_an_address_in_the_practice_space_is_the_bare_path(
    path: str, query: dict[str, object], expected: str
) -> None:
    """The practice space needs no prefix; queries are merged, fragments kept."""
    assert visit_in().url(path, **query) == expected


def test_an_address_in_another_space_begins_with_it() -> None:
    """Every address of a class stays in the class."""
    assert visit_in("lop-a").url("/cong/lop") == "/s/lop-a/cong/lop"


def test_an_address_that_names_a_space_stays_there() -> None:
    """Putting an address through `url` twice changes nothing."""
    who = visit_in("lop-a", web.CameBy.LINK)

    assert who.url("/s/lop-b/lop") == f"/s/lop-b/lop?m={TOKEN}"
    assert who.url(who.url("/x?y=1#z")) == who.url("/x?y=1#z")


@pytest.mark.parametrize("came_by", [web.CameBy.LINK, web.CameBy.NEW])
def test_an_address_carries_the_token_until_the_cookie_came_back(came_by: web.CameBy) -> None:
    """N2: without a proven cookie every address carries `m`."""
    assert visit_in(came_by=came_by).url("/cong#loi") == f"/cong?m={TOKEN}#loi"


def test_the_first_page_sets_a_cookie_for_twenty_hours(house: House) -> None:
    """HttpOnly, SameSite=Lax, the whole site, 72,000 seconds, no Secure (plain http on the LAN)."""
    cookie = house.browser().get("/rieng-tu").headers["set-cookie"]

    assert re.fullmatch(r"hv=[\w-]{22}; Max-Age=72000; Path=/; HttpOnly; SameSite=Lax", cookie)


def test_once_the_cookie_came_back_the_token_leaves_the_address(house: House) -> None:
    """The address is cleaned by a redirect and never shows the token again."""
    visitor = house.browser()
    first = visitor.get("/rieng-tu").text
    link = re.search(r'href="(/chinh-chu\?[^"]*m=[^"]*)"', first)
    assert link
    answer = visitor.get(link.group(1).replace("&amp;", "&"))
    page = visitor.get(answer.headers["location"])

    assert (answer.status_code, answer.headers["location"]) == (303, "/chinh-chu?ve=%2Frieng-tu")
    assert "m=" not in re.sub(r"v=\w+", "", page.text)


def test_cleaning_the_address_keeps_what_it_asks_for(house: House) -> None:
    """Space, size and other parts of the address survive the redirect."""
    visitor = house.browser()
    visitor.get("/rieng-tu")
    token = visitor.cookies["hv"]
    answer = visitor.get(f"/s/lop-a/chinh-chu?co=150&ve=%2Flop&m={token}")

    assert answer.headers["location"] == "/s/lop-a/chinh-chu?ve=%2Flop&co=150"


def test_without_cookies_the_same_visitor_is_known_by_the_link(house: House) -> None:
    """What a visitor did is found again by `m` alone."""
    visitor = house.browser(cookies=False)
    page = visitor.get("/gio-tay").text
    action = re.search(r'action="(/gio-tay\?m=[\w-]+)"', page)
    token = re.search(r'name="f" value="([^"]+)"', page)
    assert action
    assert token
    answer = visitor.post(action.group(1), data={"f": token.group(1), "ve": "/"})

    assert "Đã báo." in visitor.get(answer.headers["location"]).text


def test_the_hidden_field_alone_is_enough_to_know_the_visitor(house: House) -> None:
    """A browser that drops the query of a form's address still sends the hidden `m`."""
    visitor = house.browser(cookies=False)
    page = visitor.get("/gio-tay").text
    token = re.search(r'name="f" value="([^"]+)"', page)
    marker = re.search(r'name="m" value="([^"]+)"', page)
    assert token
    assert marker
    answer = visitor.post("/gio-tay", data={"f": token.group(1), "m": marker.group(1)})

    assert answer.headers["location"] == f"/gio-tay?ve=%2F&m={marker.group(1)}"


def test_a_cookie_wins_over_a_different_link_and_the_page_says_so(house: House) -> None:
    """Two tokens: the cookie counts, and "Không phải tôi" leads on."""
    visitor = house.browser()
    visitor.cookies.set("hv", TOKEN)
    page = visitor.get(f"/rieng-tu?m={OTHER}").text

    assert "Thầy cô đang dùng bài đã mở trên máy này." in page
    assert f"/khong-phai-toi?khac={OTHER}" in page
    assert f"m={OTHER}" not in page


def test_who_says_not_me_becomes_the_visitor_of_the_link(house: House) -> None:
    """The button "Mở bài của tôi" hands this browser the other token."""
    visitor = house.browser()
    visitor.cookies.set("hv", TOKEN)
    page = visitor.get(f"/khong-phai-toi?khac={OTHER}").text
    token = re.search(
        r'action="/khong-phai-toi"[^>]*>\s*<input type="hidden" name="f" value="([^"]+)"', page
    )
    assert token
    answer = visitor.post("/khong-phai-toi", data={"f": token.group(1), "khac": OTHER})

    assert f"hv={OTHER};" in answer.headers["set-cookie"]


@pytest.mark.parametrize("value", ["kurz", "x" * 23, "A" * 21 + "<", ""])
def test_what_cannot_be_a_token_is_not_taken_for_one(house: House, value: str) -> None:
    """An invented token makes a new visitor, and never reaches the page."""
    visitor = house.browser()
    visitor.cookies.set("hv", value)

    assert re.search(r"hv=[\w-]{22};", visitor.get("/rieng-tu").headers["set-cookie"])


def test_a_choice_of_language_and_size_survives_without_cookies(house: House) -> None:
    """What was chosen once is kept with the visitor on the server."""
    visitor = house.browser(cookies=False)
    token = "C" * 22
    visitor.get(f"/rieng-tu?m={token}&co=125&ngon_ngu=en")
    page = visitor.get(f"/chinh-chu?m={token}").text

    assert '<html lang="en" class="co-125">' in page


def test_a_choice_comes_along_to_another_device(house: House) -> None:
    """Joining again on a fresh browser finds the size chosen before (rejoin)."""
    first, second = house.browser(), house.browser()
    first.get("/rieng-tu?co=150")
    second.cookies.set("hv", first.cookies["hv"])

    assert 'class="co-150"' in second.get("/rieng-tu").text


@pytest.mark.parametrize("query", ["co=200", "co=x", "ngon_ngu=de", "co=&ngon_ngu="])
def test_an_unknown_choice_changes_nothing(house: House, query: str) -> None:
    """Only what the page offers can be chosen."""
    assert '<html lang="vi" class="co-100">' in house.browser().get(f"/rieng-tu?{query}").text


@pytest.mark.parametrize(
    "value", ["https://x.example/", "//x.example", "/\\x.example", "javascript:1", "", "/a\nb"]
)
def test_the_way_back_never_leaves_the_site(value: str) -> None:
    """An address taken from a form or a link is a path of this site, or the first page."""
    assert web.local_path(value) == "/"


def test_a_token_is_struck_out_of_a_log_line() -> None:
    """`m` is masked in logs."""
    assert masked(f"/lop?x=1&m={TOKEN}&y=2") == "/lop?x=1&m=…&y=2"


def test_the_key_a_visitor_is_stored_under_is_not_the_token() -> None:
    """Who reads the database cannot become a visitor."""
    who = visit_in()

    assert TOKEN not in who.key
    assert len(who.key) == 32


def test_a_moved_space_clock_logs_nobody_out(tmp_path: Path) -> None:
    """A space moved by 400 days keeps its visitors (M2)."""
    house = build_house(tmp_path, clock=FixedClock())
    visitor = house.browser()
    page = visitor.get("/gio-tay").text
    token = re.search(r'name="f" value="([^"]+)"', page)
    assert token
    visitor.post("/gio-tay", data={"f": token.group(1)})
    house.spaces.move_clock("tap", DEFAULT_SPACE_START.replace(year=2026, month=7))

    assert "Đã báo." in visitor.get("/gio-tay").text
