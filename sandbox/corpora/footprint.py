"""Memory of a process that makes packages: what is done with goes back to the machine at once.

glibc keeps freed memory for later and takes large blocks for small ones after a while; eight
processes that each keep the largest package they ever made would not fit in what is promised.
Elsewhere than with glibc nothing is done here, and nothing but memory differs.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any, Final

_LARGE: Final = 256 * 1024
"""Bytes from which a block is mapped by itself, and unmapped when it is freed."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def _library() -> Any:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") else None


_GLIBC: Final = _library()


def stay_small() -> None:
    """Map large blocks by themselves from now on, in this process and those it forks."""
    if _GLIBC is not None:
        _GLIBC.mallopt(_MMAP_THRESHOLD, _LARGE)
        _GLIBC.mallopt(_TRIM_THRESHOLD, _LARGE)


def give_back() -> None:
    """Give back what is free inside the heap; some milliseconds."""
    if _GLIBC is not None:
        _GLIBC.malloc_trim(0)
