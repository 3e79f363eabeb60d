"""The table for looking at, as one Parquet file (Apache Parquet format 2, pages of version 1).

Written here because the one use, flat optional columns of text and numbers, takes a page, while
the library for it would be larger than all the rest of an installation. Plain encoding, zstd, one
page per column and row group; empty fields of the table are null.
"""

from __future__ import annotations

import csv
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, BinaryIO, Final

import zstandard

from sandbox.corpora.looking import COLUMNS

ROWS_PER_GROUP: Final = 10_000
"""Bounds memory: about 15 MB of text at a time."""
_MAGIC: Final = b"PAR1"
_ZSTD, _PLAIN, _RLE, _OPTIONAL, _UTF8, _DATA_PAGE = 6, 0, 3, 1, 0, 0


class _Type(IntEnum):
    """Physical types."""

    INT32 = 1
    DOUBLE = 5
    BYTE_ARRAY = 6


_DECIMALS: Final = frozenset({"CAN_NANG", "CHIEU_CAO"})
_WHOLE: Final = frozenset(
    {"TONG_SO_BUOI_NGHI_CO_PHEP", "THONG_SO_BUOI_NGHI_KHONG_PHEP", "DUOC_LEN_LOP"}
)


def type_of(column: str) -> _Type:
    """Return how *column* is stored."""
    if column in _DECIMALS:
        return _Type.DOUBLE
    return _Type.INT32 if column in _WHOLE or column.endswith("_DIEM") else _Type.BYTE_ARRAY


def write_parquet(parts: Iterator[Path], target: BinaryIO) -> None:
    """Write the rows of the CSV *parts* (no header) into *target*."""
    compress = zstandard.ZstdCompressor(level=3).compress
    target.write(_MAGIC)
    groups: list[list[Any]] = []
    total = 0
    for rows in _grouped(parts):
        columns, size = [], 0
        for name, values in zip(COLUMNS, zip(*rows, strict=True), strict=True):
            chunk = _Chunk.of(name, values, compress=compress, at=target.tell())
            target.write(chunk.raw)
            columns.append(chunk.described())
            size += chunk.unpacked
        groups.append([(1, _Structs(columns)), (2, _I64(size)), (3, _I64(len(rows)))])
        total += len(rows)
    footer = _struct(
        [
            (1, 2),
            (2, _Structs([_root_of_schema(), *map(_column_of_schema, COLUMNS)])),
            (3, _I64(total)),
            (4, _Structs(groups)),
            (6, "hoc-ba-so-sandbox"),
        ]
    )
    target.write(footer + struct.pack("<I", len(footer)) + _MAGIC)


def _grouped(parts: Iterator[Path]) -> Iterator[list[list[str]]]:
    rows: list[list[str]] = []
    for part in parts:
        with part.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                rows.append(row)
                if len(rows) == ROWS_PER_GROUP:
                    yield rows
                    rows = []
    if rows:
        yield rows


@dataclass(frozen=True, slots=True)
class _Chunk:
    """One column of one row group: a single page."""

    name: str
    raw: bytes
    unpacked: int
    """Bytes before compression, the page's header included."""
    values: int
    offset: int

    @classmethod
    def of(cls, name: str, values: Sequence[str], *, compress: Any, at: int) -> _Chunk:
        page = _levels(values) + b"".join(_plain(type_of(name), value) for value in values if value)
        packed = compress(page)
        header = _struct(
            [
                (1, _DATA_PAGE),
                (2, len(page)),
                (3, len(packed)),
                (5, [(1, len(values)), (2, _PLAIN), (3, _RLE), (4, _RLE)]),
            ]
        )
        return cls(name, header + packed, len(header) + len(page), len(values), at)

    def described(self) -> list[Any]:
        """Return the ColumnChunk of the footer."""
        meta = [
            (1, int(type_of(self.name))),
            (2, [_PLAIN, _RLE]),
            (3, [self.name]),
            (4, _ZSTD),
            (5, _I64(self.values)),
            (6, _I64(self.unpacked)),
            (7, _I64(len(self.raw))),
            (9, _I64(self.offset)),
        ]
        return [(2, _I64(self.offset)), (3, meta)]


def _levels(values: Sequence[str]) -> bytes:
    """Return which values are there: one bit each, as one bit-packed run with its length."""
    groups = (len(values) + 7) // 8
    bits = 0
    for place, value in enumerate(values):
        if value:
            bits |= 1 << place
    run = _varint(groups << 1 | 1) + bits.to_bytes(groups, "little")
    return struct.pack("<I", len(run)) + run


def _plain(kind: _Type, value: str) -> bytes:
    if kind is _Type.INT32:
        return struct.pack("<i", int(value))
    if kind is _Type.DOUBLE:
        return struct.pack("<d", float(value))
    text = value.encode()
    return struct.pack("<I", len(text)) + text


def _root_of_schema() -> list[Any]:
    return [(4, "hoc_ba"), (5, len(COLUMNS))]


def _column_of_schema(name: str) -> list[Any]:
    kind = type_of(name)
    fields: list[Any] = [(1, int(kind)), (3, _OPTIONAL), (4, name)]
    return [*fields, (6, _UTF8)] if kind is _Type.BYTE_ARRAY else fields


# ---- Thrift compact protocol, as much of it as a footer needs -----------------------------------


class _I64(int):
    """A 64-bit field; plain integers are 32-bit ones."""


class _Structs(list[Any]):
    """A list of structs; a plain list is one struct, or a list of integers or texts."""


def _struct(fields: Sequence[tuple[int, Any]]) -> bytes:
    """Return the struct of *fields*, pairs of ascending number and value."""
    written, before = [], 0
    for number, value in fields:
        kind, raw = _field(value)
        written.append(bytes([(number - before) << 4 | kind]) + raw)
        before = number
    return b"".join(written) + b"\x00"


def _field(value: Any) -> tuple[int, bytes]:
    if isinstance(value, int):
        zigzag = _varint(value << 1)  # no negative number stands in a footer
        return (6 if isinstance(value, _I64) else 5), zigzag
    if isinstance(value, str):
        return 8, _text(value)
    if isinstance(value, _Structs):
        return 9, _list(12, [_struct(each) for each in value])
    if isinstance(value[0], tuple):
        return 12, _struct(value)
    if isinstance(value[0], str):
        return 9, _list(8, [_text(each) for each in value])
    return 9, _list(5, [_varint(each << 1) for each in value])


def _list(kind: int, items: list[bytes]) -> bytes:
    size = len(items)
    head = bytes([size << 4 | kind]) if size < 15 else bytes([0xF0 | kind]) + _varint(size)
    return head + b"".join(items)


def _text(value: str) -> bytes:
    raw = value.encode()
    return _varint(len(raw)) + raw


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
