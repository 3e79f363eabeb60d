"""Who may do what in the portal, and what cannot be done twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sandbox.domain.lifecycle import RecordState, Role
from sandbox.domain.report_card import Slot
from sandbox.errors import Refused
from sandbox.portal import editing, record_store
from sandbox.portal.context import Actor, Reason, Stopped
from sandbox.portal.model import POINTS
from tests.builders.portal import WORDS, House, house


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("guards")) as served:
        yield served


@pytest.fixture(scope="module")
def classes(home: House) -> Iterator[str]:
    """Give one fresh class after another: ten classes, one for each test that needs its own."""
    return iter([group.name for group in home.school().classes])


@pytest.fixture
def class_name(classes: Iterator[str]) -> str:
    return next(classes)


@pytest.fixture(scope="module")
def shared(home: House) -> tuple[str, list[str]]:
    """One class whose records are checked: each test takes a record of its own."""
    name = home.school(2).classes[0].name
    return name, home.checked(name, range(1, 21), number=2)


def teacher_of(home: House, shared: tuple[str, list[str]]) -> Actor:
    return home.actor(Role.GVCN, number=2, class_name=shared[0])


def reason_of(stopped: pytest.ExceptionInfo[Stopped]) -> Reason:
    return stopped.value.reason


def test_the_administrator_cannot_touch_results(home: House, shared: tuple[str, list[str]]) -> None:
    """1789 art. 33: neither results nor profile data, checked or not."""
    administrator = home.actor(Role.QUAN_TRI, number=2)
    for what in ("ket_qua", "ho_so"):
        with pytest.raises(Stopped) as stopped:
            home.portal.records.edit(
                home.space,
                administrator,
                shared[1][0],
                lambda card: editing.with_comment(card, "teacher_comment", "Khác."),
                what=what,
            )
        assert reason_of(stopped) is Reason.NOT_YOURS


def test_the_administrator_packs_only_where_the_school_says_so(home: House) -> None:
    """`dong_goi_boi` decides who initialises; the clerk by default."""
    administrator = home.actor(Role.QUAN_TRI, number=2)
    class_name = home.school(2).classes[1].name
    with pytest.raises(Stopped) as stopped:
        home.portal.records.initialise(home.space, administrator, class_name, [1])
    assert reason_of(stopped) is Reason.NOT_YOURS

    code = administrator.identity.unit_code
    home.portal.schools.set_packed_by(home.space, code, Role.QUAN_TRI)
    made = home.portal.records.initialise(home.space, administrator, class_name, [1])
    home.portal.schools.set_packed_by(home.space, code, Role.VAN_THU)

    assert len(made) == 1


def test_a_teacher_sees_only_her_own_class(home: House, shared: tuple[str, list[str]]) -> None:
    """A record of another class is not found for her."""
    other = home.school(2).classes[1].name
    stranger = home.actor(Role.GVCN, number=2, class_name=other)
    with pytest.raises(Stopped) as stopped:
        home.portal.records.open(home.space, stranger, shared[1][0])
    assert reason_of(stopped) is Reason.NOT_FOUND


def test_nobody_signs_in_anothers_place(home: House, shared: tuple[str, list[str]]) -> None:
    """The head cannot sign as teacher, nor the teacher seal."""
    for slot, role in ((Slot.GVCN, Role.CBQL), (Slot.KY_PHAT_HANH, Role.GVCN)):
        actor = home.actor(role, number=2, class_name=shared[0])
        with pytest.raises(Stopped) as stopped:
            home.ask(slot, actor, [shared[1][1]])
        assert reason_of(stopped) is Reason.NOT_YOURS


def test_the_head_cannot_sign_before_the_teacher(
    home: House, shared: tuple[str, list[str]]
) -> None:
    """E10: nothing is ready, nothing is asked for."""
    head = home.actor(Role.CBQL, number=2)
    preview = home.run(home.portal.signings.preview(home.space, head, Slot.CBQL, [shared[1][2]]))
    assert preview.ready == ()
    assert [word for _line, word in preview.left_out] == ["thieu_truoc"]


def test_a_record_is_checked_only_with_all_four_points(home: House, class_name: str) -> None:
    """Three of four points leave it a draft."""
    (record_id,) = home.portal.records.initialise(
        home.space, home.actor(Role.VAN_THU), class_name, [1]
    )
    teacher = home.actor(Role.GVCN, class_name=class_name)
    with pytest.raises(Stopped) as stopped:
        home.portal.records.check(home.space, teacher, record_id, POINTS[:3])
    assert reason_of(stopped) is Reason.POINTS_LEFT
    assert home.lines(class_name)[record_id].state is RecordState.DRAFT


def test_a_record_reported_wrong_cannot_be_checked_until_it_is_mended(
    home: House, class_name: str
) -> None:
    """Báo sai blocks; saving a correction clears it and starts a new version."""
    (record_id,) = home.portal.records.initialise(
        home.space, home.actor(Role.VAN_THU), class_name, [1]
    )
    teacher = home.actor(Role.GVCN, class_name=class_name)
    home.portal.records.report_wrong(home.space, teacher, record_id, ["nhan_xet"])
    with pytest.raises(Stopped) as stopped:
        home.portal.records.check(home.space, teacher, record_id, POINTS)
    assert reason_of(stopped) is Reason.WRONG_REPORTED

    line = home.portal.records.edit(
        home.space,
        teacher,
        record_id,
        lambda card: editing.with_comment(card, "teacher_comment", "Em chăm học, viết đẹp."),
        what="ket_qua",
    )

    assert (line.version, line.wrong) == (2, ())
    line = home.portal.records.check(home.space, teacher, record_id, POINTS)
    assert line.state is RecordState.CHECKED


def test_an_edit_that_breaks_the_rules_is_refused_and_changes_nothing(
    home: House, shared: tuple[str, list[str]]
) -> None:
    """A birth date against the personal ID is SBX-2009, as at the ministry."""
    record_id = shared[1][3]
    with pytest.raises(Refused) as refused:
        home.portal.records.edit(
            home.space,
            teacher_of(home, shared),
            record_id,
            lambda card: replace(
                card,
                general=replace(
                    card.general,
                    birth_date=card.general.birth_date.replace(
                        year=card.general.birth_date.year - 3
                    ),
                ),
            ),
            what="ho_so",
        )
    assert refused.value.code == "SBX-2009"
    assert home.lines(shared[0], number=2)[record_id].version == 1


def test_a_lower_score_brings_the_year_result_with_it(
    home: House, shared: tuple[str, list[str]]
) -> None:
    """After a score of 5 in Toán the result is computed again by Circular 27."""
    record_id, teacher = shared[1][4], teacher_of(home, shared)
    home.portal.records.edit(
        home.space,
        teacher,
        record_id,
        lambda card: editing.with_subject(card, "S02", level="H", score=5),
        what="ket_qua",
    )
    row, _made, _kept = home.portal.records.open(home.space, teacher, record_id)
    assert row.card.summary.result == "Hoàn thành"
    assert row.card.summary.award is None or "Học sinh" not in row.card.summary.award


def test_a_signed_record_cannot_be_edited_only_cancelled_with_a_reason(
    home: House, class_name: str
) -> None:
    """Xin huỷ without a reason is E12; agreed, the old version is kept with its signature."""
    (record_id,) = home.checked(class_name, [1])
    teacher, head = home.actor(Role.GVCN, class_name=class_name), home.actor(Role.CBQL)
    home.sign(Slot.GVCN, teacher, [record_id])
    with pytest.raises(Stopped) as stopped:
        home.portal.records.edit(
            home.space,
            teacher,
            record_id,
            lambda card: editing.with_comment(card, "teacher_comment", "Khác."),
            what="ket_qua",
        )
    assert reason_of(stopped) is Reason.SIGNED
    with pytest.raises(Stopped) as stopped:
        home.portal.repairs.ask_cancel(home.space, teacher, record_id, "  ")
    assert reason_of(stopped) is Reason.REASON_EMPTY

    home.portal.repairs.ask_cancel(home.space, teacher, record_id, "Sai nhận xét")
    line = home.portal.repairs.answer_cancel(home.space, head, record_id, agree=True)

    assert (line.state, line.version) == (RecordState.DRAFT, 2)
    reply = home.portal.lessons.record(home.space, record_id)
    assert reply is not None
    assert reply.ky == []
    assert [(v.trang_thai, v.ly_do, len(v.ky)) for v in reply.phien_ban_cu] == [
        ("da_huy", "Sai nhận xét", 1)
    ]


def test_a_second_request_of_the_same_signer_waits_for_the_first(
    home: House, shared: tuple[str, list[str]]
) -> None:
    """E3: nothing new is asked for while the phone still shows the former request."""
    teacher = teacher_of(home, shared)
    first = home.ask(Slot.GVCN, teacher, [shared[1][5]])
    with pytest.raises(Stopped) as stopped:
        home.ask(Slot.GVCN, teacher, [shared[1][6]])
    assert (reason_of(stopped), stopped.value.request_id) == (Reason.ALREADY_WAITING, first)
    home.run(home.portal.signings.withdraw(home.space, teacher, first))
    assert home.lines(shared[0], number=2)[shared[1][5]].request_id is None


def test_another_teacher_does_not_see_whose_signatures_were_asked_for(
    home: House, shared: tuple[str, list[str]]
) -> None:
    """A request of another class is as if it were not there; its own teacher sees it."""
    teacher = teacher_of(home, shared)
    asked = home.ask(Slot.GVCN, teacher, [shared[1][7]])
    other_class = next(g.name for g in home.school(2).classes if g.name != shared[0])
    other = home.actor(Role.GVCN, number=2, class_name=other_class)
    name = home.lines(shared[0], number=2)[shared[1][7]].pupil_name

    seen = home.browser(other).open(f"/cong/yeu-cau/{asked}")
    own = home.browser(teacher).open(f"/cong/yeu-cau/{asked}")

    home.run(home.portal.signings.withdraw(home.space, teacher, asked))
    assert "Không thấy" in seen.heading
    assert name not in seen.heading
    assert "điện thoại" in own.heading


def test_looking_twice_makes_one_signature(home: House, shared: tuple[str, list[str]]) -> None:
    """Two looks after one confirmation, and a third later: one row, one version."""
    teacher, record_id = teacher_of(home, shared), shared[1][7]
    request_id = home.sign(Slot.GVCN, teacher, [record_id])
    for _ in range(2):
        home.run(home.portal.signings.look(home.space, request_id))
    with home.world.database.read() as connection:
        made = record_store.signatures(connection, "tap", [record_id])[record_id]
    assert len(made) == 1


def test_a_refused_request_lets_the_records_go(home: House, shared: tuple[str, list[str]]) -> None:
    """[Từ chối] on the phone leaves the record unsigned and free to be signed."""
    teacher, record_id = teacher_of(home, shared), shared[1][8]
    request_id = home.ask(Slot.GVCN, teacher, [record_id])
    browser = home.phone(teacher.identity)
    browser.follow("Xem yêu cầu")
    browser.send("Từ chối")
    view = home.run(home.portal.signings.look(home.space, request_id))

    assert view.request.status == "REJECTED"
    line = home.lines(shared[0], number=2)[record_id]
    assert (line.state, line.request_id) == (RecordState.CHECKED, None)
    home.sign(Slot.GVCN, teacher, [record_id])


def test_the_forwarder_completes_a_confirmation_nobody_came_back_for(
    home: House, shared: tuple[str, list[str]]
) -> None:
    """The teacher confirmed and left: the background round puts the signature in."""
    teacher, record_id = teacher_of(home, shared), shared[1][9]
    home.ask(Slot.GVCN, teacher, [record_id])
    home.confirm(teacher.identity)
    assert home.run(home.forwarder.run_once())
    assert home.lines(shared[0], number=2)[record_id].state is RecordState.SIGNED_GVCN


def test_an_unsigned_package_is_not_sent(home: House, class_name: str) -> None:
    """E13a: it stays as it is."""
    made = home.sealed(class_name, [1])
    clerk = home.actor(Role.VAN_THU)
    package_id = home.portal.packages.pack(home.space, clerk, made)
    with pytest.raises(Stopped) as stopped:
        home.run(home.portal.packages.send(home.space, clerk, package_id))
    assert reason_of(stopped) is Reason.PACKAGE_UNSIGNED
    with pytest.raises(Stopped) as stopped:
        home.run(
            home.portal.packages.sign(home.space, home.actor(Role.QUAN_TRI), package_id, **WORDS)
        )
    assert reason_of(stopped) is Reason.NOT_YOURS


def test_sending_a_package_twice_sends_it_once(home: House, class_name: str) -> None:
    """The second press finds it sent; the desk holds one package."""
    made = home.sealed(class_name, [1])
    clerk, package_id = home.actor(Role.VAN_THU), home.sent(made)
    again = home.run(home.portal.packages.send(home.space, clerk, package_id))
    assert again.state.value == "da_nop"
    found = home.world.ministry.packages(home.space, "so-48", limit=50)
    assert sum(package.messageid == package_id for package in found) == 1


def test_two_spaces_hold_the_same_pupils_apart_and_a_reset_touches_one(home: House) -> None:
    """Resetting a space leaves the other's rows as they were, and opening it again fills it."""
    from sandbox.world.spaces import open_fresh, reset

    other = open_fresh(home.world, plan="practice", title="Lớp khác")
    class_name = home.school(2).classes[2].name
    clerk_here = home.actor(Role.VAN_THU, number=2)
    clerk_there = home.actor(Role.VAN_THU, number=2, space=other)
    here = home.portal.records.initialise(home.space, clerk_here, class_name, [1, 2])
    there = home.portal.records.initialise(other, clerk_there, class_name, [1, 2])
    assert here == there
    before = rows_of(home, "tap")

    home.portal.reset_space(other.id)

    assert rows_of(home, "tap") == before
    assert rows_of(home, other.id) == {}
    reset(home.world, other.id)
    assert rows_of(home, other.id) != {}


def rows_of(home: House, space: str) -> dict[str, int]:
    from sqlalchemy import func, select

    from sandbox.portal.store import METADATA

    with home.world.database.read() as connection:
        counted = {
            table.name: connection.execute(
                select(func.count()).select_from(table).where(table.c.space == space)
            ).scalar_one()
            for table in METADATA.sorted_tables
        }
    return {name: number for name, number in counted.items() if number}
