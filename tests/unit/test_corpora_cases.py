"""Pupils whom v1.0 cannot carry come out beside a corpus, as signed records of the 2026 profile."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.clock import VIETNAM
from sandbox.corpora import Case, Form, Maker, cases_of
from sandbox.documents import (
    build_package,
    check_schema,
    check_schema_2026,
    envelope,
    parse,
    parse_record,
    read_report_card_2026,
)
from sandbox.domain.assessment import check_rules
from sandbox.domain.circular27 import EXEMPT, scores_due
from sandbox.domain.consistency import (
    check_consistency_2026,
    check_created_before,
    check_practice_marks,
)
from sandbox.domain.rejections import Stage
from sandbox.pki import Trust
from sandbox.synthetic.marks import COMPETENCE_OF
from sandbox.synthetic.model import Reason
from sandbox.synthetic.nation import Slice
from sandbox.synthetic.remarks import sentences_said
from sandbox.xmldsig import SignedRecord2026, prepare_package, verify_record_2026
from tests.builders.corpora import SCHOOL, checked, made, opening_of, order
from tests.builders.nation import nation

WHOLE = Slice(schools=(SCHOOL, SCHOOL))
CARRIED = {reason.value for reason in Reason} - {Reason.NEEDS_SUMMER.value}


def verified(maker: Maker, case: Case) -> SignedRecord2026:
    """Return what the signatures of *case* cover; all of them hold, the seal is the school's."""
    seal = maker.seal_of(case.school).certificate
    return verify_record_2026(
        parse_record(case.xml),
        trust=Trust(maker.signers.authority.issuer_certificates),
        revocations=None,
        at=opening_of(case.school.school_year),
        registered=lambda code, found: code == case.school.code and found == seal,
    )


def faults_of(maker: Maker, case: Case) -> list[str]:
    """Return what any check has to say about *case*, warnings included."""
    signed = verified(maker, case)
    card = read_report_card_2026(signed.data)
    assert card == case.card
    times = [facts.signing_time.astimezone(VIETNAM) for facts in signed.signatures.values()]
    assert tuple(signed.signatures) == card.slots
    return [
        f"{finding.code} {finding.field} {finding.value}"
        for finding in (
            *signed.warnings,
            *check_schema_2026(parse_record(case.xml)),
            *check_consistency_2026(card),
            *check_practice_marks(card),
            *check_created_before(card, times),
            *check_rules(card, schooling=card.schooling),
        )
    ]


def lines(file: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, file.read_text(encoding="utf-8").splitlines())


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("cases") / "corpus"
    return folder, made(folder, part=WHOLE)


def test_every_case_of_a_school_is_lawful_and_verifies():
    """Schema, rules, consistency, practice marks, every signature and its signer."""
    maker = Maker(order(part=Slice(schools=(SCHOOL, SCHOOL + 4))))
    cases = [case for number in maker.schools for case in cases_of(maker, number)]

    assert [fault for case in cases for fault in faults_of(maker, case)] == []
    assert {case.reason.value for case in cases} == CARRIED


@pytest.mark.long
def test_every_case_of_several_provinces_is_lawful_and_verifies():
    """All labelled cases of a city, the highlands, the delta and the north-west, in three years."""
    found = 0
    for year, code in (
        ("2024-2025", "48"), ("2024-2025", "11"), ("2024-2025", "84"),
        ("2023-2024", "62"), ("2025-2026", "66"),
    ):  # fmt: skip
        maker = Maker(order(school_year=year, part=Slice(province=code, per_mille=400)))
        for number in maker.schools:
            for case in cases_of(maker, number):
                assert faults_of(maker, case) == []
                found += 1
    assert found > 2_000


def test_a_case_is_what_its_reason_says():
    """And v1.0 refuses it: by that reason it has no other record."""
    maker = Maker(order(form=Form.UNSIGNED, part=Slice(schools=(SCHOOL, SCHOOL + 9))))
    seen = set()
    for case in (case for number in maker.schools for case in cases_of(maker, number)):
        general, summary = case.card.general, case.card.summary
        is_case = {
            Reason.GUARDIAN_ONLY: (general.father, general.mother) == (None, None)
            and general.guardian is not None,
            Reason.NO_PERSONAL_ID: general.pupil_id is None,
            Reason.EXEMPT: len(case.card.exempt) == 1,
            Reason.NOT_ASSESSED: general.not_assessed
            and (summary.result, summary.ratings) == (None, ()),
        }
        assert [reason for reason, is_so in is_case.items() if is_so] == [case.reason]
        assert check_schema(parse_record(case.xml))[0].code == "SBX-2002"
        seen.add(case.reason)
    assert seen == {Reason(reason) for reason in CARRIED}


