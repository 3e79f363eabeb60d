"""`hocba doctor`: the verdict of `hocba validate`, the cause, the bytes, the exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sandbox.cli import app
from sandbox.defects import DEFECTS, Kit
from sandbox.documents import envelope
from sandbox.pki import TrainingAuthority
from sandbox.settings import read_settings

NOW = "2025-05-29T09:00:00+07:00"


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    settings = read_settings(data=tmp_path_factory.mktemp("doctor"))
    return Kit(TrainingAuthority.from_seed(settings.seed))


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    more = ("--data", str(folder / "data"), "--at", NOW)
    done = CliRunner().invoke(app, [*arguments, *more])
    return done.exit_code, done.output


def run_json(folder: Path, *arguments: str) -> tuple[int, Any]:
    code, said = run(folder, *arguments, "--json")
    return code, json.loads(said)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("signature_value_in_der", "der_value"),
        ("record_indented_after_signing", "reindented"),
        ("signing_time_altered", "signing_time_edited"),
        ("certificate_expired", "code"),
    ],
)
def test_the_doctor_agrees_with_validate_and_names_the_cause(
    kit: Kit, tmp_path: Path, name: str, cause: str
) -> None:
    """The same codes by both commands; the doctor adds why."""
    file = tmp_path / "package.xml"
    file.write_bytes(DEFECTS[name].make(kit).package or b"")

    code, said = run_json(tmp_path, "doctor", str(file))
    _, validated = run_json(tmp_path, "validate", str(file))

    assert (code, said["ma"]) == (1, list(dict.fromkeys(validated["codes"])))
    assert said["nguyen_nhan"][0]["khoa"] == cause


def test_a_good_package_a_record_and_a_content_leave_with_zero(kit: Kit, tmp_path: Path) -> None:
    """Package, single record and envelope are all taken."""
    package = kit.good_package()
    files = {"p.xml": package, "r.xml": kit.signed(), "c.txt": envelope.pack(package).encode()}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)

    answers = {name: run(tmp_path, "doctor", str(tmp_path / name)) for name in files}

    assert {name: code for name, (code, _) in answers.items()} == dict.fromkeys(files, 0)
    assert all("SBX-3009" in said for _, said in answers.values()), "what was not checked is said"


def test_the_bytes_are_written_as_files(kit: Kit, tmp_path: Path) -> None:
    """Canonical bytes of data, properties and SignedInfo, and those really hashed."""
    file, folder = tmp_path / "package.xml", tmp_path / "bytes"
    file.write_bytes(DEFECTS["record_indented_after_signing"].make(kit).package or b"")

    code, _ = run(tmp_path, "doctor", str(file), "--bytes", str(folder))

    names = {path.name for path in folder.iterdir()}
    assert code == 1
    assert {"gvcn-data.xml", "gvcn-signed_info.xml", "gvcn-1-reindented.bin"} <= names


def test_a_file_that_is_not_there_is_misuse(tmp_path: Path) -> None:
    """Exit code 2, as everywhere."""
    assert run(tmp_path, "doctor", str(tmp_path / "none.xml"))[0] == 2
