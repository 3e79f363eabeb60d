"""Backup and restore as their user meets them: commands, running sandboxes, kill -9."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.defects import Delivery
from sandbox.documents import parse
from tests.builders.desks import SchoolDesk, school_desk
from tests.builders.postgresql import postgresql
from tests.builders.running import RunningSandbox, free_port, running

pytestmark = pytest.mark.long
ROWS = 60_000
KILLS = 8


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


def answers(desk: SchoolDesk, base_url: str, messageid: str, package: bytes) -> dict[str, Any]:
    """What a sender, the officer's tools and anybody hear of one class, over HTTP at *base_url*."""
    old = desk.sandbox.base_url
    cong, kho = (
        at.replace(old, base_url) for at in (desk.space.dia_chi.cong, desk.space.dia_chi.kho)
    )
    uuids = [record.uuid for record in map(record_of, parse(package).records)]
    admin = {"Authorization": f"Bearer {desk.sandbox.secrets['admin_token']}"}
    with httpx.Client(timeout=60, trust_env=False) as http:

        def post(url: str, body: Any) -> Any:
            return http.post(url, json=body).json()

        fields = desk.fields(messageid=messageid, type="2", function="TRA_KET_QUA_NOP")
        result = {"authenticationRequest": fields}
        found = [http.get(f"{kho}/quan-tri/v1/hoc-ba/{one}", headers=admin) for one in uuids]
        page = http.get(f"{kho}/tien-do", headers={"Accept": "text/html"})
        return {
            "result": post(f"{cong}/sandbox/v1/hoc-ba/trang-thai", result),
            "records": [answer.json() for answer in found if answer.status_code == 200],
            "verified": timeless(post(f"{kho}/sandbox/v1/kham-chu-ky", {"xml": package.decode()})),
            "progress": (page.status_code, figures(page.text)),
        }


def timeless(said: Any) -> Any:
    """Leave out when it was looked at: the clock went on."""
    if isinstance(said, dict):
        return {key: timeless(value) for key, value in said.items() if key != "kiem_luc"}
    return [timeless(one) for one in said] if isinstance(said, list) else said


def record_of(record: Any) -> Any:
    from sandbox.documents import identify

    return identify(record)


def figures(page: str) -> list[str]:
    """Return the cells of the page's tables: addresses and tokens differ, figures must not."""
    import re

    return re.findall(r"<td[^>]*>([^<]*)</td>", page)


def follow(folder: Path, database: str | None, port: int) -> RunningSandbox:
    sandbox = RunningSandbox(folder, port, database)
    sandbox.start()
    return sandbox


def test_a_running_sandbox_moves_to_postgresql_and_back_and_answers_the_same(
    tmp_path: Path, server: str
) -> None:
    """The same token, results, bytes, verification and progress at all three places."""
    with running(tmp_path) as first, school_desk(first) as desk:
        group = desk.space.hoc_ba[:5]
        package = desk.package_of(group)
        sent = desk.submit(Delivery(package=package))
        desk.result(sent.messageid)
        wait_until_reported(desk, [record_of(one).uuid for one in parse(package).records])
        before = answers(desk, first.base_url, sent.messageid, package)
        made = first.hocba("backup", str(tmp_path / "one.hocba"), "--json")
        assert made.returncode == 0, made.stderr
        first.stop()

        at_server = restored(first, tmp_path / "one.hocba", tmp_path / "server", server)
        try:
            moved = answers(desk, at_server.base_url, sent.messageid, package)
            again = at_server.hocba("backup", str(tmp_path / "two.hocba"))
            assert again.returncode == 0, again.stderr
        finally:
            at_server.stop()
        home = restored(first, tmp_path / "two.hocba", tmp_path / "home", None)
        try:
            back = answers(desk, home.base_url, sent.messageid, package)
        finally:
            home.stop()
        first.start()  # the desk closes its space there

    assert len(before["records"]) == 5
    assert [row["trang_thai"] for row in before["result"]["DanhSach"]] == [1] * 5
    assert before["verified"]["Error"] == "0"
    assert moved == before
    assert back == before
    assert json.loads(made.stdout)["rows"] > 400


def wait_until_reported(desk: SchoolDesk, uuids: list[str]) -> None:
    end = time.monotonic() + 90
    with desk.sandbox.admin() as admin:
        while time.monotonic() < end:
            found = [admin.record(desk.space.dia_chi.kho, one) for one in uuids]
            if all(row and row.state == "REPORTED" for row in found):
                return
            time.sleep(0.5)
    raise AssertionError("the Sở did not forward in time")


