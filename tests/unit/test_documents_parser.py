"""The hardened parser: what it refuses, with which code and where, and at what cost."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from lxml import etree

from sandbox.documents import (
    Limits,
    ParsedPackage,
    ParsedRecord,
    build_package,
    parse,
    parse_record,
    parse_upload,
)
from sandbox.documents.parser import _may_hold_many_attributes
from sandbox.errors import Finding, Refused
from tests.builders.documents import a_record

OPEN, CLOSE = b'<DANH_SACH_HOC_BA id="dataDanhSach">', b"</DANH_SACH_HOC_BA>"
BOMB = (
    b'<!DOCTYPE r [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]>"
)


def refusal(xml: bytes, **limits: int) -> Finding:
    with pytest.raises(Refused) as refused:
        parse(xml, limits=Limits(**limits))
    return refused.value.findings[0]


def package(*inside: bytes) -> bytes:
    return OPEN + b"".join(inside) + CLOSE


SYNTAX = {
    "not XML at all": (b"PK\x03\x04", 1),
    "nothing": (b"", 1),
    "tag not closed": (OPEN + b"\n<HOC_BA>\n" + CLOSE, 3),
    "second root": (package() + b"\n<x/>", 2),
    "byte that is no UTF-8": (OPEN + b"\n<HOC_BA>\xe1</HOC_BA>" + CLOSE, 2),
    "overlong UTF-8": (OPEN + b"\n<HOC_BA>\xc0\xaf</HOC_BA>" + CLOSE, 2),
    "UTF-16": ("\ufeff" + package().decode()).encode("utf-16-le"),
    "UTF-16 without a mark": package().decode().encode("utf-16-be"),
    "declared as windows-1258": (b'<?xml version="1.0" encoding="windows-1258"?>' + package(), 1),
    "declared as UTF-16": (b"<?xml version='1.0' encoding = 'UTF-16'?>" + package(), 1),
    "null character": (OPEN + b"\n\x00" + CLOSE, 2),
    "reference to a null": (OPEN + b"&#0;" + CLOSE, 1),
    "attribute twice": (b'<DANH_SACH_HOC_BA id="a" id="b"/>', 1),
    "undeclared prefix": (package(b"<a:HOC_BA/>"), 1),
    "DOCTYPE behind the root": (package() + b"<!DOCTYPE x>", 1),
    "prolog without an end": (b"<!-- " + package(), 1),
}


@pytest.mark.parametrize("name", SYNTAX)
def test_what_is_no_xml_is_1113_with_its_line(name):
    """Syntax and encoding faults are SBX-1113 and name the line."""
    case = SYNTAX[name]
    xml, line = case if isinstance(case, tuple) else (case, 1)
    finding = refusal(xml)
    assert (finding.code, finding.line) == ("SBX-1113", line)


ENTITIES = {
    "bare DOCTYPE": b"<!DOCTYPE DANH_SACH_HOC_BA>",
    "external DTD": b'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/r.dtd">',
    "local file": b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "parameter entity": b'<!DOCTYPE r [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>',
    "entity bomb": BOMB,
    "behind a comment": b"<!-- a --> <?b c?>\n<!DOCTYPE r []>",
    "behind a declaration": b'<?xml version="1.0"?><!DOCTYPE r []>',
}


@pytest.mark.parametrize("name", ENTITIES)
def test_a_dtd_is_1114(name):
    """Any DOCTYPE is SBX-1114, before libxml2 has read a byte of it."""
    finding = refusal(ENTITIES[name] + package(b"<HOC_BA>&x;&j;</HOC_BA>"))
    assert (finding.code, finding.field) == ("SBX-1114", "DOCTYPE")


@pytest.mark.parametrize("inside", [b"<HOC_BA>&x;</HOC_BA>", b'<HOC_BA id="&x;"/>'])
def test_an_undeclared_entity_is_1114(inside):
    """A reference to an entity nobody may declare is SBX-1114 too."""
    assert refusal(package(b"\n", inside)).code == "SBX-1114"


def test_the_five_predefined_entities_are_lawful():
    """`&amp;` and its four sisters are not entities in the sense of the rule."""
    parsed = parse(package(b"<HOC_BA>&amp;&lt;&gt;&quot;&apos;</HOC_BA>"))
    assert parsed.records[0].element.text == "&<>\"'"


BOUNDS = {
    "too deep": (package(b"<a>" * 40 + b"</a>" * 40), "depth"),
    "deeper than libxml2 goes": (package(b"<a>" * 9000 + b"</a>" * 9000), None),
    "many attributes": (
        package(b"<HOC_BA " + b" ".join(b'a%d=""' % n for n in range(17)) + b"/>"),
        "HOC_BA",
    ),
    "long text": (package(b"<HOC_BA>" + b"a" * 70_000 + b"</HOC_BA>"), "#text"),
    "long text in CDATA": (
        package(b"<HOC_BA><![CDATA[" + b"<" * 70_000 + b"]]></HOC_BA>"),
        "#text",
    ),
    "long text in many pieces": (
        package(b"<HOC_BA>" + b"<![CDATA[aaaaaaaa]]>" * 9000 + b"</HOC_BA>"),
        "#text",
    ),
    "long attribute": (package(b'<HOC_BA id="' + b"a" * 70_000 + b'"/>'), "HOC_BA"),
    "long name": (package(b"<" + b"a" * 60_000 + b"/>"), None),
    "many elements": (package(b"<a/>" * 550_001), "elements"),
    "many comments": (package(b"<!---->" * 550_001), "elements"),
    "many attributes in all": (package(b'<a b=""/>' * 400_001), "attributes"),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_what_exceeds_a_bound_is_1115(name):
    """Depth, attributes, text and number of elements have bounds: SBX-1115."""
    xml, field = BOUNDS[name]
    finding = refusal(xml)
    assert finding.code == "SBX-1115"
    if field is not None:
        assert finding.field == field


def test_the_bounds_are_those_of_the_limits():
    """A space may set its own bounds; what just fits passes."""
    xml = package("<HOC_BA><A><B>tám chữ</B></A></HOC_BA>".encode())
    assert parse(xml, limits=Limits(depth=4)).records[0].number == 1
    assert refusal(xml, depth=3).field == "depth"
    assert refusal(xml, text=11).field == "DANH_SACH_HOC_BA"
    assert parse(xml, limits=Limits(text=16)).records[0].number == 1
    assert refusal(xml, elements=3).field == "elements"


def test_equals_signs_in_a_text_are_not_attributes():
    """A teacher may draw a line of equals signs."""
    parsed = parse(package(b"<HOC_BA>" + b"=" * 60 + b"</HOC_BA>"))
    assert parsed.records[0].element.text == "=" * 60


def test_more_bytes_than_the_cap_are_1105():
    """The size of the document comes first."""
    finding = refusal(package(b" " * 100), unpacked=100)
    assert (finding.code, finding.expected) == ("SBX-1105", "<= 100")


def test_more_records_than_the_cap_are_1105():
    """So does the number of its records."""
    finding = refusal(package(b"<HOC_BA/>" * 3), records=2)
    assert (finding.code, finding.value) == ("SBX-1105", "3")


ROOTS = {
    "another name": (b"<HOC_BA/>", "HOC_BA"),
    "another namespace": (
        b'<DANH_SACH_HOC_BA xmlns="urn:x" id="dataDanhSach"/>',
        "DANH_SACH_HOC_BA",
    ),
    "prefix declared": (b'<DANH_SACH_HOC_BA xmlns:x="urn:x" id="dataDanhSach"/>', "xmlns:x"),
    "xml:lang": (b'<DANH_SACH_HOC_BA xml:lang="vi" id="dataDanhSach"/>', "lang"),
    "another attribute": (b'<DANH_SACH_HOC_BA id="dataDanhSach" a="b"/>', "a"),
    "no Id": (b"<DANH_SACH_HOC_BA/>", "id"),
    "another Id": (b'<DANH_SACH_HOC_BA id="x"/>', "id"),
    "two Ids": (b'<DANH_SACH_HOC_BA id="dataDanhSach" Id="dataDanhSach"/>', "id"),
}


@pytest.mark.parametrize("name", ROOTS)
def test_another_root_is_1109(name):
    """The root is DANH_SACH_HOC_BA id="dataDanhSach" and nothing else."""
    xml, field = ROOTS[name]
    finding = refusal(xml)
    assert (finding.code, finding.field, finding.line) == ("SBX-1109", field, 1)


def test_a_single_record_file_has_a_record_as_root():
    """parse_record takes HOC_BA, parse_upload either, parse packages only."""
    assert isinstance(parse_upload(a_record()), ParsedRecord)
    assert isinstance(parse_upload(package()), ParsedPackage)
    with pytest.raises(Refused) as refused:
        parse_record(package())
    assert refused.value.code == "SBX-1109"


def test_a_byte_order_mark_is_dropped():
    """One BOM is accepted, and lines and bytes count without it."""
    parsed = parse(b"\xef\xbb\xbf" + build_package([a_record()]))
    assert parsed.xml.startswith(OPEN)
    assert parsed.records[0].original == a_record()
    assert parse_record(b"\xef\xbb\xbf" + a_record()).original == a_record()


def test_comments_around_records_are_ignored():
    """Comments and instructions in the prolog and between records change nothing."""
    xml = b"<?xml version='1.0'?><!-- a --><?b?>" + package(
        b"<!-- <HOC_BA> -->", a_record(), b"<?c </HOC_BA>?>", b"<HOC_BA/>", b"<!-- d -->"
    )
    assert [r.original for r in parse(xml).records] == [a_record(), b"<HOC_BA/>"]


CUTS = {
    "plain": (b"<HOC_BA>1</HOC_BA>", b"<HOC_BA\n>2</HOC_BA >"),
    "empty tags": (b"<HOC_BA/>", b'<HOC_BA id="a>b" />'),
    "angle in an attribute": (b'<HOC_BA id="/>">x</HOC_BA>', b"<HOC_BA/>"),
    "longer names": (b"<HOC_BA><HOC_BA_X/></HOC_BA>", b"<HOC_BA><HOC_BAN></HOC_BAN></HOC_BA>"),
    "nested": (b"<HOC_BA><HOC_BA>in</HOC_BA><HOC_BA/></HOC_BA>", b"<HOC_BA></HOC_BA>"),
    "end tag in CDATA": (b"<HOC_BA><![CDATA[</HOC_BA>]]></HOC_BA>", b"<HOC_BA/>"),
    "start tag in a comment": (b"<HOC_BA><!--<HOC_BA>--></HOC_BA>", b"<HOC_BA/>"),
    "end tag in an instruction": (b"<HOC_BA><?x </HOC_BA>?></HOC_BA>", b"<HOC_BA/>"),
}


@pytest.mark.parametrize("name", CUTS)
def test_records_are_cut_out_byte_for_byte(name):
    """Whatever hides in a record, its original bytes are exactly what was sent."""
    records = CUTS[name]
    parsed = parse(package(b"\n ", records[0], b" \n", records[1], b"\n"))
    assert tuple(record.original for record in parsed.records) == records


def test_a_record_elsewhere_is_never_read():
    """Only direct children of the root are records, and their bytes are theirs alone."""
    xml = package(b"<X><HOC_BA>hidden</HOC_BA></X>", b"<HOC_BA>seen</HOC_BA>")
    assert [record.original for record in parse(xml).records] == [b"<HOC_BA>seen</HOC_BA>"]


def test_the_line_of_a_record_counts_in_the_whole_document():
    """`line` is that of the start tag in the decoded XML."""
    parsed = parse(package(b"\n\n", b"<HOC_BA/>", b"\n", b"<HOC_BA>\n</HOC_BA>"))
    assert [record.line for record in parsed.records] == [3, 4]


HOSTILE = {
    "entity bomb": f"parse({BOMB!r} + b'<a>&j;</a>')",
    "many elements": "parse(OPEN + b'<a/>' * 8_000_000 + CLOSE)",
    "many attributes": 'parse(OPEN + b\'<a b="" c="" d=""/>\' * 1_700_000 + CLOSE)',
    "many namespaces": (
        "parse(OPEN + b''.join(b'<a xmlns:a%d=\"u:%d\"/>' % (n, n) for n in range(900_000)))"
    ),
    "deep": "parse(OPEN + b'<a>' * 500_000 + b'</a>' * 500_000 + CLOSE)",
    "one long text": "parse(OPEN + b'a' * 33_000_000 + CLOSE)",
    "gzip bomb": "unpack(bomb(2_000_000_000))",
    "gzip bomb that lies": "unpack(bomb(109))",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_costs_little_memory(name):
    """Refusing 32 MiB of hostility adds less than 150 MB to the process."""
    script = f"""
