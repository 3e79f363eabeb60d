"""One process per path: each keeps its own caches, and all are measured package by package.

Each path works on the same packages, which none has seen before. What else the machine does then
slows all of them alike, and their ratios hold.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Final, Protocol

from loadtests.bench.sample import Package, Sample, keep, kept
from loadtests.stand import Cluster

Spent = dict[str, float]
"""What was measured → CPU seconds over the packages of one turn."""

PLAIN: Final = ("ours", "signxml", "xmlsec", "floor", "stages", "verifier", "desk_sqlite")
SERVED: Final = ("desk_postgresql",)
"""Lanes that only a PostgreSQL makes possible; `floor` then measures its rows, too."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a lane's process is told once."""

    name: str
    samples: Mapping[str, Path]
    folder: Path
    cluster: Cluster | None


class Measured(Protocol):
    """Something that spends CPU on packages."""

    def seconds(self, packages: tuple[Package, ...]) -> Spent:
        """Return what was spent on *packages*."""


@dataclass(slots=True)
class Timed:
    """A path that says how many records count, timed as a whole."""

    name: str
    accepted: Callable[[Package], int]

    def seconds(self, packages: tuple[Package, ...]) -> Spent:
        """Return what *packages* cost; raises when a record does not count."""
        began = time.process_time()
        accepted = [self.accepted(package) for package in packages]
        spent = time.process_time() - began
        assert accepted == [package.records for package in packages], (self.name, accepted)
        return {self.name: spent}


def _context() -> BaseContext:
    """Return how processes start: forked off one that has loaded what all of them need."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"loadtests.bench.{name}" for name in ("desk", "floor")])
    return context


class Lane:
    """One measured process, seen from the one that drives it."""

    def __init__(self, setting: Setting) -> None:
        self.name = setting.name
        self._pool = ProcessPoolExecutor(
            1,
            mp_context=_context(),
            initializer=_open,
            initargs=(setting,),
        )

    def start(self) -> None:
        """Begin to start the process."""
        self._pool.submit(_ready)

    def run(self, kind: str, turn: int, place: int) -> Spent:
        """Measure one package of turn *turn* of *kind*; everything else waits meanwhile."""
        return self._pool.submit(_measure, kind, turn, place).result()

    def profile(self, kind: str, turn: int) -> str:
        """Return where the time goes: only lane `ours` can tell."""
        return self._pool.submit(_profile, kind, turn).result()

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown()


@contextmanager
def lanes(
    names: Sequence[str], samples: Mapping[str, Sample], cluster: Cluster | None
) -> Iterator[list[Lane]]:
    """Start a lane for each of *names*, all knowing *samples*."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hocba-bench-")))
        files = {kind: keep(sample, folder) for kind, sample in samples.items()}
        opened = []
        for name in names:
            lane = Lane(Setting(name, files, folder, cluster))
            stack.callback(lane.close)
            lane.start()
            opened.append(lane)
        yield opened


def side_by_side(
    opened: Sequence[Lane], samples: Mapping[str, Sample]
) -> dict[str, list[dict[str, float]]]:
    """Return per kind and turn what everything cost, microseconds of CPU per record.

    Package by package, each path takes the same one in an order that changes. Turn 0 warms up
    and is not kept.
    """
    rows: dict[str, list[dict[str, float]]] = {kind: [] for kind in samples}
    turns = max(len(sample.turns) for sample in samples.values())
    for turn in range(turns):
        for kind, sample in samples.items():
            row: dict[str, float] = defaultdict(float)
            for place in range(len(sample.turns[turn])):
                first = (turn + place) % len(opened)
                for lane in (*opened[first:], *opened[:first]):
                    for name, seconds in lane.run(kind, turn, place).items():
                        row[f"{lane.name}.{name}"] += seconds / sample.records(turn) * 1e6
            if turn:
                rows[kind].append(row)
    return rows


# ---------------------------------------------------------------- inside a lane's process

_held: dict[str, Measured] = {}
_samples: dict[str, Sample] = {}
_stack = ExitStack()


def _open(setting: Setting) -> None:
    for kind, file in setting.samples.items():
        _samples[kind] = kept(file)
        _held[kind] = _made(setting, _samples[kind])


def _ready() -> None:
    """Nothing: to be called is to be started."""


def _measure(kind: str, turn: int, place: int) -> Spent:
    return _held[kind].seconds((_samples[kind].turns[turn][place],))


def _profile(kind: str, turn: int) -> str:
    from loadtests.bench.ours import OurPath

    return OurPath(_samples[kind]).profile(_samples[kind].turns[turn])


def _made(setting: Setting, sample: Sample) -> Measured:
    """Return what the lane measures; each process loads only what its path needs."""
    name = setting.name
    if name in ("signxml", "xmlsec"):
        from loadtests.bench import libraries
        from loadtests.bench.peers import PeerPath

        library = libraries.Signxml() if name == "signxml" else libraries.Xmlsec()
        return Timed("check", PeerPath(sample, library).accepted)
    if name == "floor":
        return _floor(setting, sample)
    if name.startswith("desk_"):
        return _desk(setting, sample)
    from loadtests.bench import ours

    if name == "ours":
        return Timed("check", ours.OurPath(sample).accepted)
    return ours.OurStages(sample) if name == "stages" else ours.OurVerifier(sample)


@dataclass(slots=True)
class _Both:
    """Two measurements of the same packages."""

    first: Measured
    second: Measured

    def seconds(self, packages: tuple[Package, ...]) -> Spent:
        return self.first.seconds(packages) | self.second.seconds(packages)


def _floor(setting: Setting, sample: Sample) -> Measured:
    from loadtests.bench.floor import Floor, FloorRows

    floor = Floor(sample)
    if setting.cluster is None:
        return floor
    from loadtests.bench.desk import ProcessCpu
    from sandbox.web import Database

    engine = Database(setting.cluster.url).engine
    connection = _stack.enter_context(engine.connect()).connection.driver_connection
    assert connection is not None
    own = ProcessCpu(connection.info.backend_pid)
    rows = FloorRows(connection, own, table=f"row_{len(_held)}")
    return _Both(floor, rows)


def _desk(setting: Setting, sample: Sample) -> Measured:
    from loadtests.bench import desk
    from sandbox.web import Database

    url = _stack.enter_context(desk.responders(sample))
    if setting.name == "desk_sqlite":
        file = setting.folder / f"{sample.kind}.db"
        return desk.DeskPath(sample, Database(f"sqlite:///{file}"), url, desk.no_server)
    assert setting.cluster is not None
    server = desk.ServerCpu(setting.cluster.postmaster)
    return desk.DeskPath(sample, Database(setting.cluster.url), url, server)
