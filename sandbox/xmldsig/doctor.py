"""The signature doctor: who signed what, which step fails, and the probable cause.

The verdict is the strict verifier's own (`verify_record`, `verify_package`): it is called here and
its report is handed on. The doctor only adds what a person needs to mend it: the digests, the
canonical bytes, and the causes, ranked by trying each mistake against digest and value.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from sandbox.documents import Limits, ParsedPackage, ParsedRecord, parse_upload
from sandbox.documents.parser import safe_tree
from sandbox.documents.tree import Element, bare_name, line_of
from sandbox.domain.rejections import CATALOGUE
from sandbox.errors import Finding, Refused
from sandbox.pki import Certificate, Trust
from sandbox.xmldsig.canonical import canonical as cheap_form
from sandbox.xmldsig.doctor_digests import Question, explain_digest, neighbours_in, without
from sandbox.xmldsig.doctor_forms import canonical_alone, forms_of
from sandbox.xmldsig.doctor_model import (
    PACKAGE_PLACE,
    Cause,
    Digest,
    Examination,
    RecordExam,
    SignatureExam,
    ranked,
)
from sandbox.xmldsig.doctor_reading import (
    SignatureRead,
    Source,
    records_in,
    signature_of_package,
    signatures_of_record,
)
from sandbox.xmldsig.doctor_structure import causes_of_findings, causes_read
from sandbox.xmldsig.doctor_values import ValueQuestion, explain_value, holds, messages_of
from sandbox.xmldsig.names import RECORD_TAG
from sandbox.xmldsig.package import Approved, verify_package
from sandbox.xmldsig.persons import Registered
from sandbox.xmldsig.record import verify_record
from sandbox.xmldsig.report import SignatureRefused, Step
from sandbox.xmldsig.structure import from_base64
from sandbox.xmldsig.validity import Revocations

MOST_TRIED: Final = 5
"""Refused records whose causes are looked for; the others get the verdict and its codes."""
LARGEST_TRIED: Final = 800_000
"""Bytes of a package beyond which its own signature gets no trials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checks:
    """What the strict verifier is told."""

    trust: Trust | None
    revocations: Revocations | None
    at: datetime
    registered: Registered | None
    approved: Approved | None


@dataclass(slots=True)
class _Case:
    """One examination under way."""

    source: Source
    certificates: Mapping[str, Certificate]
    memory: dict[tuple[str, str, bytes], list[Cause]] = field(default_factory=dict)


def examine(
    xml: bytes,
    *,
    trust: Trust | None,
    revocations: Revocations | None,
    at: datetime,
    registered: Registered | None,
    approved: Approved | None = None,
    known: Iterable[Certificate] = (),
    limits: Limits | None = None,
    only: int | None = None,
) -> Examination:
    """Return what stands in *xml*, a package or a single record, and why it does not hold.

    *trust*, *revocations*, *at* and *registered* are those of `verify_record`, *approved* is the
    `registered` of `verify_package`; a None leaves the checks out. *known* are certificates that
    may have signed by mistake. *only* is the number of the one record whose causes are looked for.

    Never raises for anything in *xml*. Raises `Unavailable` when a revocation list is away.
    """
    checks = _Checks(
        trust=trust, revocations=revocations, at=at, registered=registered, approved=approved
    )
    try:
        uploaded = parse_upload(xml, limits=limits)
    except Refused as refusal:
        return _unread(xml, refusal, limits or Limits(), known)
    if isinstance(uploaded, ParsedPackage):
        return _package(uploaded, checks, known, only=only)
    case = _Case(Source(uploaded.element, uploaded.document), _known(known, trust))
    exam, not_checked = _record(uploaded, checks, case, tries=True)
    return Examination(
        kind="record",
        findings=(),
        package=None,
        records=(exam,),
        not_checked=not_checked,
        causes=exam.causes,
    )


def _package(
    package: ParsedPackage, checks: _Checks, known: Iterable[Certificate], *, only: int | None
) -> Examination:
    findings: tuple[Finding, ...] = ()
    skipped: list[str] = []
    try:
        signed = verify_package(
            package,
            trust=checks.trust,
            revocations=checks.revocations,
            at=checks.at,
            registered=checks.approved,
        )
        steps, missing = signed.steps, signed.not_checked
    except SignatureRefused as refusal:
        findings = refusal.findings
        steps, missing = tuple(refusal.report.steps), tuple(refusal.report.not_checked)
    skipped += ("SBX-1111" if code == "SBX-3009" else code for code in missing)
    case = _Case(Source(package.root, package.xml), _known(known, checks.trust))
    exam = _enveloping(package.root, steps, findings, case)
    records, tried = [], 0
    for record in package.records:
        wanted = record.number == only if only is not None else tried < MOST_TRIED
        found, missing = _record(record, checks, case, tries=wanted)
        tried += bool(found.findings)
        skipped += missing
        records.append(found)
    causes = [*(exam.causes if exam else causes_of_findings(findings, place=PACKAGE_PLACE))]
    causes += [cause for record in records for cause in record.causes]
    result = Examination(
        kind=PACKAGE_PLACE,
        findings=findings,
        package=exam,
        records=tuple(records),
        not_checked=tuple(code for code in CATALOGUE if code in skipped),
        causes=(),
    )
    return replace(result, causes=ranked(causes, result.codes))


