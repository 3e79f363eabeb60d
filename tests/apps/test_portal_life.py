"""A record's whole life through the portal, with real desks, keys and phone pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from sandbox.domain.lifecycle import RecordState, Role
from sandbox.domain.report_card import Slot
from sandbox.portal import package_store, record_store
from sandbox.portal.context import Actor, Reason, Stopped
from sandbox.portal.model import POINTS, PackageState
from tests.builders.portal import WORDS, House, house


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("life")) as served:
        yield served


def names_of_classes(home: House) -> list[str]:
    return [group.name for group in home.school().classes]


def test_a_class_of_thirty_goes_from_first_draft_to_the_ministry(home: House) -> None:
    """Thirty records, four confirmations, one package: thirty accepted, thirty reported."""
    class_name = names_of_classes(home)[0]
    made = home.sealed(class_name, range(1, 31))
    assert len(made) == 30

    package_id = home.sent(made)
    states = Counter(line.state for line in home.lines(class_name).values())
    assert states == {RecordState.SENT: 30}

    home.answered(package_id)
    clerk = home.actor(Role.VAN_THU)
    package, lines = home.portal.packages.open(home.space, clerk, package_id)
    assert package.state is PackageState.ACCEPTED
    assert [line.result for line in lines] == [1] * 30
    states = Counter(line.state for line in home.lines(class_name).values())
    assert states == {RecordState.CIRCULATING: 30}

    officer = home.actor(Role.SO)
    assert home.run(home.portal.officer.collect(home.space, officer)) == 30
    assert home.run(home.portal.officer.forward(home.space, officer, purpose="test")) == 30
    home.check_all()
    with home.world.database.read() as connection:
        sent = package_store.packages(connection, "tap", unit_code="48", desk="kho")
    for one in sent:
        home.run(home.portal.packages.look(home.space, one))
    states = Counter(line.state for line in home.lines(class_name).values())
    assert states == {RecordState.REPORTED: 30}


def test_data_changed_after_signing_is_refused_mended_signed_again_and_accepted(
    home: House,
) -> None:
    """A planted change (SBX-3002) comes back; the new version, signed three times, is accepted."""
    class_name = names_of_classes(home)[1]
    made = home.sealed(class_name, (1, 2, 3))
    bad, clerk = made[1], home.actor(Role.VAN_THU)
    home.portal.repairs.plant(home.space, clerk, bad, "sua_sau_ky")
    home.answered(home.sent(made))
    lines = home.lines(class_name)
    assert lines[bad].state is RecordState.REJECTED
    assert lines[bad].code == "SBX-3002"
    assert lines[made[0]].state is RecordState.CIRCULATING

    teacher = home.actor(Role.GVCN, class_name=class_name)
    home.portal.repairs.mend(home.space, teacher, bad)
    line = home.portal.records.check(home.space, teacher, bad, POINTS)
    assert (line.version, line.state) == (2, RecordState.CHECKED)
    home.sign_on(class_name, [bad])
    second = home.sent([bad])
    home.answered(second)

    assert home.lines(class_name)[bad].state is RecordState.CIRCULATING
    reply = home.portal.lessons.record(home.space, bad)
    assert reply is not None
    assert reply.id == bad
    assert [s.vai for s in reply.ky] == ["GVCN", "CBQL", "KY_PHAT_HANH"]
    assert [len(v.ky) for v in reply.phien_ban_cu] == [3]


def test_a_missing_signature_of_the_head_goes_back_only_as_far_as_the_head(home: House) -> None:
    """SBX-3001 for CBQL keeps the teacher's signature, version and code."""
    class_name = names_of_classes(home)[2]
    (record_id,) = home.sealed(class_name, (1,))
    home.portal.repairs.plant(home.space, home.actor(Role.VAN_THU), record_id, "thieu_cbql")
    home.answered(home.sent([record_id]))
    assert home.lines(class_name)[record_id].code == "SBX-3001"

    line = home.portal.repairs.mend(home.space, home.actor(Role.CBQL), record_id)
    assert (line.state, line.version) == (RecordState.SIGNED_GVCN, 1)
    home.sign(Slot.CBQL, home.actor(Role.CBQL), [record_id])
    home.sign(Slot.KY_PHAT_HANH, home.actor(Role.VAN_THU), [record_id])
    home.answered(home.sent([record_id]))

    assert home.lines(class_name)[record_id].state is RecordState.CIRCULATING


def test_an_unapproved_certificate_cannot_seal_until_it_is_registered_and_approved(
    home: House,
) -> None:
    """The second school registers its seal, the Sở's officer approves it, then it seals."""
    class_name = home.school(2).classes[0].name
    made = home.checked(class_name, (1,), number=2)
    clerk, head = home.actor(Role.VAN_THU, number=2), home.actor(Role.CBQL, number=2)
    home.sign(Slot.GVCN, home.actor(Role.GVCN, number=2, class_name=class_name), made)
    home.sign(Slot.CBQL, head, made)
    with pytest.raises(Stopped) as stopped:
        home.ask(Slot.KY_PHAT_HANH, clerk, made)
    assert stopped.value.reason is Reason.NOT_APPROVED

    register(home, clerk)
    row = home.portal.certificates.row(home.space, clerk)
    assert row is not None
    assert row.registration_id is not None
    approve(home, row.registration_id)
    after = home.run(home.portal.certificates.look(home.space, row))
    assert after.state.value == "da_duyet"
    home.sign(Slot.KY_PHAT_HANH, clerk, made)
    home.answered(home.sent(made, number=2), number=2)

    assert home.lines(class_name, number=2)[made[0]].state is RecordState.CIRCULATING


def register(home: House, clerk: Actor) -> None:
    """Sign the registration on the phone and send it."""
    request_id = home.run(home.portal.certificates.begin(home.space, clerk, **WORDS))
    assert request_id is not None
    home.confirm(clerk.identity)
    home.run(home.portal.signings.look(home.space, request_id))
    assert home.run(home.portal.certificates.send(home.space, clerk)).state.value == "da_gui"


def approve(home: House, registration_id: str) -> None:
    """Press the officer's button at the Cổng."""
    browser = home.browser()
    browser.open(f"/kho/so/48/can-bo/cts/{registration_id}")
    assert browser.sheet is not None
    action = next(
        str(form.get("action"))
        for form in browser.sheet.tree.xpath("//form")
        if "/duyet" in str(form.get("action"))
    )
    form = next(f for f in browser.sheet.tree.xpath("//form") if f.get("action") == action)
    fields = {i.get("name"): i.get("value", "") for i in form.xpath(".//input")}
    assert browser.post(action, fields).status == 200


def test_the_audit_trail_names_each_step_and_is_whole(home: House) -> None:
    """Every step of a record stands in the trail, chained; a changed line breaks the chain."""
    class_name = names_of_classes(home)[3]
    (record_id,) = home.sealed(class_name, (1,))
    with home.world.database.read() as connection:
        lines = [a[1] for a in record_store.audit(connection, "tap", record_id=record_id)]
        assert record_store.audit_is_whole(connection, "tap")
    signed = [line for line in lines if line.action.startswith("ky:")]
    assert [line.action for line in signed] == ["ky:GVCN", "ky:CBQL", "ky:KY_PHAT_HANH"]
    assert all(line.approved_at for line in signed)
    assert len({line.digest_after for line in signed}) == 1
