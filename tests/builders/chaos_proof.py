"""What must hold after every storm: nothing lost, nothing twice, nothing half, counters honest."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from sandbox.clock import VIETNAM
from sandbox.documents import parse_record
from sandbox.domain.report_card import Slot
from sandbox.ministry import package_store, record_store, store
from sandbox.ministry.model import Package, PackageState, ResultLine
from sandbox.pki import Trust
from sandbox.world.build import World
from sandbox.xmldsig import verify_record
from tests.builders.chaos_goods import Goods
from tests.builders.corpora import xmlsec1_says
from tests.builders.ministry import authority, department

FINAL = (PackageState.DONE, PackageState.REFUSED)
VERIFIED_AT = datetime(2025, 6, 10, 8, tzinfo=VIETNAM)
OLD_ONES = 100
"""How many earlier packages and records a full proof reads again."""


@dataclass
class Proof:
    """Remembers every result seen, and holds the tables against what was delivered."""

    world: World
    space: str
    chance: Random
    results: dict[str, str] = field(default_factory=dict)
    """messageid → fingerprint of its result, as first seen."""
    goods: dict[str, Goods] = field(default_factory=dict)
    accepted: dict[str, str] = field(default_factory=dict)
    """UUID → messageid under which it was accepted."""
    refused: Counter[str] = field(default_factory=Counter)
    _verified: set[str] = field(default_factory=set)

    @property
    def desk(self) -> str:
        """The practice Sở's desk."""
        return f"so-{department().code}"

    def open_packages(self) -> int:
        """Return how many packages wait or are being checked."""
        with self.world.database.read() as connection:
            return package_store.queue_depth(connection, space=self.space).packages

    def packages(self) -> dict[str, Package]:
        """Return every package of the desk by messageid."""
        with self.world.database.read() as connection:
            found = package_store.packages_of(
                connection, space=self.space, desk=self.desk, limit=1_000_000
            )
        return {package.messageid: package for package in found}

    def waiting(self) -> list[str]:
        """Describe what is open, for a failure's sake."""
        with self.world.database.read() as connection:
            packages = package_store.packages_of(
                connection, space=self.space, desk=self.desk, limit=50
            )
        return [repr(package) for package in packages if package.state not in FINAL]

    def note(self, acknowledged: dict[str, Goods], abandoned: dict[str, Goods]) -> None:
        """Hold a round's packages against what was sent; every one acknowledged must be settled."""
        for messageid, goods in {**acknowledged, **abandoned}.items():
            found = self._read(messageid)
            if found is None:
                assert messageid in abandoned, f"{messageid} was acknowledged and is gone"
                continue
            package, lines = found
            assert package.state is PackageState.DONE, (messageid, package.state, package.findings)
            assert [line.uuid for line in lines] == list(goods.records), messageid
            assert messageid not in self.results
            self.results[messageid] = _fingerprint(package, lines)
            self.goods[messageid] = goods
            for line in lines:
                self._note_line(messageid, goods, line)

    def _note_line(self, messageid: str, goods: Goods, line: ResultLine) -> None:
        assert line.uuid is not None
        codes = {found["code"] for found in line.findings}
        if line.accepted:
            assert line.uuid not in goods.faulty, f"{line.uuid}: altered, yet accepted"
            assert line.uuid not in self.accepted, f"{line.uuid} accepted twice"
            self.accepted[line.uuid] = messageid
            return
        assert codes, line
        self.refused[min(codes)] += 1
        if line.uuid in goods.faulty:
            assert all(code.startswith("SBX-30") for code in codes), codes

    def every_good_record_is_in(self) -> None:
        """Each good record of any settled package is accepted, under exactly one of them."""
        for goods in self.goods.values():
            for one in goods.records.keys() - goods.faulty:
                assert one in self.accepted, f"{one} is nowhere accepted"

    def _read(self, messageid: str) -> tuple[Package, list[ResultLine]] | None:
        with self.world.database.read() as connection:
            found = package_store.package_of(
                connection, messageid, space=self.space, desk=self.desk
            )
            if found is None:
                return None
            lines = package_store.results_of(
                connection, messageid, space=self.space, desk=self.desk
            )
        return found, lines

    def records_are_whole(self) -> None:
        """Every record accepted since the last time, and some older, are there byte for byte."""
        new = self.accepted.keys() - self._verified
        old = self.chance.sample(sorted(self._verified), min(OLD_ONES, len(self._verified)))
        with self.world.database.read() as connection:
            for one in [*new, *old]:
                stored = record_store.record_of(connection, one, space=self.space, desk=self.desk)
                assert stored is not None, f"{one} is gone"
                assert stored.messageid == self.accepted[one]
                assert stored.xml == self.goods[stored.messageid].records[one]
        trust = Trust(authority().issuer_certificates)
        for one in new:
            signed = verify_record(
                parse_record(self.goods[self.accepted[one]].records[one]),
                trust=trust,
                revocations=None,
                at=VERIFIED_AT,
                registered=None,
                trace=False,
            )
            assert len(signed.signatures) == len(Slot)
        self._verified |= new

    def xmlsec1_agrees(self, folder: Path) -> int:
        """Let xmlsec1 verify the seal of one record; return how many it verified."""
        one = self.chance.choice(sorted(self.accepted))
        with self.world.database.read() as connection:
            stored = record_store.record_of(connection, one, space=self.space, desk=self.desk)
        assert stored is not None
        said = xmlsec1_says(folder, stored.xml, _seal_id(stored.xml), authority=authority())
        assert said == "OK", said
        return 1

    def results_stand(self, *, every: bool) -> None:
        """No result has changed since it was first seen."""
        known = sorted(self.results)
        if not every:
            known = self.chance.sample(known, min(OLD_ONES, len(known)))
        for messageid in known:
            found = self._read(messageid)
            assert found is not None, f"{messageid} is gone"
            assert _fingerprint(*found) == self.results[messageid], f"{messageid} changed"

    def counters_equal_rows(self) -> None:
        """Packages, progress, open packages and the audit trail say the same as the results."""
        world = self.world
        here: dict[str, Any] = {"space": self.space, "desk": self.desk}
        with world.database.read() as connection:
            packages = package_store.packages_of(connection, limit=1_000_000, **here)
            trail = store.audit_lines(connection, **here)
            waiting = [
                package_store.open_packages(connection, user_name=f"truong{school.code}", **here)
                for school in department().schools
            ]
            progress = record_store.progress_of(connection, **here)
        assert {package.messageid for package in packages} == self.results.keys()
        assert all(package.state in FINAL for package in packages)
        assert waiting == [0] * len(waiting)
        for row in progress:
            self._progress_is_honest(row, packages)
        self._trail_is_whole(trail, len(packages))

    def _progress_is_honest(self, row: Any, packages: list[Package]) -> None:
        own = [p for p in packages if p.unit_code == row.unit.ma_truong]
        assert row.packages == len(own), row
        assert row.accepted == sum(p.accepted for p in own), row
        assert row.refused == sum(p.refused for p in own), row

    def _trail_is_whole(self, trail: list[dict[str, Any]], packages: int) -> None:
        kinds = Counter(line["action"] for line in trail)
        assert kinds["bien_nhan"] == packages
        settled = Counter(
            (line["record_uuid"], line["outcome"]) for line in trail if line["action"] == "ket_qua"
        )
        assert {one for one, outcome in settled if outcome == "0"} == self.accepted.keys()
        assert all(count == 1 for (_, outcome), count in settled.items() if outcome == "0")
        assert kinds["ket_qua"] == sum(len(goods.records) for goods in self.goods.values())
        assert [line["number"] for line in trail] == list(range(1, len(trail) + 1))
        for before, after in itertools.pairwise(trail):
            assert after["previous"] == before["hash"], after["number"]


def _fingerprint(package: Package, lines: list[ResultLine]) -> str:
    said = (
        package.state,
        package.records,
        package.accepted,
        package.refused,
        package.findings,
        package.finished_epoch,
        package.received_epoch,
        lines,
    )
    return hashlib.sha256(repr(said).encode()).hexdigest()


def _seal_id(xml: bytes) -> str:
    """Return the Id of the last signature of a record, the school's seal."""
    at = xml.rindex(b"<Signature ")
    tag = xml[at : xml.index(b">", at)]
    return tag.split(b'Id="', 1)[1].split(b'"', 1)[0].decode()
