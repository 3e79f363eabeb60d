"""Step 5 of §5.3: is the signer the person named, is the seal the school's (§5.4)?"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from sandbox.documents.tree import Element, line_of
from sandbox.domain.report_card import Slot
from sandbox.errors import Finding
from sandbox.pki import Certificate
from sandbox.xmldsig.report import Report

Registered = Callable[[str, Certificate], bool]
"""(MA_TRUONG, certificate) → whether that certificate is registered and approved for the school."""

NAMED: Final = {
    Slot.GVCN: ("SO_CCCD_GIAO_VIEN_CHU_NHIEM", "TEN_GIAO_VIEN_CHU_NHIEM"),
    Slot.CBQL: ("SO_CCCD_GIAM_HIEU_KY_HOC_BA", "TEN_GIAM_HIEU_KY_HOC_BA"),
}
"""Tags of THONG_TIN_CHUNG that name the person of a slot: personal ID, name."""

PREFIX: Final = "CCCD:"


def check_person(
    slot: Slot,
    certificate: Certificate,
    report: Report,
    *,
    block: Element,
    general: Mapping[str, Element],
    xpath: str,
    general_xpath: str,
) -> None:
    """SBX-3010: UID = SO_CCCD of the slot = the ID in the data; CN = the name in the data.

    *xpath* is the slot's, *general_xpath* that of THONG_TIN_CHUNG.
    """
    id_tag, name_tag = NAMED[slot]
    in_slot = block.find("SO_CCCD")
    uid = certificate.uid
    signer = uid.removeprefix(PREFIX) if uid.startswith(PREFIX) else ""
    compared = (
        ("SO_CCCD", in_slot, f"{xpath}/SO_CCCD", signer, same_text),
        (id_tag, general.get(id_tag), f"{general_xpath}/{id_tag}", signer, same_text),
        (
            name_tag,
            general.get(name_tag),
            f"{general_xpath}/{name_tag}",
            certificate.common_name,
            same_name,
        ),
    )
    for field, element, place, expected, is_same in compared:
        found = _text(element)
        if is_same(found, expected):
            report.passed("person", slot, "SBX-3010", expected, found)
            continue
        at = block if element is None else element
        report.failed(
            "person",
            slot,
            Finding(
                "SBX-3010",
                field=field,
                xpath=place,
                line=line_of(at),
                value=found,
                expected=expected or uid,
            ),
        )


def check_school_certificate(
    certificate: Certificate,
    report: Report,
    *,
    school: Element | None,
    block: Element,
    xpath: str,
    registered: Registered | None,
) -> None:
    """SBX-3009: the seal's certificate is the one approved for MA_TRUONG."""
    if registered is None:
        report.skipped("SBX-3009")
        return
    code = _text(school)
    if registered(code, certificate):
        report.passed("school_certificate", Slot.KY_PHAT_HANH, "SBX-3009", code, code)
        return
    report.failed(
        "school_certificate",
        Slot.KY_PHAT_HANH,
        Finding(
            "SBX-3009",
            field="KY_PHAT_HANH",
            xpath=xpath,
            line=line_of(block),
            value=f"{certificate.serial_hex} {certificate.issuer_name}",
            expected=code,
        ),
    )


def same_name(one: str, other: str) -> bool:
    """Say whether two names are the same after NFC, case folding and removal of diacritics."""
    return bool(one) and _plain(one) == _plain(other)


def same_text(one: str, other: str) -> bool:
    """Say whether both say the same thing, and say anything."""
    return bool(one) and one == other


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    folded = unicodedata.normalize("NFC", name).casefold()
    bare = "".join(c for c in unicodedata.normalize("NFD", folded) if not unicodedata.combining(c))
    # đ has no decomposition: its stroke is a letter of its own to Unicode, a diacritic to a reader
    return " ".join(bare.replace("đ", "d").split())


def _text(element: Element | None) -> str:
    return "" if element is None else (element.text or "").strip()
