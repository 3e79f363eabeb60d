"""The order of a Vietnamese class list: by given name, letters before tones."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_ALPHABET = "aăâbcdđeêghiklmnoôơpqrstuưvxy"
_TONES = "\u0300\u0309\u0303\u0301\u0323"

ListKey = tuple[tuple[int, ...], ...]


def list_key(name: str) -> ListKey:
    """Return the key under which *name* stands on a class list."""
    words = name.lower().split()
    keys = [_word_key(word) for word in words]
    return (keys[-1], *keys[:-1])


@lru_cache(maxsize=4096)
def _word_key(word: str) -> tuple[int, ...]:
    letters: list[int] = []
    tone = 0
    for character in word:
        parts = unicodedata.normalize("NFD", character)
        tone = next((_TONES.index(p) + 1 for p in parts if p in _TONES), tone)
        plain = unicodedata.normalize("NFC", "".join(p for p in parts if p not in _TONES))
        letters.append(_ALPHABET.find(plain))
    return (*letters, tone)
