"""Steps 4 to 8: one record, alone. One bad record never refuses its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sandbox.documents import (
    ParsedRecord,
    RecordIdentity,
    check_schema,
    data_element,
    identify,
    locate,
    read_report_card,
)
from sandbox.documents.tree import Element
from sandbox.domain.assessment import check_rules
from sandbox.domain.consistency import (
    check_consistency,
    check_created_before,
    check_practice_marks,
)
from sandbox.domain.divisions import first_year
from sandbox.domain.rejections import Stage
from sandbox.domain.report_card import ReportCard, Slot
from sandbox.errors import Finding, Refused
from sandbox.ministry.checking.context import Context
from sandbox.ministry.checking.verdict import RecordVerdict, in_order, refuses
from sandbox.ministry.model import RegisterUnit
from sandbox.xmldsig import SignatureRefused, SignedRecord, verify_record


@dataclass(frozen=True, slots=True)
class Draft:
    """A record checked as far as it can be without knowing what came before.

    `verdict` holds what steps 4 to 7 say; `later` what step 8 would add, kept apart because the
    pupil's facts (step 7) are looked up last.
    """

    verdict: RecordVerdict
    later: tuple[Finding, ...] = ()


def check_record(
    record: ParsedRecord,
    context: Context,
    *,
    units: Mapping[str, RegisterUnit] | None,
    identity: RecordIdentity | None = None,
    is_canonical: bool = False,
) -> Draft:
    """Take *record* through steps 4 to 8, stopping at the first stage that refuses.

    *identity* is what `identify` said of it, when somebody asked already; *is_canonical* whether
    its document's bytes are known to be their canonical form.

    Raises:
        Unavailable: a revocation list is away; the package waits.
    """
    verdict = RecordVerdict(record=record, identity=identity or identify(record))
    with context.timed("4"):
        schema, read = step_4_schema(record, context)
    if read is None or refuses(schema):
        return Draft(_refused(verdict, Stage.SCHEMA, schema))
    with context.timed("5-6"):
        try:
            signed = step_5_and_6_signatures(
                record,
                context,
                school=verdict.identity.school_code,
                is_canonical=is_canonical,
            )
        except Refused as refusal:
            stage = Stage.SCHEMA if refusal.code.startswith("SBX-2") else Stage.SIGNATURE
            return Draft(_refused(verdict, stage, list(refusal.findings)))
    card = _signed_card(read, signed)
    times = [facts.signing_time for facts in signed.signatures.values()]
    if early := [locate(record, f) for f in check_created_before(card, times)]:
        return Draft(_refused(verdict, Stage.SCHEMA, early))
    warnings = [*schema, *signed.warnings]
    verdict = replace(verdict, card=card, digest=signed.data_digest.hex())
    with context.timed("7"):
        register = step_7_register(record, card, context, units=units)
    if refuses(register):
        return Draft(_refused(verdict, Stage.REGISTER, register))
    with context.timed("8"):
        rules = step_8_rules(record, card)
    return Draft(replace(verdict, findings=tuple(warnings)), tuple(rules))


def _refused(verdict: RecordVerdict, stage: Stage, findings: list[Finding]) -> RecordVerdict:
    return replace(verdict, stage=stage, findings=in_order(findings))


@dataclass(frozen=True, slots=True)
class CardRead:
    """A report card and the element it was read from."""

    card: ReportCard
    source: Element


def step_4_schema(record: ParsedRecord, context: Context) -> tuple[list[Finding], CardRead | None]:
    """Schema of `HOC_BA`, never of the package; lists, dates and fields that contradict.

    The card is what the record says so far; nobody believes it before step 6.
    """
    findings = check_schema(record, switches=context.exercise.switches)
    if refuses(findings):
        return findings, None
    read = CardRead(read_report_card(record), data_element(record))
    faults = [locate(record, finding) for finding in check_consistency(read.card)]
    return [*findings, *faults], read


def _signed_card(read: CardRead, signed: SignedRecord) -> ReportCard:
    """Return the card that step 4 read, now that its very element proved to be what was signed.

    Reading it again from the canonical bytes would parse every record twice.
    """
    if read.source is not signed.data_element:
        raise AssertionError("the card was read from an element that nobody signed")
    return read.card


def step_5_and_6_signatures(
    record: ParsedRecord, context: Context, *, school: str | None, is_canonical: bool = False
) -> SignedRecord:
    """Ids, signatures, certificates, persons, in the order of record-format §5.3.

    Raises:
        Refused: SBX-30xx.
        Unavailable: a revocation list is away.
    """
    approvals = context.approvals
    try:
        signed = verify_record(
            record,
            trust=context.trust,
            revocations=context.revocations,
            at=context.at,
            registered=None if approvals is None else approvals.may_seal,
            trace=False,
            is_canonical=is_canonical,
        )
    except SignatureRefused as refusal:
        context.skip(*refusal.report.not_checked)
        raise
    context.skip(*signed.not_checked)
    if approvals is not None:
        _require_approved_then(record, signed, context, school=school or "")
    return signed


def _require_approved_then(
    record: ParsedRecord, signed: SignedRecord, context: Context, *, school: str
) -> None:
    """Refuse a seal made after its certificate was replaced (transactions §6)."""
    facts = signed.signatures[Slot.KY_PHAT_HANH]
    assert context.approvals is not None
    replaced = context.approvals.replaced_at(school, facts.signer)
    if replaced is not None and facts.signing_time > replaced:
        fault = Finding(
            "SBX-3009",
            field="SigningTime",
            xpath=f"{record.xpath}/DANH_SACH_THONG_TIN_KY/KY_PHAT_HANH/Signature",
            line=record.line,
            value=facts.signing_time.isoformat(),
            expected=f"<= {replaced.isoformat()}",
        )
        raise Refused(fault)


_REGISTERED = (
    ("TEN_TRUONG", "school_name", "ten_truong"),
    ("MA_SO_GIAO_DUC", "department_code", "ma_so_giao_duc"),
    ("TEN_SO_GD", "department_name", "ten_so_gd"),
    ("TEN_XA_PHUONG", "commune", "ten_xa_phuong"),
    ("TEN_QUAN_HUYEN", "district", "ten_quan_huyen"),
    ("TEN_TINH_THANH_PHO", "province", "ten_tinh_thanh_pho"),
)
"""Tag, attribute of the card, column of the register: equal to the letter."""


def step_7_register(
    record: ParsedRecord,
    card: ReportCard,
    context: Context,
    *,
    units: Mapping[str, RegisterUnit] | None,
) -> list[Finding]:
    """School, year, practice range; the pupil's facts follow when they are looked up."""
    findings = _school_faults(card, context, units)
    findings += _year_faults(card, context)
    findings += check_practice_marks(card)
    return [locate(record, finding) for finding in findings]


