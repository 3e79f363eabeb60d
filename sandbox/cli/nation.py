"""`hocba nation`: corpora of the invented nation."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from sandbox.cli.speaking import OUT, Exit, answers, print_json, progress_bar, words
from sandbox.errors import Misuse
from sandbox.settings import read_settings

if TYPE_CHECKING:
    from rich.progress import Progress

    from sandbox.corpora import Order, SchoolRow

STANDARD_OUTPUT = Path("-")


@answers
def nation(
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder; - streams to standard output; none: only hashes"),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help="xml zstd requests unsigned csv parquet")
    ] = "xml",
    year: Annotated[str, typer.Option(help="School year")] = "2024-2025",
    province: Annotated[str | None, typer.Option(help="Code of a province of that year")] = None,
    school: Annotated[
        str | None, typer.Option(help="Number 1-14661, a range 7000-7100, or a code")
    ] = None,
    class_name: Annotated[
        str | None, typer.Option("--class", help="Name of one class, with --school")
    ] = None,
    grade: Annotated[int | None, typer.Option(min=1, max=5)] = None,
    share: Annotated[str, typer.Option(help="Share of the classes: 0.01 or 1%")] = "1",
    package: Annotated[str, typer.Option(help="A package holds: class or school")] = "class",
    rsa: Annotated[str, typer.Option(help="Share of schools with RSA-2048 keys")] = "0",
    dirty: Annotated[
        list[str] | None,
        typer.Option(help="Share of faulty records: 0.02, SBX-3002=1%, decimal_comma=0.001"),
    ] = None,
    seed: Annotated[str | None, typer.Option(help="Of people, results and keys")] = None,
    processes: Annotated[int, typer.Option(min=1, max=64)] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on in the folder")] = False,
    data: Annotated[Path | None, typer.Option(help="Data folder (HOCBA_DATA)")] = None,
    lang: Annotated[str, typer.Option("--lang", help="vi or en")] = "vi",
    as_json: Annotated[bool, typer.Option("--json", help="Answer with the manifest")] = False,
) -> Exit:
    """Make records of the invented nation: sign, pack, write, with a manifest."""
    from sandbox.corpora import make, stream

    order = _order(
        form=form, year=year, province=province, school=school, class_name=class_name,
        grade=grade, share=share, package=package, rsa=rsa, dirty=dirty or [], seed=seed, data=data,
    )  # fmt: skip
    if out is None or out == STANDARD_OUTPUT:
        if processes > 1 or resume:
            raise Misuse("--processes, --resume", remedy="--out FOLDER")
        with _sink(out) as target, _shown(lang) as shown:
            manifest = stream(order, target, on_total=shown.begin, on_school=shown.step)
    else:
        with _shown(lang) as shown:
            manifest = make(
                order, out, processes=processes, resume=resume,
                on_total=shown.begin, on_school=shown.step,
            )  # fmt: skip
    _print(manifest, out, lang=lang, as_json=as_json)
    return Exit.FINE


@answers
def register_corpus(
    folder: Annotated[Path, typer.Argument(help="Folder of a signed corpus (hocba nation --out)")],
    desk: Annotated[str, typer.Option(help="Address of the desk: …/kho or …/kho/so/48")],
    limits: Annotated[str, typer.Option(help="Call limits of the accounts: truong or so")] = "so",
    data: Annotated[Path | None, typer.Option(help="Data folder (HOCBA_DATA)")] = None,
    lang: Annotated[str, typer.Option("--lang", help="vi or en")] = "vi",
    as_json: Annotated[bool, typer.Option("--json", help="Answer with JSON")] = False,
) -> Exit:
    """Enter a corpus's schools, accounts and seals at a desk, so that it takes the packages."""
    from sandbox.world.registering import register_corpus as register

    if limits not in ("truong", "so"):
        raise Misuse(f"--limits {limits}", remedy="truong, so")
    with _shown(lang) as shown:
        done = register(
            folder, desk, settings=read_settings(data=data),
            limits="so" if limits == "so" else "truong",
            on_total=shown.begin, on_schools=shown.advance,
        )  # fmt: skip
    if as_json:
        print_json(asdict(done))
    else:
        said = {k: v for k, v in asdict(done).items() if k != "accounts_file"}
        OUT.print(words(lang)("register.done", file=done.accounts_file, **said), markup=False)
    return Exit.FINE


