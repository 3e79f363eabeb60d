"""What is written so far, and the manifest of what is written whole."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sandbox import PRACTICE_MARK, __version__
from sandbox.corpora.cases import FOLDER, INDEX
from sandbox.corpora.orders import Order
from sandbox.corpora.writing import SchoolRow
from sandbox.errors import Misuse

LEDGER: Final = "ledger.jsonl"
MANIFEST: Final = "manifest.json"
ORDER: Final = "order.json"
TRUTH: Final = "truth.jsonl"


class Ledger:
    """One line per school that is written, in order; it survives the process that writes it."""

    def __init__(self, folder: Path, order: Order) -> None:
        self.folder = folder
        self._order = order
        self._path = folder / LEDGER

    def open(self, *, resume: bool) -> int:
        """Make the folder ready and return how many schools it holds already.

        Raises:
            Misuse: a corpus stands here and *resume* is not said, or it is another corpus.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        told = json.dumps(self._order.told(), ensure_ascii=False, indent=1) + "\n"
        kept = self.folder / ORDER
        if not kept.exists():
            if any(self.folder.iterdir()):
                raise Misuse(
                    "the folder is not empty", file=str(self.folder), remedy="--out another folder"
                )
            kept.write_text(told, encoding="utf-8")
            return 0
        if not resume:
            raise Misuse(
                "a corpus stands here", file=str(self.folder), remedy="--resume, or another folder"
            )
        if kept.read_text(encoding="utf-8") != told:
            raise Misuse(
                "another corpus stands here", file=str(kept), remedy="the same options as there"
            )
        return self._cut_to_whole_lines()

    def rows(self) -> Iterator[SchoolRow]:
        """Yield what is written so far, in order."""
        if self._path.exists():
            with self._path.open(encoding="utf-8") as file:
                yield from map(SchoolRow.of_line, file)

    def add(self, row: SchoolRow) -> None:
        """Note that a school is written."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(row.as_line())

    def _cut_to_whole_lines(self) -> int:
        """Drop the half line a kill may have left, and count the others."""
        if not self._path.exists():
            return 0
        raw = self._path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        if whole != raw:
            os.truncate(self._path, len(whole))
        return whole.count(b"\n")

    def close(self) -> dict[str, Any]:
        """Write the manifest, the truth about dirty records, the index of cases; return it."""
        sums = Sums()
        truth, index = _Lines(self.folder / TRUTH), _Lines(self.folder / INDEX)
        for row in self.rows():
            sums.add(row)
            for fault in row.faults:
                truth.add({"school": row.code, **fault})
            for case in row.cases:
                index.add({"school": row.code, **case})
        manifest = manifest_of(self._order, sums)
        if self._order.dirty:
            manifest["truth"] |= truth.close()
        if sums.cases:
            manifest["cases_2026"] |= index.close()
        text = json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"
        draft = self.folder / f".{MANIFEST}"
        draft.write_text(text, encoding="utf-8")
        draft.replace(self.folder / MANIFEST)
        return manifest


class _Lines:
    """A file of JSON lines, there only when something is written into it or it is closed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._path.unlink(missing_ok=True)
        self._digest = hashlib.sha256()

    def add(self, said: dict[str, Any]) -> None:
        self._write(json.dumps(said, ensure_ascii=False).encode() + b"\n")

    def close(self) -> dict[str, str]:
        """Return its name and hash for the manifest."""
        self._write(b"")
        return {"file": self._path.name, "sha256": self._digest.hexdigest()}

    def _write(self, line: bytes) -> None:
        self._digest.update(line)
        with self._path.open("ab") as file:
            file.write(line)


class Sums:
    """Counts and hashes over schools, taken in order."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.digest = hashlib.sha256()
        self.counts: Counter[str] = Counter()
        self.by_province: dict[str, Counter[str]] = {}
        self.by_code: Counter[str] = Counter()
        self.by_defect: Counter[str] = Counter()
        self.cases = 0
        self.case_bytes = 0
        self.by_reason: Counter[str] = Counter()

    def add(self, row: SchoolRow) -> None:
        """Add one school."""
        self.digest.update(bytes.fromhex(row.sha256))
        own = {
            "schools": 1,
            "packages": row.packages,
            "records": row.records,
            "xml_bytes": row.xml_bytes,
        }
        self.counts.update(own)
        self.by_province.setdefault(row.province, Counter()).update(own)
        self.by_code.update(fault["code"] for fault in row.faults)
        self.by_defect.update(fault["defect"] for fault in row.faults)
        self.cases += len(row.cases)
        self.case_bytes += sum(case["bytes"] for case in row.cases)
        self.by_reason.update(case["reason"] for case in row.cases)


def manifest_of(order: Order, sums: Sums) -> dict[str, Any]:
    """Return the manifest: the same for the same order on every machine and day.

    `sha256` covers XML bytes before compression: the SHA-256 over the schools' SHA-256 (32 bytes
    each, in the order of their numbers), each of which covers the school's own documents. Training
    cases are counted apart, nowhere else: their index holds the hash of each, the manifest that of
    the index.
    """
    manifest = {
        "mark": PRACTICE_MARK,
        "version": __version__,
        "order": order.told(),
        **{name: sums.counts[name] for name in ("schools", "packages", "records", "xml_bytes")},
        "sha256": sums.digest.hexdigest(),
        "provinces": {code: dict(counts) for code, counts in sorted(sums.by_province.items())},
    }
    if order.dirty:
        manifest["truth"] = {
            "faults": sum(sums.by_code.values()),
            "by_code": dict(sorted(sums.by_code.items())),
            "by_defect": dict(sorted(sums.by_defect.items())),
        }
    if sums.cases:
        manifest["cases_2026"] = {
            "folder": FOLDER,
            "records": sums.cases,
            "xml_bytes": sums.case_bytes,
            "by_reason": dict(sorted(sums.by_reason.items())),
        }
    return manifest
