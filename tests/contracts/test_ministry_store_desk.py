"""Accounts, tokens, registers, records, progress, journal, audit: the same on both databases."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from sandbox.ministry import certificate_store, document_store, package_store, record_store, store
from sandbox.ministry.model import (
    PROFILES,
    Account,
    Audit,
    CertificateState,
    DeskSeed,
    Exchange,
    Package,
    PackageState,
    PupilFacts,
    RegisteredCertificate,
    RegisterUnit,
    StoredRecord,
    Tally,
)
from sandbox.ministry.package_store import Settlement
from sandbox.ministry.tables_store import METADATA
from sandbox.web import Database

HERE = {"space": "tap", "desk": "so-48"}
UNIT = RegisterUnit(
    ma_truong="48999401",
    ten_truong="Trường Tiểu học Ề (giả lập)",
    ma_so_giao_duc="48",
    ten_so_gd="Sở (giả lập)",
    ten_xa_phuong="Phường",
    ten_quan_huyen=None,
    ten_tinh_thanh_pho="Đà Nẵng",
    so_hoc_ba=150,
)
ACCOUNT = Account(
    space="tap",
    desk="so-48",
    user_name="truong48999401",
    salt="s",
    secret="x",
    unit_code="48999401",
    kind="truong",
    profile=PROFILES["truong"],
    allowed_ips=("10.0.0.0/8",),
)
ORIGINAL = "<HOC_BA>Nguyễn Mẫu\r\n</HOC_BA>".encode() + bytes(range(256))
RECORD = StoredRecord(
    uuid="90000000-0000-4000-8000-000000000001",
    number=1,
    school_code="48999401",
    department_code="48",
    school_year="2024-2025",
    pupil_id="948314000017",
    pupil_code="489990000017",
    pupil_name="Nguyễn Mẫu",
    sex="Nữ",
    birth_date="2014-03-09",
    state="CIRCULATING",
    messageid="m",
    start=5,
    length=len(ORIGINAL),
    xml=ORIGINAL,
    accepted_at="2025-05-28T08:00:00+07:00",
)


@pytest.fixture(autouse=True)
def tables(database: Database) -> None:
    database.create(METADATA)


def test_a_desk_is_known_once_it_is_opened(database: Database) -> None:
    """Opening twice is harmless; the Kho stands first."""
    with database.write() as connection:
        for desk, kind in (("so-48", "so"), ("kho", "kho"), ("kho", "kho")):
            store.add_desk(connection, DeskSeed(desk=desk, kind=kind, units=()), space="tap")
        names = [desk.desk for desk in store.desks_of(connection, space="tap")]

    assert names == ["kho", "so-48"]


def test_a_register_row_keeps_every_value_and_the_missing_district(database: Database) -> None:
    """Null is null: from 2025-2026 there is no district."""
    with database.write() as connection:
        store.add_units(connection, [UNIT], **HERE)
        store.add_units(connection, [replace(UNIT, so_hoc_ba=151)], **HERE)
        rows = store.units_of_account(connection, unit_code="48", kind="so", **HERE)

    assert rows == [replace(UNIT, so_hoc_ba=151)]


def test_an_account_comes_back_with_its_profile_and_addresses(database: Database) -> None:
    """Nothing of an account is lost, and only its hash is there."""
    with database.write() as connection:
        store.add_account(connection, ACCOUNT)
        assert store.account_of(connection, user_name=ACCOUNT.user_name, **HERE) == ACCOUNT


def test_an_allowance_refills_with_the_machines_clock(database: Database) -> None:
    """Ten at once, then one for each tenth of a second."""
    with database.write() as connection:
        store.add_account(connection, ACCOUNT)
        at_once = [store.take_turn(connection, ACCOUNT, epoch=100.0) for _ in range(11)]
        later = [store.take_turn(connection, ACCOUNT, epoch=100.1) for _ in range(2)]

    assert at_once == [True] * 10 + [False]
    assert later == [True, False]


def test_a_token_names_its_holder_until_it_runs_out(database: Database) -> None:
    """Only the hash is kept, and only at its own desk."""
    with database.write() as connection:
        store.add_token(connection, ACCOUNT, token="abc", expires=100.0)

        assert store.holder_of_token(connection, "abc", epoch=99.9, **HERE) == ACCOUNT.user_name
        assert store.holder_of_token(connection, "abc", epoch=100.0, **HERE) is None
        assert store.holder_of_token(connection, "abc", epoch=0.0, space="tap", desk="kho") is None


def settle_package(database: Database, document: bytes) -> None:
    """Keep *document* as that of the package every record here says it came in."""
    package = Package(
        **HERE,
        messageid="m",
        user_name=ACCOUNT.user_name,
        unit_code=ACCOUNT.unit_code,
        nam_hoc=2024,
        request_hash="h",
        size=1,
        state=PackageState.WAITING,
        received_epoch=0.0,
        received_at="2025-05-28T08:00:00+07:00",
        due_epoch=0.0,
    )
    settlement = Settlement(
        state=PackageState.DONE,
        findings=(),
        lines=(),
        timings={},
        epoch=1.0,
    )
    with database.write() as connection:
        package_store.add_package(connection, package, content=b"sent")
        (claim,) = package_store.claim(connection, worker="w", epoch=1.0, seconds=60.0)
        assert package_store.settle(connection, claim, settlement)
        document_store.keep_documents(connection, {"m": document}, **HERE)
        document_store.drop_bodies(connection, ["m"], **HERE)


def test_a_record_is_given_back_byte_for_byte(database: Database) -> None:
    """Cut out of its package's document, which is kept compressed: the same bytes."""
    settle_package(database, b"<DS>\n" + ORIGINAL + b"</DS>")
    with database.write() as connection:
        record_store.add_records(connection, [RECORD], **HERE)
        found = record_store.record_of(connection, RECORD.uuid, **HERE)
        document = document_store.document_of(connection, "m", **HERE)

    assert found == RECORD
    assert document == b"<DS>\n" + ORIGINAL + b"</DS>"


