"""Whatever is done to a signed document, it is refused with a code, or says what was signed."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable

import pytest
from lxml import etree

from sandbox.domain.rejections import CATALOGUE
from sandbox.errors import Refused
from tests.builders.signing import (
    numbered_record,
    signed_package,
    signed_record,
    verified,
    verified_package,
)

DS = "http://www.w3.org/2000/09/xmldsig#"
UUID = "90000000-0000-4000-8000-000000000001"
VALUES = ["", "#", "x", "#x", f"data-{UUID}", f"#data-{UUID}", "dataDanhSach"]
RECORD = signed_record()
DATA = verified(RECORD).data
PACKAGE = signed_package(numbered_record(1), numbered_record(2))


def with_one_byte_changed(xml: bytes, chance: random.Random) -> bytes:
    """Put one of the characters that matter to XML somewhere."""
    changed = bytearray(xml)
    changed[chance.randrange(len(changed))] = chance.choice(b"<>&\"'= /xXdD0A\n\xc3:!?-")
    return bytes(changed)


def with_one_node_changed(xml: bytes, chance: random.Random) -> bytes:
    """Remove, double, empty, move or fill one node, most often one of a Signature."""
    root = etree.fromstring(xml)
    nodes = [n for n in root.iter() if DS in str(n.tag) or chance.random() < 0.3]
    node = chance.choice(nodes[1:])
    parent = node.getparent()
    assert parent is not None
    foreign = [etree.Comment("x"), etree.PI("a", "b"), etree.Element("X"), etree.Element("{r}Y")]
    match chance.randrange(6):
        case 0:
            parent.remove(node)
        case 1:
            parent.insert(parent.index(node), copy.deepcopy(node))
        case 2:
            node.text = chance.choice(["", "x", " \n", "é", "A" * 2000, None])
        case 3 if node.attrib:
            node.attrib[chance.choice(list(node.attrib))] = chance.choice(VALUES)
        case 4:
            node.insert(0, chance.choice(foreign))
        case _:
            node.tail = chance.choice(["x", "\n"])
    return etree.tostring(root)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("change", [with_one_byte_changed, with_one_node_changed])
def test_a_changed_record_is_refused_or_its_signed_data_are_the_same(
    change: Callable[[bytes, random.Random], bytes], seed: int
):
    """No change makes other data pass, and none makes the verifier stumble."""
    chance, codes = random.Random(seed), set[str]()
    for _ in range(120):
        try:
            found = verified(change(RECORD, chance))
        except Refused as refused:
            codes |= {finding.code for finding in refused.findings}
        else:
            assert found.data == DATA
    assert codes <= set(CATALOGUE)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("change", [with_one_byte_changed, with_one_node_changed])
def test_a_changed_package_is_refused_or_its_canonical_form_is_the_same(
    change: Callable[[bytes, random.Random], bytes], seed: int
):
    """What still verifies differs in nothing the package signature covers."""
    chance, codes = random.Random(seed), set[str]()
    for _ in range(60):
        changed = change(PACKAGE, chance)
        try:
            verified_package(changed)
        except Refused as refused:
            codes |= {finding.code for finding in refused.findings}
        else:
            assert without_signature(changed) == without_signature(PACKAGE)
    assert codes <= set(CATALOGUE)


def without_signature(xml: bytes) -> bytes:
    """Return the canonical package with its own Signature taken out."""
    root = etree.fromstring(xml)
    signature = root.find(f"{{{DS}}}Signature")
    assert signature is not None
    tail = signature.tail or ""
    signature.getprevious().tail = (signature.getprevious().tail or "") + tail
    root.remove(signature)
    return etree.tostring(root, method="c14n", with_comments=False)
