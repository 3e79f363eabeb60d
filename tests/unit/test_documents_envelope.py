"""The envelope: the printed example, and everything that cannot be decoded."""

from __future__ import annotations

import base64
import gzip
import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.documents import Limits, envelope
from sandbox.errors import Finding, Refused

# the worked example of spec/transactions.md §3
TEXT = (
    '<DANH_SACH_HOC_BA id="dataDanhSach"><HOC_BA><HO_VA_TEN>Nguyễn Mẫu</HO_VA_TEN>'
    "</HOC_BA></DANH_SACH_HOC_BA>"
)
PRINTED = (
    "bQAAAB+LCAAAAAAAAgOzcXH084gPdnT2iPfwd453clTITLFVSkksSXRJzMsITkzOULKzgciA6Pgwx/gQVz87v/TSyoe7W"
    "/MUfB/uWl1qo4+QAbEhqvXRjbYDANolQTdtAAAA"
)
ESCAPED = (
    "bwAAAB+LCAAAAAAAAgOzcXH084gPdnT2iPfwd453clTITLGNUUpJLEl0SczLCE5MzohRsrOByIHo+DDH+BBXPzu/9NLKh7t"
    "b8xR8H+5aXWqjj5ABsSGq9dENtwMAvudKHG8AAAA="
)


def enveloped(body: bytes, *, announced: int | None = None, packed: bytes | None = None) -> str:
    packed = gzip.compress(body, mtime=0) if packed is None else packed
    prefix = struct.pack("<i", len(body) if announced is None else announced)
    return base64.b64encode(prefix + packed).decode()


def refusal(content: str, **limits: int) -> Finding:
    with pytest.raises(Refused) as refused:
        envelope.unpack(content, limits=Limits(**limits))
    return refused.value.findings[0]


def test_the_printed_example_unpacks_to_its_text():
    """The specification's content decodes to its text of 109 bytes."""
    xml = envelope.unpack(PRINTED).xml
    assert xml == TEXT.encode()
    assert len(xml) == 109
    assert hashlib.sha256(xml).hexdigest() == (
        "315484ec788c2e32c69ee3f68d56cf4862b25a676bcd701d235b285741846047"
    )


def test_the_printed_example_packs_to_the_printed_form():
    """Packing writes the printed length prefix and gzip header, and comes back."""
    content = envelope.pack(TEXT.encode())
    raw = base64.b64decode(content)
    assert raw[:4] == bytes.fromhex("6d000000")
    assert raw[4:14] == bytes.fromhex("1f8b0800000000000203")
    assert envelope.unpack(content).xml == TEXT.encode()


def test_escaped_quotes_are_undone_once_with_a_warning():
    """The printed escaped form means the same document, and SBX-1191 says so."""
    unpacked = envelope.unpack(ESCAPED)
    assert unpacked.xml == TEXT.encode()
    assert [warning.code for warning in unpacked.warnings] == ["SBX-1191"]


def test_a_backslash_is_undone_once_only():
    """Two backslashes become one, not none."""
    unpacked = envelope.unpack(enveloped(rb"<a id=\"x\">\\n\\\"</a>"))
    assert unpacked.xml == rb'<a id="x">\n\"</a>'


def test_a_lawful_backslash_stays():
    """A document without escaped quotes is not touched."""
    unpacked = envelope.unpack(enveloped(rb'<a id="x">\"\\</a>'))
    assert (unpacked.xml, unpacked.warnings) == (rb'<a id="x">\"\\</a>', ())


def test_a_byte_order_mark_is_dropped():
    """One BOM in front of the XML is accepted."""
    assert envelope.unpack(enveloped(b"\xef\xbb\xbf<a/>")).xml == b"<a/>"


@given(st.binary(min_size=1, max_size=3000).filter(lambda b: not b.startswith((b"\xef", b"<"))))
def test_every_body_comes_back(body):
    """What is packed is what is unpacked."""
    assert envelope.unpack(envelope.pack(body)).xml == body


GOOD = enveloped(b"<a/>")
UNDECODABLE = {
    "empty": ("", "length"),
    "not base64": ("<DANH_SACH_HOC_BA/>" * 3, "base64"),
    "not ASCII": ("học bạ" + GOOD, "base64"),
    "with a line break": (GOOD[:20] + "\n" + GOOD[20:], "base64"),
    "with a space": (GOOD[:20] + " " + GOOD[20:], "base64"),
    "without padding": (GOOD.rstrip("=")[:-1], "base64"),
    "URL alphabet": (GOOD[:-4] + "_-_-", "base64"),
    "too short": (base64.b64encode(bytes(21)).decode(), "length"),
    "zero length": (enveloped(b"<a/>", announced=0), "prefix"),
    "negative length": (enveloped(b"<a/>", announced=-1), "prefix"),
    "big-endian length": (enveloped(b"<a/>", announced=4 << 24), "prefix"),
    "length too small": (enveloped(b"<aaaa/>", announced=6), "prefix"),
    "length too large": (enveloped(b"<aaaa/>", announced=8), "prefix"),
    "no gzip": (enveloped(b"<a/>", packed=b"<a/>" * 9), "gzip"),
    "zlib, not gzip": (enveloped(b"<a/>", packed=b"\x78\x9c" + bytes(30)), "gzip"),
    "no prefix": (base64.b64encode(gzip.compress(b"<a/>" * 9)).decode(), "gzip"),
    "two members": (enveloped(b"<a/>", packed=gzip.compress(b"<a/>") * 2), "gzip"),
    "bytes behind the member": (enveloped(b"<a/>", packed=gzip.compress(b"<a/>") + b"x"), "gzip"),
    "member cut short": (enveloped(b"<aaaaa/>", packed=gzip.compress(b"<aaaaa/>")[:-3]), "gzip"),
    "wrong checksum": (
        enveloped(b"<aaaaa/>", packed=gzip.compress(b"<aaaaa/>")[:-8] + bytes(4) + b"\x08\0\0\0"),
        "gzip",
    ),
}


@pytest.mark.parametrize("name", UNDECODABLE)
def test_what_cannot_be_decoded_is_1108(name):
    """Each broken step is SBX-1108, names the step and points at `content`."""
    content, step = UNDECODABLE[name]
    limits = {"unpacked": 1 << 30} if name == "big-endian length" else {}
    finding = refusal(content, **limits)
    assert (finding.code, finding.field, finding.pointer) == ("SBX-1108", step, "/content")


def test_an_announced_length_above_the_cap_is_1105():
    """The cap is checked before anything is inflated."""
    finding = refusal(enveloped(b"<a/>", announced=(32 << 20) + 1))
    assert (finding.code, finding.field) == ("SBX-1105", "prefix")


def test_a_length_at_the_cap_passes():
    """The cap itself is allowed."""
    assert envelope.unpack(enveloped(b"<a/>"), limits=Limits(unpacked=4)).xml == b"<a/>"


def test_a_member_with_a_file_name_is_one_member():
    """Optional gzip header fields are lawful."""
    packed = b"\x1f\x8b\x08\x08\0\0\0\0\x02\x03a.xml\0" + gzip.compress(b"<a/>", mtime=0)[10:]
    assert envelope.unpack(enveloped(b"<a/>", packed=packed)).xml == b"<a/>"
