"""A rendered record of the 2026 profile signed by everybody at once, without being parsed.

For corpora, as `stamps` is for v1.0: the bytes are canonical because `render_record_2026` wrote
them and `SignatureText` writes what is added, so what a signature covers is a stretch of the file.
The result is, byte for byte, what `prepare_2026` and `Draft.complete` make slot by slot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sandbox.documents.tags_2026 import INNER_TAG, SHEET_TAG
from sandbox.domain.report_card_2026 import Post, Slot2026
from sandbox.pki import Certificate, PrivateKey
from sandbox.xmldsig.names import DATA_TAG
from sandbox.xmldsig.prepare import signature_text
from sandbox.xmldsig.prepare_2026 import signature_id_2026

_UUID: Final = 36
_OPEN: Final = f'<HOC_BA><{DATA_TAG} Id="data-'.encode()


@dataclass(frozen=True, slots=True)
class Signing2026:
    """One signer in one slot at one moment."""

    slot: Slot2026
    signer: Certificate
    key: PrivateKey = field(repr=False)
    at: datetime


def stamp_record_2026(record: bytes, signings: Sequence[Signing2026]) -> bytes:
    """Return *record*, as rendered and unsigned, signed by *signings* in their order.

    Turns and lawful times are the caller's (spec/lifecycle.md §3).

    Raises:
        ValueError: bytes that do not begin as a rendered record does, or lack the slot.
    """
    if not record.startswith(_OPEN):
        raise ValueError(f"not a record as it is rendered: {record[:60]!r}")
    uuid = record[len(_OPEN) : len(_OPEN) + _UUID].decode()
    for signing in signings:
        slot = signing.slot
        tag, name = _TARGETS[slot.post]
        number = f"-{slot.number}" if slot.number else ""
        target_id = f"{name}{number}-{uuid}"
        said = signature_text(
            signature_id_2026(slot, uuid),
            target_id=target_id,
            target=_stretch(record, tag, target_id),
            enveloped=False,
            signer=signing.signer,
            at=signing.at,
            algorithm=signing.key.algorithm,
        )
        value = signing.key.sign_digest(hashlib.sha256(said.signed_info()).digest())
        identity = f' Id="gvbm{number}-{uuid}"' if slot.number else ""
        opening = f"<{slot.post}{identity}>".encode()
        cut = record.index(opening + f"</{slot.post}>".encode()) + len(opening)
        record = b"".join((record[:cut], said.render(value), record[cut:]))
    return record


_TARGETS: Final = {
    Post.GVBM: (SHEET_TAG, "diem"),
    Post.GVCN: (INNER_TAG, "thongtinhocba"),
    Post.CBQL: (DATA_TAG, "data"),
    Post.KY_PHAT_HANH: (DATA_TAG, "data"),
}


def _stretch(record: bytes, tag: str, identity: str) -> bytes:
    start = record.index(f'<{tag} Id="{identity}">'.encode())
    closing = f"</{tag}>".encode()
    return record[start : record.index(closing, start) + len(closing)]
