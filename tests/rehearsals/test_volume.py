"""The volume scenario: a whole measured run, small; its figures; what it refuses to send."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from loadtests.__main__ import main
from loadtests.profile import Objective, load_profile
from loadtests.stand import stand
from loadtests.verdict import Verdict, broken, verdict_line
from loadtests.volume import bodies, figures, run_volume
from loadtests.volume.corpus import open_corpus
from loadtests.volume.judging import agreement
from loadtests.volume.report import write_report
from sandbox.corpora import Form, Order, make
from sandbox.errors import Misuse
from sandbox.synthetic.nation import Slice

RECORDS = 300
OBJECTIVES = """format: 1
objectives:
  - {metric: stored, of: all, limit: 100, unit: percent}
  - {metric: accepted, of: all, limit: 100, unit: percent}
  - {metric: non_2xx, of: all, limit: 0, unit: count}
  - {metric: rate, of: all, limit: 10000000, unit: records/s}
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """One run of about 300 records on SQLite, with one objective that nobody keeps."""
    folder = tmp_path_factory.mktemp("volume")
    objectives = folder / "objectives.yaml"
    objectives.write_text(OBJECTIVES)
    with stand(
        records=RECORDS, database="sqlite", checkers=1, corpora=folder, folder=folder / "stand"
    ) as running:
        return run_volume(running, records=RECORDS, objectives=objectives), folder


def test_what_is_stored_is_what_was_acknowledged_and_sent(ran):
    """The desk holds each record it gave a receipt for, once, and accepted all that was sent."""
    report, _ = ran

    assert report.records_sent >= RECORDS
    assert (
        report.records_sent
        == report.records_acknowledged
        == report.records_settled
        == report.records_accepted
        == report.records_stored
    )
    assert report.packages_sent == report.packages_acknowledged == report.packages_settled
    assert set(report.answers["hoc-ba"]) == {"200 0"}


def test_a_missed_objective_is_a_fail_that_names_it(ran):
    """Ten million records a second: FAIL, exit 1, with value and limit; the others were kept."""
    report, _ = ran

    assert (report.verdict, report.exit_code) == (Verdict.FAIL, 1)
    assert [row.name for row in broken(report)] == ["rate all"]
    assert "≥ 1e+07 records/s" in verdict_line(report)


def test_every_group_of_processes_is_in_the_bill(ran):
    """CPU per record of web, checkers and generator, their sum, and memory of each process."""
    report, _ = ran
    costs = dict(report.cpu_us_per_record)

    assert set(costs) == {"web", "checkers", "generator", "all"}
    assert costs.pop("all") == pytest.approx(sum(costs.values()), abs=0.1)
    assert min(costs.values()) > 0
    assert set(report.peak_mb) == {"web", "checkers"}
    assert report.database_bytes_per_record > 0


def test_the_report_is_json_with_its_picture_beside_it(ran):
    """Curve and figures agree: every record stands in one step."""
    report, folder = ran

    picture = write_report(report, folder / "report.json")
    told = json.loads((folder / "report.json").read_text())

    assert told["verdict"] == "FAIL"
    assert sum(told["settled_per_step"]) == report.records_settled
    assert told["waiting_per_step"][-1] == 0
    assert len(told["tenths_records_per_s"]) == 10
    assert ET.parse(picture).getroot().tag.endswith("svg")


def test_a_body_is_the_line_with_the_account_put_in():
    """Nothing else changes, whatever stands in token, name and password."""
    said = {"token": "", "user_name": "", "password": "", "ma_don_vi": "0123"}
    asked = said | {"messageid": "ab2285d7-f454-4a23-9d45-afc655a1035c", "type": "1"}
    request = {"authenticationRequest": asked, "content": "H4sI"}
    line = json.dumps(request, separators=(",", ":")).encode() + b"\n"
    account = {"token": 't"k', "user_name": "trường", "password": "p"}

    body = bodies.body_of(bodies.head_of(**account), line)

    assert json.loads(body) == request | {"authenticationRequest": asked | account}
    assert bodies.messageid_of(line) == asked["messageid"]


def test_a_result_is_asked_for_and_a_package_handed_in_as_the_models_say():
    """What is joined from bytes is what the wire models read."""
    from sandbox.wire.ministry import ResultRequest, SubmitRequest

    head = bodies.head_of(token="t", user_name="u", password="p")
    messageid = "ab2285d7-f454-4a23-9d45-afc655a1035c"

    asked = bodies.asking(head, unit="1", messageid=messageid)
    sent = bodies.submitting(head, unit="1", year=2024, messageid=messageid, content=b"H4sI")

    assert ResultRequest.model_validate_json(asked).authentication_request.token == "t"
    assert SubmitRequest.model_validate_json(sent).content == "H4sI"


