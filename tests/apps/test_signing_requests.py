"""Requests for signatures, over HTTP as the portal sends them (signing-practice §3.6)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.clock import FixedClock
from sandbox.wire.signing import Problem, Status
from tests.builders.phone import (
    CLERK,
    PIN,
    TEACHER,
    Room,
    make_items,
    make_room,
    serving,
)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def room(tmp_path: Path, clock: FixedClock) -> Iterator[Room]:
    with serving(make_room(tmp_path, clock=clock)) as served:
        yield served


def confirm(room: Room, path: str, *, button: str, pin: str = PIN) -> None:
    """Confirm the one waiting request on the phone at *path*."""
    browser = room.browser()
    browser.open(path)
    browser.follow("Xem yêu cầu")
    browser.follow("Ký số")
    browser.press(button, pin=pin)


def refused(room: Room, body: Any) -> tuple[int, Problem]:
    answer = room.post("giao-dich", body)
    return answer.status_code, Problem.model_validate(answer.json())


def test_a_request_waits_for_the_phone(room: Room) -> None:
    """A request is answered at once: it waits, nothing is signed, five minutes are left."""
    asked = room.ask(30)

    assert asked.status is Status.WAITING_CONFIRM
    assert asked.count == 30
    assert {item.status for item in asked.items} == {Status.WAITING_CONFIRM}
    assert all(item.signature is None for item in asked.items)
    assert asked.attempts_left == 3
    assert asked.expires is not None
    assert asked.expires - asked.created == timedelta(minutes=5)


def test_the_same_key_and_items_give_the_same_transaction(room: Room) -> None:
    """Sending a request twice makes one transaction."""
    body = room.request(2)

    first, second = room.post("giao-dich", body).json(), room.post("giao-dich", body).json()

    assert first["id"] == second["id"]


def test_the_same_key_with_other_items_is_refused(room: Room) -> None:
    """An idempotency key stands for one content only."""
    room.ask(1, idempotency="khoa-mot-hai-ba")

    status, problem = refused(room, room.request(1, idempotency="khoa-mot-hai-ba"))

    assert (status, problem.code) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert problem.pointer == "/idempotency"


def test_fifty_hashes_are_the_most(room: Room) -> None:
    """Fifty hashes fit into one request, fifty-one are refused with the limit named."""
    status, problem = refused(room, room.request(51))

    assert (status, problem.code, problem.pointer) == (422, "TOO_MANY_HASHES", "/items")
    assert "50" in problem.remedy["vi"]
    assert "50" in problem.remedy["en"]
    assert room.ask(50).count == 50


def test_a_second_request_is_refused_while_the_first_waits(room: Room) -> None:
    """E3: one live request for each signer; the refusal names the one that waits."""
    first = room.ask()

    status, problem = refused(room, room.request())

    assert (status, problem.code) == (409, "REQUEST_ALREADY_WAITING")
    assert problem.teacher_error == "E3"
    assert problem.transaction == first.id


def test_another_signer_may_ask_meanwhile(room: Room) -> None:
    """The limit of one live request is each signer's own."""
    room.ask()

    assert room.ask(signer_id=CLERK).status is Status.WAITING_CONFIRM


def test_a_stranger_may_ask_beside_the_signers_own_request(room: Room) -> None:
    """Lesson 5: a stranger's request waits beside the signer's own, and the other way round."""
    own = room.ask()
    stranger = room.ask(stranger=True)

    assert room.state(own).status.live
    assert room.state(stranger).status.live


def test_after_the_first_has_ended_the_next_may_come(room: Room) -> None:
    """Nothing live, nothing in the way."""
    first = room.ask()
    room.post(f"giao-dich/{first.id}/huy")

    assert room.ask().status is Status.WAITING_CONFIRM


