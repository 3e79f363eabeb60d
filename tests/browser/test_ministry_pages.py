"""The desk's pages, as a browser shows them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.clock import FixedClock
from sandbox.ministry.metering_writer import Recorder
from tests.browser import lint
from tests.browser.conftest import OpenPage
from tests.builders.ministry import Caller, Installation, installed, signed
from tests.builders.tapping import press
from tests.builders.web import serve

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Site:
    """A desk with something of everything on it."""

    address: str
    pending: str
    refused: str
    record: bytes
    ministry: Installation


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("desk")
    with installed(f"sqlite:///{folder / 'd.db'}", pages=True, clock=FixedClock()) as ministry:
        ministry.open_space("tap")
        school = Caller.of_school(ministry).log_in()
        records = [signed(card) for card in ministry.cards]
        address = ministry.cards[3].general.address.encode()
        records[3] = records[3].replace(address, address + b" x")
        school.hand_in(records)
        refused = str(uuid.uuid4())
        ministry.clock.advance(1)  # the list shows the latest first
        school.submit("AAAA", messageid=refused)
        ministry.work()
        pending = str(uuid.uuid4())
        school.post("chung-thu-so", school.registration(label="second", messageid=pending))
        recorder = Recorder(ministry.service, role="checker", folder=folder)
        for _ in range(3):
            recorder.write_once()
            ministry.clock.advance(16)
        with serve(ministry.app) as served:
            yield Site(served, pending, refused, records[0], ministry)


PAGES = (
    "/kho",
    "/kho/so/48",
    "/kho/tien-do",
    "/kho/so/48/tien-do",
    "/kho/can-bo",
    "/kho/so/48/can-bo",
    "/kho/so/48/can-bo/cts/{pending}",
    "/kho/so/48/can-bo/goi",
    "/kho/so/48/can-bo/goi/{refused}",
    "/kho/tra-cuu",
    "/kho/api",
    "/kho/so-lieu",
)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_the_desk_keeps_every_rule_for_pages(
    site: Site, open_page: OpenPage, path: str, language: str
) -> None:
    """Axe, reflow, text sizes, targets and order find no fault, without own script."""
    where = path.format(pending=site.pending, refused=site.refused)
    lint.assert_clean(open_page(f"{site.address}{where}?ngon_ngu={language}", script="aborted"))


def test_the_results_of_a_package_keep_every_rule(site: Site, open_page: OpenPage) -> None:
    """Thirty rows, one refused, with the place of the fault."""
    page = open_page(f"{site.address}/kho/so/48/can-bo/goi", script="off")
    press(page, page.locator("main .hang a").last)

    page = open_page(page.url, script="aborted")
    assert "SBX-3002" in page.inner_text("main")
    lint.assert_clean(page)


def test_a_record_is_verified_without_script(
    site: Site, open_page: OpenPage, tmp_path: Path
) -> None:
    """Upload → six lines, each with its word; the page keeps every rule."""
    file = tmp_path / "hoc-ba.xml"
    file.write_bytes(site.record)
    page = open_page(f"{site.address}/kho/tra-cuu", script="aborted")
    page.set_input_files("#tep", str(file))
    site.ministry.clock.advance(2)
    press(page, page.locator("main .chinh").first)

    assert "Học bạ có giá trị" in page.inner_text("h1")
    assert page.inner_text("main").count("✔ Đúng") == 6
    lint.assert_clean(page)


def test_a_look_up_without_a_file_leads_to_the_field(site: Site, open_page: OpenPage) -> None:
    """The error names the field, and the page keeps every rule."""
    page = open_page(f"{site.address}/kho/tra-cuu", script="aborted")
    site.ministry.clock.advance(2)
    press(page, page.locator("main .chinh").first)

    assert page.title().startswith("Lỗi: ")
    assert page.locator("#loi a[href='#tep']").count() == 1
    lint.assert_clean(page)
