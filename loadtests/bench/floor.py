"""The floor: what the same bytes cost when only the work itself is done, each step alone.

Per record: base64, gunzip, XML parse, schema, canonical form (the data once, SignedInfo and
properties of three signatures, the package once), their SHA-256, 3 + 1/30 public-key operations,
compression, one row by COPY with a synchronous commit. Nothing is looked up, decided or written
down; keys are read, elements found and signatures decoded before the clock starts.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
import zlib
from collections.abc import Callable, Iterable
from typing import Any, Final

import zstandard
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from lxml import etree

from loadtests.bench.peers import DATA, DS
from loadtests.bench.sample import Package, Sample
from sandbox.documents import Switches
from sandbox.documents.tree import Element
from sandbox.documents.xsd import compiled_schema
from sandbox.ministry.packing import LEVEL

PARTS: Final = (
    "base64",
    "gunzip",
    "parse",
    "schema",
    "c14n_data",
    "c14n_signatures",
    "c14n_package",
    "sha256",
    "public_key",
    "zstd",
    "copy",
)
CHECK_PARTS: Final = PARTS[:-2]
"""Without what storing costs: the floor of the check in process."""

_GZIP: Final = 31
_PREFIX: Final = 4
_HASH: Final = Prehashed(hashes.SHA256())
_ECDSA: Final = ec.ECDSA(_HASH)
_PKCS1: Final = padding.PKCS1v15()

Verify = Callable[[], object]


class Floor:
    """Measures each part over whole packages."""

    def __init__(self, sample: Sample) -> None:
        self._parser = etree.XMLParser(resolve_entities=False, no_network=True)
        self._schema = compiled_schema(Switches())
        self._compress = zstandard.ZstdCompressor(level=LEVEL).compress
        self.kind = sample.kind

    def seconds(self, packages: tuple[Package, ...]) -> dict[str, float]:
        """Return the CPU seconds of each part but the row's, over *packages*.

        Raises `AssertionError` when a digest or a signature does not hold: then it is no floor.
        """
        spent = {}
        contents = [package.content for package in packages]
        spent["base64"], raw = _timed(binascii.a2b_base64, contents)
        inflate = lambda data: zlib.decompress(data, _GZIP)  # noqa: E731
        spent["gunzip"], documents = _timed(inflate, [data[_PREFIX:] for data in raw])
        assert documents == [package.xml for package in packages]
        began = time.process_time()
        for document in documents:
            etree.fromstring(document, self._parser)  # freed at once
        spent["parse"] = time.process_time() - began
        roots = [etree.fromstring(document, self._parser) for document in documents]
        records = [record for root in roots for record in root.findall("HOC_BA")]
        spent["schema"], valid = _timed(self._schema.validate, records)
        assert all(valid)
        spent |= self._signatures(roots, records)
        spent["zstd"], _ = _timed(self._compress, documents)
        return spent

    def _signatures(self, roots: list[Element], records: list[Element]) -> dict[str, float]:
        data = [_child(record, DATA) for record in records]
        signatures = [found for record in records for found in record.iter(f"{DS}Signature")]
        infos = [_child(signature, f"{DS}SignedInfo") for signature in signatures]
        properties = [
            _child(signature, f"{DS}Object/{DS}SignatureProperties") for signature in signatures
        ]
        spent = {}
        spent["c14n_data"], data_bytes = _timed(_exclusive, data)
        spent["c14n_signatures"], inside = _timed(_exclusive, [*infos, *properties])
        spent["c14n_package"], whole = _timed(_inclusive, roots)
        spent["sha256"], digests = _timed(_digest, [*data_bytes, *inside, *whole])
        own = [_child(root, f"{DS}Signature") for root in roots]
        own_infos = [_digest(_exclusive(_child(one, f"{DS}SignedInfo"))) for one in own]
        first, count = len(data), len(infos)
        _require_digests(signatures, digests[first + count : first + 2 * count])
        operations = [
            _operation(signature, digest)
            for signature, digest in zip(
                [*signatures, *own], [*digests[first : first + count], *own_infos], strict=True
            )
        ]
        spent["public_key"], _ = _timed(_call, operations)  # each raises when it does not hold
        return spent


class FloorRows:
    """One row per record by COPY, thirty to a transaction, on a PostgreSQL that waits for it."""

    _TABLE: Final = """
        CREATE TABLE {table} (
            uuid text PRIMARY KEY, number bigint NOT NULL, school_code text NOT NULL,
            department_code text NOT NULL, school_year text NOT NULL, pupil_id text NOT NULL,
            pupil_code text NOT NULL, pupil_name text NOT NULL, birth_date text NOT NULL,
            state text NOT NULL, part bytea NOT NULL, sha256 text NOT NULL,
            messageid text NOT NULL, accepted_at text NOT NULL)
    """
    _TYPES: Final = (
        "text", "int8", *["text"] * 8, "bytea", *["text"] * 3,
    )  # fmt: skip

    def __init__(self, connection: Any, server: Callable[[], float], *, table: str) -> None:
        """*connection* is psycopg's; *server* returns the CPU seconds its server has used."""
        self._connection, self._server = connection, server
        self._copy = f"COPY {table} FROM STDIN (FORMAT BINARY)"
        connection.autocommit = True
        connection.execute(self._TABLE.format(table=table))
        self._number = 0

    def seconds(self, packages: tuple[Package, ...]) -> dict[str, float]:
        """Return the CPU seconds of both sides; rows are made before the clock starts."""
        compress = zstandard.ZstdCompressor(level=LEVEL).compress
        batches = [self._rows(package, compress(package.xml)) for package in packages]
        server, began = self._server(), time.process_time()
        for rows in batches:
            with (
                self._connection.transaction(),
                self._connection.cursor() as cursor,
                cursor.copy(self._copy) as copy,
            ):
                copy.set_types(self._TYPES)
                for row in rows:
                    copy.write_row(row)
        return {"copy": time.process_time() - began + self._server() - server}

    def _rows(self, package: Package, frame: bytes) -> list[tuple[Any, ...]]:
        """Return a row for each record, with its share of the package's frame."""
        share = len(frame) // package.records + 1
        rows: list[tuple[Any, ...]] = []
        for place in range(package.records):
            self._number += 1
            key = hashlib.sha256(f"{package.messageid} {self._number}".encode()).hexdigest()
            rows.append(
                (
                    f"{key[:8]}-{key[8:12]}-4{key[13:16]}-8{key[17:20]}-{key[20:32]}",
                    self._number,
                    package.school,
                    package.school[:2],
                    "2024-2025",
                    key[32:44],
                    key[44:54],
                    "Nguyễn Thị Giả Lập",
                    "2014-03-09",
                    "CIRCULATING",
                    frame[place * share : (place + 1) * share],
                    key,
                    package.messageid,
                    "2025-05-28T08:00:00+07:00",
                )
            )
        return rows