def test_an_even_run_has_even_tenths_and_a_slowing_one_does_not():
    """Tenths are of finished records, so a slow end shows in the last one alone."""
    even = [(1, 1, 100)] * 20
    slowing = [(1, 1, 100)] * 9 + [(1, 1, 10)] * 10

    assert figures.tenths(even, 1.0, began=0.0) == [100.0] * 10
    assert figures.tenths(slowing, 1.0, began=0.0) == [100.0] * 9 + [10.0]


def test_the_queue_is_what_came_and_was_not_settled():
    """Packages waiting at the end of each step."""
    assert figures.depth([(5, 1, 30), (2, 3, 90), (0, 3, 90)]) == [4, 3, 0]


@pytest.mark.parametrize("found", [99, 101])
def test_one_record_too_few_or_too_many_is_no_agreement(found):
    """Only equality is 100 percent, also when a million agree."""
    assert agreement((1_000_000, 1_000_000), (100, 100)) == 100
    assert agreement((1_000_000, 1_000_000), (found, 100)) < 100
    assert agreement((999_999, 1_000_000)) < 100


def test_being_asked_to_wait_is_no_failure_but_no_success_either():
    """503 with Retry-After is not `failures`; it is `non_2xx`."""
    calls = [("hoc-ba", 0.0, 5.0, 503, "SBX-1118"), ("hoc-ba", 0.0, 5.0, 200, "0")]
    objective = Objective(metric="failures", of="all", limit=0, unit="percent")

    assert figures.measured(objective, figures={}, calls=calls) == 0
    assert figures.per_call(calls)["hoc-ba"]["non_2xx"] == 1


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"form": Form.ZSTD}, "--format zstd"),
        ({"dirty": (("*", 20_000),)}, "--dirty"),
        ({}, "register-corpus"),
    ],
)
def test_a_corpus_that_cannot_be_measured_is_refused(changes, named, tmp_path):
    """Another form, faults inside, or not registered: misuse, with what to do instead."""
    part = Slice(schools=(7342, 7342), class_index=0)
    make(Order(**({"form": Form.REQUESTS, "part": part} | changes)), tmp_path / "corpus")

    with pytest.raises(Misuse, match=named):
        open_corpus(tmp_path / "corpus")


def test_the_profile_bounds_packages_seconds_and_calls():
    """Every run ends by itself."""
    profile = load_profile("volume")

    assert profile.corpus is not None
    assert profile.bounds.packages * 31 >= 8_919_198
    assert profile.bounds.time_s <= 14_400


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("volume", "--corpus", "c", "--target", "http://192.0.2.1"), "loopback"),
        (("volume", "--corpus", "/nowhere"), "/nowhere"),
        (("volume",), "--corpus"),
    ],
)
def test_a_wrong_command_is_misuse(arguments, named, tmp_path, capsys):
    """Exit 2 with what was wrong; nothing is sent."""
    (tmp_path / "secrets.json").write_text('{"admin_token": "x"}')

    assert main([*arguments, "--data", str(tmp_path)]) == 2
    assert named in capsys.readouterr().err


@pytest.mark.long
def test_a_run_on_postgresql_with_hostile_packages_loses_nothing(tmp_path: Path):
    """Poison is refused or settled, counted apart, and every good record is stored."""
    with stand(records=3_000, corpora=tmp_path) as running:
        report = run_volume(running, records=3_000, poison_every=10)

    assert report.verdict in (Verdict.PASS, Verdict.FAIL), report.reasons
    assert report.records_stored == report.records_accepted == report.records_sent
    assert set(report.poison) == {
        "huge_text",
        "deep_nesting",
        "at_the_limit",
        "gzip_bomb",
        "above_the_limit",
        "wrong_parts",
    }
    assert all(row["final"] == row["sent"] > 0 for row in report.poison.values())
    assert report.poison["at_the_limit"]["accepted"] == 2_000
    assert report.poison["wrong_parts"]["accepted"] == 0
    assert {"web", "checkers", "postgresql", "generator"} < set(report.cpu_us_per_record)


@pytest.mark.long
def test_an_open_loop_keeps_its_rate(tmp_path: Path):
    """Ten packages a second for three hundred: no faster, whatever the desk could do."""
    with stand(records=3_000, database="sqlite", corpora=tmp_path) as running:
        report = run_volume(running, records=3_000, per_s=10, users=20)

    submissions = report.calls["hoc-ba"]["count"]
    assert report.records_stored == report.records_sent
    assert report.seconds >= (submissions - 1) / 10 - 1
