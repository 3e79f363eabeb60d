"""A real, whole sandbox for tests: `hocba up` in a folder of its own, on a free loopback port."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sandbox.wire.admin import AdminClient, OpenedSpace, OpenSpaceRequest

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 90.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class RunningSandbox:
    """A sandbox that is up. `stop` and `start` keep its data."""

    data: Path
    port: int
    database: str | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def secrets(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.data / "secrets.json").read_text())
        return found

    def admin(self) -> AdminClient:
        return AdminClient(self.base_url, token=self.secrets["admin_token"])

    def open_space(self, plan: str = "rehearsal", **values: Any) -> OpenedSpace:
        with self.admin() as admin:
            request = OpenSpaceRequest(ke_hoach=plan, tieu_de="test", **values)  # type: ignore[arg-type]
            return admin.open_space(request)

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HOCBA_")}
        return (
            kept
            | {"HOCBA_DATA": str(self.data)}
            | ({"HOCBA_DATABASE": self.database} if self.database else {})
        )

    def start(self) -> None:
        log = (self.data.parent / f"{self.data.name}.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.cli", "up", "--port", str(self.port)],
            cwd=PROJECT,
            env=self.environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        self.wait_until_up()

    def wait_until_up(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError(
                    f"hocba up ended with {self.process.returncode}:\n{self.log()}"
                )
            try:
                if httpx.get(self.base_url + "/", timeout=2, trust_env=False).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError(f"hocba up did not answer in {START_SECONDS:.0f} s:\n{self.log()}")

    def log(self) -> str:
        file = self.data.parent / f"{self.data.name}.log"
        return file.read_text(errors="replace")[-4000:] if file.exists() else ""

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def kill(self) -> None:
        """End web and checking process at once, as a power cut would."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def hocba(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command against this installation's data."""
        return subprocess.run(
            [sys.executable, "-m", "sandbox.cli", *arguments],
            cwd=PROJECT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


@contextmanager
def running(folder: Path, *, database: str | None = None) -> Iterator[RunningSandbox]:
    """Give a sandbox that is up, and end it with all its processes."""
    sandbox = RunningSandbox(folder / "data", free_port(), database)
    sandbox.data.mkdir(parents=True, exist_ok=True)
    try:
        sandbox.start()
        yield sandbox
    finally:
        sandbox.stop()
