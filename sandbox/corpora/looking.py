"""The table for looking at a corpus: one row per record, read from the record's own bytes."""

from __future__ import annotations

import csv
import io
import re
from typing import Final

from sandbox.documents.tags import GENERAL, Leaf
from sandbox.domain.assessment import SUBJECTS

_GENERAL: Final = tuple(leaf.tag for leaf in GENERAL.children if isinstance(leaf, Leaf))
_LEFT_OUT: Final = frozenset({"PHIEN_BAN", "THONG_TU", "MA_CAP_HOC", "QUOC_TICH", "NAM_HOC"})
"""The same in every record, or the tolerated second school year."""
_SUMMARY: Final = (
    "KET_QUA_XEP_LOAI",
    "DUOC_LEN_LOP",
    "NOI_DUNG_KHEN_THUONG",
    "NOI_DUNG_KHEN_THUONG_DOT_XUAT",
    "NHAN_XET_GVCN",
    "NHAN_XET_PHAM_CHAT",
    "NHAN_XET_NANG_LUC_CHUNG",
    "NHAN_XET_NANG_LUC_DAC_THU",
)
_PLAIN: Final = (*(tag for tag in _GENERAL if tag not in _LEFT_OUT), *_SUMMARY)
_SUBJECT_CODES: Final = tuple(subject.code for subject in SUBJECTS)
COLUMNS: Final = (
    *_PLAIN,
    *(f"{code}_{what}" for code in _SUBJECT_CODES for what in ("MUC", "DIEM")),
)
"""Names of the columns: tags of the record, and level and score by subject code."""

_TEXTS: Final = re.compile(rb"<([A-Z_]+)>([^<]+)</")
_LEVEL, _SCORE, _CODE = b"MUC_DAT_DUOC", b"DIEM_KIEM_TRA_DINH_KY", b"MA_MON_HOC"


def header() -> bytes:
    """Return the first line of the table."""
    return _line(COLUMNS)


def row_of(record: bytes) -> bytes:
    """Return the line of one *record* of the nation; what it does not have is empty."""
    found: dict[bytes, bytes] = {}
    code = b""
    for tag, text in _TEXTS.findall(record):
        if tag == _CODE:
            code = text
        elif tag in (_LEVEL, _SCORE):
            found[code + (b"_MUC" if tag == _LEVEL else b"_DIEM")] = text
        else:
            # the class and school of THONG_TIN_CHUNG come before those of the history
            found.setdefault(tag, text)
    return _line(tuple(found.get(name.encode(), b"").decode() for name in COLUMNS))


def _line(values: tuple[str, ...]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue().encode()
