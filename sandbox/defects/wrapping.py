"""Signature wrapping: something signed is there, and something else is to be read."""

from __future__ import annotations

from typing import Final

from sandbox.defects.delivery import Delivery
from sandbox.defects.edits import (
    block_of,
    data_of,
    replaced,
    signature_of,
    text_of,
    with_block,
)
from sandbox.defects.kit import Kit
from sandbox.defects.registry import defect
from sandbox.defects.xpaths import RECORD, TEACHER
from sandbox.domain.report_card import Slot

_SIGNATURE: Final = f"{TEACHER}/Signature"
_FIRST: Final = f"{_SIGNATURE}/SignedInfo/Reference[1]"


def _forged(kit: Kit, signed: bytes) -> bytes:
    """Return *signed* with another comment in its data, the signatures as they were."""
    comment = text_of(signed, "NHAN_XET_GVCN")
    return replaced(signed, comment, f"{comment} Em rất giỏi.")


@defect(provokes="SBX-2002", at=f"{RECORD}/DU_LIEU_HOC_BA[2]")
def second_data_element(kit: Kit) -> Delivery:
    """Forged data stand beside the signed ones, for readers that take the last."""
    record = kit.signed()
    data = data_of(record)
    forged = data.replace(b'id="data-', b'id="gia-')
    return kit.deliver(record.replace(data, data + forged))


@defect(provokes="SBX-3021", at=f"{_SIGNATURE}/Object")
def signed_data_hidden_in_the_signature(kit: Kit) -> Delivery:
    """The signed data were moved into the signature's Object, forged ones put in their place."""
    record = kit.signed()
    hidden = data_of(record)
    forged = _forged(kit, record)
    new_id = replaced(forged, '<DU_LIEU_HOC_BA id="data-', '<DU_LIEU_HOC_BA id="gia-')
    block = replaced(block_of(new_id, Slot.GVCN), "<Object>", f"<Object>{hidden.decode()}")
    return kit.deliver(with_block(new_id, Slot.GVCN, block))


@defect(provokes="SBX-3021", at=_SIGNATURE)
def second_object_with_the_same_id(kit: Kit) -> Delivery:
    """A second Object carries the Id of the data, so that the URI finds the harmless one first."""
    record = kit.signed()
    uuid = kit.card(1).record_id
    block = block_of(record, Slot.GVCN)
    extra = f'</Object><Object Id="data-{uuid}"></Object></Signature>'
    return kit.deliver(
        with_block(record, Slot.GVCN, replaced(block, "</Object></Signature>", extra))
    )


@defect(provokes="SBX-3005", at=_FIRST)
def signature_of_the_neighbour(kit: Kit) -> Delivery:
    """The teacher's signature was copied from the neighbour's record in the same package.

    Its URI finds the neighbour's data: good, but not this record's.
    """
    record = kit.signed()
    stolen = signature_of(block_of(kit.neighbour(), Slot.GVCN))
    own = signature_of(block_of(record, Slot.GVCN))
    return kit.deliver(record.replace(own, stolen))


@defect(provokes="SBX-3004", at=_FIRST)
def signature_of_an_absent_record(kit: Kit) -> Delivery:
    """The teacher's signature was copied from a record that is not in the package at all."""
    record = kit.signed()
    absent = kit.record(kit.card(1, record_id=kit.new_id("absent")))
    stolen = signature_of(block_of(kit.signed(absent), Slot.GVCN))
    own = signature_of(block_of(record, Slot.GVCN))
    return kit.deliver(record.replace(own, stolen))


@defect(provokes="SBX-3002", at=f"{_FIRST}/DigestValue")
def signed_record_hidden_in_the_package(kit: Kit) -> Delivery:
    """The signed record stands inside another element, its forged double below the root."""
    record = kit.signed()
    hidden = b"<KHAC>" + record + b"</KHAC>"
    package = kit.packed(kit.neighbour(), _forged(kit, record))
    end = package.rindex(b"</DANH_SACH_HOC_BA>")
    sealed = kit.sealed(package[:end] + hidden + package[end:])
    return Delivery(package=sealed, record_id=kit.card(1).record_id)
