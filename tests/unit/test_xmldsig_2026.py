"""Signing and verifying records of the 2026 profile: each slot, each step, two other verifiers."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sandbox.clock import VIETNAM
from sandbox.documents import (
    build_package,
    check_schema_2026,
    parse,
    parse_record,
    read_report_card_2026,
)
from sandbox.domain.rejections import CATALOGUE
from sandbox.domain.report_card_2026 import Slot2026
from sandbox.errors import Refused
from sandbox.pki import CertificateHistory
from sandbox.xmldsig import (
    Draft,
    Signing2026,
    prepare_2026,
    signature_id_2026,
    stamp_record_2026,
    verify_record_2026,
)
from tests.builders.documents import UUID, a_record
from tests.builders.profile_2026 import (
    CBQL,
    GVBM_1,
    GVBM_2,
    GVBM_3,
    GVCN,
    ISSUE,
    MUSIC_TEACHER,
    SIGNED_AT,
    SIGNERS,
    a_card_2026,
    a_record_2026,
    changed_2026,
    refusal_2026,
    sign_2026,
    signed_2026,
    verified_2026,
)
from tests.builders.signing import (
    LEADER_SUBJECT,
    NOW,
    SCHOOL_SUBJECT,
    SEAL,
    TEACHER_SUBJECT,
    TRUST,
    Holder,
    codes,
    holder,
    revocations,
    rsa_key,
)
from tests.unit.test_documents_2026 import moved_outside
from tests.unit.test_xmldsig_independent import DS, signxml_verifies, xmlsec1_verifies
from tests.unit.test_xmldsig_mutations import with_one_byte_changed, with_one_node_changed

SLOTS = tuple(SIGNERS)
TARGETS = {
    GVBM_1: f"#diem-1-{UUID}",
    GVBM_2: f"#diem-2-{UUID}",
    GVBM_3: f"#diem-3-{UUID}",
    GVCN: f"#thongtinhocba-{UUID}",
    CBQL: f"#data-{UUID}",
    ISSUE: f"#data-{UUID}",
}
SIGNED = signed_2026()
IDS_2026 = tuple(
    option
    for name, tag in (
        ("Id", "DU_LIEU_HOC_BA"),
        ("Id", "THONG_TIN_HOC_BA"),
        ("Id", "DIEM_TONG_KET"),
    )
    for option in (f"--id-attr:{name}", tag)
)


def lasting(slot: Slot2026) -> Holder:
    """Return the usual signer of *slot* with a certificate valid on the machine's day."""
    subjects = {GVBM_1: TEACHER_SUBJECT, GVCN: TEACHER_SUBJECT, CBQL: LEADER_SUBJECT}
    subject = SCHOOL_SUBJECT if slot == ISSUE else subjects.get(slot)
    if subject is None:
        return SIGNERS[slot]
    return holder(subject, not_after=datetime(2033, 1, 1, tzinfo=VIETNAM))


# ---- what is signed -----------------------------------------------------------------------------


def test_a_fully_signed_record_verifies_and_holds_its_card():
    """Six signatures by five people and a school; the card is read from what was signed."""
    signed = verified_2026(SIGNED)

    assert {slot: facts.signer for slot, facts in signed.signatures.items()} == {
        slot: by.certificate for slot, by in SIGNERS.items()
    }
    assert {s: facts.signing_time for s, facts in signed.signatures.items()} == dict(SIGNED_AT)
    assert read_report_card_2026(signed.data) == a_card_2026()
    assert (signed.warnings, signed.not_checked) == ((), ())


def test_each_signature_covers_what_the_profile_says():
    """§5.2: the sheet, the inner element, the data; and each its own properties."""
    record = parse_record(SIGNED).element
    found = {
        str(signature.get("Id")): [r.get("URI") for r in signature.iter(f"{{{DS}}}Reference")]
        for signature in record.iter(f"{{{DS}}}Signature")
    }
    assert found == {
        signature_id_2026(slot, UUID): [TARGETS[slot], f"#{signature_id_2026(slot, UUID)}-props"]
        for slot in SLOTS
    }


def test_signing_adds_a_signature_to_its_slot_and_changes_nothing_else():
    """Time and person stand inside the Signature: take the six away and the record is as before."""
    bare = re.sub(rb"<Signature xmlns.*?</Signature>", b"", SIGNED)
    assert bare == a_record_2026()
    assert b"NGAY_KY>" not in SIGNED.replace(b"NGAY_KY_PHAT_HANH", b"")


