"""The registration of a certificate as a document."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest
from lxml import etree

from sandbox.documents import Registration, parse_registration, render_registration
from sandbox.errors import Refused

REGISTRATION = Registration(
    unit_code="48999401",
    unit_name="Trường Tiểu học Giả Lập số 1",
    serial_number="0A1B2C",
    holder="Trường Tiểu học Giả Lập số 1",
    issuer_code="GIA_LAP_CA",
    valid_from=date(2024, 1, 1),
    valid_to=date(2026, 12, 31),
    certificate=b"\x30\x82\x01\x00" + bytes(range(256)),
)
XML = render_registration(REGISTRATION)


def codes_of(xml: bytes) -> list[tuple[str, str | None]]:
    with pytest.raises(Refused) as refused:
        parse_registration(xml)
    return [(finding.code, finding.field) for finding in refused.value.findings]


def test_a_registration_comes_back_from_its_xml():
    """All eight fields survive, certificate bytes included."""
    assert parse_registration(XML).registration == REGISTRATION


def test_the_rendered_registration_is_canonical():
    """Signing needs no further canonicalisation of what is rendered."""
    assert etree.tostring(etree.fromstring(XML), method="c14n") == XML


def test_a_signature_behind_the_fields_is_passed_over():
    """The Signature is the last child and none of this document's fields."""
    signed = XML.replace(
        b"</DANG_KY", b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/></DANG_KY'
    )
    assert parse_registration(signed).registration == REGISTRATION


def test_serials_are_understood_in_lower_case_and_certificates_in_lines():
    """Hex in lower case and base64 in lines of 64 mean the same."""
    split = XML.replace(b"0A1B2C", b"0a1b2c").replace(b"MIIB", b"MI\n IB")
    assert parse_registration(split).registration == REGISTRATION


FAULTS = {
    "another root": (XML.replace(b"DANG_KY_CHUNG_THU_SO", b"DANG_KY"), "SBX-1109", "DANG_KY"),
    "another Id": (XML.replace(b"dataChungThuSo", b"x"), "SBX-1109", "DANG_KY_CHUNG_THU_SO"),
    "field missing": (
        XML.replace(b"<SERIAL_NUMBER>0A1B2C</SERIAL_NUMBER>", b""),
        "SBX-2001",
        "SERIAL_NUMBER",
    ),
    "unknown field": (XML.replace(b"</DANG_KY", b"<X/></DANG_KY"), "SBX-2002", "X"),
    "comment": (XML.replace(b"</DANG_KY", b"<!-- x --></DANG_KY"), "SBX-2002", "<!-- -->"),
    "field twice": (
        XML.replace(b"<TEN_CHU_THE>", b"<SERIAL_NUMBER>00</SERIAL_NUMBER><TEN_CHU_THE>"),
        "SBX-2002",
        "SERIAL_NUMBER",
    ),
    "empty field": (XML.replace(b"GIA_LAP_CA", b" "), "SBX-2003", "TEN_NHA_PHAT_HANH"),
    "no hex": (XML.replace(b"0A1B2C", b"0x1B2C"), "SBX-2004", "SERIAL_NUMBER"),
    "no day": (XML.replace(b"31/12/2026", b"31/11/2026"), "SBX-2004", "NGAY_HET_HAN"),
    "no base64": (XML.replace(b"MIIB", b"M!IB"), "SBX-2004", "CHUNG_THU_SO"),
    "name too long": (
        render_registration(dataclasses.replace(REGISTRATION, holder="a" * 251)),
        "SBX-2005",
        "TEN_CHU_THE",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_a_registration_gives_its_code(name):
    """One fault, one finding with code and field."""
    xml, code, field = FAULTS[name]
    assert codes_of(xml) == [(code, field)]


def test_all_faults_are_named_at_once():
    """Two faults give two findings."""
    xml = XML.replace(b"0A1B2C", b"xyz").replace(b"01/01/2024", b"1/1/2024")
    assert codes_of(xml) == [("SBX-2004", "SERIAL_NUMBER"), ("SBX-2004", "NGAY_HIEU_LUC")]
