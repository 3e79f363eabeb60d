"""`hocba doctor`: who signed, which step fails, and the probable cause."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sandbox.cli.speaking import OUT, Exit, answers, moment_of, print_json
from sandbox.settings import read_settings


@answers
def doctor(
    file: Annotated[Path, typer.Argument(help="Record, package (XML), content or request (JSON)")],
    record: Annotated[
        int | None, typer.Option("--record", min=1, help="Number of the record to look into")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--bytes", help="Write the canonical bytes into this folder")
    ] = None,
    at: Annotated[str | None, typer.Option(help="The moment of checking, ISO")] = None,
    data: Annotated[Path | None, typer.Option(help="Data folder (HOCBA_DATA)")] = None,
    lang: Annotated[str, typer.Option("--lang", help="vi or en")] = "vi",
    as_json: Annotated[bool, typer.Option("--json", help="Answer with JSON")] = False,
) -> Exit:
    """Say why the signatures of FILE hold or not, by the ministry's own checks, offline."""
    from sandbox.domain.rejections import title
    from sandbox.world import examining

    look = examining.examine_file(
        file,
        settings=lambda: read_settings(data=data),
        at=moment_of(at) if at else None,
        record=record,
    )
    written = examining.write_bytes(look, folder) if folder else []
    code = Exit.REFUSED if look.codes else Exit.FINE
    if as_json:
        print_json(examining.as_json(look, lang))
        return code
    mark = "[bold red]✖[/]" if look.codes else "[bold green]✔[/]"
    OUT.print(f"{mark} [bold]{examining.verdict_in(lang, look)}[/] {' '.join(look.codes)}")
    for line in examining.lines_of(look, lang):
        OUT.print(line, markup=False)
    say = examining.say_in(lang)
    if look.not_checked:
        OUT.print(say("not_checked"), markup=False)
        for missing in look.not_checked:
            OUT.print(f"    {missing} {title(missing, lang)}", markup=False)
    if folder:
        OUT.print(say("cli.written", n=len(written), folder=folder), markup=False)
    return code
