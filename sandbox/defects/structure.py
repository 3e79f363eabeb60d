"""Faults of a record's structure: tags missing, unknown, misplaced, empty, decorated."""

from __future__ import annotations

from typing import Final

from sandbox.defects.delivery import Delivery
from sandbox.defects.edits import replaced, without
from sandbox.defects.kit import Kit
from sandbox.defects.registry import defect
from sandbox.defects.xpaths import ASSESSMENT, GENERAL, RECORD, SUMMARY, TEACHER

_LAST: Final = "</TEN_LOP></THONG_TIN_CHUNG>"


def _deliver(kit: Kit, record: bytes) -> Delivery:
    """Return the delivery of *record*, spoilt first and signed then."""
    return kit.deliver(kit.signed(record))


@defect(provokes="SBX-2001", at=GENERAL)
def mother_missing(kit: Kit) -> Delivery:
    """HO_VA_TEN_ME is left out, though v1.0 requires it: a pupil without one has no v1.0 record."""
    return _deliver(kit, without(kit.record(), "HO_VA_TEN_ME"))


@defect(provokes="SBX-2001", at=GENERAL)
def district_missing(kit: Kit) -> Delivery:
    """TEN_QUAN_HUYEN is left out, though districts existed in 2024-2025."""
    return _deliver(kit, without(kit.record(), "TEN_QUAN_HUYEN"))


@defect(provokes="SBX-2001", at=ASSESSMENT)
def quality_not_rated(kit: Kit) -> Delivery:
    """One of the five qualities has no rating."""
    return _deliver(kit, without(kit.record(), "PHAM_CHAT_TRUNG_THUC"))


@defect(provokes="SBX-2001", at=TEACHER)
def signing_time_missing(kit: Kit) -> Delivery:
    """The teacher's block has no NGAY_KY."""
    return kit.deliver(without(kit.signed(), "NGAY_KY"))


@defect(provokes="SBX-2002", at=f"{GENERAL}/SO_DIEN_THOAI")
def unknown_tag(kit: Kit) -> Delivery:
    """The record holds the parents' telephone number, for which the specification has no tag."""
    extra = f"</TEN_LOP><SO_DIEN_THOAI>x</SO_DIEN_THOAI>{_LAST.removeprefix('</TEN_LOP>')}"
    return _deliver(kit, replaced(kit.record(), _LAST, extra))


@defect(provokes="SBX-2002", at=f"{GENERAL}/MA_KHOI")
def tags_out_of_order(kit: Kit) -> Delivery:
    """MA_KHOI stands at the head of its group instead of near the end."""
    grade = "<MA_KHOI>04</MA_KHOI>"
    record = replaced(kit.record(), grade, "")
    return _deliver(kit, replaced(record, "<THONG_TIN_CHUNG>", f"<THONG_TIN_CHUNG>{grade}"))


@defect(provokes="SBX-2002", at=f"{GENERAL}/HO_VA_TEN[2]")
def name_given_twice(kit: Kit) -> Delivery:
    """HO_VA_TEN occurs twice: two readers would take different ones."""
    record = replaced(kit.record(), "<HO_VA_TEN>", "<HO_VA_TEN>Trần Mẫu</HO_VA_TEN><HO_VA_TEN>")
    return _deliver(kit, record)


@defect(provokes="SBX-2002", at=GENERAL)
def comment_inside_the_record(kit: Kit) -> Delivery:
    """A comment of the software stands inside the signed data."""
    return _deliver(kit, replaced(kit.record(), "<MA_KHOI>", "<!-- khối --><MA_KHOI>"))


@defect(provokes="SBX-2002", at=f"{GENERAL}/HO_VA_TEN")
def comment_inside_a_name(kit: Kit) -> Delivery:
    """A comment splits the pupil's name: readers that stop at it read half a name."""
    return _deliver(kit, replaced(kit.record(), "</HO_VA_TEN>", "<!---->x</HO_VA_TEN>"))


@defect(provokes="SBX-2002", at=GENERAL)
def instruction_inside_the_record(kit: Kit) -> Delivery:
    """A processing instruction asks for a style sheet in the middle of the data."""
    instruction = '<?xml-stylesheet href="file:///x.xsl"?><MA_KHOI>'
    return _deliver(kit, replaced(kit.record(), "<MA_KHOI>", instruction))


@defect(provokes="SBX-2002", at=f"{GENERAL}/MA_KHOI")
def attribute_on_a_tag(kit: Kit) -> Delivery:
    """A tag carries an attribute the specification does not know."""
    return _deliver(kit, replaced(kit.record(), "<MA_KHOI>", '<MA_KHOI ten="Khối 4">'))


@defect(provokes="SBX-2002", at=GENERAL)
def namespace_inside_the_record(kit: Kit) -> Delivery:
    """A namespace is declared inside the record, which changes its digest when it is moved."""
    declared = '<THONG_TIN_CHUNG xmlns:bo="urn:bo">'
    return _deliver(kit, replaced(kit.record(), "<THONG_TIN_CHUNG>", declared))


@defect(provokes="SBX-2002", at=f"{GENERAL}/NOI_SINH")
def language_inside_the_record(kit: Kit) -> Delivery:
    """xml:lang on a tag, which inclusive C14N treats in a way of its own."""
    return _deliver(kit, replaced(kit.record(), "<NOI_SINH>", '<NOI_SINH xml:lang="vi">'))


@defect(provokes="SBX-2002", at=RECORD)
def text_between_tags(kit: Kit) -> Delivery:
    """Words stand between the tags of a group, where only tags may."""
    return _deliver(kit, replaced(kit.record(), "<DU_LIEU_HOC_BA", "Học bạ số <DU_LIEU_HOC_BA"))


@defect(provokes="SBX-2003", at=f"{GENERAL}/HO_VA_TEN_NGUOI_GIAM_HO")
def empty_tag(kit: Kit) -> Delivery:
    """The guardian's tag is there without a value; a null leaves its tags out."""
    guardian = "</HO_VA_TEN_ME><HO_VA_TEN_NGUOI_GIAM_HO></HO_VA_TEN_NGUOI_GIAM_HO>"
    return _deliver(kit, replaced(kit.record(), "</HO_VA_TEN_ME>", guardian))


@defect(provokes="SBX-2003", at=f"{SUMMARY}/NHAN_XET_GVCN")
def blank_comment(kit: Kit) -> Delivery:
    """The class teacher's comment is three spaces."""
    start, _, rest = kit.record().partition(b"<NHAN_XET_GVCN>")
    end = rest[rest.index(b"</NHAN_XET_GVCN>") :]
    return _deliver(kit, start + b"<NHAN_XET_GVCN>   " + end)


@defect(provokes="SBX-2090", at=f"{GENERAL}/TONG_SO_BUOI_NGHI_KHONG_PHEP")
def misprint_corrected(kit: Kit) -> Delivery:
    """The printed typo THONG_SO_… is written as TONG_SO_…: understood, with a warning."""
    record = kit.record().replace(b"THONG_SO_BUOI", b"TONG_SO_BUOI")
    return _deliver(kit, record)
