"""Corpora at length: a province's worth of schools, memory, processes, and the pace.

Prints its figures; run with `make test-long`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

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


@pytest.mark.parametrize(
    ("few", "many", "said"),
    [
        (16, 160, ("--package", "class", "--processes", "2")),
        (48, 160, ("--package", "school", "--processes", "8")),
        # a process ends after three schools: 24 schools would be one generation of eight only
        (80, 160, ("--package", "school", "--processes", "8", "--dirty", "2%")),
    ],
)
def test_memory_is_flat_however_large_the_slice(tmp_path, few, many, said):
    """Schools of Hà Nội, enough for all processes, and many more: below 400 MB, and no more."""
    found = {}
    for number in (few, many):
        found[number], records, took = memory_of(
            tmp_path, "--province", "01", "--school", f"1-{number}", "--format", "zstd", *said
        )
        say(
            f"corpora {' '.join(said)}: {number} schools, {records} records in {took:.0f} s "
            f"({records / took:,.0f}/s), {found[number]} MB at most"
        )
    assert max(found.values()) < MOST_MEMORY_MB
    assert found[many] < 1.25 * found[few]


def memory_of(folder, *arguments: str) -> tuple[int, int, float]:
    """Run the command; return the most MB of all its processes together, records and seconds.

    Memory is the proportional set size: a page that three processes share counts a third each.
    """
    out = folder / "out"
    line, environment = command(folder, *arguments, "--out", str(out), "--json")
    began = time.monotonic()
    run = subprocess.Popen(
        line, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    tree, most = psutil.Process(run.pid), 0
    while run.poll() is None:
        with suppress(psutil.NoSuchProcess):
            pids = (run.pid, *(child.pid for child in tree.children(recursive=True)))
            most = max(most, sum(map(own_share, pids)))
        time.sleep(0.2)
    took = time.monotonic() - began
    records = json.loads(run.stdout.read())["records"]
    shutil.rmtree(out)
    return most >> 10, records, took


def own_share(pid: int) -> int:
    """Return the proportional set size of a process in kB; 0 when it is gone."""
    with suppress(OSError):
        for row in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if row.startswith("Pss:"):
                return int(row.split()[1])
    return 0


def test_two_runs_of_a_share_of_the_whole_nation_agree(tmp_path):
    """One class in a thousand of every province, by another command line each time."""
    share = ("--share", "0.1%", "--format", "unsigned")
    streamed = manifest_of(tmp_path, *share)
    one = manifest_of(tmp_path, *share, "--out", str(tmp_path / "one"))
    two = manifest_of(tmp_path, *share, "--out", str(tmp_path / "two"), "--processes", "2")
    assert one == two
    assert streamed == {name: one[name] for name in streamed}  # a stream leaves out the 2026 cases
    assert len(one["provinces"]) > 50


def test_the_pace_is_above_its_floor():
    """5,000 unsigned records a second of one core; the nation signed within an hour of two."""
    figures = measure()
    for name, value in figures.items():
        say(f"{name}: {value:,}")
    assert figures["unsigned_records_per_s"] >= FLOOR
    assert figures["nation_signed_p256_stored_minutes_2_cores"] < 60
    assert figures["nation_records"] == 8_919_198
