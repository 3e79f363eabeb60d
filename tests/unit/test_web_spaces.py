"""Practice spaces: opened once, with a clock of their own, apart from each other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox import web
from sandbox.clock import DEFAULT_SPACE_START, VIETNAM, FixedClock
from sandbox.errors import Misuse

AUTUMN = datetime(2025, 9, 5, 7, 30, tzinfo=VIETNAM)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def database(tmp_path: Path) -> web.Database:
    return web.Database(f"sqlite:///{tmp_path / 'web.db'}")


@pytest.fixture
def spaces(database: web.Database, clock: FixedClock) -> web.Spaces:
    made = web.Spaces(database, clock)
    made.prepare()
    return made


def test_a_space_opens_at_its_start_and_runs_on(spaces: web.Spaces, clock: FixedClock) -> None:
    """The default clock of a new space shows 28/05/2025 08:00 and runs at normal speed."""
    space = spaces.open("tap", code="1234", title="Tập")
    clock.advance(90)

    assert space.now(clock) == DEFAULT_SPACE_START + timedelta(seconds=90)


def test_opening_a_space_again_finds_it_as_it_was(spaces: web.Spaces) -> None:
    """A second start changes nothing."""
    first = spaces.open("tap", code="1234", title="Tập", switches={"forward": True})

    assert spaces.open("tap", code="9999", title="Khác") == first


def test_a_code_leads_to_one_space_only(spaces: web.Spaces) -> None:
    """Two classes cannot share the code people type."""
    spaces.open("lop-a", code="2468", title="A")

    with pytest.raises(Misuse, match="2468"):
        spaces.open("lop-b", code="2468", title="B")
    assert spaces.by_code("2468") == spaces.get("lop-a")
    assert spaces.by_code("0000") is None


@pytest.mark.parametrize("name", ["", "Lop", "lớp", "a/b", "-a", "a" * 64, "a b", "a\n"])
def test_a_space_is_named_by_plain_letters(spaces: web.Spaces, name: str) -> None:
    """The name stands in every address."""
    with pytest.raises(Misuse):
        spaces.open(name, code="1", title="x")


def test_a_moved_clock_survives_a_restart_and_runs_on(
    spaces: web.Spaces, database: web.Database, clock: FixedClock
) -> None:
    """The offset is kept in the database, not in the process."""
    spaces.open("tap", code="1234", title="Tập")
    spaces.move_clock("tap", AUTUMN)
    clock.advance(3600)
    after_restart = web.Spaces(database, clock).get("tap")

    assert after_restart is not None
    assert after_restart.now(clock) == AUTUMN + timedelta(hours=1)


def test_a_clock_may_be_given_in_any_time_zone(spaces: web.Spaces, clock: FixedClock) -> None:
    """A moment is a moment; the space shows it in Vietnamese time."""
    spaces.open("tap", code="1234", title="Tập")
    moved = spaces.move_clock("tap", AUTUMN.astimezone(UTC))

    assert moved.now(clock).isoformat() == "2025-09-05T07:30:00+07:00"


def test_moving_one_clock_leaves_the_other_space_alone(
    spaces: web.Spaces, clock: FixedClock
) -> None:
    """Spaces never see each other."""
    spaces.open("lop-a", code="1", title="A")
    other = spaces.open("lop-b", code="2", title="B")
    spaces.move_clock("lop-a", AUTUMN)

    assert spaces.get("lop-b") == other


def test_the_clock_of_no_space_cannot_be_moved(spaces: web.Spaces) -> None:
    """An unknown space is said to be unknown."""
    with pytest.raises(Misuse, match="lop-x"):
        spaces.move_clock("lop-x", AUTUMN)


def test_a_switch_is_set_without_touching_the_others(spaces: web.Spaces) -> None:
    """Switches are kept one by one."""
    spaces.open("tap", code="1234", title="Tập", switches={"a": 1, "b": 2})

    assert spaces.set_switches("tap", b=3).switches == {"a": 1, "b": 3}


def test_a_deleted_space_is_gone_and_its_code_free(spaces: web.Spaces) -> None:
    """Its name and code can be used again; deleting it twice is fine."""
    spaces.open("lop-a", code="2468", title="A")
    spaces.delete("lop-a")
    spaces.delete("lop-a")

    assert spaces.get("lop-a") is None
    assert spaces.open("lop-b", code="2468", title="B").id == "lop-b"


def test_all_spaces_are_listed_by_name(spaces: web.Spaces) -> None:
    """The list has every space once."""
    for name, code in (("lop-b", "2"), ("lop-a", "1"), ("tap", "3")):
        spaces.open(name, code=code, title=name)

    assert [space.id for space in spaces.all()] == ["lop-a", "lop-b", "tap"]


def test_a_space_read_a_moment_ago_costs_no_query(spaces: web.Spaces, clock: FixedClock) -> None:
    """A web process answers from what it read within the last second, and not longer."""
    space = spaces.open("tap", code="1234", title="Tập")
    assert spaces.fresh("tap") == space
    clock.advance(1.1)

    assert spaces.fresh("tap") is None
