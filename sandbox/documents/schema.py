"""Stage *schema* of one record: form only, each fault with its code and place.

A record the XSD accepts and whose few remaining rules hold is fine, which is the common case
and takes about a tenth of a millisecond. Any other is explained by the walker; should the
walker find nothing where the XSD refuses, libxml2's own error is mapped, so that a refused
record never goes without a finding.
"""

from __future__ import annotations

import threading
import unicodedata
from typing import Any, Final

from lxml import etree

from sandbox.documents import forms
from sandbox.documents.bounds import Switches
from sandbox.documents.package import ParsedRecord
from sandbox.documents.tags import (
    ASSESSMENT,
    DATA,
    GENERAL,
    HISTORY,
    RATINGS,
    SIGNATURE,
    SIGNING,
    SUMMARY,
    XMLDSIG,
)
from sandbox.documents.tree import Element
from sandbox.documents.walker import needs_district, walk
from sandbox.documents.xsd import compiled_schema
from sandbox.errors import Finding

WARNINGS: Final = frozenset({"SBX-2090", "SBX-2091"})
_SIGNATURE_NAMESPACE: Final = f' xmlns="{XMLDSIG}"'.encode("ascii")
_NEEDS_A_LOOK: Final = (
    b"<!",
    b"<?",
    b"&#",
    b"xml:",
    *(f"<{leaf.alias}".encode("ascii") for leaf in GENERAL.children + RATINGS if leaf.alias),
)
_DAYS: Final = ("NGAY_SINH", "NGAY_TAO_HOC_BA", "NGAY_KY_PHAT_HANH_HOC_BA")
_COOPERATION: Final = f"{DATA.tag}/{SUMMARY.tag}/{ASSESSMENT.tag}/NANG_LUC_GIAO_TIEP_HOC_TAC"
_SLOT_CHILDREN: Final = frozenset({"NGAY_KY", "SO_CCCD", SIGNATURE})

# libxml2 error numbers, xmlerror.h
_FACETS: Final = {1831: "SBX-2003", 1832: "SBX-2005", 1839: "SBX-2004", 1840: "SBX-2008"}
_explaining = threading.Lock()


def check_schema(record: ParsedRecord, *, switches: Switches | None = None) -> list[Finding]:
    """Return every fault of form in *record*, with XPath and line, warnings included.

    Codes SBX-2001 to SBX-2009 and the warnings SBX-2090, SBX-2091; empty when there is nothing
    to say. What must agree across fields is `sandbox.domain.consistency`, signatures are
    `sandbox.xmldsig`. At most 100 findings.
    """
    switches = switches or Switches()
    accepted = compiled_schema(switches).validate(record.element)
    if accepted and _is_plain(record):
        return []
    findings = walk(record, switches=switches)
    if not accepted and all(finding.code in WARNINGS for finding in findings):
        schema = compiled_schema(switches)
        findings.append(first_error_of_libxml2(record, schema, xpath=record.xpath))
    return findings


def _is_plain(record: ParsedRecord) -> bool:
    """Say whether a record the XSD accepts surely gives the walker nothing to say."""
    original = record.original
    if any(mark in original for mark in _NEEDS_A_LOOK):
        return False
    if original.count(b"xmlns") != original.count(_SIGNATURE_NAMESPACE):
        return False
    if not unicodedata.is_normalized("NFC", original.decode("utf-8")):
        return False
    # found by name, not by place: with the relaxed switch the groups come in any order
    general_tag = record.element.find(f"{DATA.tag}/{GENERAL.tag}")
    history = record.element.find(f"{DATA.tag}/{HISTORY.tag}")
    if general_tag is None or history is None:
        return False
    general = {child.tag: child.text or "" for child in general_tag}
    year = general.get("TEN_NAM_HOC", "")
    return (
        "THONG_SO_BUOI_NGHI_KHONG_PHEP" in general
        and "NAM_HOC" not in general
        and forms.follows_on(year)
        and ("TEN_QUAN_HUYEN" in general or not needs_district(year))
        and all(_is_plain_day(general.get(tag, "")) for tag in _DAYS)
        and all(_is_plain_row(row) for row in history)
        and record.element.find(_COOPERATION) is not None
        and _are_plain_slots(record.element)
    )


def _is_plain_day(text: str) -> bool:
    return "/" in text and forms.read_day(text) is not None


def _is_plain_row(row: Element) -> bool:
    return forms.follows_on(row.findtext("NAM_HOC") or "") and _is_plain_day(
        row.findtext("NGAY_TRANG_THAI_CHUYEN_DEN") or ""
    )


def _are_plain_slots(record: Element) -> bool:
    slots = record.find(SIGNING.tag)
    if slots is None:
        return True
    return len(slots) > 0 and all(child.tag in _SLOT_CHILDREN for slot in slots for child in slot)


def first_error_of_libxml2(record: ParsedRecord, schema: etree.XMLSchema, *, xpath: str) -> Finding:
    """Return the first error of *schema*; the log belongs to one caller at a time."""
    with _explaining:
        schema.validate(record.element)
        log: Any = schema.error_log
        error = log[0]
    code = _FACETS.get(error.type, "SBX-2002")
    if "Missing child element" in error.message:
        code = "SBX-2001"
    return Finding(code, xpath=xpath, line=error.line, value=error.message)
