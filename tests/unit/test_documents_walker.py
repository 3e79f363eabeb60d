"""The XSD and the walker: two ways to look at a record that must agree."""

from __future__ import annotations

import random
import unicodedata
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from sandbox.documents import check_schema, parse_record
from sandbox.documents.bounds import Switches
from sandbox.documents.schema import WARNINGS, _is_plain
from sandbox.documents.tags import RECORD, Branch, Leaf
from sandbox.documents.walker import walk
from sandbox.documents.xsd import COMMITTED, SCHEMA_FOLDER, compiled_schema, render_schema
from tests.builders.documents import VECTORS, a_record, parsed, valued

EXAMPLE = (VECTORS / "record_spec_9.xml").read_bytes()


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def test_the_committed_schemas_are_those_of_the_tag_table():
    """The XSD files for people are exactly what the sandbox validates with."""
    for name, switches in COMMITTED.items():
        committed = (SCHEMA_FOLDER / name).read_text(encoding="utf-8")
        assert committed == render_schema(switches)
        assert etree.XMLSchema(etree.parse(SCHEMA_FOLDER / name)).validate(
            parse_record(EXAMPLE).element
        )


def _tags(branch: Branch) -> list[str]:
    found: list[str] = [branch.tag]
    for child in branch.children:
        found.extend(_tags(child) if isinstance(child, Branch) else [child.tag])
    return found


ALL_TAGS = _tags(RECORD)
VALUES = (
    *("", " ", "x", "T", "Đ", "D", "M", "0", "1", "10", "11", "9.5", "29.5", "0029.5", "04", "4"),
    *("30/02/2014", "09/03/2014", "2014-03-09", "2014-03-09T00:00:00Z", "2014-13-09"),
    *("2023-2024", "2023-2025", "948314000017", "94831400001a", "٠١٢٣٤٥٦٧٨٩٠١"),
    *("Nguyễn  Mẫu", "H' Mẫu", nfd("Mẫu"), "Mẫu\u2019", "a\tb", "a\nb", "a\u0085b", "\u200b"),
    *("Hoàn thành", "Hoàn thành tốt", "Tốt", "Nam", "48", "90000000-0000-4000-8000-00000000000A"),
    *("a" * 11, "a" * 151, "a" * 251, "a" * 2001, "\U0001f600", "\ue000", "\u0301"),
)


def _mutate(random_source: random.Random, root: etree._Element) -> None:
    nodes = [node for node in root.iter() if isinstance(node.tag, str)]
    node = random_source.choice(nodes)
    parent = node.getparent()
    action = random_source.randrange(8)
    if action == 0 and parent is not None:
        parent.remove(node)
    elif action == 1 and parent is not None:
        parent.insert(random_source.randrange(len(parent) + 1), node)
    elif action == 2 and parent is not None:
        copy = etree.fromstring(etree.tostring(node))
        parent.insert(random_source.randrange(len(parent) + 1), copy)
    elif action == 3:
        node.tag = random_source.choice(ALL_TAGS)
    elif action == 4:
        node.set(random_source.choice(["id", "Id", "x"]), "v")
    elif action == 5:
        node.insert(0, random_source.choice([etree.Comment("x"), etree.Element("X")]))
    else:
        leaves = [leaf for leaf in nodes if len(leaf) == 0]
        random_source.choice(leaves).text = random_source.choice(VALUES)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32), sequence=st.booleans(), strict=st.booleans(), words=st.booleans()
)
def test_the_walker_explains_everything_the_xsd_refuses(seed, sequence, strict, words):
    """On mutated records XSD and walker agree: refused means explained, plain means silent."""
    chance = random.Random(seed)
    root = etree.fromstring(EXAMPLE)
    for _ in range(chance.randrange(1, 4)):
        _mutate(chance, root)
    root.tag = "HOC_BA"
    record = parse_record(etree.tostring(root, encoding="utf-8"))
    switches = Switches(sequence=sequence, strict_lengths=strict, words=words)
    accepted = compiled_schema(switches).validate(record.element)
    findings = walk(record, switches=switches)
    errors = [finding for finding in findings if finding.code not in WARNINGS]
    assert accepted or errors, compiled_schema(switches).error_log
    if accepted and _is_plain(record):
        assert findings == []
    for finding in findings:
        assert finding.xpath is not None
        assert finding.line is not None
    assert check_schema(record, switches=switches) == findings


def test_leaves_of_the_table_are_the_forty_fields_and_the_rest():
    """THONG_TIN_CHUNG has the 40 tags of the specification and the tolerated NAM_HOC."""
    general = next(c for c in RECORD.children[0].children if c.tag == "THONG_TIN_CHUNG")
    assert len([leaf for leaf in general.children if isinstance(leaf, Leaf)]) == 41


def test_one_schema_serves_many_threads():
    """Checks in parallel threads never mix up their records."""
    good, bad = parsed(a_record()), parsed(valued("CAN_NANG", "29,5"))

    def check(number: int) -> list[str]:
        record = bad if number % 3 == 0 else good
        return [finding.code for finding in check_schema(record)]

    with ThreadPoolExecutor(max_workers=4) as pool:
        answers = list(pool.map(check, range(300)))
    assert answers == [["SBX-2004"] if number % 3 == 0 else [] for number in range(300)]
