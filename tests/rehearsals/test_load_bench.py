"""`make bench`: the figures are measured on records that really count."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from loadtests.bench.corpus import make_corpus
from loadtests.bench.elements import measure
from tests.builders.running import PROJECT

STEPS = {"render", "sign", "verify", "check_package", "signxml_verify"}


def test_every_step_is_measured_on_thirty_records_that_pass():
    """A fixture the desk or the other library refused would raise, not give a figure."""
    corpus = make_corpus()

    rates = measure(corpus)

    assert len(corpus.signed) == 30
    assert set(rates) == STEPS
    assert all(rate > 0 for rate in rates.values())


def test_the_fixture_is_the_same_on_every_machine():
    """Keys, records and signatures come from the seed alone."""
    assert make_corpus().package == make_corpus().package


@pytest.mark.long
def test_the_command_prints_start_memory_and_rates_and_keeps_them():
    """Cold start, memory and records per second are printed and written as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "loadtests.bench"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "cold_start_s" in done.stdout
    newest = max((PROJECT / "loadtests/bench/results").glob("*.json"))
    kept = json.loads(newest.read_text())
    assert set(kept["records_per_s"]) == STEPS
    assert kept["start"]["memory_mb"] > 0
    assert len(kept["load_average"]["before"]) == 3
    assert kept["nation"]["nation_written_gb_on_disk"] > 0
    profile = newest.with_name(f"{newest.stem}-nation-profile.txt")
    assert "sign_digest" in profile.read_text(encoding="utf-8")
