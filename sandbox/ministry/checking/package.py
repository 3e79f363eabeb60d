"""Steps 1 to 3: the package, and the whole way of a package through all steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.documents import ParsedPackage, RecordIdentity, envelope, identify, parse, parse_record
from sandbox.domain.divisions import first_year
from sandbox.domain.rejections import Stage
from sandbox.errors import Finding, Refused
from sandbox.ministry.checking.context import Context
from sandbox.ministry.checking.record import Draft, check_record
from sandbox.ministry.checking.settling import Earlier, settle
from sandbox.ministry.checking.verdict import PackageVerdict, RecordVerdict
from sandbox.ministry.model import RegisterUnit
from sandbox.xmldsig import SignatureRefused, verify_package


@dataclass(frozen=True, slots=True)
class Opened:
    """A package that passed steps 1 to 3."""

    package: ParsedPackage
    warnings: tuple[Finding, ...]
    identities: tuple[RecordIdentity, ...]
    """Of each record, as far as it could be read."""
    is_canonical: bool = False
    """Whether the document's bytes are known to be its canonical form."""


def check_package(
    delivery: str | bytes, context: Context, *, earlier: Earlier | None = None
) -> PackageVerdict:
    """Take a delivery through all steps and return its verdict.

    *delivery* is the `content` of a request, or the bytes of a package document. *earlier* is
    what the desk holds; without it the codes that need it stand in `not_checked`.

    Raises:
        Unavailable: a revocation list is away; nobody is refused for it.
    """
    opened = open_package(delivery, context)
    if isinstance(opened, PackageVerdict):
        return opened
    drafts = check_records(opened, context)
    with context.timed("9"):
        records = settle(drafts, context, earlier=earlier)
    return conclude(opened, records, context)


def check_record_file(
    xml: bytes, context: Context, *, earlier: Earlier | None = None
) -> PackageVerdict:
    """Check a file that holds one record and no package: steps 2 and 4 to 9.

    Raises:
        Unavailable: a revocation list is away.
    """
    try:
        record = parse_record(xml, limits=context.exercise.limits)
    except Refused as refusal:
        return PackageVerdict(findings=refusal.findings)
    context.skip("SBX-1110", "SBX-1111", "SBX-1116")
    code = identify(record).school_code
    units = None if context.register is None else context.register(frozenset({code or ""}))
    draft = check_record(record, context, units=units)
    records = settle([draft], context, earlier=earlier)
    return PackageVerdict(
        records=records, not_checked=context.not_checked, timings=dict(context.timings)
    )


def open_package(delivery: str | bytes, context: Context) -> Opened | PackageVerdict:
    """Take a delivery through steps 1 to 3; a verdict when one of them refuses.

    Raises:
        Unavailable: a revocation list is away.
    """
    warnings: tuple[Finding, ...] = ()
    try:
        if isinstance(delivery, str):
            with context.timed("1"):
                delivery, warnings = step_1_decode(delivery, context)
        with context.timed("2"):
            package = step_2_safe_xml(delivery, context)
    except Refused as refusal:
        return _nothing_read(refusal, context)
    try:
        with context.timed("3"):
            identities, is_canonical = step_3_root_and_sender(package, context)
    except Refused as refusal:
        return _refuse_all(package, refusal, context)
    return Opened(package, (*warnings, *package.warnings), identities, is_canonical)


def step_1_decode(content: str, context: Context) -> tuple[bytes, tuple[Finding, ...]]:
    """Undo the envelope: SBX-1108, SBX-1105, warning SBX-1191."""
    unpacked = envelope.unpack(content, limits=context.exercise.limits)
    return unpacked.xml, unpacked.warnings


def step_2_safe_xml(xml: bytes, context: Context) -> ParsedPackage:
    """Parse within bounds: SBX-1113, SBX-1114, SBX-1115, SBX-1105; the root: SBX-1109."""
    return parse(xml, limits=context.exercise.limits)


