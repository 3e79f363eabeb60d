"""The report card of the 2026 profile: one pupil × one school year as the 2026 dictionary has it.

It stands beside `report_card`, whose names it keeps wherever both say the same, and carries what
v1.0 cannot: exemption, a guardian alone, no personal ID, a pupil who is not assessed, a birth date
known in part (spec/record-format.md §6.2). Field comments give the tag.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from sandbox.domain.circular27 import EXEMPT, Schooling
from sandbox.domain.report_card import ReportCard, Sex, SubjectResult

VERSION = "2026"
"""PHIEN_BAN; ten characters are allowed, no value is published."""
CIRCULAR = "27/2020"
"""THONG_TU: the full number does not fit into ten characters."""


class SexCode(StrEnum):
    """GIOI_TINH as the dictionary writes it."""

    UNKNOWN = "0"
    MALE = "1"
    FEMALE = "2"


class BirthDate(NamedTuple):
    """NGAY_SINH: a day, or no more than month and year, or the year."""

    year: int
    month: int | None = None
    day: int | None = None

    def __str__(self) -> str:
        """As the record writes it: `dd/MM/yyyy`, `MM/yyyy` or `yyyy`."""
        known = (part for part in (self.day, self.month) if part is not None)
        return "".join(f"{part:02}/" for part in known) + f"{self.year:04}"

    @property
    def earliest(self) -> date:
        """The first day it may be."""
        return date(self.year, self.month or 1, self.day or 1)

    @property
    def latest(self) -> date:
        """The last day it may be."""
        month = self.month or 12
        return date(self.year, month, self.day or monthrange(self.year, month)[1])


class Post(StrEnum):
    """Who signs; the members stand in signing order (spec/record-format.md §5.2)."""

    GVBM = "GVBM"
    GVCN = "GVCN"
    CBQL = "CBQL"
    KY_PHAT_HANH = "KY_PHAT_HANH"


class Slot2026(NamedTuple):
    """One place for one signature."""

    post: Post
    number: int = 0
    """For GVBM the place of the teacher's DIEM_TONG_KET, from 1; else 0."""

    def __str__(self) -> str:
        return f"{self.post}-{self.number}" if self.number else str(self.post)


@dataclass(frozen=True, slots=True, kw_only=True)
class General2026:
    """THONG_TIN_CHUNG. Weight, height and absences are not in the dictionary for primary."""

    version: str = VERSION  # PHIEN_BAN
    circular: str = CIRCULAR  # THONG_TU
    record_id: str  # MA_TRA_CUU_UUID
    school_year: str  # TEN_NAM_HOC
    department_code: str  # MA_SO_GIAO_DUC
    department_name: str  # TEN_SO_GD
    school_code: str  # MA_TRUONG
    school_name: str  # TEN_TRUONG
    district: str | None = None  # TEN_QUAN_HUYEN
    commune: str  # TEN_XA_PHUONG
    province: str  # TEN_TINH_THANH_PHO
    level_code: str = "02"  # MA_CAP_HOC
    extract: bool = False  # TRICH_LUC: made from paper
    register_number: str | None = None  # SO_SO_DANG_BO
    pupil_name: str  # HO_VA_TEN
    pupil_id: str | None = None  # SO_CCCD
    pupil_code: str  # MA_HOC_SINH
    sex: SexCode  # GIOI_TINH
    birth_date: BirthDate | None = None  # NGAY_SINH
    birth_place: str  # NOI_SINH
    birth_commune: str | None = None  # MA_XA_NOI_SINH
    birth_province: str | None = None  # MA_TINH_NOI_SINH
    native_place: str  # QUE_QUAN
    native_commune: str | None = None  # MA_XA_QUE_QUAN
    native_province: str | None = None  # MA_TINH_QUE_QUAN
    address: str  # CHO_O_HIEN_NAY
    address_commune: str | None = None  # MA_XA_CHO_O_HIEN_NAY
    address_province: str | None = None  # MA_TINH_CHO_O_HIEN_NAY
    ethnic_group: str = "Kinh"  # DAN_TOC, written as its code
    nationality: str = "VN"  # QUOC_TICH, two letters
    policy_group: str | None = None  # DOI_TUONG_CHINH_SACH
    not_assessed: bool = False  # CO_KHUYET_TAT_KHONG_DANH_GIA
    father: str | None = None  # HO_VA_TEN_CHA
    mother: str | None = None  # HO_VA_TEN_ME
    guardian: str | None = None  # HO_VA_TEN_NGUOI_GIAM_HO
    leader_name: str  # TEN_GIAM_HIEU_KY_HOC_BA
    leader_id: str  # SO_CCCD_GIAM_HIEU_KY_HOC_BA
    issue_place: str  # DIA_DANH_PHAT_HANH_HOC_BA
    created_on: date  # NGAY_TAO_HOC_BA
    issue_planned_on: date  # NGAY_KY_PHAT_HANH_HOC_BA
    leader_title: str = "Hiệu trưởng"  # CHUC_VU_GIAM_HIEU_KY_HOC_BA
    teacher_name: str  # TEN_GIAO_VIEN_CHU_NHIEM
    teacher_id: str  # SO_CCCD_GIAO_VIEN_CHU_NHIEM
    grade: int  # MA_KHOI
    class_name: str  # TEN_LOP