def test_a_pupil_has_one_valid_record_a_year_even_if_two_workers_try(database: Database) -> None:
    """The database itself refuses the second living record; a dead one leaves room."""
    other = replace(RECORD, uuid=RECORD.uuid.replace("1", "2"), number=2)
    with database.write() as connection:
        record_store.add_records(connection, [replace(RECORD, state="RECALLED")], **HERE)
        record_store.add_records(connection, [other], **HERE)

    third = replace(other, uuid=RECORD.uuid.replace("1", "3"), number=3)
    with database.write() as connection, pytest.raises(IntegrityError):
        record_store.add_records(connection, [third], **HERE)


def test_what_came_earlier_is_told_by_uuid_and_pupil(database: Database) -> None:
    """Used UUIDs count dead or alive; living records count per year."""
    facts = PupilFacts(RECORD.pupil_id, "Nguyễn Mẫu", "Nữ", "2014-03-09", RECORD.pupil_code)
    dead = replace(RECORD, state="RECALLED")
    with database.write() as connection:
        record_store.add_records(connection, [dead], **HERE)
        record_store.add_pupils(connection, [facts], **HERE)
        ids = [f"94831400{number:04}" for number in range(1_200)] + [RECORD.pupil_id]
        earlier = record_store.earlier_of(
            connection, uuids=[RECORD.uuid, "x"], pupil_ids=ids, **HERE
        )

    assert earlier.used == {RECORD.uuid}
    assert earlier.alive == frozenset()
    assert earlier.pupils == {RECORD.pupil_id: facts}


def test_circulating_records_come_in_order_after_a_number(database: Database) -> None:
    """The forwarding list pages by row number."""
    settle_package(database, b"<DS>\n" + ORIGINAL + b"</DS>")
    rows = [
        replace(RECORD, uuid=f"{n:08}-0000-4000-8000-000000000001", number=n, pupil_id=f"{n:012}")
        for n in (3, 1, 2)
    ]
    with database.write() as connection:
        record_store.add_records(connection, rows, **HERE)
        found = record_store.circulating_after(connection, 1, department="48", limit=10, **HERE)

    assert [row.number for row in found] == [2, 3]


def test_progress_is_counted_package_by_package(database: Database) -> None:
    """Counters add up; a school that sent nothing is in the list with zeros."""
    with database.write() as connection:
        store.add_units(connection, [UNIT, replace(UNIT, ma_truong="48999402")], **HERE)
        record_store.count_up(
            connection, {"48999401": Tally(28, 2, 1), "?": Tally(0, 1, 1)}, **HERE
        )
        record_store.count_up(connection, {"48999401": Tally(2, 0, 1)}, **HERE)
        rows = record_store.progress_of(connection, **HERE)

    assert [(r.accepted, r.refused, r.packages) for r in rows] == [(30, 2, 2), (0, 0, 0)]


