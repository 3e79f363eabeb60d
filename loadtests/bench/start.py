"""Cold start and memory of `hocba up`: the real command, in a data folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

WITHIN_S = 90.0
"""A start that takes longer is reported as a failure, not as a figure."""
SETTLE_S = 2.0


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
    port = _free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HOCBA_")}
    command = [str(Path(sys.executable).with_name("hocba")), "up"]
    command += ["--port", str(port), "--data", str(data)]
    began = time.perf_counter()
    with (data / "up.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/", process, log=data / "up.log")
        yield time.perf_counter() - began, process.pid
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _wait_for(url: str, process: subprocess.Popen[bytes], *, log: Path) -> None:
    end = time.perf_counter() + WITHIN_S
    while time.perf_counter() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"hocba up did not answer: {log.read_text(errors='replace')[-2000:]}")


def _memory(pid: int) -> tuple[float, int]:
    """Return MB resident in the process and all below it, and how many these are."""
    root = psutil.Process(pid)
    tree = [root, *root.children(recursive=True)]
    return sum(process.memory_info().rss for process in tree) / 1_048_576, len(tree)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