def test_a_cancelled_request_says_so_and_signs_nothing(room: Room) -> None:
    """The sender may withdraw a request; its items name the reason."""
    asked = room.ask(2)

    answer = room.post(f"giao-dich/{asked.id}/huy").json()

    assert answer["status"] == "SIGN_FAILED"
    assert {item["error"] for item in answer["items"]} == {"CANCELLED"}


def test_cancelling_a_signed_request_changes_nothing(room: Room) -> None:
    """What is signed stays signed."""
    asked = room.ask()
    confirm(room, room.phone_path(), button="Xác nhận ký 1 học bạ")

    assert room.post(f"giao-dich/{asked.id}/huy").json()["status"] == "SIGNED"


def test_a_request_expires_by_the_space_clock(room: Room, clock: FixedClock) -> None:
    """After five minutes of the space's clock the request is EXPIRED, and stays so."""
    asked = room.ask()
    clock.advance(299)
    assert room.state(asked).status is Status.WAITING_CONFIRM

    clock.advance(1)

    assert room.state(asked).status is Status.EXPIRED
    room.spaces.move_clock("tap", asked.created)
    assert room.state(asked).status is Status.EXPIRED


def test_an_expired_request_does_not_block_the_next(room: Room, clock: FixedClock) -> None:
    """Nobody looked at the old request; the new one is taken all the same."""
    room.ask()
    clock.advance(300)

    assert room.ask().status is Status.WAITING_CONFIRM


@pytest.mark.parametrize(("mode", "minutes"), [("normal", 5), ("slow", 15)])
def test_slow_mode_triples_the_time(room: Room, mode: str, minutes: int) -> None:
    """The space's switch decides how long a request lives."""
    room.spaces.set_switches("tap", signing_lifetime=mode)

    asked = room.ask()

    assert asked.expires is not None
    assert asked.expires - asked.created == timedelta(minutes=minutes)


def test_without_a_limit_a_request_waits_for_days(room: Room, clock: FixedClock) -> None:
    """Practice data set no limit: the clock may run as it likes."""
    room.spaces.set_switches("tap", signing_lifetime="none")
    asked = room.ask()

    clock.advance(86_400 * 30)

    assert asked.expires is None
    assert room.state(asked).status is Status.WAITING_CONFIRM


def test_one_confirmation_signs_the_whole_batch(room: Room) -> None:
    """Thirty records, one PIN, thirty signatures that differ."""
    asked = room.ask(30)
    confirm(room, room.phone_path(), button="Xác nhận ký 30 học bạ")

    after = room.state(asked)

    assert after.status is Status.SIGNED
    assert len({item.signature for item in after.items}) == 30


def test_a_record_signed_before_is_not_signed_again(room: Room) -> None:
    """One (record, slot, digest) bears one signature: asking again gives back that one."""
    items = make_items(1)
    first = room.ask(items)
    confirm(room, room.phone_path(), button="Xác nhận ký 1 học bạ")

    again = room.ask(items)

    assert again.status is Status.SIGNED
    assert again.items[0].signature == room.state(first).items[0].signature


def test_only_what_is_unsigned_waits(room: Room) -> None:
    """A batch with one signed record asks the phone for the others only."""
    items = make_items(3)
    room.ask(items[:1])
    confirm(room, room.phone_path(), button="Xác nhận ký 1 học bạ")

    again = room.ask(items)

    assert [item.status for item in again.items] == [
        Status.SIGNED,
        Status.WAITING_CONFIRM,
        Status.WAITING_CONFIRM,
    ]


def test_an_item_that_fails_never_blocks_the_rest(room: Room) -> None:
    """A hash that bears another person's signature fails alone; its neighbours are signed."""
    items = make_items(3)
    room.ask(items[1:2], signer_id=CLERK)
    confirm(room, room.phone_path(CLERK), button="Xác nhận ký 1 học bạ", pin="975310")
    asked = room.ask(items)
    confirm(room, room.phone_path(), button="Xác nhận ký 3 học bạ")

    after = room.state(asked)

    assert after.status is Status.SIGNED
    assert [item.status for item in after.items] == [
        Status.SIGNED,
        Status.SIGN_FAILED,
        Status.SIGNED,
    ]
    assert after.items[1].error == "SLOT_SIGNED_BY_ANOTHER"
    assert after.items[1].signature is None


