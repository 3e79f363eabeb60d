"""Report cards as JSON for the portal's own store, and small questions about their bytes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.domain.report_card import (
    General,
    ReportCard,
    Sex,
    SubjectResult,
    Summary,
    YearAtSchool,
)

_DATES = ("birth_date", "created_on", "issue_planned_on")
_DECIMALS = ("weight_kg", "height_cm")
_DATA_START = b"<DU_LIEU_HOC_BA"
_DATA_END = b"</DU_LIEU_HOC_BA>"


def card_to_text(card: ReportCard) -> str:
    """Return *card* as JSON text that `card_from_text` reads back unchanged."""
    return json.dumps(asdict(card), ensure_ascii=False, default=str)


def card_from_text(text: str) -> ReportCard:
    """Return the card that `card_to_text` wrote."""
    raw: dict[str, Any] = json.loads(text)
    general = dict(raw["general"])
    for name in _DATES:
        general[name] = date.fromisoformat(general[name])
    for name in _DECIMALS:
        general[name] = Decimal(general[name])
    general["sex"] = Sex(general["sex"])
    summary = dict(raw["summary"])
    summary["subjects"] = tuple(SubjectResult(**row) for row in summary["subjects"])
    summary["ratings"] = tuple((tag, level) for tag, level in summary["ratings"])
    history = tuple(
        YearAtSchool(**{**row, "arrived_on": date.fromisoformat(row["arrived_on"])})
        for row in raw["history"]
    )
    return ReportCard(general=General(**general), history=history, summary=Summary(**summary))


def data_digest(xml: bytes | None) -> str | None:
    """Return SHA-256 (hex) of the data element inside *xml*, the bytes the signatures cover."""
    if xml is None:
        return None
    start, end = xml.find(_DATA_START), xml.find(_DATA_END)
    if start < 0 or end < 0:
        return None
    return hashlib.sha256(xml[start : end + len(_DATA_END)]).hexdigest()


def without_slots(xml: bytes, *tags: str) -> bytes:
    """Return *xml* with the signature blocks *tags* (`CBQL`, …) taken out whole.

    The blocks lie outside the signed data (record-format §5.2), so the others stay valid.
    """
    for tag in tags:
        start, end = xml.find(f"<{tag}>".encode()), xml.rfind(f"</{tag}>".encode())
        if 0 <= start < end:
            xml = xml[:start] + xml[end + len(tag) + 3 :]
    return xml


def with_changed_comment(xml: bytes, extra: str) -> bytes:
    """Return *xml* with *extra* appended to the teacher's comment, signatures left as they are."""
    end = xml.find(b"</NHAN_XET_GVCN>")
    return xml[:end] + extra.encode() + xml[end:] if end >= 0 else xml