@pytest.mark.parametrize("by", ["p256", "rsa"])
def test_stamping_gives_the_bytes_of_preparing(by):
    """The way of corpora and the way of a signing service make one record."""
    signings, xml = [], a_record_2026()
    for slot, usual in SIGNERS.items():
        key = rsa_key() if by == "rsa" else usual.key
        signings.append(Signing2026(slot, usual.certificate, key, SIGNED_AT[slot]))
        draft = prepare_2026(
            xml, slot=slot, signer=usual.certificate, at=SIGNED_AT[slot], algorithm=key.algorithm
        )
        xml = Draft.from_json(draft.to_json()).complete(key.sign(draft.signed_bytes))

    assert stamp_record_2026(a_record_2026(), signings) == xml


@pytest.mark.parametrize("xml", [a_record(), b"<HOC_BA/>"])
def test_only_a_rendered_record_is_stamped(xml):
    """Anything else goes through prepare."""
    with pytest.raises(ValueError, match="rendered"):
        stamp_record_2026(xml, [])


# ---- turns --------------------------------------------------------------------------------------


def refused_to_prepare(xml: bytes, slot: Slot2026, *, at: datetime | None = None) -> str:
    with pytest.raises(Refused) as caught:
        sign_2026(xml, slot, at=at or SIGNED_AT.get(slot, NOW), by=SIGNERS.get(slot, SEAL))
    return f"{caught.value.code} {caught.value.findings[0].field}"


def test_subject_teachers_sign_in_any_order():
    """They cover different sheets."""
    backwards = (GVBM_3, GVBM_1, GVBM_2, GVCN, CBQL, ISSUE)
    assert verified_2026(signed_2026(slots=backwards))


@pytest.mark.parametrize(
    ("signed", "slot", "said"),
    [
        ((), GVCN, "SBX-3011 GVCN"),
        ((GVBM_1, GVBM_2), GVCN, "SBX-3011 GVCN"),
        (SLOTS[:3], CBQL, "SBX-3011 CBQL"),
        (SLOTS[:4], ISSUE, "SBX-3011 KY_PHAT_HANH"),
        (SLOTS[:4], GVBM_2, "SBX-3013 Signature"),
        (SLOTS, ISSUE, "SBX-3013 Signature"),
        ((), Slot2026(GVBM_1.post, 4), "SBX-3001 GVBM-4"),
    ],
)
def test_nobody_signs_out_of_turn(signed, slot, said):
    """Subject teachers, class teacher, head, school; once each, and only where there is a slot."""
    assert refused_to_prepare(signed_2026(slots=signed), slot) == said


def test_nobody_signs_before_the_last_signature():
    """By the space clock; subject teachers do not wait for each other."""
    xml = signed_2026(slots=SLOTS[:3])
    early = SIGNED_AT[GVBM_2] - timedelta(seconds=1)
    assert refused_to_prepare(xml, GVCN, at=early) == "SBX-3011 SigningTime"
    assert sign_2026(xml, GVCN, at=SIGNED_AT[GVBM_2])


@pytest.mark.parametrize(
    ("xml", "slot", "said"),
    [
        (a_record(), GVBM_1, "SBX-2001 THONG_TIN_HOC_BA"),
        (changed_2026("<CBQL></CBQL>", "<CBQL></CBQL><CBQL></CBQL>"), CBQL, "SBX-2002 CBQL"),
        (changed_2026("<GVCN></GVCN>", "<GVCN>x</GVCN>"), GVCN, "SBX-2002 GVCN"),
        (changed_2026("<CBQL></CBQL>", ""), CBQL, "SBX-3001 CBQL"),
    ],
)
def test_only_an_empty_slot_of_the_layout_is_signed(xml, slot, said):
    """A record of v1.0, two slots, a slot with something in it, none."""
    if said != "SBX-2002 CBQL":
        xml = signed_2026(xml, slots=SLOTS[: SLOTS.index(slot)])
    assert refused_to_prepare(xml, slot) == said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<GVCN></GVCN>", "<GVCN/>"),
        ("<KY_PHAT_HANH></KY_PHAT_HANH>", "<KY_PHAT_HANH>\n</KY_PHAT_HANH>"),
        ('<GVBM Id="gvbm-2-{uuid}"></GVBM>', "<GVBM  Id='gvbm-2-{uuid}' />"),
    ],
)
def test_an_empty_slot_may_be_written_in_any_way(old, new):
    """Records of other products are not canonical as they stand."""
    assert verified_2026(signed_2026(changed_2026(old, new)))


# ---- what readers take in -----------------------------------------------------------------------