def test_an_item_taken_meanwhile_fails_alone_at_the_confirmation(room: Room) -> None:
    """Two people are asked for the same hash; the second to confirm loses that item only."""
    items = make_items(2)
    late = room.ask(items)
    room.ask(items[:1], signer_id=CLERK)
    confirm(room, room.phone_path(CLERK), button="Xác nhận ký 1 học bạ", pin="975310")
    confirm(room, room.phone_path(), button="Xác nhận ký 2 học bạ")

    assert [item.status for item in room.state(late).items] == [
        Status.SIGN_FAILED,
        Status.SIGNED,
    ]


@pytest.mark.parametrize(
    ("changes", "code", "status", "pointer"),
    [
        ({"signer_id": "nobody", "serial": "AB"}, "SIGNER_NOT_EXIST", 404, "/signer_id"),
        ({"serial": "00FF"}, "CREDENTIAL_NOT_EXIST", 404, "/serial"),
        ({"return_path": "https://example.test/x"}, "RETURN_PATH_OUTSIDE", 422, "/return_path"),
        ({"return_path": "//example.test/x"}, "RETURN_PATH_OUTSIDE", 422, "/return_path"),
        ({"return_path": "/\\example.test"}, "RETURN_PATH_OUTSIDE", 422, "/return_path"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    room: Room, changes: dict[str, str], code: str, status: int, pointer: str
) -> None:
    """Each fault has its code, its place, a cause and a remedy in both languages."""
    got, problem = refused(room, room.request(**changes))

    assert (got, problem.code, problem.pointer) == (status, code, pointer)
    assert all(problem.cause[language] for language in ("vi", "en"))
    assert all(problem.remedy[language] for language in ("vi", "en"))
    assert problem.cause["vi"] != problem.cause["en"]


def test_somebody_elses_certificate_is_refused(room: Room) -> None:
    """A signer signs with their own certificates only."""
    status, problem = refused(room, room.request(serial=room.serial(CLERK)))

    assert (status, problem.code) == (403, "CREDENTIAL_NOT_MATCH_IDENTITY")
    assert problem.number == 60001


def test_a_certificate_out_of_its_time_is_refused(room: Room, clock: FixedClock) -> None:
    """E8: by the space's clock the certificate has expired."""
    clock.advance(86_400 * 700)

    status, problem = refused(room, room.request())

    assert (status, problem.code) == (403, "CREDENTIAL_STATUS_INVALID")
    assert problem.teacher_error == "E8"
    assert "31/12/2026" in problem.cause["vi"]


def test_the_same_item_twice_is_refused_with_its_place(room: Room) -> None:
    """A batch names each (record, slot, digest) once."""
    items = make_items(2)
    double = items[0].model_copy(update={"key": "em-khac"})

    status, problem = refused(room, room.request([*items, double]))

    assert (status, problem.code, problem.pointer) == (422, "SAME_ITEM_TWICE", "/items/2")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"items": []}, "/items"),
        ({"purpose": ""}, "/purpose"),
        ({"unknown": 1}, "/unknown"),
        (
            {
                "items": [
                    {"key": "a", "record_uuid": "b", "slot": "GVCN", "digest": "zz", "label": "c"}
                ]
            },
            "/items/0/digest",
        ),
    ],
)
def test_malformed_input_is_refused_with_its_place(
    room: Room, change: dict[str, Any], pointer: str
) -> None:
    """30000: the pointer leads to the field at fault; nothing is stored."""
    body = room.request().model_dump(mode="json") | change

    status, problem = refused(room, body)

    assert (status, problem.code, problem.number) == (422, "BAD_INPUT", 30000)
    assert problem.pointer == pointer


