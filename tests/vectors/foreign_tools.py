"""Signing as integrators sign: xmlsec1, openssl, signxml and plain Python, none of our own code.

Everything here takes and returns bytes; keys and certificates come as PEM.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DS = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
PREFIX = {"GVCN": "sig-gvcn", "CBQL": "sig-cbql", "KY_PHAT_HANH": "sig-kyphathanh"}
Sign = Callable[["Person", bytes], bytes]


@dataclass(frozen=True)
class Person:
    """Somebody with a key and a certificate, as files hold them."""

    key: str
    certificate: str
    subject: str
    uid: str

    @property
    def certificate_text(self) -> str:
        """The certificate in base64, one line."""
        lines = self.certificate.strip().splitlines()[1:-1]
        return "".join(lines)


def run(*command: str, files: dict[str, bytes | str], result: str = "") -> bytes:
    """Run a tool in a folder that holds *files*; return the file *result*, or what it printed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in files.items():
            raw = content.encode() if isinstance(content, str) else content
            (folder / file).write_bytes(raw)
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        assert done.returncode == 0, (command, done.stderr.decode("utf-8", "replace"))
        return (folder / result).read_bytes() if result else done.stdout


def openssl_der(person: Person, data: bytes) -> bytes:
    """Sign with `openssl dgst -sha256`: an ECDSA value comes out in DER."""
    return run(
        *("openssl", "dgst", "-sha256", "-sign", "key.pem", "data"),
        files={"key.pem": person.key, "data": data},
    )


def openssl_raw(person: Person, data: bytes) -> bytes:
    """Sign with openssl and write an ECDSA value as r and s side by side."""
    return raw_of(openssl_der(person, data))


def openssl_pss(person: Person, data: bytes) -> bytes:
    """Sign with RSASSA-PSS, salt as long as the hash."""
    options = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32")
    return run(
        *("openssl", "dgst", "-sha256", *options, "-sign", "key.pem", "data"),
        files={"key.pem": person.key, "data": data},
    )


def openssl_bare_hash(person: Person, data: bytes) -> bytes:
    """Sign the bare hash with PKCS#1 padding: no DigestInfo, as a token does that is not told."""
    return run(
        *("openssl", "pkeyutl", "-sign", "-inkey", "key.pem", "-in", "hash"),
        *("-pkeyopt", "rsa_padding_mode:pkcs1"),
        files={"key.pem": person.key, "hash": hashlib.sha256(data).digest()},
    )


def raw_of(der: bytes) -> bytes:
    """Turn a DER ECDSA value into r and s of 32 bytes each; anything else stays."""
    if der[:1] != b"\x30" or len(der) > 80:
        return der
    first = 4 + der[3]
    r, s = der[4:first], der[first + 2 :]
    return b"".join(int.from_bytes(part, "big").to_bytes(32, "big") for part in (r, s))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How one Signature is written by hand; every field can be a mistake."""

    digest: Callable[[bytes], str] = lambda data: b64(hashlib.sha256(data).digest())
    """Data bytes → DigestValue."""
    sign: Sign = openssl_raw
    algorithm: str = f"{MORE}ecdsa-sha256"
    signed: Callable[[str], bytes] = lambda info: info.encode()
    """Canonical SignedInfo → the bytes given to the signing tool."""
    info: Callable[[str], str] = lambda info: info
    """Canonical SignedInfo → SignedInfo as written (without its xmlns)."""
    certificate: Person | None = None
    """Whose certificate is enclosed, if not the signer's."""
    properties: Callable[[str], bytes] = lambda properties: properties.encode()
    """Canonical SignatureProperties → the bytes that are hashed."""


GOOD = Plan()


def b64(raw: bytes) -> str:
    """Return base64 on one line."""
    return base64.b64encode(raw).decode()


@dataclass(frozen=True)
class Slot:
    """One place for a signature in a record."""

    name: str
    person: Person
    moment: str
    plan: Plan = field(default=GOOD)


def signed_record(record: bytes, slots: Sequence[Slot], *, covered: bytes | None = None) -> bytes:
    """Return *record* with a block for each of *slots*, written by hand.

    *covered* are the canonical data bytes, by default those between the tags as they stand.
    """
    start, end = record.index(b"<DU_LIEU_HOC_BA"), record.index(b"</DU_LIEU_HOC_BA>")
    data = covered or record[start : end + len(b"</DU_LIEU_HOC_BA>")]
    uuid = record[start:].partition(b'="data-')[2][:36].decode()
    blocks = "".join(block(slot, signature(slot, uuid, data)) for slot in slots)
    holder = f"<DANH_SACH_THONG_TIN_KY>{blocks}</DANH_SACH_THONG_TIN_KY></HOC_BA>"
    return record.replace(b"</HOC_BA>", holder.encode())


