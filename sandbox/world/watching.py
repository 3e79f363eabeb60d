"""Every serving process reports its figures: started with it, and told a last time at its end."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

from sandbox.ministry.metering_writer import Recorder

if TYPE_CHECKING:
    from sandbox.world.build import World


def watch(world: World, *, role: str) -> Recorder:
    """Report the figures of this process, `web` or `checker`, until it ends."""
    recorder = Recorder(world.ministry, role=role, folder=world.settings.data)
    recorder.start()
    atexit.register(recorder.stop)
    return recorder
