"""The string linter: lengths, words and forms of what a learner reads (learner-experience §12).

`faults_of(kind, key, text)` returns one line for each rule a Vietnamese message breaks. Lengths
are counted in *tiếng*: whitespace groups after stripping punctuation.
"""

from __future__ import annotations

import re
import unicodedata

KINDS = (
    "tieu_de",
    "nut",
    "cau",
    "loi_nghia",
    "loi_lam",
    "nhan",
    "that",
    "goi_y",
    "alt",
    "chuyen_mon",
)
LONGEST_SENTENCE = 22
LONGEST = {"tieu_de": 10, "nut": 6, "loi_nghia": 15, "loi_lam": 15, "goi_y": 15}
MOST_SENTENCES = {"loi_nghia": 2, "loi_lam": 2, "nut": 1}
NO_FULL_STOP = ("tieu_de", "nut")
MARKS = ("BẢN TẬP – DỮ LIỆU GIẢ LẬP", "BẢN TẬP")

BANNED = [
    "hệ thống",
    "xác thực",
    "đăng nhập",
    "đồng bộ",
    "hợp lệ",
    "truy cập",
    "thao tác",
    "giao diện",
    "chức năng",
    "tham số",
    "phiên làm việc",
    "thất bại",
    "click",
    "tab",
    "link",
    "file",
    "upload",
    "download",
    "server",
    "hash",
    "submit",
    "timeout",
    "session",
    "app",
    "online",
    "check",
    "update",
    "reset",
]
FOREIGN = {"PIN", "USB", "Token", "SIM", "OTP", "QR", "Wi-Fi", "PDF", "CSV", "OK", "English"}
"""Foreign forms a learner may meet (§11.3)."""
REAL_LABELS = {"GVCN", "CBQL", "CTS", "XML"}
"""Words that stand on controls of real products, kept on labels that imitate them (W5)."""
WRONG_SPELLING = re.compile(r"\b(?:hủy|khóa|hòa)\b", re.IGNORECASE)
"""Own text spells huỷ, khoá, hoà (§11.2)."""
BRANDS = re.compile(
    r"\b(?:vnpt|viettel|misa|bkav|fpt|smartca|mysign|vnedu|smas|easyca|cmc|nacencomm|newtel|zalo|"
    r"google|microsoft|apple|samsung|facebook)\b",
    re.IGNORECASE,
)
_SYLLABLE = re.compile(
    r"(?:b|c|ch|d|g|gh|gi|h|k|kh|l|m|n|ng|ngh|nh|p|ph|qu|r|s|t|th|tr|v|x)?"
    r"(?:[aeiouy]|ai|ao|au|ay|eo|eu|ia|ie|iu|oa|oe|oi|oo|ua|ue|ui|uo|uy|uya|uye|ieu|yeu|oai|oay|"
    r"uoi|uou)"
    r"(?:c|ch|m|n|ng|nh|p|t)?\Z"
)


def faults_of(kind: str, key: str, text: str) -> list[str]:
    """Return the rules that the Vietnamese message *text* breaks."""
    faults = [f"brand {found.group()!r}" for found in BRANDS.finditer(text)]
    if not unicodedata.is_normalized("NFC", text):
        faults.append("not NFC")
    if kind == "chuyen_mon" or kind == "that":
        return faults
    return faults + _length_faults(kind, text) + _word_faults(kind, key, text)


def syllables(text: str) -> list[str]:
    """Return the *tiếng* of *text*: whitespace groups without punctuation; a number is one."""
    groups = (group.strip(".,;:!?…\"'“”()[]–-·/*‹›") for group in text.split())
    return [group for group in groups if group]


def sentences(text: str) -> list[str]:
    """Return the sentences of *text*: split at . ! ? and line ends."""
    return [part for part in re.split(r"(?<=[.!?])\s+|\n", text) if syllables(part)]


def _length_faults(kind: str, text: str) -> list[str]:
    faults, count = [], len(syllables(text))
    if count > LONGEST.get(kind, count):
        faults.append(f"{count} tiếng, at most {LONGEST[kind]}")
    parts = sentences(text)
    if len(parts) > MOST_SENTENCES.get(kind, len(parts)):
        faults.append(f"{len(parts)} sentences, at most {MOST_SENTENCES[kind]}")
    faults += [
        f"a sentence of {len(syllables(part))} tiếng, at most {LONGEST_SENTENCE}"
        for part in parts
        if len(syllables(part)) > LONGEST_SENTENCE
    ]
    if kind in NO_FULL_STOP and text.rstrip().endswith("."):
        faults.append("ends with a full stop")
    if kind == "alt" and (count < 3 or text.lower().startswith("hình ảnh")):
        faults.append("an alt text says what to do, in at least 3 tiếng")
    return faults


def _word_faults(kind: str, key: str, text: str) -> list[str]:
    faults = []
    plain = re.sub(r"\{[^}]*\}", "1", text)
    for mark in MARKS:
        plain = plain.replace(mark, "")
    lower = " ".join(syllables(plain.lower()))
    faults += [f"banned word {word!r}" for word in BANNED if re.search(rf"\b{word}\b", lower)]
    known = FOREIGN | (REAL_LABELS if kind == "nhan" else set())
    foreign = [word for word in syllables(plain) if _is_foreign(word) and word not in known]
    faults += [f"foreign form {word!r}" for word in foreign]
    if shouted := _capitals(plain):
        faults.append(f"capitals {shouted!r}")
    if found := WRONG_SPELLING.search(plain):
        faults.append(f"spelling {found.group()!r}")
    if "Lỗi:" in plain and key != "web.error_title":
        faults.append("'Lỗi:' stands only in the titles of error pages")
    if "không hợp lệ" in lower or "thầy cô nhập sai" in lower:
        faults.append("blames or says nothing (E2r)")
    return faults


def _capitals(text: str) -> str:
    """Return the first run of two or more words in capitals that are no allowed forms, or ""."""
    run: list[str] = []
    for word in [*syllables(text), ""]:
        if len(word) > 1 and word.isupper():
            run.append(word)
            continue
        if len(run) > 1 and not set(run) <= FOREIGN | REAL_LABELS:
            return " ".join(run)
        run = []
    return ""


def _is_foreign(word: str) -> bool:
    """Return whether *word* is two or more plain letters and no Vietnamese syllable."""
    letters = word.replace("-", "")
    if len(letters) < 2 or not letters.isascii() or not letters.isalpha():
        return False
    return not all(_SYLLABLE.match(part.lower()) for part in word.split("-"))
