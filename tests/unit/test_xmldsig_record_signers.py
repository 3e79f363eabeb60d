"""Steps 2 to 7 of §5.3: certificates, values, digests, persons, times, order."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from sandbox.clock import VIETNAM
from sandbox.domain.report_card import Slot
from sandbox.errors import Unavailable
from sandbox.pki import (
    CertificateHistory,
    KeyUsage,
    PersonSubject,
    Suspension,
    TrainingAuthority,
    UnitSubject,
)
from tests.builders.documents import a_record
from tests.builders.signing import (
    LEADER,
    SCHOOL_SUBJECT,
    SEAL,
    SIGNED_AT,
    TEACHER,
    TEACHER_SUBJECT,
    codes,
    edited,
    holder,
    refusal,
    resigned,
    revocations,
    rsa_key,
    sign,
    signed_record,
    verified,
)

UUID = "90000000-0000-4000-8000-000000000001"
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def signed_by(slot: Slot, one) -> bytes:
    return signed_record(by={slot: one})


class TestCertificate:
    """Step 2."""

    def test_a_foreign_issuer_is_3008(self):
        """Same names, another installation's keys."""
        other = TrainingAuthority.from_seed("elsewhere")
        found = refusal(signed_by(Slot.GVCN, holder(TEACHER_SUBJECT, authority=other)))

        assert codes(found) == ["SBX-3008"]

    @pytest.mark.parametrize("text", ["AAAA", "no base64!"])
    def test_an_unreadable_certificate_is_3008(self, text):
        """A certificate that cannot be read comes from no recognised issuer."""
        xml = signed_record().decode()
        start = xml.index("<X509Certificate>") + len("<X509Certificate>")
        end = xml.index("</X509Certificate>")

        assert codes(refusal((xml[:start] + text + xml[end:]).encode())) == ["SBX-3008"]

    def test_a_certificate_not_valid_yet_is_3014(self):
        """SigningTime before notBefore."""
        late = holder(TEACHER_SUBJECT, not_before=SIGNED_AT[Slot.GVCN] + DAY)

        assert codes(refusal(signed_by(Slot.GVCN, late))) == ["SBX-3014"]

    def test_an_expired_certificate_is_3007(self):
        """SigningTime after notAfter."""
        old = holder(TEACHER_SUBJECT, not_after=SIGNED_AT[Slot.GVCN] - DAY)

        assert codes(refusal(signed_by(Slot.GVCN, old))) == ["SBX-3007"]

    def test_a_certificate_that_expired_after_signing_still_counts(self):
        """What matters is the moment of signing, not of checking."""
        brief = holder(TEACHER_SUBJECT, not_after=SIGNED_AT[Slot.GVCN] + DAY)

        assert verified(signed_by(Slot.GVCN, brief))

    def test_a_suspended_certificate_is_3015(self):
        """On hold at SigningTime, though lifted since."""
        at = SIGNED_AT[Slot.GVCN]
        history = CertificateHistory(
            TEACHER.certificate.serial, suspensions=(Suspension(at - DAY, at + DAY),)
        )

        assert codes(refusal(signed_record(), revocations=revocations(history))) == ["SBX-3015"]

    def test_a_revoked_certificate_is_3016(self):
        """Revoked a day before signing: only the CRL tells."""
        at = SIGNED_AT[Slot.GVCN] - DAY
        history = CertificateHistory(TEACHER.certificate.serial, revoked_at=at)

        assert codes(refusal(signed_record(), revocations=revocations(history))) == ["SBX-3016"]

    def test_a_revocation_after_signing_does_not_undo_the_signature(self):
        """A certificate revoked a day later was good when it signed."""
        at = SIGNED_AT[Slot.GVCN] + DAY
        history = CertificateHistory(TEACHER.certificate.serial, revoked_at=at)

        assert verified(signed_record(), revocations=revocations(history))

    def test_a_missing_revocation_list_waits_instead_of_refusing(self):
        """Not known is not refused: Unavailable, the package waits."""
        with pytest.raises(Unavailable):
            verified(signed_record(), revocations={})

    def test_revocation_lists_may_come_from_a_function(self):
        """A callable is asked by issuer name."""
        lists = revocations()

        assert verified(signed_record(), revocations=lambda name: lists[name])

    def test_a_short_rsa_key_is_3019(self):
        """RSA below 2048 bits."""
        weak = holder(TEACHER_SUBJECT, key=rsa_key("weak", bits=1024))

        assert codes(refusal(signed_by(Slot.GVCN, weak))) == ["SBX-3019"]

    @pytest.mark.parametrize(
        "usage",
        [
            frozenset({KeyUsage.KEY_ENCIPHERMENT}),
            frozenset({KeyUsage.DIGITAL_SIGNATURE}),
            frozenset({KeyUsage.NON_REPUDIATION}),
        ],
    )
    def test_a_certificate_for_another_use_is_3020(self, usage):
        """DigitalSignature and nonRepudiation, both."""
        wrong = holder(TEACHER_SUBJECT, key_usage=usage)

        assert codes(refusal(signed_by(Slot.GVCN, wrong))) == ["SBX-3020"]


