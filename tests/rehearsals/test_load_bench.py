"""`make bench`: the figures are measured on records that really count, by paths that verify."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from loadtests.bench import chart, check, compare, lanes, spoil
from loadtests.bench.command import main
from loadtests.bench.corpus import make_corpus
from loadtests.bench.elements import measure
from loadtests.bench.floor import CHECK_PARTS, PARTS
from loadtests.bench.ours import STAGES
from loadtests.bench.sample import SIZE, make_sample
from loadtests.bench.volume import joined
from tests.builders.running import PROJECT

STEPS = {"render", "sign", "verify", "check_package", "signxml_verify"}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Two turns of one package each: one to warm up, one that is measured."""
    return make_sample("P-256", turns=2, packages=1, pool=tmp_path_factory.mktemp("rsa"))


@pytest.fixture(scope="module")
def figures(sample):
    """What the check path cost on them, without a PostgreSQL."""
    with lanes.lanes(lanes.PLAIN, {"P-256": sample}, None) as opened:
        rows = lanes.side_by_side(opened, {"P-256": sample})
    return check.figures(rows["P-256"], sample)


def report(figures, version="1.0", **more):
    """Return a report around them, as it is kept."""
    return {
        "measured": "2026-11-24T13:00:00+00:00",
        "version": version,
        "machine": "test",
        "load_average": {"before": [1.0], "after": [2.0]},
        "check": {"P-256": figures},
        **more,
    }


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


def test_all_three_paths_take_what_is_good_and_refuse_what_is_not(sample, tmp_path):
    """Data, each signature's value and time, a revoked signer, a strange CA, the package."""
    trials = check.judge(sample, pool=tmp_path)

    assert trials[0] == "good"
    assert len(trials) == len(set(trials)) == 13


def test_a_path_that_lets_a_changed_record_through_is_never_timed(sample, tmp_path):
    """A comparison with a verifier that does not verify is worthless: it stops the bench."""

    class Credulous:
        name = "credulous"

        def accepted(self, package):
            return package.records

    one = next(check.classes(check.maker_of("P-256", pool=tmp_path), per_school=1))[0]
    _, trials = spoil.trials(sample, one)

    with pytest.raises(spoil.NoVerifierError, match="credulous, data: 6 accepted, not 5"):
        spoil.require(Credulous(), trials)


def test_path_floor_libraries_and_desk_are_measured_on_the_same_packages(figures):
    """Every stage and every part of the floor has its figure; the ratios follow from them."""
    assert figures["records_per_turn"] == SIZE
    assert set(figures["stages"]) == set(STAGES.values())
    assert set(figures["floor"]) == {*CHECK_PARTS, "zstd"}
    assert {"check_to_floor", "signxml_to_ours", "xmlsec_to_ours"} <= set(figures["ratios"])
    assert set(figures["desk"]["sqlite"]) == {"receipt", "check", "store", "answer", "whole"}
    spent = [*figures["floor"].values(), *figures["desk"]["sqlite"].values()]
    assert all(cost > 0 for cost in spent), "the worker times its steps by the clock it was given"
    assert figures["ratios"]["check_to_floor"] == pytest.approx(
        figures["ours"] / figures["floor_check"], rel=0.01
    )


def test_the_chart_stands_alone_and_names_everything_in_both_languages(figures):
    """One SVG without anything from elsewhere; each bar says its figure."""
    drawn = chart.draw(report(figures))

    root = ElementTree.fromstring(drawn)
    said = [text.text for text in root.iter(f"{SVG}text")]
    assert root.get("role") == "img"
    assert "href" not in drawn
    assert {"Mức sàn", "floor", "Sandbox: kiểm tra", "sandbox: check"} <= set(said)
    assert any(f"{figures['signxml']:,.0f} · " in text for text in said)


def test_the_whole_path_over_http_is_held_against_the_floor_of_the_same_run(figures):
    """Everything on the machine counts, load generator included; its bar is drawn by role."""
    told = {**figures, "floor_whole": 500.0, "ratios": dict(figures["ratios"])}
    roles = {"generator": 50.0, "web": 200.0, "checkers": 800.0, "postgresql": 150.0, "all": 1200.0}
    volume = {
        "core_us_per_record": roles["all"],
        "cpu_us_per_record": roles,
        "records_per_s": 1_600.0,
        "nation_minutes": 93.0,
        "verdict": "PASS",
        "tenths_records_per_s": [],
    }

    joined({"P-256": told}, {"P-256": {"postgresql": volume}, "RSA-2048": {"sqlite": volume}})

    said = chart.draw(report(told))
    assert told["ratios"]["http_postgresql_to_floor"] == 2.4
    assert told["http"]["postgresql"]["nation_minutes"] == 93.0
    assert "Qua HTTP, PostgreSQL" in said
    assert "1,200 · 2.40×" in said


