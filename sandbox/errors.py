"""The exception tree.

::

    SandboxError
    ├── Refused        the sender can mend it: carries findings (code, place)
    ├── Unavailable    try again later: 503 with Retry-After
    └── Misuse         command, settings or file wrong: exit 2, names file, line and remedy

Nothing is swallowed and nothing shows a traceback to a visitor.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault (or warning) found in what somebody sent.

    `code` is a key of the rejection catalogue (`sandbox.domain.rejections`), which holds title,
    cause and remedy in two languages; the finding adds the place and what stood there.
    """

    code: str
    field: str | None = None
    """Tag or field name at fault."""
    xpath: str | None = None
    """Place in the decoded XML, e.g. `/DANH_SACH_HOC_BA/HOC_BA[3]/DU_LIEU_HOC_BA/TONG_KET`."""
    line: int | None = None
    """Line in the decoded XML, from 1."""
    pointer: str | None = None
    """JSON pointer into the request."""
    value: str | None = None
    """The offending value, cut to 80 characters; never a password or PIN."""
    expected: str | None = None
    """What should have stood there, language-neutral (a value, pattern or tag name)."""
    within: tuple[Finding, ...] = ()
    """Deeper findings, e.g. the SBX-3xxx behind SBX-1110."""

    def __post_init__(self) -> None:
        if self.value is not None and len(self.value) > 80:
            object.__setattr__(self, "value", self.value[:79] + "…")


class SandboxError(Exception):
    """Root of everything this project raises on purpose."""


class Refused(SandboxError):
    """Something sent was refused; `findings[0]` is the one that goes into `error`."""

    def __init__(self, *findings: Finding) -> None:
        if not findings:
            raise ValueError("a refusal needs at least one finding")
        self.findings: tuple[Finding, ...] = findings
        super().__init__(", ".join(f.code for f in findings))

    @property
    def code(self) -> str:
        """The first code."""
        return self.findings[0].code


class Unavailable(SandboxError):
    """A neighbour or resource is away; try again after `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: int = 5) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class Misuse(SandboxError):
    """A command, setting or file is wrong; says where and what to do (exit 2)."""

    def __init__(
        self, what: str, *, file: str | None = None, line: int | None = None, remedy: str = ""
    ) -> None:
        self.what, self.file, self.line, self.remedy = what, file, line, remedy
        place = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(f"{place}{what}" + (f" — {remedy}" if remedy else ""))
