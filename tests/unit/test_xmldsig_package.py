"""Verification of packages and registrations: SBX-1110 and SBX-1111, the reason within."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sandbox.documents import build_package
from sandbox.domain.report_card import Slot
from sandbox.errors import Unavailable
from sandbox.pki import CertificateHistory, KeyUsage, Suspension, TrainingAuthority
from sandbox.xmldsig import SignatureRefused, prepare_package
from tests.builders.signing import (
    DEPARTMENT,
    NOW,
    PACKAGE_ID,
    PACKED_AT,
    SCHOOL_SUBJECT,
    SEAL,
    SIGNED_AT,
    TEACHER,
    edited,
    holder,
    inner_codes,
    numbered_record,
    package_refusal,
    resigned_id,
    revocations,
    rsa_key,
    signed_package,
    signed_record,
    signed_registration,
    verified_package,
    verified_registration,
)

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
GOI = "sig-goi-"


def one_refusal(xml: bytes, **changed) -> tuple[str, list[str]]:
    """Return the one code a package is refused with, and the codes within."""
    (finding,) = package_refusal(xml, **changed).findings
    return finding.code, inner_codes(finding)


def in_signature(old: str, new: str) -> bytes:
    """Return a package with something changed inside its own Signature, its value made afresh."""
    return resigned_id(edited(signed_package(), old, new, after=f'Id="{GOI}'), GOI, by=SEAL)


@pytest.mark.parametrize(
    "by",
    [SEAL, DEPARTMENT, holder(SCHOOL_SUBJECT, key=rsa_key())],
    ids=["school", "department", "rsa"],
)
def test_a_package_tells_who_signed_it_and_when(by):
    """A sound package returns the sender's certificate and the signing time."""
    found = verified_package(
        signed_package(numbered_record(1), numbered_record(2), by=by),
        registered=lambda certificate: certificate == by.certificate,
    )

    assert found.facts.signer == by.certificate
    assert found.facts.signing_time == PACKED_AT
    assert found.facts.signature_id == f"{GOI}{PACKAGE_ID}"


def test_white_space_and_comments_around_the_records_are_lawful():
    """Line breaks are signed, comments between records are ignored by C14N (§1)."""
    xml = build_package([numbered_record(1)])
    xml = xml.replace(b"<HOC_BA", b"\n  <!-- note -->\n  <HOC_BA", 1)
    draft = prepare_package(xml, signer=SEAL.certificate, at=PACKED_AT, package_id=PACKAGE_ID)
    signed = draft.complete(SEAL.sign(draft.signed_bytes))

    assert verified_package(signed.replace(b"</Signature></DANH", b"</Signature><!-- x --></DANH"))


def test_a_foreign_declaration_inside_one_record_does_not_break_the_package():
    """One bad record never rejects its neighbours: the record itself will be SBX-2002."""
    bad = edited(signed_record(), "<TONG_KET>", '<TONG_KET xmlns:x="urn:x">')

    assert verified_package(signed_package(bad, numbered_record(2)))


def test_an_instruction_after_the_signature_is_covered_like_the_rest():
    """Comments are ignored by C14N, instructions are not."""
    end = b"</DANH_SACH_HOC_BA>"
    xml = build_package([numbered_record(1)]).replace(end, b"\n<?note x?>\n" + end)
    draft = prepare_package(xml, signer=SEAL.certificate, at=PACKED_AT, package_id=PACKAGE_ID)
    signature = draft.text.render(SEAL.sign(draft.signed_bytes))
    moved = xml.replace(b"\n<?note", signature + b"\n<?note")

    assert verified_package(moved)
    assert one_refusal(moved.replace(b"<?note x?>", b"<?note y?>")) == ("SBX-1110", ["SBX-3002"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<SignedInfo>", '<SignedInfo xmlns:x="urn:x">'),
        ("<SignedInfo>", '<SignedInfo xmlns:x="relative">'),
        ("<Object>", '<Object xml:lang="vi">'),
    ],
)
def test_a_foreign_declaration_in_the_packages_own_signature_is_1110(old, new):
    """Inclusive and exclusive C14N of SignedInfo would differ (§5.3)."""
    xml = edited(signed_package(), old, new, after=f'Id="{GOI}')

    assert one_refusal(xml) == ("SBX-1110", ["SBX-2002"])


