"""The 2026 profile: rendering, schema and reading, branch by branch of spec/record-format.md §6."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest
from lxml import etree

from sandbox.documents import (
    build_package,
    check_schema,
    check_schema_2026,
    identify,
    is_2026,
    parse,
    parse_record,
    read_report_card_2026,
    render_record_2026,
)
from sandbox.documents.tags_2026 import RECORD
from sandbox.documents.walker import MOST_FINDINGS
from sandbox.documents.xsd import (
    COMMITTED_2026,
    SCHEMA_FOLDER,
    compiled_schema_2026,
    render_schema_2026,
)
from sandbox.domain.assessment import check_rules
from sandbox.domain.consistency import check_consistency_2026
from sandbox.domain.report_card import SubjectResult
from sandbox.domain.report_card_2026 import (
    BirthDate,
    ReportCard2026,
    SexCode,
    Sheet,
    card_of_2026,
    sheets_of,
)
from tests.builders.documents import UUID, a_card, a_record
from tests.builders.profile_2026 import (
    ENGLISH,
    a_card_2026,
    a_record_2026,
    changed_2026,
    exempt_from,
    not_assessed,
    said_of,
    signed_2026,
    summed,
    with_rows,
)

GENERAL = "/HOC_BA/DU_LIEU_HOC_BA/THONG_TIN_HOC_BA/THONG_TIN_CHUNG"
SUMMARY = "/HOC_BA/DU_LIEU_HOC_BA/THONG_TIN_HOC_BA/TONG_KET"
SLOTS = "/HOC_BA/DU_LIEU_HOC_BA/DANH_SACH_THONG_TIN_KY/DANH_SACH_GVBM"
HISTORY = "/HOC_BA/DU_LIEU_HOC_BA/THONG_TIN_HOC_BA/QUA_TRINH_HOC_TAP"
CODED = {
    "birth_commune": "99999", "birth_province": "48", "native_commune": "99998",
    "native_province": "49", "address_commune": "99997", "address_province": "48",
}  # fmt: skip
LAWFUL: dict[str, ReportCard2026] = {
    "as v1.0 has it": a_card_2026(),
    "exempt from a subject with a test": exempt_from("S03"),
    "exempt from a subject without": exempt_from("S11"),
    "guardian only": a_card_2026(father=None, mother=None, guardian="Trần Thị Mẫu Ba"),
    "no personal ID": a_card_2026(pupil_id=None),
    "not assessed": not_assessed(),
    "month and year of birth": a_card_2026(birth_date=BirthDate(2014, 3)),
    "year of birth": a_card_2026(birth_date=BirthDate(2014)),
    "no birth date": a_card_2026(birth_date=None),
    "sex unknown": a_card_2026(sex=SexCode.UNKNOWN, pupil_id=None),
    "no district, no register number": a_card_2026(district=None, register_number=None),
    "made from paper, of a policy group": a_card_2026(extract=True, policy_group="Hộ nghèo"),
    "coded addresses": a_card_2026(**CODED),
    "another people and nation": a_card_2026(ethnic_group="Hmông", nationality="LA"),
    "no day of arrival": dataclasses.replace(
        a_card_2026(),
        history=tuple(dataclasses.replace(y, arrived_on=None) for y in a_card_2026().history),
    ),
    "no comment on qualities": summed(a_card_2026(), comment_qualities=None),
    "one teacher for everything": summed(
        a_card_2026(), sheets=(Sheet(ENGLISH, a_card_2026().summary.subjects),)
    ),
}


@pytest.mark.parametrize("case", LAWFUL)
def test_a_card_comes_back_from_its_record(case):
    """Lawful in form and by the rules, canonical as written, and no information lost."""
    card = LAWFUL[case]
    xml = render_record_2026(card)
    record = parse_record(xml)

    assert said_of(xml) == []
    assert check_consistency_2026(card) == []
    assert check_rules(card, schooling=card.schooling) == []
    assert etree.tostring(record.element, method="c14n") == xml
    assert read_report_card_2026(record) == card
    assert compiled_schema_2026().validate(record.element)


def test_the_layout_is_that_of_the_specification():
    """Skeleton of §6.1: one DIEM_TONG_KET per teacher, empty slots, Ids that end in the UUID."""
    element = parse_record(a_record_2026()).element
    ids = [(node.tag, str(node.get("Id"))) for node in element.iter() if node.get("Id")]

    assert [child.tag for child in element] == ["DU_LIEU_HOC_BA", "PHAT_HANH_HOC_BA"]
    assert [child.tag for child in element[0]] == ["THONG_TIN_HOC_BA", "DANH_SACH_THONG_TIN_KY"]
    assert ids == [
        ("DU_LIEU_HOC_BA", f"data-{UUID}"),
        ("THONG_TIN_HOC_BA", f"thongtinhocba-{UUID}"),
        *(
            pair
            for n in (1, 2, 3)
            for pair in (("DIEM_TONG_KET", f"diem-{n}-{UUID}"), ("GVBM", f"gvbm-{n}-{UUID}"))
        ),
        *(("GVBM", f"gvbm-{n}-{UUID}") for n in (1, 2, 3)),
    ]
    slots = element.xpath("//DANH_SACH_THONG_TIN_KY//GVBM | //GVCN | //CBQL | //KY_PHAT_HANH")
    assert [(len(slot), slot.text) for slot in slots] == [(0, None)] * 6


def test_values_are_written_as_codes():
    """Circular in ten characters, sex, people and nation as codes; no weight, no absences."""
    text = a_record_2026().decode()

    for said in (
        "<PHIEN_BAN>2026<", "<THONG_TU>27/2020<", "<GIOI_TINH>2<", "<DAN_TOC>01<",
        "<QUOC_TICH>VN<", "<TRICH_LUC>0<", "<CO_KHUYET_TAT_KHONG_DANH_GIA>0<",
        "<TEN_TINH>Đà Nẵng<",
    ):  # fmt: skip
        assert said in text
    for not_said in ("CAN_NANG", "CHIEU_CAO", "BUOI_NGHI"):
        assert not_said not in text


def test_exemption_is_m_as_level_and_as_score_where_a_test_is_due():
    """English has a test in grade 4, music has none."""
    english, music = (render_record_2026(exempt_from(code)) for code in ("S03", "S11"))

    both = b"<MUC_DAT_DUOC>M</MUC_DAT_DUOC><DIEM_KIEM_TRA_DINH_KY>M</DIEM_KIEM_TRA_DINH_KY>"
    assert both in english
    assert b"<MUC_DAT_DUOC>M</MUC_DAT_DUOC></MON_HOC>" in music


def test_rows_of_the_form_come_back_in_its_order():
    """Whoever teaches them."""
    card = a_card_2026()
    codes = [row.code for row in card.summary.subjects]
    assert codes == [row.code for row in a_card().summary.subjects]
    assert [len(sheet.subjects) for sheet in card.summary.sheets] == [10, 1, 1]


def test_a_class_teacher_who_teaches_nothing_has_no_sheet():
    """Every subject may have a teacher of its own."""
    (row,) = [r for r in a_card().summary.subjects if r.code == "S03"]
    assert sheets_of((row,), class_teacher="A", others={"S03": "B"}) == (Sheet("B", (row,)),)


def test_a_card_without_class_teacher_has_no_2026_record():
    """The dictionary requires name and number."""
    with pytest.raises(ValueError, match="class teacher"):
        card_of_2026(a_card(teacher_name=None, teacher_id=None), subject_teachers={})


def dropped(tag: str) -> bytes:
    text = a_record_2026().decode()
    start, end = text.index(f"<{tag}>"), text.index(f"</{tag}>") + len(tag) + 3
    return (text[:start] + text[end:]).encode()


MISSING = {
    "TEN_GIAO_VIEN_CHU_NHIEM": GENERAL,
    "SO_CCCD_GIAO_VIEN_CHU_NHIEM": GENERAL,
    "TRICH_LUC": GENERAL,
    "CO_KHUYET_TAT_KHONG_DANH_GIA": GENERAL,
    "DAN_TOC": GENERAL,
    "TEN_TINH": f"{HISTORY}/NAM_HOC_ITEM[1]",
    "DA_HOAN_THANH_CHUONG_TRINH_TIEU_HOC": SUMMARY,
    "KET_QUA_XEP_LOAI": SUMMARY,
    "MUC_DAT_DUOC": f"{SUMMARY}/BANG_DIEM/DIEM_TONG_KET[1]/MON_HOC[1]",
    "NANG_LUC_GIAO_TIEP_HOC_TAC": f"{SUMMARY}/DANH_GIA_NANG_LUC_PHAM_CHAT",
    "NHAN_XET_NANG_LUC_CHUNG": f"{SUMMARY}/DANH_GIA_NANG_LUC_PHAM_CHAT",
    "PHAT_HANH_HOC_BA": "/HOC_BA",
}


@pytest.mark.parametrize("tag", MISSING)
def test_what_the_dictionary_requires_is_missed(tag):
    """Result, levels and ratings too, unless the pupil is not assessed."""
    assert said_of(dropped(tag)) == [("SBX-2001", tag, MISSING[tag])]


FAULTS = {
    "the full number of the circular": (
        ("<THONG_TU>27/2020<", "<THONG_TU>27/2020/TT-BGDĐT<"), ("SBX-2008", "THONG_TU", GENERAL),
    ),
    "sex in words": (("<GIOI_TINH>2<", "<GIOI_TINH>Nữ<"), ("SBX-2008", "GIOI_TINH", GENERAL)),
    "people in words": (("<DAN_TOC>01<", "<DAN_TOC>Kinh<"), ("SBX-2008", "DAN_TOC", GENERAL)),
    "nation in words": (
        ("<QUOC_TICH>VN<", "<QUOC_TICH>Việt Nam<"), ("SBX-2004", "QUOC_TICH", GENERAL),
    ),
    "a month there is not": (
        ("<NGAY_SINH>09/03/2014<", "<NGAY_SINH>13/2014<"), ("SBX-2004", "NGAY_SINH", GENERAL),
    ),
    "a day there is not": (
        ("<NGAY_SINH>09/03/2014<", "<NGAY_SINH>30/02/2014<"), ("SBX-2004", "NGAY_SINH", GENERAL),
    ),
    "too long for the dictionary": (
        ("<MA_HOC_SINH>4899900017<", f"<MA_HOC_SINH>{'4' * 21}<"),
        ("SBX-2005", "MA_HOC_SINH", GENERAL),
    ),
    "a tag that only v1.0 has": (
        ("<DAN_TOC>", "<CAN_NANG>29.5</CAN_NANG><DAN_TOC>"), ("SBX-2002", "CAN_NANG", GENERAL),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_form_has_its_code_and_place(fault):
    """Lists and lengths are the dictionary's."""
    (old, new), (code, field, parent) = FAULTS[fault]
    assert said_of(changed_2026(old, new)) == [(code, field, f"{parent}/{field}")]


