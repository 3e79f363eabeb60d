"""The command behind `python -m loadtests.volume`, and what other commands share with it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from loadtests.stand import stand
from loadtests.volume.report import VolumeReport, print_report, write_report
from loadtests.volume.run import OnStanding, Standing, run_volume
from sandbox.errors import Misuse, Unavailable

MISUSE, BROKEN = 2, 3
ABOUT = "Stand up, send a corpus, measure, judge, take down."
POISON_EVERY = 1_000


def main(arguments: list[str] | None = None) -> int:
    """Return 0 PASS, 1 FAIL, 2 misuse, 3 INVALID or sandbox away."""
    asked = _parser().parse_args(arguments)
    try:
        with (
            stand(
                records=asked.records,
                algorithm=asked.algorithm,
                database=asked.database,
                workers=asked.workers,
                checkers=asked.checkers,
                corpora=asked.corpora,
                folder=asked.folder,
            ) as running,
            shown() as on_standing,
        ):
            report = run_volume(
                running,
                records=asked.records,
                objectives=asked.objectives or f"volume-{asked.algorithm}",
                poison_every=asked.poison,
                per_s=asked.rate,
                users=asked.users,
                on_standing=on_standing,
            )
    except Misuse as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's answer
        return MISUSE
    except Unavailable as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's answer
        return BROKEN
    answer(report, file=asked.json)
    return report.exit_code


def answer(report: VolumeReport, *, file: Path | None) -> None:
    """Print *report*; with *file*, write it there (`-`: to standard output as JSON instead)."""
    if file == Path("-"):
        sys.stdout.write(json.dumps(report.told(), indent=1) + "\n")
        return
    if file is not None:
        write_report(report, file)
    print_report(report, console=Console())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtests.volume", description=ABOUT)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--algorithm", choices=("p256", "rsa"), default="p256")
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--workers", type=int, default=1, help="web processes")
    parser.add_argument("--checkers", type=int, default=2, help="checking processes")
    parser.add_argument("--corpora", type=Path, help="where corpora are kept (data/corpora)")
    parser.add_argument("--folder", type=Path, help="the installation's data; default: temporary")
    parser.add_argument("--objectives", type=Path)
    add_shape(parser)
    parser.add_argument("--json", type=Path, nargs="?", const=Path("-"), help="FILE, or stdout")
    return parser


def add_shape(parser: argparse._ActionsContainer) -> None:
    """Add what any run of a corpus may be told."""
    parser.add_argument("--users", type=int, help="senders at once")
    parser.add_argument("--rate", type=float, help="open loop: packages per second")
    parser.add_argument(
        "--poison", type=int, nargs="?", const=POISON_EVERY, default=0,
        help="one hostile package after so many",
    )  # fmt: skip


@contextmanager
def shown() -> Iterator[OnStanding]:
    """Give what a run tells its standing to: a bar on standard error, with rate and estimate."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("…", total=None)

        def tell(standing: Standing) -> None:
            rate = standing.acknowledged / max(0.1, standing.seconds)
            said = f"{standing.acknowledged:,} / {standing.planned:,}  {rate:,.0f} records/s"
            bar.update(
                task,
                total=standing.planned,
                completed=standing.acknowledged,
                description=f"{said}  ({standing.waiting} waiting)",
            )

        yield tell
