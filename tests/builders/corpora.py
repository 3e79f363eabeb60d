"""Corpora for tests: small orders, the checks they are held against, and their truth."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.clock import VIETNAM, SpaceTime
from sandbox.corpora import Maker, Order, make
from sandbox.documents import parse
from sandbox.ministry.checking import Context, PackageVerdict, Sender, check_package
from sandbox.ministry.exercise import exercise_of
from sandbox.ministry.model import RegisterUnit
from sandbox.pki import Certificate, Trust
from sandbox.synthetic.nation import Slice
from sandbox.synthetic.plans import SchoolPlan
from sandbox.web import Space

SCHOOL = 7_342
NEXT_SCHOOL = 7_343


def order(**said: Any) -> Order:
    """Return a small order: one school, one class in five, unless *said* otherwise."""
    said.setdefault("part", Slice(schools=(SCHOOL, SCHOOL), per_mille=200))
    return Order(**said)


def made(folder: Path, **said: Any) -> dict[str, Any]:
    """Make a small corpus in *folder* and return its manifest."""
    how = {name: said.pop(name) for name in ("processes", "resume") if name in said}
    return make(order(**said), folder, **how)


def opening_of(school_year: str) -> datetime:
    """Return the first moment of the space clock in *school_year*."""
    return datetime(int(school_year[5:]), 5, 28, 8, tzinfo=VIETNAM)


class OneSeal:
    """A desk's approvals that hold one certificate."""

    def __init__(self, certificate: Certificate) -> None:
        self._certificate = certificate

    def may_send(self, unit_code: str, certificate: Certificate) -> bool:
        return certificate == self._certificate

    def may_seal(self, school_code: str, certificate: Certificate) -> bool:
        return certificate == self._certificate

    def replaced_at(self, school_code: str, certificate: Certificate) -> datetime | None:
        return None


def unit_of(school: SchoolPlan) -> RegisterUnit:
    """Return the register's row of *school*."""
    return RegisterUnit(
        ma_truong=school.code,
        ten_truong=school.name,
        ma_so_giao_duc=school.department_code,
        ten_so_gd=school.department_name,
        ten_xa_phuong=school.place.commune,
        ten_quan_huyen=school.place.district,
        ten_tinh_thanh_pho=school.place.province.name,
    )


def checked(maker: Maker, number: int, delivery: str | bytes) -> PackageVerdict:
    """Return the desk's verdict on a package of school *number*, registers and all."""
    school = maker.nation.school(number)
    at = opening_of(school.school_year)
    space = Space(
        id="corpora",
        code="",
        title="",
        seed="corpora",
        era=maker.nation.era.value,
        topology="A",
        school_year=school.school_year,
        time=SpaceTime(at, 0.0),
    )
    unit = unit_of(school)
    context = Context(
        at=at,
        exercise=exercise_of(space),
        trust=Trust(maker.signers.authority.issuer_certificates),
        approvals=OneSeal(maker.seal_of(school).certificate),
        sender=Sender(school.code, "truong", int(school.school_year[:4])),
        register=lambda codes: {unit.ma_truong: unit} if unit.ma_truong in codes else {},
    )
    return check_package(delivery, context)


def usual_records(count: int) -> list[bytes]:
    """Return signed records of an invented school, as each lies in its package."""
    found: list[bytes] = []
    for pack in Maker(order()).packs(SCHOOL):
        found += [record.original for record in parse(pack.xml).records]
        if len(found) >= count:
            break
    return found[:count]


def packages_in(folder: Path) -> list[bytes]:
    """Return the packages of an XML corpus in order."""
    return [file.read_bytes() for file in sorted(folder.glob("*/*/*.xml"))]


def truth_in(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of the truth of a corpus."""
    for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def xmlsec1_says(folder: Path, xml: bytes, signature_id: str, *, authority: Any) -> str:
    """Ask xmlsec1 about one signature, certificate chain included: `OK`, or its complaint."""
    ds = "http://www.w3.org/2000/09/xmldsig#"
    (folder / "in.xml").write_bytes(xml)
    (folder / "root.pem").write_text(authority.root.certificate.pem)
    chain = []
    for code, issuer in authority.issuers.items():
        (folder / f"{code}.pem").write_text(issuer.certificate.pem)
        chain += ["--untrusted-pem", f"{code}.pem"]
    done = subprocess.run(
        [
            "xmlsec1", "--verify", "--trusted-pem", "root.pem", *chain,
            "--verification-gmt-time", "2025-05-28 01:00:00",
            "--id-attr:id", "DU_LIEU_HOC_BA", "--id-attr:id", "DANH_SACH_HOC_BA",
            "--id-attr:Id", f"{ds}:SignatureProperties", "--id-attr:Id", f"{ds}:Signature",
            "--node-id", signature_id, "in.xml",
        ],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "OK" if done.returncode == 0 else done.stderr
