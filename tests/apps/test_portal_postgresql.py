"""The portal's statements on PostgreSQL: the same life, the same answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sandbox.domain.lifecycle import RecordState, Role
from sandbox.domain.report_card import Slot
from sandbox.portal import record_store
from sandbox.portal.context import Stopped
from tests.builders.portal import WORDS, house
from tests.builders.postgresql import postgresql


def test_a_record_lives_its_life_on_postgresql_and_is_packed_once(tmp_path: Path) -> None:
    """Sealed, packed by two at once into one package, sent, accepted; the trail is whole."""
    with postgresql("portal") as address, house(tmp_path, database=address) as home:
        class_name = home.school().classes[0].name
        made = home.sealed(class_name, [1, 2])
        clerk = home.actor(Role.VAN_THU)

        async def pack_twice() -> list[object]:
            pack = home.portal.packages.pack
            work = [asyncio.to_thread(pack, home.space, clerk, made) for _ in range(2)]
            return await asyncio.gather(*work, return_exceptions=True)

        outcomes = home.run(pack_twice())
        packed = [one for one in outcomes if isinstance(one, str)]
        assert len(packed) == 1
        assert sum(isinstance(one, Stopped) for one in outcomes) == 1
        request_id = home.run(home.portal.packages.sign(home.space, clerk, packed[0], **WORDS))
        home.confirm(clerk.identity)
        home.run(home.portal.signings.look(home.space, request_id))
        home.run(home.portal.packages.send(home.space, clerk, packed[0]))
        home.answered(packed[0])
        states = {line.state for line in home.lines(class_name).values()}
        assert states == {RecordState.CIRCULATING}
        with home.world.database.read() as connection:
            assert record_store.audit_is_whole(connection, "tap")


@pytest.mark.long
def test_many_teachers_asking_at_once_each_get_their_request(tmp_path: Path) -> None:
    """Five teachers of one school press [Ký] in the same moment; nobody is locked out."""
    with postgresql("portal") as address, house(tmp_path, database=address) as home:
        names = [group.name for group in home.school().classes]
        checked = {name: home.checked(name, [1, 2]) for name in names}

        async def ask_all() -> list[str]:
            work = [
                home.portal.signings.sign_records(
                    home.space,
                    home.actor(Role.GVCN, class_name=name),
                    Slot.GVCN,
                    checked[name],
                    **WORDS,
                )
                for name in names
            ]
            return await asyncio.gather(*work)

        requests = home.run(ask_all())
        assert len(set(requests)) == len(names)
        for name in names:
            home.confirm(home.actor(Role.GVCN, class_name=name).identity)
        home.run(home.portal.signings.look_at_live(home.space))
        for name in names:
            states = [line.state for line in home.lines(name).values()]
            assert states == [RecordState.SIGNED_GVCN] * 2
