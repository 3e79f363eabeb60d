"""The table of what goes wrong on purpose: complete, worded in both languages, and tested."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from sandbox.domain.faults import FAULTS, SCENARIOS, FaultKind, Scenario
from sandbox.domain.lifecycle import Role
from sandbox.domain.rejections import CATALOGUE
from sandbox.portal.pages_journal import EVENTS
from sandbox.signing.model import Event
from sandbox.web.messages import LANGUAGES, Messages
from sandbox.wire.signing import Instrument

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "sandbox"
TEACHERS_ERRORS = (
    *(f"E{number}" for number in range(1, 13)),
    "E13a",
    "E13b",
    "E13c",
    "E14a",
    "E14b",
    "E15",
)
SIGNS = {Role.GVCN, Role.CBQL, Role.VAN_THU, Role.QUAN_TRI}


@pytest.fixture(scope="module")
def words() -> Messages:
    return Messages([PACKAGE / app / "locale" for app in ("portal", "signing", "web")], strict=True)


def lacking(words: Messages, *wanted: tuple[str, str]) -> list[str]:
    """Return what is missing of (kind, key), language by language."""
    return [
        f"{language} {kind} {key}"
        for language in LANGUAGES
        for kind, key in wanted
        if (kind, key) not in words.keys(language)
    ]


@cache
def names_in(file: str) -> frozenset[str]:
    """Return the names of the tests in *file*."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def exists(test: str) -> bool:
    file, name = test.split("::")
    return (ROOT / file).is_file() and name in names_in(file)


def test_the_table_holds_every_error_and_every_scenario() -> None:
    """E1–E15 with their letters, and the eighteen scenarios in order."""
    assert set(TEACHERS_ERRORS) <= set(FAULTS)
    assert [scenario.number for scenario in SCENARIOS] == list(range(1, 19))


@pytest.mark.parametrize("kind", FAULTS.values(), ids=lambda kind: kind.code)
def test_a_fault_has_words_people_and_a_test(words: Messages, kind: FaultKind) -> None:
    """Name and how to meet it, for the real sentence its two plain lines, and a test that walks."""
    wanted = [("nhan", f"portal.fault.{kind.code}"), ("cau", f"portal.fault.meet.{kind.code}")]
    if kind.words is not None:
        parts = [("that", "quote"), ("loi_nghia", "meaning"), ("loi_lam", "remedy")]
        apart = any(key == f"{kind.words}.meaning" for _kind, key in words.keys("vi"))
        wanted += [(k, f"{kind.words}.{part}" if apart else kind.words) for k, part in parts]
    if kind.code == "E2":  # real software says nothing at all there
        wanted.remove(("that", "portal.stop.E2.quote"))
    if kind.code == "E10":
        wanted += [("that", f"portal.stop.E10.{role}") for role in ("GVCN", "CBQL")]

    assert lacking(words, *wanted) == []
    assert {Role(role) for role in kind.roles} <= SIGNS
    assert {Instrument(one) for one in kind.instruments} <= set(Instrument)
    assert exists(kind.test), kind.test


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: str(scenario.number))
def test_a_scenario_has_words_evidence_and_a_test(words: Messages, scenario: Scenario) -> None:
    """What one sees, what it means, the right reaction; codes and faults that exist."""
    key = f"portal.scenario.{scenario.number}"

    assert lacking(words, ("nhan", key), ("loi_nghia", key), ("loi_lam", key)) == []
    assert set(scenario.codes) <= set(FAULTS)
    assert set(scenario.rejections) <= set(CATALOGUE)
    assert exists(scenario.test), scenario.test
    assert scenario.number in (1, 10, 11, 15, 16, 17) or scenario.codes


def test_every_error_a_teacher_meets_is_walked_in_a_browser() -> None:
    """The walks of tests/browser/test_errors.py are those of the catalogue, none left out."""
    tree = ast.parse((ROOT / "tests/browser/test_errors.py").read_text(encoding="utf-8"))
    (walks,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id == "WALKS"
        and isinstance(node.value, ast.Dict)
    ]

    assert {ast.literal_eval(key) for key in walks.keys if key} == set(TEACHERS_ERRORS)


def test_every_line_of_a_log_has_words(words: Messages) -> None:
    """What signing service and portal write down can be read by people in both languages."""
    events = {("nhan", f"portal.journal.ky.{event.value}") for event in Event}
    actions = {("nhan", f"portal.journal.so.{action}") for action in _actions()}

    assert lacking(words, *sorted(events | actions)) == []
    assert {event.value for event in Event} == set(EVENTS["ky"])


def _actions() -> set[str]:
    """Return the stems of every action the portal's own audit trail is given as a constant."""
    found = set()
    for file in (PACKAGE / "portal").glob("*.py"):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr == "audit"
                and len(call.args) > 3
            ):
                action = call.args[3]
                if isinstance(action, ast.JoinedStr):
                    action = action.values[0]
                if isinstance(action, ast.Constant):
                    found.add(str(action.value).split(":")[0])
    return found
