"""Every page of a house in which something of everything has happened, for everybody who looks.

All pages are read as text by visitors without cookies; one page of each route is then looked at in
a real browser; at length one of each shape, and those of the routes in English.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from playwright.sync_api import Browser

from sandbox.world.build import build_app
from tests.browser import lint
from tests.builders.furnished import Furnished, furnish, visitors
from tests.builders.portal import house
from tests.builders.walking import Seen, Walker, routes_in, rows_of, template_of

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("every-page")]

FILES = {
    "/ca/bo-suu-tap/tai/{name}",
    "/ca/chung-thu/{issuer}.crt",
    "/ca/chuoi.pem",
    "/ca/crl/{issuer}.crl",
    "/ca/goc.crt",
    "/ca/ocsp/{issuer}/{asked:path}",
    "/cong/hoc-ba/{record_id}/xml",
    "/kho/api/openapi.json",
    "/kho/can-bo/goi/{messageid}/chu-ky/byte/{place}/{part}",
    "/kho/chu-ky/xem/{ticket}/byte/{place}/{part}",
    "/kho/so/{code}/can-bo/goi/{messageid}/chu-ky/byte/{place}/{part}",
    "/kho/so-lieu.txt",
    "/ky-so/csc/logo.png",
    "/ky-so/csc/openapi.json",
    "/ky-so/csc/vi-du.sh",
}
"""What is fetched, not looked at."""
NOT_MET = {
    "/cong/bo-mon",
    "/cong/chung-thu/gui",
    "/cong/chung-thu/ky",
    "/cong/dung-ten-truong",
    "/cong/ky/{name}/bo-chua-du",
    "/cong/nhac",
    "/cong/yeu-cau/{request_id}/dong-ho",
    "/cong/yeu-cau/{request_id}/gui-lai",
    "/cong/yeu-cau/{request_id}/ky-lai",
    "/kho/can-bo/cts/{messageid}/duyet",
    "/kho/can-bo/cts/{messageid}/tu-choi",
}
"""Forms of moments the house is not in: before a registration, after a lost request, a token
in, something going wrong on purpose."""
LEADS_ON = {"/lop", "/cong/yeu-cau/{request_id}/tinh-trang"}
"""Answers that lead to another page, or tell a script one word."""


@dataclass
class Walk:
    """All pages that were seen, and who saw them."""

    made: Furnished
    routes: list[APIRoute]
    walkers: dict[str, Walker]
    pages: list[Seen]

    @property
    def kinds(self) -> list[Seen]:
        """One page of each shape."""
        return list({page.shape: page for page in reversed(self.pages)}.values())

    @property
    def templates(self) -> list[Seen]:
        """One page of each route."""
        return list({page.template: page for page in reversed(self.pages)}.values())


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    folder: Path = tmp_path_factory.mktemp("every-page")
    (folder / "data").mkdir()
    with house(folder / "data") as home:
        made = furnish(home, folder)
        routes = list(routes_in(build_app(home.world, strict=True)))
        people = visitors(made)
        pages = [page for walker, starts in people for page in walker.walk(starts, routes)]
        yield Walk(made, routes, {walker.who: walker for walker, _ in people}, pages)


def test_every_page_there_is_was_seen(walk: Walk) -> None:
    """Links from the first page on, and a little work done, reach every page of the house."""
    pages = {r.path for r in walk.routes if "GET" in r.methods and "/v1" not in r.path}
    seen = {page.template for page in walk.pages}

    assert pages - seen - FILES - LEADS_ON == set()
    assert len(walk.pages) > 600
    assert len(walk.kinds) > 100


def test_every_page_keeps_the_rules_that_can_be_read(walk: Walk) -> None:
    """One h1, language, practice mark, sealed forms, own addresses, and the visitor in each."""
    faults = Counter(fault for page in walk.pages for fault in page.faults())

    assert faults == Counter()


def test_no_page_is_broken(walk: Walk) -> None:
    """No link leads anybody to an error or to what is not theirs; typed addresses are answered."""
    bad = {(page.status, page.url) for page in walk.pages if page.status >= 400}

    assert bad == {(404, "/khong-co-trang-nay"), (403, "/cong/so")}


def test_a_title_belongs_to_one_page(walk: Walk) -> None:
    """Whoever has several windows open can tell them apart; problem pages say what happened."""
    places = defaultdict(set)
    for page in walk.pages:
        if page.status < 400:
            places[page.title].add(page.template)

    assert {title: found for title, found in places.items() if len(found) > 1} == {}


def test_the_english_pages_keep_the_same_rules(walk: Walk) -> None:
    """A page of each shape, asked for in English, is English and as well made."""
    faults = []
    for page in walk.kinds:
        walker = walk.walkers[page.who]
        english = Walker.__new__(Walker)
        english.__dict__ |= {**walker.__dict__, "language": "en"}
        answer = english.get(page.url)
        found = Seen(page.who, page.url, page.template, answer.status_code, answer.text)
        faults += found.faults()
        if (found.tree.get("lang"), found.status) != ("en", page.status):
            faults.append(f"{page.who} {page.url}: {found.tree.get('lang')} {found.status}")

    assert faults == []


def test_no_form_works_without_its_one_time_token(walk: Walk) -> None:
    """Each form of the house, sent without its token, is shown again (303), and nothing is done."""
    before, answers, forms = rows_of(walk.made.home.world.database), defaultdict(set), set()
    tried = Counter[str]()
    for page in walk.pages:
        for form in page.forms:
            if form.method != "post" or tried[form.place] >= 2:
                continue
            tried[form.place] += 1
            fields = {name: value for name, value in form.fields.items() if name != "f"}
            answer = walk.walkers[page.who].post(form.action, fields)
            answers[answer.status_code].add(f"{page.who} {form.action}")
            forms.add(template_of(form.action, walk.routes, method="POST"))
    posts = {
        r.path
        for r in walk.routes
        if "POST" in r.methods and "/v1" not in r.path and not r.path.startswith("/ca/ocsp/")
    }

    assert set(answers) == {303}, {s: rows for s, rows in answers.items() if s != 303}
    assert rows_of(walk.made.home.world.database) == before
    assert posts - forms == NOT_MET


@pytest.mark.parametrize(
    ("language", "each"),
    [
        ("vi", "route"),
        pytest.param("vi", "shape", marks=pytest.mark.long),
        pytest.param("en", "route", marks=pytest.mark.long),
    ],
)
def test_every_kind_of_page_is_clean_in_a_browser(
    walk: Walk, chromium: Browser, language: str, each: str
) -> None:
    """Axe with contrast 7:1 and target size, reflow at 320 px, text, targets, order: no fault."""
    faults: dict[str, list[str]] = {}
    shown = walk.kinds if each == "shape" else walk.templates
    for who, walker in walk.walkers.items():
        context = chromium.new_context(viewport={"width": 320, "height": 480}, bypass_csp=True)
        context.add_cookies(
            [
                {"name": name, "value": value, "url": walker.base}
                for name, value in (("hv", walker.token), ("ngon_ngu", language))
            ]
        )
        tab = context.new_page()
        for page in shown:
            if page.who == who:
                tab.goto(walker.base + page.url)
                found = lint.check_page(tab)
                heading = " ".join((tab.locator("h1").text_content() or "").split())
                if language == "vi" and heading != page.heading:
                    found.append(f"another page than {page.heading!r}: {heading!r}")
                if found:
                    faults[f"{who} {page.url} ({page.template})"] = found
        context.close()

    assert not faults, report(faults)


def report(faults: dict[str, list[str]]) -> str:
    """Return the faults, one page after the other."""
    lines: list[Any] = []
    for place, found in faults.items():
        lines += [place, *(f"    {re.sub(chr(10), ' ', fault)}" for fault in found)]
    return "\n".join(lines)
