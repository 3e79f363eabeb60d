"""The tag table of the 2026 profile (spec/record-format.md §6).

Layout as signing products write it in 2026, lengths and code lists as the 2026 dictionary has
them; what both leave open is invented and stands in the register of differences. Parts that the
profiles share are those of `tags`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from sandbox.documents import forms
from sandbox.documents.forms import Form, one_of
from sandbox.documents.tags import ASSESSMENT, RECORD_ROOT, YEAR_END, Branch, Leaf
from sandbox.domain.circular27 import EXEMPT
from sandbox.domain.ethnic_groups import ETHNIC_GROUPS
from sandbox.domain.report_card_2026 import CIRCULAR, VERSION, BirthDate, SexCode

INNER_TAG: Final = "THONG_TIN_HOC_BA"
SHEET_TAG: Final = "DIEM_TONG_KET"
TEACHERS_TAG: Final = "DANH_SACH_GVBM"
ISSUE_TAG: Final = "PHAT_HANH_HOC_BA"
ID: Final = "Id"

_UNIQUE: Final = "xs:ID"
_SHARED: Final = "xs:string"
"""A teacher's GVBM and the slot of that name carry one Id, which xs:ID would forbid."""

_CODE_OF_GROUP: Final = {group.name: group.code for group in ETHNIC_GROUPS}
_GROUP_OF_CODE: Final = {group.code: group.name for group in ETHNIC_GROUPS}


def read_birth_date(text: str) -> BirthDate | None:
    """Return what `dd/MM/yyyy`, `MM/yyyy` or `yyyy` says, None for a day there is not."""
    parts = [int(part) for part in reversed(text.split("/"))]
    if len(parts) == 3 and forms.read_day(text) is None:
        return None
    return BirthDate(*parts)


def _read_score(text: str) -> int | None:
    return None if text == EXEMPT else int(text)


def _write_group(name: str) -> str:
    return _CODE_OF_GROUP.get(name, name)


_MONTH: Final = r"(0[1-9]|1[0-2])/[0-9]{4}"
BIRTH_DATE: Final = Form(
    "birthDate",
    (rf"(0[1-9]|[12][0-9]|3[01])/{_MONTH}", _MONTH, r"[0-9]{4}"),
    expected="dd/MM/yyyy|MM/yyyy|yyyy",
    read=read_birth_date,
)
SEX: Final = Form(
    "sexCode",
    values=tuple(code.value for code in SexCode),
    code="SBX-2008",
    expected="0|1|2",
    read=SexCode,
)
ETHNIC_GROUP: Final = Form(
    "ethnicCode",
    values=tuple(_GROUP_OF_CODE),
    code="SBX-2008",
    expected="QCVN 109:2017",
    read=_GROUP_OF_CODE.__getitem__,
    write=_write_group,
)
NATIONALITY: Final = Form("nationality", (r"[A-Z]{2}",), expected="[A-Z]{2}")
COMMUNE: Final = Form("communeCode", (r"[0-9]{5}",), expected="[0-9]{5}")
SUBJECT_LEVEL: Final = one_of("levelSubject", ("T", "H", "C", EXEMPT))
SCORE: Final = Form("score", (r"10|[0-9]|M",), expected="0-10|M", read=_read_score)

GENERAL: Final = Branch(
    "THONG_TIN_CHUNG",
    (
        Leaf("PHIEN_BAN", "version", one_of("version", (VERSION,))),
        Leaf("THONG_TU", "circular", one_of("circular", (CIRCULAR,))),
        Leaf("MA_TRA_CUU_UUID", "record_id", forms.UUID),
        Leaf("TEN_NAM_HOC", "school_year", forms.SCHOOL_YEAR),
        Leaf("MA_SO_GIAO_DUC", "department_code", forms.TWO_DIGITS),
        Leaf("TEN_SO_GD", "department_name", strict=150),
        Leaf("MA_TRUONG", "school_code", forms.SCHOOL_CODE),
        Leaf("TEN_TRUONG", "school_name", strict=150),
        Leaf("TEN_QUAN_HUYEN", "district", required=False, strict=250),
        Leaf("TEN_XA_PHUONG", "commune", strict=150),
        Leaf("TEN_TINH_THANH_PHO", "province", strict=150),
        Leaf("MA_CAP_HOC", "level_code", forms.LEVEL_CODE),
        Leaf("TRICH_LUC", "extract", forms.FLAG),
        Leaf("SO_SO_DANG_BO", "register_number", required=False, strict=50),
        Leaf("HO_VA_TEN", "pupil_name", forms.NAME),
        Leaf("SO_CCCD", "pupil_id", forms.PERSONAL_ID, required=False),
        Leaf("MA_HOC_SINH", "pupil_code", strict=20),
        Leaf("GIOI_TINH", "sex", SEX),
        Leaf("NGAY_SINH", "birth_date", BIRTH_DATE, required=False),
        Leaf("NOI_SINH", "birth_place", strict=250),
        Leaf("MA_XA_NOI_SINH", "birth_commune", COMMUNE, required=False),
        Leaf("MA_TINH_NOI_SINH", "birth_province", forms.TWO_DIGITS, required=False),
        Leaf("QUE_QUAN", "native_place", strict=250),
        Leaf("MA_XA_QUE_QUAN", "native_commune", COMMUNE, required=False),
        Leaf("MA_TINH_QUE_QUAN", "native_province", forms.TWO_DIGITS, required=False),
        Leaf("CHO_O_HIEN_NAY", "address", strict=250),
        Leaf("MA_XA_CHO_O_HIEN_NAY", "address_commune", COMMUNE, required=False),
        Leaf("MA_TINH_CHO_O_HIEN_NAY", "address_province", forms.TWO_DIGITS, required=False),
        Leaf("DAN_TOC", "ethnic_group", ETHNIC_GROUP),
        Leaf("QUOC_TICH", "nationality", NATIONALITY),
        Leaf("DOI_TUONG_CHINH_SACH", "policy_group", required=False, strict=250),
        Leaf("CO_KHUYET_TAT_KHONG_DANH_GIA", "not_assessed", forms.FLAG),
        Leaf("HO_VA_TEN_CHA", "father", forms.NAME, required=False),
        Leaf("HO_VA_TEN_ME", "mother", forms.NAME, required=False),
        Leaf("HO_VA_TEN_NGUOI_GIAM_HO", "guardian", forms.NAME, required=False),
        Leaf("TEN_GIAM_HIEU_KY_HOC_BA", "leader_name", forms.NAME),
        Leaf("SO_CCCD_GIAM_HIEU_KY_HOC_BA", "leader_id", forms.PERSONAL_ID),
        Leaf("DIA_DANH_PHAT_HANH_HOC_BA", "issue_place", strict=150),
        Leaf("NGAY_TAO_HOC_BA", "created_on", forms.DATE),
        Leaf("NGAY_KY_PHAT_HANH_HOC_BA", "issue_planned_on", forms.DATE),
        Leaf("CHUC_VU_GIAM_HIEU_KY_HOC_BA", "leader_title", forms.LEADER_TITLE),
        Leaf("TEN_GIAO_VIEN_CHU_NHIEM", "teacher_name", forms.NAME),
        Leaf("SO_CCCD_GIAO_VIEN_CHU_NHIEM", "teacher_id", forms.PERSONAL_ID),
        Leaf("MA_KHOI", "grade", forms.GRADE),
        Leaf("TEN_LOP", "class_name", forms.CLASS_NAME),
    ),
)