def test_who_is_exempt_is_judged_without_the_subject_and_not_spoken_of_in_it():
    """M in the row, a test or none; one of the subjects everybody of the grade takes."""
    maker = Maker(order(form=Form.UNSIGNED, part=Slice(schools=(3_000, 3_030))))
    exempt = [
        case
        for number in maker.schools
        for case in cases_of(maker, number)
        if case.reason is Reason.EXEMPT
    ]
    for case in exempt:
        (code,) = case.card.exempt
        scored = code in scores_due(case.card.general.grade)
        assert case.xml.count(b"<DIEM_KIEM_TRA_DINH_KY>M<") == scored
        assert case.xml.count(b"<MUC_DAT_DUOC>M<") == 1
        summary, grade = case.card.summary, case.card.general.grade
        row = next(row for row in summary.subjects if row.code == code)
        assert (row.level, row.score) == (EXEMPT, None)
        others = tuple((row.code, row.level) for row in summary.subjects if row.code != code)
        by_teacher = summary.teacher_comment.partition(". ")[0] + "."
        assert sentences_said(by_teacher, others, grade)
        rated = tuple(pair for pair in summary.ratings if pair[0] != COMPETENCE_OF[code])
        assert sentences_said(summary.comment_specific, rated, grade)
    assert {case.card.exempt for case in exempt} == {("S03",), ("S10",), ("S11",), ("S12",)}


def test_cases_stand_beside_the_corpus_and_in_no_total(corpus):
    """The manifest counts them apart; its index leads to every file and its hash."""
    folder, manifest = corpus
    told = list(lines(folder / "cases-2026.jsonl"))
    said = manifest["cases_2026"]

    assert manifest["records"] == nation().school(SCHOOL).records
    assert said["records"] == len(told) == sum(said["by_reason"].values()) > 0
    assert said["xml_bytes"] == sum(case["bytes"] for case in told)
    assert said["sha256"] == hashlib.sha256((folder / said["file"]).read_bytes()).hexdigest()
    for case in told:
        xml = (folder / case["file"]).read_bytes()
        assert hashlib.sha256(xml).hexdigest() == case["sha256"]
        assert case["reason"] in Path(case["file"]).name
        assert parse_record(xml).element.findtext(".//MA_TRA_CUU_UUID") == case["record"]
    files = {str(file.relative_to(folder)) for file in folder.glob("cases-2026/*/*/*")}
    assert files == {case["file"] for case in told}


def test_cases_are_the_same_in_several_processes_and_after_a_kill(corpus, tmp_path):
    """One process and three; and a run that lost its last school resumes to the same index."""
    part = Slice(schools=(SCHOOL, SCHOOL + 2), per_mille=500)
    one = made(tmp_path / "one", part=part)
    assert made(tmp_path / "three", part=part, processes=3) == one

    ledger = tmp_path / "one" / "ledger.jsonl"
    ledger.write_text("".join(ledger.read_text().splitlines(keepends=True)[:1]))
    (tmp_path / "one" / "cases-2026.jsonl").write_text("half a li")
    assert made(tmp_path / "one", part=part, resume=True) == one


def test_unsigned_corpora_hold_unsigned_cases_and_tables_none(tmp_path):
    """A table has no column for what v1.0 does not know."""
    unsigned = made(tmp_path / "unsigned", form=Form.UNSIGNED, part=WHOLE)
    (first, *_) = (tmp_path / "unsigned").glob("cases-2026/*/*/*.xml")

    assert unsigned["cases_2026"]["records"] > 0
    assert b"Signature" not in first.read_bytes()
    assert check_schema_2026(parse_record(first.read_bytes())) == []
    assert "cases_2026" not in made(tmp_path / "table", form=Form.CSV, part=WHOLE)
    assert not (tmp_path / "table" / "cases-2026").exists()


def test_the_desk_refuses_a_case_by_name_and_place_and_takes_the_records_around_it():
    """v1.0 is all it speaks: SBX-2002 where the layouts part, and whose record it was."""
    maker = Maker(order(part=WHOLE))
    case = next(cases_of(maker, SCHOOL))
    records = [record.original for record in parse(next(maker.packs(SCHOOL)).xml).records[:2]]
    seal = maker.seal_of(case.school)
    draft = prepare_package(
        build_package([records[0], case.xml, records[1]]),
        signer=seal.certificate,
        at=opening_of(case.school.school_year) - timedelta(minutes=5),
        package_id="90000000-0000-4000-8000-00000000aaaa",
    )
    xml = draft.complete(seal.key.sign_digest(draft.digest))
    verdict = checked(maker, SCHOOL, envelope.pack(xml))

    assert not verdict.refused
    assert [record.findings for record in (verdict.records[0], verdict.records[2])] == [(), ()]
    refused = verdict.records[1]
    assert refused.stage is Stage.SCHEMA
    assert refused.identity.uuid == case.card.record_id
    assert refused.identity.pupil_name == case.card.general.pupil_name
    places = {(finding.code, finding.xpath) for finding in refused.findings}
    part = "/DANH_SACH_HOC_BA/HOC_BA[2]/DU_LIEU_HOC_BA/THONG_TIN_HOC_BA"
    assert refused.findings[0].code == "SBX-2002"
    assert ("SBX-2002", part) in places