LENIENT: dict[str, Callable[[bytes], bytes]] = {
    "teachers behind the data": moved_outside,
    "literal Ids": lambda xml: xml.replace(f"data-{UUID}".encode(), b"data").replace(
        f"thongtinhocba-{UUID}".encode(), b"thongtinhocba"
    ),
    "the head a level deeper": lambda xml: xml.replace(
        b"<CBQL></CBQL>", b"<BAN_GIAM_HIEU><CBQL></CBQL></BAN_GIAM_HIEU>"
    ),
    "indented": lambda xml: xml.replace(b"><", b">\n <").replace(b">\n </", b"></"),
}


@pytest.mark.parametrize("case", LENIENT)
def test_layouts_of_other_products_sign_and_verify(case):
    """What §6.1 lets readers accept."""
    assert verified_2026(signed_2026(LENIENT[case](a_record_2026())))


def test_records_with_literal_ids_verify_in_a_package():
    """Ids are looked up inside the record (§8 rule 3)."""
    one = signed_2026(LENIENT["literal Ids"](a_record_2026()))
    for record in parse(build_package([one, one])).records:
        assert verify_record_2026(record, trust=TRUST, revocations=None, at=NOW, registered=None)


def test_what_cannot_be_checked_is_said():
    """No trust, no lists, no register: the codes left out stand in the result."""
    signed = verified_2026(SIGNED, trust=None, revocations=None, registered=None)
    assert set(signed.not_checked) == {"SBX-3008", "SBX-3009", "SBX-3015", "SBX-3016"}


def test_the_planned_day_is_compared_with_the_day_of_issue():
    """SBX-3061, a warning."""
    signed = verified_2026(signed_2026(a_record_2026(issue_planned_on=NOW.date().replace(day=30))))
    assert [warning.code for warning in signed.warnings] == ["SBX-3061"]


# ---- what is refused ----------------------------------------------------------------------------


def edited(old: str, new: str, *, nth: int = 1) -> bytes:
    """Return the signed record with the nth *old* replaced."""
    parts = SIGNED.decode().split(old)
    assert len(parts) > nth, f"{old!r} occurs {len(parts) - 1} times"
    return (old.join(parts[:nth]) + new + old.join(parts[nth:])).encode()


def uri(slot: Slot2026) -> str:
    return f'<Reference URI="{TARGETS[slot]}"'


