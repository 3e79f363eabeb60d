"""`hocba pack`: signed records → package → organisation signature → envelope → request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sandbox import documents, xmldsig
from sandbox.documents import ParsedPackage
from sandbox.errors import Misuse, Refused
from sandbox.pki import Certificate, PrivateKey


@dataclass(frozen=True, slots=True)
class Packed:
    """A signed package and its envelope."""

    xml: bytes
    content: str
    records: int

    def request(self, *, unit: str, school_year: int, messageid: str) -> str:
        """Return the JSON body of service 3.6; account, password and token are the sender's."""
        fields = {
            "token": "",
            "user_name": "",
            "password": "",
            "ma_don_vi": unit,
            "nam_hoc": school_year,
            "messageid": messageid,
            "type": "1",
            "function": "NOP_HOC_BA",
        }
        return json.dumps(
            {"authenticationRequest": fields, "content": self.content}, ensure_ascii=False, indent=1
        )


def read_file(path: Path) -> bytes:
    """Return the bytes of *path*. Raises `Misuse` naming the file when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misuse(str(error.strerror or error), file=str(path)) from error


def read_records(files: Sequence[Path]) -> list[bytes]:
    """Return the `HOC_BA` elements in *files*, byte for byte, in order.

    A file may hold one record or a whole package. Raises `Misuse` naming the file for one that is
    neither, with the code the desk would answer.
    """
    found: list[bytes] = []
    for file in files:
        try:
            parsed = documents.parse_upload(read_file(file))
        except Refused as refused:
            first = refused.findings[0]
            raise Misuse(first.code, file=str(file), line=first.line) from refused
        records = parsed.records if isinstance(parsed, ParsedPackage) else (parsed,)
        found += [record.original for record in records]
    if not found:
        raise Misuse("no record given", remedy="hocba pack RECORD.xml …")
    return found


def pack(
    records: Sequence[bytes],
    *,
    key: PrivateKey,
    certificate: Certificate,
    at: datetime,
    package_id: UUID,
) -> Packed:
    """Return the package of *records* signed by *certificate*'s unit at *at* (2088 PL1 §II.2.2).

    Raises `Misuse` when key and certificate do not belong together.
    """
    if key.public_key != certificate.public_key:
        raise Misuse("key and certificate do not belong together", remedy="hocba keys UNIT")
    draft = xmldsig.prepare_package(
        documents.build_package(records), signer=certificate, at=at, package_id=str(package_id)
    )
    xml = draft.complete(key.sign(draft.signed_bytes))
    return Packed(xml, documents.envelope.pack(xml), len(records))
