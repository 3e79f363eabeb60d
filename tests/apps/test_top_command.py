"""`hocba top` against a running sandbox."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest
from click.testing import Result
from typer.testing import CliRunner

from sandbox.cli import app
from tests.builders.running import PROJECT, RunningSandbox, free_port

pytestmark = pytest.mark.xdist_group("up")


def look(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(app, ["top", *arguments, "--once"])


def test_one_look_says_what_runs(sandbox_up: RunningSandbox) -> None:
    """Rates, queue and both processes, for people and for programs; the token shows all spaces."""
    here = (sandbox_up.base_url, "--data", str(sandbox_up.data))
    end = time.monotonic() + 60  # the checking process starts by itself, and reports when it has
    while '"checker"' not in (told := look(*here, "--json")).stdout and time.monotonic() < end:
        time.sleep(0.2)
    shown = look(*here, "--lang", "en")

    assert (shown.exit_code, told.exit_code) == (0, 0), shown.output + told.output
    assert "Packages waiting" in shown.stdout
    figures = json.loads(told.stdout)
    assert {row["role"] for row in figures["processes"]} == {"web", "checker"}
    assert all(row["memory_bytes"] > 1e6 for row in figures["processes"])
    assert figures["all_spaces"] is True
    assert figures["database_bytes"] > 0


def test_a_space_is_looked_at_by_its_address(sandbox_up: RunningSandbox) -> None:
    """Without the installation's token one sees one space."""
    space = sandbox_up.open_space().khong_gian

    told = look(f"{sandbox_up.base_url}/s/{space}", "--json", "--data", "/khong-co")

    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["all_spaces"] is False


@pytest.mark.parametrize(
    ("url", "code"), [("http://127.0.0.1:{port}", 3), ("http://192.0.2.1:{port}", 2)]
)
def test_nobody_there_and_a_place_outside_have_their_exit_codes(url: str, code: int) -> None:
    """3: the sandbox does not answer; 2: not a loopback address."""
    assert look(url.format(port=free_port())).exit_code == code


def test_ctrl_c_leaves_cleanly(sandbox_up: RunningSandbox) -> None:
    """A stream of JSON lines ends with exit code 0 and no word more."""
    with subprocess.Popen(
        # a suite that runs in the background has Ctrl-C switched off, and hands that on
        [
            *("env", "--default-signal=INT", sys.executable, "-m", "sandbox.cli"),
            *("top", sandbox_up.base_url, "--json"),
        ],
        cwd=PROJECT,
        env=sandbox_up.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stdout is not None
        first = json.loads(watching.stdout.readline())
        watching.send_signal(signal.SIGINT)
        _, said = watching.communicate(timeout=30)

    assert first["processes"]
    assert (watching.returncode, said) == (0, "")
