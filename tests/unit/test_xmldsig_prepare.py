"""prepare → sign elsewhere → complete."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from lxml import etree

from sandbox.documents import check_schema, parse_record
from sandbox.domain.report_card import Slot
from sandbox.errors import Refused
from sandbox.xmldsig import Draft, prepare, prepare_package, prepare_registration
from tests.builders.documents import VECTORS, a_record
from tests.builders.signing import (
    LEADER,
    NOW,
    SEAL,
    SIGNED_AT,
    TEACHER,
    sign,
    signed_package,
    signed_record,
    signed_registration,
    unsigned_registration,
    verified,
)


def draft(xml: bytes | None = None, *, slot: Slot = Slot.GVCN, signer=TEACHER) -> Draft:
    return prepare(
        a_record() if xml is None else xml,
        slot=slot,
        signer=signer.certificate,
        at=SIGNED_AT[slot],
    )


def refusal_of(call) -> str:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.code


def test_three_signatures_in_turn_make_a_record_that_verifies():
    """GVCN, CBQL, KY_PHAT_HANH, each prepared, signed elsewhere, completed."""
    assert set(verified(signed_record()).signatures) == set(Slot)


def test_bytes_signed_before_stay_as_they_are():
    """A later signature only inserts: all earlier bytes are still there, in order."""
    first = sign(a_record(), Slot.GVCN)
    second = sign(first, Slot.CBQL)
    cut = first.index(b"</DANH_SACH_THONG_TIN_KY>")

    assert second.startswith(first[:cut])
    assert second.endswith(first[cut:])


def test_what_is_written_is_canonical():
    """C14N of the signed record is the record, byte for byte."""
    xml = signed_record()

    assert etree.tostring(etree.fromstring(xml), method="c14n") == xml


def test_a_signed_record_still_passes_the_schema():
    """Slots and Signature are where the specification wants them."""
    assert check_schema(parse_record(signed_record())) == []


def test_the_digest_is_that_of_the_canonical_signed_info():
    """What goes to the signing service is SHA-256 of SignedInfo with its namespace."""
    made = draft()

    assert made.signed_bytes.startswith(
        b'<SignedInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><CanonicalizationMethod '
    )
    assert made.digest == hashlib.sha256(made.signed_bytes).digest()


def test_a_draft_survives_a_restart():
    """Written down and read back it completes to the same bytes."""
    made = draft()
    value = TEACHER.sign(made.signed_bytes)

    assert Draft.from_json(made.to_json()).complete(value) == made.complete(value)


@pytest.mark.parametrize("written", ["", "[]", "{}", '{"before": 1, "after": 2, "text": {}}'])
def test_text_that_is_no_draft_is_a_value_error(written):
    """Anything else than to_json's text is told apart."""
    with pytest.raises(ValueError):
        Draft.from_json(written)


def test_the_same_draft_is_made_twice_from_the_same_input():
    """Nothing random in it: no clock, no nonce."""
    assert draft() == draft()


def test_the_signing_time_is_written_in_local_time_to_the_second():
    """SigningTime and NGAY_KY both say the space time at prepare, +07:00."""
    xml = sign(a_record(), Slot.GVCN).decode()

    assert xml.count("<SigningTime>2024-05-28T09:15:00+07:00</SigningTime>") == 1
    assert xml.count("<NGAY_KY>2024-05-28T09:15:00+07:00</NGAY_KY>") == 1


def test_ids_carry_the_records_uuid():
    """sig-gvcn-…, sig-cbql-…, sig-kyphathanh-… and their -props (§5.3)."""
    xml = signed_record().decode()

    for prefix in ("sig-gvcn-", "sig-cbql-", "sig-kyphathanh-"):
        assert f'Id="{prefix}90000000-0000-4000-8000-000000000001"' in xml
        assert f'Id="{prefix}90000000-0000-4000-8000-000000000001-props"' in xml