def _order(**said: Any) -> Order:
    """Return the order that the options make. Raises `Misuse` for what does not exist."""
    from sandbox.corpora import Form, Order, Packing
    from sandbox.corpora.finding import class_of, rates_of, schools_of, share_of
    from sandbox.synthetic import DEFAULT_SEED
    from sandbox.synthetic.nation import Nation, Slice

    settings = read_settings(data=said["data"])
    seed = said["seed"] or DEFAULT_SEED
    try:
        opened = Nation(seed, school_year=said["year"])
        form, packing = Form(said["form"]), Packing(said["package"])
    except ValueError as error:
        raise Misuse(str(error), remedy="hocba nation --help") from error
    schools = schools_of(opened, said["school"]) if said["school"] else None
    index = None
    if said["class_name"]:
        if schools is None or schools[0] != schools[1]:
            raise Misuse(f"--class {said['class_name']}", remedy="--school …")
        index = class_of(opened, schools[0], said["class_name"])
    dirty = rates_of(said["dirty"])
    if dirty and not form.is_signed:
        raise Misuse("--dirty", remedy="--format xml, zstd or requests")
    return Order(
        seed=seed,
        authority_seed=settings.seed,
        school_year=said["year"],
        part=Slice(
            province=said["province"],
            schools=schools,
            class_index=index,
            grade=said["grade"],
            per_mille=share_of("--share", said["share"], 1_000),
        ),
        form=form,
        packing=packing,
        rsa_per_mille=share_of("--rsa", said["rsa"], 1_000),
        dirty=dirty,
        pool_folder=settings.data / "rsa",
    )


@contextmanager
def _sink(out: Path | None) -> Iterator[BinaryIO]:
    if out is None:
        with Path("/dev/null").open("wb") as target:
            yield target
    else:
        yield sys.stdout.buffer


class _Shown:
    """How far the work is, on standard error."""

    def __init__(self, bar: Progress, lang: str) -> None:
        self._bar = bar
        self._say = words(lang)
        self._records = 0
        self._task = bar.add_task(self._say("nation.schools", records=0), total=None)

    def begin(self, schools: int) -> None:
        self._bar.update(self._task, total=schools)

    def step(self, row: SchoolRow) -> None:
        self._records += row.records
        said = self._say("nation.schools", records=self._records)
        self._bar.update(self._task, advance=1, description=said)

    def advance(self, schools: int) -> None:
        self._bar.update(self._task, advance=schools, description=self._say("register.schools"))


@contextmanager
def _shown(lang: str) -> Iterator[_Shown]:
    with progress_bar() as bar:
        yield _Shown(bar, lang)


def _print(manifest: dict[str, Any], out: Path | None, *, lang: str, as_json: bool) -> None:
    if out == STANDARD_OUTPUT:
        sys.stderr.write(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")
        return
    if as_json:
        print_json(manifest)
        return
    say = words(lang)
    for name in ("schools", "packages", "records", "xml_bytes", "sha256"):
        OUT.print(f"{name}: {manifest[name]}", markup=False)
    for code, count in manifest.get("truth", {}).get("by_code", {}).items():
        OUT.print(f"  {code}: {count}", markup=False)
    for reason, count in manifest.get("cases_2026", {}).get("by_reason", {}).items():
        OUT.print(f"  cases_2026 {reason}: {count}", markup=False)
    if out is not None:
        OUT.print(say("nation.done", folder=out), markup=False)
