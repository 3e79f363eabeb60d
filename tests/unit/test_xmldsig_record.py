"""Verification of records: what holds, what is missing, and how findings are ordered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sandbox.documents import parse, read_report_card
from sandbox.domain.report_card import Slot
from sandbox.pki import (
    CertificateHistory,
    PersonSubject,
    derive_p256,
)
from sandbox.xmldsig import SignatureRefused, verify_record
from tests.builders.documents import a_card, a_record
from tests.builders.signing import (
    LEADER,
    NOW,
    SIGNED_AT,
    TEACHER_SUBJECT,
    TRUST,
    codes,
    edited,
    holder,
    numbered_record,
    refusal,
    revocations,
    rsa_key,
    signed_package,
    signed_record,
    verified,
)

UUID = "90000000-0000-4000-8000-000000000001"
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def signed_by(slot: Slot, one) -> bytes:
    return signed_record(by={slot: one})


class TestAccepted:
    """Signatures that hold."""

    def test_what_was_signed_comes_back(self):
        """The report card read from the result is the one that was rendered and signed."""
        assert read_report_card(verified(signed_record()).record) == a_card()

    def test_the_signed_bytes_are_the_data_element(self):
        """`data` holds the canonical DU_LIEU_HOC_BA and nothing else."""
        data = verified(signed_record()).data

        assert data.startswith(f'<DU_LIEU_HOC_BA id="data-{UUID}">'.encode())
        assert data.endswith(b"</DU_LIEU_HOC_BA>")

    def test_each_signature_tells_who_and_when(self):
        """Facts of a slot: certificate and SigningTime."""
        facts = verified(signed_record()).signatures[Slot.CBQL]

        assert facts.signer == LEADER.certificate
        assert facts.signing_time == SIGNED_AT[Slot.CBQL]

    @pytest.mark.parametrize(
        "key", [rsa_key(), rsa_key().with_pss(), derive_p256("t", "k")], ids=["rsa", "pss", "p256"]
    )
    def test_rsa_pss_and_p256_signatures_are_accepted(self, key):
        """The three algorithms of §5.3."""
        assert verified(signed_by(Slot.GVCN, holder(TEACHER_SUBJECT, key=key)))

    def test_a_record_inside_a_package_verifies_where_it_is(self):
        """URIs are resolved inside the record; its neighbours do not matter (§8)."""
        package = parse(signed_package(numbered_record(1), numbered_record(2)))
        school = {"trust": TRUST, "revocations": revocations(), "at": NOW}

        for record in package.records:
            assert verify_record(record, registered=lambda *_: True, **school)

    def test_a_record_cut_out_of_a_package_verifies_unchanged(self):
        """No record element declares namespaces, so the cut changes no digest (§8 rule 5)."""
        package = parse(signed_package(numbered_record(1), numbered_record(2)))

        assert verified(package.records[1].original)

    def test_a_name_without_its_diacritics_is_the_same_name(self):
        """CN is compared after NFC, case folding and removal of diacritics, đ included."""
        teacher = holder(PersonSubject("DANG thi mau NAM", "948185000021"))
        xml = signed_record(a_record(teacher_name="Đặng Thị Mẫu Năm"), by={Slot.GVCN: teacher})

        assert verified(xml)

    def test_equal_signing_times_are_in_order(self):
        """GVCN ≤ CBQL ≤ KY_PHAT_HANH, equality allowed."""
        at = SIGNED_AT[Slot.KY_PHAT_HANH]

        assert verified(signed_record(at=dict.fromkeys(Slot, at)))

    def test_a_signing_time_five_minutes_ahead_is_tolerated(self):
        """Not after the space clock + 5 min, to the second."""
        assert verified(signed_record(), at=SIGNED_AT[Slot.KY_PHAT_HANH] - 5 * MINUTE)

    def test_the_same_instant_in_another_offset_is_the_same(self):
        """NGAY_KY and SigningTime are compared as instants."""
        xml = edited(
            signed_record(),
            "<NGAY_KY>2024-05-28T09:15:00+07:00<",
            "<NGAY_KY>2024-05-28T02:15:00Z<",
        )

        assert verified(xml)

    def test_the_word_xmlns_in_a_comment_of_the_teacher_is_just_text(self):
        """The quick look at the bytes errs on the safe side only."""
        xml = a_record().replace("Em lễ phép".encode(), b'xmlns="x" xml:lang')

        assert verified(signed_record(xml))

    def test_a_planned_day_other_than_the_day_of_issue_is_a_warning(self):
        """SBX-3061 never refuses."""
        xml = signed_record(a_record(issue_planned_on=SIGNED_AT[Slot.GVCN].date()))

        (warning,) = verified(xml).warnings
        assert (warning.code, warning.expected) == ("SBX-3061", "31/05/2024")

    def test_a_record_without_class_teacher_is_a_warning(self):
        """Both name and signature absent: SBX-3062 (§3.6)."""
        xml = signed_record(
            a_record(teacher_name=None, teacher_id=None), slots=(Slot.CBQL, Slot.KY_PHAT_HANH)
        )

        assert [w.code for w in verified(xml).warnings] == ["SBX-3062"]

    def test_checks_without_anything_to_check_against_are_named(self):
        """Offline, what could not be checked is said, not silently passed."""
        found = verified(signed_record(), trust=None, revocations=None, registered=None)

        assert found.not_checked == ("SBX-3008", "SBX-3015", "SBX-3016", "SBX-3009")

    def test_every_step_is_reported(self):
        """The signature doctor gets each step with what was expected and computed."""
        steps = {(s.name, s.place): s for s in verified(signed_record()).steps}

        digest = steps["data_digest", "GVCN"]
        assert digest.passed
        assert digest.expected == digest.computed
        assert all(step.passed for step in steps.values())


class TestPresence:
    """Step 0."""

    @pytest.mark.parametrize(
        "slots", [(), (Slot.GVCN,), (Slot.GVCN, Slot.CBQL)], ids=["none", "teacher", "no seal"]
    )
    def test_a_missing_signature_is_3001(self, slots):
        """Every slot that is due must be signed."""
        assert codes(refusal(signed_record(slots=slots))) == ["SBX-3001"]

    def test_a_block_without_signature_is_3001_at_the_block(self):
        """The place is the block whose Signature is missing."""
        xml = signed_record(slots=(Slot.GVCN, Slot.CBQL)).replace(
            b"</DANH_SACH", b"<KY_PHAT_HANH><NGAY_KY>x</NGAY_KY></KY_PHAT_HANH></DANH_SACH"
        )

        (finding,) = refusal(xml).findings
        assert finding.code == "SBX-3001"
        assert finding.xpath == "/HOC_BA/DANH_SACH_THONG_TIN_KY/KY_PHAT_HANH"

    def test_a_teacher_in_the_data_without_signature_is_3001(self):
        """One without the other: name present, GVCN absent."""
        xml = signed_record()
        start, end = xml.index(b"<GVCN>"), xml.index(b"</GVCN>") + len(b"</GVCN>")

        assert codes(refusal(xml[:start] + xml[end:])) == ["SBX-3001"]

    def test_a_teachers_signature_without_a_teacher_in_the_data_is_3001(self):
        """One without the other: GVCN present, name absent."""
        tag = "<TEN_GIAO_VIEN_CHU_NHIEM>Phạm Thị Mẫu Năm</TEN_GIAO_VIEN_CHU_NHIEM>"

        assert refusal(edited(signed_record(), tag, "")).code == "SBX-3001"


def test_findings_of_several_signers_come_in_the_order_of_the_specification():
    """All codes are given; slots in order, then persons, times, order."""
    xml = edited(signed_record(), "<CAN_NANG>29.5<", "<CAN_NANG>29.6<")
    xml = edited(xml, ">948185000021</SO_CCCD>", ">948185000022</SO_CCCD>")
    history = CertificateHistory(LEADER.certificate.serial, revoked_at=NOW - 30 * DAY)
    found = refusal(xml, revocations=revocations(history), registered=lambda *_: False)

    assert codes(found) == ["SBX-3002", "SBX-3016", "SBX-3010", "SBX-3009"]


def test_a_refusal_carries_the_report_of_all_steps():
    """Passed and failed steps side by side, for the signer."""
    report = refusal(edited(signed_record(), "<CAN_NANG>29.5<", "<CAN_NANG>29.6<")).report

    failed = [(s.name, s.place) for s in report.steps if not s.passed]
    assert failed == [("data_digest", slot) for slot in ("GVCN", "CBQL", "KY_PHAT_HANH")]
    assert any(s.name == "signature_value" and s.passed for s in report.steps)


def test_the_place_of_a_fault_in_a_package_names_the_record():
    """XPath with the record's number, line in the decoded document."""
    bad = edited(numbered_record(2), "<CAN_NANG>29.5<", "<CAN_NANG>29.6<")
    package = parse(signed_package(numbered_record(1) + b"\n", bad))

    with pytest.raises(SignatureRefused) as caught:
        verify_record(package.records[1], trust=None, revocations=None, at=NOW, registered=None)
    finding = caught.value.findings[0]
    assert finding.xpath is not None
    assert finding.xpath.startswith("/DANH_SACH_HOC_BA/HOC_BA[2]/DANH_SACH_THONG_TIN_KY/GVCN/")
    assert finding.line == 2
