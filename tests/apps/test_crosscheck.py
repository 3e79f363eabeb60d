"""The second verifier at a desk: what it looks at, and that it can disagree."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from sandbox.cli import app
from sandbox.ministry import crosscheck_store as kept
from sandbox.ministry import record_store, store
from sandbox.ministry.crosscheck import BATCH, Gap, Outcome, judge
from sandbox.ministry.crosscheck_sampling import MOST_REFUSED, REFUSED_ONE_IN, draw
from sandbox.ministry.crosscheck_store import Standing, Waiting, Why
from sandbox.web import Space
from sandbox.wire.officer import forms_of
from sandbox.witness import Opinion, Reason
from sandbox.witness import Standing as Seen
from tests.builders.crosscheck import (
    DESK,
    Watched,
    a_messageid,
    alter_stored,
    is_drawn,
    ruin_stored,
)
from tests.builders.ministry import SEED, Installation, installed, signed

CARDS = 4
NUMBERS = count(1)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    url = f"sqlite:///{tmp_path_factory.mktemp('crosscheck') / 'ministry.db'}"
    with installed(url, pages=True) as installation:
        yield Watched(installation)


@pytest.fixture
def space(watched: Watched) -> Space:
    return watched.installation.open_space(f"x{next(NUMBERS)}")


def good(watched: Watched, space: Space) -> list[Waiting]:
    """Hand in good records; return them all as if they had been chosen, the noted ones gone."""
    watched.class_in(space, watched.installation.cards[:CARDS])
    watched.work_off()
    rows = list(watched.verifier().stored(space))
    assert len(rows) == CARDS
    return [replace(row, why=Why.SAMPLE) for row in rows]


def original(watched: Watched, row: Waiting) -> bytes:
    with watched.database.read() as connection:
        found = record_store.record_of(connection, str(row.uuid), space=row.space, desk=row.desk)
    assert found is not None
    return found.xml


# ---------------------------------------------------------------- good records


def test_good_records_raise_nothing(watched: Watched, space: Space) -> None:
    """All of a package are looked at, all agree, and no incident is there."""
    rows = good(watched, space)
    first = watched.figures(space)
    watched.note(rows)
    watched.work_off()
    figures = watched.figures(space)

    assert (first.agreed, first.sampled) == (1, 1)
    assert (figures.agreed, figures.disagreed, figures.not_comparable) == (CARDS + 1, 0, {})
    assert (figures.waiting, figures.oldest_epoch) == (0, None)
    assert watched.incidents(space) == []


def test_the_first_record_of_a_new_signer_is_chosen_and_no_second_one(
    watched: Watched, space: Space
) -> None:
    """Two packages of one class: the first brings three certificates, the second none."""
    cards = watched.installation.cards
    watched.class_in(space, cards[:2])
    first = watched.noted(space)
    watched.work_off()
    watched.class_in(space, cards[2:4])

    assert [(row.number, row.why) for row in first] == [(1, Why.SIGNER)]
    assert len(first[0].digest) == 64
    assert [row.why for row in watched.noted(space) if row.why == Why.SIGNER] == []


def test_a_process_that_has_forgotten_the_signers_looks_at_none_twice(
    watched: Watched, space: Space
) -> None:
    """After a restart the choice is made again; what is known by then is struck off unlooked."""
    rows = good(watched, space)
    before = watched.figures(space).sampled
    watched.note([replace(rows[1], why=Why.SIGNER)])
    watched.work_off()

    assert watched.figures(space).sampled == before
    assert watched.noted(space) == []


def test_what_a_killed_process_held_is_looked_at_once_by_the_next(
    watched: Watched, space: Space
) -> None:
    """A claim runs out; whoever strikes the row off counts it, nobody counts it again."""
    rows = good(watched, space)
    before = watched.figures(space).sampled
    watched.note(rows)
    clock = watched.installation.clock
    with watched.database.write() as connection:
        held = kept.take(connection, epoch=clock.epoch(), seconds=120.0, limit=BATCH)
    meanwhile = watched.work_off()
    clock.advance(121)
    watched.work_off()
    late = watched.verifier()
    late._work_off(held[0])

    assert (len(held), meanwhile) == (CARDS, 0)
    assert watched.figures(space).sampled == before + CARDS


def test_a_process_told_to_stop_gives_back_what_it_holds(watched: Watched, space: Space) -> None:
    """Nothing waits for a claim to run out."""
    watched.note(good(watched, space))
    stop = threading.Event()
    stop.set()
    watched.verifier().run_once(stop)

    assert len(watched.noted(space)) == CARDS
    assert watched.work_off() == CARDS


def test_the_loop_works_off_what_is_noted_and_ends_when_told(
    watched: Watched, space: Space
) -> None:
    """As the checking process runs it, with its pauses."""
    rows = good(watched, space)
    before = watched.figures(space).sampled
    stop, verifier = threading.Event(), watched.verifier()
    watched.note(rows)
    thread = threading.Thread(target=verifier.run, args=(stop,))
    thread.start()
    for _ in range(600):
        if watched.figures(space).waiting == 0:
            break
        stop.wait(0.1)
    stop.set()
    thread.join(timeout=60)

    assert not thread.is_alive()
    assert watched.figures(space).sampled == before + CARDS


def test_a_closed_space_leaves_nothing_to_look_at(watched: Watched, space: Space) -> None:
    """What was noted goes with the space."""
    watched.class_in(space, watched.installation.cards[:1])
    watched.installation.service.reset_space(space.id)

    assert watched.noted(space) == []


# ---------------------------------------------------------------- that it can disagree


def the_one_incident(watched: Watched, space: Space) -> kept.Incident:
    """Return the only incident; looking again, noted or on demand, raises no second one."""
    watched.work_off()
    verifier = watched.verifier()
    rows = [row for row in verifier.stored(space) if not row.codes]
    watched.note(rows)
    watched.work_off()
    for row in rows:
        verifier.look_now(row, space)
    [incident] = watched.incidents(space)
    return incident


def test_bytes_altered_in_the_database_are_an_incident(watched: Watched, space: Space) -> None:
    """Somebody changes a signed weight where records are kept."""
    rows = good(watched, space)
    weight = original(watched, rows[1]).partition(b"<CAN_NANG>")[2].partition(b"<")[0]
    uuid = str(rows[1].uuid).encode()
    xml = original(watched, rows[1])
    spoiled = xml.replace(b"<CAN_NANG>" + weight, b"<CAN_NANG>" + weight[:-1] + b"7")
    assert alter_stored(watched.database, space, xml, spoiled) == 1
    watched.note(rows)
    incident = the_one_incident(watched, space)

    assert incident.uuid.encode() == uuid
    assert (incident.messageid, incident.place) == (rows[1].messageid, rows[1].number)
    assert (incident.first_said, incident.second_said) == ("", Reason.DIGEST)
    assert incident.slot == "GVCN"


def test_bytes_altered_outside_the_signed_part_are_an_incident(
    watched: Watched, space: Space
) -> None:
    """No signature covers it, but the chosen record was noted with the digest of all its bytes."""
    watched.class_in(space, watched.installation.cards[:1])
    [row] = watched.noted(space)
    xml = original(watched, row)
    alter_stored(watched.database, space, xml, xml.replace(b"<NGAY_KY>2025", b"<NGAY_KY>2024", 1))
    watched.work_off()

    assert [i.second_said for i in watched.incidents(space)] == ["khac_byte"]


def test_a_bad_signature_that_was_accepted_is_an_incident(watched: Watched, space: Space) -> None:
    """A first verifier that lets a spoiled value pass: stored as accepted, by the book."""
    rows = good(watched, space)
    xml = original(watched, rows[2])
    value = xml.rpartition(b"<SignatureValue>")[2][:4]
    spoiled = xml[::-1].replace(value[::-1], b"AAAA", 1)[::-1]
    alter_stored(watched.database, space, xml, spoiled)
    watched.note([rows[2]])
    incident = the_one_incident(watched, space)

    assert (incident.uuid, incident.place) == (rows[2].uuid, 3)
    assert (incident.second_said, incident.slot) == (Reason.VALUE, "KY_PHAT_HANH")


def test_a_good_record_that_was_refused_is_an_incident(
    watched: Watched, space: Space, caplog: pytest.LogCaptureFixture
) -> None:
    """Cut out of its package it holds; the log, the audit trail and the counts say so."""
    rows = good(watched, space)
    watched.note([replace(rows[3], codes="SBX-3003")])
    with caplog.at_level(logging.ERROR, logger="sandbox.ministry.crosscheck"):
        incident = the_one_incident(watched, space)
    with watched.database.read() as connection:
        lines = store.audit_lines(connection, space=space.id, desk=DESK)
        counts = kept.incident_counts(connection, space=space.id)

    assert (incident.uuid, incident.place) == (rows[3].uuid, 4)
    assert (incident.first_said, incident.second_said) == ("SBX-3003", "hop_le")
    assert counts == {Standing.OPEN: 1, Standing.EXPLAINED: 0}
    assert rows[3].messageid in caplog.text
    assert [
        (line["outcome"], line["record_uuid"]) for line in lines if line["action"] == "su_co"
    ] == [("lech", rows[3].uuid)]


def test_a_record_that_vanished_from_the_store_is_an_incident(
    watched: Watched, space: Space
) -> None:
    """Accepted, noted, and not there when it is read back."""
    [row, *_] = good(watched, space)
    lost = "90000000-0000-4000-8000-00000000dead"
    watched.note([replace(row, uuid=lost, messageid=lost)])
    watched.work_off()

    assert [i.second_said for i in watched.incidents(space)] == ["mat_hoc_ba"]


def test_a_store_that_cannot_be_read_back_is_an_incident(watched: Watched, space: Space) -> None:
    """Every record of the package that is lost is one; nothing waits on for it."""
    rows = good(watched, space)
    assert ruin_stored(watched.database, space, original(watched, rows[0])) == 1
    watched.note(rows)
    watched.work_off()

    assert {i.second_said for i in watched.incidents(space)} == {"khong_doc_duoc"}
    assert watched.noted(space) == []


# ---------------------------------------------------------------- what can be compared


def look(reason: Reason | None = None) -> Opinion:
    return Opinion(standing=Seen.VALID if reason is None else Seen.INVALID, reason=reason)


@pytest.mark.parametrize(
    ("codes", "opinion", "outcome"),
    [
        ("", look(), Outcome.AGREED),
        ("", look(Reason.DIGEST), Outcome.DISAGREED),
        ("SBX-3002", look(Reason.DIGEST), Outcome.AGREED),
        ("SBX-3021 SBX-3002", look(), Outcome.DISAGREED),
        ("SBX-3010", look(), Outcome.NOT_COMPARABLE),
        ("SBX-3021", look(), Outcome.NOT_COMPARABLE),
        ("SBX-3010 SBX-3011", look(Reason.VALUE), Outcome.DISAGREED),
        ("SBX-3012", look(Reason.TIME), Outcome.AGREED),
    ],
)
def test_two_verdicts_side_by_side(codes: str, opinion: Opinion, outcome: Outcome) -> None:
    """Refused by a rule the second one does not know is no incident, unless signatures differ."""
    assert judge(codes, opinion).outcome is outcome


def test_what_cannot_be_compared_is_counted_apart(watched: Watched, space: Space) -> None:
    """A refusal for a person, a package that is gone, a place that is not in its package."""
    [row, *_] = good(watched, space)
    gone = "90000000-0000-4000-8000-00000000beef"
    watched.note(
        [
            replace(row, codes="SBX-3010"),
            replace(row, codes="SBX-3002", messageid=gone),
            replace(row, codes="SBX-3002", number=CARDS + 1),
        ]
    )
    watched.work_off()

    assert watched.figures(space).not_comparable == {
        Gap.BEYOND: 1,
        Gap.PACKAGE_GONE: 1,
        Gap.NOT_CUT: 1,
    }
    assert watched.incidents(space) == []


def drawn(messageid: str) -> list[int]:
    """Return the places of a class's records that draw a lot when they are refused."""
    return [n for n in range(1, 31) if draw(f"{messageid} {n}") % REFUSED_ONE_IN == 0]


