"""Forms do their work once, keep what was typed, and never keep a PIN."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from sandbox.clock import FixedClock
from tests.builders.counting import counted, counting_house
from tests.builders.postgresql import postgresql
from tests.builders.web import House, form_token

FORM = "/viec/a"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def house(tmp_path: Path, clock: FixedClock) -> House:
    return counting_house(tmp_path, clock=clock)


@pytest.fixture
def visitor(house: House) -> TestClient:
    return house.browser()


def fresh_token(visitor: TestClient, path: str = FORM) -> str:
    return form_token(visitor.get(path).text, path)


def send(visitor: TestClient, token: str, path: str = FORM, **fields: str) -> httpx.Response:
    return visitor.post(path, data={"f": token, **fields})


def test_a_form_answers_with_303_to_what_its_work_returned(visitor: TestClient) -> None:
    """After a POST there is always a GET, so Back is safe."""
    answer = send(visitor, fresh_token(visitor), ten="x")

    assert (answer.status_code, answer.headers["location"]) == (303, "/xong/a")


def test_a_repeated_form_does_nothing_and_leads_to_the_same_place(
    visitor: TestClient, tmp_path: Path
) -> None:
    """The token says what was done; the second POST changes nothing."""
    token = fresh_token(visitor)
    first, second = send(visitor, token, ten="x"), send(visitor, token, ten="y")

    assert second.headers["location"] == first.headers["location"]
    assert counted(tmp_path) == ["a x []"]


def test_two_forms_of_one_action_within_600_ms_are_one_tap(
    visitor: TestClient, tmp_path: Path, clock: FixedClock
) -> None:
    """A second tap counts as the first even when the page had been loaded twice."""
    first, second = fresh_token(visitor), fresh_token(visitor)
    send(visitor, first, ten="x")
    clock.advance(0.5)
    answer = send(visitor, second, ten="x")

    assert answer.headers["location"] == "/xong/a"
    assert counted(tmp_path) == ["a x []"]


def test_two_buttons_of_one_form_within_600_ms_are_two_pieces_of_work(
    visitor: TestClient, tmp_path: Path, clock: FixedClock
) -> None:
    """Who presses another button has not tapped twice: quick people lose no press."""
    first, second = fresh_token(visitor), fresh_token(visitor)
    send(visitor, first, ten="x")
    clock.advance(0.3)
    send(visitor, second, ten="y")

    assert counted(tmp_path) == ["a x []", "a y []"]


def test_two_forms_of_one_action_700_ms_apart_are_two_pieces_of_work(
    visitor: TestClient, tmp_path: Path, clock: FixedClock
) -> None:
    """Who comes back later means it."""
    first, second = fresh_token(visitor), fresh_token(visitor)
    send(visitor, first, ten="x")
    clock.advance(0.7)
    send(visitor, second, ten="y")

    assert counted(tmp_path) == ["a x []", "a y []"]


def test_taps_on_two_things_do_not_hinder_each_other(visitor: TestClient, tmp_path: Path) -> None:
    """The action names its object, so signing the next pupil at once is no double tap."""
    send(visitor, fresh_token(visitor), ten="x")
    send(visitor, fresh_token(visitor, "/viec/b"), "/viec/b", ten="y")

    assert counted(tmp_path) == ["a x []", "b y []"]


@pytest.mark.parametrize("token", ["", "nonsense", "ä" * 54, "A" * 54])
def test_a_form_without_its_token_comes_back_filled_in(
    visitor: TestClient, tmp_path: Path, token: str
) -> None:
    """A missing or invented token does nothing, says so calmly and loses nothing typed."""
    visitor.get(FORM)
    answer = send(visitor, token, ten="Hoa Mai", lop="2", pin="246810")
    page = visitor.get(answer.headers["location"]).text

    assert counted(tmp_path) == []
    assert "Thầy cô bấm lại nút một lần nữa. Bài không mất." in page
    assert 'value="Hoa Mai"' in page
    assert 'value="2" checked' in page
    assert "246810" not in page


def test_a_token_of_another_visitor_is_not_honoured(house: House, tmp_path: Path) -> None:
    """The token is bound to its visitor: the same thing that stops double work stops forgery."""
    mine, other = house.browser(), house.browser()
    mine.get(FORM)
    answer = send(mine, fresh_token(other), ten="x")

    assert "lai=" in answer.headers["location"]
    assert counted(tmp_path) == []


def test_a_token_of_another_action_is_not_honoured(visitor: TestClient, tmp_path: Path) -> None:
    """A token serves the action it was made for, and no other."""
    send(visitor, fresh_token(visitor, "/viec/b"), ten="x")

    assert counted(tmp_path) == []


def test_a_token_of_another_space_is_not_honoured(visitor: TestClient, tmp_path: Path) -> None:
    """Spaces do not share tokens."""
    token = form_token(visitor.get("/s/lop-a/viec/a").text, FORM)
    send(visitor, token, ten="x")

    assert counted(tmp_path) == []


def test_a_token_is_honoured_after_19_hours_and_not_after_21(
    visitor: TestClient, tmp_path: Path, clock: FixedClock
) -> None:
    """Form tokens live 20 hours by the machine's clock."""
    early, late = fresh_token(visitor), fresh_token(visitor)
    clock.advance(19 * 3600)
    send(visitor, early, ten="x")
    clock.advance(2 * 3600)
    send(visitor, late, ten="y")

    assert counted(tmp_path) == ["a x []"]


