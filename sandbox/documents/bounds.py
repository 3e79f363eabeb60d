"""What the documents package takes in, and how strictly it reads.

Both are data: the receiving desk publishes them in its service `thong-tin`
(spec/transactions.md §4.1) and a practice space may set its own.
"""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1_048_576


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds on what arrives (spec/transactions.md §3).

    Sizes are bytes unless said otherwise. `unpacked` and `records` answer SBX-1105, the bounds
    of the parser below them SBX-1115. The defaults hold 2,000 signed records with room to spare
    and keep the parsed tree of the worst lawful document near 150 MB.
    """

    http_body: int = 10 * MEBIBYTE
    unpacked: int = 32 * MEBIBYTE
    records: int = 2_000
    depth: int = 32
    """Levels of elements; a signed record in a package needs 9."""
    attributes: int = 16
    """Attributes of one element, namespace declarations included; a Reference has 2."""
    all_attributes: int = 400_000
    """Equals signs in the whole document: an upper bound on its attributes."""
    elements: int = 550_000
    """Elements, comments and instructions of the whole document; a signed record has about 240."""
    text: int = 65_536
    """Bytes of one text, comment or tag; the longest lawful text is an RSA certificate, 2 kB."""


@dataclass(frozen=True, slots=True)
class Switches:
    """How strictly a record is read (`cong_tac` of service `thong-tin`)."""

    strict_lengths: bool = True
    """Enforce the lengths of the 2026 dictionary (`do_dai_chat`)."""
    sequence: bool = True
    """Demand the specification's order of sibling tags (`thu_tu_the`)."""
    words: bool = False
    """Take words as well as letters for levels (`muc_bang_chu`)."""
    aliases: bool = True
    """Take the two corrected spellings of misspelt tags, with warning SBX-2090 (`bi_danh`)."""