import base64, struct, zlib
from sandbox.documents import parse
from sandbox.documents.envelope import unpack
from sandbox.errors import Refused
OPEN, CLOSE = {OPEN!r}, {CLOSE!r}
def bomb(announced):
    member = zlib.compressobj(9, wbits=31)
    packed = b"".join(member.compress(bytes(1_000_000)) for _ in range(300)) + member.flush()
    return base64.b64encode(struct.pack("<i", announced) + packed).decode()
try:
    {HOSTILE[name]}
except Refused as refused:
    # VmHWM, not ru_maxrss: that one is inherited from a large parent.
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    print(refused.code, int(status["VmHWM"].split()[0]) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    code, megabytes = done.stdout.split()
    assert code in {"SBX-1105", "SBX-1108", "SBX-1114", "SBX-1115"}
    assert int(megabytes) < 220


NESTED = (
    "<HOC_BA><HOC_BA>1</HOC_BA><HOC_BA>2</HOC_BA></HOC_BA><HOC_BA>3</HOC_BA>",
    "<HOC_BA><HOC_BA>1</HOC_BA></HOC_BA><HOC_BA>2</HOC_BA>",
    "<HOC_BA>1</HOC_BA><X><HOC_BA>2</HOC_BA></X><HOC_BA>3</HOC_BA>",
    "<HOC_BA/><HOC_BA>2</HOC_BA>",
    "<HOC_BA>1</HOC_BA>\n<HOC_BA>2</HOC_BA>",
    "<HOC_BAX>0</HOC_BAX><HOC_BA>1</HOC_BA>",
    "<X>0</X><HOC_BA>1</HOC_BA><HOC_BA>2</HOC_BA >",
)


@pytest.mark.parametrize("inside", NESTED)
def test_each_record_is_cut_where_its_element_lies(inside: str) -> None:
    """Whatever lies inside or beside records, the bytes of each parse to that very element."""
    xml = f'<DANH_SACH_HOC_BA id="dataDanhSach">{inside}</DANH_SACH_HOC_BA>'.encode()

    package = parse(xml)

    assert [etree.tostring(etree.fromstring(r.original)) for r in package.records] == [
        etree.tostring(child, with_tail=False) for child in etree.fromstring(xml).findall("HOC_BA")
    ]


def test_many_attributes_are_suspected_wherever_they_stand() -> None:
    """The quick look finds every stretch the slow one does, and no other."""
    chance = random.Random(5)
    for _ in range(20_000):
        text = bytes(chance.choices(b"==<a", k=chance.randrange(30)))
        stretches = [run.count(b"=") for run in text.split(b"<")]
        assert _may_hold_many_attributes(text, Limits(attributes=4)) == (max(stretches) > 4), text