def _school_faults(
    card: ReportCard, context: Context, units: Mapping[str, RegisterUnit] | None
) -> list[Finding]:
    general = card.general
    if units is None:
        context.skip("SBX-5001")
        return []
    unit = units.get(general.school_code)
    if unit is None or not _belongs(unit, context):
        return [Finding("SBX-5001", field="MA_TRUONG", value=general.school_code)]
    return [
        Finding("SBX-5001", field=tag, value=getattr(general, name), expected=getattr(unit, column))
        for tag, name, column in _REGISTERED
        if getattr(general, name) != getattr(unit, column)
    ]


def _belongs(unit: RegisterUnit, context: Context) -> bool:
    """Tell whether the sender may hand in records of *unit* (record-format §8)."""
    sender = context.sender
    if sender is None:
        return True
    return sender.unit_code == (unit.ma_so_giao_duc if sender.kind == "so" else unit.ma_truong)


def _year_faults(card: ReportCard, context: Context) -> list[Finding]:
    """A school year the exercise has not reached is in no register."""
    said, now = first_year(card.general.school_year), first_year(context.exercise.school_year)
    if said is None or now is None or said <= now:
        return []
    return [
        Finding(
            "SBX-5001",
            field="TEN_NAM_HOC",
            value=card.general.school_year,
            expected=f"<= {context.exercise.school_year}",
        )
    ]


def step_8_rules(record: ParsedRecord, card: ReportCard) -> list[Finding]:
    """Assessment rules (Circular 27): results recomputed, awards, promotion."""
    return [locate(record, finding) for finding in check_rules(card)]
