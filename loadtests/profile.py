"""What a load run is, as data: a profile (who, how many, how long) and its objectives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from sandbox.errors import Misuse
from sandbox.wire.datafile import Part, Text, read_datafile

HERE = Path(__file__).parent

MOST_CALLS = 2_000_000
"""No run makes more calls than this, whatever its profile says."""

Metric = Literal[
    "p50",
    "p95",
    "p99",
    "max",
    "failures",
    "accepted",
    "turnaround_p95",
    "calls",
    "stored",
    "rate",
    "flatness",
    "cost",
    "generator",
    "memory",
    "non_2xx",
]

UNITS: dict[str, str] = {
    "p50": "ms",
    "p95": "ms",
    "p99": "ms",
    "max": "ms",
    "failures": "percent",
    "accepted": "percent",
    "turnaround_p95": "s",
    "calls": "count",
    "stored": "percent",
    "rate": "records/s",
    "flatness": "percent",
    "cost": "us",
    "generator": "us",
    "memory": "MB",
    "non_2xx": "count",
}
"""The one unit each metric is given in; an objective must name it, so that nobody guesses."""

AT_LEAST = frozenset({"accepted", "calls", "stored", "rate", "flatness"})
"""Metrics whose limit is a floor; for all others it is a ceiling."""

OF_VOLUME = frozenset({"stored", "rate", "flatness", "cost", "generator", "memory", "non_2xx"})
"""Metrics that only a volume run has: it looks at the desk and at every process, too."""

WHOLE_RUN = OF_VOLUME | {"accepted", "turnaround_p95"}

CALLS = (
    "token",
    "thong-tin",
    "danh-muc/kieu-chu-ky",
    "danh-muc/nha-cung-cap",
    "danh-muc/truong",
    "danh-muc/ma-loi",
    "chung-thu-so",
    "chung-thu-so/trang-thai",
    "hoc-ba",
    "hoc-ba/trang-thai",
)
"""Every service the personas call, by its path (spec/transactions.md §4)."""


class Objective(Part):
    """One line of an objectives file: a metric, of one call or of all, and its limit."""

    metric: Metric
    of: str = "all"
    limit: float = Field(ge=0)
    unit: Literal["ms", "s", "percent", "count", "records/s", "us", "MB"]

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if UNITS[self.metric] != self.unit:
            raise ValueError(f"{self.metric} is given in {UNITS[self.metric]}")
        if self.of != "all" and self.of not in CALLS:
            raise ValueError(f"of: all, or one of {', '.join(CALLS)}")
        if self.metric in WHOLE_RUN and self.of != "all":
            raise ValueError(f"{self.metric} is measured over the whole run: of: all")
        return self

    @property
    def name(self) -> str:
        """How the verdict names this objective, e.g. `p95 hoc-ba`."""
        return f"{self.metric} {self.of}"


class Objectives(Part):
    """An objectives file."""

    format: Literal[1]
    objectives: list[Objective] = Field(min_length=1, max_length=50)


class Bounds(Part):
    """Where a run ends, whatever happens."""

    packages: int = Field(ge=1, le=400_000)
    time_s: int = Field(ge=5, le=14_400)
    calls: int = Field(ge=10, le=MOST_CALLS)


class ShapeOf(Part):
    """How many users there are over time; see `loadtests/shapes.py`."""

    kind: Literal["steady", "closed", "open"]
    """steady: users without end; closed: as fast as answers come; open: at a rate of its own."""
    users: int = Field(ge=1, le=1000)
    spawn_per_s: float = Field(default=1.0, gt=0, le=100)
    per_s: float | None = Field(default=None, gt=0, le=10_000)
    """Packages per second of all users together: an open shape's rate."""


class CorpusOf(Part):
    """How users of a corpus hand in and ask; see `loadtests/volume/users.py`."""

    open_packages: int = Field(default=24, ge=2, le=20_000)
    """How many of one user's packages may wait for their result at once, in a closed shape."""
    ask_one_in: int = Field(default=10, ge=1, le=1_000)
    """Of so many packages of a school one, and its last, is asked about until it is final."""
    ask_every_s: float = Field(default=0.25, ge=0.05, le=60)
    answer_within_s: float = Field(default=300.0, gt=0, le=3_600)
    """After this a package counts as not answered."""
    generators: int = Field(default=1, ge=1, le=16)
    """Locust processes."""
    drain_s: float = Field(default=600.0, gt=0, le=7_200)
    """How long the run waits for the queue to empty after the last package."""


class Profile(Part):
    """A named load run."""

    format: Literal[1]
    title: Text
    purpose: Text
    persona: Literal["school", "nation"]
    shape: ShapeOf
    bounds: Bounds
    records_per_package: int = Field(default=1, ge=1, le=30)
    pause_s: float = Field(default=0.15, ge=0, le=10)
    """Pause between two calls of one user: accounts have limits (spec/transactions.md §4.1)."""
    seed: int = 20250528
    objectives: str = Field(pattern=r"^[a-z0-9-]+$")
    corpus: CorpusOf | None = None
    """Only and always with the persona `nation`, which sends a corpus from disk."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        of_corpus = self.persona == "nation"
        if of_corpus != (self.corpus is not None):
            raise ValueError("corpus: with the persona nation, and with no other")
        if of_corpus != (self.shape.kind != "steady"):
            raise ValueError("shape/kind: closed or open with nation, steady with any other")
        if (self.shape.kind == "open") != (self.shape.per_s is not None):
            raise ValueError("shape/per_s: with kind open, and with no other")
        return self


def profile_names() -> list[str]:
    """Return the names of all profiles, sorted."""
    return sorted(file.stem for file in (HERE / "profiles").glob("*.yaml"))


def load_profile(name: str) -> Profile:
    """Return the profile *name*. Raises `Misuse` naming the known ones, or file and line."""
    file = HERE / "profiles" / f"{name}.yaml"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not file.is_file():
        raise Misuse(f"{name!r}", remedy=", ".join(profile_names()))
    return read_datafile(file, Profile)


def load_objectives(name_or_file: str | Path) -> Objectives:
    """Return an objectives file by name (`loadtests/objectives/`) or path. Raises `Misuse`."""
    file = Path(name_or_file)
    if isinstance(name_or_file, str) and file.suffix == "":
        file = HERE / "objectives" / f"{name_or_file}.yaml"
    return read_datafile(file, Objectives)
