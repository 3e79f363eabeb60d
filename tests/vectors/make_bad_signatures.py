"""Makes `bad_signatures/`: `python -m tests.vectors.make_bad_signatures`.

Each file is a package whose one record, or which itself, is badly signed, each in another way, and
nearly all by tools that are not ours. ECDSA and PSS values by openssl and xmlsec1 are random, so
the files differ from run to run; what is wrong with them does not.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.dom import minidom

from lxml import etree
from signxml import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureConstructionMethod,
    SignatureMethod,
    XMLSigner,
)

from sandbox.documents import build_package, render_record
from sandbox.pki import PersonSubject, derive_rsa
from sandbox.pki import UnitSubject as Unit
from tests.builders.ministry import SEED, authority, department, key_of, packed, unit_certificate
from tests.vectors.foreign_tools import (
    C14N,
    DS,
    GOOD,
    MORE,
    Person,
    Plan,
    Slot,
    b64,
    block,
    openssl_bare_hash,
    openssl_der,
    openssl_pss,
    openssl_raw,
    signature,
    signed_record,
    template,
    xmlsec1,
)

FOLDER: Final = Path(__file__).parent / "bad_signatures"
TIMES: Final = {
    "GVCN": "2025-05-28T08:00:00+07:00",
    "CBQL": "2025-05-28T08:01:00+07:00",
    "KY_PHAT_HANH": "2025-05-28T08:02:00+07:00",
}
BOM: Final = b"\xef\xbb\xbf"
XSI: Final = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
SCHOOL: Final = department().schools[0]
CARD: Final = SCHOOL.classes[0].cards[0]
RECORD: Final = render_record(CARD)
DATA: Final = RECORD[RECORD.index(b"<DU_LIEU") : RECORD.index(b"</HOC_BA>")]


def person(personal_id: str, name: str, *, rsa: bool = False, issuer: str = "GIA_LAP_CA") -> Person:
    """Return somebody of the practice school with key and certificate as PEM."""
    key = derive_rsa(SEED, "bad-signatures") if rsa else key_of(personal_id)
    label = f"{personal_id} {rsa}"
    subject = PersonSubject(name, personal_id)
    made = authority().issue(subject, key.public_key, issuer=issuer, serial_label=label)
    return Person(key.pem(), made.pem, made.subject_rfc4514, made.uid)


def unit() -> Person:
    """Return the school with its approved seal."""
    made = unit_certificate(SCHOOL.code, SCHOOL.name)
    assert made.uid == Unit(SCHOOL.name, SCHOOL.code).uid
    key = key_of(f"unit {SCHOOL.code}")
    return Person(key.pem(), made.pem, made.subject_rfc4514, made.uid)


TEACHER: Final = person(CARD.general.teacher_id or "", CARD.general.teacher_name or "")
RSA_TEACHER: Final = person(
    CARD.general.teacher_id or "", CARD.general.teacher_name or "", rsa=True
)
LEADER: Final = person(CARD.general.leader_id, CARD.general.leader_name)
SEAL: Final = unit()
RSA: Final = dataclasses.replace(GOOD, algorithm=f"{MORE}rsa-sha256")


def slots(
    teacher: Plan = GOOD, *, by: Person = TEACHER, everybody: Plan | None = None
) -> list[Slot]:
    """Return the three places; *teacher* is how the first signs, *everybody* how all do."""
    others = everybody or GOOD
    first = everybody or teacher
    return [
        Slot("GVCN", by, TIMES["GVCN"], first),
        Slot("CBQL", LEADER, TIMES["CBQL"], others),
        Slot("KY_PHAT_HANH", SEAL, TIMES["KY_PHAT_HANH"], others),
    ]


def plan(**changed: object) -> Plan:
    """Return the good plan with one mistake."""
    return dataclasses.replace(GOOD, **changed)  # type: ignore[arg-type]


def good() -> bytes:
    """Return a record well signed by hand and openssl."""
    return signed_record(RECORD, slots())


def sha(data: bytes) -> str:
    """Return the DigestValue of *data*."""
    return b64(hashlib.sha256(data).digest())


@dataclass(frozen=True)
class Bad:
    """One badly signed file."""

    name: str
    cause: str
    """Key of the cause the doctor must name first."""
    code: str
    """What the ministry answers."""
    tool: str
    make: Callable[[], bytes]
    sealed: bool = True
    """Whether *make* returns a record still to be packed."""


def reindented_by_lxml() -> bytes:
    root = etree.fromstring(good())
    etree.indent(root, "  ")
    return etree.tostring(root, encoding="unicode").encode()


def reindented_by_minidom() -> bytes:
    text = minidom.parseString(good()).toprettyxml(indent="\t", newl="\n")
    return text.partition("?>\n")[2].rstrip().encode()


def indent_removed() -> bytes:
    root = etree.fromstring(RECORD)
    etree.indent(root, "  ")
    xml = etree.tostring(root, encoding="unicode").encode()
    signed = xmlsec1(template(xml, slots(), lambda text: text), slots())
    return re.sub(rb">\s+<", b"><", signed)


def crlf_hashed() -> bytes:
    windows = DATA.replace(b"><", b">\r\n<")
    record = RECORD.replace(DATA, windows.replace(b"\r\n", b"\n"))
    return signed_record(record, slots(), covered=windows)


def bom_hashed() -> bytes:
    return signed_record(RECORD, slots(everybody=plan(digest=lambda d: sha(BOM + d))))


def attribute_order() -> bytes:
    def uri_first(info: str) -> str:
        return re.sub(r'(Type="[^"]*") (URI="[^"]*")', r"\2 \1", info)

    own = plan(info=uri_first, signed=lambda info: uri_first(info).encode())
    return signed_record(RECORD, slots(own))


def by_xmlsec1(old: str, new: str) -> bytes:
    changed = template(RECORD, slots(), lambda text: text.replace(old, new))
    return xmlsec1(changed, slots())


def exclusive_c14n() -> bytes:
    return by_xmlsec1(C14N, EXCLUSIVE)


def c14n_11() -> bytes:
    return by_xmlsec1(C14N, "http://www.w3.org/2006/12/xml-c14n11")


def c14n_with_comments() -> bytes:
    return by_xmlsec1(
        f'<Transform Algorithm="{C14N}"', f'<Transform Algorithm="{C14N}#WithComments"'
    )


def stock_signxml() -> bytes:
    signer = XMLSigner(
        method=SignatureConstructionMethod.detached,
        signature_algorithm=SignatureMethod.ECDSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_0,
    )
    return _by_signxml(signer, None)


def prefixed_signxml() -> bytes:
    signer = XMLSigner(
        method=SignatureConstructionMethod.detached,
        signature_algorithm=SignatureMethod.ECDSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_0,
    )
    return _by_signxml(signer, "ds")


def _by_signxml(signer: XMLSigner, prefix: str | None) -> bytes:
    signer.namespaces = {prefix: DS}
    texts = []
    for slot in slots():
        made = signer.sign(
            etree.fromstring(RECORD),
            key=slot.person.key,
            cert=slot.person.certificate,
            reference_uri=f"data-{CARD.record_id}",
        )
        texts.append(block(slot, etree.tostring(made).decode()))
    holder = f"<DANH_SACH_THONG_TIN_KY>{''.join(texts)}</DANH_SACH_THONG_TIN_KY></HOC_BA>"
    return RECORD.replace(b"</HOC_BA>", holder.encode())


def signed_below_a_namespace() -> bytes:
    root = etree.fromstring(RECORD.replace(b"<HOC_BA", b"<HOC_BA" + XSI.encode(), 1))
    data = etree.fromstring(etree.tostring(root[0]))
    return signed_record(RECORD, slots(), covered=etree.tostring(data, method="c14n"))


def namespace_put_in() -> bytes:
    return good().replace(b"<HOC_BA", b"<HOC_BA" + XSI.encode(), 1)


def rows_moved() -> bytes:
    rows = re.findall(rb"<MON_HOC>.*?</MON_HOC>", good(), re.DOTALL)
    return good().replace(rows[0] + rows[1], rows[1] + rows[0], 1)


def wrong_id_attribute() -> bytes:
    record = RECORD.replace(b"<DU_LIEU_HOC_BA id=", b"<DU_LIEU_HOC_BA ma=")
    return xmlsec1(template(record, slots(), lambda text: text), slots(), data_id="ma")


def letters_taken_apart() -> bytes:
    return unicodedata.normalize("NFD", good().decode()).encode()


def letters_put_together() -> bytes:
    apart = unicodedata.normalize("NFD", DATA.decode()).encode()
    return signed_record(RECORD, slots(), covered=apart)


def signing_time_edited() -> bytes:
    return good().replace(b"2025-05-28T08:00:00+07:00", b"2025-05-28T07:43:11+07:00")


def wrong_certificate() -> bytes:
    own = plan(sign=lambda _person, data: openssl_raw(LEADER, data))
    return signed_record(RECORD, slots(own))


def der_value() -> bytes:
    return signed_record(RECORD, slots(plan(sign=openssl_der)))


def rsa(**changed: object) -> bytes:
    return signed_record(RECORD, slots(dataclasses.replace(RSA, **changed), by=RSA_TEACHER))  # type: ignore[arg-type]


def pss_value() -> bytes:
    return rsa(sign=openssl_pss)


def reversed_value() -> bytes:
    return rsa(sign=lambda by, data: openssl_der(by, data)[::-1])


def bare_hash() -> bytes:
    return rsa(sign=openssl_bare_hash)


def hashed_twice() -> bytes:
    return rsa(sign=lambda by, data: openssl_der(by, hashlib.sha256(data).digest()))


def sha1_by_xmlsec1() -> bytes:
    old = dataclasses.replace(GOOD, algorithm=f"{DS}rsa-sha1")
    places = slots(old, by=RSA_TEACHER)
    return xmlsec1(template(RECORD, places, lambda text: text), places)


def hmac_by_xmlsec1() -> bytes:
    old = dataclasses.replace(GOOD, algorithm=f"{MORE}hmac-sha256")
    places = slots(old)
    filled = xmlsec1(template(RECORD, places, lambda text: text), places)
    text = f"<X509Certificate>{TEACHER.certificate_text}</X509Certificate>"
    return re.sub(
        rb"<X509Certificate>\s*</X509Certificate>|<X509Certificate/>", text.encode(), filled
    )


def signed_twice() -> bytes:
    place = slots()[0]
    again = signature(place, CARD.record_id, DATA)
    return good().replace(b"</Signature></GVCN>", b"</Signature>" + again.encode() + b"</GVCN>")


def comment_edited() -> bytes:
    comment = re.search(rb"<NHAN_XET_GVCN>([^<]*)<", good())
    assert comment is not None
    return good().replace(comment[1], comment[1] + " Em rất giỏi.".encode(), 1)


def score_edited() -> bytes:
    score = re.search(rb"<DIEM_CUOI_NAM>([^<]*)<|<DIEM_KTCK2>([^<]*)<", good())
    if score is None:
        score = re.search(rb"<CAN_NANG>([^<]*)<", good())
    assert score is not None
    now = b"10" if b"CAN_NANG" not in score[0] else b"30.5"
    tag = score[0].partition(b">")[0]
    return good().replace(score[0], tag + b">" + now + b"<", 1)


def hex_digest() -> bytes:
    own = plan(digest=lambda d: b64(hashlib.sha256(d).hexdigest().encode()))
    return signed_record(RECORD, slots(own))


def whole_record_hashed() -> bytes:
    return signed_record(RECORD, slots(everybody=plan(digest=lambda _d: sha(RECORD))))


def unsigned_form() -> bytes:
    def empty(info: str) -> bytes:
        return re.sub("<DigestValue>[^<]*<", "<DigestValue><", info).encode()

    return signed_record(RECORD, slots(plan(signed=empty)))


def stray_xmlns() -> bytes:
    """What lxml gives for the inclusive form of an element where it stands."""

    def in_place(info: str) -> bytes:
        inner = info.replace(f' xmlns="{DS}"', "", 1)
        root = etree.fromstring(f'<Signature xmlns="{DS}">{inner}</Signature>')
        return etree.tostring(root[0], method="c14n")

    return signed_record(RECORD, slots(everybody=plan(signed=in_place)))


def digest_replaced() -> bytes:
    forged = good()
    comment = re.search(rb"<NHAN_XET_GVCN>([^<]*)<", forged)
    assert comment is not None
    forged = forged.replace(comment[1], comment[1] + " Em rất giỏi.".encode(), 1)
    data = forged[forged.index(b"<DU_LIEU") : forged.index(b"<DANH_SACH_THONG_TIN_KY>")]
    return forged.replace(sha(DATA).encode(), sha(data).encode(), 1)


def utf_16_hashed() -> bytes:
    own = plan(digest=lambda d: sha(d.decode().encode("utf-16-le")))
    return signed_record(RECORD, slots(everybody=own))


def properties_without_namespace() -> bytes:
    own = plan(properties=lambda text: text.replace(f' xmlns="{DS}"', "", 1).encode())
    return signed_record(RECORD, slots(own))


def signature_of_the_neighbour() -> bytes:
    other = render_record(SCHOOL.classes[0].cards[1])
    foreign = signed_record(other, slots())
    start = foreign.index(b"<DANH_SACH_THONG_TIN_KY>")
    return RECORD.replace(b"</HOC_BA>", foreign[start:])


def package_reindented() -> bytes:
    root = etree.fromstring(packed([good()], unit_code=SCHOOL.code, unit_name=SCHOOL.name))
    record = root[0]
    root.text = "\n  "
    record.tail = "\n  "
    root[1].tail = "\n"
    return etree.tostring(root, encoding="unicode").encode()


def package_not_signed() -> bytes:
    return build_package([good()])


ALL: Final = (
    Bad("reindented_by_lxml", "reindented", "SBX-3003", "lxml", reindented_by_lxml),
    Bad("reindented_by_minidom", "reindented", "SBX-3003", "minidom", reindented_by_minidom),
    Bad("indent_removed", "indent_removed", "SBX-3002", "xmlsec1, re", indent_removed),
    Bad("crlf_hashed", "crlf", "SBX-3002", "hashlib, openssl", crlf_hashed),
    Bad("bom_hashed", "bom", "SBX-3002", "hashlib, openssl", bom_hashed),
    Bad("attribute_order", "attribute_order", "SBX-3003", "openssl", attribute_order),
    Bad("exclusive_c14n", "canonicalisation", "SBX-3006", "xmlsec1", exclusive_c14n),
    Bad("c14n_11", "canonicalisation", "SBX-3006", "xmlsec1", c14n_11),
    Bad("c14n_with_comments", "canonicalisation", "SBX-3017", "xmlsec1", c14n_with_comments),
    Bad("stock_signxml", "components", "SBX-3021", "signxml", stock_signxml),
    Bad("prefixed_signxml", "namespace_prefix", "SBX-2002", "signxml", prefixed_signxml),
    Bad("signed_below_a_namespace", "inherited_namespace", "SBX-3002", "lxml, openssl",
        signed_below_a_namespace),
    Bad("namespace_put_in", "inherited_namespace", "SBX-2002", "openssl", namespace_put_in),
    Bad("rows_moved", "moved_node", "SBX-3002", "openssl, re", rows_moved),
    Bad("wrong_id_attribute", "id_attribute", "SBX-2002", "xmlsec1", wrong_id_attribute),
    Bad("letters_taken_apart", "unicode_form", "SBX-2007", "openssl", letters_taken_apart),
    Bad("letters_put_together", "unicode_form", "SBX-3002", "openssl", letters_put_together),
    Bad("signing_time_edited", "signing_time_edited", "SBX-3002", "openssl", signing_time_edited),
    Bad("wrong_certificate", "wrong_certificate", "SBX-3003", "openssl", wrong_certificate),
    Bad("der_value", "der_value", "SBX-3003", "openssl", der_value),
    Bad("pss_value", "pss_under_pkcs1", "SBX-3003", "openssl", pss_value),
    Bad("reversed_value", "reversed_value", "SBX-3003", "openssl", reversed_value),
    Bad("bare_hash", "no_digest_info", "SBX-3003", "openssl", bare_hash),
    Bad("hashed_twice", "hashed_twice", "SBX-3003", "hashlib, openssl", hashed_twice),
    Bad("sha1_by_xmlsec1", "sha1", "SBX-3006", "xmlsec1", sha1_by_xmlsec1),
    Bad("hmac_by_xmlsec1", "hmac", "SBX-3006", "xmlsec1", hmac_by_xmlsec1),
    Bad("signed_twice", "double_signature", "SBX-3013", "openssl", signed_twice),
    Bad("comment_edited", "edited", "SBX-3002", "openssl", comment_edited),
    Bad("score_edited", "field_edited", "SBX-3002", "openssl", score_edited),
    Bad("hex_digest", "hex_digest", "SBX-3002", "hashlib, openssl", hex_digest),
    Bad("whole_record_hashed", "wrong_element", "SBX-3002", "hashlib, openssl",
        whole_record_hashed),
    Bad("unsigned_form", "unsigned_form", "SBX-3003", "openssl", unsigned_form),
    Bad("stray_xmlns", "stray_xmlns", "SBX-3003", "lxml, openssl", stray_xmlns),
    Bad("digest_replaced", "digest_replaced", "SBX-3003", "hashlib, openssl", digest_replaced),
    Bad("utf_16_hashed", "encoding", "SBX-3002", "hashlib, openssl", utf_16_hashed),
    Bad("properties_without_namespace", "inherited_namespace", "SBX-3002", "hashlib, openssl",
        properties_without_namespace),
    Bad("signature_of_the_neighbour", "id_missing", "SBX-3004", "openssl",
        signature_of_the_neighbour),
    Bad("package_reindented", "reindented", "SBX-1110", "lxml", package_reindented, sealed=False),
    Bad("package_not_signed", "code", "SBX-1110", "–", package_not_signed, sealed=False),
)  # fmt: skip


def package_of(bad: Bad) -> bytes:
    """Return the package as it would be sent."""
    made = bad.make()
    if not bad.sealed:
        return made
    return packed([made], unit_code=SCHOOL.code, unit_name=SCHOOL.name)


def write(folder: Path = FOLDER) -> None:
    """Write every file and the index."""
    folder.mkdir(exist_ok=True)
    index = {}
    for bad in ALL:
        (folder / f"{bad.name}.xml").write_bytes(package_of(bad))
        index[bad.name] = {"cause": bad.cause, "code": bad.code, "tool": bad.tool}
    text = json.dumps(index, ensure_ascii=False, indent=1) + "\n"
    (folder / "index.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
