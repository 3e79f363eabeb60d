"""`hocba crosscheck`: the second verifier over stored records, now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sandbox.cli.speaking import OUT, Exit, answers, print_json, progress_bar, words
from sandbox.settings import read_settings


@answers
def crosscheck(
    records: Annotated[
        int, typer.Option("--records", "-n", min=1, help="At most so many, the newest first")
    ] = 1_000,
    space: Annotated[str | None, typer.Option("--space", help="Default: every space")] = None,
    data: Annotated[Path | None, typer.Option(help="Data folder (HOCBA_DATA)")] = None,
    database: Annotated[str | None, typer.Option(help="postgresql://… or sqlite:///…")] = None,
    lang: Annotated[str, typer.Option("--lang", help="vi or en")] = "vi",
    as_json: Annotated[bool, typer.Option("--json", help="Answer with JSON")] = False,
) -> Exit:
    """Look at stored records with a second, independent verifier; 1 when the two disagree."""
    from sandbox.world import build_world
    from sandbox.world.crosschecking import pass_over

    say = words(lang)
    world = build_world(read_settings(data=data, database=database))
    with progress_bar() as bar:
        task = bar.add_task(say("crosscheck.looking"), total=records)
        done = pass_over(
            world,
            space=space,
            records=records,
            on_each=lambda count: bar.update(task, completed=count),
        )
    told = done.as_json()
    if as_json:
        print_json(told)
        return Exit.FINE if done.agrees else Exit.REFUSED
    for one in told["incidents"]:
        OUT.print(say("crosscheck.incident", **one), markup=False)
    OUT.print(
        say(
            "crosscheck.sum",
            records=told["records"],
            agreed=told["agreed"],
            disagreed=told["disagreed"],
            apart=sum(told["not_comparable"].values()),
        )
    )
    return Exit.FINE if done.agrees else Exit.REFUSED
