"""Faults of the block of signatures: who signed, how often, when, in which order."""

from __future__ import annotations

from datetime import datetime, timedelta

from sandbox.defects.delivery import Delivery
from sandbox.defects.edits import block_of, replaced, signature_of, text_of, with_block, without
from sandbox.defects.forging import forged_block
from sandbox.defects.kit import Kit
from sandbox.defects.registry import defect
from sandbox.defects.xpaths import GENERAL, LEADER, SEAL, SLOTS, TEACHER
from sandbox.domain.report_card import Slot

_HOUR = timedelta(hours=1)


def _at_another_time(kit: Kit, slot: Slot, at: datetime) -> Delivery:
    """Return a record whose *slot* was signed at *at*, whatever the others say."""
    record = kit.signed()
    block = forged_block(record, slot, by=kit.named_in(record, slot), at=at)
    return kit.deliver(with_block(record, slot, block))


@defect(provokes="SBX-3001", at=SLOTS)
def teacher_did_not_sign(kit: Kit) -> Delivery:
    """The record names a class teacher, whose block is missing."""
    return kit.deliver(without(kit.signed(), Slot.GVCN))


@defect(provokes="SBX-3001", at=SLOTS)
def principal_did_not_sign(kit: Kit) -> Delivery:
    """The principal's block is missing; the seal is there."""
    return kit.deliver(without(kit.signed(), Slot.CBQL))


@defect(provokes="SBX-3001", at=SLOTS)
def record_not_sealed(kit: Kit) -> Delivery:
    """Teacher and principal signed, the school's seal is missing."""
    return kit.deliver(without(kit.signed(), Slot.KY_PHAT_HANH))


@defect(provokes="SBX-3001", at=TEACHER)
def teachers_block_without_signature(kit: Kit) -> Delivery:
    """The teacher's block holds time and number, but no Signature."""
    record = kit.signed()
    signature = signature_of(block_of(record, Slot.GVCN)).decode()
    return kit.deliver(replaced(record, signature, ""))


@defect(provokes="SBX-3001", at=GENERAL)
def signing_teacher_not_named(kit: Kit) -> Delivery:
    """A class teacher signed whom the data do not name."""
    card = kit.card(1, teacher_name=None, teacher_id=None)
    record = kit.signed(kit.record(card))
    block = forged_block(record, Slot.GVCN, by=kit.teacher, at=kit.times.teacher)
    return kit.deliver(replaced(record, "<CBQL>", f"{block.decode()}<CBQL>"))


@defect(provokes="SBX-3013", at=f"{TEACHER}/Signature[2]")
def teacher_signed_twice(kit: Kit) -> Delivery:
    """The teacher's block holds two signatures, each of them good."""
    record = kit.signed()
    signature = signature_of(block_of(record, Slot.GVCN)).decode()
    return kit.deliver(replaced(record, signature, signature * 2))


@defect(provokes="SBX-3012", at=f"{TEACHER}/NGAY_KY")
def signing_day_beside_differs(kit: Kit) -> Delivery:
    """NGAY_KY, which no signature covers, says a minute more than the signed SigningTime."""
    record = kit.signed()
    other = (kit.times.teacher + timedelta(minutes=1)).isoformat(timespec="seconds")
    return kit.deliver(
        replaced(record, f"<NGAY_KY>{text_of(record, 'NGAY_KY')}<", f"<NGAY_KY>{other}<")
    )


@defect(provokes="SBX-3012", at=f"{LEADER}/Signature")
def principal_signs_tomorrow(kit: Kit) -> Delivery:
    """The principal's clock is a day fast: signed in the future (and so after the seal)."""
    return _at_another_time(kit, Slot.CBQL, kit.now + timedelta(days=1))


@defect(provokes="SBX-3012", at=f"{TEACHER}/Signature")
def signing_time_in_words(kit: Kit) -> Delivery:
    """SigningTime is written dd/MM/yyyy HH:mm: signed, but no moment."""
    record = kit.signed()
    said = f"{kit.times.teacher:%d/%m/%Y %H:%M}"
    block = forged_block(record, Slot.GVCN, by=kit.teacher, at=kit.times.teacher, signing_time=said)
    return kit.deliver(with_block(record, Slot.GVCN, block))


@defect(provokes="SBX-3011", at=f"{LEADER}/Signature")
def principal_before_teacher(kit: Kit) -> Delivery:
    """The principal signed an hour before the class teacher."""
    return _at_another_time(kit, Slot.CBQL, kit.times.teacher - _HOUR)


@defect(provokes="SBX-3011", at=f"{SEAL}/Signature")
def seal_before_principal(kit: Kit) -> Delivery:
    """The seal was put on an hour before the principal signed."""
    return _at_another_time(kit, Slot.KY_PHAT_HANH, kit.times.leader - _HOUR)


@defect(provokes="SBX-3061", at=f"{GENERAL}/NGAY_KY_PHAT_HANH_HOC_BA")
def issued_on_another_day_than_planned(kit: Kit) -> Delivery:
    """The day planned for the issue was two days later: accepted, with a warning."""
    planned = kit.now.date() + timedelta(days=2)
    return kit.deliver_card(kit.card(1, issue_planned_on=planned))


@defect(provokes="SBX-3062", at=GENERAL)
def no_class_teacher(kit: Kit) -> Delivery:
    """No class teacher named, none signed: accepted, with a warning."""
    return kit.deliver_card(kit.card(1, teacher_name=None, teacher_id=None))
