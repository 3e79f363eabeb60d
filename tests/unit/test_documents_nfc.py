"""What is taken for composed without asking Unicode's table is composed."""

from __future__ import annotations

import random
import unicodedata

import pytest

from sandbox.documents.schema import is_nfc


def test_the_letters_of_vietnamese_are_their_own_normal_form() -> None:
    """What `is_nfc` takes for granted holds for every code point, alone and beside any other."""
    letters = [chr(c) for c in (*range(0x20, 0x300), *range(0x1E00, 0x1F00))]

    assert all(unicodedata.is_normalized("NFC", letter) for letter in letters)
    chance = random.Random(7)
    for _ in range(200):
        text = "".join(chance.choices(letters, k=500))
        assert unicodedata.is_normalized("NFC", text)
        assert is_nfc(text.encode())


@pytest.mark.parametrize(
    "text", ["e\u0302", "Å\u212b", "\u1f71", "\u0958", "\u1100\u1161", "ê\u0323"]
)
def test_what_is_not_in_normal_form_is_seen(text: str) -> None:
    """Combining marks, singletons, exclusions and jamo: Unicode's own table decides."""
    assert not is_nfc(f"Nguyễn {text}".encode())
    assert is_nfc(unicodedata.normalize("NFC", f"Nguyễn {text}").encode())