HALF_EXEMPT = {
    "level only": ("S03", "M", "7"),
    "score only": ("S03", "T", "M"),
    "no score where a test is due": ("S03", "M", None),
    "a score where none is due": ("S11", "M", "M"),
}


@pytest.mark.parametrize("case", HALF_EXEMPT)
def test_half_an_exemption_contradicts_itself(case):
    """SBX-2009 at the row."""
    code, level, score = HALF_EXEMPT[case]
    row = dataclasses.replace(
        next(r for r in a_card_2026().summary.subjects if r.code == code), level=level, score=score
    )
    xml = render_record_2026(with_rows(a_card_2026(), [row]))
    if case == "no score where a test is due":
        xml = xml.replace(b"<DIEM_KIEM_TRA_DINH_KY>M</DIEM_KIEM_TRA_DINH_KY>", b"")
    number = 2 if code == "S03" else 3
    place = f"{SUMMARY}/BANG_DIEM/DIEM_TONG_KET[{number}]/MON_HOC"

    assert said_of(xml) == [("SBX-2009", "DIEM_KIEM_TRA_DINH_KY", place)]


ID_FAULTS = {
    "data without Id": ((' Id="data-{uuid}"', ""), ("SBX-2001", "Id", "/HOC_BA/DU_LIEU_HOC_BA")),
    "sheet without Id": (
        (' Id="diem-2-{uuid}"', ""),
        ("SBX-2001", "Id", f"{SUMMARY}/BANG_DIEM/DIEM_TONG_KET[2]"),
    ),
    "Id as v1.0 writes it": (
        (' Id="data-{uuid}"', ' id="data-{uuid}"'),
        ("SBX-2001", "Id", "/HOC_BA/DU_LIEU_HOC_BA"),
    ),
    "a sheet without slot": (
        ('<GVBM Id="gvbm-3-{uuid}"></GVBM>', ""), ("SBX-2009", "GVBM", SLOTS),
    ),
    "a slot of nobody": (
        ('<GVBM Id="gvbm-3-{uuid}"></GVBM>', '<GVBM Id="gvbm-9-{uuid}"></GVBM>'),
        ("SBX-2009", "GVBM", SLOTS),
    ),
    "one Id for two elements": (
        (' Id="thongtinhocba-{uuid}"', ' Id="data-{uuid}"'), ("SBX-2002", None, "/HOC_BA"),
    ),
    "an Id that is no name": (
        (' Id="diem-2-{uuid}"', ' Id="2-{uuid}"'), ("SBX-2002", None, "/HOC_BA"),
    ),
    "something in an empty slot": (
        ("<GVCN></GVCN>", "<GVCN><NGAY_KY>2024-05-28T09:15:00+07:00</NGAY_KY></GVCN>"),
        ("SBX-2002", "NGAY_KY", "/HOC_BA/DU_LIEU_HOC_BA/DANH_SACH_THONG_TIN_KY/GVCN/NGAY_KY"),
    ),
    "no block of teachers": (
        ("DANH_SACH_THONG_TIN_KY", "DANH_SACH_KY"), ("SBX-2002", "DANH_SACH_KY", None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ID_FAULTS)
def test_a_fault_of_layout_has_its_code_and_place(case):
    """Ids are there, unique but for the pairs of GVBM, and every sheet has its slot."""
    (old, new), (code, field, place) = ID_FAULTS[case]
    text = a_record_2026().decode()
    xml = text.replace(old.replace("{uuid}", UUID), new.replace("{uuid}", UUID)).encode()
    first = said_of(xml)[0]

    assert first[:2] == (code, field)
    assert place in (None, first[2])


def moved_outside(xml: bytes) -> bytes:
    """Return *xml* with the teachers' block behind the data instead of in it."""
    text = xml.decode()
    tag = "DANH_SACH_THONG_TIN_KY"
    start, end = text.index(f"<{tag}>"), text.index(f"</{tag}>") + len(tag) + 3
    block = text[start:end]
    return (
        (text[:start] + text[end:])
        .replace("</DU_LIEU_HOC_BA>", f"</DU_LIEU_HOC_BA>{block}")
        .encode()
    )


def test_the_teachers_block_may_stand_behind_the_data():
    """But once, and somewhere."""
    outside = moved_outside(a_record_2026())
    block = "<DANH_SACH_THONG_TIN_KY>"

    assert said_of(outside) == []
    assert read_report_card_2026(outside) == a_card_2026()
    twice = a_record_2026().replace(
        b"<PHAT_HANH",
        outside[outside.index(block.encode()) : outside.index(b"<PHAT_HANH")] + b"<PHAT_HANH",
    )
    assert ("SBX-2002", "DANH_SACH_THONG_TIN_KY", "/HOC_BA") in said_of(twice)
    assert ("SBX-2001", "DANH_SACH_THONG_TIN_KY", "/HOC_BA/DU_LIEU_HOC_BA") in said_of(
        dropped("DANH_SACH_THONG_TIN_KY")
    )


def test_literal_ids_are_read_in_a_package_too():
    """Products write `data` and `thongtinhocba`: unique in a record, not in a package."""
    one = changed_2026('Id="data-{uuid}"', 'Id="data"')
    one = changed_2026('Id="thongtinhocba-{uuid}"', 'Id="thongtinhocba"', record=one)
    package = parse(build_package([one, one]))

    assert [check_schema_2026(record) for record in package.records] == [[], []]


def test_a_signed_record_passes_the_schema_and_is_read_as_before():
    """Signatures are skipped by the schema, and no part of the card."""
    xml = signed_2026()
    assert said_of(xml) == []
    assert read_report_card_2026(xml) == a_card_2026()


def test_the_committed_schema_is_that_of_the_tag_table():
    """The file for people types every Id xs:ID but that of GVBM, which occurs twice."""
    committed = (SCHEMA_FOLDER / COMMITTED_2026).read_text(encoding="utf-8")

    assert committed == render_schema_2026()
    assert committed.count('name="Id" type="xs:ID" use="required"') == 3
    assert committed.count('name="Id" type="xs:string" use="required"') == 3


def test_the_schema_and_the_walker_agree_on_every_missing_tag():
    """Drop each tag in turn: what the schema refuses has a finding, and some more has."""
    record = a_record_2026()
    only_the_walker = 0
    for path in {node.tag for node in parse_record(record).element.iter()} - {"HOC_BA"}:
        broken = parse_record(record)
        node = broken.element.find(f".//{path}")
        node.getparent().remove(node)
        xml = etree.tostring(broken.element)
        accepted = compiled_schema_2026().validate(parse_record(xml).element)
        findings = check_schema_2026(parse_record(xml))
        assert accepted or findings, path
        only_the_walker += accepted and bool(findings)
    assert only_the_walker > 15


def test_findings_are_bounded():
    """A hostile record never makes a long answer."""
    xml = changed_2026("<DAN_TOC>", "<X/>" * 500 + "<DAN_TOC>")
    assert len(said_of(xml)) == MOST_FINDINGS


UNREADABLE = {
    "v1.0": a_record(),
    "no summary": dropped("TONG_KET"),
    "a people there is not": changed_2026("<DAN_TOC>01<", "<DAN_TOC>99<"),
    "a tag missing": dropped("MA_KHOI"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_breaks_the_schema_is_not_read(case):
    """ValueError, whatever is wrong: read after check_schema_2026."""
    with pytest.raises(ValueError):
        read_report_card_2026(UNREADABLE[case])


def test_the_profiles_know_each_other_apart():
    """A record of one is refused as the other, at the tag where they part."""
    ours, theirs = parse_record(a_record_2026()), parse_record(a_record())

    assert (is_2026(ours), is_2026(theirs)) == (True, False)
    assert {f.code for f in check_schema(ours)} == {"SBX-2001", "SBX-2002"}
    assert check_schema_2026(theirs)[0].code == "SBX-2001"
    assert identify(ours) == identify(theirs)


CONTRADICTIONS = {
    "sex": (a_card_2026(sex=SexCode.MALE), "SO_CCCD"),
    "birth year": (a_card_2026(birth_date=BirthDate(2015, 3)), "SO_CCCD"),
    "too young for certain": (a_card_2026(birth_date=BirthDate(2019), pupil_id=None), "NGAY_SINH"),
    "too old for certain": (a_card_2026(birth_date=BirthDate(2004, 7), pupil_id=None), "NGAY_SINH"),
    "nobody at home": (a_card_2026(father=None, mother=None), "HO_VA_TEN_ME"),
    "a people there is not": (a_card_2026(ethnic_group="Không rõ"), "DAN_TOC"),
    "issued before it was made": (
        a_card_2026(issue_planned_on=date(2024, 5, 1)), "NGAY_KY_PHAT_HANH_HOC_BA",
    ),
    "another class at the end": (a_card_2026(class_name="4A2"), "TEN_LOP"),
    "a subject twice": (
        summed(a_card_2026(), sheets=(*a_card_2026().summary.sheets[:2],) * 2),
        "MA_MON_HOC",
    ),
    "born after coming to school": (
        a_card_2026(birth_date=BirthDate(2020, 10), pupil_id=None), "NGAY_TRANG_THAI_CHUYEN_DEN",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_fields_that_contradict_each_other_are_found(case):
    """What the record says in part is held against what it can mean."""
    card, field = CONTRADICTIONS[case]
    assert field in [finding.field for finding in check_consistency_2026(card)]


def test_the_rules_see_through_exemption():
    """V11 and its like: a poor subject no longer counts once the pupil is exempt from it."""
    poor = with_rows(a_card_2026(), [SubjectResult("S03", "Ngoại ngữ 1 (Tiếng Anh)", "C", 3)])
    assert check_rules(poor)[0].code == "SBX-4003"
    assert check_rules(exempt_from("S03")) == []


def test_the_tree_has_one_slot_for_each_post():
    """The tag table itself: two places for the teachers' block, one for head and school."""
    assert [child.tag for child in RECORD.children] == [
        "DU_LIEU_HOC_BA", "DANH_SACH_THONG_TIN_KY", "PHAT_HANH_HOC_BA",
    ]  # fmt: skip
