"""Request bodies by joining bytes: what the corpus left empty is put in, nothing is parsed."""

from __future__ import annotations

import json
from typing import Final

EMPTY: Final = b'{"authenticationRequest":{"token":"","user_name":"","password":""'
"""How every line of a corpus of requests begins."""
_MESSAGEID: Final = b'"messageid":"'
_LENGTH: Final = 36
_WITHIN: Final = 256
"""The messageid stands in the first bytes after the account."""


def head_of(*, token: str, user_name: str, password: str) -> bytes:
    """Return what stands in place of `EMPTY` while *token* is good."""
    said = {"token": token, "user_name": user_name, "password": password}
    return b'{"authenticationRequest":' + json.dumps(said, separators=(",", ":")).encode()[:-1]


def messageid_of(line: bytes) -> str:
    """Return the messageid of a corpus's *line*. Raises `ValueError` for any other line."""
    if not line.startswith(EMPTY):
        raise ValueError(f"not a request of a corpus: {line[:80]!r}")
    start = line.index(_MESSAGEID, len(EMPTY), len(EMPTY) + _WITHIN) + len(_MESSAGEID)
    return line[start : start + _LENGTH].decode("ascii")


def body_of(head: bytes, line: bytes) -> bytes:
    """Return the request of a corpus's *line* with the account in *head*: one copy."""
    end = -1 if line.endswith(b"\n") else None
    return b"".join((head, memoryview(line)[len(EMPTY) : end]))


def asking(head: bytes, *, unit: str, messageid: str) -> bytes:
    """Return the type 2 request for the result of *messageid*."""
    rest = {
        "ma_don_vi": unit,
        "messageid": messageid,
        "type": "2",
        "function": "TRA_KET_QUA_NOP",
    }
    return head + b"," + json.dumps(rest, separators=(",", ":")).encode()[1:] + b"}"


def submitting(head: bytes, *, unit: str, year: int, messageid: str, content: bytes) -> bytes:
    """Return a type 1 request around *content* (base64)."""
    rest = {
        "ma_don_vi": unit,
        "nam_hoc": year,
        "messageid": messageid,
        "type": "1",
        "function": "NOP_HOC_BA",
    }
    fields = json.dumps(rest, separators=(",", ":")).encode()[1:]
    return b"".join((head, b",", fields, b',"content":"', content, b'"}'))