def test_text_that_is_no_json_is_refused(room: Room) -> None:
    """Broken JSON is the sender's fault, never a 5xx."""
    answer = room.client.post(
        f"{room.base}/ky-so/v1/giao-dich",
        content=b"{ not json",
        headers={
            "Authorization": "Bearer internal-token-of-the-tests",
            "Content-Type": "application/json",
        },
    )

    assert answer.status_code == 422
    assert answer.json()["code"] == "BAD_INPUT"


def test_an_unknown_transaction_is_not_found(room: Room) -> None:
    """62000, with the answer's status 404."""
    answer = room.get("giao-dich/no-such-thing")

    assert answer.status_code == 404
    assert answer.json()["number"] == 62000


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "nguoi-ky/x"),
        ("POST", "nguoi-ky"),
        ("POST", "nguoi-ky/x/mo-khoa"),
        ("POST", "giao-dich"),
        ("GET", "giao-dich/x"),
        ("POST", "giao-dich/x/huy"),
        ("POST", "dien-thoai"),
        ("POST", "tu-dong"),
        ("GET", "so-cai"),
    ],
)
def test_only_the_houses_own_services_are_let_in(room: Room, method: str, path: str) -> None:
    """Every service route asks for the internal token."""
    url = f"{room.base}/ky-so/v1/{path}"

    assert room.client.request(method, url).status_code == 401
    wrong = {"Authorization": "Bearer something-else"}
    assert room.client.request(method, url, headers=wrong).status_code == 401


def test_a_holder_shows_certificates_of_person_and_unit(room: Room) -> None:
    """The clerk holds a personal certificate and the school's; PIN and keys are not shown."""
    shown = room.get(f"nguoi-ky/{CLERK}").json()

    assert [credential["kind"] for credential in shown["credentials"]] == ["person", "unit"]
    assert all("BEGIN CERTIFICATE" in c["certificate"] for c in shown["credentials"])
    assert "PRIVATE" not in str(shown)
    assert "pin" not in shown


def test_people_of_an_invented_school_can_be_added(room: Room) -> None:
    """New holders get certificates; adding them again changes nothing."""
    body = {
        "holders": [
            {
                "holder_id": "948185000099",
                "name": "Hồ Thị Hạnh",
                "pin": "482913",
                "credentials": [
                    {
                        "kind": "person",
                        "subject_id": "948185000099",
                        "subject_name": "Hồ Thị Hạnh",
                        "algorithm": "rsa2048",
                    }
                ],
            }
        ]
    }

    first, second = room.post("nguoi-ky", body).json(), room.post("nguoi-ky", body).json()

    assert first == second
    assert first[0]["credentials"][0]["algorithm"] == "rsa2048"
    assert room.ask(signer_id="948185000099").status is Status.WAITING_CONFIRM


def test_a_known_holder_of_another_name_is_refused(room: Room) -> None:
    """An id stands for one person; nothing of the batch is added."""
    rows = [
        {"holder_id": "948185000098", "name": "Người Mới", "pin": "482913", "credentials": []},
        {"holder_id": TEACHER, "name": "Tên Khác", "pin": "482913", "credentials": []},
    ]

    answer = room.post("nguoi-ky", {"holders": rows})

    assert (answer.status_code, answer.json()["code"]) == (409, "HOLDER_DIFFERS")
    assert answer.json()["pointer"] == "/holders/1"
    assert room.get("nguoi-ky/948185000098").status_code == 404


def test_a_bad_pin_is_refused_without_repeating_it(room: Room) -> None:
    """The refusal points at the field and does not echo what stood there."""
    rows = [{"holder_id": "x", "name": "Ai Đó", "pin": "77123", "credentials": []}]

    answer = room.post("nguoi-ky", {"holders": rows})

    assert (answer.status_code, answer.json()["pointer"]) == (422, "/holders/0/pin")
    assert "77123" not in answer.text
