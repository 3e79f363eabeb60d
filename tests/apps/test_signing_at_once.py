"""Many at once, over HTTP with real threads: nobody locks anybody out, nothing is signed twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from sandbox.signing import CredentialSeed, HolderSeed
from sandbox.wire.signing import Status
from tests.builders.phone import PIN, TEACHER, WRONG, Browser, Room, make_room, serving

T = TypeVar("T")
CROWD = 100


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with serving(make_room(tmp_path)) as served:
        yield served


def together(number: int, work: Callable[[int], T]) -> list[T]:
    """Let *number* threads begin *work* at the same moment; return what each came to."""
    gate = threading.Barrier(number)

    def begin(turn: int) -> T:
        gate.wait()
        return work(turn)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(begin, range(number)))


def at_pin(room: Room, holder: str) -> Browser:
    browser = room.browser()
    browser.open(room.phone_path(holder))
    browser.follow("Xem yêu cầu")
    browser.follow("Ký số")
    return browser


def test_a_hundred_people_who_sign_at_once_all_sign(room: Room) -> None:
    """A hundred PINs arrive in the same moment: a hundred signed requests."""
    people = [
        HolderSeed(
            holder_id=f"nguoi-{number}",
            name=f"Người Ký {number}",
            pin=PIN,
            credentials=(
                CredentialSeed(
                    kind="person",
                    subject_id=f"9481850{number:05d}",
                    subject_name=f"Người Ký {number}",
                ),
            ),
        )
        for number in range(CROWD)
    ]
    room.service.open_space(room.space, people)
    asked = together(CROWD, lambda turn: room.ask(3, signer_id=f"nguoi-{turn}"))
    browsers = [at_pin(room, f"nguoi-{turn}") for turn in range(CROWD)]

    pages = together(CROWD, lambda turn: browsers[turn].press("Xác nhận ký 3 học bạ", pin=PIN))

    assert {page.heading for page in pages} == {"Điện thoại đã ký xong"}
    assert {room.state(one).status for one in asked} == {Status.SIGNED}
    assert room.service.ledger_is_intact(room.space)


def test_one_confirmation_sent_from_many_tabs_signs_once(room: Room) -> None:
    """Twenty tabs with twenty forms confirm the same request in the same moment."""
    asked = room.ask(2)
    tabs = [at_pin(room, TEACHER) for _ in range(20)]

    pages = together(20, lambda turn: tabs[turn].press("Xác nhận ký 2 học bạ", pin=PIN))

    assert {page.status for page in pages} == {200}
    assert room.state(asked).status is Status.SIGNED
    events = [line.event for line in room.service.ledger(room.space, holder=TEACHER)]
    assert events.count("approved") == 1


def test_guessing_in_parallel_does_not_get_around_the_lock(room: Room) -> None:
    """Twenty wrong PINs at once: three are counted, the phone is locked, nothing is signed."""
    asked = room.ask()
    tabs = [at_pin(room, TEACHER) for _ in range(20)]

    together(20, lambda turn: tabs[turn].press("Xác nhận ký 1 học bạ", pin=WRONG))

    assert room.state(asked).status is Status.AUTH_FAILED
    events = [line.event for line in room.service.ledger(room.space, holder=TEACHER)]
    assert events.count("wrong_pin") == 3
    assert events.count("locked") == 1


def test_the_same_request_sent_many_times_at_once_is_one_transaction(room: Room) -> None:
    """The idempotency key holds against a race."""
    body = room.request(5)

    answers = together(20, lambda _turn: room.post("giao-dich", body))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_of_many_requests_of_one_signer_at_once_one_is_taken(room: Room) -> None:
    """E3 holds against a race: one waits, the others are told which."""
    bodies = [room.request() for _ in range(20)]

    answers = together(20, lambda turn: room.post("giao-dich", bodies[turn]))

    taken = [answer.json() for answer in answers if answer.status_code == 200]
    others = [answer for answer in answers if answer.status_code != 200]
    assert len(taken) == 1
    assert {answer.status_code for answer in others} == {409}
    assert {answer.json()["transaction"] for answer in others} == {taken[0]["id"]}


def test_refusing_and_confirming_at_once_ends_in_one_of_the_two(room: Room) -> None:
    """One device refuses while another confirms: signed or refused, never both."""
    asked = room.ask()
    confirming = at_pin(room, TEACHER)
    refusing = room.browser()
    refusing.open(room.phone_path())
    refusing.follow("Xem yêu cầu")

    together(
        2,
        lambda turn: (
            confirming.press("Xác nhận ký 1 học bạ", pin=PIN) if turn else refusing.press("Từ chối")
        ),
    )

    after = room.state(asked)
    assert after.status in (Status.SIGNED, Status.REJECTED)
    assert (after.items[0].signature is not None) == (after.status is Status.SIGNED)
