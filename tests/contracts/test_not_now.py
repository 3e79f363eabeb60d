"""A database that is full, read-only, restarting or gone, or no room: 503 and Retry-After."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from sandbox.ministry.answers import Busy
from sandbox.ministry.back_pressure import BackPressure, IntakeLimits
from sandbox.ministry.backlog_store import Backlog, backlog
from sandbox.web import Database
from sandbox.web.bodies import Bodies, Crowded
from sandbox.web.store import DatabaseAway
from tests.builders.ministry import ADMIN_TOKEN, Caller, Installation, installed, signed
from tests.contracts.conftest import Cluster


def administer(cluster: Cluster, *statements: str) -> None:
    """Run statements as the server's administrator, each by itself."""
    maintenance = Database(cluster.url("postgres"))
    with maintenance.engine.connect() as connection:
        at_once = connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in statements:
            at_once.exec_driver_sql(statement)
    maintenance.close()


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installed(f"sqlite:///{tmp_path_factory.mktemp('away') / 'desk.db'}") as installation:
        installation.open_space("tap")
        yield installation


@pytest.fixture(scope="module")
def on_postgresql(cluster: Cluster) -> Iterator[Installation]:
    administer(cluster, "CREATE DATABASE away")
    with installed(cluster.url("away"), pages=True) as installation:
        installation.open_space("tap")
        yield installation


@pytest.fixture(params=["on_sqlite", "on_postgresql"])
def ministry(request: pytest.FixtureRequest) -> Installation:
    found: Installation = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def school(ministry: Installation) -> Caller:
    ministry.clock.advance(5)  # the account's rate has recovered from the test before
    return Caller.of_school(ministry).log_in()


