"""What is rehearsed, as data: a YAML file in `scenarios/`, read into `Scenario`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sandbox.domain.rejections import CATALOGUE
from sandbox.errors import Misuse
from sandbox.rehearsal.checks import Accepted, AnyCheck, Refused
from sandbox.rehearsal.plants import PLANTS
from sandbox.wire.datafile import Part, Text, read_datafile

Task = Literal["connect", "register", "see_approval", "submit"]
"""What a client can be asked to do; `done` ends the run and is never written in a scenario."""

NAME = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"


class PickedRecord(Part):
    """One record of the pack: the *pick*-th of the school's, with or without a planted fault."""

    pick: int = Field(ge=1, le=30)
    plant: Literal[tuple(PLANTS)] | None = None  # type: ignore[valid-type]


def _named_check(value: Any) -> Any:
    """Read `receipt` and `{accepted: {record: good}}` alike."""
    if isinstance(value, str):
        return {"check": value}
    if isinstance(value, dict) and len(value) == 1 and "check" not in value:
        (name, arguments), *_ = value.items()
        if arguments is None or isinstance(arguments, dict):
            return {**(arguments or {}), "check": name}
    return value


class Step(Part):
    """One step: who acts, what is to be done, how long it may take, what must reach the desk."""

    id: str = Field(pattern=NAME)
    title: Text
    by: Literal["client", "officer"] = "client"
    task: Task | None = None
    action: Literal["approve_certificate"] | None = None
    record: str | None = None
    topology: Literal["A", "B"] | None = None
    """The step applies to this topology only; elsewhere its result is `omit`."""
    time_limit_s: int = Field(default=30, ge=1, le=600)
    needs: list[str] | None = None
    """Steps that must have passed; default: the one before."""
    checks: list[Annotated[AnyCheck, BeforeValidator(_named_check)]] = Field(min_length=1)

    @model_validator(mode="after")
    def _acts(self) -> Self:
        if self.by == "client" and (self.task is None or self.action is not None):
            raise ValueError("a client's step has a task and no action")
        if self.by == "officer" and (self.action is None or self.task is not None):
            raise ValueError("an officer's step has an action and no task")
        if (self.task == "submit") != (self.record is not None):
            raise ValueError("a record is named exactly where the task is submit")
        return self

    def records(self) -> list[str]:
        """Return the names of the records this step's checks are about."""
        return [check.record for check in self.checks if isinstance(check, Accepted | Refused)]


class Scenario(Part):
    """One rehearsal: its records and its steps, in order."""

    format: Literal[1]
    title: Text
    purpose: Text
    plan: Literal["rehearsal"] = "rehearsal"
    time_limit_s: int = Field(ge=10, le=3600)
    records: dict[str, PickedRecord] = Field(min_length=1, max_length=30)
    steps: list[Step] = Field(min_length=1, max_length=50)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        seen: list[str] = []
        for step in self.steps:
            if step.id in seen:
                raise ValueError(f"step {step.id} stands twice")
            for needed in step.needs or ():
                if needed not in seen:
                    raise ValueError(f"step {step.id} needs {needed}, which is no earlier step")
            self._records_of(step)
            seen.append(step.id)
        return self

    def _records_of(self, step: Step) -> None:
        """Refuse names of records and codes that do not exist or cannot come true."""
        for name in (*step.records(), *([step.record] if step.record else [])):
            if name not in self.records:
                raise ValueError(f"step {step.id}: no record {name} under records")
        for check in step.checks:
            if isinstance(check, Refused):
                if check.code not in CATALOGUE:
                    raise ValueError(f"step {step.id}: no code {check.code} in the catalogue")
                planted = self.records[check.record].plant
                if planted and PLANTS[planted].provokes != check.code:
                    raise ValueError(
                        f"step {step.id}: {planted} provokes {PLANTS[planted].provokes}"
                    )

    def needs_of(self, step: Step) -> list[str]:
        """Return the ids of the steps *step* waits for."""
        if step.needs is not None:
            return step.needs
        place = self.steps.index(step)
        return [self.steps[place - 1].id] if place else []


def scenarios_folder() -> Path:
    """Return the folder the sandbox's own scenarios live in."""
    return Path(__file__).resolve().parents[2] / "scenarios"


def scenario_names(folder: Path | None = None) -> list[str]:
    """Return the names of all scenarios, e.g. `basics/first-submission`, sorted."""
    root = folder or scenarios_folder()
    return sorted(
        file.relative_to(root).with_suffix("").as_posix() for file in root.glob("*/*.yaml")
    )


def load_scenario(name: str | Path, *, folder: Path | None = None) -> tuple[str, Scenario]:
    """Return name and content of a scenario, named (`basics/…`) or given as a file.

    Raises `Misuse` with the known names when there is none, or with file, line and what was
    expected when it is bad.
    """
    if isinstance(name, Path) or str(name).endswith((".yaml", ".yml")):
        file = Path(name)
        return file.stem, read_datafile(file, Scenario)
    root = folder or scenarios_folder()
    if not re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+", name) or not (root / f"{name}.yaml").is_file():
        raise Misuse(f"{name!r}", remedy=", ".join(scenario_names(root)))
    return name, read_datafile(root / f"{name}.yaml", Scenario)
