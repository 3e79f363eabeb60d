"""How every command answers: what it prints, and with which exit code it leaves."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import IntEnum
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

import typer
from rich.console import Console

from sandbox.errors import Finding, Misuse, Refused, SandboxError, Unavailable

if TYPE_CHECKING:
    from rich.progress import Progress

P = ParamSpec("P")

OUT = Console(highlight=False, soft_wrap=True)
ERR = Console(stderr=True, highlight=False, soft_wrap=True)


class Exit(IntEnum):
    """Exit codes of every command."""

    FINE = 0
    REFUSED = 1
    MISUSE = 2
    BROKEN = 3


def answers(command: Callable[P, Exit | None]) -> Callable[P, None]:
    """Turn what a command returns or raises into output and exit code; never a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = command(*args, **kwargs) or Exit.FINE
        except Misuse as error:
            ERR.print(f"[bold red]✖[/] {error}", markup=True)
            code = Exit.MISUSE
        except Refused as error:
            print_findings(error.findings, language="vi")
            code = Exit.REFUSED
        except (Unavailable, SandboxError) as error:
            ERR.print(f"[bold red]✖[/] {error}")
            code = Exit.BROKEN
        raise typer.Exit(int(code))

    return run


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show how far a long command is, on standard error: words, bar, count, time left."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=ERR, transient=True) as bar:
        yield bar


def print_findings(findings: tuple[Finding, ...], *, language: str) -> None:
    """Print each finding: code, place, cause, remedy."""
    from sandbox.domain.rejections import explain

    for finding in findings:
        row = explain(finding, language)
        place = " ".join(
            str(part) for part in (row["xpath"], row["dong"] and f":{row['dong']}") if part
        )
        OUT.print(f"[bold red]{row['ma']}[/] {row['nguyen_nhan']}")
        for line in (place or row["con_tro_json"], row["cach_sua"]):
            if line:
                OUT.print(f"    {line}", markup=False)


def print_json(value: Any) -> None:
    """Print *value* as JSON on standard output, nothing else with it."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n")


def moment_of(text: str) -> datetime:
    """Read an ISO moment with offset. Raises `Misuse`."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Misuse(f"--at {text}", remedy="2025-05-28T08:00:00+07:00") from error
    if moment.tzinfo is None:
        raise Misuse(f"--at {text}", remedy="an offset is needed, such as +07:00")
    return moment


def words(language: str) -> Callable[..., str]:
    """Return the function that finds a text of the commands."""
    from sandbox.world.words import say

    return say(language)
