"""Fields of one record that lie outside their list or contradict each other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from sandbox.clock import VIETNAM
from sandbox.domain.consistency import (
    check_consistency,
    check_created_before,
    check_practice_marks,
)
from sandbox.domain.report_card import Sex, YearAtSchool
from tests.builders.people import SCHOOL, a_card, codes, ratings, rows, subject, with_general


@pytest.mark.parametrize("grade", [1, 2, 3, 4, 5])
def test_a_record_that_agrees_with_itself_passes(grade):
    """The builder's card has no contradiction in any grade."""
    assert check_consistency(a_card(grade)) == []


@pytest.mark.parametrize(
    ("changes", "code", "tag"),
    [
        ({"school_year": "2024-2026"}, "SBX-2004", "TEN_NAM_HOC"),
        ({"department_code": "03", "school_code": "03999401"}, "SBX-2008", "MA_SO_GIAO_DUC"),
        ({"province": "Thành phố Đà Nẵng"}, "SBX-2008", "TEN_TINH_THANH_PHO"),
        ({"school_code": "49999401"}, "SBX-2009", "MA_TRUONG"),
        ({"district": None}, "SBX-2001", "TEN_QUAN_HUYEN"),
        ({"ethnic_group": "Ê-đê"}, "SBX-2008", "DAN_TOC"),
        ({"sex": Sex.MALE}, "SBX-2009", "SO_CCCD"),
        ({"birth_date": date(2014, 3, 9)}, "SBX-2009", "SO_CCCD"),
        ({"father": None, "mother": None, "guardian": None}, "SBX-2009", "HO_VA_TEN_ME"),
        ({"teacher_id": None}, "SBX-2009", "TEN_GIAO_VIEN_CHU_NHIEM"),
        ({"teacher_name": None}, "SBX-2009", "SO_CCCD_GIAO_VIEN_CHU_NHIEM"),
        ({"teacher_id": "948315000017"}, "SBX-2009", "SO_CCCD_GIAO_VIEN_CHU_NHIEM"),
        ({"issue_planned_on": date(2025, 5, 25)}, "SBX-2009", "NGAY_KY_PHAT_HANH_HOC_BA"),
        ({"class_name": "4A2"}, "SBX-2009", "TEN_LOP"),
        ({"school_name": "Trường Tiểu học Khác"}, "SBX-2009", "TEN_TRUONG"),
    ],
)
def test_each_contradiction_is_named_by_code_and_field(changes, code, tag):
    """One wrong field gives exactly one finding, at that field."""
    findings = check_consistency(with_general(a_card(4), **changes))
    assert [(f.code, f.field) for f in findings if f.field == tag] == [(code, tag)]


@pytest.mark.parametrize(
    ("born", "good"), [(2019, True), (2020, False), (2006, True), (2005, False)]
)
def test_pupils_are_between_five_and_eighteen(born, good):
    """Age in whole years on 1 September of the school year."""
    card = with_general(
        a_card(4), birth_date=date(born, 9, 1), pupil_id=f"9483{born % 100:02}000017"
    )
    assert ("NGAY_SINH" not in [f.field for f in check_consistency(card)]) is good


def test_records_of_the_new_era_have_new_provinces_and_no_district():
    """From 2025-2026 the 34 provinces count and TEN_QUAN_HUYEN may be missing."""
    moved = [YearAtSchool("2025-2026", "4A1", SCHOOL, date(2025, 9, 5))]
    card = with_general(a_card(4), school_year="2025-2026", district=None)
    card = replace(card, history=tuple(moved))
    assert check_consistency(card) == []
    old = with_general(card, department_code="49", school_code="49999401", province="Quảng Nam")
    assert "SBX-2008" in codes(check_consistency(old))


def history(card, **changes):
    found = list(card.history)
    for place, row in changes.items():
        found[int(place.removeprefix("row"))] = row
    return replace(card, history=tuple(row for row in found if row is not None))


