"""The same life on PostgreSQL: a class goes in, is accepted, forwarded, and outlives a restart."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.defects import Delivery
from sandbox.web import Database
from tests.builders.desks import SchoolDesk, Sent, school_desk
from tests.builders.running import RunningSandbox, running
from tests.contracts.conftest import Cluster

PUPILS = 30
PATIENCE_S = 90.0


@pytest.fixture(scope="module")
def address(cluster: Cluster) -> str:
    """The address of an empty database on the throw-away server."""
    name = f"life_{uuid.uuid4().hex[:12]}"
    maintenance = Database(cluster.url("postgres"))
    with maintenance.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(
            f"CREATE DATABASE {name}"
        )
    maintenance.close()
    return cluster.url(name)


@pytest.fixture(scope="module")
def house(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """`hocba up` on PostgreSQL."""
    with running(tmp_path_factory.mktemp("postgres"), database=address) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def desk(house: RunningSandbox) -> Iterator[SchoolDesk]:
    with school_desk(house, profile="truong") as opened:
        yield opened


@pytest.fixture(scope="module")
def sent(desk: SchoolDesk) -> Sent:
    """The first class of thirty, signed by its people and sent by its school."""
    first = desk.space.hoc_ba[0]
    group = [r for r in desk.space.hoc_ba if (r.ma_truong, r.lop) == (first.ma_truong, first.lop)]
    assert len(group) == PUPILS
    return desk.submit(Delivery(package=desk.package_of(group)))


def test_a_class_of_thirty_is_accepted(desk: SchoolDesk, sent: Sent) -> None:
    """Thirty records in, thirty accepted, without a remark."""
    result = desk.result(sent.messageid)

    assert [row["trang_thai"] for row in result["DanhSach"]] == [1] * PUPILS
    assert [row["chi_tiet"] for row in result["DanhSach"]] == [[]] * PUPILS


def test_the_department_forwards_all_of_them(desk: SchoolDesk, sent: Sent) -> None:
    """The background works on PostgreSQL too: the Kho reports what the Cổng accepted."""
    uuids = [row["ma_tra_cuu_uuid"] for row in desk.result(sent.messageid)["DanhSach"]]
    waiting = set(uuids)
    end = time.monotonic() + PATIENCE_S
    with desk.sandbox.admin() as admin:
        while waiting and time.monotonic() < end:
            found = {one: admin.record(desk.space.dia_chi.kho, one) for one in waiting}
            waiting -= {one for one, row in found.items() if row and row.state == "REPORTED"}
            time.sleep(0.5)

    assert waiting == set()


def test_the_rows_are_in_postgresql_and_nowhere_else(
    house: RunningSandbox, address: str, desk: SchoolDesk, sent: Sent
) -> None:
    """No file of SQLite appears beside the database that was asked for."""
    desk.result(sent.messageid)
    database = Database(address)
    with database.engine.connect() as connection:
        count = "SELECT COUNT(*) FROM ministry_record WHERE desk = 'so-48' AND space = %(space)s"
        rows = connection.exec_driver_sql(count, {"space": desk.space.khong_gian}).scalar_one()
    database.close()

    assert rows == PUPILS
    assert list(house.data.rglob("*.db*")) == []


def test_results_accounts_and_tokens_outlive_a_restart(
    house: RunningSandbox, desk: SchoolDesk, sent: Sent
) -> None:
    """After a stop and a start the same token gets the same answer, word for word."""
    before = desk.result(sent.messageid)
    house.stop()
    house.start()

    assert desk.ask(sent.messageid) == before
    assert house.open_space("practice").khong_gian != desk.space.khong_gian


def test_a_second_start_does_not_fill_the_practice_space_again(
    house: RunningSandbox, address: str
) -> None:
    """The practice space `tap` is as it was."""

    def pupils() -> list[tuple[str, ...]]:
        database = Database(address)
        with database.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT * FROM portal_pupil WHERE space = 'tap'")
            found = sorted(tuple(map(repr, row)) for row in rows)
        database.close()
        return found

    before = pupils()
    house.stop()
    house.start()

    assert len(before) > 200
    assert pupils() == before


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://nobody:secret@127.0.0.1:9/nothing",
        "sqlite:////nowhere/at/all.db",
        "sqlite:///{folder}/no-database.db",
    ],
)
def test_a_database_that_cannot_be_used_is_misuse_with_a_remedy(
    tmp_path: Path, address: str
) -> None:
    """A server that is away, a folder or a file that is none: exit 2, its name, what to do."""
    (tmp_path / "no-database.db").write_bytes(b"khong phai co so du lieu " * 200)
    sandbox = RunningSandbox(tmp_path / "data", 1, database=address.format(folder=tmp_path))
    sandbox.data.mkdir()
    done = sandbox.hocba("reset", "tap")

    assert done.returncode == 2
    assert "HOCBA_DATABASE" in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr
    assert "sqlalche" not in done.stderr