@dataclass(frozen=True, slots=True)
class YearAtSchool2026:
    """NAM_HOC_ITEM."""

    school_year: str
    class_name: str
    school_name: str
    province: str
    """TEN_TINH: of that school."""
    arrived_on: date | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """DIEM_TONG_KET: the rows one teacher answers for, and signs."""

    teacher: str
    """GVBM: the name; who it is says the certificate."""
    subjects: tuple[SubjectResult, ...]
    """Level M is exemption, then without a score here; "" is a level not given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary2026:
    """TONG_KET; `result`, levels and ratings may be missing for a pupil who is not assessed."""

    result: str | None = None  # KET_QUA_XEP_LOAI
    promoted: bool  # DUOC_LEN_LOP
    completion_text: str | None = None  # NOI_DUNG_HOAN_THANH_CHUONG_TRINH
    class_completed: bool  # DA_HOAN_THANH_CHUONG_TRINH_LOP_HOC
    primary_completed: bool  # DA_HOAN_THANH_CHUONG_TRINH_TIEU_HOC
    award: str | None = None  # NOI_DUNG_KHEN_THUONG
    ad_hoc_award: str | None = None  # NOI_DUNG_KHEN_THUONG_DOT_XUAT
    teacher_comment: str  # NHAN_XET_GVCN
    sheets: tuple[Sheet, ...]  # BANG_DIEM
    ratings: tuple[tuple[str, str], ...] = ()
    comment_qualities: str | None = None  # NHAN_XET_PHAM_CHAT
    comment_general: str  # NHAN_XET_NANG_LUC_CHUNG
    comment_specific: str  # NHAN_XET_NANG_LUC_DAC_THU

    @property
    def subjects(self) -> tuple[SubjectResult, ...]:
        """The rows of all teachers in the order of their codes, which is that of the form."""
        rows = (row for sheet in self.sheets for row in sheet.subjects)
        return tuple(sorted(rows, key=lambda row: row.code))


@dataclass(frozen=True, slots=True)
class ReportCard2026:
    """DU_LIEU_HOC_BA without its signatures."""

    general: General2026
    history: tuple[YearAtSchool2026, ...]
    summary: Summary2026

    @property
    def record_id(self) -> str:
        """MA_TRA_CUU_UUID."""
        return self.general.record_id

    @property
    def schooling(self) -> Schooling:
        """By which rules of TT27 art. 8 the card is judged."""
        return Schooling.NOT_ASSESSED if self.general.not_assessed else Schooling.ORDINARY

    @property
    def exempt(self) -> tuple[str, ...]:
        """Codes of the subjects the pupil is exempt from."""
        return tuple(row.code for row in self.summary.subjects if row.level == EXEMPT)

    @property
    def slots(self) -> tuple[Slot2026, ...]:
        """Where signatures go, in signing order."""
        teachers = (Slot2026(Post.GVBM, n) for n in range(1, len(self.summary.sheets) + 1))
        return (*teachers, *(Slot2026(post) for post in list(Post)[1:]))


def sheets_of(
    subjects: tuple[SubjectResult, ...], *, class_teacher: str, others: Mapping[str, str]
) -> tuple[Sheet, ...]:
    """Return *subjects* by who teaches them: the class teacher's first, then subject by subject.

    *others*: names of subject teachers by code of the one subject each teaches here.
    """
    own = tuple(row for row in subjects if row.code not in others)
    rest = (Sheet(others[row.code], (row,)) for row in subjects if row.code in others)
    return (*((Sheet(class_teacher, own),) if own else ()), *rest)


def card_of_2026(
    card: ReportCard, *, subject_teachers: Mapping[str, str], nationality: str = "VN"
) -> ReportCard2026:
    """Return what the 2026 profile says of a v1.0 *card*; weight, height and absences fall away.

    *subject_teachers*: names by code of the subjects that the class teacher does not teach.
    Earlier schools are taken to lie in the same province.

    Raises:
        ValueError: the card names no class teacher, whom the dictionary requires.
    """
    g, s = card.general, card.summary
    if g.teacher_name is None or g.teacher_id is None:
        raise ValueError("the 2026 profile needs a class teacher")
    general = General2026(
        record_id=g.record_id,
        school_year=g.school_year,
        department_code=g.department_code,
        department_name=g.department_name,
        school_code=g.school_code,
        school_name=g.school_name,
        district=g.district,
        commune=g.commune,
        province=g.province,
        level_code=g.level_code,
        register_number=g.register_number,
        pupil_name=g.pupil_name,
        pupil_id=g.pupil_id,
        pupil_code=g.pupil_code,
        sex=SexCode.MALE if g.sex is Sex.MALE else SexCode.FEMALE,
        birth_date=BirthDate(g.birth_date.year, g.birth_date.month, g.birth_date.day),
        birth_place=g.birth_place,
        native_place=g.native_place,
        address=g.address,
        ethnic_group=g.ethnic_group,
        nationality=nationality,
        father=g.father,
        mother=g.mother,
        guardian=g.guardian,
        leader_name=g.leader_name,
        leader_id=g.leader_id,
        issue_place=g.issue_place,
        created_on=g.created_on,
        issue_planned_on=g.issue_planned_on,
        leader_title=g.leader_title,
        teacher_name=g.teacher_name,
        teacher_id=g.teacher_id,
        grade=g.grade,
        class_name=g.class_name,
    )
    summary = Summary2026(
        result=s.result,
        promoted=s.promoted,
        completion_text=s.completion_text,
        class_completed=s.class_completed,
        primary_completed=bool(s.primary_completed),
        award=s.award,
        ad_hoc_award=s.ad_hoc_award,
        teacher_comment=s.teacher_comment,
        sheets=sheets_of(s.subjects, class_teacher=g.teacher_name, others=subject_teachers),
        ratings=s.ratings,
        comment_qualities=s.comment_qualities,
        comment_general=s.comment_general,
        comment_specific=s.comment_specific,
    )
    history = tuple(
        YearAtSchool2026(y.school_year, y.class_name, y.school_name, g.province, y.arrived_on)
        for y in card.history
    )
    return ReportCard2026(general, history, summary)
