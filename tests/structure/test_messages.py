"""The words of all systems: there in both languages, used by their names, fit for learners."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from jinja2 import Environment, nodes

from sandbox.web.messages import LANGUAGES, Messages
from tests.structure.word_rules import KINDS, faults_of, sentences, syllables

PACKAGE = Path(__file__).parents[2] / "sandbox"
APPS = sorted(folder.parent.name for folder in PACKAGE.glob("*/locale") if any(folder.iterdir()))
Use = tuple[str, str, str]
"""Where it stands, the kind, and a pattern for the key."""


@pytest.fixture(scope="module")
def everything() -> Messages:
    return Messages([PACKAGE / app / "locale" for app in APPS], strict=True)


def words_of(app: str) -> Messages:
    return Messages([PACKAGE / app / "locale"], strict=True)


@pytest.mark.parametrize("app", APPS)
def test_every_message_is_there_in_both_languages(app: str) -> None:
    """No page is half Vietnamese, half English."""
    words = words_of(app)

    assert words.keys("vi") ^ words.keys("en") == set()


@pytest.mark.parametrize("app", APPS)
def test_every_message_has_a_known_kind(app: str) -> None:
    """The kind decides which limits hold, so an unknown kind would escape them."""
    assert {kind for kind, _ in words_of(app).keys("vi")} <= set(KINDS)


@pytest.mark.parametrize("app", APPS)
def test_both_languages_fill_in_the_same_values(app: str) -> None:
    """A placeholder lost in translation would drop a name; `n` may be said by the plural form."""
    words = words_of(app)
    different = [
        (kind, key)
        for kind, key in words.keys("vi")
        if len({frozenset(placeholders(words, language, kind, key)) for language in LANGUAGES}) > 1
    ]

    assert different == []


def placeholders(words: Messages, language: str, kind: str, key: str) -> Iterator[str]:
    for form in words.forms(language, kind, key):
        yield from (name for _, name, _, _ in Formatter().parse(form) if name not in {None, "n"})


@pytest.mark.parametrize("app", APPS)
def test_every_message_is_composed(app: str) -> None:
    """All strings are NFC, so that searching and comparing work."""
    words = words_of(app)
    loose = [
        (language, key)
        for language in LANGUAGES
        for kind, key in words.keys(language)
        for form in words.forms(language, kind, key)
        if not unicodedata.is_normalized("NFC", form)
    ]

    assert loose == []


@pytest.mark.parametrize("app", APPS)
def test_every_message_keeps_the_rules_of_its_kind(app: str) -> None:
    """Lengths, banned words, foreign forms, capitals and brands, by learner-experience §12."""
    words = words_of(app)
    faults = [
        f"{kind} {key}: {fault} – {form}"
        for kind, key in sorted(words.keys("vi"))
        for form in words.forms("vi", kind, key)
        for fault in faults_of(kind, key, form)
    ]

    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("app", APPS)
def test_sentences_for_learners_are_short_on_average(app: str) -> None:
    """At most 15 tiếng on average (W1), over all a system says to learners."""
    words = words_of(app)
    lengths = [
        len(syllables(sentence))
        for kind, key in words.keys("vi")
        if kind in {"cau", "loi_nghia", "loi_lam", "goi_y"}
        for form in words.forms("vi", kind, key)
        for sentence in sentences(form)
    ]

    assert sum(lengths) <= 15 * len(lengths)


@pytest.mark.parametrize("app", APPS)
def test_a_real_sentence_is_followed_by_its_two_plain_lines(app: str) -> None:
    """What real software says is always explained: Nghĩa là, Thầy cô làm (§11.4)."""
    words = words_of(app).keys("vi")
    alone = [
        key
        for kind, key in words
        if kind == "that"
        for stem in [key.rsplit(".", 1)[0]]
        for plain in ("loi_nghia", "loi_lam")
        if not any(other == plain and name.startswith(stem) for other, name in words)
    ]

    assert alone == []


def test_every_message_that_is_asked_for_exists(everything: Messages) -> None:
    """A key misspelt in a page or in code is found here, not by a visitor."""
    known = everything.keys("vi")
    missing = [
        f"{place}: {kind} {pattern}"
        for place, kind, pattern in (*uses_in_templates(), *uses_in_code())
        if not any(k == kind and re.fullmatch(pattern, key) for k, key in known)
    ]

    assert not missing, "\n".join(missing)


def uses_in_templates() -> Iterator[Use]:
    environment = Environment()
    for path in sorted(PACKAGE.glob("*/templates/**/*.html")):
        tree = environment.parse(path.read_text(encoding="utf-8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "_" and len(call.args) > 1:
                for kind in constants(call.args[0]):
                    yield str(path.relative_to(PACKAGE)), kind, template_pattern(call.args[1])


def constants(node: nodes.Node) -> list[str]:
    if isinstance(node, nodes.CondExpr):
        other = [] if node.expr2 is None else constants(node.expr2)
        return [*constants(node.expr1), *other]
    return [node.value] if isinstance(node, nodes.Const) else []


def template_pattern(node: nodes.Node) -> str:
    if isinstance(node, nodes.Const):
        return re.escape(str(node.value))
    if isinstance(node, nodes.Concat):
        return "".join(template_pattern(part) for part in node.nodes)
    if isinstance(node, nodes.Add):
        return template_pattern(node.left) + template_pattern(node.right)
    if isinstance(node, nodes.Mod) and isinstance(node.left, nodes.Const):
        return re.sub(r"%[sd]", ".+", re.escape(str(node.left.value)))
    if isinstance(node, nodes.CondExpr):
        parts = [node.expr1, *([node.expr2] if node.expr2 is not None else [])]
        return "(?:" + "|".join(template_pattern(part) for part in parts) + ")"
    return ".+"


def uses_in_code() -> Iterator[Use]:
    for path in sorted(PACKAGE.glob("**/*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call):
                continue
            for kind, key in zip(call.args, call.args[1:], strict=False):
                if isinstance(kind, ast.Constant) and kind.value in KINDS:
                    place = f"{path.relative_to(PACKAGE)}:{call.lineno}"
                    yield place, str(kind.value), code_pattern(key)


def code_pattern(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return re.escape(str(node.value))
    if isinstance(node, ast.JoinedStr):
        return "".join(
            re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+"
            for part in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return code_pattern(node.left) + code_pattern(node.right)
    if isinstance(node, ast.IfExp):
        return f"(?:{code_pattern(node.body)}|{code_pattern(node.orelse)})"
    return ".+"


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("nut", "Ký tất cả các học bạ của lớp", "8 tiếng"),
        ("tieu_de", "Nhập mã lớp.", "full stop"),
        ("cau", "Máy " + "rất " * 22 + "chậm.", "a sentence of 24"),
        ("loi_lam", "Xem. Nhập. Bấm.", "3 sentences"),
        ("cau", "Đăng nhập vào máy.", "banned word 'đăng nhập'"),
        ("cau", "Bấm link ở dưới.", "banned word 'link'"),
        ("cau", "Mở browser ở dưới.", "foreign form 'browser'"),
        ("cau", "ĐỪNG BẤM NỮA.", "capitals"),
        ("cau", "Bấm nút hủy.", "spelling 'hủy'"),
        ("alt", "Nút ký", "alt text"),
        ("chuyen_mon", "Dùng SmartCA để ký.", "brand"),
        ("loi_nghia", "Dữ liệu không hợp lệ.", "hợp lệ"),
    ],
)
def test_the_linter_names_a_planted_fault(kind: str, text: str, said: str) -> None:
    """The rules catch what they are there to catch."""
    assert [fault for fault in faults_of(kind, "a.b", text) if said in fault]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("cau", "BẢN TẬP – DỮ LIỆU GIẢ LẬP. Đừng nhập mã PIN thật của thầy cô."),
        ("cau", "Nhập mã gửi về điện thoại (OTP) rồi xem lại."),
        ("nut", "Ký 32 học bạ"),
        ("cau", "Thầy cô quay lại khi nào cũng được, cô Hoa Mai ạ."),
        ("chuyen_mon", "Chữ ký gói không hợp lệ, xem hash trong file."),
    ],
)
def test_the_linter_lets_good_words_pass(kind: str, text: str) -> None:
    """Good Vietnamese is not accused."""
    assert faults_of(kind, "a.b", text) == []
