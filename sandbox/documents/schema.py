"""Stage *schema* of one record: form only, each fault with its code and place.

A record the XSD accepts and whose few remaining rules hold is fine, which is the common case
and takes about a tenth of a millisecond. Any other is explained by the walker; should the
walker find nothing where the XSD refuses, libxml2's own error is mapped, so that a refused
record never goes without a finding.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from lxml import etree

from sandbox.documents import forms
from sandbox.documents.bounds import Switches
from sandbox.documents.package import ParsedRecord
from sandbox.documents.plain_data import Pairs, plain_data
from sandbox.documents.reading import general_texts, pairs_of
from sandbox.documents.signing_part import Halves, halves_of
from sandbox.documents.tags import (
    ASSESSMENT,
    GENERAL,
    HISTORY,
    RATINGS,
    SUMMARY,
)
from sandbox.documents.walker import needs_district, walk
from sandbox.documents.xsd import compiled_schema
from sandbox.errors import Finding

WARNINGS: Final = frozenset({"SBX-2090", "SBX-2091"})
_ALIASES: Final = frozenset(leaf.alias for leaf in GENERAL.children + RATINGS if leaf.alias)
_DAYS: Final = ("NGAY_SINH", "NGAY_TAO_HOC_BA", "NGAY_KY_PHAT_HANH_HOC_BA")
_COOPERATION: Final = "NANG_LUC_GIAO_TIEP_HOC_TAC"

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
    halves, general = halves_of(record), general_texts(record)
    if halves is None or general is None or not _is_plain_text(halves):
        return False
    said = _history_and_ratings(record)
    if said is None:
        return False
    history, rated = said
    year = general.get("TEN_NAM_HOC", "")
    return (
        "THONG_SO_BUOI_NGHI_KHONG_PHEP" in general
        and "NAM_HOC" not in general
        and _ALIASES.isdisjoint(general)
        and _ALIASES.isdisjoint(rated)
        and _COOPERATION in rated
        and forms.follows_on(year)
        and ("TEN_QUAN_HUYEN" in general or not needs_district(year))
        and all(_is_plain_day(general.get(tag, "")) for tag in _DAYS)
        and all(map(_is_plain_row, history))
    )


def _history_and_ratings(record: ParsedRecord) -> tuple[Sequence[Pairs], set[object]] | None:
    """Return the rows of the history and the tags of the assessment; None where one is missing."""
    plain = plain_data(record)
    if plain is not None:
        return plain.history, {tag for tag, _text in plain.assessment}
    # found by name, not by place: with the relaxed switch the groups come in any order
    data = record.element[0]
    history, summary = data.find(HISTORY.tag), data.find(SUMMARY.tag)
    assessment = None if summary is None else summary.find(ASSESSMENT.tag)
    if history is None or assessment is None:
        return None
    return [pairs_of(row) for row in history], {child.tag for child in assessment}


def _is_plain_text(halves: Halves) -> bool:
    """Say whether the bytes hide nothing: only elements, entities by name, NFC."""
    data = halves.data
    return (
        data.count(b"=") == 1  # the Id: no other attribute, no namespace
        and not (b"!" in data and b"<!" in data)
        and not (b"?" in data and b"<?" in data)
        and not (b"&" in data and b"&#" in data)
        and is_nfc(data)
        and all(_is_plain_name(block.subject) for block in halves.blocks)
    )


_LATIN: Final = bytes({*range(0x80), *range(0x80, 0xC0), *range(0xC2, 0xCC), 0xE1})
_BEYOND_LATIN: Final = re.compile(rb"\xe1[^\xb8-\xbb]")


def is_nfc(text: bytes) -> bool:
    """Say whether *text*, UTF-8, is in Unicode's normal form C.

    Vietnamese is written with code points below U+0300 and from U+1E00 to U+1EFF: each of them
    is its own normal form, and none joins with its neighbour. Only where others stand does
    Unicode's table have to be asked, which takes longer than the schema.
    """
    if not text.translate(None, _LATIN) and _BEYOND_LATIN.search(text) is None:
        return True
    return unicodedata.is_normalized("NFC", text.decode())


@lru_cache(maxsize=2048)
def _is_plain_name(subject: bytes) -> bool:
    """Say it of a signer's name, which comes again with every record of a class."""
    return is_nfc(subject)


def _is_plain_day(text: str) -> bool:
    return "/" in text and forms.read_day(text) is not None


@lru_cache(maxsize=4096)
def _is_plain_row(row: Pairs) -> bool:
    said = dict(row)
    return forms.follows_on(said.get("NAM_HOC", "")) and _is_plain_day(
        said.get("NGAY_TRANG_THAI_CHUYEN_DEN", "")
    )


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
