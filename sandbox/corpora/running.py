"""A corpus made whole: several processes, one order, resumable at any school.

Schools go to the processes by turns and come back in the same turns, so the ledger is in order
whatever the number of processes. A process that finds its parent gone ends at its next school.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from sandbox.corpora.crew import Crew
from sandbox.corpora.footprint import stay_small
from sandbox.corpora.ledger import Ledger, Sums, manifest_of
from sandbox.corpora.making import Maker
from sandbox.corpora.orders import Form, Order
from sandbox.corpora.parquet import write_parquet
from sandbox.corpora.writing import SchoolRow, SchoolWriter, join_tables
from sandbox.errors import Misuse

MOST_PROCESSES: Final = 64
Progress = Callable[[SchoolRow], object]


def make(
    order: Order,
    folder: Path,
    *,
    processes: int = 1,
    resume: bool = False,
    on_total: Callable[[int], object] = lambda schools: None,
    on_school: Progress = lambda row: None,
) -> dict[str, Any]:
    """Write the corpus of *order* into *folder* and return its manifest.

    *on_total* hears how many schools it will be, *on_school* of each, those of an earlier run
    included. Memory stays flat: one package at a time and process.

    Raises:
        Misuse: the order asks for what does not exist, or *folder* holds something else.
        Unavailable: a process ended before its work did.
    """
    stay_small()
    maker = _maker_of(order)
    on_total(len(maker.schools))
    ledger = Ledger(folder, order)
    done = ledger.open(resume=resume)
    for row in ledger.rows():
        on_school(row)
    numbers = maker.schools[done:]
    rows: Iterator[SchoolRow]
    if processes == 1:
        writer = SchoolWriter(maker)
        rows = (writer.into_folder(folder, number) for number in numbers)
    else:
        rows = Crew(maker, folder, numbers, processes=processes).rows()
    for row in rows:
        ledger.add(row)
        on_school(row)
    if order.form.is_table:
        _join(maker, folder)
    return ledger.close()


def stream(
    order: Order,
    target: BinaryIO,
    *,
    on_total: Callable[[int], object] = lambda schools: None,
    on_school: Progress = lambda row: None,
) -> dict[str, Any]:
    """Write the corpus of *order* to *target*, a pipe or socket, and return its manifest.

    Raises:
        Misuse: the order asks for what does not exist, or ends as one table of another kind.
    """
    if order.form is Form.PARQUET:
        raise Misuse("a Parquet file cannot be streamed", remedy="--format csv, or --out a folder")
    stay_small()
    maker = _maker_of(order)
    on_total(len(maker.schools))
    writer = SchoolWriter(maker)
    sums = Sums()
    if order.form is Form.CSV:
        join_tables(iter(()), target)
    for number in maker.schools:
        row = writer.into_stream(target, number)
        sums.add(row)
        on_school(row)
    target.flush()
    return manifest_of(order, sums)


def _maker_of(order: Order) -> Maker:
    """Return the maker of *order*. Raises `Misuse` for what does not exist."""
    try:
        maker = Maker(order)
        schools = maker.schools
    except ValueError as error:
        raise Misuse(str(error)) from error
    if not schools:
        raise Misuse("the slice holds no school")
    return maker


def _join(maker: Maker, folder: Path) -> None:
    """Make one table of the schools' parts; the parts stay, for a run that is killed here."""
    writer = SchoolWriter(maker)
    parts = (writer.path(folder, number) for number in maker.schools)
    name = f"records.{maker.order.form.value}"
    draft = folder / f".{name}"
    with draft.open("wb") as file:
        if maker.order.form is Form.CSV:
            join_tables(parts, file)
        else:
            write_parquet(parts, file)
    draft.replace(folder / name)
