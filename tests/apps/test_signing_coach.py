"""The coach strip on the phone, asked for over HTTP; without an answer the page is as it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter

from sandbox.signing import pages
from sandbox.signing.coaching import Coach
from sandbox.wire.classroom import CoachClient, CoachQuestion, Strip
from tests.builders.phone import INTERNAL, TEACHER, Browser, Room, Sheet, make_room, serving


class Lectern:
    """A stand-in for the classroom's desk, on the same wire: it answers what a test tells it."""

    def __init__(self) -> None:
        self.asked: list[CoachQuestion] = []
        self.free = threading.Event()
        """Until this is set, no question is answered."""
        self.free.set()
        self.answered = 0
        self.strip = Strip(
            lesson=3,
            lesson_name="Ký một học bạ",
            step=5,
            steps=10,
            card="3.5",
            heading="Trên điện thoại: có 1 yêu cầu ký",
            sentence="Bấm Xem yêu cầu.",
            home="/lop/bai/3/lan/7",
            hint_path="/lop/lan/7/goi-y/5",
            hint_action="classroom.hint:7:5",
        )

    def router(self) -> APIRouter:
        router = APIRouter()

        @router.post("/lop/v1/dai")
        def answer(question: CoachQuestion) -> Strip:
            self.asked.append(question)
            self.free.wait(60)
            self.answered += 1
            return self.strip

        return router


@pytest.fixture
def lectern() -> Lectern:
    return Lectern()


@pytest.fixture
def room(tmp_path: Path, lectern: Lectern) -> Iterator[Room]:
    made = make_room(tmp_path, coached=True)
    made.app.include_router(lectern.router())
    with serving(made) as served:
        client = CoachClient(served.base, token=INTERNAL)
        for router in pages.routers(served.service, Coach(client)):
            served.app.include_router(router)
        yield served


def coached(browser: Browser, path: str) -> Sheet:
    """Open a page until its strip is there: one that takes longer than 300 ms is left out."""
    for _ in range(20):
        page = browser.open(path)
        if "Bước" in page.title:
            break
    return page


def test_the_strip_gives_heading_sentence_and_place_in_the_lesson(
    room: Room, lectern: Lectern
) -> None:
    """In a lesson the page's h1 is the lesson's; card and step stand in the orientation row."""
    room.ask()

    page = coached(room.browser(), room.phone_path())

    assert page.heading == "Trên điện thoại: có 1 yêu cầu ký"
    assert "Bấm Xem yêu cầu." in page.words
    assert "Bài 3 · Bước 5/10 · Thẻ 3.5" in page.title
    assert "Gợi ý" in page.words
    assert (lectern.asked[0].page, lectern.asked[0].holder) == ("phone.list", TEACHER)


def test_the_hint_names_place_and_button(room: Room, lectern: Lectern) -> None:
    """Once asked for, the hint stands on the page and its button is gone."""
    lectern.strip = lectern.strip.model_copy(
        update={"hint": "Xem yêu cầu", "hint_place": "khung điện thoại"}
    )

    page = coached(room.browser(), room.phone_path())

    assert "Thầy cô nhìn khung điện thoại, rồi bấm nút Xem yêu cầu." in page.words


def test_a_page_knows_which_transaction_it_shows(room: Room, lectern: Lectern) -> None:
    """The classroom is told page and transaction, so that it can judge from the state."""
    asked = room.ask()
    browser = room.browser()
    browser.open(room.phone_path())
    browser.follow("Xem yêu cầu")
    browser.follow("Ký số")

    assert [question.page for question in lectern.asked] == [
        "phone.list",
        "phone.request",
        "phone.pin",
    ]
    assert lectern.asked[-1].passing == {"transaction": asked.id}


def test_a_slow_classroom_does_not_hold_the_page(room: Room, lectern: Lectern) -> None:
    """No answer in 300 ms: the page without strip."""
    lectern.free.clear()
    page = room.browser().open(room.phone_path())
    answered = lectern.answered
    lectern.free.set()

    assert answered == 0
    assert page.heading == "Chưa có yêu cầu nào"
