"""Stamped records and packages are what prepare and complete make, byte for byte."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sandbox.clock import VIETNAM
from sandbox.corpora import Maker
from sandbox.documents import build_package, parse, parse_record, render_record
from sandbox.domain.report_card import Slot
from sandbox.pki import PersonSubject, Trust, UnitSubject
from sandbox.synthetic.nation import Slice
from sandbox.xmldsig import (
    PackageStamp,
    RecordStamp,
    prepare,
    prepare_package,
    stamp_record,
    verify_package,
    verify_record,
)
from sandbox.xmldsig.prepare import ID_PREFIX
from tests.builders.corpora import NEXT_SCHOOL, SCHOOL, opening_of, order, xmlsec1_says
from tests.builders.nation import nation

AT = datetime(2025, 5, 27, 8, tzinfo=VIETNAM)
PACKAGE_ID = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(scope="module", params=[0, 1_000], ids=["P-256", "RSA-2048"])
def maker(request, tmp_path_factory) -> Maker:
    return Maker(
        order(
            part=Slice(schools=(SCHOOL, SCHOOL), class_index=4),
            rsa_per_mille=request.param,
            pool_folder=tmp_path_factory.getbasetemp() / "rsa",
        )
    )


def stamps_of(maker: Maker) -> list[RecordStamp]:
    """Return three stamps by signers whose names need escaping in one way or another."""
    signers = maker.signers
    code = maker.nation.school(SCHOOL).code
    three = {
        Slot.GVCN: signers.teacher("H'Yên Niê & Con <100%>", "946185000001", school=code),
        Slot.CBQL: signers.leader("Nguyễn Đức, Ân", "946175000002", school=code),
        Slot.KY_PHAT_HANH: signers.seal('Trường Tiểu học "Số 1" (giả lập)', code),
    }
    return [
        (slot, found, AT + timedelta(hours=turn))
        for turn, (slot, found) in enumerate(three.items())
    ]


def test_a_stamped_record_is_a_prepared_one(maker):
    """The quick way and the plain way sign the same bytes into the same text."""
    three = stamps_of(maker)
    stamps = [RecordStamp(slot, c.certificate, c.key, at=at) for slot, c, at in three]
    for record in maker.nation.class_records(NEXT_SCHOOL, 3)[:5]:
        plain = record
        for slot, found, at in three:
            draft = prepare(plain, slot=slot, signer=found.certificate, at=at)
            plain = draft.complete(found.key.sign(draft.signed_bytes))
        assert stamp_record(record, stamps) == plain


def test_a_stamped_package_is_a_prepared_one(maker):
    """The package's signature covers the canonical root, which stands there as it is."""
    (pack,) = maker.packs(SCHOOL)
    records = [record.original for record in parse(pack.xml).records]
    seal = maker.seal_of(maker.nation.school(SCHOOL))
    draft = prepare_package(
        build_package(records), signer=seal.certificate, at=AT, package_id=PACKAGE_ID
    )
    stamp = PackageStamp(seal.certificate, seal.key, at=AT)
    plain = draft.complete(seal.key.sign(draft.signed_bytes))
    assert stamp.seal(records, package_id=PACKAGE_ID) == plain


def test_every_signature_of_a_class_holds(maker):
    """Records and package verify against the authority, without a warning."""
    trust = Trust(maker.signers.authority.issuer_certificates)
    at = opening_of("2024-2025")
    (pack,) = maker.packs(SCHOOL)
    package = parse(pack.xml)
    said = {"trust": trust, "revocations": None, "at": at, "registered": None}
    verify_package(package, **said)
    for record in package.records:
        signed = verify_record(parse_record(record.original), **said)
        assert set(signed.signatures) == set(Slot)
        assert signed.warnings == ()


def test_an_independent_program_accepts_records_and_package(maker, tmp_path):
    """xmlsec1 verifies the three signatures of a record cut out, and the package's, by chain."""
    (pack,) = maker.packs(SCHOOL)
    record = parse(pack.xml).records[0]
    shown = [(pack.xml, f"sig-goi-{pack.package_id}")]
    shown += [(record.original, f"{ID_PREFIX[slot]}{record.uuid}") for slot in Slot]
    for xml, signature_id in shown:
        said = xmlsec1_says(tmp_path, xml, signature_id, authority=maker.signers.authority)
        assert said == "OK"


def test_what_is_not_a_rendered_record_is_not_stamped(maker):
    """Signed records, files with a declaration and packages go another way."""
    stamps = [RecordStamp(s, c.certificate, c.key, at=at) for s, c, at in stamps_of(maker)]
    record = render_record(nation().school_class(SCHOOL, 0).cards[0])
    for other in (stamp_record(record, stamps), b"<?xml version='1.0'?>" + record, b"<HOC_BA/>"):
        with pytest.raises(ValueError, match="not an unsigned record"):
            stamp_record(other, stamps)


def test_certificates_follow_from_seed_and_number(maker):
    """Another maker derives the same ones; each signer has a serial of its own."""
    again = Maker(maker.order)
    (one,), (two,) = maker.packs(SCHOOL), again.packs(SCHOOL)
    assert one == two
    code = maker.nation.school(SCHOOL).code
    serials = {
        again.signers.teacher(
            f"Nguyễn Thị Mẫu {n}", f"94618500{n:04}", school=code
        ).certificate.serial
        for n in range(40)
    }
    assert len(serials) == 40


def test_profiles_are_those_of_the_field(maker):
    """Teachers by the public CA, leaders and seals by the government's (signing-practice §2)."""
    signers = maker.signers
    teacher = signers.teacher("Nguyễn Thị Mẫu", "946185000009", school="46999410")
    leader = signers.leader("Nguyễn Văn Mẫu", "946075000009", school="46999410")
    seal = signers.seal("Trường Tiểu học Mẫu (giả lập)", "46999410")
    issuers = [c.certificate.issuer_code for c in (teacher, leader, seal)]
    assert issuers == ["GIA_LAP_CA", "GIA_LAP_CO_YEU", "GIA_LAP_CO_YEU"]
    assert teacher.certificate.uid == PersonSubject("", "946185000009").uid
    assert seal.certificate.uid == UnitSubject("", "46999410").uid
