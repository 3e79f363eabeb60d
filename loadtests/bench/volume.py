"""The whole path over HTTP, driven by Locust: the volume scenario on each database and key kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from loadtests.stand import Algorithm, Engine, stand
from loadtests.volume.run import run_volume

ALGORITHMS: Final[Mapping[str, Algorithm]] = {"P-256": "p256", "RSA-2048": "rsa"}
ENGINES: Final[tuple[Engine, ...]] = ("postgresql", "sqlite")
CORES: Final = 2
CHECKERS: Final = 2


def measure(
    records: int, *, on_start: Callable[[str, str], object] = lambda kind, engine: None
) -> dict[str, dict[str, Any]]:
    """Return kind of key → database → the report of *records* records, and its core-µs a record.

    Load generator, desk and database share this machine. Account profile `so`; nothing else is
    loosened.
    """
    found: dict[str, dict[str, Any]] = {}
    for kind, algorithm in ALGORITHMS.items():
        for engine in ENGINES:
            on_start(kind, engine)
            with stand(
                records=records, algorithm=algorithm, database=engine, checkers=CHECKERS
            ) as running:
                told = run_volume(running, records=records).told()
            told.pop("generator_log", None)
            cost = float(told["cpu_us_per_record"]["all"])
            found.setdefault(kind, {})[engine] = {"core_us_per_record": cost, **told}
    return found


def joined(check: dict[str, Any], volume: Mapping[str, Mapping[str, Any]]) -> None:
    """Put the volume's figures beside the check's, with the ratio to the floor of the same run."""
    for kind, engines in volume.items():
        told = check.get(kind)
        if told is None:
            continue
        told["http"] = {
            engine: {
                name: report[name]
                for name in (
                    "core_us_per_record",
                    "cpu_us_per_record",
                    "records_per_s",
                    "nation_minutes",
                    "verdict",
                )
            }
            for engine, report in engines.items()
        }
        floor = told.get("floor_whole")
        if floor:
            told["ratios"] |= {
                f"http_{engine}_to_floor": round(report["core_us_per_record"] / floor, 3)
                for engine, report in engines.items()
            }
