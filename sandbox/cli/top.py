"""`hocba top`: what an installation is doing, live in the terminal or as JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sandbox.cli.speaking import OUT, Exit, answers, words
from sandbox.errors import Unavailable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from sandbox.wire.metrics import Reading

BAR = 14
"""Width of a bar; all tables fit into 80 columns."""
DEFAULT_URL = "http://127.0.0.1:8080"
Say = Callable[..., str]


@answers
def top(
    url: Annotated[
        str, typer.Argument(help="Installation, or a space of it: …/s/SPACE")
    ] = DEFAULT_URL,
    once: Annotated[bool, typer.Option("--once", help="Look once and leave")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Answer with JSON, one line a look")
    ] = False,
    every: Annotated[float, typer.Option(min=0.5, max=60, help="Seconds between looks")] = 2.0,
    data: Annotated[
        Path | None, typer.Option(help="Data folder (HOCBA_DATA): its token shows all spaces")
    ] = None,
    lang: Annotated[str, typer.Option("--lang", help="vi or en")] = "vi",
) -> Exit:
    """Show queue, rates, steps and processes of a running sandbox; Ctrl-C leaves."""
    from sandbox.wire.metrics import read_metrics

    token = _token(data)
    say = words(lang)

    def look() -> Reading:
        return read_metrics(url, token=token)

    try:
        if as_json:
            _tell(look, every=None if once else every)
        elif once or not OUT.is_terminal:
            OUT.print(screen(seen(look()), url=url, say=say))
        else:
            _live(look, every=every, url=url, say=say)
    except KeyboardInterrupt:
        return Exit.FINE
    return Exit.FINE


def _token(data: Path | None) -> str | None:
    """Return the token of the installation in the data folder, if there is one; makes nothing."""
    file = (data or Path(os.environ.get("HOCBA_DATA", "data"))) / "secrets.json"
    try:
        found = json.loads(file.read_text())["admin_token"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(found)


def _tell(look: Callable[[], Reading], *, every: float | None) -> None:
    while True:
        sys.stdout.write(json.dumps(seen(look())) + "\n")
        sys.stdout.flush()
        if every is None:
            return
        time.sleep(every)


def _live(look: Callable[[], Reading], *, every: float, url: str, say: Say) -> None:
    """Draw until Ctrl-C; an installation that is away for a while is waited for."""
    from rich.live import Live

    earlier: list[Reading] = [look()]
    with Live(
        screen(seen(earlier[-1]), url=url, say=say), console=OUT, screen=True, auto_refresh=False
    ) as live:
        while True:
            time.sleep(every)
            try:
                earlier = [*earlier[-30:], look()]
            except Unavailable as away:
                live.update(say("top.away", reason=str(away)), refresh=True)
                continue
            live.update(
                screen(seen(earlier[-1], before=earlier[0]), url=url, say=say), refresh=True
            )


def seen(now: Reading, *, before: Reading | None = None) -> dict[str, Any]:
    """Return what *now* says, as `--json` prints it; steps since *before* where one is given."""
    settled = now.sum("settled_packages_per_second")
    waiting = now.sum("queue_waiting") + now.sum("queue_claimed")
    return {
        "all_spaces": now.whole,
        "open": waiting,
        "oldest_seconds": max((value for _, value in now.of("queue_oldest_seconds")), default=0.0),
        "received_packages_per_second": now.sum("received_packages_per_second"),
        "settled_packages_per_second": settled,
        "settled_records_per_second": now.sum("settled_records_per_second"),
        "drained_seconds": _drained(waiting, settled),
        "accepted": now.sum("records_accepted_total"),
        "refused": now.sum("records_refused_total"),
        "desks": _desks(now),
        "steps": _steps(now, before),
        "processes": _processes(now),
        "caches": _caches(now),
        "database_bytes": now.sum("database_bytes"),
        "disk_free_bytes": now.sum("disk_free_bytes"),
    }


def _drained(waiting: float, settled: float) -> float | None:
    if not waiting:
        return 0.0
    return waiting / settled if settled else None


def _desks(now: Reading) -> list[dict[str, Any]]:
    names = (
        "queue_waiting",
        "queue_claimed",
        "queue_oldest_seconds",
        "received_packages_per_second",
        "settled_packages_per_second",
        "settled_records_per_second",
    )
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for name in names:
        for said, value in now.of(name):
            place = (said["space"], said["desk"])
            found.setdefault(place, {"space": place[0], "desk": place[1]} | dict.fromkeys(names, 0))
            found[place][name] = value
    return [found[place] for place in sorted(found)]


def _steps(now: Reading, before: Reading | None) -> list[dict[str, Any]]:
    seconds = _since(now, before, "step_seconds_sum")
    counts = _since(now, before, "step_seconds_count")
    whole = sum(seconds.values())
    return [
        {
            "step": step,
            "share": spent / whole if whole else 0.0,
            "mean_ms": 1e3 * spent / counts[step] if counts.get(step) else 0.0,
        }
        for step, spent in seconds.items()
    ]


def _since(now: Reading, before: Reading | None, name: str) -> dict[str, float]:
    """Return *name* by step since *before*; since the beginning when nothing happened since."""
    found = now.by(name, "step")
    if before is None:
        return found
    old = before.by(name, "step")
    lately = {step: value - old.get(step, 0.0) for step, value in found.items()}
    return lately if any(value > 0 for value in lately.values()) else found


def _processes(now: Reading) -> list[dict[str, Any]]:
    shares, ups = now.by("process_cpu_share", "process"), now.by("process_up_seconds", "process")
    silent = now.by("process_silent_seconds", "process")
    return [
        {
            "process": said["process"],
            "role": said["role"],
            "memory_bytes": memory,
            "cpu_share": shares.get(said["process"], 0.0),
            "up_seconds": ups.get(said["process"], 0.0),
            "silent_seconds": silent.get(said["process"], 0.0),
        }
        for said, memory in now.of("process_memory_bytes")
    ]


def _caches(now: Reading) -> dict[str, dict[str, float]]:
    hits, misses = now.by("cache_hits_total", "cache"), now.by("cache_misses_total", "cache")
    return {
        name: {"hits": hits.get(name, 0.0), "misses": misses.get(name, 0.0)}
        for name in sorted(hits.keys() | misses.keys())
    }


def screen(told: dict[str, Any], *, url: str, say: Say) -> RenderableType:
    """Return what is drawn."""
    from rich.console import Group

    away = told["drained_seconds"]
    head = say(
        "top.head",
        url=url,
        scope=say("top.all" if told["all_spaces"] else "top.one"),
        records=f"{told['settled_records_per_second']:.1f}",
        packages=f"{told['settled_packages_per_second']:.2f}",
        received=f"{told['received_packages_per_second']:.2f}",
        open=f"{told['open']:.0f}",
        oldest=span(told["oldest_seconds"]),
        drained="—" if away is None else span(away),
    )
    parts: list[RenderableType] = [head]
    if told["desks"]:
        parts.append(_desk_table(told["desks"], say))
    if told["steps"]:
        parts.append(_step_table(told["steps"], say))
    parts.append(_process_table(told["processes"], say))
    if told["caches"]:
        parts.append(_cache_table(told["caches"], say))
    parts.append(
        say(
            "top.foot",
            accepted=f"{told['accepted']:.0f}",
            refused=f"{told['refused']:.0f}",
            database=f"{told['database_bytes'] / 1e6:.1f}",
            disk=f"{told['disk_free_bytes'] / 1e9:.1f}",
        )
    )
    return Group(*parts)


def _table(titles: Iterable[str], *, left: int = 1) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, highlight=False)
    for number, title in enumerate(titles):
        table.add_column(title, justify="left" if number < left else "right", no_wrap=True)
    return table


def _desk_table(desks: list[dict[str, Any]], say: Say) -> Table:
    table = _table((say("top.desk"), "", *(say(f"top.desk.{n}") for n in "12345")), left=2)
    opened = [desk["queue_waiting"] + desk["queue_claimed"] for desk in desks]
    most = max(opened, default=0.0)
    for desk, waiting in zip(desks, opened, strict=True):
        table.add_row(
            f"{desk['space']}/{desk['desk']}",
            bar(waiting / most if most else 0.0),
            f"{waiting:.0f}",
            span(desk["queue_oldest_seconds"]),
            f"{desk['received_packages_per_second']:.2f}",
            f"{desk['settled_packages_per_second']:.2f}",
            f"{desk['settled_records_per_second']:.1f}",
        )
    return table


def _step_table(steps: list[dict[str, Any]], say: Say) -> Table:
    table = _table((say("top.step"), "", "%", say("top.step.ms")), left=2)
    for step in steps:
        number = f"{step['step']}. " if step["step"][0].isdigit() else ""
        name = number + say("top.step." + step["step"])
        share = f"{100 * step['share']:.1f}"
        table.add_row(name, bar(step["share"]), share, f"{step['mean_ms']:.2f}")
    return table


def _process_table(processes: list[dict[str, Any]], say: Say) -> Table:
    table = _table((say("top.process"), "", "CPU %", say("top.memory"), say("top.up")), left=2)
    for row in processes:
        table.add_row(
            row["process"],
            bar(min(1.0, row["cpu_share"])),
            f"{100 * row['cpu_share']:.0f}",
            f"{row['memory_bytes'] / 1e6:.0f}",
            span(row["up_seconds"]),
        )
    return table


def _cache_table(caches: dict[str, dict[str, float]], say: Say) -> Table:
    table = _table((say("top.cache"), "", "%", say("top.looks")), left=2)
    for name, counts in caches.items():
        looks = counts["hits"] + counts["misses"]
        share = counts["hits"] / looks if looks else 0.0
        table.add_row(name, bar(share), f"{100 * share:.1f}", f"{looks:.0f}")
    return table


def bar(share: float) -> str:
    """Return a bar of `BAR` signs, at least one when there is anything."""
    full = round(BAR * share)
    if share > 0:
        full = max(1, full)
    return f"[blue]{'█' * full}[/][dim]{'·' * (BAR - full)}[/]"


def span(seconds: float) -> str:
    """Return a stretch of time as `12 s`, `3:05` or `2:07:30`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