def block(slot: Slot, signature_text: str) -> str:
    """Return the block of one slot."""
    number = f"<SO_CCCD>{slot.person.uid[5:]}</SO_CCCD>" if slot.name != "KY_PHAT_HANH" else ""
    return f"<{slot.name}><NGAY_KY>{slot.moment}</NGAY_KY>{number}{signature_text}</{slot.name}>"


def signature(slot: Slot, uuid: str, data: bytes) -> str:
    """Return one Signature, all text made here and the value by the plan's tool."""
    plan, name = slot.plan, f"{PREFIX[slot.name]}-{uuid}"
    inner = (
        f'<SignatureProperty Target="#{name}"><SigningTime>{slot.moment}</SigningTime>'
        "</SignatureProperty></SignatureProperties>"
    )
    opened = f'<SignatureProperties xmlns="{DS}" Id="{name}-props">'
    properties = b64(hashlib.sha256(plan.properties(opened + inner)).digest())
    info = signed_info(
        f"data-{uuid}", f"{name}-props", plan.digest(data), properties, plan.algorithm
    )
    value = plan.sign(slot.person, plan.signed(info))
    shown = plan.info(info).replace(f' xmlns="{DS}"', "", 1)
    by = plan.certificate or slot.person
    return (
        f'<Signature xmlns="{DS}" Id="{name}">{shown}<SignatureValue>{b64(value)}</SignatureValue>'
        f"<KeyInfo><X509Data><X509SubjectName>{by.subject}</X509SubjectName><X509Certificate>"
        f"{by.certificate_text}</X509Certificate></X509Data></KeyInfo><Object>"
        f'<SignatureProperties Id="{name}-props">{inner}</Object></Signature>'
    )


def signed_info(target: str, properties: str, one: str, two: str, algorithm: str) -> str:
    """Return the canonical SignedInfo."""
    steps = f'<Transforms><Transform Algorithm="{C14N}"></Transform></Transforms>'
    method = f'<DigestMethod Algorithm="{SHA256}"></DigestMethod>'
    return (
        f'<SignedInfo xmlns="{DS}"><CanonicalizationMethod Algorithm="{C14N}">'
        f'</CanonicalizationMethod><SignatureMethod Algorithm="{algorithm}"></SignatureMethod>'
        f'<Reference URI="#{target}">{steps}{method}<DigestValue>{one}</DigestValue></Reference>'
        f'<Reference Type="{DS}SignatureProperties" URI="#{properties}">{steps}{method}'
        f"<DigestValue>{two}</DigestValue></Reference></SignedInfo>"
    )


def template(record: bytes, slots: Sequence[Slot], change: Callable[[str], str]) -> bytes:
    """Return *record* with empty Signatures for xmlsec1 to fill in, changed by *change*."""
    uuid = record.partition(b'"data-')[2][:36].decode()
    blocks = ""
    for slot in slots:
        name = f"{PREFIX[slot.name]}-{uuid}"
        info = signed_info(f"data-{uuid}", f"{name}-props", "", "", slot.plan.algorithm)
        shown = info.replace(f' xmlns="{DS}"', "", 1)
        text = (
            f'<Signature xmlns="{DS}" Id="{name}">{shown}<SignatureValue></SignatureValue>'
            f"<KeyInfo><X509Data><X509SubjectName>{slot.person.subject}</X509SubjectName>"
            "<X509Certificate></X509Certificate></X509Data></KeyInfo><Object>"
            f'<SignatureProperties Id="{name}-props"><SignatureProperty Target="#{name}">'
            f"<SigningTime>{slot.moment}</SigningTime></SignatureProperty></SignatureProperties>"
            "</Object></Signature>"
        )
        blocks += block(slot, change(text))
    holder = f"<DANH_SACH_THONG_TIN_KY>{blocks}</DANH_SACH_THONG_TIN_KY></HOC_BA>"
    return record.replace(b"</HOC_BA>", holder.encode())


def xmlsec1(xml: bytes, slots: Sequence[Slot], *, data_id: str = "id") -> bytes:
    """Fill in every Signature of *xml* with `xmlsec1 --sign`."""
    uuid = xml.partition(b'"data-')[2][:36].decode()
    for slot in slots:
        secret = "hmac" in slot.plan.algorithm
        key = ("--hmackey", "secret") if secret else ("--privkey-pem", "key.pem,certificate.pem")
        xml = run(
            *("xmlsec1", "--sign", *key, "--output", "out.xml"),
            *(f"--id-attr:{data_id}", "DU_LIEU_HOC_BA"),
            *("--id-attr:Id", f"{DS}:SignatureProperties", "--id-attr:Id", f"{DS}:Signature"),
            *("--node-id", f"{PREFIX[slot.name]}-{uuid}", "in.xml"),
            files={
                "in.xml": xml,
                "key.pem": slot.person.key,
                "certificate.pem": slot.person.certificate,
                "secret": b"a-secret-both-sides-share",
            },
            result="out.xml",
        )
    return xml.partition(b"?>\n")[2].rstrip() if xml.startswith(b"<?xml") else xml
