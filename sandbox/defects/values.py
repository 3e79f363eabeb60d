"""Faults of single values: form, length, normalisation, lists."""

from __future__ import annotations

import unicodedata

from sandbox.defects.delivery import Delivery
from sandbox.defects.edits import text_of, valued
from sandbox.defects.kit import Kit
from sandbox.defects.registry import defect
from sandbox.defects.xpaths import ALONE, ASSESSMENT, GENERAL, SUBJECTS, SUMMARY


def _deliver(kit: Kit, tag: str, value: str) -> Delivery:
    """Return the delivery of a record with another text in the first *tag*, well signed."""
    return kit.deliver(kit.signed(valued(kit.record(), tag, value)))


@defect(provokes="SBX-2004", at=f"{GENERAL}/NGAY_SINH")
def day_that_does_not_exist(kit: Kit) -> Delivery:
    """Born on 30 February: the pattern fits, the calendar does not."""
    return _deliver(kit, "NGAY_SINH", f"30/02/{kit.card(1).general.birth_date.year}")


@defect(provokes="SBX-2004", at=f"{GENERAL}/NGAY_SINH")
def day_without_zeros(kit: Kit) -> Delivery:
    """The birth date is written 9/3/2014, without leading zeros."""
    return _deliver(kit, "NGAY_SINH", "9/3/2014")


@defect(provokes="SBX-2004", at=f"{GENERAL}/CAN_NANG")
def decimal_comma(kit: Kit) -> Delivery:
    """The weight has a comma, as one writes in Vietnamese; the specification wants a point."""
    return _deliver(kit, "CAN_NANG", "29,5")


@defect(provokes="SBX-2004", at=f"{GENERAL}/SO_CCCD")
def personal_id_of_eleven_digits(kit: Kit) -> Delivery:
    """A spreadsheet dropped a digit of the pupil's personal ID."""
    return _deliver(kit, "SO_CCCD", kit.card(1).general.pupil_id[:-1])


@defect(provokes="SBX-2004", at=f"{SUBJECTS}/MON_HOC[1]/DIEM_KIEM_TRA_DINH_KY")
def score_with_a_decimal(kit: Kit) -> Delivery:
    """A score of 8.5; primary tests have no decimals."""
    return _deliver(kit, "DIEM_KIEM_TRA_DINH_KY", "8.5")


@defect(provokes="SBX-2004", at=f"{ALONE}/TEN_NAM_HOC")
def school_year_of_three_years(kit: Kit) -> Delivery:
    """The school year ends two years after it begins."""
    return kit.deliver_alone(kit.signed(valued(kit.record(), "TEN_NAM_HOC", "2024-2026")))


@defect(provokes="SBX-2004", at=f"{GENERAL}/HO_VA_TEN")
def digit_in_a_name(kit: Kit) -> Delivery:
    """A pupil's name ends with a digit, as lists do to tell two of one name apart."""
    return _deliver(kit, "HO_VA_TEN", f"{kit.card(1).general.pupil_name} 2")


@defect(provokes="SBX-2004", at=f"{ALONE}/MA_TRUONG")
def school_code_that_climbs_folders(kit: Kit) -> Delivery:
    """MA_TRUONG is a path that climbs out of a folder."""
    return kit.deliver_alone(kit.signed(valued(kit.record(), "MA_TRUONG", "../../etc/passwd")))


@defect(provokes="SBX-2005", at=f"{SUMMARY}/NHAN_XET_GVCN")
def comment_too_long(kit: Kit) -> Delivery:
    """The class teacher's comment has 2,001 characters; 2,000 are allowed."""
    return _deliver(kit, "NHAN_XET_GVCN", "Em học tốt. " * 166 + "Em chăm.!")


@defect(provokes="SBX-2005", at=f"{GENERAL}/TEN_LOP")
def class_name_too_long(kit: Kit) -> Delivery:
    """The class is called "Lớp Bốn A Một": more than ten characters."""
    return _deliver(kit, "TEN_LOP", "Lớp Bốn A Một")


