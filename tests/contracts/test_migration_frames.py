"""From one row a record, answer and audit line to one value a package: nothing is lost."""

from __future__ import annotations

import hashlib
import json

from sqlalchemy import text

from sandbox.documents import build_package, envelope
from sandbox.ministry import document_store, package_store, record_store, store
from sandbox.ministry.packing import compress
from sandbox.ministry.tables_store import METADATA
from sandbox.web import Database
from tests.contracts.test_migrations import make_version_1

HERE = {"space": "a", "desk": "kho"}
RECORDS = ["<HOC_BA>Một\r\n</HOC_BA>".encode(), "<HOC_BA>Hai ề</HOC_BA>".encode()]
PACKAGE = (
    "INSERT INTO ministry_package VALUES ('a', 'kho', :m, 'truong', '48', 2024, 'h', :content, 9,"
    " :state, 1.0, 'T', 1.0, NULL, NULL, 1, 0, NULL, 2, 2, 0, '[]', '{}', :finished)"
)
RESULT = "INSERT INTO ministry_result VALUES ('a', 'kho', 'm', :n, :u, 'P', 'Ề', '9', 1, '[]')"
RECORD = (
    "INSERT INTO ministry_record VALUES ('a', 'kho', :u, :n, '48999401', '48', '2024-2025', :p,"
    " 'P', 'Ề', '2014-03-09', :state, :xml, 's', 'm', 'T')"
)
PUPIL = "INSERT INTO ministry_pupil VALUES ('a', 'kho', :p, 'Ề', 'Nữ', '2014-03-09', 'P')"
AUDIT = (
    "INSERT INTO ministry_audit VALUES ('a', 'kho', :n, 'truong', 'ket_qua', '0', 'S', 'M',"
    " NULL, NULL, NULL, NULL, NULL, :previous, :hash)"
)
ACCOUNT = (
    "INSERT INTO ministry_account VALUES"
    " ('a', 'kho', 'truong', 's', 'x', '48', 'truong', 'so', '[]', 1.0, 0.0)"
)


def fill(database: Database) -> list[str]:
    """Put a settled package with two records, a waiting one and an audit trail; return hashes."""
    content = envelope.pack(build_package(RECORDS)).encode()
    hashes = [store.FIRST_HASH]
    with database.write() as connection:

        def run(statement: str, **values: object) -> None:
            connection.execute(text(statement), values)

        run(ACCOUNT)
        run(PACKAGE, m="m", content=content, state="xong", finished=2.0)
        run(PACKAGE, m="w", content=b"sent", state="cho", finished=None)
        for number, xml in enumerate(RECORDS, start=1):
            state = "REPORTED" if number == 1 else "RECALLED"
            run(RESULT, n=number, u=f"u{number}")
            run(RECORD, u=f"u{number}", n=number, p=f"p{number}", state=state, xml=compress(xml))
            run(PUPIL, p=f"p{number}")
        run("INSERT INTO ministry_counter VALUES ('a', 'kho', 'kiem-toan', 3)")
        for number in (1, 2, 3):
            said = dict.fromkeys(("record_uuid", "old_state", "new_state", "digest"))
            said |= {"actor": "truong", "action": "ket_qua", "outcome": "0", "address": None}
            said |= {"space_time": "S", "machine_time": "M"}
            line = json.dumps([hashes[-1], number, said], ensure_ascii=False, sort_keys=True)
            hashes.append(hashlib.sha256(line.encode()).hexdigest())
            run(AUDIT, n=number, previous=hashes[-2], hash=hashes[-1])
    return hashes[1:]


def test_everything_is_carried_over(database: Database) -> None:
    """Bytes, answers, facts, the queue and the chain of hashes are what they were."""
    make_version_1(database)
    hashes = fill(database)

    database.create(METADATA)

    with database.write() as connection:
        records = [record_store.record_of(connection, f"u{n}", **HERE) for n in (1, 2)]
        lines = package_store.results_of(connection, "m", **HERE)
        earlier = record_store.earlier_of(
            connection, uuids=["u1", "u2"], pupil_ids=["p1", "p2"], **HERE
        )
        waiting = document_store.content_of(connection, "w", **HERE)
        claims = package_store.claim(connection, worker="x", epoch=9.0, seconds=60.0)
        opened = package_store.open_packages(connection, user_name="truong", **HERE)
        trail = [row["hash"] for row in store.audit_lines(connection, **HERE)]

    assert [record and (record.xml, record.sex) for record in records] == [
        (xml, "Nữ") for xml in RECORDS
    ]
    assert [(line.number, line.uuid, line.pupil_name) for line in lines] == [
        (1, "u1", "Ề"),
        (2, "u2", "Ề"),
    ]
    assert earlier.used == {"u1", "u2"}
    assert earlier.alive == {("p1", "2024-2025")}
    assert set(earlier.pupils) == {"p1", "p2"}
    assert (waiting, opened) == ("sent", 1)
    assert [claim.package.messageid for claim in claims] == ["w"]
    assert trail == hashes
