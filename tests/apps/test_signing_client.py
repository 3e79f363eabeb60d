"""The client other systems use: typed answers, typed refusals, *unavailable* when it is away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.errors import Misuse, Unavailable
from sandbox.wire.signing import (
    AutomaticRequest,
    NewCredential,
    NewHolder,
    SigningClient,
    SigningRefused,
    Status,
)
from tests.builders.phone import (
    DEPARTMENT,
    INTERNAL,
    PEOPLE,
    TEACHER,
    Room,
    make_items,
    make_room,
    serving,
)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with serving(make_room(tmp_path)) as served:
        yield served


def test_the_client_takes_a_request_through_its_life(room: Room) -> None:
    """Holder, request, state, phone, cancel: each call answers with its model."""

    async def life() -> list[object]:
        client = SigningClient(room.base, INTERNAL)
        holder = await client.holder(TEACHER)
        asked = await client.request(room.request(2, serial=holder.credentials[0].serial))
        seen = await client.transaction(asked.id)
        phone = await client.phone(TEACHER)
        ended = await client.cancel(asked.id)
        return [holder.name, seen.count, seen.status, len(phone.pairing_code), ended.status]

    assert asyncio.run(life()) == [
        "Phạm Thị Lan",
        2,
        Status.WAITING_CONFIRM,
        4,
        Status.SIGN_FAILED,
    ]


def test_the_phone_path_leads_to_the_phone(room: Room) -> None:
    """What the client is given opens in a browser, and asking again gives the same phone."""

    async def twice() -> tuple[object, object]:
        client = SigningClient(room.base, INTERNAL)
        return await client.phone(TEACHER), await client.phone(TEACHER)

    first, second = asyncio.run(twice())

    assert first == second
    assert room.browser().open(first.path).status == 200  # type: ignore[attr-defined]


def test_a_refusal_carries_code_cause_and_remedy(room: Room) -> None:
    """E3 arrives as an exception that names the waiting transaction."""
    waiting = room.ask()

    async def second() -> None:
        await SigningClient(room.base, INTERNAL).request(room.request())

    with pytest.raises(SigningRefused) as caught:
        asyncio.run(second())
    assert caught.value.code == "REQUEST_ALREADY_WAITING"
    assert caught.value.status == 409
    assert caught.value.problem.transaction == waiting.id
    assert (
        caught.value.problem.remedy["vi"] == "Mở điện thoại. Xác nhận hoặc từ chối yêu cầu trước."
    )


def test_each_space_has_its_own_client(room: Room) -> None:
    """`in_space` asks under the space's path; there the other space's transaction is unknown."""
    other = room.spaces.open("lop-1", code="7777", title="Lớp 1")
    room.service.open_space(other, PEOPLE)
    asked = room.ask()

    async def elsewhere() -> None:
        await SigningClient(room.base, INTERNAL).in_space("lop-1").transaction(asked.id)

    with pytest.raises(SigningRefused) as caught:
        asyncio.run(elsewhere())
    assert caught.value.code == "SIGNATURE_TRANSACTION_NOT_FOUND"


def test_people_are_added_and_units_sign_automatically(room: Room) -> None:
    """The calls a world makes when it opens a school and when a Sở forwards."""

    async def run() -> tuple[str, Status, bool]:
        client = SigningClient(room.base, INTERNAL)
        (added,) = await client.add_holders(
            [
                NewHolder(
                    holder_id="948185000088",
                    name="Vũ Thị Mới",
                    pin="313131",
                    credentials=[
                        NewCredential(
                            kind="person",
                            subject_id="948185000088",
                            subject_name="Vũ Thị Mới",
                        )
                    ],
                )
            ]
        )
        unit = (await client.holder(DEPARTMENT)).credentials[0]
        reply = await client.sign_automatically(
            AutomaticRequest(serial=unit.serial, purpose="Chuyển tiếp", items=make_items(1))
        )
        ledger = await client.ledger(signer=DEPARTMENT)
        return added.name, reply.items[0].status, ledger.intact

    assert asyncio.run(run()) == ("Vũ Thị Mới", Status.SIGNED, True)


def test_a_service_that_is_away_is_unavailable() -> None:
    """Nobody listens: Unavailable, never a traceback of the HTTP library."""

    async def call() -> None:
        await SigningClient("http://127.0.0.1:9", INTERNAL).holder(TEACHER)

    with pytest.raises(Unavailable):
        asyncio.run(call())


def test_a_wrong_token_is_unavailable_not_a_refusal(room: Room) -> None:
    """A misconfigured neighbour is no fault of the sender's."""

    async def call() -> None:
        await SigningClient(room.base, "wrong").holder(TEACHER)

    with pytest.raises(Unavailable):
        asyncio.run(call())


def test_the_client_stays_on_loopback() -> None:
    """Servers call no outside address (architecture §6.15)."""

    async def call() -> None:
        await SigningClient("http://example.test", INTERNAL).holder(TEACHER)

    with pytest.raises(Misuse):
        asyncio.run(call())
