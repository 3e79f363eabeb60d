"""The tag table of profile v1.0 (2088 PL1; spec/record-format.md §2, §3).

One table ties every tag to its place in the tree, its attribute in the report card, its form,
whether it is required and how long it may be. Renderer, reader, walker and XSD are all driven
by it, so that they cannot disagree.

`strict` is the length of the 2026 dictionary, enforced only with that switch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from sandbox.documents import forms
from sandbox.documents.forms import Form

XMLDSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
SIGNATURE: Final = f"{{{XMLDSIG}}}Signature"
PACKAGE_ROOT: Final = "DANH_SACH_HOC_BA"
PACKAGE_ID: Final = "dataDanhSach"
RECORD_ROOT: Final = "HOC_BA"
ID_ATTRIBUTES: Final = ("id", "Id", "ID")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A single tag ("thẻ đơn"): text only."""

    tag: str
    attribute: str | None
    """Attribute of the report card's part that the parent stands for; None: outside the card."""
    form: Form = forms.TEXT
    required: bool = True
    strict: int | None = None
    alias: str | None = None
    """The spelling one would expect where the specification misspells (SBX-2090)."""
    own_id: str | None = None
    """XSD type of the `Id` attribute it must carry; None: it carries none."""

    repeats: ClassVar[bool] = False
    takes_id: ClassVar[bool] = False

    def longest(self, *, strict_lengths: bool) -> int | None:
        """Return the most characters allowed, None for no bound."""
        return self.form.longest or (self.strict if strict_lengths else None)


@dataclass(frozen=True, slots=True)
class Branch:
    """A complex tag ("thẻ phức"): child tags only."""

    tag: str
    children: tuple[Leaf | Branch, ...]
    required: bool = True
    repeats: bool = False
    takes_id: bool = False
    """May carry an Id attribute."""
    takes_signatures: bool = False
    """May end with Signature elements, looked into by xmldsig and by nobody here."""
    own_id: str | None = None
    """XSD type of the `Id` attribute it must carry; None: it need not."""
    may_be_empty: bool = False
    """A slot of the 2026 profile before its signature."""

    alias: ClassVar[str | None] = None

    def child(self, tag: str) -> Leaf | Branch | None:
        """Return the child called *tag*, by its name or its alias."""
        return next((c for c in self.children if tag in (c.tag, c.alias)), None)


GENERAL: Final = Branch(
    "THONG_TIN_CHUNG",
    (
        Leaf("PHIEN_BAN", "version", forms.VERSION),
        Leaf("THONG_TU", "circular", forms.CIRCULAR),
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
        Leaf("SO_SO_DANG_BO", "register_number", strict=50),
        Leaf("HO_VA_TEN", "pupil_name", forms.NAME),
        Leaf("SO_CCCD", "pupil_id", forms.PERSONAL_ID),
        Leaf("MA_HOC_SINH", "pupil_code", strict=20),
        Leaf("GIOI_TINH", "sex", forms.SEX),
        Leaf("NGAY_SINH", "birth_date", forms.DATE),
        Leaf("CAN_NANG", "weight_kg", forms.WEIGHT),
        Leaf("CHIEU_CAO", "height_cm", forms.HEIGHT),
        Leaf("TONG_SO_BUOI_NGHI_CO_PHEP", "absent_with_leave", forms.HALF_DAYS),
        Leaf(
            "THONG_SO_BUOI_NGHI_KHONG_PHEP",
            "absent_without_leave",
            forms.HALF_DAYS,
            alias="TONG_SO_BUOI_NGHI_KHONG_PHEP",
        ),
        Leaf("NOI_SINH", "birth_place", strict=250),
        Leaf("QUE_QUAN", "native_place", strict=250),
        Leaf("CHO_O_HIEN_NAY", "address", strict=250),
        Leaf("DAN_TOC", "ethnic_group"),
        Leaf("QUOC_TICH", "nationality"),
        Leaf("HO_VA_TEN_CHA", "father", forms.NAME, required=False),
        Leaf("HO_VA_TEN_ME", "mother", forms.NAME),
        Leaf("HO_VA_TEN_NGUOI_GIAM_HO", "guardian", forms.NAME, required=False),
        Leaf("TEN_GIAM_HIEU_KY_HOC_BA", "leader_name", forms.NAME),
        Leaf("SO_CCCD_GIAM_HIEU_KY_HOC_BA", "leader_id", forms.PERSONAL_ID),
        Leaf("DIA_DANH_PHAT_HANH_HOC_BA", "issue_place", strict=150),
        Leaf("NGAY_TAO_HOC_BA", "created_on", forms.DATE),
        Leaf("NGAY_KY_PHAT_HANH_HOC_BA", "issue_planned_on", forms.DATE),
        Leaf("CHUC_VU_GIAM_HIEU_KY_HOC_BA", "leader_title", forms.LEADER_TITLE),
        Leaf("TEN_GIAO_VIEN_CHU_NHIEM", "teacher_name", forms.NAME, required=False),
        Leaf("SO_CCCD_GIAO_VIEN_CHU_NHIEM", "teacher_id", forms.PERSONAL_ID, required=False),
        Leaf("MA_KHOI", "grade", forms.GRADE),
        Leaf("TEN_LOP", "class_name", forms.CLASS_NAME),
        # Note B: the specification lists NAM_HOC here as well; tolerated, never written.
        Leaf("NAM_HOC", None, forms.SCHOOL_YEAR, required=False),
    ),
)

