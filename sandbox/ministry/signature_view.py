"""Who signed what, when, and does it still hold: one look at a file, for three kinds of reader.

The codes are those the desk's own checking answers (stages package, schema, signature), the six
lines are those of public verification, the causes are the signature doctor's. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from sandbox.documents import (
    ParsedPackage,
    ParsedRecord,
    RecordIdentity,
    identify,
    parse_record,
    parse_upload,
)
from sandbox.domain.rejections import CATALOGUE, Stage
from sandbox.errors import Finding, Refused
from sandbox.ministry.checking.at_desk import DeskChecks
from sandbox.ministry.checking.context import Context, Sender
from sandbox.ministry.checking.package import open_package, step_1_decode
from sandbox.ministry.checking.record import check_record
from sandbox.ministry.checking.verdict import PackageVerdict
from sandbox.ministry.model import Desk, desk_of_department
from sandbox.ministry.service import MinistryService
from sandbox.ministry.verification import ABSENT, DIFFERENT, PublicVerification, Verification
from sandbox.web.spaces import Space
from sandbox.xmldsig.doctor import examine
from sandbox.xmldsig.doctor_model import Cause, Examination, RecordExam, ranked
from sandbox.xmldsig.doctor_structure import causes_of_findings

HOLDS, RIGHT, NO_COPY = "co_gia_tri", "dung", "chua_luu"
OTHER_COPY, DEAD, WRONG, WRONG_PACKAGE = (
    "khac_ban_luu",
    "het_gia_tri",
    "khong_dung",
    "goi_khong_dung",
)
"""The conclusions; all but `RIGHT`, which offline looks end with, know the stored copy."""
_STAGES: Final = frozenset({Stage.PACKAGE, Stage.SCHEMA, Stage.SIGNATURE})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLook:
    """One record: the desk's codes and the doctor's examination."""

    number: int
    identity: RecordIdentity
    findings: tuple[Finding, ...]
    exam: RecordExam | None

    @property
    def codes(self) -> tuple[str, ...]:
        """Refusing codes, each once."""
        return _codes(self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a delivery. *findings* are those of the package or of the file itself."""

    at: datetime
    kind: str
    """`package`, `record`, or empty when it is neither."""
    findings: tuple[Finding, ...]
    records: tuple[RecordLook, ...]
    examination: Examination | None
    causes: tuple[Cause, ...]
    not_checked: tuple[str, ...]
    verification: Verification | None = None
    """The six checks and the stored copy, of the record shown; at a desk only."""
    shown: int | None = None
    """Number of the record shown."""
    document: bytes = field(default=b"", repr=False)

    @property
    def codes(self) -> tuple[str, ...]:
        """The desk's answer: the package's codes, else those of its records; empty when right."""
        rows = [self.findings] if self.findings else [r.findings for r in self.records]
        return tuple(dict.fromkeys(code for row in rows for code in _codes(row)))

    @property
    def record(self) -> RecordLook | None:
        """The record shown."""
        return next((r for r in self.records if r.number == self.shown), None)

    @property
    def conclusion(self) -> str:
        """The one verdict, the same on every level."""
        if self.findings:
            return WRONG_PACKAGE if self.kind == "package" else WRONG
        if self.codes:
            return WRONG
        found = self.verification
        if found is None:
            return RIGHT
        if found.copy in (ABSENT, DIFFERENT):
            return NO_COPY if found.copy == ABSENT else OTHER_COPY
        return HOLDS if found.valid else DEAD


def look_at(delivery: str | bytes, context: Context, *, only: int | None = None) -> Look:
    """Return what the signatures of *delivery* say, a content or a document.

    *only* is the number of the record to show; without it the first refused one, else the first.

    Raises:
        Unavailable: a revocation list is away.
    """
    if isinstance(delivery, str):
        try:
            delivery, _ = step_1_decode(delivery, context)
        except Refused as refusal:
            return _unopened(refusal, context)
    is_record = _is_record(delivery)
    findings, found = _answered(delivery, context, is_record=is_record)
    numbers = [number for number, _, rows in found if _codes(rows)] or [n for n, _, _ in found]
    known = {number for number, _, _ in found}
    shown = only if only in known else next(iter(numbers), None)
    approvals, sender = context.approvals, context.sender
    approved = None
    if approvals is not None and sender is not None:
        approved = lambda certificate: approvals.may_send(sender.unit_code, certificate)  # noqa: E731
    exam = examine(
        delivery,
        trust=context.trust,
        revocations=context.revocations,
        at=context.at,
        registered=None if approvals is None else approvals.may_seal,
        approved=approved,
        limits=context.exercise.limits,
        only=shown if len(known) > 1 else None,
    )
    exams = {record.number: record for record in exam.records}
    look = Look(
        at=context.at,
        kind=exam.kind,
        findings=findings,
        records=tuple(
            RecordLook(number=n, identity=who, findings=rows, exam=exams.get(n))
            for n, who, rows in found
        ),
        examination=exam,
        causes=(),
        not_checked=_not_checked(context, exam),
        shown=shown,
        document=delivery,
    )
    return replace(look, causes=_causes(look, exam))


