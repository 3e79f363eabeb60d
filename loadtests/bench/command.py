"""`make bench`: measure side by side, print, keep as JSON, chart and profile, show the drift."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import xmlsec
from lxml import etree
from rich.console import Console

from loadtests.bench import chart, check, compare, elements, nation, shown, start, storage, volume
from loadtests.bench.compare import RESULTS
from loadtests.bench.corpus import make_corpus
from loadtests.bench.sample import KINDS, make_sample
from sandbox import __version__
from sandbox.clock import MachineClock
from sandbox.errors import Misuse, Unavailable

BESIDE: Final = "signxml_verify"
SECTIONS: Final = ("start", "elements", "nation", "check", "storage", "volume")
RECORDS, FEW_RECORDS = 500_000, 20_000
QUICK: Final = check.Effort(turns=3, packages=4)
STORED_TURNS: Final = 6
MISUSE, BROKEN = 2, 3


def main(arguments: list[str] | None = None) -> int:
    """Return 0 measured, 2 misuse, 3 something it needs is away; raise for a path that is wrong."""
    asked = _parser().parse_args(arguments)
    console = Console()
    try:
        if asked.compare:
            before, after = (compare.read(file) for file in asked.compare)
            console.print(compare.table(before, after))
            return 0
        return _measure(asked, console)
    except Misuse as error:
        console.print(str(error), markup=False)
        return MISUSE
    except Unavailable as error:
        console.print(str(error), markup=False)
        return BROKEN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtests.bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=SECTIONS, help="may be repeated")
    parser.add_argument("--quick", action="store_true", help="few rounds, a small volume")
    parser.add_argument("--records", type=int, help=f"of each volume run ({RECORDS:,})")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument(
        "--keep", action="store_true", help="name the result after the version, for good"
    )
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("A.json", "B.json"))
    return parser


def _measure(asked: argparse.Namespace, console: Console) -> int:
    begun, load = MachineClock().now(), _load()
    report: dict[str, Any] = {
        "measured": begun.isoformat(timespec="seconds"),
        "version": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "libraries": _libraries(),
    }
    profiles: dict[str, str] = {}
    measures: dict[str, Callable[[], None]] = {
        "start": lambda: report.update(start=start.measure()),
        "elements": lambda: report.update(_elements()),
        "nation": lambda: _nation(report, profiles),
        "check": lambda: _check(report, profiles, quick=asked.quick),
        "storage": lambda: report.update(storage=_storage(quick=asked.quick)),
        "volume": lambda: _volume(report, asked, console),
    }
    for section in asked.only or SECTIONS:
        with console.status(section):
            measures[section]()
    if "check" in report:
        volume.joined(report["check"], report.get("volume", {}))
    report["load_average"] = {"before": load, "after": _load()}
    shown.show(report, console)
    stem = f"v{__version__}" if asked.keep else f"{begun:%Y%m%dT%H%M%SZ}"
    earlier = compare.newest_of_another_version(__version__, folder=asked.out)
    for file in _write(report, profiles, folder=asked.out, stem=stem):
        console.print(str(file), highlight=False)
    if earlier is not None:
        console.print(compare.table(compare.read(earlier), report))
    return 0


def _elements() -> dict[str, Any]:
    rates = elements.measure(make_corpus())
    ratios = {n: round(rate / rates[BESIDE], 2) for n, rate in rates.items() if n != BESIDE}
    return {"records_per_s": rates, "ratio_to_signxml_verify": ratios}


def _nation(report: dict[str, Any], profiles: dict[str, str]) -> None:
    report["nation"] = nation.measure() | nation.written()
    profiles["nation-profile"] = nation.profile()


def _check(report: dict[str, Any], profiles: dict[str, str], *, quick: bool) -> None:
    effort = QUICK if quick else check.Effort()
    report["check"], profiles["check-profile"] = check.measure(effort)


def _storage(*, quick: bool) -> dict[str, Any]:
    packages = (QUICK if quick else check.Effort()).packages
    folder = check.pool_folder()
    samples = (
        make_sample(kind, turns=STORED_TURNS, packages=packages, pool=folder) for kind in KINDS
    )
    return {sample.kind: storage.measure(sample) for sample in samples}


def _volume(report: dict[str, Any], asked: argparse.Namespace, console: Console) -> None:
    records = asked.records or (FEW_RECORDS if asked.quick else RECORDS)
    report["volume"] = volume.measure(
        records,
        on_start=lambda kind, engine: console.print(f"volume {kind} {engine} {records:,}"),
    )


def _libraries() -> dict[str, str]:
    """Return the versions of what does the work; xmlsec and lxml must carry the same libxml2."""
    names = ("lxml", "cryptography", "signxml", "xmlsec", "zstandard", "psycopg")
    inside = {"lxml": etree.LIBXML_VERSION, "xmlsec": xmlsec.get_libxml_version()}
    return {name: version(name) for name in names} | {
        f"libxml2 of {name}": ".".join(map(str, found)) for name, found in inside.items()
    }


def _load() -> list[float]:
    """Return how many processes wanted a core, on average of 1, 5 and 15 minutes."""
    return [round(value, 1) for value in os.getloadavg()]


def _write(
    report: dict[str, Any], profiles: dict[str, str], *, folder: Path, stem: str
) -> list[Path]:
    """Write the report, its chart and the profiles beside each other; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {".json": json.dumps(report, indent=1, ensure_ascii=False) + "\n"}
    if "check" in report:
        texts[".svg"] = chart.draw(report)
    texts |= {f"-{name}.txt": text for name, text in profiles.items()}
    written = []
    for ending, text in texts.items():
        file = folder / f"{stem}{ending}"
        file.write_text(text, encoding="utf-8")
        written.append(file)
    return written
