"""What the signature doctor finds: signatures as they stand, and why they do not hold.

A cause is never a second verdict: the verdict is the strict verifier's. A cause only says which
mistake turns right bytes into the ones that were signed, and how sure that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from sandbox.errors import Finding
from sandbox.pki import Certificate
from sandbox.xmldsig.report import Step

PACKAGE_PLACE = "package"
BY_CODE = "code"
"""Key of a cause whose words are the catalogue's."""


class Strength(IntEnum):
    """How sure a cause is."""

    POSSIBLE = 1
    """Nothing contradicts it; no trial confirmed it."""
    READ = 2
    """It stands in the file, or the strict verifier says so."""
    PROVED = 3
    """The digest equals, or the value verifies, once this one mistake is repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One probable cause. Its words in two languages stand under its key."""

    key: str
    strength: Strength
    place: str
    """`GVCN`, `CBQL`, `KY_PHAT_HANH`, `package`, or `record`."""
    part: str
    """`data`, `properties`, `signed_info`, `structure` or `document`."""
    code: str
    """The code the strict verifier answers this with."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Values for the words, such as `xpath`, `was`, `algorithm`."""
    form: bytes | None = field(default=None, repr=False)
    """The bytes that were really hashed or signed, where a trial found them."""
    right: bytes | None = field(default=None, repr=False)
    """The canonical bytes that should have been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """One digest: what the signature says and what its bytes give."""

    part: str
    """`data` or `properties`."""
    uri: str
    method: str
    expected: str
    """DigestValue as written."""
    computed: str
    """SHA-256 of the canonical bytes, base64."""
    equal: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SignatureExam:
    """One signature, step by step."""

    place: str
    xpath: str
    line: int | None
    signature_id: str
    algorithm: str
    canonicalization: str
    signing_time: str
    """As written; it may be no moment at all."""
    certificate: Certificate | None
    steps: tuple[Step, ...] = field(repr=False)
    """The strict verifier's own steps at this place, in its order."""
    digests: tuple[Digest, ...]
    value_holds: bool
    """Whether SignatureValue verifies with the enclosed certificate and the algorithm named."""
    canonical: Mapping[str, bytes] = field(repr=False)
    """Canonical bytes by part: `data`, `properties`, `signed_info`."""
    causes: tuple[Cause, ...]
    """Ranked, the most probable first; empty when the signature holds."""

    @property
    def holds(self) -> bool:
        """Whether every step at this place passed."""
        return bool(self.steps) and all(step.passed for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecordExam:
    """One record: the strict verifier's answer, and its signatures."""

    number: int
    xpath: str
    findings: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    steps: tuple[Step, ...] = field(repr=False)
    signatures: tuple[SignatureExam, ...]
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examination:
    """What `examine` found in one document."""

    kind: str
    """`package`, `record`, or `""` when it is neither."""
    findings: tuple[Finding, ...]
    """Of the document itself: the parser's refusal, or the package signature's."""
    package: SignatureExam | None
    records: tuple[RecordExam, ...]
    not_checked: tuple[str, ...]
    """Codes whose checks were left out because nothing was passed in to check against."""
    causes: tuple[Cause, ...]
    """All causes of the document, each once, the most probable first."""

    @property
    def codes(self) -> tuple[str, ...]:
        """Every refusing code of the strict verifier: the document's, else the records'."""
        rows = [self.findings] if self.findings else [record.findings for record in self.records]
        return tuple(dict.fromkeys(finding.code for row in rows for finding in row))


def ranked(causes: list[Cause], codes: tuple[str, ...]) -> tuple[Cause, ...]:
    """Return *causes*, each key and place once: proved first, then by the verifier's own order."""
    order = {code: number for number, code in enumerate(codes)}
    last = len(order)
    once: dict[tuple[str, str], Cause] = {}
    named = {cause.code for cause in causes if cause.key != BY_CODE}
    for cause in causes:
        if cause.key == BY_CODE and cause.facts["code"] in named:
            continue  # something else says it better
        known = once.get((cause.key, cause.place))
        if known is None or cause.strength > known.strength:
            once[cause.key, cause.place] = cause
    # what the schema says besides is second to what stands in the signature itself
    is_read = any(c.key != BY_CODE and c.strength is Strength.READ for c in once.values())
    return tuple(
        sorted(
            once.values(),
            key=lambda cause: (
                cause.strength is not Strength.PROVED,
                is_read and cause.key == BY_CODE and cause.code.startswith("SBX-2"),
                order.get(cause.code, last),
                -cause.strength,
            ),
        )
    )
