"""Step 1 of §5.3 and what comes before it: how a Signature must be built."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sandbox.documents import parse
from sandbox.domain.report_card import Slot
from sandbox.pki import (
    PrivateKey,
)
from sandbox.xmldsig import SignatureRefused, verify_record
from tests.builders.signing import (
    NOW,
    TEACHER_SUBJECT,
    TRUST,
    codes,
    edited,
    holder,
    numbered_record,
    refusal,
    resigned,
    signed_package,
    signed_record,
    verified,
)

UUID = "90000000-0000-4000-8000-000000000001"
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def signed_by(slot: Slot, one) -> bytes:
    return signed_record(by={slot: one})


class TestStructure:
    """Step 1: every fault has its own code."""

    def test_a_second_signature_in_a_slot_is_3013(self):
        """Signing again adds a Signature instead of replacing it."""
        xml = signed_record()
        start, end = xml.index(b"<Signature"), xml.index(b"</Signature>") + len(b"</Signature>")
        twice = xml[:end] + xml[start:end] + xml[end:]

        assert codes(refusal(twice)) == ["SBX-3013"]

    def test_a_second_block_of_the_same_slot_is_3013(self):
        """Two GVCN blocks are two signatures in one place."""
        xml = signed_record()
        start, end = xml.index(b"<GVCN>"), xml.index(b"</GVCN>") + len(b"</GVCN>")

        assert codes(refusal(xml[:end] + xml[start:end] + xml[end:])) == ["SBX-3013"]

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("<SigningTime>2024-05-28T09:15:00+07:00</SigningTime>", ""),
            ("</SigningTime>", "</SigningTime><SigningTime>2024-05-28T09:15:00Z</SigningTime>"),
            ("<Object>", "<Object><Manifest></Manifest>"),
            ("</Object>", "</Object><Object></Object>"),
            ("<KeyInfo>", "<KeyInfo><KeyName>x</KeyName>"),
            ("<X509Data>", "<X509Data><X509SKI>AA==</X509SKI>"),
            ("</SignatureMethod>", "<HMACOutputLength>1</HMACOutputLength></SignatureMethod>"),
            ("</SignatureProperties>", "</SignatureProperties>hidden"),
            ("<SignatureValue>", "<SignatureValue><SignatureValue></SignatureValue>"),
            ("</DigestMethod>", "</DigestMethod><DigestValue>AA==</DigestValue>"),
            (f' Id="sig-gvcn-{UUID}">', ">"),
            ("CN=Phạm Thị Mẫu Năm", "CN=Phạm Thị Mẫu Bốn"),
            ("UID=CCCD:948185000021,CN", "CN"),
            ("UID=CCCD:948185000021,CN=Phạm Thị Mẫu Năm,O=DU LIEU GIA LAP,C=VN", "who?"),
        ],
    )
    def test_a_component_missing_added_or_wrong_is_3021(self, old, new):
        """SignedInfo, SignatureValue, KeyInfo, one Object, and exactly what belongs in them."""
        assert codes(refusal(edited(signed_record(), old, new, after="<GVCN>"))) == ["SBX-3021"]

    def test_a_component_fault_says_where(self):
        """XPath down to the part, with what was found and expected."""
        xml = edited(signed_record(), "<Object>", "<Object><Manifest></Manifest>")

        (finding,) = refusal(xml).findings
        assert finding.xpath == "/HOC_BA/DANH_SACH_THONG_TIN_KY/GVCN/Signature/Object"
        assert finding.line == 1
        assert (finding.value, finding.expected) == (
            "Manifest SignatureProperties",
            "SignatureProperties",
        )

    def test_a_third_reference_is_3018(self):
        """Exactly two References."""
        xml = signed_record().decode()
        start = xml.index("<Reference URI")
        end = xml.index("</Reference>") + len("</Reference>")
        extra = (xml[:end] + xml[start:end] + xml[end:]).encode()

        assert codes(refusal(resigned(extra, Slot.GVCN))) == ["SBX-3018"]

    def test_one_reference_only_is_3018(self):
        """The signing time must be covered too."""
        xml = signed_record().decode()
        start = xml.index("<Reference Type")
        end = xml.index("</Reference>", start) + len("</Reference>")

        assert codes(refusal(resigned((xml[:start] + xml[end:]).encode(), Slot.GVCN))) == [
            "SBX-3018"
        ]

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (' Type="http://www.w3.org/2000/09/xmldsig#SignatureProperties"', ""),
            ("xmldsig#SignatureProperties", "xmldsig#Object"),
            (f'Target="#sig-gvcn-{UUID}"', f'Target="#sig-cbql-{UUID}"'),
            (f' Target="#sig-gvcn-{UUID}"', ""),
            ("<Reference URI=", '<Reference Type="http://www.w3.org/2000/09/xmldsig#Object" URI='),
        ],
    )
    def test_a_wrong_type_or_target_is_3018(self, old, new):
        """The second Reference says what it is, the property whose it is."""
        xml = edited(signed_record(), old, new, after="<SignedInfo>")

        assert codes(refusal(resigned(xml, Slot.GVCN))) == ["SBX-3018"]

    @pytest.mark.parametrize(
        "uri",
        [
            "",
            f"#hocba-{UUID}",
            f"#sig-gvcn-{UUID}-props",
            "#nowhere",
            "http://localhost/x.xml",
            f"#xpointer(id('data-{UUID}'))",
        ],
    )
    def test_a_first_reference_to_anything_but_the_data_is_3004(self, uri):
        """Empty, external, another element or none: wrong region."""
        xml = edited(signed_record(), f'URI="#data-{UUID}"', f'URI="{uri}"', after="<GVCN>")

        assert codes(refusal(resigned(xml, Slot.GVCN))) == ["SBX-3004"]

    def test_a_second_reference_to_another_signers_properties_is_3004(self):
        """Each signature covers its own signing time."""
        xml = edited(
            signed_record(), f'URI="#sig-gvcn-{UUID}-props"', f'URI="#sig-cbql-{UUID}-props"'
        )

        assert codes(refusal(resigned(xml, Slot.GVCN))) == ["SBX-3004"]

    def test_an_id_that_occurs_twice_in_the_record_is_3005(self):
        """Wrapping: a second element with the data's Id hides in the record."""
        xml = edited(signed_record(), "<TONG_KET>", f'<TONG_KET Id="data-{UUID}">')

        assert codes(refusal(xml)) == ["SBX-3005"]

    def test_an_id_found_only_in_a_neighbour_is_3005(self):
        """A signature that points into another record of the package (§8 rule 4)."""
        xml = edited(
            numbered_record(1),
            'URI="#data-90000000-0000-4000-8000-000000000001"',
            'URI="#data-90000000-0000-4000-8000-000000000002"',
        )
        package = parse(signed_package(xml, numbered_record(2)))

        with pytest.raises(SignatureRefused) as caught:
            verify_record(package.records[0], trust=None, revocations=None, at=NOW, registered=None)
        assert codes(caught.value) == ["SBX-3005"]

    def test_the_own_match_wins_over_one_elsewhere(self):
        """Two records with the same literal Ids in one package are no fault (§8 rule 4)."""
        package = parse(signed_package(signed_record(), signed_record()))

        for record in package.records:
            assert verify_record(
                record, trust=TRUST, revocations=None, at=NOW, registered=None
            ).signatures

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("2001/04/xmldsig-more#ecdsa-sha256", "2000/09/xmldsig#rsa-sha1"),
            ("2001/04/xmldsig-more#ecdsa-sha256", "2000/09/xmldsig#dsa-sha1"),
            ("2001/04/xmldsig-more#ecdsa-sha256", "2000/09/xmldsig#hmac-sha1"),
            ("xmldsig-more#ecdsa-sha256", "xmldsig-more#ecdsa-sha384"),
            ("xmldsig-more#ecdsa-sha256", "xmldsig-more#rsa-sha512"),
            ("2001/04/xmldsig-more#ecdsa-sha256", "2001/04/xmldsig-more#rsa-md5"),
            ("2001/04/xmlenc#sha256", "2000/09/xmldsig#sha1"),
            ("2001/04/xmlenc#sha256", "2001/04/xmldsig-more#sha384"),
            ("TR/2001/REC-xml-c14n-20010315", "2001/10/xml-exc-c14n#"),
            ("REC-xml-c14n-20010315", "REC-xml-c14n-20010315#WithComments"),
        ],
    )
    def test_any_algorithm_off_the_list_is_3006(self, old, new):
        """SHA-1, MD5, DSA, HMAC, SHA-384/512 and other canonicalizations are refused."""
        xml = edited(signed_record(), old, new, after="<SignedInfo>")

        assert codes(refusal(resigned(xml, Slot.GVCN))) == ["SBX-3006"]

    def test_another_curve_than_p256_is_3006(self):
        """P-384 is refused whatever the method says."""
        raw = ec.derive_private_key(12345, ec.SECP384R1())
        pem = raw.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        teacher = holder(TEACHER_SUBJECT, key=PrivateKey.from_pem(pem))

        assert codes(refusal(signed_by(Slot.GVCN, teacher)))[0] == "SBX-3006"

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("TR/2001/REC-xml-c14n-20010315", "2001/10/xml-exc-c14n#"),
            ("TR/2001/REC-xml-c14n-20010315", "2000/09/xmldsig#enveloped-signature"),
            ("TR/2001/REC-xml-c14n-20010315", "TR/1999/REC-xslt-19991116"),
            ("</Transform>", "<XPath>1</XPath></Transform>"),
            (
                "<Transforms>",
                "<Transforms><Transform "
                'Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></Transform>',
            ),
            (
                '<Transforms><Transform Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315">'
                "</Transform></Transforms>",
                "",
            ),
        ],
    )
    def test_any_other_list_of_transforms_is_3017(self, old, new):
        """C14N alone, without parameters; no Transforms at all is another list too."""
        xml = edited(signed_record(), old, new, after="<Reference URI")

        assert codes(refusal(resigned(xml, Slot.GVCN))) == ["SBX-3017"]


