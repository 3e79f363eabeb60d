"""Faults of the envelope: content = base64( int32LE(length) ‖ gzip(UTF-8) )."""

from __future__ import annotations

import base64
import gzip
import struct
import zlib
from functools import cache
from typing import Final

from sandbox.defects.delivery import Delivery
from sandbox.defects.kit import Kit
from sandbox.defects.registry import defect
from sandbox.documents import envelope

_CONTENT: Final = "/content"
_MEBIBYTE: Final = 1 << 20


def _wrapped(xml: bytes, *, length: int | None = None, packed: bytes | None = None) -> Delivery:
    prefix = struct.pack("<i", len(xml) if length is None else length)
    body = gzip.compress(xml, mtime=0) if packed is None else packed
    return Delivery(package=xml, sent_content=base64.b64encode(prefix + body).decode("ascii"))


@cache
def _bomb(size: int) -> bytes:
    """Return one gzip member that inflates to *size* MiB of spaces, made piece by piece."""
    member = zlib.compressobj(1, wbits=31)
    piece = b" " * _MEBIBYTE
    return b"".join(member.compress(piece) for _ in range(size)) + member.flush()


@defect(provokes="SBX-1108", at=_CONTENT)
def content_that_is_plain_xml(kit: Kit) -> Delivery:
    """The content is the XML itself, neither compressed nor in base64."""
    package = kit.good_package()
    return Delivery(package=package, sent_content=package.decode("utf-8"))


@defect(provokes="SBX-1108", at=_CONTENT)
def content_in_lines(kit: Kit) -> Delivery:
    """The base64 is broken into lines of 76, as mail does; the rule is strict base64."""
    lines = base64.encodebytes(base64.b64decode(envelope.pack(kit.good_package())))
    return Delivery(package=kit.good_package(), sent_content=lines.decode("ascii"))


@defect(provokes="SBX-1108", at=_CONTENT)
def content_without_length(kit: Kit) -> Delivery:
    """The four bytes of length in front of the gzip block are missing."""
    package = kit.good_package()
    content = base64.b64encode(gzip.compress(package, mtime=0)).decode("ascii")
    return Delivery(package=package, sent_content=content)


@defect(provokes="SBX-1108", at=_CONTENT)
def length_in_characters(kit: Kit) -> Delivery:
    """The length counts characters, not UTF-8 bytes: too small as soon as a letter has a mark."""
    package = kit.good_package()
    return _wrapped(package, length=len(package.decode("utf-8")))


@defect(provokes="SBX-1108", at=_CONTENT)
def length_below_zero(kit: Kit) -> Delivery:
    """The length is a negative number."""
    return _wrapped(kit.good_package(), length=-1)


@defect(provokes="SBX-1108", at=_CONTENT)
def zlib_instead_of_gzip(kit: Kit) -> Delivery:
    """The block is a zlib stream: the same compression in another wrapping."""
    package = kit.good_package()
    return _wrapped(package, packed=zlib.compress(package))


@defect(provokes="SBX-1108", at=_CONTENT)
def gzip_in_two_members(kit: Kit) -> Delivery:
    """The document is split over two gzip members; exactly one is allowed."""
    package = kit.good_package()
    half = len(package) // 2
    parts = (package[:half], package[half:])
    return _wrapped(package, packed=b"".join(gzip.compress(part, mtime=0) for part in parts))


@defect(provokes="SBX-1108", at=_CONTENT)
def gzip_cut_short(kit: Kit) -> Delivery:
    """The last bytes of the gzip block got lost on the way."""
    package = kit.good_package()
    return _wrapped(package, packed=gzip.compress(package, mtime=0)[:-9])


@defect(provokes="SBX-1108", at=_CONTENT)
def gzip_bomb(kit: Kit) -> Delivery:
    """A small, honest-looking length in front of a block that inflates to 300 MiB."""
    package = kit.good_package()
    return _wrapped(package, packed=_bomb(300))


@defect(provokes="SBX-1105", at=_CONTENT)
def gzip_bomb_announced(kit: Kit) -> Delivery:
    """The length openly announces 300 MiB: above the cap of 32 MiB, nothing is inflated."""
    package = kit.good_package()
    return _wrapped(package, length=300 * _MEBIBYTE, packed=_bomb(300))


@defect(provokes="SBX-1105", at=_CONTENT)
def length_big_endian(kit: Kit) -> Delivery:
    """The length is written with its highest byte first, so that it reads as a huge number."""
    package = kit.good_package()
    # a few line feeds behind the root make the last byte of the length one that stays positive
    package += b"\n" * ((0x40 - len(package)) % 256)
    (read,) = struct.unpack("<i", struct.pack(">i", len(package)))
    return _wrapped(package, length=read)


@defect(provokes="SBX-1191")
def content_with_escaped_quotes(kit: Kit) -> Delivery:
    """Every quote is written with a backslash; understood, with a warning."""
    package = kit.good_package()
    escaped = package.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return Delivery(package=package, sent_content=envelope.pack(escaped))
