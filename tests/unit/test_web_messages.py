"""Words are found by kind and key, filled in, and never let a value become markup."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from sandbox import web
from sandbox.errors import Misuse
from sandbox.web.messages import Messages

HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
VI = """
msgctxt "nut"
msgid "a.sign"
msgid_plural "a.sign.n"
msgstr[0] "Ký {n} học bạ"

msgctxt "loi_lam|E4"
msgid "a.greet"
msgstr "Chào **{name}** & bạn"
"""
EN = """
msgctxt "nut"
msgid "a.sign"
msgid_plural "a.sign.n"
msgstr[0] "Sign {n} record"
msgstr[1] "Sign {n} records"

msgctxt "loi_lam|E4"
msgid "a.greet"
msgstr "Hello **{name}**"
"""


def words(folder: Path, vi: str = VI, en: str = EN, *, strict: bool = True) -> Messages:
    plurals = {"vi": "nplurals=1; plural=0;", "en": "nplurals=2; plural=(n != 1);"}
    for language, body in (("vi", vi), ("en", en)):
        head = HEADER + f'"Language: {language}\\n"\n"Plural-Forms: {plurals[language]}\\n"\n'
        (folder / f"{language}.po").write_text(head + body, encoding="utf-8")
    return Messages([folder], strict=strict)


@pytest.mark.parametrize(
    ("language", "n", "expected"),
    [
        ("vi", 1, "Ký 1 học bạ"),
        ("vi", 32, "Ký 32 học bạ"),
        ("en", 1, "Sign 1 record"),
        ("en", 32, "Sign 32 records"),
    ],
)
def test_a_number_chooses_the_plural_of_its_language(
    tmp_path: Path, language: str, n: int, expected: str
) -> None:
    """English has two forms, Vietnamese one."""
    assert words(tmp_path).text(language, "nut", "a.sign", n=n) == expected


def test_the_kind_is_what_stands_before_the_bar(tmp_path: Path) -> None:
    """`loi_lam|E4` is found as `loi_lam`."""
    assert words(tmp_path).text("en", "loi_lam", "a.greet", name="Hoa") == "Hello Hoa"


def test_on_a_page_values_are_escaped_and_stars_are_strong(tmp_path: Path) -> None:
    """A name with markup in it stays a name."""
    made = words(tmp_path).markup("vi", "loi_lam", "a.greet", name="<b>**")

    assert str(made) == "Chào <strong>&lt;b&gt;**</strong> &amp; bạn"


def test_a_missing_message_raises_when_strict(tmp_path: Path) -> None:
    """Tests find it before a visitor does."""
    with pytest.raises(KeyError, match=r"a\.nothing"):
        words(tmp_path).text("vi", "nut", "a.nothing")


def test_a_missing_message_shows_its_key_otherwise(tmp_path: Path) -> None:
    """A visitor sees the key rather than a failure."""
    assert words(tmp_path, strict=False).text("vi", "nut", "a.nothing") == "a.nothing"


def test_a_message_written_twice_is_refused(tmp_path: Path) -> None:
    """Two apps cannot claim one name."""
    double = tmp_path / "b"
    double.mkdir()
    words(tmp_path)
    for name in ("vi.po", "en.po"):
        (double / name).write_bytes((tmp_path / name).read_bytes())

    with pytest.raises(Misuse, match="twice"):
        Messages([tmp_path, double])


def test_an_empty_message_is_refused(tmp_path: Path) -> None:
    """An untranslated message is said to be one, with file and line."""
    with pytest.raises(Misuse, match=r"vi\.po:\d+: .*empty"):
        words(tmp_path, vi='msgctxt "nut"\nmsgid "a.x"\nmsgstr ""\n')


def test_a_broken_catalogue_is_refused_with_its_line(tmp_path: Path) -> None:
    """A bad file is answered with its place."""
    with pytest.raises(Misuse, match=r"vi\.po:\d+"):
        words(tmp_path, vi='msgid "a.x"\nmsgtext "ab"\n')


def test_text_can_be_asked_for_by_language_alone() -> None:
    """Workers and receipts have no request."""
    web.Skin(strict=True)

    assert web.text("en", "nut", "web.skip") == "To the main part"


def test_a_slip_in_a_template_is_an_error(tmp_path: Path) -> None:
    """An unknown name in a template raises instead of printing nothing."""
    (tmp_path / "x.html").write_text("{{ unknown }}", encoding="utf-8")
    skin = web.Skin({"x": tmp_path}, strict=True)

    with pytest.raises(UndefinedError):
        skin.environment.get_template("x/x.html").render()
