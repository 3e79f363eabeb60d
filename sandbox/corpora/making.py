"""One school of a corpus: its records, three signatures each, packed and sealed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from sandbox.clock import VIETNAM
from sandbox.corpora.dirt import Dirt, Fault
from sandbox.corpora.footprint import give_back
from sandbox.corpora.orders import Order, Packing
from sandbox.corpora.signers import Credential, Signers
from sandbox.documents import build_package
from sandbox.domain.identifiers import new_uuid
from sandbox.domain.report_card import Slot
from sandbox.pki import TrainingAuthority
from sandbox.synthetic.nation import Nation
from sandbox.synthetic.plans import ClassPlan, SchoolPlan
from sandbox.synthetic.years import warm_up
from sandbox.xmldsig import PackageStamp, RecordStamp, prepare_package, stamp_record

MOST_PER_PACKAGE: Final = 150
"""Records of one package by school: about 2 MB of XML, far below every limit of transactions §3."""

_NAMED: Final = (
    "TEN_GIAM_HIEU_KY_HOC_BA",
    "SO_CCCD_GIAM_HIEU_KY_HOC_BA",
    "TEN_GIAO_VIEN_CHU_NHIEM",
    "SO_CCCD_GIAO_VIEN_CHU_NHIEM",
    "NGAY_KY_PHAT_HANH_HOC_BA",
)
_SIGNERS: Final = re.compile(
    "|".join(f"<{tag}>(?P<{tag}>[^<]+)" for tag in _NAMED).encode(), re.DOTALL
)
_MINUTES_PER_CLASS: Final = 5


@dataclass(frozen=True, slots=True)
class Moments:
    """When a class's records were signed: all before the first minute of the space clock.

    The teacher signs on the day before the issue, then the leader; the seal follows on the day
    that the record itself names for the issue (no SBX-3061), then the package.
    """

    teacher: datetime
    leader: datetime
    issue: datetime
    package: datetime

    @classmethod
    def of_class(cls, issued_on: datetime, index: int) -> Moments:
        """Return the moments of class *index* whose records are issued at 08:00 of a day."""
        day_before = issued_on - timedelta(days=1)
        return cls(
            teacher=day_before + timedelta(minutes=_MINUTES_PER_CLASS * index),
            leader=day_before + timedelta(hours=8),
            issue=issued_on - timedelta(minutes=30),
            package=issued_on - timedelta(minutes=15),
        )


@dataclass(frozen=True, slots=True)
class Pack:
    """One signed package."""

    school_code: str
    package_id: str
    messageid: str
    records: int
    xml: bytes = field(repr=False)
    faults: tuple[Fault, ...] = ()
    """What is wrong on purpose, by place in the package."""


@dataclass(frozen=True, slots=True)
class SignedClass:
    """The signed records of one class."""

    plan: ClassPlan
    records: tuple[bytes, ...] = field(repr=False)
    faults: tuple[Fault, ...]
    package_at: datetime


class Maker:
    """Makes the schools of one order, each alone and always the same."""

    def __init__(self, order: Order) -> None:
        """Raises `ValueError` for a year, province or label that does not exist."""
        self.order = order
        self.nation = Nation(order.seed, school_year=order.school_year)
        self.signers = Signers(
            order.seed,
            TrainingAuthority.from_seed(order.authority_seed),
            rsa_per_mille=order.rsa_per_mille,
            pool_folder=order.pool_folder,
        )
        self.gate: AbstractContextManager[object] = nullcontext()
        """Held while a package is parsed as a whole, which takes the most room of all."""
        self._dirt = Dirt(order.seed, order.dirty)

    @cached_property
    def schools(self) -> tuple[int, ...]:
        """The numbers of the schools that the order asks for, ascending.

        Planned once: a share of the whole nation's classes takes some seconds.

        Raises:
            ValueError: the slice names a province or schools that do not exist.
        """
        part = self.order.part
        if part.class_index is None and part.grade is None and part.per_mille == 1_000:
            return tuple(self.nation.school_numbers(part))
        return tuple(dict.fromkeys(school.number for school, _ in self.nation.classes(part)))

    def classes(self, number: int) -> Iterator[tuple[SchoolPlan, ClassPlan]]:
        """Yield the classes of school *number* that the order asks for."""
        part = replace(self.order.part, province=None, schools=(number, number), part=(0, 1))
        return self.nation.classes(part)

    def warm_up(self, number: int) -> None:
        """Sign a class of each grade of school *number* and forget it: the tables remain."""
        grades = {plan.grade: (school, plan) for school, plan in self.classes(number)}
        for school, plan in grades.values():
            self.signed_class(school, plan)
        warm_up(self.nation.grades)

    def unsigned(self, number: int) -> Iterator[bytes]:
        """Yield the unsigned records of school *number* in order."""
        for school, plan in self.classes(number):
            yield from self.nation.class_records(school.number, plan.index)

    def packs(self, number: int) -> Iterator[Pack]:
        """Yield the signed packages of school *number* in order."""
        if self.order.packing is Packing.CLASS:
            for school, plan in self.classes(number):
                signed = self.signed_class(school, plan)
                yield self._packed(school, signed.records, signed.faults, at=signed.package_at)
            return
        records: list[bytes] = []
        faults: list[Fault] = []
        at: datetime | None = None
        for school, plan in self.classes(number):
            signed = self.signed_class(school, plan)
            if at is not None and len(records) + len(signed.records) > MOST_PER_PACKAGE:
                pack = self._packed(school, records, faults, at=at)
                records, faults = [], []  # not held while the package is written
                yield pack
            faults += [fault.moved(len(records)) for fault in signed.faults]
            records += signed.records
            at = signed.package_at
        if at is not None:
            pack = self._packed(school, records, faults, at=at)
            records = []
            yield pack

    def signed_class(self, school: SchoolPlan, plan: ClassPlan) -> SignedClass:
        """Return the records of one class with their three signatures."""
        unsigned = self.nation.class_records(school.number, plan.index)
        named = _named_in(unsigned[0])
        day, month, year = map(int, named["NGAY_KY_PHAT_HANH_HOC_BA"].split("/"))
        moments = Moments.of_class(datetime(year, month, day, 8, tzinfo=VIETNAM), plan.index)
        slots = self._slots(school, named)
        at = {
            Slot.GVCN: moments.teacher,
            Slot.CBQL: moments.leader,
            Slot.KY_PHAT_HANH: moments.issue,
        }
        stamps = [RecordStamp(s, c.certificate, c.key, at=at[s]) for s, c in slots.items()]
        records = [stamp_record(record, stamps) for record in unsigned]
        faults = self._dirt.spoil(
            records, nation=self.nation, school=school, plan=plan, slots=slots, at=at,
            authority=self.signers.authority,
        )  # fmt: skip
        return SignedClass(plan, tuple(records), faults, moments.package)

    def seal_of(self, school: SchoolPlan) -> Credential:
        """Return the credential that seals records and packages of *school*."""
        return self.signers.seal(school.name, school.code)

    def _slots(self, school: SchoolPlan, named: dict[str, str]) -> dict[Slot, Credential]:
        signers = self.signers
        return {
            Slot.GVCN: signers.teacher(
                named["TEN_GIAO_VIEN_CHU_NHIEM"],
                named["SO_CCCD_GIAO_VIEN_CHU_NHIEM"],
                school=school.code,
            ),
            Slot.CBQL: signers.leader(
                named["TEN_GIAM_HIEU_KY_HOC_BA"],
                named["SO_CCCD_GIAM_HIEU_KY_HOC_BA"],
                school=school.code,
            ),
            Slot.KY_PHAT_HANH: self.seal_of(school),
        }

    def _packed(
        self,
        school: SchoolPlan,
        records: tuple[bytes, ...] | list[bytes],
        faults: tuple[Fault, ...] | list[Fault],
        *,
        at: datetime,
    ) -> Pack:
        # Ids follow from the content: two parts of a school never share one, and the same
        # package made twice is the same message (transactions §2.1, SBX-1107).
        digest = hashlib.sha256()
        for record in records:
            digest.update(record)
        content = digest.hexdigest()
        seal = self.seal_of(school)
        package_id = new_uuid(self.order.seed, "package", content)
        if faults:
            # a faulty record may hold what is not canonical as it stands: comments, references
            with self.gate:
                draft = prepare_package(
                    build_package(records), signer=seal.certificate, at=at, package_id=package_id
                )
                xml = draft.complete(seal.key.sign_digest(draft.digest))
                del draft
                give_back()
        else:
            stamp = PackageStamp(seal.certificate, seal.key, at=at)
            xml = stamp.seal(records, package_id=package_id)
        return Pack(
            school_code=school.code,
            package_id=package_id,
            messageid=new_uuid(self.order.seed, "message", content),
            records=len(records),
            xml=xml,
            faults=tuple(faults),
        )


def _named_in(record: bytes) -> dict[str, str]:
    """Return the texts of `_NAMED` in a record of the nation, which holds them unescaped."""
    found: dict[str, str] = {}
    for match in _SIGNERS.finditer(record):
        tag = str(match.lastgroup)
        found.setdefault(tag, match.group(tag).decode())
    return found