def test_a_gap_in_the_history_is_a_contradiction():
    """Rows follow each other year by year."""
    findings = check_consistency(history(a_card(4), row1=None))
    assert [(f.code, f.field) for f in findings] == [("SBX-2009", "NAM_HOC")]


def test_the_history_ends_with_the_current_year():
    """The last row equals school year, class and school of the record."""
    findings = check_consistency(history(a_card(4), row3=None))
    assert [(f.code, f.field) for f in findings] == [
        ("SBX-2009", "NAM_HOC"),
        ("SBX-2009", "TEN_LOP"),
    ]


def test_a_pupil_who_stayed_down_has_one_row_more():
    """Two years in grade 3 are no contradiction."""
    extra = YearAtSchool("2020-2021", "1A1", SCHOOL, date(2020, 9, 5))
    card = a_card(4)
    assert check_consistency(replace(card, history=(extra, *card.history))) == []


def test_arrivals_come_in_the_order_of_the_years():
    """An arrival before the one of the year before is a contradiction."""
    card = a_card(4)
    early = replace(card.history[2], arrived_on=date(2021, 1, 1))
    findings = check_consistency(history(card, row2=early))
    assert [(f.code, f.field) for f in findings] == [("SBX-2009", "NGAY_TRANG_THAI_CHUYEN_DEN")]


def test_an_empty_history_lacks_its_row():
    """At least the current year stands in the history."""
    assert codes(check_consistency(replace(a_card(4), history=()))) == ["SBX-2001"]


def test_subjects_come_from_the_list_under_their_own_names():
    """An unknown code and another spelling are outside the list, a repeated row contradicts."""
    unknown = a_card(4, subjects=(*rows(4), replace(subject("S14"), code="S99")))
    assert [(f.code, f.field) for f in check_consistency(unknown)] == [("SBX-2008", "MA_MON_HOC")]
    other = replace(subject("S04", "T", 9), name="Lịch sử và Địa lý")
    named = a_card(4, subjects=tuple(other if r.code == "S04" else r for r in rows(4)))
    assert [(f.code, f.field) for f in check_consistency(named)] == [("SBX-2008", "TEN_MON_HOC")]
    twice = a_card(4, subjects=(*rows(4), subject("S08")))
    assert [(f.code, f.field) for f in check_consistency(twice)] == [("SBX-2009", "MA_MON_HOC")]


def test_a_rating_given_twice_contradicts_itself():
    """Each competence and quality is rated once."""
    card = a_card(4, ratings=(*ratings(4), ("PHAM_CHAT_NHAN_AI", "Đ")))
    assert [(f.code, f.field) for f in check_consistency(card)] == [
        ("SBX-2009", "PHAM_CHAT_NHAN_AI")
    ]


def test_nothing_is_signed_before_it_was_made():
    """A signing moment before the local day of NGAY_TAO_HOC_BA is SBX-2009."""
    card = a_card(4)
    same_day_in_vietnam = datetime(2025, 5, 25, 17, 0, tzinfo=UTC)
    day_before = datetime(2025, 5, 25, 23, 59, tzinfo=VIETNAM)
    assert check_created_before(card, [same_day_in_vietnam]) == []
    findings = check_created_before(card, [same_day_in_vietnam, day_before])
    assert [(f.code, f.field) for f in findings] == [("SBX-2009", "NGAY_TAO_HOC_BA")]


def test_data_that_could_be_real_is_told_apart():
    """IDs off the practice range and a missing mark are SBX-5008; the number is not repeated."""
    card = with_general(
        a_card(4),
        pupil_id="048315000017",
        leader_id="048075000032",
        department_name="Sở Giáo dục và Đào tạo Đà Nẵng",
    )
    findings = check_practice_marks(card)
    assert [(f.code, f.field) for f in findings] == [
        ("SBX-5008", "SO_CCCD"),
        ("SBX-5008", "SO_CCCD_GIAM_HIEU_KY_HOC_BA"),
        ("SBX-5008", "TEN_SO_GD"),
    ]
    assert findings[0].value is None
    assert check_practice_marks(a_card(4)) == []
