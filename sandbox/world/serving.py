"""Starting and stopping: a free port, the checking processes and their minders, the web server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import psutil
import uvicorn
from fastapi import FastAPI

from sandbox.errors import Misuse
from sandbox.settings import FIRST_PORT, LAST_PORT, Settings

STOP_SECONDS = 15.0
"""How long the checking process may take to finish the package in hand."""

PARENT_SECONDS = 2.0
"""How often a checking process looks whether its server is still there."""

RESTART_SECONDS = 1.0
"""Pause before a checking process that died is started again."""


def free_port(host: str, *, asked: int | None) -> int:
    """Return *asked* if it is free, else the next free port up to 8089 (architecture §2).

    Raises `Misuse` when the port asked for by name is taken, or all of them are.
    """
    candidates = (asked,) if asked is not None else range(FIRST_PORT, LAST_PORT + 1)
    for port in candidates:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    taken = str(asked) if asked is not None else f"{FIRST_PORT}–{LAST_PORT}"
    raise Misuse(f"port {taken} is taken", remedy="choose another one with --port")


class Checker:
    """A checking process, kept alive: when it dies it is started again.

    Work is never lost by its death: a package it had claimed is claimed anew (architecture §5).
    *number* counts from 0; the first one also runs what an installation needs only once (fetching
    results and forwarding).
    """

    def __init__(self, settings: Settings, number: int = 0) -> None:
        self._settings, self._number = settings, number
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._minder = threading.Thread(target=self._mind, name="checker", daemon=True)

    def start(self) -> None:
        """Start the process and its minder."""
        self._process = self._spawn()
        self._minder.start()

    def drain(self) -> None:
        """Tell the process to finish what it holds; `stop` waits for it."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Let the process finish what it holds, then end it."""
        self.drain()
        process = self._process
        if process is None:
            return
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _spawn(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **self._settings.as_environment()}
        alone = ["--only-checking"] if self._number else []
        return subprocess.Popen(
            [sys.executable, "-m", "sandbox.cli", "worker", "--with-parent", *alone],
            env=environment,
        )

    def _mind(self) -> None:
        while not self._stopping.is_set():
            process = self._process
            if process is not None:
                process.wait()
            if self._stopping.wait(RESTART_SECONDS):
                return
            self._process = self._spawn()


def serve(settings: Settings, *, build: Callable[[], FastAPI], with_checker: bool = True) -> None:
    """Serve until told to stop (Ctrl-C, SIGTERM); the checking processes go with the server."""
    checkers = [Checker(settings, number) for number in range(settings.checkers * with_checker)]
    for checker in checkers:
        checker.start()
    # The web server raises the signal that ended it once more when it has drained; without a
    # handler of ours the process would die there, and the checking process be left behind.
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    try:
        _run_web(settings, build)
    finally:
        signal.signal(signal.SIGTERM, before)
        for checker in checkers:
            checker.drain()
        for checker in checkers:
            checker.stop()


def _run_web(settings: Settings, build: Callable[[], FastAPI]) -> None:
    target: FastAPI | str = "sandbox.world:app_from_environment"
    if settings.workers == 1:
        target = build()
    else:
        os.environ.update(settings.as_environment())
    uvicorn.run(
        target,
        factory=isinstance(target, str),
        workers=settings.workers,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        log_config=None,  # its lines go where those of the sandbox go
        access_log=False,  # addresses carry visitor tokens; the journal keeps what is needed
        server_header=False,
        timeout_graceful_shutdown=5,
    )


@contextmanager
def stop_on_signal(*, with_parent: bool = False) -> Iterator[threading.Event]:
    """Give an event that is set by SIGTERM or SIGINT, for loops that drain before they end.

    *with_parent*: also set when the process that started this one is gone.
    """
    stop = threading.Event()
    if with_parent:
        parent = os.getppid()

        def watch() -> None:
            while not stop.wait(PARENT_SECONDS):
                if os.getppid() != parent:
                    stop.set()

        threading.Thread(target=watch, name="parent", daemon=True).start()

    def tell(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, tell) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def addresses_of(settings: Settings) -> list[str]:
    """Return the addresses people can type: loopback, and with --lan those of this machine."""
    found = [f"http://127.0.0.1:{settings.port}/"]
    if settings.host in ("0.0.0.0", "::"):
        own = {
            entry.address
            for entries in psutil.net_if_addrs().values()
            for entry in entries
            if entry.family == socket.AF_INET and not entry.address.startswith("127.")
        }
        found += [f"http://{address}:{settings.port}/" for address in sorted(own)]
    return found
