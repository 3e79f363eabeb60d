"""How accepted records are kept: compressed, and given back byte for byte."""

from __future__ import annotations

import zstandard

LEVEL = 3
MAX_RECORD_BYTES = 32 * 1_048_576
"""A stored record can never be larger than an unpacked package."""


def compress(data: bytes) -> bytes:
    """Return *data* compressed; the size before is kept inside."""
    return zstandard.ZstdCompressor(level=LEVEL).compress(data)


def expand(data: bytes) -> bytes:
    """Return what `compress` was given."""
    return zstandard.ZstdDecompressor().decompress(data, max_output_size=MAX_RECORD_BYTES)
