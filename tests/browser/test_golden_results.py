"""What the portal says around signing, as pictures that were looked at: 28/30, E1, E8, E9."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from sandbox.domain.lifecycle import Role
from sandbox.domain.report_card import Slot
from sandbox.wire.signing import Fault, Instrument
from tests.browser.conftest import OpenPage
from tests.browser.kept_pictures import changed
from tests.builders.erring import Case, token_of
from tests.builders.portal import House, house

pytestmark = [pytest.mark.browser, pytest.mark.long]

LONG_NAME = "Công Tằng Tôn Nữ Thị Diễm Quỳnh Hương"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("results")) as served:
        yield served


def sit(home: House, open_page: OpenPage, place: int, count: int, role: Role) -> Case:
    """Sit somebody down with *count* checked records of a class; the first has a long name."""
    name = home.school().classes[place].name
    made = home.checked(name, range(1, count + 1))
    with home.world.database.engine.begin() as connection:
        connection.execute(
            text("UPDATE portal_record SET pupil_name = :name WHERE record_id = :record"),
            {"name": LONG_NAME, "record": made[0]},
        )
    actor = home.actor(role, class_name=name)
    page = open_page(f"{home.base}/cong?m={token_of(home, actor)}", script="aborted")
    return Case(home, page, actor, name, made)


def test_twenty_eight_of_thirty(home: House, open_page: OpenPage) -> None:
    """The app signs row by row: two failed, and only they are signed again."""
    case = sit(home, open_page, 0, 30, Role.GVCN)
    case.sign_with(Instrument.A)
    case.arm_with(Fault(ma="E1", doi_tuong="2"))
    request = home.ask(Slot.GVCN, case.actor, case.records)
    home.confirm(case.actor.identity)
    case.go(f"/cong/yeu-cau/{request}/ket-qua")

    assert "28 trên 30" in case.text
    assert changed(case.page, "portal-28-of-30") == ""


def test_all_or_nothing(home: House, open_page: OpenPage) -> None:
    """A token signs all or none."""
    case = sit(home, open_page, 1, 3, Role.GVCN)
    case.sign_with(Instrument.U)
    case.review()
    case.read_the_token()
    case.arm_with(Fault(ma="E1"))
    waiting = f"/cong/yeu-cau/{home.ask(Slot.GVCN, case.actor, case.records)}"
    case.go(waiting)
    case.sign_with_the_token()
    case.go(waiting)

    assert changed(case.page, "portal-none-of-all") == ""


def test_the_wrong_certificate_for_the_seal(home: House, open_page: OpenPage) -> None:
    """E9: a personal token was read where the school's is wanted."""
    teacher = sit(home, open_page, 2, 2, Role.GVCN)
    home.sign(Slot.GVCN, teacher.actor, teacher.records)
    home.sign(Slot.CBQL, home.actor(Role.CBQL), teacher.records)
    clerk = home.actor(Role.VAN_THU)
    page = open_page(f"{home.base}/cong?m={token_of(home, clerk)}", script="aborted")
    case = Case(home, page, clerk, teacher.class_name, teacher.records)
    case.sign_with(Instrument.G)
    case.arm("E9")
    case.review(task="phat-hanh")
    case.read_the_token()

    assert changed(case.page, "portal-e9") == ""


def test_an_expired_certificate_at_the_review(home: House, open_page: OpenPage) -> None:
    """E8: the old token was read, and the portal says so before anything is asked for."""
    case = sit(home, open_page, 3, 2, Role.GVCN)
    case.sign_with(Instrument.U)
    case.arm("E8")
    case.review()
    case.read_the_token()

    assert "Mã: E8" in case.text
    assert changed(case.page, "portal-e8") == ""
