"""Blocks of signatures written by hand: what `xmldsig.prepare` rightly refuses to make.

The values are real: the key signs what is written, so that nothing else is wrong about it.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Final

from sandbox.clock import VIETNAM
from sandbox.defects.edits import data_of, text_of
from sandbox.defects.kit import Signer
from sandbox.domain.report_card import Slot
from sandbox.xmldsig import SignatureText

_PREFIX: Final = {
    Slot.GVCN: "sig-gvcn",
    Slot.CBQL: "sig-cbql",
    Slot.KY_PHAT_HANH: "sig-kyphathanh",
}


def forged_block(
    record: bytes, slot: Slot, *, by: Signer, at: datetime, signing_time: str | None = None
) -> bytes:
    """Return the block of *slot* over *record*'s data, signed by *by* as if at *at*.

    NGAY_KY is always *at*; *signing_time* is what SigningTime says instead.
    """
    uuid = text_of(record, "MA_TRA_CUU_UUID")
    moment = at.astimezone(VIETNAM).isoformat(timespec="seconds")
    digest = hashlib.sha256(data_of(record)).digest()
    text = SignatureText(
        signature_id=f"{_PREFIX[slot]}-{uuid}",
        target_id=f"data-{uuid}",
        target_digest=base64.b64encode(digest).decode("ascii"),
        enveloped=False,
        algorithm=by.key.algorithm,
        subject_name=by.certificate.subject_rfc4514,
        certificate=by.certificate.base64,
        signing_time=signing_time or moment,
    )
    signature = text.render(by.key.sign(text.signed_info())).decode("utf-8")
    person = by.certificate.uid.removeprefix("CCCD:")
    number = "" if slot is Slot.KY_PHAT_HANH else f"<SO_CCCD>{person}</SO_CCCD>"
    return f"<{slot}><NGAY_KY>{moment}</NGAY_KY>{number}{signature}</{slot}>".encode()
