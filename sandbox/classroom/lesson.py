"""A lesson as data: `training/lessons/bai-NN.yaml`, read into `Lesson`.

Steps and success are lists of *named checks* from a closed set; nothing in a file is evaluated.
Texts stand in the file in both languages: a new lesson needs no code while the checks suffice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from sandbox.domain.faults import FAULTS
from sandbox.domain.lifecycle import RecordState
from sandbox.domain.report_card import Slot
from sandbox.errors import Misuse
from sandbox.wire.datafile import Part, Text, read_datafile
from sandbox.wire.signing import Fault

Level = Literal["cung", "tu"]
Condition = Literal["chua_ky", "khong_cho", "dang_cho", "da_ky_mot"]
"""When a step is shown: nothing signed yet; no request alive; one alive; one record signed."""


class Picture(Text):
    """One drawing of the map with its caption."""

    hinh: Literal["may-tinh", "dien-thoai", "ma-pin", "da-ky"]


class WorldOfLesson(Part):
    """The invented school each attempt gets."""

    khoi: int = Field(ge=1, le=5)
    so_em: int = Field(ge=1, le=45)
    trang_thai: Literal["DRAFT", "CHECKED"]


class PlannedFault(Part):
    """Something that goes wrong on purpose in this lesson (errors-teachers-meet §4)."""

    ma: str
    khi: str | None = Field(default=None, max_length=32)
    doi_tuong: str | None = Field(default=None, max_length=100)
    so_lan: int | None = Field(default=None, ge=1, le=100)

    @model_validator(mode="after")
    def _known(self) -> PlannedFault:
        kind = FAULTS.get(self.ma)
        if kind is None or kind.place == "the":
            raise ValueError(f"{self.ma!r} is none of the codes a plan can hold")
        return self

    def fault(self) -> Fault:
        """Return the entry as it is armed; what the lesson leaves open is the table's."""
        said = self.model_dump(exclude_none=True)
        return Fault(**said, boi="lesson")


class Step(Part):
    """One step on one page. `cho` (place) and `nut` (button) feed the hints.

    `trang` is the name of one of the portal's or the phone's own pages.
    """

    so: int = Field(ge=1, le=40)
    trang: str = Field(pattern=r"^(portal|phone)\.[a-z_]+$")
    khi: tuple[Condition, ...] = ()
    h1: Text
    cau: Text
    cho: Text
    nut: Text


class SignaturesExactly(Part):
    """Exactly *records* records carry *each* signatures in *slot*, the others none there."""

    check: Literal["signatures_exactly"]
    slot: Slot
    records: int = Field(ge=0)
    each: int = Field(ge=1)


class StatesExactly(Part):
    """The class holds exactly these numbers of records per state, and no others."""

    check: Literal["states_exactly"]
    counts: dict[RecordState, int]


class NoLiveRequest(Part):
    """No request of the learner's teacher waits on the phone."""

    check: Literal["no_live_request"]


class SignaturesVerify(Part):
    """Each signature present is mathematically right over the record as it stands."""

    check: Literal["signatures_verify"]


def _named(value: Any) -> Any:
    """Read `{signatures_exactly: {…}}` as a check with arguments."""
    if isinstance(value, dict) and len(value) == 1 and "check" not in value:
        (name, arguments), *_ = value.items()
        if name == "states_exactly":
            return {"check": name, "counts": arguments}
        if isinstance(arguments, dict):
            return {**arguments, "check": name}
    return value


AnyCheck = Annotated[
    SignaturesExactly | StatesExactly | NoLiveRequest | SignaturesVerify,
    Field(discriminator="check"),
]
NamedCheck = Annotated[AnyCheck, BeforeValidator(_named)]


class Lesson(Part):
    """One unit of the curriculum (curriculum.md §5, §6)."""

    bai: int = Field(ge=0, le=99)
    ten: Text
    vai: Literal["GVCN", "CBQL", "VAN_THU", "QUAN_TRI"]
    phut: int = Field(ge=1, le=60)
    muc_tieu: Text
    ban_do: tuple[Picture, ...] = Field(min_length=4, max_length=4)
    the_gioi: WorldOfLesson
    buoc: tuple[Step, ...] = Field(min_length=1)
    loi_co_y: Text
    su_co: dict[Level, tuple[PlannedFault, ...]] = Field(default_factory=dict)
    """What goes wrong on purpose, level by level."""
    dat: tuple[NamedCheck, ...] = Field(min_length=1)
    noi_lai: tuple[Text, ...] = Field(min_length=3, max_length=3)

    @model_validator(mode="after")
    def _steps_in_order(self) -> Lesson:
        numbers = [step.so for step in self.buoc]
        if numbers != list(range(1, len(numbers) + 1)):
            raise ValueError("steps are numbered 1, 2, 3 … in order")
        for planned in (fault for plan in self.su_co.values() for fault in plan):
            if self.vai not in FAULTS[planned.ma].roles:
                raise ValueError(f"{planned.ma!r} is not met in the role {self.vai}")
        return self

    def plan(self, level: str) -> tuple[PlannedFault, ...]:
        """Return what goes wrong on purpose at *level*."""
        return next((plan for name, plan in self.su_co.items() if name == level), ())

    @property
    def steps(self) -> int:
        """Steps on the learner's screen: those of the pages, and the closing page."""
        return len(self.buoc) + 1


def read_lesson(file: Path) -> Lesson:
    """Return the lesson in *file*. Raises `Misuse` naming file, line and what was expected."""
    return read_datafile(file, Lesson)


def read_lessons(folder: Path) -> dict[int, Lesson]:
    """Return all lessons of *folder* by number. Raises `Misuse` for a bad or double one."""
    lessons: dict[int, Lesson] = {}
    for file in sorted(folder.glob("bai-*.yaml")):
        lesson = read_lesson(file)
        if lesson.bai in lessons:
            raise Misuse(f"bai {lesson.bai}", file=str(file), remedy="each number once")
        lessons[lesson.bai] = lesson
    return lessons
