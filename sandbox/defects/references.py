"""Faults inside a Signature: components, References, algorithms, transforms, values, digests.

Everything that can be signed anew is: only the one thing is wrong.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from sandbox.defects.delivery import Delivery
from sandbox.defects.edits import (
    block_of,
    replaced,
    resigned,
    text_of,
    valued,
    with_block,
    with_signature_value,
)
from sandbox.defects.kit import Kit
from sandbox.defects.registry import defect
from sandbox.defects.xpaths import TEACHER
from sandbox.domain.report_card import Slot

_SIGNATURE: Final = f"{TEACHER}/Signature"
_INFO: Final = f"{_SIGNATURE}/SignedInfo"
_FIRST: Final = f"{_INFO}/Reference[1]"
_SECOND: Final = f"{_INFO}/Reference[2]"
_C14N: Final = b"http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_EXCLUSIVE: Final = b"http://www.w3.org/2001/10/xml-exc-c14n#"
_TRANSFORM: Final = b'<Transform Algorithm="' + _C14N + b'"></Transform>'
_METHOD: Final = b"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
_DIGEST: Final = (
    b'<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></DigestMethod>'
)
_TYPE: Final = b' Type="http://www.w3.org/2000/09/xmldsig#SignatureProperties"'


def _info(kit: Kit, edit: Callable[[bytes], bytes]) -> Delivery:
    """Return a record whose teacher's SignedInfo is edited and signed anew."""
    return kit.deliver(resigned(kit.signed(), Slot.GVCN, edit, by=kit.teacher))


def _block(kit: Kit, edit: Callable[[bytes], bytes]) -> Delivery:
    """Return a record whose teacher's block is edited and nothing else."""
    record = kit.signed()
    return kit.deliver(with_block(record, Slot.GVCN, edit(block_of(record, Slot.GVCN))))


def _first_reference(info: bytes) -> bytes:
    start = info.index(b"<Reference")
    return info[start : info.index(b"</Reference>") + len(b"</Reference>")]


# --- components -----------------------------------------------------------------------------


@defect(provokes="SBX-3021", at=f"{_SIGNATURE}/KeyInfo/X509Data")
def subject_name_missing(kit: Kit) -> Delivery:
    """X509SubjectName, which the specification requires, is left out."""

    def edit(block: bytes) -> bytes:
        name = text_of(block, "X509SubjectName")
        return replaced(block, f"<X509SubjectName>{name}</X509SubjectName>", "")

    return _block(kit, edit)


@defect(provokes="SBX-3021", at=f"{_SIGNATURE}/KeyInfo/X509Data")
def whole_chain_enclosed(kit: Kit) -> Delivery:
    """The issuing CA's certificate is enclosed beside the signer's; only the leaf belongs there."""
    issuer = kit.authority.issuers["GIA_LAP_CA"].certificate.base64
    chain = f"</X509Certificate><X509Certificate>{issuer}</X509Certificate>"
    return _block(kit, lambda block: replaced(block, "</X509Certificate>", chain))


@defect(provokes="SBX-3021", at=f"{_SIGNATURE}/KeyInfo/X509Data/X509SubjectName")
def subject_name_of_somebody_else(kit: Kit) -> Delivery:
    """X509SubjectName names the principal, the certificate is the teacher's."""
    name = kit.leader.certificate.subject_rfc4514
    return _block(kit, lambda block: valued(block, "X509SubjectName", name))


@defect(provokes="SBX-3021", at=f"{_SIGNATURE}/KeyInfo")
def key_value_enclosed(kit: Kit) -> Delivery:
    """KeyInfo also holds a bare KeyValue: a reader might trust it instead of the certificate."""
    key = "<KeyInfo><KeyValue></KeyValue>"
    return _block(kit, lambda block: replaced(block, "<KeyInfo>", key))


@defect(provokes="SBX-3021", at=f"{_SIGNATURE}/Object/SignatureProperties/SignatureProperty")
def two_signing_times(kit: Kit) -> Delivery:
    """SignatureProperty holds a second SigningTime."""
    twice = "</SigningTime><SigningTime>2025-01-01T00:00:00+07:00</SigningTime>"
    return _block(kit, lambda block: replaced(block, "</SigningTime>", twice))


