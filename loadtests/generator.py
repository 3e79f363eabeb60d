"""Locust as a process of its own, started headless with a plan."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pydantic import BaseModel

from loadtests.plan import PLAN_VARIABLE
from loadtests.processes import start_alone

ROOT = Path(__file__).resolve().parents[1]


def start_locust(
    plan: BaseModel, *, locustfile: Path, host: str, folder: Path, name: str
) -> subprocess.Popen[bytes]:
    """Start Locust on *locustfile* against *host*, in a process group of its own.

    It finds *plan*, which holds passwords, in a file only its user may read. Its words go to
    `{name}.log` in *folder*.
    """
    plan_file = folder / f"{name}.plan.json"
    plan_file.touch(mode=0o600)
    plan_file.write_text(plan.model_dump_json(), encoding="utf-8")
    command = [sys.executable, "-m", "locust", "--headless", "--only-summary"]
    command += ["-f", str(locustfile), "--host", host]
    command += ["--stop-timeout", "5", "--exit-code-on-error", "0"]
    known = os.environ.get("PYTHONPATH", "")
    environment = {**os.environ, PLAN_VARIABLE: str(plan_file)}
    environment["PYTHONPATH"] = os.pathsep.join(part for part in (str(ROOT), known) if part)
    return start_alone(command, environment=environment, log=folder / f"{name}.log")
