"""The atlas: from the country down to one record, and nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import html

import sandbox.atlas as atlas_package
from sandbox.atlas import Atlas
from sandbox.atlas.pages import routers
from sandbox.documents import check_schema_2026, parse_record, read_report_card_2026
from sandbox.synthetic.model import Reason
from tests.browser import lint
from tests.browser.conftest import OpenPage, chromium, open_page
from tests.builders.nation import nation
from tests.builders.web import House, build_house, serve

__all__ = ["chromium", "open_page"]

HERE = Path(atlas_package.__file__).parent
SCHOOL = "/quoc-gia/truong/7342"
CLASS = f"{SCHOOL}/lop/3"
RECORD, CASE = f"{CLASS}/hoc-ba/1", f"{CLASS}/ho-so-2026/1"
PAGES = ("/quoc-gia", "/quoc-gia/tinh/46", SCHOOL, CLASS, RECORD, CASE)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return build_house(
        tmp_path_factory.mktemp("atlas"),
        routers=routers(Atlas()),
        templates={"atlas": HERE / "templates"},
        locales=[HERE / "locale"],
    )


@pytest.fixture(scope="module")
def site(house: House) -> Iterator[str]:
    with serve(house.app) as address:
        yield address


def test_the_country_shows_its_provinces_and_totals(house):
    """14,661 schools and 8,919,198 records of 63 provinces in 2024-2025."""
    page = house.browser().get("/quoc-gia").text
    assert all(figure in page for figure in (">63<", "14.661", "8.919.198"))
    assert all(plan.name in page for plan in nation().provinces)


def test_links_lead_from_the_country_down_to_a_record(house):
    """Province, school, class, pupil: each page leads to the next."""
    browser = house.browser()
    browser.get("/quoc-gia")  # the cookie is with the visitor from here on
    address = "/quoc-gia"
    for step in ("/quoc-gia/tinh/", "/quoc-gia/truong/", "/lop/", "/hoc-ba/"):
        tree = html.fromstring(browser.get(address).text)
        address = next(a for a in tree.xpath("//ul/li/a/@href") if step in a)
    answer = browser.get(address)
    assert answer.status_code == 200
    card = nation().school_class(1, 0).cards[0]
    assert card.general.pupil_name in answer.text


def test_a_class_page_lists_the_pupils_of_the_nation(house):
    """In the order of the class list, with the year result; those without a record apart."""
    made = nation().school_class(7342, 3)
    tree = html.fromstring(house.browser().get(CLASS).text)
    names = tree.xpath("(//ul[@class='hang'])[1]/li//span[@class='chu']/text()")
    assert names == [pupil.name for pupil in made.pupils]
    assert made.teacher.name in tree.text_content()


def test_rooms_of_two_grades_and_satellite_sites_are_shown(house):
    """A mountain school: site and the other class of the room, at the school and at the class."""
    number, plan, other = next(
        (number, plan, school.taught_with(plan)[0])
        for number in nation().provinces[6].schools[0]
        for school in (nation().school(number),)
        for plan in school.classes
        if school.taught_with(plan)
    )
    browser = house.browser()
    school = browser.get(f"/quoc-gia/truong/{number}").text
    said = f"Điểm trường {plan.site} · Lớp ghép với {other.name}"
    assert said in school
    page = browser.get(f"/quoc-gia/truong/{number}/lop/{plan.index}").text
    assert f"Lớp ghép với {other.name}" in page
    assert f"Điểm trường {plan.site}" in page
    assert {plan.grade, other.grade} in ({1, 2}, {3, 4})


def test_a_record_page_shows_card_and_xml(house):
    """What is shown as XML is, without its line breaks, the record itself."""
    tree = html.fromstring(house.browser().get(f"{CLASS}/hoc-ba/2").text)
    record = nation().class_records(7342, 3)[1]
    shown = tree.xpath("string(//pre/code)")
    assert shown.replace(">\n<", "><").encode() == record
    assert parse_record(record).uuid in tree.text_content()


@pytest.mark.parametrize("reason", [r for r in Reason if r is not Reason.NEEDS_SUMMER])
def test_a_pupil_whom_v1_cannot_carry_has_a_page_with_the_reason_and_the_2026_record(house, reason):
    """Linked from the class; the XML shown is, without its line breaks, a lawful record."""
    number, index, place = next(
        (number, plan.index, place)
        for number in range(7_342, 7_360)
        for plan in nation().school(number).classes
        for place, pupil in enumerate(nation().unrecorded(number, plan.index), start=1)
        if pupil.reason is reason
    )
    browser = house.browser()
    of_class = f"/quoc-gia/truong/{number}/lop/{index}"
    browser.get(of_class)  # the cookie is with the visitor from here on
    links = html.fromstring(browser.get(of_class).text).xpath("//ul/li/a")
    (link,) = [one for one in links if f"/ho-so-2026/{place}?" in one.get("href")]
    (note,) = link.xpath(".//span[@class='nho']/text()")
    tree = html.fromstring(browser.get(link.get("href")).text)
    record = parse_record(tree.xpath("string(//pre/code)").replace(">\n<", "><").encode())

    pupil = nation().unrecorded(number, index)[place - 1]
    assert check_schema_2026(record) == []
    assert read_report_card_2026(record) == pupil.card_2026
    assert note in tree.xpath("string(//main)")


def test_a_pupil_who_waits_for_the_summer_has_no_2026_record(house):
    """Listed with the reason, leading nowhere: the record of August is a v1.0 record."""
    number, index, place = next(
        (number, plan.index, place)
        for number in range(7_342, 7_360)
        for plan in nation().school(number).classes
        for place, pupil in enumerate(nation().unrecorded(number, plan.index), start=1)
        if pupil.reason is Reason.NEEDS_SUMMER
    )
    address = f"/quoc-gia/truong/{number}/lop/{index}/ho-so-2026/{place}"
    assert house.browser().get(address).status_code == 404


def test_another_year_can_be_looked_at(house):
    """34 provinces without districts in 2025-2026; grades 1 to 4 in 2023-2024."""
    browser = house.browser()
    assert ">34<" in browser.get("/quoc-gia?nam=2025-2026").text
    assert "7.100.388" in browser.get("/quoc-gia?nam=2023-2024").text


def test_schools_of_a_province_come_by_pages(house):
    """Forty at a time; the pages together hold every school once."""
    plan = next(p for p in nation().provinces if p.code == "46")
    browser, seen, page = house.browser(), [], 1
    while True:
        answer = browser.get(f"/quoc-gia/tinh/46?trang={page}")
        if answer.status_code == 404:
            break
        tree = html.fromstring(answer.text)
        seen += tree.xpath("//ul[@class='hang']/li//span[@class='thu-tu']/text()")
        page += 1
    assert [int(number) for number in seen] == [n for numbers in plan.schools for n in numbers]


@pytest.mark.parametrize(
    "path",
    [
        "/quoc-gia?nam=1999-2000",
        "/quoc-gia/tinh/99",
        "/quoc-gia/tinh/46?trang=0",
        "/quoc-gia/tinh/46?trang=x",
        "/quoc-gia/truong/0",
        "/quoc-gia/truong/14662",
        "/quoc-gia/truong/²",
        "/quoc-gia/truong/7342/lop/99",
        "/quoc-gia/truong/7342/lop/3/hoc-ba/0",
        "/quoc-gia/truong/7342/lop/3/hoc-ba/99",
        "/quoc-gia/truong/7342/lop/3/ho-so-2026/0",
        "/quoc-gia/truong/7342/lop/3/ho-so-2026/9",
    ],
)
def test_what_does_not_exist_is_a_problem_page(house, path):
    """404 with a way back, never an error of ours."""
    assert house.browser().get(path).status_code == 404


@pytest.mark.browser
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_page_of_the_atlas_keeps_every_rule_for_pages(
    site: str, open_page: OpenPage, path: str, language: str
):
    """Axe, reflow at 320 px, text sizes and targets find no fault, in either language."""
    lint.assert_clean(open_page(f"{site}{path}?ngon_ngu={language}", script="aborted"))