@contextmanager
def sqlite_told(database: Database, pragma: str) -> Iterator[None]:
    """Give every new connection a PRAGMA: the driver's own full disk or read-only file."""

    def tell(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA {pragma}")

    database.engine.dispose()
    event.listen(database.engine, "connect", tell)
    try:
        yield
    finally:
        event.remove(database.engine, "connect", tell)
        database.engine.dispose()


@contextmanager
def postgresql_told(cluster: Cluster, database: Database, setting: str) -> Iterator[None]:
    """Change a setting of the database for connections to come."""
    administer(cluster, f"ALTER DATABASE {database.url.database} {setting}")
    database.engine.dispose()
    try:
        yield
    finally:
        administer(cluster, f"ALTER DATABASE {database.url.database} RESET ALL")
        database.engine.dispose()


@contextmanager
def read_only(database: Database, request: pytest.FixtureRequest) -> Iterator[None]:
    if database.dialect == "sqlite":
        with sqlite_told(database, "query_only=ON"):
            yield
        return
    cluster = request.getfixturevalue("cluster")
    with postgresql_told(cluster, database, "SET default_transaction_read_only = on"):
        yield


def ending(database: Database) -> str:
    """Return the statement that ends every connection of *database*."""
    name = database.url.database
    return f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"


def number(last: int) -> str:
    return f"90000000-0000-4000-8000-{last:012}"


def test_what_cannot_be_written_is_answered_in_the_printed_fields_and_accepted_later(
    ministry: Installation, school: Caller, request: pytest.FixtureRequest
) -> None:
    """SBX-1118 with Retry-After in both languages; the same messageid is taken afterwards."""
    content = school.content_of([signed(ministry.cards[0])])
    body = school.submission(content, messageid=number(1))
    with read_only(ministry.database, request):
        vi = school.post("hoc-ba", body)
        en = school.post("hoc-ba", body, headers={"Accept-Language": "en"})
        admin = ministry.client.post(
            "/kho/quan-tri/v1/loi",
            json={"slow_ms": 0, "unavailable_percent": 0, "seed": "1"},
            headers={"Authorization": f"Bearer {ADMIN_TOKEN}"},
        )
    after = school.post("hoc-ba", body)
    ministry.work()

    assert (vi.status_code, vi.json()["Error"]) == (503, "SBX-1118")
    assert (vi.json()["ResponseCode"], vi.json()["MessageId"]) == ("TU_CHOI", number(1))
    assert int(vi.headers["Retry-After"]) > 0
    assert "Chờ số giây" in vi.json()["chi_tiet"][0]["cach_sua"]
    assert "Wait the seconds" in en.json()["chi_tiet"][0]["cach_sua"]
    assert (admin.status_code, admin.json()["error"]) == (503, "503")
    assert int(admin.headers["Retry-After"]) > 0
    assert after.json()["Error"] == "0"
    assert [r["trang_thai"] for r in school.result(number(1)).json()["DanhSach"]] == [1]


def test_a_full_sqlite_disk_is_away_and_loses_nothing(on_sqlite: Installation) -> None:
    """The driver's own 'database or disk is full': 503, and what was acknowledged stays."""
    school = Caller.of_school(on_sqlite).log_in()
    contents = [school.content_of([signed(card)]) for card in on_sqlite.cards[1:3]]
    first = school.submit(contents[0], messageid=number(2))
    with sqlite_told(on_sqlite.database, "max_page_count=1"):
        full = school.submit(contents[1], messageid=number(3))
        with pytest.raises(DatabaseAway, match="full"), on_sqlite.database.write() as connection:
            connection.exec_driver_sql("CREATE TABLE big (a TEXT)")
    again = school.submit(contents[1], messageid=number(3))
    on_sqlite.work()

    assert [a.status_code for a in (first, full, again)] == [200, 503, 200]
    for last in (2, 3):
        rows = school.result(number(last)).json()["DanhSach"]
        assert [row["trang_thai"] for row in rows] == [1]


def test_cut_connections_are_replaced_by_themselves(
    on_postgresql: Installation, cluster: Cluster
) -> None:
    """An administrator ends every connection: what meets a cut one is 503's, the next one works."""
    school = Caller.of_school(on_postgresql).log_in()
    administer(cluster, ending(on_postgresql.database))
    first, second = school.result(number(9)), school.result(number(9))

    def cut_off() -> None:
        with on_postgresql.database.write() as connection:
            administer(cluster, ending(on_postgresql.database))
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(DatabaseAway):
        cut_off()

    assert first.json()["Error"] in {"SBX-1118", "SBX-1202"}
    assert first.status_code != 503 or int(first.headers["Retry-After"]) > 0
    assert second.json()["Error"] == "SBX-1202"
    assert school.result(number(9)).json()["Error"] == "SBX-1202"


def test_with_nothing_readable_services_and_pages_say_503_and_come_back(
    on_postgresql: Installation, cluster: Cluster
) -> None:
    """The server takes no connections: SBX-1118 from services, 503 from pages, then all is well."""
    school = Caller.of_school(on_postgresql).log_in()
    body = school.submission("x")
    name = on_postgresql.database.url.database
    shut = f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"
    administer(cluster, shut, ending(on_postgresql.database))
    html = {"Accept": "text/html"}
    service = school.post("hoc-ba", body)
    page = on_postgresql.client.get("/kho/can-bo", headers=html)
    unknown = on_postgresql.client.get("/s/never-seen/kho", headers=html)
    administer(cluster, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    assert (service.status_code, service.json()["Error"]) == (503, "SBX-1118")
    assert [answer.status_code for answer in (page, unknown)] == [503, 503]
    assert int(page.headers["Retry-After"]) > 0
    assert "Máy đang bận" in page.text
    assert on_postgresql.client.get("/kho/can-bo", headers=html).status_code == 200


def test_no_server_at_all_is_away() -> None:
    """A refused connection says so, for whoever waits and tries again."""
    database = Database("postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    with pytest.raises(DatabaseAway), database.read():
        pass


# -- no room --------------------------------------------------------------------------------------


@contextmanager
def limited(ministry: Installation, **limits: int) -> Iterator[None]:
    """Give the desks other limits for a while."""
    usual = ministry.service.pressure
    ministry.service.pressure = BackPressure(
        ministry.database, ministry.clock, IntakeLimits(**limits), folders=(Path("/"),)
    )
    try:
        yield
    finally:
        ministry.service.pressure = usual


def test_a_full_backlog_holds_off_what_is_new_and_nothing_else(
    ministry: Installation, school: Caller
) -> None:
    """503 with figures and an estimate; results go on; when it has drained, so does intake."""
    contents = [school.content_of([signed(card)]) for card in ministry.cards[4:6]]
    with limited(ministry, waiting=1):
        first = school.submit(contents[0], messageid=number(21))
        ministry.clock.advance(2)
        second = school.submit(contents[1], messageid=number(22))
        pending = school.result(number(21))
        ministry.work()
        ministry.clock.advance(2)
        later = school.submit(contents[1], messageid=number(22))
        ministry.work()

    assert (first.status_code, pending.json()["Error"]) == (200, "SBX-1201")
    assert (second.status_code, second.json()["Error"]) == (503, "SBX-1118")
    assert second.json()["chi_tiet"][0]["truong"] == "goi_dang_cho"
    assert 5 <= int(second.headers["Retry-After"]) <= 3_600
    assert later.json()["Error"] == "0"
    assert [r["trang_thai"] for r in school.result(number(22)).json()["DanhSach"]] == [1]


@pytest.mark.parametrize(
    ("limits", "field"),
    [({"waiting_bytes": 1}, "byte_dang_cho"), ({"min_free_disk": 2**60}, "dung_luong_trong")],
)
def test_bytes_and_disk_hold_off_too(
    ministry: Installation, school: Caller, limits: dict[str, int], field: str
) -> None:
    """Nothing is acknowledged for which there is no room; tokens are still given."""
    content = school.content_of([signed(ministry.cards[6])])
    school.submit(content, messageid=number(31))
    with limited(ministry, **limits):
        refused = school.submit(content, messageid=number(32))
        token = school.log_in().token
    ministry.work()

    assert (refused.status_code, refused.json()["Error"]) == (503, "SBX-1118")
    assert refused.json()["chi_tiet"][0]["truong"] == field
    assert token
    assert school.result(number(32)).json()["Error"] == "SBX-1202"


def test_the_estimate_is_the_backlog_above_the_limit_by_the_pace(ministry: Installation) -> None:
    """120 packages settled in the last minute: 20 too many and a tenth of 100 take 15 s."""
    pressure = BackPressure(ministry.database, ministry.clock, IntakeLimits(waiting=100))
    seen = Backlog(packages=120, size=120, per_second=2.0)
    pressure.see(seen)
    with pytest.raises(Busy) as busy:
        pressure.require_room()

    assert busy.value.retry_after == 15


def test_the_backlog_is_read_from_indexes_alone(on_sqlite: Installation) -> None:
    """At a million packages too a look costs little: no package is opened for it."""
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        asked.append((statement, values))

    with on_sqlite.database.read() as connection:
        event.listen(connection, "before_cursor_execute", note)
        backlog(connection, epoch=on_sqlite.clock.epoch())
        event.remove(connection, "before_cursor_execute", note)
        plans = [
            str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", values).all())
            for said, values in asked
        ]

    assert ["COVERING INDEX" in plan for plan in plans] == [True, True], plans


# -- bodies in memory -----------------------------------------------------------------------------


def parts(*sizes: int) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Return a `receive` that gives a body in parts of these sizes."""
    left = list(sizes)

    async def receive() -> dict[str, Any]:
        size = left.pop(0)
        return {"type": "http.request", "body": b"x" * size, "more_body": bool(left)}

    return receive


def test_bodies_beyond_the_bound_are_refused_and_leave_no_trace() -> None:
    """The second of two bodies does not fit; it fits when the first is answered."""

    async def go() -> None:
        bodies = Bodies(100)
        first, second = bodies.body(parts(60)), bodies.body(parts(30, 30, 30))
        await first.receive()
        await second.receive()
        with pytest.raises(Crowded) as crowded:
            await second.receive()
        assert (bodies.held, crowded.value.retry_after > 0) == (60, True)
        first.release()
        again = bodies.body(parts(90))
        await again.receive()
        again.release()
        assert bodies.held == 0

    asyncio.run(go())


def test_one_body_always_has_room() -> None:
    """A bound smaller than a lawful body would otherwise refuse it for ever."""

    async def go() -> None:
        bodies = Bodies(10)
        await bodies.body(parts(500)).receive()
        assert bodies.held == 500

    asyncio.run(go())


def test_a_service_without_room_for_the_body_answers_in_its_fields(
    ministry: Installation, school: Caller
) -> None:
    """Memory held by others: SBX-1118 with Retry-After, and the next request is served."""
    house = ministry.app.state.web
    body = school.submission("x" * 1_000_000)
    house.bodies.held += house.bodies.limit
    refused = school.post("hoc-ba", body)
    house.bodies.held -= house.bodies.limit

    assert (refused.status_code, refused.json()["Error"]) == (503, "SBX-1118")
    assert int(refused.headers["Retry-After"]) > 0
    assert house.bodies.held == 0
    assert school.post("hoc-ba", body).status_code == 200
