"""In any weather a desk settles what it acknowledged exactly once, and keeps it (issue 5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.chaos import figures, storms
from tests.builders.chaos_places import Place, server_place, sqlite_place

SHORT, LONG = 5, 200
SEED = 5


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "SQLite":
        with sqlite_place(tmp_path) as sqlite:
            yield sqlite
    else:
        with server_place() as server:
            yield server


def weather(place: Place, folder: Path, *, rounds: int, seed: int) -> None:
    """Go through *rounds* storms and prove everything at the end."""
    with storms(place, folder, seed=seed) as installation:
        name = place.url.partition(":")[0]
        try:
            for _ in range(rounds):
                installation.round()
            installation.prove(every=True)
        finally:
            print(figures(installation, name))


def test_five_storms_leave_every_acknowledged_package_settled_once(
    place: Place, tmp_path: Path
) -> None:
    """Kills, restarts, full and read-only disks, clock jumps, duplicates: five rounds each."""
    weather(place, tmp_path, rounds=SHORT, seed=SEED)


@pytest.mark.long
def test_two_hundred_storms_leave_every_acknowledged_package_settled_once(
    place: Place, tmp_path: Path
) -> None:
    """The same two hundred times on each database."""
    weather(place, tmp_path, rounds=LONG, seed=200)
