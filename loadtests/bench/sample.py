"""What the check path is measured on: packages of thirty signed records of the invented nation.

Certificates are embedded, each record carries three signatures and the package one. Every turn
of a measurement has a school and classes of its own, so that caches behave as in life: a teacher's
certificate is new with every package, a seal with every school.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sandbox.clock import DEFAULT_SPACE_START
from sandbox.corpora import Maker, Order
from sandbox.documents import envelope
from sandbox.domain.identifiers import new_uuid
from sandbox.ministry import RegisterUnit
from sandbox.pki import (
    CertificateHistory,
    RevocationList,
    TrainingAuthority,
    Trust,
    build_crl,
    read_crl,
)
from sandbox.synthetic.plans import ClassPlan, SchoolPlan
from sandbox.xmldsig import PackageStamp

SIZE: Final = 30
"""Records of a package."""
AT: Final = DEFAULT_SPACE_START
"""The space clock: everything was signed shortly before."""
KINDS: Final = {"P-256": 0, "RSA-2048": 1_000}
"""Kind of key → share of schools that hold RSA keys, per mille."""
FIRST_SCHOOL: Final = 7_000
REVOKED: Final = 500
"""Serials on each revocation list."""


@dataclass(frozen=True, slots=True)
class Package:
    """One package as it is sent."""

    school: str
    messageid: str
    xml: bytes = field(repr=False)
    content: str = field(repr=False)
    """The envelope of `xml`."""
    records: int = SIZE

    @classmethod
    def of(cls, school: str, xml: bytes, *, records: int = SIZE) -> Package:
        """Return *xml* of *school* in its envelope; the same bytes are the same message."""
        number = new_uuid("bench", "message", xml[-2_000:].hex())
        return cls(school, number, xml, envelope.pack(xml), records)


@dataclass(frozen=True, slots=True)
class School:
    """What a desk is told about a school."""

    unit: RegisterUnit
    seal: bytes = field(repr=False)
    """DER of the certificate its packages and records are sealed with."""


@dataclass(frozen=True, slots=True)
class Sample:
    """All packages of one kind of key."""

    kind: str
    authority_seed: str
    turns: tuple[tuple[Package, ...], ...] = field(repr=False)
    schools: tuple[School, ...] = field(repr=False)
    lists: Mapping[str, bytes] = field(repr=False)
    """Issuer code → DER of its revocation list."""

    @property
    def authority(self) -> TrainingAuthority:
        """The authority all certificates come from."""
        return TrainingAuthority.from_seed(self.authority_seed)

    @property
    def trust(self) -> Trust:
        """Who is believed."""
        return Trust(self.authority.issuer_certificates)

    def revocations(self) -> dict[str, RevocationList]:
        """Return issuer name → its list, read as checking reads it."""
        issuers = self.authority.issuers
        return {
            issuers[code].certificate.subject_rfc4514: read_crl(der, issuers[code].certificate)
            for code, der in self.lists.items()
        }

    def records(self, turn: int) -> int:
        """Return how many records a turn holds."""
        return sum(package.records for package in self.turns[turn])


@dataclass(frozen=True, slots=True)
class Class:
    """A class to take packages from."""

    maker: Maker
    school: SchoolPlan
    plan: ClassPlan

    def package(self) -> Package:
        """Return its first thirty records, sealed."""
        signed = self.maker.signed_class(self.school, self.plan)
        xml = sealed(self.maker, self.school, signed.records[:SIZE], at=signed.package_at)
        return Package.of(self.school.code, xml)


def maker_of(kind: str, *, pool: Path) -> Maker:
    """Return the maker of a kind of key; RSA keys are kept in *pool*."""
    return Maker(Order(rsa_per_mille=KINDS[kind], pool_folder=pool))


def sealed(
    maker: Maker, school: SchoolPlan, records: tuple[bytes, ...] | list[bytes], *, at: datetime
) -> bytes:
    """Return the package of *records* with the school's signature."""
    seal = maker.seal_of(school)
    number = new_uuid("bench", "package", school.code, records[0][-2_000:].hex())
    return PackageStamp(seal.certificate, seal.key, at=at).seal(records, package_id=number)


def classes(maker: Maker, *, per_school: int) -> Iterator[list[Class]]:
    """Yield schools with at least *per_school* classes of thirty or more, as such classes."""
    number = FIRST_SCHOOL
    while True:
        found = [
            Class(maker, school, plan)
            for school, plan in maker.classes(number)
            if len(maker.nation.class_records(number, plan.index)) >= SIZE
        ]
        if len(found) >= per_school:
            yield found[:per_school]
        number += 1


def make_sample(kind: str, *, turns: int, packages: int, pool: Path) -> Sample:
    """Return *turns* turns of *packages* packages each, the same on every machine."""
    maker = maker_of(kind, pool=pool)
    taken = [group for group, _ in zip(classes(maker, per_school=packages), range(turns))]  # noqa: B905
    return Sample(
        kind=kind,
        authority_seed=maker.order.authority_seed,
        turns=tuple(tuple(one.package() for one in group) for group in taken),
        schools=tuple(school_of(maker, group[0].school) for group in taken),
        lists=revocation_lists(maker.signers.authority),
    )


def school_of(maker: Maker, plan: SchoolPlan) -> School:
    """Return the register's row of a school and its seal."""
    unit = RegisterUnit(
        ma_truong=plan.code,
        ten_truong=plan.name,
        ma_so_giao_duc=plan.department_code,
        ten_so_gd=plan.department_name,
        ten_xa_phuong=plan.place.commune,
        ten_quan_huyen=plan.place.district,
        ten_tinh_thanh_pho=plan.place.province.name,
    )
    return School(unit, maker.seal_of(plan).certificate.der)


def revocation_lists(
    authority: TrainingAuthority, *revoked: int, since: datetime = AT - timedelta(days=200)
) -> dict[str, bytes]:
    """Return each issuing CA's list: some hundred strangers, and *revoked*."""
    return {
        code: build_crl(
            issuer,
            [
                CertificateHistory(serial, revoked_at=since)
                for serial in (*range(1, REVOKED + 1), *revoked)
            ],
            this_update=AT - timedelta(minutes=1),
            next_update=AT + timedelta(days=1),
            number=1,
        )
        for code, issuer in authority.issuers.items()
    }


def keep(sample: Sample, folder: Path) -> Path:
    """Write *sample* for the processes that measure and return the file."""
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".sample", delete=False) as file:
        pickle.dump(sample, file, protocol=pickle.HIGHEST_PROTOCOL)
    return Path(file.name)


def kept(file: Path) -> Sample:
    """Return what `keep` wrote a moment ago."""
    with file.open("rb") as stream:
        found = pickle.load(stream)
    assert isinstance(found, Sample)
    return found