class TestMathematics:
    """Steps 3 and 4."""

    def test_a_value_made_with_another_key_is_3003(self):
        """The certificate is the teacher's, the key is not."""
        xml = resigned(signed_record(), Slot.GVCN, by=LEADER)

        assert codes(refusal(xml)) == ["SBX-3003"]

    def test_an_ecdsa_value_in_der_is_3003(self):
        """R ‖ s, fixed length, not DER."""
        xml = signed_record().decode()
        start = xml.index("<SignatureValue>") + len("<SignatureValue>")
        end = xml.index("</SignatureValue>")
        raw = base64.b64decode(xml[start:end])
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        xml = xml[:start] + base64.b64encode(der).decode() + xml[end:]

        (finding,) = refusal(xml.encode()).findings
        assert (finding.code, finding.expected) == ("SBX-3003", "r||s, 64 bytes")

    @pytest.mark.parametrize("value", ["", "!!!", "AAAA"])
    def test_a_value_that_is_no_signature_is_3003(self, value):
        """Empty, not base64, too short."""
        xml = signed_record().decode()
        start = xml.index("<SignatureValue>") + len("<SignatureValue>")
        xml = xml[:start] + value + xml[xml.index("</SignatureValue>") :]

        assert codes(refusal(xml.encode())) == ["SBX-3003"]

    def test_an_edited_digest_is_3003_first(self):
        """SignedInfo itself was changed (§5.3)."""
        xml = signed_record().decode()
        start = xml.index("<DigestValue>") + len("<DigestValue>")
        xml = xml[:start] + "AAAA" + xml[start + 4 :]

        assert codes(refusal(xml.encode())) == ["SBX-3003", "SBX-3002"]

    def test_data_edited_after_signing_breaks_all_three(self):
        """Every signer covered the same bytes: SBX-3002 thrice, expected and computed digest."""
        found = refusal(edited(signed_record(), "<CAN_NANG>29.5<", "<CAN_NANG>29.6<"))

        assert codes(found) == ["SBX-3002"]
        assert len(found.findings) == 3
        assert found.findings[0].value != found.findings[0].expected

    def test_an_edited_signing_time_is_3002(self):
        """The time is covered by the second Reference."""
        xml = signed_record()
        for tag in ("SigningTime", "NGAY_KY"):
            xml = edited(xml, f"<{tag}>2024-05-28T09:15", f"<{tag}>2024-05-28T09:16")

        assert codes(refusal(xml)) == ["SBX-3002"]

    def test_reindented_data_is_3002(self):
        """Whitespace is signed as it stands."""
        assert codes(refusal(edited(signed_record(), "<TONG_KET>", "\n  <TONG_KET>"))) == [
            "SBX-3002"
        ]


