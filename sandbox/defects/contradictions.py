"""Faults that only show when two fields of one record are held against each other."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

from sandbox.defects.delivery import Delivery
from sandbox.defects.edits import replaced
from sandbox.defects.kit import Kit
from sandbox.defects.registry import defect
from sandbox.defects.xpaths import GENERAL, HISTORY, SUBJECTS
from sandbox.domain.report_card import Sex


@defect(provokes="SBX-2009", at=f"{GENERAL}/SO_CCCD")
def sex_against_personal_id(kit: Kit) -> Delivery:
    """GIOI_TINH says one sex, the fourth digit of the personal ID the other."""
    other = Sex.MALE if kit.card(1).general.sex is Sex.FEMALE else Sex.FEMALE
    return kit.deliver_card(kit.card(1, sex=other))


@defect(provokes="SBX-2009", at=f"{GENERAL}/SO_CCCD")
def birth_year_against_personal_id(kit: Kit) -> Delivery:
    """The birth date is a year off the one in the personal ID."""
    born = kit.card(1).general.birth_date
    return kit.deliver_card(kit.card(1, birth_date=born.replace(year=born.year - 1, day=1)))


@defect(provokes="SBX-2009", at=f"{GENERAL}/NGAY_SINH")
def pupil_of_three_years(kit: Kit) -> Delivery:
    """The pupil would be three years old in grade 4; the personal ID agrees with that."""
    general = kit.card(1).general
    young = f"{general.pupil_id[:4]}21{general.pupil_id[6:]}"
    return kit.deliver_card(kit.card(1, birth_date=date(2021, 3, 9), pupil_id=young))


@defect(provokes="SBX-2009", at=f"{HISTORY}/NAM_HOC_ITEM[2]/NAM_HOC")
def year_missing_from_the_history(kit: Kit) -> Delivery:
    """A year of school is missing from the middle of the history."""
    card = kit.card(1)
    history = (card.history[0], *card.history[2:])
    return kit.deliver_card(dataclasses.replace(card, history=history))


@defect(provokes="SBX-2009", at=f"{HISTORY}/NAM_HOC_ITEM[4]/TEN_LOP")
def history_ends_in_another_class(kit: Kit) -> Delivery:
    """The last row of the history names another class than the record."""
    card = kit.card(1)
    last = dataclasses.replace(card.history[-1], class_name="4B9")
    return kit.deliver_card(dataclasses.replace(card, history=(*card.history[:-1], last)))


@defect(provokes="SBX-2009", at=f"{SUBJECTS}/MON_HOC[2]/MA_MON_HOC")
def subject_given_twice(kit: Kit) -> Delivery:
    """A subject has two rows with different levels: which one counts?"""
    card = kit.card(1)
    first = card.summary.subjects[0]
    rows = (first, dataclasses.replace(first, level="H"), *card.summary.subjects[1:])
    summary = dataclasses.replace(card.summary, subjects=rows)
    return kit.deliver_card(dataclasses.replace(card, summary=summary))


@defect(provokes="SBX-2009", at=f"{GENERAL}/NGAY_TAO_HOC_BA")
def created_after_signing(kit: Kit) -> Delivery:
    """The record says it was created today; the teacher signed it yesterday."""
    today = kit.now.date()
    return kit.deliver_card(kit.card(1, created_on=today))


@defect(provokes="SBX-2009", at=f"{GENERAL}/NGAY_KY_PHAT_HANH_HOC_BA")
def planned_issue_before_creation(kit: Kit) -> Delivery:
    """The day planned for the issue lies before the day the record was created."""
    early = kit.card(1).general.created_on - timedelta(days=1)
    return kit.deliver_card(kit.card(1, issue_planned_on=early))


@defect(provokes="SBX-2009", at=f"{GENERAL}/NAM_HOC")
def extra_school_year_differs(kit: Kit) -> Delivery:
    """The tolerated extra NAM_HOC says another year than TEN_NAM_HOC."""
    end = "</TEN_LOP></THONG_TIN_CHUNG>"
    extra = "</TEN_LOP><NAM_HOC>2023-2024</NAM_HOC></THONG_TIN_CHUNG>"
    return kit.deliver(kit.signed(replaced(kit.record(), end, extra)))


@defect(provokes="SBX-2009", at=f"{GENERAL}/SO_CCCD_GIAO_VIEN_CHU_NHIEM")
def teacher_with_the_pupils_id(kit: Kit) -> Delivery:
    """The class teacher's personal ID is the pupil's: a column slipped."""
    general = kit.card(1).general
    card = kit.card(1, teacher_id=general.pupil_id)
    return kit.deliver_card(card)
