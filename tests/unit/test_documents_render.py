"""Rendering and reading: the same bytes, whichever way round."""

from __future__ import annotations

import dataclasses
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from sandbox.documents import (
    build_package,
    check_schema,
    identify,
    parse,
    parse_record,
    read_report_card,
    render_record,
)
from sandbox.domain.assessment import check_rules
from sandbox.domain.consistency import check_consistency
from sandbox.domain.report_card import ReportCard
from tests.builders.documents import (
    HISTORY,
    SUMMARY,
    VECTORS,
    a_card,
    a_record,
    changed,
    parsed,
    valued,
)

EXAMPLE = (VECTORS / "record_spec_9.xml").read_bytes()


def test_a_card_read_back_is_the_same_card():
    """Nothing of a card is lost or changed on its way through XML."""
    assert read_report_card(parsed(a_record())) == a_card()


def test_rendering_a_read_card_gives_the_same_bytes():
    """The XML of a card is byte-stable."""
    record = a_record()
    assert render_record(read_report_card(parsed(record))) == record


def test_rendered_bytes_are_already_canonical():
    """Canonicalising a rendered record changes no byte."""
    record = a_record(pupil_name="H' Mẫu-Niê", address='Tổ 9 & 10 <"sau chợ">\r\n')
    assert etree.tostring(etree.fromstring(record), method="c14n") == record


def test_decomposed_letters_are_written_composed():
    """A card filled in with decomposed letters is rendered in NFC."""
    decomposed = unicodedata.normalize("NFD", "Nguyễn Mẫu Giả Lập")
    assert a_record(pupil_name=decomposed) == a_record()


def test_a_null_leaves_its_tags_out():
    """A value that is not there leaves no empty tag behind."""
    record = a_record(father=None, district=None, guardian="")
    assert b"HO_VA_TEN_CHA" not in record
    assert b"TEN_QUAN_HUYEN" not in record
    assert b"NGUOI_GIAM_HO" not in record


def test_decimals_keep_their_digits():
    """A weight of 29.50 is written and read as 29.50."""
    record = a_record(weight_kg=Decimal("29.50"))
    assert b"<CAN_NANG>29.50</CAN_NANG>" in record
    assert render_record(read_report_card(parsed(record))) == record


def test_the_record_id_is_written_in_lower_case():
    """UUIDs are compared without case and written in lower case."""
    upper = "ABCDEF00-0000-4000-8000-00000000000A"
    record = a_record(record_id=upper)
    assert upper.lower().encode() in record
    assert upper.encode() not in record


@settings(max_examples=60, deadline=None)
@given(
    comment=st.text(
        st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufffe\uffff"),
        min_size=1,
        max_size=60,
    ).map(lambda text: unicodedata.normalize("NFC", text) + "."),
    absent=st.integers(0, 300),
)
def test_any_text_survives_the_round_trip(comment, absent):
    """Whatever Unicode a teacher writes comes back, and renders to the same bytes."""
    summary = dataclasses.replace(SUMMARY, teacher_comment=unicodedata.normalize("NFC", comment))
    general = a_card(absent_with_leave=absent).general
    card = ReportCard(general, HISTORY, summary)
    record = render_record(card)
    assert read_report_card(parsed(record)) == card
    assert etree.tostring(etree.fromstring(record), method="c14n") == record


def test_the_specifications_example_reads_and_validates():
    """The record printed in the specification passes the schema without a word."""
    record = parse_record(EXAMPLE)
    assert check_schema(record) == []
    assert read_report_card(record) == a_card()


def test_the_specifications_example_keeps_the_rules():
    """The record printed in the specification agrees with itself and with the circular."""
    card = read_report_card(parse_record(EXAMPLE))
    assert check_consistency(card) == []
    assert check_rules(card) == []


def test_words_for_levels_are_read_as_letters():
    """With the words switch a record may say Hoàn thành tốt where others say T."""
    record = valued("MUC_DAT_DUOC", "Hoàn thành tốt").replace(
        b"<PHAM_CHAT_NHAN_AI>T<", "<PHAM_CHAT_NHAN_AI>Tốt<".encode()
    )
    assert check_schema(parsed(record)) != []
    assert read_report_card(parsed(record)) == a_card()


def test_aliases_and_iso_dates_are_read():
    """The ordinary spellings and ISO dates mean the same card."""
    record = (
        valued("NGAY_SINH", "2014-03-09")
        .replace(b"THONG_SO_BUOI", b"TONG_SO_BUOI")
        .replace(b"GIAO_TIEP_HOC_TAC", b"GIAO_TIEP_HOP_TAC")
    )
    assert read_report_card(parsed(record)) == a_card()


def test_reading_takes_the_bare_data_element_too():
    """What a signature covers, DU_LIEU_HOC_BA alone, is enough to read the card."""
    record = a_record()
    start, end = record.index(b"<DU_LIEU"), record.index(b"</HOC_BA>")
    assert read_report_card(record[start:end]) == a_card()


def test_reading_a_broken_record_is_a_value_error():
    """Reading before checking fails loudly."""
    with pytest.raises(ValueError, match="schema"):
        read_report_card(parsed(a_record().replace(b"QUA_TRINH_HOC_TAP", b"X")))
    with pytest.raises(ValueError, match="schema"):
        read_report_card(parsed(valued("CAN_NANG", "nhẹ")))


def test_identify_never_raises():
    """Whose record it is can be said even of rubbish, in at most 200 characters a field."""
    identity = identify(parsed(valued("HO_VA_TEN", "Ă" * 500)))
    assert identity.pupil_name == "Ă" * 200
    assert identity.pupil_code == "4899900017"
    assert identify(parsed(b"<HOC_BA/>")).uuid is None


def test_a_package_holds_its_records_byte_for_byte():
    """Packing and cutting out again changes no byte."""
    records = [a_record(), EXAMPLE[EXAMPLE.index(b"<HOC_BA") :].rstrip(), a_record(grade=3)]
    package = parse(build_package(records))
    assert [record.original for record in package.records] == records
    assert [record.xpath for record in package.records] == [
        f"/DANH_SACH_HOC_BA/HOC_BA[{n}]" for n in (1, 2, 3)
    ]


def test_a_record_with_a_declaration_cannot_be_packed():
    """An XML declaration inside a package would be no XML: packing refuses it."""
    with pytest.raises(ValueError, match="record 2"):
        build_package([a_record(), EXAMPLE])


def test_the_change_builder_changes_one_place():
    """`changed` is honest about what it replaces."""
    assert changed("4899900017", "4899900018") != a_record()
