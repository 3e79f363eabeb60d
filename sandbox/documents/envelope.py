"""The `content` of a transaction: XML, gzip, a length in front, base64 (2088 PL1 §II.2.2, §3).

::

    content = base64( int32LE(len(utf8)) ‖ gzip(utf8) )

Bounded in both directions: nothing is ever inflated beyond the announced length plus one byte,
and the announced length is checked against the cap first.
"""

from __future__ import annotations

import binascii
import gzip
import re
import struct
import zlib
from dataclasses import dataclass, field
from typing import Final

from sandbox.documents.bounds import Limits
from sandbox.documents.parser import BOM
from sandbox.errors import Finding, Refused

_PREFIX: Final = struct.Struct("<i")
_SMALLEST_GZIP: Final = 18
_GZIP_WINDOW: Final = 31
_ESCAPED: Final = re.compile(rb'\\(["\\])')
_UNDECODABLE: Final = "SBX-1108"
_POINTER: Final = "/content"


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What an envelope held."""

    xml: bytes = field(repr=False)
    """Without a byte order mark and with quotes unescaped; not yet known to be XML."""
    warnings: tuple[Finding, ...] = ()


def pack(xml: bytes) -> str:
    """Return the envelope of *xml*, the same text for the same bytes on one zlib.

    Compare decoded bytes, never envelopes: other libraries compress differently (§3).
    """
    packed = gzip.compress(xml, compresslevel=9, mtime=0)
    return binascii.b2a_base64(_PREFIX.pack(len(xml)) + packed, newline=False).decode("ascii")


def unpack(content: str, *, limits: Limits | None = None) -> Unpacked:
    """Return the XML bytes in *content*.

    Raises:
        Refused: SBX-1105 when the announced length exceeds `limits.unpacked`; SBX-1108 for
            anything else that cannot be decoded: base64 that is not strict, fewer than 22
            bytes, a length not above zero, not exactly one gzip member, another length than
            announced. Never allocates more than the cap (a gzip bomb stops at length + 1).
    """
    limits = limits or Limits()
    xml = _inflate(_decode_base64(content), limits=limits).removeprefix(BOM)
    if xml.startswith(b"<") and b'=\\"' in xml:
        return Unpacked(
            _ESCAPED.sub(rb"\1", xml), (Finding("SBX-1191", pointer=_POINTER, field="content"),)
        )
    return Unpacked(xml)


def _undecodable(step: str, *, value: str | None = None, expected: str | None = None) -> Refused:
    return Refused(
        Finding(_UNDECODABLE, field=step, pointer=_POINTER, value=value, expected=expected)
    )


def _decode_base64(content: str) -> bytes:
    try:
        raw = binascii.a2b_base64(content.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        raise _undecodable("base64", value=content[:40]) from None
    if len(raw) < _PREFIX.size + _SMALLEST_GZIP:
        raise _undecodable("length", value=str(len(raw)), expected=">= 22")
    return raw


def _inflate(raw: bytes, *, limits: Limits) -> bytes:
    (announced,) = _PREFIX.unpack_from(raw)
    if announced <= 0:
        raise _undecodable("prefix", value=str(announced), expected="> 0")
    if announced > limits.unpacked:
        raise Refused(
            Finding(
                "SBX-1105",
                field="prefix",
                pointer=_POINTER,
                value=str(announced),
                expected=f"<= {limits.unpacked}",
            )
        )
    member = zlib.decompressobj(wbits=_GZIP_WINDOW)
    try:
        xml = member.decompress(memoryview(raw)[_PREFIX.size :], announced + 1)
    except zlib.error:
        raise _undecodable("gzip") from None
    if len(xml) != announced:
        found = f"> {announced}" if len(xml) > announced else str(len(xml))
        raise _undecodable("prefix", value=found, expected=str(announced))
    if not member.eof:
        raise _undecodable("gzip", expected="one complete member")
    if member.unused_data:
        raise _undecodable("gzip", expected="exactly one member")
    return xml
