"""The rejection catalogue: every code, with title, cause and remedy in two languages.

The texts live in `tables/rejections.toml` (spec/transactions.md §10 and the codes this sandbox
adds in the same hundreds). Everything that answers a sender takes its words from here, so that a
lesson, a rehearsal and a load test are refused in the same words.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, TypedDict

from sandbox.errors import Finding

Language = Literal["vi", "en"]
Text = Mapping[str, str]
"""One text in each language: keys `vi` and `en`."""

SUCCESS = "0"


class Stage(StrEnum):
    """Where a code is found (spec/transactions.md §5); the value is `giai_doan`."""

    RECEIPT = "receipt"
    PACKAGE = "package"
    SCHEMA = "schema"
    SIGNATURE = "signature"
    REGISTER = "register"
    RULES = "rules"
    LOCK = "lock"
    RECALL = "recall"
    QUERY = "query"
    ANY = "any"


class Severity(StrEnum):
    """`muc` of chi_tiet: a warning never refuses."""

    ERROR = "loi"
    WARNING = "canh_bao"


@dataclass(frozen=True, slots=True)
class Rejection:
    """One entry of the catalogue."""

    code: str
    stage: Stage
    severity: Severity
    http_status: int | None
    """Status of the answer for codes given at the receipt or query, else None (§2.8)."""
    field: str | None
    """Tag or field usually at fault, when there is one."""
    title: Text
    """The printed title: officers, interface, engineers."""
    cause: Text
    remedy: Text
    plain_meaning: Text
    """First plain line for teachers (kind `loi_nghia`)."""
    plain_remedy: Text
    """Second plain line for teachers (kind `loi_lam`)."""
    added: bool
    """True for a code that the printed table does not hold."""

    @property
    def is_warning(self) -> bool:
        """True when the code never refuses."""
        return self.severity is Severity.WARNING


class DetailRow(TypedDict):
    """One row of `chi_tiet` (spec/transactions.md §2.8)."""

    ma: str
    muc: str
    giai_doan: str
    truong: str | None
    xpath: str | None
    dong: int | None
    con_tro_json: str | None
    nguyen_nhan: str
    cach_sua: str


def _read_table() -> dict[str, Any]:
    path = files("sandbox.domain") / "tables" / "rejections.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _rejection(code: str, entry: Mapping[str, Any]) -> Rejection:
    return Rejection(
        code=code,
        stage=Stage(entry["stage"]),
        severity=Severity(entry["severity"]),
        http_status=entry.get("http_status"),
        field=entry.get("field"),
        title=MappingProxyType(entry["title"]),
        cause=MappingProxyType(entry["cause"]),
        remedy=MappingProxyType(entry["remedy"]),
        plain_meaning=MappingProxyType(entry["plain_meaning"]),
        plain_remedy=MappingProxyType(entry["plain_remedy"]),
        added=entry.get("added", False),
    )


_TABLE = _read_table()
_WEAVE: Mapping[str, Text] = _TABLE["weave"]

CATALOGUE: Mapping[str, Rejection] = MappingProxyType(
    {code: _rejection(code, entry) for code, entry in _TABLE["codes"].items()}
)
"""All codes, in the order of the table."""

CATALOGUE_VERSION: str = _TABLE["version"]
"""`phien_ban_ma_loi` of the service thong-tin."""


def title(code: str, language: str = "vi") -> str:
    """Return the printed title of *code*; an unknown language gets Vietnamese.

    Raises:
        KeyError: the code is not in the catalogue.
    """
    return _in(CATALOGUE[code].title, language)


def is_warning(finding: Finding) -> bool:
    """Tell whether *finding* is only a warning."""
    return CATALOGUE[finding.code].is_warning


def explain(finding: Finding, language: str = "vi") -> DetailRow:
    """Return the `chi_tiet` row of *finding* (spec/transactions.md §2.8).

    What stood there and what was due are woven into the cause. Deeper findings (`within`) are
    rows of their own: see `explain_all`.

    Raises:
        KeyError: the code is not in the catalogue.
    """
    rejection = CATALOGUE[finding.code]
    cause = [_in(rejection.cause, language)]
    if finding.value is not None:
        cause.append(_in(_WEAVE["value"], language).replace("{value}", finding.value))
    if finding.expected is not None:
        cause.append(_in(_WEAVE["expected"], language).replace("{expected}", finding.expected))
    return DetailRow(
        ma=finding.code,
        muc=rejection.severity.value,
        giai_doan=rejection.stage.value,
        truong=finding.field if finding.field is not None else rejection.field,
        xpath=finding.xpath,
        dong=finding.line,
        con_tro_json=finding.pointer,
        nguyen_nhan=" ".join(cause),
        cach_sua=_in(rejection.remedy, language),
    )


def explain_all(findings: Iterable[Finding], language: str = "vi") -> list[DetailRow]:
    """Return the rows of *findings*, each followed by the rows of what lies within it."""
    rows: list[DetailRow] = []
    for finding in findings:
        rows.append(explain(finding, language))
        rows.extend(explain_all(finding.within, language))
    return rows


def _in(text: Text, language: str) -> str:
    return text.get(language, text["vi"])
