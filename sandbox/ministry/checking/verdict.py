"""What checking says: about a package, and about each record in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.documents import ParsedRecord, RecordIdentity
from sandbox.domain.rejections import CATALOGUE, Stage
from sandbox.domain.report_card import ReportCard
from sandbox.errors import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordVerdict:
    """One record's verdict: accepted with warnings, or refused by the first stage that refuses."""

    record: ParsedRecord = field(repr=False)
    identity: RecordIdentity
    stage: Stage | None = None
    """The stage that refused; None when the record is accepted."""
    findings: tuple[Finding, ...] = ()
    """All codes of the refusing stage, errors first; of an accepted record its warnings."""
    card: ReportCard | None = field(default=None, repr=False)
    """What was signed; only once every signature holds."""
    digest: str | None = None
    """SHA-256 of the signed data element, hex; only once every signature holds."""

    @property
    def accepted(self) -> bool:
        """True when no stage refused."""
        return self.stage is None

    @property
    def number(self) -> int:
        """Place in the package, from 1."""
        return self.record.number


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageVerdict:
    """A package's verdict. A refused package refuses every record it holds with its own code."""

    findings: tuple[Finding, ...] = ()
    """Faults of the package itself, and its warnings."""
    records: tuple[RecordVerdict, ...] = ()
    not_checked: tuple[str, ...] = ()
    """Codes whose checks could not be made, each once, in catalogue order."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds spent per step, by the caller's ticks."""

    @property
    def refused(self) -> bool:
        """True when the package itself was refused."""
        return any(not CATALOGUE[finding.code].is_warning for finding in self.findings)


def in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return *findings* with errors before warnings, each in the order found."""
    return tuple(sorted(findings, key=lambda finding: CATALOGUE[finding.code].is_warning))


def refuses(findings: list[Finding]) -> bool:
    """Tell whether one of *findings* is more than a warning."""
    return any(not CATALOGUE[finding.code].is_warning for finding in findings)
