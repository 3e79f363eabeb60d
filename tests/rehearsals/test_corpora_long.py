"""Corpora at length: a province's worth of schools, memory, processes, and the pace.

Prints its figures; run with `make test-long`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

import psutil
import pytest

from loadtests.bench.nation import measure
from sandbox.corpora import Form
from sandbox.synthetic.nation import Slice
from tests.apps.test_nation_command import command, manifest_of
from tests.builders.corpora import made
from tests.builders.running import PROJECT

pytestmark = pytest.mark.long

FLOOR = 5_000
"""Unsigned records per second of one core (features-to-beat 31)."""
MOST_MEMORY_MB = 400


def say(line: str) -> None:
    sys.stdout.write(f"\n{line}\n")


def test_eight_processes_make_what_one_makes(tmp_path):
    """A share of a whole province: the same manifest and ledger, byte for byte."""
    part = Slice(province="46", per_mille=30)
    one = made(tmp_path / "one", part=part, form=Form.ZSTD)
    eight = made(tmp_path / "eight", part=part, form=Form.ZSTD, processes=8)
    assert one == eight
    ledgers = [(tmp_path / name / "ledger.jsonl").read_bytes() for name in ("one", "eight")]
    assert ledgers[0] == ledgers[1]
    assert one["schools"] > 50


def test_memory_stays_flat_over_many_schools(tmp_path):
    """60 whole schools in packages by school, two processes: the tree stays below 400 MB."""
    line, environment = command(
        tmp_path, "--school", "7000-7059", "--format", "zstd", "--package", "school",
        "--processes", "2", "--out", str(tmp_path / "out"), "--json",
    )  # fmt: skip
    began = time.monotonic()
    run = subprocess.Popen(
        line, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    tree, seen = psutil.Process(run.pid), []
    while run.poll() is None:
        try:
            seen.append(
                sum(p.memory_info().rss for p in (tree, *tree.children(recursive=True))) >> 20
            )
        except psutil.NoSuchProcess:
            continue
        time.sleep(0.1)
    took = time.monotonic() - began
    manifest = json.loads(run.stdout.read())
    half = len(seen) // 2
    assert max(seen) < MOST_MEMORY_MB
    assert max(seen[half:]) < 1.25 * max(seen[:half])
    say(
        f"corpora: {manifest['records']} records signed and stored in {took:.0f} s "
        f"({manifest['records'] / took:,.0f}/s, two processes), {max(seen)} MB at most"
    )


def test_two_runs_of_a_share_of_the_whole_nation_agree(tmp_path):
    """One class in a thousand of every province, by another command line each time."""
    one = manifest_of(tmp_path, "--share", "0.1%", "--format", "unsigned")
    two = manifest_of(
        tmp_path, "--share", "0.1%", "--format", "unsigned",
        "--out", str(tmp_path / "out"), "--processes", "2",
    )  # fmt: skip
    assert one == two
    assert len(one["provinces"]) > 50


def test_the_pace_is_above_its_floor():
    """5,000 unsigned records a second of one core; the nation signed within an hour of two."""
    figures = measure()
    for name, value in figures.items():
        say(f"{name}: {value:,}")
    assert figures["unsigned_records_per_s"] >= FLOOR
    assert figures["nation_signed_p256_stored_minutes_2_cores"] < 60
    assert figures["nation_records"] == 8_919_198