def a_certificate(number: int, *, unit: str = "48999401") -> RegisteredCertificate:
    return RegisteredCertificate(
        messageid=f"m{number}",
        unit_code=unit,
        serial=f"0{number}",
        serial_key=str(number),
        issuer="CN=CA",
        subject="CN=x",
        der=b"\x30\x00\xff",
        not_before="2024-01-01T00:00:00+07:00",
        not_after="2026-12-31T23:59:59+07:00",
        kind="REMOTE_SIGNING",
        provider="GIA_LAP_CA",
        state=CertificateState.PENDING,
        registered_at=f"2025-05-28T08:0{number}:00+07:00",
        request_hash="h",
        findings=({"code": "SBX-1120"},),
    )


def test_a_registration_comes_back_as_it_was_made(database: Database) -> None:
    """Every field survives, the DER byte for byte."""
    with database.write() as connection:
        assert certificate_store.add_certificate(connection, a_certificate(1), **HERE)
        assert not certificate_store.add_certificate(connection, a_certificate(1), **HERE)
        found = certificate_store.certificate_of(connection, "m1", **HERE)

    assert found == a_certificate(1)


def test_approving_a_certificate_replaces_the_units_former_one(database: Database) -> None:
    """The old one keeps the moment it was replaced; a decision is made once."""
    with database.write() as connection:
        for number in (1, 2):
            certificate_store.add_certificate(connection, a_certificate(number), **HERE)
        assert certificate_store.approve(connection, "m1", at="T1", **HERE) is not None
        assert certificate_store.approve(connection, "m2", at="T2", **HERE) is not None
        assert certificate_store.refuse(connection, "m2", at="T3", reason="x", **HERE) is None
        rows = certificate_store.certificates_of(connection, units=("48999401",), **HERE)

    assert [(r.state, r.replaced_at) for r in rows] == [
        (CertificateState.REPLACED, "T2"),
        (CertificateState.APPROVED, None),
    ]


def test_another_units_serial_is_found(database: Database) -> None:
    """A refused registration blocks nobody."""
    with database.write() as connection:
        certificate_store.add_certificate(connection, a_certificate(1), **HERE)
        asked = {"serial_key": "1", "issuer": "CN=CA", "unit_code": "48999402", **HERE}

        assert certificate_store.other_unit_with_serial(connection, **asked) == "48999401"
        certificate_store.refuse(connection, "m1", at="T", reason="x", **HERE)
        assert certificate_store.other_unit_with_serial(connection, **asked) is None


def test_the_journal_keeps_its_latest_lines_only(database: Database) -> None:
    """It is bounded per desk, and numbers go on."""
    line = Exchange(
        service="/hoc-ba",
        user_name=None,
        type="1",
        messageid=None,
        status=200,
        error="0",
        address="127.0.0.1",
        space_time="s",
        machine_time="m",
    )
    with database.write() as connection:
        for _ in range(300):
            store.add_exchange(connection, line, keep=50, **HERE)
        rows = store.exchanges_after(connection, 0, limit=300, **HERE)

    assert [row.number for row in rows] == list(range(251, 301))


def test_the_audit_trail_is_chained_line_by_line(database: Database) -> None:
    """Each hash covers its line and the hash before: a changed line breaks all that follow."""
    lines = [
        Audit(actor="a", action=f"việc {n}", outcome="0", space_time="s", machine_time="m")
        for n in range(3)
    ]
    with database.write() as connection:
        store.add_audit(connection, lines[:2], **HERE)
        store.add_audit(connection, lines[2:], **HERE)
        kept = store.audit_lines(connection, **HERE)

    previous = store.FIRST_HASH
    for row in kept:
        said = {
            name: row[name]
            for name in row
            if name not in {"space", "desk", "number", "previous", "hash"}
        }
        text = json.dumps([previous, row["number"], said], ensure_ascii=False, sort_keys=True)
        assert row["previous"] == previous
        assert row["hash"] == hashlib.sha256(text.encode()).hexdigest()
        previous = row["hash"]
    assert [row["number"] for row in kept] == [1, 2, 3]
