"""The fault plan of a lesson file: read, filled from the table, refused with the line at fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.classroom.lesson import read_lesson
from sandbox.errors import Misuse

LESSON = Path(__file__).parents[2] / "training" / "lessons" / "bai-03.yaml"


def lesson_with(folder: Path, plan: str) -> Path:
    file = folder / "bai-03.yaml"
    file.write_text(LESSON.read_text(encoding="utf-8") + plan, encoding="utf-8")
    return file


def test_a_lesson_plans_what_goes_wrong_level_by_level(tmp_path: Path) -> None:
    """An entry keeps what the lesson says and leaves the rest to the table of faults."""
    lesson = read_lesson(lesson_with(tmp_path, "su_co:\n  tu:\n    - {ma: E2, so_lan: 2}\n"))

    (fault,) = [planned.fault() for planned in lesson.plan("tu")]

    assert (fault.ma, fault.so_lan, fault.boi) == ("E2", 2, "lesson")
    assert fault.model_fields_set == {"ma", "so_lan", "boi"}
    assert lesson.plan("cung") == ()


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("su_co:\n  tu:\n    - {ma: E99}\n", "E99"),
        ("su_co:\n  tu:\n    - {ma: E13c}\n", "E13c"),
        ("su_co:\n  tu:\n    - {ma: E9}\n", "role"),
        ("su_co:\n  thi:\n    - {ma: E2}\n", "su_co"),
        ("su_co:\n  tu:\n    - {ma: E2, so_lan: 0}\n", "so_lan"),
    ],
)
def test_a_plan_that_cannot_be_met_is_refused_with_its_place(
    tmp_path: Path, plan: str, said: str
) -> None:
    """Unknown code, a card, another role's fault, an unknown level, a number out of range."""
    with pytest.raises(Misuse) as caught:
        read_lesson(lesson_with(tmp_path, plan))

    assert said in str(caught.value)
