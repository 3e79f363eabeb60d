"""The rejection catalogue is complete, bilingual and plain."""

from __future__ import annotations

import re
import unicodedata

import pytest

from sandbox.domain.rejections import (
    CATALOGUE,
    CATALOGUE_VERSION,
    Severity,
    Stage,
    explain,
    explain_all,
    title,
)
from sandbox.errors import Finding

PRINTED = {
    "receipt": "1101 1102 1103 1104 1106 1107 1112 1117 1118",
    "package": "1105 1108 1109 1110 1111 1113 1114 1115 1116 1191",
    "query": "1201 1202",
    "schema": "2001 2002 2003 2004 2005 2006 2007 2008 2009 2090 2091",
    "signature": "3001 3002 3003 3004 3005 3006 3007 3008 3009 3010 3011 3012 3013 3014 3015 3016 "
    "3017 3018 3019 3020 3021 3061 3062",
    "rules": "4001 4002 4003 4004 4005 4006 4007 4090",
    "register": "5001 5002 5008",
    "lock": "5003 5004 5005",
    "recall": "5006 5007",
    "any": "9001",
}
WARNINGS = {"SBX-1191", "SBX-2090", "SBX-2091", "SBX-3061", "SBX-3062", "SBX-4090"}
STATUS = {
    400: {"SBX-1101"},
    401: {"SBX-1102", "SBX-1103"},
    403: {"SBX-1106", "SBX-1117"},
    404: {"SBX-1202"},
    409: {"SBX-1107"},
    413: {"SBX-1104"},
    429: {"SBX-1112"},
    503: {"SBX-1118"},
    200: {"0", "SBX-1201"},
}
BANNED = re.split(
    r",\s+",
    """hệ thống, xác thực, đăng nhập, đồng bộ, hợp lệ, truy cập, thao tác, giao diện, chức năng,
    tham số, phiên làm việc, thất bại, click, tab, link, file, upload, download, server, hash,
    submit, timeout, session, app, online, check, update, reset""",
)
ALLOWED_FOREIGN = {"PIN", "USB", "Token", "SIM", "OTP", "QR", "Wi-Fi", "PDF", "CSV", "OK"}
ALL = pytest.mark.parametrize("code", list(CATALOGUE))


def tieng(text: str) -> list[str]:
    """Count as learner-experience.md §12 does: whitespace groups without punctuation."""
    return [w for w in (g.strip(".,:;!?()“”\"'") for g in text.split()) if w]


def test_every_printed_code_stands_at_its_printed_stage():
    """All codes of the printed table are there, each at the stage the table gives."""
    for stage, numbers in PRINTED.items():
        for number in numbers.split():
            assert CATALOGUE[f"SBX-{number}"].stage is Stage(stage), number
    assert CATALOGUE["0"].stage is Stage.ANY


def test_what_the_printed_table_does_not_hold_is_marked_as_added():
    """Exactly the codes outside the printed table say so, because differences.md lists them."""
    printed = {f"SBX-{n}" for numbers in PRINTED.values() for n in numbers.split()} | {"0"}
    assert {code for code, entry in CATALOGUE.items() if entry.added} == set(CATALOGUE) - printed


def test_titles_are_the_printed_ones():
    """A title is taken letter for letter from the printed table."""
    assert title("SBX-2003") == "Thẻ rỗng: giá trị Null phải bỏ cặp thẻ"
    assert title("SBX-5004").endswith("(chỉ tính học bạ đã được nhận, còn hay hết hiệu lực)")
    assert title("SBX-3062") == "(cảnh báo) Học bạ không có giáo viên chủ nhiệm"
    assert title("SBX-9001", "en") == "System error (simulated)"


def test_only_the_marked_codes_are_warnings():
    """Warnings are exactly those the table marks."""
    found = {code for code, entry in CATALOGUE.items() if entry.severity is Severity.WARNING}
    assert found == WARNINGS
    assert all(CATALOGUE[code].title["vi"].startswith("(cảnh báo) ") for code in WARNINGS)


