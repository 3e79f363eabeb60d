"""`hocba backup` and `hocba restore`: a whole installation in one file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sandbox.cli.speaking import OUT, Exit, answers, print_json, progress_bar, words
from sandbox.clock import MachineClock
from sandbox.settings import read_settings

if TYPE_CHECKING:
    from rich.progress import Progress

Data = Annotated[Path | None, typer.Option(help="Data folder (HOCBA_DATA), default ./data")]
Database = Annotated[
    str | None, typer.Option(help="postgresql://… or sqlite:///… (HOCBA_DATABASE)")
]
Language = Annotated[str, typer.Option("--lang", help="vi or en")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer with JSON")]


@answers
def backup(
    file: Annotated[Path, typer.Argument(help="File to make; an existing one is never replaced")],
    data: Data = None,
    database: Database = None,
    lang: Language = "vi",
    as_json: AsJson = False,
) -> Exit:
    """Write everything this installation holds into one FILE; it may be running meanwhile."""
    from sandbox.world.backup import back_up, require_installation, timed

    folder = data or Path(os.environ.get("HOCBA_DATA", "data"))
    require_installation(folder, database or os.environ.get("HOCBA_DATABASE"))
    settings = read_settings(data=data, database=database)
    clock = MachineClock()
    start = clock.monotonic()
    with _shown(lang, "backup.rows") as shown:
        done = back_up(settings, file, at=clock.now(), on_total=shown.begin, on_rows=shown.step)
    done = timed(done, clock.monotonic() - start)
    if as_json:
        print_json(asdict(done))
    else:
        OUT.print(words(lang)("backup.done", **asdict(done)), markup=False)
        OUT.print(f"sha256: {done.sha256}", markup=False)
    return Exit.FINE


@answers
def restore(
    file: Annotated[Path, typer.Argument(help="A file made by hocba backup")],
    data: Annotated[Path, typer.Option(help="New folder; must not exist, or be empty")],
    database: Database = None,
    lang: Language = "vi",
    as_json: AsJson = False,
) -> Exit:
    """Make the installation of FILE anew, in an empty folder and an empty database."""
    from sandbox.world.backup import restore as make_anew
    from sandbox.world.backup import timed

    clock = MachineClock()
    start = clock.monotonic()
    with _shown(lang, "restore.rows") as shown:
        done = make_anew(file, data, database=database, on_total=shown.begin, on_rows=shown.step)
    done = timed(done, clock.monotonic() - start)
    if as_json:
        print_json({**asdict(done), "data": str(data)})
    else:
        OUT.print(words(lang)("restore.done", folder=data, **asdict(done)), markup=False)
    return Exit.FINE


class _Shown:
    """How far the work is, on standard error."""

    def __init__(self, bar: Progress, words: str) -> None:
        self._bar = bar
        self._task = bar.add_task(words, total=None)

    def begin(self, rows: int) -> None:
        self._bar.update(self._task, total=rows)

    def step(self, rows: int) -> None:
        self._bar.update(self._task, advance=rows)


@contextmanager
def _shown(lang: str, key: str) -> Iterator[_Shown]:
    with progress_bar() as bar:
        yield _Shown(bar, words(lang)(key))
