"""`hocba rehearse` as a provider types it: output, files, exit codes."""

from __future__ import annotations

import json
import sys
from xml.etree import ElementTree

import pytest

from sandbox.rehearsal import RunReport
from tests.builders.rehearsing import SCENARIO, shipped, written


def rehearse(sandbox, *arguments):
    return sandbox.hocba("rehearse", *arguments, "--target", sandbox.base_url, timeout=200)


def test_the_command_passes_with_the_reference_client_and_writes_its_reports(sandbox_up, tmp_path):
    """Exit 0, JSON and JUnit written, the table on the console."""
    files = (tmp_path / "r.json", tmp_path / "r.xml")
    done = rehearse(
        sandbox_up,
        SCENARIO,
        "--client",
        shipped("reference"),
        "--report",
        str(files[0]),
        "--junit",
        str(files[1]),
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nộp gói đầu tiên" in done.stdout
    assert RunReport.model_validate_json(files[0].read_text()).exit_code == 0
    assert ElementTree.parse(files[1]).getroot().find("testsuite").get("failures") == "0"


def test_the_command_fails_with_a_broken_client(sandbox_up):
    """Exit 1; --json prints the whole report and nothing else."""
    done = rehearse(sandbox_up, SCENARIO, "--client", shipped("broken_wrong_unit"), "--json")

    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["steps"][0]["result"] == "fail"


@pytest.mark.parametrize(
    ("scenario", "client"),
    [
        ("basics/no-such", sys.executable),
        (SCENARIO, "no-such-program"),
        (SCENARIO, "'"),
        ("bad.yaml", sys.executable),
    ],
)
def test_a_wrong_command_is_misuse(sandbox_up, scenario, client):
    """Exit 2, one line, no traceback, no space opened."""
    done = rehearse(sandbox_up, scenario, "--client", client)

    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_bad_scenario_file_is_answered_with_file_and_line(sandbox_up, tmp_path):
    """Exit 2 and the place."""
    file = tmp_path / "bad.yaml"
    file.write_text("format: 1\ntitle: nothing\n")

    done = rehearse(sandbox_up, str(file), "--client", sys.executable)

    assert done.returncode == 2
    assert f"{file}:" in done.stderr.replace("\n", "")


def test_a_sandbox_that_is_not_there_is_no_verdict(sandbox_up):
    """Exit 3: nothing is said about the client."""
    done = sandbox_up.hocba(
        "rehearse", SCENARIO, "--client", sys.executable, "--target", "http://127.0.0.1:9"
    )

    assert done.returncode == 3, done.stdout + done.stderr


def test_a_target_outside_this_machine_is_refused(sandbox_up):
    """Exit 2 before anything is sent anywhere."""
    done = sandbox_up.hocba(
        "rehearse", SCENARIO, "--client", sys.executable, "--target", "http://192.0.2.1:8080"
    )

    assert done.returncode == 2, done.stdout + done.stderr


def test_a_client_in_another_language_is_run_just_the_same(sandbox_up, tmp_path):
    """The command line is any program: here a shell script that does nothing."""
    done = rehearse(sandbox_up, SCENARIO, "--client", "sh -c 'exit 7'")

    assert done.returncode == 1, done.stdout + done.stderr
    assert "7" in done.stdout


def test_the_clients_environment_holds_no_secret_of_the_installation(sandbox_up, tmp_path):
    """The admin token is nowhere in what a client is given."""
    seen = tmp_path / "seen.txt"
    client = written(
        tmp_path,
        f"""
        import os, pathlib
        pack = pathlib.Path(os.environ["HOCBA_PACK"], "pack.json")
        text = repr(dict(os.environ)) + pack.read_text()
        pathlib.Path({str(seen)!r}).write_text(text)
        """,
    )
    rehearse(sandbox_up, SCENARIO, "--client", client)

    text = seen.read_text()
    assert "HOCBA_DESK" in text
    assert [name for name, secret in sandbox_up.secrets.items() if secret in text] == []
