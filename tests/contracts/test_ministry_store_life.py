"""The whole life of a package at a desk, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.ministry import store
from sandbox.ministry.checking import Worker
from tests.builders.ministry import Caller, Installation, installed, signed


@pytest.fixture
def ministry(database_url: str) -> Iterator[Installation]:
    with installed(database_url) as installation:
        installation.open_space("tap")
        yield installation


def test_a_class_is_accepted_and_comes_back_byte_for_byte(ministry: Installation) -> None:
    """What was signed is what is stored and forwarded (architecture §5)."""
    school = Caller.of_school(ministry).log_in()
    records = [signed(card) for card in ministry.cards]

    rows = school.hand_in(records)

    space = ministry.spaces.get("tap")
    assert space is not None
    kept = [
        ministry.service.record(space, "so-48", card.general.record_id) for card in ministry.cards
    ]
    assert [row["trang_thai"] for row in rows] == [1] * 30
    assert [stored and stored.xml for stored in kept] == records


def test_two_workers_never_accept_one_pupil_twice(ministry: Installation) -> None:
    """The same record in four packages, checked at once: accepted once, SBX-5004 thrice."""
    school = Caller.of_school(ministry).log_in()
    record = signed(ministry.cards[0])
    ids = [f"90000000-0000-4000-8000-00000000000{number}" for number in range(4)]
    for messageid in ids:
        assert (
            school.submit(school.content_of([record]), messageid=messageid).json()["Error"] == "0"
        )

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: Worker(ministry.service).run_once(), range(4)))
    ministry.work()

    errors = [school.result(messageid).json()["DanhSach"][0]["error"] for messageid in ids]
    assert sorted(errors) == ["0", "SBX-5004", "SBX-5004", "SBX-5004"]


def test_two_spaces_take_the_same_pupil_and_resetting_one_leaves_the_other(
    ministry: Installation,
) -> None:
    """Spaces never see each other; a reset touches no other row."""
    ministry.open_space("lop-b")
    records = [signed(card) for card in ministry.cards]
    for space in ("tap", "lop-b"):
        rows = Caller.of_school(ministry, space=space).log_in().hand_in(records)
        assert {row["error"] for row in rows} == {"0"}
    with ministry.database.read() as connection:
        before = store.count_rows(connection, space="tap")

    ministry.service.reset_space("lop-b")

    with ministry.database.read() as connection:
        assert store.count_rows(connection, space="tap") == before
        assert set(store.count_rows(connection, space="lop-b").values()) == {0}
