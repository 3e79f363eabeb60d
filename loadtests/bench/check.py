"""The check path, measured: stages, peers and floor side by side in one run."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadtests.bench import lanes, libraries, spoil
from loadtests.bench.desk import STEPS
from loadtests.bench.floor import CHECK_PARTS, PARTS
from loadtests.bench.ours import STAGES, OurPath
from loadtests.bench.peers import PeerPath
from loadtests.bench.sample import KINDS, Sample, classes, make_sample, maker_of
from loadtests.stand import Cluster, postgresql

Row = Mapping[str, float]
Of = Callable[[Row], float]
DATABASES: Final = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure."""

    turns: int = 7
    """Measured turns; one more warms up."""
    packages: int = 8
    """Packages of a turn, all of one school."""
    kinds: tuple[str, ...] = tuple(KINDS)
    with_server: bool = True
    """Measure on a PostgreSQL, too."""


def pool_folder() -> Path:
    """Return where RSA keys are kept: with the installation's other practice keys."""
    return Path(os.environ.get("HOCBA_DATA", "data")) / "rsa"


def measure(effort: Effort, *, pool: Path | None = None) -> tuple[dict[str, Any], str]:
    """Return the figures per kind of key, and the profile of our path.

    Raises:
        NoVerifierError: a path refused what is good, or let through what is bad.
    """
    folder = pool or pool_folder()
    samples = {
        kind: make_sample(kind, turns=effort.turns + 1, packages=effort.packages, pool=folder)
        for kind in effort.kinds
    }
    judged = {kind: judge(sample, pool=folder) for kind, sample in samples.items()}
    names = lanes.PLAIN + (lanes.SERVED if effort.with_server else ())
    with ExitStack() as stack:
        cluster: Cluster | None = None
        if effort.with_server:
            cluster = stack.enter_context(postgresql())
        opened = stack.enter_context(lanes.lanes(names, samples, cluster))
        rows = lanes.side_by_side(opened, samples)
        ours = next(lane for lane in opened if lane.name == "ours")
        profile = "\n".join(
            f"{kind}\n{ours.profile(kind, turn=effort.turns)}" for kind in effort.kinds
        )
    return {
        kind: figures(rows[kind], samples[kind]) | {"trials": judged[kind]} for kind in rows
    }, profile


def judge(sample: Sample, *, pool: Path) -> list[str]:
    """Hold all three paths to spoiled packages and return the names of these trials.

    Raises:
        NoVerifierError: a path refused what is good, or let through what is bad.
    """
    size = len(sample.turns[0])
    one = next(classes(maker_of(sample.kind, pool=pool), per_school=size))[0]
    known, trials = spoil.trials(sample, one)
    paths: tuple[spoil.Path, ...] = (
        OurPath(known),
        PeerPath(known, libraries.Signxml()),
        PeerPath(known, libraries.Xmlsec()),
    )
    for path in paths:
        spoil.require(path, trials)
    return [trial.name for trial in trials]


def figures(rows: Sequence[Row], sample: Sample) -> dict[str, Any]:
    """Return medians in µs of CPU per record, and ratios: each the median of its turns'."""
    has_server = f"desk_postgresql.{STEPS[0]}" in rows[0]
    desks = [database for database in DATABASES if database == "sqlite" or has_server]
    parts = PARTS if has_server else (*CHECK_PARTS, "zstd")
    ratios = {
        "check_to_floor": _ratio(rows, _check, _floor_check),
        "signxml_to_ours": _ratio(rows, _one("signxml.check"), _check),
        "xmlsec_to_ours": _ratio(rows, _one("xmlsec.check"), _check),
    }
    if has_server:
        ratios |= {
            f"whole_{database}_to_floor": _ratio(rows, _whole(database), _floor_whole)
            for database in desks
        }
    return {
        "records_per_turn": sample.records(0),
        "turns": len(rows),
        "bytes_per_record": round(
            sum(len(package.xml) for turn in sample.turns for package in turn)
            / sum(sample.records(turn) for turn in range(len(sample.turns)))
        ),
        "floor": {part: _median(rows, _one(f"floor.{part}")) for part in parts},
        "floor_check": _median(rows, _floor_check),
        **({"floor_whole": _median(rows, _floor_whole)} if has_server else {}),
        "ours": _median(rows, _check),
        "signxml": _median(rows, _one("signxml.check")),
        "xmlsec": _median(rows, _one("xmlsec.check")),
        "stages": {stage: _median(rows, _one(f"stages.{stage}")) for stage in STAGES.values()},
        "verify_record": _median(rows, _one("verifier.verify_record")),
        "verify_closely": _median(rows, _one("verifier.verify_closely")),
        "desk": {
            database: {step: _median(rows, _one(f"desk_{database}.{step}")) for step in STEPS}
            | {"whole": _median(rows, _whole(database))}
            for database in desks
        },
        "ratios": ratios,
        "spread": {
            name: [round(min(found), 2), round(max(found), 2)]
            for name, found in (
                ("ours", [_check(row) for row in rows]),
                ("floor_check", [_floor_check(row) for row in rows]),
                ("check_to_floor", [_check(row) / _floor_check(row) for row in rows]),
            )
        },
    }


def _one(name: str) -> Of:
    return lambda row: row[name]


_check = _one("ours.check")


def _floor_check(row: Row) -> float:
    return sum(row[f"floor.{part}"] for part in CHECK_PARTS)


def _floor_whole(row: Row) -> float:
    return sum(row[f"floor.{part}"] for part in PARTS)


def _whole(database: str) -> Of:
    return lambda row: sum(row[f"desk_{database}.{step}"] for step in STEPS)


def _median(rows: Sequence[Row], of: Of) -> float:
    return round(statistics.median(of(row) for row in rows), 2)


def _ratio(rows: Sequence[Row], of: Of, to: Of) -> float:
    return round(statistics.median(of(row) / to(row) for row in rows), 3)
