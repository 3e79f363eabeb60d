"""A lawful report card to start from, and small changes to its XML.

The card is the specification's example (spec/record-format.md §9): grade 4, 2023-2024.
"""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.documents import ParsedRecord, check_schema, parse_record, render_record
from sandbox.documents.bounds import Switches
from sandbox.domain.report_card import (
    General,
    ReportCard,
    Sex,
    SubjectResult,
    Summary,
    YearAtSchool,
)
from sandbox.errors import Finding

VECTORS = Path(__file__).parent.parent / "vectors"
UUID = "90000000-0000-4000-8000-000000000001"
SCHOOL = "Trường Tiểu học Giả Lập số 1"

GENERAL = General(
    record_id=UUID,
    school_year="2023-2024",
    department_code="48",
    department_name="Sở Giáo dục và Đào tạo Đà Nẵng (giả lập)",
    school_code="48999401",
    school_name=SCHOOL,
    district="Quận Giả Lập",
    commune="Phường Thử Nghiệm",
    province="Đà Nẵng",
    register_number="0017/2020",
    pupil_name="Nguyễn Mẫu Giả Lập",
    pupil_id="948314000017",
    pupil_code="4899900017",
    sex=Sex.FEMALE,
    birth_date=date(2014, 3, 9),
    weight_kg=Decimal("29.5"),
    height_cm=Decimal(134),
    absent_with_leave=3,
    absent_without_leave=0,
    birth_place="Bệnh viện Giả Lập, thành phố Đà Nẵng",
    native_place="Xã Thử Nghiệm, huyện Giả Lập, tỉnh Quảng Nam",
    address="Tổ 9, phường Thử Nghiệm, quận Giả Lập, thành phố Đà Nẵng",
    father="Nguyễn Văn Mẫu Hai",
    mother="Trần Thị Mẫu Ba",
    leader_name="Lê Văn Mẫu Bốn",
    leader_id="948075000032",
    issue_place="Đà Nẵng",
    created_on=date(2024, 5, 27),
    issue_planned_on=date(2024, 5, 31),
    teacher_name="Phạm Thị Mẫu Năm",
    teacher_id="948185000021",
    grade=4,
    class_name="4A1",
)

_SUBJECTS = (
    ("S01", "Tiếng Việt", 9),
    ("S02", "Toán", 10),
    ("S03", "Ngoại ngữ 1 (Tiếng Anh)", 7),
    ("S04", "Lịch sử và Địa lí", 9),
    ("S05", "Khoa học", 9),
    ("S06", "Tin học và Công nghệ (Tin học)", 8),
    ("S07", "Tin học và Công nghệ (Công nghệ)", 9),
    ("S08", "Đạo đức", None),
    ("S10", "Giáo dục thể chất", None),
    ("S11", "Nghệ thuật (Âm nhạc)", None),
    ("S12", "Nghệ thuật (Mĩ thuật)", None),
    ("S13", "Hoạt động trải nghiệm", None),
)
RATINGS = (
    "NANG_LUC_TU_CHU_TU_HOC",
    "NANG_LUC_GIAO_TIEP_HOC_TAC",
    "NANG_LUC_GIAI_QUYET_VAN_DE_SANG_TAO",
    "NANG_LUC_NGON_NGU",
    "NANG_LUC_TINH_TOAN",
    "NANG_LUC_KHOA_HOC",
    "NANG_LUC_CONG_NGHE",
    "NANG_LUC_TIN_HOC",
    "NANG_LUC_THAM_MI",
    "NANG_LUC_THE_CHAT",
    "PHAM_CHAT_YEU_NUOC",
    "PHAM_CHAT_NHAN_AI",
    "PHAM_CHAT_CHAM_CHI",
    "PHAM_CHAT_TRUNG_THUC",
    "PHAM_CHAT_TRACH_NHIEM",
)
SUMMARY = Summary(
    result="Hoàn thành tốt",
    promoted=True,
    completion_text="Hoàn thành chương trình lớp 4; Được lên lớp 5.",
    class_completed=True,
    primary_completed=False,
    award="Đạt danh hiệu Học sinh Tiêu biểu hoàn thành tốt trong học tập và rèn luyện",
    teacher_comment=(
        "Em học đều các môn, viết bài sạch sẽ, tính nhanh; "
        "cần mạnh dạn nói tiếng Anh hơn trong giờ học."
    ),
    subjects=tuple(SubjectResult(code, name, "T", score) for code, name, score in _SUBJECTS),
    ratings=tuple((tag, "T") for tag in RATINGS),
    comment_qualities="Em lễ phép, giữ lời hứa, hay giúp bạn trực nhật.",
    comment_general="Em tự chuẩn bị bài ở nhà, biết chia việc khi học nhóm.",
    comment_specific="Em đọc trôi chảy, giải được bài toán nhiều bước, vẽ có ý tưởng riêng.",
)
HISTORY = tuple(
    YearAtSchool(f"{year}-{year + 1}", f"{grade}A1", SCHOOL, date(year, 9, 5))
    for grade, year in ((1, 2020), (2, 2021), (3, 2022), (4, 2023))
)


def a_card(**general: Any) -> ReportCard:
    """Return the example card with some fields of THONG_TIN_CHUNG changed."""
    return ReportCard(dataclasses.replace(GENERAL, **general), HISTORY, SUMMARY)


def a_record(**general: Any) -> bytes:
    """Return the unsigned record of the example card."""
    return render_record(a_card(**general))


def changed(old: str, new: str, *, record: bytes | None = None) -> bytes:
    """Return the example record with the only occurrence of *old* replaced."""
    text = (record or a_record()).decode()
    assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
    return text.replace(old, new).encode()


def valued(tag: str, value: str, *, nth: int = 0) -> bytes:
    """Return the example record with another text in the nth *tag*."""
    text = a_record().decode()
    start = -1
    for _ in range(nth + 1):
        start = text.index(f"<{tag}>", start + 1)
    start += len(tag) + 2
    return (text[:start] + value + text[text.index(f"</{tag}>", start) :]).encode()


def without(tag: str) -> bytes:
    """Return the example record without the first *tag*."""
    text = a_record().decode()
    start = text.index(f"<{tag}>")
    end = text.index(f"</{tag}>") + len(tag) + 3
    return (text[:start] + text[end:]).encode()


def findings_of(xml: bytes, **switches: bool) -> list[Finding]:
    """Return what `check_schema` says about a single-record file."""
    return check_schema(parsed(xml), switches=Switches(**switches))


def codes_of(xml: bytes, **switches: bool) -> list[str]:
    """Return the codes `check_schema` gives."""
    return [finding.code for finding in findings_of(xml, **switches)]


def parsed(xml: bytes) -> ParsedRecord:
    """Return a single-record file, parsed."""
    return parse_record(xml)