def test_the_seal_writes_no_personal_id():
    """KY_PHAT_HANH holds NGAY_KY and Signature only (§3.6)."""
    xml = signed_record().decode()
    block = xml[xml.index("<KY_PHAT_HANH>") : xml.index("</KY_PHAT_HANH>")]

    assert "<SO_CCCD>" not in block


def test_the_leader_cannot_sign_before_the_teacher():
    """CBQL on an unsigned record that names a teacher is SBX-3011."""
    assert refusal_of(lambda: draft(slot=Slot.CBQL, signer=LEADER)) == "SBX-3011"


def test_the_seal_cannot_come_before_the_leader():
    """KY_PHAT_HANH after GVCN alone is SBX-3011."""
    xml = sign(a_record(), Slot.GVCN)

    assert refusal_of(lambda: draft(xml, slot=Slot.KY_PHAT_HANH, signer=SEAL)) == "SBX-3011"


def test_the_leader_signs_first_when_no_teacher_is_named():
    """1789 đ.14.7: the teacher has left, the leader signs in their place."""
    xml = a_record(teacher_name=None, teacher_id=None)

    assert b"<CBQL>" in sign(xml, Slot.CBQL)


def test_nobody_signs_as_teacher_on_a_record_without_one():
    """A GVCN block without a teacher in the data would be SBX-3001 at the desk."""
    xml = a_record(teacher_name=None, teacher_id=None)

    assert refusal_of(lambda: draft(xml)) == "SBX-3001"


def test_a_slot_is_signed_once():
    """A second signature in the same slot is SBX-3013."""
    assert refusal_of(lambda: draft(sign(a_record(), Slot.GVCN))) == "SBX-3013"


def test_nobody_signs_earlier_than_the_one_before():
    """A clock moved back between two signatures is noticed at once: SBX-3011."""
    xml = sign(a_record(), Slot.GVCN)
    early = SIGNED_AT[Slot.GVCN] - timedelta(seconds=1)

    assert refusal_of(lambda: sign(xml, Slot.CBQL, at=early)) == "SBX-3011"


def test_unsigned_blocks_of_the_specifications_example_are_filled():
    """The example of §9 holds NGAY_KY and SO_CCCD before anybody signed; indented as it is."""
    xml = (VECTORS / "record_spec_9.xml").read_bytes()

    assert verified(signed_record(xml)).data.count(b"\n") > 50


def test_an_empty_block_list_is_used():
    """<DANH_SACH_THONG_TIN_KY/> gets the first signature inside it."""
    xml = a_record().replace(b"</HOC_BA>", b"<DANH_SACH_THONG_TIN_KY/></HOC_BA>")

    assert verified(signed_record(xml))


def test_a_package_is_not_a_record():
    """Prepare answers SBX-1109 for another root."""
    assert refusal_of(lambda: draft(signed_package())) == "SBX-1109"


def test_a_record_is_not_a_package():
    """prepare_package answers SBX-1109 for another root."""
    assert (
        refusal_of(
            lambda: prepare_package(
                signed_record(), signer=SEAL.certificate, at=NOW, package_id="x"
            )
        )
        == "SBX-1109"
    )


def test_a_package_is_signed_once():
    """A second package signature is SBX-3013."""
    assert (
        refusal_of(
            lambda: prepare_package(
                signed_package(), signer=SEAL.certificate, at=NOW, package_id="x"
            )
        )
        == "SBX-3013"
    )


def test_a_registration_is_signed_as_the_last_child_of_its_root():
    """Id sig-cts-…, enveloped (transactions §2.4)."""
    xml = signed_registration()

    assert b'Id="sig-cts-' in xml
    assert xml.endswith(b"</Signature></DANG_KY_CHUNG_THU_SO>")


def test_a_registration_must_be_one():
    """prepare_registration answers SBX-1109 for another root."""
    registration = unsigned_registration(SEAL.certificate, code="48999401", name="x")

    assert (
        refusal_of(
            lambda: prepare_registration(
                registration.replace(b"DANG_KY_CHUNG_THU_SO", b"DANG_KY"),
                signer=SEAL.certificate,
                at=NOW,
                registration_id="x",
            )
        )
        == "SBX-1109"
    )
