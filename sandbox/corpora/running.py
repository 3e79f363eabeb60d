"""A corpus made whole: several processes, one order, resumable at any school.

Schools go to the processes by turns and come back in the same turns, so the ledger is in order
whatever the number of processes. A process that finds its parent gone ends at its next school.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, BinaryIO, Final

from sandbox.corpora.footprint import stay_small
from sandbox.corpora.ledger import Ledger, Sums, manifest_of
from sandbox.corpora.making import Maker
from sandbox.corpora.orders import Form, Order
from sandbox.corpora.parquet import write_parquet
from sandbox.corpora.writing import SchoolRow, SchoolWriter, join_tables
from sandbox.errors import Misuse, Unavailable

MOST_PROCESSES: Final = 64
_LARGE_AT_ONCE: Final = 1
"""Packages with faults that are parsed at the same time: as a tree they take ten times the room."""
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
    included. Memory stays flat: one
    school at a time and process.

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
        rows = _shared_out(maker, folder, numbers, processes)
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


# ---- several processes ---------------------------------------------------------------------------


def _shared_out(
    maker: Maker, folder: Path, numbers: tuple[int, ...], processes: int
) -> Iterator[SchoolRow]:
    """Yield the rows of *numbers* in order, made by *processes* processes by turns."""
    # Forked, when the first package is made: code and tables are in memory once, however many
    # processes there are (the garbage collector must not touch them either).
    context = multiprocessing.get_context("fork")
    maker.gate = context.Semaphore(_LARGE_AT_ONCE)
    maker.warm_up()
    gc.collect()
    gc.freeze()
    readers: list[Connection] = []
    children = []
    try:
        for turn in range(min(processes, len(numbers))):
            reader, sender = context.Pipe(duplex=False)
            child = context.Process(
                target=_work,
                args=(maker, folder, numbers[turn::processes], sender, (*readers, reader)),
                name=f"corpus-{turn}",
                daemon=True,
            )
            child.start()
            sender.close()
            readers.append(reader)
            children.append(child)
        for turn, number in enumerate(numbers):
            yield _received(readers[turn % processes], number)
    finally:
        for reader in readers:
            reader.close()
        for child in children:
            child.terminate()
            child.join()
        gc.unfreeze()


def _received(reader: Connection, number: int) -> SchoolRow:
    try:
        row = reader.recv()
    except EOFError:
        raise Unavailable(f"the process of school {number} ended; --resume goes on") from None
    if not isinstance(row, SchoolRow):
        raise Unavailable(f"school {number}: {row}")
    return row


def _work(
    maker: Maker,
    folder: Path,
    numbers: tuple[int, ...],
    sender: Connection,
    readers: tuple[Connection, ...],
) -> None:
    """Write *numbers* and send their rows; what goes wrong is sent in a row's place.

    *readers* are the parent's ends of this pipe and of those before: closed here, so that every
    process notices at its next school when the parent is gone.
    """
    for reader in readers:
        reader.close()
    writer = SchoolWriter(maker)
    for number in numbers:
        try:
            row: SchoolRow | str = writer.into_folder(folder, number)
        except Exception as error:  # told to the parent, which ends the run with it
            row = f"{type(error).__name__}: {error}"
        try:
            sender.send(row)
        except OSError:
            break
        if isinstance(row, str):
            break
    # not the usual way out: streams and exit handlers are the parent's
    os._exit(0)