def test_of_a_package_of_refused_records_a_few_are_looked_at(
    watched: Watched, space: Space
) -> None:
    """Thirty records changed after signing: the drawn ones, five at most, and both agree."""
    messageid = a_messageid(lambda one: len(drawn(one)) > MOST_REFUSED)
    records = []
    for card in watched.installation.cards:
        address = card.general.address.encode()
        records.append(signed(card).replace(address, address + b" x"))
    answers = watched.hand_in(space, records, messageid=messageid)
    noted = watched.noted(space)
    watched.work_off()

    assert answers == ["SBX-3002"] * 30
    assert [(row.number, row.codes) for row in noted] == [
        (number, "SBX-3002") for number in drawn(messageid)[:MOST_REFUSED]
    ]
    assert watched.figures(space).agreed == MOST_REFUSED


def test_a_package_that_draws_a_lot_has_one_record_looked_at(
    watched: Watched, space: Space
) -> None:
    """Beside what its signers and its records draw."""
    cards = watched.installation.cards[:CARDS]
    watched.class_in(space, cards[:1])
    watched.work_off()
    watched.class_in(space, cards[1:], messageid=a_messageid(is_drawn))

    assert [row.why for row in watched.noted(space)] == [Why.PACKAGE]


# ---------------------------------------------------------------- the officer