def _timed(work: Callable[[Any], Any], things: Iterable[Any]) -> tuple[float, list[Any]]:
    """Return the CPU seconds of *work* over *things*, and what it gave."""
    listed = list(things)
    began = time.process_time()
    found = [work(thing) for thing in listed]
    return time.process_time() - began, found


def _exclusive(element: Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def _inclusive(root: Element) -> bytes:
    return etree.tostring(root, method="c14n", exclusive=False, with_comments=False)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _call(operation: Verify) -> object:
    return operation()


def _child(element: Element, path: str) -> Element:
    found = element.find(path)
    assert found is not None, path
    return found


def _require_digests(signatures: list[Element], properties: list[bytes]) -> None:
    """The second reference of each signature says what was computed."""
    for signature, digest in zip(signatures, properties, strict=True):
        said = signature.findall(f"{DS}SignedInfo/{DS}Reference/{DS}DigestValue")[1].text or ""
        assert base64.b64decode(said) == digest


def _operation(signature: Element, digest: bytes) -> Verify:
    """Return the bare public-key operation of one signature."""
    text = _child(signature, f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate").text or ""
    key = x509.load_der_x509_certificate(base64.b64decode(text)).public_key()
    value = base64.b64decode(_child(signature, f"{DS}SignatureValue").text or "")
    if isinstance(key, rsa.RSAPublicKey):
        return lambda: key.verify(value, digest, _PKCS1, _HASH)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    half = len(value) // 2
    der = encode_dss_signature(
        int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big")
    )
    return lambda: key.verify(der, digest, _ECDSA)
