"""The figures as a page and for Prometheus, after packages went all ways; and the log beside."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sandbox.logs import JsonLines
from sandbox.ministry.metering_writer import Recorder
from sandbox.wire.metrics import Reading, parse
from tests.builders.ministry import (
    ADMIN_TOKEN,
    PASSWORD,
    Caller,
    Installation,
    installed,
    signed,
)

TEXT = "/kho/so-lieu.txt"


class Heard(logging.Handler):
    """Keeps every line as JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@dataclass
class Day:
    """An installation at which something of everything has happened."""

    ministry: Installation
    school: Caller
    heard: Heard
    messages: dict[str, str] = field(default_factory=dict)

    def reading(self, path: str = TEXT, **headers: str) -> Reading:
        answer = self.ministry.client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return parse(answer.text)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """One good package, one with a faulty record, one nobody can read, one that still waits."""
    folder: Path = tmp_path_factory.mktemp("metrics")
    heard = Heard()
    logger = logging.getLogger("sandbox")
    level = logger.level
    logger.addHandler(heard)
    logger.setLevel(logging.INFO)
    with installed(f"sqlite:///{folder / 'm.db'}", pages=True) as ministry:
        ministry.open_space("tap")
        ministry.open_space("lop-kin")
        recorder = Recorder(ministry.service, role="checker", folder=folder)
        recorder.write_once()
        day = Day(ministry, Caller.of_school(ministry).log_in(), heard)
        _live(day)
        ministry.clock.advance(16)
        recorder.write_once()
        yield day
    logger.removeHandler(heard)
    logger.setLevel(level)


def _live(day: Day) -> None:
    records = [signed(card) for card in day.ministry.cards[:4]]
    address = day.ministry.cards[3].general.address.encode()
    spoilt = [*records[2:3], records[3].replace(address, address + b" x")]
    contents = {
        "good": day.school.content_of(records[:2]),
        "mixed": day.school.content_of(spoilt),
        "unread": "AAAA",
    }
    for name, content in contents.items():
        day.messages[name] = str(uuid.uuid4())
        day.school.submit(content, messageid=day.messages[name])
        day.ministry.clock.advance(1)
    day.school.submit(contents["good"], messageid=day.messages["good"])  # asked again: not new
    day.ministry.responders.away = True
    day.ministry.worker.run_once()  # put back: no revocation list at hand
    day.ministry.responders.away = False
    day.ministry.clock.advance(30)
    day.ministry.work()
    day.messages["waiting"] = str(uuid.uuid4())
    day.school.submit(contents["good"], messageid=day.messages["waiting"])
    other = Caller.of_school(day.ministry, space="lop-kin").log_in()
    other.submit("AAAA", messageid=str(uuid.uuid4()))


def test_the_text_is_what_prometheus_reads_and_says_what_happened(day: Day) -> None:
    """Read with the library's own parser; every number is that of the day."""
    figures = day.reading()

    assert figures.sum("packages_received_total", space="tap", desk="so-48") == 4
    assert figures.sum("packages_settled_total", outcome="done") == 2
    assert figures.sum("packages_settled_total", outcome="refused") == 1
    assert figures.sum("records_accepted_total") == 3
    assert figures.by("records_refused_total", "stage") == {"signature": 1}
    assert figures.sum("put_back_total") == 1
    assert figures.sum("queue_waiting", space="tap") == 1
    assert figures.sum("queue_oldest_seconds") == 16
    assert figures.sum("step_seconds_count", step="4") == 2
    assert figures.sum("package_seconds_count") == 3
    assert figures.sum("intake_seconds_count", service="hoc-ba") == 6
    assert figures.sum("answers_total", service="hoc-ba", status="200") == 6
    assert figures.sum("cache_hits_total", cache="crl") > 0
    assert figures.sum("process_memory_bytes", role="checker") > 1e6
    assert figures.sum("database_bytes") > 0
    assert figures.sum("disk_free_bytes") > 0


def test_the_counters_equal_the_rows(day: Day) -> None:
    """What was counted as accepted is what is stored."""
    with day.ministry.database.read() as connection:
        stored = connection.exec_driver_sql(
            "SELECT COUNT(*) FROM ministry_record WHERE space = 'tap'"
        ).scalar_one()

    assert day.reading().sum("records_accepted_total", space="tap") == stored == 3


def test_the_text_keeps_to_the_format(day: Day) -> None:
    """Version 0.0.4; names with our prefix; each family typed and explained."""
    answer = day.ministry.client.get(TEXT)
    families = list(text_string_to_metric_families(answer.text))

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert all(family.name.startswith("hocba_") and family.documentation for family in families)
    assert {family.type for family in families} == {"counter", "gauge", "histogram"}


def test_a_space_shows_nothing_of_another_and_the_token_shows_all(day: Day) -> None:
    """The id of a space opens it, so it is for the installation's own tools."""
    all_spaces = {"authorization": f"Bearer {ADMIN_TOKEN}"}

    assert "lop-kin" not in day.ministry.client.get(TEXT).text
    assert set(day.reading("/s/lop-kin" + TEXT).by("packages_received_total", "space")) == {
        "lop-kin"
    }
    assert set(day.reading(**all_spaces).by("packages_received_total", "space")) == {
        "tap",
        "lop-kin",
    }
    wrong = day.ministry.client.get(TEXT, headers={"authorization": "Bearer wrong"})
    assert wrong.status_code == 401


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_page_says_the_same_in_both_languages(day: Day, language: str) -> None:
    """Queue, steps, results, services, caches, processes: each has its part of the page."""
    page = day.ministry.client.get(f"/kho/so-lieu?ngon_ngu={language}")
    part = "Thời gian của từng bước" if language == "vi" else "Time of each step"

    assert page.status_code == 200
    assert part in page.text
    assert page.text.count("<polyline") == 2
    assert "3/4 · 75" in page.text
    assert "lop-kin" not in page.text


def test_a_house_that_has_done_nothing_yet_has_a_page_too(tmp_path: Path) -> None:
    """No figures are said to be no figures."""
    with installed(f"sqlite:///{tmp_path / 'm.db'}", pages=True) as ministry:
        ministry.open_space("tap")

        page = ministry.client.get("/kho/so-lieu").text

    assert page.count("Chưa có số liệu.") == 3


def test_the_log_follows_each_package_from_receipt_to_result(day: Day) -> None:
    """Every line about a package carries its id, space and desk."""
    told = {
        name: [
            line.partition('"message": "')[2].partition('"')[0]
            for line in day.heard.lines
            if f'"messageid": "{number}"' in line
        ]
        for name, number in day.messages.items()
    }

    assert told == {
        "good": ["received", "claimed", "put back", "claimed", "settled"],
        "mixed": ["received", "claimed", "settled"],
        "unread": ["received", "claimed", "refused"],
        "waiting": ["received"],
    }
    assert all('"space": "' in line for line in day.heard.lines if "messageid" in line)


def test_no_log_line_and_no_figure_says_anything_of_a_person(day: Day) -> None:
    """No name, number, token or password, of whatever happened."""
    cards = day.ministry.cards[:4]
    persons = {
        value
        for card in cards
        for value in (
            card.general.pupil_name,
            card.general.pupil_id,
            card.general.pupil_code,
            card.general.teacher_name,
            card.general.leader_id,
            card.general.address,
        )
        if value
    }
    secrets = {PASSWORD, day.school.token, day.school.user_name}
    everything = "\n".join(day.heard.lines) + day.ministry.client.get(TEXT).text

    assert len(persons) > 10
    assert [word for word in persons | secrets if word in everything] == []
