"""The pages of the rehearsal desk: what can be run, what it means, what ran."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import sandbox.rehearsal as rehearsal_package
from sandbox.clock import MachineClock
from sandbox.rehearsal import RehearsalDesk, RunReport, keep_run, scenario_names
from sandbox.rehearsal.http import routers as services
from sandbox.rehearsal.pages import routers as pages
from sandbox.rehearsal.results import ExchangeReport, Fault, Result, StepReport
from sandbox.rehearsal.scenario import scenarios_folder
from tests.browser import lint
from tests.browser.conftest import OpenPage, chromium, open_page
from tests.builders.web import House, build_house, serve

__all__ = ["chromium", "open_page"]

HERE = Path(rehearsal_package.__file__).parent
RUN = "rehe-0000aaaa"


def report() -> RunReport:
    exchange = ExchangeReport(
        number=7, service="hoc-ba", type="1", messageid="m" * 36, status=200, error="0"
    )
    failed = StepReport(
        id="submit-good",
        title="Nộp một học bạ đúng",
        result=Result.FAIL,
        fault=Fault.PROVIDER,
        reason="Học bạ good bị từ chối: SBX-3002 <script>",
        remedy="Ký lại.",
        exchanges=[exchange],
    )
    return RunReport(
        run=RUN,
        scenario="basics/first-submission",
        title="Nộp gói đầu tiên",
        language="vi",
        client="python client.py",
        base="http://127.0.0.1:8080",
        started=datetime(2025, 5, 28, tzinfo=UTC),
        seconds=3.5,
        result=Result.FAIL,
        fault=Fault.PROVIDER,
        steps=[StepReport(id="connect", title="Nối", result=Result.PASS), failed],
        client_output="line " * 60,
    )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("rehearsal")
    keep_run(report(), folder=folder / "runs")
    desk = RehearsalDesk(scenarios_folder(), folder / "runs")
    house = build_house(
        folder,
        clock=MachineClock(),
        routers=(*services(desk), *pages(desk)),
        templates={"rehearsal": HERE / "templates"},
        locales=[HERE / "locale"],
    )
    house.app.state.admin_token = "admin"
    return house


@pytest.fixture(scope="module")
def site(house: House) -> Iterator[str]:
    with serve(house.app) as address:
        yield address


def test_the_front_page_lists_every_scenario_and_every_kind_of_result(house):
    """A provider sees what can be run and reads what each word means."""
    page = house.browser().get("/dien-tap").text

    assert all(name in page for name in scenario_names())
    assert all(word in page for word in ("Đạt", "Không đạt", "Còn chờ", "Không áp dụng"))
    assert "hocba rehearse" in page


def test_a_scenario_shows_its_steps_and_checks(house):
    """Every step stands there with what is checked."""
    page = house.browser().get("/dien-tap/kich-ban/basics/first-submission").text

    assert all(step in page for step in ("connect", "submit-faulty", "mend", "refused"))


def test_a_run_shows_reason_remedy_and_evidence_and_nothing_of_it_is_markup(house):
    """What a client printed or a desk said is text on the page."""
    page = house.browser().get(f"/dien-tap/lan-chay/{RUN}").text

    assert "SBX-3002 &lt;script&gt;" in page
    assert "Ký lại." in page
    assert "m" * 36 in page


def test_the_runs_of_this_installation_are_listed_in_the_practice_space_only(house):
    """A class of its own does not see other people's runs."""
    browser = house.browser()

    assert RUN in browser.get("/dien-tap").text
    assert RUN not in browser.get("/s/lop-a/dien-tap").text
    assert browser.get(f"/s/lop-a/dien-tap/lan-chay/{RUN}").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/dien-tap/kich-ban/basics/none",
        "/dien-tap/kich-ban/..%2F..%2Fpyproject/x",
        "/dien-tap/lan-chay/none",
        "/dien-tap/lan-chay/..%2Fsecrets",
    ],
)
def test_what_is_not_there_is_a_problem_page(house, path):
    """404, never a file from elsewhere."""
    assert house.browser().get(path).status_code == 404


def test_scenarios_are_there_as_json_for_anybody(house):
    """A build server can list them."""
    rows = house.browser(page=False).get("/dien-tap/v1/kich-ban").json()["DanhSach"]

    assert [row["ten"] for row in rows] == scenario_names()


def test_a_report_is_handed_out_with_the_admin_token_only(house):
    """Without the token 401; with it the whole report."""
    browser = house.browser(page=False)
    path = f"/dien-tap/v1/lan-chay/{RUN}"

    assert browser.get(path).status_code == 401
    answer = browser.get(path, headers={"Authorization": "Bearer admin"})
    assert RunReport.model_validate(answer.json()) == report()


PAGES = (
    "/dien-tap",
    "/dien-tap/kich-ban/basics/first-submission",
    f"/dien-tap/lan-chay/{RUN}",
    "/s/lop-a/dien-tap",
)


@pytest.mark.browser
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_page_of_the_rehearsal_desk_keeps_every_rule_for_pages(
    site: str, open_page: OpenPage, path: str, language: str
):
    """Axe, reflow at 320 px, text sizes and targets find no fault, in either language."""
    lint.assert_clean(open_page(f"{site}{path}?ngon_ngu={language}", script="aborted"))
