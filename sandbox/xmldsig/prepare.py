"""prepare → sign elsewhere → complete: where a Signature goes and what it covers.

Works on bytes: the text of the new block is spliced in, so that bytes signed before stay as they
are. What is generated is canonical.
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime
from typing import Final

from sandbox.documents.bounds import Limits
from sandbox.documents.parser import safe_tree
from sandbox.documents.tree import Element
from sandbox.domain.report_card import Slot
from sandbox.errors import Finding, Refused
from sandbox.pki import Certificate, SignatureAlgorithm
from sandbox.xmldsig import moments
from sandbox.xmldsig.canonical import canonical, canonical_root
from sandbox.xmldsig.draft import Draft
from sandbox.xmldsig.layout import SignatureText, text
from sandbox.xmldsig.names import (
    DATA_TAG,
    PACKAGE_ID,
    PACKAGE_TAG,
    RECORD_TAG,
    REGISTRATION_ID,
    REGISTRATION_TAG,
    SLOTS_TAG,
    ds,
)

_SIGNATURE: Final = ds("Signature")
ID_PREFIX: Final = {
    Slot.GVCN: "sig-gvcn-",
    Slot.CBQL: "sig-cbql-",
    Slot.KY_PHAT_HANH: "sig-kyphathanh-",
}
_TEACHER_NAME: Final = f"{DATA_TAG}/THONG_TIN_CHUNG/TEN_GIAO_VIEN_CHU_NHIEM"
_RECORD_ID: Final = f"{DATA_TAG}/THONG_TIN_CHUNG/MA_TRA_CUU_UUID"
SIGNING_TIME: Final = "/".join(
    ds(name) for name in ("Object", "SignatureProperties", "SignatureProperty", "SigningTime")
)


def prepare(
    record_xml: bytes,
    *,
    slot: Slot,
    signer: Certificate,
    at: datetime,
    algorithm: SignatureAlgorithm | None = None,
) -> Draft:
    """Return the draft of *signer*'s signature in *slot* of one record, signed at *at*.

    *record_xml* is a `HOC_BA` file, unsigned or signed in the earlier slots; *at* is the space
    clock. *algorithm* is needed only for RSASSA-PSS.

    Raises:
        Refused: SBX-3011 when an earlier slot is not signed, a later one is, or *at* lies before
            the last signature; SBX-3013 when the slot is signed already; SBX-3001 for a GVCN
            signature on a record that names no class teacher; SBX-1109 when the file is no
            record; parser codes when it is no XML.

    2088 PL1 §II.1.6, spec/record-format.md §5.3.
    """
    root = root_of(record_xml, RECORD_TAG)
    data = root.find(DATA_TAG)
    if data is None:
        raise Refused(Finding("SBX-1109", field=DATA_TAG, xpath=f"/{RECORD_TAG}", line=1))
    _require_turn(root, slot=slot, at=at)
    uuid = (root.findtext(_RECORD_ID) or "").strip().lower()
    before, after = _open_block(record_xml, root=root, slot=slot, signer=signer, at=at)
    return Draft(
        before=before,
        after=after,
        text=signature_text(
            f"{ID_PREFIX[slot]}{uuid}",
            target_id=_id_of(data),
            target=canonical(data),
            enveloped=False,
            signer=signer,
            at=at,
            algorithm=algorithm,
        ),
    )


def prepare_package(
    package_xml: bytes,
    *,
    signer: Certificate,
    at: datetime,
    package_id: str,
    algorithm: SignatureAlgorithm | None = None,
) -> Draft:
    """Return the draft of the sender's signature over a package, `sig-goi-{package_id}`.

    Raises `Refused`: SBX-1109 for another root, SBX-3013 when it is signed already.
    """
    return _prepare_enveloped(
        package_xml,
        tag=PACKAGE_TAG,
        target_id=PACKAGE_ID,
        signature_id=f"sig-goi-{package_id}",
        signer=signer,
        at=at,
        algorithm=algorithm,
    )


def prepare_registration(
    registration_xml: bytes,
    *,
    signer: Certificate,
    at: datetime,
    registration_id: str,
    algorithm: SignatureAlgorithm | None = None,
) -> Draft:
    """Return the draft of a certificate registration's signature, `sig-cts-{registration_id}`.

    *signer* is the very certificate being registered (spec/transactions.md §2.4).
    Raises `Refused`: SBX-1109 for another root, SBX-3013 when it is signed already.
    """
    return _prepare_enveloped(
        registration_xml,
        tag=REGISTRATION_TAG,
        target_id=REGISTRATION_ID,
        signature_id=f"sig-cts-{registration_id}",
        signer=signer,
        at=at,
        algorithm=algorithm,
    )


def _prepare_enveloped(
    xml: bytes,
    *,
    tag: str,
    target_id: str,
    signature_id: str,
    signer: Certificate,
    at: datetime,
    algorithm: SignatureAlgorithm | None,
) -> Draft:
    root = root_of(xml, tag)
    if root.find(_SIGNATURE) is not None:
        raise Refused(Finding("SBX-3013", field="Signature", xpath=f"/{tag}/Signature"))
    end = _end_tag(xml, tag)
    return Draft(
        before=xml[:end],
        after=xml[end:],
        text=signature_text(
            signature_id,
            target_id=target_id,
            target=canonical_root(root),
            enveloped=True,
            signer=signer,
            at=at,
            algorithm=algorithm,
        ),
    )


def signature_text(
    signature_id: str,
    *,
    target_id: str,
    target: bytes,
    enveloped: bool,
    signer: Certificate,
    at: datetime,
    algorithm: SignatureAlgorithm | None,
) -> SignatureText:
    """Return all that a Signature over the canonical *target* says before its value."""
    usual = (
        SignatureAlgorithm.RSA_SHA256
        if signer.public_key.is_rsa
        else SignatureAlgorithm.ECDSA_SHA256
    )
    return SignatureText(
        signature_id=signature_id,
        target_id=target_id,
        target_digest=base64.b64encode(hashlib.sha256(target).digest()).decode(),
        enveloped=enveloped,
        algorithm=algorithm or usual,
        subject_name=signer.subject_rfc4514,
        certificate=signer.base64,
        signing_time=moments.written(at),
    )


def root_of(xml: bytes, tag: str) -> Element:
    """Return the root of *xml*, which is *tag*. Raises `Refused` SBX-1109 for another."""
    root, _ = safe_tree(xml, limits=Limits())
    if root.tag != tag:
        found = str(root.tag)
        raise Refused(Finding("SBX-1109", xpath=f"/{found}", line=1, value=found, expected=tag))
    return root


def _id_of(element: Element) -> str:
    return next((str(element.get(name)) for name in ("id", "Id", "ID") if element.get(name)), "")


def _require_turn(root: Element, *, slot: Slot, at: datetime) -> None:
    """Refuse a signature out of turn (spec/lifecycle.md §3)."""
    order = list(Slot)
    place = f"/{RECORD_TAG}/{SLOTS_TAG}/{slot}"
    signed = {s: root.find(f"{SLOTS_TAG}/{s}/{_SIGNATURE}") for s in order}
    if signed[slot] is not None:
        raise Refused(Finding("SBX-3013", field="Signature", xpath=f"{place}/Signature"))
    has_teacher = root.find(_TEACHER_NAME) is not None
    if slot is Slot.GVCN and not has_teacher:
        raise Refused(Finding("SBX-3001", field="TEN_GIAO_VIEN_CHU_NHIEM", xpath=f"/{RECORD_TAG}"))
    turn = order.index(slot)
    needed = [s for s in order[:turn] if s is not Slot.GVCN or has_teacher]
    for other in order:
        if (signed[other] is None) if other in needed else (signed[other] is not None):
            raise Refused(
                Finding("SBX-3011", field=slot, xpath=place, value=slot, expected=str(other))
            )
    if needed:
        last = signed[needed[-1]]
        moment = None if last is None else moments.read(last.findtext(SIGNING_TIME))
        if moment is not None and at < moment:
            raise Refused(
                Finding(
                    "SBX-3011",
                    field="SigningTime",
                    xpath=place,
                    value=moments.written(at),
                    expected=f">= {moments.written(moment)}",
                )
            )


def opening_of(slot: Slot, *, signer: Certificate, at: datetime) -> str:
    """Return what stands in the block of *slot* before its Signature."""
    block = f"<{slot}><NGAY_KY>{moments.written(at)}</NGAY_KY>"
    if slot is not Slot.KY_PHAT_HANH:
        block += f"<SO_CCCD>{text(signer.uid.removeprefix('CCCD:'))}</SO_CCCD>"
    return block


def _open_block(
    xml: bytes, *, root: Element, slot: Slot, signer: Certificate, at: datetime
) -> tuple[bytes, bytes]:
    """Split *xml* where the Signature goes, the new slot's own tags included on both sides."""
    opening, closing = opening_of(slot, signer=signer, at=at).encode(), f"</{slot}>".encode()
    holder = root.find(SLOTS_TAG)
    if holder is None:
        cut = _end_tag(xml, RECORD_TAG)
        open_tag, close_tag = f"<{SLOTS_TAG}>".encode(), f"</{SLOTS_TAG}>".encode()
        return xml[:cut] + open_tag + opening, closing + close_tag + xml[cut:]
    if holder.find(slot) is not None:
        # an unsigned block, as in the specification's example: its moment is only now known
        xml = _without_block(xml, slot)
    elif len(holder) == 0:
        tag = SLOTS_TAG.encode()
        xml = re.sub(rb"<%b\s*/>" % tag, b"<%b></%b>" % (tag, tag), xml)
    cut = _end_tag(xml, SLOTS_TAG)
    return xml[:cut] + opening, closing + xml[cut:]


def _without_block(xml: bytes, slot: Slot) -> bytes:
    close_tag = f"</{slot}>".encode()
    start, end = xml.rfind(f"<{slot}>".encode()), xml.rfind(close_tag)
    if start < 0 or end < start:
        raise Refused(Finding("SBX-2002", field=slot, xpath=f"/{RECORD_TAG}/{SLOTS_TAG}/{slot}"))
    return xml[:start] + xml[end + len(close_tag) :]


def _end_tag(xml: bytes, tag: str) -> int:
    """Return where the last end tag of *tag* begins. Raises `Refused` SBX-1109 for none."""
    found = -1
    for match in re.finditer(rb"</%b\s*>" % tag.encode(), xml):
        found = match.start()
    if found < 0:
        raise Refused(Finding("SBX-1109", field=tag, xpath=f"/{tag}"))
    return found
