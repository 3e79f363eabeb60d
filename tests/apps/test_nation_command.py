"""`hocba nation`: slices, manifests, exit codes, and runs that are killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from sandbox.documents import parse
from sandbox.settings import DEFAULT_SEED
from tests.builders.corpora import SCHOOL, packages_in
from tests.builders.nation import nation
from tests.builders.running import PROJECT

FINE, REFUSED, MISUSE = 0, 1, 2
SMALL = ("--school", str(SCHOOL), "--share", "10%")


def command(data, *arguments: str) -> tuple[list[str], dict[str, str]]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HOCBA_")}
    return (
        [sys.executable, "-m", "sandbox.cli", "nation", *arguments],
        kept | {"HOCBA_DATA": str(data)},
    )


def hocba_nation(data, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    line, environment = command(data, *arguments)
    return subprocess.run(
        line, cwd=PROJECT, env=environment, capture_output=True, timeout=120, check=False
    )


def manifest_of(data, *arguments: str) -> dict:
    done = hocba_nation(data, *arguments, "--json")
    assert done.returncode == FINE, done.stderr.decode()
    return json.loads(done.stdout)


def test_a_slice_is_written_with_its_manifest(tmp_path):
    """Packages as files; what is printed is what stands beside them."""
    out = tmp_path / "out"
    printed = manifest_of(tmp_path, *SMALL, "--out", str(out))
    assert printed == json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    packages = packages_in(out)
    assert printed["packages"] == len(packages) > 0
    assert printed["records"] == sum(len(parse(xml).records) for xml in packages)
    assert printed["order"]["authority_seed"] == DEFAULT_SEED
    assert "GIẢ LẬP" in printed["mark"]


def test_without_a_folder_only_the_hashes_are_made(tmp_path):
    """The same hash as with files; nothing but the data folder is written, no case beside it."""
    written = manifest_of(tmp_path, *SMALL, "--out", str(tmp_path / "out"))
    assert written.pop("cases_2026")["records"] > 0
    assert manifest_of(tmp_path, *SMALL) == written


def test_a_corpus_streams_into_a_pipe(tmp_path):
    """Requests as lines on standard output, the manifest on standard error."""
    done = hocba_nation(tmp_path, *SMALL, "--format", "requests", "--out", "-")
    requests = [json.loads(line) for line in done.stdout.splitlines()]
    said = done.stderr.decode()
    manifest = json.loads(said[said.index("{\n") :])
    assert len(requests) == manifest["packages"] > 0


def test_schools_and_classes_go_by_their_names(tmp_path):
    """A school by number or code, a class by its name."""
    school = nation().school(SCHOOL)
    name = school.classes[7].name
    by_number = manifest_of(tmp_path, "--school", str(SCHOOL), "--class", name)
    by_code = manifest_of(tmp_path, "--school", school.code, "--class", name)
    assert by_number["sha256"] == by_code["sha256"]
    assert by_number["records"] == school.classes[7].records


def test_dirt_is_counted_by_its_codes(tmp_path):
    """The manifest holds the truth: how many records of which code."""
    manifest = manifest_of(
        tmp_path, *SMALL, "--dirty", "SBX-2004=20%", "--dirty", "digest_edited=5%"
    )
    assert set(manifest["truth"]["by_code"]) <= {"SBX-2004", "SBX-3003"}
    assert manifest["truth"]["faults"] > 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("--school", "99999"),
        ("--school", "nowhere"),
        ("--class", "4A1"),
        ("--school", "7342", "--class", "9Z"),
        ("--province", "99"),
        ("--year", "2019-2020"),
        ("--year", "last"),
        ("--format", "pdf"),
        ("--share", "200%"),
        ("--dirty", "SBX-1102=1%"),
        ("--dirty", "70%", "--dirty", "SBX-2004=40%"),
        ("--dirty", "1%", "--format", "csv"),
        ("--format", "parquet", "--out", "-", "--school", "1"),
        ("--processes", "2", "--school", "1"),
        ("--year", "2023-2024", "--grade", "5", "--school", "1"),
    ],
)
def test_an_order_for_what_does_not_exist_is_misuse(tmp_path, arguments):
    """Exit code 2 and one line that says what would do; never a traceback."""
    done = hocba_nation(tmp_path, *arguments)
    assert done.returncode == MISUSE
    assert b"Traceback" not in done.stderr
    assert done.stderr.decode().strip().startswith("✖")


ROSTER = "tests/golden/nation.json"
"""What `hocba nation` makes of one share of the smallest province, and of one school in it."""


@pytest.mark.parametrize(("date", "hash_seed"), [("2024-02-29", "1"), ("2031-12-31", "4711")])
def test_on_two_dates_the_same_bytes_alone_in_the_province_and_by_eight_processes(
    tmp_path, date, hash_seed
):
    """Manifest and hashes are golden on machines that believe in another day and hash seed."""
    golden = json.loads((PROJECT / ROSTER).read_text(encoding="utf-8"))
    assert said_on(date, hash_seed, [sys.executable, "-c", TODAY]).decode().strip() == date
    school = str(golden["school"]["number"])
    runs = {
        "province": ("--province", golden["code"], "--processes", "8"),
        "alone": ("--school", school),
    }
    for name, slice_ in runs.items():
        line, environment = command(
            tmp_path, *slice_, "--share", "3%", "--format", "zstd", "--json",
            "--out", str(tmp_path / name),
        )  # fmt: skip
        manifest = json.loads(said_on(date, hash_seed, line, environment))
        assert {key: manifest[key] for key in golden[name]} == golden[name]
    ledgers = {
        name: [json.loads(row) for row in (tmp_path / name / "ledger.jsonl").open()]
        for name in runs
    }
    (alone,) = ledgers["alone"]
    assert alone == golden["school"]
    assert alone in ledgers["province"]
    (one,), (inside,) = (
        list((tmp_path / name).glob(f"*/{alone['code']}.xml.zst")) for name in runs
    )
    assert one.read_bytes() == inside.read_bytes()


TODAY = "import datetime; print(datetime.date.today())"


def said_on(date: str, hash_seed: str, line: list[str], environment=None) -> bytes:
    """Return what *line* prints on a machine whose clock says *date*."""
    faketime = shutil.which("faketime")
    assert faketime, "faketime is missing: bash tests/machine.sh, or apt-get install faketime"
    done = subprocess.run(
        [faketime, "-f", f"@{date} 12:00:00", *line],
        cwd=PROJECT,
        env={
            **(environment or os.environ),
            "PYTHONHASHSEED": hash_seed, "TZ": "UTC",
        },
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == FINE, done.stderr.decode()
    return done.stdout


def test_a_killed_run_goes_on_and_ends_with_the_same_hashes(tmp_path):
    """Killed with -9 in the middle: its processes end too, --resume makes the rest."""
    slice_ = ("--school", f"{SCHOOL}-{SCHOOL + 9}", "--share", "20%", "--processes", "2")
    whole = manifest_of(tmp_path, *slice_, "--out", str(tmp_path / "whole"))
    broken = tmp_path / "broken"
    line, environment = command(tmp_path, *slice_, "--out", str(broken))
    run = subprocess.Popen(
        line, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    ledger = broken / "ledger.jsonl"
    until(lambda: ledger.exists() and ledger.read_bytes().count(b"\n") >= 2)
    children = psutil.Process(run.pid).children(recursive=True)
    run.send_signal(signal.SIGKILL)
    run.wait(timeout=20)
    done = ledger.read_bytes().count(b"\n")
    assert 2 <= done < 10
    until(lambda: not any(child.is_running() for child in children))
    assert not (broken / "manifest.json").exists()
    assert manifest_of(tmp_path, *slice_, "--out", str(broken), "--resume") == whole
    assert packages_in(broken) == packages_in(tmp_path / "whole")


def until(happened) -> None:
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)
