"""Small changes to the bytes of a record, each to exactly one place."""

from __future__ import annotations

import base64
from collections.abc import Callable

from sandbox.defects.kit import Signer
from sandbox.documents.tags import XMLDSIG
from sandbox.domain.report_card import Slot

_XMLNS = f' xmlns="{XMLDSIG}"'.encode()


def replaced(xml: bytes, old: str, new: str) -> bytes:
    """Return *xml* with the only occurrence of *old* replaced. Raises `ValueError` otherwise."""
    if xml.count(old.encode()) != 1:
        raise ValueError(f"{old!r} occurs {xml.count(old.encode())} times")
    return xml.replace(old.encode(), new.encode())


def valued(xml: bytes, tag: str, value: str) -> bytes:
    """Return *xml* with another text in the first *tag*."""
    start, end = _inside(xml, tag)
    return xml[:start] + value.encode() + xml[end:]


def without(xml: bytes, tag: str) -> bytes:
    """Return *xml* without its first *tag* and all that is in it."""
    start, end = _inside(xml, tag)
    return xml[: xml.rindex(b"<", 0, start)] + xml[end + len(f"</{tag}>") :]


def text_of(xml: bytes, tag: str) -> str:
    """Return what stands in the first *tag*."""
    start, end = _inside(xml, tag)
    return xml[start:end].decode()


def data_of(record: bytes) -> bytes:
    """Return the DU_LIEU_HOC_BA element of a rendered record; its bytes are canonical."""
    start = record.index(b"<DU_LIEU_HOC_BA")
    return record[start : record.index(b"</DU_LIEU_HOC_BA>") + len(b"</DU_LIEU_HOC_BA>")]


def block_of(record: bytes, slot: Slot) -> bytes:
    """Return the whole block of *slot*, from `<GVCN>` to `</GVCN>`."""
    start = record.index(f"<{slot}>".encode())
    return record[start : record.index(f"</{slot}>".encode()) + len(slot) + 3]


def with_block(record: bytes, slot: Slot, block: bytes) -> bytes:
    """Return *record* with *block* in the place of that slot's own."""
    return record.replace(block_of(record, slot), block)


def signature_of(block: bytes) -> bytes:
    """Return the first Signature element in *block*."""
    start = block.index(b"<Signature ")
    return block[start : block.index(b"</Signature>") + len(b"</Signature>")]


def resigned(record: bytes, slot: Slot, edit: Callable[[bytes], bytes], *, by: Signer) -> bytes:
    """Return *record* with the SignedInfo of *slot* edited and signed anew, so that it holds.

    *edit* must write canonically: no `<a/>`, attributes in order.
    """
    block = block_of(record, slot)
    return with_block(record, slot, resigned_signature(block, edit, by=by))


def resigned_signature(xml: bytes, edit: Callable[[bytes], bytes], *, by: Signer) -> bytes:
    """Return *xml* with the SignedInfo of its only Signature edited and signed anew."""
    start = xml.index(b"<SignedInfo>")
    end = xml.index(b"</SignedInfo>") + len(b"</SignedInfo>")
    info = edit(xml[start:end])
    canonical = info.replace(b"<SignedInfo>", b"<SignedInfo" + _XMLNS + b">", 1)
    return with_signature_value(xml[:start] + info + xml[end:], by.key.sign(canonical))


def with_signature_value(xml: bytes, value: bytes) -> bytes:
    """Return *xml* with another value in its first SignatureValue."""
    return valued(xml, "SignatureValue", base64.b64encode(value).decode())


def _inside(xml: bytes, tag: str) -> tuple[int, int]:
    start = xml.index(f"<{tag}>".encode()) + len(tag) + 2
    return start, xml.index(f"</{tag}>".encode(), start)
