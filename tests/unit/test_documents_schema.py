"""Stage schema: every code with its place."""

from __future__ import annotations

import unicodedata

import pytest

from sandbox.documents import build_package, check_schema, locate, parse, parse_record
from sandbox.documents.walker import MOST_FINDINGS
from sandbox.errors import Finding
from tests.builders.documents import (
    VECTORS,
    a_record,
    changed,
    codes_of,
    findings_of,
    parsed,
    valued,
    without,
)

GENERAL = "/HOC_BA/DU_LIEU_HOC_BA/THONG_TIN_CHUNG"
HISTORY = "/HOC_BA/DU_LIEU_HOC_BA/QUA_TRINH_HOC_TAP"
SUMMARY = "/HOC_BA/DU_LIEU_HOC_BA/TONG_KET"
EXAMPLE = (VECTORS / "record_spec_9.xml").read_bytes()
LONG = "a" * 3000


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


FAULTS = {
    "required tag missing": (without("HO_VA_TEN_ME"), "SBX-2001", "HO_VA_TEN_ME", GENERAL),
    "rating missing": (
        without("PHAM_CHAT_NHAN_AI"),
        "SBX-2001",
        "PHAM_CHAT_NHAN_AI",
        f"{SUMMARY}/DANH_GIA_NANG_LUC_PHAM_CHAT",
    ),
    "group missing": (without("BANG_DIEM"), "SBX-2001", "BANG_DIEM", SUMMARY),
    "district missing up to 2024-2025": (
        without("TEN_QUAN_HUYEN"),
        "SBX-2001",
        "TEN_QUAN_HUYEN",
        GENERAL,
    ),
    "unknown tag": (
        changed(
            "<TEN_LOP>4A1</TEN_LOP></THONG", "<TEN_LOP>4A1</TEN_LOP><GHI_CHU>x</GHI_CHU></THONG"
        ),
        "SBX-2002",
        "GHI_CHU",
        f"{GENERAL}/GHI_CHU",
    ),
    "two tags exchanged": (
        changed(
            "<MA_KHOI>04</MA_KHOI><TEN_LOP>4A1</TEN_LOP></THONG",
            "<TEN_LOP>4A1</TEN_LOP><MA_KHOI>04</MA_KHOI></THONG",
        ),
        "SBX-2002",
        "TEN_LOP",
        f"{GENERAL}/TEN_LOP",
    ),
    "tag twice": (
        changed("<MA_KHOI>04</MA_KHOI>", "<MA_KHOI>04</MA_KHOI><MA_KHOI>04</MA_KHOI>"),
        "SBX-2002",
        "MA_KHOI",
        f"{GENERAL}/MA_KHOI[2]",
    ),
    "attribute": (
        changed("<MA_KHOI>", '<MA_KHOI loai="x">'),
        "SBX-2002",
        "loai",
        f"{GENERAL}/MA_KHOI",
    ),
    "xml:lang": (
        changed("<MA_KHOI>", '<MA_KHOI xml:lang="vi">'),
        "SBX-2002",
        "lang",
        f"{GENERAL}/MA_KHOI",
    ),
    "namespace declared": (
        changed("<THONG_TIN_CHUNG>", '<THONG_TIN_CHUNG xmlns:x="urn:x">'),
        "SBX-2002",
        "xmlns:x",
        GENERAL,
    ),
    "comment": (
        changed("<MA_KHOI>", "<!-- khối --><MA_KHOI>"),
        "SBX-2002",
        "<!-- -->",
        GENERAL,
    ),
    "comment inside a single tag": (
        changed("<MA_KHOI>04", "<MA_KHOI>0<!-- x -->4"),
        "SBX-2002",
        "<!-- -->",
        f"{GENERAL}/MA_KHOI",
    ),
    "processing instruction": (
        changed("<MA_KHOI>", "<?khoi 4?><MA_KHOI>"),
        "SBX-2002",
        "<? ?>",
        GENERAL,
    ),
    "text between tags": (
        changed("<MA_KHOI>", "khối <MA_KHOI>"),
        "SBX-2002",
        "THONG_TIN_CHUNG",
        GENERAL,
    ),
    "child tag inside a single tag": (
        changed("<MA_KHOI>04", "<MA_KHOI><X>04</X>"),
        "SBX-2002",
        "X",
        f"{GENERAL}/MA_KHOI/X",
    ),
    "empty tag": (valued("DAN_TOC", ""), "SBX-2003", "DAN_TOC", f"{GENERAL}/DAN_TOC"),
    "blank tag": (valued("DAN_TOC", "\u00a0 \n"), "SBX-2003", "DAN_TOC", f"{GENERAL}/DAN_TOC"),
    "empty group": (
        changed("</DU_LIEU_HOC_BA>", "</DU_LIEU_HOC_BA><DANH_SACH_THONG_TIN_KY/>"),
        "SBX-2003",
        "DANH_SACH_THONG_TIN_KY",
        "/HOC_BA/DANH_SACH_THONG_TIN_KY",
    ),
    "no such day": (
        valued("NGAY_SINH", "30/02/2014"),
        "SBX-2004",
        "NGAY_SINH",
        f"{GENERAL}/NGAY_SINH",
    ),
    "no such day in ISO": (
        valued("NGAY_SINH", "2014-02-30"),
        "SBX-2004",
        "NGAY_SINH",
        f"{GENERAL}/NGAY_SINH",
    ),
    "day in another form": (
        valued("NGAY_SINH", "9/3/2014"),
        "SBX-2004",
        "NGAY_SINH",
        f"{GENERAL}/NGAY_SINH",
    ),
    "eleven digits": (
        valued("SO_CCCD", "94831400001"),
        "SBX-2004",
        "SO_CCCD",
        f"{GENERAL}/SO_CCCD",
    ),
    "decimal comma": (valued("CAN_NANG", "29,5"), "SBX-2004", "CAN_NANG", f"{GENERAL}/CAN_NANG"),
    "five decimals": (
        valued("CAN_NANG", "29.50001"),
        "SBX-2004",
        "CAN_NANG",
        f"{GENERAL}/CAN_NANG",
    ),
    "too heavy": (valued("CAN_NANG", "120.5"), "SBX-2004", "CAN_NANG", f"{GENERAL}/CAN_NANG"),
    "too small": (valued("CHIEU_CAO", "69.9"), "SBX-2004", "CHIEU_CAO", f"{GENERAL}/CHIEU_CAO"),
    "half a half-day": (
        valued("TONG_SO_BUOI_NGHI_CO_PHEP", "1.5"),
        "SBX-2004",
        "TONG_SO_BUOI_NGHI_CO_PHEP",
        f"{GENERAL}/TONG_SO_BUOI_NGHI_CO_PHEP",
    ),
    "score with a decimal": (
        valued("DIEM_KIEM_TRA_DINH_KY", "9.5", nth=1),
        "SBX-2004",
        "DIEM_KIEM_TRA_DINH_KY",
        f"{SUMMARY}/BANG_DIEM/MON_HOC[2]/DIEM_KIEM_TRA_DINH_KY",
    ),
    "flag in words": (
        valued("DUOC_LEN_LOP", "true"),
        "SBX-2004",
        "DUOC_LEN_LOP",
        f"{SUMMARY}/DUOC_LEN_LOP",
    ),
    "school year of two years": (
        valued("NAM_HOC", "2021-2023", nth=1),
        "SBX-2004",
        "NAM_HOC",
        f"{HISTORY}/NAM_HOC_ITEM[2]/NAM_HOC",
    ),
    "digit in a name": (
        valued("HO_VA_TEN", "Nguyễn Mẫu 2"),
        "SBX-2004",
        "HO_VA_TEN",
        f"{GENERAL}/HO_VA_TEN",
    ),
    "two spaces in a name": (
        valued("HO_VA_TEN", "Nguyễn  Mẫu"),
        "SBX-2004",
        "HO_VA_TEN",
        f"{GENERAL}/HO_VA_TEN",
    ),
    "tab in a text": (valued("NOI_SINH", "a\tb"), "SBX-2004", "NOI_SINH", f"{GENERAL}/NOI_SINH"),
    "text too long": (valued("NOI_SINH", "a" * 251), "SBX-2005", "NOI_SINH", f"{GENERAL}/NOI_SINH"),
    "comment too long": (
        valued("NHAN_XET_GVCN", "a" * 2001),
        "SBX-2005",
        "NHAN_XET_GVCN",
        f"{SUMMARY}/NHAN_XET_GVCN",
    ),
    "UUID of version 1": (
        valued("MA_TRA_CUU_UUID", "90000000-0000-1000-8000-000000000001"),
        "SBX-2006",
        "MA_TRA_CUU_UUID",
        f"{GENERAL}/MA_TRA_CUU_UUID",
    ),
    "decomposed name": (
        valued("HO_VA_TEN", nfd("Nguyễn Mẫu")),
        "SBX-2007",
        "HO_VA_TEN",
        f"{GENERAL}/HO_VA_TEN",
    ),
    "decomposed by reference": (
        valued("NOI_SINH", "a&#x301;"),
        "SBX-2007",
        "NOI_SINH",
        f"{GENERAL}/NOI_SINH",
    ),
    "sex outside its list": (
        valued("GIOI_TINH", "nữ"),
        "SBX-2008",
        "GIOI_TINH",
        f"{GENERAL}/GIOI_TINH",
    ),
    "rating with a plain D": (
        valued("PHAM_CHAT_NHAN_AI", "D"),
        "SBX-2008",
        "PHAM_CHAT_NHAN_AI",
        f"{SUMMARY}/DANH_GIA_NANG_LUC_PHAM_CHAT/PHAM_CHAT_NHAN_AI",
    ),
    "rating with an Icelandic letter": (
        valued("PHAM_CHAT_NHAN_AI", "\u00d0"),
        "SBX-2008",
        "PHAM_CHAT_NHAN_AI",
        f"{SUMMARY}/DANH_GIA_NANG_LUC_PHAM_CHAT/PHAM_CHAT_NHAN_AI",
    ),
    "exempt in v1.0": (
        valued("MUC_DAT_DUOC", "M"),
        "SBX-2008",
        "MUC_DAT_DUOC",
        f"{SUMMARY}/BANG_DIEM/MON_HOC[1]/MUC_DAT_DUOC",
    ),
    "word for a level": (
        valued("MUC_DAT_DUOC", "Hoàn thành"),
        "SBX-2008",
        "MUC_DAT_DUOC",
        f"{SUMMARY}/BANG_DIEM/MON_HOC[1]/MUC_DAT_DUOC",
    ),
    "grade 6": (valued("MA_KHOI", "06"), "SBX-2008", "MA_KHOI", f"{GENERAL}/MA_KHOI"),
    "extra NAM_HOC of another year": (
        changed("</TEN_LOP></THONG", "</TEN_LOP><NAM_HOC>2022-2023</NAM_HOC></THONG"),
        "SBX-2009",
        "NAM_HOC",
        f"{GENERAL}/NAM_HOC",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_single_fault_gives_its_code_and_place(name):
    """One fault gives exactly one finding: code, tag and XPath of the fault."""
    xml, code, field, xpath = FAULTS[name]
    findings = findings_of(xml)
    assert [(f.code, f.field, f.xpath) for f in findings] == [(code, field, xpath)]


def test_the_fault_is_placed_in_its_record_and_line():
    """In a package the XPath names the record and the line is that of the whole document."""
    broken = EXAMPLE[EXAMPLE.index(b"<HOC_BA") :].replace(b">29.5<", b">29,5<").rstrip()
    package = parse(build_package([a_record(), broken]))
    (finding,) = check_schema(package.records[1])
    assert finding.xpath == ("/DANH_SACH_HOC_BA/HOC_BA[2]/DU_LIEU_HOC_BA/THONG_TIN_CHUNG/CAN_NANG")
    assert package.xml.split(b"\n")[finding.line - 1].strip() == b"<CAN_NANG>29,5</CAN_NANG>"
    assert finding.value == "29,5"


def test_all_faults_of_a_record_are_named_in_document_order():
    """A record with three faults gets three findings."""
    xml = valued("DAN_TOC", "").replace(b">04<", b">6<").replace(b">29.5<", b">x<")
    assert codes_of(xml) == ["SBX-2004", "SBX-2003", "SBX-2008"]


def test_one_misplaced_tag_is_one_finding():
    """Moving one tag to the front does not accuse the forty others."""
    tag = b"<MA_KHOI>04</MA_KHOI>"
    xml = a_record().replace(tag, b"").replace(b"<PHIEN_BAN>", tag + b"<PHIEN_BAN>")
    assert [(f.code, f.field) for f in findings_of(xml)] == [("SBX-2002", "MA_KHOI")]


def test_any_order_passes_with_the_relaxed_switch():
    """`thu_tu_the` relaxed: siblings may come in any order."""
    tag = b"<MA_KHOI>04</MA_KHOI>"
    xml = a_record().replace(tag, b"").replace(b"<PHIEN_BAN>", tag + b"<PHIEN_BAN>")
    assert codes_of(xml, sequence=False) == []


def test_groups_in_any_order_pass_with_the_relaxed_switch():
    """The same holds for the groups themselves, signatures in front of the data included."""
    start, end = EXAMPLE.index(b"<DANH_SACH_THONG"), EXAMPLE.index(b"</HOC_BA>")
    slots = EXAMPLE[start:end]
    moved = EXAMPLE.replace(slots, b"").replace(b"<DU_LIEU", slots + b"<DU_LIEU", 1)
    history = moved[moved.index(b"<QUA_TRINH") : moved.index(b"<TONG_KET")]
    moved = moved.replace(history, b"").replace(b"<THONG_TIN_CHUNG", history + b"<THONG_TIN_CHUNG")
    assert codes_of(moved, sequence=False) == []
    assert set(codes_of(moved)) == {"SBX-2002"}


def test_the_relaxed_switch_still_demands_the_required_tags():
    """Relaxed order is not relaxed content."""
    assert codes_of(without("MA_KHOI"), sequence=False) == ["SBX-2001"]
    assert codes_of(without("THONG_SO_BUOI_NGHI_KHONG_PHEP"), sequence=False) == ["SBX-2001"]
    empty = a_record().replace(b"</HOC_BA>", b"<DANH_SACH_THONG_TIN_KY/></HOC_BA>")
    assert codes_of(empty, sequence=False) == ["SBX-2003"]


def test_the_lengths_of_the_dictionary_can_be_switched_off():
    """`do_dai_chat` off: only the lengths v1.0 itself gives remain."""
    assert codes_of(valued("NOI_SINH", LONG), strict_lengths=False) == []
    assert codes_of(valued("TEN_LOP", "lớp bốn a một"), strict_lengths=False) == ["SBX-2005"]


def test_words_for_levels_pass_with_their_switch():
    """`muc_bang_chu` on: words are taken for letters."""
    xml = valued("MUC_DAT_DUOC", "Hoàn thành tốt")
    assert codes_of(xml, words=True) == []


@pytest.mark.parametrize(
    ("tag", "alias"),
    [
        ("THONG_SO_BUOI_NGHI_KHONG_PHEP", "TONG_SO_BUOI_NGHI_KHONG_PHEP"),
        ("NANG_LUC_GIAO_TIEP_HOC_TAC", "NANG_LUC_GIAO_TIEP_HOP_TAC"),
    ],
)
def test_an_alias_is_understood_with_a_warning(tag, alias):
    """The ordinary spelling of a misspelt tag passes as SBX-2090, in either order mode."""
    xml = a_record().replace(tag.encode(), alias.encode())
    for sequence in (True, False):
        (finding,) = findings_of(xml, sequence=sequence)
        assert (finding.code, finding.field, finding.expected) == ("SBX-2090", alias, tag)


def test_without_the_alias_switch_the_ordinary_spelling_is_unknown():
    """`bi_danh` off: the alias is an unknown tag and the printed one is missing."""
    xml = a_record().replace(b"THONG_SO_BUOI", b"TONG_SO_BUOI")
    assert codes_of(xml, aliases=False) == ["SBX-2002", "SBX-2001"]


def test_both_spellings_at_once_are_one_too_many():
    """A tag and its alias side by side are a repeated tag."""
    xml = changed(
        "<NOI_SINH>", "<TONG_SO_BUOI_NGHI_KHONG_PHEP>0</TONG_SO_BUOI_NGHI_KHONG_PHEP><NOI_SINH>"
    )
    assert set(codes_of(xml)) == {"SBX-2090", "SBX-2002"}
    assert set(codes_of(xml, sequence=False)) == {"SBX-2090", "SBX-2002"}


@pytest.mark.parametrize(
    "text", ["2014-03-09", "2014-03-09T00:00:00+07:00", "2014-03-09T00:00:00Z"]
)
def test_another_form_of_date_is_understood_with_a_warning(text):
    """ISO days and full date-times pass as SBX-2091."""
    assert codes_of(valued("NGAY_SINH", text)) == ["SBX-2091"]


def test_the_extra_school_year_of_note_b_is_tolerated():
    """One NAM_HOC at the end of THONG_TIN_CHUNG passes when it repeats TEN_NAM_HOC."""
    xml = changed("</TEN_LOP></THONG", "</TEN_LOP><NAM_HOC>2023-2024</NAM_HOC></THONG")
    assert codes_of(xml) == []


def test_no_district_is_due_from_2025_2026_on():
    """The district level ended: its tag is optional from school year 2025-2026."""
    xml = without("TEN_QUAN_HUYEN").replace(b"2023-2024", b"2025-2026")
    assert codes_of(xml) == []


def test_cdata_and_character_references_are_lawful():
    """How a character is written makes no difference."""
    xml = valued("NOI_SINH", "<![CDATA[Bệnh viện <Giả> & Lập]]> &#x1EA5;")
    assert codes_of(xml) == []


def test_the_slots_of_signatures_are_optional():
    """Absent slots and signatures are no matter of the schema."""
    assert codes_of(a_record()) == []
    only_head = (
        b"<DANH_SACH_THONG_TIN_KY><CBQL><NGAY_KY>2024-05-30T15:40:00+07:00</NGAY_KY>"
        b"<SO_CCCD>948075000032</SO_CCCD></CBQL></DANH_SACH_THONG_TIN_KY></HOC_BA>"
    )
    assert codes_of(a_record().replace(b"</HOC_BA>", only_head)) == []


SLOT_FAULTS = {
    "moment without offset": ("2024-05-28T09:15:00+07:00", "2024-05-28T09:15:00", "SBX-2004"),
    "moment with a fraction": (
        "2024-05-28T09:15:00+07:00",
        "2024-05-28T09:15:00.5+07:00",
        "SBX-2004",
    ),
    "no such moment": ("2024-05-28T09:15:00+07:00", "2024-02-30T09:15:00+07:00", "SBX-2004"),
    "short number": (
        "<SO_CCCD>948075000032</SO_CCCD>",
        "<SO_CCCD>94807500003</SO_CCCD>",
        "SBX-2004",
    ),
    "number missing": ("<SO_CCCD>948075000032</SO_CCCD>", "", "SBX-2001"),
    "unknown slot": ("<GVCN>", "<GVBM/><GVCN>", "SBX-2002"),
    "wrong namespace": ("</CBQL>", "<Signature/></CBQL>", "SBX-2002"),
    "another element of XML Signature": (
        "</CBQL>",
        '<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"/></CBQL>',
        "SBX-2002",
    ),
    "comment inside a signature": (
        "</CBQL>",
        '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><!-- x --></Signature></CBQL>',
        "SBX-2002",
    ),
    "prefix declared on a signature": (
        "</CBQL>",
        '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#" xmlns:a="urn:a"/></CBQL>',
        "SBX-2002",
    ),
    "xml:lang inside a signature": (
        "</CBQL>",
        '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#" xml:lang="vi"/></CBQL>',
        "SBX-2002",
    ),
}


@pytest.mark.parametrize("name", SLOT_FAULTS)
def test_a_fault_around_a_signature_gives_its_code(name):
    """Slots are checked for form, signatures only for what would change their digests."""
    old, new, code = SLOT_FAULTS[name]
    xml = changed(old, new, record=EXAMPLE)
    assert codes_of(xml) == [code]
    assert codes_of(xml, sequence=False) == [code]


def test_several_signatures_in_a_slot_pass_the_schema():
    """A second Signature is SBX-3013, found later, never SBX-2002."""
    signature = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#" Id="a"/>'
    assert codes_of(changed("</CBQL>", signature * 2 + "</CBQL>", record=EXAMPLE)) == []


def test_a_hostile_record_gives_at_most_a_hundred_findings():
    """Half a million unknown tags cost no more than a hundred."""
    xml = changed("<MA_KHOI>", "<X/>" * 100_000 + "<MA_KHOI>")
    assert len(findings_of(xml)) == MOST_FINDINGS


def test_a_finding_of_the_domain_is_placed_by_its_tag():
    """`locate` adds XPath and line to a finding that only names its tag."""
    record = parse_record(EXAMPLE)
    found = locate(record, Finding("SBX-2009", "NGAY_SINH"))
    assert (found.xpath, found.line) == (f"{GENERAL}/NGAY_SINH", 22)


def test_a_finding_in_a_row_is_placed_by_its_value():
    """Where a tag occurs in many rows the one with the offending value is meant."""
    record = parse_record(EXAMPLE)
    found = locate(record, Finding("SBX-2008", "TEN_MON_HOC", value="Khoa học"))
    assert found.xpath == f"{SUMMARY}/BANG_DIEM/MON_HOC[5]/TEN_MON_HOC"
    counted = locate(record, Finding("SBX-2009", "MA_MON_HOC", value="S04 × 2"))
    assert counted.xpath == f"{SUMMARY}/BANG_DIEM/MON_HOC[4]/MA_MON_HOC"


def test_a_finding_about_a_missing_tag_is_placed_at_its_parent():
    """What is not there has the place where it should be."""
    record = parsed(without("NOI_DUNG_KHEN_THUONG"))
    assert locate(record, Finding("SBX-4090", "NOI_DUNG_KHEN_THUONG")).xpath == SUMMARY
    assert locate(record, Finding("SBX-3001", "GVCN")).xpath == "/HOC_BA"
    assert locate(record, Finding("SBX-3001", "NGAY_KY")).xpath == "/HOC_BA"
    assert locate(record, Finding("SBX-1101", "messageid")).xpath is None


def test_a_finding_with_a_path_is_placed_there():
    """A path below the record is understood as well."""
    record = parse_record(EXAMPLE)
    found = locate(record, Finding("SBX-4002", "BANG_DIEM/MON_HOC[3]/MUC_DAT_DUOC"))
    assert found.xpath == f"{SUMMARY}/BANG_DIEM/MON_HOC[3]/MUC_DAT_DUOC"
