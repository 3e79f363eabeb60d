"""What every serving process does beside its work: it reports figures and tells what it does."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

from sandbox.logs import configure
from sandbox.ministry.metering_writer import Recorder

if TYPE_CHECKING:
    from sandbox.world.build import World


def watch(world: World, *, role: str) -> Recorder:
    """Report the figures of this process, `web` or `checker`, until it ends; set its log lines."""
    configure(world.settings.logging)
    recorder = Recorder(world.ministry, role=role, folder=world.settings.data)
    recorder.start()
    atexit.register(recorder.stop)
    return recorder
