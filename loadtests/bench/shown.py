"""The figures as tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtests.bench import words
from loadtests.bench.floor import PARTS


def show(report: Mapping[str, Any], console: Console) -> None:
    """Print every section a report has."""
    for name, value in report.get("start", {}).items():
        console.print(f"{name}: {value}", highlight=False)
    if "records_per_s" in report:
        console.print(_rates(report["records_per_s"], report["ratio_to_signxml_verify"]))
    for name, value in report.get("nation", {}).items():
        console.print(f"{name}: {value:,}", highlight=False)
    if "check" in report:
        _show_check(report["check"], console)
    for kind, ways in report.get("storage", {}).items():
        console.print(_storage(kind, ways))
    for kind, engines in report.get("volume", {}).items():
        for engine, told in engines.items():
            console.print(
                f"HTTP {kind} {engine}: {told['verdict']}, {told['records_per_s']:,.0f} records/s, "
                f"{told['core_us_per_record']:,.0f} core-µs/record, "
                f"nation {told['nation_minutes']:.0f} min",
                highlight=False,
            )


def _rates(rates: Mapping[str, float], ratios: Mapping[str, float]) -> Table:
    table = Table("step", "records/s", "× signxml verify")
    for name, rate in rates.items():
        table.add_row(name, f"{rate:,.1f}", f"{ratios.get(name, 1.0):.2f}")
    return table


def _show_check(kinds: Mapping[str, Any], console: Console) -> None:
    heads = list(kinds)
    console.print(_columns("floor", heads, [told["floor"] for told in kinds.values()], PARTS))
    console.print(
        _columns("check", heads, [told["stages"] for told in kinds.values()], words.STAGES)
    )
    totals = [
        {
            "floor, check only": told["floor_check"],
            "our check": told["ours"],
            "verify_record alone": told["verify_record"],
            "the same, step by step": told["verify_closely"],
            "xmlsec path": told["xmlsec"],
            "signxml path": told["signxml"],
            **({"floor, whole": told["floor_whole"]} if "floor_whole" in told else {}),
            **{
                f"{database}: {step}": spent
                for database, steps in told["desk"].items()
                for step, spent in steps.items()
            },
        }
        for told in kinds.values()
    ]
    console.print(_columns("in process", heads, totals, totals[0]))
    ratios = [told["ratios"] for told in kinds.values()]
    console.print(_columns("ratio", heads, ratios, ratios[0], digits=2, unit="×"))


def _columns(
    title: str,
    heads: Sequence[str],
    columns: Sequence[Mapping[str, float]],
    rows: Any,
    *,
    digits: int = 1,
    unit: str = "µs CPU/record",
) -> Table:
    """Return one row per name in *rows*, one column per kind of key."""
    table = Table(title, *(f"{head}, {unit}" for head in heads))
    for name in rows:
        if any(name in column for column in columns):
            table.add_row(
                name,
                *(f"{column[name]:,.{digits}f}" if name in column else "" for column in columns),
            )
    return table


def _storage(kind: str, ways: Mapping[str, Mapping[str, float]]) -> Table:
    table = Table(f"storage, {kind}", "bytes/record", "keep, µs/record", "fetch one, µs")
    for name, told in ways.items():
        table.add_row(
            name,
            f"{told['bytes_per_record']:,.0f}",
            f"{told['keep_us']:.1f}",
            f"{told['fetch_us']:.1f}",
        )
    return table
