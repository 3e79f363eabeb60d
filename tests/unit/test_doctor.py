"""The signature doctor on prepared bad signatures, and on every defect that touches a signature."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.clock import VIETNAM
from sandbox.defects import DEFECTS, Kit
from sandbox.documents import parse
from sandbox.errors import Refused
from sandbox.pki import TrainingAuthority, Trust
from sandbox.xmldsig import verify_package, verify_record
from sandbox.xmldsig.doctor import examine
from sandbox.xmldsig.doctor_model import Examination, Strength
from tests.builders.ministry import authority, packed, signed
from tests.vectors import make_bad_signatures as bad

FOLDER = bad.FOLDER
INDEX: dict[str, dict[str, str]] = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
AT = datetime(2025, 5, 28, 9, 0, tzinfo=VIETNAM)
TRUST = Trust(authority().issuer_certificates)
PROVABLE = set(INDEX) - {
    "comment_edited", "exclusive_c14n", "c14n_11", "c14n_with_comments", "stock_signxml",
    "prefixed_signxml", "wrong_id_attribute", "sha1_by_xmlsec1", "hmac_by_xmlsec1",
    "signed_twice", "signature_of_the_neighbour", "package_not_signed",
}  # fmt: skip
"""What a trial against digest or value settles; the rest stands in the file or cannot be known."""


def looked_at(xml: bytes, **more: Any) -> Examination:
    return examine(xml, trust=TRUST, revocations=None, at=AT, registered=None, **more)


def of_file(name: str) -> Examination:
    return looked_at((FOLDER / f"{name}.xml").read_bytes())


def test_there_are_enough_bad_signatures_and_enough_tools() -> None:
    """At least 25 files; xmlsec1, signxml, openssl, lxml and plain hashlib had a hand in them."""
    tools = {tool for row in INDEX.values() for tool in row["tool"].split(", ")}

    assert len(INDEX) >= 25
    assert tools >= {"xmlsec1", "signxml", "openssl", "lxml", "hashlib", "minidom"}
    assert {f"{name}.xml" for name in INDEX} == {p.name for p in FOLDER.glob("*.xml")}


@pytest.mark.parametrize("name", INDEX)
def test_the_doctor_names_the_cause_first(name: str) -> None:
    """The first cause of each prepared file is the mistake that was made."""
    first = of_file(name).causes[0]

    assert first.key == INDEX[name]["cause"]
    assert (first.strength is Strength.PROVED) == (name in PROVABLE)


def test_a_proved_cause_brings_the_bytes_that_prove_it() -> None:
    """The bytes that were hashed are handed out beside those that should have been."""
    first = of_file("crlf_hashed").causes[0]

    assert first.form is not None
    assert first.right is not None
    assert first.form.replace(b"\r\n", b"\n") == first.right


def test_an_edited_score_is_named_with_what_was_signed() -> None:
    """The digest tells which field was changed, where it can have held few values."""
    facts = of_file("score_edited").causes[0].facts

    assert facts["xpath"].endswith("DIEM_CUOI_NAM") or facts["xpath"].endswith("CAN_NANG")
    assert facts["was"] != facts["now"]


def test_an_edited_signing_time_is_named_with_the_one_that_was_signed() -> None:
    """The second that was signed is found again."""
    facts = of_file("signing_time_edited").causes[0].facts

    assert (facts["was"][11:19], facts["now"][11:19]) == ("08:00:00", "07:43:11")


def test_an_edited_comment_is_called_edited_and_no_field_is_guessed() -> None:
    """Free text cannot be turned back from a digest: the doctor says so."""
    first = of_file("comment_edited").causes[0]

    assert (first.key, first.strength) == ("edited", Strength.POSSIBLE)
    assert "xpath" not in first.facts


def test_a_good_package_has_no_causes() -> None:
    """Nothing is wrong, every step passed, every digest is equal."""
    card = bad.CARD
    school = bad.SCHOOL
    found = looked_at(packed([signed(card)], unit_code=school.code, unit_name=school.name))

    assert (found.codes, found.causes) == ((), ())
    assert found.package is not None
    assert all(exam.holds for exam in (found.package, *found.records[0].signatures))
    assert all(d.equal for s in found.records[0].signatures for d in s.digests)


def test_a_record_alone_is_taken_too() -> None:
    """A single record has three signatures and no package."""
    found = looked_at(signed(bad.CARD))

    assert (found.kind, found.package, len(found.records[0].signatures)) == ("record", None, 3)


SPOILT = sorted(name for name, d in DEFECTS.items() if d.provokes.startswith(("SBX-30", "SBX-111")))
KIT = Kit(TrainingAuthority.from_seed("doctor"))


def verifiers_codes(xml: bytes, trust: Trust) -> list[str]:
    """What the strict verifier itself answers."""
    try:
        package = parse(xml)
        verify_package(package, trust=trust, revocations=None, at=KIT.now, registered=None)
    except Refused as refusal:
        return list(dict.fromkeys(f.code for f in refusal.findings))
    codes: list[str] = []
    for record in package.records:
        try:
            verify_record(record, trust=trust, revocations=None, at=KIT.now, registered=None)
        except Refused as refusal:
            codes += [f.code for f in refusal.findings]
    return list(dict.fromkeys(codes))


@pytest.mark.parametrize(
    "name",
    [n if i % 4 == 0 else pytest.param(n, marks=pytest.mark.long) for i, n in enumerate(SPOILT)],
)
def test_the_doctor_gives_no_second_opinion_and_never_leaves_a_refusal_without_a_cause(
    name: str,
) -> None:
    """On every defect of a signature: the verifier's codes, and at least one cause for them."""
    xml = DEFECTS[name].make(KIT).package
    trust = Trust(KIT.authority.issuer_certificates)
    found = examine(xml or b"", trust=trust, revocations=None, at=KIT.now, registered=None)

    assert list(found.codes) == verifiers_codes(xml or b"", trust)
    assert bool(found.causes) == bool(found.codes)


@pytest.mark.long
def test_the_script_makes_the_same_mistakes_again(tmp_path: Path) -> None:
    """Values differ from run to run; the causes do not."""
    bad.write(tmp_path)

    named = {
        name: looked_at((tmp_path / f"{name}.xml").read_bytes()).causes[0].key for name in INDEX
    }

    assert named == {name: row["cause"] for name, row in INDEX.items()}
