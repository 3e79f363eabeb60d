"""The committed files of tests/vectors: reproducible, and refused as their index says."""

from __future__ import annotations

import json

import pytest

from sandbox.documents import check_schema, parse, parse_record, render_record
from sandbox.documents.reading import read_report_card
from sandbox.domain.rejections import CATALOGUE, Stage
from sandbox.errors import Refused
from tests.builders.documents import VECTORS
from tests.vectors.make_vectors import HOSTILE, vectors

INDEX = json.loads((VECTORS / "hostile" / "index.json").read_text(encoding="utf-8"))


def test_the_committed_vectors_are_what_the_script_makes():
    """No file was edited by hand, and no byte depends on the machine."""
    for name, content in vectors().items():
        assert (VECTORS / name).read_bytes() == content, name


def test_the_good_record_is_its_card_rendered_and_signed():
    """Reading and rendering the signed record gives the unsigned one, byte for byte."""
    signed = parse_record((VECTORS / "good_record.xml").read_bytes())
    unsigned = (VECTORS / "good_record_unsigned.xml").read_bytes()
    assert render_record(read_report_card(signed)) == unsigned


def test_the_good_package_holds_the_good_record():
    """The second record of the package is the good record, byte for byte."""
    package = parse((VECTORS / "good_package.xml").read_bytes())
    assert package.records[1].original == (VECTORS / "good_record.xml").read_bytes()
    assert all(check_schema(record) == [] for record in package.records)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_by_the_stage_of_its_code(name):
    """Package faults stop the parser, schema faults the schema, signature faults neither."""
    xml = (VECTORS / "hostile" / f"{name}.xml").read_bytes()
    code = INDEX[name]["provokes"]
    stage = CATALOGUE[code].stage
    if stage is Stage.PACKAGE:
        with pytest.raises(Refused) as refused:
            parse(xml)
        assert refused.value.code == code
        return
    found = [finding.code for record in parse(xml).records for finding in check_schema(record)]
    assert found == ([code] if stage is Stage.SCHEMA else [])
