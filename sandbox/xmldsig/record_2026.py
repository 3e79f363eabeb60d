"""Verification of one record of the 2026 profile, in the steps of spec/record-format.md §5.3.

Structure, certificates, values and digests are the checks v1.0 has; what differs is where
signatures stand, what each covers (§5.2), and that time and person are known from the Signature
alone. The head's and the school's signatures cover the teachers' as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sandbox.clock import VIETNAM
from sandbox.documents.package import ParsedRecord
from sandbox.documents.places import path_of
from sandbox.documents.tree import Element, line_of
from sandbox.domain.report_card_2026 import Post, Slot2026
from sandbox.errors import Finding
from sandbox.pki import Certificate, Trust
from sandbox.xmldsig import moments
from sandbox.xmldsig.canonical import canonical, foreign_parts
from sandbox.xmldsig.layout_2026 import (
    Layout2026,
    LayoutError,
    is_slot_of_2026,
    take_apart_2026,
)
from sandbox.xmldsig.names import ds
from sandbox.xmldsig.persons import Registered, check_school_certificate, same_name, same_text
from sandbox.xmldsig.record import facts_of, note_day_of_issue
from sandbox.xmldsig.report import Report, SignatureFacts, SignatureRefused, Step
from sandbox.xmldsig.scope import Ids, ids_within, is_in_another_record
from sandbox.xmldsig.structure import OpenedSignature, Place, check_structure
from sandbox.xmldsig.validity import (
    Revocations,
    check_certificate,
    check_digests,
    check_signature_value,
)

_NAMED: Final = {
    Post.GVCN: ("SO_CCCD_GIAO_VIEN_CHU_NHIEM", "TEN_GIAO_VIEN_CHU_NHIEM"),
    Post.CBQL: ("SO_CCCD_GIAM_HIEU_KY_HOC_BA", "TEN_GIAM_HIEU_KY_HOC_BA"),
}
_PERSON: Final = "CCCD:"
Opened = dict[Slot2026, OpenedSignature]


@dataclass(frozen=True, slots=True, eq=False)
class SignedRecord2026:
    """A record all of whose signatures hold. Read the report card from `data`, nowhere else."""

    record: ParsedRecord
    data: bytes = field(repr=False)
    """Canonical bytes of `DU_LIEU_HOC_BA`: what head and school signed."""
    signatures: Mapping[Slot2026, SignatureFacts]
    warnings: tuple[Finding, ...]
    """SBX-3061."""
    not_checked: tuple[str, ...]
    """Codes of the checks that were left out because nothing was passed in to check against."""
    steps: tuple[Step, ...] = field(repr=False)


def verify_record_2026(
    record: ParsedRecord,
    *,
    trust: Trust | None,
    revocations: Revocations | None,
    at: datetime,
    registered: Registered | None,
) -> SignedRecord2026:
    """Return what the signatures of *record* really cover, or raise.

    Every slot is due: one per DIEM_TONG_KET, class teacher, head, school. Arguments, order of
    checks and codes are those of `verify_record`.

    Raises:
        SignatureRefused: Codes SBX-30xx in the order of §5.3, the first found first; SBX-2001 or
            SBX-2002 alone for another layout or what may not be canonicalised.
        Unavailable: A revocation list is not at hand.

    2088 PL1 §II.1.6, §II.1.7; spec/record-format.md §5.2 to §5.4, §6.1.
    """
    report = Report()
    layout = _taken_apart(record, report)
    _require_signatures(record, layout, report)  # step 0
    ids = ids_within(record.element)
    _require_unique_ids(record, layout, ids, report)
    opened = _check_each(record, layout, ids, report, trust=trust, revocations=revocations)
    _check_signers(record, layout, opened, report, registered=registered)  # step 5
    times = _check_times(record, layout, opened, report, at=at)  # step 6
    _check_order(record, opened, times, report)  # step 7
    if report.findings:
        raise SignatureRefused(report)
    general_xpath = f"{record.xpath}/DU_LIEU_HOC_BA/THONG_TIN_HOC_BA/THONG_TIN_CHUNG"
    issued = times[Slot2026(Post.KY_PHAT_HANH)].astimezone(VIETNAM)
    note_day_of_issue(layout.general, issued, report, general_xpath=general_xpath)
    return SignedRecord2026(
        record=record,
        data=canonical(layout.data),
        signatures={slot: facts_of(one, times[slot]) for slot, one in opened.items()},
        warnings=tuple(report.warnings),
        not_checked=tuple(report.not_checked),
        steps=tuple(report.steps),
    )


def _taken_apart(record: ParsedRecord, report: Report) -> Layout2026:
    """Reach every part by position; raise for what must not be canonicalised or is not there."""
    try:
        layout = take_apart_2026(record.element)
    except LayoutError as fault:
        finding = Finding(fault.code, field=fault.tag, xpath=record.xpath, line=record.line)
        report.failed("data", "record", finding)
        raise SignatureRefused(report) from None
    held = sum(len(layout.signatures(slot)) for slot in layout.blocks)
    for finding in foreign_parts(record, signatures=held, in_slot=is_slot_of_2026):
        report.failed("namespaces", "record", finding)
    if report.findings:
        raise SignatureRefused(report)
    return layout


def _require_signatures(record: ParsedRecord, layout: Layout2026, report: Report) -> None:
    """Step 0, SBX-3001: each slot is there and signed, and none is there for nothing."""
    for slot, block in layout.blocks.items():
        if layout.signatures(slot):
            report.passed("signature_present", str(slot), "SBX-3001", "True", "True")
            continue
        missing = str(slot.post) if block is None else "Signature"
        place = record.xpath if block is None else path_of(block, record=record)
        line = record.line if block is None else line_of(block)
        finding = Finding("SBX-3001", field=missing, xpath=place, line=line, expected=str(slot))
        report.failed("signature_present", str(slot), finding)
    for block in layout.beside:
        place = path_of(block, record=record)
        finding = Finding("SBX-3001", field="DIEM_TONG_KET", xpath=place, line=line_of(block))
        report.failed("signature_present", "GVBM", finding)


def _require_unique_ids(record: ParsedRecord, layout: Layout2026, ids: Ids, report: Report) -> None:
    """SBX-3005: no Id occurs twice, but that of a GVBM in its sheet and in its slot.

    Ids of Signatures are for the checks of their slots.
    """
    pairs = [
        {id(layout.teacher(slot)), id(block)}
        for slot, block in layout.blocks.items()
        if slot.post is Post.GVBM
    ]
    for name, carriers in ids.items():
        found = [one for one in carriers if not str(one.tag).startswith(ds(""))]
        if len(found) < 2 or (len(found) == 2 and {id(one) for one in found} in pairs):
            continue
        place = path_of(found[-1], record=record)
        finding = Finding("SBX-3005", field="Id", xpath=place, line=line_of(found[-1]), value=name)
        report.failed("identifiers", "record", finding)


def _check_each(
    record: ParsedRecord,
    layout: Layout2026,
    ids: Ids,
    report: Report,
    *,
    trust: Trust | None,
    revocations: Revocations | None,
) -> Opened:
    """Steps 1 to 4 for each slot: structure, certificate, value, digests."""
    digests: dict[int, bytes] = {}
    opened: Opened = {}
    for slot, block in layout.blocks.items():
        signatures = layout.signatures(slot)
        if block is None or not signatures:
            continue
        target = layout.target(slot)
        place = Place(
            label=str(slot),
            xpath=f"{path_of(block, record=record)}/Signature",
            target=target,
            ids=ids,
            is_elsewhere=lambda wanted: is_in_another_record(record, wanted),
        )
        signature = check_structure(signatures, place, report)
        if signature is None:
            continue
        opened[slot] = signature
        check_certificate(signature, place, report, trust=trust, revocations=revocations)
        check_signature_value(signature, place, report)
        digest = digests.get(id(target))
        if digest is None:
            digest = digests[id(target)] = hashlib.sha256(canonical(target)).digest()
        check_digests(signature, place, report, target_digest=digest)
    return opened


def _check_signers(
    record: ParsedRecord,
    layout: Layout2026,
    opened: Opened,
    report: Report,
    *,
    registered: Registered | None,
) -> None:
    """Step 5: persons (SBX-3010), then the school's certificate (SBX-3009)."""
    for slot, signature in opened.items():
        block, certificate = layout.blocks[slot], signature.certificate
        if certificate is None or block is None:
            continue
        if slot.post is Post.KY_PHAT_HANH:
            check_school_certificate(
                certificate,
                report,
                school=layout.general.get("MA_TRUONG"),
                block=block,
                xpath=path_of(block, record=record),
                registered=registered,
            )
            continue
        _check_person(record, layout, slot, certificate, report)