def an_incident(watched: Watched, space: Space) -> str:
    """Raise one incident; return the address of the desk's incidents."""
    [row, *_] = good(watched, space)
    watched.note([replace(row, codes="SBX-3020")])
    watched.work_off()
    return f"{space.prefix}/kho/so/48/su-co"


def press(installation: Installation, page: str, **typed: str) -> str:
    html = installation.client.get(page).text
    [form] = [f for f in forms_of(html) if f.action.split("?")[0].endswith("/giai-thich")]
    installation.clock.advance(1)
    return installation.client.post(form.action, data={**form.fields, **typed}).text


def test_an_officer_sees_an_incident_and_explains_it(watched: Watched, space: Space) -> None:
    """From the desk's door over the officer's page to the incident, and closed with a note."""
    where, client = an_incident(watched, space), watched.installation.client
    desk = where.removesuffix("/su-co")
    doors = [client.get(path).text for path in (desk, f"{desk}/can-bo", where)]
    empty = press(watched.installation, f"{where}/1", ghi_chu="  ")
    closed = press(watched.installation, f"{where}/1", ghi_chu="Ghi nhầm mã khi thử")
    [incident] = watched.incidents(space)

    assert ["1 sự cố" in doors[0], "1 sự cố" in doors[1]] == [True, True]
    assert "SBX-3020" in doors[2]
    assert "Ghi lời giải thích" in empty
    assert "Ghi nhầm mã khi thử" in closed
    assert (incident.state, incident.note) == (Standing.EXPLAINED, "Ghi nhầm mã khi thử")
    assert "1 sự cố" not in client.get(desk).text


