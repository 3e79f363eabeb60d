"""Findings as they are kept and as they are answered.

What is kept is language-neutral; the words are put in when somebody asks, in the asker's language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.domain.rejections import CATALOGUE, SUCCESS, explain_all, title
from sandbox.errors import Finding

_PARTS = ("field", "xpath", "line", "pointer", "value", "expected")


def to_json(finding: Finding) -> dict[str, Any]:
    """Return *finding* as JSON, without what it does not say."""
    said = {name: value for name in _PARTS if (value := getattr(finding, name)) is not None}
    packed: dict[str, Any] = {"code": finding.code, **said}
    if finding.within:
        packed["within"] = [to_json(inner) for inner in finding.within]
    return packed


def from_json(packed: Mapping[str, Any]) -> Finding:
    """Return the finding that `to_json` packed."""
    inner = tuple(from_json(row) for row in packed.get("within", ()))
    return Finding(packed["code"], within=inner, **{n: packed.get(n) for n in _PARTS})


def all_to_json(findings: Iterable[Finding]) -> tuple[dict[str, Any], ...]:
    """Return *findings* as JSON rows."""
    return tuple(to_json(finding) for finding in findings)


def details(packed: Iterable[Mapping[str, Any]], language: str) -> list[dict[str, Any]]:
    """Return kept findings as `chi_tiet` in *language* (transactions §2.8)."""
    return [dict(row) for row in explain_all((from_json(row) for row in packed), language)]


def first_error(findings: Iterable[Finding]) -> Finding | None:
    """Return the first finding that refuses, stepping over warnings."""
    return next((f for f in findings if not CATALOGUE[f.code].is_warning), None)


def error_words(packed: Iterable[Mapping[str, Any]]) -> tuple[str, str, str]:
    """Return (`error`, `error_field_title`, `error_description`) of the first error.

    The description is the Vietnamese title of the code, as printed for the receipt; an approved
    row answers `0` and two empty texts (transactions §2.3).
    """
    first = first_error(from_json(row) for row in packed)
    if first is None:
        return SUCCESS, "", ""
    return first.code, first.field or CATALOGUE[first.code].field or "", title(first.code, "vi")
