"""Stage 4, schema, the part no schema language can say: lists, and fields that must agree.

The form of single values (patterns, lengths, required tags) is checked by `sandbox.documents`;
here a whole record is held against the code lists (SBX-2008) and against itself (SBX-2009).
Rules: spec/record-format.md §3. Findings carry the tag; `documents.locate` adds the place.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime

from sandbox.clock import VIETNAM
from sandbox.domain.circular27 import COMPETENCES, QUALITIES, SUBJECT_BY_CODE, SUBJECTS
from sandbox.domain.divisions import FIRST_YEAR_OF_34, era_of, first_year, provinces_of
from sandbox.domain.ethnic_groups import ETHNIC_GROUP_NAMES
from sandbox.domain.identifiers import PRACTICE_MARK, PersonalId, is_practice_id
from sandbox.domain.report_card import General, ReportCard, Sex
from sandbox.domain.report_card_2026 import General2026, ReportCard2026, SexCode
from sandbox.errors import Finding

YOUNGEST, OLDEST = 5, 18
"""Age of a pupil in whole years on 1 September of the school year."""


def check_consistency(card: ReportCard) -> list[Finding]:
    """Return what in *card* lies outside its list or contradicts another field (stage schema)."""
    return [
        *_year_and_place(card.general),
        *_pupil(card.general),
        *_people(card.general),
        *_dates(card),
        *_history(card),
        *_subjects(card),
        *_ratings(card),
    ]


def check_consistency_2026(card: ReportCard2026) -> list[Finding]:
    """Return the same about a *card* of the 2026 profile, as far as it says anything."""
    return [
        *_year_and_place(card.general),
        *_pupil_2026(card.general),
        *_people(card.general),
        *_dates(card),
        *_history(card),
        *_subjects(card),
        *_ratings(card),
    ]


def check_created_before(
    card: ReportCard | ReportCard2026, moments: Iterable[datetime]
) -> list[Finding]:
    """Return SBX-2009 when one of the signing *moments* lies before NGAY_TAO_HOC_BA.

    Days are local (+07:00).
    """
    created = card.general.created_on
    early = [m.astimezone(VIETNAM) for m in moments if m.astimezone(VIETNAM).date() < created]
    if not early:
        return []
    return [
        Finding(
            "SBX-2009",
            "NGAY_TAO_HOC_BA",
            value=f"{created:%d/%m/%Y}",
            expected=f"<= NGAY_KY {min(early):%d/%m/%Y}",
        )
    ]


def check_practice_marks(card: ReportCard | ReportCard2026) -> list[Finding]:
    """Return SBX-5008 for each personal ID off the practice range and for a missing mark.

    Stage register: data that could be real is refused whoever sends it.
    """
    general = card.general
    ids = (
        ("SO_CCCD", general.pupil_id),
        ("SO_CCCD_GIAM_HIEU_KY_HOC_BA", general.leader_id),
        ("SO_CCCD_GIAO_VIEN_CHU_NHIEM", general.teacher_id),
    )
    # The number itself is not repeated: it may be a living person's.
    faults = [
        Finding("SBX-5008", tag, expected="9PPGYYNNNNNN")
        for tag, number in ids
        if number is not None and not is_practice_id(number)
    ]
    if not general.department_name.endswith(PRACTICE_MARK):
        faults.append(
            Finding(
                "SBX-5008",
                "TEN_SO_GD",
                value=general.department_name,
                expected=f"…{PRACTICE_MARK}",
            )
        )
    return faults


def _year_and_place(general: General | General2026) -> Iterator[Finding]:
    begins = first_year(general.school_year)
    if begins is None:
        yield Finding("SBX-2004", "TEN_NAM_HOC", value=general.school_year, expected="YYYY-YYYY+1")
        return
    provinces = provinces_of(era_of(general.school_year))
    province = provinces.get(general.department_code)
    if province is None:
        yield Finding("SBX-2008", "MA_SO_GIAO_DUC", value=general.department_code)
    elif general.province != province.name:
        yield Finding(
            "SBX-2008", "TEN_TINH_THANH_PHO", value=general.province, expected=province.name
        )
    if not general.school_code.startswith(general.department_code):
        yield Finding(
            "SBX-2009",
            "MA_TRUONG",
            value=general.school_code,
            expected=f"MA_SO_GIAO_DUC {general.department_code}…",
        )
    is_v1 = isinstance(general, General)
    if is_v1 and general.district is None and begins < FIRST_YEAR_OF_34:
        yield Finding("SBX-2001", "TEN_QUAN_HUYEN", expected="TEN_QUAN_HUYEN")


def _pupil(general: General) -> Iterator[Finding]:
    if general.ethnic_group not in ETHNIC_GROUP_NAMES:
        yield Finding("SBX-2008", "DAN_TOC", value=general.ethnic_group)
    born = general.birth_date
    said = f"{born:%d/%m/%Y}"
    yield from _number_of(general.pupil_id, sex=general.sex, year=born.year, said=said)
    yield from _age(general.school_year, born, born, said)


def _pupil_2026(general: General2026) -> Iterator[Finding]:
    """What the record does not say is held against nothing."""
    if general.ethnic_group not in ETHNIC_GROUP_NAMES:
        yield Finding("SBX-2008", "DAN_TOC", value=general.ethnic_group)
    born = general.birth_date
    year = None if born is None else born.year
    said = "" if born is None else str(born)
    if general.pupil_id is not None:
        sexes = {SexCode.MALE: Sex.MALE, SexCode.FEMALE: Sex.FEMALE}
        yield from _number_of(general.pupil_id, sex=sexes.get(general.sex), year=year, said=said)
    if born is not None:
        yield from _age(general.school_year, born.earliest, born.latest, said)


def _number_of(number: str, *, sex: Sex | None, year: int | None, said: str) -> Iterator[Finding]:
    """SBX-2009: the personal ID holds another sex or birth year; None is not known."""
    try:
        parts = PersonalId.parse(number)
    except ValueError:
        return  # A number that starts otherwise is off the practice range: SBX-5008.
    if sex is not None and parts.sex is not sex:
        yield Finding("SBX-2009", "SO_CCCD", value=number, expected=f"GIOI_TINH {sex.value}")
    if year is not None and parts.birth_year != year:
        yield Finding("SBX-2009", "SO_CCCD", value=number, expected=f"NGAY_SINH {said}")


def _age(school_year: str, earliest: date, latest: date, said: str) -> Iterator[Finding]:
    """SBX-2009: born between two days, a pupil of no lawful age on 1 September."""
    begins = first_year(school_year)
    if begins is None:
        return
    opening = date(begins, 9, 1)
    if _age_on(earliest, opening) < YOUNGEST or _age_on(latest, opening) > OLDEST:
        yield Finding(
            "SBX-2009",
            "NGAY_SINH",
            value=said,
            expected=f"{YOUNGEST}–{OLDEST} (01/09/{begins})",
        )


def _age_on(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _people(general: General | General2026) -> Iterator[Finding]:
    if general.father is None and general.mother is None and general.guardian is None:
        parents = "HO_VA_TEN_CHA|HO_VA_TEN_ME|HO_VA_TEN_NGUOI_GIAM_HO"
        yield Finding("SBX-2009", "HO_VA_TEN_ME", expected=parents)
    if (general.teacher_name is None) != (general.teacher_id is None):
        given, other = "TEN_GIAO_VIEN_CHU_NHIEM", "SO_CCCD_GIAO_VIEN_CHU_NHIEM"
        if general.teacher_name is None:
            given, other = other, given
        yield Finding("SBX-2009", given, expected=other)
    for tag, number in (
        ("SO_CCCD_GIAM_HIEU_KY_HOC_BA", general.leader_id),
        ("SO_CCCD_GIAO_VIEN_CHU_NHIEM", general.teacher_id),
    ):
        if number == general.pupil_id:
            yield Finding("SBX-2009", tag, value=number, expected="≠ SO_CCCD")


def _dates(card: ReportCard | ReportCard2026) -> Iterator[Finding]:
    general = card.general
    if general.issue_planned_on < general.created_on:
        yield Finding(
            "SBX-2009",
            "NGAY_KY_PHAT_HANH_HOC_BA",
            value=f"{general.issue_planned_on:%d/%m/%Y}",
            expected=f">= NGAY_TAO_HOC_BA {general.created_on:%d/%m/%Y}",
        )
    arrivals = [row.arrived_on for row in card.history if row.arrived_on is not None]
    for earlier, later in itertools.pairwise(arrivals):
        if later < earlier:
            yield Finding(
                "SBX-2009",
                "NGAY_TRANG_THAI_CHUYEN_DEN",
                value=f"{later:%d/%m/%Y}",
                expected=f">= {earlier:%d/%m/%Y}",
            )
    born = general.birth_date
    born = born if born is None or isinstance(born, date) else born.earliest
    if arrivals and born is not None and arrivals[0] <= born:
        yield Finding(
            "SBX-2009",
            "NGAY_TRANG_THAI_CHUYEN_DEN",
            value=f"{arrivals[0]:%d/%m/%Y}",
            expected=f"> NGAY_SINH {born:%d/%m/%Y}",
        )


def _history(card: ReportCard | ReportCard2026) -> Iterator[Finding]:
    general = card.general
    if not card.history:
        yield Finding("SBX-2001", "NAM_HOC_ITEM", expected="NAM_HOC_ITEM")
        return
    for row in card.history:
        if first_year(row.school_year) is None:
            yield Finding("SBX-2004", "NAM_HOC", value=row.school_year, expected="YYYY-YYYY+1")
            return
    begins = [first_year(row.school_year) or 0 for row in card.history]
    for earlier, later in itertools.pairwise(begins):
        if later != earlier + 1:
            yield Finding(
                "SBX-2009",
                "NAM_HOC",
                value=f"{later}-{later + 1}",
                expected=f"{earlier + 1}-{earlier + 2}",
            )
    last = card.history[-1]
    for tag, found, expected in (
        ("NAM_HOC", last.school_year, general.school_year),
        ("TEN_LOP", last.class_name, general.class_name),
        ("TEN_TRUONG", last.school_name, general.school_name),
    ):
        if found != expected:
            yield Finding("SBX-2009", tag, value=found, expected=expected)


def _subjects(card: ReportCard | ReportCard2026) -> Iterator[Finding]:
    for row in card.summary.subjects:
        subject = SUBJECT_BY_CODE.get(row.code)
        if subject is None:
            known = "|".join(subject.code for subject in SUBJECTS)
            yield Finding("SBX-2008", "MA_MON_HOC", value=row.code, expected=known)
        elif row.name != subject.name:
            yield Finding("SBX-2008", "TEN_MON_HOC", value=row.name, expected=subject.name)
    for code, times in Counter(row.code for row in card.summary.subjects).items():
        if times > 1:
            yield Finding("SBX-2009", "MA_MON_HOC", value=f"{code} × {times}", expected=code)


_RATED = frozenset((*COMPETENCES, *QUALITIES))


def _ratings(card: ReportCard | ReportCard2026) -> Iterator[Finding]:
    for tag, times in Counter(tag for tag, _ in card.summary.ratings).items():
        if tag not in _RATED:
            yield Finding("SBX-2002", tag)
        elif times > 1:
            yield Finding("SBX-2009", tag, value=f"× {times}")