def test_a_relative_namespace_name_is_refused_not_a_crash():
    """Nobody may canonicalise it (Canonical XML 1.0 §1.3), so no package signature can cover it."""
    xml = edited(signed_package(), "<TONG_KET>", '<TONG_KET xmlns:x="relative">')

    assert one_refusal(xml) == ("SBX-1110", ["SBX-2002"])


def test_an_unsigned_package_is_1110_with_3001():
    """Every submission carries the sender's signature."""
    assert one_refusal(build_package([signed_record()])) == ("SBX-1110", ["SBX-3001"])


def test_two_package_signatures_are_1110_with_3013():
    """Signed by school and Sở at once."""
    xml = signed_package()
    start = xml.rindex(b"<Signature ")
    end = xml.rindex(b"</Signature>") + len(b"</Signature>")

    assert one_refusal(xml[:end] + xml[start:end] + xml[end:]) == ("SBX-1110", ["SBX-3013"])


def test_a_signature_before_the_records_is_1110_with_3021():
    """The Signature is the last child of the root (§8)."""
    xml = signed_package()
    start = xml.rindex(b"<Signature ")
    end = xml.rindex(b"</Signature>") + len(b"</Signature>")
    moved = xml[:start] + xml[end:]
    moved = moved.replace(b"<HOC_BA", xml[start:end] + b"<HOC_BA", 1)

    assert one_refusal(moved) == ("SBX-1110", ["SBX-3021"])


@pytest.mark.parametrize(
    ("old", "new", "inner"),
    [
        ("<Object>", "<Object><Manifest></Manifest>", "SBX-3021"),
        ("</SigningTime>", "<!-- x --></SigningTime>", "SBX-3021"),
        ("xmldsig#SignatureProperties", "xmldsig#Object", "SBX-3018"),
        ('URI="#dataDanhSach"', 'URI=""', "SBX-3004"),
        ('URI="#dataDanhSach"', 'URI="#data-90000000-0000-4000-8000-000000000001"', "SBX-3004"),
        (f'Id="{GOI}', f'id="dataDanhSach" Id="{GOI}', "SBX-3005"),
        ("xmldsig-more#ecdsa-sha256", "xmldsig-more#ecdsa-sha512", "SBX-3006"),
        ("2000/09/xmldsig#enveloped-signature", "2001/10/xml-exc-c14n#", "SBX-3017"),
    ],
)
def test_each_fault_of_structure_is_1110_with_its_own_code(old, new, inner):
    """The codes of a record, within SBX-1110."""
    of_the_signature = old.startswith("Id=")
    xml = edited(signed_package(), old, new) if of_the_signature else in_signature(old, new)

    assert one_refusal(xml) == ("SBX-1110", [inner])


def test_a_package_without_the_enveloped_transform_is_1110_with_3017():
    """C14N alone would cover the signature itself."""
    xml = in_signature(
        '<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></Transform>',
        "",
    )

    assert one_refusal(xml) == ("SBX-1110", ["SBX-3017"])


def test_a_value_made_with_another_key_is_1110_with_3003():
    """The sender's certificate, somebody else's key."""
    assert one_refusal(resigned_id(signed_package(), GOI, by=TEACHER)) == (
        "SBX-1110",
        ["SBX-3003"],
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [("<CAN_NANG>29.5<", "<CAN_NANG>29.6<"), ("</HOC_BA>", "</HOC_BA>\n")],
)
def test_anything_changed_in_the_package_is_1110_with_3002(old, new):
    """The package signature covers every record and the space between."""
    assert one_refusal(edited(signed_package(), old, new)) == ("SBX-1110", ["SBX-3002"])


def test_a_record_added_after_signing_is_1110_with_3002():
    """Nothing is smuggled into a signed package."""
    xml = signed_package(numbered_record(1))
    more = numbered_record(2)

    assert one_refusal(xml.replace(b"<HOC_BA", more + b"<HOC_BA", 1)) == (
        "SBX-1110",
        ["SBX-3002"],
    )


def test_a_package_from_the_future_is_1110_with_3012():
    """Not after the space clock + 5 min."""
    late = signed_package(at=NOW + timedelta(minutes=5) + SECOND)

    assert one_refusal(late) == ("SBX-1110", ["SBX-3012"])