def restored(
    first: RunningSandbox, file: Path, folder: Path, database: str | None
) -> RunningSandbox:
    """Restore *file* by the command and start what came of it."""
    at = ["--database", database] if database else []
    done = first.hocba("restore", str(file), "--data", str(folder), *at, "--lang", "en")
    assert done.returncode == 0, done.stderr
    assert f"hocba up --data {folder}" in done.stdout
    return follow(folder, database, free_port())


# -- killed ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An installation whose restore takes a while, and its backup."""
    folder = tmp_path_factory.mktemp("large")
    house = RunningSandbox(folder / "data", 1)
    house.data.mkdir()
    assert house.hocba("reset", "tap").returncode == 0
    rows = (
        ("tap", "kho", n, "hoc-ba", None, None, None, 200, "0", "127.0.0.1", "x" * 30, "y" * 30)
        for n in range(1, ROWS + 1)
    )
    with sqlite3.connect(house.data / "sandbox.db") as connection:
        marks = ", ".join("?" * 12)
        connection.executemany(f"INSERT INTO ministry_exchange VALUES ({marks})", rows)
    connection.close()
    done = house.hocba("backup", str(folder / "large.hocba"))
    assert done.returncode == 0, done.stderr
    return house.data, folder / "large.hocba"


def start(house: RunningSandbox, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox.cli", *arguments],
        cwd=Path(__file__).parents[2],
        env=house.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_restore_killed_at_any_moment_leaves_nothing_that_is_served(
    large: tuple[Path, Path], server: str, tmp_path: Path, kind: str
) -> None:
    """Killed again and again, then left alone: never half of it, and at last all of it."""
    chance = random.Random(kind)
    _, file = large
    new = tmp_path / "new"
    house = RunningSandbox(new, free_port(), None if kind == "sqlite" else fresh(server))
    at = ["--database", house.database] if house.database else []
    command = ("restore", str(file), "--data", str(new), *at)
    for _ in range(KILLS):
        running_restore = start(house, *command)
        end = time.monotonic() + 60
        while not (tmp_path / ".new.restoring").exists() and time.monotonic() < end:
            if running_restore.poll() is not None:
                break
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 1.5))
        running_restore.send_signal(signal.SIGKILL)
        ended = running_restore.wait()
        if ended == 0 or (new.exists() and not (new / "restoring.json").exists()):
            break  # it was quicker than the kill
        assert not (new / "sandbox.db").exists()
        refused = house.hocba("backup", str(tmp_path / f"none-{time.monotonic_ns()}"))
        assert refused.returncode == 2
    else:
        assert house.hocba(*command).returncode == 0
    counted = house.hocba("backup", str(tmp_path / "all.hocba"), "--json", *at_data(new, at))

    assert counted.returncode == 0, counted.stderr
    assert json.loads(counted.stdout)["tables"]["ministry_exchange"] == ROWS
    assert not (tmp_path / ".new.restoring").exists()


def at_data(new: Path, at: list[str]) -> list[str]:
    return ["--data", str(new), *at]


def fresh(server: str) -> str:
    """Make one more database on the throw-away server; return its address."""
    from sandbox.web import Database

    maintenance = Database(server)
    with maintenance.engine.connect() as connection:
        at_once = connection.execution_options(isolation_level="AUTOCOMMIT")
        at_once.exec_driver_sql("CREATE DATABASE killed")
    maintenance.close()
    return server.replace("/tests?", "/killed?")


def test_a_backup_killed_leaves_no_file_of_that_name(
    large: tuple[Path, Path], tmp_path: Path
) -> None:
    """What has its name is whole; the installation is untouched and can be backed up anew."""
    data, _ = large
    house = RunningSandbox(data, 1)
    file = tmp_path / "cut.hocba"
    at_work = start(house, "backup", str(file))
    end = time.monotonic() + 60
    while not list(tmp_path.glob(".cut*")) and time.monotonic() < end:
        time.sleep(0.01)
    at_work.kill()
    at_work.wait()
    there = file.exists()
    again = house.hocba("backup", str(file), "--json")

    assert not there
    assert again.returncode == 0
    assert json.loads(again.stdout)["tables"]["ministry_exchange"] == ROWS
