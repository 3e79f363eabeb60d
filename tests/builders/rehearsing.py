"""Running a scenario in a test: shipped and throw-away clients, and the desk's fault plans."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

from sandbox.rehearsal import Installation, Limits, RunReport, rehearse
from sandbox.wire.admin import ADMIN_PATH, FaultPlan
from tests.builders.running import PROJECT, RunningSandbox

SCENARIO = "basics/first-submission"
CLIENTS = PROJECT / "scenarios" / "clients"


def shipped(name: str) -> str:
    """Return the command line of a client in scenarios/clients."""
    return f"{sys.executable} {CLIENTS / name}.py"


def written(folder: Path, code: str) -> str:
    """Return the command line of a client made of *code*, which may import the reference one."""
    file = folder / "client.py"
    head = f"import sys\nsys.path.insert(0, {str(CLIENTS)!r})\n"
    file.write_text(head + textwrap.dedent(code), encoding="utf-8")
    return f"{sys.executable} -u {file}"


def run(sandbox: RunningSandbox, client: str, **changes: Any) -> RunReport:
    """Rehearse the first scenario against *client*; steps end after 20 s unless told otherwise."""
    arguments = {
        "client": client,
        "installation": Installation(
            base_url=sandbox.base_url, admin_token=sandbox.secrets["admin_token"]
        ),
        "limits": Limits(step_s=20),
        **changes,
    }
    return rehearse(arguments.pop("scenario", SCENARIO), **arguments)


def results(report: RunReport) -> dict[str, str]:
    """Return the result of each step by its id."""
    return {step.id: step.result.value for step in report.steps}


def latest_space(sandbox: RunningSandbox, *, title: str = SCENARIO) -> str:
    """Return the id of the space a running rehearsal has to itself."""
    with sandbox.admin() as admin:
        rows = admin.call("GET", f"{sandbox.base_url}{ADMIN_PATH}/khong-gian")
    return next(row["khong_gian"] for row in reversed(rows) if row["tieu_de"] == title)


def lay_faults(sandbox: RunningSandbox, space: str, **plan: Any) -> None:
    """Lay a fault plan over the edge of the space's Cổng."""
    desk = f"{sandbox.base_url}/s/{space}/kho/so/48"
    with sandbox.admin() as admin:
        admin.set_faults(desk, FaultPlan(**plan))