def test_a_package_signed_before_a_record_it_holds_is_1110_with_3011():
    """The package signature comes last (transactions §5); the place is the record's."""
    early = signed_package(signed_record(), at=PACKED_AT - DAY)

    (finding,) = package_refusal(early).findings
    assert (finding.code, inner_codes(finding)) == ("SBX-1110", ["SBX-3011"])
    assert finding.xpath == (
        "/DANH_SACH_HOC_BA/HOC_BA[1]/DANH_SACH_THONG_TIN_KY/KY_PHAT_HANH/Signature"
    )


def test_a_package_signed_in_the_same_second_as_its_record_is_in_order():
    """KY_PHAT_HANH ≤ package."""
    assert verified_package(signed_package(at=SIGNED_AT[Slot.KY_PHAT_HANH]))


def test_a_certificate_not_approved_is_1111_with_3009():
    """Sound, but not the certificate registered for the account."""
    assert one_refusal(signed_package(by=DEPARTMENT)) == ("SBX-1111", ["SBX-3009"])


@pytest.mark.parametrize(
    ("issue", "inner"),
    [
        ({"not_after": PACKED_AT - DAY}, "SBX-3007"),
        ({"not_before": PACKED_AT + DAY}, "SBX-3014"),
        ({"key_usage": frozenset({KeyUsage.KEY_ENCIPHERMENT})}, "SBX-3020"),
        ({"authority": TrainingAuthority.from_seed("elsewhere")}, "SBX-3008"),
        ({"key": rsa_key("weak", bits=1024)}, "SBX-3019"),
    ],
)
def test_every_fault_of_the_certificate_is_1111_with_its_own_code(issue, inner):
    """Unknown, expired, not yet valid, wrong use, weak: SBX-1111 (transactions §5)."""
    by = holder(SCHOOL_SUBJECT, **issue)

    assert one_refusal(signed_package(by=by), registered=lambda _: True) == ("SBX-1111", [inner])


@pytest.mark.parametrize(
    ("history", "inner"),
    [
        ({"revoked_at": PACKED_AT - DAY}, "SBX-3016"),
        ({"suspensions": (Suspension(PACKED_AT - DAY),)}, "SBX-3015"),
    ],
)
def test_a_revoked_or_suspended_sender_is_1111(history, inner):
    """Revocation stops new submissions as soon as the CRL shows it (transactions §6)."""
    lists = revocations(CertificateHistory(SEAL.certificate.serial, **history))

    assert one_refusal(signed_package(), revocations=lists) == ("SBX-1111", [inner])


def test_both_answers_are_given_when_both_are_due():
    """Certificate and data at fault: two findings, each with its own codes."""
    lists = revocations(CertificateHistory(SEAL.certificate.serial, revoked_at=PACKED_AT - DAY))
    xml = edited(signed_package(), "<CAN_NANG>29.5<", "<CAN_NANG>29.6<")
    found = package_refusal(xml, revocations=lists)

    assert [(f.code, inner_codes(f)) for f in found.findings] == [
        ("SBX-1111", ["SBX-3016"]),
        ("SBX-1110", ["SBX-3002"]),
    ]


def test_a_package_waits_for_a_missing_revocation_list():
    """Unavailable, never refused."""
    with pytest.raises(Unavailable):
        verified_package(signed_package(), revocations={})


def test_offline_checks_of_a_package_are_named():
    """What could not be checked is said."""
    found = verified_package(signed_package(), trust=None, revocations=None, registered=None)

    assert found.not_checked == ("SBX-3008", "SBX-3015", "SBX-3016", "SBX-3009")


def test_a_registration_is_signed_with_the_certificate_it_registers():
    """The unit proves that it holds the key (transactions §2.4)."""
    assert verified_registration(signed_registration()).facts.signer == SEAL.certificate


def test_a_registration_signed_with_another_certificate_is_1111_with_3009():
    """Registering somebody else's certificate fails."""
    with pytest.raises(SignatureRefused) as caught:
        verified_registration(signed_registration(SEAL, by=DEPARTMENT))

    (finding,) = caught.value.findings
    assert (finding.code, inner_codes(finding)) == ("SBX-1111", ["SBX-3009"])


def test_an_edited_registration_is_1110_with_3002():
    """The declared fields are covered."""
    xml = edited(signed_registration(), "<TEN_DON_VI>Trường", "<TEN_DON_VI>Tường")

    with pytest.raises(SignatureRefused) as caught:
        verified_registration(xml)
    (finding,) = caught.value.findings
    assert (finding.code, inner_codes(finding)) == ("SBX-1110", ["SBX-3002"])
