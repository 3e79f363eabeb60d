"""Web and checking processes of a whole installation, forked in milliseconds, to be killed.

One mother process builds the world of the `HOCBA_*` settings once and holds no connection; each
child then does what `hocba serve` and `hocba worker` do. Only the claims are shorter, so that what
a dead process held is soon taken again. The machine's clock is libfaketime's where it is
installed: a file says how far it is off.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NoReturn

import uvicorn
from fastapi import FastAPI

from sandbox.ministry.checking import Worker
from sandbox.settings import read_settings
from sandbox.world.build import World, build_app, build_world
from sandbox.world.crosschecking import look_again
from sandbox.world.serving import stop_on_signal
from sandbox.world.watching import watch

PROJECT = Path(__file__).parents[2]
CLAIM_VARIABLE = "HOCBA_TEST_CLAIM_S"
"""How long a checker holds a package."""
PATIENCE_S = 30.0
FAKETIME = "/usr/lib/*/faketime/libfaketimeMT.so.1"


def free_port() -> int:
    """Return a loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Child:
    """One process: `web` on a port, or `checker`."""

    part: str
    port: int = 0
    pid: int = 0
    born: float = 0.0

    @property
    def alive(self) -> bool:
        """Whether it is running. The mother reaps what died, so none stays as a zombie."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End it and wait until it is gone; with signal 9 no handler runs, nothing is flushed."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        until = time.monotonic() + PATIENCE_S
        while self.alive:
            assert time.monotonic() < until, f"{self.part} does not end"
            time.sleep(0.005)

    def wait_until_open(self) -> None:
        """Wait until the web process listens."""
        until = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert self.alive, "the web process ended while it was starting"
            assert time.monotonic() < until, "the web process does not listen"
            time.sleep(0.01)


@dataclass
class Processes:
    """All processes of one installation and the mother that bears them."""

    environment: dict[str, str]
    folder: Path
    """Where the log and the clock's file lie."""
    webs: list[Child] = field(default_factory=list)
    checkers: list[Child] = field(default_factory=list)
    fakes_time: bool = False
    _mother: subprocess.Popen[str] | None = None
    _log_read: int = 0

    @property
    def log(self) -> Path:
        """What all processes wrote to stdout and stderr."""
        return self.folder / "processes.log"

    @property
    def everyone(self) -> list[Child]:
        """Every process."""
        return [*self.webs, *self.checkers]

    def start(self, *, webs: list[int], checkers: int) -> None:
        """Start the mother, a web process on each port of *webs*, and *checkers*."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HOCBA_")}
        with self.log.open("ab") as log:
            self._mother = subprocess.Popen(
                [sys.executable, "-m", "tests.builders.chaos_processes"],
                cwd=PROJECT,
                env={**kept, **self.environment, **self._faking()},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.webs = [Child("web", port) for port in webs]
        self.checkers = [Child("checker") for _ in range(checkers)]
        for child in self.everyone:
            self.bear(child)
        for web in self.webs:
            web.wait_until_open()

    def _faking(self) -> dict[str, str]:
        found = sorted(Path("/").glob(FAKETIME.lstrip("/")))
        self.fakes_time = bool(found)
        if not found:
            return {}
        self.shift_clock(0)
        return {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / "clock"),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_CACHE_DURATION": "1",
            "NO_FAKE_STAT": "1",
        }

    def shift_clock(self, seconds: int) -> None:
        """Let the machine of all processes be *seconds* ahead of the real one, as of now."""
        draft = self.folder / "clock.new"
        draft.write_text(f"{seconds:+d}\n")
        draft.replace(self.folder / "clock")

    def bear(self, child: Child) -> None:
        """Start *child* (again)."""
        assert self._mother is not None
        assert self._mother.stdin is not None
        assert self._mother.stdout is not None
        print(child.part, child.port, file=self._mother.stdin, flush=True)
        child.pid = int(self._mother.stdout.readline())
        child.born = time.monotonic()

    def news(self) -> str:
        """Return what was logged since the last call."""
        with self.log.open("rb") as log:
            log.seek(self._log_read)
            read = log.read()
        self._log_read += len(read)
        return read.decode(errors="replace")

    def stop(self) -> None:
        """End everything; checkers finish what they hold."""
        for child in self.everyone:
            if child.pid:
                child.kill(signal.SIGTERM)
        if self._mother is not None:
            assert self._mother.stdin is not None
            self._mother.stdin.close()
            self._mother.wait(PATIENCE_S)


def main() -> None:
    """Be the mother: read `part port` lines, answer each with the pid of a new child."""
    world = build_world(read_settings())
    app = build_app(world)
    world.database.close()
    uvicorn.Config(app).load()  # what it would import in each child
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
    born: list[int] = []
    for line in sys.stdin:
        part, port = line.split()
        pid = os.fork()
        if pid == 0:
            _be(partial(_serve, world, app, int(port)) if part == "web" else partial(_check, world))
        born.append(pid)
        print(pid, flush=True)
    for pid in born:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _be(child: Callable[[], None]) -> NoReturn:
    """Be *child* until it is told to end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    code = 0
    try:
        child()
    except SystemExit:
        pass
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stderr.flush()
    os._exit(code)


def _serve(world: World, app: FastAPI, port: int) -> None:
    watch(world, role="web")
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
    )


def _check(world: World) -> None:
    watch(world, role="checker")
    with stop_on_signal() as stop:
        again = threading.Thread(target=look_again, args=(world, stop), name="second verifier")
        again.start()
        Worker(world.ministry, claim_s=float(os.environ[CLAIM_VARIABLE]), idle_s=0.05).run(stop)
        again.join()


if __name__ == "__main__":
    main()