def _causes(look: Look, exam: Examination) -> tuple[Cause, ...]:
    """Return the doctor's causes, and the desk's own answer where the doctor saw none."""
    causes = list(exam.causes)
    named = {cause.code for cause in causes}
    rest = [f for f in look.findings if f.code not in named and _refuses(f)]
    causes += causes_of_findings(rest, place="document")
    for record in look.records:
        rows = [f for f in record.findings if f.code not in named and _refuses(f)]
        causes += causes_of_findings(rows, place="record")
    return ranked(causes, look.codes)


def _answered(
    document: bytes, context: Context, *, is_record: bool
) -> tuple[tuple[Finding, ...], list[tuple[int, RecordIdentity, tuple[Finding, ...]]]]:
    """Return what the desk's checking says: of the package, and of each record."""
    if is_record:
        try:
            record = parse_record(document, limits=context.exercise.limits)
        except Refused as refusal:
            return refusal.findings, []
        return (), [(1, identify(record), _of_record(record, context))]
    opened = open_package(document, context)
    if isinstance(opened, PackageVerdict):
        return opened.findings, [(r.number, r.identity, ()) for r in opened.records]
    rows = [(r.number, identify(r), _of_record(r, context)) for r in opened.package.records]
    return (), rows


def _of_record(record: ParsedRecord, context: Context) -> tuple[Finding, ...]:
    verdict = check_record(record, context, units=None).verdict
    return verdict.findings if verdict.stage in _STAGES else ()


def _unopened(refusal: Refused, context: Context) -> Look:
    return Look(
        at=context.at,
        kind="",
        findings=refusal.findings,
        records=(),
        examination=None,
        causes=tuple(causes_of_findings(refusal.findings, place="document")),
        not_checked=(),
    )


def _not_checked(context: Context, exam: Examination) -> tuple[str, ...]:
    skipped = {*context.not_checked, *exam.not_checked}
    return tuple(code for code in CATALOGUE if code in skipped and CATALOGUE[code].stage in _STAGES)


def _is_record(document: bytes) -> bool:
    try:
        return isinstance(parse_upload(document), ParsedRecord)
    except Refused:
        return False


def _codes(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    """Return the refusing codes as `chi_tiet` lists them, those within a package's behind it."""
    rows = [f for f in findings if _refuses(f)]
    return tuple(dict.fromkeys(one.code for f in rows for one in (f, *f.within)))


def _refuses(finding: Finding) -> bool:
    return not CATALOGUE[finding.code].is_warning


class SignatureDesk:
    """Looks at deliveries with everything a space knows. Blocking: pages call it off the loop."""

    def __init__(self, service: MinistryService) -> None:
        self._service = service
        self._checks = DeskChecks(service)
        self._public = PublicVerification(service)

    def look(self, space: Space, delivery: str | bytes, *, only: int | None = None) -> Look:
        """Return what *delivery* says in *space*, now.

        The desk is the Cổng of the school, or the Kho for a package of a Sở; the sender is the unit
        the records belong to.

        Raises:
            Unavailable: a revocation list or an OCSP responder is away.
        """
        desk, sender = self._desk_of(space, delivery)
        context = self._checks.context(space, desk, sender)
        look = look_at(delivery, context, only=only)
        record = next((r for r in _records(look.document) if r.number == look.shown), None)
        if record is None:
            return look
        return replace(look, verification=self._public.look_at(space, record, look.at))

    def _desk_of(self, space: Space, delivery: str | bytes) -> tuple[Desk, Sender | None]:
        desks = {desk.desk: desk for desk in self._service.desks(space)}
        if not desks:
            raise Refused(Finding("SBX-5001", field="MA_SO_GIAO_DUC"))
        kho = next(iter(desks.values()))
        document = self._document(space, kho, delivery)
        codes = {identify(record).school_code or "" for record in _records(document)}
        provinces = {code[:2] for code in codes}
        if len(provinces) != 1:
            return kho, None
        (province,) = provinces
        own = desks.get(desk_of_department(province), kho)
        if f"MDV:{province},".encode() in _tail(document) or len(codes) > 1:
            return kho, Sender(province, "so")
        return own, Sender(next(iter(codes)), "truong")

    def _document(self, space: Space, desk: Desk, delivery: str | bytes) -> bytes:
        if isinstance(delivery, bytes):
            return delivery
        try:
            return step_1_decode(delivery, self._checks.context(space, desk, None))[0]
        except Refused:
            return b""


def _records(document: bytes) -> Iterator[ParsedRecord]:
    try:
        uploaded = parse_upload(document)
    except Refused:
        return
    yield from uploaded.records if isinstance(uploaded, ParsedPackage) else (uploaded,)


def _tail(document: bytes) -> bytes:
    """Return what stands behind the last record: the package's own signature."""
    return document[document.rfind(b"</HOC_BA>") :]
