"""The usual record, verified by what its canonical bytes say.

Nearly every record is written in one way: canonical already, each signature with the parts of
§5.3 and nothing else. Such a record needs no tree to be walked: one pattern takes its signatures
apart, and the canonical bytes of SignedInfo and properties are cut out of those of the record.
The checks are those of the numbered steps, each once. Whatever is not exactly so is nobody's
fault yet: `verify_usual` returns None, and `verify_record` takes the steps one by one and says
what is wrong. It never refuses and never accepts what those steps would refuse (the tests hold
both against each other on every defect of the catalogue).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from sandbox.clock import VIETNAM
from sandbox.documents.package import ParsedRecord
from sandbox.documents.reading import general_texts
from sandbox.documents.signing_part import Block, halves_of
from sandbox.domain.report_card import Slot
from sandbox.pki import SIGNING_USAGE, Certificate, RevocationList, Trust
from sandbox.xmldsig import moments
from sandbox.xmldsig.names import DATA_TAG, DS, SLOTS_TAG
from sandbox.xmldsig.persons import NAMED, PREFIX, Registered, same_name
from sandbox.xmldsig.report import SignatureFacts
from sandbox.xmldsig.structure import identity_of
from sandbox.xmldsig.validity import SMALLEST_RSA

_DATA_OPEN: Final = re.compile(f'<{DATA_TAG} (?:Id|id|ID)="([^"&<]+)">'.encode())
_XMLNS: Final = f' xmlns="{DS}"'.encode()
_TEACHER: Final = NAMED[Slot.GVCN][1]
_PLANNED: Final = "NGAY_KY_PHAT_HANH_HOC_BA"

_BEGINNING: Final = datetime.min.replace(tzinfo=VIETNAM)


@dataclass(frozen=True, slots=True)
class Usual:
    """A usual record all of whose signatures hold."""

    data: bytes
    data_digest: bytes
    signatures: dict[Slot, SignatureFacts]
    planned: str
    """The day of issue the data plan."""
    issued: datetime


@dataclass(frozen=True, slots=True)
class World:
    """What a record is checked against; all of it is at hand."""

    trust: Trust
    revocations: Callable[[str], RevocationList]
    at: datetime
    registered: Registered


def verify_usual(record: ParsedRecord, world: World) -> Usual | None:
    """Return what the signatures of *record* cover, None where it has to be looked at closely.

    *record* lies in a document whose bytes are its canonical form (`is_canonical` of the package's
    signature), so the record's own bytes are canonical too.

    Raises:
        Unavailable: A revocation list is not at hand: the package waits.
    """
    general, halves = general_texts(record), halves_of(record)
    if general is None or halves is None:
        return None
    data, blocks = halves.data, halves.blocks
    opened = _DATA_OPEN.match(data)
    if (
        opened is None
        or data.count(b"=") != 1  # its Id: no other attribute, no namespace
        or b"?" in data
        or [child.tag for child in record.element] != [DATA_TAG, SLOTS_TAG]
        or not _names_its_signers(general, blocks)
    ):
        return None
    digest = hashlib.sha256(data).digest()
    ids = [opened.group(1)] if halves.record_id is None else [opened.group(1), halves.record_id]
    if not _points_right(blocks, ids, base64.b64encode(digest)):
        return None
    facts: dict[Slot, SignatureFacts] = {}
    latest = _BEGINNING
    for block in blocks:
        found = _holds(block, general, world)
        if found is None or found.signing_time < latest:  # step 7
            return None
        latest = found.signing_time
        facts[block.slot] = found
    issued = facts[Slot.KY_PHAT_HANH].signing_time.astimezone(VIETNAM)
    return Usual(data, digest, facts, general.get(_PLANNED, ""), issued)


def _names_its_signers(general: dict[str, str], blocks: tuple[Block, ...]) -> bool:
    """Step 0: three signatures; two where no class teacher is named."""
    return (len(blocks) == 3) == (_TEACHER in general)


def _points_right(blocks: tuple[Block, ...], ids: list[bytes], digest: bytes) -> bool:
    """Steps 1 and 4: every Id once, every URI at its own, the data's digest as computed.

    *ids*: that of the data first, then others outside the signatures.
    """
    data_id = ids[0]
    for block in blocks:
        signature_id = block.signature_id.encode()
        if (
            block.data_uri != data_id
            or block.data_digest != digest
            or block.properties_uri != block.properties_id
            or block.target != signature_id
        ):
            return False
        ids += (signature_id, block.properties_id)
    return len(set(ids)) == len(ids)


def _holds(block: Block, general: dict[str, str], world: World) -> SignatureFacts | None:
    """Steps 2 to 6 for one signature."""
    certificate, fits = identity_of(block.certificate.decode(), block.subject.decode())
    at = moments.read_known(block.signing_time)
    if certificate is None or not fits or at is None or at > world.at + moments.AHEAD:
        return None
    if moments.read_known(block.day.strip()) != at:
        return None
    if not _is_good(certificate, world, at=at) or not _is_theirs(
        block, certificate, general, world
    ):
        return None
    with_namespace = block.properties.replace(b" ", _XMLNS + b" ", 1)
    properties = base64.b64encode(hashlib.sha256(with_namespace).digest())
    value = _decoded(block.value)
    signed = b"<SignedInfo" + _XMLNS + block.info[len(b"<SignedInfo") :]
    if properties != block.properties_digest or value is None:
        return None
    if not certificate.public_key.verifies(value, signed, algorithm=block.algorithm):
        return None
    return SignatureFacts(block.signature_id, certificate, at, block.algorithm, value)


def _is_good(certificate: Certificate, world: World, *, at: datetime) -> bool:
    """Step 2: issuer, validity, state, key size and usage (and the curve of step 1)."""
    return (
        world.trust.issuer_of(certificate) is not None
        and certificate.not_before <= at <= certificate.not_after
        and _may_sign(certificate)
        and world.revocations(certificate.issuer_name).state_at(certificate.serial, at) == "good"
    )


@lru_cache(maxsize=2048)
def _may_sign(certificate: Certificate) -> bool:
    key = certificate.public_key
    fits = key.bits >= SMALLEST_RSA if key.is_rsa else key.kind == "EC-P256"
    return fits and certificate.key_usage >= SIGNING_USAGE


def _is_theirs(
    block: Block, certificate: Certificate, general: dict[str, str], world: World
) -> bool:
    """Step 5: the person named in the data, or the school's approved certificate."""
    if block.slot not in NAMED:
        return world.registered(general.get("MA_TRUONG", "").strip(), certificate)
    id_tag, name_tag = NAMED[block.slot]
    signer = certificate.uid.removeprefix(PREFIX)
    return (
        certificate.uid.startswith(PREFIX)
        and bool(signer)
        and signer == block.person.strip() == general.get(id_tag, "").strip()
        and same_name(general.get(name_tag, "").strip(), certificate.common_name)
    )


def _decoded(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(text.replace(b"\n", b""), validate=True) or None
    except ValueError:
        return None
