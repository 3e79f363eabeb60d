"""Report cards of invented pupils, lawful by construction (spec/assessment-rules.md §8)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sandbox.domain.circular27 import (
    AWARD_EXCELLENT,
    AWARD_MODEL,
    Subject,
    YearResult,
    completion_text,
    electives,
    subjects_due,
    year_result,
)
from sandbox.domain.divisions import Era, era_of, provinces_of
from sandbox.domain.identifiers import PRACTICE_MARK, new_uuid
from sandbox.domain.report_card import (
    General,
    ReportCard,
    Sex,
    SubjectResult,
    Summary,
    YearAtSchool,
)
from sandbox.synthetic import comments, tables
from sandbox.synthetic.chance import draw
from sandbox.synthetic.marks import Ratings, draw_marks, incline
from sandbox.synthetic.model import Staff
from sandbox.synthetic.pupils import Family
from sandbox.synthetic.schools import Site, with_prefix

_HAMLETS: list[str] = tables.tree("places.toml")["hamlets"]
_OTHER_SCHOOLS: list[str] = tables.tree("places.toml")["schools"]

_CREATED = (5, 26)
"""Day on which records are made: before the space clock starts."""
_ISSUE_PLANNED = (5, 28)
"""The space clock's first day, so that whoever issues at once gets no SBX-3061."""

_MODEL_SHARE = 0.7
"""Share of "Hoàn thành tốt" whose class agrees to the title (result 2 is not enough for it)."""


@dataclass(frozen=True, slots=True)
class ClassFrame:
    """What all cards of one class share."""

    site: Site
    grade: int
    number: int
    """1 for the first class of the grade."""
    leader: Staff
    teacher: Staff

    @property
    def name(self) -> str:
        """TEN_LOP."""
        return class_name(self.grade, self.number)


def class_name(grade: int, number: int) -> str:
    """Return the usual name of a class: 4A1."""
    return f"{grade}A{number}"


def card_of(frame: ClassFrame, family: Family, *, lean: YearResult | None = None) -> ReportCard:
    """Return the report card of one pupil.

    *lean*: the result towards which marks lean; drawn when None. The result itself is computed.
    """
    site = frame.site
    source = draw(site.seed, "card", site.code, frame.grade, frame.number, family.seat)
    subjects = _subjects_taken(frame, family)
    rows, ratings = draw_marks(source, frame.grade, subjects, lean or incline(source))
    return ReportCard(
        general=_general(source, frame, family),
        history=_history(source, frame, family),
        summary=_summary(source, frame.grade, rows, ratings),
    )


def _subjects_taken(frame: ClassFrame, family: Family) -> tuple[Subject, ...]:
    """Return the pupil's subjects in the form's order: compulsory and what the school offers."""
    site = frame.site
    source = draw(site.seed, "electives", site.code)
    english = source.random() < 0.6
    own_language = family.pupil.ethnic_group != "Kinh" and source.random() < 0.25
    offered = {"S03": english, "S14": own_language}
    chosen = [s for s in electives(frame.grade) if offered[s.code]]
    return tuple(sorted((*subjects_due(frame.grade), *chosen), key=lambda s: s.code))


def _general(source: random.Random, frame: ClassFrame, family: Family) -> General:
    site, pupil = frame.site, family.pupil
    weight, height = _body(source, frame.grade + family.years_late, pupil.sex)
    enrolled = site.begins - frame.grade + 1
    register = (frame.number - 1) * 45 + family.seat + 1
    return General(
        record_id=new_uuid(site.seed, "record", site.school_year, pupil.code),
        school_year=site.school_year,
        department_code=site.province.code,
        department_name=site.department_name,
        school_code=site.code,
        school_name=site.name,
        district=site.district,
        commune=site.commune,
        province=site.province.name,
        register_number=f"{register:04}/{enrolled}",
        pupil_name=pupil.name,
        pupil_id=pupil.personal_id,
        pupil_code=pupil.code,
        sex=pupil.sex,
        birth_date=pupil.birth_date,
        weight_kg=weight,
        height_cm=height,
        absent_with_leave=source.choices(range(7), (30, 20, 18, 12, 10, 6, 4))[0],
        absent_without_leave=source.choices(range(3), (90, 8, 2))[0],
        birth_place=f"Bệnh viện Giả Lập, {site.place}",
        native_place=_native_place(source, site),
        address=site.address(source.choice(_HAMLETS), source.randint(1, 24)),
        ethnic_group=pupil.ethnic_group,
        father=family.father,
        mother=family.mother,
        leader_name=frame.leader.name,
        leader_id=frame.leader.personal_id,
        leader_title=frame.leader.title,
        issue_place=site.province.name,
        created_on=date(site.begins + 1, *_CREATED),
        issue_planned_on=date(site.begins + 1, *_ISSUE_PLANNED),
        teacher_name=frame.teacher.name,
        teacher_id=frame.teacher.personal_id,
        grade=frame.grade,
        class_name=frame.name,
    )


