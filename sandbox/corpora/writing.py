"""One school written in the form of its order: files that are whole or not there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import zstandard

from sandbox.corpora.cases import FOLDER, cases_of
from sandbox.corpora.looking import header, row_of
from sandbox.corpora.making import Maker, Pack
from sandbox.corpora.orders import Form
from sandbox.documents import envelope

ZSTD_LEVEL: Final = 3
_ENDINGS: Final = {
    Form.XML: "",
    Form.ZSTD: ".xml.zst",
    Form.REQUESTS: ".jsonl",
    Form.UNSIGNED: ".xmll",
    Form.CSV: ".csv",
    Form.PARQUET: ".csv",
}


@dataclass(frozen=True, slots=True)
class SchoolRow:
    """What the ledger says of one school of a corpus."""

    number: int
    code: str
    province: str
    packages: int
    """0 where nothing is signed."""
    records: int
    xml_bytes: int
    sha256: str
    """Over the XML bytes of its packages, or else of its records, in order."""
    faults: tuple[dict[str, Any], ...] = ()
    """The truth about dirty records, each with the messageid of its package."""
    cases: tuple[dict[str, Any], ...] = ()
    """The training cases beside its records, each with its file, length and SHA-256."""

    def as_line(self) -> str:
        """Return the row as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":")) + "\n"

    @classmethod
    def of_line(cls, line: str) -> SchoolRow:
        """Read a line of `as_line`. Raises `ValueError` for any other."""
        try:
            read = json.loads(line)
            return cls(**{**read, "faults": tuple(read["faults"]), "cases": tuple(read["cases"])})
        except (TypeError, KeyError) as fault:
            raise ValueError(f"not a row of a ledger: {line[:80]!r}") from fault


class SchoolWriter:
    """Makes and writes schools of one order."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._order = maker.order
        self._compress = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress

    def path(self, folder: Path, number: int) -> Path:
        """Return where school *number* stands below *folder*: a file, for XML a folder."""
        school = self._maker.nation.school(number)
        ending = _ENDINGS[self._order.form]
        return folder / school.department_code / f"{school.code}{ending}"

    def into_folder(self, folder: Path, number: int) -> SchoolRow:
        """Write school *number* below *folder*, whole or not at all, and return its row."""
        target = self.path(folder, number)
        target.parent.mkdir(parents=True, exist_ok=True)
        if self._order.form is Form.XML:
            with _whole_folder(target) as draft:
                row = self._xml_files(draft, number)
        else:
            with _whole_file(target) as file:
                row = self.into_stream(file, number)
        return row if self._order.form.is_table else self._with_cases(folder, number, row)

    def _with_cases(self, folder: Path, number: int, row: SchoolRow) -> SchoolRow:
        """Write the training cases of school *number* beside its records."""
        cases = tuple(cases_of(self._maker, number))
        if not cases:
            return row
        target = folder / FOLDER / row.province / row.code
        target.parent.mkdir(parents=True, exist_ok=True)
        told = []
        with _whole_folder(target) as draft:
            for case in cases:
                (draft / case.file_name).write_bytes(case.xml)
                place = f"{FOLDER}/{row.province}/{row.code}/{case.file_name}"
                digest = hashlib.sha256(case.xml).hexdigest()
                told.append(
                    {**case.told(), "file": place, "bytes": len(case.xml), "sha256": digest}
                )
        return replace(row, cases=tuple(told))

    def into_stream(self, stream: BinaryIO, number: int) -> SchoolRow:
        """Write school *number* to *stream* and return its row."""
        if self._order.form.is_signed:
            write = {
                Form.XML: lambda pack: pack.xml + b"\n",
                Form.ZSTD: lambda pack: self._compress(pack.xml),
                Form.REQUESTS: self._request,
            }[self._order.form]
            return self._signed(number, lambda pack: stream.write(write(pack)))
        return self._unsigned(number, stream)

    def _xml_files(self, folder: Path, number: int) -> SchoolRow:
        names = iter(range(1, 1_000))
        return self._signed(
            number, lambda pack: (folder / f"{next(names):03}.xml").write_bytes(pack.xml)
        )

    def _signed(self, number: int, write: Callable[[Pack], object]) -> SchoolRow:
        packages = records = size = 0
        digest = hashlib.sha256()
        faults: list[dict[str, Any]] = []
        for pack in self._maker.packs(number):
            write(pack)
            digest.update(pack.xml)
            packages += 1
            records += pack.records
            size += len(pack.xml)
            faults += [
                {"messageid": pack.messageid, "package": packages, **asdict(fault)}
                for fault in pack.faults
            ]
        return self._row(number, packages, records, size, digest.hexdigest(), tuple(faults))

    def _unsigned(self, number: int, stream: BinaryIO) -> SchoolRow:
        records = size = 0
        digest = hashlib.sha256()
        as_table = self._order.form.is_table
        for record in self._maker.unsigned(number):
            stream.write(row_of(record) if as_table else record + b"\n")
            digest.update(record)
            records += 1
            size += len(record)
        return self._row(number, 0, records, size, digest.hexdigest(), ())

    def _row(
        self,
        number: int,
        packages: int,
        records: int,
        size: int,
        digest: str,
        faults: tuple[dict[str, Any], ...],
    ) -> SchoolRow:
        school = self._maker.nation.school(number)
        return SchoolRow(
            number=number,
            code=school.code,
            province=school.department_code,
            packages=packages,
            records=records,
            xml_bytes=size,
            sha256=digest,
            faults=faults,
        )

    def _request(self, pack: Pack) -> bytes:
        """Return the request of service 3.6; token, account and password are the sender's."""
        code = pack.school_code
        request = {
            "authenticationRequest": {
                "token": "",
                "user_name": "",
                "password": "",
                "ma_don_vi": code,
                "nam_hoc": int(self._order.school_year[:4]),
                "messageid": pack.messageid,
                "type": "1",
                "function": "NOP_HOC_BA",
            },
            "content": envelope.pack(pack.xml),
        }
        return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def join_tables(parts: Iterator[Path], target: BinaryIO) -> None:
    """Write the CSV *parts* into *target* as one table with its header."""
    target.write(header())
    for part in parts:
        with part.open("rb") as file:
            shutil.copyfileobj(file, target)


@contextmanager
def _whole_file(target: Path) -> Iterator[BinaryIO]:
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _whole_folder(target: Path) -> Iterator[Path]:
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        yield draft
        shutil.rmtree(target, ignore_errors=True)
        draft.replace(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
