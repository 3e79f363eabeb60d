"""The one call behind `hocba rehearse`: open a space, write the pack, run, report, tidy up."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.clock import Clock, MachineClock
from sandbox.errors import Misuse, Unavailable
from sandbox.rehearsal.client_program import ClientProgram, split_command
from sandbox.rehearsal.desk import Desk
from sandbox.rehearsal.engine import Limits, Run
from sandbox.rehearsal.pack import Pack, write_pack
from sandbox.rehearsal.results import RunReport, StepReport
from sandbox.rehearsal.scenario import load_scenario
from sandbox.rehearsal.service import keep_run
from sandbox.rehearsal.words import Words
from sandbox.wire.admin import AdminClient, OpenedSpace, OpenSpaceRequest

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A running sandbox: where it is, and the admin token from its data folder."""

    base_url: str
    admin_token: str


def rehearse(
    scenario: str | Path,
    *,
    client: str,
    installation: Installation,
    language: str = "vi",
    omit: Sequence[str] = (),
    limits: Limits | None = None,
    keep: Path | None = None,
    history: Path | None = None,
    clock: Clock | None = None,
    stop: threading.Event | None = None,
    on_step: Callable[[StepReport], None] = lambda _: None,
) -> RunReport:
    """Run *scenario* (a name such as `basics/first-submission`, or a file) against *client*.

    *client* is a command line; it is started with the variables of `scenarios/README.md` and
    ended with all its children before this returns. *keep* is a folder the pack is written to
    and left in, and then the space is kept too; otherwise both are forgotten. *history* is the
    folder of run reports (`rehearsals` in the data folder) that page /dien-tap lists.

    Raises `Misuse` (exit 2) for a bad scenario, command or token, `Unavailable` (exit 3) when no
    space could be opened. Everything that happens after that is in the report.
    """
    name, content = load_scenario(scenario)
    for unknown in set(omit) - {step.id for step in content.steps}:
        known = ", ".join(step.id for step in content.steps)
        raise Misuse(f"--omit {unknown}", remedy=known)
    command = split_command(client)
    with contextlib.ExitStack() as stack:
        admin = stack.enter_context(
            AdminClient(installation.base_url, token=installation.admin_token)
        )
        request = OpenSpaceRequest(ke_hoach=content.plan, tieu_de=f"{name}"[:120])
        space = admin.open_space(request)
        if keep is None:
            stack.callback(_forget, admin, space)
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hocba-")))
        pack = write_pack(folder / "pack", space=space, scenario=content)
        program = stack.enter_context(ClientProgram(command, variables=pack.variables(space)))
        run = Run(
            name=name,
            scenario=content,
            space=space,
            pack=pack,
            desk=Desk(admin, space.dia_chi.cong, account=pack.school()),
            program=program,
            clock=clock or MachineClock(),
            words=Words(language),
            limits=limits or Limits(),
            omit=omit,
            stop=stop or threading.Event(),
            on_step=on_step,
        )
        report = run.go(client=client)
        if history is not None:
            keep_run(report, folder=history)
    return report


def prepare_pack(
    scenario: str | Path, *, folder: Path, installation: Installation
) -> tuple[OpenedSpace, Pack]:
    """Open a space that stays, and write its pack into *folder*: for trying things by hand.

    Raises as `rehearse`, and `Misuse` when *folder* already holds a pack.
    """
    name, content = load_scenario(scenario)
    if (folder / "pack.json").exists():
        raise Misuse(str(folder), remedy="a folder without a pack")
    with AdminClient(installation.base_url, token=installation.admin_token) as admin:
        space = admin.open_space(OpenSpaceRequest(ke_hoach=content.plan, tieu_de=name[:120]))
        return space, write_pack(folder, space=space, scenario=content)


def _forget(admin: AdminClient, space: OpenedSpace) -> None:
    """Delete the space; a sandbox that died meanwhile is no reason to lose the report."""
    try:
        admin.delete_space(space.khong_gian)
    except (Unavailable, Misuse) as error:
        LOG.warning("space %s was not deleted: %s", space.khong_gian, error)