# --- references -----------------------------------------------------------------------------


@defect(provokes="SBX-3018", at=_SIGNATURE)
def signing_time_not_covered(kit: Kit) -> Delivery:
    """There is no second Reference, so that the signing time could be altered freely."""

    def edit(info: bytes) -> bytes:
        end = info.index(b"</Reference>") + len(b"</Reference>")
        return info[:end] + b"</SignedInfo>"

    return _info(kit, edit)


@defect(provokes="SBX-3018", at=_SIGNATURE)
def third_reference(kit: Kit) -> Delivery:
    """A third Reference covers the data once more."""
    return _info(
        kit, lambda info: info.replace(b"</SignedInfo>", _first_reference(info) + b"</SignedInfo>")
    )


@defect(provokes="SBX-3018", at=_SIGNATURE)
def type_of_the_second_reference_missing(kit: Kit) -> Delivery:
    """The second Reference does not say that it points at SignatureProperties."""
    return _info(kit, lambda info: info.replace(_TYPE, b""))


@defect(provokes="SBX-3004", at=_FIRST)
def signature_over_the_whole_file(kit: Kit) -> Delivery:
    """URI is empty: the whole document, whichever it is put into."""
    data = f'URI="#data-{kit.card(1).record_id}"'.encode()
    return _info(kit, lambda info: info.replace(data, b'URI=""'))


@defect(provokes="SBX-3004", at=_FIRST)
def signature_over_its_own_record(kit: Kit) -> Delivery:
    """The first Reference points at HOC_BA, which contains the signature itself."""
    data, record = (f'URI="#{p}-{kit.card(1).record_id}"'.encode() for p in ("data", "hocba"))
    return _info(kit, lambda info: info.replace(data, record))


@defect(provokes="SBX-3004", at=_FIRST)
def signature_over_a_web_page(kit: Kit) -> Delivery:
    """The first Reference points at an address in the network; nobody fetches it."""
    data = f'URI="#data-{kit.card(1).record_id}"'.encode()
    return _info(kit, lambda info: info.replace(data, b'URI="http://192.0.2.1/hoc-ba.xml"'))


@defect(provokes="SBX-3005", at=_FIRST)
def id_carried_twice(kit: Kit) -> Delivery:
    """HOC_BA carries the same Id as its data: which of them is signed?"""
    uuid = kit.card(1).record_id
    twice = replaced(kit.signed(), f'<HOC_BA id="hocba-{uuid}"', f'<HOC_BA id="data-{uuid}"')
    return kit.deliver(twice)


# --- algorithms and transforms --------------------------------------------------------------


@defect(provokes="SBX-3006", at=_INFO)
def signed_with_sha_1(kit: Kit) -> Delivery:
    """SignatureMethod is ECDSA with SHA-1."""
    return _info(
        kit,
        lambda info: info.replace(_METHOD, b"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1"),
    )


