"""The figures of processes in the database, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.clock import FixedClock
from sandbox.ministry import MinistryService
from sandbox.ministry import metering_store as kept
from sandbox.ministry.metering_figures import Figures, read_figures
from sandbox.ministry.metering_writer import SILENT_S, Recorder
from sandbox.pki import Trust
from sandbox.web import Database, Spaces
from tests.builders.ministry import authority


class House:
    """Processes of one installation, each with a meter of its own."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder, self.clock = database, folder, FixedClock()
        self.spaces = Spaces(database, self.clock)
        self.spaces.prepare()
        self.spaces.open("tap", code="tap", title="tap")

    def process(self, role: str = "checker") -> Recorder:
        trust = Trust(authority().issuer_certificates)
        service = MinistryService(
            self.database, self.clock, self.spaces, trust, "http://127.0.0.1:1"
        )
        service.prepare()
        return Recorder(service, role=role, folder=self.folder)

    def figures(self) -> Figures:
        return read_figures(self.database, self.clock)

    def settled(self, space: str = "tap") -> float:
        return self.figures().by("packages_settled", "space").get(space, 0.0)


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    return House(database, tmp_path)


def settle(recorder: Recorder, *, space: str = "tap", packages: int = 1) -> None:
    for _ in range(packages):
        recorder._service.meter.package(space, "kho", {"4": 0.002}, accepted=30, busy_s=0.25)


def test_the_figures_of_all_processes_add_up(house: House) -> None:
    """Each writes its own rows, as often as it likes."""
    first, second = house.process(), house.process()
    settle(first, packages=2)
    settle(second)
    for recorder in (first, second, first):
        recorder.write_once()
    settle(first)
    first.write_once()

    figures = house.figures()
    assert house.settled() == 4
    assert sum(figures.counter("records_accepted").values()) == 120
    (spread,) = figures.spreads("package_seconds").values()
    assert (spread.count, spread.total, spread.quantile(0.5)) == (4, 1.0, 0.5)


def test_nothing_is_lost_when_a_process_is_gone(house: House) -> None:
    """Its rows are folded; counters never go back, also when that happens again and again."""
    for _ in range(3):
        ended = house.process()
        settle(ended, packages=2)
        ended.write_once()
        house.clock.advance(SILENT_S + 1)
        house.process("web").write_once()

    with house.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT process, value FROM ministry_metric").all()
    assert house.settled() == 6
    assert {row.process.partition("-")[0] for row in rows} == {"gone", "web"}
    assert [row.role for row in house.figures().processes] == ["web"]


def test_a_process_that_slept_and_was_folded_counts_on_from_there(house: House) -> None:
    """A laptop that was shut counts nothing twice."""
    sleeper = house.process()
    settle(sleeper, packages=5)
    sleeper.write_once()
    house.clock.advance(SILENT_S + 1)
    house.process("web").write_once()
    settle(sleeper, packages=2)
    sleeper.write_once()
    settle(sleeper)
    sleeper.write_once()

    assert house.settled() == 8


def test_a_process_that_ends_in_good_order_is_no_longer_shown(house: House) -> None:
    """Its counts stay."""
    ended = house.process()
    settle(ended)
    ended.write_once()
    ended.stop()

    assert house.figures().processes == ()
    assert house.settled() == 1


def test_what_was_counted_in_a_closed_space_keeps_no_name_of_it(house: House) -> None:
    """The sum stays, the space's id goes when the process is folded."""
    house.spaces.open("lop-cu", code="1234", title="closed")
    ended = house.process()
    settle(ended, space="lop-cu", packages=3)
    settle(ended)
    ended.write_once()
    house.spaces.delete("lop-cu")
    house.clock.advance(SILENT_S + 1)
    house.process("web").write_once()

    assert house.figures().by("packages_settled", "space") == {kept.PAST_SPACE: 3, "tap": 1}


def test_a_moment_is_sampled_once_and_the_pace_is_read_from_the_samples(house: House) -> None:
    """However many processes report; old samples go."""
    first, second = house.process(), house.process()
    for _ in range(10):
        settle(first, packages=3)
        first.write_once()
        second.write_once()
        house.clock.advance(kept.SLOT_S)
    first.write_once()

    figures = house.figures()
    (pace,) = figures.paces()
    assert len(figures.samples) == 11
    assert pace.settled_per_s == pytest.approx(3 / kept.SLOT_S, rel=0.3)
    assert pace.records_per_s == pytest.approx(30 * pace.settled_per_s)
    assert pace.drained_s == 0.0
    house.clock.advance(kept.SAMPLES_KEPT_S + 1)
    first.write_once()
    with house.database.read() as connection:
        assert len(kept.samples(connection, since=0.0)) == 1