def _check_person(
    record: ParsedRecord,
    layout: Layout2026,
    slot: Slot2026,
    certificate: Certificate,
    report: Report,
) -> None:
    """SBX-3010: who the certificate says signed is who the signed data name for *slot*."""
    block, uid = layout.blocks[slot], certificate.uid
    if block is not None and not uid.startswith(_PERSON):
        _differs(record, block, report, slot, field=slot.post, value=uid, expected=f"{_PERSON}…")
        return
    named: list[tuple[str, Element | None, str, Callable[[str, str], bool]]] = []
    if slot.post is Post.GVBM:
        named.append(("GVBM", layout.teacher(slot), certificate.common_name, same_name))
    else:
        id_tag, name_tag = _NAMED[slot.post]
        number, general = uid.removeprefix(_PERSON), layout.general
        named.append((id_tag, general.get(id_tag), number, same_text))
        named.append((name_tag, general.get(name_tag), certificate.common_name, same_name))
    for tag, element, said, is_same in named:
        found = "" if element is None else (element.text or "").strip()
        if is_same(found, said):
            report.passed("person", str(slot), "SBX-3010", said, found)
        else:
            at = layout.inner if element is None else element
            _differs(record, at, report, slot, field=tag, value=found, expected=said)


def _differs(
    record: ParsedRecord,
    element: Element,
    report: Report,
    slot: Slot2026,
    *,
    field: str,
    value: str,
    expected: str,
) -> None:
    place = path_of(element, record=record)
    finding = Finding(
        "SBX-3010", field=field, xpath=place, line=line_of(element), value=value, expected=expected
    )
    report.failed("person", str(slot), finding)


