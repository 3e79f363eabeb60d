"""The life of a package at a receiving desk."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.ministry import Caller, Installation, installed, signed


@pytest.fixture
def ministry(tmp_path: Path) -> Iterator[Installation]:
    with installed(f"sqlite:///{tmp_path / 'ministry.db'}") as installation:
        installation.open_space("tap")
        yield installation


@pytest.fixture
def school(ministry: Installation) -> Caller:
    return Caller.of_school(ministry).log_in()


def test_a_lawful_class_is_accepted_record_by_record(
    ministry: Installation, school: Caller
) -> None:
    """Every record of a lawful, signed class is answered 1 with error 0 (2088 PL1 §II.2.3)."""
    rows = school.hand_in([signed(card) for card in ministry.cards])

    assert [row["trang_thai"] for row in rows] == [1] * 30, rows[0]
    assert {row["error"] for row in rows} == {"0"}


def test_until_it_is_checked_a_package_answers_that_there_is_no_result_yet(
    ministry: Installation, school: Caller
) -> None:
    """Pending is an empty list with SBX-1201 and status 200 (§2.3)."""
    messageid = str(uuid.uuid4())
    school.submit(school.content_of([signed(ministry.cards[0])]), messageid=messageid)

    answer = school.result(messageid)

    assert (answer.status_code, answer.json()["Error"]) == (200, "SBX-1201")
    assert answer.json()["DanhSach"] == []
