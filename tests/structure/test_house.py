"""Rules of the house that no single room can break: files, codes, forms, assets, names."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from loadtests.profile import load_objectives, load_profile
from sandbox.classroom.lesson import Lesson
from sandbox.domain.rejections import CATALOGUE, SUCCESS, Stage
from sandbox.rehearsal.scenario import load_scenario, scenario_names
from sandbox.settings import Secrets, Settings
from sandbox.wire.datafile import read_datafile
from sandbox.world.build import World, build_app, build_world
from sandbox.world.spaces import open_practice
from tests.builders.walking import routes_in, rows_of

PROJECT = Path(__file__).resolve().parents[2]
MOST_LINES = 500
CODE = {".py", ".html", ".css", ".js", ".sh"}
SERVICES = re.compile(r"/v1/|^/ca/ocsp/")
"""Addresses of services hold a version, or are OCSP (RFC 6960); everything else is a page."""


def either(*words: str) -> str:
    """Return a pattern for *words*; a letter in brackets keeps this file from finding itself."""
    return "|".join(words)


HOSTS = either(
    r"py[p]i\.org", r"python[h]osted\.", r"np[m]js\.", r"deb\.debi[a]n\.", r"conda\.an[a]"
)
PATHS = either(r"/wo[r]k/", r"/fa[r]m/", r"/ho[m]e/\w", r"/ro[o]t/", r"/Us[e]rs/", r"C:\\Us[e]rs")
MAKING = either(
    r"\bcla[u]de\b", r"anthro[p]ic", r"open[a]i\b", r"chat[g]pt", r"\bcopi[l]ot\b", r"\bgem[i]ni\b",
    r"\bLL[M]s?\b", r"language mod[e]l", r"\bA[I]-(?:gener|writ|assist)", r"written by an? A[I]\b",
    r"co-authored-b[y]", r"\bsub-?agen[t]s?\b", r"\bmy instruc[t]ions\b", r"\bprom[p]t engineer",
)  # fmt: skip


def tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, check=True
    ).stdout.decode()
    return [PROJECT / name for name in listing.split("\0") if name and (PROJECT / name).is_file()]


def lines_with(pattern: str, *, flags: re.RegexFlag = re.IGNORECASE) -> list[str]:
    wanted, found = re.compile(pattern, flags), []
    for file in tracked():
        raw = file.read_bytes()
        if b"\0" in raw[:4096]:
            continue
        for number, line in enumerate(raw.decode("utf-8", "replace").splitlines(), start=1):
            if wanted.search(line):
                found.append(f"{file.relative_to(PROJECT)}:{number}: {line.strip()[:100]}")
    return found


@pytest.mark.parametrize("pattern", [HOSTS, PATHS, MAKING], ids=["hosts", "paths", "making"])
def test_no_file_names_what_does_not_belong_there(pattern: str) -> None:
    """No package host, no path of somebody's machine, no word about how a text came to be."""
    assert lines_with(pattern) == []


def test_no_file_of_code_is_long() -> None:
    """A file that grows beyond 500 lines is several things."""
    long = {
        f"{file.relative_to(PROJECT)}: {count}"
        for file in tracked()
        if file.suffix in CODE
        if (count := len(file.read_bytes().splitlines())) > MOST_LINES
    }

    assert long == set()


def test_nothing_is_left_undone_skipped_or_patched() -> None:
    """No mark of unfinished work in code, no test that is skipped or replaces our own parts."""
    marks = either(r"\bTO[D]O\b", r"\bFI[X]ME\b", r"\bXX[X]\b", r"NotImplemente[d]Error")
    dodges = either(r"mock\.pat[c]h", r"Magic[M]ock", r"pytest\.sk[i]p", r"skip[i]f\b", r"xf[a]il")
    code = {".py", ".html", ".js", ".css", ".toml", ".yaml"}
    left = lines_with(marks, flags=re.RegexFlag(0))
    found = [row for row in left if Path(row.split(":")[0]).suffix in code]

    assert found == []
    assert [row for row in lines_with(dodges) if row.startswith("tests/")] == []


