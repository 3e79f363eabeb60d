"""The two general libraries: signxml, and python-xmlsec over libxmlsec1.

Both must be told what to accept, else they take what the document says: algorithms, transforms,
the number of references, and what these point at.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from loadtests.bench.peers import C14N, DATA, DS, SLOTS, BrokenSignature, Signed
from sandbox.documents import ParsedPackage
from sandbox.documents.tree import Element
from sandbox.domain.report_card import Slot
from sandbox.pki import Certificate

PACKAGE: Final = "DANH_SACH_HOC_BA"
PACKAGE_ID: Final = "dataDanhSach"
ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_REFERENCE: Final = f"{DS}SignedInfo/{DS}Reference"
_TRANSFORM: Final = f"{DS}Transforms/{DS}Transform"
_BOTH: Final = 2
_METHODS: Final = frozenset({SignatureMethod.RSA_SHA256, SignatureMethod.ECDSA_SHA256})
_DIGESTS: Final = frozenset({DigestAlgorithm.SHA256})


class Signxml:
    """signxml, one verifier per signature as its documentation shows it."""

    name = "signxml"

    def package(self, package: ParsedPackage, signed: Signed) -> None:
        """Verify the package's signature and both its references."""
        covered = self._verify(package.xml, signed, where="./")
        if covered.tag != PACKAGE or covered.get("id") != PACKAGE_ID:
            raise BrokenSignature("another element")

    def record(self, xml: bytes, signed: Mapping[Slot, Signed]) -> None:
        """Verify the signatures of a record cut out of its package."""
        for slot, one in signed.items():
            covered = self._verify(xml, one, where=f"./{SLOTS}/{slot}/")
            if covered.tag != DATA:
                raise BrokenSignature("another element")

    def _verify(self, xml: bytes, signed: Signed, *, where: str) -> Element:
        verifier = XMLVerifier()
        # lxml writes wrong xmlns="" below a default namespace (record-format §5.3, pitfall)
        verifier.excise_empty_xmlns_declarations = True
        try:
            # the W3C schema has no place for the specification's SigningTime
            found = verifier.verify(
                xml,
                x509_cert=_x509(signed.certificate),
                expect_config=_configuration(where, signed.at),
                validate_schema=False,
            )
        except (SignXMLException, ValueError) as fault:
            raise BrokenSignature(str(fault)) from fault
        assert isinstance(found, list)
        covered, properties = (one.signed_xml for one in found)
        if covered is None or properties is None or properties.tag != signed.properties.tag:
            raise BrokenSignature("another element")
        return covered


@lru_cache(maxsize=2048)
def _configuration(where: str, at: datetime) -> SignatureConfiguration:
    return SignatureConfiguration(
        location=where,
        expect_references=_BOTH,
        signature_methods=_METHODS,
        digest_algorithms=_DIGESTS,
        verification_time=at,
    )


@lru_cache(maxsize=2048)
def _x509(certificate: Certificate) -> x509.Certificate:
    return x509.load_der_x509_certificate(certificate.der)


class Xmlsec:
    """python-xmlsec: one context per signature, Ids registered, algorithms restricted."""

    name = "xmlsec"

    def __init__(self) -> None:
        self._parser = etree.XMLParser(resolve_entities=False, no_network=True)
        self._transforms: tuple[Any, ...] = (
            xmlsec.constants.TransformInclC14N,
            xmlsec.constants.TransformSha256,
            xmlsec.constants.TransformRsaSha256,
            xmlsec.constants.TransformEcdsaSha256,
        )

    def package(self, package: ParsedPackage, signed: Signed) -> None:
        """Verify the package's signature and both its references."""
        _require_references(signed.element, PACKAGE_ID, signed.properties, (ENVELOPED, C14N))
        context = self._context(signed)
        context.enable_reference_transform(xmlsec.constants.TransformEnveloped)
        context.register_id(package.root, "id")
        _verify(context, signed)

    def record(self, xml: bytes, signed: Mapping[Slot, Signed]) -> None:
        """Verify the signatures of a record cut out of its package."""
        root = etree.fromstring(xml, self._parser)
        data = root.find(DATA)
        if data is None:
            raise BrokenSignature("no data")
        for slot, one in signed.items():
            cut = Signed.read(root.find(f"{SLOTS}/{slot}/{DS}Signature"))
            _require_references(cut.element, data.get("id") or "", cut.properties, (C14N,))
            context = self._context(one)
            context.register_id(data, "id")
            _verify(context, cut)

    def _context(self, signed: Signed) -> Any:
        context = xmlsec.SignatureContext()
        context.key = _key(signed.certificate)
        for transform in self._transforms:
            context.enable_reference_transform(transform)
            context.enable_signature_transform(transform)
        return context


def _verify(context: Any, signed: Signed) -> None:
    context.register_id(signed.properties, "Id")
    try:
        context.verify(signed.element)
    except xmlsec.Error as fault:
        raise BrokenSignature(str(fault)) from fault


@lru_cache(maxsize=2048)
def _key(certificate: Certificate) -> Any:
    """Return the bare key: one made of the certificate costs 90 µs more at every context."""
    key = serialization.load_der_public_key(certificate.public_key.der)
    pem = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem)


def _require_references(
    signature: Element, target: str, properties: Element, transforms: tuple[str, ...]
) -> None:
    """The two references point where they must, by the transforms they must."""
    found = signature.findall(_REFERENCE)
    wanted = [(f"#{target}", transforms), (f"#{properties.get('Id')}", (C14N,))]
    if [
        (one.get("URI"), tuple(step.get("Algorithm") for step in one.findall(_TRANSFORM)))
        for one in found
    ] != wanted:
        raise BrokenSignature("another reference")