class TestForeignParts:
    """What must not be canonicalised at all is refused before any digest (SBX-2002)."""

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("<TONG_KET>", '<TONG_KET xmlns:x="urn:x">'),
            ("<TONG_KET>", '<TONG_KET xml:lang="vi">'),
            ("<HOC_BA ", '<HOC_BA xmlns:x="urn:x" '),
            ("<TONG_KET>", "<TONG_KET><!-- x -->"),
            ("<Object>", "<Object><!-- x -->"),
            ("<TONG_KET>", "<TONG_KET><?x y?>"),
            ("<SigningTime>", '<SigningTime xmlns="urn:x">'),
            ("</GVCN>", '<x xmlns="http://www.w3.org/2000/09/xmldsig#"/></GVCN>'),
        ],
    )
    def test_namespaces_comments_and_instructions_are_2002(self, old, new):
        """Inclusive C14N would change the digest, or text would be read differently."""
        assert codes(refusal(edited(signed_record(), old, new))) == ["SBX-2002"]

    def test_a_signature_outside_the_slots_is_2002(self):
        """Only the three slots hold signatures; any other is never read."""
        xml = signed_record()
        start, end = xml.index(b"<Signature"), xml.index(b"</Signature>") + len(b"</Signature>")
        moved = xml.replace(b"</HOC_BA>", xml[start:end] + b"</HOC_BA>")

        found = refusal(moved)
        assert codes(found) == ["SBX-2002"]
        assert found.findings[0].xpath == "/HOC_BA/Signature"

    def test_a_second_data_element_is_2002(self):
        """Wrapping: two DU_LIEU_HOC_BA, one signed, one to be read."""
        xml = signed_record()
        start, end = xml.index(b"<DU_LIEU"), xml.index(b"</DU_LIEU_HOC_BA>")
        data = xml[start : end + len(b"</DU_LIEU_HOC_BA>")]

        assert codes(refusal(xml.replace(data, data + data))) == ["SBX-2002"]

    def test_a_record_without_data_is_2001(self):
        """Nothing to sign."""
        xml = b'<HOC_BA id="hocba-x"></HOC_BA>'

        with pytest.raises(SignatureRefused) as caught:
            verified(xml)
        assert codes(caught.value) == ["SBX-2001"]

    def test_data_wrapped_deeper_is_not_read(self):
        """The signed element moved away, another put in its place: target and Id say so."""
        xml = signed_record().decode()
        start = xml.index("<DU_LIEU_HOC_BA")
        end = xml.index("</DU_LIEU_HOC_BA>") + len("</DU_LIEU_HOC_BA>")
        data = xml[start:end]
        forged = data.replace("<CAN_NANG>29.5<", "<CAN_NANG>59.5<").replace(
            f"data-{UUID}", "data-2"
        )
        wrapped = xml.replace(data, f"{forged}<BO>{data}</BO>", 1)

        assert codes(refusal(wrapped.encode())) == ["SBX-3004"]
