"""prepare → sign elsewhere → complete, for the empty slots of the 2026 profile."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from sandbox.documents.tree import Element
from sandbox.domain.report_card_2026 import Post, Slot2026
from sandbox.errors import Finding, Refused
from sandbox.pki import Certificate, SignatureAlgorithm
from sandbox.xmldsig import moments
from sandbox.xmldsig.canonical import canonical
from sandbox.xmldsig.draft import Draft
from sandbox.xmldsig.layout_2026 import Layout2026, LayoutError, take_apart_2026
from sandbox.xmldsig.names import RECORD_TAG
from sandbox.xmldsig.prepare import SIGNING_TIME, root_of, signature_text
from sandbox.xmldsig.scope import id_of

_PREFIX: Final = {
    Post.GVBM: "sig-gvbm",
    Post.GVCN: "sig-gvcn",
    Post.CBQL: "sig-cbql",
    Post.KY_PHAT_HANH: "sig-kyphathanh",
}


def signature_id_2026(slot: Slot2026, uuid: str) -> str:
    """Return the Id of the Signature in *slot* of record *uuid*."""
    number = f"-{slot.number}" if slot.number else ""
    return f"{_PREFIX[slot.post]}{number}-{uuid}"


def prepare_2026(
    record_xml: bytes,
    *,
    slot: Slot2026,
    signer: Certificate,
    at: datetime,
    algorithm: SignatureAlgorithm | None = None,
) -> Draft:
    """Return the draft of *signer*'s signature in *slot* of one record of the 2026 profile.

    Subject teachers sign in any order, then the class teacher, the head, the school. Each covers
    what §5.2 says, the head and the school therefore the teachers' signatures as well. Nothing
    but the Signature is added: time and person stand inside it.

    Raises:
        Refused: SBX-3011 out of turn or before the last signature; SBX-3013 signed already;
            SBX-3001 the record has no such slot; SBX-2001, SBX-2002 another layout; SBX-1109 no
            record; parser codes when it is no XML.

    2088 PL1 §II.1.6, spec/record-format.md §5.2, §6.1.
    """
    root = root_of(record_xml, RECORD_TAG)
    try:
        layout = take_apart_2026(root)
    except LayoutError as fault:
        raise Refused(Finding(fault.code, field=fault.tag, xpath=f"/{RECORD_TAG}")) from None
    block = layout.blocks.get(slot)
    if block is None:
        raise Refused(Finding("SBX-3001", field=str(slot), xpath=f"/{RECORD_TAG}"))
    _require_turn(layout, slot=slot, at=at)
    uuid = _text(layout.general.get("MA_TRA_CUU_UUID")).lower()
    target = layout.target(slot)
    before, after = _opened(record_xml, slot, block)
    return Draft(
        before=before,
        after=after,
        text=signature_text(
            signature_id_2026(slot, uuid),
            target_id=id_of(target),
            target=canonical(target),
            enveloped=False,
            signer=signer,
            at=at,
            algorithm=algorithm,
        ),
    )


def _require_turn(layout: Layout2026, *, slot: Slot2026, at: datetime) -> None:
    """Refuse a signature out of turn (spec/lifecycle.md §3)."""
    posts = list(Post)
    place = f"/{RECORD_TAG}//{slot.post}"
    if layout.signatures(slot):
        raise Refused(Finding("SBX-3013", field="Signature", xpath=f"{place}/Signature"))
    turn = posts.index(slot.post)
    for other in layout.blocks:
        earlier = posts.index(other.post) < turn
        later = posts.index(other.post) > turn
        signed = layout.signatures(other)
        if (earlier and not signed) or (later and signed):
            raise Refused(
                Finding(
                    "SBX-3011", field=str(slot), xpath=place, value=str(slot), expected=str(other)
                )
            )
        moment = moments.read(signed[0].findtext(SIGNING_TIME)) if earlier else None
        if moment is not None and at < moment:
            raise Refused(
                Finding(
                    "SBX-3011",
                    field="SigningTime",
                    xpath=place,
                    value=moments.written(at),
                    expected=f">= {moments.written(moment)} {other}",
                )
            )


def _opened(xml: bytes, slot: Slot2026, block: Element) -> tuple[bytes, bytes]:
    """Split *xml* inside the empty element of *slot*. Raises `Refused` SBX-2002 for any other."""
    tag = str(block.tag).encode()
    attribute = rb"""\s+Id\s*=\s*["']%b["']""" % re.escape(id_of(block).encode())
    pattern = rb"(<%b%b)\s*(?:/>|>\s*</%b\s*>)" % (tag, attribute if slot.number else b"", tag)
    found = list(re.finditer(pattern, xml))
    if len(found) != 1 or len(block) or (block.text or "").strip():
        place = f"/{RECORD_TAG}//{slot.post}"
        raise Refused(Finding("SBX-2002", field=str(slot), xpath=place, expected=f"<{slot.post}/>"))
    (match,) = found
    return xml[: match.end(1)] + b">", b"</%b>" % tag + xml[match.end() :]


def _text(element: Element | None) -> str:
    return "" if element is None else (element.text or "").strip()
