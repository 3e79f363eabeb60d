"""Programs started for a measurement: in a group of their own, and gone with all they started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from sandbox.errors import Unavailable

_LOOK_EVERY_S: Final = 0.05
_NO_PROXY: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_port() -> int:
    """Return a port of this machine that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_alone(
    command: Sequence[str], *, environment: Mapping[str, str], log: Path, cwd: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start *command* in a process group of its own; what it says is appended to *log*."""
    with log.open("ab") as stream:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait_until_answered(
    url: str, process: subprocess.Popen[bytes], *, within_s: float, log: Path
) -> None:
    """Wait until *url* answers. Raises `Unavailable` with the end of *log* when it does not."""
    end = time.monotonic() + within_s
    while time.monotonic() < end and process.poll() is None:
        try:
            with _NO_PROXY.open(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(_LOOK_EVERY_S)
    raise Unavailable(f"{url} does not answer: {log.read_text(errors='replace')[-2000:]}")


def end_group(process: subprocess.Popen[bytes], *, within_s: float) -> None:
    """End *process*, politely for *within_s* seconds, and whatever it started."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=within_s)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
