"""`python -m loadtests SCENARIO --target URL`: run one load scenario and leave with its verdict."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from rich.console import Console

from loadtests.profile import load_profile, profile_names
from loadtests.report import print_report, write_json
from loadtests.run import load
from loadtests.volume.command import add_shape, answer, shown
from loadtests.volume.corpus import open_corpus
from loadtests.volume.run import measure
from loadtests.volume.target import RunningTarget
from sandbox.errors import Misuse, Unavailable

MISUSE, BROKEN = 2, 3
DESK = "/kho/so/48"
"""Where a corpus is handed in unless another desk is named: the practice Sở's Cổng."""


def main(arguments: list[str] | None = None) -> int:
    """Return 0 PASS, 1 FAIL, 2 misuse, 3 INVALID or sandbox away."""
    asked = _parser().parse_args(arguments)
    try:
        if load_profile(asked.scenario).corpus is not None:
            return _send_corpus(asked)
        return _run(asked)
    except Misuse as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's answer
        return MISUSE
    except Unavailable as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command's answer
        return BROKEN


def _run(asked: argparse.Namespace) -> int:
    report = load(
        asked.scenario,
        target=asked.target,
        admin_token=_admin_token(asked.data),
        objectives=asked.objectives,
        packages=asked.packages,
        time_s=asked.time,
    )
    if asked.json:
        write_json(report, asked.json)
    print_report(report, console=Console())
    return report.exit_code


def _send_corpus(asked: argparse.Namespace) -> int:
    """Run a scenario that sends a corpus from disk. Raises `Misuse` when none is named."""
    if asked.corpus is None:
        raise Misuse(f"{asked.scenario}: no --corpus", remedy="hocba nation --format requests")
    target = RunningTarget(asked.target.rstrip("/") + asked.desk, _admin_token(asked.data))
    corpus = open_corpus(asked.corpus, pool_folder=asked.data / "rsa")
    with shown() as on_standing:
        report = measure(
            target,
            corpus,
            scenario=asked.scenario,
            records=asked.records,
            packages=asked.packages,
            time_s=asked.time,
            objectives=asked.objectives,
            poison_every=asked.poison,
            per_s=asked.rate,
            users=asked.users,
            on_standing=on_standing,
        )
    answer(report, file=asked.json)
    return report.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtests", description=__doc__)
    parser.add_argument("scenario", help=", ".join(profile_names()))
    parser.add_argument("--target", default="http://127.0.0.1:8080")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("HOCBA_DATA", "data")))
    parser.add_argument("--objectives", type=Path)
    parser.add_argument("--packages", type=int)
    parser.add_argument("--time", type=int)
    parser.add_argument("--json", type=Path)
    corpus = parser.add_argument_group("scenarios that send a corpus")
    corpus.add_argument("--corpus", type=Path, help="a registered folder of hocba nation")
    corpus.add_argument("--desk", default=DESK, help=f"below --target; default {DESK}")
    corpus.add_argument("--records", type=int, help="send so many of them")
    add_shape(corpus)
    return parser


def _admin_token(data: Path) -> str:
    """Return the installation's admin token from its data folder. Raises `Misuse`."""
    file = data / "secrets.json"
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["admin_token"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Misuse(
            "no admin token of a sandbox", file=str(file), remedy="--data FOLDER or HOCBA_DATA"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
