"""The processes that make the schools of one corpus.

Each is forked for a few schools and ends with them. Code and tables are in memory once, because
they are made before it is forked (the garbage collector must not touch them either); what it
gathers for itself goes when it ends, so that memory is flat however many schools there are.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Final

from sandbox.corpora.making import Maker
from sandbox.corpora.writing import SchoolRow, SchoolWriter
from sandbox.errors import Unavailable

_SCHOOLS: Final = 3
"""Schools a process makes before another takes its place; forking takes some milliseconds."""
_LARGE_AT_ONCE: Final = 1
"""Packages with faults that are parsed at the same time: as a tree they take ten times the room."""


@dataclass(slots=True)
class _Member:
    """One process with what it has still to make."""

    process: ForkProcess
    reader: Connection
    left: int

    def end(self) -> None:
        """End the process, whatever it does."""
        self.reader.close()
        self.process.terminate()
        self.process.join()


class Crew:
    """*processes* processes at a time that write *numbers* by turns."""

    def __init__(
        self, maker: Maker, folder: Path, numbers: tuple[int, ...], *, processes: int
    ) -> None:
        self._context = multiprocessing.get_context("fork")
        self._maker = maker
        self._folder = folder
        self._numbers = numbers
        self._turns = min(processes, len(numbers))
        self._members: dict[int, _Member] = {}
        self._known_provinces: set[str] = set()
        maker.gate = self._context.Semaphore(_LARGE_AT_ONCE)

    def rows(self) -> Iterator[SchoolRow]:
        """Yield the schools' rows in order.

        Raises:
            Unavailable: a process ended before its work did, or could not do it.
        """
        try:
            for place, number in enumerate(self._numbers):
                turn = place % self._turns
                if turn not in self._members:
                    self._members[turn] = self._forked(place)
                member = self._members[turn]
                yield _received(member.reader, number)
                member.left -= 1
                if not member.left:
                    self._members.pop(turn).end()
                    following = place + self._turns
                    if following < len(self._numbers):
                        self._members[turn] = self._forked(following)
        finally:
            for member in self._members.values():
                member.end()
            gc.unfreeze()

    def _forked(self, place: int) -> _Member:
        """Return the process that makes the school at *place*, and the next ones of its turn."""
        numbers = self._numbers[place :: self._turns][:_SCHOOLS]
        self._make_tables(numbers)
        reader, sender = self._context.Pipe(duplex=False)
        # every end that the parent reads from: a process holds none of them, so that all of
        # them notice when the parent is gone
        readers = (*(member.reader for member in self._members.values()), reader)
        process = self._context.Process(
            target=_work,
            args=(self._maker, self._folder, numbers, sender, readers),
            daemon=True,
        )
        process.start()
        sender.close()
        return _Member(process, reader, len(numbers))

    def _make_tables(self, numbers: tuple[int, ...]) -> None:
        """Make what the schools' provinces need, once, before it would be made in each process."""
        homes = {self._maker.nation.school(number).place.home_code: number for number in numbers}
        for home, number in homes.items():
            if home not in self._known_provinces:
                self._known_provinces.add(home)
                self._maker.warm_up(number)
                gc.collect()
                gc.freeze()


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
    """Write *numbers* and send their rows; what goes wrong is sent in a row's place."""
    for reader in readers:
        reader.close()
    writer = SchoolWriter(maker)
    with suppress(BrokenPipeError):  # nobody reads any more
        for number in numbers:
            try:
                row: SchoolRow | str = writer.into_folder(folder, number)
            except Exception as error:  # told to the parent, which ends the run with it
                row = f"{type(error).__name__}: {error}"
            sender.send(row)
            if isinstance(row, str):
                break
    # not the usual way out: streams and exit handlers are the parent's
    os._exit(0)