HISTORY_ROW: Final = Branch(
    "NAM_HOC_ITEM",
    (
        Leaf("NAM_HOC", "school_year", forms.SCHOOL_YEAR),
        Leaf("TEN_LOP", "class_name", strict=100),
        Leaf("TEN_TRUONG", "school_name", strict=250),
        Leaf("TEN_TINH", "province", strict=150),
        Leaf("NGAY_TRANG_THAI_CHUYEN_DEN", "arrived_on", forms.DATE, required=False),
    ),
    repeats=True,
)
HISTORY: Final = Branch("QUA_TRINH_HOC_TAP", (HISTORY_ROW,))

TEACHER: Final = Leaf("GVBM", "teacher", forms.NAME, own_id=_SHARED)
SUBJECT_ROW: Final = Branch(
    "MON_HOC",
    (
        Leaf("MA_MON_HOC", "code", strict=3),
        Leaf("TEN_MON_HOC", "name", strict=50),
        Leaf("MUC_DAT_DUOC", "level", SUBJECT_LEVEL, required=False),
        Leaf("DIEM_KIEM_TRA_DINH_KY", "score", SCORE, required=False),
    ),
    repeats=True,
)
SHEET: Final = Branch(SHEET_TAG, (TEACHER, SUBJECT_ROW), repeats=True, own_id=_UNIQUE)
SUBJECTS: Final = Branch("BANG_DIEM", (SHEET,))

_OPTIONAL_HERE: Final = frozenset({"KET_QUA_XEP_LOAI", "NHAN_XET_PHAM_CHAT"})
_REQUIRED_HERE: Final = frozenset({"DA_HOAN_THANH_CHUONG_TRINH_TIEU_HOC"})


def _as_here(leaf: Leaf | Branch) -> Leaf:
    """Return a tag that v1.0 has too, required or not as the dictionary says."""
    if not isinstance(leaf, Leaf):
        raise TypeError(f"not a single tag: {leaf.tag}")
    is_rating = leaf.attribute is None
    required = leaf.tag in _REQUIRED_HERE or leaf.required
    optional = is_rating or leaf.tag in _OPTIONAL_HERE
    return replace(leaf, required=required and not optional)


YEAR_END_2026: Final = tuple(_as_here(leaf) for leaf in YEAR_END)
ASSESSMENT_2026: Final = Branch(
    ASSESSMENT.tag, tuple(_as_here(leaf) for leaf in ASSESSMENT.children)
)
COMMENTS_2026: Final = tuple(
    leaf for leaf in ASSESSMENT_2026.children if isinstance(leaf, Leaf) and leaf.attribute
)
SUMMARY: Final = Branch("TONG_KET", (*YEAR_END_2026, SUBJECTS, ASSESSMENT_2026))
INNER: Final = Branch(INNER_TAG, (GENERAL, HISTORY, SUMMARY), own_id=_UNIQUE)


def _slot(tag: str, **said: Any) -> Branch:
    return Branch(tag, (), takes_signatures=True, may_be_empty=True, **said)


SIGNING: Final = Branch(
    "DANH_SACH_THONG_TIN_KY",
    (Branch(TEACHERS_TAG, (_slot("GVBM", repeats=True, own_id=_SHARED),)), _slot("GVCN")),
    required=False,
)
"""Inside the data, as it is written, or behind it, as it may be read."""
DATA: Final = Branch("DU_LIEU_HOC_BA", (INNER, SIGNING), own_id=_UNIQUE)
ISSUE: Final = Branch(ISSUE_TAG, (_slot("CBQL"), _slot("KY_PHAT_HANH")))
RECORD: Final = Branch(RECORD_ROOT, (DATA, SIGNING, ISSUE), takes_id=True)
"""The whole tree of one record."""
