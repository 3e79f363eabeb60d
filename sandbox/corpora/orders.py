"""What a corpus shall be: the part of the nation, how it is signed, packed and written."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from sandbox.synthetic import DEFAULT_SCHOOL_YEAR, DEFAULT_SEED
from sandbox.synthetic.nation import EVERYTHING, Slice

FORMAT_VERSION: Final = 2
"""Goes up when the same order gives other bytes."""


class Form(StrEnum):
    """What is written."""

    XML = "xml"
    """Signed packages, one file each."""
    ZSTD = "zstd"
    """Signed packages, one file per school, one zstd frame per package."""
    REQUESTS = "requests"
    """Requests of service 3.6 with the packages as content, JSON lines, one file per school."""
    UNSIGNED = "unsigned"
    """Unsigned records, one a line, one file per school."""
    CSV = "csv"
    """One row per record, for looking at; one file in the end."""
    PARQUET = "parquet"
    """The same table as one Parquet file."""

    @property
    def is_signed(self) -> bool:
        """Whether records are signed and packed."""
        return self in (Form.XML, Form.ZSTD, Form.REQUESTS)

    @property
    def is_table(self) -> bool:
        """Whether it ends as one table."""
        return self in (Form.CSV, Form.PARQUET)


class Packing(StrEnum):
    """What one package holds."""

    CLASS = "class"
    SCHOOL = "school"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One corpus; the same order gives the same XML bytes on every machine and day."""

    seed: str = DEFAULT_SEED
    """Of people, results and keys."""
    authority_seed: str = DEFAULT_SEED
    """Of the training authority that issues the certificates: an installation's own seed."""
    school_year: str = DEFAULT_SCHOOL_YEAR
    part: Slice = EVERYTHING
    form: Form = Form.XML
    packing: Packing = Packing.CLASS
    rsa_per_mille: int = 0
    """Share of schools whose signers hold RSA-2048 keys."""
    dirty: tuple[tuple[str, int], ...] = ()
    """Labels (a rejection code, a defect's name, or `*`) with their records per million."""
    pool_folder: Path | None = field(default=None, compare=False)

    @classmethod
    def of_told(cls, told: dict[str, Any], *, pool_folder: Path | None = None) -> Order:
        """Return the order that `told` returned. Raises `ValueError` for another version's."""
        try:
            if told["format_version"] != FORMAT_VERSION:
                raise ValueError(f"format_version {told['format_version']}, not {FORMAT_VERSION}")
            part = told["slice"]
            schools = part["schools"]
            return cls(
                seed=told["seed"],
                authority_seed=told["authority_seed"],
                school_year=told["school_year"],
                part=Slice(
                    province=part["province"],
                    schools=None if schools is None else (schools[0], schools[1]),
                    class_index=part["class_index"],
                    grade=part["grade"],
                    per_mille=part["per_mille"],
                ),
                form=Form(told["form"]),
                packing=Packing(told["packing"] or Packing.CLASS),
                rsa_per_mille=told["rsa_per_mille"],
                dirty=tuple(told["dirty_per_million"].items()),
                pool_folder=pool_folder,
            )
        except (KeyError, TypeError, IndexError) as fault:
            raise ValueError(f"not an order: {fault}") from fault

    def told(self) -> dict[str, Any]:
        """Return the order for a manifest; folders of this machine are no part of it."""
        return {
            "format_version": FORMAT_VERSION,
            "seed": self.seed,
            "authority_seed": self.authority_seed,
            "school_year": self.school_year,
            "slice": {
                "province": self.part.province,
                "schools": self.part.schools and list(self.part.schools),
                "class_index": self.part.class_index,
                "grade": self.part.grade,
                "per_mille": self.part.per_mille,
            },
            "form": self.form.value,
            "packing": self.packing.value if self.form.is_signed else None,
            "rsa_per_mille": self.rsa_per_mille if self.form.is_signed else 0,
            "dirty_per_million": dict(self.dirty),
        }
