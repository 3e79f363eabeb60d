"""What Locust loads for a volume run: users that send a corpus, their shape, every call kept.

Started by `loadtests.volume.run`, which makes the plan; by hand:
`LOADTEST_PLAN=plan.json locust --headless -f loadtests/volume/locustfile.py`.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import gevent
from locust import events

from loadtests.plan import PLAN_VARIABLE
from loadtests.shapes import SHAPES
from loadtests.volume.plan import VolumePlan
from loadtests.volume.recorder import CLOCK, Recorder
from loadtests.volume.users import NationUser, numbers, sources_of

TELL_EVERY_S = 0.5

PLAN = VolumePlan.model_validate_json(Path(os.environ[PLAN_VARIABLE]).read_text(encoding="utf-8"))
RECORDER = Recorder(PLAN)

random.seed(PLAN.profile.seed)

Nation = type(
    "Nation",
    (NationUser,),
    {
        "abstract": False,
        "host": PLAN.desk,
        "plan": PLAN,
        "recorder": RECORDER,
        "sources": sources_of(Path(PLAN.sources_file)),
        "slots": numbers(),
        "poisons": numbers(),
        "alive": [],
        "began": CLOCK.epoch(),
    },
)
Shape = type("Shape", (SHAPES[PLAN.profile.shape.kind],), {"abstract": False, "plan": PLAN})


def begin(environment: Any, **_: Any) -> None:
    """Start telling how far the process is; an open loop begins now."""
    Nation.began = CLOCK.epoch()  # type: ignore[attr-defined]
    gevent.spawn(_tell)


def _tell() -> None:
    while True:
        RECORDER.tell_progress()
        gevent.sleep(TELL_EVERY_S)


def keep_what_was_seen(environment: Any, **_: Any) -> None:
    """Write what was seen; figures and verdict are made outside."""
    runner = environment.runner
    RECORDER.write(overloaded=bool(runner and runner.cpu_warning_emitted))


events.test_start.add_listener(begin)  # type: ignore[no-untyped-call]
events.quitting.add_listener(keep_what_was_seen)  # type: ignore[no-untyped-call]
