"""Faults of the person or unit behind a good certificate: not the one the record names."""

from __future__ import annotations

from sandbox.defects.delivery import Delivery
from sandbox.defects.edits import block_of, valued, with_block
from sandbox.defects.kit import Kit
from sandbox.defects.registry import defect
from sandbox.defects.xpaths import GENERAL, LEADER, SEAL, TEACHER
from sandbox.domain.identifiers import PersonalId
from sandbox.domain.report_card import Sex, Slot

_OTHER_NAME = "Trần Thị Mẫu Khác"
_OTHER_ID = PersonalId.make(province="48", sex=Sex.FEMALE, birth_year=1985, serial=999_901)


@defect(provokes="SBX-3010", at=f"{GENERAL}/SO_CCCD_GIAO_VIEN_CHU_NHIEM")
def colleague_signs_for_the_teacher(kit: Kit) -> Delivery:
    """Another teacher signed in the class teacher's slot, under her own name and number."""
    colleague = kit.person(_OTHER_NAME, _OTHER_ID)
    return kit.deliver(kit.signed(by={Slot.GVCN: colleague}))


@defect(provokes="SBX-3010", at=f"{TEACHER}/SO_CCCD")
def number_beside_the_signature_differs(kit: Kit) -> Delivery:
    """SO_CCCD in the teacher's block, which no signature covers, is somebody else's."""
    record = kit.signed()
    block = valued(block_of(record, Slot.GVCN), "SO_CCCD", _OTHER_ID)
    return kit.deliver(with_block(record, Slot.GVCN, block))


@defect(provokes="SBX-3010", at=f"{GENERAL}/TEN_GIAO_VIEN_CHU_NHIEM")
def certificate_in_another_name(kit: Kit) -> Delivery:
    """The number agrees, the name in the certificate is another."""
    namesake = kit.person(_OTHER_NAME, kit.card(1).general.teacher_id or "", label="name")
    return kit.deliver(kit.signed(by={Slot.GVCN: namesake}))


@defect(provokes="SBX-3010", at=f"{GENERAL}/SO_CCCD_GIAM_HIEU_KY_HOC_BA")
def deputy_signs_for_the_principal(kit: Kit) -> Delivery:
    """The deputy signed, but the data name the principal."""
    deputy = kit.person(_OTHER_NAME, _OTHER_ID, issuer="GIA_LAP_CO_YEU", label="deputy")
    return kit.deliver(kit.signed(by={Slot.CBQL: deputy}))


@defect(provokes="SBX-3010", at=f"{LEADER}/SO_CCCD")
def teacher_signs_in_both_slots(kit: Kit) -> Delivery:
    """The class teacher also signed for the principal and wrote the principal's number beside."""
    record = kit.signed(by={Slot.CBQL: kit.teacher})
    principal = kit.card(1).general.leader_id
    block = valued(block_of(record, Slot.CBQL), "SO_CCCD", principal)
    return kit.deliver(with_block(record, Slot.CBQL, block))


@defect(provokes="SBX-3009", at=SEAL)
def seal_of_another_school(kit: Kit) -> Delivery:
    """The record was sealed with the good certificate of the neighbouring school."""
    other = kit.unit("Trường Tiểu học Mẫu Khác (giả lập)", "48999499")
    return kit.deliver(kit.signed(by={Slot.KY_PHAT_HANH: other}))


@defect(provokes="SBX-3009", at=SEAL)
def seal_replaced_without_approval(kit: Kit) -> Delivery:
    """The school sealed the record with its new certificate before that was approved."""
    general = kit.card(1).general
    fresh = kit.unit(general.school_name, general.school_code, label="new seal")
    return kit.deliver(kit.signed(by={Slot.KY_PHAT_HANH: fresh}))