HISTORY_ROW: Final = Branch(
    "NAM_HOC_ITEM",
    (
        Leaf("NAM_HOC", "school_year", forms.SCHOOL_YEAR),
        Leaf("TEN_LOP", "class_name", strict=100),
        Leaf("TEN_TRUONG", "school_name", strict=250),
        Leaf("NGAY_TRANG_THAI_CHUYEN_DEN", "arrived_on", forms.DATE),
    ),
    repeats=True,
)
HISTORY: Final = Branch("QUA_TRINH_HOC_TAP", (HISTORY_ROW,))

SUBJECT_ROW: Final = Branch(
    "MON_HOC",
    (
        Leaf("MA_MON_HOC", "code", strict=3),
        Leaf("TEN_MON_HOC", "name", strict=50),
        Leaf("MUC_DAT_DUOC", "level", forms.SUBJECT_LEVEL),
        Leaf("DIEM_KIEM_TRA_DINH_KY", "score", forms.SCORE, required=False),
    ),
    repeats=True,
)
SUBJECTS: Final = Branch("BANG_DIEM", (SUBJECT_ROW,))


def _rating(tag: str, *, required: bool = True, alias: str | None = None) -> Leaf:
    return Leaf(tag, None, forms.RATING, required=required, alias=alias)


RATINGS: Final = (
    _rating("NANG_LUC_TU_CHU_TU_HOC"),
    _rating("NANG_LUC_GIAO_TIEP_HOC_TAC", alias="NANG_LUC_GIAO_TIEP_HOP_TAC"),
    _rating("NANG_LUC_GIAI_QUYET_VAN_DE_SANG_TAO"),
    _rating("NANG_LUC_NGON_NGU"),
    _rating("NANG_LUC_TINH_TOAN"),
    _rating("NANG_LUC_KHOA_HOC"),
    _rating("NANG_LUC_CONG_NGHE", required=False),
    _rating("NANG_LUC_TIN_HOC", required=False),
    _rating("NANG_LUC_THAM_MI"),
    _rating("NANG_LUC_THE_CHAT"),
    _rating("PHAM_CHAT_YEU_NUOC"),
    _rating("PHAM_CHAT_NHAN_AI"),
    _rating("PHAM_CHAT_CHAM_CHI"),
    _rating("PHAM_CHAT_TRUNG_THUC"),
    _rating("PHAM_CHAT_TRACH_NHIEM"),
)
COMMENTS: Final = (
    Leaf("NHAN_XET_PHAM_CHAT", "comment_qualities", strict=500),
    Leaf("NHAN_XET_NANG_LUC_CHUNG", "comment_general", strict=500),
    Leaf("NHAN_XET_NANG_LUC_DAC_THU", "comment_specific", strict=500),
)
ASSESSMENT: Final = Branch("DANH_GIA_NANG_LUC_PHAM_CHAT", (*RATINGS, *COMMENTS))

YEAR_END: Final = (
    Leaf("KET_QUA_XEP_LOAI", "result", forms.YEAR_RESULT),
    Leaf("DUOC_LEN_LOP", "promoted", forms.FLAG),
    Leaf("NOI_DUNG_HOAN_THANH_CHUONG_TRINH", "completion_text", required=False, strict=2000),
    Leaf("DA_HOAN_THANH_CHUONG_TRINH_LOP_HOC", "class_completed", forms.FLAG),
    Leaf("DA_HOAN_THANH_CHUONG_TRINH_TIEU_HOC", "primary_completed", forms.FLAG, required=False),
    Leaf("NOI_DUNG_KHEN_THUONG", "award", required=False, strict=2000),
    Leaf("NOI_DUNG_KHEN_THUONG_DOT_XUAT", "ad_hoc_award", required=False, strict=2000),
    Leaf("NHAN_XET_GVCN", "teacher_comment", strict=2000),
)
SUMMARY: Final = Branch("TONG_KET", (*YEAR_END, SUBJECTS, ASSESSMENT))

DATA: Final = Branch("DU_LIEU_HOC_BA", (GENERAL, HISTORY, SUMMARY), takes_id=True)

_SIGNED_AT: Final = Leaf("NGAY_KY", None, forms.MOMENT)
_SIGNED_BY: Final = Leaf("SO_CCCD", None, forms.PERSONAL_ID)
SLOTS: Final = (
    Branch("GVCN", (_SIGNED_AT, _SIGNED_BY), required=False, takes_signatures=True),
    Branch("CBQL", (_SIGNED_AT, _SIGNED_BY), required=False, takes_signatures=True),
    Branch("KY_PHAT_HANH", (_SIGNED_AT,), required=False, takes_signatures=True),
)
SIGNING: Final = Branch("DANH_SACH_THONG_TIN_KY", SLOTS, required=False)

RECORD: Final = Branch(RECORD_ROOT, (DATA, SIGNING), takes_id=True)
"""The whole tree of one record."""
