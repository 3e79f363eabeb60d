"""Debian's xmlsec1: a signer and verifier that is not ours."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sandbox.clock import VIETNAM
from sandbox.domain.report_card import Slot
from tests.builders.signing import (
    LEADER_SUBJECT,
    SCHOOL_SUBJECT,
    TEACHER_SUBJECT,
    Holder,
    holder,
    rsa_key,
)
from tests.vectors.xmldsig.make_template import TEMPLATE

DS = "http://www.w3.org/2000/09/xmldsig#"
UUID = "90000000-0000-4000-8000-000000000001"
IDS = {
    Slot.GVCN: f"sig-gvcn-{UUID}",
    Slot.CBQL: f"sig-cbql-{UUID}",
    Slot.KY_PHAT_HANH: f"sig-kyphathanh-{UUID}",
}
ID_OPTIONS = [
    option
    for name in (
        ("id", "DU_LIEU_HOC_BA"),
        ("id", "DANH_SACH_HOC_BA"),
        ("id", "DANG_KY_CHUNG_THU_SO"),
        ("Id", f"{DS}:SignatureProperties"),
        ("Id", f"{DS}:Signature"),
    )
    for option in (f"--id-attr:{name[0]}", name[1])
]
KINDS = {"p256": None, "rsa": rsa_key(), "pss": rsa_key().with_pss()}


def everybody_with(kind: str) -> dict[Slot, Holder]:
    """Return the three usual signers with keys of one kind."""
    key = KINDS[kind]
    subjects = (TEACHER_SUBJECT, LEADER_SUBJECT, SCHOOL_SUBJECT)
    return {
        slot: holder(subject, key=key, not_after=datetime(2033, 1, 1, tzinfo=VIETNAM))
        for slot, subject in zip(Slot, subjects, strict=True)
    }


def xmlsec1(folder: Path, *arguments: str, xml: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run Debian's xmlsec1 on *xml*."""
    (folder / "in.xml").write_bytes(xml)
    return subprocess.run(
        ["xmlsec1", *arguments, "in.xml"], cwd=folder, capture_output=True, check=False
    )


def signed_by_xmlsec1(folder: Path, signers: Mapping[Slot, Holder], *, kind: str) -> bytes:
    """Return the committed template with all three signatures made by `xmlsec1 --sign`."""
    xml = TEMPLATE.read_bytes()
    if kind == "rsa":
        xml = xml.replace(b"xmldsig-more#ecdsa-sha256", b"xmldsig-more#rsa-sha256")
    for slot, name in IDS.items():
        (folder / "key.pem").write_text(signers[slot].key.pem())
        (folder / "certificate.pem").write_text(signers[slot].certificate.pem)
        done = xmlsec1(
            folder,
            *("--sign", "--privkey-pem", "key.pem,certificate.pem", "--output", "out.xml"),
            *(*ID_OPTIONS, "--node-id", name),
            xml=xml,
        )
        assert done.returncode == 0, done.stderr
        xml = (folder / "out.xml").read_bytes()
    return xml
