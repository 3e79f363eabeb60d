"""A web or checking process of its own, to be killed: started by `Process`."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from sandbox import web
from sandbox.clock import MachineClock
from sandbox.ministry import MinistryService, http
from sandbox.ministry.checking import Worker
from sandbox.pki import Trust
from sandbox.web import Database, Spaces
from tests.builders.ministry import MINISTRY, authority

CLAIM_S = 1.0
"""Short, so that a dead worker's packages are soon taken again."""
PROJECT = Path(__file__).parents[2]


@dataclass
class Process:
    """One killable process."""

    part: str
    database_url: str
    responders_url: str
    port: int = 0
    running: subprocess.Popen[str] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        arguments = [self.part, self.database_url, self.responders_url, str(self.port)]
        self.running = subprocess.Popen(
            [sys.executable, "-m", "tests.builders.ministry_process", *arguments],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.running.stdout is not None
        assert self.running.stdout.readline().strip() == "ready"

    def kill(self) -> None:
        """Kill it with signal 9: no handler runs, nothing is flushed."""
        assert self.running is not None
        self.running.kill()
        self.running.wait()
        assert self.running.returncode == -signal.SIGKILL

    def terminate(self) -> int:
        """Ask it to stop and return its exit code."""
        assert self.running is not None
        self.running.terminate()
        return self.running.wait(timeout=30)


def free_port() -> int:
    """Return a loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(part: str, database_url: str, responders_url: str, port: str) -> None:
    """Run one part until it is asked to stop, or killed."""
    clock = MachineClock()
    database = Database(database_url)
    spaces = Spaces(database, clock)
    trust = Trust(authority().issuer_certificates)
    service = MinistryService(database, clock, spaces, trust, responders_url)
    if part == "worker":
        _work(service)
    else:
        _serve(service, database, spaces, clock, int(port))


def _work(service: MinistryService) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("ready", flush=True)
    Worker(service, claim_s=CLAIM_S, idle_s=0.02).run(stop)


def _serve(
    service: MinistryService, database: Database, spaces: Spaces, clock: MachineClock, port: int
) -> None:
    app = web.application()
    app.state.admin_token = "none"
    skin = web.Skin({"ministry": MINISTRY / "templates"}, [MINISTRY / "locale"])
    web.install(app, skin=skin, database=database, spaces=spaces, clock=clock, secret=b"tests")
    for router in http.routers(service):
        app.include_router(router)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    threading.Thread(target=_tell_when_started, args=(server,), daemon=True).start()
    server.run()


def _tell_when_started(server: uvicorn.Server) -> None:
    while not server.started:
        time.sleep(0.01)
    print("ready", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
