"""The report card (học bạ): one pupil × one school year (2088 PL1, profile v1.0).

Field comments give the tag of spec/record-format.md §3. Standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Sex(StrEnum):
    """GIOI_TINH as v1.0 writes it."""

    MALE = "Nam"
    FEMALE = "Nữ"


class Slot(StrEnum):
    """Who signs where (spec/record-format.md §5.2); the members stand in signing order."""

    GVCN = "GVCN"
    CBQL = "CBQL"
    KY_PHAT_HANH = "KY_PHAT_HANH"


@dataclass(frozen=True, slots=True, kw_only=True)
class General:
    """THONG_TIN_CHUNG, 40 tags in the specification's order."""

    version: str = "1.0"  # PHIEN_BAN
    circular: str = "27/2020/TT-BGDĐT"  # THONG_TU
    record_id: str  # MA_TRA_CUU_UUID, UUID v4 lower case
    school_year: str  # TEN_NAM_HOC "2024-2025"
    department_code: str  # MA_SO_GIAO_DUC
    department_name: str  # TEN_SO_GD, ends with " (giả lập)"
    school_code: str  # MA_TRUONG
    school_name: str  # TEN_TRUONG
    district: str | None = None  # TEN_QUAN_HUYEN
    commune: str  # TEN_XA_PHUONG
    province: str  # TEN_TINH_THANH_PHO
    level_code: str = "02"  # MA_CAP_HOC
    register_number: str  # SO_SO_DANG_BO
    pupil_name: str  # HO_VA_TEN
    pupil_id: str  # SO_CCCD
    pupil_code: str  # MA_HOC_SINH
    sex: Sex  # GIOI_TINH
    birth_date: date  # NGAY_SINH
    weight_kg: Decimal  # CAN_NANG
    height_cm: Decimal  # CHIEU_CAO
    absent_with_leave: int  # TONG_SO_BUOI_NGHI_CO_PHEP
    absent_without_leave: int  # THONG_SO_BUOI_NGHI_KHONG_PHEP (sic)
    birth_place: str  # NOI_SINH
    native_place: str  # QUE_QUAN
    address: str  # CHO_O_HIEN_NAY
    ethnic_group: str = "Kinh"  # DAN_TOC
    nationality: str = "Việt Nam"  # QUOC_TICH
    father: str | None = None  # HO_VA_TEN_CHA
    mother: str | None = None  # HO_VA_TEN_ME (required in v1.0)
    guardian: str | None = None  # HO_VA_TEN_NGUOI_GIAM_HO
    leader_name: str  # TEN_GIAM_HIEU_KY_HOC_BA
    leader_id: str  # SO_CCCD_GIAM_HIEU_KY_HOC_BA
    issue_place: str  # DIA_DANH_PHAT_HANH_HOC_BA
    created_on: date  # NGAY_TAO_HOC_BA
    issue_planned_on: date  # NGAY_KY_PHAT_HANH_HOC_BA
    leader_title: str = "Hiệu trưởng"  # CHUC_VU_GIAM_HIEU_KY_HOC_BA
    teacher_name: str | None = None  # TEN_GIAO_VIEN_CHU_NHIEM
    teacher_id: str | None = None  # SO_CCCD_GIAO_VIEN_CHU_NHIEM
    grade: int  # MA_KHOI 1..5, written "01".."05"
    class_name: str  # TEN_LOP


@dataclass(frozen=True, slots=True)
class YearAtSchool:
    """NAM_HOC_ITEM: one row of QUA_TRINH_HOC_TAP."""

    school_year: str
    class_name: str
    school_name: str
    arrived_on: date


@dataclass(frozen=True, slots=True)
class SubjectResult:
    """MON_HOC. `level` is T, H, C (or M, 2026 profile); `score` 0–10 or None where none is due."""

    code: str
    name: str
    level: str
    score: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """TONG_KET: year result, subjects (BANG_DIEM), competences and qualities."""

    result: str  # KET_QUA_XEP_LOAI
    promoted: bool  # DUOC_LEN_LOP
    completion_text: str | None = None  # NOI_DUNG_HOAN_THANH_CHUONG_TRINH
    class_completed: bool  # DA_HOAN_THANH_CHUONG_TRINH_LOP_HOC
    primary_completed: bool | None = None  # DA_HOAN_THANH_CHUONG_TRINH_TIEU_HOC
    award: str | None = None  # NOI_DUNG_KHEN_THUONG
    ad_hoc_award: str | None = None  # NOI_DUNG_KHEN_THUONG_DOT_XUAT
    teacher_comment: str  # NHAN_XET_GVCN
    subjects: tuple[SubjectResult, ...]
    ratings: tuple[tuple[str, str], ...]
    """(tag, "T"|"Đ"|"C") in the order of §3.5: 13 pairs in grades 1–2, else 15."""
    comment_qualities: str  # NHAN_XET_PHAM_CHAT
    comment_general: str  # NHAN_XET_NANG_LUC_CHUNG
    comment_specific: str  # NHAN_XET_NANG_LUC_DAC_THU


@dataclass(frozen=True, slots=True)
class ReportCard:
    """DU_LIEU_HOC_BA: all data made by the school; the signatures are not part of it."""

    general: General
    history: tuple[YearAtSchool, ...]
    summary: Summary

    @property
    def record_id(self) -> str:
        """MA_TRA_CUU_UUID."""
        return self.general.record_id