# -- the catalogue -------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CATALOGUE)
def test_a_code_says_everything_in_both_languages(code: str) -> None:
    """Title, cause, remedy and the two plain lines are there in Vietnamese and in English."""
    row = CATALOGUE[code]
    texts = (row.title, row.cause, row.remedy, row.plain_meaning, row.plain_remedy)
    told = texts[:1] if code == SUCCESS else texts

    assert [set(text) for text in told] == [{"vi", "en"}] * len(told)
    assert all(text["vi"].strip() and text["en"].strip() for text in told)
    assert all(text["vi"] != text["en"] for text in told)


# -- one application with every room -------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("house")
    built = build_world(
        Settings(
            data=folder,
            database=f"sqlite:///{folder / 'sandbox.db'}",
            secrets=Secrets("internal-of-the-tests", "admin-of-the-tests", "forms-of-the-tests"),
        )
    )
    open_practice(built)
    return built


@pytest.fixture(scope="module")
def client(world: World) -> Iterator[TestClient]:
    with TestClient(build_app(world, strict=True), follow_redirects=False) as opened:
        yield opened


def page_posts(client: TestClient) -> list[APIRoute]:
    found = routes_in(client.app)
    return [r for r in found if "POST" in r.methods and not SERVICES.search(r.path)]


def calls_in(function: Any) -> set[str]:
    """Names of what *function* calls: `web.submit(…)` and `frame.submit(…)` are `submit`."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    called = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in called}


def test_every_form_is_taken_in_by_the_one_function_for_forms(client: TestClient) -> None:
    """Each page that takes a POST hands it to `web.submit`, also through a frame of pages."""
    from sandbox.portal.pages_frame import Frame
    from sandbox.signing.pages_frame import Frame as PhoneFrame

    posts = page_posts(client)

    assert len(posts) >= 40
    assert [route.path for route in posts if "submit" not in calls_in(route.endpoint)] == []
    assert "submit" in calls_in(Frame.submit) & calls_in(PhoneFrame.submit)


VALUES = {
    "code": "48",
    "unit": "48999401",
    "role": "VAN_THU",
    "name": "gvcn",
    "tag": "KQ_CUOI_NAM",
    "number": "3",
    "attempt_number": "1",
    "step": "1",
    "token": "khong-co",
}
ANYTHING = "00000000-0000-4000-8000-000000000000"


def test_a_form_without_its_token_does_nothing(world: World, client: TestClient) -> None:
    """Whatever is posted without a token leads back (303) or to a problem page; no row changes."""
    before = rows_of(world.database)
    answers = {}
    for route in page_posts(client):
        path = re.sub(r"\{(\w+)\}", lambda found: VALUES.get(found[1], ANYTHING), route.path)
        answer = client.post(path, data={"ma": "2025", "nguoi": "x"})
        answers[route.path] = answer.status_code

    assert {path: status for path, status in answers.items() if status not in (303, 404, 422)} == {}
    assert sum(status == 303 for status in answers.values()) >= len(answers) // 2
    assert rows_of(world.database) == before


def test_the_openapi_lists_every_code_a_service_can_answer(client: TestClient) -> None:
    """Every code stands at some service; those of recalling wait for the services of recalling."""
    document = client.get("/kho/api/openapi.json").json()
    operations = [one for path in document["paths"].values() for one in path.values()]
    listed = {code for operation in operations for code in operation.get("x-ma-loi", ())}
    recall = {code for code, row in CATALOGUE.items() if row.stage is Stage.RECALL}

    assert set(CATALOGUE) - listed == {SUCCESS} | recall
    assert listed <= set(CATALOGUE)
    for code in listed:
        assert any(code in operation["description"] for operation in operations)


def test_services_and_pages_never_share_an_address(client: TestClient) -> None:
    """No two routes answer the same method and path."""
    seen = [(m, route.path) for route in routes_in(client.app) for m in route.methods]

    assert len(seen) > 150
    assert sorted({one for one in seen if seen.count(one) > 1}) == []


# -- what a page loads ---------------------------------------------------------------------------


FOREIGN = re.compile(
    r"""(?:src|href|action|srcset|poster|data)\s*=\s*["']\s*(?:https?:)?//"""
    r"""|url\(\s*["']?\s*(?:https?:)?//|@import|\bfetch\(\s*["'](?:https?:)?//"""
    r"""|navigator\.sendBeacon|new WebSocket|importScripts""",
    re.IGNORECASE,
)


