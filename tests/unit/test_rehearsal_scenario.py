"""Scenarios as data: what a file may say, and how a bad one is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.errors import Misuse
from sandbox.rehearsal.checks import CHECKS
from sandbox.rehearsal.scenario import load_scenario, scenario_names, scenarios_folder

GOOD = """\
format: 1
title: {vi: Một, en: One}
purpose: {vi: Một, en: One}
time_limit_s: 60
records:
  good: {pick: 1}
steps:
  - id: connect
    title: {vi: Nối, en: Connect}
    task: connect
    checks:
      - token_issued
  - id: submit
    title: {vi: Nộp, en: Submit}
    task: submit
    record: good
    checks:
      - accepted:
          record: good
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "kich-ban.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_first_scenario_is_there_and_can_be_read():
    """basics/first-submission connects, registers, submits, is refused, mends, is accepted."""
    _, scenario = load_scenario("basics/first-submission")

    assert [step.id for step in scenario.steps] == [
        "connect",
        "register",
        "approve",
        "see-approval",
        "submit-good",
        "submit-faulty",
        "mend",
    ]


def test_every_scenario_of_the_folder_can_be_read():
    """No file in scenarios/ is bad."""
    assert [load_scenario(name)[0] for name in scenario_names()] == scenario_names()


def test_a_good_file_is_read(tmp_path):
    """The smallest lawful scenario is read as it stands."""
    name, scenario = load_scenario(written(tmp_path, GOOD))

    assert (name, scenario.steps[1].record) == ("kich-ban", "good")


def test_a_step_needs_the_one_before_unless_it_says_otherwise(tmp_path):
    """Without `needs` a step waits for its predecessor; the first waits for nothing."""
    _, scenario = load_scenario(written(tmp_path, GOOD))

    assert [scenario.needs_of(step) for step in scenario.steps] == [[], ["connect"]]


BAD = {
    "an unknown check is named": ("- token_issued", "- token_isued", 12, "token_issued"),
    "an unknown key is named": ("time_limit_s: 60", "time_limit_s: 60\nexpression: 1", 5, "Extra"),
    "an unknown argument of a check is named": ("record: good\n", "recrd: good\n", 18, "recrd"),
    "a record that is not in the file is named": (
        "          record: good",
        "          record: gud",
        1,
        "gud",
    ),
    "a wrong type is named": ("time_limit_s: 60", "time_limit_s: soon", 4, "integer"),
    "a limit out of bounds is named": ("time_limit_s: 60", "time_limit_s: 99999", 4, "3600"),
    "a step twice is named": ("- id: submit", "- id: connect", 1, "twice"),
    "a submission without a record is named": ("    record: good\n", "", 13, "record"),
    "an unknown plant is named": (
        "{pick: 1}",
        "{pick: 1, plant: nothing}",
        6,
        "result_not_recomputed",
    ),
    "a missing language is named": ("{vi: Nối, en: Connect}", "{vi: Nối}", 9, "required"),
    "a key twice is named": ("time_limit_s: 60", "time_limit_s: 60\ntime_limit_s: 61", 5, "twice"),
    "broken YAML is named": ("format: 1", "format: [1", 2, ""),
    "an alias is refused": (
        "title: {vi: Một, en: One}",
        "title: &t {vi: a, en: b}\nx: *t",
        3,
        "aliases",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_answered_with_its_line_and_what_was_expected(tmp_path, case):
    """Misuse names the file, the line at fault and what was expected there."""
    good, bad, line, expected = BAD[case]
    file = written(
        tmp_path,
        GOOD.replace(good, bad, 1) if "recrd" not in bad else bad.join(GOOD.rsplit(good, 1)),
    )

    with pytest.raises(Misuse) as caught:
        load_scenario(file)

    assert (caught.value.file, caught.value.line) == (str(file), line)
    assert expected in str(caught.value)


def test_a_code_that_is_not_in_the_catalogue_is_refused(tmp_path):
    """`refused` names a code of the rejection catalogue, or the file is bad."""
    text = GOOD.replace(
        "accepted:\n          record: good", "refused: {record: good, code: SBX-4999}"
    )

    with pytest.raises(Misuse, match="SBX-4999"):
        load_scenario(written(tmp_path, text))


def test_a_planted_fault_must_be_refused_with_the_code_it_provokes(tmp_path):
    """A scenario cannot expect another code than the planted fault gives."""
    text = GOOD.replace("{pick: 1}", "{pick: 1, plant: mother_missing}").replace(
        "accepted:\n          record: good", "refused: {record: good, code: SBX-4003}"
    )

    with pytest.raises(Misuse, match="SBX-2001"):
        load_scenario(written(tmp_path, text))


def test_a_name_that_is_no_scenario_is_answered_with_those_there_are():
    """Whoever mistypes a name reads the right ones."""
    with pytest.raises(Misuse, match="basics/first-submission"):
        load_scenario("basics/frist-submission")


def test_a_name_cannot_leave_the_folder():
    """A name is a name, not a path."""
    with pytest.raises(Misuse):
        load_scenario("../pyproject")


def test_a_file_deeply_nested_is_refused_and_breaks_nothing(tmp_path):
    """Ten thousand open brackets are a bad file, not a crash."""
    with pytest.raises(Misuse, match="nesting"):
        load_scenario(written(tmp_path, "a: " + "[" * 10_000))


def test_every_check_is_documented_for_those_who_write_scenarios():
    """scenarios/README.md has a row for each named check, and no other check exists."""
    guide = (scenarios_folder() / "README.md").read_text(encoding="utf-8")

    assert [name for name in CHECKS if f"| `{name}`" not in guide] == []
