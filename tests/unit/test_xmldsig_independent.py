"""Two verifiers that are not ours, in both directions: xmlsec1 and signxml.

signxml needs two concessions: it validates Object against the W3C schema, which has no SigningTime
(spec/record-format.md §5.3), and it canonicalises SignedInfo by lxml's inclusive mode, which writes
xmlns="" where none belongs; its own legacy switch takes those out again. It also looks at the
machine's clock, so the certificates shown to it are valid for long.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree
from signxml import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConfiguration,
    SignatureConstructionMethod,
    SignatureMethod,
    XMLSigner,
    XMLVerifier,
)
from signxml.exceptions import InvalidDigest, SignXMLException

from sandbox.documents import build_package, parse, parse_record
from sandbox.domain.report_card import Slot
from sandbox.xmldsig import prepare_package
from sandbox.xmldsig.canonical import canonical
from tests.builders.documents import VECTORS, a_record
from tests.builders.signing import (
    AUTHORITY,
    PACKAGE_ID,
    PACKED_AT,
    SEAL,
    SIGNERS,
    TEACHER,
    Holder,
    codes,
    edited,
    numbered_record,
    refusal,
    signed_package,
    signed_record,
    signed_registration,
    verified,
    verified_package,
)
from tests.builders.xmlsec import (
    DS,
    ID_OPTIONS,
    IDS,
    UUID,
    everybody_with,
    signed_by_xmlsec1,
    xmlsec1,
)
from tests.vectors.xmldsig.make_template import TEMPLATE, template

PACKAGE_SIGNATURE = f"sig-goi-{PACKAGE_ID}"


def xmlsec1_verifies(
    folder: Path, xml: bytes, signature_id: str, *, more: tuple[str, ...] = ()
) -> bool:
    """Ask xmlsec1 whether one signature of *xml* holds, certificate chain included.

    *more*: options that name other Ids.
    """
    (folder / "root.pem").write_text(AUTHORITY.root.certificate.pem)
    chain = []
    for code, issuer in AUTHORITY.issuers.items():
        (folder / f"{code}.pem").write_text(issuer.certificate.pem)
        chain += ["--untrusted-pem", f"{code}.pem"]
    done = xmlsec1(
        folder,
        *("--verify", "--trusted-pem", "root.pem", *chain),
        *("--verification-gmt-time", "2025-05-28 01:00:00"),
        *(*ID_OPTIONS, *more, "--node-id", signature_id),
        xml=xml,
    )
    return done.returncode == 0


@pytest.mark.parametrize("slot", list(Slot))
@pytest.mark.parametrize("kind", ["p256", "rsa"])
def test_xmlsec1_verifies_each_signature_of_a_record(tmp_path, kind, slot):
    """Declared inclusive, computed exclusively: the bytes are the same."""
    xml = signed_record(by=everybody_with(kind))

    assert xmlsec1_verifies(tmp_path, xml, IDS[slot])


def test_xmlsec1_verifies_a_record_with_indented_data(tmp_path):
    """The specification's own example, whitespace and all."""
    xml = signed_record((VECTORS / "record_spec_9.xml").read_bytes())

    assert all(xmlsec1_verifies(tmp_path, xml, name) for name in IDS.values())


def test_xmlsec1_verifies_a_package_and_a_record_in_it(tmp_path):
    """The enveloped signature over the root, and the records' own inside."""
    xml = signed_package(numbered_record(1), numbered_record(2))

    assert xmlsec1_verifies(tmp_path, xml, PACKAGE_SIGNATURE)
    assert xmlsec1_verifies(tmp_path, xml, IDS[Slot.GVCN])


def test_xmlsec1_agrees_on_a_package_with_a_foreign_declaration_inside(tmp_path):
    """Where exclusive and inclusive C14N differ, the package is canonicalised inclusively."""
    bad = edited(signed_record(), "<TONG_KET>", '<TONG_KET xmlns:x="urn:x">')

    assert xmlsec1_verifies(tmp_path, signed_package(bad), PACKAGE_SIGNATURE)


def test_xmlsec1_agrees_on_what_stands_after_the_signature(tmp_path):
    """White space and instructions behind the last child are covered, comments are not."""
    end = b"</DANH_SACH_HOC_BA>"
    xml = build_package([numbered_record(1)]).replace(end, b"\n<?note x?>\n" + end)
    draft = prepare_package(xml, signer=SEAL.certificate, at=PACKED_AT, package_id=PACKAGE_ID)
    signature = draft.text.render(SEAL.sign(draft.signed_bytes))
    moved = xml.replace(b"\n<?note", signature + b"\n<!-- c --><?note")

    assert xmlsec1_verifies(tmp_path, moved, PACKAGE_SIGNATURE)
    assert verified_package(moved)


def test_xmlsec1_verifies_a_registration(tmp_path):
    """A certificate's registration, signed with that certificate."""
    xml = signed_registration()

    assert xmlsec1_verifies(tmp_path, xml, "sig-cts-90000000-0000-4000-8000-00000000aaaa")


def test_xmlsec1_refuses_what_we_refuse(tmp_path):
    """The independent verifier is really looking: edited data fails there too."""
    xml = edited(signed_record(), "<CAN_NANG>29.5<", "<CAN_NANG>29.6<")

    assert not any(xmlsec1_verifies(tmp_path, xml, name) for name in IDS.values())


