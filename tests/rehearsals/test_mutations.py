"""Every single fault, sent to the desk of a running sandbox, gets its own code at its place."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from sandbox.defects import DEFECTS
from sandbox.domain.rejections import CATALOGUE, Stage
from sandbox.settings import read_settings
from tests.builders.campaign import CHECKED, Campaign, peak_mb, processes, said_by
from tests.builders.desks import school_desk
from tests.builders.running import running

pytestmark = pytest.mark.xdist_group("mutations")

MEGABYTES = 300


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    """All mutations, sent to a sandbox that does nothing else."""
    folder = tmp_path_factory.mktemp("mutations")
    with running(folder) as sandbox, school_desk(sandbox) as desk:
        deliveries = {name: defect.make(desk.kit) for name, defect in DEFECTS.items()}
        settings = read_settings({"HOCBA_DATA": str(sandbox.data), "HOCBA_PORT": str(sandbox.port)})
        made = Campaign(desk, deliveries, settings, folder)
        made.before = [process.pid for process in processes(sandbox)]
        made.run()
        yield made


@pytest.mark.parametrize("name", DEFECTS)
def test_a_mutation_gets_the_code_of_its_fault_at_its_place(campaign: Campaign, name: str) -> None:
    """Receipt or result names the catalogue's code, where it stands, why, and what to do."""
    defect, sent = DEFECTS[name], campaign.sent[name]
    code, details = campaign.answer(name)

    assert sent.status == (CATALOGUE[code].http_status if not sent.taken_in else 200)
    assert sent.taken_in == (defect.stage is not Stage.RECEIPT)
    if defect.is_warning:
        result = campaign.results[sent.messageid]
        assert [row["trang_thai"] for row in result["DanhSach"]] == [1] * len(result["DanhSach"])
        details = [d for d in details + result["chi_tiet"] if d["ma"] == defect.provokes]
    else:
        assert code == defect.provokes
    assert details[0]["ma"] == defect.provokes
    assert defect.place in (None, details[0]["xpath"], details[0]["con_tro_json"])
    assert details[0]["nguyen_nhan"]
    assert details[0]["cach_sua"]
    assert defect.within in (None, *(detail["ma"] for detail in details[1:]))


@pytest.mark.parametrize("name", DEFECTS)
def test_a_mutation_harms_no_good_neighbour(campaign: Campaign, name: str) -> None:
    """A faulty record is refused alone; a faulty package or request leaves nothing accepted."""
    defect, sent = DEFECTS[name], campaign.sent[name]
    rows = campaign.results[sent.messageid]["DanhSach"] if sent.taken_in else []
    accepted = [row["trang_thai"] == 1 for row in rows]

    if defect.is_warning:
        assert all(accepted)
    elif defect.stage in (Stage.RECEIPT, Stage.PACKAGE):
        assert not any(accepted)
    else:
        assert accepted == [True] * (len(rows) - 1) + [False]


def test_many_mutations_and_many_codes_were_tried() -> None:
    """The issue asks for 60 mutations and 45 codes; most say the place too."""
    assert len(DEFECTS) >= 60
    assert len({defect.provokes for defect in DEFECTS.values()}) >= 45
    assert sum(defect.place is not None for defect in DEFECTS.values()) >= 150


def test_no_fault_of_a_sender_is_a_fault_of_the_desk(campaign: Campaign) -> None:
    """No call is answered 5xx, neither on the wire nor in the desk's own journal."""
    with campaign.desk.sandbox.admin() as admin:
        journal = admin.journal(campaign.desk.space.dia_chi.cong)

    assert {status for status in campaign.desk.statuses if status >= 500} == set()
    assert {row.error for row in journal if row.status >= 500} == set()
    assert len(campaign.sent) == len(DEFECTS)


def test_what_was_accepted_is_stored_and_nothing_else(campaign: Campaign) -> None:
    """The desk's tables hold exactly the accepted records and settled packages."""
    key = (campaign.desk.space.khong_gian, "so-48")
    where = "WHERE space = ? AND desk = ?"
    file = f"file:{campaign.settings.data / 'sandbox.db'}?mode=ro"
    with closing(sqlite3.connect(file, uri=True)) as database:

        def ask(columns: str, table: str, more: str = "") -> list[tuple[Any, ...]]:
            return database.execute(f"SELECT {columns} FROM {table} {where} {more}", key).fetchall()

        stored = {uuid for (uuid,) in ask("uuid", "ministry_record")}
        states = {state for (state,) in ask("DISTINCT state", "ministry_package")}
        framed = {messageid for (messageid,) in ask("messageid", "ministry_frame")}
        used = {messageid for (messageid,) in ask("messageid", "ministry_record")}
        counted = ask("SUM(accepted), SUM(refused)", "ministry_package")
        claims = ask("messageid", "ministry_package", "AND finished_epoch IS NULL")

    assert stored == campaign.accepted
    assert used <= framed
    assert states.isdisjoint({"cho", "dang_kiem"})
    assert claims == []
    assert counted == [(len(campaign.accepted), len(campaign.rows) - len(campaign.accepted))]


def test_a_refused_request_left_no_package(campaign: Campaign) -> None:
    """What the receipt refused is unknown to the desk afterwards: it may be sent again."""
    refused = [
        name
        for name, sent in campaign.sent.items()
        if not sent.taken_in and DEFECTS[name].needs == frozenset()
    ]
    asked = {campaign.desk.ask(campaign.sent[name].messageid)["Error"] for name in refused}

    assert asked == {"SBX-1202"}


def test_memory_stays_small_under_every_mutation(campaign: Campaign, record_property: Any) -> None:
    """Web and checking process live through all of it and never hold 300 MB."""
    now = processes(campaign.desk.sandbox)
    peaks = {process.pid: peak_mb(process) for process in now}
    record_property("peak_mb", sorted(peaks.values()))

    assert [process.pid for process in now] == campaign.before
    assert len(peaks) >= 2
    assert max(peaks.values()) < MEGABYTES


@pytest.mark.parametrize("name", CHECKED)
def test_validate_with_a_space_says_what_the_desk_says(campaign: Campaign, name: str) -> None:
    """`hocba validate --space` makes every check: the desk's own first code, before sending."""
    verdict = campaign.verdicts[name]
    code, details = campaign.answer(name)

    assert verdict.not_checked == ()
    assert verdict.codes[:1] == (() if DEFECTS[name].is_warning else (code,))
    assert said_by(verdict) >= {detail["ma"] for detail in details}