def _record(
    record: ParsedRecord, checks: _Checks, case: _Case, *, tries: bool
) -> tuple[RecordExam, tuple[str, ...]]:
    findings: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    try:
        signed = verify_record(
            record,
            trust=checks.trust,
            revocations=checks.revocations,
            at=checks.at,
            registered=checks.registered,
        )
        steps, missing, warnings = signed.steps, signed.not_checked, signed.warnings
    except SignatureRefused as refusal:
        findings = refusal.findings
        steps, missing = tuple(refusal.report.steps), tuple(refusal.report.not_checked)
    reads = list(signatures_of_record(record.element, record.xpath))
    exams = _signatures(reads, record.element, steps, case, tries=tries and bool(findings))
    causes = [cause for exam in exams for cause in exam.causes]
    causes += causes_of_findings(findings, place="record")
    codes = tuple(dict.fromkeys(finding.code for finding in findings))
    exam = RecordExam(
        number=record.number,
        xpath=record.xpath,
        findings=findings,
        warnings=warnings,
        steps=tuple(step for step in steps if step.place == "record"),
        signatures=tuple(exams),
        causes=ranked(causes, codes) if findings else (),
    )
    return exam, missing


def _signatures(
    reads: list[SignatureRead],
    record: Element,
    steps: tuple[Step, ...],
    case: _Case,
    *,
    tries: bool,
) -> list[SignatureExam]:
    neighbours = neighbours_in(record, case.source.root) if tries else {}
    exams = []
    for read in reads:
        mine = tuple(step for step in steps if step.place == read.place)
        exam = _signature(read, mine, read.target)
        if tries and not exam.holds:
            others = [other for other in reads if other is not read]
            causes = causes_read(read, record)
            causes += _tried(read, exam, others, case, read.target, neighbours)
            codes = tuple(dict.fromkeys(step.code for step in mine if not step.passed))
            exam = replace(exam, causes=ranked(causes, codes))
        exams.append(exam)
    return exams


def _enveloping(
    root: Element, steps: tuple[Step, ...], findings: tuple[Finding, ...], case: _Case
) -> SignatureExam | None:
    read = signature_of_package(root)
    if read is None:
        return None
    covered = without(root, read.element)
    exam = _signature(read, steps, covered)
    if not findings:
        return exam
    causes = causes_read(read, root)
    if len(case.source.document) <= LARGEST_TRIED:
        causes += _tried(read, exam, [], case, covered, {})
    causes += causes_of_findings(findings, place=PACKAGE_PLACE)
    codes = tuple(dict.fromkeys(step.code for step in steps if not step.passed))
    found = ranked(causes, codes)
    # to the outside world the package answers with its own code, whatever is behind it
    shown = tuple(replace(cause, code=findings[0].code) for cause in found)
    return replace(exam, causes=shown)


def _raw_target(read: SignatureRead, case: _Case) -> bytes:
    return b"" if read.target is None else case.source.raw(read.target)


def _signature(
    read: SignatureRead, steps: tuple[Step, ...], covered: Element | None
) -> SignatureExam:
    canonical: dict[str, bytes] = {}
    parts = {"data": covered, "properties": read.properties, "signed_info": read.signed_info}
    # where every step passed nothing is declared that could make the cheap form another one
    is_good = bool(steps) and all(step.passed for step in steps)
    for part, element in parts.items():
        if element is not None:
            is_root = part == "data" and read.place == PACKAGE_PLACE
            cheap = is_good and not is_root
            canonical[part] = cheap_form(element) if cheap else canonical_alone(element)
    certificate = next(iter(read.certificates), None)
    return SignatureExam(
        place=read.place,
        xpath=read.xpath,
        line=line_of(read.element),
        signature_id=read.signature_id,
        algorithm=read.algorithm,
        canonicalization=read.canonicalization,
        signing_time=read.signing_time,
        certificate=certificate,
        steps=steps,
        digests=tuple(_digests(read, canonical)),
        value_holds=is_good
        or (
            certificate is not None
            and holds(
                read.value,
                canonical.get("signed_info", b""),
                certificate=certificate,
                algorithm=read.algorithm,
            )
        ),
        canonical=canonical,
        causes=(),
    )


