"""Faults only the desk can see: its register of schools, its earlier records, its lock dates."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from sandbox.clock import VIETNAM
from sandbox.defects.delivery import Delivery, Needs
from sandbox.defects.kit import Kit
from sandbox.defects.registry import Need, defect
from sandbox.defects.xpaths import ALONE, GENERAL
from sandbox.domain.report_card import Slot


def _again(kit: Kit, *, place: int = 1, **general: Any) -> bytes:
    """Return a second record of the pupil *place*, with a UUID of its own."""
    card = kit.card(place, record_id=kit.new_id("again"), **general)
    return kit.signed(kit.record(card))


def _after(kit: Kit, record: bytes, record_id: str) -> Delivery:
    """Return the delivery of *record* after the pupil's good record was accepted."""
    earlier = kit.sealed(kit.packed(kit.signed()))
    package = kit.sealed(kit.packed(kit.neighbour(), record))
    return Delivery(package=package, record_id=record_id, needs=Needs(earlier=(earlier,)))


@defect(provokes="SBX-5001", at=f"{GENERAL}/TEN_TRUONG")
def school_name_not_in_the_register(kit: Kit) -> Delivery:
    """The school is called by its old name; the register has the new one."""
    card = kit.card(1, school_name="Trường Tiểu học Tên Cũ (giả lập)")
    rows = (
        *card.history[:-1],
        dataclasses.replace(card.history[-1], school_name=card.general.school_name),
    )
    return kit.deliver_card(dataclasses.replace(card, history=rows))


@defect(provokes="SBX-5001", at=f"{GENERAL}/TEN_XA_PHUONG")
def commune_not_in_the_register(kit: Kit) -> Delivery:
    """The commune is not the school's."""
    return kit.deliver_card(kit.card(1, commune="Phường Khác"))


@defect(provokes="SBX-5008", at=f"{GENERAL}/SO_CCCD")
def personal_id_that_could_be_real(kit: Kit) -> Delivery:
    """The pupil's personal ID starts with 0, like that of a living person."""
    real = "0" + kit.card(1).general.pupil_id[1:]
    return kit.deliver_card(kit.card(1, pupil_id=real))


@defect(provokes="SBX-5008", at=f"{GENERAL}/SO_CCCD_GIAM_HIEU_KY_HOC_BA")
def principal_that_could_be_real(kit: Kit) -> Delivery:
    """The principal's personal ID is off the practice range, in data and certificate alike."""
    general = kit.card(1).general
    real = "0" + general.leader_id[1:]
    leader = kit.person(general.leader_name, real, issuer="GIA_LAP_CO_YEU")
    record = kit.record(kit.card(1, leader_id=real))
    return kit.deliver(kit.signed(record, by={Slot.CBQL: leader}))


@defect(provokes="SBX-5002", at=f"{GENERAL}/HO_VA_TEN", needs=(Need.EARLIER_PACKAGE,))
def pupil_under_another_name(kit: Kit) -> Delivery:
    """The personal ID is known to the desk under another name."""
    record = _again(kit, pupil_name="Nguyễn Mẫu Đổi Tên")
    return _after(kit, record, kit.new_id("again"))


@defect(provokes="SBX-5002", at=f"{GENERAL}/MA_HOC_SINH")
def pupil_code_changed_within_the_package(kit: Kit) -> Delivery:
    """Two records of one package have one personal ID and two pupil codes."""
    card = kit.card(0)
    other = f"{card.general.pupil_code[:-1]}{(int(card.general.pupil_code[-1]) + 1) % 10}"
    record = _again(kit, place=0, pupil_code=other)
    return kit.deliver(record, record_id=kit.new_id("again"))


@defect(provokes="SBX-5003", at=f"{GENERAL}/SO_CCCD", needs=(Need.EARLIER_PACKAGE,))
def second_record_of_the_year(kit: Kit) -> Delivery:
    """The pupil already has a valid record of this year; it was never recalled."""
    return _after(kit, _again(kit), kit.new_id("again"))


@defect(provokes="SBX-5003", at=f"{GENERAL}/SO_CCCD")
def pupil_twice_in_the_package(kit: Kit) -> Delivery:
    """One pupil has two records, each with its own UUID, in one package."""
    return kit.deliver(_again(kit, place=0), record_id=kit.new_id("again"))


@defect(provokes="SBX-5004", at=f"{GENERAL}/MA_TRA_CUU_UUID", needs=(Need.EARLIER_PACKAGE,))
def uuid_used_before(kit: Kit) -> Delivery:
    """An accepted record is sent a second time in another package."""
    return _after(kit, kit.signed(), kit.card(1).record_id)


@defect(provokes="SBX-5004", at=f"{GENERAL}/MA_TRA_CUU_UUID")
def record_twice_in_the_package(kit: Kit) -> Delivery:
    """The very same record stands in the package twice."""
    return kit.deliver(kit.neighbour(), record_id=kit.card(0).record_id)


@defect(provokes="SBX-5005", at=f"{ALONE}/TEN_NAM_HOC", needs=(Need.CLOCK,))
def sent_after_the_lock(kit: Kit) -> Delivery:
    """The record arrives on 1 July: the year was locked at the end of 30 June."""
    late = datetime(kit.now.year, 7, 1, 8, 0, tzinfo=VIETNAM)
    return kit.deliver_alone(kit.signed(), needs=Needs(clock=late))