def test_two_kept_results_are_compared_figure_by_figure(figures, tmp_path, capsys):
    """Ratios come first; a change of a tenth is marked."""
    slower = {**figures, "ours": figures["ours"] * 1.5}
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file, told in zip(files, (figures, slower), strict=True):
        file.write_text(json.dumps(report(told, version=file.stem)), encoding="utf-8")

    code = main(["--compare", *map(str, files)])

    drifts = compare.drifts(*(compare.read(file) for file in files))
    assert code == 0
    assert "+50.0% !" in capsys.readouterr().out
    assert drifts[0].name.startswith("check.P-256.ratios.")
    assert {drift.name for drift in drifts if drift.before != drift.after} == {"check.P-256.ours"}


def test_drift_is_shown_against_the_newest_result_of_another_version(tmp_path):
    """Results of the same version, and older ones, are no yardstick."""
    for name, version, day in (("a", "0.1", "01"), ("b", "0.2", "02"), ("c", "0.3", "03")):
        told = {"version": version, "measured": f"2026-11-{day}"}
        (tmp_path / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")

    found = compare.newest_of_another_version("0.3", folder=tmp_path)

    assert found == tmp_path / "b.json"
    assert compare.newest_of_another_version("0.3", folder=tmp_path / "none") is None


def test_a_file_that_is_no_result_is_misuse(tmp_path, capsys):
    """Two names that are mixed up are told, not compared."""
    (tmp_path / "a.json").write_text("[]", encoding="utf-8")

    code = main(["--compare", str(tmp_path / "a.json"), str(tmp_path / "a.json")])

    assert code == 2
    assert "not a kept result" in " ".join(capsys.readouterr().out.split())


@pytest.mark.long
def test_the_command_measures_both_kinds_of_key_on_both_databases(tmp_path):
    """Stages, floor with its rows, libraries, desks and storage, printed and kept."""
    done = bench("--quick", "--only", "check", "--only", "storage", "--out", str(tmp_path))

    assert done.returncode == 0, done.stdout + done.stderr
    (kept,) = tmp_path.glob("*.json")
    told = json.loads(kept.read_text(encoding="utf-8"))
    assert set(told["check"]) == set(told["storage"]) == {"P-256", "RSA-2048"}
    for figures in told["check"].values():
        assert set(figures["floor"]) == set(PARTS)
        assert set(figures["desk"]) == {"sqlite", "postgresql"}
        assert {"whole_sqlite_to_floor", "whole_postgresql_to_floor"} <= set(figures["ratios"])
    for ways in told["storage"].values():
        sizes = {name: way["bytes_per_record"] for name, way in ways.items()}
        assert sizes["zstd_package"] < sizes["zstd_dictionary"] < sizes["zstd_record"]
    assert kept.with_suffix(".svg").exists()
    profile = kept.with_name(f"{kept.stem}-check-profile.txt").read_text(encoding="utf-8")
    assert "verify" in profile


@pytest.mark.long
def test_the_command_prints_start_memory_and_rates_and_keeps_them(tmp_path):
    """Cold start, memory and records per second are printed and written as JSON."""
    sections = [word for name in ("start", "elements", "nation") for word in ("--only", name)]

    done = bench(*sections, "--out", str(tmp_path))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "cold_start_s" in done.stdout
    (newest,) = tmp_path.glob("*.json")
    kept = json.loads(newest.read_text(encoding="utf-8"))
    assert set(kept["records_per_s"]) == STEPS
    assert kept["start"]["memory_mb"] > 0
    assert len(kept["load_average"]["before"]) == 3
    assert kept["nation"]["nation_written_gb_on_disk"] > 0
    profile = newest.with_name(f"{newest.stem}-nation-profile.txt")
    assert "sign_digest" in profile.read_text(encoding="utf-8")


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as `make bench` does."""
    return subprocess.run(
        [sys.executable, "-m", "loadtests.bench", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
