"""The signing part of a record as nearly everybody writes it, taken apart by one pattern.

`DANH_SACH_THONG_TIN_KY` with its slots in order, each Signature with the parts of
spec/record-format.md §5.1, white space between them or not, and nothing else: no other attribute,
no other namespace, no comment, no parameter. What is written otherwise may be just as lawful; it
is then looked at element by element.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sandbox.documents.package import ParsedRecord
from sandbox.documents.tags import SIGNING, XMLDSIG
from sandbox.domain.report_card import Slot

_C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
_PROPERTIES: Final = f"{XMLDSIG}SignatureProperties"
_PERSONS: Final = (Slot.GVCN, Slot.CBQL)
_RECORD_OPEN: Final = re.compile(b'<HOC_BA(?: (?:Id|id|ID)="([^"]+)")?>')
_RECORD_CLOSE: Final = b"</HOC_BA>"
_DATA_CLOSE: Final = b"</DU_LIEU_HOC_BA>"

_W: Final = r"[ \t\n]*"
_ID: Final = r'(?:Id|id|ID)="([^"]+)"'
_REFERENCE: Final = (
    rf"{_W}<Transforms>{_W}"
    rf'<Transform Algorithm="{re.escape(_C14N)}"></Transform>{_W}</Transforms>{_W}'
    rf'<DigestMethod Algorithm="{re.escape(_SHA256)}"></DigestMethod>{_W}'
    r"<DigestValue>([^<]+)</DigestValue>"
    rf"{_W}</Reference>"
)
_SUBJECT: Final = r"<X509SubjectName>([^<]*)</X509SubjectName>"
_CERTIFICATE: Final = r"<X509Certificate>([^<]+)</X509Certificate>"
_SIGNATURE: Final = re.compile(
    (
        rf'<Signature xmlns="{re.escape(XMLDSIG)}" Id="([^"]+)">{_W}'
        rf"(<SignedInfo>{_W}"
        rf'<CanonicalizationMethod Algorithm="{re.escape(_C14N)}"></CanonicalizationMethod>{_W}'
        rf'<SignatureMethod Algorithm="([^"]+)"></SignatureMethod>{_W}'
        rf'<Reference URI="#([^"]+)">{_REFERENCE}{_W}'
        rf'<Reference Type="{re.escape(_PROPERTIES)}" URI="#([^"]+)">{_REFERENCE}'
        rf"{_W}</SignedInfo>){_W}"
        rf"<SignatureValue>([^<]+)</SignatureValue>{_W}"
        rf"<KeyInfo>{_W}<X509Data>{_W}{_SUBJECT}{_W}{_CERTIFICATE}{_W}</X509Data>{_W}</KeyInfo>{_W}"
        rf"<Object>{_W}(<SignatureProperties {_ID}>{_W}"
        rf'<SignatureProperty Target="#([^"]+)">{_W}<SigningTime>([^<]*)</SigningTime>'
        rf"{_W}</SignatureProperty>{_W}</SignatureProperties>){_W}</Object>{_W}</Signature>"
    ).encode()
)
_SIGNED_BY_PERSON: Final = rf"{_W}<NGAY_KY>([^<]*)</NGAY_KY>{_W}<SO_CCCD>([^<]*)</SO_CCCD>{_W}"
_SEALED: Final = rf"{_W}<NGAY_KY>([^<]*)</NGAY_KY>{_W}"
_HEADS: Final = {
    slot: re.compile(
        (rf"{_W}<{slot}>" + (_SIGNED_BY_PERSON if slot in _PERSONS else _SEALED)).encode()
    )
    for slot in Slot
}
_TAILS: Final = {slot: re.compile(rf"{_W}</{slot}>".encode()) for slot in Slot}
_OPENS: Final = f"<{SIGNING.tag}>".encode()
_CLOSES: Final = re.compile(rf"{_W}</{SIGNING.tag}>".encode())


@dataclass(frozen=True, slots=True)
class Block:
    """One slot as its bytes say it."""

    slot: Slot
    day: str
    """NGAY_KY."""
    person: str
    """SO_CCCD; "" for the seal."""
    signature_id: str
    info: bytes
    algorithm: str
    data_uri: bytes
    data_digest: bytes
    properties_uri: bytes
    properties_digest: bytes
    value: bytes
    subject: bytes
    certificate: bytes
    properties: bytes
    properties_id: bytes
    target: bytes
    signing_time: str


@dataclass(frozen=True, slots=True)
class Halves:
    """The two parts of a record that holds nothing else, as bytes."""

    record_id: bytes | None
    """The Id of HOC_BA itself, where it has one."""
    data: bytes
    blocks: tuple[Block, ...]
    """The signing part, slot by slot."""


def halves_of(record: ParsedRecord) -> Halves | None:
    """Return the parts of *record* as its own bytes write them; None when written otherwise."""
    if "halves" not in record.kept:
        record.kept["halves"] = _halves_of(record.original)
    found: Halves | None = record.kept["halves"]
    return found


def _halves_of(raw: bytes) -> Halves | None:
    opening = _RECORD_OPEN.match(raw)
    if opening is None or not raw.endswith(_RECORD_CLOSE):
        return None
    end = raw.find(_DATA_CLOSE) + len(_DATA_CLOSE)
    signing = raw[end : -len(_RECORD_CLOSE)]
    blocks = blocks_of(signing)
    if blocks is None:
        return None
    return Halves(opening.group(1), raw[opening.end() : end], tuple(blocks))


def blocks_of(slots: bytes) -> list[Block] | None:
    """Take the signing part apart; None unless it is written in the usual way to the end."""
    if not slots.startswith(_OPENS) or b"&" in slots:
        return None
    blocks: list[Block] = []
    place = len(_OPENS)
    for slot in Slot:
        head = _HEADS[slot].match(slots, place)
        if head is None:
            if slot is Slot.GVCN:
                continue
            return None
        signature = _SIGNATURE.match(slots, head.end())
        tail = signature and _TAILS[slot].match(slots, signature.end())
        if signature is None or tail is None:
            return None
        said = head.groups()
        g = signature.groups()
        blocks.append(
            Block(
                slot=slot,
                day=said[0].decode(),
                person=said[1].decode() if len(said) > 1 else "",
                signature_id=g[0].decode(),
                info=g[1],
                algorithm=g[2].decode(),
                data_uri=g[3],
                data_digest=g[4],
                properties_uri=g[5],
                properties_digest=g[6],
                value=g[7],
                subject=g[8],
                certificate=g[9],
                properties=g[10],
                properties_id=g[11],
                target=g[12],
                signing_time=g[13].decode().strip(),
            )
        )
        place = tail.end()
    closing = _CLOSES.match(slots, place)
    return blocks if closing is not None and closing.end() == len(slots) else None
