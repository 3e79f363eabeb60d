"""What every answer carries, and what it never does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi import FastAPI

from sandbox import web
from tests.builders.web import House, build_house

PAGES = ["/", "/rieng-tu", "/tai", "/khong-co", "/s/lop-a/", "/s/lop-x/"]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return build_house(tmp_path)


@pytest.mark.parametrize("path", [*PAGES, "/tinh/chinh.css"])
def test_every_answer_carries_the_headers_that_keep_it_on_this_site(
    house: House, path: str
) -> None:
    """Content policy, no sniffing, no referrer."""
    headers = house.browser().get(path).headers

    assert headers["content-security-policy"] == (
        "default-src 'self'; form-action 'self'; frame-ancestors 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_never_kept_by_the_browser(house: House, path: str) -> None:
    """Pages are `no-store`, problem pages too."""
    assert house.browser().get(path).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_nothing_of_another_host(house: House, path: str) -> None:
    """N4: no absolute address stands in any page."""
    page = house.browser().get(path).text.replace("http://testserver", "")

    assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", page)


def test_a_static_file_is_named_by_its_content_and_kept_for_a_day(house: House) -> None:
    """`?v=` changes with the file, so an old phone may keep it."""
    page = house.browser().get("/").text
    address = re.search(r'href="(/tinh/chinh\.css\?v=\w{10})"', page)
    assert address
    answer = house.browser().get(address.group(1))

    assert answer.headers["cache-control"] == "max-age=86400, immutable"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/tinh/../skin.py", "/tinh/%2e%2e/skin.py", "/tinh/none.css"])
def test_nothing_but_static_files_is_served_under_tinh(house: House, path: str) -> None:
    """No path leads out of the folder."""
    assert house.browser().get(path).status_code == 404


def test_a_page_travels_compressed(house: House) -> None:
    """Gzip for who accepts it."""
    answer = house.browser().get("/", headers={"accept-encoding": "gzip"})

    assert answer.headers["content-encoding"] == "gzip"


def test_the_first_view_is_light(house: House) -> None:
    """HTML ≤ 25 KB, CSS ≤ 20 KB, script ≤ 12 KB, pictures ≤ 40 KB, ≤ 8 requests."""
    visitor = house.browser()
    page = visitor.get("/").text
    files = set(re.findall(r'(?:src|href)="(/tinh/[^"]+)"', page))
    sizes = {name: len(visitor.get(name).content) for name in files}
    pictures = sum(size for name, size in sizes.items() if ".svg" in name)

    assert len(page.encode()) <= 25_000
    assert pictures <= 40_000
    assert len(files) + 1 <= 8


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_the_frameworks_own_pages_are_off(path: str) -> None:
    """They load script from elsewhere."""
    app = web.application()

    assert isinstance(app, FastAPI)
    assert path not in {getattr(route, "path", "") for route in app.routes}


def test_the_class_code_leads_to_the_class(house: House) -> None:
    """Typed with spaces or without, the code opens its space."""
    visitor = house.browser()
    token = re.search(r'action="/vao[^>]*>\s*<input[^>]*value="([^"]+)"', visitor.get("/").text)
    assert token
    answer = visitor.post("/vao", data={"f": token.group(1), "ma": " 24 68 "})

    assert answer.headers["location"] == "/s/lop-a/lop"


def test_a_page_of_a_space_keeps_its_links_in_the_space(house: House) -> None:
    """Every address of a page names the space it is in; static files are shared."""
    page = house.browser().get("/s/lop-a/").text
    addresses = set(re.findall(r'(?:href|action)="(/[^"]*)"', page))

    assert {a for a in addresses if not a.startswith(("/s/lop-a/", "/tinh/"))} == set()
    assert "Lớp tập huấn A" in page


def test_a_space_opened_by_another_process_is_found(house: House) -> None:
    """A space that was missing a moment ago is found as soon as it is there."""
    visitor = house.browser()
    assert visitor.get("/s/lop-moi/").status_code == 404
    web.Spaces(house.database, house.clock).open("lop-moi", code="777", title="Mới")

    assert visitor.get("/s/lop-moi/").status_code == 200
