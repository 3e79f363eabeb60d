"""Dirty corpora: the checker finds every planted fault, and nothing else, at its place."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import pytest

from sandbox.corpora import MIXABLE, Dirt, Maker, mixable
from sandbox.defects import DEFECTS
from sandbox.domain.rejections import Stage
from sandbox.ministry.checking import RecordVerdict
from sandbox.synthetic.nation import Slice
from tests.builders.corpora import SCHOOL, checked, made, order, packages_in, truth_in

EVERY = (("*", 1_000_000),)


def said(verdict: RecordVerdict) -> str | None:
    """Return the code that speaks for a record: of its refusal, or of its warning."""
    return verdict.findings[0].code if verdict.findings else None


@pytest.mark.parametrize(
    ("school_year", "rsa", "number", "per_mille"),
    [
        ("2024-2025", 0, SCHOOL, 300),
        ("2024-2025", 1_000, 2_001, 150),
        ("2023-2024", 0, 12_001, 300),
        ("2025-2026", 0, 4_711, 200),
    ],
)
def test_verdicts_and_truth_agree_for_every_label(tmp_path, school_year, rsa, number, per_mille):
    """Half the records of a school are spoiled: precision and recall are 1 for every label."""
    maker = Maker(
        order(
            school_year=school_year,
            part=Slice(schools=(number, number), per_mille=per_mille),
            rsa_per_mille=rsa,
            pool_folder=tmp_path,
            dirty=(("*", 500_000),),
        )
    )
    planted: dict[str, set] = defaultdict(set)
    found: dict[str, set] = defaultdict(set)
    places, spoiled, records = {}, Counter(), 0
    for turn, pack in enumerate(maker.packs(number)):
        verdict = checked(maker, number, pack.xml)
        assert not verdict.refused
        assert len(verdict.records) == pack.records
        records += pack.records
        for fault in pack.faults:
            planted[fault.code].add((turn, fault.place))
            places[turn, fault.place] = (fault.defect, fault.xpath)
            spoiled[fault.defect] += 1
        for record in verdict.records:
            code = said(record)
            if code is not None:
                found[code].add((turn, record.number))
                defect, xpath = places.get((turn, record.number), ("nothing planted", None))
                assert record.findings[0].xpath == xpath, (defect, record.findings[0])
    assert found == planted
    assert 0.35 < sum(spoiled.values()) / records < 0.65
    assert len(planted) >= 8


@pytest.mark.long
@pytest.mark.parametrize("grade", [1, 2, 3, 4, 5])
def test_every_defect_that_may_be_mixed_in_provokes_its_code(grade):
    """One after the other, on pupils of one grade; those that need grade 4 are left to it."""
    maker = Maker(order(part=Slice(schools=(SCHOOL, SCHOOL), grade=grade)))
    _, plan = next(iter(maker.classes(SCHOOL)))
    wrong, tried = [], 0
    for name in MIXABLE:
        spoiling = Maker(replace(maker.order, dirty=((name, 1_000_000),)))
        pack = next(iter(spoiling.packs(SCHOOL)))
        if not pack.faults:
            assert grade != 4
            continue
        tried += 1
        verdict = checked(spoiling, SCHOOL, pack.xml)
        codes = {said(record) for record in verdict.records}
        if verdict.refused or codes != {DEFECTS[name].provokes}:
            wrong.append((name, verdict.findings, codes))
        assert len(pack.faults) == plan.records
    assert wrong == []
    assert tried == (len(MIXABLE) if grade == 4 else tried)
    assert tried > 100


def test_the_mixture_covers_most_codes_of_a_record():
    """Four stages; what needs an event, an earlier package or the other record stays out."""
    assert {defect.stage for defect in MIXABLE.values()} == {
        Stage.SCHEMA,
        Stage.SIGNATURE,
        Stage.RULES,
        Stage.REGISTER,
    }
    assert len({defect.provokes for defect in MIXABLE.values()}) >= 38


def test_the_truth_stands_beside_the_manifest(tmp_path):
    """Each fault with school, package and place; the manifest counts them and hashes the file."""
    manifest = made(tmp_path, dirty=(("SBX-3002", 200_000), ("decimal_comma", 100_000)))
    rows = list(truth_in(tmp_path))
    assert manifest["truth"]["faults"] == len(rows) > 0
    assert sum(manifest["truth"]["by_code"].values()) == len(rows)
    assert set(manifest["truth"]["by_code"]) == {"SBX-3002", "SBX-2004"}
    packages = packages_in(tmp_path)
    for row in rows:
        assert row["uuid"].encode() in packages[row["package"] - 1]
        assert f"/HOC_BA[{row['place']}]" in row["xpath"]


def test_rates_hold():
    """A label's rate is its share of the records, whatever the other labels are."""
    dirt = Dirt("a seed", (("SBX-2004", 30_000), ("SBX-3003", 10_000)))
    chosen = Counter()
    for number in range(100_000):
        defect = dirt.chosen(
            f"00000000-0000-4000-8000-{number:012x}", grade=4, rsa=False, school_year="2024-2025"
        )
        chosen[defect and defect.provokes] += 1
    assert abs(chosen["SBX-2004"] - 3_000) < 200
    assert abs(chosen["SBX-3003"] - 1_000) < 130


def test_the_same_records_are_dirty_alone_and_in_the_whole():
    """A class alone has the faults it has inside its school."""
    dirty = (("*", 100_000),)
    whole = Maker(order(part=Slice(schools=(SCHOOL, SCHOOL)), dirty=dirty))
    packs = list(whole.packs(SCHOOL))
    alone = Maker(order(part=Slice(schools=(SCHOOL, SCHOOL), class_index=5), dirty=dirty))
    (pack,) = alone.packs(SCHOOL)
    assert pack == packs[5]
    assert pack.faults


def test_a_label_that_cannot_be_mixed_in_is_refused():
    """Account and package faults are provoked by scenarios, not by records."""
    with pytest.raises(ValueError, match="SBX-1102"):
        mixable("SBX-1102")
    with pytest.raises(ValueError, match="exceed"):
        Dirt("a seed", (*EVERY, ("SBX-2004", 1)))
