"""A lawful card of the 2026 profile to start from, and who signs its record."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pytest

from sandbox.clock import VIETNAM
from sandbox.documents import check_schema_2026, parse_record, render_record_2026
from sandbox.domain.circular27 import EXEMPT, SUBJECT_BY_CODE
from sandbox.domain.report_card import SubjectResult
from sandbox.domain.report_card_2026 import (
    Post,
    ReportCard2026,
    Sheet,
    Slot2026,
    card_of_2026,
)
from sandbox.pki import PersonSubject, Profile
from sandbox.xmldsig import SignatureRefused, SignedRecord2026, prepare_2026, verify_record_2026
from tests.builders.documents import UUID, a_card
from tests.builders.signing import LEADER, NOW, SEAL, TEACHER, TRUST, Holder, holder, revocations

MUSIC, ENGLISH = "Đỗ Thị Mẫu Sáu", "Y Mẫu Bảy"
ENGLISH_TEACHER = holder(PersonSubject(ENGLISH, "948188000051"), issuer=Profile.TEACHER.issuer)
MUSIC_TEACHER = holder(PersonSubject(MUSIC, "948190000052"), issuer=Profile.TEACHER.issuer)
SIGNERS: Mapping[Slot2026, Holder] = {
    Slot2026(Post.GVBM, 1): TEACHER,
    Slot2026(Post.GVBM, 2): ENGLISH_TEACHER,
    Slot2026(Post.GVBM, 3): MUSIC_TEACHER,
    Slot2026(Post.GVCN): TEACHER,
    Slot2026(Post.CBQL): LEADER,
    Slot2026(Post.KY_PHAT_HANH): SEAL,
}
"""In the order in which they sign."""
GVBM_1, GVBM_2, GVBM_3, GVCN, CBQL, ISSUE = SIGNERS
SIGNED_AT: Mapping[Slot2026, datetime] = {
    slot: datetime(2024, 5, day, 9, minute, tzinfo=VIETNAM)
    for slot, (day, minute) in zip(
        SIGNERS, ((28, 0), (28, 5), (28, 3), (28, 30), (30, 0), (31, 0)), strict=True
    )
}


def a_card_2026(**general: Any) -> ReportCard2026:
    """Return the specification's example as the 2026 profile has it, three teachers teaching."""
    card = card_of_2026(a_card(), subject_teachers={"S03": ENGLISH, "S11": MUSIC})
    return dataclasses.replace(card, general=dataclasses.replace(card.general, **general))


def summed(card: ReportCard2026, **summary: Any) -> ReportCard2026:
    """Return *card* with fields of TONG_KET changed."""
    return dataclasses.replace(card, summary=dataclasses.replace(card.summary, **summary))


def with_rows(card: ReportCard2026, rows: Iterable[SubjectResult]) -> ReportCard2026:
    """Return *card* with the given rows in place of those with the same codes."""
    new = {row.code: row for row in rows}
    sheets = tuple(
        Sheet(sheet.teacher, tuple(new.get(row.code, row) for row in sheet.subjects))
        for sheet in card.summary.sheets
    )
    return summed(card, sheets=sheets)


def exempt_from(code: str) -> ReportCard2026:
    """Return the example card exempt from one subject."""
    return with_rows(a_card_2026(), [SubjectResult(code, SUBJECT_BY_CODE[code].name, EXEMPT)])


def not_assessed() -> ReportCard2026:
    """Return the example card of a pupil who is not assessed: no result, level, score, rating."""
    card = a_card_2026(not_assessed=True, policy_group="Học sinh khuyết tật")
    rows = [dataclasses.replace(row, level="", score=None) for row in card.summary.subjects]
    return summed(
        with_rows(card, rows),
        result=None, completion_text=None, award=None, ratings=(), comment_qualities=None,
    )  # fmt: skip


def a_record_2026(**general: Any) -> bytes:
    """Return the unsigned record of the example card."""
    return render_record_2026(a_card_2026(**general))


def changed_2026(old: str, new: str, *, record: bytes | None = None, count: int = 1) -> bytes:
    """Return the example record with *old*, which occurs *count* times, replaced once."""
    text = (record or a_record_2026()).decode().replace("{uuid}", UUID)
    old, new = old.replace("{uuid}", UUID), new.replace("{uuid}", UUID)
    assert text.count(old) == count, f"{old!r} occurs {text.count(old)} times"
    return text.replace(old, new, 1).encode()


def said_of(xml: bytes) -> list[tuple[str, str | None, str | None]]:
    """Return code, field and place of what `check_schema_2026` says."""
    return [(f.code, f.field, f.xpath) for f in check_schema_2026(parse_record(xml))]


def sign_2026(
    xml: bytes, slot: Slot2026, *, by: Holder | None = None, at: datetime | None = None
) -> bytes:
    """Return *xml* signed in *slot*, by its usual signer at the usual moment."""
    by = by or SIGNERS[slot]
    draft = prepare_2026(
        xml, slot=slot, signer=by.certificate, at=at or SIGNED_AT[slot],
        algorithm=by.key.algorithm,
    )  # fmt: skip
    return draft.complete(by.sign(draft.signed_bytes))


def signed_2026(
    xml: bytes | None = None,
    *,
    slots: Iterable[Slot2026] = tuple(SIGNERS),
    by: Mapping[Slot2026, Holder] | None = None,
    at: Mapping[Slot2026, datetime] | None = None,
) -> bytes:
    """Return the example record, or *xml*, signed in *slots* in their order."""
    xml = a_record_2026() if xml is None else xml
    for slot in slots:
        xml = sign_2026(xml, slot, by=(by or {}).get(slot), at=(at or {}).get(slot))
    return xml


def verified_2026(xml: bytes, **changed: Any) -> SignedRecord2026:
    """Verify a record with everything in order but what *changed* says."""
    context = {
        "trust": TRUST,
        "revocations": revocations(),
        "at": NOW,
        "registered": lambda code, certificate: certificate == SEAL.certificate,
    }
    return verify_record_2026(parse_record(xml), **(context | changed))


def refusal_2026(xml: bytes, **changed: Any) -> SignatureRefused:
    """Return the refusal of a record that must not verify."""
    with pytest.raises(SignatureRefused) as caught:
        verified_2026(xml, **changed)
    return caught.value
