"""The queue of packages, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.ministry import package_store, store
from sandbox.ministry.model import (
    PROFILES,
    Account,
    Claim,
    Package,
    PackageState,
    ResultLine,
)
from sandbox.ministry.package_store import Settlement
from sandbox.ministry.tables_store import METADATA, forget_space, take_numbers
from sandbox.web import Database

KHO = {"space": "tap", "desk": "kho"}


@pytest.fixture(autouse=True)
def tables(database: Database) -> None:
    database.create(METADATA)


def a_package(
    *, space: str = "tap", at: float = 0.0, user: str = "truong", rank: int = 0
) -> Package:
    return Package(
        space=space,
        desk="kho",
        messageid=str(uuid.uuid4()),
        user_name=user,
        unit_code="48999401",
        nam_hoc=2024,
        request_hash="h",
        size=4,
        state=PackageState.WAITING,
        received_epoch=at,
        received_at="2025-05-28T08:00:00+07:00",
        due_epoch=at,
        rank=rank,
    )


def put(database: Database, package: Package) -> bool:
    with database.write() as connection:
        return package_store.add_package(connection, package, content=b"\x00AAAA\xff")


def take(
    database: Database, *, worker: str = "a", epoch: float = 1.0, seconds: float = 60.0
) -> Claim | None:
    with database.write() as connection:
        claims = package_store.claim(connection, worker=worker, epoch=epoch, seconds=seconds)
    return claims[0] if claims else None


def done(*lines: ResultLine) -> Settlement:
    return Settlement(
        state=PackageState.DONE,
        findings=({"code": "SBX-1191", "value": "ề"},),
        lines=lines,
        timings={"4": 0.5},
        epoch=9.0,
    )


def settle(database: Database, claimed: Claim, settlement: Settlement) -> bool:
    with database.write() as connection:
        return package_store.settle(connection, claimed, settlement)


def found(database: Database, package: Package) -> Package:
    with database.read() as connection:
        row = package_store.package_of(
            connection, package.messageid, space=package.space, desk=package.desk
        )
    assert row is not None
    return row


def test_a_package_comes_back_as_it_was_put_in(database: Database) -> None:
    """Every field and every byte of content survives."""
    package = a_package()
    put(database, package)

    assert found(database, package) == package
    claimed = take(database)
    assert claimed is not None
    assert claimed.content == b"\x00AAAA\xff"


def test_a_messageid_is_taken_once(database: Database) -> None:
    """The second insert says so instead of failing."""
    package = a_package()

    assert (put(database, package), put(database, package)) == (True, False)


def test_the_oldest_due_package_is_claimed_first(database: Database) -> None:
    """First come, first checked; what is not due yet is left alone."""
    late, early, future = a_package(at=0.5), a_package(at=0.1), a_package(at=5.0)
    for package in (late, early, future):
        put(database, package)

    claims = [take(database) for _ in range(3)]

    assert [c and c.package.messageid for c in claims] == [early.messageid, late.messageid, None]


def test_a_claim_that_runs_out_is_claimed_again(database: Database) -> None:
    """A worker that died loses its package to another when its time is over."""
    put(database, a_package())
    first = take(database, worker="dead", epoch=1.0, seconds=10.0)

    assert first is not None
    assert take(database, worker="b", epoch=10.9) is None
    assert take(database, worker="b", epoch=11.1) is not None


def test_a_lost_claim_writes_nothing(database: Database) -> None:
    """Whoever lost the claim cannot settle, put back or renew."""
    package = a_package()
    put(database, package)
    lost = take(database, worker="slow", seconds=1.0)
    taken = take(database, worker="quick", epoch=5.0)
    assert lost is not None
    assert taken is not None

    with database.write() as connection:
        assert not package_store.renew(connection, lost, until=99.0)
        assert not package_store.put_back(connection, lost, due=0.0, reason="x")
    assert not settle(database, lost, done())

    assert found(database, package).state is PackageState.CLAIMED
    assert settle(database, taken, done())


def test_a_package_is_settled_once(database: Database) -> None:
    """A second settlement of the same claim changes nothing."""
    package = a_package()
    put(database, package)
    claimed = take(database)
    assert claimed is not None
    line = ResultLine(
        number=1,
        uuid="u",
        pupil_code=None,
        pupil_name="Nguyễn Thị Ề",
        pupil_id="948",
        accepted=True,
        findings=({"code": "SBX-3061"},),
    )

    assert settle(database, claimed, done(line))
    assert not settle(database, claimed, done(line))

    with database.read() as connection:
        lines = package_store.results_of(connection, package.messageid, space="tap", desk="kho")
    assert lines == [line]
    row = found(database, package)
    assert (row.state, row.records, row.accepted, row.refused) == (PackageState.DONE, 1, 1, 0)
    assert row.findings == ({"code": "SBX-1191", "value": "ề"},)
    assert row.timings == {"4": 0.5}


def test_a_package_put_back_waits_with_its_reason(database: Database) -> None:
    """It is due later and says why; a fault is counted, waiting is not."""
    package = a_package()
    put(database, package)
    claimed = take(database)
    assert claimed is not None
    with database.write() as connection:
        package_store.put_back(connection, claimed, due=20.0, reason="CRL GIA_LAP_CA")

    row = found(database, package)

    assert (row.state, row.reason, row.faults) == (PackageState.WAITING, "CRL GIA_LAP_CA", 0)
    assert take(database, epoch=19.9) is None
    assert take(database, epoch=20.0) is not None


def test_open_packages_are_counted_up_to_the_limit(database: Database) -> None:
    """One in, one counted; one answered, one less; the one too many gets no rank."""
    open_account(database, "truong")

    ranks = [enter(database, "truong", limit=2) for _ in range(3)]

    assert ranks[2] is None
    with database.write() as connection:
        assert package_store.open_packages(connection, user_name="truong", **KHO) == 2
        package_store.leave(connection, {("tap", "kho", "truong"): 1})
        assert package_store.open_packages(connection, user_name="truong", **KHO) == 1
    assert enter(database, "truong", limit=2) is not None


def test_senders_take_turns_and_each_sends_its_oldest_first(database: Database) -> None:
    """Who comes late with one package does not wait for all of the one who came with many."""
    for name in ("nhieu", "it", "sau"):
        open_account(database, name)

    def send(user: str, at: float) -> str:
        rank = enter(database, user)
        assert rank is not None
        package = a_package(at=at, user=user, rank=rank)
        put(database, package)
        return user

    for number in range(6):
        send("nhieu", number / 100)
    send("it", 0.5)
    order = [served(database) for _ in range(3)]
    send("sau", 0.6)
    send("it", 0.7)
    order += [served(database) for _ in range(6)]

    assert order == ["nhieu", "it", "nhieu", "nhieu", "sau", "it", "nhieu", "nhieu", "nhieu"]


def test_a_package_that_failed_before_is_taken_alone(database: Database) -> None:
    """Should it bring its worker down again, no neighbour is held up with it."""
    for number in range(4):
        put(database, a_package(at=number / 100, rank=number))
    doubtful = take(database, worker="dies", epoch=1.0, seconds=1.0)
    assert doubtful is not None

    with database.write() as connection:
        alone = package_store.claim(connection, worker="b", epoch=5.0, seconds=60.0, limit=10)
        others = package_store.claim(connection, worker="b", epoch=5.0, seconds=60.0, limit=10)

    assert [c.package.messageid for c in alone] == [doubtful.package.messageid]
    assert alone[0].package.faults == 1
    assert len(others) == 3


def open_account(database: Database, name: str) -> None:
    account = Account(
        space="tap",
        desk="kho",
        user_name=name,
        salt="s",
        secret="x",
        unit_code="48999401",
        kind="truong",
        profile=PROFILES["so"],
        allowed_ips=(),
    )
    with database.write() as connection:
        store.add_account(connection, account)


def enter(database: Database, name: str, *, limit: int = 100) -> int | None:
    with database.write() as connection:
        return package_store.enter(connection, user_name=name, limit=limit, **KHO)


def served(database: Database) -> str:
    """Claim the next package, settle it, and return whose it was."""
    claimed = take(database)
    assert claimed is not None
    assert settle(database, claimed, done())
    with database.write() as connection:
        package_store.leave(connection, {claimed.package.account: 1})
    return claimed.package.user_name


def test_many_workers_share_the_queue_without_taking_a_package_twice(database: Database) -> None:
    """Sixteen threads, forty packages: each is claimed by exactly one."""
    packages = [a_package(at=number / 100) for number in range(40)]
    for package in packages:
        put(database, package)
    taken: list[str] = []
    lock = threading.Lock()

    def work(name: int) -> None:
        while claimed := take(database, worker=f"w{name}"):
            with lock:
                taken.append(claimed.package.messageid)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))

    # On PostgreSQL a worker may step over the last locked rows and stop: another has them.
    assert sorted(taken) == sorted(package.messageid for package in packages)


def test_numbers_are_taken_in_order_and_never_twice(database: Database) -> None:
    """Eight threads take ranges of numbers; together they are gapless."""

    def draw(_number: int) -> int:
        with database.write() as connection:
            return take_numbers(connection, space="tap", desk="kho", name="luu-hanh", count=3)

    with ThreadPoolExecutor(8) as pool:
        firsts = sorted(pool.map(draw, range(24)))

    assert firsts == [1 + 3 * number for number in range(24)]


def test_a_rolled_back_transaction_gives_its_numbers_back(database: Database) -> None:
    """What was not committed never happened."""

    def fail_half_way() -> None:
        with database.write() as connection:
            take_numbers(connection, space="tap", desk="kho", name="luu-hanh")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()

    with database.write() as connection:
        assert take_numbers(connection, space="tap", desk="kho", name="luu-hanh") == 1


def test_forgetting_a_space_leaves_the_other_one_as_it_was(database: Database) -> None:
    """Only the rows of that space go."""
    mine, theirs = a_package(space="a"), a_package(space="b")
    put(database, mine)
    put(database, theirs)

    with database.write() as connection:
        forget_space(connection, space="a")

    with database.read() as connection:
        assert package_store.package_of(connection, mine.messageid, space="a", desk="kho") is None
    assert found(database, theirs) == theirs