def test_a_used_token_stays_used_for_as_long_as_it_could_be_honoured(
    visitor: TestClient, tmp_path: Path, clock: FixedClock
) -> None:
    """Tidying away old tokens never makes one usable again."""
    token = fresh_token(visitor)
    send(visitor, token, ten="x")
    for _ in range(12):
        clock.advance(2 * 3600)
        send(visitor, fresh_token(visitor, "/viec/b"), "/viec/b", ten="y")
        send(visitor, token, ten="again")

    assert [line for line in counted(tmp_path) if line.startswith("a ")] == ["a x []"]


def test_a_faulty_form_comes_back_with_errors_and_without_the_pin(visitor: TestClient) -> None:
    """E1r, F5: title, summary and field say it; the page leads to the summary; the PIN is gone."""
    answer = send(visitor, fresh_token(visitor), ten="sai", pin="246810")
    page = visitor.get(answer.headers["location"]).text

    assert answer.headers["location"].endswith("#loi")
    assert "<title>Lỗi: Điện thoại tập – Bản tập</title>" in page
    assert page.count("Mã lớp chỉ có số. Xem lại mã trên bảng.") == 2
    assert '<a href="#ten">' in page
    assert 'value="sai"' in page
    assert "246810" not in page


def test_a_pin_is_nowhere_in_the_database(visitor: TestClient, tmp_path: Path) -> None:
    """What is kept to show a form again holds no secret field."""
    send(visitor, fresh_token(visitor), ten="sai", pin="7391746")
    send(visitor, "", ten="sai", pin="7391746")

    assert all(b"7391746" not in file.read_bytes() for file in tmp_path.glob("web.db*"))


def test_a_stale_form_leads_to_the_present_state_with_a_calm_line(visitor: TestClient) -> None:
    """A precondition that no longer holds is no error."""
    answer = send(visitor, fresh_token(visitor), ten="cu")
    page = visitor.get(answer.headers["location"])

    assert (answer.status_code, page.status_code) == (303, 200)
    assert "Đã báo. Cô hướng dẫn sẽ đến." in page.text
    assert "<title>Lỗi" not in page.text


def test_what_is_carried_to_a_page_is_shown_to_its_own_visitor_only(house: House) -> None:
    """The mark in the address is worth nothing to somebody else."""
    mine, other = house.browser(), house.browser()
    answer = send(mine, fresh_token(mine), ten="sai")

    assert "Xem lại mã trên bảng" not in other.get(answer.headers["location"]).text


def test_a_refusal_is_shown_again_to_who_repeats_the_form(
    visitor: TestClient, tmp_path: Path
) -> None:
    """A refusal is a result like any other: it is not worked out twice."""
    token = fresh_token(visitor)
    first, second = send(visitor, token, ten="tuchoi"), send(visitor, token, ten="tuchoi")

    assert (first.status_code, second.status_code) == (422, 422)
    assert "Mã: SBX-1104" in second.text
    assert len(counted(tmp_path)) == 1


def test_a_problem_is_shown_again_to_who_repeats_the_form(
    visitor: TestClient, tmp_path: Path
) -> None:
    """A wrong PIN tapped twice counts once."""
    token = fresh_token(visitor)
    send(visitor, token, ten="loi")
    page = send(visitor, token, ten="loi").text

    assert "Mã: E7" in page
    assert '<a class="chinh" href="/xong/di">Tiếp tục</a>' in page
    assert len(counted(tmp_path)) == 1