class TestPersons:
    """Step 5."""

    def test_a_teacher_who_is_not_the_one_named_is_3010(self):
        """A colleague signs in the class teacher's slot."""
        colleague = holder(PersonSubject("Đỗ Thị Mẫu Bảy", "948185000099"))
        found = refusal(signed_by(Slot.GVCN, colleague))

        assert codes(found) == ["SBX-3010"]
        assert [f.field for f in found.findings] == [
            "SO_CCCD_GIAO_VIEN_CHU_NHIEM",
            "TEN_GIAO_VIEN_CHU_NHIEM",
        ]

    def test_an_edited_so_cccd_is_3010(self):
        """SO_CCCD lies outside every signature, so it is compared with the certificate."""
        xml = edited(signed_record(), ">948185000021</SO_CCCD>", ">948185000022</SO_CCCD>")

        (finding,) = refusal(xml).findings
        assert (finding.code, finding.xpath) == (
            "SBX-3010",
            "/HOC_BA/DANH_SACH_THONG_TIN_KY/GVCN/SO_CCCD",
        )

    def test_another_name_with_the_right_id_is_3010(self):
        """Diacritics do not count, letters do."""
        teacher = holder(PersonSubject("Phạm Thị Mẫu Nam Anh", "948185000021"))

        assert codes(refusal(signed_by(Slot.GVCN, teacher))) == ["SBX-3010"]

    def test_a_units_certificate_in_a_persons_slot_is_3010(self):
        """A seal cannot countersign for the principal."""
        assert codes(refusal(signed_by(Slot.CBQL, SEAL))) == ["SBX-3010"]

    def test_a_seal_that_is_not_the_approved_one_is_3009(self):
        """Serial and issuer must be those registered for MA_TRUONG."""
        other = holder(SCHOOL_SUBJECT, issuer="GIA_LAP_CA")

        (finding,) = refusal(signed_by(Slot.KY_PHAT_HANH, other)).findings
        assert (finding.code, finding.expected) == ("SBX-3009", "48999401")

    def test_the_seal_of_another_school_is_3009(self):
        """Approved for another school is not approved for this one."""
        other = holder(UnitSubject("Trường khác", "48999402"), issuer="GIA_LAP_CO_YEU")

        assert codes(refusal(signed_by(Slot.KY_PHAT_HANH, other))) == ["SBX-3009"]


class TestTimes:
    """Steps 6 and 7."""

    def test_a_signature_from_the_future_is_3012(self):
        """More than five minutes after the space clock."""
        at = SIGNED_AT[Slot.KY_PHAT_HANH] - 5 * MINUTE - timedelta(seconds=1)

        assert codes(refusal(signed_record(), at=at)) == ["SBX-3012"]

    def test_ngay_ky_other_than_the_signing_time_is_3012(self):
        """NGAY_KY is covered by nothing, so it is compared, to the second."""
        xml = edited(
            signed_record(), "<NGAY_KY>2024-05-28T09:15:00", "<NGAY_KY>2024-05-28T09:15:01"
        )

        (finding,) = refusal(xml).findings
        assert (finding.code, finding.field) == ("SBX-3012", "NGAY_KY")

    @pytest.mark.parametrize(
        "time", ["28/05/2024", "2024-05-28T09:15:00", "2024-02-30T09:15:00+07:00", ""]
    )
    def test_a_signing_time_that_is_no_moment_is_3012(self, time):
        """Malformed or without offset; the digest is wrong too, as it was edited."""
        xml = edited(
            signed_record(),
            "<SigningTime>2024-05-28T09:15:00+07:00<",
            f"<SigningTime>{time}<",
        )

        assert codes(refusal(xml)) == ["SBX-3002", "SBX-3012"]

    @pytest.mark.parametrize(
        ("slot", "moved"), [(Slot.CBQL, -3 * DAY), (Slot.KY_PHAT_HANH, -1 * DAY)]
    )
    def test_signatures_out_of_order_are_3011(self, slot, moved):
        """Each block was made alone, so only SigningTime tells the order."""
        blocks = b""
        for each in Slot:
            at = SIGNED_AT[each] + (moved if each is slot else timedelta())
            alone = a_record() if each is Slot.GVCN else signed_in_place_of_earlier(each)
            xml = sign(alone, each, at=at)
            start, end = xml.index(f"<{each}>".encode()), xml.index(f"</{each}>".encode())
            blocks += xml[start : end + len(f"</{each}>")]
        list_tag = b"DANH_SACH_THONG_TIN_KY"
        record = a_record().replace(
            b"</HOC_BA>", b"<%b>%b</%b></HOC_BA>" % (list_tag, blocks, list_tag)
        )

        assert codes(refusal(record)) == ["SBX-3011"]


def signed_in_place_of_earlier(slot: Slot) -> bytes:
    """Return the record with the slots before *slot* signed so early that any time follows."""
    early = datetime(2024, 1, 2, tzinfo=VIETNAM)
    earlier = tuple(Slot)[: tuple(Slot).index(slot)]
    return signed_record(at=dict.fromkeys(earlier, early), slots=earlier)