def step_3_root_and_sender(
    package: ParsedPackage, context: Context
) -> tuple[tuple[RecordIdentity, ...], bool]:
    """Package signature (1110), its certificate (1111), one year and one sender (1116).

    Returns whose the records say they are, and whether the document is canonical as it stands.

    Raises:
        Refused: SBX-1110, SBX-1111 or SBX-1116.
        Unavailable: a revocation list is away.
    """
    sender, approvals = context.sender, context.approvals
    approved = None
    if approvals is None or sender is None:
        context.skip("SBX-1111")
    else:
        unit_code = sender.unit_code
        approved = lambda certificate: approvals.may_send(unit_code, certificate)  # noqa: E731
    try:
        signature = verify_package(
            package,
            trust=context.trust,
            revocations=context.revocations,
            at=context.at,
            registered=approved,
        )
    except SignatureRefused as refusal:
        context.skip(*refusal.report.not_checked)
        raise
    context.skip(*(code for code in signature.not_checked if code != "SBX-3009"))
    if context.revocations is not None and context.trust is not None:
        signer = signature.facts.signer
        state = context.revocations(signer.issuer_name).state_at(signer.serial, context.at)
        if state != "good":  # revoked since: it stops new submissions at once (transactions §6)
            code = "SBX-3015" if state == "suspended" else "SBX-3016"
            where = "/DANH_SACH_HOC_BA/Signature"
            cause = Finding(code, field="X509Certificate", xpath=where, value=signer.serial_hex)
            raise Refused(Finding("SBX-1111", field="Signature", xpath=where, within=(cause,)))
    identities = tuple(identify(record) for record in package.records)
    _require_one_year_and_sender(package, identities, context)
    return identities, signature.is_canonical


def _require_one_year_and_sender(
    package: ParsedPackage, said: tuple[RecordIdentity, ...], context: Context
) -> None:
    """Refuse an empty package, two years in one, or a school's package of several schools."""
    if not package.records:
        raise Refused(Finding("SBX-1116", field="HOC_BA", xpath="/DANH_SACH_HOC_BA", value="0"))
    identities = list(zip(package.records, said, strict=True))
    _require_one([(r.xpath, r.line, i.school_year) for r, i in identities], field="TEN_NAM_HOC")
    sender = context.sender
    if sender is None or sender.kind != "so":
        _require_one([(r.xpath, r.line, i.school_code) for r, i in identities], field="MA_TRUONG")
    years = {i.school_year for _, i in identities if i.school_year}
    if sender is None or sender.nam_hoc is None:
        return
    for year in years:
        if first_year(year) not in (None, sender.nam_hoc):
            raise Refused(
                Finding(
                    "SBX-1116",
                    field="nam_hoc",
                    pointer="/authenticationRequest/nam_hoc",
                    value=str(sender.nam_hoc),
                    expected=year,
                )
            )


def _require_one(rows: list[tuple[str, int, str | None]], *, field: str) -> None:
    """Refuse when two records say different things; one that says nothing is step 4's to refuse."""
    said = [(xpath, line, value) for xpath, line, value in rows if value]
    for xpath, line, value in said:
        if value != said[0][2]:
            raise Refused(
                Finding(
                    "SBX-1116",
                    field=field,
                    xpath=f"{xpath}/DU_LIEU_HOC_BA/THONG_TIN_CHUNG/{field}",
                    line=line,
                    value=value,
                    expected=said[0][2],
                )
            )


def check_records(opened: Opened, context: Context) -> list[Draft]:
    """Take each record, alone, through steps 4 to 8."""
    records = opened.package.records
    units: Mapping[str, RegisterUnit] | None = None
    if context.register is not None:
        units = context.register(frozenset(i.school_code or "" for i in opened.identities))
    drafts = []
    for record, identity in zip(records, opened.identities, strict=True):
        context.between_records()
        drafts.append(
            check_record(
                record,
                context,
                units=units,
                identity=identity,
                is_canonical=opened.is_canonical,
            )
        )
        record.kept.clear()  # of 2,000 records it would be as much again as the document
    return drafts


def conclude(
    opened: Opened, records: tuple[RecordVerdict, ...], context: Context
) -> PackageVerdict:
    """Return the verdict of a package that was not refused as a whole."""
    return PackageVerdict(
        findings=opened.warnings,
        records=records,
        not_checked=context.not_checked,
        timings=dict(context.timings),
    )


def _nothing_read(refusal: Refused, context: Context) -> PackageVerdict:
    return PackageVerdict(
        findings=refusal.findings,
        not_checked=context.not_checked,
        timings=dict(context.timings),
    )


def _refuse_all(package: ParsedPackage, refusal: Refused, context: Context) -> PackageVerdict:
    """Answer every record that could be read with the package's own code."""
    records = tuple(
        RecordVerdict(
            record=record,
            identity=identify(record),
            stage=Stage.PACKAGE,
            findings=refusal.findings,
        )
        for record in package.records
    )
    return PackageVerdict(
        findings=refusal.findings,
        records=records,
        not_checked=context.not_checked,
        timings=dict(context.timings),
    )
