"""A record read from its bytes and the same record read from its elements say the same."""

from __future__ import annotations

import random

from sandbox.documents import ParsedRecord, parse_record
from sandbox.documents.plain_data import plain_data, read_plain
from sandbox.documents.reading import _card_of_elements, _card_of_plain, pairs_of
from sandbox.errors import Refused
from tests.builders.corpora import usual_records

PARTS = ("QUA_TRINH_HOC_TAP", "TONG_KET/BANG_DIEM", "TONG_KET/DANH_GIA_NANG_LUC_PHAM_CHAT")
SPLICES = (
    *(
        b"&amp;",
        b"&lt;",
        b"&#65;",
        b"\r",
        b"\r\n",
        b"\n",
        b"\t",
        b"  ",
        b"\xc3\xa1",
        b">",
        b"=",
        b"'",
    ),
    *(b"<!-- x -->", b"<![CDATA[x]]>", b"<?x y?>", b"<X/>", b"<X></X>", b"<CAN_NANG>A</CAN_NANG>"),
    *(b"<MON_HOC></MON_HOC>", b"</MON_HOC><MON_HOC>", b"<NAM_HOC_ITEM></NAM_HOC_ITEM>"),
    *(b"</TONG_KET><TONG_KET>", b"</BANG_DIEM><BANG_DIEM>", b"<BANG_DIEM></BANG_DIEM>"),
    *(b' x="y"', b' xmlns="urn:x"', b"<MA_KHOI>\n4</MA_KHOI>", b"<A_B>1<C>2</C></A_B>"),
)


def _spoil(chance: random.Random, raw: bytes) -> bytes:
    """Put something into the data, double a stretch between tags, or take one away."""
    end = raw.index(b"</DU_LIEU_HOC_BA>")
    tags = [place for place in range(end) if raw[place : place + 1] == b"<"]
    first, second = sorted(chance.sample(tags, 2))
    action = chance.randrange(5)
    if action == 0:
        return raw[:second] + raw[first:second] + raw[second:]
    if action == 1:
        return raw[:first] + raw[second:]
    place = chance.choice(tags) if action == 2 else chance.randrange(end)
    return raw[:place] + chance.choice(SPLICES) + raw[place:]


def _same(record: ParsedRecord) -> bool:
    """Hold both ways of reading against each other; False where only the elements can be read."""
    plain = plain_data(record)
    if plain is None:
        return False
    data = record.element[0]
    history, subjects, assessment = (data.find(path) for path in PARTS)
    assert history is not None
    assert subjects is not None
    assert assessment is not None
    assert [child.tag for child in data] == ["THONG_TIN_CHUNG", "QUA_TRINH_HOC_TAP", "TONG_KET"]
    assert plain.general == pairs_of(data[0])
    assert plain.history == [pairs_of(row) for row in history]
    assert plain.subjects == [pairs_of(row) for row in subjects]
    assert plain.assessment == pairs_of(assessment)
    assert [*plain.year_end, ("BANG_DIEM", ""), ("DANH_GIA_NANG_LUC_PHAM_CHAT", "")] == list(
        pairs_of(data[2])
    )
    return True


def test_usual_records_are_read_from_their_bytes() -> None:
    """Both ways give one card for what the invented schools write."""
    for raw in usual_records(60):
        record = parse_record(raw)
        assert _same(record)
        plain = plain_data(record)
        assert plain is not None
        assert _card_of_plain(plain) == _card_of_elements(record)


def test_a_spoiled_record_is_never_read_otherwise_than_its_elements_say() -> None:
    """Whatever is put in, doubled or taken away: the bytes say the same, or nothing."""
    chance = random.Random(20250528)
    raws = usual_records(4)
    seen = {True: 0, False: 0}
    for _ in range(6_000):
        raw = chance.choice(raws)
        for _ in range(chance.choice((1, 1, 2))):
            raw = _spoil(chance, raw)
        try:
            record = parse_record(raw)
        except Refused:
            continue
        seen[_same(record)] += 1

    assert min(seen.values()) > 300, seen


def test_what_the_bytes_do_not_say_plainly_is_left_to_the_parser() -> None:
    raw = usual_records(1)[0]
    start, end = raw.index(b"<DU_LIEU"), raw.index(b"</DU_LIEU_HOC_BA>") + len(b"</DU_LIEU_HOC_BA>")
    data = raw[start:end]
    assert read_plain(data) is not None
    for old, new in (
        (b"<MA_KHOI>", b"\n<MA_KHOI>"),
        (b"<MA_KHOI>", b'<MA_KHOI x="">'),
        (b"<MA_KHOI>", b"<!--a--><MA_KHOI>"),
        (b"</MA_KHOI>", b"&amp;</MA_KHOI>"),
        (b"</MA_KHOI>", b"\r</MA_KHOI>"),
        (b"</NAM_HOC_ITEM>", b"</NAM_HOC_ITEM> "),
        (b"<BANG_DIEM>", b"<BANG_DIEM><X></X>"),
    ):
        assert old in data
        assert read_plain(data.replace(old, new, 1)) is None, new