def test_the_cheap_canonical_form_is_the_one_xmlsec1_hashed():
    """The exclusive form of the data equals the inclusive form of the data as a file of its own."""
    record = parse_record(signed_record())
    data = record.element[0]
    alone = etree.fromstring(etree.tostring(data))

    assert canonical(data) == etree.tostring(alone, method="c14n", exclusive=False)


def test_the_committed_template_is_the_one_the_script_makes():
    """tests/vectors/xmldsig/record_template.xml is reproducible."""
    assert TEMPLATE.read_bytes() == template()


@pytest.mark.parametrize("kind", ["p256", "rsa"])
def test_a_record_signed_by_xmlsec1_from_the_template_verifies_here(tmp_path, kind):
    """An integrator's own tool: three signatures by xmlsec1 --sign, line breaks and all."""
    signers = everybody_with(kind)
    xml = signed_by_xmlsec1(tmp_path, signers, kind=kind)

    found = verified(xml, registered=lambda *_: True)

    assert {slot: f.signer for slot, f in found.signatures.items()} == {
        slot: one.certificate for slot, one in signers.items()
    }


class PatientVerifier(XMLVerifier):
    """signxml with its switch for the xmlns="" it would otherwise leave in SignedInfo."""

    excise_empty_xmlns_declarations = True


def signxml_verifies(xml: bytes, location: str, by: Holder) -> list[str]:
    """Return the tags signxml says were signed; raises what signxml raises."""
    results = PatientVerifier().verify(
        xml,
        x509_cert=by.certificate.pem,
        expect_config=SignatureConfiguration(location=location, expect_references=2),
        validate_schema=False,
    )
    assert isinstance(results, list)
    return [
        etree.QName(result.signed_xml).localname
        for result in results
        if result.signed_xml is not None
    ]


@pytest.mark.parametrize("slot", list(Slot))
@pytest.mark.parametrize("kind", ["p256", "rsa", "pss"])
def test_signxml_verifies_each_signature_of_a_record(kind, slot):
    """A second independent verifier, which also knows PSS."""
    signers = everybody_with(kind)
    xml = signed_record(by=signers)

    assert signxml_verifies(xml, f"./DANH_SACH_THONG_TIN_KY/{slot}/", signers[slot]) == [
        "DU_LIEU_HOC_BA",
        "SignatureProperties",
    ]


def test_signxml_verifies_a_package():
    """The enveloped signature over the root."""
    by = everybody_with("p256")[Slot.KY_PHAT_HANH]
    xml = signed_package(numbered_record(1), numbered_record(2), by=by)

    assert signxml_verifies(xml, "./", by)[0] == "DANH_SACH_HOC_BA"


def test_signxml_refuses_what_we_refuse():
    """Edited data is an invalid digest to signxml."""
    signers = everybody_with("p256")
    xml = edited(signed_record(by=signers), "<CAN_NANG>29.5<", "<CAN_NANG>29.6<")

    with pytest.raises(InvalidDigest):
        signxml_verifies(xml, "./DANH_SACH_THONG_TIN_KY/GVCN/", signers[Slot.GVCN])


def stock_signature(*, prefix: str | None) -> bytes:
    """Return the example record with a Signature of signxml's own layout in each slot."""
    signer = XMLSigner(
        method=SignatureConstructionMethod.detached,
        signature_algorithm=SignatureMethod.ECDSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_0,
    )
    signer.namespaces = {prefix: DS}
    blocks = ""
    for slot, by in SIGNERS.items():
        signature = signer.sign(
            etree.fromstring(a_record()),
            key=by.key.pem(),
            cert=by.certificate.pem,
            reference_uri=f"data-{UUID}",
        )
        text = etree.tostring(signature).decode()
        blocks += f"<{slot}><NGAY_KY>2024-05-28T09:15:00+07:00</NGAY_KY>{text}</{slot}>"
    tag = "DANH_SACH_THONG_TIN_KY"
    return a_record().replace(b"</HOC_BA>", f"<{tag}>{blocks}</{tag}></HOC_BA>".encode())


def test_stock_signxml_with_a_prefix_is_refused_for_its_declaration():
    """`ds:` is another xmlns declaration inside a record: SBX-2002 before any digest (§5.3)."""
    assert codes(refusal(stock_signature(prefix="ds"))) == ["SBX-2002"]


def test_stock_signxml_without_prefix_is_refused_for_its_components():
    """No X509SubjectName, no Object with the signing time: SBX-3021."""
    assert codes(refusal(stock_signature(prefix=None))) == ["SBX-3021"]


def test_signxml_and_we_agree_on_every_broken_copy_of_a_record():
    """One byte changed in each signed part: neither verifier lets it pass."""
    signers = everybody_with("p256")
    xml = signed_record(by=signers)
    for old, new in (
        ("<HO_VA_TEN>N", "<HO_VA_TEN>M"),
        ("<SigningTime>2024", "<SigningTime>2023"),
        ("<DigestValue>", "<DigestValue>A"),
    ):
        broken = edited(xml, old, new)
        with pytest.raises(SignXMLException):
            signxml_verifies(broken, "./DANH_SACH_THONG_TIN_KY/GVCN/", signers[Slot.GVCN])
        assert refusal(broken, registered=lambda *_: True)


def test_the_builders_usual_signers_are_who_they_seem():
    """TEACHER and SEAL sign where the independent verifiers look for them."""
    record = parse(signed_package()).records[0].element
    texts = [e.text for e in record.iter(f"{{{DS}}}X509SubjectName")]

    assert texts[0] == TEACHER.certificate.subject_rfc4514
    assert texts[2] == SEAL.certificate.subject_rfc4514
