"""How packages and their answers are kept: compressed, and given back byte for byte.

One frame for a whole package: its records repeat each other and their certificates, so a frame
takes a third less room than records compressed one by one with a trained dictionary, and less
time (measured side by side by `make bench`).
"""

from __future__ import annotations

import threading

import zstandard

LEVEL = 3
MAX_DOCUMENT_BYTES = 32 * 1_048_576
"""No document is larger than an unpacked package."""


class _Tools(threading.local):
    """A compressor per thread: setting one up costs more than compressing a record."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
        self.decompressor = zstandard.ZstdDecompressor()


_TOOLS = _Tools()


def compress(data: bytes) -> bytes:
    """Return *data* compressed; its size and a checksum are kept inside."""
    return _TOOLS.compressor.compress(data)


def expand(data: bytes) -> bytes:
    """Return what `compress` was given.

    Raises:
        zstandard.ZstdError: the bytes are not those that `compress` returned.
    """
    return _TOOLS.decompressor.decompress(data, max_output_size=MAX_DOCUMENT_BYTES)