def test_an_incident_is_explained_once(watched: Watched, space: Space) -> None:
    """The second note of two officers at once is told that it comes too late."""
    where = an_incident(watched, space)
    service, desk = watched.installation.service, watched.installation.service.desk(space, DESK)
    assert desk is not None
    call = service.call(space, desk, address="", language="vi", service="can-bo")

    assert service.incidents.explain(call, 1, note="một")
    assert not service.incidents.explain(call, 1, note="hai")
    assert not service.incidents.explain(call, 2, note="ba")
    assert watched.installation.client.get(f"{where}/2").status_code == 404
    assert watched.incidents(space)[0].note == "một"


# ---------------------------------------------------------------- the command


def test_the_command_looks_at_stored_records_and_says_whether_they_agree(
    watched: Watched, space: Space, tmp_path: Path
) -> None:
    """`hocba crosscheck`: 0 while all agree, 1 with the place of each record that does not."""
    rows = good(watched, space)
    before = watched.figures(space).agreed

    def crosscheck(*more: str) -> Result:
        database = watched.database.url.render_as_string()
        said = ("--space", space.id, "--database", database, "--data", str(tmp_path), *more)
        return CliRunner().invoke(app, ["crosscheck", *said], env={"HOCBA_SEED": SEED})

    fine = crosscheck("--json", "--records", "3")
    xml = original(watched, rows[1])
    alter_stored(watched.database, space, xml, xml.replace(b"<DAN_TOC>K", b"<DAN_TOC>T", 1))
    disputed, told = crosscheck("--json"), crosscheck("--lang", "en")
    [one] = json.loads(disputed.stdout)["incidents"]

    assert (fine.exit_code, disputed.exit_code, told.exit_code) == (0, 1, 1)
    assert json.loads(fine.stdout) == {
        "records": 3, "agreed": 3, "disagreed": 0, "not_comparable": {}, "incidents": [],
    }  # fmt: skip
    assert (one["messageid"], one["record"], one["second"]) == (rows[1].messageid, 2, "tom_luoc")
    assert "Looked at 4 records: 3 agree, 1 disagree, 0 cannot be compared." in told.stdout
    assert watched.figures(space).agreed == before + 9
    assert len(watched.incidents(space)) == 1