def _check_times(
    record: ParsedRecord, layout: Layout2026, opened: Opened, report: Report, *, at: datetime
) -> dict[Slot2026, datetime]:
    """Step 6, SBX-3012: SigningTime is a moment and not in the future."""
    times: dict[Slot2026, datetime] = {}
    limit = at + moments.AHEAD
    for slot, signature in opened.items():
        moment = moments.read(signature.signing_time)
        if moment is not None:
            times[slot] = moment
            if moment <= limit:
                report.passed("signing_time", str(slot), "SBX-3012", None, signature.signing_time)
                continue
        finding = Finding(
            "SBX-3012",
            field="SigningTime",
            xpath=path_of(signature.element, record=record),
            line=line_of(signature.element),
            value=signature.signing_time,
            expected=moments.FORM if moment is None else f"<= {moments.written(limit)}",
        )
        report.failed("signing_time", str(slot), finding)
    return times


def _check_order(
    record: ParsedRecord,
    opened: Opened,
    times: Mapping[Slot2026, datetime],
    report: Report,
) -> None:
    """Step 7, SBX-3011: every GVBM ≤ GVCN ≤ CBQL ≤ KY_PHAT_HANH, by SigningTime."""
    before: Slot2026 | None = None
    for post in Post:
        slots = [slot for slot in times if slot.post is post]
        for slot in slots:
            if before is None:
                break
            said = opened[slot].signing_time
            limit = f">= {opened[before].signing_time} {before}"
            if times[before] <= times[slot]:
                report.passed("signing_order", str(slot), "SBX-3011", limit, said)
                continue
            finding = Finding(
                "SBX-3011",
                field="SigningTime",
                xpath=path_of(opened[slot].element, record=record),
                line=line_of(opened[slot].element),
                value=said,
                expected=limit,
            )
            report.failed("signing_order", str(slot), finding)
        if slots:
            before = max(slots, key=lambda slot: times[slot])
