"""Distinguished names: what stands in practice certificates, and how two names are compared.

Names are compared as parsed names, not as text (spec/record-format.md §5.3), after RFC 4514 and
in the manner of RFC 5280 §7.1: same attributes in the same order, white space folded, case ignored.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

PRACTICE_ORGANISATION: Final = "DU LIEU GIA LAP"
"""O of every certificate: nobody can take one for a real one."""

COUNTRY: Final = "VN"

ROOT_NAME: Final = "BẢN TẬP - CA gốc giả lập"

ISSUER_NAMES: Final = {
    "GIA_LAP_CA": "BẢN TẬP - CA công cộng giả lập",
    "GIA_LAP_CO_YEU": "BẢN TẬP - CA chuyên dùng giả lập",
}
"""Code of service 3.3 → common name of the issuing CA."""

# RFC 5280 bounds a common name by 64 *characters*; the library counts bytes, and a Vietnamese
# school name has up to three per letter. The name is right, so its warning is noise.
warnings.filterwarnings("ignore", message=r"Attribute's length must be", category=UserWarning)

_SHORT_NAMES: Final = {
    "C": NameOID.COUNTRY_NAME.dotted_string,
    "CN": NameOID.COMMON_NAME.dotted_string,
    "DC": NameOID.DOMAIN_COMPONENT.dotted_string,
    "L": NameOID.LOCALITY_NAME.dotted_string,
    "O": NameOID.ORGANIZATION_NAME.dotted_string,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME.dotted_string,
    "ST": NameOID.STATE_OR_PROVINCE_NAME.dotted_string,
    "STREET": NameOID.STREET_ADDRESS.dotted_string,
    "UID": NameOID.USER_ID.dotted_string,
}

_DOTTED = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_ESCAPED = re.compile(r"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)

ComparableName = tuple[frozenset[tuple[str, str]], ...]
"""A name ready to compare: one set of (OID, folded value) for each RDN, most specific first."""


@dataclass(frozen=True, slots=True)
class PersonSubject:
    """A person in a practice certificate (§5.6): UID=CCCD:{12 digits}, CN={name}."""

    name: str
    personal_id: str

    @property
    def uid(self) -> str:
        """The UID attribute."""
        return f"CCCD:{self.personal_id}"


@dataclass(frozen=True, slots=True)
class UnitSubject:
    """A school, Sở or the ministry in a practice certificate (§5.6): UID=MDV:{code}, CN={name}."""

    name: str
    unit_code: str

    @property
    def uid(self) -> str:
        """The UID attribute."""
        return f"MDV:{self.unit_code}"


Subject = PersonSubject | UnitSubject


def practice_name(common_name: str, *, uid: str | None = None) -> x509.Name:
    """Return C=VN, O=DU LIEU GIA LAP, CN and, if given, UID, in the order of the DER."""
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, COUNTRY),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, PRACTICE_ORGANISATION),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name, _validate=False),
    ]
    if uid is not None:
        attributes.append(x509.NameAttribute(NameOID.USER_ID, uid))
    return x509.Name(attributes)


def comparable(name: x509.Name) -> ComparableName:
    """Return *name* of a certificate ready to compare."""
    return tuple(
        frozenset((a.oid.dotted_string, _folded(str(a.value))) for a in rdn)
        for rdn in reversed(list(name.rdns))
    )


def parse_rfc4514(text: str) -> ComparableName:
    """Return the name written in *text* as RFC 4514 says (most specific part first).

    Raises `ValueError` when *text* is no such name.
    """
    return tuple(
        frozenset(_attribute(part) for part in _split(rdn, "+")) for rdn in _split(text, ",")
    )


def _split(text: str, at: str) -> list[str]:
    """Split at every *at* that is not escaped."""
    parts, current, escaped = [], "", False
    for letter in text:
        if letter == at and not escaped:
            parts.append(current)
            current = ""
            continue
        escaped = letter == "\\" and not escaped
        current += letter
    return [*parts, current]


def _attribute(text: str) -> tuple[str, str]:
    kind, equals, value = text.partition("=")
    kind = kind.strip()
    if not equals or not value.strip():
        raise ValueError(f"not an attribute: {text!r}")
    oid = kind if _DOTTED.fullmatch(kind) else _SHORT_NAMES.get(kind.upper())
    if oid is None:
        raise ValueError(f"unknown attribute type: {kind!r}")
    if value.lstrip().startswith("#"):
        return oid, _folded(_string_in_der(bytes.fromhex(value.strip()[1:])))
    return oid, _folded(_unescaped(value))


def _unescaped(value: str) -> str:
    """Undo RFC 4514 §2.4: backslash and a character, or backslash and two hex digits of UTF-8."""

    def one(match: re.Match[str]) -> bytes:
        found = match.group(1)
        return bytes.fromhex(found) if len(found) == 2 else found.encode()

    raw, end = b"", 0
    for match in _ESCAPED.finditer(value):
        raw += value[end : match.start()].encode() + one(match)
        end = match.end()
    return (raw + value[end:].encode()).decode()


def _string_in_der(der: bytes) -> str:
    """Return the text of a short DER string (`#` form of RFC 4514)."""
    if len(der) < 2 or der[1] > 0x7F or len(der) != der[1] + 2:
        raise ValueError("not a short DER string")
    return der[2:].decode()


def _folded(value: str) -> str:
    return " ".join(unicodedata.normalize("NFC", value).split()).casefold()