def test_the_statuses_are_those_of_the_wire():
    """Codes answered at once carry the HTTP status of transactions §2.8, all others none."""
    expected = {code: status for status, codes in STATUS.items() for code in codes}
    found = {code: e.http_status for code, e in CATALOGUE.items() if e.http_status is not None}
    assert found == expected


@ALL
def test_each_text_stands_in_both_languages_and_in_nfc(code):
    """No code lacks a text in Vietnamese or English."""
    entry = CATALOGUE[code]
    texts = (entry.title, entry.cause, entry.remedy, entry.plain_meaning, entry.plain_remedy)
    for text in texts:
        assert set(text) == {"vi", "en"}
        for words in text.values():
            assert words.strip() == words
            assert words
            assert unicodedata.is_normalized("NFC", words)
        assert text["vi"] != text["en"]


@ALL
def test_plain_lines_keep_the_limits_of_learner_pages(code):
    """A plain line has at most 15 tiếng and two sentences."""
    entry = CATALOGUE[code]
    for text in (entry.plain_meaning["vi"], entry.plain_remedy["vi"]):
        assert len(tieng(text)) <= 15, text
        assert len([s for s in re.split(r"[.!?]\s*", text) if s]) <= 2, text
    for text in (entry.plain_meaning["en"], entry.plain_remedy["en"]):
        assert len(tieng(text)) <= 15, text


@ALL
def test_plain_lines_use_no_banned_and_no_foreign_word(code):
    """Teachers read no office word and no English word outside the allow-list."""
    entry = CATALOGUE[code]
    for text in (entry.plain_meaning["vi"], entry.plain_remedy["vi"]):
        padded = f" {' '.join(tieng(text)).lower()} "
        assert not [word for word in BANNED if f" {word} " in padded]
        capitals = {w for w in tieng(text) if len(w) > 1 and w.isascii() and w.isupper()}
        assert capitals <= ALLOWED_FOREIGN


def test_a_row_of_chi_tiet_weaves_in_what_stood_there():
    """The cause says what was found and what was expected; the rest is the finding's place."""
    finding = Finding(
        "SBX-4003", "KET_QUA_XEP_LOAI", "/HOC_BA/x", 12, None, "Hoàn thành tốt", "Hoàn thành"
    )

    row = explain(finding)

    assert (row["ma"], row["muc"], row["giai_doan"]) == ("SBX-4003", "loi", "rules")
    assert (row["truong"], row["xpath"], row["dong"]) == ("KET_QUA_XEP_LOAI", "/HOC_BA/x", 12)
    assert row["nguyen_nhan"].endswith("Đang ghi: “Hoàn thành tốt”. Cần: Hoàn thành.")
    assert row["con_tro_json"] is None


def test_a_value_with_braces_is_shown_as_it_is():
    """What the sender wrote is never read as a template."""
    row = explain(Finding("SBX-1101", value="{expected}", expected="{value}"), "en")
    assert row["nguyen_nhan"].endswith("Found: “{expected}”. Expected: {value}.")


def test_an_unknown_language_gets_vietnamese():
    """A visitor whose language the catalogue lacks reads Vietnamese."""
    assert explain(Finding("SBX-2001"), "fr") == explain(Finding("SBX-2001"), "vi")


def test_findings_within_follow_as_rows_of_their_own():
    """A package refusal is followed by the signature faults behind it."""
    finding = Finding("SBX-1110", within=(Finding("SBX-3002"), Finding("SBX-3018")))
    assert [row["ma"] for row in explain_all([finding])] == ["SBX-1110", "SBX-3002", "SBX-3018"]


def test_the_catalogue_carries_its_version():
    """Clients can see from the version whether their copy is current."""
    assert re.fullmatch(r"\d{4}\.\d+", CATALOGUE_VERSION)