def _body(source: random.Random, grade: int, sex: Sex) -> tuple[Decimal, Decimal]:
    """Return weight (kg) and height (cm), rising with grade, within 14–60 and 100–160."""
    height = 113 + 5.5 * min(grade, 6) + (1 if sex is Sex.MALE else 0) + source.gauss(0, 4.5)
    height = min(160, max(100, round(height)))
    weight = min(60.0, max(14.0, (height / 100) ** 2 * source.gauss(16.0, 1.6)))
    return Decimal(f"{weight:.1f}"), Decimal(height)


def _native_place(source: random.Random, site: Site) -> str:
    provinces = provinces_of(era_of(site.school_year))
    away = source.random() < 0.25
    province = source.choice(sorted(p.name for p in provinces.values())) if away else None
    place = with_prefix(province) if province else site.place
    if era_of(site.school_year) is Era.THIRTY_FOUR:
        return f"Xã Giả Lập, {place}"
    return f"Xã Giả Lập, huyện Thử Nghiệm, {place}"


def _history(source: random.Random, frame: ClassFrame, family: Family) -> tuple[YearAtSchool, ...]:
    """Return one row per year: grade falls by one a year back, unless the pupil stayed down."""
    site = frame.site
    grades = list(range(1, frame.grade + 1))
    if family.years_late and source.random() < 0.5:
        repeated = source.randint(1, frame.grade)
        grades.insert(repeated, repeated)
    first = site.begins - len(grades) + 1
    moved_at = source.randint(1, len(grades) - 1) if len(grades) > 1 else 0
    if source.random() >= 0.04:
        moved_at = 0
    elsewhere = source.choice([n for n in _OTHER_SCHOOLS if n not in site.name])
    rows = []
    for place, grade in enumerate(grades):
        year = first + place
        # A pupil who arrives during the year does so after the first term.
        arrived = date(year + 1, 1, 20) if moved_at and place == moved_at else date(year, 9, 5)
        other = f"Trường Tiểu học {elsewhere}{PRACTICE_MARK}"
        rows.append(
            YearAtSchool(
                school_year=f"{year}-{year + 1}",
                class_name=class_name(grade, frame.number),
                school_name=other if place < moved_at else site.name,
                arrived_on=arrived,
            )
        )
    return tuple(rows)


def _summary(
    source: random.Random, grade: int, rows: tuple[SubjectResult, ...], ratings: Ratings
) -> Summary:
    result = year_result(
        (row.level for row in rows),
        (rating for _, rating in ratings),
        (row.score for row in rows if row.score is not None),
    )
    completed = result is not YearResult.NOT_COMPLETED
    # Whoever has not completed was decided upon by the head: promoted or not (TT27 art. 11.1c).
    promoted = completed or (grade < 5 and source.random() < 0.5)
    return Summary(
        result=result.value,
        promoted=promoted,
        completion_text=completion_text(result, grade, promoted=promoted),
        class_completed=completed,
        primary_completed=completed and grade == 5,
        award=_award(source, result),
        ad_hoc_award=(source.choice(comments.AD_HOC_AWARDS) if source.random() < 0.03 else None),
        teacher_comment=comments.by_teacher(source, rows, result.value),
        subjects=rows,
        ratings=ratings,
        comment_qualities=comments.on_qualities(source, ratings),
        comment_general=comments.on_general(source, ratings),
        comment_specific=comments.on_specific(source, ratings),
    )


def _award(source: random.Random, result: YearResult) -> str | None:
    if result is YearResult.EXCELLENT:
        return AWARD_EXCELLENT
    if result is YearResult.GOOD and source.random() < _MODEL_SHARE:
        return AWARD_MODEL
    return None