def _digests(read: SignatureRead, canonical: Mapping[str, bytes]) -> Iterable[Digest]:
    for part, reference in zip(("data", "properties"), read.references, strict=False):
        if part not in canonical:
            continue
        computed = hashlib.sha256(canonical[part]).digest()
        yield Digest(
            part=part,
            uri=reference.uri,
            method=reference.method,
            expected=reference.value,
            computed=base64.b64encode(computed).decode(),
            equal=from_base64(reference.value) == computed,
        )


def _tried(
    read: SignatureRead,
    exam: SignatureExam,
    others: list[SignatureRead],
    case: _Case,
    covered: Element | None,
    neighbours: Mapping[str, bytes],
) -> list[Cause]:
    """Try every mistake against the digests, then against the value."""
    causes: list[Cause] = []
    raw = {"data": _raw_covered(read, case)}
    if read.properties is not None:
        raw["properties"] = case.source.raw(read.properties)
    elements = {"data": covered, "properties": read.properties}
    for part, reference in zip(("data", "properties"), read.references, strict=False):
        element = elements[part]
        if element is None:
            continue
        question = Question(
            place=read.place,
            part=part,
            reference=reference,
            element=element,
            raw=raw[part],
            document=case.source.document if part == "data" else b"",
            neighbours=neighbours if part == "data" else {},
            beside=read.beside,
        )
        causes += _remembered(question, exam.canonical[part], case)
    return causes + _value_causes(read, exam, others, case)


def _raw_covered(read: SignatureRead, case: _Case) -> bytes:
    if read.place == PACKAGE_PLACE:
        return case.source.document.replace(case.source.raw(read.element), b"", 1)
    return _raw_target(read, case)


def _remembered(question: Question, right: bytes, case: _Case) -> list[Cause]:
    """Explain a digest once, though three people signed it."""
    key = (question.part, question.reference.value, hashlib.sha256(right).digest())
    if key not in case.memory:
        case.memory[key] = explain_digest(question)
    return [replace(cause, place=question.place) for cause in case.memory[key]]


def _value_causes(
    read: SignatureRead, exam: SignatureExam, others: list[SignatureRead], case: _Case
) -> list[Cause]:
    if exam.value_holds or exam.certificate is None or read.signed_info is None:
        return []
    digests = [(n, d.computed) for n, d in enumerate(exam.digests)]
    digests += [(0, o.references[0].value) for o in others if o.references]
    forms = list(forms_of(read.signed_info, case.source.raw(read.signed_info)))
    around = {o.place: c for o in others for c in o.certificates}
    around |= {name: c for name, c in case.certificates.items() if c != exam.certificate}
    return explain_value(
        ValueQuestion(
            place=read.place,
            algorithm=read.algorithm,
            value=read.value,
            value_text=read.value_text,
            certificate=exam.certificate,
            others={name: c for name, c in around.items() if c != exam.certificate},
            messages=messages_of(forms, data=exam.canonical.get("data", b""), digests=digests),
        )
    )


def _known(known: Iterable[Certificate], trust: Trust | None) -> dict[str, Certificate]:
    found = {certificate.subject_rfc4514: certificate for certificate in known}
    for issuer in () if trust is None else trust.issuers:
        found.setdefault(issuer.subject_rfc4514, issuer)
    return found


def _unread(
    xml: bytes, refusal: Refused, limits: Limits, known: Iterable[Certificate]
) -> Examination:
    """Examine a document that was refused before its signatures, as far as it is a tree at all."""
    records: list[RecordExam] = []
    kind = ""
    causes = causes_of_findings(refusal.findings, place="document")
    try:
        root, document = safe_tree(xml, limits=limits)
    except Refused:
        root = None
    if root is not None:
        kind = "record" if bare_name(root.tag) == RECORD_TAG else PACKAGE_PLACE
        case = _Case(Source(root, document), _known(known, None))
        for number, element in enumerate(records_in(root)[:MOST_TRIED], start=1):
            xpath = f"/{bare_name(root.tag)}/{RECORD_TAG}[{number}]"
            reads = list(signatures_of_record(element, xpath))
            exams = _signatures(reads, element, (), case, tries=True)
            found = [cause for exam in exams for cause in exam.causes]
            causes += found
            records.append(
                RecordExam(
                    number=number,
                    xpath=xpath,
                    findings=(),
                    warnings=(),
                    steps=(),
                    signatures=tuple(exams),
                    causes=ranked(found, ()),
                )
            )
    return Examination(
        kind=kind,
        findings=refusal.findings,
        package=None,
        records=tuple(records),
        not_checked=(),
        causes=ranked(causes, tuple(f.code for f in refusal.findings)),
    )
