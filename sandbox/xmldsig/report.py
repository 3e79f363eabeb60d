"""What verification says: every step it took, what it found, and what it could not look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sandbox.errors import Finding, Refused
from sandbox.pki import Certificate


class Step(NamedTuple):
    """One check, passed or not, for the signer and the signature doctor."""

    name: str
    """Name of the check, e.g. `data_digest`."""
    place: str
    """`GVCN`, `CBQL`, `KY_PHAT_HANH`, `package`, `registration`, or `record`."""
    code: str
    """The code this check answers with when it fails."""
    passed: bool
    expected: str | None
    computed: str | None


@dataclass(slots=True)
class Report:
    """Steps in the order they were taken."""

    steps: list[Step] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    """Codes whose checks were skipped because the caller had nothing to check against."""
    trace: bool = True
    """Whether steps that passed are written down: a person wants them, a worker does not."""

    def passed(
        self, name: str, place: str, code: str, expected: str | None, computed: str | None
    ) -> None:
        """Note a check that passed."""
        if self.trace:
            self.steps.append(Step(name, place, code, True, expected, computed))

    def failed(self, name: str, place: str, finding: Finding) -> None:
        """Note a check that failed, with what was found."""
        self.steps.append(Step(name, place, finding.code, False, finding.expected, finding.value))
        self.findings.append(finding)

    def skipped(self, *codes: str) -> None:
        """Note checks that could not be made."""
        self.not_checked.extend(code for code in codes if code not in self.not_checked)


class SignatureRefused(Refused):
    """A signature does not hold; `report` shows each step to the signer."""

    def __init__(self, report: Report, *findings: Finding) -> None:
        super().__init__(*(findings or tuple(report.findings)))
        self.report = report


@dataclass(frozen=True, slots=True)
class SignatureFacts:
    """One signature that holds."""

    signature_id: str
    signer: Certificate
    signing_time: datetime
    algorithm: str
    """SignatureMethod URI."""
    signature_value: bytes = field(repr=False)
