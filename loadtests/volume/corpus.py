"""A corpus made by `hocba nation --format requests`, read as senders: nothing is kept in memory.

A school's file holds one request a line, in the order of its classes, so the lines' records are
known from the nation's plan without opening one.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from sandbox.corpora import Form, Maker, Order, Packing
from sandbox.corpora.ledger import LEDGER, MANIFEST, ORDER
from sandbox.corpora.writing import SchoolRow, SchoolWriter
from sandbox.errors import Misuse
from sandbox.wire.ministry import wire_password

ACCOUNTS = "accounts.csv"
"""Written by `hocba register-corpus`, in the order of the ledger."""


class Source(BaseModel):
    """One school: its account, its file, and the records of each line to send."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: str
    user_name: str
    password: str
    """As it travels: SHA-256, hex."""
    file: str
    records: list[int]


@dataclass(frozen=True, slots=True)
class Corpus:
    """A whole, clean, registered corpus of requests. Opened by `open_corpus`."""

    folder: Path
    order: Order
    packages: int
    records: int

    @property
    def school_year(self) -> int:
        """`nam_hoc` of its requests."""
        return int(self.order.school_year[:4])

    @property
    def algorithm(self) -> str:
        """Which keys its schools sign with."""
        return {0: "p256", 1_000: "rsa"}.get(self.order.rsa_per_mille, "mixed")

    def holds(self, code: str) -> bool:
        """Tell whether the school *code* is in the corpus."""
        with (self.folder / LEDGER).open(encoding="utf-8") as ledger:
            return any(SchoolRow.of_line(line).code == code for line in ledger)

    def sources(self, *, packages: int, records: int | None = None) -> Iterator[Source]:
        """Yield the schools in order until *packages* packages, or *records* records, are in."""
        maker = Maker(self.order)
        writer = SchoolWriter(maker)
        due = self.records if records is None else records
        with (
            (self.folder / LEDGER).open(encoding="utf-8") as ledger,
            (self.folder / ACCOUNTS).open(encoding="utf-8", newline="") as accounts,
        ):
            for line, account in zip(ledger, csv.DictReader(accounts), strict=False):
                row = SchoolRow.of_line(line)
                if account["ma_truong"] != row.code:
                    raise Misuse(
                        f"{account['ma_truong']}: not the ledger's next school",
                        file=str(self.folder / ACCOUNTS),
                        remedy="hocba register-corpus",
                    )
                sizes = []
                for _, plan in maker.classes(row.number):
                    if due <= 0 or packages <= 0:
                        break
                    sizes.append(plan.records)
                    due -= plan.records
                    packages -= 1
                yield Source(
                    unit=row.code,
                    user_name=account["user_name"],
                    password=wire_password(account["mat_khau"]),
                    file=str(writer.path(self.folder, row.number)),
                    records=sizes,
                )
                if due <= 0 or packages <= 0:
                    return


def open_corpus(folder: Path, *, pool_folder: Path | None = None) -> Corpus:
    """Return the corpus in *folder*. *pool_folder* holds its RSA keys, for who signs more.

    Raises `Misuse` when it is not whole, not of requests by class, dirty, or not registered.
    """
    manifest, order = _read(folder / MANIFEST), _read(folder / ORDER)
    try:
        asked = Order.of_told(order, pool_folder=pool_folder)
    except ValueError as error:
        raise Misuse(str(error), file=str(folder / ORDER), remedy=_REMEDY) from error
    if asked.form is not Form.REQUESTS or asked.packing is not Packing.CLASS:
        raise Misuse(
            f"--format {asked.form.value} --package {asked.packing.value}",
            file=str(folder / ORDER),
            remedy=_REMEDY,
        )
    if asked.dirty:
        raise Misuse("--dirty: what must be accepted is not known", remedy=_REMEDY)
    if not (folder / ACCOUNTS).is_file():
        raise Misuse(
            "not registered", file=str(folder / ACCOUNTS), remedy=f"hocba register-corpus {folder}"
        )
    return Corpus(folder, asked, int(manifest["packages"]), int(manifest["records"]))


_REMEDY = "hocba nation --format requests --out FOLDER"


def _read(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Misuse("no whole corpus", file=str(file), remedy=_REMEDY) from error
    if not isinstance(told, dict):
        raise Misuse("no whole corpus", file=str(file), remedy=_REMEDY)
    return told