def test_pages_load_nothing_from_elsewhere() -> None:
    """Templates, styles, scripts and drawings name no other origin."""
    front = [f for f in tracked() if f.is_relative_to(PROJECT / "sandbox")]
    front = [f for f in front if f.suffix in {".html", ".css", ".js", ".svg"}]
    found = [
        f"{file.relative_to(PROJECT)}: {hit.group()}"
        for file in front
        for hit in FOREIGN.finditer(file.read_text(encoding="utf-8"))
    ]

    assert len(front) > 60
    assert found == []


def test_every_asset_a_template_names_is_there(client: TestClient) -> None:
    """`static('…')` in a template leads to a file that is served."""
    named = set()
    for file in PROJECT.glob("sandbox/*/templates/**/*.html"):
        named |= set(re.findall(r"static\('([^']+)'\)", file.read_text(encoding="utf-8")))

    assert named
    for name in named:
        assert client.get(f"/tinh/{name}").status_code == 200, name


# -- names in data -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", scenario_names())
def test_a_scenario_is_good(name: str) -> None:
    """Its records, codes, checks, plants and steps exist: reading it says so."""
    _, scenario = load_scenario(name)

    assert scenario.steps


@pytest.mark.parametrize("file", sorted((PROJECT / "training/lessons").glob("*.yaml")), ids=str)
def test_a_lesson_is_good_and_its_pages_exist(file: Path) -> None:
    """Every page a step belongs to is one the portal or the phone really shows."""
    lesson = read_datafile(file, Lesson)
    source = "".join(
        path.read_text(encoding="utf-8")
        for app in ("portal", "signing")
        for path in (PROJECT / "sandbox" / app).glob("*.py")
    )
    shown = set(re.findall(r'page="((?:portal|phone)\.[a-z_]+)"', source))

    assert lesson.bai == int(file.stem.removeprefix("bai-"))
    assert {step.trang for step in lesson.buoc} - shown == set()


@pytest.mark.parametrize("file", sorted((PROJECT / "loadtests/profiles").glob("*.yaml")), ids=str)
def test_a_load_profile_is_good_and_has_its_objectives(file: Path) -> None:
    """A profile's objectives are a file beside it."""
    load_profile(file.stem)
    said = yaml.safe_load(file.read_text(encoding="utf-8"))

    assert load_objectives(said["objectives"]).objectives


def test_commands_and_names_in_guides_exist() -> None:
    """What a guide tells people to type is a command, a scenario and a profile of this sandbox."""
    from sandbox.cli import app

    commands = {
        row.name or row.callback.__name__ for row in app.registered_commands if row.callback
    }
    said = ""
    for file in tracked():
        if file.suffix == ".md":
            said += file.read_text(encoding="utf-8")
    typed = set(re.findall(r"\bhocba ([a-z][a-z-]*)", said))
    rehearsed = set(re.findall(r"hocba rehearse ([a-z-]+/[a-z-]+)", said))
    loaded = set(re.findall(r"hocba load ([a-z]+)\b", said))
    profiles = {file.stem for file in (PROJECT / "loadtests/profiles").glob("*.yaml")}

    assert typed <= commands
    assert rehearsed
    assert rehearsed <= set(scenario_names())
    assert loaded <= profiles
