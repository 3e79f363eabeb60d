"""The program under test: what it is given, what is kept of it, how it ends."""

from __future__ import annotations

import sys
import textwrap
import time

import psutil
import pytest

from sandbox.errors import Misuse
from sandbox.rehearsal.client_program import KEPT_OUTPUT, ClientProgram, split_command


def program(code: str, **variables: str) -> ClientProgram:
    return ClientProgram([sys.executable, "-u", "-c", textwrap.dedent(code)], variables=variables)


def gone(pid: int, *, within: float = 60.0) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("command", ["", "  ", "'open quote", "no-such-program-here --x"])
def test_a_command_that_cannot_be_started_is_misuse(command):
    """Nothing is opened for a command that cannot run."""
    with pytest.raises(Misuse, match="--client"):
        split_command(command)


def test_the_program_gets_its_variables_and_none_of_the_sandboxs(monkeypatch):
    """The admin's settings never reach a client."""
    monkeypatch.setenv("HOCBA_DATA", "/somewhere")
    with program(
        "import os; print(sorted(k for k in os.environ if k.startswith('HOCBA_')))", HOCBA_UNIT="1"
    ) as running:
        running.wait(60)

        assert running.output().strip() == "['HOCBA_UNIT']"


def test_only_the_last_of_a_flood_of_output_is_kept():
    """A client that prints without end fills neither memory nor disk."""
    with program("import sys; sys.stdout.write('x' * 5_000_000); print('the end')") as running:
        running.wait(60)

        assert running.output().endswith("the end\n")
        assert len(running.output()) <= KEPT_OUTPUT


def test_its_children_end_with_it_even_when_they_do_not_listen():
    """Leaving kills the whole process group, also what ignores SIGTERM."""
    with program(
        """
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
        child = subprocess.Popen([sys.executable, "-c", stubborn])
        print(child.pid)
        time.sleep(60)
        """
    ) as running:
        end = time.monotonic() + 60
        while not running.output().strip() and time.monotonic() < end:
            time.sleep(0.05)
        child = int(running.output())

    assert running.exit_code is not None
    assert gone(child)


def test_a_child_left_behind_by_a_program_that_ended_is_ended_too():
    """A client that forks away and leaves does not outlive the rehearsal."""
    with program(
        """
        import subprocess, sys
        print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid)
        """
    ) as running:
        running.wait(60)
        child = int(running.output())

    assert gone(child)