def test_a_form_whose_neighbour_was_away_may_be_sent_again(
    visitor: TestClient, tmp_path: Path
) -> None:
    """Nothing was done, so the same token still works."""
    token = fresh_token(visitor)
    away = send(visitor, token, ten="ban")
    again = send(visitor, token, ten="x")

    assert (away.status_code, away.headers["retry-after"]) == (503, "7")
    assert again.headers["location"] == "/xong/a"


def test_typed_text_arrives_composed_and_trimmed(visitor: TestClient, tmp_path: Path) -> None:
    """Old phones type decomposed Vietnamese; the work sees NFC."""
    send(
        visitor,
        fresh_token(visitor),
        ten="  " + unicodedata.normalize("NFD", "Nguyễn Thị Hoa") + "  ",
    )

    assert counted(tmp_path) == ["a Nguyễn Thị Hoa []"]


def test_twenty_posts_of_one_form_at_once_do_one_piece_of_work(
    house: House, tmp_path: Path
) -> None:
    """All of them are answered with the first one's result."""
    visitor = house.browser()
    token = fresh_token(visitor)
    answers = at_once([lambda: send(visitor, token, ten="x").headers["location"]] * 20)

    assert set(answers) == {"/xong/a"}
    assert len(counted(tmp_path)) == 1


def test_on_postgresql_taps_at_once_do_one_piece_of_work(tmp_path: Path) -> None:
    """The other database keeps the same promise: one token ten times, and ten tokens at once."""
    with postgresql() as address:
        house = counting_house(tmp_path, database=address)
        visitor = house.browser()
        token, others = fresh_token(visitor), [fresh_token(visitor, "/viec/b") for _ in range(10)]
        same = at_once([lambda: send(visitor, token, ten="x").headers["location"]] * 10)
        tapped = at_once(
            [lambda t=t: send(visitor, t, "/viec/b", ten="y").headers["location"] for t in others]
        )
        house.database.close()

    assert (set(same), set(tapped)) == ({"/xong/a"}, {"/xong/b"})
    assert sorted(counted(tmp_path)) == ["a x []", "b y []"]


@pytest.fixture
def two_processes(tmp_path: Path) -> Iterator[list[str]]:
    """Two web processes over one database."""
    counting_house(tmp_path).database.close()
    ports, running = [free_port(), free_port()], []
    environment = {**os.environ, "COUNTING_FOLDER": str(tmp_path), "PYTHONPATH": os.getcwd()}
    for port in ports:
        command = [sys.executable, "-m", "uvicorn", "--factory", "tests.builders.counting:app"]
        command += ["--port", str(port), "--log-level", "error"]
        running.append(subprocess.Popen(command, env=environment))
    addresses = [f"http://127.0.0.1:{port}" for port in ports]
    for address in addresses:
        wait_for(address)
    yield addresses
    for process in running:
        process.terminate()
        process.wait(timeout=20)


def test_posts_at_once_to_two_processes_do_one_piece_of_work(
    two_processes: list[str], tmp_path: Path
) -> None:
    """Two taps that land in two processes, with one token or with two, make one signature."""
    for number in range(6):
        path = f"/viec/{number}"
        with httpx.Client() as visitor:
            tokens = [form_token(visitor.get(two_processes[0] + path).text, path) for _ in range(2)]
            cookies = {"hv": visitor.cookies["hv"]}
        both = number % 2  # every other round the second process gets a token of its own
        pairs = list(zip(two_processes, (tokens[0], tokens[both]), strict=True))

        def post(
            address: str, token: str, *, path: str = path, cookies: dict[str, str] = cookies
        ) -> str:
            sent = httpx.post(
                address + path, data={"f": token, "ten": "x"}, cookies=cookies, timeout=30
            )
            return str(sent.headers["location"])

        answers = at_once([lambda pair=pair: post(*pair) for pair in pairs])

        assert set(answers) == {f"/xong/{number}"}

    assert len(counted(tmp_path)) == 6


def at_once(calls: Sequence[Callable[[], str]]) -> list[str]:
    """Return what the calls answer when they are made at the same time."""
    answers: list[str] = []
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], str]) -> None:
        barrier.wait()
        answers.append(call())

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == len(calls)
    return answers


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(address: str) -> None:
    for _ in range(300):
        try:
            httpx.get(address + "/rieng-tu", timeout=1)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{address} never answered")
