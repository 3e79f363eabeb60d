"""Verification of one record, in the numbered steps of spec/record-format.md §5.3."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final

from sandbox.clock import VIETNAM
from sandbox.documents.package import ParsedRecord
from sandbox.documents.tree import Element, line_of
from sandbox.domain.report_card import Slot
from sandbox.errors import Finding
from sandbox.pki import Trust
from sandbox.xmldsig import moments
from sandbox.xmldsig.canonical import canonical, foreign_parts
from sandbox.xmldsig.names import DATA_TAG, SLOTS_TAG, ds
from sandbox.xmldsig.persons import NAMED, Registered, check_person, check_school_certificate
from sandbox.xmldsig.report import Report, SignatureFacts, SignatureRefused, Step
from sandbox.xmldsig.scope import ids_within, is_in_another_record
from sandbox.xmldsig.structure import OpenedSignature, Place, check_structure
from sandbox.xmldsig.usual import Usual, World, verify_usual
from sandbox.xmldsig.validity import (
    Revocations,
    check_certificate,
    check_digests,
    check_signature_value,
    list_of,
)

_SIGNATURE: Final = ds("Signature")
_TEACHER: Final = NAMED[Slot.GVCN][1]
_DAY_PLANNED: Final = "NGAY_KY_PHAT_HANH_HOC_BA"


@dataclass(frozen=True, slots=True, eq=False)
class SignedRecord:
    """A record all of whose signatures hold. Read the report card from here, nowhere else."""

    record: ParsedRecord
    """The record whose `DU_LIEU_HOC_BA`, its one data element, is what was signed."""
    data: bytes = field(repr=False)
    """Canonical bytes of that element: exactly what the signers' digests cover."""
    data_digest: bytes = field(repr=False)
    """SHA-256 of `data`."""
    data_element: Element = field(repr=False)
    """The very element whose canonical form `data` is: what was read from it was signed."""
    signatures: Mapping[Slot, SignatureFacts]
    warnings: tuple[Finding, ...]
    """SBX-3061, SBX-3062."""
    not_checked: tuple[str, ...]
    """Codes of the checks that were left out because nothing was passed in to check against."""
    steps: tuple[Step, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """The parts of a record, reached by position."""

    record: ParsedRecord
    data: Element
    general: dict[str, Element]
    """THONG_TIN_CHUNG by tag."""
    blocks: dict[Slot, Element]
    signatures: dict[Slot, list[Element]]

    def xpath(self, slot: Slot) -> str:
        return f"{self.record.xpath}/{SLOTS_TAG}/{slot}"

    @property
    def general_xpath(self) -> str:
        return f"{self.record.xpath}/{DATA_TAG}/THONG_TIN_CHUNG"


def verify_record(
    record: ParsedRecord,
    *,
    trust: Trust | None,
    revocations: Revocations | None,
    at: datetime,
    registered: Registered | None,
    trace: bool = True,
    is_canonical: bool = False,
) -> SignedRecord:
    """Return what the three signatures of *record* really cover, or raise.

    Read the report card from the result, never from *record* before: what lies outside the signed
    references belongs to whoever sent the file. *at* is the space clock. A None for *trust*,
    *revocations* or *registered* skips the checks that need it; their codes stand in
    `not_checked`. Without *trace* the steps that passed are not written down. *is_canonical*: the
    document's bytes are known to be its canonical form, so a usual record is verified from them.

    Raises:
        SignatureRefused: Codes SBX-30xx in the order of §5.3, the first found first; SBX-2002
            alone for a record that may not be canonicalised at all. `report` shows each step.
        Unavailable: A revocation list is not at hand: the package waits, nobody is refused.

    2088 PL1 §II.1.6, §II.1.7; spec/record-format.md §5.3, §5.4.
    """
    report = Report(trace=trace)
    if is_canonical and not trace and trust and revocations is not None and registered:
        usual = verify_usual(
            record, World(trust, lambda name: list_of(name, revocations), at, registered)
        )
        if usual is not None:
            return _as_usual(record, usual, report)
    parts = _take_apart(record, report)
    require_signatures(parts, report)  # step 0
    opened: dict[Slot, OpenedSignature] = {}
    data = canonical(parts.data)
    digest = hashlib.sha256(data).digest()
    ids = ids_within(record.element)
    for slot, signatures in parts.signatures.items():
        place = Place(
            label=slot,
            xpath=f"{parts.xpath(slot)}/Signature",
            target=parts.data,
            ids=ids,
            is_elsewhere=lambda wanted: is_in_another_record(record, wanted),
        )
        signature = check_structure(signatures, place, report)  # step 1
        if signature is None:
            continue
        opened[slot] = signature
        check_certificate(signature, place, report, trust=trust, revocations=revocations)  # step 2
        check_signature_value(signature, place, report)  # step 3
        check_digests(signature, place, report, target_digest=digest)  # step 4
    check_signers(parts, opened, report, registered=registered)  # step 5
    times = check_times(parts, opened, report, at=at)  # step 6
    check_order(parts, times, opened, report)  # step 7
    if report.findings:
        raise SignatureRefused(report)
    note_warnings(parts, times, report)
    return SignedRecord(
        record=record,
        data=data,
        data_digest=digest,
        data_element=parts.data,
        signatures={slot: facts_of(opened[slot], times[slot]) for slot in opened},
        warnings=tuple(report.warnings),
        not_checked=tuple(report.not_checked),
        steps=tuple(report.steps),
    )


def _as_usual(record: ParsedRecord, usual: Usual, report: Report) -> SignedRecord:
    """Return what `verify_usual` found, with the warnings the record deserves."""
    data = record.element[0]
    if Slot.GVCN not in usual.signatures or usual.planned != f"{usual.issued:%d/%m/%Y}":
        general = data.find("THONG_TIN_CHUNG")
        named = {} if general is None else {str(child.tag): child for child in general}
        times = {slot: facts.signing_time for slot, facts in usual.signatures.items()}
        note_warnings(_Parts(record, data, named, {}, {}), times, report)
    return SignedRecord(
        record=record,
        data=usual.data,
        data_digest=usual.data_digest,
        data_element=data,
        signatures=usual.signatures,
        warnings=tuple(report.warnings),
        not_checked=(),
        steps=(),
    )


def _take_apart(record: ParsedRecord, report: Report) -> _Parts:
    """Reach every part by position; raise for what must not be canonicalised or is not there."""
    by_tag: dict[str, list[Element]] = {}
    for child in record.element:
        by_tag.setdefault(str(child.tag), []).append(child)
    blocks: dict[Slot, Element] = {}
    signatures: dict[Slot, list[Element]] = {}
    for holder in by_tag.get(SLOTS_TAG, []):
        for slot in Slot:
            for block in holder.findall(slot):
                blocks.setdefault(slot, block)
                signatures.setdefault(slot, []).extend(block.findall(_SIGNATURE))
    held = {slot: signatures[slot] for slot in Slot if signatures.get(slot)}
    for finding in foreign_parts(record, signatures=sum(map(len, held.values()))):
        report.failed("namespaces", "record", finding)
    data = by_tag.get(DATA_TAG, [])
    if len(data) != 1:
        code = "SBX-2002" if data else "SBX-2001"
        finding = Finding(code, field=DATA_TAG, xpath=record.xpath, line=record.line)
        report.failed("data", "record", finding)
    if report.findings:
        raise SignatureRefused(report)
    general = data[0].find("THONG_TIN_CHUNG")
    named = {} if general is None else {str(child.tag): child for child in general}
    return _Parts(record, data[0], named, blocks, held)


def require_signatures(parts: _Parts, report: Report) -> None:
    """Step 0, SBX-3001: all due; GVCN is exactly when a class teacher is named."""
    for slot in Slot:
        is_due = slot is not Slot.GVCN or _TEACHER in parts.general
        is_there = slot in parts.signatures
        if is_due == is_there:
            report.passed("signature_present", slot, "SBX-3001", str(is_due), str(is_there))
            continue
        missing = _TEACHER if is_there else slot
        where = parts.general_xpath if is_there else f"{parts.record.xpath}/{SLOTS_TAG}"
        block = parts.blocks.get(slot)
        if block is not None and not is_there:
            missing, where = "Signature", parts.xpath(slot)
        line = parts.record.line if block is None else line_of(block)
        finding = Finding("SBX-3001", field=missing, xpath=where, line=line, expected=slot)
        report.failed("signature_present", slot, finding)


def check_signers(
    parts: _Parts,
    opened: Mapping[Slot, OpenedSignature],
    report: Report,
    *,
    registered: Registered | None,
) -> None:
    """Step 5: persons (SBX-3010), then the school's certificate (SBX-3009)."""
    for slot, signature in opened.items():
        certificate = signature.certificate
        if certificate is None:
            continue
        if slot in NAMED:
            check_person(
                slot,
                certificate,
                report,
                block=parts.blocks[slot],
                general=parts.general,
                xpath=parts.xpath(slot),
                general_xpath=parts.general_xpath,
            )
        else:
            check_school_certificate(
                certificate,
                report,
                school=parts.general.get("MA_TRUONG"),
                block=parts.blocks[slot],
                xpath=parts.xpath(slot),
                registered=registered,
            )


def check_times(
    parts: _Parts, opened: Mapping[Slot, OpenedSignature], report: Report, *, at: datetime
) -> dict[Slot, datetime]:
    """Step 6, SBX-3012: SigningTime is a moment, equals NGAY_KY, and is not in the future."""
    times: dict[Slot, datetime] = {}
    for slot, signature in opened.items():
        element = parts.blocks[slot].find("NGAY_KY")
        beside = "" if element is None else (element.text or "").strip()
        moment = moments.read(signature.signing_time)
        if moment is not None:
            times[slot] = moment
        limit = at + moments.AHEAD
        if moment is None:
            field, value, expected = "SigningTime", signature.signing_time, moments.FORM
        elif moment > limit:
            field, value = "SigningTime", signature.signing_time
            expected = f"<= {moments.written(limit)}"
        elif moments.read(beside) != moment:
            field, value, expected = "NGAY_KY", beside, signature.signing_time
        else:
            report.passed("signing_time", slot, "SBX-3012", beside, signature.signing_time)
            continue
        below = "NGAY_KY" if field == "NGAY_KY" else "Signature"
        report.failed(
            "signing_time",
            slot,
            Finding(
                "SBX-3012",
                field=field,
                xpath=f"{parts.xpath(slot)}/{below}",
                line=line_of(parts.blocks[slot]),
                value=value,
                expected=expected,
            ),
        )
    return times


def check_order(
    parts: _Parts,
    times: Mapping[Slot, datetime],
    opened: Mapping[Slot, OpenedSignature],
    report: Report,
) -> None:
    """Step 7, SBX-3011: GVCN ≤ CBQL ≤ KY_PHAT_HANH."""
    slots = [slot for slot in Slot if slot in times]
    for earlier, later in pairwise(slots):
        said = opened[later].signing_time
        limit = f">= {opened[earlier].signing_time} {earlier}"
        if times[earlier] <= times[later]:
            report.passed("signing_order", later, "SBX-3011", limit, said)
            continue
        report.failed(
            "signing_order",
            later,
            Finding(
                "SBX-3011",
                field="SigningTime",
                xpath=f"{parts.xpath(later)}/Signature",
                line=line_of(opened[later].element),
                value=said,
                expected=limit,
            ),
        )


def note_warnings(parts: _Parts, times: Mapping[Slot, datetime], report: Report) -> None:
    """SBX-3062 no class teacher; SBX-3061 planned day and day of issue differ (§3.1 note A)."""
    if _TEACHER not in parts.general:
        report.warnings.append(
            Finding("SBX-3062", field=_TEACHER, xpath=parts.general_xpath, line=line_of(parts.data))
        )
    note_day_of_issue(
        parts.general,
        times[Slot.KY_PHAT_HANH].astimezone(VIETNAM),
        report,
        general_xpath=parts.general_xpath,
    )


def note_day_of_issue(
    general: Mapping[str, Element], issued: datetime, report: Report, *, general_xpath: str
) -> None:
    """SBX-3061: the day planned in *general* is not the local day *issued*."""
    planned, day = general.get(_DAY_PLANNED), f"{issued:%d/%m/%Y}"
    said = "" if planned is None else (planned.text or "").strip()
    if planned is not None and moments.day(said) not in (None, day):
        report.warnings.append(
            Finding(
                "SBX-3061",
                field=_DAY_PLANNED,
                xpath=f"{general_xpath}/{_DAY_PLANNED}",
                line=line_of(planned),
                value=said,
                expected=day,
            )
        )


def facts_of(opened: OpenedSignature, at: datetime) -> SignatureFacts:
    """Return what is known of a signature that holds."""
    if opened.certificate is None or opened.value is None or opened.algorithm is None:
        raise AssertionError("a signature without these was refused above")
    return SignatureFacts(
        signature_id=opened.signature_id,
        signer=opened.certificate,
        signing_time=at,
        algorithm=opened.algorithm,
        signature_value=opened.value,
    )