@defect(provokes="SBX-3006", at=_INFO)
def signed_with_hmac(kit: Kit) -> Delivery:
    """SignatureMethod is HMAC: a secret both sides would share is no signature."""
    return _info(
        kit,
        lambda info: info.replace(_METHOD, b"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
    )


@defect(provokes="SBX-3006", at=_INFO)
def digest_with_sha_1(kit: Kit) -> Delivery:
    """The digest of the data is SHA-1, and right as such."""

    def edit(info: bytes) -> bytes:
        sha_1 = _DIGEST.replace(b"2001/04/xmlenc#sha256", b"2000/09/xmldsig#sha1")
        start = info.index(b"<DigestValue>") + len(b"<DigestValue>")
        value = base64.b64encode(hashlib.sha1(b"x", usedforsecurity=False).digest())
        changed = info[:start] + value + info[info.index(b"</DigestValue>") :]
        return changed.replace(_DIGEST, sha_1, 1)

    return _info(kit, edit)


@defect(provokes="SBX-3006", at=_INFO)
def exclusive_canonicalization(kit: Kit) -> Delivery:
    """CanonicalizationMethod is exclusive C14N instead of inclusive C14N 1.0."""
    head = b'<CanonicalizationMethod Algorithm="'
    return _info(kit, lambda info: info.replace(head + _C14N, head + _EXCLUSIVE))


@defect(provokes="SBX-3017", at=_FIRST)
def style_sheet_as_transform(kit: Kit) -> Delivery:
    """An XSLT transform comes before C14N: a program chosen by the sender."""
    xslt = b'<Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"></Transform>'
    return _info(kit, lambda info: info.replace(_TRANSFORM, xslt + _TRANSFORM, 1))


@defect(provokes="SBX-3017", at=_FIRST)
def xpath_as_transform(kit: Kit) -> Delivery:
    """An XPath filter leaves parts of the data out of the digest."""
    xpath = (
        b'<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">'
        b"<XPath>not(self::DIEM_KIEM_TRA_DINH_KY)</XPath></Transform>"
    )
    return _info(kit, lambda info: info.replace(_TRANSFORM, xpath + _TRANSFORM, 1))


@defect(provokes="SBX-3017", at=_SECOND)
def transforms_left_out(kit: Kit) -> Delivery:
    """The second Reference names no transform at all."""
    empty = b"<Transforms>" + _TRANSFORM + b"</Transforms>"

    def edit(info: bytes) -> bytes:
        before, second = info.rsplit(empty, 1)
        return before + second

    return _info(kit, edit)


# --- values and digests ---------------------------------------------------------------------


@defect(provokes="SBX-3003", at=f"{_SIGNATURE}/SignatureValue")
def signature_value_of_zeros(kit: Kit) -> Delivery:
    """SignatureValue is 64 zero bytes, which some verifiers once took for every signature."""
    return _block(kit, lambda block: with_signature_value(block, bytes(64)))


@defect(provokes="SBX-3003", at=f"{_SIGNATURE}/SignatureValue")
def signature_value_in_der(kit: Kit) -> Delivery:
    """The ECDSA value is written in DER; XML Signature wants r and s side by side."""

    def edit(block: bytes) -> bytes:
        raw = base64.b64decode(text_of(block, "SignatureValue"))
        r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        return with_signature_value(block, encode_dss_signature(r, s))

    return _block(kit, edit)


@defect(provokes="SBX-3003", at=f"{_SIGNATURE}/SignatureValue")
def digest_edited(kit: Kit) -> Delivery:
    """A forger changed a score and put the new digest in; SignedInfo no longer holds.

    Only the teacher's digest was mended, so the others say SBX-3002.
    """
    record = kit.signed()
    comment = text_of(record, "NHAN_XET_GVCN")
    forged = replaced(record, comment, f"{comment} Em rất giỏi.")
    data = forged[forged.index(b"<DU_LIEU") : forged.index(b"<DANH_SACH_THONG_TIN_KY>")]
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode("ascii")
    block = valued(block_of(forged, Slot.GVCN), "DigestValue", digest)
    return kit.deliver(with_block(forged, Slot.GVCN, block))


@defect(provokes="SBX-3002", at=f"{_FIRST}/DigestValue")
def comment_altered_after_signing(kit: Kit) -> Delivery:
    """Somebody polished the teacher's comment after everybody had signed."""
    record = kit.signed()
    comment = text_of(record, "NHAN_XET_GVCN")
    return kit.deliver(replaced(record, comment, f"{comment} Em rất giỏi."))


@defect(provokes="SBX-3002", at=f"{_FIRST}/DigestValue")
def record_indented_after_signing(kit: Kit) -> Delivery:
    """The record was re-indented after signing: not one letter changed, all digests did."""
    record = replaced(kit.signed(), "<THONG_TIN_CHUNG>", "\n  <THONG_TIN_CHUNG>")
    return kit.deliver(record)


@defect(provokes="SBX-3002", at=f"{_SECOND}/DigestValue")
def signing_time_altered(kit: Kit) -> Delivery:
    """SigningTime and NGAY_KY were both moved back by a day, to beat a deadline."""

    def edit(block: bytes) -> bytes:
        said = text_of(block, "SigningTime")
        return block.replace(said.encode(), said.replace("2025-05-2", "2025-05-1", 1).encode())

    return _block(kit, edit)
