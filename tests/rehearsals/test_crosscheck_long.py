"""Both verifiers over the same records, at length: they agree wherever they can be compared."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.corpora import Maker
from sandbox.defects import DEFECTS
from sandbox.domain.rejections import CATALOGUE, Stage
from sandbox.ministry.checking import RecordVerdict
from sandbox.ministry.crosscheck import Judgement, Outcome, judge
from sandbox.synthetic.nation import Slice
from sandbox.witness import Witness
from tests.builders.corpora import SCHOOL, checked, order
from tests.builders.crosscheck import Watched
from tests.builders.defects import a_kit, deliver
from tests.builders.ministry import installed

pytestmark = pytest.mark.long

RECORDS = 2_000


def codes_of(record: RecordVerdict) -> str:
    errors = [f.code for f in record.findings if not CATALOGUE[f.code].is_warning]
    return "" if record.accepted else " ".join(errors)


def both(maker: Maker, number: int) -> Iterator[tuple[RecordVerdict, Judgement]]:
    """Yield what both verifiers make of a school's records, where both have a say."""
    authority = maker.signers.authority
    witness = Witness(roots=[authority.root.certificate.der], issuers=authority.issuer_certificates)
    for pack in maker.packs(number):
        for record in checked(maker, number, pack.xml).records:
            if record.accepted or record.stage is Stage.SIGNATURE:
                yield record, judge(codes_of(record), witness.look(record.record.original))


@pytest.mark.parametrize("rsa", [0, 1_000], ids=["p256", "rsa"])
def test_both_accept_the_records_of_a_corpus(tmp_path: Path, rsa: int) -> None:
    """A thousand records of whole schools with keys of each kind: not one is disputed."""
    maker = Maker(
        order(part=Slice(schools=(SCHOOL, SCHOOL + 9)), rsa_per_mille=rsa, pool_folder=tmp_path)
    )
    seen: Counter[Outcome] = Counter()
    for number in maker.schools:
        if seen.total() < RECORDS // 2:
            seen.update(found.outcome for _, found in both(maker, number))
    sys.stdout.write(f"\n{rsa=}: {dict(seen)}\n")

    assert set(seen) == {Outcome.AGREED}
    assert seen.total() >= RECORDS // 2


def test_both_agree_about_a_dirty_corpus(tmp_path: Path) -> None:
    """Half the records are spoiled, in every way that can be mixed in: none is disputed."""
    maker = Maker(
        order(
            part=Slice(schools=(SCHOOL, SCHOOL + 3)),
            rsa_per_mille=500,
            pool_folder=tmp_path,
            dirty=(("*", 500_000),),
        )
    )
    seen: Counter[str] = Counter()
    disputed = []
    for number in maker.schools:
        for record, found in both(maker, number):
            seen[f"{record.stage or 'accepted'} {found.counted_as}"] += 1
            if found.outcome is Outcome.DISAGREED:
                disputed.append((record.findings, found))
    sys.stdout.write(f"\ndirty: {dict(seen)}\n")

    assert disputed == []
    assert seen[f"{Stage.SIGNATURE} {Outcome.AGREED}"] > 50


def test_no_defect_makes_the_two_disagree(tmp_path: Path) -> None:
    """Every fault of a signature, delivered to a desk, read back and cut out again."""
    seen: Counter[str] = Counter()
    disputed = []
    kit = a_kit()
    with installed(f"sqlite:///{tmp_path / 'ministry.db'}") as installation:
        verifier = Watched(installation).verifier()
        for defect in DEFECTS.values():
            if not defect.provokes.startswith("SBX-3"):
                continue
            deliver(installation, defect, kit)
            space = installation.spaces.get(f"d{defect.number}")
            assert space is not None
            for row in verifier.stored(space):
                found = verifier.look_now(row, space)
                assert found is not None
                seen[found.counted_as] += 1
                if found.outcome is Outcome.DISAGREED:
                    disputed.append((defect.name, row.codes, found))
    sys.stdout.write(f"\ndefects: {dict(seen)}\n")

    assert disputed == []
    assert set(seen) == {"khop", "khong_so.ngoai_tam"}
