"""The three signatures of a record, as signxml sees them (record-format §5)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidCertificate, InvalidDigest, InvalidSignature, SignXMLException
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from sandbox.witness.chain import Chain
from sandbox.witness.opinion import CANNOT_TELL, Doubt, Opinion, Reason, Standing

DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
CERTIFICATE: Final = f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate"
DATA: Final = "DU_LIEU_HOC_BA"
BLOCKS: Final = "DANH_SACH_THONG_TIN_KY"
SLOTS: Final = ("GVCN", "CBQL", "KY_PHAT_HANH")
TEACHER: Final = "THONG_TIN_CHUNG/TEN_GIAO_VIEN_CHU_NHIEM"
UUID: Final = "MA_TRA_CUU_UUID"
METHODS: Final = frozenset(
    {
        SignatureMethod.RSA_SHA256,
        SignatureMethod.ECDSA_SHA256,
        SignatureMethod.SHA256_RSA_MGF1,
    }
)
EMPTY_XMLNS: Final = b' xmlns=""'


class _Verifier(XMLVerifier):
    """signxml, with its switch against the xmlns="" that lxml writes into SignedInfo."""

    excise_empty_xmlns_declarations = True


class Witness:
    """A second pair of eyes. Safe to use from several threads."""

    def __init__(self, *, roots: Iterable[bytes], issuers: Iterable[bytes]) -> None:
        self._chain = Chain(roots=roots, issuers=issuers)

    def look(self, xml: bytes) -> Opinion:
        """Say whether every signature of the record *xml* holds. Never raises for what it reads.

        Looked at: each due signature's value, both its references and that they cover the data
        and the signing time; the certificate's path to the root, its validity at SigningTime and
        its key usage. Not looked at: persons, approvals, revocation, order, the clock.
        """
        signers: list[str] = []
        try:
            uuid = self._require(xml, signers)
        except Doubt as doubt:
            unknown = doubt.reason in CANNOT_TELL
            return Opinion(
                standing=Standing.UNKNOWN if unknown else Standing.INVALID,
                reason=doubt.reason,
                slot=doubt.slot,
                detail=doubt.detail,
                signers=tuple(signers),
            )
        return Opinion(standing=Standing.VALID, uuid=uuid, signers=tuple(signers))

    def signers(self, xml: bytes) -> tuple[str, ...]:
        """Return SHA-256, hex, of each certificate in the signing slots that can be read."""
        found = []
        try:
            for text in _parsed(xml).iterfind(f"{BLOCKS}/*/{DS}Signature/{CERTIFICATE}"):
                der = _bytes(text.text or "", Reason.CERTIFICATE)
                found.append(hashlib.sha256(der).hexdigest())
        except Doubt:
            return ()
        return tuple(found)

    def _require(self, xml: bytes, signers: list[str]) -> str:
        root = _parsed(xml)
        data = root.findall(DATA)
        if root.tag != "HOC_BA" or len(data) != 1:
            raise Doubt(Reason.STRUCTURE, detail=f"{root.tag}: {len(data)} {DATA}")
        due = [slot for slot in SLOTS if slot != "GVCN" or data[0].find(TEACHER) is not None]
        present = {slot: root.findall(f"{BLOCKS}/{slot}/{DS}Signature") for slot in SLOTS}
        for slot, found in present.items():
            if bool(found) != (slot in due):
                raise Doubt(Reason.MISSING, slot=slot, detail=f"{len(found)} Signature")
        if EMPTY_XMLNS in xml:
            raise Doubt(Reason.EMPTY_XMLNS, detail=EMPTY_XMLNS.decode().strip())
        covered = _canonical(data[0])
        for slot in due:
            try:
                self._require_slot(xml, slot, present[slot], covered, signers)
            except Doubt as doubt:
                doubt.slot = slot
                raise
        return (data[0].findtext(f".//{UUID}") or "").strip()

    def _require_slot(
        self,
        xml: bytes,
        slot: str,
        signatures: list[etree._Element],
        covered: bytes,
        signers: list[str],
    ) -> None:
        if len(signatures) != 1:
            raise Doubt(Reason.STRUCTURE, detail=f"{len(signatures)} Signature")
        certificate = _certificate(signatures[0])
        signers.append(hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest())
        at = _signing_time(signatures[0])
        self._chain.require(certificate, at=at)
        _require_base64(signatures[0])
        results = _verify(xml, slot, certificate, at=at)
        if len(results) != 2 or results[0].signed_data != covered:
            raise Doubt(Reason.TARGET, detail=f"{DATA}: {len(results)} Reference")
        properties = results[1].signed_xml
        said = "" if properties is None else properties.findtext(f".//{DS}SigningTime") or ""
        if _moment(said) != at:
            raise Doubt(Reason.TARGET, detail="SigningTime")


def _parsed(xml: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        raise Doubt(Reason.UNREADABLE, detail=error) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Doubt(Reason.UNREADABLE, detail="DOCTYPE")
    return root


def _canonical(element: etree._Element) -> bytes:
    """Return inclusive C14N of *element* as a document of its own (record-format §5.3)."""
    alone = etree.fromstring(etree.tostring(element, with_tail=False))
    return etree.tostring(alone, method="c14n")


def _only(signature: etree._Element, path: str, reason: Reason) -> str:
    found = signature.findall(path)
    if len(found) != 1:
        raise Doubt(reason, detail=f"{len(found)} {path.replace(DS, '')}")
    return found[0].text or ""


def _certificate(signature: etree._Element) -> x509.Certificate:
    text = _only(signature, CERTIFICATE, Reason.CERTIFICATE)
    try:
        return x509.load_der_x509_certificate(_bytes(text, Reason.CERTIFICATE))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Doubt(Reason.CERTIFICATE, detail=error) from error


def _signing_time(signature: etree._Element) -> datetime:
    text = _only(signature, f"{DS}Object//{DS}SigningTime", Reason.TIME)
    at = _moment(text)
    if at is None:
        raise Doubt(Reason.TIME, detail=text[:40])
    return at


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return None if at.tzinfo is None else at.astimezone(UTC)


def _require_base64(signature: etree._Element) -> None:
    """Require base64 where the library would step over what is none."""
    _bytes(_only(signature, f"{DS}SignatureValue", Reason.STRUCTURE), Reason.VALUE)
    for digest in signature.iterfind(f"{DS}SignedInfo/{DS}Reference/{DS}DigestValue"):
        _bytes(digest.text or "", Reason.DIGEST)


def _bytes(text: str, reason: Reason) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Doubt(reason, detail=error) from error


def _verify(
    xml: bytes, slot: str, certificate: x509.Certificate, *, at: datetime
) -> list[VerifyResult]:
    """Ask signxml.

    The W3C schema is left out: it knows no SigningTime, which the ministry's specification wants.
    """
    config = SignatureConfiguration(
        location=f"./{BLOCKS}/{slot}/",
        expect_references=2,
        signature_methods=METHODS,
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
        verification_time=at,
    )
    try:
        results = _Verifier().verify(
            xml, x509_cert=certificate, expect_config=config, validate_schema=False
        )
    except InvalidDigest as error:
        raise Doubt(Reason.DIGEST, detail=error) from error
    except InvalidCertificate as error:
        raise Doubt(Reason.CERTIFICATE, detail=error) from error
    except InvalidSignature as error:
        raise Doubt(Reason.VALUE, detail=error) from error
    except SignXMLException as error:
        raise Doubt(Reason.STRUCTURE, detail=error) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Doubt(Reason.METHOD, detail=error) from error
    except Exception as error:  # whatever else a library raises says nothing of the record
        raise Doubt(Reason.STUMBLED, detail=repr(error)) from error
    return results if isinstance(results, list) else [results]
