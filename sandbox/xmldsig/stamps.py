"""Many signatures by one signer: what does not change from record to record is made once.

For corpora, where the bytes to sign are known to be canonical because `documents.render_record`
or the nation wrote them. The text comes from `SignatureText` itself, cut where a value goes, so
that a stamped record is, byte for byte, what `prepare` and `Draft.complete` make of it; tests
hold the two equal. Nothing is parsed, so nothing is checked either: a document from elsewhere
goes through `prepare`.
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sandbox.domain.report_card import Slot
from sandbox.pki import Certificate, PrivateKey
from sandbox.xmldsig import moments
from sandbox.xmldsig.layout import SignatureText
from sandbox.xmldsig.names import DATA_TAG, PACKAGE_ID, PACKAGE_TAG, RECORD_TAG, SLOTS_TAG
from sandbox.xmldsig.prepare import ID_PREFIX, opening_of

_UUID: Final = 36
_RECORD_OPEN: Final = f'<{RECORD_TAG} id="hocba-'.encode()
_DATA_OPEN: Final = f'"><{DATA_TAG} id="data-'.encode()
_DATA_AT: Final = len(_RECORD_OPEN) + _UUID + 2
"""Where DU_LIEU_HOC_BA begins."""
_DATA_ID_AT: Final = len(_RECORD_OPEN) + _UUID + len(_DATA_OPEN)
_DATA_CLOSE: Final = f"</{DATA_TAG}>".encode()
_RECORD_CLOSE: Final = f"</{RECORD_TAG}>".encode()
_SLOTS_OPEN: Final = f"<{SLOTS_TAG}>".encode()
_SLOTS_CLOSE: Final = f"</{SLOTS_TAG}></{RECORD_TAG}>".encode()
_PACKAGE_OPEN: Final = f'<{PACKAGE_TAG} id="{PACKAGE_ID}">'.encode()
_PACKAGE_CLOSE: Final = f"</{PACKAGE_TAG}>".encode()

_ID, _DIGEST = "\x01", "\x02"
"""Where a value goes; no text in a certificate or an Id holds these."""


class _Template:
    """The text of one signer's Signature at one moment, cut where the values go."""

    def __init__(
        self, signer: Certificate, key: PrivateKey, *, at: datetime, prefix: str, target: str
    ) -> None:
        self._key = key
        said = SignatureText(
            signature_id=f"{prefix}{_ID}",
            target_id=target,
            target_digest=_DIGEST,
            enveloped=target == PACKAGE_ID,
            algorithm=key.algorithm,
            subject_name=signer.subject_rfc4514,
            certificate=signer.base64,
            signing_time=moments.written(at),
        )
        properties = said.canonical_properties()
        info, known = said.signed_info(), _base64(hashlib.sha256(properties).digest())
        cut = info.index(b">") + 1
        self._info_open = info[:cut]
        self._info = _cut(info[cut:], known)
        self._properties = _cut(properties)
        whole = said.render(b"")
        value = whole.index(b"</SignatureValue>")
        self._before = _cut(whole[: whole.index(b"<SignedInfo>") + len(b"<SignedInfo>")])
        self._between = whole[whole.index(b"</SignedInfo>") + len(b"</SignedInfo>") : value]
        self._after = _cut(whole[value:])

    def fill(self, number: bytes, digest: bytes) -> bytes:
        """Return the Signature whose Ids end in *number*, over a target of SHA-256 *digest*."""
        properties = hashlib.sha256(self._properties % {b"id": number}).digest()
        info = self._info % {
            b"id": number,
            b"digest": _base64(digest),
            b"properties": _base64(properties),
        }
        signature = self._key.sign_digest(hashlib.sha256(self._info_open + info).digest())
        values = {b"id": number}
        return b"".join(
            (
                self._before % values,
                info,
                self._between,
                _base64(signature),
                self._after % values,
            )
        )


class RecordStamp:
    """One signer in one slot at one moment."""

    def __init__(self, slot: Slot, signer: Certificate, key: PrivateKey, *, at: datetime) -> None:
        """*key* belongs to *signer*; *at* is written as NGAY_KY and SigningTime."""
        self.slot = slot
        self._open = opening_of(slot, signer=signer, at=at).encode()
        self._close = f"</{slot}>".encode()
        self._signature = _Template(
            signer, key, at=at, prefix=ID_PREFIX[slot], target=f"data-{_ID}"
        )

    def block(self, uuid: bytes, digest: bytes) -> bytes:
        """Return the slot's block for the record *uuid* whose data have SHA-256 *digest*."""
        return b"".join((self._open, self._signature.fill(uuid, digest), self._close))


class PackageStamp:
    """One sender's signature over packages at one moment."""

    def __init__(self, signer: Certificate, key: PrivateKey, *, at: datetime) -> None:
        """*key* belongs to *signer*; *at* is written as SigningTime."""
        self._signature = _Template(signer, key, at=at, prefix="sig-goi-", target=PACKAGE_ID)

    def seal(self, records: Sequence[bytes], *, package_id: str) -> bytes:
        """Return the signed package of *records*, each copied byte for byte."""
        digest = hashlib.sha256(_PACKAGE_OPEN)
        for record in records:
            digest.update(record)
        digest.update(_PACKAGE_CLOSE)
        signature = self._signature.fill(package_id.encode(), digest.digest())
        return b"".join((_PACKAGE_OPEN, *records, signature, _PACKAGE_CLOSE))


def stamp_record(record: bytes, stamps: Sequence[RecordStamp]) -> bytes:
    """Return *record*, as rendered and unsigned, with a block by each of *stamps* in their order.

    The order GVCN, CBQL, KY_PHAT_HANH and lawful times are the caller's (spec/lifecycle.md §3).
    Raises `ValueError` for bytes that do not begin and end as a rendered record does.
    """
    uuid = record[_DATA_ID_AT : _DATA_ID_AT + _UUID]
    if not (
        record.startswith(_RECORD_OPEN)
        and record.startswith(_DATA_OPEN, _DATA_AT - 2)
        and record.endswith(_DATA_CLOSE + _RECORD_CLOSE)
    ):
        raise ValueError(f"not an unsigned record as it is rendered: {record[:60]!r}")
    data_end = len(record) - len(_RECORD_CLOSE)
    digest = hashlib.sha256(memoryview(record)[_DATA_AT:data_end]).digest()
    blocks = [stamp.block(uuid, digest) for stamp in stamps]
    return b"".join((record[:data_end], _SLOTS_OPEN, *blocks, _SLOTS_CLOSE))


def _cut(text: bytes, properties: bytes | None = None) -> bytes:
    """Return *text* as a pattern for `%`, its marks turned into named places."""
    pattern = text.replace(b"%", b"%%").replace(_ID.encode(), b"%(id)b")
    pattern = pattern.replace(_DIGEST.encode(), b"%(digest)b")
    return pattern if properties is None else pattern.replace(properties, b"%(properties)b")


def _base64(raw: bytes) -> bytes:
    return b2a_base64(raw, newline=False)
