"""`DANG_KY_CHUNG_THU_SO`: the document a unit sends to register its certificate (§2.4).

The eight fields stand in the specification's order below the root; the Signature, made with
that very certificate, is the last child. Signing and verifying it is `sandbox.xmldsig`.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from sandbox.documents import forms
from sandbox.documents.bounds import Limits
from sandbox.documents.parser import safe_tree
from sandbox.documents.render import element
from sandbox.documents.tags import SIGNATURE
from sandbox.documents.tree import Element, attributes_of, bare_name, is_element, line_of
from sandbox.errors import Finding, Refused

REGISTRATION_ROOT: Final = "DANG_KY_CHUNG_THU_SO"
REGISTRATION_ID: Final = "dataChungThuSo"
_LONGEST_TEXT: Final = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a unit declares about its certificate."""

    unit_code: str  # MA_DON_VI
    unit_name: str  # TEN_DON_VI
    serial_number: str  # SERIAL_NUMBER, upper-case hex with an even number of digits
    holder: str  # TEN_CHU_THE, the certificate's CN
    issuer_code: str  # TEN_NHA_PHAT_HANH, a code of service 3.3
    valid_from: date  # NGAY_HIEU_LUC, local (+07:00) day of notBefore
    valid_to: date  # NGAY_HET_HAN, local (+07:00) day of notAfter
    certificate: bytes = field(repr=False)  # CHUNG_THU_SO, DER


@dataclass(frozen=True, slots=True, eq=False)
class ParsedRegistration:
    """A registration as it arrived; its signature has not been looked at."""

    root: Element
    xml: bytes = field(repr=False)
    registration: Registration


def render_registration(registration: Registration) -> bytes:
    """Return the unsigned document of *registration*, already canonical."""
    fields = (
        ("MA_DON_VI", registration.unit_code),
        ("TEN_DON_VI", registration.unit_name),
        ("SERIAL_NUMBER", registration.serial_number),
        ("TEN_CHU_THE", registration.holder),
        ("TEN_NHA_PHAT_HANH", registration.issuer_code),
        ("NGAY_HIEU_LUC", forms.DATE.write(registration.valid_from)),
        ("NGAY_HET_HAN", forms.DATE.write(registration.valid_to)),
        ("CHUNG_THU_SO", base64.b64encode(registration.certificate).decode("ascii")),
    )
    body = "".join(element(tag, text) for tag, text in fields)
    return f'<{REGISTRATION_ROOT} id="{REGISTRATION_ID}">{body}</{REGISTRATION_ROOT}>'.encode()


_TAGS: Final = (
    "MA_DON_VI",
    "TEN_DON_VI",
    "SERIAL_NUMBER",
    "TEN_CHU_THE",
    "TEN_NHA_PHAT_HANH",
    "NGAY_HIEU_LUC",
    "NGAY_HET_HAN",
    "CHUNG_THU_SO",
)


def parse_registration(xml: bytes, *, limits: Limits | None = None) -> ParsedRegistration:
    """Return the registration in *xml*.

    Raises:
        Refused: SBX-1109 another root; SBX-1113 to SBX-1115 from the parser; SBX-2001 a field
            missing, SBX-2002 an unknown or misplaced one, SBX-2003 an empty one, SBX-2004 a
            date, serial or certificate that cannot be read. All faults of form at once.
    """
    root, xml = safe_tree(xml, limits=limits or Limits())
    _check_root(root)
    faults, texts = _fields(root)
    serial = texts.get("SERIAL_NUMBER", "")
    if serial and not _is_serial(serial):
        faults.append(_fault("SBX-2004", root, "SERIAL_NUMBER", value=serial, expected="0-9A-F"))
    days = {tag: _day(texts, tag) for tag in ("NGAY_HIEU_LUC", "NGAY_HET_HAN")}
    for tag, day in days.items():
        if tag in texts and day is None:
            due = forms.DATE.expected
            faults.append(_fault("SBX-2004", root, tag, value=texts[tag], expected=due))
    certificate = _certificate(texts.get("CHUNG_THU_SO", ""))
    if "CHUNG_THU_SO" in texts and certificate is None:
        faults.append(_fault("SBX-2004", root, "CHUNG_THU_SO", expected="base64(DER)"))
    valid_from, valid_to = days["NGAY_HIEU_LUC"], days["NGAY_HET_HAN"]
    if faults or certificate is None or valid_from is None or valid_to is None:
        raise Refused(*faults)
    registration = Registration(
        unit_code=texts["MA_DON_VI"],
        unit_name=texts["TEN_DON_VI"],
        serial_number=serial.upper(),
        holder=texts["TEN_CHU_THE"],
        issuer_code=texts["TEN_NHA_PHAT_HANH"],
        valid_from=valid_from,
        valid_to=valid_to,
        certificate=certificate,
    )
    return ParsedRegistration(root, xml, registration)


def _check_root(root: Element) -> None:
    is_ours = root.tag == REGISTRATION_ROOT and attributes_of(root) == {"id": REGISTRATION_ID}
    if is_ours and not root.nsmap:
        return
    name = bare_name(root.tag)
    raise Refused(
        Finding(
            "SBX-1109",
            field=name,
            xpath=f"/{name}",
            line=line_of(root),
            value=name,
            expected=f'<{REGISTRATION_ROOT} id="{REGISTRATION_ID}">',
        )
    )


def _fields(root: Element) -> tuple[list[Finding], dict[str, str]]:
    """Return the faults of structure and the text of each field that is there."""
    faults: list[Finding] = []
    texts: dict[str, str] = {}
    last = -1
    for child in root:
        name = bare_name(child.tag) if is_element(child) else "<!-- -->"
        if child.tag == SIGNATURE:
            continue
        place = _TAGS.index(child.tag) if child.tag in _TAGS else -1
        if place <= last or len(child) or child.attrib or len(faults) > len(_TAGS):
            faults.append(_fault("SBX-2002", root, name))
            continue
        last = place
        text = child.text or ""
        if forms.is_blank(text):
            faults.append(_fault("SBX-2003", root, name))
        elif name != "CHUNG_THU_SO" and len(text) > _LONGEST_TEXT:
            limit = f"<= {_LONGEST_TEXT}"
            faults.append(_fault("SBX-2005", root, name, value=text, expected=limit))
        texts[name] = text
    present = {bare_name(child.tag) for child in root if is_element(child)}
    faults.extend(_fault("SBX-2001", root, tag) for tag in _TAGS if tag not in present)
    return faults, texts


def _fault(
    code: str,
    root: Element,
    tag: str,
    *,
    value: str | None = None,
    expected: str | None = None,
) -> Finding:
    node = root.find(tag) if tag in _TAGS else None
    xpath = f"/{REGISTRATION_ROOT}" + (f"/{tag}" if node is not None else "")
    line = line_of(root if node is None else node)
    return Finding(code, field=tag, xpath=xpath, line=line, value=value, expected=expected)


def _is_serial(text: str) -> bool:
    return len(text) <= 64 and all(c in "0123456789ABCDEFabcdef" for c in text)


def _day(texts: dict[str, str], tag: str) -> date | None:
    text = texts.get(tag, "")
    return forms.read_day(text) if forms.DATE.matches(text) else None


def _certificate(text: str) -> bytes | None:
    try:
        return binascii.a2b_base64("".join(text.split()), strict_mode=True) or None
    except (binascii.Error, ValueError):
        return None
