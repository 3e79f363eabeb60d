"""The words of the signing service: both languages, within the limits of learner-experience §12."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import sandbox.signing
from sandbox.signing.model import Event
from sandbox.signing.problems import HTTP_STATUS, Code

LOCALE = Path(sandbox.signing.__file__).parent / "locale"
Texts = dict[tuple[str, str], tuple[str, ...]]
SPOKEN_LIMITS = {"tieu_de": 10, "nut": 6, "cau": 22, "goi_y": 15, "loi_nghia": 15, "loi_lam": 15}
BANNED = (
    "hệ thống|xác thực|đăng nhập|đồng bộ|hợp lệ|truy cập|thao tác|giao diện|chức năng|tham số|"
    "phiên làm việc|thất bại|click|tab|link|file|upload|download|server|hash|submit|timeout|"
    "session|app|online|check|update|reset"
)


def read(language: str) -> Texts:
    with (LOCALE / f"{language}.po").open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    found: Texts = {}
    for message in catalogue:
        if message.id:
            key = message.id if isinstance(message.id, str) else message.id[0]
            told = message.string
            found[str(message.context), key] = (told,) if isinstance(told, str) else tuple(told)
    return found


VI, EN = read("vi"), read("en")


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def tieng(text: str) -> int:
    """Count tiếng: groups between spaces that hold a letter or digit."""
    return sum(any(sign.isalnum() for sign in group) for group in text.split())


def test_both_languages_have_the_same_messages() -> None:
    """No message is missing in either."""
    assert VI.keys() == EN.keys()


@pytest.mark.parametrize("place", sorted(VI))
def test_a_translation_uses_the_same_placeholders(place: tuple[str, str]) -> None:
    """What is filled in one language is filled in the other (an English singular may drop `n`)."""
    wanted = placeholders(VI[place][0])

    assert placeholders(EN[place][-1]) | {"n"} >= wanted
    assert wanted | {"n"} >= placeholders(EN[place][-1])


@pytest.mark.parametrize("place", sorted(p for p in VI if p[0] in SPOKEN_LIMITS))
def test_a_vietnamese_text_keeps_the_limit_of_its_kind(place: tuple[str, str]) -> None:
    """Lengths in tiếng; at most two sentences in an error line."""
    text = VI[place][0].replace("**", "")
    sentences = [part for part in re.split(r"[.!?]", text) if part.strip()]

    limit = SPOKEN_LIMITS[place[0]]
    if place[0] in ("cau", "goi_y"):
        assert max(tieng(sentence) for sentence in sentences) <= limit
    else:
        assert tieng(text) <= limit
    if place[0].startswith("loi_"):
        assert len(sentences) <= 2
    if place[0] == "tieu_de":
        assert not text.endswith(".")


@pytest.mark.parametrize("place", sorted(p for p in VI if p[0] not in ("chuyen_mon", "that")))
def test_a_learners_text_uses_plain_words(place: tuple[str, str]) -> None:
    """No banned word stands on a learner's page (§11.3)."""
    found = re.findall(rf"(?<!\w)(?:{BANNED})(?!\w)", VI[place][0].lower())

    assert found == []


def test_every_refusal_has_cause_remedy_and_status() -> None:
    """The closed set of codes is worded and mapped, and nothing else is."""
    worded = {key.split(".")[2] for _, key in VI if key.startswith("signing.problem.")}

    assert worded == {code.value for code in Code}
    assert set(HTTP_STATUS) == set(Code)


def test_every_event_of_the_ledger_has_a_word() -> None:
    """Officers read every kind of line."""
    worded = {key.split(".")[2] for _, key in VI if key.startswith("signing.event.")}

    assert worded == {event.value for event in Event}
