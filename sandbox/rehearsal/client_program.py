"""The program under test: started with its environment, watched, and ended with all its children.

What it prints is kept (the last `KEPT_OUTPUT` bytes) for the report; it is never judged.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from sandbox.errors import Misuse

USAGE = "--client 'PROGRAM ARGUMENT …'"

KEPT_OUTPUT = 8_192
TERM_SECONDS = 3.0
"""How long the program has between being asked to end and being killed."""


def split_command(command: str) -> list[str]:
    """Return the words of *command* as a shell would split them.

    Raises `Misuse` for an empty command, open quotes or a program that is not there.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise Misuse(f"--client {command!r}: {error}", remedy=USAGE) from error
    if not words:
        raise Misuse("--client ''", remedy=USAGE)
    if shutil.which(words[0]) is None:
        raise Misuse(f"--client {words[0]}: not found or not executable", remedy="PATH")
    return words


class ClientProgram:
    """A running client; leaving the context kills its whole process group."""

    def __init__(self, words: list[str], *, variables: Mapping[str, str]) -> None:
        """Start *words* with *variables* added to the environment.

        Variables of the sandbox's own (`HOCBA_*`) are not inherited: the client gets what a
        provider would be given, and nothing else.
        """
        environment = {k: v for k, v in os.environ.items() if not k.startswith("HOCBA_")}
        self._process = subprocess.Popen(
            words,
            env={**environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._tail = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def exit_code(self) -> int | None:
        """Exit code once the program has ended by itself or was ended."""
        return self._process.poll()

    def wait(self, seconds: float) -> int | None:
        """Wait for the program to end by itself; None when it has not."""
        try:
            return self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        """End the program and everything it started: asked first, killed after a moment."""
        self._signal(signal.SIGTERM)
        self.wait(TERM_SECONDS)
        self._signal(signal.SIGKILL)
        self.wait(TERM_SECONDS)

    def output(self) -> str:
        """Return the last lines it printed, without control characters."""
        if self.exit_code is not None:
            self._reader.join(timeout=1.0)
        text = bytes(self._tail).decode("utf-8", errors="replace")
        return "".join(c for c in text if c.isprintable() or c in "\n\t")

    def _read(self) -> None:
        """Keep the tail of what is printed: a talkative client must not fill memory or disk."""
        pipe = self._process.stdout
        if pipe is None:
            return
        while chunk := os.read(pipe.fileno(), 4096):
            self._tail += chunk
            del self._tail[:-KEPT_OUTPUT]

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return