BROKEN = {
    "a slot is not signed": (signed_2026(slots=SLOTS[:5]), "SBX-3001", "KY_PHAT_HANH"),
    "a teacher has not signed": (
        re.sub(rb'(<GVBM Id="gvbm-2-[^>]+>)<Signature.*?</Signature>', rb"\1", SIGNED),
        "SBX-3001", "GVBM-2",
    ),
    "a slot is not there": (
        re.sub(rb'<GVBM Id="gvbm-3-[^>]+><Signature.*?</GVBM>', b"", SIGNED), "SBX-3001", "GVBM-3",
    ),
    "a slot of nobody": (
        edited("</DANH_SACH_GVBM>", '<GVBM Id="gvbm-9"></GVBM></DANH_SACH_GVBM>'),
        "SBX-3001", "DIEM_TONG_KET",
    ),
    "two signatures in a slot": (
        re.sub(rb"<KY_PHAT_HANH>(<Signature.*?</Signature>)", rb"<KY_PHAT_HANH>\1\1", SIGNED),
        "SBX-3013", "KY_PHAT_HANH",
    ),
    "a signature in no slot": (
        re.sub(rb"(<KY_PHAT_HANH>)(<Signature.*?</Signature>)", rb"\2\1\2", SIGNED),
        "SBX-2002", None,
    ),
    "a comment": (edited("<TONG_KET>", "<TONG_KET><!-- x -->"), "SBX-2002", None),
    "the layout of v1.0": (a_record(), "SBX-2001", None),
    "the head's slot twice": (edited("<CBQL>", "<CBQL></CBQL><CBQL>"), "SBX-2002", None),
    "the teacher signs the inner element": (
        edited(uri(GVBM_2), uri(GVCN)), "SBX-3004", "GVBM-2",
    ),
    "the class teacher signs the data": (edited(uri(GVCN), uri(CBQL)), "SBX-3004", "GVCN"),
    "the head signs the inner element": (edited(uri(CBQL), uri(GVCN)), "SBX-3004", "CBQL"),
    "the school signs a sheet": (
        edited(uri(ISSUE), uri(GVBM_1), nth=2), "SBX-3004", "KY_PHAT_HANH",
    ),
    "a teacher signs another's sheet": (edited(uri(GVBM_3), uri(GVBM_2)), "SBX-3004", "GVBM-3"),
    "a signature refers to the shared Id": (
        edited(uri(GVBM_1), f'<Reference URI="#gvbm-1-{UUID}"'), "SBX-3005", "GVBM-1",
    ),
    "an Id twice": (edited(f'Id="diem-3-{UUID}"', f'Id="diem-2-{UUID}"'), "SBX-3005", "record"),
    "the shared Id three times": (
        edited("<QUA_TRINH_HOC_TAP>", f'<QUA_TRINH_HOC_TAP Id="gvbm-1-{UUID}">'),
        "SBX-3005", "record",
    ),
    "SHA-1": (edited("xmlenc#sha256", "xmldsig#sha1"), "SBX-3006", "GVBM-1"),
    "another transform": (
        edited(f"<Transform Algorithm=\"{'http://www.w3.org/TR/2001/REC-xml-c14n-20010315'}\">",
               "<Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">"),
        "SBX-3017", "GVBM-1",
    ),
    "a mark changed": (edited("<MUC_DAT_DUOC>T<", "<MUC_DAT_DUOC>H<"), "SBX-3002", "GVBM-1"),
    "a time changed": (edited("09:30:00+07:00</SigningTime>", "09:31:00+07:00</SigningTime>"),
                       "SBX-3002", "GVCN"),
    "a value changed": (
        edited("<SignatureValue>", "<SignatureValue>AAAA", nth=4), "SBX-3003", "GVCN",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_record_is_refused_first_for_its_fault(case):
    """The code of §5.3, and the slot at which it was found."""
    xml, code, place = BROKEN[case]
    refusal = refusal_2026(xml)

    assert refusal.code == code
    if place is not None:
        failed = next(step for step in refusal.report.steps if not step.passed)
        assert place in (failed.place, refusal.findings[0].field, refusal.findings[0].expected)


def test_a_changed_mark_breaks_who_answers_for_it_and_who_signed_over_it():
    """Music: not the other teachers' signatures, but everybody's after."""
    xml = SIGNED.replace(b"<MA_MON_HOC>S11</MA_MON_HOC>", b"<MA_MON_HOC>S12</MA_MON_HOC>", 1)
    steps = [s for s in refusal_2026(xml).report.steps if s.name == "data_digest" and not s.passed]
    assert [step.place for step in steps] == ["GVBM-3", "GVCN", "CBQL", "KY_PHAT_HANH"]


def test_the_heads_signature_fixes_the_teachers():
    """Replace one teacher's signature by another lawful one: head and school no longer hold."""
    other = signed_2026(at={GVBM_3: SIGNED_AT[GVBM_3] + timedelta(minutes=1)})
    of = re.compile(rb'<GVBM Id="gvbm-3-[^>]+><Signature.*?</GVBM>')
    xml = of.sub(of.search(other)[0], SIGNED)  # type: ignore[index]
    failed = [s.place for s in refusal_2026(xml).report.steps if not s.passed]
    assert failed == ["CBQL", "KY_PHAT_HANH"]


WRONG_SIGNER = {
    "another teacher for music": (GVBM_3, SIGNERS[GVBM_2], "SBX-3010", "GVBM"),
    "another teacher for the class": (
        GVCN, MUSIC_TEACHER, "SBX-3010", "SO_CCCD_GIAO_VIEN_CHU_NHIEM",
    ),
    "a teacher for the head": (CBQL, SIGNERS[GVCN], "SBX-3010", "SO_CCCD_GIAM_HIEU_KY_HOC_BA"),
    "the school for a teacher": (GVBM_1, SEAL, "SBX-3010", "GVBM"),
    "the head for the school": (ISSUE, SIGNERS[CBQL], "SBX-3009", "KY_PHAT_HANH"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_SIGNER)
def test_who_signs_is_known_from_the_certificate(case):
    """Nothing beside the signature says who it was."""
    slot, by, code, field = WRONG_SIGNER[case]
    refusal = refusal_2026(signed_2026(by={slot: by}))
    assert (refusal.code, refusal.findings[0].field) == (code, field)


def prepared_with(at: dict[Slot2026, datetime]) -> bytes:
    """Return the record stamped at any moments: `prepare_2026` would refuse some."""
    return stamp_record_2026(
        a_record_2026(),
        [
            Signing2026(slot, by.certificate, by.key, at.get(slot, SIGNED_AT[slot]))
            for slot, by in SIGNERS.items()
        ],
    )


@pytest.mark.parametrize("slot", [GVCN, CBQL, ISSUE])
def test_the_order_is_that_of_the_signing_times(slot):
    """A minute before the first: SBX-3011 at that slot."""
    early = SIGNED_AT[GVBM_1] - timedelta(minutes=1)
    refusal = refusal_2026(prepared_with({slot: early}))
    assert set(codes(refusal)) == {"SBX-3011"}
    assert next(s.place for s in refusal.report.steps if not s.passed) == str(slot)


def test_the_last_subject_teacher_counts():
    """The class teacher signs after all of them."""
    late = SIGNED_AT[GVCN] + timedelta(minutes=1)
    assert codes(refusal_2026(prepared_with({GVBM_2: late}))) == ["SBX-3011"]


def test_nobody_signed_in_the_future():
    """SBX-3012 beyond five minutes after the space clock."""
    at = SIGNED_AT[ISSUE]
    assert verified_2026(SIGNED, at=at - timedelta(minutes=5))
    assert codes(refusal_2026(SIGNED, at=at - timedelta(minutes=5, seconds=1))) == ["SBX-3012"]


def test_a_signing_time_that_is_no_moment_is_refused():
    """The digest fails as well, since the time is signed."""
    xml = edited("09:30:00+07:00</SigningTime>", "09:30:00</SigningTime>")
    assert codes(refusal_2026(xml))[-1] == "SBX-3012"


def test_a_revoked_teacher_is_refused():
    """The state at SigningTime, from the issuer's list."""
    gone = CertificateHistory(MUSIC_TEACHER.certificate.serial, revoked_at=SIGNED_AT[GVBM_1])
    refusal = refusal_2026(SIGNED, revocations=revocations(gone))
    assert codes(refusal) == ["SBX-3016"]


@pytest.mark.parametrize("change", [with_one_byte_changed, with_one_node_changed])
def test_no_change_makes_other_data_pass(change):
    """And none makes verifier or schema stumble."""
    chance, data, refused = random.Random(2026), verified_2026(SIGNED).data, Counter[str]()
    for _ in range(150):
        xml = change(SIGNED, chance)
        try:
            check_schema_2026(parse_record(xml))
            found = verified_2026(xml, registered=lambda *_: True)
        except Refused as refusal:
            refused[refusal.code] += 1
        else:
            assert found.data == data
    assert set(refused) <= set(CATALOGUE)
    assert len(refused) > 5


# ---- two verifiers that are not ours ------------------------------------------------------------


def test_xmlsec1_verifies_every_signature(tmp_path: Path):
    """Once told which attributes are Ids; and refuses them all for a changed mark."""
    names = [signature_id_2026(slot, UUID) for slot in SLOTS]
    changed = edited("<MUC_DAT_DUOC>T<", "<MUC_DAT_DUOC>H<")

    assert [xmlsec1_verifies(tmp_path, SIGNED, n, more=IDS_2026) for n in names] == [True] * 6
    assert [xmlsec1_verifies(tmp_path, changed, n, more=IDS_2026) for n in names] == [
        False, True, True, False, False, False,
    ]  # fmt: skip


def test_xmlsec1_verifies_a_record_from_elsewhere(tmp_path: Path):
    """Indented, with literal Ids: inclusive C14N of what is not canonical as it stands."""
    xml = LENIENT["indented"](LENIENT["literal Ids"](a_record_2026()))
    signed = signed_2026(xml)
    for slot in SLOTS:
        name = signature_id_2026(slot, UUID)
        assert xmlsec1_verifies(tmp_path, signed, name, more=IDS_2026)


def test_signxml_verifies_every_signature():
    """And says which element each covers."""
    by = {slot: lasting(slot) for slot in SLOTS}
    xml = signed_2026(by=by)
    block = "./DU_LIEU_HOC_BA/DANH_SACH_THONG_TIN_KY"
    places = {
        **{s: f"{block}/DANH_SACH_GVBM/GVBM[{s.number}]/" for s in SLOTS[:3]},
        GVCN: f"{block}/GVCN/",
        CBQL: "./PHAT_HANH_HOC_BA/CBQL/",
        ISSUE: "./PHAT_HANH_HOC_BA/KY_PHAT_HANH/",
    }
    covered = {slot: signxml_verifies(xml, places[slot], by[slot])[0] for slot in SLOTS}
    assert covered == {
        **dict.fromkeys(SLOTS[:3], "DIEM_TONG_KET"),
        GVCN: "THONG_TIN_HOC_BA",
        CBQL: "DU_LIEU_HOC_BA",
        ISSUE: "DU_LIEU_HOC_BA",
    }
