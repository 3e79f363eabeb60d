"""Cold start and memory of `hocba up`: the real command, in a data folder of its own."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from loadtests.processes import end_group, free_port, start_alone, wait_until_answered

WITHIN_S = 90.0
"""A start that takes longer is reported as a failure, not as a figure."""
SETTLE_S = 2.0
STOP_S = 20.0


def measure() -> dict[str, float]:
    """Return seconds until `/` answers (first start, second start) and MB of the process tree."""
    with tempfile.TemporaryDirectory(prefix="hocba-bench-") as folder:
        with _up(Path(folder)) as (first, pid):
            time.sleep(SETTLE_S)
            memory, processes = _memory(pid)
        with _up(Path(folder)) as (second, _):
            pass
    return {
        "cold_start_s": round(first, 2),
        "second_start_s": round(second, 2),
        "memory_mb": round(memory, 1),
        "processes": processes,
    }


@contextmanager
def _up(data: Path) -> Iterator[tuple[float, int]]:
    """Start `hocba up` and yield how long it took to answer, and its process id."""
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HOCBA_")}
    command = [str(Path(sys.executable).with_name("hocba")), "up"]
    command += ["--port", str(port), "--data", str(data)]
    began = time.perf_counter()
    log = data / "up.log"
    process = start_alone(command, environment=environment, log=log)
    try:
        wait_until_answered(f"http://127.0.0.1:{port}/", process, within_s=WITHIN_S, log=log)
        yield time.perf_counter() - began, process.pid
    finally:
        end_group(process, within_s=STOP_S)


def _memory(pid: int) -> tuple[float, int]:
    """Return MB resident in the process and all below it, and how many these are."""
    root = psutil.Process(pid)
    tree = [root, *root.children(recursive=True)]
    return sum(process.memory_info().rss for process in tree) / 1_048_576, len(tree)