@defect(provokes="SBX-2006", at=f"{GENERAL}/MA_TRA_CUU_UUID")
def uuid_of_version_1(kit: Kit) -> Delivery:
    """The record id is a UUID made from time and network card, version 1."""
    given = text_of(kit.record(), "MA_TRA_CUU_UUID")
    return _deliver(kit, "MA_TRA_CUU_UUID", f"{given[:14]}1{given[15:]}")


@defect(provokes="SBX-2006", at=f"{GENERAL}/MA_TRA_CUU_UUID")
def uuid_that_climbs_folders(kit: Kit) -> Delivery:
    """The record id is a path of 36 characters that climbs out of a folder."""
    return _deliver(kit, "MA_TRA_CUU_UUID", "../../../../../../../../etc/hosts.tx")


@defect(provokes="SBX-2007", at=f"{GENERAL}/HO_VA_TEN")
def name_in_nfd(kit: Kit) -> Delivery:
    """The pupil's name is written in decomposed letters (NFD): it looks the same."""
    decomposed = unicodedata.normalize("NFD", "Nguyễn Mẫu Ảnh")
    return _deliver(kit, "HO_VA_TEN", decomposed)


@defect(provokes="SBX-2007", at=f"{GENERAL}/NOI_SINH")
def mark_by_reference(kit: Kit) -> Delivery:
    """A loose mark hides in a character reference, where a look at the bytes does not see it."""
    return _deliver(kit, "NOI_SINH", "Ho&#x0300; Gia&#x0309; La&#x0323;p")


@defect(provokes="SBX-2008", at=f"{GENERAL}/GIOI_TINH")
def sex_as_a_number(kit: Kit) -> Delivery:
    """GIOI_TINH is 2, the code of the 2026 dictionary; v1.0 writes Nam or Nữ."""
    return _deliver(kit, "GIOI_TINH", "2")


@defect(provokes="SBX-2008", at=f"{ASSESSMENT}/PHAM_CHAT_YEU_NUOC")
def rating_with_a_latin_d(kit: Kit) -> Delivery:
    """A quality is rated D instead of Đ, as keyboards without Vietnamese write."""
    return _deliver(kit, "PHAM_CHAT_YEU_NUOC", "D")


@defect(provokes="SBX-2008", at=f"{SUBJECTS}/MON_HOC[1]/MUC_DAT_DUOC")
def level_in_words(kit: Kit) -> Delivery:
    """The level is written out; the switch that allows words is off."""
    return _deliver(kit, "MUC_DAT_DUOC", "Hoàn thành tốt")


@defect(provokes="SBX-2008", at=f"{GENERAL}/DAN_TOC")
def unknown_ethnic_group(kit: Kit) -> Delivery:
    """DAN_TOC is not one of the 54 names."""
    return _deliver(kit, "DAN_TOC", "Người Kinh")


@defect(provokes="SBX-2008", at=f"{GENERAL}/TEN_TINH_THANH_PHO")
def province_with_prefix(kit: Kit) -> Delivery:
    """The province carries a prefix: Thành phố Đà Nẵng instead of Đà Nẵng."""
    return _deliver(kit, "TEN_TINH_THANH_PHO", "Thành phố Đà Nẵng")


@defect(provokes="SBX-2008", at=f"{SUBJECTS}/MON_HOC[2]/TEN_MON_HOC")
def subject_by_another_name(kit: Kit) -> Delivery:
    """S02 is called Toán học instead of Toán."""
    record = kit.record().replace(">Toán<".encode(), ">Toán học<".encode())
    return kit.deliver(kit.signed(record))


@defect(provokes="SBX-2008", at=f"{SUBJECTS}/MON_HOC[1]/MA_MON_HOC")
def unknown_subject_code(kit: Kit) -> Delivery:
    """A subject code that is not on the list."""
    return _deliver(kit, "MA_MON_HOC", "S99")


@defect(provokes="SBX-2091", at=f"{GENERAL}/NGAY_SINH")
def iso_date(kit: Kit) -> Delivery:
    """The birth date is written the ISO way: understood, with a warning."""
    return _deliver(kit, "NGAY_SINH", kit.card(1).general.birth_date.isoformat())
