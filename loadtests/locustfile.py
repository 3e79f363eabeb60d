"""What Locust loads: the plan's persona and shape, bounded, seeded, with every sample kept.

Started by `loadtests.run`, which makes the plan; by hand:
`LOADTEST_PLAN=plan.json locust --headless -f loadtests/locustfile.py`.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

from locust import events

from loadtests.personas import PERSONAS, turns
from loadtests.plan import PLAN_VARIABLE, Plan
from loadtests.recorder import Recorder
from loadtests.shapes import SHAPES

PLAN = Plan.model_validate_json(Path(os.environ[PLAN_VARIABLE]).read_text(encoding="utf-8"))
RECORDER = Recorder(PLAN)

random.seed(PLAN.profile.seed)

Persona = type(
    "Persona",
    (PERSONAS[PLAN.profile.persona],),
    {"abstract": False, "host": PLAN.desk, "plan": PLAN, "recorder": RECORDER, "turns": turns()},
)
Shape = type("Shape", (SHAPES[PLAN.profile.shape.kind],), {"abstract": False, "plan": PLAN})


def keep_the_samples(environment: Any, **_: Any) -> None:
    """Write what was seen; the verdict is made outside, from every sample."""
    runner = environment.runner
    RECORDER.write(overloaded=bool(runner and runner.cpu_warning_emitted))


events.quitting.add_listener(keep_the_samples)  # type: ignore[no-untyped-call]
